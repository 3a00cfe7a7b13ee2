// One example of the page: what the reader's choices change in its texts, its legends and its tables.

/** One example: its data, its elements, and the map that is chosen: a target, explained by one of the methods. */
class Example {
  constructor(article, data) {
    this.article = article;
    this.data = data;
    this.chosen = this.data.headline;
    this.method = ""; // the reader's choice when this was painted
    this.ownMethod = this.map.method;
    this.targetOf = new Map(this.data.targets.flatMap((maps, target) => maps.map((map) => [map, target])));
    const tables = all(".tables > .numbers:not(.of-matrix)", article);
    this.figures = all(".map", article).map((element, index) => ({
      element,
      isOther: element.closest(".others") !== null,
      map: this.data.figures[index],
      method: this.data.maps[this.data.figures[index]].method,
      target: this.targetOf.get(this.data.figures[index]),
      by: this.data.maps[this.data.figures[index]].method,
      shows: this.data.figures[index],
      showsNone: false,
      runs: all(".w", element),
      table: tables[index],
    }));
    this.legend = one(".maps ~ .legend", article);
    this.legend.append(" ", Object.assign(document.createElement("span"), { className: "readout" }));
    this.ownScope = one(".scope", this.legend).textContent;
    this.primaries = this.figures.filter(({ isOther }) => !isOther);
    for (const figure of this.figures) {
      figure.table.addEventListener("toggle", () => this.fillTable(figure));
      this.fillTable(figure); // it may have been opened before the card was awake
    }
    this.matrixTable = one(".of-matrix", article);
    this.matrixTable?.addEventListener("toggle", () => this.fillMatrix());
    if (this.matrixTable?.open) this.fillMatrix();
    if (this.isSequence && this.data.targets.length > 1) this.makeTokensChoosable();
    if (this.figures.length > 1 && one('[data-chart="bars"]', article)) this.makeMapsChoosable();
    connectPointing(this);
    addDownloads(this);
  }

  get isSequence() { return this.data.kind === "sequence"; }
  get map() { return this.data.maps[this.chosen]; }
  get target() { return this.targetOf.get(this.chosen); }
  encoding(map) { return this.data.encodings[map.encoding]; }
  scores(map, unit = unitOf(map)) { return map.scores[unit][scoreOf(map).name]; }
  /** Standard errors, which sentences have none of: those of their tokens are not independent. */
  errors(map) { return map.errors[unitOf(map)]?.[scoreOf(map).name]; }
  special(encoding, unit) {
    return new Set({ words: encoding.specialWords, tokens: encoding.specialTokens, sentences: [] }[unit]);
  }

  /** Index of the map of a target by a method; undefined where that method left the target out. */
  mapBy(target, method) {
    return this.data.targets[target].find((index) => this.data.maps[index].method === method);
  }

  /** Index of the map that a figure shows. */
  shownIn(figure) {
    if (figure.isOther) return this.mapBy(this.target, methodOf(this, figure));
    return largeOf(this, this.isSequence ? this.target : figure.target);
  }

  /** The maps on the scale of one: large figures share theirs, where their scores have one unit. */
  onScaleOf(map) {
    const shown = this.primaries.map((figure) => this.data.maps[this.shownIn(figure)]).filter(Boolean);
    const isLike = (other) => scoreOf(other) === scoreOf(map) && other.quantity === map.quantity;
    return shown.includes(map) ? shown.filter(isLike) : [map];
  }

  paint() {
    this.painted = state.version;
    if (this.method !== state.method) this.chosen = largeOf(this, this.target) ?? this.data.targets[this.target][0];
    this.method = state.method;
    const beside = besideOf(this);
    for (const figure of this.figures) {
      const found = this.shownIn(figure);
      const target = figure.isOther || this.isSequence ? this.target : figure.target;
      figure.isAbsent = found === undefined;
      figure.element.hidden = figure.isOther && figure.isAbsent && figure !== beside;
      figure.table.hidden = figure.isAbsent;
      if (figure.element.hidden) continue;
      // A target that the method left out shows its text alone.
      const index = found ?? this.data.targets[target][0];
      const map = this.data.maps[index];
      figure.by = figure.isOther ? methodOf(this, figure) : chosenMethod(this) || map.method;
      if (figure.shows !== index || figure.showsNone !== figure.isAbsent) this.follow(figure, index);
      setFacts(figure.element, this.factsOf(figure, map));
      this.paintFigure(figure, map, isNothing(map) ? Infinity : scaleEnd(this, this.onScaleOf(map)));
      figure.element.classList.toggle("shown", figure.isOther ? found === this.chosen : target === this.target);
    }
    placeBeside(this);
    for (const legend of all(".legend", this.article)) this.paintLegend(legend);
    if (one(".of-target", this.article)) {
      one(".of-target", this.article).textContent = this.data.maps[this.data.targets[this.target][0]].title;
    }
    if (this.controls) this.paintSequence();
    one(".sentence", this.article).textContent = this.map.sentence;
    const chartTitle = one('[data-chart="bars"] .plot-title', this.article); // null on a page without charts
    if (chartTitle && (this.figures.length > 1 || this.isSequence)) {
      const whiskers = shownErrors(this, this.map) ? " (whiskers: one standard error)" : "";
      chartTitle.textContent = `Scores in the order of the text: ${this.name(this.map)}${whiskers}`;
    }
    if (one(".share", this.article)) {
      const first = AGGREGATIONS.find(({ name }) => name === METHODS[this.map.method].scores[0]);
      const score = `${first.signed ? "absolute " : ""}${first.title}`;
      const leftOut = state.special ? "" : "; the colours leave them out";
      one(".share-says", this.article).textContent = this.map.share === null
        ? "stay in the text and have no number in this map"
        : `carry ${this.map.share} of the summed ${score} of this map${leftOut}`;
    }
    for (const figure of this.figures) if (!figure.element.hidden) placeCursor(this, figure);
    for (const { button, shows } of this.figures) button?.setAttribute("aria-pressed", String(shows === this.chosen));
  }

