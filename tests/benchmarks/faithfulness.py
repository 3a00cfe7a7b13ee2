"""How faithful each method is to the embedded sentiment model, on film snippets that it never saw.

    python tests/benchmarks/faithfulness.py --snippets DIR [--count 200] [--readme README.md]

`--snippets` is the unpacked `hutto_ICWSM_2014` folder of vaderSentiment 3.3.2; the snippets are the first of the
test set that the training script set aside. Gives a Markdown table, methods × figures, all at default settings, and
what the other evidence says over all snippets; with `--readme` they go into that file, between its two marks. Seconds
are of this machine, a snippet, beyond those of the gradient: compare them with one another only.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from statistics import fmean
from textwrap import fill
from typing import Any

import torch
from marks import put

from saliency_report.embedded.training.train_sentiment import Snippet, read_snippets, split
from saliency_report.models import quiet
from saliency_report.pipeline import Run
from saliency_report.record import Report, RunEvidence
from saliency_report.spec import METHOD_NAMES, parse_spec

BEGIN, END = "<!-- faithfulness: written by tests/benchmarks/faithfulness.py -->\n", "<!-- end of faithfulness -->\n"


def explain(snippets: list[Snippet], **fields: Any) -> tuple[Report, float]:
    """The report of the snippets with these fields, and the seconds that an example took."""
    examples = [{"task": "text-classification", "text": snippet.text, **fields} for snippet in snippets]
    spec = parse_spec(json.dumps(examples), "snippets", None, Path())
    begun = time.perf_counter()
    report = Run(spec, torch.device("cpu"), "float32", lambda result: None).report()
    return report, (time.perf_counter() - begun) / len(snippets)


def line(figures: RunEvidence, seconds: float | None) -> str:
    """A row of the table."""
    numbers = (figures.aopc, figures.sufficiency, figures.normalised_aopc, figures.tau_loo, seconds)
    cells = ["–" if number is None else f"{number:.3f}".replace("-", "−") for number in numbers]
    cells.insert(4, f"{figures.better_than_random} of {figures.examples}")
    return f"| {figures.title} | {' | '.join(cells)} |"


def text(count: int, alone: dict[str, float], report: Report, whole: float) -> str:
    """The table, and a paragraph on the rest."""
    rows = [
        "| order by | AOPC | sufficiency | normalised AOPC | τ-LOO | better than random | further seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for figures in report.evidence:
        further = figures.name in alone and figures.name != "gradient"
        rows.append(line(figures, alone[figures.name] - alone["gradient"] if further else None))
    found = [result.evidence for result in report.examples if result.evidence]
    random = [fmean(evidence.faithfulness.random.aopc) for evidence in found if evidence.faithfulness]
    rows.append(f"| random orders | {fmean(random):.3f} | – | – | – | – | – |")
    verdicts = Counter(m.completeness.verdict for r in report.examples for m in r.maps if m.completeness)
    directions = [evidence.direction for evidence in found if evidence.direction]
    agreeing, flips = sum(d.agreeing for d in directions), sum(len(d.flips) for d in directions)
    randomised = [evidence.randomisation for evidence in found if evidence.randomisation]
    rest = (
        f"{len(random)} of {count} snippets have words enough to be tested. Integrated gradients add up within 1 % on "
        f"{verdicts['pass']} of {sum(verdicts.values())}, and within 5 % on {verdicts['warn']} more. Of {flips:,} "
        f"tokens that the gradient asks for, {100 * agreeing / flips:.0f} % change the answer in the direction that it "
        f"foretells. With random weights {sum(r.falls for r in randomised)} of {len(randomised)} maps become others. "
        f"The gradient alone took {alone['gradient']:.3f} s a snippet, everything together {whole:.1f} s."
    )
    return "\n".join([*rows, "", fill(rest, 120), ""])


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snippets", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--readme", type=Path)
    args = parser.parse_args()
    quiet()
    snippets = split(read_snippets(args.snippets), seed=0)[2][: args.count]
    explain(snippets[:20])  # the first passes of a process are slow
    alone: dict[str, float] = {name: explain(snippets, methods=[name])[1] for name in METHOD_NAMES}
    report, whole = explain(snippets, methods="all", faithfulness=True, flips=3, randomisation="all")
    written = text(len(snippets), alone, report, whole)
    print(written)
    if args.readme:
        put(args.readme, BEGIN, END, written)


if __name__ == "__main__":
    main()
