// A picture of elements as SVG, drawn from the boxes that the browser itself laid out: so lines break, scripts run and
// colours lie in the picture where they do on the page. Presentation attributes alone: it opens anywhere, in an <img> too.

const SVG = "http://www.w3.org/2000/svg";

/** A colour of the palette as it is now, light or dark. */
function hue(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function drawn(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, typeof value === "number" ? Number(value.toFixed(2)) : value);
  }
  if (text !== undefined) element.textContent = text;
  return element;
}

/** The SVG, as text, of what lies in an element. */
function picture(root) {
  const { left, top, width, height } = root.getBoundingClientRect();
  const svg = drawn("svg", { xmlns: SVG, width: Math.ceil(width), height: Math.ceil(height) });
  svg.setAttribute("viewBox", `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`);
  const place = drawn("g", { transform: `translate(${-left} ${-top})` });
  svg.append(drawn("title", {}, printable(root.getAttribute("aria-label"))), place);
  place.append(drawn("rect", { x: left, y: top, width, height, fill: hue("--paper") }));
  const elements = [root, ...all("*", root)];
  for (const element of elements) place.append(...boxes(element));
  place.append(...writing(root));
  for (const element of elements) place.append(...strokes(element));
  return new XMLSerializer().serializeToString(svg);
}

/** What XML cannot hold is shown as the sign of something unknown. */
function printable(text) {
  return text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
}

function isClear(colour) {
  return colour === "transparent" || /, 0\)$/.test(colour);
}

/** Backgrounds, borders and outlines of an element, line by line. */
function boxes(element) {
  const style = getComputedStyle(element);
  const rects = [...element.getClientRects()].filter(({ width }) => width > 0);
  const fill = (x, y, width, height, colour) => drawn("rect", { x, y, width, height, fill: colour });
  if (element.matches(".ramp")) return rects.flatMap((rect) => rampCells(rect, element.matches(".signed")));
  const found = [];
  for (const { left, top, right, bottom, width, height } of rects) {
    if (!isClear(style.backgroundColor)) found.push(fill(left, top, width, height, style.backgroundColor));
    const sides = {
      Top: [left, top, width, 0], Bottom: [left, bottom, width, 0], Left: [left, top, 0, height], Right: [right, top, 0, height],
    };
    for (const [side, [x, y, along, down]] of Object.entries(sides)) {
      const size = parseFloat(style[`border${side}Width`]);
      if (!size || style[`border${side}Style`] === "none") continue;
      const [dx, dy] = [side === "Right" ? -size : 0, side === "Bottom" ? -size : 0];
      found.push(fill(x + dx, y + dy, along || size, down || size, style[`border${side}Color`]));
    }
  }
  return found;
}

/** The scale, in the steps that words are coloured by. */
function rampCells({ left, top, width, height }, signed) {
  const steps = Array.from({ length: STEPS }, (_, index) => index + 1);
  const names = signed
    ? [...steps.map((step) => `--n${step}`).reverse(), "--paper", ...steps.map((step) => `--p${step}`)]
    : ["--paper", ...steps.map((step) => `--s${step}`)];
  const size = width / names.length;
  const cells = names.map((name, index) => (
    drawn("rect", { x: left + index * size, y: top, width: size, height, fill: hue(name) })
  ));
  return [...cells, drawn("rect", { x: left, y: top, width, height, fill: "none", stroke: hue("--line") })];
}

/** Signs are told by underlines, and tokens that are explained by outlines. */
function strokes(element) {
  if (!element.matches(".w, .w > span")) return [];
  const isBreak = element.matches(".newline");
  const style = getComputedStyle(element, isBreak ? "::before" : null);
  const [, colour, spread] = style.boxShadow.match(/^(.*\)) 0px 0px 0px ([\d.]+)px/) ?? [];
  const rects = [...element.getClientRects()].filter(({ width }) => width > 0).slice(0, isBreak ? 1 : undefined);
  const found = [];
  for (const { left, top, width, height } of rects) {
    const line = { fill: "none", stroke: colour, "stroke-width": Number(spread) };
    if (colour) found.push(drawn("rect", { x: left, y: top, width, height, rx: 2, ...line }));
    if (isBreak || !style.textDecorationLine.includes("underline")) continue;
    const padding = parseFloat(style.paddingTop);
    const base = top + padding + (height - 2 * padding) * ascent(style);
    const y = base + parseFloat(style.textUnderlineOffset) + 1;
    const dots = style.textDecorationStyle === "dotted" ? { "stroke-dasharray": "0 4", "stroke-linecap": "round" } : {};
    found.push(drawn("line", { x1: left, x2: left + width, y1: y, y2: y, stroke: style.textDecorationColor, "stroke-width": 2, ...dots }));
  }
  return found;
}
