"""Where `inputs_embeds`, or padding on the left, is silently another model: the engine explains the right one.

Each test shows first that the trap is there: without that it would prove nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    Gemma3nForCausalLM,
    GPT2LMHeadModel,
    LlamaForSequenceClassification,
    MarianMTModel,
)

from conftest import Explain
from saliency_report import engine
from saliency_report.engine import Job
from saliency_report.engine.lookups import looked_up
from saliency_report.models import Loaded
from saliency_report.packing import Company
from saliency_report.tasks.encoding import Row
from saliency_report.tasks.target import TargetFunction
from saliency_report.worker import company_of
from small_configs import tiny_config
from sweeping import as_loaded
from tiny import VOCABULARY, byte_level

SHORT, LONG = [12, 30, 7, 25], [9, 17, 33, 21, 40, 14, 28]
PAD = 1


def opened(model: Any, task: str) -> Loaded:
    """A model with random weights large enough that its logits differ from text to text."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.double().parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.3)
    return as_loaded(model, "tiny", task)


def tiny(model_type: str, architecture: Any, task: str, **fields: Any) -> Loaded:
    """An architecture with everything small, and some fields as a trap needs them."""
    config = tiny_config(model_type)
    for name, value in fields.items():
        setattr(config, name, value)
    return opened(architecture(config), task)


def differ(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


def batch_is_alone(loaded: Loaded, texts: list[TargetFunction]) -> None:
    values, gradients = engine.evaluate(loaded, [Job(text) for text in texts], gradient=True)
    for text, value, gradient in zip(texts, values, gradients, strict=True):
        alone, (own,) = engine.evaluate(loaded, [Job(text)], gradient=True)
        assert differ(value, alone[0]) < 1e-12
        assert differ(gradient, own) < 1e-12


def test_the_scale_of_marians_embeddings() -> None:
    loaded = tiny("marian", MarianMTModel, "text-generation", scale_embedding=True)
    model: Any = loaded.model
    row = Row([*LONG, model.config.eos_token_id, model.config.decoder_start_token_id, 11, 23], prefix=3)
    inputs = engine.collate([row], loaded)
    given = {name: value for name, value in inputs.items() if name != "input_ids"}
    table = model.get_input_embeddings()
    with torch.no_grad():
        plain = model(**inputs).logits
        trapped = model(inputs_embeds=table(inputs["input_ids"]), **given).logits
    assert differ(trapped, plain) > 0.05, "inputs_embeds are not scaled"

    assert engine.check_equivalence(loaded, [row]) < 1e-14
    function = TargetFunction([row], [range(len(row))], lambda logits: logits[:, 0, 5], [len(row)])
    x = looked_up(model, inputs)[0]
    _, (gradient,) = engine.evaluate(loaded, [Job(function)], gradient=True)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    above, below = (
        float(engine.evaluate(loaded, [Job(function, x + step * direction)], gradient=False)[0])
        for step in (1e-6, -1e-6)
    )
    assert float((gradient * direction).sum()) == pytest.approx((above - below) / 2e-6, rel=1e-6)
    assert bool(gradient.norm(dim=1).gt(1e-6).all()), "source and target prefix both have gradients"


def test_a_llama_that_classifies_texts_padded_on_the_right() -> None:
    loaded = tiny("llama", LlamaForSequenceClassification, "text-classification", pad_token_id=PAD)
    model: Any = loaded.model
    rows = [Row(SHORT), Row(LONG)]
    inputs = engine.collate(rows, loaded)
    with torch.no_grad():
        alone = model(**engine.collate(rows[:1], loaded)).logits[0]
        embeds = model.get_input_embeddings()(inputs["input_ids"])
        trapped = model(inputs_embeds=embeds, attention_mask=inputs["attention_mask"]).logits[0]
    assert differ(trapped, alone) > 0.05, "without ids the last position is pooled, which is padding"

    company: Company = company_of(loaded, rows, None)
    assert company == "with any"
    batch_is_alone(loaded, [TargetFunction([row], [range(len(row))], lambda z: z[:, 0, 1]) for row in rows])


def test_a_gpt2_would_move_its_positions_with_padding_on_the_left() -> None:
    loaded = tiny("gpt2", GPT2LMHeadModel, "text-generation", pad_token_id=PAD)
    model: Any = loaded.model
    rows = [Row(SHORT), Row(LONG)]
    more = len(LONG) - len(SHORT)
    ids = torch.tensor([[PAD] * more + SHORT, LONG])
    mask = torch.tensor([[0] * more + [1] * len(SHORT), [1] * len(LONG)])
    with torch.no_grad():
        alone = model(**engine.collate(rows[:1], loaded)).logits[0, -1]
        trapped = model(input_ids=ids, attention_mask=mask).logits[0, -1]
    assert differ(trapped, alone) > 0.05, "the text's first token is not at position 0"

    inputs = engine.collate(rows, loaded)
    assert inputs["input_ids"][0, : len(SHORT)].tolist() == SHORT
    ends = [TargetFunction([row], [range(len(row))], lambda z: z[:, 0, 5], [len(row)]) for row in rows]
    batch_is_alone(loaded, ends)


def test_a_second_table_that_no_map_shows_is_said(explain: Explain, tmp_path: Path) -> None:
    config: Any = tiny_config("gemma3n_text")
    config.vocab_size = config.vocab_size_per_layer_input = VOCABULARY
    model = Gemma3nForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(4)) * 0.1)
    model.save_pretrained(tmp_path / "gemma")
    byte_level(bos=True).save_pretrained(tmp_path / "gemma")
    text = "- {task: text-generation, model: ./gemma, prompt: The cat sat, continuation: ' on'}"
    (result,) = explain(text, folder=tmp_path).examples
    assert result.failure is None
    assert result.warnings == [
        "This model looks each word up in a second place too. The maps show what a word does through its word "
        "embedding alone; what it does besides is not in them."
    ]
    (other,) = explain("- {task: text-generation, model: llama, prompt: The cat sat, continuation: ' on'}").examples
    assert other.warnings == []


