"""The maps of methods beyond the gradient: asks for F where a method wants it, and makes a map of what it returns."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import torch
from torch import Tensor

from saliency_report import aggregation
from saliency_report.analysis.subject import Subject
from saliency_report.engine import Job
from saliency_report.engine.inside import attention_maps
from saliency_report.errors import ExampleError
from saliency_report.methods import Attribution, Evaluated, Method, Start, Steps, Values, jackknife
from saliency_report.metrics.rank import spearman
from saliency_report.record import Encoding, Map, Noise
from saliency_report.scheduling import Alone, Ask, Question
from saliency_report.tasks.base import numbers, special_share
from saliency_report.tasks.target import TargetFunction

Maps = Generator[Question, Any, Map]


def method_map(subject: Subject, index: int, method: Method) -> Maps:
    """The map of one method for the target of a map of the gradient.

    Raises:
        ExampleError: the method cannot be computed for this model or text.
    """
    map_ = subject.result.maps[index]
    if method.attribute is not None:
        made = yield from _from_points(subject, index, method)
    elif method.name == "occlusion":
        made = yield from _from_removals(subject, index, method)
    else:
        function = subject.functions[index]
        found = yield Alone(lambda: attention_maps(subject.facts.loaded, function)[method.name])
        made = _map(subject.encoding(map_), map_, method, found[:, None], torch.zeros(len(found), 1))
    return made.model_copy(update={"correlation": correlation(subject, map_, made)})


def correlation(subject: Subject, one: Map, other: Map) -> float | None:
    """Spearman correlation of two maps over their ordinary words, signs left aside."""
    words = subject.words(one)
    return spearman(*([abs(value) for value in first_scores(map_, words)] for map_ in (one, other)))


def first_scores(map_: Map, words: Sequence[int]) -> list[float]:
    """The headline scores of words that have one, as all have that can be removed."""
    return scores_of(map_, next(iter(map_.word_scores)), words)


def scores_of(map_: Map, name: str, words: Sequence[int]) -> list[float]:
    """Scores of that name of words that have one."""
    scores = map_.word_scores[name]
    return [score for word in words if (score := scores[word]) is not None]


def _from_points(subject: Subject, index: int, method: Method) -> Maps:
    map_, function = subject.result.maps[index], subject.functions[index]
    x = subject.embeddings(index)
    score, (gradient,) = yield Ask([Job(function)], gradient=True)
    name, baseline = "", x
    if method.name not in _WITHOUT_BASELINE:
        name, baseline = subject.baseline(map_, x)
    start = Start(x, float(score), gradient, baseline, name, subject.kept(map_), subject.options)
    assert method.attribute is not None
    attribution = yield from answered(function, method.attribute(start), method.name)
    _check(attribution, x, method.name)
    made = _map(subject.encoding(map_), map_, method, attribution.values, x)
    made = made.model_copy(update={"completeness": attribution.completeness})
    if attribution.samples is None:
        return made
    return made.model_copy(update={"noise": _noise(subject, map_, method, attribution, x)})


_WITHOUT_BASELINE = {"gradient", "smoothgrad", "smoothgrad_squared", "vargrad"}


def _check(attribution: Attribution, x: Tensor, name: str) -> None:
    if attribution.values.shape != x.shape:
        raise ExampleError(
            f"The method {name} gives {tuple(attribution.values.shape)}, the embeddings are {tuple(x.shape)}.",
            "Return an attribution of the shape of the embeddings, (t, d).",
        )
    if not bool(attribution.values.isfinite().all()):
        raise ExampleError(f"The method {name} gives a number that is not finite.", "Check how it makes its numbers.")


def answered(function: TargetFunction, steps: Steps, name: str) -> Generator[Question, Any, Attribution]:
    """Turn what a method yields into asks of its function, and return its attribution.

    Raises:
        ExampleError: the method of that name is no generator, or does not return an attribution.
    """
    if not isinstance(steps, Generator):
        raise ExampleError(f"The method {name} asks for no point: it is no generator.", "Use `yield` in it.")
    try:
        wanted = next(steps)
        while True:
            slopes = not isinstance(wanted, Values)
            points = wanted.points if isinstance(wanted, Values) else wanted
            try:
                values, gradients = yield Ask([Job(function, point) for point in points], gradient=slopes)
            except ExampleError as error:
                wanted = steps.throw(error)
                continue
            wanted = steps.send(Evaluated(values, torch.stack(gradients) if slopes else values.new_empty(0)))
    except StopIteration as end:
        if not isinstance(end.value, Attribution):
            kind = type(end.value).__name__
            raise ExampleError(f"The method {name} returns {kind}.", "Return an Attribution.") from None
        return end.value


def _noise(subject: Subject, map_: Map, method: Method, attribution: Attribution, x: Tensor) -> Noise:
    assert attribution.samples is not None
    words = [word.tokens for word in subject.encoding(map_).words]

    def of_tokens(values: Tensor) -> dict[str, Tensor]:
        return aggregation.token_scores(values, x, method.scores)

    def of_words(values: Tensor) -> dict[str, Tensor]:
        return aggregation.word_scores(of_tokens(values), words)

    errors, word_errors = (jackknife(attribution.samples, s, attribution.estimate) for s in (of_tokens, of_words))
    return Noise(
        samples=len(attribution.samples),
        noise=subject.options.noise,
        sigma=attribution.sigma,
        seed=subject.options.seed,
        standard_errors={name: numbers(values) for name, values in errors.items()},
        word_standard_errors={name: numbers(values) for name, values in word_errors.items()},
    )


def _from_removals(subject: Subject, index: int, method: Method) -> Maps:
    """Leave out each word and, of a word of several tokens, each token; what cannot be removed has no drop."""
    map_, function = subject.result.maps[index], subject.functions[index]
    encoding, words = subject.encoding(map_), subject.words(map_)
    count = len(next(iter(map_.scores.values())))
    inside = {word: [token for token in encoding.words[word].tokens if token < count] for word in words}
    alone = [(word, token) for word, tokens in inside.items() if len(tokens) > 1 for token in tokens]
    edits = [subject.without(map_, [word]) for word in words]
    edits += [subject.without_tokens([token]) for _, token in alone]
    values, _ = yield Ask([Job(function), *(Job(function, edits=edit) for edit in edits)], gradient=False)
    drops = numbers(values[0] - values[1:])
    of_words: list[float | None] = [None] * len(next(iter(map_.word_scores.values())))
    of_tokens: list[float | None] = [None] * count
    for word, drop in zip(words, drops, strict=False):
        of_words[word] = drop
        if len(inside[word]) == 1:
            of_tokens[inside[word][0]] = drop
    for (_, token), drop in zip(alone, drops[len(words) :], strict=True):
        of_tokens[token] = drop
    (name,) = method.scores
    return _map_like(map_, method, {name: of_tokens}, {name: of_words}, None)


def _map(encoding: Encoding, like: Map, method: Method, attribution: Tensor, x: Tensor) -> Map:
    scores = aggregation.token_scores(attribution, x, method.scores)
    words = aggregation.word_scores(scores, [word.tokens for word in encoding.words])
    return _map_like(
        like,
        method,
        {name: [*numbers(values)] for name, values in scores.items()},
        {name: [*numbers(values)] for name, values in words.items()},
        special_share(encoding, next(iter(scores.values())).abs()),
    )


def _map_like(
    like: Map,
    method: Method,
    scores: dict[str, list[float | None]],
    word_scores: dict[str, list[float | None]],
    share: float | None,
) -> Map:
    """A map of another method for the target of a map."""
    return Map(
        title=like.title,
        encoding=like.encoding,
        method=method.name,
        target=like.target,
        scores=scores,
        word_scores=word_scores,
        special_share=share,
    )
