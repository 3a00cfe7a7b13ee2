"""How fast this package is beside the least that the work takes, and beside captum and inseq.

    python tests/benchmarks/speed.py --snippets DIR [--case A,B,C,D,E,F] [--rounds N] [--json FILE] [--readme README.md]

`--snippets` is the unpacked `hutto_ICWSM_2014` folder of vaderSentiment 3.3.2. All contenders of a piece of work take
turns in one process; given are medians, and ratios to the fastest floor, a plain loop that knows nothing of this
package. Numbers are compared before they are timed. Left out, where enough others remain, are samples during which
other programs took more than a quarter of a processor that the threads need; on a machine that is never quiet compare
processor time with `--threads 1`. Peak memory is that of a fresh process which does the one thing alone.
Quote ratios: times are of one machine and day. `--json` keeps what was measured and adds to it; the table is drawn from
all of it. Cases: A gradient norm, B integrated gradients, C generation, D multiple choice, E SmoothGrad, F many texts,
G models of Llama's kind up to 8 billion parameters.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from marks import put
from race.generation import generation
from race.llamas import llamas
from race.points import integrated, noisy
from race.rounds import PATIENCE, Group, peak, race
from race.rows import choices, gradient, many
from race.setting import Setting
from race.table import BEGIN, END, added, around, measured, table

from saliency_report.models import quiet

CASES: dict[str, Callable[[Setting], list[Group]]] = {
    "A": gradient,
    "B": integrated,
    "C": generation,
    "D": choices,
    "E": noisy,
    "F": many,
    "G": llamas,
}


def main(arguments: Sequence[str]) -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=Path, required=True)
    parser.add_argument("--case", help="letters, with commas; all, but G on cuda alone")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds that a sample waits for quiet")
    parser.add_argument("--few", action="store_true", help="64 texts in A, 3 in B, D and E, no 10,000 in F")
    parser.add_argument("--inseq", action="store_true", help="beside the others in C; it must be installed")
    parser.add_argument("--memory", default="C,F", help="cases whose peak memory is measured")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", help="of the weights; float32, on cuda bfloat16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--readme", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for the random models; a temporary one")
    parser.add_argument("--alone", nargs=2, metavar=("GROUP", "CONTENDER"), help="one turn, and print its peak memory")
    options = parser.parse_args(arguments)
    quiet()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    dtype = options.dtype or ("float32" if device.type == "cpu" else "bfloat16")
    setting = Setting(options.snippets, folder.resolve(), device, dtype, options.few, options.inseq)
    cases = options.case.split(",") if options.case else [c for c in CASES if c != "G" or device.type == "cuda"]
    if options.alone:
        _alone(CASES[cases[0]](setting), *options.alone)
        return
    found = []
    for case in cases:
        for group in CASES[case](setting):
            times = race(group, options.rounds, device, options.patience)
            memory: dict[str, float] = {}
            if case in options.memory.split(","):
                again = [*arguments, "--keep", str(folder), "--case", case]
                memory = {c.name: _memory([*again, "--alone", group.key, c.name]) for c in group.contenders}
            found.append(measured(group, times, memory, around(device)))
            print(table(found[-1:]), flush=True)
    text = table(added(options.json, found))
    if options.readme:
        put(options.readme, BEGIN, END, text)


def _memory(arguments: Sequence[str]) -> float:
    """Peak megabytes of one contender in a fresh process."""
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def _alone(groups: Sequence[Group], key: str, name: str) -> None:
    contender = next(c for group in groups if group.key == key for c in group.contenders if c.name == name)
    contender.make()()
    print(json.dumps(peak()))


if __name__ == "__main__":
    main(sys.argv[1:])
