"""What an example of text-generation says."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeGuard

from pydantic import ConfigDict, Field, model_validator

from saliency_report.spec.chat import Messages
from saliency_report.spec.example import ExampleFields
from saliency_report.spec.values import Text, TokenOrSpan


class TextGeneration(ExampleFields):
    """Which earlier words each generated token depends on."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["prompt"]}, {"required": ["messages"]}]})

    task: Literal["text-generation"]
    prompt: Text | None = Field(None, description="The text to continue.")
    messages: Messages | None = Field(
        None,
        description="A conversation to continue, in the place of prompt: a list of {role, content}, put through the "
        "model's chat template. A last message of the assistant is continued.",
    )
    max_new_tokens: Annotated[int, Field(ge=1, le=1024)] = Field(
        10, description="How many tokens to generate, greedily; fewer if the model ends the text."
    )
    continuation: Text | None = Field(
        None,
        description="Explain this continuation instead of generating one. Begin it with a space where one is due.",
    )
    target: TokenOrSpan = Field(
        "each",
        description="What is explained: each token by itself, the whole continuation as one span, a token by its index "
        "(0 is the first), or a text of the continuation. A span is explained as the sum of its tokens' log_prob.",
    )
    foil: Text | None = Field(
        None,
        description="Another continuation: explain why not this one, at the first token that differs. Begin it with a "
        "space where one is due.",
    )
    chat: bool = Field(False, description="The prompt is a user's message and goes through the model's chat template.")

    @model_validator(mode="before")
    @classmethod
    def _a_span_is_a_sum_of_log_probs(cls, data: Any) -> Any:
        if isinstance(data, dict) and "quantity" not in data and is_span(data.get("target")):
            return {**data, "quantity": "log_prob"}
        return data


def is_span(target: object) -> TypeGuard[str]:
    """Whether a target of text-generation is several tokens: the whole continuation, or a text in it."""
    return isinstance(target, str) and target != "each" and bool(target.strip())