  /** A map by its target and its method, as far as there are others to mistake it for. */
  name(map) {
    const { title } = METHODS[map.method];
    const several = this.data.targets.some((maps) => maps.length > 1);
    if (this.data.targets.length === 1) return several ? title : map.title;
    return several ? `${map.title}, by ${title}` : map.title;
  }

  /** What stands below a figure; what is true of one score alone, while that is chosen. */
  factsOf(figure, map) {
    if (figure.isAbsent) return [["warning", "", `${METHODS[figure.by].title} left this target out.`]];
    return isNothing(map) ? [...map.facts, ROUNDING] : map.facts;
  }

  paintFigure(figure, map, largest) {
    figure.stops = undefined; // what can be pointed at is looked for again, when it is asked for
    const encoding = this.encoding(map);
    const unit = unitOf(map);
    const scores = figure.isAbsent ? [] : shownScores(this, map);
    const special = this.special(encoding, "words");
    const { signed } = scoreOf(map);
    // What the first map of a target has no number of was not read with it; another method leaves out other words too.
    const target = figure.isOther || this.isSequence ? this.target : figure.target;
    const isParted = figure.element.classList.contains("parted");
    const read = isParted ? shownScores(this, this.data.maps[this.data.targets[target][0]]) : [];
    const outside = (places) => isParted && strongest(read, places) === undefined;
    encoding.runs.forEach(([wordsOfRun, pieces], index) => {
      const run = figure.runs[index];
      const hidden = !state.special && wordsOfRun.some((word) => special.has(word));
      const seen = (tokens) => map.position === null || tokens[0] < map.position;
      // A word that the explained token is part of is coloured as far as that token can see.
      const whole = pieces.length === 1 ? seen(pieces[0]) : unit !== "tokens" && pieces.every(seen);
      const places = indicesOf(encoding, unit, wordsOfRun, pieces[0]);
      const isText = !wordsOfRun.some((word) => special.has(word));
      setScore(run, whole ? strongest(scores, places) : undefined, largest, hidden, signed, isText && whole && outside(places));
      [...run.children].forEach((piece, number) => {
        const own = indicesOf(encoding, unit, wordsOfRun, pieces[number]);
        const ofPiece = whole || !seen(pieces[number]) ? undefined : strongest(scores, own);
        setScore(piece, ofPiece, largest, hidden, signed, isText && !whole && outside(own));
      });
    });
  }

  paintLegend(legend) {
    const large = this.primaries.find(({ isAbsent }) => !isAbsent) ?? this.primaries[0];
    const figure = legend === this.legend ? large : this.figures.find(({ element }) => element.contains(legend));
    if (figure.element.hidden) return;
    const map = this.data.maps[figure.shows];
    const { signed } = scoreOf(map);
    const end = shownNumber(scaleEnd(this, this.onScaleOf(map)));
    one(".score", legend).textContent = figure.isAbsent ? "" : shownTitle(map);
    const nothing = !figure.isAbsent && isNothing(map);
    one(".scale", legend).hidden = figure.isAbsent || nothing;
    one(".low", legend).textContent = signed ? `−${end}` : "0";
    one(".high", legend).textContent = end;
    one(".ramp", legend).className = `ramp ${signed ? "signed" : "size"}`;
    if (one(".map-title", legend)) one(".map-title", legend).textContent = METHODS[figure.by].title;
    const scale = nothing ? "zero up to rounding, without colour" : figure.isAbsent ? "" : scaleSays(this, map, legend === this.legend ? this.ownScope : "", figure.isOther);
    const missing = legend === this.legend ? notRun(this) : "";
    setScope(legend, [scale, insteadOfSentences(map, this.encoding(map)), missing]);
  }

