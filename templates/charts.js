// Plotly, unpacked when the first chart comes near, and the kinds of chart. Positions are integers and labels are tick
// texts: by label, Plotly would merge repeated tokens. It reads labels as a kind of HTML, so "<s>" has to be escaped.

const LABEL_WIDTH = 20; // pixels a bar needs so that every label can be read: slanted, a line of 12 takes 17
const LONGEST_TICK = 16;
const MOST_LABELS = 300; // with 2,400 the page stood still for 200 s
const FEWEST_BARS = 8; // room for as many, so that two bars are not as wide as the page

// What draws a figure.plot, by its data-chart: a plot (its example, its figure, its canvas) to { data, layout }.
const builders = { bars, matrix };

const charts = {
  near: new Set(),

  observer: new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) charts.near.add(target.plot);
      else charts.near.delete(target.plot);
      if (isIntersecting) charts.draw(target.plot);
    }
  }, { rootMargin: "400px" }),

  watch(example) {
    example.plots = all("figure.plot", example.article).map((figure) => ({
      example,
      figure,
      kind: figure.dataset.chart,
      canvas: one(".canvas", figure),
    }));
    for (const plot of example.plots) {
      plot.canvas.plot = plot;
      this.observer.observe(plot.canvas);
    }
  },

  forget(example) {
    for (const plot of example?.plots ?? []) {
      this.observer.unobserve(plot.canvas);
      this.near.delete(plot);
      if (plot.canvas.classList.contains("drawn")) Plotly.purge(plot.canvas);
    }
  },

  refresh(example) {
    for (const plot of example.plots) if (this.near.has(plot)) this.draw(plot);
  },

  /** The bars of a word get their labels, as if pointed at; without a word no bar has one. */
  light(example, indices) {
    for (const { kind, canvas } of example.plots ?? []) {
      if (kind !== "bars" || !canvas.classList.contains("drawn") || !canvas.data) continue; // not drawn, or purged
      const places = indices.map((index) => canvas.data[0].customdata.indexOf(index)).filter((place) => place >= 0);
      canvas.isLitByText = true;
      if (places.length) Plotly.Fx.hover(canvas, places.map((pointNumber) => ({ curveNumber: 0, pointNumber })));
      else if (canvas.isHovered) Plotly.Fx.unhover(canvas);
      canvas.isHovered = places.length > 0;
      canvas.isLitByText = false;
    }
  },

  refreshAll() {
    for (const plot of this.near) this.draw(plot);
  },

  async draw(plot) {
    try {
      await loadPlotly();
    } catch (error) {
      plot.canvas.textContent = `The chart cannot be drawn here (${error.message}). The table has the same numbers.`;
      return;
    }
    const mark = `${state.version} ${plot.example.chosen} ${theme.isDark()}`;
    if (plot.mark === mark) return; // already as it should be
    plot.mark = mark;
    const { data, layout } = builders[plot.kind](plot);
    const first = !plot.canvas.classList.contains("drawn");
    if (first) plot.canvas.replaceChildren();
    await Plotly.react(plot.canvas, data, layout, {
      displaylogo: false,
      typesetMath: false, // a token such as $x$ is no formula, and without MathJax Plotly would warn on the console
      responsive: true,
      modeBarButtons: [["toImage"]],
      toImageButtonOptions: { filename: `saliency-${plot.example.article.id}-${plot.kind}` },
    });
    plot.canvas.classList.add("drawn");
    if (first) connect(plot);
  },
};

let plotly; // the promise of the library, made once

function loadPlotly() {
  plotly ??= unpack(one("#plotly").textContent).then((source) => {
    // Plotly brings a style sheet for maps, which the policy blocks, unless an element of this id is there already.
    const stub = document.createElement("template");
    stub.id = one("#plotly").dataset.mapStyle ?? "";
    document.head.append(stub);
    if (!run(source, () => window.Plotly)) throw new Error("this viewer blocked the chart library");
  });
  return plotly;
}

const theme = {
  query: matchMedia("(prefers-color-scheme: dark)"),
  isDark() { return this.query.matches && !document.documentElement.classList.contains("on-paper"); },
  /** A CSS custom property; Plotly cannot read var(). */
  get(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); },
};

