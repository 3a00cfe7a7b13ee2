"""The line at the top of a card that says whether a map's order of words may be believed, word for word."""

from __future__ import annotations

from typing import Any

import pytest

import evidence_records
import faithfulness_records
import method_records
import records
from saliency_report.record import ExampleResult
from test_evidence_page import UNTESTED, faith_of, findings
from test_page import Element, example, tree


@pytest.fixture(scope="module")
def root() -> Element:
    return tree(evidence_records.realistic())


def verdict_of(result: ExampleResult) -> str:
    (line,) = example(tree(method_records.report(result)), 1).all("p", "faith")
    return line.words()


def one(
    area: float = 1.32,
    random: tuple[float, ...] = (0.4, 0.42),
    beaten: int = 20,
    base: ExampleResult | None = None,
    target: dict[str, Any] | None = None,
    **changes: Any,
) -> ExampleResult:
    """A review, or another example, whose headline ranking has these figures."""
    result = base or records.classification("one", "This movie was bad.", labels=("POSITIVE", "NEGATIVE"))
    test = faithfulness_records.faithfulness(result)
    ranking = test.rankings[0].model_copy(update={"aopc": area, "beaten": beaten})
    chance = test.random.model_copy(update={"aopc": list(random)})
    changes = {"random": chance, "rankings": [ranking, *test.rankings[1:]]} | changes
    result = evidence_records.with_evidence(result, faithfulness=test.model_copy(update=changes))
    aim = result.maps[0].target.model_copy(update=target or {})
    return result.model_copy(update={"maps": [result.maps[0].model_copy(update={"target": aim}), *result.maps[1:]]})


def signed(**changes: Any) -> ExampleResult:
    """The same, ranked by gradient × input, which has a sign."""
    result = one(**changes)
    test = faith_of(result)
    sign = {"name": "gradient_x_input", "title": "gradient × input", "signed": True}
    first = test.rankings[0].model_copy(update=sign)
    changed = test.model_copy(update={"rankings": [first, *test.rankings[1:]]})
    return evidence_records.with_evidence(result, faithfulness=changed)


NO_SIGN = (
    "Its scores have no sign: it ranks high what holds this number up and what holds it down alike, "
    "and removing the second raises it."
)


def test_a_faithful_map_is_called_so_with_both_numbers() -> None:
    assert verdict_of(one()) == (
        "✓ More faithful than random: removing the words it ranks highest lowers the logit of POSITIVE by 1.32 "
        "on average, random orders by 0.410 (beats 20 of 20). Evidence"
    )


@pytest.mark.parametrize(("beaten", "mark"), [(20, "✓"), (19, "✓"), (18, "✗"), (0, "✗")])
def test_nineteen_of_twenty_pass(beaten: int, mark: str) -> None:
    assert verdict_of(one(beaten=beaten))[0] == mark


def test_a_map_that_fails_is_not_to_be_relied_on() -> None:
    assert verdict_of(signed(area=0.52, beaten=12)) == (
        "✗ Not more faithful than random: removing the words it ranks highest lowers the logit of POSITIVE by 0.520 "
        "on average, random orders by 0.410 (beats 12 of 20). Do not rely on its order of words. Evidence"
    )


def test_a_failing_norm_says_what_a_norm_cannot_say() -> None:
    line = verdict_of(one(area=0.52, beaten=12))
    assert line.endswith(f"(beats 12 of 20). Do not rely on its order of words. {NO_SIGN} Evidence")
    assert NO_SIGN not in verdict_of(one())


