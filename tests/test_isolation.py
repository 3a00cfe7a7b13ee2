"""What goes wrong in one place is said there and costs nothing else: not another method, not another example."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

import tiny
from conftest import Explain
from plain_model import map_of
from saliency_report import engine
from saliency_report.engine import randomise
from saliency_report.methods import Attribution, Method, Start, Steps
from saliency_report.pipeline import Run
from saliency_report.record import Evidence, ExampleResult, Report
from saliency_report.spec import parse_spec

CPU = torch.device("cpu")
TEXT = "The cat sat on the bad mat."
OWN = Method("own", "Own", "A sentence.", "a", "a test", ("attribution_l2",))


def classify(model: str, text: str, options: str) -> str:
    return f"- {{task: text-classification, model: {model}, text: '{text}', {options}}}\n"


def evidence(result: ExampleResult) -> Evidence:
    assert result.evidence is not None
    return result.evidence


def run(families: Path, text: str, attribute: Any) -> Report:
    spec = parse_spec(text, "input.yaml", "input.yaml", families)
    own = replace(OWN, attribute=attribute)
    return Run(spec, CPU, "float32", lambda result: None, custom=[own]).report()


def not_finite(start: Start) -> Steps:
    yield from ()
    return Attribution(start.x * float("nan"))


def nothing(start: Start) -> Any:
    yield from ()
    return start.x


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        (lambda start: 1 / 0, "ZeroDivisionError: division by zero. Run again with --debug (debug=True) to see where."),
        (
            lambda start: Attribution(start.x),
            "The method own asks for no point: it is no generator. Use `yield` in it.",
        ),
        (nothing, "The method own returns Tensor. Return an Attribution."),
        (not_finite, "The method own gives a number that is not finite. Check how it makes its numbers."),
    ],
)
def test_a_method_that_is_wrong_is_named_and_the_others_stay(attribute: Any, said: str, families: Path) -> None:
    result = run(families, classify("bert", TEXT, "methods: occlusion, flips: 1, layers: true"), attribute).examples[0]
    assert result.warnings == [f"Own could not be computed. {said}"]
    assert [map_.method for map_ in result.maps] == ["gradient", "occlusion"]
    assert evidence(result).direction is not None
    assert evidence(result).layers is not None


def test_a_part_of_the_evidence_that_is_wrong_costs_no_other(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise IndexError("layer 7")

    monkeypatch.setattr("saliency_report.analysis.evidence.layers", broken)
    result = explain(classify("bert", TEXT, "flips: 1, layers: true, faithfulness: true"), debug=False).examples[0]
    assert result.warnings == [
        "The gradient layer by layer could not be computed. IndexError: layer 7. "
        "Run again with --debug (debug=True) to see where."
    ]
    assert evidence(result).direction is not None
    assert evidence(result).faithfulness is not None


MEMORY = "Memory ran out on this example alone. Use a shorter text, a smaller model or another --device."


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        (
            randomise,
            "_drawn",
            "The check with random weights could not be made. Memory ran out: the weights are there twice for a while. "
            "Leave `randomisation` out, or use a smaller model or another --device.",
        ),
        (engine, "is_causal", f"Other methods and evidence could not be computed. {MEMORY}"),
    ],
)
def test_memory_that_runs_out_beside_the_batches_is_said(
    module: Any, name: str, said: str, explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise torch.OutOfMemoryError("out of memory")

    assert module is randomise or module is engine
    monkeypatch.setattr(module, name, full)
    text = classify("bert", TEXT, "randomisation: all, methods: occlusion")
    results = explain(text + text + classify("bert", "Rome.", "seed: 1"), debug=False).examples
    for result in results[:2]:
        assert result.warnings == [said]
        assert [map_.method for map_ in result.maps] == (
            ["gradient", "occlusion"] if module is randomise else ["gradient"]
        )
    assert results[2].warnings == []


def bare(families: Path, folder: Path, family: str) -> None:
    """A copy of a family whose tokenizer adds no special tokens."""
    tiny.save(family, folder)
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokenizer["post_processor"] = None
    path.write_text(json.dumps(tokenizer), encoding="utf-8")


def test_a_text_of_which_nothing_is_left_fails_alone(explain: Explain, families: Path, tmp_path: Path) -> None:
    bare(families, tmp_path / "bare", "bert")
    tiny.save("bert", tmp_path / "bert")
    text = classify("bert", TEXT, "methods: occlusion") + classify(
        "bare", TEXT, "methods: occlusion, removal: delete, faithfulness: true"
    )
    whole, gone = explain(text, folder=tmp_path, debug=False).examples
    assert whole.warnings == []
    assert gone.warnings == [
        "Faithfulness could not be computed. Without what is removed the model has nothing left to read. "
        "Write `removal: mask`, or give a longer text."
    ]
    assert [map_.method for map_ in gone.maps] == ["gradient", "occlusion"]


def test_one_token_of_a_causal_model_is_known_to_be_the_first(explain: Explain) -> None:
    (result,) = explain(classify("gpt2-classifier", "The", "methods: occlusion"), debug=False).examples
    assert result.warnings == []
    (drop,) = map_of(result, "occlusion").word_scores["drop"]
    assert drop


def test_a_token_beyond_the_embeddings_is_as_good_as_none(explain: Explain, tmp_path: Path) -> None:
    tiny.save("bert", tmp_path / "bert")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "bert")
    tokenizer.add_tokens([f"new{i}" for i in range(1000)])
    tokenizer.add_special_tokens({"pad_token": "<new>"})
    tokenizer.save_pretrained(tmp_path / "bert")
    text = classify("bert", TEXT, "methods: [integrated_gradients, occlusion], baseline: pad")
    (result,) = explain(text, folder=tmp_path).examples
    assert result.warnings == [
        "Integrated gradients could not be computed. baseline: the tokenizer has no pad token. "
        "Write another baseline, such as mean."
    ]
    assert [map_.method for map_ in result.maps] == ["gradient", "occlusion"]
