"""A tokenizer's output as the row given to the model and the encoding shown on the page.

The ids made here are the only input that is ever scored. Every offset points into the user's own text.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, Segment, Token
from saliency_report.tasks.tokenising import tokenised
from saliency_report.words import group_words, unseen

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Row:
    """What one row of a batch holds, without padding: ids (t,) and the other inputs (t,) of the tokenizer.

    The last `prefix` of the ids are those that the decoder of an encoder-decoder model is given.
    """

    ids: list[int]
    extra: dict[str, list[int]] = field(default_factory=dict)
    prefix: int = 0

    def __len__(self) -> int:
        return len(self.ids)


class Placed(NamedTuple):
    """Where a segment stands in a string given to the tokenizer."""

    segment: int
    start: int
    end: int


def encode(
    tokenizer: PreTrainedTokenizerBase,
    segments: Sequence[Segment],
    parts: Sequence[Sequence[int]],
    limit: int = sys.maxsize,
    *,
    separator: str = " ",
    add_special_tokens: bool = True,
) -> tuple[Row, Encoding]:
    """Tokenise one or two strings, each made of segments joined by a separator.

    `parts` lists the segments of the first string, and of the second where there is one. `limit` is the number of
    tokens that the model takes.

    Raises:
        ExampleError: the text is longer than the limit, since nothing is cut in silence; or nothing tells where tokens
            stand in it.
    """
    strings, places = [], []
    for part in parts:
        string, placed = "", []
        for index in part:
            string += separator if string else ""
            placed.append(Placed(index, len(string), len(string) + len(segments[index].text)))
            string += segments[index].text
        strings.append(string)
        places.append(placed)
    output = tokenised(tokenizer, strings, add_special_tokens)
    ids = output.ids
    check_length(len(ids), limit)
    tokens = []
    for i, offset in enumerate(output.offsets):
        segment, span = None, None
        if offset is not None:
            sequence, start, end = offset
            start, end = without_outer_space(strings[sequence], start, end)
            segment, span = _place(places[sequence], start, end)
        source = None if segment is None or span is None else segments[segment].text[slice(*span)]
        special = output.added[i] or is_special(tokenizer, ids[i], source)
        tokens.append(
            Token(
                text=output.pieces[i],
                id=ids[i],
                segment=segment,
                start=span and span[0],
                end=span and span[1],
                special=special,
            )
        )
    return Row(ids, output.extra), build(segments, tokens)


def build(segments: Sequence[Segment], tokens: Sequence[Token]) -> Encoding:
    """An encoding with its words."""
    return Encoding(segments=list(segments), tokens=list(tokens), words=group_words(tokens, segments))


def check_shown(encoding: Encoding) -> None:
    """Refuse a text of which the model would read nothing, such as a lone zero-width space."""
    for index, segment in enumerate(encoding.segments):
        # A chat template's last line break may be one token with the end of the prompt.
        if segment.name != "template" and not any(token.segment == index for token in encoding.tokens):
            name = f"{segment.name} message" if segment.field else segment.name
            raise ExampleError(
                f"The {name} has no tokens: the tokenizer passes over {segment.text!r}.",
                "Write a text that the model can read.",
            )


SHORTEN = "Shorten it, split it into several examples, or use a model with a longer context."


def check_length(length: int, limit: int, next_step: str = SHORTEN) -> None:
    """Refuse a text that the model does not take in one piece."""
    if length > limit:
        raise ExampleError(f"The text is {length} tokens long, the model takes {limit}.", next_step)


@dataclass(frozen=True)
class _Reserved:
    """The reserved ids of a tokenizer, and its unknown token."""

    ids: frozenset[int]
    unknown_id: int | None
    unknown: str | None


@lru_cache(maxsize=8)
def _reserved(tokenizer: Any) -> _Reserved:
    """Asked for once: a tokenizer gathers these anew each time, which takes 10 µs a token."""
    return _Reserved(frozenset(tokenizer.all_special_ids), tokenizer.unk_token_id, tokenizer.unk_token)


def is_special(tokenizer: Any, token: int, source: str | None = None) -> bool:
    """Reserved tokens, but not the unknown token where it stands for other characters, those of `source`.

    GPT-2 has one token for unknown, beginning and end; written out in a text it is the reserved one.
    """
    reserved = _reserved(tokenizer)
    unknown = token == reserved.unknown_id and source not in (None, reserved.unknown)
    return token in reserved.ids and not unknown


SHOWN = 10  # characters or stretches of them that a warning names


def unknown_warning(tokenizer: Any, encoding: Encoding, *, cut: bool = False) -> list[str]:
    """Sentences that name the characters which the model cannot see, where there are any.

    Of a text that is `cut` it was said what it lacks.
    """
    unknown = tokenizer.unk_token_id
    replaced = [
        encoding.segments[token.segment].text[token.start : token.end]
        for token in encoding.tokens
        if token.id == unknown and token.segment is not None and not token.special
    ]
    passed = [
        segment.text[start:end]
        for segment, gaps in zip(encoding.segments, unseen(encoding.tokens, encoding.segments), strict=True)
        for start, end in gaps
        if not cut
    ]
    said = []
    if replaced:
        said.append(
            f"The tokenizer does not know {_named(replaced)}: the model sees {tokenizer.unk_token} in its place."
        )
    if passed:
        said.append(
            f"The tokenizer passes over {_named(passed)}: the model reads the text without it. It is struck through."
        )
    return said


def _named(stretches: Sequence[str]) -> str:
    """Each of them once, as many as can be read."""
    different = list(dict.fromkeys(stretches))
    more = f" and {len(different) - SHOWN} more" if len(different) > SHOWN else ""
    return ", ".join(text if len(text) <= 40 else f"{text[:39]}…" for text in different[:SHOWN]) + more


def without_outer_space(string: str, start: int, end: int) -> tuple[int, int]:
    """A span without the space at its ends: byte-level tokenizers may count it to the token. Mere space stays."""
    inner = string[start:end]
    stripped = inner.strip()
    if stripped == inner or not stripped:
        return start, end
    return start + len(inner) - len(inner.lstrip()), end - (len(inner) - len(inner.rstrip()))


def _place(places: Sequence[Placed], start: int, end: int) -> tuple[int | None, tuple[int, int] | None]:
    """The segment that holds most of the span, and the span within it; none for the space that joins two."""
    best = places[0]
    if len(places) > 1:
        best = max(places, key=lambda place: min(end, place.end) - max(start, place.start))
    first, last = max(start, best.start), min(end, best.end)
    return (best.segment, (first - best.start, last - best.start)) if last > first else (None, None)
