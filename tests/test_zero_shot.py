"""zero-shot-classification: entailment of a hypothesis a label, held to a computation by hand and to transformers."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from conftest import Explain
from explaining import check_alike, only, said_by_check
from plain_model import map_of
from saliency_report.record import Encoding, Map
from saliency_report.tasks.base import valued
from slopes import check_slopes
from test_engine import Float64

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

LABELS = ["bad", "Paris", "a cat"]
ASKED = "task: zero-shot-classification, model: bert-nli, text: The cat sat, candidate_labels: [bad, Paris, a cat]"


class ByHand:
    """The classifier, given the rows of some maps one by one; F of their numbers by formula."""

    def __init__(self, folder: Path, several: bool) -> None:
        self.model: Any = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float64).eval()
        self.several = several

    def embed(self, ids: list[int]) -> Tensor:
        matrix: Tensor = self.model.get_input_embeddings().weight
        return matrix[ids].detach()

    def number(self, encoding: Encoding, points: Tensor) -> float:
        """Entailment, the second label, or that minus contradiction, the first."""
        ids = [token.id for token in encoding.tokens]
        ends = [i for i, token in enumerate(encoding.tokens) if token.text == "[SEP]"]
        types = [int(i > ends[0]) for i in range(len(ids))]
        handle = self.model.get_input_embeddings().register_forward_hook(lambda module, args, output: points[None])
        try:
            with torch.no_grad():
                logits = self.model(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types])).logits[0]
        finally:
            handle.remove()
        return float(logits[1] - logits[0]) if self.several else float(logits[1])


@pytest.mark.parametrize("several", [False, True])
def test_each_label_is_the_entailment_of_its_hypothesis(several: bool, explain: Explain, families: Path) -> None:
    with Float64():
        result = only(explain(f"- {{{ASKED}, multi_label: {str(several).lower()}}}", dtype="float64"))
        by_hand = ByHand(families / "bert-nli", several)
        assert [map_.title for map_ in result.maps] == LABELS
        for map_, encoding, label in zip(result.maps, result.encodings, LABELS, strict=True):
            assert [s.text for s in encoding.segments] == ["The cat sat", f"This example is {label}."]

            def function(points: Tensor, encoding: Encoding = encoding) -> float:
                return by_hand.number(encoding, points)

            check_slopes(map_, function, by_hand.embed([token.id for token in encoding.tokens]))


OF_NUMBERS: dict[str, Callable[[list[float], int], float]] = {
    "probability": lambda z, i: math.exp(z[i]) / sum(map(math.exp, z)),
    "log_prob": lambda z, i: z[i] - math.log(sum(map(math.exp, z))),
    "loss": lambda z, i: math.log(sum(map(math.exp, z))) - z[i],
}
OF_ONE: dict[str, Callable[[list[float], int], float]] = {
    "probability": lambda z, i: 1 / (1 + math.exp(-z[i])),
    "log_prob": lambda z, i: -math.log1p(math.exp(-z[i])),
    "loss": lambda z, i: math.log1p(math.exp(-z[i])),
}


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("quantity", ["probability", "log_prob", "loss", "foil"])
def test_what_several_labels_make_is_one_map(quantity: str, several: bool, explain: Explain, families: Path) -> None:
    """A token of the text stands in every row, and moves in all of them."""
    fields = {"foil": "target: Paris, foil: bad", "loss": "quantity: loss, label: Paris"}
    more = fields.get(quantity, f"quantity: {quantity}, target: Paris")
    with Float64():
        result = only(explain(f"- {{{ASKED}, {more}, multi_label: {str(several).lower()}}}", dtype="float64"))
        by_hand, joint = ByHand(families / "bert-nli", several), result.maps[result.headline]
        assert result.headline == 3
        alone = several or quantity == "foil"
        held = ([1, 0] if quantity == "foil" else [1]) if alone else [1, 0, 2]
        rows = [result.encodings[i] for i in held]
        own = [next(i for i, token in enumerate(row.tokens) if token.segment == 1) for row in rows]
        # Each row is the text, which all have, and its own hypothesis; of one row alone all is its own.
        assert len(set(own)) == 1
        places, start = [], own[0]
        for row in rows:
            rest = len(row.tokens) - own[0]
            places.append([*range(own[0]), *range(start, start + rest)])
            start += rest
        tokens = result.encodings[joint.encoding].tokens
        assert [[tokens[i].id for i in place] for place in places] == [[t.id for t in row.tokens] for row in rows]

        def function(points: Tensor) -> float:
            z = [by_hand.number(row, points[place]) for row, place in zip(rows, places, strict=True)]
            return z[0] - z[1] if quantity == "foil" else (OF_ONE if several else OF_NUMBERS)[quantity](z, 0)

        check_slopes(joint, function, by_hand.embed([token.id for token in tokens]))


@pytest.mark.filterwarnings("ignore")  # transformers' own, about its pipeline
@pytest.mark.parametrize("several", [False, True])
def test_probabilities_are_those_of_transformers(several: bool, explain: Explain, families: Path) -> None:
    result = only(explain(f"- {{{ASKED}, multi_label: {str(several).lower()}}}"))
    folder = str(families / "bert-nli")
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    model.config.label2id = {name: i for i, name in model.config.id2label.items()}
    classify: Any = pipeline("zero-shot-classification", model=model, tokenizer=tokenizer, device="cpu")
    theirs = classify("The cat sat", candidate_labels=LABELS, multi_label=several)
    assert result.prediction is not None
    ours = {outcome.label: outcome.probability for outcome in result.prediction.outcomes}
    assert ours == pytest.approx(dict(zip(theirs["labels"], theirs["scores"], strict=True)), abs=1e-6)
    if not several:
        assert theirs["labels"][0] == result.prediction.outcomes[result.prediction.predicted or 0].label


def test_the_target_is_said_in_words(explain: Explain) -> None:
    text = f"- {{{ASKED}, hypothesis_template: 'A {{label}}!', label: Paris}}".replace("{{", "{").replace("}}", "}")
    result = only(explain(text))
    prediction = result.prediction
    assert prediction is not None
    assert prediction.predicted is not None
    best = prediction.outcomes[prediction.predicted]
    assert result.maps[prediction.predicted].target.sentence == (
        f"logit of entailment for “A {best.label}!”, predicted, p = {best.probability:.3f} of the 3 labels"
    )
    assert prediction.probabilities == (
        "A softmax over the labels’ logits of entailment. It compares the labels with each other and does not say "
        "whether any of them fits the text."
    )
    several = only(explain(f"- {{{ASKED}, multi_label: true, threshold: 0.99, target: bad, label: []}}"))
    assert several.maps[0].target.sentence.startswith(
        "logit of entailment minus that of contradiction for “This example is bad.”, asked for, "
        "not above the threshold 0.99, sigmoid p = "
    )
    assert several.prediction is not None
    assert several.prediction.probabilities is None
    assert (several.prediction.labels, several.prediction.is_right) == ([], True)
    compared = only(explain(f"- {{{ASKED}, target: bad, foil: Paris}}"))
    joint = compared.maps[compared.headline]
    assert joint.target.sentence == (
        f"logit of bad minus logit of Paris, {valued(joint.target.score)}; the logit of a label is that of entailment"
    )


def test_a_batch_equals_each_alone(explain: Explain) -> None:
    texts = ["The cat", "The cat sat on the bad movie in Paris", "bad"]
    examples = [
        f"- {{task: zero-shot-classification, model: bert-nli, text: {text}, candidate_labels: [bad, in Paris]}}\n"
        for text in texts
    ]
    together = explain("".join(examples), dtype="float64").examples
    for result, example in zip(together, examples, strict=True):
        for map_, alone in zip(result.maps, only(explain(example, dtype="float64")).maps, strict=True):
            check_alike(map_, alone)


@pytest.mark.parametrize("more", ["foil: runner-up", "quantity: log_prob", "multi_label: true, quantity: probability"])
def test_other_methods_and_evidence_are_of_the_same_number(more: str, explain: Explain) -> None:
    asked = "methods: all, faithfulness: true, flips: 1, randomisation: all, layers: true, rationale: [cat]"
    with Float64():
        result = only(explain(f"- {{{ASKED}, {more}, {asked}}}", dtype="float64"))
    assert result.warnings == []
    head: Map = result.maps[result.headline]
    assert len(result.maps) == 4 * 8
    for nth in range(4):
        first, sums = map_of(result, "gradient", nth), map_of(result, "integrated_gradients", nth).completeness
        assert sums is not None
        assert sums.verdict == "pass"
        assert sums.score == pytest.approx(first.target.score, rel=1e-9)
    evidence = result.evidence
    assert evidence is not None
    assert evidence.faithfulness is not None
    assert evidence.direction is not None
    assert evidence.faithfulness.score == pytest.approx(head.target.score, rel=1e-9)
    assert evidence.direction.answer is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            "model: m, candidate_labels: [a]",
            "[0].candidate_labels: has 1, needs 2 or more; of one alone, write multi_label: true",
        ),
        ("model: m, candidate_labels: [a, a]", "[0].candidate_labels[1]: 'a' stands twice; labels must differ"),
        (
            "model: m, candidate_labels: [a, b], hypothesis_template: 'It is {}.'",
            "[0].hypothesis_template: must have {label} once, where each label goes, such as This text is about "
            "{label}.",
        ),
        (
            "model: m, candidate_labels: [sport, cooking], label: sports",
            "[0].label: 'sports' is not among the labels; did you mean 'sport'?",
        ),
        (
            "model: m, candidate_labels: [a, b], label: [a]",
            "[0].label: several labels can be right only with multi_label: true; write one",
        ),
        (
            "model: m, candidate_labels: [a, b], multi_label: true, label: [a, b], quantity: loss",
            "[0].label: quantity: loss is that of one right label; write one",
        ),
        (
            "model: m, candidate_labels: [a, b], target: a, foil: 0",
            "[0].foil: is the target itself; their difference is always 0",
        ),
    ],
)
def test_what_check_says_of_a_wrong_example(fields: str, message: str, tmp_path: Path) -> None:
    assert said_by_check(f"- {{task: zero-shot-classification, text: t, {fields}}}\n", tmp_path) == message


USE = "Use a model of entailment (NLI) whose labels have names, such as cross-encoder/nli-distilroberta-base."


@pytest.mark.parametrize(
    ("names", "more", "message"),
    [
        (
            ["LABEL_0", "LABEL_1", "LABEL_2"],
            "",
            "The model has no label of the name entailment: its labels are LABEL_0, LABEL_1, LABEL_2.",
        ),
        (
            ["neutral", "ENTAILMENT", "other"],
            ", multi_label: true",
            "The model has no label of the name contradiction: its labels are neutral, ENTAILMENT, other.",
        ),
        (
            ["entailment", "entailed", "neutral"],
            "",
            "The model has several labels of the name entailment: its labels are entailment, entailed, neutral.",
        ),
    ],
)
def test_a_model_without_entailment_is_refused(
    names: list[str], more: str, message: str, explain: Explain, families: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(families / "bert-nli", tmp_path / "bert-nli")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    failure = explain(f"- {{{ASKED}{more}}}", folder=tmp_path).examples[0].failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (message, USE)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_page_has_a_map_a_label(explain: Explain, visit: Open, *, scripts: bool) -> None:
    report = explain(
        f"- {{{ASKED}, label: bad}}\n- {{{ASKED}, multi_label: true, threshold: 0.1, label: [bad]}}\n"
        f"- {{{ASKED}, foil: runner-up}}\n"
    )
    page = visit(report, scripts=scripts)

    assert page.said("#example-1 .map-title") == LABELS
    assert page.said("#example-1 .maps .segment-name") == ["Text", "Hypothesis"] * 3
    assert page.said("#example-1 .outcomes h4") == ["Probabilities"]
    assert page.said("#example-2 .outcomes h4") == ["Probabilities, of each label by itself (sigmoid), given above 0.1"]
    assert all("sigmoid p" in text for text in page.said("#example-2 figcaption .number"))
    assert "✗ expected bad" in page.said("#example-2 .answer")[0]
    assert page.count("#example-3 .maps figure") == 4
    if scripts:
        page.draw(1)
        assert len(page.bars(1)) >= 7
