"""The package from Python: a list of examples, a method of one's own, and clear errors."""

from __future__ import annotations

import pytest
import torch

from saliency_report.api import Attribution, Method, Start, Steps, explain, render_page
from saliency_report.errors import InputError

EXAMPLE = {"task": "text-classification", "text": "I hated it."}


def halfway(start: Start) -> Steps:
    answer = yield (start.x + start.baseline)[None] / 2
    return Attribution((start.x - start.baseline) * answer.gradients[0])


def method(**changes: object) -> Method:
    fields = {
        "name": "halfway",
        "title": "Half-way gradient",
        "sentence": "The gradient between baseline and text.",
        "formula": "(x − x′) ⊙ ∂F/∂x((x + x′)/2)",
        "reference": "a test",
        "scores": ("attribution",),
        "attribute": halfway,
    }
    return Method(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_method_of_ones_own_has_its_map_and_its_words_on_the_page() -> None:
    one_step = {**EXAMPLE, "methods": "integrated_gradients", "steps": 1, "max_steps": 1}
    report = explain([one_step], methods=[method()])
    maps = {map_.method: map_ for map_ in report.examples[0].maps}
    # A quadrature of one node has it in the middle, so the two are one method.
    assert torch.tensor(maps["halfway"].scores["attribution"]) == pytest.approx(
        torch.tensor(maps["integrated_gradients"].scores["attribution"]), rel=1e-5, abs=1e-7
    )
    assert [m.name for m in report.methods] == ["gradient", "integrated_gradients", "halfway"]
    assert "Half-way gradient" in render_page(report)


def test_progress_is_told_of_every_example() -> None:
    seen: list[str] = []
    explain([EXAMPLE, EXAMPLE], progress=lambda result: seen.append(result.id))
    assert seen == ["example-1", "example-2"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "gradient"}, "There is already a method 'gradient'."),
        ({"scores": ("size",)}, "The method 'halfway' has the scores size."),
        ({"scores": ()}, "The method 'halfway' has the scores none at all."),
        ({"attribute": None}, "The method 'halfway' has no function to compute it."),
    ],
)
def test_a_method_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        explain([EXAMPLE], methods=[method(**changes)])
    assert caught.value.message == message


def test_a_wrong_list_of_examples_is_named() -> None:
    with pytest.raises(InputError, match=r"examples:1:\d+: \[0\]\.txt: unknown key; did you mean 'text'"):
        explain([{"task": "text-classification", "txt": "x"}])
