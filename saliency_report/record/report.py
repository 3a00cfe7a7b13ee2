"""The record: plain, versioned JSON that holds everything needed to draw a page and to judge it.

The page is drawn from a `Report` and from nothing else, so a report written today stays drawable, compared and
checked later, on a machine without torch. Time, versions and devices are passed in: nothing here reads a clock or a
disk. Here stands what the examples of a run share, and that their indices fit it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from saliency_report.record.assertion import Assertion
from saliency_report.record.evidence import RunEvidence
from saliency_report.record.example import ExampleResult
from saliency_report.record.part import Part
from saliency_report.record.results import Results

# 1: the first. 2: several methods, each with its own scores, and the evidence beside the maps; what is new has a
# default, so a record of version 1 reads as it stands. 3: the licence of a model and the command, likewise. 4: how
# matrices were multiplied, what float32 weights say of the same examples, at which tokens a target is read, which
# rows of other files the examples are, the windows of long texts, answers that are several labels or a number, which
# has no probability, where in the messages a segment stands, and what is asserted.
SCHEMA_VERSION: Literal[4] = 4
READABLE = (1, 2, 3, 4)


def _held(value: Any, validate: ValidatorFunctionWrapHandler) -> Sequence[ExampleResult]:
    """The examples as they come: validated as a list, or valid already."""
    return value if isinstance(value, Results) else validate(value)


class Precision(Part):
    """How some maps of a model in half precision compare with those of the same weights in float32."""

    examples: int = Field(ge=0, description="How many were explained again and have the same tokens both times.")
    others: int = Field(ge=0, description="How many have not: they failed, or other tokens were generated.")
    same_answer: int | None = Field(
        ge=0, description="Of examples: how many have the same answer; null where that is a number."
    )
    same_top: int = Field(ge=0, description="Of examples: how many have the same strongest word in their headline map.")
    spearman_mean: float | None = Field(description="Over the ordinary words of the gradient's headline maps.")
    spearman_min: float | None
    difference: float | None = Field(
        description="‖half − float32‖ / ‖float32‖ of their scores, the mean over the maps."
    )


class Matmul(Part):
    """How float32 matrices were multiplied on the CPU."""

    library: Literal["default", "oneDNN"] = Field(description="default: torch's own choice, such as MKL.")
    error: float = Field(description="Largest relative error of three products against float64, measured in this run.")


class Model(Part):
    """Which weights answered, precisely enough to find them again."""

    name: str = Field(description="Hub id, name of the folder or file, or embedded with its folder; never a full path.")
    source: Literal["embedded", "hub", "folder", "gguf", "given"] = Field(
        description="given: a Python program had it in memory, and no file says whether its weights were changed there."
    )
    task: str
    architecture: str
    parameters: int
    dtype: str
    revision: str | None = Field(description="Commit of the Hub repository.")
    weights_sha256: str | None = Field(description="Hash over the weight files of a local model.")
    licence: str | None = Field(None, description="As the model's card names it; null where it names none.")
    trust_remote_code: bool
    pickled: bool = Field(False, description="Read from .bin files.")
    adapter: str | None = Field(None, description="Name of the PEFT adapter on it.")
    adapter_sha256: str | None = None
    adapter_base: str | None = Field(None, description="What the adapter says that it was trained on.")
    bits: int | None = Field(None, description="Of a quantised weight; null where weights are what dtype says.")
    devices: str | None = Field(None, description="Where its parts lie, if it was spread over several devices.")
    random_weights: list[str] = Field(description="Parameters that the checkpoint lacks: their values are random.")
    equivalence: float | None = Field(
        description="Largest difference between hooked and plain logits, relative to the largest logit."
    )
    precision: Precision | None = Field(None, description="Null where it was not asked for, or nothing was to check.")

    @property
    def is_half(self) -> bool:
        """Whether its weights are in half precision."""
        return self.dtype in ("bfloat16", "float16")


class Method(Part):
    """An attribution method in its own words."""

    name: str
    title: str
    sentence: str
    formula: str
    reference: str
    scores: list[str] = Field(
        [], description="Names of the aggregations that its maps have, the first shown first; none: all of them."
    )


class Aggregation(Part):
    """How an attribution of d numbers a token becomes one number."""

    name: str
    title: str
    signed: bool
    sentence: str
    formula: str
    word: Literal["norm", "sum", "mean", "amax"] | None = Field(
        None,
        description="How the scores of tokens become that of their word, or of any block of them: root of the sum of "
        "squares, sum, mean, maximum. Null where a block has to be measured itself, or where it is not known.",
    )


class Report(Part):
    """One run: its settings, its models, its examples."""

    schema_version: Literal[1, 2, 3, 4] = SCHEMA_VERSION
    title: str
    created_by: str
    created_at: str = Field(description="ISO 8601, UTC.")
    seconds: float = Field(ge=0)
    source: str | None = Field(description="Name of the input file, without its folder.")
    command: str | None = Field(
        None, description="What was typed, of files their names alone; null where the run was started from Python."
    )
    rows: list[str] = Field([], description="Which rows of which files or data sets are among the examples, in words.")
    device: str = Field(description="For example cpu, cuda:0 (NVIDIA H100).")
    matmul: Matmul | None = Field(None, description="Null on another device, and in a record of an early version.")
    token_budget: int = Field(
        description="Tokens a batch at the end of the run, with padding; twice as many of rows of nearly one length."
    )
    versions: dict[str, str]
    methods: list[Method]
    aggregations: list[Aggregation] = Field(min_length=1, description="The first one is the headline.")
    models: list[Model]
    examples: Annotated[
        Sequence[ExampleResult], WrapValidator(_held), PlainSerializer(list, return_type=list[ExampleResult])
    ]
    evidence: list[RunEvidence] = Field([], description="Means over the run, one entry a ranking.")
    assertions: list[Assertion] = Field([], description="What the input asserts of the run.")
    warnings: list[str]

    @property
    def known_scores(self) -> dict[str, list[str]]:
        """The names of each method's scores."""
        names = [aggregation.name for aggregation in self.aggregations]
        return {method.name: method.scores or names for method in self.methods}

    @model_validator(mode="after")
    def _indices_point_into_their_lists(self) -> Report:
        known = self.known_scores
        names = {aggregation.name for aggregation in self.aggregations}
        _check(set().union(*known.values()) <= names, "scores of the methods")
        # Compressed results were checked before they were compressed: to read them again takes 0.1 ms each.
        for example in () if isinstance(self.examples, Results) else self.examples:
            check_example(example, len(self.models), known)
        return self


