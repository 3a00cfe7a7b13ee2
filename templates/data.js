// The data of the page. It lies in packs of examples, compressed on larger pages, and is as small as it can be: what the
// text on the page tells, or follows from the rest, is put back here.

/** JSON of a script element; it is read once, when it is first asked for. */
class Island {
  constructor(element) { this.element = element; }
  get isPlain() { return this.element.type === "application/json"; }
  read() {
    this.content ??= (async () => {
      const text = this.element.textContent;
      this.value = JSON.parse(this.isPlain ? text : await unpack(text));
      return this.value;
    })();
    return this.content;
  }
}

const packs = all("script.pack").map((element) => new Island(element));
const PACK_SIZE = Number(one("#page-data").dataset.packSize);

/** The pack of an example, and its place there. */
function placeOf(number) {
  return [packs[Math.floor((number - 1) / PACK_SIZE)], (number - 1) % PACK_SIZE];
}

// Plain numbers of a list in the order of the record: [power of ten, [factors]].
function unscaled([power, factors]) {
  // By way of text, so that 482e-4 is the very number that the server wrote: 0.0482.
  return factors.map((factor) => (factor === null ? undefined : Number(typeof factor === "string" ? factor : `${factor}e${power}`)));
}

function expand(data, article) {
  const elements = all(".map", article);
  const encodings = data.encodings.map((held, number) => {
    const figure = data.figures.findIndex((map) => data.maps[map].encoding === number);
    return expandEncoding(held, elements[figure]);
  });
  return { ...data, encodings, maps: data.maps.map((map) => expandMap(map, encodings[map.encoding])) };
}

function expandEncoding({ sizes, names, specialTokens = [], specialWords = [], ...rest }, figure) {
  const runs = rest.tokens ? [] : all(".w", figure);
  const tokens = rest.tokens ?? runs.flatMap((run) => (run.children.length ? [...run.children] : [run])).map((piece) => piece.textContent);
  const words = rest.words ?? runs.map((run) => run.textContent);
  let next = 0;
  const parts = sizes.map((size) => Array.from({ length: size }, () => next++));
  return {
    tokens,
    words,
    parts,
    specialTokens,
    specialWords,
    names: names.map((name, index) => (name === 0 ? tokens[index] : name)),
    sentences: rest.sentences ?? [],
    sentenceOf: rest.sentenceOf ?? [],
    runs: rest.runs ?? parts.map((tokens, word) => [[word], tokens.map((token) => [token])]),
  };
}

function expandMap(map, encoding) {
  const position = map.position ?? null;
  const seen = position ?? encoding.tokens.length;
  return {
    explained: [], alternatives: [], facts: [], nothing: [], correlation: "", share: null, ...map,
    position,
    scores: { ...expandScores(map.scores, encoding, seen), sentences: ofSentences(map.sentences ?? {}) },
    errors: expandScores(map.errors ?? {}, encoding, seen),
  };
}

function ofSentences(held) {
  return Object.fromEntries(Object.entries(held).map(([name, list]) => [name, unscaled(list)]));
}

/** Of each score first the numbers of words, then those of tokens that share a word, or of all; 0 is 0 throughout. */
function expandScores(held, { parts }, seen) {
  const units = { words: {}, tokens: {} };
  const count = parts.filter(([first]) => first < seen).length;
  for (const [name, list] of Object.entries(held)) {
    const numbers = list === 0 ? Array.from({ length: count + seen }, () => 0) : unscaled(list);
    units.words[name] = numbers.slice(0, count);
    if (numbers.length === count + seen) {
      units.tokens[name] = numbers.slice(count);
      continue;
    }
    let next = count;
    units.tokens[name] = parts.slice(0, count).flatMap((tokens, word) => (
      // A token that is a word has the word's number.
      tokens.length === 1 ? [numbers[word]] : tokens.filter((token) => token < seen).map(() => numbers[next++])
    ));
  }
  return units;
}
