"""A run as a whole: order, packing, out of memory, failures that cost nobody else anything, provenance."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertForSequenceClassification

import tiny
from conftest import Explain
from explaining import no_memory_for_two
from records import measured
from saliency_report import engine
from saliency_report.engine import Gradients, device, streams
from saliency_report.errors import ExampleError
from saliency_report.packing import Budget
from saliency_report.pipeline import Run
from saliency_report.record import ExampleResult, Report, from_json, to_json
from saliency_report.spec import parse_spec
from saliency_report.tasks import text_classification
from saliency_report.tasks.base import NOT_FINITE

MIXED = "\n".join(
    f"- {{task: text-classification, model: {family}, text: '{'The cat sat on the mat. ' * length}'}}"
    for length in (3, 1, 2)
    for family in ("bert", "roberta")
)


def scores(report: Report) -> list[list[float]]:
    return [measured(m.scores["gradient_x_input"]) for example in report.examples for m in example.maps]


def test_examples_keep_the_order_of_the_file(explain: Explain) -> None:
    report = explain(MIXED)
    assert [e.id for e in report.examples] == [f"example-{i}" for i in range(1, 7)]
    assert [len(e.encodings[0].tokens) for e in report.examples][::2] == [29, 11, 20]
    assert [report.models[e.model or 0].name for e in report.examples] == ["bert", "roberta"] * 3


@pytest.mark.parametrize("family", tiny.CLASSIFIERS)
def test_packed_equals_alone(explain: Explain, family: str) -> None:
    text = MIXED.replace("model: bert", f"model: {family}").replace("model: roberta", f"model: {family}")
    packed, alone = explain(text, dtype="float64", budget=10_000), explain(text, dtype="float64", budget=1)
    for ours, theirs in zip(scores(packed), scores(alone), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-11)


def test_a_model_that_sees_padding_is_given_none(explain: Explain) -> None:
    """FNet mixes all positions by a Fourier transform and takes no mask."""
    text = MIXED.replace("model: bert", "model: fnet").replace("model: roberta", "model: fnet")
    packed, alone = explain(text, dtype="float64", budget=10_000), explain(text, dtype="float64", budget=1)
    for ours, theirs in zip(scores(packed), scores(alone), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-11)


def test_a_classifier_without_padding_takes_one_text_at_a_time(explain: Explain, tmp_path: Path) -> None:
    """GPT-2 finds a row's last token by its padding; without one it refuses a batch of two, equal lengths or not."""
    tiny.save("gpt2-classifier", tmp_path / "gpt2")
    config = json.loads((tmp_path / "gpt2/config.json").read_text(encoding="utf-8"))
    (tmp_path / "gpt2/config.json").write_text(json.dumps({**config, "pad_token_id": None}), encoding="utf-8")
    text = "\n".join(["- {task: text-classification, model: gpt2, text: The cat sat}"] * 2)
    first, second = scores(explain(text, folder=tmp_path))
    assert first == second


def test_packed_choices_equal_alone(explain: Explain) -> None:
    items = [
        ("The cat sat.", "[London, bad]"),
        ("Is Paris the capital?", "[a movie, the cat sat]"),
        ("Who?", "[a, b, c]"),
    ]
    text = "\n".join(
        f"- {{task: multiple-choice, model: bert-choice, question: '{q}', choices: {c}}}" for q, c in items
    )
    packed, alone = explain(text, dtype="float64", budget=10_000), explain(text, dtype="float64", budget=1)
    assert [len(e.maps) for e in packed.examples] == [2, 2, 3]
    for ours, theirs in zip(scores(packed), scores(alone), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-11)


