"""How the vectors of a text's tokens become one: as the example says, or else as sentence-transformers does it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers.utils.hub import cached_file

from saliency_report.errors import ExampleError

# Modes by sentence-transformers' own names, which are the input's too, but for two that no one would guess.
IN_WORDS = {
    "mean": "the mean of its tokens’",
    "cls": "that of its first token",
    "max": "the maximum over its tokens’",
    "last": "that of its last token",
    "mean_sqrt_len_tokens": "the sum of its tokens’ over the root of their number",
    "weightedmean": "the mean of its tokens’, the nth weighing n",
}
_NAMES = {"lasttoken": "last", "weightedmean_tokens": "weightedmean", "cls_token": "cls"}
_LEGACY = re.compile(r"pooling_mode_(\w+?)(?:_tokens|_token)?$")
_SETTINGS = ("sentence_bert", "sentence_roberta", "sentence_distilbert", "sentence_xlm-roberta", "sentence_albert")
HAND = "Name the pooling yourself: `pooling: mean`, cls, max or last."


@dataclass(frozen=True)
class Pooling:
    """The modes, whose vectors are put one after the other; and what sentence-transformers does to texts before."""

    modes: tuple[str, ...] = ("mean",)
    limit: int | None = None  # it reads so many tokens and cuts off the rest
    lower: bool = False
    prompt: str = ""  # which it puts before every text

    @property
    def in_words(self) -> str:
        """What the vector of a text is."""
        return " beside ".join(IN_WORDS[mode] for mode in self.modes)

    def __call__(self, states: Tensor, mask: Tensor) -> Tensor:
        """Vectors (n, d) of the texts whose tokens have the states (n, t, d), with a mask (n, t) of ones and zeros."""
        states = states if states.dtype == torch.float64 else states.float()
        weights, rows = mask[..., None].to(states), torch.arange(len(states), device=states.device)
        places = torch.arange(1, states.shape[1] + 1, device=states.device, dtype=states.dtype)[:, None]
        found = []
        for mode in self.modes:
            if mode == "max":
                found.append(states.masked_fill(weights == 0, -torch.inf).amax(dim=1))
            elif mode in ("cls", "last"):
                found.append(states[rows, 0 if mode == "cls" else mask.sum(dim=1) - 1])
            else:
                of_each = weights * places if mode == "weightedmean" else weights
                total = of_each.sum(dim=1)
                found.append((states * of_each).sum(dim=1) / (total.sqrt() if "sqrt" in mode else total))
        return torch.cat(found, dim=-1)


def read_pooling(place: str, asked: str | None, options: dict[str, Any]) -> Pooling:
    """The pooling of a folder or a Hub repository: that which is asked for, or else what its files say, or the mean.

    Raises:
        ExampleError: the files name something that is not known here, so that the number would be another.
    """
    options = {name: value for name, value in options.items() if name in ("revision", "local_files_only")}
    modules = _read(place, "modules.json", options)
    if not isinstance(modules, list):
        return Pooling((asked or "mean",))
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
    unknown = [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]
    if unknown or kinds[:1] != ["Transformer"] or str(modules[0].get("path", "")):
        what = unknown[0] if unknown else "Transformer in a folder of its own"
        raise ExampleError(
            f"The checkpoint has a part that is not explained yet: {what}, by its modules.json.",
            "Use a model of a transformer and its pooling alone, such as sentence-transformers/all-MiniLM-L6-v2.",
        )
    settings: dict[str, Any] = next(filter(None, (_read(place, f"{s}_config.json", options) for s in _SETTINGS)), {})
    general: dict[str, Any] = _read(place, "config_sentence_transformers.json", options) or {}
    prompts = general.get("prompts") or {}
    limit, prompt = settings.get("max_seq_length"), prompts.get(general.get("default_prompt_name") or "", "")
    found = (asked,) if asked else _modes(place, modules, kinds, options)
    return Pooling(found, limit if isinstance(limit, int) else None, bool(settings.get("do_lower_case")), str(prompt))


def attach(model: nn.Module, pooling: Pooling) -> RemovableHandle:
    """Let a model answer with the vectors of its texts, where another has logits; removing the handle ends that."""

    def pool(module: nn.Module, args: tuple[Any, ...], inputs: dict[str, Any], output: Any) -> None:
        states = getattr(output, "last_hidden_state", None)
        if states is None or states.dim() != 3:
            raise ExampleError(
                "The model gives no vectors of its tokens.", "Use an encoder, such as one of BERT's kin."
            )
        mask = inputs.get("attention_mask")
        output.logits = pooling(states, torch.ones_like(states[..., 0]).long() if mask is None else mask)

    return model.register_forward_hook(pool, with_kwargs=True)


def _modes(place: str, modules: list[Any], kinds: list[str], options: dict[str, Any]) -> tuple[str, ...]:
    """The modes that the folder of the pooling names."""
    if "Pooling" not in kinds:
        raise ExampleError("The checkpoint's modules.json names no pooling.", HAND)
    folder = str(modules[kinds.index("Pooling")].get("path", ""))
    config = _read(place, f"{folder}/config.json", options) if re.fullmatch(r"[\w.-]+", folder) else None
    if not isinstance(config, dict):
        raise ExampleError("The checkpoint says that it pools, and not how: its pooling has no config.json.", HAND)
    named = config.get("pooling_mode")
    if named is None:  # as it was written before 2026: a switch for each mode
        switched = [match[1] for key, on in config.items() if on and (match := _LEGACY.match(key))]
        named = ["mean_sqrt_len_tokens" if mode == "mean_sqrt_len" else mode for mode in switched]
    modes = [_NAMES.get(str(mode), str(mode)) for mode in ([named] if isinstance(named, str) else named)]
    for mode in modes:
        if mode not in IN_WORDS:
            raise ExampleError(f"The checkpoint's pooling has the mode {mode!r}, which is not known here.", HAND)
    return tuple(modes) or ("mean",)


def _read(place: str, name: str, options: dict[str, Any]) -> Any:
    """A JSON file of the checkpoint; None where there is none."""
    path = cached_file(place, name, _raise_exceptions_for_missing_entries=False, **options)
    try:
        return None if path is None else json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ExampleError(f"The checkpoint's {name} cannot be read.", "Get the checkpoint again.") from error
