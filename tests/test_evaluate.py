"""F and its gradient for many jobs at once, against the plain model, central differences and each job alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import tiny
from explaining import Opened, opened
from saliency_report import engine
from saliency_report.engine import Job
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded
from saliency_report.tasks.encoding import Row
from saliency_report.tasks.target import TargetFunction, of_row
from test_engine import Float64

TEXT = "The cat sat, naïve it was."
CLASSES = [*product(("logit", "log_prob", "probability", "loss"), ("",)), ("logit", "runner-up"), ("probability", "2")]
SPANS = [
    "quantity: logit",
    "quantity: log_prob",
    "quantity: probability, target: 1",
    "quantity: loss",
    "target: whole",
    "target: ' sat on', quantity: loss",
    "foil: ' cat at'",
    "foil: ' cat at', quantity: probability",
]


def classification(family: str, quantity: str = "logit", foil: str = "") -> str:
    more = ", label: 1" if quantity == "loss" else ""
    more += f", target: 0, foil: {foil}" if foil else ""
    return f"- {{task: text-classification, model: {family}, text: '{TEXT}', quantity: {quantity}{more}}}"


def generation(family: str, more: str) -> str:
    return f"- {{task: text-generation, model: {family}, prompt: The cat, continuation: ' cat sat on the', {more}}}"


def choice(family: str, quantity: str = "logit", foil: str = "") -> str:
    more = ", answer: 2" if quantity == "loss" else ""
    more += f", target: 0, foil: {foil}" if foil else ""
    texts = "context: The cat sat., question: Who was bad?, choices: [the cat, a movie of it, bad]"
    return f"- {{task: multiple-choice, model: {family}, {texts}, quantity: {quantity}{more}}}"


CASES = [
    *(classification(family, *case) for family in tiny.CLASSIFIERS for case in CLASSES),
    *(generation(family, case) for family in tiny.CAUSAL for case in SPANS),
    *(choice(family, *case) for family in tiny.CHOICE for case in CLASSES),
]


def logits_of(loaded: Loaded, row: Row, points: Tensor | None = None) -> Tensor:
    """The logits (t, v), (1, c) or (1, 1) of one row alone, with points in the place of its embeddings."""
    model: Any = loaded.model
    inputs = {"input_ids": torch.tensor([row.ids]), **{k: torch.tensor([v]) for k, v in row.extra.items()}}
    if loaded.info.task == "multiple-choice":
        inputs = {name: values[None] for name, values in inputs.items()}
    hook = (lambda module, args, output: output) if points is None else (lambda module, args, output: points[None])
    handle = model.get_input_embeddings().register_forward_hook(hook)
    try:
        with torch.no_grad(), Float64():
            logits: Tensor = model(**{k: v for k, v in inputs.items() if k in loaded.inputs}).logits
    finally:
        handle.remove()
    return logits[0] if loaded.info.task == "text-generation" else logits.reshape(1, -1)


def number(quantity: str, logits: Tensor, index: int, foil: int | None) -> float:
    """One of the quantities of logits (c,), by its definition."""
    values = {
        "logit": logits,
        "log_prob": logits - logits.exp().sum().log(),
        "probability": logits.exp() / logits.exp().sum(),
        "loss": logits.exp().sum().log() - logits,
    }[quantity]
    return float(values[index] if foil is None else values[index] - values[foil])


def plain(open_: Opened, place: int, rows: Sequence[Row]) -> float:
    """F of one map by the plain model and the definitions, without this package's target functions."""
    target, loaded, quantity = open_.result.maps[place].target, open_.loaded, open_.example.quantity
    if open_.example.task == "text-classification":
        return number(quantity, logits_of(loaded, rows[0])[0], target.index, target.foil_index)
    if open_.example.task == "multiple-choice":
        logits = torch.cat([logits_of(loaded, row)[0] for row in open_.prepared.rows])
        own = place < len(open_.prepared.rows)
        return number("logit" if own else quantity, logits, target.index, target.foil_index)
    logits, ids = logits_of(loaded, rows[0]), rows[0].ids
    assert target.position is not None
    first = target.position if target.first is None else target.first
    tokens = range(first, target.position + 1)
    return sum(number(quantity, logits[i - 1], ids[i], target.foil_index) for i in tokens)


def embeddings(loaded: Loaded, function: TargetFunction) -> Tensor:
    """The embeddings (t, d) of the tokens of F."""
    x = torch.zeros(function.length, 16, dtype=torch.float64)
    for row, place in zip(function.rows, function.places, strict=True):
        x[list(place)] = engine.embed(loaded, row.ids).double()
    return x


