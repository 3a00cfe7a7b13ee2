"""How the cost grows: time a token with ever more texts, and time of a matrix after ever longer prompts, as a drawing.

    python tests/benchmarks/growth.py --snippets DIR [--counts 100,1000,10000] [--lengths 12,129,500,1000]
                                      [--threads 1] [--rounds N] [--svg FILE] [--readme FILE]

`--snippets` is the unpacked `hutto_ICWSM_2014` folder of vaderSentiment 3.3.2. The texts are short ones and the model
the embedded sentiment model; the prompts are SmolLM2-135M's, each with 20 tokens after it whose maps are all computed.
Floors are those of `speed.py`, and what both compute is compared before it is timed. Times are processor time, which
other programs leave alone; peak memory is that of a fresh process that makes one matrix. At least two counts and two
lengths make the drawing; the defaults take most of an hour with one thread.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log10
from pathlib import Path

import torch
from marks import put
from race.generation import NEW, after_prompt
from race.rounds import Group, peak, race
from race.rows import many
from race.setting import Setting
from race.table import around

from saliency_report.models import quiet

BEGIN, END = "<!-- growth: written by tests/benchmarks/growth.py -->\n", "<!-- end of growth -->\n"
OURS = {"ours", "ours, the engine's matrix alone"}
FLOORS = {"floor, 512 tokens a batch", "floor, all tokens in one product"}


@dataclass(frozen=True)
class Point:
    """What floor and ours took of a piece of work, in seconds of processors, and the peak memory of ours."""

    size: int
    floor: float
    ours: float
    megabytes: float = 0.0


def pared(group: Group) -> Group:
    """The group with one floor and ours alone."""
    return replace(group, contenders=[c for c in group.contenders if c.name in OURS | FLOORS])


def measured(group: Group, size: int, rounds: int, unit: float, megabytes: float = 0.0) -> Point:
    """A point, its times divided by `unit`."""
    times = race(pared(group), rounds, torch.device("cpu"))
    floor, ours = (next(own.processor for name, own in times.items() if name in names) for names in (FLOORS, OURS))
    return Point(size, floor / unit, ours / unit, megabytes)


def table(texts: Sequence[Point], prompts: Sequence[Point], threads: int) -> str:
    """The figures as Markdown."""
    about = around(torch.device("cpu"))
    lines = ["| texts | floor | ours | × floor |", "|---|---|---|---|"]
    lines += [
        f"| {p.size:,} | {1e6 * p.floor:.0f} µs a token | {1e6 * p.ours:.0f} µs a token | {p.ours / p.floor:.2f} |"
        for p in texts
    ]
    lines += ["", f"| prompt + {NEW} tokens | floor | ours | × floor | peak memory |", "|---|---|---|---|---|"]
    lines += [
        f"| {p.size:,} + {NEW} | {p.floor:.2f} s | {p.ours:.2f} s | {p.ours / p.floor:.2f} "
        f"| {p.megabytes / 1000:.1f} GB |"
        for p in prompts
    ]
    plural = "thread" if threads == 1 else "threads"
    lines += ["", f"Processor time, {about['processor']}, {threads} {plural}, {about['date']}."]
    return "\n".join(lines) + "\n"


WIDTH, HEIGHT, LEFT, BOTTOM = 400, 240, 60, 40
STYLE = (
    "<style>svg{color:#1b1b1a;font:12px sans-serif}.floor{stroke:#77797d}.ours{stroke:#0b5cad}text{fill:currentColor}"
    "@media(prefers-color-scheme:dark){svg{color:#e8e8e6}.ours{stroke:#8fc1f5}}</style>"
)


def panel(points: Sequence[Point], left: int, title: str, of_x: str, of_y: str, least: float = 0.0) -> str:
    """Two lines over logarithmic axes, as wide as a column; the y axis begins at `least`, or below all."""
    xs, ys = [p.size for p in points], [y for p in points for y in (p.floor, p.ours)]
    low, high = log10(least or min(ys)), log10(max(ys) * 1.3)

    def at(x: float, y: float) -> tuple[float, float]:
        across = (log10(x) - log10(xs[0])) / (log10(xs[-1]) - log10(xs[0]))
        up = (log10(y) - low) / (high - low)
        return left + LEFT + across * (WIDTH - LEFT - 30), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - 40)

    drawn = [f'<text x="{left + LEFT}" y="18" font-weight="600">{title}</text>']
    for name in ("floor", "ours"):
        places = [at(p.size, getattr(p, name)) for p in points]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(f'<polyline class="{name}" fill="none" stroke-width="2" points="{joined}"/>')
        drawn += [
            f'<circle class="{name}" fill="none" stroke-width="2" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places
        ]
    for point in points:
        x, _ = at(point.size, ys[0])
        drawn.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{point.size:,}</text>')
    for value, word in zip((min(ys), max(ys)), (of_y, of_y), strict=True):
        _, y = at(xs[0], value)
        drawn.append(f'<text x="{left + LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{word.format(value)}</text>')
    drawn.append(f'<text x="{left + LEFT}" y="{HEIGHT - 6}">{of_x}</text>')
    return "".join(drawn)


def drawing(texts: Sequence[Point], prompts: Sequence[Point]) -> str:
    """Both panels with what the lines are."""
    key = "".join(
        f'<line class="{name}" stroke-width="2" x1="{x}" y1="34" x2="{x + 20}" y2="34"/>'
        f'<text x="{x + 26}" y="38">{name}</text>'
        for name, x in (("floor", LEFT), ("ours", LEFT + 80))
    )
    alone = [replace(p, floor=1e6 * p.floor, ours=1e6 * p.ours) for p in texts]
    both = [
        panel(alone, 0, "A gradient, a token", "texts", "{:.0f} µs", min(p.floor for p in alone) / 10),
        panel(prompts, WIDTH, f"Maps of {NEW} tokens", "tokens of the prompt", "{:.2g} s"),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT}" role="img" aria-label="Processor '
        f'time of floor and ours, with ever more texts and ever longer prompts">{STYLE}{key}{"".join(both)}</svg>\n'
    )


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=Path, required=True)
    parser.add_argument("--counts", default="100,1000,10000")
    parser.add_argument("--lengths", default="12,60,129,250,500,1000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--readme", type=Path)
    parser.add_argument("--alone", type=int, help="our matrix after a prompt of so many tokens, and its peak memory")
    options = parser.parse_args(arguments)
    quiet()
    torch.set_num_threads(options.threads)
    setting = Setting(options.snippets, Path(tempfile.mkdtemp()), torch.device("cpu"), "float32")
    if options.alone:
        next(c for c in after_prompt(setting, options.alone).contenders if c.name in OURS).make()()
        print(json.dumps(peak()))
        return
    counts, texts, prompts = [int(count) for count in options.counts.split(",")], [], []
    for count, group in zip(counts, many(setting, counts), strict=True):
        texts.append(measured(group, count, options.rounds, group.size))
        print(texts[-1], flush=True)
    for length in map(int, options.lengths.split(",")):
        again = [sys.executable, __file__, *arguments, "--alone", str(length)]
        megabytes = float(subprocess.run(again, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        prompts.append(measured(after_prompt(setting, length), length, options.rounds, 1, megabytes))
        print(prompts[-1], flush=True)
    text = table(texts, prompts, options.threads)
    print(text)
    if options.svg:
        options.svg.write_text(drawing(texts, prompts), encoding="utf-8")
    if options.readme:
        put(options.readme, BEGIN, END, text)


if __name__ == "__main__":
    main(sys.argv[1:])
