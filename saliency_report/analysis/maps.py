"""The maps of methods beyond the gradient: asks for F where a method wants it, and makes a map of what it returns."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import torch
from torch import Tensor

from saliency_report import aggregation
from saliency_report.analysis.subject import Subject, measured_tokens
from saliency_report.engine import Job
from saliency_report.engine.inside import attention_maps
from saliency_report.errors import ExampleError
from saliency_report.methods import Attribution, Evaluated, Method, Start, Steps, Values, completeness, jackknife
from saliency_report.metrics.rank import spearman
from saliency_report.record import Encoding, Map, Noise
from saliency_report.scheduling import Alone, Ask, Question
from saliency_report.tasks.base import blocks, numbers, score_lists, special_share, without
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
    """Spearman correlation of two maps over the ordinary words that both measure, signs left aside."""
    words = measured(subject.words(one), one, other)
    return spearman(*([abs(value) for value in first_scores(map_, words)] for map_ in (one, other)))


def measured(words: Sequence[int], *maps: Map) -> list[int]:
    """Those of the words that all maps have numbers for."""
    return [word for word in words if all(m.word_scores[m.first_score][word] is not None for m in maps)]


def first_scores(map_: Map, words: Sequence[int]) -> list[float]:
    """The headline scores of words, each of which the map measures."""
    scores = map_.word_scores[map_.first_score]
    return [score for word in words if (score := scores[word]) is not None]


def _from_points(subject: Subject, index: int, method: Method) -> Maps:
    map_, function = subject.result.maps[index], subject.functions[index]
    x = subject.embeddings(index)
    score, gradient = yield from at_the_text(subject, index)
    name, baseline = subject.baseline(map_, x) if method.compares else ("", x)
    start = Start(x, score, gradient, baseline, name, subject.kept(map_), subject.options, subject.memory)
    assert method.attribute is not None
    attribution = yield from answered(function, method.attribute(start), method.name)
    _check(attribution, x, method.name)
    sums = attribution.completeness
    if sums is None and "attribution" in method.scores:  # whose scores are said to add up
        (baseline_score,), _ = yield Ask([Job(function, baseline)], gradient=False)
        sums = completeness(start, float(baseline_score), float(attribution.values.cpu().double().sum()))
    if sums is not None and isinstance(subject.example.baseline, dict):
        sums = sums.model_copy(update={"baseline_text": subject.example.baseline["text"]})
    # The baseline keeps these, so nothing was asked about them.
    kept = [token for token in (sums.kept if sums else []) if not bool(attribution.values[token].any())]
    made = _map(subject.encoding(map_), map_, method, attribution.values, x, kept)
    warnings = _of_kept_words(subject, map_, kept)
    noise = None if attribution.samples is None else _noise(subject, map_, method, attribution, x)
    return made.model_copy(update={"completeness": sums, "noise": noise, "warnings": warnings})


def at_the_text(subject: Subject, index: int) -> Generator[Question, Any, tuple[float, Tensor]]:
    """F and its gradient (t, d) at the text itself, for the target of a map; asked for once, whoever needs it."""
    if index not in subject.known:
        score, (gradient,) = yield Ask([Job(subject.functions[index])], gradient=True)
        subject.known[index] = float(score), gradient
    return subject.known[index]


def _check(attribution: Attribution, x: Tensor, name: str) -> None:
    if attribution.values.shape != x.shape:
        raise ExampleError(
            f"The method {name} gives {tuple(attribution.values.shape)}, the embeddings are {tuple(x.shape)}.",
            "Return an attribution of the shape of the embeddings, (t, d).",
        )
    if not bool(attribution.values.isfinite().all()):
        raise ExampleError(f"The method {name} gives a number that is not finite.", "Check how it makes its numbers.")


def _of_kept_words(subject: Subject, map_: Map, kept: Sequence[int]) -> list[str]:
    """What to say of an ordinary token that the baseline keeps, as it does the first one of a causal model."""
    encoding = subject.encoding(map_)
    ordinary = [encoding.tokens[token] for token in kept if subject.is_ordinary(encoding, token)]
    last = " In the test of faithfulness it goes last." if subject.example.faithfulness else ""
    return [
        f"“{encoding.segments[token.segment].text[token.start : token.end]}” stays as it is in the baseline, so this "
        f"map has no number for it.{last}"
        for token in ordinary
        if token.segment is not None
    ]


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
    encoding, held = subject.encoding(map_), measured_tokens(map_)
    words = blocks(encoding, held)

    def of_tokens(values: Tensor) -> dict[str, Tensor]:
        return aggregation.token_scores(values, x, method.scores)

    def of_words(values: Tensor) -> dict[str, Tensor]:
        return aggregation.word_scores(of_tokens(values), words)

    errors, word_errors = (jackknife(attribution.samples, s, attribution.estimate) for s in (of_tokens, of_words))
    of_token, of_word = ({name: numbers(values) for name, values in found.items()} for found in (errors, word_errors))
    standard_errors, word_standard_errors = without(of_token, of_word, encoding, {*range(len(x))}.difference(held))
    return Noise(
        samples=len(attribution.samples),
        noise=subject.options.noise,
        sigma=attribution.sigma,
        seed=subject.options.seed,
        standard_errors=standard_errors,
        word_standard_errors=word_standard_errors,
    )


def _from_removals(subject: Subject, index: int, method: Method) -> Maps:
    """Leave out each word and, of a word of several tokens, each token; what cannot be removed has no drop."""
    map_, function = subject.result.maps[index], subject.functions[index]
    encoding, words = subject.encoding(map_), subject.words(map_)
    count, known = len(map_.scores[map_.first_score]), {*measured_tokens(map_)}
    inside = {word: [token for token in encoding.words[word].tokens if token in known] for word in words}
    alone = [(word, token) for word, tokens in inside.items() if len(tokens) > 1 for token in tokens]
    edits = [subject.without(map_, [word]) for word in words]
    edits += [subject.without_tokens([token]) for _, token in alone]
    values, _ = yield Ask([Job(function), *(Job(function, edits=edit) for edit in edits)], gradient=False)
    drops = numbers(values[0] - values[1:])
    of_words: list[float | None] = [None] * len(map_.word_scores[map_.first_score])
    of_tokens: list[float | None] = [None] * count
    for word, drop in zip(words, drops, strict=False):
        of_words[word] = drop
        if len(inside[word]) == 1:
            of_tokens[inside[word][0]] = drop
    for (_, token), drop in zip(alone, drops[len(words) :], strict=True):
        of_tokens[token] = drop
    (name,) = method.scores
    return _map_like(encoding, map_, method, {name: of_tokens}, {name: of_words})


def _map(
    encoding: Encoding, like: Map, method: Method, attribution: Tensor, x: Tensor, unmeasured: Sequence[int] = ()
) -> Map:
    """The map of an attribution; tokens that it does not measure have no score, nor words that are made of them.

    Nor have those that F knows nothing of, which the map of the gradient has no score of either.
    """
    held = measured_tokens(like)
    scores, words = score_lists(attribution, x, blocks(encoding, held), method.scores)
    gone = {*unmeasured} | {*range(len(attribution))}.difference(held)
    return _map_like(encoding, like, method, *without(scores, words, encoding, gone))


def _map_like(
    encoding: Encoding,
    like: Map,
    method: Method,
    scores: dict[str, list[float | None]],
    word_scores: dict[str, list[float | None]],
) -> Map:
    """A map of another method for the target of a map."""
    return Map(
        title=like.title,
        encoding=like.encoding,
        method=method.name,
        target=like.target,
        scores=scores,
        word_scores=word_scores,
        special_share=special_share(encoding, next(iter(scores.values()))),
    )
