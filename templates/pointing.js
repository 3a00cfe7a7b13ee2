// Pointing at a word, with a mouse or a finger: its number is said under the text, and a bar and its word light up together.

/** What can be pointed at in a figure, in the order of the text: the elements of one token, word or sentence. */
function stopsOf(example, figure) {
  if (figure.stops) return figure.stops;
  const map = example.data.maps[figure.shows];
  const encoding = example.encoding(map);
  const unit = unitOf(map);
  const scores = figure.isAbsent ? [] : shownScores(example, map);
  const found = new Map();
  encoding.runs.forEach(([words, pieces], number) => {
    const run = figure.runs[number];
    pieces.forEach((tokens, piece) => {
      const indices = indicesOf(encoding, unit, words, tokens);
      if (!indices.length) return;
      const element = unit === "tokens" ? run.children[piece] ?? run : run;
      const key = unit === "tokens" ? element : indices[0];
      if (!found.has(key)) found.set(key, { indices, elements: new Set(), name: "", score: strongest(scores, indices) });
      found.get(key).elements.add(element);
    });
  });
  figure.stops = [...found.values()];
  for (const stop of figure.stops) {
    stop.elements = [...stop.elements];
    const text = stop.elements.map((element) => element.textContent).join("");
    stop.name = unit === "sentences" ? encoding.sentences[stop.indices[0]] : text.trim() || "blank";
  }
  return figure.stops;
}

/** The figure and the stop that an element is part of. */
function stopAt(example, element) {
  if (!element.closest(".map .text")) return undefined;
  const figure = example.figures.find((one) => one.element.contains(element));
  const stop = stopsOf(example, figure).find(({ elements }) => elements.some((one) => one.contains(element)));
  return stop && { figure, stop };
}

function unlight(example) {
  for (const element of all(".lit", example.article)) element.classList.remove("lit");
}

function light(example, stop) {
  unlight(example);
  for (const element of stop?.elements ?? []) element.classList.add("lit");
}

/** The word of a bar, in the figure whose map the chart shows. */
function lightOfBar(example, index) {
  const figure = example.figures.find(({ shows }) => shows === example.chosen);
  light(example, stopsOf(example, figure).find(({ indices }) => indices.includes(index)));
}

/** A line under the text says the number of the word that the reader points at, taps or focuses. */
function sayAt(example, { figure, stop }) {
  const text = Object.assign(document.createElement("bdi"), { textContent: stop.name });
  const { name } = scoreOf(example.data.maps[figure.shows]);
  const isScored = stop.score !== undefined;
  const number = isScored ? shownNumber(stop.score) : "no number here";
  if (figure.isOther) one(".readout", figure.element).replaceChildren(`${number} `, text); // short, of one line
  else example.readout.replaceChildren(text, `: ${isScored ? `${name} ` : ""}${number}`);
}

function connectPointing(example) {
  const { article } = example;
  example.readout = one(".readout", example.legend);
  example.readout.textContent = "Point at a word, or tap it, for its number.";
  for (const readout of all(".readout", article)) readout.setAttribute("aria-live", "polite");
  const show = ({ type, target }) => {
    if (target.closest(".plot")) return; // a chart lights for itself
    const found = stopAt(example, target);
    if (found && type === "click") setCursor(example, found.figure, found.stop);
    if (found) sayAt(example, found);
    light(example, found?.stop);
    charts.light(example, found && found.figure.shows === example.chosen ? found.stop.indices : []);
  };
  for (const kind of ["pointerover", "click", "focusin"]) article.addEventListener(kind, show);
  for (const kind of ["pointerleave", "focusout"]) {
    article.addEventListener(kind, () => {
      unlight(example);
      charts.light(example, []);
    });
  }
  article.addEventListener("keydown", (event) => onTextKey(example, event));
}
