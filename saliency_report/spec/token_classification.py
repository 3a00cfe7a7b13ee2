"""What an example of token-classification says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from saliency_report.spec.example import ExampleFields
from saliency_report.spec.values import LONG, Long, Text


class TokenClassification(ExampleFields):
    """Which words speak for each entity that a model finds in a text."""

    task: Literal["token-classification"]
    text: Text = Field(description="The text whose words are labelled.")
    long: Long = Field("refuse", description=LONG)
    target: Text = Field(
        "each",
        description="What is explained: each entity that the model finds, or a text of the example, where it first "
        "occurs, whatever labels the model gives it.",
    )
    foil: Text | None = Field(
        None,
        description="Explain the labels of the target minus this one: a label such as O or B-LOC, or a kind such as "
        "LOC. It needs a text as target.",
    )
