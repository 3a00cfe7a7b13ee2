// One example of the page: what the reader's choices change in its texts, its legends and its tables.

/** One example: its data, its elements, and the map that is chosen: a target, explained by one of the methods. */
class Example {
  constructor(article, data) {
    this.article = article;
    this.data = data;
    this.chosen = this.data.headline;
    this.targetOf = new Map(this.data.targets.flatMap((maps, target) => maps.map((map) => [map, target])));
    const tables = all(".tables > .numbers:not(.of-matrix)", article);
    this.figures = all(".map", article).map((element, index) => ({
      element,
      isOther: element.closest(".others") !== null,
      map: this.data.figures[index],
      method: this.data.maps[this.data.figures[index]].method,
      shows: this.data.figures[index],
      runs: all(".w", element),
      table: tables[index],
    }));
    this.primaries = this.figures.filter(({ isOther }) => !isOther);
    for (const figure of this.figures) figure.table.addEventListener("toggle", () => this.fillTable(figure));
    this.matrixTable = one(".of-matrix", article);
    this.matrixTable?.addEventListener("toggle", () => this.fillMatrix());
    if (this.isSequence && this.data.targets.length > 1) this.makeTokensChoosable();
    if (this.figures.length > 1) this.makeMapsChoosable();
    this.addReadout();
    addDownloads(this);
  }

  get isSequence() { return this.data.kind === "sequence"; }
  get map() { return this.data.maps[this.chosen]; }
  get target() { return this.targetOf.get(this.chosen); }
  encoding(map) { return this.data.encodings[map.encoding]; }
  scores(map, unit = state.unit) { return map.scores[unit][scoreOf(map).name]; }
  errors(map, unit = state.unit) { return map.errors[unit][scoreOf(map).name]; }
  special(encoding, unit = state.unit) {
    return new Set(unit === "words" ? encoding.specialWords : encoding.specialTokens);
  }

  /** Index of the map of a target by a method; undefined where that method left the target out. */
  mapBy(target, method) {
    return this.data.targets[target].find((index) => this.data.maps[index].method === method);
  }

  /** Index of the map that a figure shows. */
  shownIn(figure) {
    if (figure.isOther) return this.mapBy(this.target, figure.method);
    return this.isSequence ? this.data.targets[this.target][0] : figure.map;
  }

  /** The largest absolute score of some maps; special tokens count only while they are shown. */
  largest(maps, unit = state.unit) {
    let largest = 0;
    for (const map of maps) {
      const special = this.special(this.encoding(map), unit);
      this.scores(map, unit).forEach((score, index) => {
        if (score !== undefined && (state.special || !special.has(index))) largest = Math.max(largest, Math.abs(score));
      });
    }
    return largest;
  }

  /** The maps on the scale of one: large figures share theirs, where their scores have one unit. */
  onScaleOf(map) {
    const shown = this.primaries.map((figure) => this.data.maps[this.shownIn(figure)]);
    const isLike = (other) => scoreOf(other) === scoreOf(map) && other.quantity === map.quantity;
    return shown.includes(map) ? shown.filter(isLike) : [map];
  }

  paint() {
    this.painted = state.version;
    for (const figure of this.figures) {
      const index = this.shownIn(figure);
      figure.element.hidden = index === undefined;
      figure.table.hidden = figure.isOther && index === undefined;
      if (index === undefined) continue;
      const map = this.data.maps[index];
      if (figure.shows !== index) this.follow(figure, index);
      this.paintFigure(figure, map, this.largest(this.onScaleOf(map)));
      const isShown = figure.isOther ? index === this.chosen : this.targetOf.get(index) === this.target;
      figure.element.classList.toggle("shown", isShown);
    }
    for (const legend of all(".legend", this.article)) {
      const figure = this.figures.find(({ element }) => element.contains(legend)) ?? this.primaries[0];
      if (!figure.element.hidden) this.paintLegend(legend, this.data.maps[figure.shows]);
    }
    if (one(".of-target", this.article)) {
      one(".of-target", this.article).textContent = this.data.maps[this.data.targets[this.target][0]].title;
    }
    if (this.controls) this.paintSequence();
    one(".sentence", this.article).textContent = this.map.sentence;
    const scored = scoreOf(this.map);
    if (this.figures.length > 1 || this.isSequence) {
      const whiskers = this.errors(this.map) ? " (whiskers: one standard error)" : "";
      one('[data-chart="bars"] .plot-title', this.article).textContent =
        `Scores in the order of the text: ${this.name(this.map)}${whiskers}`;
    }
    if (one(".share", this.article)) {
      const first = AGGREGATIONS.find(({ name }) => name === METHODS[this.map.method].scores[0]);
      const score = `${first.signed ? "absolute " : ""}${first.name}`;
      const leftOut = state.special ? "" : "; the colours leave them out";
      one(".share-says", this.article).textContent = this.map.share === null
        ? "stay in the text and have no number in this map"
        : `carry ${this.map.share} of the summed ${score} of this map${leftOut}`;
    }
    for (const { button, shows } of this.figures) button?.setAttribute("aria-pressed", String(shows === this.chosen));
  }

