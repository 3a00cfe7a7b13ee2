// The last part of the script: every kind of chart is known by now. It begins when the data of the first cards are there, so that
// what is opened and printed at once is whole.

document.documentElement.dataset.script = "run";

function begin() {
  document.documentElement.classList.add("scripted");
  if (one(".controls")) {
    readSwitches();
    one(".controls").addEventListener("change", () => {
      readSwitches();
      writeHash();
    });
  }
  watch([...list.cards.children]);
  list.open();
}

(packs[0]?.read() ?? Promise.resolve()).then(begin, (error) => {
  cannotUnpack(error);
  begin();
});
