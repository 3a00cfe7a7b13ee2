// Charts of the evidence: F while words are removed or put back, and the gradient at every layer.

const CHART_HEIGHT = 300;
const LAYER_HEIGHT = 22; // pixels

builders.curves = curves;
builders.layers = layers;

/** A switch inside the evidence changes only the charts beside it. */
document.addEventListener("change", ({ target }) => {
  const proof = target.closest(".evidence .proof");
  if (!proof) return;
  for (const canvas of all(".canvas", proof)) {
    canvas.plot.mark = undefined;
    if (charts.near.has(canvas.plot)) charts.draw(canvas.plot);
  }
});

function curves({ example, figure, canvas }) {
  const { axis: name, words, rankings, random } = example.data.evidence.curves;
  const kind = figure.dataset.curve;
  const count = words.at(-1);
  const shares = words.map((number) => (100 * number) / count);
  const verb = kind === "deletion" ? "removed" : "kept";
  const hover = (title, values) => values.map((value, index) => (
    `${escapeLabel(title)}<br>${words[index]} of ${count} words ${verb}: ${significant(value)}`
  ));
  const line = (title, values, style) => ({
    type: "scatter",
    mode: "lines",
    name: escapeLabel(title),
    x: shares,
    y: values,
    line: style,
    text: hover(title, values),
    hovertemplate: "%{text}<extra></extra>",
  });
  const edge = { width: 0, color: theme.get("--reference") };
  const { mean, low, high } = random[kind];
  const data = [
    { ...line("5th percentile of random orders", low, edge), hoverinfo: "skip", hovertemplate: undefined },
    {
      ...line("95th percentile of random orders", high, edge),
      fill: "tonexty",
      fillcolor: theme.get("--band"),
      hoverinfo: "skip",
      hovertemplate: undefined,
    },
    line("Mean of random orders", mean, { width: 2, color: theme.get("--reference"), dash: "dot" }),
  ];
  // The headline is drawn last, over all others.
  for (const box of all("[data-ranking]", figure.closest(".proof")).reverse()) {
    if (!box.checked) continue;
    const { title, [kind]: values } = rankings[box.dataset.ranking];
    data.push(line(title, values, lineStyle(box.dataset.line, box.dataset.ranking === "0")));
  }
  const layout = layoutOf(canvas, 0, {
    height: CHART_HEIGHT,
    margin: { t: 12, r: 24, b: 40, l: 48 },
    xaxis: axis("x", {
      title: { text: `share of words ${verb}` },
      tickvals: [0, 25, 50, 75, 100],
      ticktext: ["0", "25 %", "50 %", "75 %", "100 %"],
      range: [0, 100],
      zeroline: false,
    }),
    yaxis: axis("y", { title: { text: tickLong(name) }, zeroline: true }),
    hovermode: "closest",
  });
  return { data, layout };
}

/** The name of F beside its axis, short enough for the height of the chart. */
function tickLong(text) {
  const letters = [...text];
  return escapeLabel(letters.length > 32 ? `${letters.slice(0, 31).join("")}…` : text);
}

function lineStyle(name, isHeadline) {
  if (name === "loo") return { width: 2, color: theme.get("--reference"), dash: "dash" };
  const [hue, again] = name.split(" ");
  return { width: isHeadline ? 3.5 : 2, color: theme.get(`--${hue}`), dash: again ? "dot" : "solid" };
}

/** Layers are rows, the embeddings at the bottom as in a model's picture. A row's colours reach its own largest number. */
function layers({ example, figure, canvas }) {
  const proof = figure.closest(".proof");
  const kind = one("input:checked", proof).value;
  const signed = kind === "activation";
  const { encoding: number, names, [kind]: rows } = example.data.evidence.layers;
  const encoding = example.data.encodings[number];
  const special = example.special(encoding, "tokens");
  // Null: the token stands outside of the window that the explained number is of.
  const shown = rows[0].map((_, index) => index).filter((index) => rows[0][index] !== null && (state.special || !special.has(index)));
  const largest = rows.map((row) => Math.max(0, ...shown.map((index) => Math.abs(row[index]))));
  const title = signed ? "gradient × activation" : "gradient norm";
  const data = [{
    type: "heatmap",
    z: rows.map((row, layer) => shown.map((index) => row[index] / (largest[layer] || 1))),
    x: shown.map((_, column) => column),
    y: rows.map((_, layer) => layer),
    text: rows.map((row, layer) => shown.map((index) => (
      `${escapeLabel(encoding.tokens[index])}, ${escapeLabel(names[layer])}<br>${title}: ${significant(row[index])}`
    ))),
    hovertemplate: "%{text}<extra></extra>",
    zmin: signed ? -1 : 0,
    zmax: 1,
    colorscale: colourScale(signed),
    showscale: false,
    xgap: 1,
    ygap: 1,
  }];
  const layout = layoutOf(canvas, shown.length + 3, {
    height: Math.max(CHART_HEIGHT, 110 + rows.length * LAYER_HEIGHT),
    margin: { t: 12, r: 64, b: 40, l: 48 },
    xaxis: axis("x", {
      tickvals: shown.map((_, column) => column),
      ticktext: shown.map((index) => tick(encoding.tokens[index])),
      tickangle: shown.length > 8 ? -45 : 0,
      showgrid: false,
      zeroline: false,
    }),
    yaxis: axis("y", {
      tickvals: names.map((_, layer) => layer),
      ticktext: names.map(tick),
      range: [-0.5, names.length - 0.5],
      showgrid: false,
      zeroline: false,
    }),
    annotations: largest.map((value, layer) => ({
      x: 1, xref: "paper", xanchor: "left", xshift: 6, y: layer, yref: "y", showarrow: false,
      text: significant(value), font: { size: 11, color: theme.get("--muted") },
    })),
  });
  return { data, layout };
}