@pytest.mark.parametrize(
    ("area", "random", "change"),
    [
        (-0.3, (0.2, 0.2), "raises the logit of POSITIVE by 0.300 on average, random orders lower it by 0.200 "),
        (0.3, (-0.2, -0.2), "lowers the logit of POSITIVE by 0.300 on average, random orders raise it by 0.200 "),
        (-0.3, (-0.1, -0.1), "raises the logit of POSITIVE by 0.300 on average, random orders by 0.100 "),
        (0.0, (0.1, 0.1), "changes the logit of POSITIVE by 0 on average, random orders lower it by 0.100 "),
        (0.1, (0.1, -0.1), "lowers the logit of POSITIVE by 0.100 on average, random orders change it by 0 "),
    ],
)
def test_words_say_the_direction_of_the_numbers(area: float, random: tuple[float, ...], change: str) -> None:
    assert change in verdict_of(one(area, random))


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ({"quantity": "log_prob"}, "the log-probability of POSITIVE"),
        ({"quantity": "probability"}, "the probability of POSITIVE"),
        ({"quantity": "logit difference", "foil": "NEUTRAL"}, "the logit of POSITIVE minus that of NEUTRAL"),
        (
            {"quantity": "log_prob difference", "foil": "NEUTRAL"},
            "the log-probability of POSITIVE minus that of NEUTRAL",
        ),
    ],
)
def test_the_explained_number_is_named(target: dict[str, Any], name: str) -> None:
    result = one(target=target)
    assert f"lowers {name} by 1.32" in verdict_of(result)
    article = example(tree(method_records.report(result)), 1)
    assert article.one("p", "about-what").words() == f"Evidence on the explanation of {name}"
    assert f"With all words F, {name}, is " in findings(article, "faithfulness")[0]


def test_generation_is_weighed_lightly() -> None:
    lightly = (
        "Texts with words cut out are unlike anything a causal model was trained on (out of distribution), "
        "so weigh this lightly."
    )
    story = records.generation("story", "The cat sat on the", " mat.")
    assert verdict_of(one(base=story)).endswith(f"(beats 20 of 20). {lightly} Evidence")
    masked = lightly.replace("words cut out", "masked words")
    assert verdict_of(one(base=story, removal="mask")).endswith(f"(beats 20 of 20). {masked} Evidence")
    assert "causal" not in verdict_of(one())


def test_a_map_that_was_not_tested_says_how_to_test_it(root: Element) -> None:
    line = example(root, UNTESTED).one("p", "faith")
    assert line.words() == (
        "Not tested for faithfulness, whether the answer changes when the strongest words go: "
        "faithfulness: true tests it."
    )
    assert line.classes == ["faith", "untested"]
    assert "faithfulness" not in example(tree(records.report(records.failed("no map"))), 1).text()


def test_a_loss_is_tested_as_its_negative() -> None:
    result = signed(target={"quantity": "loss"})
    assert "lowers the log-probability of POSITIVE by" in verdict_of(result)
    article = example(tree(method_records.report(result)), 1)
    assert article.one("p", "about-what").words() == "Evidence on the explanation of the loss of POSITIVE"
    said = findings(article, "faithfulness")
    assert "With all words F, the log-probability of POSITIVE, is " in said[0]
    assert said[1:2] == [
        "A loss is tested as its negative, the log-probability: the words that support the answer raise that, and "
        "signed scores are turned round."
    ]


def test_a_map_that_could_not_be_tested_does_not_ask_for_the_test() -> None:
    result = records.classification("one", "Good.")
    result = result.model_copy(update={"inputs": result.inputs | {"faithfulness": True}})
    root = tree(method_records.report(result))
    line = example(root, 1).one("p", "faith")
    assert line.words() == "Could not be tested for faithfulness: the warning says why."
    assert root.one("section", "run-evidence").one("li").words() == (
        "Does the model obey the order of words? 0 of 0 tested maps are more faithful than random. "
        "1 could not be tested. Not passed: one."
    )


def test_two_texts_without_their_words_are_alike() -> None:
    """So removing words raises their cosine whatever a map is worth: from 0.679 to 1.00, with MiniLM."""
    cosine = {"quantity": "cosine", "label": "both texts"}
    said = verdict_of(one(area=-0.168, random=(-0.125,), beaten=3, target=cosine, score=0.679, empty_score=1.0))
    assert said.startswith("✗ Not more faithful than random: removing the words it ranks highest raises the cosine")
    alike = "Without their words the two texts are alike, with a cosine of 1.00, so that removing words tends to raise "
    assert f"{alike}it in any order: weigh this lightly." in said
    assert alike not in verdict_of(one(target=cosine, score=0.679, empty_score=0.1))
    assert alike not in verdict_of(one(area=-0.168, score=0.679, empty_score=1.0))