def test_batches_stay_within_the_token_budget(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    padded = []
    real = engine.gradients

    def watched(loaded: Any, rows: Any, *rest: Any) -> Gradients:
        padded.append((len(rows), max(len(row) for row in rows)))
        return real(loaded, rows, *rest)

    monkeypatch.setattr(engine, "gradients", watched)
    explain(MIXED, budget=40)
    assert all(rows * length <= 40 for rows, length in padded)
    assert any(rows == 2 for rows, _ in padded)


@pytest.mark.usefixtures("one_thread")
def test_examples_share_the_time_of_their_batch_by_their_tokens(
    explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = engine.gradients

    def slow(*given: Any) -> Gradients:
        time.sleep(0.5)  # beside which the rest is short
        return real(*given)

    monkeypatch.setattr(engine, "gradients", slow)
    examples = explain(MIXED.replace("roberta", "bert"), budget=10_000).examples
    tokens = [len(example.encodings[0].tokens) for example in examples]
    each = [example.seconds / own for example, own in zip(examples, tokens, strict=True)]
    assert each == pytest.approx([each[0]] * len(each), rel=1e-3)


def test_out_of_memory_halves_the_budget_and_changes_no_number(
    explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = explain(MIXED, dtype="float64", budget=10_000)
    no_memory_for_two(monkeypatch)
    squeezed = explain(MIXED, dtype="float64", budget=48)
    for ours, theirs in zip(scores(squeezed), scores(calm), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-11)
    assert squeezed.token_budget < 48
    assert squeezed.warnings == [
        f"Memory ran out: batches were made smaller, down to {squeezed.token_budget} tokens. No number depends on it."
    ]


def test_batches_are_as_large_as_a_gpu_holds(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    model = torch.nn.Sequential(torch.nn.Embedding(10, 4), torch.nn.Linear(4, 50, bias=False)).to(torch.bfloat16)
    held, each = 2 * (40 + 200), device.LEFT_BEHIND * 2 * 200 / 4
    monkeypatch.setattr(device, "_memory", lambda _: held + 2 * 24 * int(each))
    assert engine.affordable(model, torch.device("cpu")) == 24
    monkeypatch.setattr(device, "_memory", lambda _: None)
    assert engine.affordable(model, torch.device("cpu")) is None
    monkeypatch.setattr(engine, "affordable", lambda *_: 24)
    limited = explain(MIXED)
    assert limited.token_budget == 24
    assert limited.warnings == [], "no memory ran out"
    budget = Budget(512)
    assert engine.at_once(budget) == 4096, "of a long text's windows"
    budget.most = 1000
    assert engine.at_once(budget) == 1000
    budget.most = 100
    assert budget.tokens == 100
    budget.most = None
    assert budget.tokens == 512, "the next model is as free as it would be alone"


@pytest.mark.usefixtures("one_thread")
def test_a_batch_that_is_begun_before_the_last_is_explained_changes_nothing(
    explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    gradients, explained = engine.gradients, text_classification.explain

    def begin(*given: Any) -> Gradients:
        begun.append("begin")
        return gradients(*given)

    def end(*given: Any) -> ExampleResult:
        begun.append("explain")
        return explained(*given)

    monkeypatch.setattr(engine, "gradients", begin)
    monkeypatch.setattr(text_classification, "explain", end)
    calm = explain(MIXED, budget=24)
    one_by_one = [*begun]
    begun.clear()
    monkeypatch.setattr(streams, "AHEAD", {"cpu": 1})
    ahead = explain(MIXED, budget=24)
    assert scores(ahead) == scores(calm)
    assert sorted(begun) == sorted(one_by_one)
    assert begun[:2] == ["begin", "begin"]
    assert one_by_one[:2] == ["begin", "explain"]


def test_an_example_too_large_for_the_memory_fails_alone(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    real = engine.gradients

    def tight(loaded: Any, rows: Any, *rest: Any) -> Gradients:
        if max(len(row) for row in rows) > 20:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory")
        return real(loaded, rows, *rest)

    monkeypatch.setattr(engine, "gradients", tight)
    report = explain(MIXED)
    failed = [e for e in report.examples if e.failure]
    assert [len(e.inputs["text"]) for e in failed] == [72, 72]
    for example in failed:
        assert example.failure is not None
        assert example.failure.message == "Memory ran out on this example alone."
        assert example.failure.next_step == "Use a shorter text, a smaller model or another --device."


@pytest.mark.parametrize(("family", "budget"), [("llama", 40), ("gpt2", 1)])
def test_generation_in_small_pieces_gives_the_same_matrix(explain: Explain, family: str, budget: int) -> None:
    """Two rows at a time, or each alone, where the attention is fused; Llama's own makes its softmax in float32."""
    text = f"- {{task: text-generation, model: {family}, prompt: The cat sat on the, max_new_tokens: 5}}"
    whole, pieces = explain(text, dtype="float64", budget=10_000), explain(text, dtype="float64", budget=budget)
    assert 2 <= 40 // len(whole.examples[0].encodings[0].tokens) < 5, "40 tokens are some rows, but not all five"
    for ours, theirs in zip(scores(whole), scores(pieces), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_one_bad_example_costs_no_other(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    real = engine.gradients
    bad = "The cat sat on the mat. " * 2

    def fragile(loaded: Any, rows: Any, *rest: Any) -> Gradients:
        if any(len(row) == 20 for row in rows):
            raise ZeroDivisionError("inside the model")
        return real(loaded, rows, *rest)

    monkeypatch.setattr(engine, "gradients", fragile)
    spec_text = MIXED.replace("roberta", "bert")
    report = explain(spec_text, debug=False)
    assert [e.failure is not None for e in report.examples] == [e.inputs["text"] == bad for e in report.examples]
    failure = report.examples[4].failure
    assert failure is not None
    assert failure.message == "ZeroDivisionError: inside the model."
    assert failure.next_step == "Run again with --debug (debug=True) to see where."


def test_a_model_that_does_not_run_fails_its_examples_and_no_others(
    explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = engine.check_equivalence

    def broken(loaded: Any, *rest: Any) -> float:
        if loaded.info.name == "roberta":
            raise NotImplementedError("no such kernel")
        return real(loaded, *rest)

    monkeypatch.setattr(engine, "check_equivalence", broken)
    report = explain(MIXED, debug=False)
    assert [e.failure is None for e in report.examples] == [True, False] * 3
    failure = report.examples[1].failure
    assert failure is not None
    assert failure.message == "NotImplementedError: no such kernel."


def test_a_model_is_checked_in_four_passes(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain one serves three comparisons: of the hook, of words that change places, and of padding."""
    real, passes = BertForSequenceClassification.forward, list[tuple[int, bool]]()

    def watched(self: Any, *given: Any, **inputs: Any) -> Any:
        passes.append((inputs["input_ids"].shape[1], torch.is_grad_enabled()))
        return real(self, *given, **inputs)

    monkeypatch.setattr(BertForSequenceClassification, "forward", watched)
    explain("- {task: text-classification, model: bert, text: The cat sat.}")
    t = passes[0][0]
    assert passes == [(t, False)] * 3 + [(t + 8, False), (t, True)]


@pytest.mark.parametrize("trouble", ["memory", "overflow"])
def test_what_one_example_cannot_do_at_the_check_costs_no_other(
    explain: Explain, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    real = engine.check_equivalence

    def picky(loaded: Any, rows: Any, *rest: Any) -> float:
        if len(rows[0]) == 11:
            raise ExampleError(NOT_FINITE) if trouble == "overflow" else torch.OutOfMemoryError("CUDA out of memory.")
        return real(loaded, rows, *rest)

    monkeypatch.setattr(engine, "check_equivalence", picky)
    report = explain(MIXED.replace("roberta", "bert"))
    assert [e.failure for e in report.examples] == [None] * 6
    assert report.models[0].equivalence is not None


def test_a_gradient_that_is_not_finite_is_an_error_of_its_example(
    explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = engine.gradients

    def overflow(loaded: Any, rows: Any, *rest: Any) -> Gradients:
        got = real(loaded, rows, *rest)
        for gradient in got.gradients:
            if len(gradient.values) == 20:
                gradient.scores["l2"][3] = float("nan")
        return got

    monkeypatch.setattr(engine, "gradients", overflow)
    report = explain(MIXED.replace("roberta", "bert"))
    assert [e.failure is None for e in report.examples] == [True, True, True, True, False, False]
    failure = report.examples[4].failure
    assert failure is not None
    assert failure.message == "A number is not finite: the model overflows on this text."
    assert failure.next_step == "Try --dtype float32, or bfloat16 in the place of float16."


def test_the_record_tells_where_the_numbers_come_from(explain: Explain, families: Path) -> None:
    report = explain(MIXED)
    model = report.models[0]
    assert (model.name, model.source, model.architecture) == ("bert", "folder", "BertForSequenceClassification")
    assert model.dtype == "float32"
    assert model.equivalence is not None
    assert model.equivalence < 1e-6
    assert len(model.weights_sha256 or "") == 64
    assert {"torch", "transformers", "python", "saliency-report"} <= report.versions.keys()
    assert report.device == "cpu"
    assert str(families) not in to_json(report)


def test_the_hash_changes_with_the_weights(explain: Explain, families: Path, tmp_path: Path) -> None:
    text = "- {task: text-classification, model: bert, text: x}"
    tiny.save("bert", tmp_path / "bert")
    same = explain(text, folder=tmp_path).models[0].weights_sha256
    assert same == explain(text).models[0].weights_sha256
    weights = tmp_path / "bert/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert explain(text, folder=tmp_path).models[0].weights_sha256 != same


def test_two_runs_give_the_same_numbers(explain: Explain) -> None:
    first, second = explain(MIXED), explain(MIXED)
    assert scores(first) == scores(second)


def test_progress_tells_of_every_example(families: Path) -> None:
    seen: list[ExampleResult] = []
    spec = parse_spec(MIXED + "\n- {task: text-classification, model: nowhere/x/y, text: a}", "x", "x", families)
    Run(spec, torch.device("cpu"), "float32", seen.append).report()
    assert sorted(e.id for e in seen) == [f"example-{i}" for i in range(1, 8)]


def test_a_float64_record_round_trips(explain: Explain) -> None:
    report = explain(MIXED, dtype="float64")
    assert from_json(to_json(report), "x") == report
    assert report.models[0].dtype == "float64"
