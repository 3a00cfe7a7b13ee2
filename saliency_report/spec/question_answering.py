"""What an example of question-answering says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from saliency_report.spec.example import ExampleFields
from saliency_report.spec.values import LONG, Long, Text


class QuestionAnswering(ExampleFields):
    """Which words speak for the answer that a model marks in a context."""

    task: Literal["question-answering"]
    question: Text = Field(description="The question.")
    context: Text = Field(description="The text in which the answer is marked.")
    long: Long = Field("refuse", description=LONG.replace("text", "context"))
    target: Text = Field(
        "predicted",
        description="What is explained: predicted, the likeliest answer, or a text of the context, where it first "
        "occurs.",
    )
    foil: Text | None = Field(
        None,
        description="Explain target minus this answer: runner-up, or a text of the context, where it first occurs.",
    )
    no_answer: bool = Field(
        True,
        description="Whether the model may say that the context has no answer; false for one that was not trained to.",
    )
