"""Every architecture that transformers maps for a head of text is explained rightly, or refused with its reason."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from marks import put

from saliency_report.architectures import REFUSED
from sweeping import HEADS, Outcome, architectures, built, check, exact, outcome

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- architectures: begin -->\n", "<!-- architectures: end -->\n"
PAIRS = [(model_type, head) for head in HEADS for model_type in architectures(head)]


@pytest.mark.parametrize(("model_type", "head"), PAIRS, ids=[f"{head}-{model_type}" for model_type, head in PAIRS])
def test_an_architecture_passes_or_is_refused(model_type: str, head: str) -> None:
    found = outcome(model_type, head)
    assert found.kind == "supported" or found.why


@pytest.mark.parametrize("head", HEADS)
def test_nearly_all_pass_or_are_refused(head: str) -> None:
    kinds = Counter(outcome(model_type, head).kind for model_type in architectures(head))
    assert kinds["supported"] + kinds["refused"] >= 0.95 * kinds.total()


def test_integrated_gradients_add_up_on_nearly_all() -> None:
    deltas = [found.passed.relative_delta for pair in PAIRS if (found := outcome(*pair)).passed]
    assert sum(delta <= 0.05 for delta in deltas) >= 0.95 * len(deltas)


@pytest.mark.parametrize(
    ("model_type", "says"),
    [
        ("yoso", "gradient and central differences are"),
        ("hrm_text", "gradient and central differences are"),
        ("mra", "no other token has a gradient"),
    ],
)
def test_what_is_refused_for_its_gradient_would_be_wrong(model_type: str, says: str) -> None:
    assert model_type in REFUSED
    head = "causal LM" if model_type == "hrm_text" else "masked LM"
    with exact(), pytest.raises(AssertionError, match=says):
        check(built(model_type, head), head)


def test_the_readme_counts_them() -> None:
    text = table({pair: outcome(*pair) for pair in PAIRS})
    if os.environ.get("UPDATE_README") == "1":
        put(README, BEGIN, END, text)
    shown = README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert shown == text, "If this is meant: UPDATE_README=1 python -m pytest tests/test_every_architecture.py"


def table(found: dict[tuple[str, str], Outcome]) -> str:
    """Counts a head, and the reasons of what is refused, as the README has them."""
    lines = ["| Head | Mapped | Supported | Refused | Not built here |", "|---|---|---|---|---|"]
    for head in HEADS:
        kinds = Counter(found[model_type, head].kind for model_type in architectures(head))
        lines.append(f"| {head} | {kinds.total()} | {kinds['supported']} | {kinds['refused']} | {kinds['not built']} |")
    kinds = Counter(one.kind for one in found.values())
    lines.append(f"| all | {kinds.total()} | {kinds['supported']} | {kinds['refused']} | {kinds['not built']} |")
    reasons: dict[str, list[str]] = defaultdict(list)
    for model_type in dict.fromkeys(model_type for model_type, _ in PAIRS):
        own = {head: one for head in HEADS if (one := found.get((model_type, head)))}
        for why in dict.fromkeys(one.why for one in own.values() if one.kind != "supported"):
            there = [head for head, one in own.items() if one.why == why]
            where = "" if len(there) == len(own) else f" ({', '.join(there)})"
            plain = re.sub(r"^The model .* not supported: ", "", why).rstrip(".")
            reasons[plain].append(f"`{model_type}`{where}")
    lines += ["", "Refused, or not built:", ""]
    lines += [f"- {', '.join(names)}: {why[0].lower()}{why[1:]}." for why, names in reasons.items()]
    elsewhere = [model_type for (model_type, _), one in found.items() if one.passed and one.passed.ids_act_elsewhere]
    names = ", ".join(f"`{model_type}`" for model_type in dict.fromkeys(elsewhere))
    lines += ["", f"Supported, with a warning that words act by a second way that no map shows: {names}."]
    return "\n".join(lines) + "\n"
