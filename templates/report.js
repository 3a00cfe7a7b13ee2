"use strict";
// The reader's choices and what they change in the text. Charts are drawn in charts.js, which follows this file in
// the same script. No data is in here: it comes from the JSON islands, and text enters the page as textContent only.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const AGGREGATIONS = JSON.parse(one("#page-data").textContent).aggregations;
const STEPS = 8;
const state = { unit: "words", aggregation: AGGREGATIONS[0], special: false, version: 0 };

/** A number with three significant digits, as the server writes it. */
function significant(number) {
  const size = Math.abs(number);
  const sign = number < 0 ? "−" : "";
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e5) return sign + size.toExponential(2).replace("e+", "e").replace("e-", "e−");
  return sign + size.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size))));
}

/** The score of the largest size among some positions; undefined where the target depends on none of them. */
function strongest(scores, indices) {
  let best;
  for (const index of indices) {
    const score = scores[index];
    if (score !== undefined && (best === undefined || Math.abs(score) > Math.abs(best))) best = score;
  }
  return best;
}

function colourClass(score, largest) {
  if (score === undefined) return "";
  const ramp = state.aggregation.signed ? (score >= 0 ? "p" : "n") : "s";
  return ramp + (largest > 0 ? Math.floor((STEPS * Math.abs(score)) / largest + 0.5) : 0);
}

/** One example: its data, its elements, and the map that is chosen. */
class Example {
  constructor(article) {
    this.article = article;
    this.data = JSON.parse(one("script.data", article).textContent);
    this.chosen = this.data.headline;
    this.mapOf = new Map(this.data.maps.map((map, index) => [map.position, index]));
    this.figures = all(".map", article).map((element, index) => ({
      element,
      map: this.data.figures[index],
      runs: all(".w", element),
    }));
    if (this.isSequence) this.makeTokensChoosable();
    else if (this.figures.length > 1) this.makeMapsChoosable();
    this.addReadout();
  }

  get isSequence() { return this.data.kind === "sequence"; }
  get map() { return this.data.maps[this.chosen]; }
  encoding(map) { return this.data.encodings[map.encoding]; }
  scores(map, unit = state.unit) { return map.scores[unit][state.aggregation.name]; }
  special(encoding, unit = state.unit) {
    return new Set(unit === "words" ? encoding.specialWords : encoding.specialTokens);
  }

  /** The largest absolute score of some maps; special tokens count only while they are shown. */
  largest(maps, unit = state.unit) {
    let largest = 0;
    for (const map of maps) {
      const special = this.special(this.encoding(map), unit);
      this.scores(map, unit).forEach((score, index) => {
        if (state.special || !special.has(index)) largest = Math.max(largest, Math.abs(score));
      });
    }
    return largest;
  }

