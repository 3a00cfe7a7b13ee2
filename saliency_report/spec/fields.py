"""The fields of an example, task by task, and the JSON Schema that editors check them with."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticCustomError

DTYPES = ("auto", "float32", "bfloat16", "float16", "float64")
Dtype = Literal["auto", "float32", "bfloat16", "float16", "float64"]
EMBEDDED_MODEL = "embedded"


def _text(value: object) -> object:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise PydanticCustomError("empty", "is empty; write some text")
    if not isinstance(value, str):
        raise PydanticCustomError("not_text", "must be text, not {kind}; put it in quotes", {"kind": kind_of(value)})
    return value


def _name_or_index(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise PydanticCustomError("not_name", "must be a name or an index, not {kind}", {"kind": kind_of(value)})
    return value


def kind_of(value: object) -> str:
    """A value as a message names it."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if value is None or value == "":
        return "nothing"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else f"{value}"


Text = Annotated[str, BeforeValidator(_text)]
NameOrIndex = Annotated[str | int, BeforeValidator(_name_or_index)]


class _Example(BaseModel):
    """Fields that every task has."""

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


class TextClassification(_Example):
    """Which words speak for a label of a text."""

    task: Literal["text-classification"]
    text: Text = Field(description="The text to classify.")
    text_pair: Text | None = Field(None, description="A second text, such as the hypothesis to a premise.")
    target: NameOrIndex = Field(
        "predicted", description="The label to explain: predicted, a label's name, or its index."
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


def json_schema() -> dict[str, Any]:
    """The JSON Schema of an input file, for editors that complete and check while one types."""
    schema = TypeAdapter(Annotated[Example, Field(discriminator="task")]).json_schema(ref_template="#/$defs/{model}")
    definitions = schema.pop("$defs")
    example = {"oneOf": schema["oneOf"]}
    # With defaults an example may leave any field out, and a default may be of any task.
    fields = {
        name: field
        for definition in definitions.values()
        for name, field in definition["properties"].items()
        if name != "task"
    }
    fields["task"] = {"enum": [*TASKS], "description": "What the model does with the text."}
    partial = {"type": "object", "additionalProperties": False, "properties": fields}
    defaults = {**partial, "properties": {k: v for k, v in fields.items() if k != "id"}}
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
