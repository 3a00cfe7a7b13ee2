"""Text from text: source and what was written before are both attributed, and each number is the model's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from click.testing import CliRunner
from torch import Tensor

import tiny
from conftest import Explain
from explaining import check_functions, opened
from plain_model import CPU, map_of
from records import measured
from saliency_report.cli import main
from saliency_report.models import load
from saliency_report.record import ExampleResult, Map, from_json
from saliency_report.sources import Request
from test_engine import Float64

pytest_plugins = ["browsing"]  # the fixture `visit`

IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "vocab_size": tiny.VOCABULARY}
SIDES = {
    f"{side}_{name}": value
    for side in ("encoder", "decoder")
    for name, value in (("layers", 2), ("attention_heads", 2), ("ffn_dim", 32))
}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "t5": (
        "T5ForConditionalGeneration",
        {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 1}
        | {"feed_forward_proj": "gated-gelu"},  # a difference quotient cannot cross the kinks of a ReLU
    ),
    "bart": (
        "BartForConditionalGeneration",
        {"d_model": 16, **SIDES, "decoder_start_token_id": 2, "max_position_embeddings": 64},
    ),
    "marian": (
        "MarianMTModel",
        {
            "d_model": 16,
            **SIDES,
            "decoder_start_token_id": 1,
            "max_position_embeddings": 64,
            "scale_embedding": True,
            "decoder_vocab_size": tiny.VOCABULARY,
        },
    ),
}
COMMON = "task: text2text-generation, text: The cat sat on the bad movie"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny encoder-decoder models; BART forces a token behind the first one of its decoder."""
    made = tmp_path_factory.mktemp("seq2seq")
    for family, (name, options) in FAMILIES.items():
        architecture = getattr(transformers, name)
        generator = torch.Generator().manual_seed(7)
        model = architecture(architecture.config_class(**IDS, **options))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() > 1:
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        model.generation_config.eos_token_id = None
        model.generation_config.forced_bos_token_id = 0 if family == "bart" else None
        model.generation_config.forced_eos_token_id = None
        model.save_pretrained(made / family)
        tiny.byte_level(roberta=True).save_pretrained(made / family)
    return made


Write = Callable[..., ExampleResult]


@pytest.fixture
def write(explain: Explain, folder: Path) -> Write:
    """Explain what a tiny model writes."""

    def run(family: str, more: str = "max_new_tokens: 3", dtype: str = "float64", **options: Any) -> ExampleResult:
        text = f"- {{{COMMON}, model: {family}, {more}}}"
        with Float64():
            (result,) = explain(text, folder=folder, dtype=dtype, **options).examples
        return result

    return run


class Hand:
    """A model that is run as it stands, with what is added to what its encoder and its decoder look up."""

    def __init__(self, folder: Path, family: str) -> None:
        self.model: Any = load(
            Request("text2text-generation", family, None, "float64", False, False), CPU, folder
        ).model

    def logits(self, source: list[int], prefix: list[int], moved: Tensor | None = None) -> Tensor:
        """The logits (k, v) at the places of the prefix; `moved` (t, d) is added to the embeddings of both."""
        handles = []
        for part, rows in (
            (self.model.get_encoder(), slice(0, len(source))),
            (self.model.get_decoder(), slice(len(source), None)),
        ):
            own = 0.0 if moved is None else moved[rows]
            handles.append(part.register_forward_pre_hook(self._adding(part, own), with_kwargs=True))
        try:
            with torch.no_grad(), Float64():
                output = self.model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([prefix]))
        finally:
            for handle in handles:
                handle.remove()
        logits: Tensor = output.logits[0]
        return logits

    def _adding(self, part: Any, own: Tensor | float) -> Any:
        table = part.embed_tokens

        def begin(module: Any, args: Any, inputs: Any) -> None:
            def once(embedding: Any, given: Any, output: Tensor) -> Tensor:
                handle.remove()  # the next lookup is the other side's: they may share a table
                return output + own

            handle = table.register_forward_hook(once)

        return begin


def parts(result: ExampleResult, map_: Map) -> tuple[list[int], list[int]]:
    """The ids of the source and of the decoder, of those before the explained token."""
    tokens = result.encodings[0].tokens
    source = max(i for i, token in enumerate(tokens) if token.segment == 0) + 2  # </s> after it
    ids = [token.id for token in tokens[: map_.target.position]]
    return ids[:source], ids[source:]


