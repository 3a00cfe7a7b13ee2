"""What the record holds of the trust that a map deserves: does it add up, and does the model obey it?"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from saliency_report.record.part import Part


class Completeness(Part):
    """Whether a path method's attributions add up to what they explain: F(x) − F(x′)."""

    baseline: str = Field(description="zero, mean, pad, mask, eos or text.")
    baseline_text: str | None = Field(None, description="The given text that x′ was made of.")
    kept: list[int] = Field(description="Indices of tokens that stay as they are in the baseline x′.")
    steps: int = Field(description="Points of the final quadrature rule; 0 for a method without one.")
    evaluated: int = Field(description="Points at which a gradient was taken, those of coarser rules included.")
    max_steps: int = Field(description="The limit on evaluated points.")
    total: float = Field(description="Sum of all attributions.")
    score: float = Field(description="F(x), the explained number.")
    baseline_score: float = Field(description="F(x′).")
    delta: float = Field(description="total − (score − baseline_score).")
    relative: float | None = Field(description="|delta| / |score − baseline_score|; null where they are equal.")
    verdict: Literal["pass", "warn", "fail"] = Field(description="relative at most 0.01, at most 0.05, or more.")


class Noise(Part):
    """How a noise method drew its samples, and how far its scores would move with others."""

    samples: int
    noise: float = Field(description="Standard deviation as a share of the range of the text's embeddings.")
    sigma: float = Field(description="Standard deviation of the noise on every coordinate.")
    seed: int
    standard_errors: dict[str, list[float | None]] = Field(
        description="Jackknife standard error of each token's score; null where there is no score."
    )
    word_standard_errors: dict[str, list[float | None]]


class Plausibility(Part):
    """How well the strongest words of a map are those that a person marked."""

    k: int = Field(description="How many words were marked; as many of the map's strongest are compared.")
    auprc: float = Field(ge=0, le=1, description="Area under the precision-recall curve (average precision).")
    chance: float = Field(ge=0, le=1, description="Mean AUPRC of the words in random order.")
    f1: float = Field(ge=0, le=1, description="F1 of the k strongest words.")
    iou: float = Field(ge=0, le=1, description="Intersection over union of the k strongest words and the marked ones.")


class Ranking(Part):
    """What happens to the explained number F when words go in one order, strongest first."""

    name: str = Field(description="Name of a method, with its score where it is not the first; or leave_one_out.")
    title: str
    map: int | None = Field(description="Index into maps; null for the ranking by leaving one word out.")
    signed: bool = Field(description="Whether its scores tell what supports the target from what speaks against it.")
    deletion: list[float] = Field(description="F with the first grid[i] words removed.")
    insertion: list[float] = Field(description="F with only the first grid[i] words kept.")
    comprehensiveness: list[float] = Field(description="F(x) − F(x without the first words), at each fraction.")
    sufficiency: list[float] = Field(description="F(x) − F(the first words alone), at each fraction.")
    aopc: float = Field(description="F(x) − the mean of F over the deletion curve, from its second point on.")
    normalised_aopc: float | None = Field(
        description="(aopc − lowest) / (highest − lowest) over all orders, the limits found by beam search."
    )
    tau_loo: float | None = Field(description="Kendall tau-b with the drops of leaving one word out.")
    beaten: int = Field(description="How many random orders have a lower aopc.")


class RandomOrders(Part):
    """The same curves for words in random order."""

    seed: int
    orders: int
    aopc: list[float] = Field(description="Of each random order.")
    deletion_mean: list[float]
    deletion_low: list[float] = Field(description="5th percentile over the orders.")
    deletion_high: list[float] = Field(description="95th percentile.")
    insertion_mean: list[float]
    insertion_low: list[float]
    insertion_high: list[float]


class Faithfulness(Part):
    """Whether removing the words that a map ranks high changes F more than removing others.

    For a loss F is its negative here, the log-probability, which the words that support the answer raise.
    """

    removal: Literal["mask", "delete"] = Field(description="The mask token in a word's place, or its ids cut out.")
    grid: list[int] = Field(description="Numbers of words removed (or kept), from 0 to all.")
    fractions: list[float]
    score: float = Field(description="F(x).")
    empty_score: float = Field(description="F with every word removed.")
    highest: float | None = Field(description="Largest aopc of any order, found by beam search; null if not computed.")
    lowest: float | None
    beam: int | None
    random: RandomOrders
    rankings: list[Ranking] = Field(description="The headline map's method first.")


class Agreement(Part):
    """How alike the methods rank the words of one target, signs left aside."""

    names: list[str] = Field(description="Names of methods, in the order of rows and columns.")
    kendall: list[list[float | None]] = Field(description="Kendall tau-b; null where a map is constant.")
    top_k: int
    overlap: list[list[float]] = Field(description="Share of the top_k words that two maps have in common.")


class Stage(Part):
    """The map after some weights were drawn anew."""

    name: str = Field(description="The last part of the model that was re-initialised.")
    parameters: int = Field(description="Re-initialised weights so far.")
    correlation: float | None = Field(description="Spearman correlation with the trained model's map.")


class Randomisation(Part):
    """Whether the map depends on what the model learned: with random weights it must become another."""

    mode: Literal["cascading", "all"]
    seed: int
    stages: list[Stage]
    falls: bool = Field(description="Whether the last |correlation| is below 0.5.")


class Flip(Part):
    """A token of the vocabulary in the place of one of the text."""

    position: int = Field(description="Index of the replaced token.")
    word: int = Field(description="Index of its word.")
    old: str
    new: str
    new_id: int
    predicted: float = Field(description="Change of F to first order: g · (embedding of new − embedding of old).")
    actual: float = Field(description="Change of F in a forward pass with the new token.")
    answer: str | None = Field(
        None, description="The likeliest label or next token then; null for choices and spans, which are not asked."
    )


class Direction(Part):
    """Where the gradient points, not only how long it is."""

    cosine: list[float | None] = Field(description="Cosine of gradient and embedding, a token each.")
    word_cosine: list[float | None] = Field(description="The same of a word's block of coordinates.")
    flips: list[Flip]
    agreeing: int = Field(description="Flips whose predicted and actual change have one sign.")
    answer: str | None = Field(None, description="The likeliest label or next token of the text as it stands.")


class Layers(Part):
    """The gradient at every layer's hidden states, of the headline target."""

    names: list[str]
    gradient_norm: list[list[float | None]] = Field(
        description="L2 norm, a row a layer, a column a token; null where the token was not read together with the "
        "explained number."
    )
    gradient_x_activation: list[list[float | None]] = Field(description="Gradient times hidden state, summed.")


class Evidence(Part):
    """Everything that was asked for to judge the headline map with."""

    faithfulness: Faithfulness | None = None
    agreement: Agreement | None = None
    randomisation: Randomisation | None = None
    direction: Direction | None = None
    layers: Layers | None = None


class RunEvidence(Part):
    """One ranking's figures over all examples of the run that have them: means, and counts."""

    name: str
    title: str
    examples: int
    aopc: float | None = Field(description="Mean, in units of F; null where the examples differ in model or kind of F.")
    random_aopc: float | None
    sufficiency: float | None = Field(description="Mean over examples and fractions.")
    normalised_aopc: float | None
    tau_loo: float | None
    better_than_random: int = Field(description="Examples whose map beats at least 95 % of the random orders.")
    auprc: float | None = None
    chance: float | None = None
    f1: float | None = None
    iou: float | None = None
    marked: int = Field(0, description="Examples with a rationale.")