  /** A figure takes another map: its text, where that differs, its names, its facts and its table. */
  follow(figure, index) {
    const map = this.data.maps[index];
    const before = this.data.maps[figure.shows];
    figure.shows = index;
    figure.showsNone = figure.isAbsent;
    const { title } = METHODS[figure.by];
    if (map.encoding !== before.encoding) {
      const like = this.primaries.find((primary) => this.data.maps[primary.map].encoding === map.encoding);
      one(".flows", figure.element).replaceWith(one(".flows", like.element).cloneNode(true));
      figure.runs = all(".w", figure.element);
    }
    if (figure.isOther) {
      this.outline(figure, map);
      one(".map-title", figure.element).textContent = title;
    }
    const isOwn = !figure.isOther && figure.by === figure.method;
    const ofTarget = isOwn ? map.title : `${map.title}, by ${title}`;
    figure.element.setAttribute("aria-label", `Saliency of ${isOwn ? map.title : `${map.title} by ${title}`}`);
    one(".of", figure.table).textContent = ofTarget;
    const name = one("summary bdi", figure.table);
    if (name) name.textContent = figure.isOther || this.data.kind !== "side" ? title : ofTarget;
    figure.button?.setAttribute("aria-label", `Show in the chart: ${this.nameOf(figure)}`);
    this.fillTable(figure);
  }

  /** What a figure is called beside the others of the example. */
  nameOf(figure) {
    const { title } = METHODS[figure.by];
    if (figure.isOther || this.primaries.length === 1) return title;
    const { title: target } = this.data.maps[figure.shows];
    return figure.by === figure.method ? target : `${target}, by ${title}`;
  }

  /** In a small figure only the explained token is outlined; in the large one all that can be chosen are. */
  outline(figure, map) {
    const explained = new Set(map.explained);
    this.encoding(map).runs.forEach(([, pieces], number) => {
      const run = figure.runs[number];
      if (map.position === null) return void run.classList.toggle("g", pieces.flat().some((token) => explained.has(token)));
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
      // Generated tokens are chosen one by one, of an entity whole words.
      const byWord = this.map.position === null;
      const elements = figure.runs[index].children.length && !byWord ? [...figure.runs[index].children] : [figure.runs[index]];
      (byWord ? [pieces.flat()] : pieces).forEach((tokens, number) => {
        const targets = targetsOf(tokens);
        if (targets.length) this.controls.push({ element: elements[number], targets });
      });
    });
    const group = one(".text", figure.element);
    group.setAttribute("role", "radiogroup");
    const part = this.map.position === null ? "entity" : "token";
    group.setAttribute("aria-label", `Explained ${part}: the up and down arrow keys choose, and Enter on an outlined one`);
    for (const { element, targets } of this.controls) {
      element.setAttribute("role", "radio");
      element.tabIndex = -1; // the cursor comes by
      // Several tokens can share a character: each click takes the next of them.
      const next = () => targets[(targets.indexOf(this.target) + 1) % targets.length];
      element.addEventListener("click", () => this.chooseTarget(next()));
    }
    for (const button of all(".step", this.article)) {
      button.addEventListener("click", () => this.chooseTarget(this.target + Number(button.dataset.step)));
    }
  }

  paintSequence() {
    for (const { element, targets } of this.controls) {
      element.setAttribute("aria-checked", String(targets.includes(this.target)));
    }
    const { map, target } = this;
    const { length } = this.data.targets;
    one(".which", this.article).textContent = `“${this.explainedName(map)}”, ${target + 1} of ${length}`;
    const back = one('.step[data-step="-1"]', this.article);
    const forth = one('.step[data-step="1"]', this.article);
    const held = [back, forth].indexOf(document.activeElement);
    back.disabled = target === 0;
    forth.disabled = target === length - 1;
    if (held >= 0 && [back, forth][held].disabled) [forth, back][held].focus(); // a button out of use keeps no focus
    const chances = one(".chances", this.article);
    if (chances) fillChances(chances, map.alternatives);
  }

  explainedName({ explained, encoding, label, position }) {
    return explained.length === 1 && position !== null ? this.data.encodings[encoding].tokens[explained[0]] : label;
  }

  // One chart, for the map that is picked.

  makeMapsChoosable() {
    for (const figure of this.figures) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "pick";
      button.textContent = "Show in the chart";
      button.setAttribute("aria-label", `Show in the chart: ${this.nameOf(figure)}`);
      button.addEventListener("click", ({ detail }) => {
        this.choose(figure.shows);
        one('[data-chart="bars"]', this.article).scrollIntoView({ block: "nearest" });
        if (detail === 0) button.scrollIntoView({ block: "nearest" }); // pressed by a key: the focus stays in sight
      });
      figure.button = button;
      if (figure.isOther || this.primaries.length > 1) figure.element.append(button);
      else one(".readout", this.legend).before(button);
    }
  }
}