def at(loaded: Loaded, function: TargetFunction, points: Tensor) -> float:
    """F at points (t, d), each row by itself."""
    rows = zip(function.rows, function.places, strict=True)
    logits = [logits_of(loaded, row, points[list(place)]) for row, place in rows]
    if function.reads:
        return float(function.score(torch.stack([logits[0][read - 1] for read in function.reads])[None]))
    return float(function.score(torch.cat(logits)[None]))


@pytest.mark.parametrize("text", CASES)
def test_f_is_the_plain_models_and_its_gradient_is_central_differences(text: str, families: Path) -> None:
    open_ = opened(text, families)
    loaded, generator = open_.loaded, torch.Generator().manual_seed(11)
    points = [embeddings(loaded, function) for function in open_.functions]
    with Float64():
        own, _ = engine.evaluate(loaded, open_.jobs(), gradient=False)
        given = [Job(f, x) for f, x in zip(open_.functions, points, strict=True)]
        values, gradients = engine.evaluate(loaded, given, gradient=True)
    expected = [plain(open_, place, open_.prepared.rows) for place in range(len(open_.functions))]
    assert own.tolist() == pytest.approx(expected, rel=1e-9)
    assert values.tolist() == pytest.approx(expected, rel=1e-9)
    for function, x, gradient in list(zip(open_.functions, points, gradients, strict=True))[-2:]:
        assert gradient.shape == x.shape == (function.length, 16)
        direction = torch.randn(x.shape, generator=generator, dtype=torch.float64)
        step = 1e-5 * direction
        difference = (at(loaded, function, x + step) - at(loaded, function, x - step)) / 2e-5
        assert float((gradient * direction).sum()) == pytest.approx(difference, rel=2e-5, abs=1e-9)
        for token in {0, function.length // 2, function.length - 1}:
            alone = torch.zeros_like(step)
            alone[token] = step[token]
            difference = (at(loaded, function, x + alone) - at(loaded, function, x - alone)) / 2e-5
            assert float((gradient[token] * direction[token]).sum()) == pytest.approx(difference, rel=2e-5, abs=1e-9)


@pytest.mark.parametrize("family", tiny.CHOICE)
def test_a_context_token_of_a_contrast_moves_both_rows(family: str, families: Path) -> None:
    open_ = opened(choice(family, "logit", "1"), families)
    function, shared = open_.function, open_.prepared.encodings[0].tokens
    before = next(i for i, token in enumerate(shared) if token.segment == 2)
    one, two = function.places
    assert list(one[:before]) == list(two[:before]) == list(range(before))
    assert not set(one[before:]) & set(two[before:])
    _, (both, first, second) = engine.evaluate(open_.loaded, [Job(function), *open_.jobs()[:2]], gradient=True)
    torch.testing.assert_close(both[:before], first[:before] - second[:before], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(both[before : len(first)], first[before:], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(both[len(first) :], -second[before:], rtol=1e-6, atol=1e-8)


def _mixed(family: str, families: Path) -> tuple[Loaded, list[Job]]:
    """Jobs of a family with points, with edits and with neither, of several lengths."""
    if family in tiny.CAUSAL:
        texts = [generation(family, "quantity: probability"), generation(family, "target: ' sat on the'")]
    elif family in tiny.CHOICE:
        texts = [choice(family, "log_prob"), choice(family, "logit", "2")]
    else:
        longer = classification(family).replace(TEXT, TEXT * 2)
        texts = [classification(family, "probability"), longer]
    found = [opened(text, families) for text in texts]
    loaded, generator, jobs = found[0].loaded, torch.Generator().manual_seed(4), []
    for function in [f for open_ in found for f in open_.functions[-2:]]:
        x = embeddings(loaded, function)
        noisy = x + 0.1 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
        jobs += [Job(function), Job(function, noisy), Job(function, edits={1: None}), Job(function, edits={1: 9})]
        jobs += [Job(function, noisy, {0: 12, 1: None})]
    return loaded, jobs


@pytest.mark.parametrize("family", [*tiny.CLASSIFIERS, *tiny.CAUSAL, *tiny.CHOICE])
def test_a_mixed_batch_equals_each_job_alone(family: str, families: Path) -> None:
    loaded, jobs = _mixed(family, families)
    lengths = {len(row) for job in jobs for row in engine.rows_of(job)}
    assert len(lengths) > 2, "this test is about rows that are padded"
    with Float64():
        values, gradients = engine.evaluate(loaded, jobs, gradient=True)
        without, none = engine.evaluate(loaded, jobs, gradient=False)
        assert none == []
        torch.testing.assert_close(without, values, rtol=1e-12, atol=1e-14)
        for job, value, gradient in zip(jobs, values, gradients, strict=True):
            alone, (slope,) = engine.evaluate(loaded, [job], gradient=True)
            torch.testing.assert_close(value, alone[0], rtol=1e-9, atol=1e-12)
            torch.testing.assert_close(gradient, slope, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("family", [*tiny.CLASSIFIERS, *tiny.CAUSAL])
@pytest.mark.parametrize("edits", [{2: 20}, {2: None}, {0: 7, 1: None, 3: None}])
def test_an_edited_text_is_the_text_with_those_tokens(
    family: str, edits: dict[int, int | None], families: Path
) -> None:
    text = classification(family, "log_prob")[:-1] + ", text_pair: the bad movie}"
    text = generation(family, "quantity: log_prob") if family in tiny.CAUSAL else text
    open_ = opened(text, families)
    function, loaded = open_.functions[-1], open_.loaded
    row = open_.prepared.rows[0]
    kept = [i for i in range(len(row)) if edits.get(i, 0) is not None]
    ids = [edits.get(i) or row.ids[i] for i in kept]
    shorter = Row(ids, {name: [values[i] for i in kept] for name, values in row.extra.items()})
    if family == "bert":
        assert set(shorter.extra["token_type_ids"]) == {0, 1}, "this test is about types that are cut too"
        assert len(shorter.extra["token_type_ids"]) == len(ids)
    with Float64():
        (value,), (gradient,) = engine.evaluate(loaded, [Job(function, edits=edits)], gradient=True)
    logits, target = logits_of(loaded, shorter), open_.result.maps[-1].target
    if family in tiny.CAUSAL:
        assert target.position == len(row) - 1
        logits = logits[-2:-1]  # those before the last token, wherever it stands now
    assert float(value) == pytest.approx(number("log_prob", logits[0], target.index, None), rel=1e-9)
    gone = [token for token, new in edits.items() if new is None]
    assert not gradient[gone].any()
    visible = [i for i in kept if i < function.length]
    score = TargetFunction([Row(ids[: len(visible)], shorter.extra)], [range(len(visible))], function.score)
    if function.reads:
        score = dataclasses.replace(score, reads=[len(visible)])
    with Float64():
        _, (expected,) = engine.evaluate(loaded, [Job(score)], gradient=True)
    torch.testing.assert_close(gradient[visible], expected, rtol=1e-9, atol=1e-12)


def test_a_span_keeps_its_tokens_when_words_before_it_are_cut(families: Path) -> None:
    open_ = opened(generation("gpt2", "target: ' sat on'"), families)
    row = open_.prepared.rows[0].ids
    assert list(open_.function.reads) == [3, 4]
    value, _ = engine.evaluate(open_.loaded, [Job(open_.function, edits={0: None})], gradient=False)
    logits = logits_of(open_.loaded, Row(row[1:4]))
    expected = number("log_prob", logits[1], row[3], None) + number("log_prob", logits[2], row[4], None)
    assert float(value) == pytest.approx(expected, rel=1e-6)


def test_a_cut_in_a_choice_is_a_cut_in_every_row(families: Path) -> None:
    open_ = opened(choice("bert-choice", "probability"), families)
    value, _ = engine.evaluate(open_.loaded, [Job(open_.function, edits={2: None})], gradient=False)
    rows = [
        Row([*row.ids[:2], *row.ids[3:]], {name: [*v[:2], *v[3:]] for name, v in row.extra.items()})
        for row in open_.prepared.rows
    ]
    logits = torch.cat([logits_of(open_.loaded, row)[0] for row in rows])
    assert float(value) == pytest.approx(number("probability", logits, open_.headline.target.index, None), rel=1e-9)


@pytest.mark.parametrize("family", tiny.CAUSAL)
def test_only_the_logits_that_are_read_are_made(family: str, families: Path) -> None:
    loaded, jobs = _mixed(family, families)
    model: Any = loaded.model
    shapes: list[tuple[int, ...]] = []
    handle = model.get_output_embeddings().register_forward_hook(
        lambda module, args, output: shapes.append(tuple(output.shape))
    )
    whole = dataclasses.replace(loaded, inputs=loaded.inputs - {"logits_to_keep"})
    with Float64():
        values, gradients = engine.evaluate(loaded, jobs, gradient=True)
        all_values, all_gradients = engine.evaluate(whole, jobs, gradient=True)
    handle.remove()
    read = {position for job in jobs for position in job.function.edited(job.edits)[2]}
    longest = max(len(row) for job in jobs for row in engine.rows_of(job))
    assert shapes == [(len(jobs), len(read), tiny.VOCABULARY), (len(jobs), longest, tiny.VOCABULARY)]
    assert len(read) < longest
    torch.testing.assert_close(values, all_values, rtol=1e-10, atol=1e-13)
    for ours, theirs in zip(gradients, all_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def _bert(families: Path, dtype: str = "float64") -> tuple[Loaded, TargetFunction]:
    open_ = opened(classification("bert"), families, dtype)
    return open_.loaded, open_.function


@pytest.mark.parametrize("gradient", [True, False])
def test_a_number_that_is_not_finite_is_an_error(gradient: bool, families: Path) -> None:
    loaded, function = _bert(families)
    model: Any = loaded.model
    model.classifier.bias.data.fill_(torch.inf)
    with pytest.raises(ExampleError) as caught:
        engine.evaluate(loaded, [Job(function)], gradient=gradient)
    assert caught.value.message == "A number is not finite: the model overflows on this text."
    assert caught.value.next_step == "Try --dtype float32, or bfloat16 in the place of float16."
    assert not model.get_input_embeddings()._forward_hooks, "the hook must be gone after an error"


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_a_point_that_is_not_finite_is_not_taken_for_the_text(bad: float, families: Path) -> None:
    loaded, function = _bert(families)
    x = embeddings(loaded, function)
    x[2, 5] = bad
    for jobs in ([Job(function, x)], [Job(function), Job(function, x)]):
        with pytest.raises(ExampleError) as caught:
            engine.evaluate(loaded, jobs, gradient=False)
        assert caught.value.message == "A point that the method asks for is not finite."
        assert caught.value.next_step == "Check how the method makes its points."


def test_a_point_beyond_the_weights_own_range_is_not_taken_for_the_text(families: Path) -> None:
    loaded, function = _bert(families, "float16")
    x = embeddings(loaded, function)
    x[2] = 1e6  # float16 ends at 65,504
    with pytest.raises(ExampleError, match=r"^A number is not finite: the model overflows on this text\."):
        engine.evaluate(loaded, [Job(function, x)], gradient=False)


@pytest.mark.parametrize("shape", [(3, 16), (99, 16), (11, 1), (16,)])
def test_points_of_another_shape_are_refused(shape: tuple[int, ...], families: Path) -> None:
    loaded, function = _bert(families)
    assert function.length != 3
    with pytest.raises(ExampleError) as caught:
        engine.evaluate(loaded, [Job(function, torch.zeros(shape))], gradient=False)
    assert caught.value.message == (
        f"The method asks for a point of the shape {shape}, the embeddings are ({function.length}, 16)."
    )
    assert caught.value.next_step == "Ask for points of the shape of the embeddings, (t, d)."


@pytest.mark.parametrize("family", ["distilbert", "gpt2"])
def test_a_text_of_which_nothing_is_left_is_an_error(family: str, families: Path) -> None:
    text = generation(family, "target: 0") if family == "gpt2" else classification(family)
    open_ = opened(text, families)
    edits = dict.fromkeys(range(open_.function.length), None)
    with pytest.raises(ExampleError) as caught:
        engine.evaluate(open_.loaded, [Job(open_.function, edits=edits)], gradient=False)
    assert caught.value.message == "Without what is removed the model has nothing left to read."
    assert caught.value.next_step == "Write `removal: mask`, or give a longer text."


def test_a_read_before_which_nothing_is_left_is_an_error(families: Path) -> None:
    """Of a span the later tokens are still there, but nothing predicts its first one: index −1 would be the last."""
    open_ = opened(generation("gpt2", "target: whole"), families)
    with pytest.raises(ExampleError, match="nothing left to read"):
        engine.evaluate(open_.loaded, [Job(open_.function, edits={0: None, 1: None})], gradient=False)


def test_of_row_reads_the_one_row(families: Path) -> None:
    loaded, function = _bert(families)
    row = function.rows[0]
    values, _ = engine.evaluate(loaded, [Job(of_row(row, lambda logits: logits[:, 2]))], gradient=False)
    torch.testing.assert_close(values[0], logits_of(loaded, row)[0, 2], rtol=1e-12, atol=1e-14)
