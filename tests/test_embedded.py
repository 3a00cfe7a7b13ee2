"""The embedded models: what the seed's three inputs must show, and what the package promises of its weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from transformers import AutoTokenizer

from conftest import Explain
from saliency_report.embedded import EMBEDDED
from saliency_report.embedded.training.small_measures import MEASURES, sides
from saliency_report.embedded.training.train_small import JOBS
from saliency_report.record import ExampleResult, Map, Report
from saliency_report.spec import load_spec, parse_spec

# Six small models on what their training had no name or sentence of, a little below what their cards say.
HELD_OUT = {
    "question-answering": {"answers exact": 0.9},
    "token-classification": {"F1": 0.9},
    "fill-mask": {"likeliest": 0.6, "among five": 0.85},
    "sentence-similarity": {"paraphrase nearest": 0.95},
    "zero-shot-classification": {"pairs": 0.85, "topics, of six": 0.9},
    "text2text-generation": {"sentences exact": 0.8},
}
QUICKSTART = Path(__file__).parent.parent / "sample_inputs/quickstart.yaml"


@pytest.fixture(scope="module")
def report(explain: Explain) -> Report:
    return explain(QUICKSTART.read_text(encoding="utf-8"))


def example(report: Report, name: str) -> ExampleResult:
    (found,) = [result for result in report.examples if result.id == name]
    assert found.failure is None, found.failure
    return found


def ranking(result: ExampleResult, chosen: Map) -> list[str]:
    """The words of a map by falling l2, without special tokens and marks."""
    encoding = result.encodings[chosen.encoding]
    words = [
        (score, encoding.segments[word.segment].text[word.start : word.end])
        for score, word in zip(chosen.word_scores["l2"], encoding.words, strict=False)
        if word.segment is not None and not word.special
    ]
    return [text for _, text in sorted(words, reverse=True) if text[0].isalnum()]


def test_the_quickstart_has_two_or_more_of_each_of_its_tasks(report: Report) -> None:
    tasks = [result.task for result in report.examples]
    assert len(tasks) >= 7
    assert all(tasks.count(task) >= 2 for task in ("text-classification", "text-generation", "multiple-choice"))
    assert not [result.id for result in report.examples if result.failure]


def test_hated_and_bad_lead_the_film_review(report: Report) -> None:
    result = example(report, "film-review")
    assert result.prediction is not None
    assert result.prediction.outcomes[result.prediction.predicted or 0].label == "NEGATIVE"
    assert set(ranking(result, result.maps[0])[:2]) == {"hated", "bad"}


def test_the_token_after_the_cat_sat_on_the_has_a_map(report: Report) -> None:
    result = example(report, "cat")
    first = result.maps[0]
    assert first.target.label.strip() in {
        "mat",
        "floor",
        "bed",
        "sofa",
        "table",
        "chair",
        "couch",
        "grass",
        "ground",
        "roof",
    }
    assert {"cat", "sat"} & set(ranking(result, first)[:4])


def test_a_continuation_that_was_generated_gives_the_same_maps_when_it_is_given(explain: Explain) -> None:
    prompt = "- {task: text-generation, prompt: The cat sat on the, "
    generated = explain(prompt + "max_new_tokens: 3}").examples[0]
    assert generated.prediction is not None
    text = (generated.prediction.text or "").replace("'", "''")
    given_text = explain(prompt + f"continuation: '{text}'}}").examples[0]
    assert [m.target.index for m in given_text.maps] == [m.target.index for m in generated.maps]
    for ours, theirs in zip(given_text.maps, generated.maps, strict=True):
        assert ours.scores["l2"] == pytest.approx(theirs.scores["l2"], rel=1e-4)


def test_the_paris_item_has_four_maps_and_answers_paris(report: Report) -> None:
    result = example(report, "paris")
    assert len(result.maps) == 4
    assert result.prediction is not None
    assert result.prediction.outcomes[result.prediction.predicted or 0].label == "Paris"
    assert result.prediction.predicted == result.prediction.expected


def test_reading_is_more_than_finding_a_name(explain: Explain) -> None:
    """Three choices stand in the context; which one is right depends on the person asked for."""
    text = """
- task: multiple-choice
  context: Anna lives in Oslo. Ben lives in Lima. Carla lives in Cairo.
  question: Where does {} live?
  choices: [Oslo, Lima, Cairo]
"""
    for name, place in (("Anna", "Oslo"), ("Ben", "Lima"), ("Carla", "Cairo")):
        prediction = explain(text.format(name)).examples[0].prediction
        assert prediction is not None
        assert prediction.outcomes[prediction.predicted or 0].label == place


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("A wonderful film, I loved it.", "POSITIVE"),
        ("What a waste of time and money.", "NEGATIVE"),
        ("The acting is terrible and the story makes no sense.", "NEGATIVE"),
        ("Great phone, the battery lasts for days.", "POSITIVE"),
    ],
)
def test_plain_sentiment_is_right(explain: Explain, text: str, label: str) -> None:
    prediction = explain(f"- {{task: text-classification, text: '{text}'}}").examples[0].prediction
    assert prediction is not None
    assert prediction.outcomes[prediction.predicted or 0].label == label


def test_the_weights_are_float16_and_47_megabytes_in_all_at_most() -> None:
    sizes = {}
    for task, folder in EMBEDDED.items():
        weights = folder / "model.safetensors"
        with weights.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        assert {entry["dtype"] for name, entry in header.items() if name != "__metadata__"} == {"F16"}
        sizes[task] = weights.stat().st_size
    assert sum(sizes[task] for task in HELD_OUT) <= 8_000_000
    assert sum(sizes.values()) <= 47_000_000


@pytest.mark.parametrize("task", list(HELD_OUT))
def test_a_small_model_is_as_good_as_its_card_says(task: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(EMBEDDED[task])
    model = getattr(transformers, JOBS[task].head).from_pretrained(EMBEDDED[task], dtype=torch.float32).eval()
    _, new = list(sides(task))[:2]
    with torch.inference_mode():
        found = MEASURES[task](model, tokenizer, new[1], 200)
    for name, least in HELD_OUT[task].items():
        assert found[name] >= least


@pytest.mark.parametrize("task", list(EMBEDDED))
def test_every_model_has_its_card(task: str) -> None:
    card = (EMBEDDED[task] / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    for word in ("license: apache-2.0", "held-out", "not for"):
        assert word in card.lower(), word


def test_the_bare_list_of_the_readme_is_an_input() -> None:
    assert load_spec(QUICKSTART).title == "Quickstart"
    assert parse_spec("- {task: text-generation, prompt: Hello}", "x", "x", Path()).examples