  /** A map by its target and its method, as far as there are others to mistake it for. */
  name(map) {
    const { title } = METHODS[map.method];
    const several = this.data.targets.some((maps) => maps.length > 1);
    if (this.data.targets.length === 1) return several ? title : map.title;
    return several ? `${map.title}, by ${title}` : map.title;
  }

  paintFigure(figure, map, largest) {
    const encoding = this.encoding(map);
    const words = this.scores(map, "words");
    const tokens = this.scores(map, "tokens");
    const special = this.special(encoding, "words");
    const { signed } = scoreOf(map);
    encoding.runs.forEach(([wordsOfRun, pieces], index) => {
      const run = figure.runs[index];
      const hidden = !state.special && wordsOfRun.some((word) => special.has(word));
      const seen = (tokens) => map.position === null || tokens[0] < map.position;
      // A word that the explained token is part of is coloured as far as that token can see.
      const whole = pieces.length === 1 ? seen(pieces[0]) : state.unit === "words" && pieces.every(seen);
      const ofRun = state.unit === "words" ? strongest(words, wordsOfRun) : strongest(tokens, pieces[0]);
      setScore(run, whole ? ofRun : undefined, largest, hidden, signed);
      [...run.children].forEach((piece, number) => {
        const ofPiece = state.unit === "words" ? ofRun : strongest(tokens, pieces[number]);
        setScore(piece, whole || !seen(pieces[number]) ? undefined : ofPiece, largest, hidden, signed);
      });
    });
  }

  paintLegend(legend, map) {
    const { signed, title } = scoreOf(map);
    const end = significant(this.largest(this.onScaleOf(map)));
    one(".score", legend).textContent = title;
    one(".low", legend).textContent = signed ? `−${end}` : "0";
    one(".high", legend).textContent = end;
    one(".ramp", legend).className = `ramp ${signed ? "signed" : "size"}`;
  }

  /** A figure takes the map of another target: its text, where that differs, its facts and its table. */
  follow(figure, index) {
    const map = this.data.maps[index];
    const before = this.data.maps[figure.shows];
    figure.shows = index;
    if (map.encoding !== before.encoding) {
      const like = this.primaries.find((primary) => this.data.maps[primary.map].encoding === map.encoding);
      one(".flows", figure.element).replaceWith(one(".flows", like.element).cloneNode(true));
      figure.runs = all(".w", figure.element);
    }
    if (figure.isOther) {
      this.outline(figure, map);
      one(".correlation", figure.element).textContent = map.correlation;
      figure.element.setAttribute("aria-label", `Saliency of ${map.title} by ${METHODS[map.method].title}`);
    }
    setFacts(figure.element, map.facts);
    one(".of", figure.table).textContent = figure.isOther ? `${map.title}, by ${METHODS[map.method].title}` : map.title;
    this.fillTable(figure);
  }

  /** In a small figure only the explained token is outlined; in the large one all that can be chosen are. */
  outline(figure, map) {
    const explained = new Set(map.explained);
    this.encoding(map).runs.forEach(([, pieces], number) => {
      const run = figure.runs[number];
      pieces.forEach((tokens, piece) => {
        (run.children[piece] ?? run).classList.toggle("g", tokens.some((token) => explained.has(token)));
      });
    });
  }

  /** All scores of the map that a figure shows, when its table is opened or open. */
  fillTable(figure) {
    const { table, shows } = figure;
    if (!table.open || figure.tabled === shows) return;
    figure.tabled = shows;
    const map = this.data.maps[shows];
    one("thead", table).replaceChildren(tableHead(map));
    one("tbody", table).replaceChildren(...tableRows(map, this.encoding(map)));
  }

  /** The rows of the table of all explained tokens, which a packed card comes without. */
  fillMatrix() {
    const body = one("tbody", this.matrixTable);
    if (body.rows.length) return;
    const maps = this.data.targets.map(([primary]) => this.data.maps[primary]);
    body.append(...matrixRows(maps, this.encoding(maps[0]), maps.map((map) => this.explainedName(map))));
  }

