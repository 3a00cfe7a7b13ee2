// The last part of the script: every kind of chart is known by now.

document.documentElement.classList.add("scripted");
readSwitches();
watchExamples();
one(".controls").addEventListener("change", readSwitches);
theme.query.addEventListener("change", () => charts.refreshAll());
