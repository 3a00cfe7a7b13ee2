"""What every task can be asked for beyond the plain gradient: other methods, and evidence for or against a map."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from saliency_report.spec.values import Marked, Text, did_you_mean, kind_of, listed

MethodName = Literal[
    "gradient",
    "integrated_gradients",
    "smoothgrad",
    "smoothgrad_squared",
    "vargrad",
    "occlusion",
    "attention_rollout",
    "gradient_x_attention",
]
METHOD_NAMES: tuple[MethodName, ...] = get_args(MethodName)
ALL_METHODS = "all"
Quantity = Literal["logit", "log_prob", "probability", "loss"]
BaselineName = Literal["auto", "zero", "mean", "pad", "mask", "eos"]
BASELINES: tuple[BaselineName, ...] = get_args(BaselineName)
Randomised = Literal["none", "all", "cascading"]
STEPS, MAX_STEPS = 16, 512


def _method_list(value: object) -> object:
    if value == ALL_METHODS:
        return [*METHOD_NAMES]
    if isinstance(value, str) and value not in METHOD_NAMES:
        names = [*METHOD_NAMES, ALL_METHODS]
        known = {"known": listed(names), "kind": kind_of(value), "hint": did_you_mean(value, names)}
        raise PydanticCustomError("not_method", "must be one of {known}, not {kind}{hint}", known)
    return [value] if isinstance(value, str) else value


def _gradient_first(names: list[MethodName]) -> list[MethodName]:
    return ["gradient", *(name for name in names if name != "gradient")]


def _baseline(value: object) -> object:
    if isinstance(value, dict) and value.keys() == {"text"}:
        text = value["text"]
        if isinstance(text, str) and text.strip():
            return value
        shown = repr(text) if isinstance(text, str) and text else kind_of(text)
        raise PydanticCustomError("empty", "text must be words, not {kind}", {"kind": shown})
    if isinstance(value, dict):
        raise PydanticCustomError("not_baseline", "a text is written as {form}", {"form": "{text: …}"})
    if value not in BASELINES:
        known = {"known": listed(BASELINES), "kind": kind_of(value)}
        raise PydanticCustomError("not_baseline", "must be one of {known} or {text: …}, not {kind}", known)
    return value


def _randomised(value: object) -> object:
    if value is None or isinstance(value, bool):
        # YAML reads none as a word and null, ~ and false as themselves: a likely slip.
        known = {"known": listed(get_args(Randomised)), "kind": kind_of(value)}
        raise PydanticCustomError("not_word", "must be one of {known}, not {kind}; write the word", known)
    return value


Methods = Annotated[
    list[MethodName],
    Field(min_length=1),
    BeforeValidator(_method_list),
    AfterValidator(_gradient_first),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*METHOD_NAMES, ALL_METHODS]},
                {"type": "array", "items": {"enum": [*METHOD_NAMES]}, "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]
Baseline = Annotated[
    BaselineName | dict[Literal["text"], Text],
    BeforeValidator(_baseline),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*BASELINES]},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["text"],
                    "properties": {"text": {"type": "string"}},
                },
            ]
        }
    ),
]
Fraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class Evidence(BaseModel):
    """Fields of every task that say how its answer is explained, and how the explanation is tested."""

    methods: Methods = Field(
        ["gradient"],
        description="How words get their scores: a name, a list of names, or all (every method that the task and the "
        "model allow). The gradient is always computed and stands first.",
    )
    quantity: Quantity = Field(
        "logit",
        description="Which number of the answer is explained; loss is the cross-entropy of the right answer, of the "
        "continuation in text-generation.",
    )
    baseline: Baseline = Field(
        "auto",
        description="What integrated_gradients compares the text with: one of these in the place of every token, or "
        "the tokens of another text, as {text: …}.",
    )
    keep_special: bool = Field(
        True,
        description="Keep special tokens, a causal model's first token and the chat template as they are in the "
        "baseline.",
    )
    steps: Annotated[int, Field(ge=1, le=1024)] = Field(
        STEPS,
        description="Points on integrated_gradients' path from baseline to text; parts that do not add up get more.",
    )
    max_steps: Annotated[int, Field(ge=1, le=100_000)] = Field(
        MAX_STEPS, description="How many points integrated_gradients may compute in all, at least steps."
    )
    samples: Annotated[int, Field(ge=3, le=1000)] = Field(
        25, description="Noisy copies of the text that smoothgrad, smoothgrad_squared and vargrad draw."
    )
    noise: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        0.05, description="Their noise: standard deviation as a share of the range of the text's embeddings."
    )
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = Field(
        0, description="Where all that is random begins; the same seed gives the same numbers."
    )
    removal: Literal["auto", "mask", "delete"] = Field(
        "auto",
        description="How a word is taken out: mask puts the mask token in its place, delete cuts it out; auto masks "
        "where the model has a mask token.",
    )
    faithfulness: bool = Field(
        False, description="Test each map: does the answer change more without the words that it ranks high?"
    )
    fractions: Annotated[list[Fraction], Field(min_length=1)] = Field(
        [0.1, 0.2, 0.3, 0.4, 0.5],
        description="Shares of the words taken out for comprehensiveness and sufficiency, ascending.",
    )
    orders: Annotated[int, Field(ge=10, le=1000)] = Field(
        20, description="Random orders of the words that faithfulness compares each map with."
    )
    beam: Annotated[int, Field(ge=0, le=20)] = Field(
        2,
        description="Width of the beam search for the best and worst order, which normalise the AOPC; 0 leaves it out.",
    )
    randomisation: Annotated[Randomised, BeforeValidator(_randomised)] = Field(
        "none",
        description="Compare the map with that of random weights: all at once, or cascading from the output down.",
    )
    flips: Annotated[int, Field(ge=0, le=50)] = Field(
        0, description="For how many of the strongest words to look for a token in their place that changes the answer."
    )
    layers: bool = Field(False, description="Also the gradient at every layer's hidden states.")
    rationale: Annotated[list[Marked], Field(min_length=1)] | None = Field(
        None,
        description="Words that a person holds to be the reason, which maps are compared with: texts that occur in "
        "the example, or pairs [start, end] of code points of its first text.",
    )

    @model_validator(mode="before")
    @classmethod
    def _more_steps_than_the_limit_left_out_raise_it(cls, data: Any) -> Any:
        if isinstance(data, dict) and "max_steps" not in data and isinstance(data.get("steps"), int):
            return {**data, "max_steps": max(MAX_STEPS, data["steps"])}
        return data


# What an example that asks for the plain gradient and nothing else says.
PLAIN: dict[str, Any] = {
    "methods": ["gradient"],
    "faithfulness": False,
    "randomisation": "none",
    "flips": 0,
    "layers": False,
    "rationale": None,
}


def asks_for_more(example: Evidence) -> bool:
    """Whether an example asks for anything beyond the plain gradient."""
    return any(getattr(example, field) != value for field, value in PLAIN.items())


def asks_for_all_methods(example: Evidence) -> bool:
    """Whether every method is asked for, so that one which the model does not allow is left out and noted."""
    return len(example.methods) == len(METHOD_NAMES)