function escapeLabel(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function tick(text) {
  const letters = [...text];
  return escapeLabel(letters.length > LONGEST_TICK ? `${letters.slice(0, LONGEST_TICK - 1).join("")}…` : text);
}

/** Positions of an encoding that are in view, in the order of the text. */
function positions(example, encoding, unit) {
  const special = example.special(encoding, unit);
  return encoding[unit].map((_, index) => index).filter((index) => state.special || !special.has(index));
}

/** An axis makes room on its own side alone: where both push all margins, Plotly goes round in circles and gives up. */
function axis(side, extra) {
  return {
    gridcolor: theme.get("--line"),
    linecolor: theme.get("--line"),
    zerolinecolor: theme.get("--muted"),
    fixedrange: true,
    exponentformat: "e", // 2e−4 as in the tables, and not 200µ
    automargin: side === "x" ? "height" : "width",
    ...extra,
  };
}

function layoutOf(canvas, count, extra) {
  const needed = count * LABEL_WIDTH + 90;
  const room = canvas.clientWidth;
  if (needed > room) canvas.tabIndex = 0; // so that the arrow keys can scroll it
  else canvas.removeAttribute("tabindex");
  return {
    autosize: needed <= room,
    width: needed <= room ? undefined : needed,
    paper_bgcolor: theme.get("--paper"),
    plot_bgcolor: theme.get("--paper"),
    font: { family: theme.get("--sans"), size: 12, color: theme.get("--ink") },
    hoverlabel: { bgcolor: theme.get("--ink"), font: { color: theme.get("--paper"), family: theme.get("--sans") } },
    dragmode: false, // a drag scrolls the page, on a phone too
    showlegend: false,
    ...extra,
  };
}

/** A word or sentence that the explained token is part of, or the next ones: only its earlier tokens have a score. */
function partOf(map, encoding, unit, index) {
  const words = encoding.parts.map((_, word) => word).filter((word) => (unit === "sentences" ? encoding.sentenceOf[word] : word) === index);
  const parts = unit === "tokens" ? [index] : words.flatMap((word) => encoding.parts[word]);
  const seen = map.position === null ? parts : parts.filter((token) => token < map.position);
  if (seen.length === parts.length) return encoding[unit][index];
  return unit === "sentences" ? `${encoding.sentences[index]} (as far as it is seen)` : `${seen.map((token) => encoding.tokens[token]).join("")}…`;
}

function bars({ example, canvas }) {
  const { map } = example;
  const encoding = example.encoding(map);
  const scores = shownScores(example, map);
  const errors = shownErrors(example, map);
  const { signed } = scoreOf(map);
  const unit = unitOf(map);
  const shown = positions(example, encoding, unit).filter((index) => scores[index] !== undefined);
  const largest = isNothing(map) ? Infinity : scaleEnd(example, example.onScaleOf(map)) || 1;
  const whiskers = errors && {
    type: "data", array: shown.map((index) => errors[index]), color: theme.get("--ink"), thickness: 1.2, width: 3,
  };
  const data = [{
    type: "bar",
    x: shown.map((_, column) => column),
    y: shown.map((index) => scores[index]),
    ...(whiskers && { error_y: whiskers }),
    marker: {
      color: shown.map((index) => barColour(scores[index], largest, signed)),
      line: { width: shown.length > MOST_LABELS ? 0 : 1, color: theme.get("--muted") },
    },
    customdata: shown,
    hovertext: shown.map((index) => hover(map, encoding, index, scores[index], errors?.[index])),
    hovertemplate: "%{hovertext}<extra></extra>",
  }];
  const labelled = shown.length <= MOST_LABELS;
  const layout = layoutOf(canvas, labelled ? shown.length : 0, {
    height: 300,
    margin: { t: 24, r: 12, b: 40, l: 48 },
    bargap: labelled ? 0.25 : 0,
    xaxis: axis("x", {
      showticklabels: labelled,
      ticklabeloverflow: "allow",
      ticks: "",
      ...(!labelled && { title: { text: `${shown.length.toLocaleString("en")} ${unit}; point at a bar to read its text` } }),
      tickvals: labelled ? shown.map((_, column) => column) : [],
      ticktext: labelled ? shown.map((index) => tick(partOf(map, encoding, unit, index))) : [],
      range: [-0.6, Math.max(shown.length, FEWEST_BARS) - 0.4],
      tickangle: shown.length > 8 ? -45 : 0,
      showgrid: false,
      zeroline: false,
    }),
    yaxis: axis("y", { title: { text: escapeLabel(axisTitle(map)) }, ...shareTicks() }),
  });
  return { data, layout };
}

/** Short enough for the side of a chart. */
function axisTitle(map) {
  const title = scoreTitle(map, scoreOf(map).name);
  return state.numbers === "share" ? `${title}, share of the sum` : title;
}

function shareTicks() {
  return state.numbers === "share" ? { tickformat: "~%" } : {};
}

function hover(map, encoding, index, score, error) {
  const unit = unitOf(map);
  const text = escapeLabel(partOf(map, encoding, unit, index));
  const names = {
    words: () => encoding.parts[index].map((token) => encoding.names[token]).join(" "),
    tokens: () => encoding.names[index],
    sentences: () => encoding.sentences[index],
  }[unit]();
  const made = names === encoding[unit][index] ? "" : `<br>made of ${escapeLabel(names)}`;
  const number = error === undefined ? shownNumber(score) : withError(score, error);
  return `${text}<br>${escapeLabel(axisTitle(map))}: ${number}${made}`;
}

/** Explained tokens (rows) against all positions; a position that a token cannot depend on stays empty, not zero. */
function matrix({ example, figure, canvas }) {
  // By the chosen map's method, whatever target it is of; a target that the method left out has an empty row.
  const { method } = example.map;
  const maps = example.data.targets.map((_, target) => example.data.maps[example.mapBy(target, method)]);
  const explained = example.data.targets.map(([primary]) => example.data.maps[primary]);
  const encoding = example.encoding(explained[0]);
  const unit = unitOf(example.map);
  const shown = positions(example, encoding, unit);
  const largest = scaleEnd(example, maps.filter((map) => map && !isNothing(map))) || 1;
  const { signed } = scoreOf(example.map);
  const title = escapeLabel(scoreTitle(example.map, scoreOf(example.map).name));
  const name = state.numbers === "share" ? `${title}<br>share of each row` : title; // in two lines, for few rows are low
  const names = explained.map((map) => example.explainedName(map));
  const shownOf = new Map(maps.filter(Boolean).map((map) => [map, shownScores(example, map)]));
  const cell = (map, index) => (map ? shownOf.get(map)[index] ?? null : null);
  const by = example.data.targets.some((group) => group.length > 1) ? `, by ${METHODS[method].title}` : "";
  const rows = explained[0].position === null ? "entity (a row) against all words" : "token (a row) against what stood before it";
  one(".plot-title", figure).textContent = `Every explained ${rows}${by}`;
  const data = [{
    type: "heatmap",
    z: maps.map((map) => shown.map((index) => cell(map, index))),
    x: shown.map((_, column) => column),
    y: maps.map((_, row) => row),
    text: maps.map((map, row) => shown.map((index) => {
      const score = cell(map, index);
      return score === null ? "" : `${escapeLabel(names[row])} ← ${hover(map, encoding, index, score)}`;
    })),
    hovertemplate: "%{text}<extra></extra>",
    hoverongaps: false,
    zmin: signed ? -largest : 0,
    zmax: largest,
    colorscale: colourScale(signed),
    xgap: 1,
    ygap: 1,
    colorbar: { thickness: 10, outlinewidth: 0, title: { text: name, side: "right" }, ...shareTicks() },
  }];
  const row = example.target;
  const layout = layoutOf(canvas, shown.length, {
    height: 130 + Math.max(maps.length, 3) * 26,
    margin: { t: 24, r: 12, b: 40, l: 48 },
    xaxis: axis("x", {
      tickvals: shown.map((_, column) => column),
      ticktext: shown.map((index) => tick(encoding[unit][index])),
      tickangle: shown.length > 8 ? -45 : 0,
      showgrid: false,
      zeroline: false,
    }),
    yaxis: axis("y", {
      tickvals: maps.map((_, index) => index),
      ticktext: names.map(tick),
      autorange: "reversed",
      showgrid: false,
      zeroline: false,
    }),
    shapes: [{
      type: "rect",
      x0: -0.5, x1: shown.length - 0.5, y0: row - 0.5, y1: row + 0.5,
      line: { color: theme.get("--accent"), width: 2 },
    }],
  });
  return { data, layout };
}

/** The colour of a bar: given numbers and a colour scale, Plotly 4 warns of each number on the console. */
function barColour(score, largest, signed) {
  const hue = theme.get(signed ? (score >= 0 ? "--p" : "--n") : "--s");
  const share = Math.abs(score) / largest;
  const channel = (colour, index) => parseInt(colour.slice(2 * index + 1, 2 * index + 3), 16);
  const mixed = [0, 1, 2].map((index) => {
    const paper = channel(theme.get("--paper"), index);
    return Math.round(paper + (channel(hue, index) - paper) * share);
  });
  return `rgb(${mixed.join()})`;
}

/** From the paper to the full hue: no text lies on a chart, so it can be stronger than behind words. */
function colourScale(signed) {
  return signed
    ? [[0, theme.get("--n")], [0.5, theme.get("--paper")], [1, theme.get("--p")]]
    : [[0, theme.get("--paper")], [1, theme.get("--s")]];
}

/** A bar lights its word; a row of the matrix chooses its token. */
function connect({ kind, canvas, example }) {
  if (kind === "matrix") {
    canvas.on("plotly_click", ({ points }) => example.chooseTarget(points[0].y));
  }
  if (kind !== "bars") return;
  canvas.on("plotly_hover", ({ points }) => { if (!canvas.isLitByText) lightOfBar(example, points[0].customdata); });
  canvas.on("plotly_unhover", () => { if (!canvas.isLitByText) unlight(example); });
}

theme.query.addEventListener("change", () => charts.refreshAll());
