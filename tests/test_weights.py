"""Pickled weights, adapters, few bits, several devices: the right numbers, or a reason and a next step."""

from __future__ import annotations

import importlib.util
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor

from conftest import Explain
from records import measured
from saliency_report.errors import ExampleError
from saliency_report.page import render_page
from saliency_report.record import Report
from saliency_report.sources import Request, identity
from saliency_report.weights import placing

TEXT = "task: text-classification, text: The cat sat on the mat"


def failure(report: Report) -> tuple[str, str]:
    found = report.examples[0].failure
    assert found is not None
    return found.message, found.next_step


@pytest.fixture
def here(families: Path, tmp_path: Path) -> Path:
    """A folder with the tiny BERT."""
    shutil.copytree(families / "bert", tmp_path / "bert")
    return tmp_path


def on(model: Any, config: Any) -> Any:
    """A model with an untrained adapter; peft asks transformers in words of an older version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return peft.get_peft_model(model, config)


def lora(folder: Path, name: str = "adapter", model: str = "bert", **options: Any) -> Path:
    """An adapter of random weights for a model in the folder."""
    base = transformers.AutoModelForSequenceClassification.from_pretrained(folder / model)
    config = peft.LoraConfig(task_type="SEQ_CLS", r=2, lora_alpha=8, target_modules=["query", "value"], **options)
    wrapped = on(base, config)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for key, parameter in wrapped.named_parameters():
            if "lora" in key or "modules_to_save" in key:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    wrapped.save_pretrained(folder / name)
    return folder / name


def pickled(folder: Path) -> None:
    """The weights of the tiny BERT as a .bin file alone."""
    torch.save(load_file(folder / "bert/model.safetensors"), folder / "bert/pytorch_model.bin")
    (folder / "bert/model.safetensors").unlink()


def test_pickled_weights_are_read_where_that_is_allowed_and_named(explain: Explain, here: Path) -> None:
    before = explain(f"- {{{TEXT}, model: bert}}", folder=here).examples[0].maps
    pickled(here)
    assert failure(explain(f"- {{{TEXT}, model: bert}}", folder=here)) == (
        "'bert' has its weights as pickled files (.bin) alone, which can hold code.",
        "Save them as safetensors (`save_pretrained`); or, if you trust whoever made them, write `allow_pickle: true`.",
    )
    report = explain(f"- {{{TEXT}, model: bert, allow_pickle: true}}", folder=here)
    assert report.examples[0].maps == before
    assert report.models[0].pickled
    assert "; read from pickled files" in render_page(report)


def gradients(model: Any, ids: Tensor, index: int) -> tuple[float, Tensor]:
    """F and its slopes from a model as it stands."""
    x = model.get_input_embeddings()(ids).detach().requires_grad_()
    handle = model.get_input_embeddings().register_forward_hook(lambda module, args, output: x)
    try:
        score = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, index]
    finally:
        handle.remove()
    return float(score.detach()), torch.autograd.grad(score, x)[0][0]


def test_an_adapter_goes_on_the_model(explain: Explain, here: Path) -> None:
    adapter = lora(here)
    report = explain(f"- {{{TEXT}, model: bert, adapter: adapter}}", folder=here)
    (result,) = report.examples
    assert result.failure is None
    base = transformers.AutoModelForSequenceClassification.from_pretrained(here / "bert")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        merged: Any = peft.PeftModel.from_pretrained(base, str(adapter)).merge_and_unload()
    ids = torch.tensor([[token.id for token in result.encodings[0].tokens]])
    target = result.maps[0].target
    score, slopes = gradients(merged.eval(), ids, target.index)
    assert target.score == pytest.approx(score, abs=1e-5)
    assert measured(result.maps[0].scores["l2"]) == pytest.approx(slopes.norm(dim=-1).tolist(), rel=1e-4)
    model = report.models[0]
    assert (model.adapter, model.adapter_base) == ("adapter", "bert")
    assert model.random_weights == []
    assert f"; with the adapter adapter, trained on bert, <code>{model.adapter_sha256}</code>" in render_page(report)


def test_an_adapter_can_bring_the_head(explain: Explain, here: Path) -> None:
    lora(here)
    torch.manual_seed(0)
    base = transformers.BertModel.from_pretrained(here / "bert", add_pooling_layer=True)
    base.save_pretrained(here / "headless")
    shutil.copytree(
        here / "bert",
        here / "headless",
        ignore=shutil.ignore_patterns("config.json", "*.safetensors"),
        dirs_exist_ok=True,
    )
    config = json.loads((here / "bert/config.json").read_text(encoding="utf-8"))
    (here / "headless/config.json").write_text(json.dumps(config), encoding="utf-8")
    alone = explain(f"- {{{TEXT}, model: headless}}", folder=here).examples[0].failure
    assert alone is not None
    assert "has no weights for classifier.bias, classifier.weight" in alone.message
    found = explain(f"- {{{TEXT}, model: headless, adapter: adapter}}", folder=here)
    whole = explain(f"- {{{TEXT}, model: bert, adapter: adapter}}", folder=here)
    assert found.examples[0].failure is None
    assert found.models[0].random_weights == []
    assert found.examples[0].maps[0].target.score == pytest.approx(whole.examples[0].maps[0].target.score, abs=1e-6)


def test_what_is_computed_again_depends_on_the_adapter_too(here: Path) -> None:
    def of(adapter: str | None) -> str:
        return identity(Request("text-classification", "bert", None, "float32", False, False, adapter=adapter), here)

    lora(here)
    before = of("adapter")
    assert before != of(None)
    (here / "adapter/adapter_config.json").write_text(
        (here / "adapter/adapter_config.json")
        .read_text(encoding="utf-8")
        .replace('"lora_alpha": 8', '"lora_alpha": 4'),
        encoding="utf-8",
    )
    assert of("adapter") != before


def test_adapters_that_do_not_fit(explain: Explain, here: Path, families: Path) -> None:
    lora(here)
    (here / "empty").mkdir()
    assert failure(explain(f"- {{{TEXT}, model: bert, adapter: empty}}", folder=here)) == (
        "'empty' is not an adapter: it has no adapter_config.json.",
        "Give a folder that `save_pretrained` of peft wrote; a whole model goes under `model`.",
    )
    assert failure(explain(f"- {{{TEXT}, model: bert, adapter: ./none}}", folder=here)) == (
        "There is no folder 'none'.",
        "Paths are looked up from the folder of the input file.",
    )
    # One layer more than the model has: its weights would be left out.
    deep = transformers.BertConfig.from_pretrained(here / "bert", num_hidden_layers=3)
    transformers.BertForSequenceClassification(deep).save_pretrained(here / "deep")
    lora(here, "other", "deep")
    message, step = failure(explain(f"- {{{TEXT}, model: bert, adapter: other}}", folder=here))
    assert message == (
        "The adapter 'other' and the model do not belong together: the model has no place for "
        "base_model.model.bert.encoder.layer.2.attention.self.query.lora_A.weight and 3 more."
    )
    assert step == "Give the model that it was trained on, deep."
    base = transformers.AutoModelForSequenceClassification.from_pretrained(here / "bert")
    prompt: Any = peft.PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=2)
    on(base, prompt).save_pretrained(here / "prompt")
    assert failure(explain(f"- {{{TEXT}, model: bert, adapter: prompt}}", folder=here)) == (
        "The adapter 'prompt' puts learned vectors before the text, which are no words and are not explained.",
        "Use an adapter that changes weights, such as LoRA.",
    )


def test_a_model_spread_by_accelerate_has_the_same_numbers(explain: Explain, here: Path) -> None:
    alone = explain(f"- {{{TEXT}, model: bert}}", folder=here)
    spread = explain(f"- {{{TEXT}, model: bert, device_map: auto}}", folder=here)
    assert spread.examples[0].failure is None
    assert measured(spread.examples[0].maps[0].scores["l2"]) == pytest.approx(
        measured(alone.examples[0].maps[0].scores["l2"]), rel=1e-5
    )
    assert spread.models[0].devices is not None
    assert f"; spread over {spread.models[0].devices}" in render_page(spread)


def test_weights_in_few_bits_that_have_no_gradient_are_refused(explain: Explain, here: Path) -> None:
    cpu = (
        "Weights in 4 bits need a GPU: on a CPU bitsandbytes keeps them in a form without a gradient.",
        "Use --device cuda, or leave `quantise` out.",
    )
    assert failure(explain(f"- {{{TEXT}, model: bert, quantise: 4bit}}", folder=here)) == cpu
    config = json.loads((here / "bert/config.json").read_text(encoding="utf-8"))
    for said, kind in (
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "8 bits"),
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, None),
    ):
        text = json.dumps(config | {"quantization_config": said})
        (here / "bert/config.json").write_text(text, encoding="utf-8")
        expected = (
            f"The weights of 'bert' are quantised ({kind}) in a way whose gradients are not known to be those of its "
            "answers.",
            "Give the checkpoint as it was before, with `quantise: 4bit` where it is too large.",
        )
        assert failure(explain(f"- {{{TEXT}, model: bert}}", folder=here)) == (expected if kind else cpu)


@pytest.mark.parametrize(
    ("field", "package", "what"),
    [
        ("adapter: adapter", "peft", "`adapter`"),
        ("device_map: auto", "accelerate", "`device_map: auto`"),
    ],
)
def test_a_package_that_is_missing(
    explain: Explain, here: Path, monkeypatch: pytest.MonkeyPatch, field: str, package: str, what: str
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == package else real(name, *rest))
    assert failure(explain(f"- {{{TEXT}, model: bert, {field}}}", folder=here)) == (
        f"{what} needs the package {package}, which is not installed.",
        f"Install it: pip install 'saliency-report[{package}]'.",
    )


def test_few_bits_say_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    for package in ("accelerate", "bitsandbytes"):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *rest, p=package: None if name == p else real(name, *rest)
        )
        with pytest.raises(ExampleError) as caught:
            placing(torch.device("cuda"), spread=False, quantised=True)
        assert str(caught.value) == (
            f"`quantise: 4bit` needs the package {package}, which is not installed. Install it: pip install "
            f"'saliency-report[{package}]'."
        )
