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

from saliency_report.aggregation import Slopes
from saliency_report.record import Encoding, Segment, Token, Window
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.cutting import cut, kept, part, reach, room, side_of, standing, without
from saliency_report.tasks.encoding import Row, build, check_length, encode
from saliency_report.tasks.target import CONTEXT, own_tokens

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
    before: Segment | None = None,
    at_words: bool = False,
    noun: str = "text",
    advice: str = ADVICE,
) -> Prepared:
    """One text as a row or, where it is too long and `long` says so, as its beginning or as a row for each window.

    What comes `before` it stands whole in each of these. `at_words` says that words have answers of their own: every
    window then has all of its tokens as tokens of F. `noun` is what a warning calls the text.

    Raises:
        ExampleError: the text is longer than the model takes, and nothing is said of that or no room is left for it.
    """
    segments, limit = [segment] if before is None else [before, segment], checkpoint.limit
    row, encoding = encode(checkpoint.tokenizer, segments, [[i] for i in range(len(segments))])
    if len(row) <= limit:
        return Prepared([row], [encoding])
    if long == "refuse":
        check_length(len(row), limit, advice)
    own = standing(encoding, len(segments) - 1)
    beside = "" if before is None else f"the {before.name}"
    count = room(len(row) - len(own), checkpoint, f"the {noun}", OVERLAP, beside)
    if long == "windows":
        return _windows(row, encoding, own, count, at_words)
    side = side_of(checkpoint)
    stay = kept(own, count, side)
    found = without(row, encoding, {*own}.difference(stay))
    texts = f"{noun} is" if before is None else f"{before.name} and {noun} are together"
    begun = f"the {texts} {len(row):,} tokens long, the model takes {len(found.rows[0]):,}"
    found.warnings.append(cut(begun, noun, segment, [encoding.tokens[i] for i in stay], side))
    return found


def mean(logits: Tensor) -> Tensor:
    """The logits (1, c) of a text from those of its rows (n, c)."""
    return logits.mean(dim=0, keepdim=True)


def gathered(
    gradients: Sequence[Slopes], embeddings: Sequence[Tensor], prepared: Prepared
) -> tuple[Slopes | Tensor, Tensor]:
    """Gradients and embeddings (t_r, d) of each row as those of the text's tokens (t, d), each from its own window."""
    if not prepared.places:
        return gradients[0], embeddings[0]
    gradient, x = (embeddings[0].new_zeros(len(prepared.encodings[0].tokens), embeddings[0].shape[-1]) for _ in "gx")
    for slopes, of_row, place in zip(gradients, embeddings, prepared.places, strict=True):
        positions, tokens = own_tokens(place)
        gradient[tokens], x[tokens] = slopes.values[positions], of_row[positions]
    return gradient, x


def together(
    prepared: Prepared, rows: Sequence[int], gradients: Sequence[Slopes], embeddings: Sequence[Tensor]
) -> tuple[Slopes | Tensor, Tensor, list[int]]:
    """The gradient and the embeddings (t, d) at a text's tokens where F is of some rows, and the tokens of these.

    Both are given of these rows, (t_r, d) each. A token that stands in several of them moves in all: its gradient is
    the sum. At others both are 0.
    """
    if not prepared.places:
        return gradients[0], embeddings[0], [*prepared.place(0)]
    places, count = [list(prepared.place(row)) for row in rows], len(prepared.encodings[0].tokens)
    gradient, embedding = (embeddings[0].new_zeros(count, embeddings[0].shape[-1]) for _ in "gx")
    for place, slopes, x in zip(places, gradients, embeddings, strict=True):
        gradient[place] += slopes.values
        embedding[place] = x
    return gradient, embedding, sorted({token for place in places for token in place})


def told(encoding: Encoding, logits: Tensor) -> Encoding:
    """The encoding with the logits (n, c) of each window."""
    windows = [
        window.model_copy(update={"logits": [float(str(value)) for value in own.detach().cpu().numpy()]})
        for window, own in zip(encoding.windows, logits, strict=False)
    ]
    return encoding.model_copy(update={"windows": windows})


def owner(prepared: Prepared, token: int) -> int:
    """The window in which a token stands most centrally; of what stands in every one the first."""
    return max(prepared.owners[token], 0) if prepared.owners else 0


def holder(prepared: Prepared, first: int, last: int) -> int | None:
    """The window in which neighbouring tokens stand most centrally of those that hold all of them; None without any."""
    owners = {owner(prepared, token) for token in (first, last)}
    if len(owners) == 1:
        return owners.pop()
    final = len(prepared.places) - 1

    def room(k: int) -> float:
        """The tokens on the side that has fewer; at an end of the text there are none to miss."""
        place = [token for token in prepared.places[k] if prepared.owners[token] >= 0]
        before, after = place.index(first), len(place) - 1 - place.index(last)
        return min(inf if k == 0 else before, inf if k == final else after)

    whole = [k for k, place in enumerate(prepared.places) if first in place and last in place]
    return max(whole, key=room, default=None)


def _windows(row: Row, encoding: Encoding, inner: range, room: int, at_words: bool) -> Prepared:
    """A row for each window of the inner positions, all of one length; all others stand in every one.

    The tokens shown are those of all windows without the copies. With `at_words` they are those of the text: what
    stands in every window counts once.
    """
    frame = range(inner.start), range(inner.stop, len(row))
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
    rows, places, owners = [], [], [-1] * len(row)
    windows: list[Window] = []
    for number, start in enumerate(starts):
        own = range(borders[number], borders[number + 1])
        owners[own.start : own.stop] = [number] * len(own)
        positions = [*frame[0], *range(start, start + room), *frame[1]]
        place = []
        for position in () if at_words else positions:
            is_own = position in own or not start <= position < start + room
            place.append(len(tokens) if is_own else CONTEXT)
            if is_own:
                tokens.append(encoding.tokens[position])
        rows.append(part(row, positions))
        places.append(positions if at_words else place)
        read, scored = ([encoding.tokens[i] for i in held] for held in (range(start, start + room), own))
        before = windows[-1].end if windows else 0  # a window of mere spaces has no place of its own
        (first, last), (scored_start, scored_end) = reach(read, before), reach(scored, before)
        windows.append(
            Window(tokens=len(positions), start=first, end=last, scored_start=scored_start, scored_end=scored_end)
        )
    shown = encoding if at_words else build(encoding.segments, tokens)
    shown = shown.model_copy(update={"windows": windows})
    return Prepared(rows, [shown], places=places, owners=owners if at_words else [])


def _beginnings(encoding: Encoding) -> list[int]:
    """Positions at which a word begins, but for marks, which belong to the word before."""
    last = len(encoding.segments) - 1
    text = encoding.segments[last].text
    return [
        word.tokens[0]
        for word in encoding.words
        if word.segment == last and word.start is not None and text[word.start : word.start + 1].isalnum()
    ]


def _border(middle: float, most: float, begins: Sequence[int]) -> int:
    """Where a window hands over to the next: at the word nearest to the middle of what both read, if one is near."""
    near = [begin for begin in begins if abs(begin - middle) < most]
    return min(near, key=lambda begin: abs(begin - middle), default=round(middle))
