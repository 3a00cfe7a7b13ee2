// The elements that an example changes or makes: coloured words, facts, likely tokens, rows of numbers.

function setScore(element, score, largest, hidden, signed) {
  element.className = element.className.replace(/\b[spn]\d\b/g, "").trim();
  if (score === undefined) {
    element.removeAttribute("title");
    return;
  }
  element.title = significant(score);
  if (!hidden) element.classList.add(colourClass(score, largest, signed));
}

function factLine([kind, mark, text]) {
  const line = document.createElement("p");
  if (kind) line.className = `fact-${kind}`;
  if (mark) line.append(Object.assign(document.createElement("b"), { textContent: mark }), " ");
  line.append(text);
  return line;
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

/** The table of numbers of a map: every word, and below a word of several tokens each of them. */
function tableRows(map, encoding) {
  const names = Object.keys(map.scores.words);
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
