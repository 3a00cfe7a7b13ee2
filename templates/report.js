"use strict";
// The reader's choices, and how numbers are written. The files that follow are part of the same script: what the choices
// change in an example is in example.js, charts are drawn in charts.js. No data is in here: it comes from the JSON islands, and text
// enters the page as textContent only.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const { aggregations: AGGREGATIONS, methods: METHODS, scales: SCALES, rounding: ROUNDING } = JSON.parse(one("#page-data").textContent);
const STEPS = 8;
const state = { unit: "words", aggregation: AGGREGATIONS[0], special: false, method: "", beside: "", scale: "", numbers: "", version: 0 };

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

/** A probability, never rounded to a certainty that it is not. */
function probability(number) {
  if (number >= 0.9995) return "> 0.999";
  return number > 0 && number < 0.0005 ? significant(number) : number.toFixed(3);
}

// How a sentence gets its number from those of its tokens.
const BLOCKS = {
  norm: "A sentence has the root of its tokens’ summed squares: a longer one tends to have more.",
  sum: "A sentence has the sum of its tokens: a longer one tends to have more.",
  mean: "A sentence has the mean of its tokens.",
  amax: "A sentence has the largest number of its tokens.",
};

function explain() {
  const { formula, sentence, signed, word } = state.aggregation;
  const box = one("main > .explanation");
  const code = Object.assign(document.createElement("code"), { textContent: formula });
  const sign = " Blue with a solid underline is positive, orange with a dotted underline negative.";
  const methods = Object.values(METHODS);
  const holders = methods.filter(({ scores }) => scores.includes(state.aggregation.name)).map(({ title }) => title);
  const where = holders.length < methods.length
    ? ` This is a score of ${holders.join(", ")}; other maps show their own first score.`
    : "";
  const block = state.unit === "sentences" ? ` ${BLOCKS[word] ?? ""}` : "";
  const share = state.numbers === "share" ? " Each number is divided by the sum of all sizes in view; tables keep the numbers as they are." : "";
  box.replaceChildren(`${sentence}${signed ? sign : ""}${where}${block}${share} `, code);
}

// Examples wake when they come near: a page of thousands parses and paints only what is seen.

const awake = new Map();
const near = new Set();

const nearby = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) near.add(target);
    else near.delete(target);
    if (isIntersecting) wake(target);
  }
}, { rootMargin: "1000px" });

/** At once where the data of the example has been unpacked, else as soon as it is. */
function wake(article) {
  const [pack, place] = placeOf(numberOf(article));
  if (!pack.value) {
    pack.read().then(() => article.isConnected && wake(article), cannotUnpack);
    return;
  }
  const data = pack.value.data[place];
  if (!data) return; // it failed: there is nothing to change
  if (!awake.has(article)) {
    awake.set(article, new Example(article, expand(data, article)));
    charts.watch(awake.get(article));
  }
  const example = awake.get(article);
  if (example.painted !== state.version) example.paint();
}

function watch(articles) {
  for (const article of articles) nearby.observe(article);
}

/** Cards that left the page: those of a pack are made anew when they return. */
function forget(articles, kept) {
  for (const article of articles) {
    if (kept.includes(article)) continue;
    nearby.unobserve(article);
    near.delete(article);
    if (list.served.has(numberOf(article))) continue;
    charts.forget(awake.get(article));
    awake.delete(article);
  }
}

// The switches, which the link of a view can set.

const SWITCHES = {
  unit: { first: "words", read: () => one("input[name=unit]:checked").value, set: (value) => { const radio = all("input[name=unit]").find((input) => input.value === value); if (radio) radio.checked = true; } },
  score: { ...choiceOf("#aggregation"), first: AGGREGATIONS[0]?.name },
  special: { first: "", read: () => (one("#special").checked ? "1" : ""), set: (value) => { one("#special").checked = value === "1"; } },
  method: choiceOf("#method"),
  beside: choiceOf("#beside"),
  scale: choiceOf("#scale"),
  numbers: choiceOf("#numbers"),
};

/** A list to choose from, which not every page has. */
function choiceOf(css) {
  const list = one(css);
  const has = (value) => [...(list?.options ?? [])].some((option) => option.value === value);
  return { first: "", read: () => list?.value ?? "", set: (value) => { if (has(value)) list.value = value; } };
}

/** Names and values of the switches that are not as at first. */
function switchesSet() {
  if (!one(".controls")) return [];
  return Object.entries(SWITCHES).map(([name, { read }]) => [name, read()]).filter(([name, value]) => value !== SWITCHES[name].first);
}

function setSwitches(asked) {
  if (!one(".controls")) return;
  const named = Object.keys(SWITCHES).filter((name) => asked.has(name));
  for (const name of named) SWITCHES[name].set(asked.get(name));
  if (named.length) readSwitches();
}

/** The state is what the switches show: a browser that reloads a page may have set them before this runs. */
function readSwitches() {
  state.unit = SWITCHES.unit.read();
  state.aggregation = AGGREGATIONS.find(({ name }) => name === SWITCHES.score.read());
  state.special = SWITCHES.special.read() === "1";
  state.method = SWITCHES.method.read();
  state.beside = SWITCHES.beside.read();
  state.scale = SWITCHES.scale.read();
  state.numbers = SWITCHES.numbers.read();
  state.version += 1;
  document.documentElement.classList.toggle("special-shown", state.special);
  explain();
  countMore();
  near.forEach(wake);
  charts.refreshAll();
}

/** How many of the switches that are folded away are set. */
function countMore() {
  const summary = one(".more summary");
  if (!summary) return;
  const set = switchesSet().filter(([name]) => one(`.more #${name}`)).length;
  summary.textContent = set ? `More (${set} set)` : "More";
}

addEventListener("keydown", ({ key }) => {
  const more = one(".more[open]");
  if (key !== "Escape" || !more) return;
  const held = more.contains(document.activeElement);
  more.open = false;
  if (held) one("summary", more).focus();
});
