"""The data that `report.js` works with, as plain lists and dictionaries for a JSON island.

Numbers have five significant digits: enough for every colour, bar and number shown.
"""

from __future__ import annotations

from typing import Any

from saliency_report.page.evidence import evidence_data
from saliency_report.page.facts import correlation, facts
from saliency_report.page.figures import explained_tokens
from saliency_report.page.scores import Scores
from saliency_report.page.spans import runs_by_segment
from saliency_report.page.tables import token_labels, word_labels
from saliency_report.page.text import all_rounded, label, probability, rounded, visible
from saliency_report.page.view import ExampleView
from saliency_report.record import Encoding, Map, Noise


def page_data(scores: Scores) -> dict[str, Any]:
    """What the whole page shares: the scores that a reader can choose from, and the methods that have them."""
    return {
        "aggregations": [aggregation.model_dump() for aggregation in scores.aggregations],
        "methods": {
            method.name: {"title": visible(method.title), "scores": scores.names(method)} for method in scores.methods
        },
    }


def example_data(example: ExampleView) -> dict[str, Any]:
    """One example: its encodings, its maps, and which map each figure of the page shows.

    A target is a list of its maps, the one shown large first.
    """
    return {
        "kind": example.kind,
        "headline": example.result.headline,
        "targets": [[group.primary, *group.others] for group in example.groups],
        "figures": [figure.index for figure in [*example.figures, *example.others]],
        "encodings": [_encoding(encoding) for encoding in example.result.encodings],
        "maps": [_map(map_) for map_ in example.result.maps],
        "evidence": evidence_data(example.result),
    }


def _encoding(encoding: Encoding) -> dict[str, Any]:
    return {
        "tokens": token_labels(encoding),
        "names": [label(token.text) for token in encoding.tokens],
        "specialTokens": [index for index, token in enumerate(encoding.tokens) if token.special],
        "words": word_labels(encoding),
        "specialWords": [index for index, word in enumerate(encoding.words) if word.special],
        "parts": [word.tokens for word in encoding.words],
        # For each coloured run, in the order of the page: its words, and the tokens of each piece.
        "runs": [
            [list(run.words), [list(piece.tokens) for piece in run.pieces]]
            for runs in runs_by_segment(encoding)
            for run in runs
            if run.words
        ],
    }


def _map(map_: Map) -> dict[str, Any]:
    target = map_.target
    return {
        "encoding": map_.encoding,
        "title": visible(map_.title),
        "sentence": visible(target.sentence),
        "label": label(target.label),
        "method": map_.method,
        "quantity": map_.target.quantity.removesuffix(" difference"),
        "position": target.position,
        "explained": list(explained_tokens(target)),
        "probability": probability(target.probability),
        "alternatives": [
            [
                label(outcome.label),
                probability(outcome.probability),
                outcome.probability,
                outcome.index == target.index,
            ]
            for outcome in target.alternatives
        ],
        "share": map_.special_share,
        "scores": {
            "tokens": {name: all_rounded(scores) for name, scores in map_.scores.items()},
            "words": {name: all_rounded(scores) for name, scores in map_.word_scores.items()},
        },
        "errors": _errors(map_.noise),
        "correlation": correlation(map_),
        "facts": [[fact.kind, visible(fact.mark), visible(fact.text)] for fact in facts(map_)],
    }


def _errors(noise: Noise | None) -> dict[str, dict[str, list[float]]]:
    if noise is None:
        return {"tokens": {}, "words": {}}
    return {
        "tokens": {name: [rounded(e) for e in errors] for name, errors in noise.standard_errors.items()},
        "words": {name: [rounded(e) for e in errors] for name, errors in noise.word_standard_errors.items()},
    }
