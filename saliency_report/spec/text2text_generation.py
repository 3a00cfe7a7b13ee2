"""What an example of text2text-generation says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from saliency_report.spec.example import ExampleFields
from saliency_report.spec.text_generation import is_span
from saliency_report.spec.values import Text, TokenOrSpan


class Text2TextGeneration(ExampleFields):
    """Which words of a source, and which of what was written before, each written token depends on."""

    task: Literal["text2text-generation"]
    text: Text = Field(description="What is translated, summed up or answered, with the prefix that the model wants.")
    max_new_tokens: Annotated[int, Field(ge=1, le=1024)] = Field(
        20, description="How many tokens to write, greedily; fewer if the model ends the text."
    )
    continuation: Text | None = Field(None, description="Explain this text instead of one that the model writes.")
    target: TokenOrSpan = Field(
        "each",
        description="What is explained: each token by itself, the whole of what is written, a token by its index "
        "(0 is the first), or a text of it. A span is explained as the sum of its tokens' log_prob.",
    )
    foil: Text | None = Field(
        None, description="Another text: explain why not this one, at the first token that differs."
    )

    @model_validator(mode="before")
    @classmethod
    def _a_span_is_a_sum_of_log_probs(cls, data: Any) -> Any:
        if isinstance(data, dict) and "quantity" not in data and is_span(data.get("target")):
            return {**data, "quantity": "log_prob"}
        return data
