// The numbers of a map as the reader asked for them: of tokens, words or sentences; as they are or as shares; on which scale.

/** Words where there are no sentences: in an example of one alone, or of a score that a sentence would have to be measured for. */
function unitOf(map) {
  if (state.unit !== "sentences") return state.unit;
  return map.scores.sentences[scoreOf(map).name] ? "sentences" : "words";
}

/** Positions in a unit of a run of words, or of a piece of it that some tokens cover. */
function indicesOf(encoding, unit, words, tokens) {
  if (unit === "tokens") return tokens;
  if (unit === "words") return words;
  return [...new Set(words.map((word) => encoding.sentenceOf[word]))].filter((sentence) => sentence >= 0);
}

/** Why words are shown where sentences were asked for. */
function insteadOfSentences(map, encoding) {
  if (state.unit !== "sentences" || unitOf(map) === "sentences") return "";
  return encoding.sentences.length
    ? `words, since the ${scoreOf(map).name} of a sentence was not measured`
    : "words, since there are no two sentences to compare";
}

/** The numbers to show: the scores of a map, or each one's share of the sum of all sizes in view, with its sign. */
function shownScores(example, map) {
  const scores = example.scores(map);
  if (state.numbers !== "share") return scores;
  const total = inView(example, map).reduce((sum, index) => sum + Math.abs(scores[index]), 0);
  return scores.map((score) => (score === undefined || total === 0 ? score : score / total));
}

/** Positions that have a score, special tokens only while they are shown. */
function inView(example, map) {
  const scores = example.scores(map);
  const special = example.special(example.encoding(map), unitOf(map));
  return [...scores.keys()].filter((index) => scores[index] !== undefined && (state.special || !special.has(index)));
}

/** The same for a standard error; a share has none, since its sum is as uncertain. */
function shownErrors(example, map) {
  return state.numbers === "share" ? undefined : example.errors(map);
}

/** How such a number is written. A share of rounded numbers is known to two digits: the third was often another. */
function shownNumber(number) {
  return state.numbers === "share" ? `${written(100 * number, 2)} %` : significant(number);
}

/** What the numbers are, for a legend or an axis. */
function shownTitle(map) {
  const { title } = scoreOf(map);
  return state.numbers === "share" ? `${title}, share of the sum of the ${unitOf(map)} in view` : title;
}

/** The page's scale for a map: [number of examples, its end]; undefined where no other example has such numbers. */
function pageScale(example, map) {
  if (state.scale !== "page") return undefined;
  const held = SCALES[`${example.data.model} ${map.method} ${map.quantity}`]?.[scoreOf(map).name]?.[unitOf(map)];
  return held && [held[0], held[(state.numbers === "share" ? 3 : 1) + (state.special ? 1 : 0)]];
}

/** Whether the numbers of a map are what rounding left of zero: colours would show noise. */
function isNothing(map) {
  return map.nothing.includes(scoreOf(map).name);
}

/** The size that has the strongest colour of some maps. */
function scaleEnd(example, maps) {
  return maps.length ? pageScale(example, maps[0])?.[1] ?? largestOf(example, maps) : 0;
}

function largestOf(example, maps) {
  let largest = 0;
  for (const map of maps) {
    const shown = shownScores(example, map);
    for (const index of inView(example, map)) largest = Math.max(largest, Math.abs(shown[index]));
  }
  return largest;
}

/** What the legend says of its scale: that of the page, or else what it was made with. */
function scaleSays(example, map, own, isSmall) {
  if (state.scale !== "page") return own;
  const [count] = pageScale(example, map) ?? [];
  if (count && isSmall) return `one scale for ${count.toLocaleString("en")} examples`;
  return count
    ? `one scale for the ${count.toLocaleString("en")} examples with the same model, method, score and quantity`
    : [own, "no other example has such numbers"].filter(Boolean).join("; ");
}
