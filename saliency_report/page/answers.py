"""What a model answered, in words: a label and its probability, several labels, none, or a number."""

from __future__ import annotations

from saliency_report.page.text import probability, significant
from saliency_report.record import Outcome, Prediction

__all__ = ["answer", "expected", "heading"]


def answer(prediction: Prediction | None) -> tuple[str, str]:
    """The answer, and how likely it is; both empty where there is none."""
    if prediction is None:
        return "", ""
    outcomes = prediction.outcomes
    if prediction.predicted is not None:
        chosen = outcomes[prediction.predicted]
        return chosen.label, "" if chosen.probability is None else probability(chosen.probability)
    if prediction.labels is not None:
        given = [outcomes[index] for index in prediction.labels]
        if not given:
            return f"none above {_threshold(prediction)}", ""
        return _joined(
            given
        ), f"sigmoid {', '.join(probability(o.probability) for o in given if o.probability is not None)}"
    if prediction.link == "none" and outcomes:
        return ", ".join(f"{outcome.label} {significant(outcome.logit)}" for outcome in outcomes), ""
    return prediction.text or "", ""


def expected(prediction: Prediction | None) -> str:
    """What the input calls right; empty where it says nothing of that."""
    if prediction is None or prediction.wanted is None:
        return ""
    return _joined([prediction.outcomes[index] for index in prediction.wanted]) or "none"


def heading(prediction: Prediction) -> str:
    """The title of the list of outcomes."""
    if prediction.link == "none":
        return "Numbers"
    if prediction.link == "sigmoid":
        above = "" if prediction.threshold is None else f", given above {_threshold(prediction)}"
        return f"Probabilities, of each label by itself (sigmoid){above}"
    return "Probabilities"


def _threshold(prediction: Prediction) -> str:
    return f"{prediction.threshold:g}"


def _joined(outcomes: list[Outcome]) -> str:
    return ", ".join(outcome.label for outcome in outcomes)
