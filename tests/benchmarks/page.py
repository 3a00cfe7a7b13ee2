"""What a page weighs and how fast it opens, on film snippets explained by the embedded sentiment model.

    python tests/benchmarks/page.py --snippets DIR [--bundle plotly-cartesian.min.js] [--keep DIR] [--readme README.md]

`--snippets` is the unpacked `hutto_ICWSM_2014` folder of vaderSentiment 3.3.2. Each snippet is cut to its first words,
so that 10,000 of them have 24 tokens on average, special ones included. Pages are drawn from a record, in a process of
their own as `render` does it, and opened in Chromium from a file with the network cut. Times are of this machine; the
table has the ratio to the page of ten examples beside them. `--bundle` is the small bundle of Plotly that a wheel can
carry.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from marks import put
from playwright.sync_api import Browser, sync_playwright

from saliency_report.embedded.training.train_sentiment import read_snippets
from saliency_report.models import quiet
from saliency_report.pipeline import Run
from saliency_report.record import to_json
from saliency_report.spec import parse_spec

BEGIN, END = "<!-- weight: written by tests/benchmarks/page.py -->\n", "<!-- end of weight -->\n"
COUNTS = (10, 100, 1000, 10_000)
WORDS = 20  # of each snippet, which gives 24 tokens on average
DRAW = """
import sys, time
from pathlib import Path
begun = time.perf_counter()
from saliency_report.output import write
from saliency_report.page import page_parts, plotly_bundle
from saliency_report.record import read_report
if sys.argv[4]:
    plotly_bundle.SMALL = Path(sys.argv[4])
report = read_report(Path(sys.argv[1]))
write(Path(sys.argv[2]), page_parts(report, charts=sys.argv[3] == "plotly"))
seconds = time.perf_counter() - begun
# The peak of this program alone: getrusage gives that of the process it was forked from where that is larger.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(seconds, int(peak.split()[1]) / 1024)
"""
# Times of a page that has just been opened, in milliseconds, from its own clock.
OPENED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
CHART = """async () => {
  const begun = performance.now();
  document.querySelector("figure.plot").scrollIntoView();
  while (!document.querySelector(".canvas.drawn")) await new Promise((done) => setTimeout(done, 5));
  return performance.now() - begun;
}"""
SEARCH = """async (query) => {
  await list.change({}, true); // all examples, so that the count below must change
  const begun = performance.now();
  list.change({ q: query });
  const before = document.querySelector(".found").textContent;
  while (document.querySelector(".found").textContent === before) await new Promise((done) => setTimeout(done, 1));
  return performance.now() - begun;
}"""


@dataclass(frozen=True)
class Drawn:
    """A page and what it took to draw it."""

    path: Path
    seconds: float
    megabytes: float

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.path.stat().st_size


def records(snippets: Path, folder: Path) -> dict[int, Path]:
    """Records of the first so many snippets, by their number."""
    texts = [" ".join(s.text.split()[:WORDS]) for s in read_snippets(snippets) if s.text.split()][: max(COUNTS)]
    examples = [{"task": "text-classification", "text": text} for text in texts]
    spec = parse_spec(json.dumps(examples), "snippets", None, Path())
    report = Run(spec, torch.device("cpu"), "float32", lambda result: None).report()
    tokens = sum(len(result.encodings[0].tokens) for result in report.examples) / len(report.examples)
    print(f"{len(report.examples)} examples of {tokens:.1f} tokens")
    found = {}
    for count in (*COUNTS, 11, 20, 60):
        found[count] = folder / f"{count}.json"
        found[count].write_text(to_json(report.model_copy(update={"examples": report.examples[:count]})), "utf-8")
    return found


def draw(record: Path, folder: Path, charts: str, bundle: str) -> Drawn:
    """The page of a record, made by another process."""
    page = folder / f"{record.stem}-{charts}{'-small' if bundle else ''}.html"
    command = [sys.executable, "-c", DRAW, str(record), str(page), charts, bundle]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, done.stdout.split())
    return Drawn(page, seconds, megabytes)


def opened(browser: Browser, path: Path) -> dict[str, float]:
    """Milliseconds until the content is there, a chart is drawn and a search is answered; megabytes of the tab."""
    context = browser.new_context(offline=True, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(path.as_uri())
    found: dict[str, float] = {"content": page.evaluate(OPENED)}
    found["chart"] = found["content"] + page.evaluate(CHART)
    if page.locator(".finder").count():
        page.evaluate(SEARCH, "terrible")  # the first reads the catalogue
        found["search"] = sorted(page.evaluate(SEARCH, word) for word in ("script", "bad", "superb", "actor", "film"))[
            2
        ]
    found["memory"] = private_memory(page)
    context.close()
    return found


def private_memory(page: Any) -> float:
    """Memory that the page's own process shares with no other, in megabytes, after a collection of garbage."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    time.sleep(0.5)
    processes = subprocess.run(
        ["pgrep", "-f", "--", "--type=renderer"], capture_output=True, text=True, check=True
    ).stdout
    return max(private_of(int(number)) for number in processes.split())


def private_of(number: int) -> float:
    """Private megabytes of a process."""
    lines = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def chromium() -> str | None:
    """The Chromium of the system, else the one that Playwright brought."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snippets", type=Path, required=True)
    parser.add_argument("--bundle", default="")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--readme", type=Path)
    options = parser.parse_args()
    quiet()
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    of = records(options.snippets, folder)
    rows = [
        "| examples | page | without charts | drawn in | content there | first chart | search | tab |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        first: dict[str, float] = {}
        for count in COUNTS:
            page, bare = (draw(of[count], folder, charts, options.bundle) for charts in ("plotly", "none"))
            runs = [opened(browser, page.path) for _ in range(3)]
            medians = {name: sorted(run[name] for run in runs)[1] for name in runs[0]}
            first = first or medians
            cells = [f"{count:,}", f"{page.size / 1e6:.2f} MB", f"{bare.size / 1e6:.2f} MB"]
            cells.append(f"{page.seconds:.1f} s, {page.megabytes:.0f} MB")
            for name, unit in (("content", "ms"), ("chart", "ms"), ("search", "ms"), ("memory", "MB")):
                ratio = f" (× {medians[name] / first[name]:.1f})" if name in first and first is not medians else ""
                cells.append(f"{medians[name]:.0f} {unit}{ratio}" if name in medians else "–")
            rows.append(f"| {' | '.join(cells)} |")
        browser.close()
    bare_sizes = {count: draw(of[count], folder, "none", options.bundle).size for count in (10, 20, 60, 100)}
    served = (bare_sizes[20] - bare_sizes[10]) / 10
    packed = (bare_sizes[100] - bare_sizes[60]) / 40
    rows.append(f"\nA further example takes {served:,.0f} bytes while it stands in the page, {packed:,.0f} in a pack.")
    text = "\n".join(rows) + "\n"
    print(text)
    if options.readme:
        put(options.readme, BEGIN, END, text)


if __name__ == "__main__":
    main()
