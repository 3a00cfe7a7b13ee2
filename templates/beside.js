// Which method the large text shows, and which stands beside it: the small figure of that method moves there.

/** The method that was chosen, where some map of the example is by it. */
function chosenMethod(example) {
  return example.data.maps.some(({ method }) => method === state.method) ? state.method : "";
}

/** Index of the map of a target that is shown large; undefined where the chosen method left the target out. */
function largeOf(example, target) {
  const method = chosenMethod(example);
  return method ? example.mapBy(target, method) : example.data.targets[target][0];
}

/** The method of a small figure: where its own is shown large, the one that gave way. */
function methodOf(example, figure) {
  return figure.method === chosenMethod(example) ? example.ownMethod : figure.method;
}

/** The small figure that stands beside the large one. */
function besideOf(example) {
  if (!state.beside || state.beside === (chosenMethod(example) || example.ownMethod)) return undefined;
  return example.figures.find((figure) => figure.isOther && methodOf(example, figure) === state.beside);
}

function placeBeside(example) {
  const beside = besideOf(example);
  const maps = one(".maps", example.article);
  const [first] = example.primaries;
  const isPair = Boolean(beside) && example.primaries.length === 1;
  // Among choices it stands behind that of the chosen one.
  if (beside) {
    const { element } = example.primaries.find(({ target }) => target === example.target) ?? first;
    // What is taken out and put in again loses the focus.
    if (element.nextElementSibling !== beside.element) element.after(beside.element);
  }
  const multiples = one(".multiples", example.article);
  for (const figure of example.figures) {
    if (!figure.isOther) continue;
    figure.element.classList.toggle("beside", figure === beside);
    // The recorded correlation is with the example's own method, whichever is large.
    const { correlation } = example.data.maps[figure.shows];
    const whose = figure === beside && chosenMethod(example) ? ` with ${METHODS[example.ownMethod].title}` : "";
    one(".correlation", figure.element).textContent = correlation && !figure.isAbsent ? `${correlation}${whose}` : "";
    if (figure !== beside && figure.element.parentElement !== multiples) multiples.append(figure.element);
  }
  maps.classList.toggle("paired", isPair);
  if (isPair && example.legend.parentElement !== first.element) one(".flows", first.element).after(example.legend);
  if (!isPair && example.legend.parentElement === first.element) maps.after(example.legend);
  first.element.dataset.by = isPair ? METHODS[chosenMethod(example) || example.ownMethod].title : "";
  const section = one(".others", example.article);
  if (section) section.hidden = !example.figures.some((figure) => figure.isOther && figure !== beside);
}

/** What of the choice an example cannot show. */
function notRun(example) {
  const has = (name) => example.data.maps.some(({ method }) => method === name);
  const missing = [state.method, state.beside].filter((name) => name && !has(name));
  return [...new Set(missing)].map((name) => `${METHODS[name].title} was not run on this example`).join("; ");
}
