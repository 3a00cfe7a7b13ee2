"""A text that is longer than the model takes: read in overlapping windows, or cut where that is asked for.

Each word belongs to the window in which it stands most centrally, with the most text on both sides. Where the text has
one answer F is of the mean of the windows' logits, and a word's copy in a neighbouring window is part of the
surroundings there and stays as it is. Where words have answers of their own each F is of one window, and what stands
outside of it is unknown to F.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, Segment, Token, Window
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.encoding import Row, build, check_length, encode
from saliency_report.tasks.target import CONTEXT, own_tokens
from saliency_report.words import split_words

OVERLAP = 4  # neighbouring windows share at least this part of their tokens: one in four
ADVICE = (
    "Write `long: windows` to read it in overlapping parts, or `long: truncate` to leave out what is too long; or use "
    "a model with a longer context."
)


def read(
    segment: Segment,
    checkpoint: Checkpoint,
    long: str,
    *,
    at_words: bool = False,
    noun: str = "text",
    advice: str = ADVICE,
) -> Prepared:
    """One text as a row or, where it is too long and `long` says so, as its beginning or as a row for each window.

    `at_words` says that words have answers of their own: every window then has all of its tokens as tokens of F. `noun`
    is what a warning calls the text.

    Raises:
        ExampleError: the text is longer than the model takes and nothing is said of that.
    """
    tokenizer = checkpoint.tokenizer
    row, encoding = encode(tokenizer, [segment], [[0]])
    if len(row) <= checkpoint.limit:
        return Prepared([row], [encoding])
    if long == "refuse":
        check_length(len(row), checkpoint.limit, advice)
    first = next((i for i, token in enumerate(encoding.tokens) if token.segment is not None), 0)
    last = next((i for i, token in enumerate(reversed(encoding.tokens)) if token.segment is not None), 0)
    frame = range(first), range(len(row) - last, len(row))
    room = checkpoint.limit - len(frame[0]) - len(frame[1])
    if room < OVERLAP:
        raise ExampleError(
            f"The model takes {checkpoint.limit} tokens, which leaves no room for windows.",
            "Use a model with a longer context.",
        )
    if long == "truncate":
        side = str(getattr(tokenizer, "truncation_side", "right"))
        return _truncated(segment, row, encoding, frame, room, side, noun)
    return _windows(segment, row, encoding, frame, room, at_words)


def mean(logits: Tensor) -> Tensor:
    """The logits (1, c) of a text from those of its rows (n, c)."""
    return logits.mean(dim=0, keepdim=True)


def gathered(values: Sequence[Tensor], prepared: Prepared) -> Tensor:
    """Values (…, t_r, d) at the positions of each row as one of the tokens (…, t, d), each from its own window."""
    if not prepared.places:
        return values[0]
    total = values[0].new_zeros(*values[0].shape[:-2], len(prepared.encodings[0].tokens), values[0].shape[-1])
    for of_row, place in zip(values, prepared.places, strict=True):
        positions, tokens = own_tokens(place)
        total[..., tokens, :] = of_row[..., positions, :]
    return total


def spread(values: Tensor, place: Sequence[int], count: int) -> Tensor:
    """Values (t_r, d) at the positions of one row as those of a text's so many tokens, 0 where others stand."""
    total = values.new_zeros(count, values.shape[-1])
    total[list(place)] = values
    return total


def told(encoding: Encoding, logits: Tensor) -> Encoding:
    """The encoding with the logits (n, c) of each window."""
    windows = [
        window.model_copy(update={"logits": [float(str(value)) for value in own.detach().cpu().numpy()]})
        for window, own in zip(encoding.windows, logits, strict=False)
    ]
    return encoding.model_copy(update={"windows": windows})


def owner(encoding: Encoding, token: int) -> int:
    """The window in which a token stands most centrally."""
    end = encoding.tokens[token].end or 0
    return next((k for k, window in enumerate(encoding.windows) if end <= window.scored_end), 0)


def holder(prepared: Prepared, first: int, last: int) -> int | None:
    """The window in which neighbouring tokens stand most centrally of those that hold all of them; None without any."""
    owners = {owner(prepared.encodings[0], token) for token in (first, last)}
    if len(owners) == 1:
        return owners.pop()
    final = len(prepared.places) - 1

    def room(k: int) -> float:
        """The tokens on the side that has fewer; at an end of the text there are none to miss."""
        place = prepared.places[k]
        before, after = place.index(first), len(place) - 1 - place.index(last)
        return min(inf if k == 0 else before, inf if k == final else after)

    whole = [k for k, place in enumerate(prepared.places) if first in place and last in place]
    return max(whole, key=room, default=None)