  paint() {
    this.painted = state.version;
    const mapOfFigure = (figure) => this.data.maps[this.isSequence ? this.chosen : figure.map];
    const largest = this.largest(this.figures.map(mapOfFigure));
    for (const figure of this.figures) {
      this.paintFigure(figure, mapOfFigure(figure), largest);
      figure.element.classList.toggle("shown", figure.map === this.chosen);
    }
    this.paintLegend(largest);
    if (this.isSequence) this.paintSequence();
    one(".sentence", this.article).textContent = this.map.sentence;
    if (this.figures.length > 1 || this.isSequence) {
      one(".plot-title", this.article).textContent = `Scores in the order of the text: ${this.map.title}`;
    }
    if (one(".share", this.article)) {
      one(".share-number", this.article).textContent = percent(this.map.share);
      one(".share-state", this.article).textContent = state.special ? "" : "; the colours leave them out";
    }
    for (const button of all(".pick", this.article)) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.pick) === this.chosen));
    }
  }

  paintFigure(figure, map, largest) {
    const encoding = this.encoding(map);
    const words = this.scores(map, "words");
    const tokens = this.scores(map, "tokens");
    const special = this.special(encoding, "words");
    encoding.runs.forEach(([wordsOfRun, pieces], index) => {
      const run = figure.runs[index];
      const hidden = !state.special && wordsOfRun.some((word) => special.has(word));
      const seen = (tokens) => map.position === null || tokens[0] < map.position;
      // A word that the explained token is part of is coloured as far as that token can see.
      const whole = pieces.length === 1 ? seen(pieces[0]) : state.unit === "words" && pieces.every(seen);
      const ofRun = state.unit === "words" ? strongest(words, wordsOfRun) : strongest(tokens, pieces[0]);
      setScore(run, whole ? ofRun : undefined, largest, hidden);
      [...run.children].forEach((piece, number) => {
        const ofPiece = state.unit === "words" ? ofRun : strongest(tokens, pieces[number]);
        setScore(piece, whole || !seen(pieces[number]) ? undefined : ofPiece, largest, hidden);
      });
    });
  }

  paintLegend(largest) {
    const end = significant(largest);
    const signed = state.aggregation.signed;
    for (const legend of all(".legend", this.article)) {
      one(".low", legend).textContent = signed ? `−${end}` : "0";
      one(".high", legend).textContent = end;
      one(".ramp", legend).className = `ramp ${signed ? "signed" : "size"}`;
    }
  }

  choose(index) {
    if (index < 0 || index >= this.data.maps.length) return;
    this.chosen = index;
    this.paint();
    charts.refresh(this);
  }

  // Generation: the explained tokens in the text are the control.

  makeTokensChoosable() {
    const figure = this.figures[0];
    const { runs } = this.encoding(this.map);
    this.controls = [];
    runs.forEach(([, pieces], index) => {
      const elements = figure.runs[index].children.length ? [...figure.runs[index].children] : [figure.runs[index]];
      pieces.forEach((tokens, number) => {
        const maps = tokens.filter((token) => this.mapOf.has(token)).map((token) => this.mapOf.get(token));
        if (maps.length) this.controls.push({ element: elements[number], maps });
      });
    });
    const group = one(".text", figure.element);
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-label", "Explained token");
    for (const { element, maps } of this.controls) {
      element.setAttribute("role", "radio");
      // Several tokens can share a character: each click takes the next of them.
      element.addEventListener("click", () => this.choose(maps[(maps.indexOf(this.chosen) + 1) % maps.length]));
      element.addEventListener("keydown", (event) => this.onKey(event, maps));
    }
    for (const button of all(".step", this.article)) {
      button.addEventListener("click", () => this.choose(this.chosen + Number(button.dataset.step)));
    }
  }

  onKey(event, maps) {
    const last = this.data.maps.length - 1;
    const next = {
      ArrowRight: this.chosen + 1,
      ArrowDown: this.chosen + 1,
      ArrowLeft: this.chosen - 1,
      ArrowUp: this.chosen - 1,
      Home: 0,
      End: last,
      Enter: maps[0],
      " ": maps[0],
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.choose(Math.min(last, Math.max(0, next)));
    this.controls.find((control) => control.maps.includes(this.chosen))?.element.focus();
  }

  paintSequence() {
    for (const { element, maps } of this.controls) {
      const checked = maps.includes(this.chosen);
      element.setAttribute("aria-checked", String(checked));
      element.tabIndex = checked ? 0 : -1;
    }
    const { map } = this;
    const name = this.encoding(map).tokens[map.position];
    one(".which", this.article).textContent = `“${name}”, ${this.chosen + 1} of ${this.data.maps.length}`;
    const back = one('.step[data-step="-1"]', this.article);
    const forth = one('.step[data-step="1"]', this.article);
    back.disabled = this.chosen === 0;
    forth.disabled = this.chosen === this.data.maps.length - 1;
    fillChances(one(".chances", this.article), map.alternatives);
    if (this.chosen !== this.tabled) this.fillTable();
  }

  /** The table of numbers follows the chosen token. */
  fillTable() {
    this.tabled = this.chosen;
    const { map } = this;
    const encoding = this.encoding(map);
    const rows = all(".numbers:not(.of-matrix) tbody tr", this.article);
    let row = 0;
    const fill = (unit, index) => {
      const cells = [...rows[row++].cells].slice(2);
      AGGREGATIONS.forEach(({ name }, column) => {
        const score = map.scores[unit][name][index];
        cells[column].textContent = score === undefined ? "" : significant(score);
      });
    };
    encoding.parts.forEach((tokens, word) => {
      fill("words", word);
      if (tokens.length > 1) tokens.forEach((token) => fill("tokens", token));
    });
    one(".numbers:not(.of-matrix) .of", this.article).textContent = map.title;
  }

  // Multiple choice: one chart, for the map that is picked.

  makeMapsChoosable() {
    for (const figure of this.figures) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "pick";
      button.dataset.pick = figure.map;
      button.textContent = "Show in the chart";
      button.setAttribute("aria-label", `Show in the chart: ${this.data.maps[figure.map].title}`);
      button.addEventListener("click", () => this.choose(figure.map));
      figure.element.append(button);
    }
  }

  /** A line under the text says the number of the word that the reader points at, taps or focuses. */
  addReadout() {
    const line = one(".readout", this.article);
    const show = ({ target }) => {
      const part = target.closest(".map .text [title]");
      if (!part) return;
      const text = document.createElement("bdi");
      text.textContent = part.textContent.trim() || "blank";
      line.replaceChildren(text, `: ${state.aggregation.name} ${part.title}`);
    };
    for (const kind of ["pointerover", "click", "focusin"]) one(".maps", this.article).addEventListener(kind, show);
  }
}

