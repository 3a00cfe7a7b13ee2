"""A part of a file that a benchmark writes, between two marks."""

from __future__ import annotations

from pathlib import Path


def put(path: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between the marks, each a line of its own."""
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    _, mark, after = rest.partition(end)
    assert mark, f"{path} lacks the marks {begin.strip()} and {end.strip()}"
    path.write_text(f"{before}{begin}{text}{end}{after}", encoding="utf-8")
