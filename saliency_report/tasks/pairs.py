"""Two texts that together are longer than the model takes: cut from the longer one, where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from saliency_report.record import Segment
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.cutting import cut, kept, room, side_of, standing, without
from saliency_report.tasks.encoding import check_length, check_shown, encode

ADVICE = "Write `long: truncate` to cut the longer of the two texts, or use a model with a longer context."


def read(segments: Sequence[Segment], checkpoint: Checkpoint, asked: str) -> Prepared:
    """Two texts as a row; where they are too long and `asked` says so, without the ends that the tokenizer cuts.

    Raises:
        ExampleError: they are longer than the model takes and nothing is said of that.
    """
    row, encoding = encode(checkpoint.tokenizer, segments, [[0], [1]])
    if asked != "truncate":
        check_length(len(row), checkpoint.limit, ADVICE)
    if len(row) <= checkpoint.limit:
        return Prepared([row], [encoding])
    check_shown(encoding)
    own = [standing(encoding, number) for number in range(len(segments))]
    count = room(len(row) - sum(map(len, own)), checkpoint, "two texts", len(segments))
    counts, side = longest_first(len(own[0]), len(own[1]), count), side_of(checkpoint)
    stay = [kept(of, count, side) for of, count in zip(own, counts, strict=True)]
    found = without(row, encoding, {i for of in own for i in of}.difference(*stay))
    for segment, of, there, name in zip(segments, own, stay, ("first", "second"), strict=True):
        if len(there) == len(of):
            continue
        begun = f"the two texts are {len(row):,} tokens long, the model takes {checkpoint.limit:,}"
        found.warnings.append(cut(begun, f"{name} text", segment, [encoding.tokens[i] for i in there], side))
    return found


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of two texts stay: the longer one is cut down to the other, then both alike."""
    short, most = sorted((first, second))
    short = min(short, room // 2)
    most = min(most, room - short)
    return (short, most) if first <= second else (most, short)
