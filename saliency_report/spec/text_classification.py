"""What an example of text-classification says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from saliency_report.spec.example import ExampleFields
from saliency_report.spec.values import NameOrIndex, Text


class TextClassification(ExampleFields):
    """Which words speak for a label of a text."""

    task: Literal["text-classification"]
    text: Text = Field(description="The text to classify.")
    text_pair: Text | None = Field(None, description="A second text, such as the hypothesis to a premise.")
    long: Literal["refuse", "windows", "truncate"] = Field(
        "refuse",
        description="A text that is longer than the model takes: refuse it, read it in overlapping windows, or cut it.",
    )
    target: NameOrIndex = Field(
        "predicted", description="The label to explain: predicted, a label's name, or its index."
    )
    foil: NameOrIndex | None = Field(
        None,
        description="Explain target minus foil: runner-up, a label's name, or its index.",
    )
    label: NameOrIndex | None = Field(
        None, description="The right label, by name or index; the page marks the prediction."
    )
