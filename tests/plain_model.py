"""F from a model that is run as it stands, without the package's engine: what the figures of a record are held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import tiny
from saliency_report.models import load
from saliency_report.record import Encoding, ExampleResult, Map
from saliency_report.sources import Request
from saliency_report.tasks.generated import token_label

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Plain:
    """A model and its tokenizer; F is the logit of a map's target, minus that of its foil."""

    model: Any
    tokenizer: Any
    pairs: bool

    def logits(self, ids: list[int], result: ExampleResult, points: Tensor | None = None) -> Tensor:
        """The logits (c,) of one row; for n points (n, t, d) in the place of its embeddings, (n, c)."""
        count = 1 if points is None else len(points)
        rows = torch.tensor([ids] * count)
        inputs = {"input_ids": rows, "attention_mask": torch.ones_like(rows)}
        if self.pairs:
            inputs = {name: values[:, None] for name, values in (inputs | self._types(rows, result)).items()}
        embedding = self.model.get_input_embeddings()
        handle = embedding.register_forward_hook(lambda module, args, output: output if points is None else points)
        try:
            logits: Tensor = self.model(**inputs).logits
        finally:
            handle.remove()
        last = logits[:, -1] if result.task == "text-generation" else logits
        return last[0] if points is None else last

    def _types(self, rows: Tensor, result: ExampleResult) -> dict[str, Tensor]:
        """The second sequence of a pair is what follows the first [SEP]."""
        ends = rows == self.tokenizer.sep_token_id
        return {"token_type_ids": ((ends.cumsum(dim=1) - ends.long()) > 0).long()}

    def score(self, result: ExampleResult, map_: Map, edits: Mapping[int, int | None] | None = None) -> float:
        """F with ids in the places of tokens, or with tokens cut out (None)."""
        logits, target = self._edited(result, map_, edits or {}), map_.target
        index = 0 if self.pairs else target.index
        foil = target.foil_index
        return float(logits[index] if foil is None else logits[index] - logits[foil])

    def likeliest(self, result: ExampleResult, map_: Map, edits: Mapping[int, int | None]) -> str:
        """The likeliest label or next token, with ids in the places of tokens."""
        index = int(self._edited(result, map_, edits).argmax())
        if result.task == "text-generation":
            return token_label(self.tokenizer, index)
        return str(self.model.config.id2label[index])

    def _edited(self, result: ExampleResult, map_: Map, edits: Mapping[int, int | None]) -> Tensor:
        tokens = result.encodings[map_.encoding].tokens[: map_.target.position]
        ids = [edits.get(i, token.id) for i, token in enumerate(tokens)]
        with torch.no_grad():
            return self.logits([i for i in ids if i is not None], result)

    def at(self, result: ExampleResult, map_: Map, points: Tensor) -> Tensor:
        """F (n,) at n points (n, t, d)."""
        ids = self.ids(result, map_)
        return self.logits(ids, result, points)[:, 0 if self.pairs else map_.target.index]

    def ids(self, result: ExampleResult, map_: Map) -> list[int]:
        """The ids that F depends on."""
        return [token.id for token in result.encodings[map_.encoding].tokens[: map_.target.position]]

    def embed(self, ids: list[int]) -> Tensor:
        """The rows (t, d) of the embedding matrix."""
        matrix: Tensor = self.model.get_input_embeddings().weight
        return matrix[ids].detach()

    def gradient(self, result: ExampleResult, map_: Map) -> Tensor:
        """∂F/∂x (t, d) at the text."""
        x = self.embed(self.ids(result, map_)).requires_grad_()
        (gradient,) = torch.autograd.grad(self.at(result, map_, x[None])[0], x)
        return gradient


def plain(family: str, families: Path, dtype: str = "float64") -> Plain:
    """A tiny family, or `embedded` for the model of sentiment."""
    task = "text-classification"
    task = "text-generation" if family in tiny.CAUSAL else task
    task = "multiple-choice" if family in tiny.CHOICE else task
    loaded = load(Request(task, family, None, dtype, False, False), CPU, families)
    return Plain(loaded.model, loaded.checkpoint.tokenizer, family in tiny.CHOICE)


def ordinary(encoding: Encoding, count: int) -> list[int]:
    """The words that are not special, of the first `count` tokens."""
    return [i for i, word in enumerate(encoding.words) if not word.special and word.tokens[0] < count]


def map_of(result: ExampleResult, method: str, nth: int = 0) -> Map:
    """The nth map of a method."""
    assert result.failure is None, result.failure
    return [map_ for map_ in result.maps if map_.method == method][nth]


def relative(ours: Tensor, theirs: Tensor) -> float:
    """‖ours − theirs‖ / ‖theirs‖."""
    return float((ours - theirs).norm() / theirs.norm())
