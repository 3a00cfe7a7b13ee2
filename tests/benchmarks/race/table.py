"""What was measured, as JSON that later runs add to, and as a table."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from race.rounds import Group, Times, base, bearable

BEGIN, END = "<!-- speed: written by tests/benchmarks/speed.py -->\n", "<!-- end of speed -->\n"
PACKAGES = ("torch", "transformers", "captum", "inseq")
Measured = dict[str, Any]


def measured(group: Group, times: dict[str, Times], memory: dict[str, float], around: Measured) -> Measured:
    """A group's figures, plain."""
    floor = base(group, times)
    rows = []
    for contender in group.contenders:
        own = times[contender.name]
        rows.append(
            {
                "name": contender.name,
                "floor": contender.floor,
                "seconds": own.seconds,
                "ratio": own.seconds / floor.seconds,
                "processor_ratio": own.processor / floor.processor if floor.processor else None,
                "samples": len(own.samples),
                "dropped": own.dropped,
                "foreign": own.foreign,
                "noisy": own.foreign > bearable(),
                "difference": own.difference,
                "megabytes": memory.get(contender.name),
                **own.figures,
            }
        )
    return {"key": group.key, "title": group.title, "unit": group.unit, "size": group.size, **around, "rows": rows}


def around(device: torch.device) -> Measured:
    """When, where and with what."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": torch.cuda.get_device_name(device) if device.type == "cuda" else processor(),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), **versions},
    }


def processor() -> str:
    """The CPU's name, and whether it multiplies bfloat16 in tiles, which decides how fast that is."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    of = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return of.get("model name", platform.machine()) + (" with AMX" if "amx_bf16" in of.get("flags", "") else "")


def added(path: Path | None, groups: Iterable[Measured]) -> list[Measured]:
    """The groups with those of earlier runs that a file has, in order; written back where there is a file."""
    known = json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else []
    of = {group["key"]: group for group in [*known, *groups]}
    found = [of[key] for key in sorted(of)]
    if path:
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def table(groups: Iterable[Measured]) -> str:
    """The groups as one table, and a line on each place and day that they were measured."""
    rows = [
        "| work | contender | time | × floor | × its processor time | differs by | peak memory | samples |",
        "|---|---|---|---|---|---|---|---|",
    ]
    places: dict[str, list[str]] = {}
    for group in groups:
        for i, row in enumerate(group["rows"]):
            work = f"**{group['key']}** {group['title']}" if i == 0 else ""
            rows.append(f"| {' | '.join([work, *_cells(row, group)])} |")
        versions = ", ".join(f"{name} {number}" for name, number in group["versions"].items())
        place = f"{group['processor']}, {group['threads']} threads, {group['date']}, {versions}"
        places.setdefault(place, []).append(group["key"])
    said = [f"{'; '.join(keys)}: {place}." for place, keys in places.items()]
    return "\n".join([*rows, "", *said, ""])


def _cells(row: Measured, group: Measured) -> list[str]:
    name = f"**{row['name']}**" if row["ratio"] == 1 else row["name"]
    if "worst delta" in row:
        name += f" ({row['points']:.0f} points, off by {100 * row['worst delta']:.2g} % at most)"
    if "loop" in row:
        name += f" (its loop {_time(row['loop'], 1, '')}, the rest {_time(row['around'], 1, '')})"
    if "busy" in row:
        name += f" (GPU busy {100 * row['busy']:.0f} %)"
    left_out = f" of {row['samples'] + row['dropped']}" if row["dropped"] else ""
    noisy = f", others took {row['foreign']:.1f}" if row["noisy"] else ""
    return [
        name,
        _time(row["seconds"], group["size"], group["unit"]),
        f"{row['ratio']:.2f}",
        "–" if row["processor_ratio"] is None else f"{row['processor_ratio']:.2f}",
        "–" if row["difference"] is None else f"{row['difference']:.0e}",
        "–" if row["megabytes"] is None else f"{row['megabytes']:,.0f} MB",
        f"{row['samples']}{left_out}{noisy}",
    ]


def _time(seconds: float, size: int, unit: str) -> str:
    """Seconds for so many units, as the time of one."""
    one = seconds / size
    of = f"/{unit}" if unit else ""
    if one >= 1:
        return f"{one:.2f} s{of}"
    return f"{one * 1e3:.3g} ms{of}" if one >= 1e-3 else f"{one * 1e6:.3g} µs{of}"
