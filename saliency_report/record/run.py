"""The whole record: the settings of a run, its models and its examples, whose indices must fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from saliency_report.record.evidence import RunEvidence
from saliency_report.record.part import Part
from saliency_report.record.report import SCHEMA_VERSION, Aggregation, ExampleResult, Matmul, Method, Model
from saliency_report.record.results import Results


def _held(value: Any, validate: ValidatorFunctionWrapHandler) -> Sequence[ExampleResult]:
    """The examples as they come: validated as a list, or valid already."""
    return value if isinstance(value, Results) else validate(value)


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
        description="Tokens a batch at the end of the run, padding included; twice as many of rows of one length."
    )
    versions: dict[str, str]
    methods: list[Method]
    aggregations: list[Aggregation] = Field(min_length=1, description="The first one is the headline.")
    models: list[Model]
    examples: Annotated[
        Sequence[ExampleResult], WrapValidator(_held), PlainSerializer(list, return_type=list[ExampleResult])
    ]
    evidence: list[RunEvidence] = Field([], description="Means over the run, one entry a ranking.")
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
