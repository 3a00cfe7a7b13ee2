"""Hand-made maps of several methods for one target: with noise, with sums that hold and sums that do not."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Literal

import records
from saliency_report.record import (
    Aggregation,
    Completeness,
    Encoding,
    ExampleResult,
    Map,
    Method,
    Noise,
    Report,
    Segment,
)

Verdict = Literal["pass", "warn", "fail"]


def _aggregation(name: str, title: str, signed: bool, formula: str) -> Aggregation:
    return Aggregation(name=name, title=title, signed=signed, formula=formula, sentence=f"What {title} says.")


AGGREGATIONS = [
    *records.AGGREGATIONS,
    _aggregation("attribution", "Attribution", True, "Σⱼ aⱼ"),
    _aggregation("attribution_l2", "Attribution (l2)", False, "‖a‖₂"),
    _aggregation("mean_square", "Mean square of the gradient", False, "Σⱼ mean gⱼ²"),
    _aggregation("variance", "Variance of the gradient", False, "Σⱼ var gⱼ"),
    _aggregation("drop", "Drop", True, "F(x) − F without the token"),
    _aggregation("attention", "Attention", False, "rollout"),
]
OF_GRADIENT = [aggregation.name for aggregation in records.AGGREGATIONS]
SCORES = {
    "gradient": OF_GRADIENT,
    "smoothgrad": OF_GRADIENT,
    "integrated_gradients": ["attribution", "attribution_l2"],
    "smoothgrad_squared": ["mean_square"],
    "vargrad": ["variance"],
    "occlusion": ["drop"],
    "attention_rollout": ["attention"],
    "gradient_x_attention": ["attention"],
}
TITLES = {
    "smoothgrad": "SmoothGrad",
    "integrated_gradients": "Integrated gradients",
    "smoothgrad_squared": "SmoothGrad squared",
    "vargrad": "VarGrad",
    "occlusion": "Occlusion",
    "attention_rollout": "Attention rollout",
    "gradient_x_attention": "Gradient × attention",
}
METHODS = [
    records.METHOD.model_copy(update={"scores": OF_GRADIENT}),
    *(
        Method(
            name=name,
            title=title,
            sentence=f"{title} in a sentence.",
            formula=f"formula of {name}",
            reference="A. Author 2020.",
            scores=SCORES[name],
        )
        for name, title in TITLES.items()
    ),
]
SIGNED = {aggregation.name for aggregation in AGGREGATIONS if aggregation.signed}
NOISY = ("smoothgrad", "smoothgrad_squared", "vargrad")


def map_by(method: str, like: Map, verdict: Verdict = "pass", **changes: Any) -> Map:
    """A map of the same target by another method, its scores drawn at random."""
    draw = random.Random(f"{method}{like.title}{like.target.position}")

    def drawn(lengths: Mapping[str, list[float | None]], largest: Callable[[str], float]) -> dict[str, list[float]]:
        count = len(next(iter(lengths.values())))
        return {
            name: [draw.gauss(0, 1) if name in SIGNED else draw.uniform(0, largest(name)) for _ in range(count)]
            for name in SCORES[method]
        }

    scores, word_scores = drawn(like.scores, lambda _: 2.0), drawn(like.word_scores, lambda _: 3.0)
    fields: dict[str, Any] = {
        "title": like.title,
        "encoding": like.encoding,
        "method": method,
        "target": like.target,
        "scores": scores,
        "word_scores": word_scores,
        "special_share": 0.12,
        "correlation": 0.873 if method == "smoothgrad" else round(draw.uniform(-0.2, 0.8), 4),
    }
    if method == "integrated_gradients":
        fields["completeness"] = completeness(verdict)
    if method in NOISY:
        fields["noise"] = Noise(
            samples=25,
            noise=0.05,
            sigma=0.0123,
            seed=0,
            standard_errors=_errors(scores),
            word_standard_errors=_errors(word_scores),
        )
    return Map(**fields | changes)


def _errors(scores: dict[str, list[float]]) -> dict[str, list[float]]:
    return {name: [abs(value) / 8 + 0.01 for value in values] for name, values in scores.items()}


def completeness(verdict: Verdict = "pass", **changes: Any) -> Completeness:
    """A sum that is off by 0.31, 3.2 or 12 per cent of 3.22."""
    relative = {"pass": 0.0031, "warn": 0.032, "fail": 0.12}[verdict]
    fields: dict[str, Any] = {
        "baseline": "mean",
        "kept": [0],
        "steps": 64 if verdict == "pass" else 512,
        "evaluated": 112,
        "max_steps": 512,
        "total": 3.22 * (1 - relative),
        "score": 4.0,
        "baseline_score": 0.78,
        "delta": -3.22 * relative,
        "relative": relative,
        "verdict": verdict,
    }
    return Completeness(**fields | changes)


def unmeasured(map_: Map, encoding: Encoding) -> Map:
    """The map without numbers of special tokens, as occlusion has it."""
    special = [token.special for token in encoding.tokens]
    special_words = [word.special for word in encoding.words]

    def without(named: Mapping[str, list[float | None]], hidden: list[bool]) -> dict[str, list[float | None]]:
        return {
            name: [None if hide else value for value, hide in zip(values, hidden, strict=False)]
            for name, values in named.items()
        }

    scores, words = without(map_.scores, special), without(map_.word_scores, special_words)
    return map_.model_copy(update={"scores": scores, "word_scores": words, "special_share": None})


def by_methods(
    result: ExampleResult, *methods: str, verdicts: Mapping[int, Verdict] | None = None, **changes: Any
) -> ExampleResult:
    """The example with further maps of every target; `verdicts` by the index of the target's first map."""
    maps: list[Map] = []
    for index, map_ in enumerate(result.maps):
        maps.append(map_)
        made = [map_by(name, map_, (verdicts or {}).get(index, "pass")) for name in methods]
        maps += [unmeasured(m, result.encodings[m.encoding]) if m.method == "occlusion" else m for m in made]
    headline = result.headline * (1 + len(methods))
    return result.model_copy(update={"maps": maps, "headline": headline} | changes)


