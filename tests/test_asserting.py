"""Assertions in the input: which an example has, and what a person gets wrong about them, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from saliency_report import assertions
from saliency_report.errors import InputError
from saliency_report.spec import Spec, json_schema, parse_spec
from saliency_report.spec.asserting import OF_EXAMPLE, OF_RUN

REVIEW = "task: text-classification, text: I hated this movie."
STORY = "task: text-generation, prompt: The cat sat"


def spec(text: str) -> Spec:
    return parse_spec(text, "in.yaml", "in.yaml", Path())


def one(example: str, *asserted: str) -> list[tuple[str, str, str, object]]:
    found = spec(f"- {{{example}, assert: [{', '.join(asserted)}]}}").examples[0].assertions
    return [(a.name, a.of, a.level, a.value) for a in found]


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        spec(text)
    return [line.partition(": ")[2] for line in caught.value.message.splitlines()]


def wrong(asserted: str, example: str = REVIEW) -> list[str]:
    """What is said of one assertion of one example, without the place of the example."""
    found = problems(f"- {{{example}, assert: [{asserted}]}}")
    return [line.removeprefix("[0].assert[0]").lstrip(".: ") for line in found]


def test_what_the_input_has_is_judged_and_nothing_else() -> None:
    assert assertions.OF_EXAMPLE.keys() == OF_EXAMPLE.keys()
    assert assertions.OF_RUN.keys() == OF_RUN.keys()
    held = json_schema()["$defs"]
    assert held["Assertion"]["properties"].keys() == {*OF_EXAMPLE, "level"}
    assert held["AssertionOfTheRun"]["properties"].keys() == {*OF_RUN, "level"}


def test_an_assertion_is_parted_by_what_it_is_about() -> None:
    assert one(
        f"{REVIEW}, methods: occlusion",
        "{prediction: NEGATIVE}",
        "{top_words: {include: hated, exclude: [movie, this]}}",
        "{max_share: {special: 0.3, '/[Mm]ovies?/': 0, '[0, 7]': 1}, level: warn}",
        "{agreement: {with: occlusion, min_tau: -0.5}}",
    ) == [
        ("prediction", "", "error", "NEGATIVE"),
        ("top_words", "include", "error", {"include": ["hated"], "k": 3}),
        ("top_words", "exclude", "error", {"exclude": ["movie", "this"], "k": 3}),
        ("max_share", "special", "warn", {"special": 0.3}),
        ("max_share", "/[Mm]ovies?/", "warn", {"/[Mm]ovies?/": 0}),
        ("max_share", "[0, 7]", "warn", {"[0, 7]": 1}),
        ("agreement", "occlusion", "error", {"with": "occlusion", "min_tau": -0.5}),
    ]


DEFAULTS = """
defaults:
  task: text-classification
  assert:
    - min_confidence: 0.8
    - generated_contains: mat
    - max_share: {special: 0.3, movie: 0.2}
    - top_words: {exclude: [movie, film], k: 1}
examples:
  - text: I hated this movie.
    assert: [{max_share: {special: 0.5}}, {min_confidence: 0.9, level: warn}]
  - text: I hated it.
  - {task: text-generation, prompt: The movie}
  - {text: I hated it., problem_type: regression}
