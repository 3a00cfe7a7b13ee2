"""Sentences of a text, and their scores: of all tokens of a sentence as one block, as a word's are of its tokens."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from saliency_report.page.scores import Scores
from saliency_report.page.text import label
from saliency_report.record import Encoding, Map, Word

# After a full stop or the like, and what closes a quotation or a bracket behind it, where a blank follows (3.14 and
# example.com are not cut); after a full stop of Chinese and Japanese, which no blank follows; at a blank line.
_END = re.compile(r"[.!?…]+[\"'”’»›)\]}]*(?=\s|$)|[。！？]+[」』”’）】》\"')\]]*|\n[^\S\n]*\n\s*")

# What seldom ends a sentence; an initial too, but I, which is a word. "No." and "etc." are no such: they do end some.
_ABBREVIATION = re.compile(r"(?<!\w)(?:(?i:mrs?|ms|dr|prof|st|jr|sr|vs|cf|fig|e\.g|i\.e)|[A-HJ-ZÀ-Þ])\.$")
_LONGEST = 6  # characters of one, with its full stop and the one before it

# The block rules of `aggregation.py`, for numbers that are there.
RULES: dict[str, Callable[[Sequence[float]], float]] = {
    "norm": lambda scores: math.hypot(*scores),
    "sum": math.fsum,
    "mean": lambda scores: math.fsum(scores) / len(scores),
    "amax": max,
}


@dataclass(frozen=True)
class Sentence:
    """Indices of its words, and how it is called beside a number."""

    words: list[int]
    label: str


def sentences(encoding: Encoding) -> list[Sentence]:
    """The sentences of all texts but a chat template, in order; special tokens belong to none."""
    found = []
    for number, segment in enumerate(encoding.segments):
        if segment.name == "template":
            continue
        placed = [
            (index, word.start, word)
            for index, word in enumerate(encoding.words)
            if word.segment == number and word.start is not None and not word.special
        ]
        cuts = _cuts(segment.text, [word for _, _, word in placed])
        members: dict[int, list[int]] = {}
        for index, start, _ in placed:
            members.setdefault(bisect_right(cuts, start), []).append(index)
        edges = [0, *cuts, len(segment.text)]
        found += [
            Sentence(words, label(segment.text[edges[place] : edges[place + 1]].strip()))
            for place, words in sorted(members.items())
        ]
    return found


def _cuts(text: str, words: Sequence[Word]) -> list[int]:
    """Where sentences begin, but for the first: never inside a word, and never with nothing but blanks before."""
    cuts = [0]
    for match in _END.finditer(text):
        end = match.end()
        inside = any(
            word.start < end < word.end and text[end : word.end].strip()
            for word in words
            if word.start is not None and word.end is not None
        )
        short = match.group() == "." and _ABBREVIATION.search(text[max(0, end - _LONGEST) : end])
        if not inside and not short and text[cuts[-1] : end].strip():
            cuts.append(end)
    return cuts[1:]


def sentence_scores(
    map_: Map, encoding: Encoding, cut: Sequence[Sentence], scores: Scores
) -> dict[str, list[float | None]]:
    """Of each score that has a rule the numbers of all sentences; of a generated token's map those that it sees."""
    found = {}
    for aggregation in scores.aggregations:
        if aggregation.name in map_.scores and aggregation.word is not None:
            of_tokens = map_.scores[aggregation.name]
            blocks = [
                [
                    of_tokens[token]
                    for word in one.words
                    for token in encoding.words[word].tokens
                    if token < len(of_tokens)
                ]
                for one in cut
            ]
            found[aggregation.name] = [_score(block, aggregation.word) for block in blocks if block]
    return found


def _score(block: list[float | None], rule: str) -> float | None:
    """Nothing where a token was not measured: the number would be of another text."""
    there = [score for score in block if score is not None]
    return RULES[rule](there) if len(there) == len(block) else None
