"""The numbers of two maps as a table: raw scores, shares, and their change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from saliency_report.compare import Block, MapChange
from saliency_report.page import text


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    text: str
    note: str
    special: bool
    cells: list[str]


def columns(pair: MapChange) -> list[str]:
    """The head of the table, after the words."""
    raw = ["Raw change"] if pair.raw else []
    return ["Before, raw", "Now, raw", *raw, "Before, share", "Now, share", "Change, points"]


def lines(pair: MapChange) -> list[Line]:
    """Every block, special tokens last."""
    blocks = sorted(pair.blocks, key=lambda block: block.special)
    return [Line(text.label(b.text), _note(b), b.special, list(_cells(b, pair.raw))) for b in blocks]


def named(pair: MapChange, indices: Sequence[int]) -> str:
    """Some blocks in quotation marks: a comma can be a word."""
    return ", ".join(f"“{text.label(pair.blocks[index].text, 30)}”" for index in indices)


def percent(share: float) -> str:
    """A share with one decimal: 12.3 %."""
    return f"{_decimal(share)}\N{NO-BREAK SPACE}%"


def points(change: float) -> str:
    """A change of a share in percentage points, with its sign: +4.1, −0.3."""
    return _signed(_decimal(change))


def _cells(block: Block, raw: bool) -> Iterator[str]:
    old, new = block.old, block.new
    yield from ("" if side.score is None else text.significant(side.score) for side in (old, new))
    if raw:
        there = old.score is not None and new.score is not None
        yield _signed(text.significant((new.score or 0) - (old.score or 0))) if there else ""
    yield from ("" if side.share is None else percent(side.share) for side in (old, new))
    yield "" if block.change is None else points(block.change)


def _decimal(share: float) -> str:
    written = f"{abs(share) * 100:.1f}"
    return f"\N{MINUS SIGN}{written}" if share < 0 and float(written) else written


def _signed(written: str) -> str:
    is_zero = not written.strip("0.")
    return written if is_zero or written.startswith("\N{MINUS SIGN}") else f"+{written}"


def _note(block: Block) -> str:
    """What is odd about a line: one side does not have it, does not know it, or cuts it otherwise."""
    counts = len(block.old.words), len(block.new.words)
    if not all(counts):
        side = "before" if counts[1] else "now"
        return f"not there {side}" if block.special else f"not read {side}"
    unknown = [name for name, side in (("before", block.old), ("now", block.new)) if side.unknown]
    if unknown:
        return f"unknown {' and '.join(unknown)}"
    return "" if counts == (1, 1) else f"{text.plural(counts[0], 'word')} before, {counts[1]} now"
