"""Token-classification: a map for each entity that a model finds, or for the labels of a text that is named."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from torch import Tensor

import tiny
from at_tokens import Number, check, check_evidence, check_methods, plain
from conftest import Explain
from explaining import check_alike, check_functions, only, opened, refusal
from saliency_report.record import ExampleResult, Target
from saliency_report.tasks.entities import Entity, entities, named_label

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
OUT, B_PER, I_PER, B_LOC, I_LOC = range(5)


def written(family: str, more: str = "", text: str = tiny.ENTITIES) -> str:
    return f"- {{task: token-classification, model: {family}, text: '{text}'{more}}}"


def firsts(result: ExampleResult, target: Target) -> list[int]:
    """The first token of each word of a target."""
    return [word.tokens[0] for word in result.encodings[0].words if word.tokens[0] in target.at]


def number(quantity: str, result: ExampleResult, target: Target, foil: list[int] | None = None) -> Number:
    """The explained number of logits (n, t, c) by its definition."""
    places = firsts(result, target)

    def of(logits: Tensor, labels: list[int]) -> Tensor:
        values = logits if quantity == "logit" else logits - logits.exp().sum(dim=-1, keepdim=True).log()
        total = torch.stack([values[:, place, label] for place, label in zip(places, labels, strict=True)]).sum(dim=0)
        return total.exp() if quantity == "probability" else total

    return lambda logits: of(logits, target.indices) if foil is None else of(logits, target.indices) - of(logits, foil)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([B_PER, I_PER, OUT, B_LOC], [([0, 1], "PER"), ([3], "LOC")]),
        ([B_PER, B_PER, I_PER], [([0], "PER"), ([1, 2], "PER")]),
        ([OUT, I_LOC, I_LOC, I_PER], [([1, 2], "LOC"), ([3], "PER")]),
        ([OUT, OUT], []),
    ],
)
def test_neighbours_of_one_kind_are_one_entity(labels: list[int], expected: list[tuple[list[int], str]]) -> None:
    found = entities(range(len(labels)), labels, NAMES)
    assert found == [Entity(words, [labels[word] for word in words], kind) for words, kind in expected]


@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        (["O", "B-X", "I-X", "E-X", "S-X"], [4, 4, 1, 2, 3, 2], [[0], [1], [2, 3, 4], [5]]),
        (["O", "U-X", "B-X", "I-X", "L-X"], [2, 4, 1, 1], [[0, 1], [2], [3]]),
        (["O", "PERSON", "PLACE"], [1, 1, 2, 0, 2], [[0, 1], [2], [4]]),
        (["NOUN", "VERB"], [0, 0, 1], [[0], [1], [2]]),
    ],
)
def test_labels_of_other_schemes_are_joined_as_these_mean(
    names: list[str], labels: list[int], expected: list[list[int]]
) -> None:
    assert [entity.words for entity in entities(range(len(labels)), labels, names)] == expected


def test_a_word_without_a_label_parts_two_entities() -> None:
    assert [entity.words for entity in entities([0, 2], [B_PER, I_PER], NAMES)] == [[0], [2]]


def test_a_kind_is_its_begin_and_its_inside() -> None:
    assert named_label("LOC", 3, NAMES) == [B_LOC, I_LOC, I_LOC]
    assert named_label("I-PER", 2, NAMES) == [I_PER, I_PER]
    assert named_label("X", 2, ["O", "I-X"]) == [1, 1]
    assert named_label("ORG", 1, NAMES) is None


@pytest.mark.parametrize("family", tiny.TOKENS)
@pytest.mark.parametrize("quantity", ["logit", "log_prob", "probability"])
def test_every_map_is_central_differences_of_its_labels(
    family: str, quantity: str, explain: Explain, families: Path
) -> None:
    result = only(explain(written(family, f", quantity: {quantity}"), dtype="float64"))
    model = plain(families / family, "token-classification")
    likeliest = model.logits([tiny.ENTITIES])[0].argmax(dim=-1)
    targets = [map_.target for map_ in result.maps]
    assert len(targets) > 3
    assert family != "bert-tokens" or any(len(target.indices) > 1 for target in targets), "this test is about sums"
    assert any(len(target.at) > len(target.indices) for target in targets), "and about words of several tokens"
    for target in targets:
        assert likeliest[firsts(result, target)].tolist() == target.indices
    chosen = {max(range(len(targets)), key=lambda i: len(targets[i].indices)), 0, len(targets) - 1}
    for place in chosen:
        check(result, place, model, [tiny.ENTITIES], number(quantity, result, targets[place]))


def test_what_is_said_of_an_entity(explain: Explain, families: Path) -> None:
    result = only(explain(written("bert-tokens"), dtype="float64"))
    model = plain(families / "bert-tokens", "token-classification")
    first = result.maps[0]
    assert first.title == "Anna London as LOC"
    assert (first.target.label, first.target.of) == ("LOC", "Anna London")
    probabilities = model.logits([tiny.ENTITIES])[0].softmax(dim=-1)
    p = float(probabilities[firsts(result, first.target), first.target.indices].prod())
    assert first.target.probability == pytest.approx(p, rel=1e-9)
    assert first.target.sentence == (
        "sum of the logits of I-LOC, I-LOC at “Anna London”, each read at its word's first token, the labels that the "
        f"model predicts there, p = {p:.3f}, the product over its 2 words"
    )
    last = result.maps[-1]
    assert last.title == "Rome as LOC"
    assert last.target.sentence.startswith("logit of I-LOC at “Rome”, the label that the model predicts there, p = ")
    assert last.target.alternatives[0].label == "I-LOC"
    assert result.prediction is not None
    assert result.prediction.text is not None
    assert result.prediction.text.startswith("Anna London LOC, ")
    assert result.prediction.text.endswith(", Rome LOC")


@pytest.mark.parametrize("family", tiny.TOKENS)
@pytest.mark.parametrize(("foil", "labels"), [("O", [OUT, OUT]), ("PER", [B_PER, I_PER]), ("I-PER", [I_PER, I_PER])])
@pytest.mark.parametrize("quantity", ["logit", "probability"])
def test_a_foil_is_another_label_at_the_same_words(
    family: str, foil: str, labels: list[int], quantity: str, explain: Explain, families: Path
) -> None:
    more = f", target: Anna London, foil: {foil}, quantity: {quantity}"
    result = only(explain(written(family, more), dtype="float64"))
    (chosen,) = result.maps
    assert chosen.title == f"Anna London as {chosen.target.label} − {foil}"
    assert chosen.target.chosen_by == "given"
    model = plain(families / family, "token-classification")
    check(result, 0, model, [tiny.ENTITIES], number(quantity, result, chosen.target, labels))


def test_a_batch_of_several_lengths_equals_each_alone(explain: Explain) -> None:
    texts = [tiny.ENTITIES, "Rome", "The cat sat on the movie in Rome, France.", "a"]
    examples = [written("bert-tokens", text=text) for text in texts]
    together = explain("\n".join(examples), dtype="float64").examples
    assert len({len(one.maps) for one in together}) > 2, "this test is about rows with several numbers of maps"
    for text, one in zip(examples, together, strict=True):
        alone = only(explain(text, dtype="float64", budget=1))
        assert [map_.title for map_ in one.maps] == [map_.title for map_ in alone.maps]
        for ours, theirs in zip(one.maps, alone.maps, strict=True):
            check_alike(ours, theirs, rel=1e-8)


@pytest.mark.parametrize("quantity", ["logit", "probability"])
def test_methods_and_evidence_are_of_the_same_number(quantity: str, explain: Explain, families: Path) -> None:
    asked = f", quantity: {quantity}, methods: all, faithfulness: true, flips: 2, layers: true, randomisation: all"
    result = only(explain(written("bert-tokens", asked), dtype="float64"))
    assert result.warnings == []
    count = len([map_ for map_ in result.maps if map_.method == "gradient"])
    assert len(result.maps) == 8 * count
    model = plain(families / "bert-tokens", "token-classification")
    for place in (0, count - 1):
        f = number(quantity, result, result.maps[place].target)
        check_methods(result, place, model, [tiny.ENTITIES], f)
    direction = check_evidence(result, model, [tiny.ENTITIES], number(quantity, result, result.maps[0].target))
    assert [flip.answer for flip in direction.flips] == [None] * len(direction.flips)


def test_words_at_which_the_number_is_read_are_not_cut_out(explain: Explain, families: Path) -> None:
    text = "The cat sat on Rome, France."
    more = ", target: Rome, methods: occlusion, removal: delete"
    result = only(explain(written("bert-tokens", more, text), dtype="float64"))
    drops = result.maps[1].word_scores["drop"]
    words = [text[word.start : word.end] for word in result.encodings[0].words if not word.special]
    assert [word for word, drop in zip(words, drops[1:], strict=False) if drop is None] == ["Rome"]
    model = plain(families / "bert-tokens", "token-classification")
    target = result.maps[0].target
    without = model.logits([text.replace("cat ", "")])[0, target.at[0] - 1, target.indices[0]]
    assert drops[2] == pytest.approx(target.score - float(without), rel=1e-7)


def test_functions_give_the_explained_numbers_again(families: Path) -> None:
    for more in ("", ", quantity: log_prob", ", target: Anna London, foil: O"):
        check_functions(opened(written("bert-tokens", more), families))


@pytest.fixture
def blind(families: Path, tmp_path: Path) -> Path:
    """A folder with a model that finds nothing."""
    shutil.copytree(families / "bert-tokens", tmp_path / "blind")
    model: Any = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path / "blind")
    with torch.no_grad():
        model.classifier.bias[0] += 100
    model.save_pretrained(tmp_path / "blind")
    return tmp_path


NOTHING = (
    "The model finds no entity in this text, so there is none to explain. Name a text as `target` to explain the "
    "labels that it has there."
)


def test_where_nothing_is_found_that_is_said(blind: Path, explain: Explain, visit: Open) -> None:
    more = ", methods: all, faithfulness: true, flips: 1, layers: true"
    text = f"{written('blind', more)}\n{written('blind', ', target: Rome, foil: LOC')}"
    report = explain(text, folder=blind)
    none, asked = report.examples
    assert none.failure is None
    assert (none.maps, none.warnings) == ([], [NOTHING])
    assert none.prediction is not None
    assert none.prediction.text == "no entity"
    assert asked.maps[0].title == "Rome as O − LOC"
    page = visit(report)
    assert page.page.locator("#example-1 .answer").inner_text() == "no entity"
    assert NOTHING in page.page.locator("#example-1 .note").inner_text()
    assert page.count("#example-1 .map") == 0
    assert page.page.locator("#example-2 .maps .g").all_text_contents() == ["Rome"]


@pytest.mark.parametrize(
    ("more", "message", "next_step"),
    [
        (
            ", target: Rome, foil: ORG",
            "foil: the model has no label 'ORG'.",
            "Its labels are O, B-PER, I-PER, B-LOC, I-LOC.",
        ),
        (
            ", target: Rome, foil: I-LOC",
            "foil: 'I-LOC' is what the model predicts for 'Rome'; their difference is always 0.",
            "Write another label, or leave `foil` out.",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(more: str, message: str, next_step: str, explain: Explain) -> None:
    failure = explain(written("bert-tokens", more), debug=False).examples[0].failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (message, next_step)


def test_a_target_that_occurs_twice_is_the_first_and_says_so(explain: Explain) -> None:
    result = only(explain(written("bert-tokens", ", target: in")))
    assert result.warnings == ["target: 'in' occurs 2 times; the first is explained."]
    assert result.maps[0].target.of == "in"
    assert result.encodings[0].tokens[result.maps[0].target.at[0]].start == tiny.ENTITIES.index(" in ") + 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            "text: a\n  model: m\n  foil: LOC",
            "in.yaml:4:9: [0].foil: needs a target: the words of the text whose label is compared with this one",
        ),
        (
            "text: in Rome\n  model: m\n  target: rome",
            "in.yaml:4:11: [0].target: 'rome' does not occur in text; did you mean 'Rome'?",
        ),
        (
            "text: in Rome\n  model: m\n  target: Paris",
            "in.yaml:4:11: [0].target: 'Paris' does not occur in text; write each, or words from there",
        ),
        (
            "text: a\n  model: m\n  quantity: loss",
            "in.yaml:4:13: [0].quantity: loss is that of a right answer, which token-classification is not told; "
            "write log_prob, its negative",
        ),
    ],
)
def test_a_wrong_field_is_named_at_its_place(fields: str, message: str) -> None:
    assert refusal(f"- task: token-classification\n  {fields}") == message


def test_on_the_page_entities_are_marked_and_chosen_in_the_text(visit: Open, explain: Explain) -> None:
    report = explain(written("bert-tokens", ", methods: occlusion"))
    result = only(report)
    count = len([map_ for map_ in result.maps if map_.method == "gradient"])
    page = visit(report)
    card = page.page.locator("#example-1")
    marked = card.locator(".maps .g")
    assert marked.all_text_contents()[:3] == ["Anna", "London", "in"]
    assert card.locator(".maps [data-tag]").all_text_contents()[0] == "London"
    tag = "getComputedStyle(document.querySelector('#example-1 .maps [data-tag]'), '::after').content"
    assert page.ask(tag) == '"LOC"'
    assert card.locator(".which").inner_text() == f"“Anna London as LOC”, 1 of {count}"
    assert card.locator(".others .g").all_text_contents() == ["Anna", "London"]
    marked.last.click()
    assert card.locator(".which").inner_text() == f"“Rome as LOC”, {count} of {count}"
    assert card.locator(".target .sentence").inner_text() == result.maps[count - 1].target.sentence
    assert card.locator(".others .g").all_text_contents() == ["Rome"]
    assert card.locator(".maps [aria-checked=true]").all_text_contents() == ["Rome"]
    labels = [outcome.label for outcome in result.maps[count - 1].target.alternatives]
    assert card.locator(".chances .name").all_inner_texts() == labels
    assert card.locator(".outcomes h4").inner_text() == "Likeliest labels of its first word"
    page.draw(1)
    assert (
        card.locator("[data-chart=matrix] .plot-title")
        .inner_text()
        .startswith("Every explained entity (a row) against all words")
    )


def test_two_entities_with_one_label_are_two_targets_in_the_means_of_a_run(explain: Explain) -> None:
    report = explain(written("bert-tokens", ", methods: occlusion, faithfulness: true"))
    assert report.evidence[0].examples == 1
    labels = [map_.target.label for map_ in report.examples[0].maps if map_.method == "gradient"]
    assert len(set(labels)) < len(labels)