def test_a_classifier_whose_decoder_reads_the_text_again(explain: Explain, tmp_path: Path) -> None:
    config: Any = BartConfig(
        vocab_size=VOCABULARY,
        d_model=16,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=64,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=None,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
    )
    loaded = opened(BartForSequenceClassification(config), "text-classification")
    row = Row([0, *LONG, 2])
    function = TargetFunction([row], [range(len(row))], lambda logits: logits[:, 0, 1])
    _, (whole,) = engine.evaluate(loaded, [Job(function)], gradient=True)
    model: Any = loaded.model
    leaves: list[Tensor] = []

    def first_only(module: Any, args: Any, output: Tensor) -> Tensor:
        leaves.append(output.detach().requires_grad_())
        return leaves[-1]

    handle = model.model.encoder.embed_tokens.register_forward_hook(first_only)
    logit = model(**engine.collate([row], loaded)).logits[0, 1]
    handle.remove()
    (part,) = torch.autograd.grad(logit, leaves[0])
    assert differ(part[0], whole) > 0.05, "the encoder's lookup alone is a part of what a word does"

    model.float().save_pretrained(tmp_path / "bart")
    byte_level(roberta=True).save_pretrained(tmp_path / "bart")
    asked = "methods: [integrated_gradients, smoothgrad, occlusion], faithfulness: true"
    text = f"- {{task: text-classification, model: ./bart, text: The cat sat on the bad mat., {asked}}}"
    (result,) = explain(text, folder=tmp_path, dtype="float64").examples
    assert result.failure is None
    assert result.warnings == []
    (sums,) = (one.completeness for one in result.maps if one.method == "integrated_gradients")
    assert sums is not None
    assert sums.verdict == "pass"
    assert result.evidence is not None
