// Before printing, cards get what paper needs; afterwards they are as they were.

const PRINTED_CHARTS = 60; // that are not drawn yet: one takes some 50 ms, and a reader waits for the dialogue
const PRINTED_COLUMNS = 22; // of the matrix, side by side on A4 and Letter
const afterwards = [];

addEventListener("beforeprint", () => {
  document.documentElement.classList.add("on-paper");
  const cards = [...list.cards.children];
  cards.forEach(wake);
  for (const fold of all("details:not(.unprinted, .download, [open])")) {
    fold.open = true;
    afterwards.push(() => { fold.open = false; });
  }
  const examples = cards.map((card) => awake.get(card)).filter(Boolean);
  examples.forEach(fillForPaper);
  drawForPaper(examples);
});

addEventListener("afterprint", () => {
  document.documentElement.classList.remove("on-paper");
  for (const undo of afterwards.splice(0)) undo();
  charts.refreshAll();
});

/** One map has all its scores; of several each has the one that colours its text, so that they stand side by side. */
function fillForPaper(example) {
  const alone = example.figures.length === 1;
  for (const figure of example.figures) {
    if (alone) {
      example.fillTable(figure);
      continue;
    }
    const map = example.data.maps[figure.shows];
    const names = [scoreOf(map).name];
    one("thead", figure.table).replaceChildren(tableHead(map, names));
    one("tbody", figure.table).replaceChildren(...tableRows(map, example.encoding(map), names));
    figure.tabled = figure.shows;
    afterwards.push(() => {
      figure.tabled = undefined;
      example.fillTable(figure);
    });
  }
  if (!example.matrixTable) return;
  example.fillMatrix();
  splitForPaper(one("table", example.matrixTable));
}

/** A table too wide for paper stands there in parts, each with the first two columns of the whole. */
function splitForPaper(table) {
  const count = table.tHead.rows[0].cells.length;
  if (count <= PRINTED_COLUMNS + 2) return;
  for (let from = 2; from < count; from += PRINTED_COLUMNS) {
    const part = table.cloneNode(true);
    for (const row of part.rows) {
      [...row.cells].forEach((cell, index) => {
        if (index >= 2 && (index < from || index >= from + PRINTED_COLUMNS)) cell.remove();
      });
    }
    if (from > 2) part.caption?.remove();
    table.parentElement.append(part);
    afterwards.push(() => part.remove());
  }
  table.classList.add("whole");
  afterwards.push(() => table.classList.remove("whole"));
}

/** Charts in the colours of paper, where the library is there already: it cannot be waited for. */
function drawForPaper(examples) {
  if (!window.Plotly) return;
  let left = PRINTED_CHARTS;
  for (const plot of examples.flatMap(({ plots }) => plots)) {
    const isDrawn = plot.canvas.classList.contains("drawn");
    if (!plot.canvas.checkVisibility() || (!isDrawn && left === 0)) continue;
    if (!isDrawn) left -= 1;
    charts.draw(plot).then(() => fitToPaper(plot.canvas));
  }
}

/** With a view box a chart becomes as small as the paper asks for. */
function fitToPaper(canvas) {
  for (const svg of all(".main-svg", canvas)) {
    svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
    afterwards.push(() => svg.removeAttribute("viewBox"));
  }
}
