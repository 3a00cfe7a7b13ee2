"""The verdict on the headline map: is its order of words more faithful to the model than a random order?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from saliency_report.page.evidence_tables import mean, number
from saliency_report.page.text import label
from saliency_report.record import ExampleResult, Faithfulness, Target
from saliency_report.record.verdicts import is_better_than_random

_QUANTITIES = {
    "log_prob": "log-probability of",
    "mean log_prob": "mean log-probability of",
    "log_prob a character": "log-probability a character of",
    "probability": "probability of",
    "loss": "loss of",
    "number": "model’s number",
    "cosine": "cosine similarity of",
}
_OUT_OF_DISTRIBUTION = {
    "mask": "Texts with masked words are unlike anything a causal model was trained on (out of distribution), "
    "so weigh this lightly.",
    "delete": "Texts with words cut out are unlike anything a causal model was trained on (out of distribution), "
    "so weigh this lightly.",
}
_NO_SIGN = (
    "Its scores have no sign: it ranks high what holds this number up and what holds it down alike, "
    "and removing the second raises it."
)
# The weather and sunny outside with MiniLM: 0.679 as they stand, 1.00 with every word masked.
_ALIKE = (
    "Without their words the two texts are alike, with a cosine of {}, so that removing words tends to raise it in any "
    "order: weigh this lightly."
)


@dataclass(frozen=True)
class Explained:
    """The number F in words: the logit of a label, minus that of its foil where it has one."""

    what: str
    label: str
    foil: str | None


@dataclass(frozen=True)
class Verdict:
    """A judgement in a sentence that names F between `before` and `after`; without a test it has neither."""

    kind: Literal["good", "bad", "untested", "impossible"]
    lead: str
    before: str = ""
    explained: Explained | None = None
    after: str = ""
    advice: tuple[str, ...] = ()


def tested(target: Target) -> Explained:
    """What the page calls the number that is tested: of a loss its negative, the log-probability."""
    return explained(target.model_copy(update={"quantity": "log_prob"}) if target.quantity == "loss" else target)


def explained(target: Target) -> Explained:
    """What the page calls the number that a map explains."""
    quantity = target.quantity.removesuffix(" difference")
    foil = None if target.foil is None else label(target.foil)
    of = label(target.label) if target.of is None else f"{label(target.of)} as {label(target.label)}"
    name = _QUANTITIES.get(quantity, f"{quantity} of")
    if quantity == "logit" and len(target.indices) > 1:
        name = "sum of the logits of"
    return Explained(f"the {name}", of, foil)


def verdict(result: ExampleResult) -> Verdict | None:
    """Whether the headline map passed the test, failed it or was not put to it; None where there is no map."""
    if not result.maps:
        return None
    faithfulness = result.evidence.faithfulness if result.evidence else None
    if faithfulness is None or not faithfulness.rankings:
        if result.inputs.get("faithfulness"):
            return Verdict("impossible", "Could not be tested for faithfulness: the warning says why.")
        return Verdict(
            "untested", "Not tested for faithfulness, whether the answer changes when the strongest words go:"
        )
    ranking, random = faithfulness.rankings[0], faithfulness.random
    good = is_better_than_random(ranking, random)
    verb, amount = _change(ranking.aopc)
    other, by = _change(mean(random.aopc))
    others = f"by {by}" if other == verb else f"{other.removesuffix('s')} it by {by}"
    advice = []
    if not good:
        advice.append("Do not rely on its order of words.")
        if not ranking.signed:
            advice.append(_NO_SIGN)
    if result.task == "text-generation":
        advice.append(_OUT_OF_DISTRIBUTION[faithfulness.removal])
    if result.maps[result.headline].target.quantity == "cosine" and faithfulness.empty_score > faithfulness.score:
        advice.append(_ALIKE.format(number(faithfulness.empty_score)))
    return Verdict(
        kind="good" if good else "bad",
        lead="More faithful than random:" if good else "Not more faithful than random:",
        before=f"removing the words it ranks highest {verb}",
        explained=tested(result.maps[result.headline].target),
        after=f"by {amount} on average, random orders {others} (beats {ranking.beaten} of {random.orders}).",
        advice=tuple(advice),
    )


def _change(aopc: float) -> tuple[str, str]:
    """What removing words does to F on average: the AOPC is what F loses."""
    return "changes" if aopc == 0 else "lowers" if aopc > 0 else "raises", number(abs(aopc))


def caveats(result: ExampleResult, faithfulness: Faithfulness) -> list[str]:
    """What to keep in mind, beyond what the verdict says."""
    first, notes = faithfulness.rankings[0], []
    maps = [ranking for ranking in faithfulness.rankings if ranking.map is not None]
    if not first.signed:
        signed = [ranking.title for ranking in maps if ranking.signed]
        notes.append(
            f"The scores of {first.title} have no sign: it ranks high what holds F up and what holds it down alike. "
            "The test counts only what lowers F, so it can do badly although each of its words matters."
            + (f" Compare {signed[0]}, which has a sign." if signed else "")
        )
    if result.maps[result.headline].target.quantity == "loss":
        notes.append(
            "A loss is tested as its negative, the log-probability: the words that support the answer raise that, and "
            "signed scores are turned round."
        )
    if len(maps) > 1:
        better = [ranking.title for ranking in maps if is_better_than_random(ranking, faithfulness.random)]
        notes.append(
            f"More faithful than random here: {listed(better) or 'none'}; {len(maps)} rankings were tried, "
            "and of many some pass by chance."
        )
    return notes


def listed(names: list[str]) -> str:
    """a, b and c."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
