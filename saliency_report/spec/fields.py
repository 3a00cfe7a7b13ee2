"""The fields of an example, task by task, and the JSON Schema that editors check them with."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeGuard, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from saliency_report.spec.evidence import Evidence
from saliency_report.spec.values import NameOrIndex, Text, TokenOrSpan

DTYPES = ("auto", "float32", "bfloat16", "float16", "float64")
Dtype = Literal["auto", "float32", "bfloat16", "float16", "float64"]
EMBEDDED_MODEL = "embedded"
# What is one example's own: its name, and marks in its texts.
NOT_IN_DEFAULTS = {"id", "rationale"}


class _Weights(BaseModel):
    """The example's name, and the weights that answer it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Text = Field("", description="Name of the example, used once in a file; example-N if left out.")
    model: Text = Field(
        EMBEDDED_MODEL,
        description="Hub id, local folder, .gguf file, or embedded for the small model of the package.",
    )
    revision: Text | None = Field(None, description="Branch, tag or commit of a Hub model.")
    dtype: Dtype | None = Field(
        None,
        description="Number format of the weights; auto is the checkpoint's own. Default: --dtype.",
    )
    trust_remote_code: bool = Field(
        False,
        description="Run the Python code that the model's repository brings. Only if you read it.",
    )
    allow_random_head: bool = Field(
        False,
        description="Go on when the checkpoint has no weights for the task's head; the page says so.",
    )


class _Example(Evidence, _Weights):
    """Fields that every task has."""


class TextClassification(_Example):
    """Which words speak for a label of a text."""

    task: Literal["text-classification"]
    text: Text = Field(description="The text to classify.")
    text_pair: Text | None = Field(None, description="A second text, such as the hypothesis to a premise.")
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


class TextGeneration(_Example):
    """Which earlier words each generated token depends on."""

    task: Literal["text-generation"]
    prompt: Text = Field(description="The text to continue.")
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


class MultipleChoice(_Example):
    """Which words speak for each of several answers."""

    task: Literal["multiple-choice"]
    context: Text | None = Field(None, description="What the model may read to answer.")
    question: Text = Field(description="The question.")
    choices: Annotated[list[Text], Field(min_length=2)] = Field(description="Two or more different answers.")
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


Example = TextClassification | TextGeneration | MultipleChoice
TASKS: dict[str, type[Example]] = {
    get_args(model.model_fields["task"].annotation)[0]: model for model in get_args(Example)
}


def all_fields() -> set[str]:
    """The names of the fields of every task."""
    return {field for model in TASKS.values() for field in model.model_fields}


def inherited(task: str, defaults: dict[str, Any]) -> dict[str, Any]:
    """Those of the defaults that are meant for an example of this task.

    `target` and `foil` are tokens in text-generation and answers elsewhere: they go to the task that the defaults
    name. Where they name another or none, text-generation takes each and whole, the other tasks take the rest.
    """
    fields = {k: v for k, v in defaults.items() if k in TASKS[task].model_fields and k not in NOT_IN_DEFAULTS}
    if defaults.get("task") == task:
        return fields
    generation = "text-generation"
    for field in ("target", "foil"):
        of_tokens = defaults.get("task") == generation or (field == "target" and fields.get(field) in ("each", "whole"))
        if of_tokens != (task == generation):
            fields.pop(field, None)
    return fields


def json_schema() -> dict[str, Any]:
    """The JSON Schema of an input file, for editors that complete and check while one types."""
    schema = TypeAdapter(Annotated[Example, Field(discriminator="task")]).json_schema(ref_template="#/$defs/{model}")
    definitions = schema.pop("$defs")
    example = {"oneOf": schema["oneOf"]}
    # With defaults an example may leave any field out, and a default may be of any task.
    fields: dict[str, Any] = {}
    for definition in definitions.values():
        for name, field in definition["properties"].items():
            known = fields.setdefault(name, {"anyOf": []})["anyOf"]
            if field not in known:
                known.append(field)
    fields = {name: field["anyOf"][0] if len(field["anyOf"]) == 1 else field for name, field in fields.items()}
    fields["task"] = {"enum": [*TASKS], "description": "What the model does with the text."}
    partial = {"type": "object", "additionalProperties": False, "properties": fields}
    defaults = {**partial, "properties": {k: v for k, v in fields.items() if k not in NOT_IN_DEFAULTS}}
    mapping = {
        "type": "object",
        "additionalProperties": False,
        "required": ["examples"],
        "properties": {
            "title": {"type": "string", "description": "Heading of the page."},
            "defaults": {
                **defaults,
                "description": "Fields for every example that does not set them.",
            },
            "examples": {"type": "array", "minItems": 1, "items": partial},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "saliency-report input",
        "anyOf": [{"type": "array", "minItems": 1, "items": example}, mapping],
        "$defs": definitions,
    }