Frame = tuple[range, range]  # the positions of the tokens that the tokenizer puts before and after a text


def part(row: Row, positions: Sequence[int]) -> Row:
    """The row of some of its positions."""
    return Row([row.ids[i] for i in positions], {k: [v[i] for i in positions] for k, v in row.extra.items()})


def _truncated(
    segment: Segment, row: Row, encoding: Encoding, frame: Frame, room: int, side: str, noun: str
) -> Prepared:
    """The text without what is too long, on the side where the tokenizer cuts."""
    inner = range(len(frame[0]), len(row) - len(frame[1]))
    kept = inner[len(inner) - room :] if side == "left" else inner[:room]
    positions = [*frame[0], *kept, *frame[1]]
    tokens = [encoding.tokens[i] for i in kept]
    begun = f"the {noun} is {len(row):,} tokens long, the model takes {len(positions):,}"
    warning = cut(begun, noun, segment, tokens, side)
    return Prepared([part(row, positions)], [build([segment], [encoding.tokens[i] for i in positions])], [warning])


def cut(begun: str, noun: str, segment: Segment, kept: Sequence[Token], side: str) -> str:
    """The warning that a text was read in part: it begins with what was too long, and ends with what was not read."""
    read, words = _reach(kept, ""), split_words(segment.text)
    unread = sum(not (read["start"] <= first and last <= read["end"]) for first, last in words)
    return (
        f"Cut: {begun}. It read the {'last' if side == 'left' else 'first'} {len(kept):,} tokens of the {noun}; "
        f"{unread:,} of {len(words):,} words and marks it did not read, or not in full. They are struck through, and "
        "nothing here is about them."
    )


def _windows(segment: Segment, row: Row, encoding: Encoding, frame: Frame, room: int, at_words: bool) -> Prepared:
    """A row for each window, all of one length; the tokens shown are those of all windows without the copies.

    With `at_words` they are those of the text: what the tokenizer adds to each window counts once.
    """
    inner = range(len(frame[0]), len(row) - len(frame[1]))
    step = room - room // OVERLAP
    count = 1 + -(-(len(inner) - room) // step)
    starts = [inner[round(k * (len(inner) - room) / (count - 1))] for k in range(count)]
    begins = _beginnings(encoding)
    borders = [
        inner.start,
        *(_border((a + room + b) / 2, room / (2 * OVERLAP), begins) for a, b in pairwise(starts)),
        inner.stop,
    ]
    tokens: list[Token] = []
    rows, places, windows = [], [], []
    for number, start in enumerate(starts):
        own = range(borders[number], borders[number + 1])
        positions = [*frame[0], *range(start, start + room), *frame[1]]
        place = []
        for position in () if at_words else positions:
            is_own = position in own or not start <= position < start + room
            place.append(len(tokens) if is_own else CONTEXT)
            if is_own:
                tokens.append(encoding.tokens[position])
        rows.append(part(row, positions))
        places.append(positions if at_words else place)
        read = [encoding.tokens[i] for i in range(start, start + room)]
        scored = [encoding.tokens[i] for i in own]
        windows.append(Window(tokens=len(positions), **_reach(read, ""), **_reach(scored, "scored_")))
    shown = encoding if at_words else build([segment], tokens)
    shown = shown.model_copy(update={"windows": windows})
    return Prepared(rows, [shown], places=places)


def _beginnings(encoding: Encoding) -> list[int]:
    """Positions at which a word begins, but for marks, which belong to the word before."""
    text = encoding.segments[0].text
    return [w.tokens[0] for w in encoding.words if w.start is not None and text[w.start : w.start + 1].isalnum()]


def _border(middle: float, most: float, begins: Sequence[int]) -> int:
    """Where a window hands over to the next: at the word nearest to the middle of what both read, if one is near."""
    near = [begin for begin in begins if abs(begin - middle) < most]
    return min(near, key=lambda begin: abs(begin - middle), default=round(middle))


def _reach(tokens: Sequence[Token], prefix: str) -> dict[str, int]:
    """The first and last code point that tokens stand for."""
    spans = [(t.start, t.end) for t in tokens if t.start is not None and t.end is not None]
    start, end = min((s for s, _ in spans), default=0), max((e for _, e in spans), default=0)
    return {f"{prefix}start": start, f"{prefix}end": end}
