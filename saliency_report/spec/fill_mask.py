"""What an example of fill-mask says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from saliency_report.spec.example import ExampleFields
from saliency_report.spec.values import NameOrIndex, Text, Truncate


class FillMask(ExampleFields):
    """Which words speak for each of the likeliest fillings of a gap."""

    task: Literal["fill-mask"]
    text: Text = Field(
        description="The text, with the model's mask token, such as [MASK] or <mask>, where a word is missing."
    )
    long: Truncate = Field(
        "refuse",
        description="A text that is longer than the model takes: refuse it, or cut it to what stands around the mask.",
    )
    target: NameOrIndex = Field(
        "predicted",
        description="The token to explain in the place of the mask: predicted, which is the likeliest ones, a word of "
        "one token, or a token's id.",
    )
    foil: NameOrIndex | None = Field(
        None, description="Explain target minus foil: runner-up, a word of one token, or a token's id."
    )
    top_k: Annotated[int, Field(ge=1, le=20)] = Field(
        3, description="How many of the likeliest tokens have a map each, where no target and no foil is named."
    )