@pytest.mark.parametrize("family", [*FAMILIES])
def test_each_token_is_central_differences_of_source_and_prefix(family: str, write: Write, folder: Path) -> None:
    result, hand = write(family), Hand(folder, family)
    assert result.failure is None
    assert len(result.maps) == 3
    for map_ in result.maps:
        source, prefix = parts(result, map_)
        assert prefix[: 2 if family == "bart" else 1] == {"t5": [1], "bart": [2, 0], "marian": [1]}[family]
        logits = hand.logits(source, prefix)[-1]
        assert int(logits.argmax()) == map_.target.index, "the likeliest token was written"
        assert map_.target.score == pytest.approx(float(logits.max()), rel=1e-9)
        scores = measured(map_.scores["sum"])
        assert len(scores) == len(source) + len(prefix)
        step = torch.zeros(len(scores), 16, dtype=torch.float64)
        for token in range(len(scores)):
            step[token] = 1e-5
            up, down = (float(hand.logits(source, prefix, sign * step)[-1, map_.target.index]) for sign in (1, -1))
            step[token] = 0
            assert scores[token] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("family", [*FAMILIES])
@pytest.mark.parametrize(
    "more", ["continuation: cat sat, target: whole", "continuation: cat sat, foil: bad", "continuation: cat"]
)
def test_functions_give_f_again_and_its_gradient(family: str, more: str, folder: Path) -> None:
    with Float64():
        check_functions(opened(f"- {{{COMMON}, model: {family}, {more}}}", folder))


def test_few_tokens_at_once_give_the_numbers_of_all_at_once(write: Write) -> None:
    together, apart = write("marian", dtype="float32"), write("marian", dtype="float32", budget=1)
    for one, other in zip(together.maps, apart.maps, strict=True):
        assert measured(one.scores["l2"]) == pytest.approx(measured(other.scores["l2"]), rel=1e-4, abs=1e-6)


def test_source_and_prefix_are_texts_of_their_own(write: Write) -> None:
    (encoding,) = write("bart", "continuation: ' cat sat'").encodings
    assert [(s.name, s.text) for s in encoding.segments] == [
        ("source", "The cat sat on the bad movie"),
        ("continuation", " cat sat"),
    ]
    special = [(token.text, token.segment, token.start) for token in encoding.tokens if token.special]
    # What the decoder begins with stands before what is written.
    assert special == [("<s>", None, None), ("</s>", None, None), ("</s>", 1, 0), ("<s>", 1, 0)]


@pytest.mark.parametrize("family", [*FAMILIES])
def test_methods_and_evidence(family: str, write: Write, folder: Path) -> None:
    result = write(
        family,
        "continuation: cat, target: 0, methods: [integrated_gradients, occlusion], faithfulness: true, "
        "max_steps: 8192, rationale: [cat], assert: [{max_share: {'/cat/': 1}}, {top_words: {include: [cat], k: 5}}]",
    )
    assert result.warnings == []
    marked = result.maps[0].plausibility
    assert marked is not None
    assert marked.k == 1
    share, strongest = result.assertions
    assert share.found.endswith(" on cat")
    assert "cat: place " in strongest.found
    integrated, occluded = map_of(result, "integrated_gradients"), map_of(result, "occlusion")
    assert integrated.completeness is not None
    assert integrated.completeness.verdict == "pass"
    source, prefix = parts(result, occluded)
    encoding, hand = result.encodings[0], Hand(folder, family)
    word = next(i for i, w in enumerate(encoding.words) if w.segment == 0 and not w.special)
    cut = [id for i, id in enumerate(source) if i not in encoding.words[word].tokens]
    without = float(hand.logits(cut, prefix)[-1, occluded.target.index])
    assert occluded.word_scores["drop"][word] == pytest.approx(occluded.target.score - without, rel=1e-7, abs=1e-9)


def test_the_command_and_the_page(folder: Path, visit: Any) -> None:
    (folder / "in.yaml").write_text(f"- {{{COMMON}, model: t5, max_new_tokens: 3}}\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(folder / "in.yaml"), "-o", str(folder / "r.html"), "--json"])
    assert done.exit_code == 0, done.output
    assert "The cat sat on the bad movie / " in done.output
    found = visit(from_json((folder / "r.json").read_text(encoding="utf-8"), "r.json"))
    assert found.page.locator(".segment-name").first.text_content().startswith("Source, then generated. Each outlined")
    assert "</s> → <pad>" in found.page.locator("figure.map .text").first.text_content()
    facts = found.page.locator(".facts p").first
    assert facts.text_content().startswith("Where it lies: ")
    found.page.locator(".stepper button[data-step='1']").click()
    assert "generated" in facts.text_content()
