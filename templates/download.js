// What a reader can take away from a card: its coloured text as a picture, its numbers as a table; and the whole record.

const TYPES = { svg: "image/svg+xml", png: "image/png", csv: "text/csv;charset=utf-8", json: "application/json" };
const TITLES = {
  svg: "The coloured text as it is shown now, as a drawing",
  png: "The coloured text as it is shown now, as an image",
  csv: "A row for each token of every map, with all its scores. "
    + "Before a text that a spreadsheet would run, such as =1+1, stands an apostrophe.",
};
const CANVAS = 16_000; // pixels that a side of a canvas may have

/** The buttons of a card; it comes without, since a page can hold thousands of cards. */
function addDownloads(example) {
  const box = Object.assign(document.createElement("details"), { className: "download" });
  box.append(Object.assign(document.createElement("summary"), { textContent: "Download this example" }));
  const said = Object.assign(document.createElement("span"), { className: "said" });
  said.setAttribute("role", "status");
  const makers = { svg: () => drawing(example).svg, png: () => image(drawing(example)), csv: () => table(example) };
  for (const [kind, make] of Object.entries(makers)) {
    const button = Object.assign(document.createElement("button"), {
      type: "button", className: "turn", textContent: kind.toUpperCase(), title: TITLES[kind],
    });
    button.addEventListener("click", () => saved(`saliency-${example.article.id}.${kind}`, make, said));
    box.append(button, " ");
  }
  const digits = "Numbers of the CSV have three digits, as those of this page; the record, report.json, has the others.";
  box.append(Object.assign(document.createElement("span"), { className: "hint", textContent: digits }), " ", said);
  one("footer", example.article).append(box);
}

async function saved(name, make, said) {
  try {
    const content = await make();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: TYPES[name.split(".").at(-1)] }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a browser may ask where to, before it reads
    said.textContent = "";
  } catch (error) {
    said.textContent = `${name} could not be made: ${error.message}.`;
  }
}

// The picture is taken of a copy of the card's texts, as wide on every screen.

function drawing(example) {
  const sheet = sheetOf(example);
  document.body.append(sheet);
  try {
    const { width, height } = sheet.getBoundingClientRect();
    return { svg: picture(sheet), width: Math.ceil(width), height: Math.ceil(height) };
  } finally {
    sheet.remove();
  }
}

function sheetOf(example) {
  const { article } = example;
  const sheet = Object.assign(document.createElement("div"), { className: `sheet ${example.data.kind}` });
  const line = (className, text) => Object.assign(document.createElement("p"), { className, textContent: text });
  const id = one("h3 bdi", article).textContent;
  sheet.setAttribute("aria-label", `${id}: ${one(".sentence", article).textContent}`);
  sheet.append(line("sheet-title", id));
  const shown = ".note, .faith, .target, .maps, .legend, .others";
  for (const element of article.children) if (element.matches(shown)) sheet.append(element.cloneNode(true));
  for (const element of all(".pick, .readout, a, .stepper, [hidden]", sheet)) element.remove();
  for (const element of all(".lit", sheet)) element.classList.remove("lit");
  sheet.append(line("hint", smallPrint(example)));
  return sheet;
}

/** What the numbers of the picture are, wherever it is shown. */
function smallPrint({ article, figures, data }) {
  const maps = figures.filter(({ element }) => !element.hidden).map(({ shows }) => data.maps[shows]);
  const units = new Set(maps.map((map) => unitOf(map).slice(0, -1))); // words where there are no sentences
  const methods = new Set(maps.map(({ method }) => METHODS[method].title));
  const scores = [...new Set(maps.map(scoreOf))].map(({ title, formula, sentence }) => `${title}, ${formula}: ${sentence}`);
  const [made] = one("footer", article).childNodes;
  return [
    `By ${[...methods].join(", ")}; a number for each ${[...units].join(" or ")}.`,
    ...scores,
    "Stronger colour: the model’s answer reacts more to a small change of that word. It is not proof that the word caused the answer.",
    `Model: ${made.textContent.trim().replace(/\s+/g, " ")}`,
    `${document.title}, ${one("meta[name=generator]").content}.`,
  ].join(" ");
}

async function image({ svg, width, height }) {
  const picture = new Image();
  const address = URL.createObjectURL(new Blob([svg], { type: TYPES.svg }));
  try {
    picture.src = address;
    await picture.decode();
    const scale = Math.min(2, CANVAS / height);
    const canvas = Object.assign(document.createElement("canvas"), { width: width * scale, height: height * scale });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, TYPES.png));
    if (!blob) throw new Error("the picture is too large");
    return blob;
  } finally {
    URL.revokeObjectURL(address);
  }
}

one("#save-record")?.addEventListener("click", () => {
  saved("report.json", () => unpack(one("#record").textContent), one(".record .said"));
});
