"""A model that Python code holds: its numbers are those of its files, and afterwards it is as it was."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMultipleChoice, AutoTokenizer
from transformers import AutoModelForSequenceClassification as Classifier

import tiny
from explaining import check_alike, only
from saliency_report.api import explain
from saliency_report.errors import InputError
from small_configs import tiny_config

TEXT: dict[str, Any] = {"task": "text-classification", "text": "The cat sat on the mat."}
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "bert": (Classifier, TEXT),
    "gpt2": (AutoModelForCausalLM, {"task": "text-generation", "prompt": "The cat", "max_new_tokens": 3}),
    "bert-choice": (
        AutoModelForMultipleChoice,
        {"task": "multiple-choice", "question": "Who sat?", "choices": ["the cat", "Paris"]},
    ),
    "bert-encoder": (AutoModel, {"task": "sentence-similarity", "text": "The cat", "text_pair": "a movie"}),
}


def held(family: str, folder: Path, auto: Any = Classifier) -> tuple[Any, Any]:
    place = tiny.save(family.removesuffix("-encoder"), folder / family)
    model = auto.from_pretrained(place, dtype=torch.float64)
    return model, AutoTokenizer.from_pretrained(place)


@pytest.mark.parametrize("family", CASES)
def test_its_numbers_are_those_of_its_files(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    auto, fields = CASES[family]
    model, tokenizer = held(family, tmp_path, auto)
    theirs = only(explain(**fields, model=f"./{family}", dtype="float64"))
    report = explain(**fields, model=model, tokenizer=tokenizer)
    ours = only(report)
    assert ours.prediction == theirs.prediction
    for one, other in zip(ours.maps, theirs.maps, strict=True):
        check_alike(one, other)
    (info,) = report.models
    assert (info.name, info.source, info.dtype, info.weights_sha256) == (family, "given", "float64", None)


@pytest.mark.parametrize("family", CASES)
def test_afterwards_it_is_as_it_was(family: str, tmp_path: Path) -> None:
    auto, fields = CASES[family]
    model, tokenizer = held(family, tmp_path, auto)
    model.train()
    model.base_model.eval()
    frozen = next(model.parameters()).requires_grad_(False)
    model.config.use_cache = True

    def state() -> list[Any]:
        hooks = [len(module._forward_hooks) for module in model.modules()]
        flags = [module.training for module in model.modules()]
        slopes = [parameter.requires_grad for parameter in model.parameters()]
        return [hooks, flags, slopes, model.config.use_cache, model.config._attn_implementation]

    before, weight = state(), frozen.clone()
    only(explain(**fields, model=model, tokenizer=tokenizer))
    assert state() == before
    assert torch.equal(frozen, weight)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_an_adapter_stays_on_it(tmp_path: Path) -> None:
    model, tokenizer = held("bert", tmp_path)
    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers in words of an older version
        adapted = get_peft_model(model, LoraConfig(target_modules=["query"], init_lora_weights=False)).eval()
    report = explain(**TEXT, model=adapted, tokenizer=tokenizer)
    with torch.no_grad():
        expected = adapted(**tokenizer(TEXT["text"], return_tensors="pt")).logits[0].tolist()
    prediction = only(report).prediction
    assert prediction
    assert [outcome.logit for outcome in prediction.outcomes] == pytest.approx(expected, rel=1e-12)
    assert report.models[0].adapter == "default"


def test_the_examples_that_name_another_model_have_that(tmp_path: Path) -> None:
    model, tokenizer = held("bert", tmp_path)
    report = explain([TEXT, {**TEXT, "model": "embedded"}], model=model, tokenizer=tokenizer)
    assert [info.name for info in report.models] == ["bert", "embedded sentiment"]


def test_another_head_is_refused(tmp_path: Path) -> None:
    model, tokenizer = held("gpt2", tmp_path, AutoModelForCausalLM)
    (result,) = explain(**TEXT, model=model, tokenizer=tokenizer).examples
    assert result.failure
    said = "text-classification needs a model of AutoModelForSequenceClassification, and this is a GPT2LMHeadModel."
    assert result.failure.message == said
    assert result.failure.next_step == "Load it with AutoModelForSequenceClassification."


def test_an_encoder_with_a_decoder_gives_no_vector_of_a_text() -> None:
    model = AutoModel.from_config(tiny_config("bart"))
    (result,) = explain(**CASES["bert-encoder"][1], model=model, tokenizer=tiny.wordpiece()).examples
    assert result.failure
    said = "The model has an encoder and a decoder; it is not clear which makes the vector of a text."
    assert result.failure.message == said


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("model",), "A model in memory needs its tokenizer."),
        (("model", "tokenizer", "device"), "A model in memory has its device and dtype."),
        (("tokenizer",), "The tokenizer is that of a model in memory."),
    ],
)
def test_what_does_not_go_together_is_said(given: tuple[str, ...], message: str) -> None:
    known: dict[str, Any] = {"model": torch.nn.Identity(), "tokenizer": object(), "device": "cpu"}
    with pytest.raises(InputError) as caught:
        explain(**TEXT, **{name: known[name] for name in given})
    assert caught.value.message == message
