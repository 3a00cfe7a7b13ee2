"""What an example of zero-shot-classification says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from saliency_report.spec.example import ExampleFields
from saliency_report.spec.values import NameOrIndex, NamesOrIndices, Text, Truncate

GAP = "{label}"


def _has_a_gap(template: str) -> str:
    if template.count(GAP) != 1:
        message = "must have {gap} once, where each label goes, such as This text is about {gap}."
        raise PydanticCustomError("no_gap", message, {"gap": GAP})
    return template


class ZeroShotClassification(ExampleFields):
    """Which words speak for each of several labels that the model was not trained for."""

    task: Literal["zero-shot-classification"]
    text: Text = Field(description="The text to classify: the premise.")
    candidate_labels: Annotated[list[Text], Field(min_length=1)] = Field(
        description="Two or more different labels; one is enough with multi_label."
    )
    hypothesis_template: Annotated[Text, AfterValidator(_has_a_gap)] = Field(
        "This example is {label}.", description="The sentence whose entailment speaks for a label, with {label} in it."
    )
    multi_label: bool = Field(
        False,
        description="Several labels can be right: each has a probability of its own, entailment against contradiction, "
        "in the place of a softmax over all labels' entailment.",
    )
    threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        0.5, description="With multi_label: the probability above which a label is given."
    )
    long: Truncate = Field(
        "refuse",
        description="A text that with a hypothesis is longer than the model takes: refuse it, or cut it to one length "
        "for all labels.",
    )
    label: NamesOrIndices | None = Field(
        None, description="The right label, by name or index; with multi_label a list, [] where none is right."
    )
    target: NameOrIndex = Field(
        "predicted", description="The label whose map is shown first: predicted, a label, or its index."
    )
    foil: NameOrIndex | None = Field(None, description="Explain target minus foil: runner-up, a label, or its index.")
