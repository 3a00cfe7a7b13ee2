// The letters of a picture: each word of a line as one text of SVG, at the place where the browser wrote it.
const ascents = new Map();
const pen = document.createElement("canvas").getContext("2d");

/** How much of the height of a line's letters lies above their baseline. */
function ascent({ fontStyle, fontWeight, fontSize, fontFamily }) {
  const font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
  if (!ascents.has(font)) {
    pen.font = font;
    const { fontBoundingBoxAscent: above, fontBoundingBoxDescent: below } = pen.measureText("x");
    ascents.set(font, above / (above + below));
  }
  return ascents.get(font);
}

/** All text of an element, in its order. A coloured text is taken as a whole: letters join across its words and tokens. */
function writing(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const groups = new Map();
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const whole = node.parentElement.closest(".text") ?? node;
    if (!groups.has(whole)) groups.set(whole, []);
    groups.get(whole).push(node);
  }
  return [...[...groups.values()].flatMap(lettered), ...all(".newline", root).flatMap(breakSign)];
}

function lettered(nodes) {
  return parts(nodes).map(({ text, left, right, top, bottom, isRtl, style }) => drawn("text", {
    x: isRtl ? right : left,
    y: top + (bottom - top) * ascent(style),
    textLength: right - left, // where another font is at hand, words still lie on their colours
    lengthAdjust: "spacingAndGlyphs",
    ...(isRtl && { direction: "rtl" }),
    ...font(style),
  }, printable(text.trim().replace(/\s/g, "\u00a0"))));
}

function font({ fontFamily, fontSize, fontWeight, fontStyle, color }) {
  return {
    "font-family": fontFamily,
    "font-size": parseFloat(fontSize),
    ...(fontWeight !== "400" && { "font-weight": fontWeight }),
    ...(fontStyle !== "normal" && { "font-style": fontStyle }),
    fill: color,
  };
}

/** The sign of a line break, which is no text of the page: it stands where the break's own box begins. */
function breakSign(element) {
  const style = getComputedStyle(element, "::before");
  const [rect] = element.getClientRects();
  if (!rect) return [];
  const outer = getComputedStyle(element);
  const padding = parseFloat(outer.paddingTop);
  const y = rect.top + padding + (rect.height - 2 * padding) * ascent(outer);
  return [drawn("text", { x: rect.left, y, ...font(style) }, "↵")];
}

/** Stretches of text that lie side by side in a line, of one word and one direction; blanks only inside of them. */
function parts(nodes) {
  const graphemes = new Intl.Segmenter(); // where a browser has none, only pictures fail
  const found = [];
  let last = null;
  let start = 0; // of the node, in the text of them all
  let number = 0;
  for (const { segment, index } of graphemes.segment(nodes.map(({ data }) => data).join(""))) {
    while (index >= start + nodes[number].length) start += nodes[number++].length;
    const node = nodes[number];
    const box = boxOf(nodes, number, index - start, segment.length);
    const isBlank = !segment.trim();
    if (!box || segment === "\t" || (isBlank && !last)) {
      last = null;
      continue;
    }
    const owner = node.parentElement.closest(".w") ?? node;
    const isNext = last && last.owner === owner && last.isRtl === box.isRtl && Math.abs(last.top - box.top) < 1
      && Math.abs(box.isRtl ? last.reach.left - box.right : last.reach.right - box.left) < 1;
    if (!isNext) {
      last = isBlank ? null : { text: "", owner, style: getComputedStyle(node.parentElement), ...box, reach: box };
      if (last) found.push(last);
      else continue;
    }
    last.text += segment;
    last.reach = box;
    if (!isBlank) Object.assign(last, { left: Math.min(last.left, box.left), right: Math.max(last.right, box.right) });
  }
  return found;
}

/** Where a letter is written. It can reach over several nodes: a flag, or a family of emoji, has several tokens. */
function boxOf(nodes, number, offset, length) {
  const range = document.createRange();
  const rects = [];
  for (let rest = length, from = offset, at = number; rest > 0; at += 1, from = 0) {
    const to = Math.min(nodes[at].length, from + rest);
    range.setStart(nodes[at], from);
    range.setEnd(nodes[at], to);
    rects.push(...[...range.getClientRects()].filter(({ width }) => width > 0));
    rest -= to - from;
  }
  if (!rects.length) return null;
  const [{ top, bottom }] = rects;
  const left = Math.min(...rects.map((rect) => rect.left));
  const right = Math.max(...rects.map((rect) => rect.right));
  range.setStart(nodes[number], offset);
  range.collapse(true);
  const caret = range.getClientRects()[0]?.left ?? left;
  return { top, bottom, left, right, isRtl: right - caret < caret - left };
}
