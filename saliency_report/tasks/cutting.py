"""Texts that are cut where that is asked for: which of their tokens stay, and what is said of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, Segment, Token
from saliency_report.spec.values import Truncate
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.encoding import Row, build, check_length, unknown_warning
from saliency_report.words import split_words

_READ = {"left": "last ", "right": "first "}  # where the tokenizer cuts on that side


def standing(encoding: Encoding, segment: int) -> range:
    """The positions of a segment, from its first token to its last, with the spaces at its ends.

    A token of a mere space may have no place in the text; between two texts it is the first one's.
    """
    tokens = encoding.tokens
    held = [i for i, token in enumerate(tokens) if token.segment == segment]
    if not held:
        return range(0)
    start, stop = held[0], held[-1] + 1
    while stop < len(tokens) and tokens[stop].segment is None and not tokens[stop].special:
        stop += 1
    before = start
    while before and tokens[before - 1].segment is None and not tokens[before - 1].special:
        before -= 1
    return range(before if not before or tokens[before - 1].special else start, stop)


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


def too_long(prepared: Prepared, checkpoint: Checkpoint, asked: Truncate) -> bool:
    """Whether rows that begin with the same text have to be cut.

    Raises:
        ExampleError: they have, and nothing is said of that.
    """
    if asked == "refuse":
        name = prepared.encodings[0].segments[0].name
        advice = f"Write `long: truncate` to cut the {name}, or use a model with a longer context."
        check_length(prepared.length, checkpoint.limit, advice)
    return prepared.length > checkpoint.limit


def shortened(prepared: Prepared, checkpoint: Checkpoint) -> Prepared:
    """Rows that begin with the same text, which is cut to one length in all of them.

    Raises:
        ExampleError: no room is left for the text.
    """
    held = [standing(encoding, 0) for encoding in prepared.encodings]
    count, side = _count(prepared, held, checkpoint), side_of(checkpoint)
    found = Prepared([], [], [*prepared.warnings])
    for row, encoding, own in zip(prepared.rows, prepared.encodings, held, strict=True):
        one = without(row, encoding, {*own}.difference(kept(own, count, side)))
        found.rows += one.rows
        found.encodings += one.encodings
    found.warnings.append(_cut_all(prepared, found, checkpoint))
    return found


def shortened_text(prepared: Prepared, checkpoint: Checkpoint, again: Callable[[str], Prepared]) -> Prepared:
    """The same where texts follow each other as one: the text is cut, and the whole tokenised `again`.

    A token may be the end of one text and the beginning of the next, as a full stop with a line break: cut out, it
    would take both along.
    """
    held = [standing(encoding, 0) for encoding in prepared.encodings]
    count, side = _count(prepared, held, checkpoint), side_of(checkpoint)
    whole = prepared.encodings[0]
    while True:
        start, end = reach([whole.tokens[i] for i in kept(held[0], count, side)])
        text = whole.segments[0].text
        found = again(text[start:] if side == "left" else text[:end])
        over = found.length - checkpoint.limit
        if over <= 0:
            break
        count = room(checkpoint.limit - count + over, checkpoint, f"the {whole.segments[0].name}", beside=_BESIDE)
    moved = start if side == "left" else 0
    for number, encoding in enumerate(found.encodings):
        tokens = [
            replace(t, start=t.start + moved, end=t.end + moved)
            if t.segment == 0 and t.start is not None and t.end is not None
            else t
            for t in encoding.tokens
        ]
        found.encodings[number] = build([whole.segments[0], *encoding.segments[1:]], tokens)
    found.warnings.append(_cut_all(prepared, found, checkpoint))
    return found


_BESIDE = "the other texts"


def _count(prepared: Prepared, held: Sequence[range], checkpoint: Checkpoint) -> int:
    """How many tokens of the text that rows begin with fit into all of them."""
    most = max(len(row) - len(own) for row, own in zip(prepared.rows, held, strict=True))
    return room(most, checkpoint, f"the {prepared.encodings[0].segments[0].name}", beside=_BESIDE)


def _cut_all(whole: Prepared, found: Prepared, checkpoint: Checkpoint) -> str:
    segment, encoding = whole.encodings[0].segments[0], found.encodings[0]
    begun = f"the texts are up to {whole.length:,} tokens long together, the model takes {checkpoint.limit:,}"
    tokens = [encoding.tokens[i] for i in standing(encoding, 0)]
    return cut(begun, segment.name, segment, tokens, side_of(checkpoint))


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


def note_unseen(prepared: Prepared, checkpoint: Checkpoint, *, cut: bool) -> None:
    """Add the sentences about characters that the model cannot see.

    Of a text that is `cut` it was said what it lacks.
    """
    said = [w for encoding in prepared.encodings for w in unknown_warning(checkpoint.tokenizer, encoding, cut=cut)]
    prepared.warnings += dict.fromkeys(said)


def reach(tokens: Sequence[Token], otherwise: int = 0) -> tuple[int, int]:
    """The first code point that tokens stand for, and one past the last; both `otherwise` where they stand for none."""
    spans = [(t.start, t.end) for t in tokens if t.start is not None and t.end is not None]
    return min((s for s, _ in spans), default=otherwise), max((e for _, e in spans), default=otherwise)
