// The list of examples: what is searched for, how it is sorted, which page of it is open, and the link that reopens it.

const FILTERS = ["q", "task", "model", "label", "expected", "show", "sort"];
const SORTS = { unsure: ["probabilities", 1], sure: ["probabilities", -1], gap: ["gaps", -1], faithful: ["faithfulness", 1] };

const list = {
  filters: Object.fromEntries(FILTERS.map((name) => [name, ""])),
  page: 1,
  example: null, // the one that the link names
  catalogue: null,
  cards: one("#cards"),
  rows: one(".index ol"),
  served: new Map(),
  order: [],
  turn: 0,

  async open() {
    for (const article of this.cards.children) this.served.set(numberOf(article), article);
    this.servedRows = new Map([...this.rows.children].map((row, index) => [index + 1, row]));
    this.count = Number(one("#page-data").dataset.examples);
    this.order = Array.from({ length: this.count }, (_, index) => index + 1);
    for (const name of FILTERS) {
      const control = one(`#find-${name}`);
      control?.addEventListener(name === "q" ? "input" : "change", () => this.change({ [name]: control.value }));
    }
    for (const button of all(".pager button")) {
      button.addEventListener("click", () => this.turnTo(this.page + Number(button.dataset.step)));
    }
    one(".everything")?.addEventListener("click", () => {
      one("#index-title").focus({ preventScroll: true }); // the button goes
      this.change({}, true);
    });
    addEventListener("hashchange", () => this.land());
    document.addEventListener("click", (event) => {
      if (event.target.closest('a[href^="#"]')?.hash !== location.hash) return;
      event.preventDefault(); // the link that was followed last: no change of it would be told
      this.land();
    });
    addEventListener("keydown", (event) => this.onKey(event));
    await this.follow();
  },

  get isFiltered() { return FILTERS.some((name) => this.filters[name]); },
  get pages() { return Math.max(1, Math.ceil(this.order.length / PACK_SIZE)); },

  /** New filters; a filter that is not named stays, or goes with `anew`. */
  async change(filters, anew = false) {
    for (const name of FILTERS) this.filters[name] = filters[name] ?? (anew ? "" : this.filters[name]);
    this.page = 1;
    this.example = null;
    await this.arrange();
    await this.show();
    writeHash();
  },

  async turnTo(page) {
    this.page = page;
    this.example = null;
    await this.show();
    writeHash();
    one("#index-title").focus();
    one(".index").scrollIntoView();
  },

  /** The numbers of the examples that match, in their order. */
  async arrange() {
    if (!this.isFiltered) {
      this.order = Array.from({ length: this.count }, (_, index) => index + 1);
      return;
    }
    const catalogue = await this.load();
    const { q, sort, show } = this.filters;
    const terms = termsOf(q);
    const bit = catalogue.bits[show] ?? 0;
    const fits = (index) => (
      terms.every((matches) => matches(catalogue, index))
      && (!bit || catalogue.marks[index] & bit)
      && [["task", "tasks"], ["model", "models"], ["label", "answers"], ["expected", "expected"]].every(([name, column]) => (
        !this.filters[name] || catalogue[column][index] === this.filters[name]
      ))
    );
    const found = catalogue.ids.map((_, index) => index).filter(fits);
    if (SORTS[sort]) {
      const [column, direction] = SORTS[sort];
      const rank = (index) => {
        const value = catalogue[column]?.[index] ?? null;
        return value === null ? Infinity : direction * value; // what has no number comes last
      };
      found.sort((one, other) => rank(one) - rank(other) || one - other);
    }
    this.order = found.map((index) => index + 1);
  },

  async load() {
    if (!this.catalogue) {
      const held = await new Island(one("#catalogue")).read();
      const column = (name) => (held[name] ? held[name][1].map((index) => held[name][0][index]) : []);
      const [tasks, models, answers, expected] = ["tasks", "models", "answers", "expected"].map(column);
      const marks = held.marks ?? held.ids.map(() => 0);
      const hay = held.ids.map((id, index) => [id, held.texts[index], answers[index], expected[index]].join("\n").toLowerCase());
      const lower = held.texts.map((text) => text.toLowerCase());
      this.catalogue = { ...held, tasks, models, answers, expected, marks, hay, lower };
    }
    return this.catalogue;
  },

  /** The cards and rows of the open page, exchanged all at once. */
  async show() {
    const turn = ++this.turn;
    this.page = Math.min(Math.max(1, this.page), this.pages);
    const numbers = this.order.slice((this.page - 1) * PACK_SIZE, this.page * PACK_SIZE);
    const isThere = numbers.length === this.cards.children.length
      && numbers.every((number, index) => numberOf(this.cards.children[index]) === number);
    if (!isThere) {
      if (numbers.some((number) => !this.servedRows.has(number))) await this.load();
      if (turn !== this.turn) return; // the reader typed on
      this.rows.replaceChildren(...numbers.map((number) => this.servedRows.get(number) ?? rowOf(number, this.catalogue)));
      this.say();
      const articles = await Promise.all(numbers.map((number) => this.card(number)));
      if (turn !== this.turn) return;
      forget(this.cards.children, articles);
      this.cards.replaceChildren(...articles);
      watch(articles);
    }
    this.say();
  },

  async card(number) {
    if (this.served.has(number)) return this.served.get(number);
    const [pack, place] = placeOf(number);
    const { cards } = await pack.read();
    // The page's own HTML, escaped when it was written; the policy lets no script in it run.
    const template = document.createElement("template");
    template.innerHTML = trusted.createHTML(cards[place]);
    return template.content.firstElementChild;
  },

  say() {
    const { length } = this.order;
    const all_ = this.count.toLocaleString("en");
    const found = one(".found");
    const some = length === this.count ? `${all_} examples` : `${length.toLocaleString("en")} of ${all_} examples`;
    if (found) found.textContent = length ? some : "No example matches.";
    if (one(".finder")) one(".finder").hidden = !one("#find-q") && !this.isFiltered; // few examples need it only to undo a link
    if (one(".everything")) one(".everything").hidden = !this.isFiltered;
    for (const name of FILTERS) {
      const control = one(`#find-${name}`);
      if (control && control.value !== this.filters[name]) control.value = this.filters[name];
    }
    for (const pager of all(".pager")) {
      pager.hidden = this.pages === 1;
      one(".which-page", pager).textContent = `Page ${this.page} of ${this.pages}`;
      one('[data-step="-1"]', pager).disabled = this.page === 1;
      one('[data-step="1"]', pager).disabled = this.page === this.pages;
    }
  },

  /** What the link asks for: an example, or filters and a page. */
  async follow() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const [first = ""] = asked.keys();
    const number = Number(first.match(/^example-(\d+)/)?.[1]);
    setSwitches(asked);
    const known = ["page", ...FILTERS].some((name) => asked.has(name));
    if (known) {
      for (const name of FILTERS) this.filters[name] = asked.get(name) ?? "";
      await this.arrange();
    }
    this.example = number >= 1 && number <= this.count ? first : null;
    if (this.example && !this.order.includes(number)) { // filtered out
      for (const name of FILTERS) this.filters[name] = "";
      await this.arrange();
    }
    if (this.example) this.page = Math.floor(this.order.indexOf(number) / PACK_SIZE) + 1;
    else if (known) this.page = Number(asked.get("page")) || 1;
    await this.show();
    if (this.example) document.getElementById(first)?.scrollIntoView();
    else if (known && !asked.has("page")) one(".index").scrollIntoView();
    if (this.example || known) writeHash();
  },

  /** Where a link inside the page leads, the focus goes too: a browser leaves it nowhere when a section cannot have it. */
  async land() {
    const [asked] = location.hash.slice(1).split("&");
    await this.follow();
    const place = document.getElementById(asked);
    const focused = (place?.matches("article") ? one("h3 a", place) : place) ?? (asked.includes("=") ? one("#index-title") : null);
    if (!focused) return;
    if (!focused.matches("a, [tabindex]")) focused.tabIndex = -1;
    focused.focus({ preventScroll: true });
    place?.scrollIntoView();
  },

  /** To the next example or the one before, on whatever page of the list it is. */
  async step(by) {
    const articles = [...this.cards.children];
    const here = articles.find((article) => article.contains(document.activeElement))
      ?? articles.find((article) => article.getBoundingClientRect().bottom > innerHeight / 3);
    const place = here ? this.order.indexOf(numberOf(here)) + by : 0;
    if (place < 0 || place >= this.order.length) return;
    const number = this.order[place];
    this.page = Math.floor(place / PACK_SIZE) + 1;
    this.example = `example-${number}`;
    await this.show();
    const article = document.getElementById(this.example);
    one("h3 a", article).focus({ preventScroll: true });
    article.scrollIntoView();
    writeHash();
  },

  onKey(event) {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.target.closest("select")) return; // where the keys open the list
    event.preventDefault();
    this.step(by);
  },
};

