"""Words of a text, and which tokens belong to each. Decided by character offsets alone.

No guess is made from how a tokenizer writes its pieces (##ing, Ġcat, ▁cat): two tokens belong to one word when their
offsets fall into it, whatever the tokenizer.
"""

from __future__ import annotations

import bisect
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from saliency_report.record import Encoding, Segment, Token, Word

_APOSTROPHES_AND_HYPHENS = "'’-‐"
_SCRIPTS_WITHOUT_SPACES = (
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_MODIFIERS = ((0x1F3FB, 0x1F3FF), (0xE0020, 0xE007F))  # skin tones, the tags of flags


def split_words(text: str) -> list[tuple[int, int]]:
    """The words and marks of a text as (start, end), in order; white space lies between them.

    Letters, digits and their combining marks make a word, also across an apostrophe, a hyphen or the point of a number;
    a Han or kana character is a word of its own; so is any other mark, or a run of the same one.
    """
    spans: list[tuple[int, int]] = []
    kinds: list[str] = []
    for i, char in enumerate(text):
        kind = _kind(char)
        before = kinds[-1] if kinds and spans[-1][1] == i else ""
        joins = (
            (kind == "joiner" and before != "")
            or (kind == "letter" and before == "letter")
            or (kind == "mark" and before == "mark" and (char == text[i - 1] or text[i - 1] == "\u200d"))
            or (kind == before == "flag" and spans[-1] == (i - 1, i))
        )
        if before == "letter" and i + 1 < len(text):
            joins |= char in _APOSTROPHES_AND_HYPHENS and _kind(text[i + 1]) == "letter"
            joins |= char in ".," and text[i - 1].isdigit() and text[i + 1].isdigit()
        if joins:
            spans[-1] = (spans[-1][0], i + 1)
        elif kind != "space":
            spans.append((i, i + 1))
            kinds.append("mark" if kind == "joiner" else kind)
    return spans


@lru_cache(maxsize=4096)  # letters repeat: 5 µs become 0.1
def _kind(char: str) -> str:
    if char.isspace():
        return "space"
    if any(first <= ord(char) <= last for first, last in _SCRIPTS_WITHOUT_SPACES):
        return "ideograph"
    category = unicodedata.category(char)
    if category[0] == "M" or char in "\u200c\u200d" or any(a <= ord(char) <= b for a, b in _MODIFIERS):
        return "joiner"  # combining marks, zero-width joiners, skin tones: part of what stands before
    if 0x1F1E6 <= ord(char) <= 0x1F1FF:
        return "flag"  # two letters of this kind make one
    return "letter" if category[0] in "LN" or category == "Pc" else "mark"


def is_visible(text: str) -> bool:
    """Whether a reader sees anything of a text by itself: not blanks, joiners, or marks on the letter before."""
    return any(unicodedata.category(char)[0] not in "ZCM" for char in text)


def unseen(tokens: Sequence[Token], segments: Sequence[Segment]) -> list[list[tuple[int, int]]]:
    """For each segment where visible characters stand that no token is of: the model does not read them."""
    found = []
    for number, segment in enumerate(segments):
        spans = sorted((t.start, t.end) for t in tokens if t.segment == number and t.start is not None and t.end)
        gaps, reached = [], 0
        for start, end in [*spans, (len(segment.text), len(segment.text))]:
            inner = segment.text[reached:start].strip()
            if inner and is_visible(inner):
                first = segment.text.index(inner, reached)
                gaps.append((first, first + len(inner)))
            reached = max(reached, end)
        found.append(gaps)
    return found


def group_words(tokens: Sequence[Token], segments: Sequence[Segment]) -> list[Word]:
    """Partition the tokens into words, ordered by first token.

    A token that reaches over several words joins them into one; a token of white space, or one that no text shows,
    is a word of its own.
    """
    splits = [Splits(split_words(segment.text)) for segment in segments]
    words: list[Word] = []
    reach = None  # (segment, start, end) of the last word, where a following token can still join it
    for i, token in enumerate(tokens):
        if token.special or token.segment is None or token.start is None or token.end is None:
            words.append(
                Word(tokens=[i], segment=token.segment, start=token.start, end=token.end, special=token.special)
            )
            reach = None
            continue
        start, end = splits[token.segment].grown(token.start, token.end)
        members = [i]
        if reach and reach[0] == token.segment and start < reach[2]:
            start, end = min(start, reach[1]), max(end, reach[2])
            members = [*words.pop().tokens, i]
        words.append(Word(tokens=members, segment=token.segment, start=start, end=end, special=False))
        reach = (token.segment, start, end)
    return words


class Splits:
    """The spans of a text's words, in order."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self.starts, self.ends = [start for start, _ in spans], [end for _, end in spans]

    def grown(self, start: int, end: int) -> tuple[int, int]:
        """A span grown to the ends of the words that it touches."""
        first, last = bisect.bisect_right(self.ends, start), bisect.bisect_left(self.starts, end)
        return (min(start, self.starts[first]), max(end, self.ends[last - 1])) if first < last else (start, end)


def touched(encoding: Encoding, word: Word, texts: Mapping[str, str], spans: Sequence[tuple[str, int, int]]) -> bool:
    """Whether a word is touched by spans (where, start, end) of the example's texts, which stand by the same names."""
    if word.segment is None:
        return False
    segment = encoding.segments[word.segment]
    # An encoder-decoder model's source is the field `text`.
    name = segment.field or ("text" if segment.name == "source" else segment.name)
    # A chat template may have stripped the text.
    shift = max(0, str(texts.get(name, "")).find(segment.text))
    start, end = (word.start or 0) + shift, (word.end or 0) + shift
    return any(name == where and start < last and first < end for where, first, last in spans)
