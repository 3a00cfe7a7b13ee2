"""What is known of an example before other methods and evidence are computed: its maps, its F, which words may go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from saliency_report import engine
from saliency_report.baselines import baseline
from saliency_report.errors import ExampleError
from saliency_report.methods import Method, Options
from saliency_report.models import Loaded
from saliency_report.record import Encoding, ExampleResult, Map
from saliency_report.spec import Example
from saliency_report.tasks.target import CONTEXT, Edits, TargetFunction

# A chat template's own text, and an answer whose tokens F is of.
NOT_ORDINARY = ("template", "answer")


@dataclass
class Facts:
    """What the examples of one model share."""

    loaded: Loaded
    causal: bool

    @cached_property
    def vocabulary(self) -> Tensor:
        """The embeddings (v, d) of all ids, on the CPU: a GPU's memory is for the model."""
        return engine.embed(self.loaded, range(self.loaded.vocabulary)).cpu()

    def id(self, name: str) -> int | None:
        """The id of the pad, mask, eos or bos token, where the tokenizer has one and the model an embedding for it."""
        found: int | None = getattr(self.loaded.checkpoint.tokenizer, f"{name}_token_id", None)
        return found if found is not None and found < self.loaded.vocabulary else None

    @property
    def beginning(self) -> int | None:
        """What can stand at the beginning of a text when its first token goes."""
        return self.id("eos") if self.id("bos") is None else self.id("bos")