def check_example(example: ExampleResult, models: int, known: Mapping[str, Sequence[str]]) -> None:
    """Refuse a result whose indices point nowhere: there are so many models, and `known` scores of each method.

    Raises:
        ValueError: what of it does not fit.
    """
    where = f"example {example.id}"
    _check(example.model is None or 0 <= example.model < models, f"{where}: model")
    _check(not example.maps or 0 <= example.headline < len(example.maps), f"{where}: headline")
    for encoding in example.encodings:
        held = [token for word in encoding.words for token in word.tokens]
        _check(held == list(range(len(encoding.tokens))), f"{where}: words")
        for segment in [token.segment for token in encoding.tokens] + [w.segment for w in encoding.words]:
            _check(segment is None or 0 <= segment < len(encoding.segments), f"{where}: segment")
    for map_ in example.maps:
        _check(0 <= map_.encoding < len(example.encodings), f"{where}: encoding")
        encoding, seen = example.encodings[map_.encoding], map_.target.position
        _check(seen is None or 0 < seen < len(encoding.tokens), f"{where}: position")
        lengths = {len(values) for values in map_.scores.values()}
        _check(lengths == {len(encoding.tokens) if seen is None else seen}, f"{where}: scores")
        _check(map_.method in known, f"{where}: method")
        names = list(known[map_.method])
        _check(list(map_.scores) == list(map_.word_scores) == names, f"{where}: names of scores")


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} does not fit the rest of the record")