def report(*examples: ExampleResult, **changes: Any) -> Report:
    """A report whose methods say which scores are theirs."""
    return records.report(*examples, **{"methods": METHODS, "aggregations": AGGREGATIONS} | changes)


def review(*methods: str, verdict: Verdict = "pass") -> ExampleResult:
    """A review by the gradient and other methods; without names by all."""
    result = records.classification(
        "review", "This movie was incredibly bad, I hated every second of it.", expected=0, strong=("bad", "hated")
    )
    return by_methods(result, *(methods or TITLES), verdicts={0: verdict})


def story(*methods: str, verdicts: Mapping[int, Verdict] | None = None) -> ExampleResult:
    """Generation, a target a token."""
    result = records.generation("story", "The cat sat on the", " mat and looked extraordinarily pleased.")
    return by_methods(result, *methods, verdicts=verdicts)


def choice(*methods: str, verdicts: Mapping[int, Verdict] | None = None) -> ExampleResult:
    """Multiple choice, a target a choice, each over a text of its own."""
    return by_methods(records.multiple_choice("paris", expected=1, **records.PARIS), *methods, verdicts=verdicts)


def span(chat: bool = False) -> ExampleResult:
    """Generation with one target, a span of several tokens; as a chat, with the template's text about the prompt."""
    continuation = Segment(name="continuation", text=" Paris, the capital.", generated=False)
    prompt = Segment(name="prompt", text="Where is the Louvre?", generated=False)
    segments = [prompt, continuation]
    if chat:
        before = Segment(name="template", text="<|user|>\n", generated=False)
        after = Segment(name="template", text="\n<|assistant|>\n", generated=False)
        segments = [before, prompt, after, continuation]
    encoding = records.encode(*segments, first="<s>", last="")
    tokens = [i for i, token in enumerate(encoding.tokens) if token.segment == segments.index(continuation)]
    target = records.target(
        "Paris, the",
        0.31,
        quantity="log_prob difference",
        first=tokens[0],
        position=tokens[2],
        foil="London, the",
        foil_index=7,
        chosen_by="given",
        sentence="log_prob of “Paris, the” minus that of “London, the”",
    )
    result = records.generation("span", "unused", " unused")
    return result.model_copy(
        update={"encodings": [encoding], "maps": [records.map_(encoding, "Paris, the", target)], "headline": 0}
    )


def everything() -> Report:
    """Several methods on every kind of example, with every verdict."""
    return report(
        review(),
        story("smoothgrad", "integrated_gradients", verdicts={0: "warn", 2: "fail"}),
        choice("integrated_gradients", "smoothgrad", verdicts={1: "fail", 3: "warn"}),
        span(),
        by_methods(span(chat=True), "integrated_gradients", verdicts={0: "warn"}),
    )
