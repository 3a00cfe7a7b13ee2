// The last part of the script: every kind of chart is known by now.

document.documentElement.classList.add("scripted");
for (const note of all(".placeholder")) note.textContent = "The chart is drawn when it comes into view.";
readSwitches();
watchExamples();
one(".controls").addEventListener("change", readSwitches);
theme.query.addEventListener("change", () => charts.refreshAll());
