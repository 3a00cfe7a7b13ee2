"""Texts that are cut where that is asked for: which of their tokens stay, and what is said of the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, Segment, Token
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.encoding import Row, build, check_length
from saliency_report.words import split_words

Asked = Literal["refuse", "truncate"]
_READ = {"left": "last ", "right": "first "}  # where the tokenizer cuts on that side


def standing(encoding: Encoding, segment: int) -> range:
    """The positions of a segment, from its first token to its last."""
    # A token of a mere space may have no place in the text.
    held = [i for i, token in enumerate(encoding.tokens) if token.segment == segment]
    return range(held[0], held[-1] + 1) if held else range(0)


def room(others: int, checkpoint: Checkpoint, noun: str, least: int = 1, beside: str = "") -> int:
    """How many tokens the model takes with so many others.

    Raises:
        ExampleError: fewer than the least.
    """
    left = checkpoint.limit - others
    if left < least:
        raise ExampleError(
            f"The model takes {checkpoint.limit} tokens, which leaves no room for {noun}.",
            f"{f'Shorten {beside}, or use' if beside else 'Use'} a model with a longer context.",
        )
    return left


def part(row: Row, positions: Sequence[int]) -> Row:
    """The row of some of its positions."""
    return Row([row.ids[i] for i in positions], {k: [v[i] for i in positions] for k, v in row.extra.items()})


def side_of(checkpoint: Checkpoint) -> str:
    """The side on which the tokenizer cuts."""
    return str(getattr(checkpoint.tokenizer, "truncation_side", "right"))


def kept(positions: range, count: int, side: str) -> range:
    """So many of some positions, without those on one side."""
    return positions[len(positions) - count :] if side == "left" else positions[:count]


def without(row: Row, encoding: Encoding, gone: Collection[int]) -> Prepared:
    """A row without the positions that are gone."""
    left = [i for i in range(len(row)) if i not in gone]
    return Prepared([part(row, left)], [build(encoding.segments, [encoding.tokens[i] for i in left])])


def shortened(prepared: Prepared, checkpoint: Checkpoint, asked: Asked) -> Prepared:
    """Rows that begin with the same text, which is cut to one length in all of them where they are too long.

    Raises:
        ExampleError: they are longer than the model takes, and nothing is said of that or no room is left for the text.
    """
    longest, limit = prepared.length, checkpoint.limit
    segment = prepared.encodings[0].segments[0]
    if asked == "refuse":
        advice = f"Write `long: truncate` to cut the {segment.name}, or use a model with a longer context."
        check_length(longest, limit, advice)
    if longest <= limit:
        return prepared
    held = [standing(encoding, 0) for encoding in prepared.encodings]
    most = max(len(row) - len(own) for row, own in zip(prepared.rows, held, strict=True))
    count = room(most, checkpoint, f"the {segment.name}", beside="the other texts")
    side, found = side_of(checkpoint), Prepared([], [], [*prepared.warnings])
    for row, encoding, own in zip(prepared.rows, prepared.encodings, held, strict=True):
        one = without(row, encoding, {*own}.difference(kept(own, count, side)))
        found.rows += one.rows
        found.encodings += one.encodings
    gone = [len(own) - count for own in held]
    found.spans = [(first - n, last - n) for (first, last), n in zip(prepared.spans, gone, strict=False)]
    begun = f"the texts are up to {longest:,} tokens long together, the model takes {limit:,}"
    tokens = [prepared.encodings[0].tokens[i] for i in kept(held[0], count, side)]
    found.warnings.append(cut(begun, segment.name, segment, tokens, side))
    return found


def cut(begun: str, noun: str, segment: Segment, read: Sequence[Token], side: str = "") -> str:
    """The warning that a text was read in part: what was too long, what was read, and how much was not.

    It is cut on a side, or on both.
    """
    start, end = reach(read)
    words = split_words(segment.text)
    unread = sum(not (start <= first and last <= end) for first, last in words)
    return (
        f"Cut: {begun}. It read the {_READ.get(side, '')}{len(read):,} tokens of the {noun}; "
        f"{unread:,} of {len(words):,} words and marks it did not read, or not in full. They are struck through, and "
        "nothing here is about them."
    )


def reach(tokens: Sequence[Token]) -> tuple[int, int]:
    """The first code point that tokens stand for, and one past the last."""
    spans = [(t.start, t.end) for t in tokens if t.start is not None and t.end is not None]
    return min((s for s, _ in spans), default=0), max((e for _, e in spans), default=0)
