"""Two texts that together are longer than the model takes: cut from the longer one, where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from saliency_report.errors import ExampleError
from saliency_report.record import Segment
from saliency_report.tasks import long
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.encoding import build, check_length, check_shown, encode

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
    held = [[i for i, token in enumerate(encoding.tokens) if token.segment == number] for number in (0, 1)]
    own = [[*range(of[0], of[-1] + 1)] for of in held]  # a token of a mere space may have no place in the text
    room = checkpoint.limit - (len(row) - sum(map(len, own)))
    if room < len(segments):
        raise ExampleError(
            f"The model takes {checkpoint.limit} tokens, which leaves no room for two texts.",
            "Use a model with a longer context.",
        )
    counts = longest_first(len(own[0]), len(own[1]), room)
    side = str(getattr(checkpoint.tokenizer, "truncation_side", "right"))
    kept = [of[len(of) - count :] if side == "left" else of[:count] for of, count in zip(own, counts, strict=True)]
    gone = {i for of in own for i in of}.difference(*kept)
    positions = [i for i in range(len(row)) if i not in gone]
    tokens = [encoding.tokens[i] for i in positions]
    said = []
    for segment, of, there, name in zip(segments, own, kept, ("first", "second"), strict=True):
        if len(there) == len(of):
            continue
        begun = f"the two texts are {len(row):,} tokens long, the model takes {checkpoint.limit:,}"
        said.append(long.cut(begun, f"{name} text", segment, [encoding.tokens[i] for i in there], side))
    return Prepared([long.part(row, positions)], [build(segments, tokens)], said)


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of two texts stay: the longer one is cut down to the other, then both alike."""
    short, most = sorted((first, second))
    short = min(short, room // 2)
    most = min(most, room - short)
    return (short, most) if first <= second else (most, short)
