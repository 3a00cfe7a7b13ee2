"""The comparison of two records: plain, versioned JSON, from which its page is drawn.

Numbers are those of the two records or follow from them alone, so the same two files give the same comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from saliency_report.record import Aggregation, Method
from saliency_report.record.part import Part

SCHEMA_VERSION: Literal[1] = 1


# No models, as tokens and words are none: 1,000 texts have 25,000 blocks.


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one of the runs has of a block."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    words: Annotated[list[int], Field(description="Indices into the encoding's words; none: that model reads nothing.")]
    score: Annotated[float | None, Field(description="Raw; null where it is not measured, or cannot be put together.")]
    share: Annotated[float | None, Field(description="score / Σ|score| over the ordinary blocks of this side.")]
    unknown: Annotated[bool, Field(description="Whether the model sees its unknown token in a place of these.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Words of both runs that cover the same characters: one of each where their tokenizers agree.

    Every word of either map is in one block.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    text: Annotated[str, Field(description="Its characters; the names of tokens that no text shows.")]
    within: Annotated[int | None, Field(description="Index into texts.")]
    start: Annotated[int | None, Field(description="First code point.")]
    end: Annotated[int | None, Field(description="One past the last.")]
    special: Annotated[bool, Field(description="Special tokens have no share and take no part in the order.")]
    old: Side
    new: Side
    change: Annotated[float | None, Field(description="Share now − share before; null where a side has none.")]


class Text(Part):
    """A text that both models were given, or one of them alone, such as its chat template."""

    name: str
    text: str = Field(description="Of a generated token's map only what stands before it.")
    of: Literal["both", "old", "new"]
    generated: bool = False


class Seen(Part):
    """One of the two maps that are compared."""

    map: int = Field(description="Index into the example's maps.")
    method: str
    score: str = Field(description="Name of the score that is compared: the first one of the map.")
    quantity: str
    target: str = Field(description="What is explained, in short: a label, a choice, a token.")
    sentence: str
    value: float = Field(description="The explained number F.")


class MapChange(Part):
    """Two maps over the same words."""

    old: Seen
    new: Seen
    same_target: bool
    signed: bool = Field(
        description="Whether shares keep their signs: both scores have one, and they argue for the same target."
    )
    raw: bool = Field(description="Whether raw scores compare too: same weights, number format, method, score, target.")
    texts: list[Text]
    blocks: list[Block]
    tau: float | None = Field(
        description="Kendall tau-b of the shares over the ordinary blocks that both sides have; of their sizes where "
        "they are not signed. Null where a side is constant, or there are fewer than two."
    )
    top: int = Field(description="How many of the strongest words are compared.")
    went: list[int] = Field(description="Blocks among the strongest before and not now, strongest first.")
    came: list[int] = Field(description="Blocks among the strongest now and not before, strongest first.")


class Answer(Part):
    """What a model answered."""

    text: str = Field(description="In words: a label, several, a text, or a number with its name.")
    labels: list[str] | None = Field(description="What a change of the prediction is told by; null of a mere number.")
    probability: float | None = Field(description="Of the one label that was predicted.")


class ExampleChange(Part):
    """One example of both runs."""

    id: str
    task: str
    text: str = Field(description="Its own text, for a list.")
    status: Literal["compared", "text changed", "failed", "no map"] = Field(
        description="Why there are no maps to compare, where there are none."
    )
    models: tuple[int | None, int | None] = Field(description="Indices into the models of either run.")
    old: Answer | None
    new: Answer | None
    flipped: bool | None = Field(description="Whether the prediction is another one; null where there is none to tell.")
    p_now: float | None = Field(description="What the new run gives to the answer of the old one.")
    failures: tuple[str | None, str | None] = (None, None)
    maps: list[MapChange] = Field(description="The one to show first comes first, and stands for the example.")
    warnings: list[str] = Field(description="What either run says against its own numbers, and which of them.")
    notes: list[str] = Field(description="What is not comparable, in sentences.")

    @property
    def tau(self) -> float | None:
        """Of the first map."""
        return self.maps[0].tau if self.maps else None

    @property
    def p_change(self) -> float | None:
        """By how much the probability of the earlier answer changed."""
        if self.old is None or self.old.probability is None or self.p_now is None:
            return None
        return self.p_now - self.old.probability


class Alone(Part):
    """An example of one of the runs only."""

    id: str
    task: str
    text: str
    answer: str


class Fact(Part):
    """One thing about how the runs were made."""

    of: str = Field(description="Run, Versions, Settings, or the model's name.")
    name: str
    old: str
    new: str

    @property
    def differs(self) -> bool:
        """Whether the two runs differ in it."""
        return self.old != self.new


class Run(Part):
    """One of the two records, without its examples."""

    file: str
    title: str
    created_by: str
    created_at: str
    examples: int
    models: list[str] = Field(description="Names, in the order of the record.")
    methods: list[Method]
    aggregations: list[Aggregation]
    warnings: list[str]


class Broken(Part):
    """Where a check does not hold."""

    id: str | None = Field(None, description="The example; null of the whole run.")
    expected: str
    found: str


class Check(Part):
    """Something that was asked of the comparison."""

    name: str = Field(description="The option as it was given.")
    broken: list[Broken]


class Totals(Part):
    """The comparison in a few numbers."""

    compared: int = Field(description="Examples with two maps to compare.")
    judged: int = Field(description="Examples with two predictions to compare.")
    flips: int = Field(description="Of judged: those whose prediction is another one.")
    taus: int = Field(description="Of compared: those with a rank correlation.")
    median_tau: float | None
    min_tau: float | None
    p_changes: int = Field(description="Examples with a probability of the earlier answer in both runs.")
    mean_p_change: float | None


class Comparison(Part):
    """Two records side by side."""

    schema_version: Literal[1] = SCHEMA_VERSION
    created_by: str
    old: Run
    new: Run
    facts: list[Fact]
    totals: Totals
    checks: list[Check]
    examples: list[ExampleChange] = Field(
        description="Changed predictions first, then what fails now, then from the lowest tau to the highest."
    )
    vanished: list[Alone]
    appeared: list[Alone]
