// The last part of the script: every kind of chart is known by now.

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