function numberOf(article) {
  return Number(article.id.slice("example-".length));
}

/** Each word of a query has to occur somewhere; what stands in quotes, as a word of the text. */
function termsOf(query) {
  return [...query.toLowerCase().matchAll(/"("+|[^"]+)"|\S+/g)].map(([term, quoted]) => {
    if (quoted === undefined) return ({ hay }, index) => hay[index].includes(term);
    const word = wordOf(quoted);
    return ({ lower }, index) => word.test(lower[index]);
  });
}

/** Finds a word where the run has it as a word: the rules of `words.py`, so that the overview's links find what they count. */
function wordOf(word) {
  const ideograph = "[\\u3040-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}]";
  const letter = `(?!${ideograph})[\\p{L}\\p{N}\\p{M}\\p{Pc}]`;
  const literal = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const letters = [...word];
  const edge = (text) => {
    if (new RegExp(ideograph, "u").test(text)) return undefined; // a word of its own
    return new RegExp(letter, "u").test(text) ? letter : literal(text); // a run of one mark is a word
  };
  const [first, last] = [edge(letters[0]), edge(letters.at(-1))];
  const inner = `(?!(?<=${letter})['’‐-]${letter}|(?<=\\d)[.,]\\d)`; // a mark that joins: film's, well-made, 3.5
  const before = first === undefined ? "" : `(?<!${first})`;
  const joinedBefore = first === letter ? `(?<!${letter}['’‐-])(?<!\\d[.,](?=\\d))` : "";
  const after = last === undefined ? "" : `(?!${last})`;
  return new RegExp(`${before}${joinedBefore}${inner}${literal(word)}${after}${inner}`, "u");
}

/** A row of the index, as the server writes those of the first examples. */
function rowOf(number, { ids, texts, tasks, answers, probabilities, expected, marks, bits, beside }) {
  const index = number - 1;
  const is = (name) => (marks[index] & bits[name]) !== 0;
  const element = (tag, className, ...content) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...content);
    return made;
  };
  const link = element("a", "", element("bdi", "", ids[index]));
  link.href = `#example-${number}`;
  const preview = element("span", "preview", shortened(texts[index], 90));
  preview.dir = "auto";
  const outcome = element("span", "outcome");
  if (is("failed")) outcome.append(element("b", "mark wrong", "failed"));
  else outcome.append(element("bdi", "", shortened(answers[index], 60)));
  const p = probabilities?.[index] ?? null;
  if (p !== null) outcome.append(" ", element("span", "number", probability(p)));
  if (is("flipped")) outcome.append(" ", element("b", "mark warning", "changed"));
  if (beside?.[index]) outcome.append(" ", element("span", "number", beside[index]));
  if (expected[index] && is("wrong")) outcome.append(" ", element("b", "mark wrong", "✗ expected ", element("bdi", "", expected[index])));
  else if (expected[index]) outcome.append(" ", element("b", "mark right", "✓ right"));
  if (is("failing") && !is("failed")) outcome.append(" ", element("b", "mark wrong", "assertion fails"));
  else if (is("cautioned") && !is("failed")) outcome.append(" ", element("b", "mark warning", "assertion warned"));
  if (is("incomplete")) outcome.append(" ", element("b", "mark wrong", "does not add up"));
  else if (is("warned")) outcome.append(" ", element("b", "mark warning", "warning"));
  const ordinal = element("span", "ordinal", String(number));
  return element("li", ids[index] === String(number) ? "numbered" : "", ordinal, link, element("span", "task", tasks[index].replaceAll("-", " ").replace("zero shot", "zero-shot")), preview, outcome);
}

function shortened(text, longest) {
  const line = [...text.trim().replace(/\s+/g, " ")];
  return line.length <= longest ? line.join("") : `${line.slice(0, longest - 1).join("").trimEnd()}…`;
}

/** The link of this view: the example, the filters, the page and the switches, as far as they are not as at first. */
function writeHash() {
  const held = new URLSearchParams();
  for (const name of FILTERS) if (list.filters[name]) held.set(name, list.filters[name]);
  if (!list.example && list.page > 1) held.set("page", list.page);
  for (const [name, value] of switchesSet()) held.set(name, value);
  const parts = [list.example, held.toString()].filter(Boolean);
  try {
    history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.href.split("#")[0]);
  } catch { /* a viewer without an address of its own, such as a frame: there is no link to keep */ }
}
