"""How far the maps of weights in half precision are from those of the same weights in float32."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from saliency_report.metrics.rank import spearman
from saliency_report.pipeline import Run
from saliency_report.record import ExampleResult, Map, Precision, Report
from saliency_report.spec import PLAIN, Example, FillMask, Spec, TextClassification


def check_precision(report: Report, spec: Spec, device: torch.device, count: int) -> Report:
    """The report, its models in half precision compared with float32 on `count` of their examples, evenly spread.

    The gradient of the headline target is computed anew and the scores of ordinary words are compared, as the page
    first shows them. Where a model generates, what it generated in float32 must be the same tokens.
    """
    models, warnings = list(report.models), list(report.warnings)
    for index, model in enumerate(models):
        places = [place for place, result in enumerate(report.examples) if result.model == index and result.maps]
        if not model.is_half or not places:
            continue
        chosen = _spread(places, count)
        plain = replace(spec, examples=tuple(_plain(spec.examples[i], report.examples[i]) for i in chosen))
        again = Run(plain, device, "float32", lambda result: None).report().examples
        pairs = [(report.examples[place], result) for place, result in zip(chosen, again, strict=True)]
        models[index] = model.model_copy(update={"precision": compared(pairs)})
    if not any(model.precision for model in models):
        warnings.append("Precision was not checked: no example has weights in half precision.")
    return report.model_copy(update={"models": models, "warnings": warnings})


def compared(pairs: Sequence[tuple[ExampleResult, ExampleResult]]) -> Precision:
    """How the first of each pair of results compares with the second, in float32."""
    same = [
        (half, full, twin) for half, full in pairs if _tokens(half) == _tokens(full) and (twin := _twin(half, full))
    ]
    scores = [(_scores(half, half.maps[half.headline]), _scores(full, twin)) for half, full, twin in same]
    found = [rho for one, other in scores if (rho := spearman(one, other)) is not None]
    differences = [math.dist(one, other) / math.hypot(*other) for one, other in scores if any(other)]
    return Precision(
        examples=len(same),
        others=len(pairs) - len(same),
        same_answer=None
        if any(_is_number(half) for half, _, _ in same)
        else sum(_answer(half) == _answer(full) for half, full, _ in same),
        same_top=sum(_top(one) == _top(other) for one, other in scores),
        spearman_mean=sum(found) / len(found) if found else None,
        spearman_min=min(found, default=None),
        difference=sum(differences) / len(differences) if differences else None,
    )


def _spread(places: Sequence[int], count: int) -> list[int]:
    step = max(1.0, len(places) / count)
    return [places[int(i * step)] for i in range(min(count, len(places)))]


def _plain(example: Example, result: ExampleResult) -> Example:
    """The example in float32, with the plain gradient of the same label and no evidence."""
    asked = {**PLAIN, "dtype": "float32"}
    if isinstance(example, TextClassification):
        asked["target"] = result.maps[result.headline].target.label
    if isinstance(example, FillMask):
        target = result.maps[result.headline].target
        asked |= {"target": target.index, "foil": target.foil_index}
    return example.model_copy(update=asked)


def _twin(half: ExampleResult, full: ExampleResult) -> Map | None:
    """The map of the same target, such as a choice that is no longer the predicted one; none of a lost entity."""
    wanted = half.maps[half.headline]
    same = next((m for m in full.maps if m.title == wanted.title), None)
    return same if same or wanted.target.at or not full.maps else full.maps[full.headline]


def _tokens(result: ExampleResult) -> list[list[int]]:
    return [[token.id for token in encoding.tokens] for encoding in result.encodings]


def _scores(result: ExampleResult, map_: Map) -> list[float]:
    """The sizes of the ordinary words that a map sees."""
    words, scores = result.encodings[map_.encoding].words, map_.word_scores[map_.first_score]
    return [abs(score or 0.0) for score, word in zip(scores, words, strict=False) if not word.special]


def _top(scores: Sequence[float]) -> int | None:
    return max(range(len(scores)), key=scores.__getitem__, default=None)


def _answer(result: ExampleResult) -> list[tuple[str, int]] | str | None:
    prediction = result.prediction
    if prediction is None or prediction.text is not None:
        return None if prediction is None else prediction.text
    return sorted((prediction.outcomes[i].label, prediction.outcomes[i].index) for i in prediction.given)


def _is_number(result: ExampleResult) -> bool:
    """Whether the answer is a number, which the two hardly ever share to the last digit."""
    return result.prediction is not None and result.prediction.link == "none"
