"""What assertions come to: each that holds and each that does not, with the words and numbers of it by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import evidence_records
import method_records
import records
from saliency_report.assertions import of_example, of_run
from saliency_report.assertions.finding import number, percent
from saliency_report.assertions.told import Told
from saliency_report.record import Agreement, Assertion, Encoding, Evidence, ExampleResult, Outcome, Prediction
from saliency_report.spec.asserting import Asserted

PERCENT = "\u00a0%"
NEVER = "could not be tested: "


def asserted(result: ExampleResult, name: str, value: Any, **changes: Any) -> Assertion:
    """What one assertion comes to in a run of this example."""
    (found,) = of_example([Asserted(name, value, **changes)], result)
    return found


def said(result: ExampleResult, name: str, value: Any) -> tuple[bool, str, str]:
    found = asserted(result, name, value)
    return found.passed, found.expected, found.found


def scored(text: str, scores: Sequence[float | None], words: Sequence[float | None] = ()) -> ExampleResult:
    """A text whose tokens, special ones first and last, have these sizes; its words too, where they differ."""
    made = records.classification("one", text)
    held = {name: [*scores] for name in made.maps[0].scores}
    of_words = {name: [*(words or scores)] for name in made.maps[0].scores}
    special = [s for s, token in zip(scores, made.encodings[0].tokens, strict=True) if token.special and s is not None]
    total = sum(abs(s) for s in scores if s is not None)
    share = sum(special) / total if special and total else None if not special else 0.0
    map_ = made.maps[0].model_copy(update={"scores": held, "word_scores": of_words, "special_share": share})
    return made.model_copy(update={"maps": [map_]})


# [CLS] 2, I 1, hated 4, this 1, movie 2 and, in two tokens, incredibly 1.5 and 0.5; [SEP] 0: 12 in all.
TOKENS = [2.0, 1.0, 4.0, 1.0, 2.0, 1.5, 0.5, 0.0]
WORDS = [2.0, 1.0, 4.0, 1.0, 2.0, 1.58, 0.0]
REVIEW = scored("I hated this movie incredibly", TOKENS, WORDS)


@pytest.mark.parametrize(
    ("value", "passed", "expected", "found"),
    [
        ({"include": ["HATED"], "k": 1}, True, "HATED the strongest word", "HATED: place 1 of 5; strongest: hated"),
        (
            {"include": ["hated", "this"], "k": 2},
            False,
            "hated and this among the 2 strongest words",
            "hated: place 1, this: place 4 of 5; strongest: hated, movie",
        ),
        (
            {"include": ["this movie"], "k": 2},
            False,
            "this movie among the 2 strongest words",
            "this movie: place 4 of 5; strongest: hated, movie",
        ),
        (
            {"exclude": ["this  Movie", "hate"], "k": 2},
            False,
            "this  Movie and hate not among the 2 strongest words",
            "this  Movie: place 2, hate: not in the text of 5; strongest: hated, movie",
        ),
        (
            {"exclude": ["I"], "k": 3},
            True,
            "I not among the 3 strongest words",
            "I: place 4 of 5; strongest: hated, movie, incredibly",
        ),
    ],
)
def test_words_are_ranked_by_the_map_shown_first_without_special_tokens(
    value: dict[str, Any], passed: bool, expected: str, found: str
) -> None:
    assert said(REVIEW, "top_words", value) == (passed, expected, found)


def test_a_tie_in_the_last_place_is_within_and_a_word_at_0_has_no_place() -> None:
    tied = scored("I hated this movie", [9.0, 1.0, -4.0, 1.0, 0.0, 9.0])
    assert said(tied, "top_words", {"include": ["this"], "k": 2}) == (
        True,
        "this among the 2 strongest words",
        "this: place 2 of 3; strongest: hated, I, this (3 words, since equal numbers share a place)",
    )
    assert said(tied, "top_words", {"include": ["movie"], "k": 2})[::2] == (
        False,
        "movie: no number of 3; strongest: hated, I, this (3 words, since equal numbers share a place)",
    )
    found = asserted(tied, "top_words", {"exclude": ["hated"], "k": 2})
    assert (found.value, found.limit) == (1, 2)


@pytest.mark.parametrize(
    ("part", "share", "on"),
    [
        ("special", 2 / 12, ""),
        ("movie", 2 / 12, " on movie"),
        ("/[Mm]ovie|hated/", 6 / 12, " on hated, movie"),
        ("incredibly", 2 / 12, " on incredibly"),
        ("[2, 12]", 5 / 12, " on hated, this"),
        ("credi", 2 / 12, " on incredibly"),
    ],
)
def test_a_share_is_of_the_sizes_of_all_tokens(part: str, share: float, on: str) -> None:
    exact, less = asserted(REVIEW, "max_share", {part: share}), asserted(REVIEW, "max_share", {part: share - 1e-6})
    assert (exact.passed, less.passed) == (True, False)
    assert exact.value == less.value == pytest.approx(share, abs=1e-15)
    assert exact.found == f"{number(share * 100)}{PERCENT}{on}"
    whole = asserted(REVIEW, "max_share", {part: 0.1})
    assert (whole.expected, whole.limit) == (f"at most 10{PERCENT} of the map", 0.1)


def test_the_share_of_special_tokens_is_the_one_on_the_card() -> None:
    result = records.classification("one", "It was bad.")
    found = asserted(result, "max_share", {"special": 1})
    assert found.value == result.maps[0].special_share


@pytest.mark.parametrize(
    ("result", "name", "value", "why"),
    [
        (REVIEW, "max_share", {"film": 0.1}, "it does not occur in the text; copy words from there"),
        (
            REVIEW,
            "top_words",
            {"include": ["hated"], "k": 5},
            "only 5 words have numbers other than 0; write a smaller k",
        ),
        (scored("I hated it", [0.0] * 5), "max_share", {"special": 1}, "all numbers of the map are 0"),
        (scored("I hated it", [0.0] * 5), "top_words", {"exclude": ["I"], "k": 1}, "all numbers of the map are 0"),
        (
            scored("I hated it", [None, 1.0, None, 1.0, None]),
            "max_share",
            {"special": 1},
            "the map does not measure special tokens",
        ),
        (
            scored("I hated it", [None, 1.0, None, 1.0, None]),
            "max_share",
            {"hated": 1},
            "the map has no number for it; assert a part that the explained answer can depend on",
        ),
        (
            REVIEW.model_copy(update={"maps": []}),
            "top_words",
            {"include": ["hated"], "k": 1},
            "the example has no map; its card says why",
        ),
        (REVIEW, "completeness", "pass", "no map of this example should add up; its warnings say why"),
        (
            REVIEW,
            "more_faithful_than_random",
            True,
            "the example was not put to the test; its warnings say why",
        ),
        (
            REVIEW,
            "agreement",
            {"with": "occlusion", "min_tau": -1},
            "there are no maps to compare with occlusion; the example's warnings say why",
        ),
        (REVIEW, "prediction", "NEGATIV", "the model has no label 'NEGATIV'; write one of NEGATIVE, POSITIVE"),
        (REVIEW, "generated_contains", "x", "nothing was generated; leave continuation out"),
        (
            records.generation("cat", "The cat", " sat"),
            "min_confidence",
            0,
            "the answer is a number, or none that has a name; leave it out",
        ),
    ],
)
def test_what_cannot_be_tested_fails_and_says_why(result: ExampleResult, name: str, value: Any, why: str) -> None:
    assert said(result, name, value)[::2] == (False, NEVER + why)


def answering(link: str, given: list[int], *probabilities: float | None) -> ExampleResult:
    """An answer of several labels at once, or a number."""
    outcomes = [
        Outcome(label=label, index=i, logit=1.0, probability=p)
        for i, (label, p) in enumerate(zip(("anger", "joy", "fear"), probabilities, strict=True))
    ]
    fields: dict[str, Any] = {"outcomes": outcomes, "link": link, "labels": given if link == "sigmoid" else None}
    return REVIEW.model_copy(update={"prediction": Prediction(**fields)})


@pytest.mark.parametrize(
    ("result", "value", "passed", "expected", "found"),
    [
        (REVIEW, "NEGATIVE", True, "NEGATIVE", "NEGATIVE, p = 0.881"),
        (REVIEW, 1, False, "index 1", "NEGATIVE, p = 0.881"),
        (
            answering("sigmoid", [0, 1], 0.7, 0.9, 0.1),
            ["joy", "anger"],
            True,
            "joy and anger",
            "anger, p = 0.7, joy, p = 0.9",
        ),
        (answering("sigmoid", [0, 1], 0.7, 0.9, 0.1), "joy", False, "joy", "anger, p = 0.7, joy, p = 0.9"),
        (answering("sigmoid", [], 0.1, 0.2, 0.1), [], True, "no label", "no label is given"),
    ],
)
def test_the_answer(result: ExampleResult, value: Any, passed: bool, expected: str, found: str) -> None:
    assert said(result, "prediction", value) == (passed, expected, found)


def test_how_likely_the_answer_is() -> None:
    assert said(REVIEW, "min_confidence", 0.8) == (True, "probability of at least 0.8", "0.881 for NEGATIVE")
    assert said(REVIEW, "min_confidence", 0.9)[0] is False
    several = answering("sigmoid", [0, 1], 0.7, 0.9, 0.1)
    assert said(several, "min_confidence", 0.7) == (True, "probability of at least 0.7", "0.7 for anger")
    assert said(several, "min_confidence", 0.70001)[::2] == (False, "0.7 for anger")
    assert said(answering("none", [], None, None, None), "min_confidence", 0)[::2] == (
        False,
        NEVER + "the answer is a number, or none that has a name; leave it out",
    )
    assert said(answering("sigmoid", [], 0.1, 0.1, 0.1), "min_confidence", 0)[2] == (
        NEVER + "no label is given; assert prediction: [] if that is right"
    )


def test_what_was_generated() -> None:
    story = records.generation("cat", "The cat sat on the", " mat\n and slept.")
    assert said(story, "generated_contains", "MAT  and") == (
        True,
        "“MAT and” in what is generated",
        "“mat and slept.”",
    )
    assert said(story, "generated_contains", "dog")[::2] == (False, "“mat and slept.”")
    assert story.prediction is not None
    given = story.prediction.model_copy(update={"stop": "continuation given"})
    assert said(story.model_copy(update={"prediction": given}), "generated_contains", "mat")[0] is False


@pytest.mark.parametrize(
    ("verdict", "value", "passed", "off"),
    [
        ("pass", "pass", True, "0.31"),
        ("warn", "pass", False, "3.2"),
        ("warn", "warn", True, "3.2"),
        ("fail", "warn", False, "12"),
    ],
)
def test_whether_maps_add_up(verdict: method_records.Verdict, value: str, passed: bool, off: str) -> None:
    result = method_records.review("integrated_gradients", verdict=verdict)
    limit = {"pass": 1, "warn": 5}[value]
    found = f"off by {off}{PERCENT} in integrated gradients of “NEGATIVE”"
    assert said(result, "completeness", value) == (passed, f"off by at most {limit}{PERCENT}", found)


def test_of_several_maps_the_worst_counts() -> None:
    result = method_records.choice("integrated_gradients", verdicts={2: "fail"})
    passed, _, found = said(result, "completeness", "warn")
    assert not passed
    count = sum(map_.completeness is not None for map_ in result.maps)
    assert found == f"off by 12{PERCENT} in integrated gradients of “Berlin”, the worst of {count} maps"


def test_whether_the_model_obeys_the_order() -> None:
    for place, passed in ((0, True), (1, False)):
        result = evidence_records.realistic().examples[place]
        assert result.evidence is not None
        assert result.evidence.faithfulness is not None
        beaten = result.evidence.faithfulness.rankings[0].beaten
        assert said(result, "more_faithful_than_random", True) == (
            passed,
            f"beats at least 95{PERCENT} of the random orders",
            f"beats {beaten} of 20 random orders",
        )


def test_whether_methods_agree() -> None:
    kendall = [[1.0, 0.3, None], [0.3, 1.0, 0.0], [None, 0.0, 1.0]]
    names = ["gradient", "occlusion", "vargrad"]
    alike = Agreement(names=names, kendall=kendall, top_k=1, overlap=[[1.0] * 3] * 3)
    result = REVIEW.model_copy(update={"evidence": Evidence(agreement=alike)})
    expected = "τ of at least 0.3 with occlusion"
    assert said(result, "agreement", {"with": "occlusion", "min_tau": 0.3}) == (True, expected, "τ = 0.3")
    assert said(result, "agreement", {"with": "occlusion", "min_tau": 0.3001})[::2] == (False, "τ = 0.3")
    assert said(result, "agreement", {"with": "vargrad", "min_tau": -1})[::2] == (
        False,
        NEVER + "one of the two maps has the same number for every word",
    )


def test_an_example_that_failed_fails_what_it_asserts() -> None:
    found = asserted(records.failed("lost"), "max_share", {"special": 0.3}, level="warn", of="special", line=7)
    assert found == Assertion(
        name="max_share",
        of="special",
        asserted={"special": 0.3},
        level="warn",
        passed=False,
        expected=f"at most 30{PERCENT} of the map",
        found="the example failed: The model has no label 'SARCASTIC'.",
        line=7,
    )
    assert (found.title, found.outcome) == ("max_share special", "warned")


def of_the_run(results: Sequence[ExampleResult], name: str, value: float, *fails: str) -> tuple[bool, str, str]:
    """What an assertion of the run comes to; examples of the ids in `fails` assert what they have not."""
    answers = [Asserted("prediction", label, "warn") for label in ("NEGATIVE", "POSITIVE")]
    examples = [
        result
        if result.id == "silent"
        else result.model_copy(update={"assertions": of_example([answers[result.id in fails]], result)})
        for result in results
    ]
    found = of_run([Asserted(name, value)], examples)
    assert Told.of(records.report(*examples, assertions=found)).exit_code == (0 if found[0].passed else 3)
    return found[0].passed, found[0].expected, found[0].found


def test_how_often_the_run_is_right() -> None:
    right, wrong = (records.classification(name, "A film.", expected=i) for i, name in enumerate(("right", "wrong")))
    silent = records.classification("silent", "A film.")
    assert of_the_run([right, right, wrong, silent], "accuracy", 2 / 3) == (
        True,
        f"at least 66.7{PERCENT} right",
        f"66.7{PERCENT}, 2 of 3",
    )
    lost = records.failed("lost").model_copy(update={"inputs": {"text": "x", "label": "NEGATIVE"}})
    assert of_the_run([right, lost, records.failed("lost")], "accuracy", 0.6)[::2] == (
        False,
        f"50{PERCENT}, 1 of 2; 1 of the others failed",
    )
    assert of_the_run([silent], "accuracy", 0)[::2] == (
        False,
        NEVER + "no example has a right answer; write label or answer in some",
    )


def test_how_many_examples_pass_counts_warnings_and_leaves_out_what_asserts_nothing() -> None:
    results = [records.classification(name, "A film.") for name in ("a", "b", "c", "silent")]
    assert of_the_run(results, "share_of_examples_passing", 0.6, "b") == (
        True,
        f"at least 60{PERCENT} of the examples",
        f"66.7{PERCENT}, 2 of 3",
    )
    assert of_the_run(results, "share_of_examples_passing", 0.7, "b")[0] is False
    assert of_the_run(results[3:], "share_of_examples_passing", 0)[::2] == (
        False,
        NEVER + "no example asserts anything that fits it; write assert under defaults",
    )


def test_numbers_are_told_from_their_limit_and_from_certainty() -> None:
    assert (number(0.30004, 0.3), number(0.3, 0.3), number(0.29996, 0.3)) == ("0.30004", "0.3", "0.29996")
    assert (number(0.9999), number(1.0), number(-0.25)) == ("0.9999", "1", "\N{MINUS SIGN}0.25")
    assert (percent(0.99996), percent(1e-7), percent(0.0)) == (
        f"99.996{PERCENT}",
        f"less than 0.001{PERCENT}",
        f"0{PERCENT}",
    )


def test_the_chat_template_is_no_reason() -> None:
    made = records.classification("one", "I hated this movie")
    encoding: Encoding = made.encodings[0]
    template = encoding.segments[0].model_copy(update={"name": "template"})
    found = said(
        made.model_copy(update={"encodings": [encoding.model_copy(update={"segments": [template]})]}),
        "top_words",
        {"include": ["hated"], "k": 1},
    )
    assert found[2] == NEVER + "only 0 words have numbers other than 0; write a smaller k"
