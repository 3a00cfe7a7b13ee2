"""The package from Python: a list of examples, a method of one's own, and clear errors."""

from __future__ import annotations

import pytest

from saliency_report import render
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
    ours, theirs = maps["halfway"], maps["integrated_gradients"]
    for one, other in zip(ours.scores["attribution"], theirs.scores["attribution"], strict=True):
        assert one == (None if other is None else pytest.approx(other, rel=1e-5, abs=1e-7))
    # Nobody said how well it adds up, and so it was checked.
    assert ours.completeness is not None
    assert theirs.completeness is not None
    changes = {"steps": 0, "evaluated": 0, "total": pytest.approx(theirs.completeness.total, rel=1e-5)}
    changes |= {name: pytest.approx(getattr(theirs.completeness, name), rel=1e-4) for name in ("delta", "relative")}
    assert ours.completeness.model_dump() == theirs.completeness.model_dump() | changes
    assert ours.completeness.verdict == "fail"
    assert [m.name for m in report.methods] == ["gradient", "integrated_gradients", "halfway"]
    assert "Half-way gradient" in render_page(report)


def test_progress_is_told_of_every_example() -> None:
    seen: list[str] = []
    explain([EXAMPLE, EXAMPLE], progress=lambda result: seen.append(result.id))
    assert seen == ["example-1", "example-2"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "gradient"}, "The name 'gradient' is taken."),
        ({"name": "gradient_x_input"}, "The name 'gradient_x_input' is taken."),
        ({"name": "leave_one_out"}, "The name 'leave_one_out' is taken."),
        ({"scores": ("attribution", "attribution")}, "The method 'halfway' names a score twice."),
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


def test_a_path_is_no_report() -> None:
    with pytest.raises(InputError) as caught:
        render("report.json")  # type: ignore[arg-type]
    assert str(caught.value) == "render takes a report, not 'report.json'. Write render(load(path)) for a report.json."
