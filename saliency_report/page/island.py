"""The data that `report.js` works with, as plain lists and dictionaries for a JSON island.

Numbers have five significant digits: enough for every colour, bar and number shown.
"""

from __future__ import annotations

from typing import Any

from saliency_report.page.spans import runs_by_segment
from saliency_report.page.tables import token_labels, word_labels
from saliency_report.page.text import label, probability, rounded, visible
from saliency_report.page.view import ExampleView
from saliency_report.record import Encoding, Map, Report


def page_data(report: Report) -> dict[str, Any]:
    """What the whole page shares: the aggregations that a reader can choose from."""
    return {"aggregations": [aggregation.model_dump() for aggregation in report.aggregations]}


def example_data(example: ExampleView) -> dict[str, Any]:
    """One example: its encodings, its maps, and which map each figure of the page shows."""
    return {
        "kind": example.kind,
        "headline": example.result.headline,
        "figures": [figure.index for figure in example.figures],
        "encodings": [_encoding(encoding) for encoding in example.result.encodings],
        "maps": [_map(map_) for map_ in example.result.maps],
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
        "position": target.position,
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
            "tokens": {name: [rounded(s) for s in scores] for name, scores in map_.scores.items()},
            "words": {name: [rounded(s) for s in scores] for name, scores in map_.word_scores.items()},
        },
    }
