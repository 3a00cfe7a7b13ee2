"""Two records side by side: shares, their change and the order of words by hand; what is matched, and what is not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import evidence_records
import method_records
import records
import tiny
from saliency_report.cli import main
from saliency_report.compare import Asked, Comparison, ExampleChange, MapChange, Side, compare, json_parts
from saliency_report.compare.align import View, align
from saliency_report.compare.match import numbered
from saliency_report.record import (
    Aggregation,
    Encoding,
    ExampleResult,
    Map,
    Outcome,
    Prediction,
    Report,
    Segment,
    Token,
    Word,
    to_json,
)
from saliency_report.tasks.encoding import encode
from saliency_report.words import group_words

LABELS = ("NEGATIVE", "POSITIVE")


def aggregation(name: str = "l2", *, signed: bool = False, word: Any = "norm") -> Aggregation:
    return Aggregation(name=name, title=name, signed=signed, sentence="A score.", formula="s", word=word)


def encoding(text: str, spans: Sequence[tuple[int, int]], *, name: str = "text") -> Encoding:
    """A token a span, between two special ones."""
    pieces = [Token(text=text[a:b], id=0, segment=0, start=a, end=b, special=False) for a, b in spans]
    ends = [Token(text=mark, id=1, segment=None, start=None, end=None, special=True) for mark in ("[CLS]", "[SEP]")]
    tokens, segments = [ends[0], *pieces, ends[1]], [Segment(name=name, text=text)]
    return Encoding(segments=segments, tokens=tokens, words=group_words(tokens, segments))


def words(text: str) -> list[tuple[int, int]]:
    """A span a word."""
    starts = [i for i in range(len(text)) if text[i] != " " and (i == 0 or text[i - 1] == " ")]
    return [(start, start + len(text[start:].split(" ")[0])) for start in starts]


def example(
    text: str,
    scores: Sequence[float | None],
    *,
    id: str = "one",
    spans: Sequence[tuple[int, int]] | None = None,
    p: float = 0.9,
    label: int = 0,
    target: int | None = None,
    score: str = "l2",
    **changes: Any,
) -> ExampleResult:
    """A classified text whose words have these scores, special tokens 9 each; p is that of the label that is given."""
    encoded = encoding(text, words(text) if spans is None else spans)
    of_tokens = [9.0, *scores, 9.0]
    assert [word.tokens for word in encoded.words] == [[i] for i in range(len(of_tokens))]
    outcomes = [
        Outcome(label=name, index=i, logit=0.0, probability=p if i == label else 1 - p) for i, name in enumerate(LABELS)
    ]
    explained = LABELS[label if target is None else target]
    made = Map(
        title=explained,
        encoding=0,
        method="gradient",
        target=records.target(explained, p),
        scores={score: of_tokens},
        word_scores={score: of_tokens},
        special_share=None,
    )
    fields: dict[str, Any] = {
        "id": id,
        "task": "text-classification",
        "model": 0,
        "inputs": {"text": text},
        "encodings": [encoded],
        "prediction": Prediction(outcomes=outcomes, predicted=label),
        "maps": [made],
    }
    return ExampleResult(**fields | changes)


def report(*examples: ExampleResult, score: Aggregation | None = None, **changes: Any) -> Report:
    held = score or aggregation()
    method = records.METHOD.model_copy(update={"scores": [held.name]})
    return records.report(*examples, aggregations=[held], methods=[method], **changes)


def only(old: ExampleResult, new: ExampleResult, **options: Any) -> ExampleChange:
    (found,) = compare(report(old, **options), report(new, **options)).examples
    return found


def shares(change: MapChange, side: str) -> list[float | None]:
    return [getattr(block, side).share for block in change.blocks if not block.special]


# By hand


def test_a_share_is_a_score_over_the_sum_of_all_and_special_tokens_have_none() -> None:
    found = only(example("a bad film", [1, 3, 4]), example("a bad film", [20, 20, 40])).maps[0]
    assert shares(found, "old") == [1 / 8, 3 / 8, 1 / 2]
    assert shares(found, "new") == [1 / 4, 1 / 4, 1 / 2]
    assert [block.change for block in found.blocks] == [1 / 8, -1 / 8, 0.0, None, None]
    assert [(block.text, block.special) for block in found.blocks[3:]] == [("[CLS]", True), ("[SEP]", True)]
    assert [(block.old.score, block.new.score) for block in found.blocks] == [(1, 20), (3, 20), (4, 40), (9, 9), (9, 9)]
    # 2 concordant pairs and none discordant; all 3 differ before, 2 now.
    assert found.tau == 2 / sqrt(3 * 2)


@pytest.mark.parametrize("target", [0, 1])
def test_signs_count_where_both_scores_have_one_and_argue_for_the_same_answer(target: int) -> None:
    score = aggregation("sum", signed=True, word="sum")
    old = example("a bad film", [-1, 2, 1], score="sum")
    new = example("a bad film", [1, 2, -1], score="sum", target=target)
    found = only(old, new, score=score).maps[0]
    assert found.signed is found.same_target is (target == 0)
    assert [block.change for block in found.blocks[:3]] == ([1 / 2, 0.0, -1 / 2] if target == 0 else [0.0, 0.0, 0.0])
    assert found.tau == (1 / 3 if target == 0 else 1.0)  # −1, 2, 1 and 1, 2, −1: two pairs agree and one does not


def test_sizes_beyond_what_floats_can_add_have_shares_and_nothing_has_none() -> None:
    found = only(example("so bad", [1e308, 1e308]), example("so bad", [0, 0])).maps[0]
    assert shares(found, "old") == [1 / 2, 1 / 2]
    assert shares(found, "new") == [None, None]
    assert (found.tau, found.came, found.went) == (None, [], [0, 1])


def test_the_strongest_five_that_came_and_went_blanks_left_out() -> None:
    old = example("a b c d e f g", [7, 6, 5, 4, 3, 2, 1])
    new = example("a b c d e f g", [7, 6, 1, 4, 3, 2, 5.5])
    found = only(old, new).maps[0]
    assert ([found.blocks[i].text for i in found.went], [found.blocks[i].text for i in found.came]) == (["c"], ["g"])


def test_a_flip_and_what_became_of_the_earlier_answer() -> None:
    found = only(example("a bad film", [1, 2, 3], p=0.9), example("a bad film", [1, 2, 3], p=0.8, label=1))
    assert found.flipped is True
    assert [found.p_now, found.p_change] == pytest.approx([0.2, -0.7])
    assert found.notes[0] == (
        "The two maps explain different numbers: NEGATIVE before, POSITIVE now. A word can matter to both."
    )
    assert not found.maps[0].same_target


def sigmoids(*given: int, p: float = 0.8) -> Prediction:
    outcomes = [Outcome(label=name, index=i, logit=0.0, probability=p) for i, name in enumerate("abc")]
    return Prediction(outcomes=outcomes, link="sigmoid", threshold=0.5, labels=list(given))


def number(value: float) -> Prediction:
    return Prediction(outcomes=[Outcome(label="score", index=0, logit=value, probability=None)], link="none")


@pytest.mark.parametrize(
    ("before", "now", "flipped", "answers", "p_now"),
    [
        (sigmoids(0, 1), sigmoids(1, 0), False, ("a, b", "b, a"), None),
        (sigmoids(0), sigmoids(0, 2, p=0.7), True, ("a", "a, c"), 0.7),
        (sigmoids(), sigmoids(2), True, ("none above 0.5", "c"), None),
        (number(0.5), number(-0.5), None, ("score 0.500", "score −0.500"), None),
        (Prediction(text="a cat"), Prediction(text="a dog"), True, ("a cat", "a dog"), None),
        (Prediction(text="a cat"), Prediction(text="a cat"), False, ("a cat", "a cat"), None),
        (None, Prediction(text="a cat"), None, (None, "a cat"), None),
    ],
)
def test_what_counts_as_another_prediction(
    before: Prediction | None,
    now: Prediction,
    flipped: bool | None,
    answers: tuple[str | None, str],
    p_now: float | None,
) -> None:
    """Sets of labels and texts do; a number that moves and a continuation that was given do not."""
    old, new = example("a b", [1, 2], prediction=before), example("a b", [1, 2], prediction=now)
    found = only(old, new)
    assert (found.flipped, found.p_now) == (flipped, p_now)
    assert (found.old and found.old.text, found.new and found.new.text) == answers
    given = Prediction(text="a cat", stop="continuation given")
    assert only(example("a b", [1, 2], prediction=given), new).flipped is None


def test_raw_numbers_compare_where_weights_number_format_method_and_target_are_the_same() -> None:
    old, new = example("a bad film", [1, 2, 3]), example("a bad film", [1, 2, 4])
    assert only(old, new).maps[0].raw
    for changes in ({"weights_sha256": "0" * 64}, {"dtype": "bfloat16"}, {"weights_sha256": None}):
        (found,) = compare(report(old), report(new, models=[records.model(**changes)])).examples
        assert not found.maps[0].raw


# Words that tokenizers split otherwise


@pytest.mark.parametrize(
    ("rule", "expected"), [("norm", 5.0), ("sum", 7.0), ("mean", 3.5), ("amax", 4.0), (None, None)]
)
def test_a_block_of_several_words_follows_the_rule_of_its_score(rule: Any, expected: float | None) -> None:
    """Before one token reaches over both words, so that they are one; now they are two."""
    old = example("so bad film", [10, 5], spans=[(0, 6), (7, 11)])
    new = example("so bad film", [3, 4, 5])
    found = only(old, new, score=aggregation(word=rule)).maps[0]
    first, second = found.blocks[:2]
    assert (first.text, first.old.words, first.new.words) == ("so bad", [1], [1, 2])
    assert (first.old.score, first.new.score) == (10, expected)
    assert (second.text, second.old.score, second.new.score) == ("film", 5, 5)
    if expected is None:
        assert (first.new.share, first.change) == (None, None)
    else:
        assert first.new.share == expected / (expected + 5)


def test_what_one_side_does_not_read_and_what_it_does_not_know_is_kept_and_marked() -> None:
    old, new = example("so bad film", [1, 2, 3]), example("so bad film", [4, 4], spans=[(0, 2), (3, 6)])
    tokens = [*new.encodings[0].tokens]
    tokens[2] = Token(text="[UNK]", id=5, segment=0, start=3, end=6, special=False)
    new = new.model_copy(update={"encodings": [new.encodings[0].model_copy(update={"tokens": tokens})]})
    found = only(old, new).maps[0]
    assert found.blocks[2].text == "film"
    assert found.blocks[2].new == Side(words=[], score=None, share=None, unknown=False)
    assert [block.new.unknown for block in found.blocks[:3]] == [False, True, False]
    assert shares(found, "new") == [1 / 2, 1 / 2, None]
    assert found.tau is None  # the two words that both read are equally strong now


SPLITS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6), st.booleans()), max_size=12)


def partition(text: str, cuts: Sequence[tuple[int, int, bool]]) -> Encoding:
    """Words at random places of a text, and special ones or such without characters between them."""
    tokens, split, reached = [], list[Word](), 0
    for gap, length, special in cuts:
        start, end = reached + gap % 3, min(reached + gap % 3 + length, len(text))
        bare = special or start >= end
        if not special and start >= len(text):
            continue
        place: dict[str, Any] = {"segment": 0, "start": start, "end": max(start, end)}
        place = {"segment": None, "start": None, "end": None} if bare and gap % 2 else place
        tokens.append(Token(text=f"t{gap}", id=gap, special=special, **place))
        split.append(Word(tokens=[len(tokens) - 1], special=special, **place))
        reached = reached if bare else end
    return Encoding(segments=[Segment(name="text", text=text)], tokens=tokens, words=split)


@settings(deadline=None, max_examples=300, derandomize=True, database=None)
@given(st.text("ab é😀\n", min_size=1, max_size=30), SPLITS, SPLITS)
def test_every_word_of_either_side_is_in_exactly_one_block(text: str, one: Any, other: Any) -> None:
    views = [View.of(partition(text, cuts), None) for cuts in (one, other)]
    texts, spans = align(views[0], views[1])
    assert [shared.segment.text for shared in texts] == [text]
    for side, view in zip(("old", "new"), views, strict=True):
        held = Counter(word for span in spans for word in getattr(span, side))
        assert held == Counter(range(len(view.encoding.words)))
    placed = [span for span in spans if span.within is not None and not span.special and span.start != span.end]
    for before, after in pairwise(placed):
        assert before.end is not None
        assert after.start is not None
        assert before.end <= after.start
    for span in placed:
        held_words = [(views[0], i) for i in span.old] + [(views[1], i) for i in span.new]
        edges = [(view.encoding.words[i].start, view.encoding.words[i].end) for view, i in held_words]
        assert (min(edges)[0], max(end or 0 for _, end in edges)) == (span.start, span.end)


TEXTS = [
    "The movie was incredibly bad, I hated it.",
    "naïve café, Ångström’s e\u0301te\u0301",
    "good 😀👩\u200d👧 film 🇫🇷 #1",
    "tabs\tand\n\nlines  東京",
]


@pytest.mark.parametrize("text", TEXTS)
def test_two_tokenizers_align_every_word_of_one_text(text: str) -> None:
    views = [
        View.of(encode(tokenizer, [Segment(name="text", text=text)], [[0]])[1], None)
        for tokenizer in (tiny.wordpiece(), tiny.byte_level(roberta=True))
    ]
    _, spans = align(*views)
    for side, view in zip(("old", "new"), views, strict=True):
        held = Counter(word for span in spans for word in getattr(span, side))
        assert held == Counter(range(len(view.encoding.words)))
    # Each visible word has its twin; what has none is white space, or added by one of the tokenizers.
    lone = [text[span.start : span.end] for span in spans if not (span.old and span.new) and span.start is not None]
    assert [word for word in lone if word.strip()] == []
    assert sum(bool(span.old and span.new) for span in spans) >= 4


# What is matched


def test_a_record_against_itself_has_no_change() -> None:
    for held in (records.realistic(), method_records.everything(), evidence_records.realistic()):
        found = compare(held, held)
        assert found.appeared == found.vanished == []
        assert not any(fact.differs for fact in found.facts)
        assert (found.totals.flips, found.totals.mean_p_change) == (0, 0.0)
        assert found.totals.judged > 0
        assert {change.id for change in found.examples} == {result.id for result in held.examples}
        by_id = dict(zip(numbered(r.id for r in held.examples), held.examples, strict=True))
        for key, change in zip(numbered(change.id for change in found.examples), found.examples, strict=True):
            result = by_id[key]
            assert len(change.maps) == len(result.maps)
            assert change.notes == []
            for map_ in change.maps:
                assert map_.old == map_.new
                assert {block.change for block in map_.blocks if not block.special} <= {0.0, None}
                assert map_.tau in (1.0, None)
                assert map_.came == map_.went == []
            assert not change.maps or change.maps[0].new.map == result.headline
        assert found.totals.median_tau == found.totals.min_tau == 1.0


def test_examples_are_matched_by_ids_and_compared_where_the_text_is_the_same() -> None:
    old = report(
        example("a b c", [1, 2, 3], id="same"),
        example("a b c", [1, 2, 3], id="gone"),
        example("a b d", [1, 2, 3], id="other"),
        example("a b c", [1, 2, 3], id="works"),
        example("a b c", [1, 2, 3], id="task"),
    )
    new = report(
        example("a b c", [1, 2, 3], id="fresh"),
        example("a b c", [1, 2, 3], id="task", task="token-classification"),
        example("a b c", [1, 2, 3], id="other", label=1),
        example("a b c", [3, 2, 1], id="same"),
        records.failed("works").model_copy(update={"inputs": {"text": "a b c"}}),
    )
    found = compare(old, new)
    assert [(change.id, change.status) for change in found.examples] == [
        ("works", "failed"),
        ("same", "compared"),
        ("task", "text changed"),
        ("other", "text changed"),
    ]
    assert [(alone.id, alone.text, alone.answer) for alone in found.vanished] == [("gone", "a b c", "NEGATIVE")]
    assert [alone.id for alone in found.appeared] == ["fresh"]
    changes = {change.id: change for change in found.examples}
    assert changes["other"].notes == [
        "The text changed: it was “a b d”. Words of different texts are not compared.",
    ]
    assert changes["task"].notes == [
        "The task changed, from text-classification to token-classification. Words of different texts are not "
        "compared.",
    ]
    assert changes["other"].flipped is changes["works"].flipped is None
    assert changes["works"].notes == []
    assert changes["works"].failures == (
        None,
        "The model has no label 'SARCASTIC'. Choose one of NEGATIVE, POSITIVE, or leave target out.",
    )
    assert changes["same"].tau == -1.0
    assert (found.totals.compared, found.totals.judged, found.totals.flips) == (1, 1, 0)


def test_a_field_that_an_early_record_lacks_is_empty_and_no_change() -> None:
    new = example("a b c", [1, 2, 3], inputs={"text": "a b c", "chat": False, "continuation": None})
    assert only(example("a b c", [1, 2, 3]), new).status == "compared"


def test_an_id_that_a_record_has_twice_is_matched_in_its_order() -> None:
    old = report(example("a b", [1, 2]), example("c d", [1, 2]))
    new = report(example("a b", [1, 2]), example("c d", [2, 1]), example("e f", [1, 2]))
    found = compare(old, new)
    assert [(change.text, change.tau) for change in found.examples] == [("c d", -1.0), ("a b", 1.0)]
    assert [alone.text for alone in found.appeared] == ["e f"]


def test_changed_predictions_come_first_then_the_lowest_tau() -> None:
    before = [example("a b c d", [1, 2, 3, 4], id=name) for name in "uvwxyz"]
    after = [
        example("a b c d", [1, 2, 3, 4], id="u"),
        example("a b c d", [4, 3, 2, 1], id="v"),
        example("a b c d", [1, 2, 4, 3], id="w", label=1),
        example("a b c d", [1, 1, 1, 1], id="x"),
        example("a b c d", [2, 1, 4, 3], id="y", label=1),
        example("a b c d", [1, 2, 4, 3], id="z"),
    ]
    found = compare(report(*before), report(*after))
    assert [change.id for change in found.examples] == ["y", "w", "v", "z", "u", "x"]
    assert found.totals.min_tau == -1.0
    assert found.totals.median_tau == pytest.approx(2 / 3)
    assert found.totals.taus == 5


def test_generated_tokens_are_compared_as_long_as_what_stands_before_them_is_the_same() -> None:
    old = records.report(records.generation("cat", "The cat sat on the", " mat and slept."))
    new = records.report(records.generation("cat", "The cat sat on the", " mat and ran away."))
    (found,) = compare(old, new).examples
    assert found.flipped is True
    assert [(map_.old.target, map_.new.target) for map_ in found.maps] == [("mat", "mat"), ("and", "and")]
    second = found.maps[1]
    assert [text.text for text in second.texts] == ["The cat sat on the", " mat"]
    assert [block.text for block in second.blocks if not block.special] == ["The", "cat", "sat", "on", "the", "mat"]
    assert found.notes == [
        "2 of 5 explained tokens stand at the same place and after the same text as before. The others follow another "
        "text, or there was none at their place; their words are not compared."
    ]


def test_where_the_first_token_is_another_one_the_prompt_is_compared_and_it_is_said() -> None:
    old = records.report(records.generation("cat", "The cat sat on the", " mat and slept."))
    new = records.report(records.generation("cat", "The cat sat on the", " sofa."))
    (found,) = compare(old, new).examples
    assert [(map_.old.target, map_.new.target, map_.same_target) for map_ in found.maps] == [("mat", "sofa", False)]
    assert [text.text for text in found.maps[0].texts] == ["The cat sat on the", ""]
    assert found.notes == [
        "The two maps explain different numbers: mat before, sofa now. A word can matter to both.",
        "0 of 2 explained tokens stand at the same place and after the same text as before. The others follow another "
        "text, or there was none at their place; their words are not compared.",
    ]


def test_another_method_adds_maps_and_not_tokens() -> None:
    result = records.generation("cat", "The cat sat on the", " mat and slept.")
    more = [map_.model_copy(update={"method": "integrated_gradients"}) for map_ in result.maps]
    methods = [records.METHOD, records.METHOD.model_copy(update={"name": "integrated_gradients"})]
    now = result.model_copy(update={"maps": [*result.maps, *more]})
    old, new = records.report(result), records.report(now, methods=methods)
    (found,) = compare(old, new).examples
    count = len(result.maps)
    assert found.notes == [f"{count} maps now without one of the same method and target in the other run."]


def test_choices_are_matched_by_their_texts_and_the_one_that_is_chosen_now_is_shown() -> None:
    old = records.report(records.multiple_choice("paris", **records.PARIS))
    new = records.report(records.multiple_choice("paris", **records.PARIS | {"winner": 3}))
    (found,) = compare(old, new).examples
    assert found.flipped is True
    assert [map_.new.target for map_ in found.maps] == ["Rome", "London", "Paris", "Berlin"]
    assert all(map_.old.target == map_.new.target and map_.same_target for map_ in found.maps)


def test_two_methods_are_compared_by_target_and_it_is_said() -> None:
    old = records.classification("one", "It was bad.")
    (first,) = old.maps
    method = records.METHOD.model_copy(update={"name": "integrated_gradients", "title": "Integrated gradients"})
    new = old.model_copy(update={"maps": [first.model_copy(update={"method": "integrated_gradients"})]})
    (found,) = compare(records.report(old), records.report(new, methods=[method])).examples
    assert [(map_.old.method, map_.new.method) for map_ in found.maps] == [("gradient", "integrated_gradients")]
    assert found.maps[0].same_target
    assert not found.maps[0].raw
    assert found.notes == [
        "The two maps are of different kinds and units: compare which words are strong in each, and not how strong."
    ]


def test_a_template_of_one_model_stands_by_itself() -> None:
    def chat(template: str) -> ExampleResult:
        plain = encoding("hi you", words("hi you"), name="user")
        tokens = [*plain.tokens, Token(text=template, id=2, segment=1, start=0, end=len(template), special=False)]
        segments = [*plain.segments, Segment(name="template", text=template)]
        held = Encoding(segments=segments, tokens=tokens, words=group_words(tokens, segments))
        made = example("hi you", [1, 2])
        scores = [9.0, 1.0, 2.0, 9.0, 1.0]
        map_ = made.maps[0].model_copy(update={"scores": {"l2": scores}, "word_scores": {"l2": scores}})
        return made.model_copy(update={"encodings": [held], "maps": [map_]})

    found = only(chat("user:"), chat("<u>"))
    assert [(text.name, text.text, text.of) for text in found.maps[0].texts] == [
        ("user", "hi you", "both"),
        ("template", "<u>", "new"),
        ("template", "user:", "old"),
    ]
    alone = [block for block in found.maps[0].blocks if block.within in (1, 2)]
    assert [(block.text, block.old.share, block.new.share, block.change) for block in alone] == [
        ("<u>", None, 1 / 4, None),
        ("user:", 1 / 4, None, None),
    ]
    assert found.notes == [
        "Some text, such as a chat template, was given to one of the models alone; it stands by itself."
    ]


# Facts, record, checks


def test_what_differs_in_how_the_runs_were_made() -> None:
    held = example("a b", [1, 2], inputs={"text": "a b", "seed": 0})
    changed: dict[str, Any] = {"dtype": "bfloat16", "weights_sha256": "0" * 64, "parameters": 9}
    old = report(held)
    new = report(held, models=[records.model(**changed)], device="cuda:0", versions={"python": "3.11.7", "torch": "3"})
    found = compare(old, new)
    assert [(fact.of, fact.name, fact.old, fact.new) for fact in found.facts if fact.differs] == [
        ("Model embedded sentiment", "parameters", "11,345,000", "9"),
        ("Model embedded sentiment", "number format", "float32", "bfloat16"),
        ("Model embedded sentiment", "weights sha256", "9f2c4b7a" * 8, "0" * 64),
        ("Run", "device", "cpu", "cuda:0"),
        ("Versions", "torch", "2.13.0", "3"),
        ("Versions", "transformers", "5.23.0", "–"),
    ]
    assert ("Settings", "quantity") in {(fact.of, fact.name) for fact in found.facts}


def test_the_record_of_a_comparison_is_read_back() -> None:
    odd = example("a \u2028b", [1, 2], id="half \ud800 of a pair", spans=[(0, 1), (2, 4)])
    old = report(odd, example("a b", [1, 2], id="gone"), title='quoted " and \\')
    found = compare(old, report(odd.model_copy(update={"inputs": {"text": "a \u2028b"}})))
    text = "".join(json_parts(found))
    assert Comparison.model_validate(json.loads(text)) == found
    assert text.encode()  # a half of a pair is escaped
    lines = [line for line in text.split("\n") if line.startswith('{"id":"')]
    assert [json.loads(line.removesuffix(",").removesuffix("]"))["id"] for line in lines] == [odd.id, "gone"]


def checked(**asked: Any) -> dict[str, list[tuple[str | None, str, str]]]:
    old = report(*(example("a b c", [1, 2, 3], id=name) for name in "xyz"))
    new = report(
        example("a b c", [1, 2, 3], id="x"),
        example("a b c", [1, 3, 2], id="y", label=1),
        records.failed("z").model_copy(update={"inputs": {"text": "a b c"}}),
    )
    found = compare(old, new, asked=Asked(**asked))
    return {check.name: [(b.id, b.expected, b.found) for b in check.broken] for check in found.checks}


def test_checks_name_the_example_what_was_expected_and_what_was_found() -> None:
    assert checked() == {}
    assert checked(no_flips=True, min_tau=0.5, min_median_tau=0.9) == {
        "--no-flips": [
            ("y", "NEGATIVE", "POSITIVE"),
            (
                "z",
                "NEGATIVE",
                "failed: The model has no label 'SARCASTIC'. Choose one of NEGATIVE, POSITIVE, or leave target out.",
            ),
        ],
        "--min-tau 0.5": [("y", "τ of at least 0.5", "τ 0.33")],
        "--min-median-tau 0.9": [(None, "a median τ of at least 0.9", "a median τ of 0.67")],
    }
    assert checked(min_tau=0.333, min_median_tau=0.6) == {"--min-tau 0.333": [], "--min-median-tau 0.6": []}
    assert checked(min_tau=0.33334) == {"--min-tau 0.33334": [("y", "τ of at least 0.33334", "τ 0.33")]}


def test_a_check_of_nothing_does_not_hold() -> None:
    found = compare(report(), report(), asked=Asked(no_flips=True, min_tau=0, min_median_tau=0))
    assert [[(b.expected, b.found) for b in check.broken] for check in found.checks] == [
        [("examples to compare", "none")]
    ] * 3


def test_a_tau_just_below_its_limit_is_not_written_as_the_limit() -> None:
    from saliency_report.compare.checks import written

    assert written(0.5996, 0.6) == "0.5996"
    assert written(-0.3, 0.6) == "−0.30"


# The command


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """old.json, new.json and a file that is no record, in the current folder."""
    monkeypatch.chdir(tmp_path)
    ids = {"flip": 1, "steady": 0, "odd\x1b[31m\n": 1}
    before = [example("so bad film", [1, 3, 4], id=id) for id in [*ids, "fails", "gone"]]
    after = [example("so bad film", [4, 3, 1] if label else [1, 4, 3], id=id, label=label) for id, label in ids.items()]
    after.append(records.failed("fails").model_copy(update={"inputs": {"text": "so bad film"}}))
    Path("old.json").write_text(to_json(report(*before)), encoding="utf-8")
    Path("new.json").write_text(to_json(report(*after, device="cuda:0")), encoding="utf-8")
    Path("other.json").write_text('{"schema_version": 1, "of": "another program"}', encoding="utf-8")


@pytest.mark.usefixtures("runs")
class TestCommand:
    def test_says_what_changed_and_where_the_page_is(self) -> None:
        assert invoke("compare", "old.json", "new.json") == (
            0,
            "2 of 3 predictions changed\n"
            "  flip  NEGATIVE 0.900 → POSITIVE 0.900  τ −1.00\n"
            "  odd\ufffd[31m   NEGATIVE 0.900 → POSITIVE 0.900  τ −1.00\n"
            "  fails  fails now: The model has no label 'SARCASTIC'. Choose one of NEGATIVE, POSITIVE, or leave target "
            "out.\n"
            "order of the words: median τ −1.00 over 3 examples, lowest −1.00 (flip)\n"
            "change of the probability of the earlier answer: −0.53, mean over 3 examples\n"
            "not compared: 1 failing now, 1 vanished\n"
            "differs: Run: device\n"
            "3 examples compared: diff.html\n",
            "",
        )
        assert "so bad film" in Path("diff.html").read_text(encoding="utf-8")
        assert not Path("diff.json").exists()

    def test_what_does_not_hold_is_named_and_costs_exit_code_3(self) -> None:
        asked = ("--no-flips", "--min-tau", "0.2", "--min-median-tau", "-1")
        assert invoke("compare", "old.json", "new.json", *asked, "-q", "-o", "page.html", "--json") == (
            3,
            "failed: --no-flips: flip: expected NEGATIVE, found POSITIVE\n"
            "failed: --no-flips: odd\ufffd[31m : expected NEGATIVE, found POSITIVE\n"
            "failed: --no-flips: fails: expected NEGATIVE, found failed: The model has no label 'SARCASTIC'. Choose "
            "one of NEGATIVE, POSITIVE, or leave target out.\n"
            "failed: --min-tau 0.2: flip: expected τ of at least 0.2, found τ −1.00\n"
            "failed: --min-tau 0.2: odd\ufffd[31m : expected τ of at least 0.2, found τ −1.00\n"
            "3 examples compared: page.html, page.json\n",
            "",
        )
        found = Comparison.model_validate_json(Path("page.json").read_text(encoding="utf-8"))
        assert (found.old.file, found.new.file, found.totals.flips) == ("old.json", "new.json", 2)

    def test_what_holds_is_exit_code_0(self) -> None:
        code, out, _ = invoke(
            "compare", "old.json", "old.json", "--no-flips", "--min-tau", "1", "--min-median-tau", "1"
        )
        assert (code, out.splitlines()[0]) == (0, "None of 5 predictions changed")
        assert "failed" not in out

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            (
                ("old.json", "other.json"),
                "Error: other.json: title: Field required.\n"
                "14 problem(s) in all; give the file as `run --json` wrote it.\n",
            ),
            (
                ("nothing.json", "new.json"),
                "Error: nothing.json: cannot be read: No such file or directory.\n"
                "Give the file that `run --json` wrote.\n",
            ),
            (
                ("old.json", "new.json", "-o", "new.json"),
                "Error: new.json is the input itself.\nName another file with -o.\n",
            ),
            (
                ("old.json", "new.json", "-o", "old.html", "--json"),
                "Error: old.json is the input itself.\nName another file with -o.\n",
            ),
            (
                ("old.json", "new.json", "-o", "page.json", "--json"),
                "Error: page.json is where --json writes the comparison.\nName the page diff.html, say, with -o.\n",
            ),
        ],
    )
    def test_a_wrong_file_is_one_clear_error(self, arguments: tuple[str, ...], error: str) -> None:
        before = {path: path.read_bytes() for path in Path().iterdir()}
        assert invoke("compare", *arguments) == (2, "", error)
        assert {path: path.read_bytes() for path in Path().iterdir()} == before

    def test_more_than_the_terminal_holds_is_counted(self) -> None:
        before = [example("so bad film", [1, 3, 4], id=f"n{n}") for n in range(25)]
        after = [example("so bad film", [1, 3, 4], id=f"n{n}", label=1) for n in range(25)]
        Path("old.json").write_text(to_json(report(*before)), encoding="utf-8")
        Path("new.json").write_text(to_json(report(*after)), encoding="utf-8")
        code, out, _ = invoke("compare", "old.json", "new.json", "--no-flips")
        assert code == 3
        assert out.count(" → ") == 20
        assert "\n  … 5 more in the page\n" in out
        assert "\nfailed: --no-flips: 5 more\n" in out