"""


def test_defaults_hold_beside_an_examples_own_where_they_fit_and_it_does_not_assert_the_same() -> None:
    found = [[(a.name, a.of, a.value) for a in example.assertions] for example in spec(DEFAULTS).examples]
    special = ("max_share", "special", {"special": 0.3})
    movie = ("max_share", "movie", {"movie": 0.2})
    exclude = ("top_words", "exclude", {"exclude": ["movie", "film"], "k": 1})
    assert found == [
        [movie, exclude, ("max_share", "special", {"special": 0.5}), ("min_confidence", "", 0.9)],
        [("min_confidence", "", 0.8), special],
        [("generated_contains", "", "mat"), special, movie, exclude],
        [special],
    ]
    assert [example.assertions[0].line for example in spec(DEFAULTS).examples] == [10, 12, 13, 14]


def test_what_is_asserted_decides_no_number_and_is_no_field_of_the_record() -> None:
    plain, asserting = (spec(f"- {{{REVIEW}{more}}}").examples[0] for more in ("", ", assert: [{prediction: x}]"))
    assert plain.model_dump() == asserting.model_dump()
    assert "assert" not in str(plain.model_dump())


def test_a_default_that_holds_nowhere_is_a_slip() -> None:
    text = (
        f"defaults: {{assert: [{{generated_contains: mat}}, {{max_share: {{film: 0.1}}}}]}}\nexamples: [{{{REVIEW}}}]"
    )
    nowhere = "holds for no example: it fits none, or each asserts the same itself; leave it out"
    assert problems(text) == [
        f"defaults.assert[0].generated_contains: {nowhere}",
        f"defaults.assert[1].max_share.film: {nowhere}",
    ]


def test_what_defaults_need_is_asked_for_where_it_can_be_written() -> None:
    text = "defaults: {assert: [{completeness: pass}, {more_faithful_than_random: true}]}\nexamples: [{%s%s}]"
    integrated = "needs a map that should add up; write methods: [integrated_gradients"
    assert problems(text % (REVIEW, "")) == [
        f"defaults.assert[0].completeness: {integrated}]",
        "defaults.assert[1].more_faithful_than_random: needs the test; write faithfulness: true",
    ]
    assert problems(text % (REVIEW, ", methods: [vargrad], faithfulness: false")) == [
        f"examples[0].methods: completeness under defaults {integrated}, vargrad]",
        "examples[0].faithfulness: more_faithful_than_random under defaults needs the test; write faithfulness: true",
    ]
    assert spec(text % (REVIEW, ", methods: all, faithfulness: true"))


NAMED = "text-classification, multiple-choice, fill-mask, question-answering, zero-shot-classification"
OTHERS = "integrated_gradients, smoothgrad, smoothgrad_squared, vargrad, occlusion, attention_rollout, "
OTHERS += "gradient_x_attention"


@pytest.mark.parametrize(
    ("asserted", "message"),
    [
        ("words", "must be a mapping of one assertion, such as prediction: …, not words"),
        ("{level: warn}", "must have one assertion, and may have level; it has none: write an entry for each"),
        (
            "{completeness: pass, prediction: x}",
            "must have one assertion, and may have level; it has completeness, prediction: write an entry for each",
        ),
        ("{completness: pass}", "completness: unknown assertion; did you mean 'completeness'?"),
        ("{zzz: 1}", f"zzz: unknown assertion; they are {', '.join(OF_EXAMPLE)}"),
        ("{accuracy: 1}", "accuracy: is of the run; write it under assert at the top of the file, beside examples"),
        (
            "{prediction: x, level: warning}",
            "level: must be one of error, warn, not warning; did you mean 'warn'?",
        ),
        ("{prediction: 2.5}", "prediction: must be a name or an index, or a list of them, not 2.5"),
        ("{prediction: [x, '']}", "prediction: must be a name or an index, or a list of them, not nothing"),
        ("{min_confidence: high}", "min_confidence: must be a number from 0 to 1, not high"),
        ("{min_confidence: 1.5}", "min_confidence: must be a number from 0 to 1, not 1.5"),
        ("{top_words: [x]}", "top_words: must be a mapping such as {include: [hated], k: 3}, not a list"),
        ("{top_words: {k: 2}}", "top_words: has neither include nor exclude; write words for one of them"),
        ("{top_words: {includes: [x]}}", "top_words.includes: unknown key; did you mean 'include'?"),
        ("{top_words: {include: []}}", "top_words.include: must be a list of words of the text, not nothing"),
        (
            "{top_words: {include: [5]}}",
            "top_words.include: must be a list of words of the text; 5 is none: put it in quotes",
        ),
        ("{top_words: {include: hated, k: 0}}", "top_words.k: must be a whole number from 1 to 1000, not 0"),
        ("{top_words: {include: [hate]}}", "top_words.include: 'hate' is no word of text; copy words from there"),
        ("{top_words: {exclude: [film]}}", "top_words.exclude: 'film' is no word of text; copy words from there"),
        ("{max_share: 0.3}", "max_share: must be a mapping such as {special: 0.3}, not 0.3"),
        ("{max_share: {special: yes}}", "max_share.special: must be a number from 0 to 1, not yes"),
        (
            "{max_share: {/(/: 0.1}}",
            "max_share./(/: is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        ("{max_share: {Movie: 0.1}}", "max_share.Movie: 'Movie' does not occur in text; did you mean 'movie'?"),
        ("{max_share: {film: 0.1}}", "max_share.film: 'film' does not occur in text; copy words from there"),
        (
            "{max_share: {'[2, 90]': 0.1}}",
            "max_share.[2, 90]: '[2, 90]' does not occur in text; copy words from there",
        ),
        (
            "{max_share: {' ': 0.1}}",
            "max_share. : names no text; write words, special, or a regular expression between slashes",
        ),
        ("{completeness: good}", "completeness: must be pass or warn, not good"),
        (
            "{completeness: warn}",
            "completeness: needs a map that should add up; write methods: [integrated_gradients]",
        ),
        ("{more_faithful_than_random: false}", "more_faithful_than_random: must be true, not false"),
        (
            "{more_faithful_than_random: true}",
            "more_faithful_than_random: needs the test; write faithfulness: true",
        ),
        (
            "{agreement: occlusion}",
            "agreement: must be a mapping such as {with: occlusion, min_tau: 0.3}, not occlusion",
        ),
        (
            "{agreement: {with: oclusion, min_tau: 0}}",
            f"agreement.with: must be one of {OTHERS}, not oclusion; did you mean 'occlusion'?",
        ),
        (
            "{agreement: {with: gradient, min_tau: 0}}",
            f"agreement.with: must be one of {OTHERS}, not gradient; the gradient is what it is compared with",
        ),
        ("{agreement: {with: occlusion, min_tau: 3}}", "agreement.min_tau: must be a number from -1 to 1, not 3"),
        ("{agreement: {with: occlusion}}", "agreement.min_tau: must be a number from -1 to 1, not nothing"),
        (
            "{agreement: {with: occlusion, min_tau: 0}}",
            "agreement: needs the map of occlusion; write methods: [occlusion]",
        ),
        (
            "{generated_contains: x}",
            "generated_contains: does not fit text-classification: it is for text-generation, text2text-generation; "
            "write prediction for an answer that the model chooses",
        ),
    ],
)
def test_what_is_wrong_with_an_assertion(asserted: str, message: str) -> None:
    assert wrong(asserted) == [message]


@pytest.mark.parametrize(
    ("example", "asserted", "message"),
    [
        (
            STORY,
            "{prediction: x}",
            f"prediction: does not fit text-generation: it is for {NAMED}; "
            "write generated_contains for what a model writes",
        ),
        (
            STORY,
            "{min_confidence: 0}",
            f"min_confidence: does not fit text-generation: it is for {NAMED}; leave it out",
        ),
        (STORY, "{generated_contains: 5}", "generated_contains: must be text, not 5"),
        (
            f"{STORY}, continuation: x",
            "{generated_contains: x}",
            "generated_contains: does not fit a continuation that is given, not generated; leave one out",
        ),
        (
            f"{REVIEW}, problem_type: regression",
            "{min_confidence: 0.5}",
            "min_confidence: does not fit problem_type: regression, where a number has no probability; leave it out",
        ),
        (
            f"{REVIEW}, problem_type: regression",
            "{prediction: x}",
            "prediction: does not fit problem_type: regression, where the answer is a number; leave it out",
        ),
        (
            "task: multiple-choice, question: q, choices: [Oslo, Rome]",
            "{prediction: Rom}",
            "prediction: 'Rom' is not among the choices; did you mean 'Rome'?",
        ),
        (
            "task: multiple-choice, question: q, choices: [Oslo, Rome]",
            "{prediction: 2}",
            "prediction: 2 is not among the choices; they are Oslo, Rome",
        ),
        (
            "task: text-generation, messages: [{role: user, content: The cat}]",
            "{max_share: {mat: 0.1}}",
            "max_share.mat: 'mat' does not occur in any message; copy words from there",
        ),
    ],
)
def test_what_does_not_fit_an_example(example: str, asserted: str, message: str) -> None:
    assert wrong(asserted, example) == [message]


def test_lists_that_are_none_and_assertions_that_stand_twice() -> None:
    assert problems(f"- {{{REVIEW}, assert: []}}") == [
        "[0].assert: must be a list of assertions, such as [completeness: pass], not nothing"
    ]
    assert wrong("{prediction: x}, {prediction: x}") == [
        "[0].assert[1]: prediction stands twice with the same value; write it once"
    ]
    assert len(one(REVIEW, "{min_confidence: 0.5}", "{min_confidence: 0.9, level: warn}")) == 2
    assert problems(f"assert: [{{prediction: x}}, {{accuracy: 2}}]\nexamples: [{{{REVIEW}}}]") == [
        "assert[0].prediction: is of an example; write it there, or under defaults",
        "assert[1].accuracy: must be a number from 0 to 1, not 2",
    ]
    assert problems(f"assert: [{{share_of_examples_passing: 1}}]\nexamples: [{{{REVIEW}}}]") == [
        "assert: share_of_examples_passing needs an example that asserts something; write assert under defaults"
    ]


def test_rows_assert_what_stands_beside_their_columns(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text\nA movie.\nA film.\n", encoding="utf-8")
    text = "\nexamples_from: {file: rows.csv, task: text-classification, columns: [text], assert: [%s]}"
    found = parse_spec(text % "{prediction: POSITIVE}", "in.yaml", None, tmp_path)
    assert [[(a.value, a.line) for a in example.assertions] for example in found.examples] == [[("POSITIVE", 2)]] * 2
    with pytest.raises(InputError) as caught:
        parse_spec(text % "{max_share: {movie: 0.2}}", "in.yaml", None, tmp_path)
    assert caught.value.message == (
        "in.yaml:2:106: examples_from.assert[0].max_share.movie: 'movie' does not occur in text; copy words from there"
    )
