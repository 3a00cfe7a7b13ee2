// The numbers of an example as a table for spreadsheets: RFC 4180, in UTF-8 with the mark by which Excel knows it.

function table({ article, data, figures }) {
  const names = [...new Set(data.maps.flatMap(({ scores }) => Object.keys(scores.tokens)))];
  const withErrors = names.filter((name) => data.maps.some(({ errors }) => errors.tokens[name]));
  const units = ["token", "word"];
  const head = [
    "example", "map", "method", "target", "segment", "word index", "word", "token index", "token", "characters", "special",
    ...units.flatMap((unit) => names.map((name) => `${unit} ${name}`)),
    ...units.flatMap((unit) => withErrors.map((name) => `${unit} ${name} standard error`)),
  ];
  const id = one("h3 bdi", article).textContent;
  const lines = data.maps.flatMap((map) => {
    const encoding = data.encodings[map.encoding];
    const { words, tokens, segments } = charactersOf(encoding, figures.find(({ shows }) => data.maps[shows].encoding === map.encoding));
    const before = [id, map.title, METHODS[map.method].title, map.sentence];
    return encoding.parts.flatMap((held, word) => held.filter((token) => map.position === null || token < map.position).map((token) => {
      const numbers = (of, names) => [[of.tokens, token], [of.words, word]].flatMap(([scores, index]) => names.map((name) => scores[name]?.[index]));
      const special = encoding.specialTokens.includes(token) ? "yes" : "no";
      return [
        ...before, segments[word], word, words[word], token, encoding.names[token], tokens[token], special,
        ...numbers(map.scores, names), ...numbers(map.errors, withErrors),
      ];
    }));
  });
  return `\ufeff${[head, ...lines].map((cells) => `${cells.map(cell).join()}\r\n`).join("")}`;
}

/** A cell. A spreadsheet would run a text that begins so; a number may. */
function cell(value) {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Words and tokens as the tables of the page write them, but whole: a label is cut where it is long. */
function charactersOf({ words, tokens, runs }, figure) {
  const found = { words: [...words], tokens: [...tokens], segments: words.map(() => "") };
  runs.forEach(([ofRun, pieces], number) => {
    const run = figure?.runs[number];
    if (!run || run.matches(".chip")) return;
    for (const word of ofRun) {
      found.segments[word] = run.closest("[data-segment]").dataset.segment;
      if (words[word].endsWith("…")) found.words[word] = run.textContent;
    }
    pieces.forEach((held, piece) => {
      for (const token of held) if (tokens[token].endsWith("…")) found.tokens[token] = (run.children[piece] ?? run).textContent;
    });
  });
  return found;
}
