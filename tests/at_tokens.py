"""Models that answer at every token, run as they stand: what the maps of a record are held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from records import measured
from saliency_report.record import Direction, ExampleResult
from saliency_report.tasks import TASKS

STEP = 1e-5
Number = Callable[[Tensor], Tensor]  # of logits (n, t, c): (n,)


@dataclass(frozen=True)
class Plain:
    """A model in float64 and its tokenizer, as transformers loads them."""

    model: Any
    tokenizer: Any

    def inputs(self, texts: Sequence[str], edits: Mapping[int, int] | None = None) -> dict[str, Tensor]:
        """What the tokenizer gives, with ids in the places of others."""
        inputs = dict(self.tokenizer(*texts, return_tensors="pt"))
        for place, token in (edits or {}).items():
            inputs["input_ids"][0, place] = token
        return inputs

    def logits(
        self, texts: Sequence[str], points: Tensor | None = None, edits: Mapping[int, int] | None = None
    ) -> Tensor:
        """Logits (n, t, c), of n points (n, t, d) in the place of the embeddings."""
        inputs = self.inputs(texts, edits)
        if points is not None:
            inputs = {name: values.expand(len(points), -1) for name, values in inputs.items()}
        handle = self.model.get_input_embeddings().register_forward_hook(
            lambda module, args, output: output if points is None else points
        )
        try:
            with torch.no_grad():
                output = self.model(**inputs)
        finally:
            handle.remove()
        if "start_logits" in output:
            return torch.stack([output.start_logits, output.end_logits], dim=-1)
        logits: Tensor = output.logits
        return logits

    def embeddings(self, texts: Sequence[str]) -> Tensor:
        """The embeddings (t, d) of the text."""
        with torch.no_grad():
            found: Tensor = self.model.get_input_embeddings()(self.inputs(texts)["input_ids"])[0]
        return found

    def gradient(self, texts: Sequence[str], f: Number) -> Tensor:
        """∂F/∂x (t, d) by central differences in every coordinate."""
        x = self.embeddings(texts)
        steps = STEP * torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape)
        values = f(self.logits(texts, torch.cat([x + steps, x - steps])))
        return ((values[: x.numel()] - values[x.numel() :]) / (2 * STEP)).reshape(x.shape)


def plain(folder: Path, task: str) -> Plain:
    """The model of a folder for a task."""
    auto = getattr(transformers, TASKS[task].AUTO_CLASS)
    model = auto.from_pretrained(folder, dtype=torch.float64).eval()
    return Plain(model, transformers.AutoTokenizer.from_pretrained(folder))


def check(result: ExampleResult, place: int, model: Plain, texts: Sequence[str], f: Number) -> None:
    """A map's F is that of the model, and its scores are those of central differences."""
    map_ = result.maps[place]
    assert [token.id for token in result.encodings[0].tokens] == model.inputs(texts)["input_ids"][0].tolist()
    assert map_.target.score == pytest.approx(float(f(model.logits(texts))), rel=1e-9)
    gradient, x = model.gradient(texts, f), model.embeddings(texts)
    assert float(gradient.norm()) > 1e-3, "a gradient of nothing agrees with anything"
    expected = {"l2": gradient.norm(dim=1), "sum": gradient.sum(dim=1), "gradient_x_input": (gradient * x).sum(dim=1)}
    for name, values in expected.items():
        assert measured(map_.scores[name]) == pytest.approx(values.tolist(), rel=1e-5, abs=1e-8), name


def check_methods(result: ExampleResult, place: int, model: Plain, texts: Sequence[str], f: Number) -> None:
    """Integrated gradients of the same target add up; leaving a word out is the model's own answer without it."""
    target = result.maps[place].target
    like = {m.method: m for m in result.maps if m.target == target}
    sums = like["integrated_gradients"].completeness
    assert sums is not None
    assert sums.verdict == "pass"
    assert sums.score == pytest.approx(target.score, rel=1e-9)
    mask = model.tokenizer.mask_token_id
    tokens = [i for i, token in enumerate(result.encodings[0].tokens) if i not in sums.kept]
    baseline = model.embeddings(texts)
    baseline[tokens] = model.model.get_input_embeddings().weight[mask].detach()
    assert sums.baseline_score == pytest.approx(float(f(model.logits(texts, baseline[None]))), rel=1e-9)
    drops = like["occlusion"].word_scores["drop"]
    words = result.encodings[0].words
    assert any(drop is not None for drop in drops)
    for word, drop in zip(words, drops, strict=True):
        assert (drop is None) == word.special
        if drop is not None:
            without = float(f(model.logits(texts, edits=dict.fromkeys(word.tokens, mask))))
            assert drop == pytest.approx(target.score - without, rel=1e-7, abs=1e-9)


def check_evidence(
    result: ExampleResult, model: Plain, texts: Sequence[str], f: Number, rel: float = 1e-6
) -> Direction:
    """All evidence is there, and each flip is the model's own answer to the other token."""
    evidence = result.evidence
    assert evidence is not None
    assert evidence.faithfulness is not None
    assert evidence.layers is not None
    assert evidence.randomisation is not None
    assert evidence.direction is not None
    for flip in evidence.direction.flips:
        after = float(f(model.logits(texts, edits={flip.position: flip.new_id})))
        assert flip.actual == pytest.approx(after - result.maps[0].target.score, rel=rel, abs=1e-9)
    return evidence.direction
