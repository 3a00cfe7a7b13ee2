() => {
  // The contrast of every text that is seen: its colour on what lies behind it, layer upon layer, by WCAG 2. Returns a
  // line for each that falls short, and how many were looked at. axe leaves open what is overlapped, drawn as SVG, or
  // made by a style sheet: all of that is looked at here.
  const parse = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
    // color-mix() is computed as color(srgb 0.1 …), all else as rgb(25 …).
    const scale = colour.startsWith("color(") ? 255 : 1;
    return [red * scale, green * scale, blue * scale, alpha];
  };
  const over = (upper, lower) => {
    const alpha = upper[3] + lower[3] * (1 - upper[3]);
    const mixed = [0, 1, 2].map((i) => (upper[i] * upper[3] + lower[i] * lower[3] * (1 - upper[3])) / (alpha || 1));
    return [...mixed, alpha];
  };
  const luminance = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const opacity = (element) => {
    let product = 1;
    for (let at = element; at; at = at.parentElement) product *= Number(getComputedStyle(at).opacity);
    return product;
  };
  /** What is behind an element's text, from its own background down to the white of the window. */
  const behind = (element) => {
    let found = [0, 0, 0, 0];
    for (let at = element; at && found[3] < 1; at = at.parentElement) {
      const { backgroundColor, backgroundImage } = getComputedStyle(at);
      if (backgroundImage !== "none") throw new Error(`an image lies behind text in <${at.tagName}>`);
      found = over(found, parse(backgroundColor));
    }
    return over(found, [255, 255, 255, 1]);
  };
  /** Behind a chart's text lies its first layer and, inside the axes, the plot's own paper; behind a hover label its box. */
  const behindDrawn = (element) => {
    const label = element.closest(".hovertext")?.querySelector("path");
    if (label) return [parse(getComputedStyle(label).fill)];
    const first = element.closest("figure").querySelector("svg");
    const paper = behind(first);
    const plot = first.querySelector(".bg");
    return plot ? [paper, over(parse(getComputedStyle(plot).fill), paper)] : [paper];
  };
  // A link, a mark or a verdict has a hue, and a word its score's colour behind it: 4.5 there; 7 for all other text.
  const HUED = "a, b, summary, .mark, .failed, .held, .missed, .w, td[class]";
  const least = (element) => (element.closest(HUED) ? 4.5 : 7);

  const short = [];
  let checked = 0;
  const check = (element, colour, papers, text) => {
    checked += 1;
    for (const paper of papers) {
      const shown = over([...colour.slice(0, 3), colour[3] * opacity(element)], paper);
      const found = contrast(shown, paper);
      if (found < least(element)) {
        short.push(`${found.toFixed(2)} <${element.tagName} class="${element.getAttribute("class")}">: ${text.trim()}`);
      }
    }
  };
  const options = { contentVisibilityAuto: true, visibilityProperty: true, opacityProperty: true };
  // WCAG asks no contrast of what cannot be used.
  const isSeen = (element) => element.checkVisibility(options) && !element.closest(":disabled");

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !isSeen(element)) continue;
    range.selectNodeContents(node);
    if (range.getClientRects().length === 0) continue; // scripts, and what a meter holds for browsers without it
    const style = getComputedStyle(element);
    if (element instanceof SVGElement) check(element, parse(style.fill), behindDrawn(element), node.textContent);
    else check(element, parse(style.color), [behind(element)], node.textContent);
  }
  for (const element of document.body.querySelectorAll("*")) {
    for (const pseudo of ["::before", "::after"]) {
      const style = getComputedStyle(element, pseudo);
      if (["none", "normal", '""'].includes(style.content) || !isSeen(element)) continue;
      check(element, parse(style.color), [over(parse(style.backgroundColor), behind(element))], style.content);
    }
  }
  return { short, checked };
}