  choose(index) {
    if (index === undefined || index === this.chosen) return;
    this.chosen = index;
    this.paint();
    charts.refresh(this);
  }

  /** Another target, by the same method where it has one. */
  chooseTarget(target) {
    if (target < 0 || target >= this.data.targets.length) return;
    this.choose(this.mapBy(target, this.map.method) ?? this.data.targets[target][0]);
  }

  // Generation: the explained tokens in the text are the control.

  makeTokensChoosable() {
    const figure = this.primaries[0];
    const { runs } = this.encoding(this.map);
    const targetsOf = (tokens) => this.data.targets.flatMap(([primary], target) =>
      this.data.maps[primary].explained.some((token) => tokens.includes(token)) ? [target] : []);
    this.controls = [];
    runs.forEach(([, pieces], index) => {
      const elements = figure.runs[index].children.length ? [...figure.runs[index].children] : [figure.runs[index]];
      pieces.forEach((tokens, number) => {
        const targets = targetsOf(tokens);
        if (targets.length) this.controls.push({ element: elements[number], targets });
      });
    });
    const group = one(".text", figure.element);
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-label", "Explained token");
    for (const { element, targets } of this.controls) {
      element.setAttribute("role", "radio");
      // Several tokens can share a character: each click takes the next of them.
      const next = () => targets[(targets.indexOf(this.target) + 1) % targets.length];
      element.addEventListener("click", () => this.chooseTarget(next()));
      element.addEventListener("keydown", (event) => this.onKey(event, targets));
    }
    for (const button of all(".step", this.article)) {
      button.addEventListener("click", () => this.chooseTarget(this.target + Number(button.dataset.step)));
    }
  }

  onKey(event, targets) {
    const last = this.data.targets.length - 1;
    const next = {
      ArrowRight: this.target + 1,
      ArrowDown: this.target + 1,
      ArrowLeft: this.target - 1,
      ArrowUp: this.target - 1,
      Home: 0,
      End: last,
      Enter: targets[0],
      " ": targets[0],
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.chooseTarget(Math.min(last, Math.max(0, next)));
    this.controls.find((control) => control.targets.includes(this.target))?.element.focus();
  }

  paintSequence() {
    for (const { element, targets } of this.controls) {
      const checked = targets.includes(this.target);
      element.setAttribute("aria-checked", String(checked));
      element.tabIndex = checked ? 0 : -1;
    }
    const { map, target } = this;
    const { length } = this.data.targets;
    one(".which", this.article).textContent = `“${this.explainedName(map)}”, ${target + 1} of ${length}`;
    const back = one('.step[data-step="-1"]', this.article);
    const forth = one('.step[data-step="1"]', this.article);
    back.disabled = target === 0;
    forth.disabled = target === length - 1;
    const chances = one(".chances", this.article);
    if (chances) fillChances(chances, map.alternatives);
  }

  explainedName({ explained, encoding, label }) {
    return explained.length === 1 ? this.data.encodings[encoding].tokens[explained[0]] : label;
  }

  // One chart, for the map that is picked.

  makeMapsChoosable() {
    for (const figure of this.figures) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "pick";
      button.textContent = "Show in the chart";
      const { title } = METHODS[figure.method];
      const name = figure.isOther || this.primaries.length === 1 ? title : this.data.maps[figure.map].title;
      button.setAttribute("aria-label", `Show in the chart: ${name}`);
      button.addEventListener("click", () => {
        this.choose(figure.shows);
        one('[data-chart="bars"]', this.article).scrollIntoView({ block: "nearest" });
      });
      figure.button = button;
      if (figure.isOther || this.primaries.length > 1) figure.element.append(button);
      else one(".maps ~ .legend .readout", this.article).before(button);
    }
  }

  /** A line under the text says the number of the word that the reader points at, taps or focuses. */
  addReadout() {
    const hint = one(".maps ~ .legend .readout", this.article);
    hint.textContent = "Point at a word, or tap it, for its number.";
    const show = ({ target }) => {
      const part = target.closest(".map .text [title]");
      if (!part) return;
      const figure = this.figures.find(({ element }) => element.contains(part));
      const text = document.createElement("bdi");
      text.textContent = part.textContent.trim() || "blank";
      const { name } = scoreOf(this.data.maps[figure.shows]);
      if (figure.isOther) one(".readout", figure.element).replaceChildren(`${part.title} `, text); // short, of one line
      else one(".maps ~ .legend .readout", this.article).replaceChildren(text, `: ${name} ${part.title}`);
    };
    for (const kind of ["pointerover", "click", "focusin"]) this.article.addEventListener(kind, show);
  }
}

