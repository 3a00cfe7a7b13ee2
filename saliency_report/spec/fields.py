"""The tasks and their fields, and the JSON Schema that editors check an input with."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field, TypeAdapter

from saliency_report.spec.asserting import OF_EXAMPLE, OF_RUN, json_schema_of
from saliency_report.spec.fill_mask import FillMask
from saliency_report.spec.multiple_choice import MultipleChoice
from saliency_report.spec.question_answering import QuestionAnswering
from saliency_report.spec.rows_from import RowsFrom
from saliency_report.spec.sentence_similarity import SentenceSimilarity
from saliency_report.spec.text2text_generation import Text2TextGeneration
from saliency_report.spec.text_classification import TextClassification
from saliency_report.spec.text_generation import TextGeneration
from saliency_report.spec.token_classification import TokenClassification
from saliency_report.spec.zero_shot_classification import ZeroShotClassification

# What is one example's own: its name, and marks in its texts.
NOT_IN_DEFAULTS = {"id", "rationale"}

Example = (
    TextClassification
    | TextGeneration
    | MultipleChoice
    | FillMask
    | TokenClassification
    | QuestionAnswering
    | SentenceSimilarity
    | ZeroShotClassification
    | Text2TextGeneration
)
TASKS: dict[str, type[Example]] = {
    get_args(model.model_fields["task"].annotation)[0]: model for model in get_args(Example)
}


def all_fields() -> set[str]:
    """The names of the fields of every task."""
    return {name for model in TASKS.values() for name in names(model)}


def names(model: type[BaseModel]) -> list[str]:
    """The names of a model's fields as the input writes them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def inherited(task: str, defaults: dict[str, Any]) -> dict[str, Any]:
    """Those of the defaults that are meant for an example of this task.

    `target` and `foil` are tokens in text-generation and answers elsewhere: they go to the task that the defaults
    name. Where they name another or none, text-generation takes each and whole, the other tasks take the rest.
    """
    fields = {k: v for k, v in defaults.items() if k in names(TASKS[task]) and k not in NOT_IN_DEFAULTS}
    if defaults.get("task") == task:
        return fields
    generation = ("text-generation", "text2text-generation")
    for field in ("target", "foil"):
        of_tokens = defaults.get("task") in generation or (field == "target" and fields.get(field) in ("each", "whole"))
        if of_tokens != (task in generation):
            fields.pop(field, None)
    return fields


def json_schema() -> dict[str, Any]:
    """The JSON Schema of an input file, for editors that complete and check while one types."""
    schema = TypeAdapter(Annotated[Example, Field(discriminator="task")]).json_schema(ref_template="#/$defs/{model}")
    definitions = schema.pop("$defs")
    for model in get_args(Example):
        definitions[model.__name__]["properties"]["assert"]["items"] = {"$ref": "#/$defs/Assertion"}
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
    definitions["Assertion"], definitions["AssertionOfTheRun"] = json_schema_of(OF_EXAMPLE), json_schema_of(OF_RUN)
    partial = {"type": "object", "additionalProperties": False, "properties": fields}
    defaults = {**partial, "properties": {k: v for k, v in fields.items() if k not in NOT_IN_DEFAULTS}}
    of_rows = RowsFrom.model_json_schema()["properties"]
    definitions["RowsFrom"] = {
        **partial,
        "properties": {**{k: v for k, v in fields.items() if k not in NOT_IN_DEFAULTS}, **of_rows},
        "required": ["columns"],
        "anyOf": [{"required": ["file"]}, {"required": ["dataset", "split"]}],
    }
    mapping = {
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["examples"]}, {"required": ["examples_from"]}],
        "properties": {
            "title": {"type": "string", "description": "Heading of the page."},
            "defaults": {
                **defaults,
                "description": "Fields for every example that does not set them.",
            },
            "assert": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/$defs/AssertionOfTheRun"},
                "description": "What must hold of the run.",
            },
            "examples": {"type": "array", "minItems": 1, "items": partial},
            "examples_from": {
                "anyOf": [
                    {"$ref": "#/$defs/RowsFrom"},
                    {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/RowsFrom"}},
                ],
                "description": "Files or data sets whose rows are examples, with fields for all of them.",
            },
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "saliency-report input",
        "anyOf": [{"type": "array", "minItems": 1, "items": example}, mapping],
        "$defs": definitions,
    }