@dataclass(frozen=True)
class Subject:
    """An explained example, F of each of its maps, and its model; `failure` puts an error into words."""

    example: Example
    result: ExampleResult
    functions: Sequence[TargetFunction]
    facts: Facts
    methods: Mapping[str, Method]
    asked: Sequence[str]
    failure: Callable[[Exception], ExampleError]
    known: dict[int, tuple[float, Tensor]] = field(default_factory=dict)  # F and its gradient at the text, a map each
    memory: dict[str, Tensor] = field(default_factory=dict)  # what the methods of the target at hand share

    @property
    def headline(self) -> Map:
        """The map that the evidence is about."""
        return self.result.maps[self.result.headline]

    @property
    def options(self) -> Options:
        """The example's settings of its methods."""
        e = self.example
        return Options(e.steps, e.max_steps, e.samples, e.noise, e.seed)

    def encoding(self, map_: Map) -> Encoding:
        """The tokens and words of a map."""
        return self.result.encodings[map_.encoding]

    def embeddings(self, index: int) -> Tensor:
        """The embeddings (t, d) of the tokens of F of a map."""
        function = self.functions[index]
        # What F knows nothing of is as what it knows: the range of the embeddings is that of its own tokens.
        ids = [function.rows[0].ids[0]] * function.length
        for row, place in zip(function.rows, function.places, strict=True):
            for token, id in zip(place, row.ids, strict=True):
                if token != CONTEXT:
                    ids[token] = id
        return engine.embed(self.facts.loaded, ids)

    def words(self, map_: Map) -> list[int]:
        """Indices of the ordinary words that a map scores: no special token, no chat template, no explained token."""
        encoding, target = self.encoding(map_), map_.target
        end = len(encoding.tokens) if target.position is None else target.position
        end = end if target.first is None else target.first
        return [
            i
            for i, word in enumerate(encoding.words[: len(map_.word_scores[map_.first_score])])
            if not word.special
            and word.segment is not None
            and map_.word_scores[map_.first_score][i] is not None
            and encoding.segments[word.segment].name not in NOT_ORDINARY
            and (target.first is None or word.tokens[-1] < end)
            and self._can_go(word.tokens[0])
            # F is read there.
            and not (self._deletes and not {*target.at, *target.foil_at}.isdisjoint(word.tokens))
        ]

    @property
    def removal(self) -> Literal["mask", "delete"]:
        """How words are removed: by the mask token in their place, or by cutting their ids out.

        Raises:
            ExampleError: the mask token is asked for and there is none.
        """
        if self._deletes:
            return "delete"
        if self.facts.id("mask") is None:
            raise ExampleError("removal: the tokenizer has no mask token.", "Write `removal: delete`, or leave it out.")
        return "mask"

    @property
    def _deletes(self) -> bool:
        wanted = self.example.removal
        return wanted == "delete" or (wanted == "auto" and self.facts.id("mask") is None)

    def without(self, map_: Map, words: Sequence[int]) -> Edits:
        """The edits that remove words of a map."""
        target = map_.target
        end = target.position if target.position is not None else len(self.encoding(map_).tokens)
        tokens = [token for word in words for token in self.encoding(map_).words[word].tokens if token < end]
        return self.without_tokens(tokens)

    def without_tokens(self, tokens: Sequence[int]) -> Edits:
        """The edits that remove tokens."""
        if self.removal == "mask":
            return dict.fromkeys(tokens, self.facts.id("mask"))
        # A causal model needs a first token to say anything: the beginning of a text stands in for it.
        return {token: self.facts.beginning if self._begins(token) else None for token in tokens}

    def _can_go(self, token: int) -> bool:
        """The first token of a causal model cannot go where nothing can stand in for it."""
        return not (self._deletes and self._begins(token)) or self.facts.beginning is not None

    def _begins(self, token: int) -> bool:
        """Whether a token is the first that a causal model reads, of a text or of one of two."""
        return self.facts.causal and any(place[0] == token for place in self.functions[self.result.headline].places)

    def kept(self, map_: Map) -> list[int]:
        """Indices of the tokens that stay in a baseline: special ones, a causal model's first, a chat template's."""
        if not self.example.keep_special:
            return []
        encoding = self.encoding(map_)
        return [i for i in measured_tokens(map_) if not self.is_ordinary(encoding, i) or self._begins(i)]

    def is_ordinary(self, encoding: Encoding, token: int) -> bool:
        """Whether a token is of the user's own words: not special, not of a chat template."""
        found = encoding.tokens[token]
        segment = found.segment
        return not found.special and segment is not None and encoding.segments[segment].name not in NOT_ORDINARY

    def baseline(self, map_: Map, x: Tensor) -> tuple[str, Tensor]:
        """The name of the example's baseline and the baseline (t, d) itself.

        Raises:
            ExampleError: the tokenizer lacks the token, or a given text has no tokens or too many.
        """
        wanted, kept = self.example.baseline, self.kept(map_)
        if isinstance(wanted, dict):
            return self._of_text(wanted["text"], sorted({*measured_tokens(map_)}.difference(kept)), x)
        name = default_baseline(self.facts.id("mask") is not None) if wanted == "auto" else wanted
        if name == "zero":
            return name, baseline(x, kept, torch.zeros_like(x[0]))
        if name == "mean":
            return name, baseline(x, kept, self.facts.vocabulary.mean(dim=0))
        token = self.facts.id(name)
        if token is None:
            raise ExampleError(f"baseline: the tokenizer has no {name} token.", "Write another baseline, such as mean.")
        return name, baseline(x, kept, engine.embed(self.facts.loaded, [token])[0])

    def _of_text(self, text: str, free: Sequence[int], x: Tensor) -> tuple[str, Tensor]:
        tokenizer: Any = self.facts.loaded.checkpoint.tokenizer
        ids = tokenizer(text, add_special_tokens=False).input_ids
        if not ids:
            raise ExampleError(f"baseline: the text {text!r} has no tokens.", "Give a text of words.")
        if len(ids) > len(free):
            raise ExampleError(
                f"baseline: the text has {len(ids)} tokens, there are {len(free)} to put it in the place of.",
                "Give a text that is no longer than the example's; a shorter one is repeated.",
            )
        fill = x.clone()
        if free:
            fill[list(free)] = engine.embed(self.facts.loaded, [ids[i % len(ids)] for i in range(len(free))])
        return "text", fill


def measured_tokens(map_: Map) -> list[int]:
    """Indices of the tokens that a map has scores of: of the gradient's map, those that F knows of."""
    return [i for i, score in enumerate(map_.scores[map_.first_score]) if score is not None]


def default_baseline(has_mask: bool) -> str:
    """What `auto` is: the mask token where there is one, else the mean embedding."""
    return "mask" if has_mask else "mean"
