"""What is computed for one example: its texts and tokens, its answer, its maps, or why there are none.

Scores are raw, by position, never normalised, never keyed by token text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from saliency_report.record.assertion import Assertion
from saliency_report.record.evidence import Completeness, Evidence, Noise, Plausibility
from saliency_report.record.part import Part


class Segment(Part):
    """A text that the reader knows: what was written in the input, or what the model generated."""

    name: str = Field(
        description="text, text_pair, prompt, template, continuation, context, question, choice; of a message its "
        "role, or thinking."
    )
    text: str = Field(description="The user's own characters, or the generated ones, verbatim.")
    generated: bool = Field(False, description="Whether the model wrote it.")
    field: str | None = Field(
        None, description="Where in the input a message says it, for example messages[1].content; null of other texts."
    )


# Tokens and words are no models: a run of 10,000 texts has half a million of them, of which each would take 1,200 B,
# and 2.6 µs to be validated when it is made. What is read from a file is validated.


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One position of the model's input."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    text: Annotated[str, Field(description="The piece as the tokenizer names it, for example ##ing or Ġcat.")]
    id: int
    segment: Annotated[int | None, Field(description="Index into segments; null for a token that no text shows.")]
    start: Annotated[int | None, Field(description="First code point of the token in the segment's text.")]
    end: Annotated[int | None, Field(description="One past the last code point.")]
    special: Annotated[bool, Field(description="Added by the tokenizer or reserved, such as [CLS], <s>, </s>.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Tokens that belong together by their offsets; the words of an encoding partition its tokens."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    tokens: Annotated[list[int], Field(description="Indices into tokens, ascending.")]
    segment: int | None
    start: int | None
    end: int | None
    special: bool


class Outcome(Part):
    """One answer that the model could give."""

    label: str
    index: int = Field(description="Label's index, choice's index or token id.")
    logit: float = Field(description="The model's own number of it; of a choice that a causal model scores, its score.")
    probability: float | None = Field(ge=0, le=1, description="Null where the number is no answer's score.")


class Window(Part):
    """A part of a long text that was given to the model by itself, in code points of the last segment."""

    tokens: int = Field(description="How many the model was given, special ones included.")
    start: int = Field(description="Where it begins to read.")
    end: int = Field(description="One past the last code point that it reads.")
    scored_start: int = Field(description="The words from here on have their scores from this window …")
    scored_end: int = Field(description="… up to here: in no other one do they stand more centrally.")
    logits: list[float] = Field(
        [], description="What the model answers to this window, in the order of the outcomes; none of words and spans."
    )
    answer: Outcome | None = Field(None, description="Of a context: the likeliest answer of those that stand here.")


class Encoding(Part):
    """One row given to the model, or a long text in several: its texts, its tokens and their grouping into words.

    Of a text in windows the tokens are those of all windows, each with its special ones, without the copies that
    neighbouring windows share; where words or spans are answered, those of the text, with the special ones that stand
    in every window.
    """

    segments: list[Segment]
    tokens: list[Token]
    words: list[Word]
    windows: list[Window] = Field([], description="Of a text that is longer than the model takes; else none.")


Quantity = Literal[
    "logit",
    "log_prob",
    "probability",
    "loss",
    "mean log_prob",
    "log_prob a character",
    "number",
    "cosine",
    "logit difference",
    "log_prob difference",
    "probability difference",
    "mean log_prob difference",
    "log_prob a character difference",
    "number difference",
]
# How logits become probabilities: by one softmax over all outcomes; each by a sigmoid, so that they do not add up to 1;
# or not at all, where the model gives numbers.
Link = Literal["softmax", "sigmoid", "none"]


class Target(Part):
    """The one number F that a map explains."""

    quantity: Quantity
    label: str = Field(description="Class label, choice, token or span whose quantity is explained.")
    index: int = Field(description="Class index, choice index or token id.")
    position: int | None = Field(
        None, description="Generation: index of the explained token in the encoding's tokens; of a span, its last one."
    )
    first: int | None = Field(None, description="Generation: index of the first token of an explained span.")
    at: list[int] = Field(
        [],
        description="Of a model that answers at every token: indices of the tokens at which the explained number is "
        "read, such as the mask, the tokens of an entity, or those of an answer.",
    )
    indices: list[int] = Field(
        [],
        description="Where several logits are added, and probabilities multiplied. Of an entity: the label of each of "
        "its words. Of an answer: its first and its last token.",
    )
    of: str | None = Field(None, description="Of an entity: its text, which the label is that of.")
    window: int | None = Field(
        None,
        description="Of a text in windows whose words or spans are answered: index of the one that the explained "
        "number is of.",
    )
    foil: str | None = Field(None, description="What the target is compared with, for a difference.")
    foil_index: int | None = Field(None, description="The foil's class index, choice index or token id.")
    foil_at: list[int] = Field([], description="Of an answer: the tokens of the one that it is compared with.")
    foil_window: int | None = Field(None, description="The window of the one that it is compared with.")
    score: float = Field(description="The explained number itself.")
    probability: float | None = Field(
        ge=0, le=1, description="Probability of the target, for orientation; null where the model gives a number."
    )
    chosen_by: Literal["predicted", "given", "generated", "continuation"]
    sentence: str = Field(description="The target in words.")
    alternatives: list[Outcome] = Field(
        [], description="Generation: the likeliest tokens at this position. Of an entity: labels of its first word."
    )


class Map(Part):
    """How much one method gives to each token for one target, under each score of the method.

    `scores[a]` has one number for each token of the encoding, in order; for a generated token only the earlier
    tokens, which are all that it can depend on. `word_scores[a]` is the same for words. Null says that the method does
    not measure the token, which is another thing than 0: occlusion takes no special token out. Of a number that is of
    one window of a text it says that the token is not in it, so that the two were never read together.
    """

    title: str
    encoding: int = Field(description="Index into encodings.")
    method: str = Field(description="Name of an entry of the report's methods.")
    target: Target
    scores: dict[str, list[float | None]]
    word_scores: dict[str, list[float | None]]
    special_share: float | None = Field(
        ge=0,
        le=1,
        description="Share of the summed absolute first scores that lies on special tokens; null where the method does "
        "not measure them.",
    )
    correlation: float | None = Field(
        None, description="Spearman correlation of the words' first scores, signs left aside, with the gradient's."
    )
    completeness: Completeness | None = None
    noise: Noise | None = None
    plausibility: Plausibility | None = None
    warnings: list[str] = Field([])

    @property
    def first_score(self) -> str:
        """Name of the score that is shown first and stands for the map in comparisons."""
        return next(iter(self.scores))


class Prediction(Part):
    """What the model answered."""

    outcomes: list[Outcome] = Field(
        [],
        description="All labels or choices, in the model's order; the likeliest tokens for a mask, the likeliest "
        "answers to a question; empty for generation and entities.",
    )
    link: Link = Field("softmax", description="How the outcomes' logits become probabilities.")
    predicted: int | None = Field(
        None, description="Index of the likeliest outcome; null where several can be right at once, or it is a number."
    )
    expected: int | None = Field(None, description="Index of the outcome that the input calls right, where it does.")
    threshold: float | None = Field(None, description="Several labels: the probability above which one is given.")
    labels: list[int] | None = Field(None, description="Several labels: indices of those above the threshold, or none.")
    expected_labels: list[int] | None = Field(None, description="Several labels: those that the input calls right.")
    probabilities: str | None = Field(
        None, description="What the probabilities of the outcomes are, where the model itself gives none."
    )
    text: str | None = Field(
        None, description="Generation: what was generated or given. Entities: each with its label."
    )
    stop: Literal["max_new_tokens", "end of text", "continuation given"] | None = Field(
        None, description="Generation: why it ended."
    )

    @property
    def given(self) -> list[int]:
        """Indices of the outcomes that the model answers with."""
        return ([] if self.predicted is None else [self.predicted]) if self.labels is None else self.labels

    @property
    def wanted(self) -> list[int] | None:
        """Indices of the outcomes that the input calls right; none where it says nothing of that."""
        return self.expected_labels if self.expected is None else [self.expected]

    @property
    def is_right(self) -> bool | None:
        """Whether the answer is the expected one; none where nothing was expected."""
        return None if self.wanted is None else sorted(self.given) == sorted(self.wanted)


class Failure(Part):
    """Why an example has no map."""

    message: str
    next_step: str


class ExampleResult(Part):
    """Everything computed for one example, or the reason why nothing was."""

    id: str
    task: str
    model: int | None = Field(None, description="Index into models; null when the model did not load.")
    inputs: dict[str, Any] = Field(
        description="The example's fields, defaults applied; of a failed one those that differ."
    )
    encodings: list[Encoding] = Field([])
    prediction: Prediction | None = None
    maps: list[Map] = Field([])
    headline: int = Field(0, description="Index of the map to show first.")
    evidence: Evidence | None = Field(None, description="About the target of the headline map.")
    warnings: list[str] = Field([])
    failure: Failure | None = None
    assertions: list[Assertion] = Field([], description="What the input asserts of it.")
    seconds: float = Field(0.0, ge=0, description="This example's share of its batch's computing time.")
