// The elements that an example changes or makes: coloured words, facts, likely tokens, rows of numbers.

/** Colour and number of a word; what was not read together with what is explained is `outside`. */
function setScore(element, score, largest, hidden, signed, outside) {
  element.className = element.className.replace(/\b([spn]\d|outside)\b/g, "").trim();
  if (score === undefined) {
    if (outside) element.classList.add("outside");
    element.removeAttribute("title");
    return;
  }
  element.title = shownNumber(score);
  if (!hidden) element.classList.add(colourClass(score, largest, signed));
}

function factLine([kind, mark, text]) {
  const line = document.createElement("p");
  if (kind) line.className = `fact-${kind}`;
  if (mark) line.append(Object.assign(document.createElement("b"), { textContent: mark }), " ");
  line.append(text);
  return line;
}

/** What a legend says of its scale and its unit; a small figure's has no place for it before. */
function setScope(legend, sentences) {
  const text = sentences.filter(Boolean).join("; ");
  const scope = one(".scope", legend) ?? (text && legend.appendChild(Object.assign(document.createElement("span"), { className: "scope" })));
  if (scope) scope.textContent = text;
}

/** The lines below a map, which a map without any has no place for. */
function setFacts(figure, facts) {
  let box = one(".facts", figure);
  if (!box && !facts.length) return;
  if (!box) {
    box = Object.assign(document.createElement("div"), { className: "facts" });
    (one(".legend", figure) ?? one(".flows", figure)).after(box);
  }
  box.replaceChildren(...facts.map(factLine));
}

function fillChances(list, alternatives) {
  list.replaceChildren(
    ...alternatives.map(([name, written, probability, explained]) => {
      const item = document.createElement("li");
      item.className = explained ? "predicted" : "";
      const text = Object.assign(document.createElement("span"), { className: "name" });
      text.append(Object.assign(document.createElement("bdi"), { textContent: name }));
      const meter = Object.assign(document.createElement("meter"), { min: 0, max: 1, value: probability });
      meter.ariaHidden = "true"; // the number stands beside it
      const number = Object.assign(document.createElement("span"), { className: "number", textContent: written });
      item.append(text, " ", meter, " ", number);
      return item;
    }),
  );
}

/** The table of numbers of a map: every word, and below a word of several tokens each of them. */
function tableRows(map, encoding, names = Object.keys(map.scores.words)) {
  const row = (unit, index, text, tokens, special) => {
    const line = document.createElement("tr");
    line.className = `${unit === "tokens" ? "part" : ""}${special ? " reserved" : ""}`;
    const head = Object.assign(document.createElement("th"), { scope: "row" });
    head.append(Object.assign(document.createElement("bdi"), { textContent: text }));
    line.append(head);
    line.insertCell().textContent = tokens;
    for (const name of names) {
      const score = map.scores[unit][name][index];
      line.insertCell().textContent = score === undefined ? "" : withError(score, map.errors[unit][name]?.[index]);
    }
    return line;
  };
  return encoding.parts.flatMap((tokens, word) => {
    const special = encoding.specialWords.includes(word);
    const pieces = tokens.map((token) => encoding.names[token]);
    const whole = row("words", word, encoding.words[word], pieces.join(" "), special);
    const parts = tokens.map((token, piece) => row("tokens", token, encoding.tokens[token], pieces[piece], special));
    return tokens.length > 1 ? [whole, ...parts] : [whole];
  });
}

/** The head of that table: what the map's scores are called, and which of them rounding left. */
function tableHead(map, names = Object.keys(map.scores.words)) {
  const line = document.createElement("tr");
  for (const name of ["Text", "Token", ...names.map((name) => scoreTitle(map, name))]) {
    line.append(Object.assign(document.createElement("th"), { scope: "col", textContent: name }));
  }
  return line;
}

function scoreTitle(map, name) {
  const { title } = AGGREGATIONS.find((aggregation) => aggregation.name === name);
  return map.nothing.includes(name) ? `${title} (rounding)` : title;
}

/** A row for each explained token, a cell for each word that is not special: the first score, as the server writes it. */
function matrixRows(maps, encoding, names) {
  const special = new Set(encoding.specialWords);
  const columns = encoding.words.map((_, word) => word).filter((word) => !special.has(word));
  const { name, signed } = AGGREGATIONS.find((aggregation) => aggregation.name === METHODS[maps[0].method].scores[0]);
  const of = (map, word) => map.scores.words[name][word];
  const largest = Math.max(0, ...maps.flatMap((map) => columns.map((word) => Math.abs(of(map, word) ?? 0))));
  return maps.map((map, row) => {
    const line = document.createElement("tr");
    const head = Object.assign(document.createElement("th"), { scope: "row" });
    head.append(Object.assign(document.createElement("bdi"), { textContent: names[row] }));
    line.append(head);
    line.insertCell().textContent = map.probability;
    for (const word of columns) {
      const score = of(map, word);
      const cell = line.insertCell();
      cell.textContent = score === undefined ? "" : significant(score);
      cell.className = colourClass(score, largest, signed);
    }
    return line;
  });
}
