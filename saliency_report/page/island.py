"""The data that the script works with, as plain lists and dictionaries of JSON, as small as they can be.

What the script can read off the page, or work out from what is there, is left out; `data.js` puts it back. Numbers are
those that the page shows: three digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from saliency_report.page.cancelled import cancelled
from saliency_report.page.evidence import evidence_data
from saliency_report.page.facts import CANCEL, ROUNDED, correlation, facts
from saliency_report.page.figures import explained_tokens
from saliency_report.page.scales import Scales
from saliency_report.page.scores import Scores
from saliency_report.page.sentences import Sentence, sentence_scores
from saliency_report.page.spans import Run, runs_by_segment
from saliency_report.page.tables import token_labels, word_labels
from saliency_report.page.text import label, percent, probability, rounded, visible
from saliency_report.page.view import ExampleView
from saliency_report.record import Encoding, Map

Values = Sequence[float | None]


def page_data(scores: Scores, scales: Scales) -> dict[str, Any]:
    """What the whole page shares: the scores that a reader can choose from, the methods that have them, the scales."""
    return {
        "aggregations": [aggregation.model_dump() for aggregation in scores.aggregations],
        "methods": {
            method.name: {"title": visible(method.title), "scores": scores.names(method)} for method in scores.methods
        },
        "scales": scales.data(),
        "rounding": ["", ROUNDED, CANCEL],
    }


def example_data(example: ExampleView, scores: Scores) -> dict[str, Any]:
    """One example: its encodings, its maps, and which map each figure of the page shows.

    A target is a list of its maps, the one shown large first. Sentences are there if some text has two or more.
    """
    figures = [*example.figures, *example.others]
    shown = {figure.map.encoding: figure.runs for figure in figures}
    encodings = example.result.encodings
    cut = example.sentences
    data = {
        "kind": example.kind,
        "model": example.result.model,
        "headline": example.result.headline,
        "targets": [[group.primary, *group.others] for group in example.groups],
        "figures": [figure.index for figure in figures],
        "encodings": [
            _encoding(encoding, shown.get(number)) | _cut(encoding, cut[number])
            for number, encoding in enumerate(encodings)
        ],
        "maps": [
            _map(map_, encodings[map_.encoding], scores)
            | _of_sentences(map_, encodings[map_.encoding], cut[map_.encoding], scores)
            for map_ in example.result.maps
        ],
    }
    evidence = evidence_data(example.result)
    return data | ({"evidence": evidence} if evidence else {})


def _encoding(encoding: Encoding, shown: list[Run] | None) -> dict[str, Any]:
    """Sizes of words in tokens, and names of tokens; the rest where the text on the page does not tell it."""
    runs = [run for runs in runs_by_segment(encoding) for run in runs if run.words] if shown is None else shown
    names = [label(token.text) for token in encoding.tokens]
    tokens, words = token_labels(encoding), word_labels(encoding)
    data: dict[str, Any] = {
        "sizes": [len(word.tokens) for word in encoding.words],
        "names": [0 if name == of_text else name for name, of_text in zip(names, tokens, strict=True)],
    }
    special = [index for index, token in enumerate(encoding.tokens) if token.special]
    if special:
        data["specialTokens"] = special
        data["specialWords"] = [index for index, word in enumerate(encoding.words) if word.special]
    if shown is not None and _is_plain(encoding, runs, tokens, words):
        return data
    return data | {
        "tokens": tokens,
        "words": words,
        # For each coloured run, in the order of the page: its words, and the tokens of each piece.
        "runs": [[list(run.words), [list(piece.tokens) for piece in run.pieces]] for run in runs],
    }


def _cut(encoding: Encoding, cut: list[Sentence]) -> dict[str, Any]:
    """What the sentences are called, and of each word the number of its sentence, -1 where it has none."""
    if not cut:
        return {}
    sentence_of = {word: number for number, sentence in enumerate(cut) for word in sentence.words}
    return {
        "sentences": [sentence.label for sentence in cut],
        "sentenceOf": [sentence_of.get(word, -1) for word in range(len(encoding.words))],
    }


def _of_sentences(map_: Map, encoding: Encoding, cut: list[Sentence], scores: Scores) -> dict[str, Any]:
    if not cut:
        return {}
    found = sentence_scores(map_, encoding, cut, scores)
    return {"sentences": {name: scaled(numbers) for name, numbers in found.items()}} if found else {}


def _is_plain(encoding: Encoding, runs: list[Run], tokens: list[str], words: list[str]) -> bool:
    """Whether each word is one run of the page, each token one piece of it, and their characters are their labels."""
    return (
        [run.words for run in runs] == [(index,) for index in range(len(encoding.words))]
        and [piece.tokens for run in runs for piece in run.pieces] == [(i,) for i in range(len(encoding.tokens))]
        and [run.text for run in runs] == words
        and [piece.text for run in runs for piece in run.pieces] == tokens
    )


def _map(map_: Map, encoding: Encoding, scores: Scores) -> dict[str, Any]:
    target = map_.target
    noise = map_.noise
    data: dict[str, Any] = {
        "encoding": map_.encoding,
        "title": visible(map_.title),
        "sentence": visible(target.sentence),
        "label": label(target.label if target.of is None else map_.title),
        "method": map_.method,
        "quantity": target.quantity.removesuffix(" difference"),
        "position": target.position,
        "explained": list(explained_tokens(target)),
        "share": None if map_.special_share is None else percent(map_.special_share),
        "scores": _units(map_.scores, map_.word_scores, encoding, 3),
        "errors": _units(noise.standard_errors, noise.word_standard_errors, encoding, 2) if noise else {},
        "alternatives": [
            [label(o.label), probability(o.probability), rounded(o.probability), o.index == target.index]
            for o in target.alternatives
            if o.probability is not None
        ],
        "probability": probability(target.probability)
        if target.probability is not None and (target.position is not None or target.of)
        else None,
        "correlation": correlation(map_),
        "nothing": cancelled(map_),
        "facts": [
            [fact.kind, visible(fact.mark), visible(fact.text)] for fact in facts(map_, encoding, scores.headline(map_))
        ],
    }
    return {name: value for name, value in data.items() if value not in (None, "", [], {})}


def _units(
    tokens: Mapping[str, Values],
    words: Mapping[str, Values],
    encoding: Encoding,
    digits: int,
) -> dict[str, list[Any] | int]:
    """For each score the numbers of all words, then those of the tokens that share a word with others.

    The word of a single token has the token's number, its block being the token's; where it has not, all tokens follow.
    A score that is 0 throughout is the number 0.
    """
    alone = [(i, word.tokens[0]) for i, word in enumerate(encoding.words) if len(word.tokens) == 1]
    inside = [token for word in encoding.words if len(word.tokens) > 1 for token in word.tokens]
    found: dict[str, list[Any] | int] = {}
    for name, of_tokens in tokens.items():
        seen, of_words = len(of_tokens), words[name]
        alike = all(_alike(of_words[i], of_tokens[token]) for i, token in alone if token < seen)
        rest = [of_tokens[token] for token in inside if token < seen] if alike else of_tokens
        numbers = [*of_words, *rest]
        found[name] = scaled(numbers, digits) if any(number != 0 for number in numbers) else 0
    return found


def _alike(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and math.isclose(one, other, rel_tol=1e-6))


def scaled(numbers: Iterable[float | None], digits: int = 3) -> list[Any]:
    """The numbers, three digits each, as [power of ten, [factors]]: 0.0482, 0.5 is [-4, [482, 5000]].

    Digits without their zeros and points: gzip packs a factor into 1.8 bytes, a number as it is written into 2.5.
    """
    parts = [None if number is None else _factor(number, digits) for number in numbers]
    powers = [power for factor, power in filter(None, parts) if factor]
    base = max(set(powers), key=powers.count) if powers else 0
    return [base, [None if part is None else _at(part[0], part[1], base) for part in parts]]


def _factor(number: float, digits: int) -> tuple[int, int]:
    shown = rounded(number, digits)
    if 10**digits <= abs(shown) < 1e5:
        return int(shown), 0
    mantissa, exponent = f"{shown:.{digits - 1}e}".split("e")
    return int(mantissa.replace(".", "")), int(exponent) - (digits - 1)


def _at(factor: int, power: int, base: int) -> int | float | str:
    shift = power - base
    if factor == 0 or abs(shift) > 6:
        return f"{factor}e{power}" if factor else 0  # far from the others: in full
    if shift >= 0:
        return int(factor * 10**shift)
    return float(factor / 10**-shift)
