"""The samples of tasks run without a network, and the models that come with the package answer them rightly.

Those of the first three tasks, of rows and of long texts run in tests of their own; that of the evidence, which takes
25 s, is read in one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from saliency_report.cli import main
from saliency_report.spec import load_spec

SAMPLES = Path(__file__).parent.parent / "sample_inputs"
# What the model answers to each example, or, where it is asked for a target, what is explained.
ANSWERS = {
    "causal_choice.yaml": ["mat", "sand", "mat"],
    "fill_mask.yaml": ["bread", "cold", "hungry"],
    "token_classification.yaml": ["Anna Berg PER, Oslo Bank ORG, Paris LOC", "London Motors ORG, Rome LOC"],
    "question_answering.yaml": ["Paris", "London", "Ben"],
    "zero_shot.yaml": ["sport", "money, travel"],
    "text2text.yaml": ["Das Haus ist wunderbar.", "Die alte Katze sieht den Hund.", "Das Haus ist wunderbar."],
    "similarity.yaml": ["alike", "part", "unlike"],
}


OF_THE_HUB = {"chat.yaml", "heads.yaml"}


def test_two_samples_alone_name_models_of_the_hub() -> None:
    models = {path.name: {example.model for example in load_spec(path).examples} for path in SAMPLES.glob("*.yaml")}
    assert {name for name, used in models.items() if used != {"embedded"}} == OF_THE_HUB


@pytest.mark.parametrize("name", list(ANSWERS))
def test_a_sample_runs_without_a_network_and_is_right(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.socket.connect", None)
    page = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["run", str(SAMPLES / name), "-o", str(page), "--json"])
    assert done.exit_code == 0, done.output
    record = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert [said(example) for example in record["examples"]] == ANSWERS[name]
    assert page.read_text(encoding="utf-8").count("<article") == len(ANSWERS[name])


def said(example: dict[str, Any]) -> str:
    """The answer in a word or a few."""
    prediction, target = example["prediction"], example["maps"][0]["target"]
    if example["task"] == "sentence-similarity":
        return "alike" if target["score"] > 0.8 else "part" if target["score"] > 0.4 else "unlike"
    if prediction["text"]:
        return str(prediction["text"])
    labels = [outcome["label"] for outcome in prediction["outcomes"]]
    given = prediction["labels"]
    return ", ".join(labels[i] for i in given) if given is not None else str(labels[prediction["predicted"]])
