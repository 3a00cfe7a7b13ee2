"""Sentences: where a text is cut, and that their scores are those of the whole block of coordinates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

import records
from saliency_report.aggregation import AGGREGATIONS, token_scores, word_scores
from saliency_report.page.scores import scores
from saliency_report.page.sentences import sentence_scores, sentences
from saliency_report.record import Aggregation, Map, Segment, Token, Word


def labels(*segments: Segment) -> list[str]:
    return [sentence.label for sentence in sentences(records.encode(*segments))]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("No end", ["No end"]),
        ("Wait... what?! “Go.” (Now.) End", ["Wait...", "what?!", "“Go.”", "(Now.)", "End"]),
        ("It cost 3.14 at example.com today . It did .", ["It cost 3.14 at example.com today .", "It did ."]),
        (
            "Mr. Bean met Dr. J. R. Watt, e.g. by prof. Lee. So did I. No. Go.",
            ["Mr. Bean met Dr. J. R. Watt, e.g. by pr…", "So did I.", "No.", "Go."],
        ),
        ("He asked Kim. Is it “J.” or xi.e. Or", ["He asked Kim.", "Is it “J.”", "or xi.e.", "Or"]),
        ("好。真的吗？「是！」对", ["好。", "真的吗？", "「是！」", "对"]),
        ("Title\n\nA line\nand its end.\n \nMore", ["Title", "A line\nand its end.", "More"]),
        ("\n\n... Go. ", ["...", "Go."]),
        ("", []),
    ],
)
def test_a_text_is_cut_after_its_full_stops_and_at_blank_lines(text: str, cut: list[str]) -> None:
    assert labels(Segment(name="text", text=text)) == [sentence.replace("\n", "↵") for sentence in cut]


def test_every_word_is_in_one_sentence_but_special_tokens_and_a_chat_template() -> None:
    encoding = records.encode(
        Segment(name="template", text="User: hello. "),
        Segment(name="prompt", text="Who? Me."),
        Segment(name="continuation", text=" Yes.", generated=True),
    )
    cut = sentences(encoding)
    assert [sentence.label for sentence in cut] == ["Who?", "Me.", "Yes."]
    held = [word for sentence in cut for word in sentence.words]
    assert held == sorted(set(held))
    left = [word for index, word in enumerate(encoding.words) if index not in held]
    assert all(word.special or word.segment == 0 for word in left)


def test_no_cut_lies_inside_a_word() -> None:
    """One token of several characters can hold the end of a sentence and what follows."""
    encoding = records.encode(Segment(name="text", text="So. It is."), first="", last="")
    joined = Word(tokens=[0], segment=0, start=0, end=6, special=False)
    token = Token(text="So. It", id=1, segment=0, start=0, end=6, special=False)
    later = [replace(word, tokens=[i]) for i, word in enumerate(encoding.words[3:], 1)]
    whole = encoding.model_copy(update={"tokens": [token, *encoding.tokens[3:]], "words": [joined, *later]})
    assert [sentence.label for sentence in sentences(whole)] == ["So. It is."]


def map_of(like: Map, **changes: Any) -> Map:
    return like.model_copy(update=changes)


def test_scores_are_those_of_the_block_of_all_tokens() -> None:
    result = records.classification("one", "This was extraordinarily bad. I left. Never again!")
    encoding, map_ = result.encodings[0], result.maps[0]
    generator = torch.Generator().manual_seed(0)
    attribution, x = torch.randn(2, len(encoding.tokens), 7, generator=generator, dtype=torch.float64)
    names = [name for name, aggregation in AGGREGATIONS.items() if aggregation.word is not None]
    of_tokens = token_scores(attribution, x, names)
    report = records.report(result).model_copy(
        update={
            "aggregations": [Aggregation.model_validate(a, from_attributes=True) for a in AGGREGATIONS.values()],
            "methods": [records.METHOD.model_copy(update={"scores": names})],
            "examples": [
                result.model_copy(
                    update={
                        "maps": [map_of(map_, scores={n: values.tolist() for n, values in of_tokens.items()})],
                    }
                )
            ],
        }
    )
    cut = sentences(encoding)
    blocks = [[token for word in one.words for token in encoding.words[word].tokens] for one in cut]
    members = sorted(token for block in blocks for token in block)
    place = {token: index for index, token in enumerate(members)}
    expected = word_scores(
        {name: values[members] for name, values in of_tokens.items()},
        [[place[token] for token in block] for block in blocks],
    )
    found = sentence_scores(report.examples[0].maps[0], encoding, cut, scores(report))
    assert list(found) == names
    for name in names:
        assert found[name] == pytest.approx(expected[name].tolist(), rel=1e-12), name


def test_what_was_not_measured_gives_no_sentence() -> None:
    """A drop has no rule; and a sentence is not added up from some of its tokens."""
    assert AGGREGATIONS["drop"].word is None
    result = records.classification("one", "Good. Bad.")
    map_ = result.maps[0]
    without_first = [None if index == 1 else score for index, score in enumerate(map_.scores["l2"])]
    holed = map_of(map_, scores=map_.scores | {"l2": without_first})
    ruled = [a.model_copy(update={"word": "norm"}) if a.name == "l2" else a for a in records.AGGREGATIONS]
    report = records.report(result).model_copy(update={"aggregations": ruled})
    encoding = result.encodings[0]
    found = sentence_scores(holed, encoding, sentences(encoding), scores(report))
    assert list(found) == ["l2"]
    assert found["l2"][0] is None
    assert found["l2"][1] is not None
