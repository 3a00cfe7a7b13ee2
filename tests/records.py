"""Hand-made reports for tests of the page: every kind of example, no model needed.

Tokens come from a toy tokenizer, gradients from a seeded generator, and every aggregation is
computed from the same gradients, so that the numbers of an example agree as those of a run do.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from saliency_report.record import (
    Aggregation,
    Encoding,
    ExampleResult,
    Failure,
    Map,
    Method,
    Model,
    Outcome,
    Prediction,
    Report,
    Segment,
    Target,
    Token,
    Word,
)

DIMENSIONS = 6

AGGREGATIONS = [
    Aggregation(
        name="l2",
        title="Gradient norm (l2)",
        signed=False,
        sentence="Length of the gradient at the token.",
        formula="‖∂y/∂e‖₂",
    ),
    Aggregation(
        name="l1",
        title="Gradient norm (l1)",
        signed=False,
        sentence="Sum of the absolute partial derivatives.",
        formula="Σ |∂y/∂eᵢ|",
    ),
    Aggregation(
        name="max",
        title="Largest partial derivative",
        signed=False,
        sentence="The steepest single coordinate.",
        formula="maxᵢ |∂y/∂eᵢ|",
    ),
    Aggregation(
        name="sum",
        title="Sum of the gradient",
        signed=True,
        sentence="All partial derivatives added up.",
        formula="Σ ∂y/∂eᵢ",
    ),
    Aggregation(
        name="mean",
        title="Mean of the gradient",
        signed=True,
        sentence="The average partial derivative.",
        formula="(1/d) Σ ∂y/∂eᵢ",
    ),
    Aggregation(
        name="gradient_x_input",
        title="Gradient times input",
        signed=True,
        sentence="First-order estimate of what the token adds to the logit.",
        formula="Σ eᵢ ∂y/∂eᵢ",
    ),
]

METHOD = Method(
    name="gradient",
    title="Gradient",
    sentence="The derivative of the explained logit with respect to each token's word embedding.",
    formula="∂y/∂e",
    reference="Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034.",
)


def measured(scores: Sequence[float | None]) -> list[float]:
    """Scores of which none is missing."""
    there = [score for score in scores if score is not None]
    assert len(there) == len(scores)
    return there


def model(name: str = "embedded sentiment", **changes: Any) -> Model:
    """A model of the table; changes name fields."""
    fields: dict[str, Any] = {
        "name": name,
        "source": "embedded",
        "task": "text-classification",
        "architecture": "BertForSequenceClassification",
        "parameters": 11_345_000,
        "dtype": "float32",
        "revision": None,
        "weights_sha256": "9f2c4b7a" * 8,
        "trust_remote_code": False,
        "random_weights": [],
        "equivalence": 2.4e-7,
    }
    return Model(**fields | changes)


def encode(*segments: Segment, first: str = "[CLS]", last: str = "[SEP]") -> Encoding:
    """Long words in pieces, three tokens an emoji, special tokens first and after a segment."""
    tokens: list[Token] = []
    words: list[Word] = []

    def add(pieces: list[tuple[str, int, int]], segment: int | None, special: bool = False) -> None:
        indices = list(range(len(tokens), len(tokens) + len(pieces)))
        for text, start, end in pieces:
            place: dict[str, int | None] = {"segment": None, "start": None, "end": None}
            if segment is not None:
                place = {"segment": segment, "start": start, "end": end}
            tokens.append(Token(text=text, id=len(text), special=special, **place))
        edges: dict[str, int | None] = {"start": None, "end": None}
        if segment is not None:
            edges = {"start": pieces[0][1], "end": pieces[-1][2]}
        words.append(Word(tokens=indices, segment=segment, special=special, **edges))

    if first:
        add([(first, 0, 0)], None, special=True)
    for number, segment in enumerate(segments):
        for match in re.finditer(r"\n+|\w+|[^\w\s]", segment.text):
            piece, start = match.group(), match.start()
            if ord(piece[0]) > 0xFFFF:
                add([(f"<0x{byte:02X}>", start, start + 1) for byte in b"\xf0\x9f\x98"], number)
            else:
                cuts = [*range(0, len(piece) - 3, 4), len(piece)] if len(piece) > 7 else [0, len(piece)]
                parts = [("##" * (a > 0) + piece[a:b], start + a, start + b) for a, b in pairwise(cuts)]
                add(parts, number)
        if last and not segment.generated:
            add([(last, 0, 0)], None, special=True)
    return Encoding(segments=list(segments), tokens=tokens, words=words)


def map_(
    encoding: Encoding,
    title: str,
    target: Target,
    index: int = 0,
    scale: float = 1.0,
    strong: tuple[str, ...] = (),
) -> Map:
    """Gradients drawn at random, ten times as large at the strong words, and their scores."""
    draw = random.Random(f"{title}{index}{len(encoding.tokens)}")
    count = len(encoding.tokens) if target.position is None else target.position
    words = [word for word in encoding.words if word.tokens[0] < count]
    factor = {}
    for word in words:
        for token in word.tokens:
            text = "" if word.segment is None else encoding.segments[word.segment].text[word.start : word.end]
            factor[token] = 10.0 if text.lower() in strong else 1.0
    gradients = [[draw.gauss(0, scale * factor[t]) for _ in range(DIMENSIONS)] for t in range(count)]
    inputs = [[draw.gauss(0, 0.3) for _ in range(DIMENSIONS)] for _ in range(count)]
    scores = {
        "l2": [math.hypot(*g) for g in gradients],
        "l1": [sum(map(abs, g)) for g in gradients],
        "max": [max(map(abs, g)) for g in gradients],
        "sum": [sum(g) for g in gradients],
        "mean": [sum(g) / DIMENSIONS for g in gradients],
        "gradient_x_input": [
            sum(a * b for a, b in zip(g, e, strict=True)) for g, e in zip(gradients, inputs, strict=True)
        ],
    }
    word_scores = {
        name: [sum(values[t] for t in word.tokens if t < count) for word in words] for name, values in scores.items()
    }
    special = sum(scores["l2"][t] for t in range(count) if encoding.tokens[t].special)
    return Map(
        title=title,
        encoding=index,
        method="gradient",
        target=target,
        scores=scores,
        word_scores=word_scores,
        special_share=min(1.0, special / sum(scores["l2"])) if count else 0.0,
    )


def target(label: str, probability: float | None = 0.998, **changes: Any) -> Target:
    """A target in words, as a run writes it."""
    fields: dict[str, Any] = {
        "quantity": "logit",
        "label": label,
        "index": 0,
        "position": None,
        "foil": None,
        "score": 3.21,
        "probability": probability,
        "chosen_by": "predicted",
        "alternatives": [],
    }
    fields |= changes
    how = {"generated": f"generated at position {fields['position']}"}.get(fields["chosen_by"], fields["chosen_by"])
    sentence = f"{fields['quantity']} of {label}, {how}, p = {probability:.3g}"
    return Target(**{"sentence": sentence} | fields)


def outcomes(labels: list[str], winner: int = 0) -> list[Outcome]:
    """Probabilities that favour one label."""
    logits = [4.0 if index == winner else -index % 5 / 2 for index in range(len(labels))]
    total = sum(map(math.exp, logits))
    return [
        Outcome(label=label, index=index, logit=logit, probability=math.exp(logit) / total)
        for index, (label, logit) in enumerate(zip(labels, logits, strict=True))
    ]


def classification(
    id: str,
    text: str,
    pair: str | None = None,
    labels: tuple[str, ...] = ("NEGATIVE", "POSITIVE"),
    expected: int | None = None,
    strong: tuple[str, ...] = (),
    **changes: Any,
) -> ExampleResult:
    """A text, or two, and the first label as the answer."""
    segments = [Segment(name="text", text=text, generated=False)]
    if pair is not None:
        segments.append(Segment(name="text_pair", text=pair, generated=False))
    encoding = encode(*segments)
    answers = outcomes(list(labels))
    fields: dict[str, Any] = {
        "id": id,
        "task": "text-classification",
        "model": 0,
        "inputs": {"task": "text-classification", "text": text, "text_pair": pair},
        "encodings": [encoding],
        "prediction": Prediction(outcomes=answers, predicted=0, expected=expected, text=None, stop=None),
        "maps": [map_(encoding, labels[0], target(labels[0], answers[0].probability), strong=strong)],
        "seconds": 0.0123,
    }
    return ExampleResult(**fields | changes)


def generation(id: str, prompt: str, text: str, **changes: Any) -> ExampleResult:
    """A prompt, the text that follows, and a map for each of its tokens."""
    segments = [
        Segment(name="prompt", text=prompt, generated=False),
        Segment(name="continuation", text=text, generated=True),
    ]
    encoding = encode(*segments, first="<s>", last="")
    positions = [index for index, token in enumerate(encoding.tokens) if token.segment == 1]
    draw = random.Random(id)
    maps = []
    for position in positions:
        label = encoding.tokens[position].text
        chance = draw.uniform(0.2, 0.95)
        others = [
            Outcome(label=f" {word}", index=index, logit=1.0, probability=(1 - chance) / 4)
            for index, word in enumerate(("dog", "mat", "old"), 90_000)
        ]
        maps.append(
            map_(
                encoding,
                label,
                target(
                    label,
                    chance,
                    position=position,
                    chosen_by="generated",
                    index=position,
                    alternatives=[Outcome(label=label, index=position, logit=2.0, probability=chance), *others],
                ),
                strong=("cat", "sat"),
            )
        )
    fields: dict[str, Any] = {
        "id": id,
        "task": "text-generation",
        "model": 1,
        "inputs": {"task": "text-generation", "prompt": prompt, "max_new_tokens": len(positions)},
        "encodings": [encoding],
        "prediction": Prediction(outcomes=[], predicted=None, expected=None, text=text, stop="max_new_tokens"),
        "maps": maps,
        "seconds": 0.251,
    }
    return ExampleResult(**fields | changes)


def multiple_choice(
    id: str,
    context: str,
    question: str,
    choices: list[str],
    winner: int = 0,
    expected: int | None = None,
    contrast: bool = False,
    **changes: Any,
) -> ExampleResult:
    """A map and an encoding a choice, and a contrast with the next choice on both together."""
    answers = outcomes(choices, winner)

    def encoded(*names: str) -> Encoding:
        return encode(
            Segment(name="context", text=context, generated=False),
            Segment(name="question", text=question, generated=False),
            *(Segment(name="choice", text=name, generated=False) for name in names),
        )

    encodings = [encoded(choice) for choice in choices]
    maps = [
        map_(
            encoding,
            choice,
            target(choice, answers[i].probability, index=i, score=answers[i].logit),
            index=i,
            strong=("paris", "capital"),
        )
        for i, (encoding, choice) in enumerate(zip(encodings, choices, strict=True))
    ]
    if contrast:
        foil = choices[(winner + 1) % len(choices)]
        encodings.append(encoded(choices[winner], foil))
        aim = target(choices[winner], index=winner, quantity="logit difference", foil=foil, score=2.5)
        maps.append(map_(encodings[-1], f"{choices[winner]} minus {foil}", aim, index=len(choices)))
    fields: dict[str, Any] = {
        "id": id,
        "task": "multiple-choice",
        "model": 2,
        "inputs": {"context": context, "question": question, "choices": choices},
        "encodings": encodings,
        "prediction": Prediction(outcomes=answers, predicted=winner, expected=expected, text=None, stop=None),
        "maps": maps,
        "headline": winner,
        "seconds": 0.0901,
    }
    return ExampleResult(**fields | changes)


def failed(id: str) -> ExampleResult:
    """An example whose model has no such label."""
    return ExampleResult(
        id=id,
        task="text-classification",
        model=0,
        inputs={"text": "The plot was thin.", "target": "SARCASTIC"},
        failure=Failure(
            message="The model has no label 'SARCASTIC'.",
            next_step="Choose one of NEGATIVE, POSITIVE, or leave target out.",
        ),
    )


def report(*examples: ExampleResult, **changes: Any) -> Report:
    """A report of these examples."""
    fields: dict[str, Any] = {
        "title": "Saliency report",
        "created_by": "saliency-report 0.1.0",
        "created_at": "2026-11-23T09:00:00+00:00",
        "seconds": 3.214,
        "source": "quickstart.yaml",
        "device": "cpu",
        "token_budget": 4096,
        "versions": {"python": "3.11.7", "torch": "2.13.0", "transformers": "5.23.0"},
        "methods": [METHOD],
        "aggregations": AGGREGATIONS,
        "models": [
            model(),
            model("embedded stories", task="text-generation", architecture="LlamaForCausalLM"),
            model("embedded choice", task="multiple-choice", architecture="BertForMultipleChoice"),
            model(
                "bert-base-uncased",
                source="hub",
                revision="86b5e0934494bd15c9632b12f734a8a67f723594",
                weights_sha256=None,
                random_weights=["classifier.weight", "classifier.bias"],
                trust_remote_code=True,
            ),
        ],
        "examples": list(examples),
        "warnings": [],
    }
    return Report(**fields | changes)


PARIS: dict[str, Any] = {
    "context": "Paris is the capital and the largest city of France. Rome is the capital of Italy.",
    "question": "What is the capital of France?",
    "choices": ["London", "Paris", "Berlin", "Rome"],
    "winner": 1,
}


def realistic() -> Report:
    """What a newcomer's first report holds, and what can go wrong in it."""
    return report(
        classification(
            "film-review",
            "This movie was incredibly bad, I hated every second of it.",
            expected=0,
            strong=("bad", "hated"),
        ),
        generation("cat", "The cat sat on the", " mat and looked extraordinarily pleased."),
        multiple_choice("paris", expected=1, contrast=True, **PARIS),
        classification(
            "pair",
            "A man is playing a guitar on stage.",
            "Nobody is making music.",
            labels=("contradiction", "entailment", "neutral"),
            expected=2,
        ),
        failed("sarcasm"),
        classification("random-head", "An accepted random head.", model=3, warnings=["The text was cut."]),
        classification("many-labels", "Which of them?", labels=tuple(f"label {i}" for i in range(24))),
        classification("hebrew", "הסרט הזה היה נפלא, ואני אוהב אותו מאוד!", expected=0),
        classification(
            "scripts",
            "映画は素晴らしい 🎬🍿 naïve café\n\n\tindented line\nlast\u00a0line",
            expected=1,
        ),
        classification("long-word", "A " + "Donaudampfschifffahrtsgesellschaft" * 4 + " arrived."),
        warnings=["Two examples share one text."],
    )


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "{{7*7}} {% raw %} ${7*7} $x$",
    "<s> </s> <b>bold</b> a<br>b &lt;x&gt; &amp;",
    "line\u2028separator\u2029 nul\x00 bell\x07 cr\r\ncr\ralone",
    "\u202eright to left override\u202c",
    "javascript:alert(1) <a href='javascript:alert(1)'>x</a>",
    "</style></title></textarea>]]>-->",
]
