"""What an example of text-classification says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from saliency_report.spec.example import ExampleFields
from saliency_report.spec.values import LONG, Long, NameOrIndex, NamesOrIndices, Text

ProblemType = Literal["single_label_classification", "multi_label_classification", "regression"]


class TextClassification(ExampleFields):
    """Which words speak for a label of a text, for each of several, or for a number."""

    task: Literal["text-classification"]
    text: Text = Field(description="The text to classify.")
    text_pair: Text | None = Field(None, description="A second text, such as the hypothesis to a premise.")
    long: Long = Field("refuse", description=LONG)
    target: NamesOrIndices = Field(
        "predicted",
        description="What to explain: predicted, a label by its name or index, or a list of these, with a map each. "
        "Predicted are all labels above the threshold where several can be right, all numbers where it gives numbers.",
    )
    foil: NameOrIndex | None = Field(
        None,
        description="Explain target minus foil: runner-up, a label's name, or its index.",
    )
    label: NamesOrIndices | None = Field(
        None,
        description="The right label, by name or index; a list where several can be right at once, [] where none is. "
        "The page marks the prediction.",
    )
    problem_type: ProblemType | None = Field(
        None,
        description="What the model's outputs are: one label of several, several at once (each with a sigmoid of its "
        "own), or numbers. Default: what its configuration says; a single output is a number.",
    )
    threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        0.5, description="Several labels at once: the probability above which one is given."
    )
