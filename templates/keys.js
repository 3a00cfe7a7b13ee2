// The arrow keys over a coloured text: it is one stop of the Tab key, and a cursor moves in it from word to word.

/** After a change of what can be pointed at: the cursor stays where it was, or begins at the chosen token. */
function placeCursor(example, figure) {
  const stops = stopsOf(example, figure).filter(isVisible);
  const within = figure.tabbed && stops.find(({ elements }) => elements.some((one) => one.contains(figure.tabbed)));
  const chosen = stops.find((stop) => targetsIn(example, figure, stop).includes(example.target));
  setCursor(example, figure, within ?? chosen ?? stops[0]);
  const flows = one(".flows", figure.element);
  flows.setAttribute("role", "group");
  flows.setAttribute("aria-label", "Text: the left and right arrow keys say the number of each word");
}

function setCursor(example, figure, stop) {
  // Of several elements the outlined token, so that a screen reader says that it can be chosen.
  const element = stop && (controlsIn(example, figure, stop)[0]?.element ?? stop.elements[0]);
  if (element === figure.tabbed) return;
  if (figure.tabbed?.getAttribute("role") === "radio") figure.tabbed.tabIndex = -1;
  else figure.tabbed?.removeAttribute("tabindex");
  figure.tabbed = element;
  if (element) element.tabIndex = 0;
}

/** Special tokens cannot be seen while they are left out, unless one is explained. */
function isVisible({ elements: [first] }) {
  return state.special || !first.classList.contains("special") || first.classList.contains("g");
}

/** The outlined tokens that a word or sentence holds, in the large text of a generation. */
function controlsIn(example, figure, { elements }) {
  if (figure.isOther || !example.controls) return [];
  return example.controls.filter(({ element }) => elements.some((one) => one.contains(element)));
}

function targetsIn(example, figure, stop) {
  return [...new Set(controlsIn(example, figure, stop).flatMap(({ targets }) => targets))];
}

function onTextKey(example, event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const found = stopAt(example, event.target);
  if (!found || found.figure.tabbed !== event.target) return;
  const { figure } = found;
  const stops = stopsOf(example, figure).filter(isVisible);
  const here = stops.indexOf(found.stop);
  const isRightToLeft = getComputedStyle(event.target.closest(".text")).direction === "rtl";
  const to = {
    ArrowRight: here + (isRightToLeft ? -1 : 1),
    ArrowLeft: here + (isRightToLeft ? 1 : -1),
    Home: 0,
    End: stops.length - 1,
  }[event.key];
  const targets = targetsIn(example, figure, found.stop);
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (to !== undefined) {
    setCursor(example, figure, stops[Math.min(stops.length - 1, Math.max(0, to))]);
  } else if (by && example.controls && !figure.isOther) {
    example.chooseTarget(example.target + by);
    setCursor(example, figure, stopsOf(example, figure).find((stop) => targetsIn(example, figure, stop).includes(example.target)));
  } else if ((event.key === "Enter" || event.key === " ") && targets.length) {
    // A word can hold several tokens: each press takes the next of them.
    example.chooseTarget(targets[(targets.indexOf(example.target) + 1) % targets.length]);
    sayAt(example, { figure, stop: stopsOf(example, figure).find(({ elements }) => elements.some((one) => one.contains(event.target))) });
  } else return;
  event.preventDefault();
  figure.tabbed.focus();
}