function setScore(element, score, largest, hidden) {
  element.className = element.className.replace(/\b[spn]\d\b/g, "").trim();
  if (score === undefined) {
    element.removeAttribute("title");
    return;
  }
  element.title = significant(score);
  if (!hidden) element.classList.add(colourClass(score, largest));
}

function percent(share) {
  return share > 0 && share < 0.005 ? "less than 1 %" : `${Math.round(share * 100)} %`;
}

function fillChances(list, alternatives) {
  list.replaceChildren(
    ...alternatives.map(([name, written, probability, explained]) => {
      const item = document.createElement("li");
      item.className = explained ? "predicted" : "";
      const text = Object.assign(document.createElement("span"), { className: "name" });
      text.append(Object.assign(document.createElement("bdi"), { textContent: name }));
      const meter = Object.assign(document.createElement("meter"), { min: 0, max: 1, value: probability });
      meter.setAttribute("aria-label", `Probability of ${name}`);
      const number = Object.assign(document.createElement("span"), { className: "number", textContent: written });
      item.append(text, " ", meter, " ", number);
      return item;
    }),
  );
}

function explain() {
  const { formula, sentence, signed } = state.aggregation;
  const box = one(".controls .explanation");
  const code = Object.assign(document.createElement("code"), { textContent: formula });
  const sign = " Blue with a solid underline is positive, orange with a dotted underline negative.";
  box.replaceChildren(code, ` ${sentence}${signed ? sign : ""}`);
}

// Examples wake when they come near: a page of thousands parses and paints only what is seen.

const awake = new Map();
const near = new Set();

function wake(article) {
  if (!awake.has(article)) {
    awake.set(article, new Example(article));
    charts.watch(awake.get(article));
  }
  const example = awake.get(article);
  if (example.painted !== state.version) example.paint();
}

function watchExamples() {
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) near.add(target);
      else near.delete(target);
      if (isIntersecting) wake(target);
    }
  }, { rootMargin: "1000px" });
  const articles = all("article:has(script.data)");
  for (const article of articles) observer.observe(article);
  addEventListener("beforeprint", () => articles.forEach(wake));
}

/** The state is what the switches show: a browser that reloads a page may have set them before this runs. */
function readSwitches() {
  state.unit = one("input[name=unit]:checked").value;
  state.aggregation = AGGREGATIONS.find(({ name }) => name === one("#aggregation").value);
  state.special = one("#special").checked;
  state.version += 1;
  document.documentElement.classList.toggle("special-shown", state.special);
  explain();
  near.forEach(wake);
  charts.refreshAll();
}
