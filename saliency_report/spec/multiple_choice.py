"""What an example of multiple-choice says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from saliency_report.spec.example import ExampleFields
from saliency_report.spec.values import NameOrIndex, Text, Truncate


class MultipleChoice(ExampleFields):
    """Which words speak for each of several answers."""

    task: Literal["multiple-choice"]
    context: Text | None = Field(None, description="What the model may read to answer.")
    question: Text = Field(description="The question.")
    choices: Annotated[list[Text], Field(min_length=2)] = Field(description="Two or more different answers.")
    long: Truncate = Field(
        "refuse",
        description="A context, question and choice that are longer than the model takes together: refuse them, or "
        "cut the context, without one the question, to one length for all choices.",
    )
    by: Literal["auto", "head", "likelihood", "letter"] = Field(
        "auto",
        description="What chooses: the head of a model trained to choose; a causal model, by the likelihood of each "
        "choice after the question or by the logit of its letter; auto is the head, or likelihood where the checkpoint "
        "is a causal model's.",
    )
    normalise: Literal["tokens", "characters", "none"] = Field(
        "tokens", description="With likelihood: what the sum of the log-probabilities of a choice is divided by."
    )
    answer: NameOrIndex | None = Field(
        None, description="The right choice, by its text or index; the page marks the prediction."
    )
    target: NameOrIndex = Field(
        "predicted", description="The choice to explain: predicted, a choice's text, or its index."
    )
    foil: NameOrIndex | None = Field(
        None,
        description="Explain target minus foil: runner-up, a choice's text, or its index.",
    )
