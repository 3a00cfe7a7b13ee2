"""Which characters a token stands for, where its tokenizer does not say: the letters of the tokens laid along the text.

Both are compared letter by letter in a form without case, width and composition, in their order. What a tokenizer adds
to a piece (##, ▁, @@) or changes in it finds no partner and costs nothing; a token without one, such as [UNK] or
a part of a character, stands for what lies between its neighbours.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby, pairwise

Span = tuple[int, int]


def align(text: str, surfaces: Sequence[str]) -> list[Span | None]:
    """For each token, given as what it reads as, its (start, end) in the text; None where it has no part of it.

    A token that reads as a blank is a blank of the text or nothing; one that cannot be read alone comes as "".
    """
    letters = [(key, i) for i, char in enumerate(text) for key in _keys(char)]
    pieces = [(key, token) for token, surface in enumerate(surfaces) for char in surface for key in _keys(char)]
    spans: list[Span | None] = [None] * len(surfaces)
    matcher = SequenceMatcher(None, [key for key, _ in letters], [key for key, _ in pieces], autojunk=False)
    for block in matcher.get_matching_blocks():
        for (_, place), (_, token) in zip(
            letters[block.a : block.a + block.size], pieces[block.b : block.b + block.size], strict=True
        ):
            known = spans[token]
            spans[token] = (place, place + 1) if known is None else (known[0], place + 1)
    _fill(text, spans, [surface.isspace() for surface in surfaces])
    return [span and (span[0], _with_marks(text, span[1], following)) for span, following in _with_next(text, spans)]


def _keys(char: str) -> str:
    """A character as it is compared."""
    return "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFKD", char).casefold())


def _with_next(text: str, spans: Sequence[Span | None]) -> list[tuple[Span | None, int]]:
    """Each span and where the next one begins."""
    found: list[tuple[Span | None, int]] = []
    following = len(text)
    for span in reversed(spans):
        found.append((span, following))
        following = span[0] if span else following
    return found[::-1]


def _with_marks(text: str, end: int, most: int) -> int:
    """The end of a span with the marks on its last letter that no token is of."""
    while end < most and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end


def _fill(text: str, spans: list[Span | None], blank: Sequence[bool]) -> None:
    """Give tokens without a partner what lies between those that have one; blanks without one stand for nothing."""
    end = 0
    placed = [i for i in range(len(spans)) if spans[i] is not None or not blank[i]]
    following_of = dict(pairwise(placed))
    for is_open, group in groupby(placed, key=lambda i: spans[i] is None):
        tokens = [*group]
        if is_open:
            after = following_of.get(tokens[-1])
            following = spans[after] if after is not None else None
            shared = _shared(text, end, following[0] if following else len(text), len(tokens))
            for token, span in zip(tokens, shared, strict=True):
                spans[token] = span
        else:
            end = max(span[1] for token in tokens if (span := spans[token]))


def _shared(text: str, start: int, end: int, count: int) -> list[Span | None]:
    """A part of a text among tokens: by bytes or by words where these are as many, else all of it to each."""
    places = [i for i in range(start, end) for _ in text[i].encode("utf-8", "surrogatepass")]
    if len(places) == count:
        return [(place, place + 1) for place in places]
    words: list[Span] = []
    for blank, group in groupby(range(start, end), key=lambda i: text[i].isspace()):
        held = [*group]
        if not blank:
            words.append((held[0], held[-1] + 1))
    if not words:
        return [None] * count
    return [*words] if len(words) == count else [(words[0][0], words[-1][1])] * count
