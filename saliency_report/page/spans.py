"""The user's text, cut into stretches to colour, without a character added, lost or moved.

Tokens carry offsets into the text, so nothing is guessed from `##`, `Ġ` or `▁`. The text is cut
wherever a token begins or ends; a piece knows all tokens that cover it, since the bytes of one
character can be several tokens.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from saliency_report.record import Encoding
from saliency_report.words import is_visible


@dataclass(frozen=True)
class Piece:
    """A part of the text and the tokens that cover it."""

    text: str
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True)
class Run:
    """Neighbouring pieces of one word; without words it is text that no token covers.

    A chip stands for a token that no character of the text shows, such as [CLS]; without words it says where a window
    of a long text begins. Visible text that no token covers is `unread`.
    """

    pieces: tuple[Piece, ...]
    words: tuple[int, ...] = ()
    chip: bool = False
    unread: bool = False

    @property
    def text(self) -> str:
        """The characters of all pieces."""
        return "".join(piece.text for piece in self.pieces)


def runs_by_segment(encoding: Encoding) -> list[list[Run]]:
    """For each segment its runs in reading order; without the chips they join to its text."""
    word_of = {token: index for index, word in enumerate(encoding.words) for token in word.tokens}
    covering: list[dict[int, tuple[int, int]]] = [{} for _ in encoding.segments]
    chips: list[dict[int, list[int]]] = [defaultdict(list) for _ in encoding.segments]
    for index, token in enumerate(encoding.tokens):
        if token.segment is not None and token.start is not None and token.end is not None:
            if token.start < token.end:
                covering[token.segment][index] = (token.start, token.end)
            else:
                chips[token.segment][token.start].append(index)
        elif place := _place(encoding, index):
            chips[place[0]][place[1]].append(index)
    last = len(encoding.segments) - 1
    windows = {window.scored_start: number for number, window in enumerate(encoding.windows, 1)}
    return [
        _runs(encoding, segment.text, covering[number], chips[number], word_of, windows if number == last else {})
        for number, segment in enumerate(encoding.segments)
    ]


def _place(encoding: Encoding, index: int) -> tuple[int, int] | None:
    """Where a token without offsets stands: after the nearest one with, else before the next."""
    for token in reversed(encoding.tokens[:index]):
        if token.segment is not None and token.end is not None:
            return token.segment, token.end
    for token in encoding.tokens[index:]:
        if token.segment is not None and token.start is not None:
            return token.segment, token.start
    return (0, 0) if encoding.segments else None


def _runs(
    encoding: Encoding,
    text: str,
    spans: dict[int, tuple[int, int]],
    chips: dict[int, list[int]],
    word_of: dict[int, int],
    windows: dict[int, int],
) -> list[Run]:
    cuts = sorted({0, len(text), *chips, *windows, *(edge for span in spans.values() for edge in span)})
    covers: dict[int, list[int]] = defaultdict(list)
    for token, (start, end) in spans.items():
        for cut in cuts[bisect_left(cuts, start) : bisect_left(cuts, end)]:
            covers[cut].append(token)
    runs: list[Run] = []
    for start, end in [*pairwise(cuts), (len(text), len(text))]:
        # The special tokens of a window stand after its mark, those of the one before at the end of its words.
        if start in windows and start < end:
            runs.append(Run((Piece(f"window {windows[start]}"),), chip=True))
        for token in chips.get(start, []):
            piece = Piece(encoding.tokens[token].text, (token,))
            runs.append(Run((piece,), _words((token,), word_of), chip=True))
        if start < end:
            tokens = tuple(covers[start])
            runs.append(Run((Piece(text[start:end], tokens),), _words(tokens, word_of)))
    # A chip starts a new group, so that it stays between the letters where it stands.
    grouped = groupby(enumerate(runs), lambda item: (item[1].words, item[0] if item[1].chip else -1))
    joined = ([run for _, run in group] for _, group in grouped)
    return [part for group in joined for part in _without_outer_blanks(group)]


def _words(tokens: tuple[int, ...], word_of: dict[int, int]) -> tuple[int, ...]:
    return tuple(sorted({word_of[token] for token in tokens if token in word_of}))


def _without_outer_blanks(group: list[Run]) -> list[Run]:
    """One run for the group; blanks round a word stay plain, so that colour covers letters only."""
    run = group[0]
    if len(group) > 1:
        run = replace(run, pieces=tuple(piece for part in group for piece in part.pieces))
    text = run.text
    run = replace(run, unread=not run.chip and not any(piece.tokens for piece in run.pieces) and is_visible(text))
    if run.chip or not (run.words or run.unread) or not text.strip() or text == text.strip():
        return [run]
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    parts = [
        Run((Piece(text[:start]),)),
        replace(run, pieces=tuple(_slice(run.pieces, start, end))),
        Run((Piece(text[end:]),)),
    ]
    return [part for part in parts if part.text]


def _slice(pieces: tuple[Piece, ...], start: int, end: int) -> Iterator[Piece]:
    position = 0
    for piece in pieces:
        if text := piece.text[max(start - position, 0) : max(end - position, 0)]:
            yield replace(piece, text=text)
        position += len(piece.text)
