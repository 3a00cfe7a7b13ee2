"""Classifiers that give several labels at once or a number: what is explained, and what is said of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from torch import Tensor

from conftest import Explain
from explaining import check_alike, only, said_by_check
from plain_model import map_of, plain
from saliency_report.cli import main
from saliency_report.engine import parts
from saliency_report.page.static import render_static
from saliency_report.record import ExampleResult, from_json
from saliency_report.tasks.base import valued
from slopes import check_slopes
from test_engine import Float64

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

TEXT = "The cat sat on the bad movie."
LABELS = f"- {{task: text-classification, model: bert-labels, text: {TEXT}"
SCORE = f"- {{task: text-classification, model: bert-score, text: {TEXT}"


def sentences(result: ExampleResult) -> list[str]:
    return [map_.target.sentence for map_ in result.maps]


OF_LOGIT: dict[str, Callable[[float], float]] = {
    "logit": lambda z: z,
    "probability": lambda z: 1 / (1 + math.exp(-z)),
    "log_prob": lambda z: -math.log1p(math.exp(-z)),
    "loss": lambda z: math.log1p(math.exp(-z)),
}


@pytest.mark.parametrize("quantity", OF_LOGIT)
def test_each_label_has_a_sigmoid_of_its_own(quantity: str, explain: Explain, families: Path) -> None:
    field = "label" if quantity == "loss" else "target"
    with Float64():
        result = only(explain(f"{LABELS}, quantity: {quantity}, {field}: [spam, toxic]}}", dtype="float64"))
        model = plain("bert-labels", families)
        ids = model.ids(result, result.maps[0])
        assert [(m.title, m.target.index, m.target.quantity) for m in result.maps] == [
            ("spam", 3, quantity),
            ("toxic", 0, quantity),
        ]
        for map_ in result.maps:

            def function(points: Tensor, index: int = map_.target.index) -> float:
                return OF_LOGIT[quantity](float(model.logits(ids, result, points[None])[0, index]))

            check_slopes(map_, function, model.embed(ids))
            logit = float(model.logits(ids, result)[map_.target.index])
            assert map_.target.probability == pytest.approx(1 / (1 + math.exp(-logit)))
    chances = [outcome.probability or 0 for outcome in result.prediction.outcomes] if result.prediction else []
    assert sum(chances) == pytest.approx(2.29, abs=0.005), "sigmoids do not add up to 1"


def test_a_number_is_explained_as_it_is(explain: Explain, families: Path) -> None:
    with Float64():
        result = only(explain(f"{SCORE}}}", dtype="float64"))
        model, (map_,) = plain("bert-score", families), result.maps
        ids = model.ids(result, map_)
        check_slopes(map_, lambda points: float(model.logits(ids, result, points[None])[0, 0]), model.embed(ids))
    assert (map_.target.quantity, map_.target.label, map_.target.probability) == ("number", "score", None)
    assert map_.target.sentence == f"the model’s one number, {valued(map_.target.score)}, which is no probability"
    prediction = result.prediction
    assert prediction is not None
    assert (prediction.link, prediction.predicted, prediction.is_right) == ("none", None, None)
    assert [(o.label, o.logit, o.probability) for o in prediction.outcomes] == [("score", map_.target.score, None)]


def test_the_labels_above_the_threshold_are_explained(explain: Explain) -> None:
    result = only(explain(f"{LABELS}, label: [spam, insult, threat]}}"))
    assert sentences(result) == [
        "logit of insult, above the threshold 0.5, sigmoid p = 0.658",
        "logit of spam, above the threshold 0.5, sigmoid p = 0.635",
        "logit of threat, above the threshold 0.5, sigmoid p = 0.554",
    ]
    assert result.prediction is not None
    assert (result.prediction.predicted, result.prediction.labels, result.prediction.is_right) == (
        None,
        [1, 3, 2],
        True,
    )
    fewer = only(explain(f"{LABELS}, threshold: 0.6, label: [spam]}}"))
    assert [map_.title for map_ in fewer.maps] == ["insult", "spam"]
    assert fewer.prediction is not None
    assert fewer.prediction.is_right is False


def test_where_no_label_is_above_the_threshold_the_likeliest_is_explained(explain: Explain) -> None:
    result = only(explain(f"{LABELS}, threshold: 0.9, label: []}}"))
    assert sentences(result) == [
        "logit of insult, the likeliest, since none is above the threshold 0.9, sigmoid p = 0.658"
    ]
    assert result.prediction is not None
    assert (result.prediction.labels, result.prediction.is_right) == ([], True)
    asked = only(explain(f"{LABELS}, threshold: 0.6, target: [toxic, spam], foil: runner-up}}"))
    assert sentences(asked) == [
        "logit of toxic minus logit of the predicted insult, asked for, not above the threshold 0.6, sigmoid p = 0.442",
        "logit of spam minus logit of the predicted insult, asked for, above the threshold 0.6, sigmoid p = 0.635",
    ]
    assert [map_.title for map_ in asked.maps] == ["toxic − insult", "spam − insult"]
    assert asked.prediction is not None
    logits = [outcome.logit for outcome in asked.prediction.outcomes]
    assert [map_.target.score for map_ in asked.maps] == pytest.approx([logits[0] - logits[1], logits[3] - logits[1]])


def test_the_kind_of_the_outputs_can_be_said(explain: Explain) -> None:
    text = "- {task: text-classification, model: %s, text: The cat., problem_type: %s}"
    numbers = only(explain(text % ("bert", "regression")))
    assert [map_.title for map_ in numbers.maps] == ["LABEL_0", "LABEL_1", "LABEL_2"]
    assert (
        sentences(numbers)[0]
        == f"the model’s number LABEL_0, {valued(numbers.maps[0].target.score)}, which is no probability"
    )
    compared = only(explain((text % ("bert", "regression"))[:-1] + ", target: 0, foil: LABEL_2}"))
    assert sentences(compared) == [
        f"the model’s number LABEL_0 minus the model’s number LABEL_2, {valued(compared.maps[0].target.score)}"
    ]
    one = only(explain(text % ("bert-score", "multi_label_classification")))
    assert sentences(one)[0].startswith("logit of LABEL_0, ")
    several = only(explain(text % ("bert-labels", "single_label_classification")))
    assert several.prediction is not None
    assert sum(outcome.probability or 0 for outcome in several.prediction.outcomes) == pytest.approx(1)


def test_named_labels_of_one_choice_have_a_map_each(explain: Explain) -> None:
    text = f"- {{task: text-classification, model: bert, text: {TEXT}, target: %s}}"
    together = only(explain(text % "[LABEL_2, 0]"))
    for map_, alone in zip(together.maps, ("LABEL_2", "LABEL_0"), strict=True):
        assert map_.model_dump() == only(explain(text % alone)).maps[0].model_dump()


def test_a_batch_equals_each_alone(explain: Explain) -> None:
    """Examples with one, two and four explained labels share a pass; each keeps its own numbers."""
    examples = [
        f"- {{task: text-classification, model: bert-labels, text: {text}, {more}}}\n"
        for text, more in (
            ("The cat", "target: insult"),
            ("The cat sat on the bad movie in Paris", "threshold: 0.1"),
            ("was bad bad", "target: [spam, toxic]"),
        )
    ]
    together = explain("".join(examples), dtype="float64").examples
    assert [len(result.maps) for result in together] == [1, 4, 2]
    for result, example in zip(together, examples, strict=True):
        for map_, alone in zip(result.maps, only(explain(example, dtype="float64")).maps, strict=True):
            assert map_.target.sentence == alone.target.sentence
            check_alike(map_, alone)


@pytest.mark.parametrize(
    ("example", "family"), [(f"{LABELS}, target: [spam, toxic]", "bert-labels"), (SCORE, "bert-score")]
)
def test_other_methods_and_evidence_are_of_the_same_number(
    example: str, family: str, explain: Explain, families: Path
) -> None:
    asked = f"{example}, methods: all, faithfulness: true, flips: 1, randomisation: all, layers: true}}"
    with Float64():
        result = only(explain(asked, dtype="float64"))
        assert result.warnings == []
        model = plain(family, families)
        for nth in range(len(result.maps) // 8):
            first, sums = map_of(result, "gradient", nth), map_of(result, "integrated_gradients", nth)
            assert sums.completeness is not None
            assert sums.completeness.verdict == "pass"
            assert sums.completeness.score == pytest.approx(first.target.score, rel=1e-9)
            drops = map_of(result, "occlusion", nth)
            without = model.score(result, drops, {2: model.tokenizer.mask_token_id})
            assert drops.scores["drop"][2] == pytest.approx(first.target.score - without, rel=1e-6)
        evidence = result.evidence
        assert evidence is not None
        assert evidence.faithfulness is not None
        assert evidence.faithfulness.score == pytest.approx(result.maps[0].target.score, rel=1e-9)
        assert evidence.direction is not None
        assert evidence.direction.answer is None, "several labels and numbers are no one answer that could change"
        assert [flip.answer for flip in evidence.direction.flips] == [None] * len(evidence.direction.flips)


def test_labels_of_a_long_text_are_of_the_mean_logits_of_its_windows(
    explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = f"text: {'The bad cat sat in Paris ' * 15}, long: windows, methods: integrated_gradients"
    asked = f"- {{task: text-classification, model: bert-labels, {long}, quantity: probability, target: %s}}"
    with Float64():
        together = only(explain(asked % "[spam, toxic]", dtype="float64"))
        with monkeypatch.context() as patched:  # a window at a time
            patched.setattr(parts, "AT_ONCE", 64)
            parted = only(explain(asked % "[spam, toxic]", dtype="float64", budget=64))
        for whole, part in zip(together.maps, parted.maps, strict=True):
            for name, scores in whole.scores.items():
                seen = [(x, y) for x, y in zip(scores, part.scores[name], strict=True) if x is not None]
                assert [y for _, y in seen] == pytest.approx([x for x, _ in seen], rel=1e-9, abs=1e-12)
        windows = together.encodings[0].windows
        assert len(windows) > 1
        for nth, index in enumerate((3, 0)):
            map_ = map_of(together, "gradient", nth)
            mean = sum(window.logits[index] for window in windows) / len(windows)
            assert map_.target.score == pytest.approx(1 / (1 + math.exp(-mean)), rel=1e-9)
            assert f" from the mean logits of {len(windows)} windows, asked for, " in map_.target.sentence
            sums = map_of(together, "integrated_gradients", nth).completeness
            assert sums is not None
            assert sums.verdict == "pass"
            assert sums.score == pytest.approx(map_.target.score, rel=1e-9)
            alone = only(explain(asked % index, dtype="float64"))
            check_alike(map_, alone.maps[0])
    number = only(explain(f"- {{task: text-classification, model: bert-score, {long}}}"))
    assert f"the model’s one number from the mean numbers of {len(windows)} windows, " in number.maps[0].target.sentence


WRONG = [
    (
        "bert-score, label: 1",
        "label: the model gives a number and no label, so none is right or wrong.",
        "Leave label out.",
    ),
    (
        "bert-score, quantity: probability",
        "quantity: probability: the model gives a number, which has no probability and no loss here.",
        "Leave quantity out: the number itself is explained.",
    ),
    (
        "bert-score, foil: runner-up",
        "foil: runner-up: the model gives a number and no answers, of which one is the runner-up.",
        "Leave foil out.",
    ),
    (
        "bert-score, problem_type: single_label_classification",
        "The model has a single output: as one label of several it would always have the probability 1.",
        "Write problem_type: regression for the number itself, or multi_label_classification for its sigmoid.",
    ),
    (
        "bert, label: [LABEL_0]",
        "label: the model chooses one label, so a list of them cannot be right.",
        "Write one label; or problem_type: multi_label_classification where each output has a sigmoid of its own.",
    ),
    (
        "bert-labels, quantity: loss, label: []",
        "quantity: loss: label is empty, so there is no right label whose loss could be explained.",
        "Name a target, and write quantity: log_prob.",
    ),
    (
        "bert-labels, target: [toxic, 0]",
        "target: 'toxic' stands twice.",
        "Name each label once.",
    ),
    (
        "bert-labels, target: [toxic, spams]",
        "target: the model has no label 'spams'.",
        "Did you mean 'spam'? Its labels are toxic, insult, threat, spam (0 to 3).",
    ),
    (
        "bert-labels, target: [0, 1, 2, 3], foil: runner-up",
        "foil: runner-up: every label is a target, so none is left to compare with.",
        "Name fewer targets.",
    ),
]


@pytest.mark.parametrize(("fields", "message", "step"), WRONG)
def test_what_does_not_fit_the_outputs_is_refused(fields: str, message: str, step: str, explain: Explain) -> None:
    failure = explain(f"- {{task: text-classification, text: The cat, model: {fields}}}").examples[0].failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (message, step)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("target: []", ".target: the list is empty; name a label, or leave target out"),
        ("label: [a, a]", ".label: 'a' stands twice; name each once"),
        ("target: [1.5]", ".target: must be a name or an index, not 1.5"),
        ("target: [a, b], foil: b", ".foil: is the target itself; their difference is always 0"),
        ("threshold: 1.5", ".threshold: must be a number from 0 to 1, not 1.5"),
        (
            "problem_type: multi_label",
            ".problem_type: must be one of single_label_classification, multi_label_classification, regression, "
            "not multi_label",
        ),
    ],
)
def test_what_no_model_is_needed_to_refuse(fields: str, message: str, tmp_path: Path) -> None:
    text = f"- {{task: text-classification, text: The cat, {fields}}}\n"
    assert said_by_check(text, tmp_path) == f"[0]{message}"


def test_the_command_says_what_was_answered(families: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"{LABELS}, label: toxic}}\n{LABELS}, threshold: 0.9, label: []}}\n{SCORE}, text_pair: The cat}}\n"
    path = families / "heads.yaml"
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(path), "--json", "--static"])
    assert done.exit_code == 0, done.output
    assert "example-1  text-classification  insult, spam, threat sigmoid 0.658, 0.635, 0.554 wrong" in done.output
    assert "example-2  text-classification  none above 0.9 right" in done.output
    assert "example-3  text-classification  score −0.232" in done.output
    record = from_json(Path("report.json").read_text(encoding="utf-8"), "report.json")
    assert (
        json.loads(Path("report.json").read_text(encoding="utf-8"))["examples"][2]["maps"][0]["target"]["probability"]
        is None
    )
    assert "Probabilities, of each label by itself (sigmoid), given above 0.5" in render_static(record)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_page_says_what_the_numbers_are(explain: Explain, visit: Open, *, scripts: bool) -> None:
    report = explain(
        f"{LABELS}, label: toxic}}\n{LABELS}, threshold: 0.9, label: [spam]}}\n{SCORE}, methods: all}}\n"
        "- {task: text-classification, model: bert, text: The cat., problem_type: regression}\n"
    )
    page = visit(report, scripts=scripts)

    assert page.said(".answer") == [
        "insult, spam, threat sigmoid 0.658, 0.635, 0.554 ✗ expected toxic",
        "none above 0.9 ✗ expected spam",
        "score −0.232",
        "LABEL_0 −0.309, LABEL_1 0.0428, LABEL_2 −0.391",
    ]
    assert page.said("#example-1 figcaption .number")[0] == "logit 0.654, sigmoid p = 0.658"
    assert page.said("#example-1 .outcomes h4") == ["Probabilities, of each label by itself (sigmoid), given above 0.5"]
    assert page.said("#example-1 .outcomes .predicted .name") == ["insult", "threat", "spam"]
    assert page.count("#example-3 .outcomes") == 0, "a number has no list of chances"
    assert page.count("#example-4 .outcomes li") == 3
    assert page.count("#example-4 .outcomes meter") == 0
    assert [" p " in text for text in page.said("#example-4 figcaption .number")] == [False] * 3
    about = " ".join(page.said("#meaning li"))
    assert "all of them do not add up to 1" in about
    assert "that number itself is explained" in about
    if scripts:
        page.draw(3)
        assert len(page.bars(3)) == 8


def test_the_sample_runs_on_models_of_its_kinds(explain: Explain) -> None:
    text = (Path(__file__).parent.parent / "sample_inputs/heads.yaml").read_text(encoding="utf-8")
    text = text.replace("unitary/toxic-bert", "bert-labels").replace(
        "cross-encoder/ms-marco-MiniLM-L6-v2", "bert-score"
    )
    text = text.replace("obscene, ", "").replace("a population of 3,520,031 registered", "3.5 million")  # for tiny ones
    results = explain(text).examples
    assert [result.failure for result in results] == [None] * 3
    assert [result.prediction and result.prediction.link for result in results] == ["sigmoid", "sigmoid", "none"]


def test_a_number_below_zero_has_the_minus_that_the_page_writes() -> None:
    assert [valued(-0.0310272), valued(2.4)] == ["−0.031027", "2.4"]
