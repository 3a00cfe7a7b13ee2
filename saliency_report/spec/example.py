"""The fields that every example has, whatever its task."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from saliency_report.spec.asserting import Asserted
from saliency_report.spec.evidence import Evidence
from saliency_report.spec.values import Text

DTYPES = ("auto", "float32", "bfloat16", "float16", "float64")
Dtype = Literal["auto", "float32", "bfloat16", "float16", "float64"]
EMBEDDED_MODEL = "embedded"


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
    allow_pickle: bool = Field(
        False,
        description="Read weights that are there as pickled .bin files alone. Only from someone you trust.",
    )
    adapter: Text | None = Field(
        None, description="PEFT adapter that goes on the model: Hub id or local folder. Needs the extra peft."
    )
    quantise: Literal["4bit"] | None = Field(
        None, description="Read the weights in 4 bits through bitsandbytes, where the device can."
    )
    device_map: Literal["auto"] | None = Field(
        None, description="Spread a model that is larger than one device over all of them, through accelerate."
    )
    allow_random_head: bool = Field(
        False,
        description="Go on when the checkpoint has no weights for the task's head; the page says so.",
    )


class _Asserting(BaseModel):
    """What has no part in any number, so it is left out where an example is written down."""

    assertions: Annotated[
        tuple[Asserted, ...], WithJsonSchema({"type": "array", "items": {"type": "object"}, "minItems": 1})
    ] = Field(
        (),
        alias="assert",
        exclude=True,
        description="What must hold of the answer and its reasons: a list of assertions, each with level: warn where "
        "it is to be told only.",
    )


class ExampleFields(_Asserting, Evidence, _Weights):
    """Fields that every task has."""
