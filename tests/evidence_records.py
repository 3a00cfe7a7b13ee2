"""Hand-made evidence for tests of the page, in which every number follows from the others as in a run."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import method_records
import records
from faithfulness_records import by_size, faithfulness, free_words, kendall
from records import measured
from saliency_report.metrics.run import over_the_run
from saliency_report.record import (
    Agreement,
    Direction,
    Evidence,
    ExampleResult,
    Flip,
    Layers,
    Map,
    Plausibility,
    Randomisation,
    Report,
    Stage,
)

# Of 13 words: the strongest two of the maps hold F down.
AGAINST = [0.3, 0.2, 0.1, 0.2, -0.6, 0.3, 0.1, -0.5, 0.2, 0.1, 0.2, 0.1, 0.2]


def agreement(result: ExampleResult) -> Agreement:
    """Every two maps of the headline's target."""
    free = free_words(result)
    target = result.maps[result.headline].target
    maps = [map_ for map_ in result.maps if map_.target == target]
    scores = [measured([next(iter(m.word_scores.values()))[word] for word in free]) for m in maps]
    sizes = [[abs(score) for score in values] for values in scores]
    k = max(1, math.floor(0.2 * len(free) + 0.5))
    top = [set(by_size(values)[:k]) for values in sizes]
    return Agreement(
        names=[map_.method for map_ in maps],
        kendall=[[kendall(a, b) for b in sizes] for a in sizes],
        top_k=k,
        overlap=[[len(a & b) / k for b in top] for a in top],
    )


def randomisation(mode: str = "cascading", last: float | None = 0.081) -> Randomisation:
    """Stages from the output down to the embeddings."""
    names = ["classifier", "bert.pooler", "bert.encoder.layer.1", "bert.encoder.layer.0", "bert.embeddings"]
    values = [0.93, 0.71, -0.34, 0.2, last]
    stages = [
        Stage(name=name, parameters=514 * 8**place, correlation=value)
        for place, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    return Randomisation(
        mode="all" if mode == "all" else "cascading",
        seed=0,
        stages=stages[-1:] if mode == "all" else stages,
        falls=last is not None and abs(last) < 0.5,
    )


def direction(result: ExampleResult, flips: bool = True) -> Direction:
    """Cosines in the range of real ones, and three replacements of each of the two strongest words."""
    head = result.maps[result.headline]
    encoding = result.encodings[head.encoding]
    draw = random.Random(7)
    tokens = [draw.gauss(0, 0.08) for _ in next(iter(head.scores.values()))]
    words = [
        sum(tokens[t] for t in word.tokens if t < len(tokens)) / len(word.tokens)
        for word in encoding.words[: len(next(iter(head.word_scores.values())))]
    ]
    found: list[Flip] = []
    sizes = measured(next(iter(head.word_scores.values())))
    strongest = sorted(free_words(result), key=lambda word: -abs(sizes[word]))[:2]
    for word in strongest if flips else []:
        position = encoding.words[word].tokens[0]
        for new, predicted, error in (("good", -2.5, 0.3), ("fine", -1.25, -0.2), ("awful", 0.5, -0.75)):
            old = encoding.tokens[position].text
            change = {"predicted": predicted * (1 + word / 100), "actual": predicted * (1 + word / 100) + error}
            found.append(Flip(position=position, word=word, old=old, new=new, new_id=len(found), **change))
    return Direction(
        cosine=list(tokens),
        word_cosine=list(words),
        flips=found,
        agreeing=sum(flip.predicted * flip.actual > 0 for flip in found),
    )


def layers(result: ExampleResult, count: int = 4) -> Layers:
    """Gradients that shrink tenfold from layer to layer."""
    head = result.maps[result.headline]
    draw = random.Random(11)
    norms = measured(next(iter(head.scores.values())))
    rows = [[abs(value) * draw.uniform(0.3, 1.7) / 10**layer for value in norms] for layer in range(count + 1)]
    return Layers(
        names=["embeddings", *(f"layer {layer}" for layer in range(1, count + 1))],
        gradient_norm=rows,
        gradient_x_activation=[[value * draw.uniform(-1, 1) for value in row] for row in rows],
    )


def plausible(map_: Map, marked: int, words: int) -> Map:
    """The map with figures of a rationale, its largest two thirds found."""
    hits = math.ceil(marked * 2 / 3)
    figures = Plausibility(
        k=marked, auprc=0.806, chance=marked / words, f1=hits / marked, iou=hits / (2 * marked - hits)
    )
    return map_.model_copy(update={"plausibility": figures})


def with_evidence(result: ExampleResult, **parts: Any) -> ExampleResult:
    """The example with these parts of evidence."""
    return result.model_copy(update={"evidence": Evidence(**parts)})


def everything(id: str = "everything", effects: Sequence[float] | None = None, methods: bool = True) -> ExampleResult:
    """A classified text with every method, or the gradient alone, and every part of evidence."""
    text = "This movie was incredibly bad, I hated every second of it."
    result = records.classification(id, text, expected=0, strong=("bad", "hated"))
    result = method_records.by_methods(result, *(method_records.TITLES if methods else ()))
    words = len(free_words(result))
    inputs = result.inputs | {"rationale": ["incredibly bad", [33, 38]]}
    result = result.model_copy(update={"maps": [plausible(m, 3, words) for m in result.maps], "inputs": inputs})
    return with_evidence(
        result,
        faithfulness=faithfulness(result, effects),
        agreement=agreement(result),
        randomisation=randomisation(),
        direction=direction(result),
        layers=layers(result),
    )


def generated(id: str = "generated") -> ExampleResult:
    """A generated token: evidence on words of the prompt, without signs in every method."""
    result = records.generation(id, "The cat sat on the old", " mat and slept.")
    free = len(free_words(result))
    return with_evidence(
        result,
        faithfulness=faithfulness(result, [-0.4] * free, highest=None, lowest=None, beam=None),
        direction=direction(result, flips=False),
    )


def realistic() -> Report:
    """Three classified texts and a generated one: a good map, a bad one, one that was not tested."""
    bad = everything("not-faithful", AGAINST)
    evidence = bad.evidence and bad.evidence.model_copy(update={"randomisation": randomisation("all", 0.81)})
    bad = bad.model_copy(update={"evidence": evidence})
    examples = [everything(), bad, records.classification("not-tested", "A plain text."), generated()]
    return method_records.report(*examples, evidence=over_the_run(examples))
