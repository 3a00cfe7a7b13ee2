"use strict";
// The reader's choices, and how numbers are written. The files that follow are part of the same script: what the choices
// change in an example is in example.js, charts are drawn in charts.js. No data is in here: it comes from the JSON islands, and text
// enters the page as textContent only.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const { aggregations: AGGREGATIONS, methods: METHODS } = JSON.parse(one("#page-data").textContent);
const STEPS = 8;
const state = { unit: "words", aggregation: AGGREGATIONS[0], special: false, version: 0 };

/** A number with some significant digits, as the server writes it. */
function written(number, digits) {
  const size = Math.abs(number);
  const sign = number < 0 ? "−" : "";
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e5) return sign + size.toExponential(digits - 1).replace("e+", "e").replace("e-", "e−");
  return sign + size.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
}

function significant(number) {
  return written(number, 3);
}

/** A number and its standard error, where there is one. */
function withError(number, error) {
  return error === undefined ? significant(number) : `${significant(number)} ± ${written(error, 2)}`;
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

/** A token that a method does not measure has no number, as a later token has none. */
function dropNulls(scores) {
  for (const [name, numbers] of Object.entries(scores)) scores[name] = numbers.map((number) => number ?? undefined);
}

function colourClass(score, largest, signed) {
  if (score === undefined) return "";
  const ramp = signed ? (score >= 0 ? "p" : "n") : "s";
  return ramp + (largest > 0 ? Math.floor((STEPS * Math.abs(score)) / largest + 0.5) : 0);
}

/** The chosen score where the map has it, else the first score of its method. */
function scoreOf(map) {
  const { scores } = METHODS[map.method];
  const name = scores.includes(state.aggregation.name) ? state.aggregation.name : scores[0];
  return AGGREGATIONS.find((aggregation) => aggregation.name === name);
}

function percent(share) {
  return share > 0 && share < 0.005 ? "less than 1 %" : `${Math.round(share * 100)} %`;
}

function explain() {
  const { formula, sentence, signed } = state.aggregation;
  const box = one(".controls .explanation");
  const code = Object.assign(document.createElement("code"), { textContent: formula });
  const sign = " Blue with a solid underline is positive, orange with a dotted underline negative.";
  const methods = Object.values(METHODS);
  const holders = methods.filter(({ scores }) => scores.includes(state.aggregation.name)).map(({ title }) => title);
  const where = holders.length < methods.length
    ? ` This is a score of ${holders.join(", ")}; other maps show their own first score.`
    : "";
  box.replaceChildren(code, ` ${sentence}${signed ? sign : ""}${where}`);
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
