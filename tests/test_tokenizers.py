"""Any text through every kind of tokenizer: spans lie in it, words hold their tokens, what is unread is marked."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from saliency_report.aggregation import word_scores
from saliency_report.page.spans import runs_by_segment
from saliency_report.record import Encoding, Segment
from saliency_report.tasks.alignment import align
from saliency_report.tasks.encoding import encode, unknown_warning
from saliency_report.words import is_visible, unseen
from tokenizers_of_each_kind import FAST, SLOW, slow

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.text(
    "the cat #▁@é\u0301ＡｂİßΣ①ﬁ東क्षि😀👩\u200d👧\u2060\n\t", min_size=1, max_size=30
)


@pytest.fixture(scope="module", params=[*FAST, *(f"slow {kind}" for kind in SLOW)])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    kind = str(request.param)
    return FAST[kind]() if kind in FAST else slow(kind.removeprefix("slow "), tmp_path_factory.mktemp("tokenizer"))


def encoded(tokenizer: Any, text: str) -> Encoding:
    row, encoding = encode(tokenizer, [Segment(name="text", text=text)], [[0]])
    assert row.ids == [token.id for token in encoding.tokens] == tokenizer(text, verbose=False).input_ids
    return encoding


def test_any_text(tokenizer: Any) -> None:
    @settings(deadline=None, max_examples=100, derandomize=True, database=None)
    @given(TEXTS)
    def check(text: str) -> None:
        encoding = encoded(tokenizer, text)
        spans = [(t.start, t.end) for t in encoding.tokens if t.start is not None and t.end is not None]
        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert [start for start, _ in spans] == sorted(start for start, _ in spans)
        # The words hold each token once, so signed sums stay what they are.
        held = [token for word in encoding.words for token in word.tokens]
        assert held == list(range(len(encoding.tokens)))
        if held:
            scores = {"sum": torch.linspace(-1, 2, len(held), dtype=torch.float64)}
            words = word_scores(scores, [word.tokens for word in encoding.words])["sum"]
            assert float(words.sum()) == pytest.approx(float(scores["sum"].sum()), abs=1e-9)
        # Every visible character belongs to a token, or is told of and struck through.
        (gaps,) = unseen(encoding.tokens, encoding.segments)
        covered = {i for start, end in [*spans, *gaps] for i in range(start, end)}
        assert all(i in covered or not is_visible(char) for i, char in enumerate(text))
        (runs,) = runs_by_segment(encoding)
        assert "".join(run.text for run in runs if not run.chip) == text
        struck = "".join(run.text for run in runs if run.unread)
        assert [c for c in struck if is_visible(c)] == [c for a, b in gaps for c in text[a:b] if is_visible(c)]
        said = " ".join(unknown_warning(tokenizer, encoding))
        assert ("passes over" in said) == bool(gaps)

    check()


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("wordpiece", "The Cat, on #5!", ["The", "The", "The", "Cat", ",", "on", "on", "#", "5", "!"]),
        ("code points", "é😀 x", ["é", "😀", " ", "x"]),
        ("bytes", "é😀 x", ["é", "é", "😀", "😀", "😀", "😀", " ", "x"]),
        ("pairs", "the cat", ["the", "c", "at"]),
    ],
)
def test_tokens_of_a_slow_tokenizer_stand_where_they_do(kind: str, text: str, shown: list[str], tmp_path: Path) -> None:
    encoding = encoded(slow(kind, tmp_path), text)
    found = [text[t.start : t.end] for t in encoding.tokens if t.segment is not None]
    if kind == "wordpiece":
        assert "".join(dict.fromkeys(found)) != ""
        assert [t.text for t in encoding.tokens if t.segment is not None][:3] == ["t", "##h", "##e"]
        assert found[:4] == ["T", "h", "e", "Cat"]
        assert found[-2:] == ["5", "!"]
    else:
        assert found == shown


@pytest.mark.parametrize("kind", ["sentencepiece unigram", "sentencepiece bpe"])
def test_the_offsets_of_sentencepiece_are_its_own(kind: str, tmp_path: Path) -> None:
    """The library can tell offsets; what was found from the pieces alone is the same, blanks aside."""
    tokenizer = slow(kind, tmp_path)
    for text in ("the cat sat on the mat", "été  naïve ｆｕｌｌ ① 東京", "xyz 😀 the dog", "THE привет!"):
        encoding = encoded(tokenizer, text)
        own = tokenizer.sp_model.encode(text, return_type="proto").pieces
        expected = [text.encode()[piece.begin : piece.end].decode().strip() for piece in own]
        found = [text[t.start : t.end].strip() if t.segment is not None else "" for t in encoding.tokens]
        assert found == expected


def test_a_pair_through_a_slow_tokenizer(tmp_path: Path) -> None:
    segments = [Segment(name="text", text="the cat"), Segment(name="text_pair", text="the mat")]
    _, encoding = encode(slow("wordpiece", tmp_path), segments, [[0], [1]])
    words = [(w.segment, segments[w.segment].text[w.start : w.end]) for w in encoding.words if w.segment is not None]
    assert words == [(0, "the"), (0, "cat"), (1, "the"), (1, "mat")]


@pytest.mark.parametrize(
    ("text", "surfaces", "spans"),
    [
        ("The Cat", ["the", "cat"], ["The", "Cat"]),
        ("naïve café", ["naive", "cafe"], ["naïve", "café"]),
        ("e\u0301t", ["e", "t"], ["e\u0301", "t"]),
        ("a 😀 b", ["a", "", "b"], ["a", "😀", "b"]),
        ("a xyz uvw b", ["a", "", "", "b"], ["a", "xyz", "uvw", "b"]),
        ("a 😀 b", ["a", "", "", "", "", "b"], ["a", "😀", "😀", "😀", "😀", "b"]),
        ("ﬁsh", ["f", "ish"], ["ﬁ", "ﬁsh"]),
        ("straße", ["stra", "ss", "e"], ["stra", "ß", "e"]),
        ("ab", ["", "ab", ""], [None, "ab", None]),
        ("", ["x"], [None]),
        ("THE x", [" ", "THE", " ", "x"], [None, "THE", " ", "x"]),
        ("😀", [" ", ""], [None, "😀"]),
    ],
)
def test_letters_are_laid_along_the_text(text: str, surfaces: list[str], spans: list[str | None]) -> None:
    assert [span and text[slice(*span)] for span in align(text, surfaces)] == spans


def test_marks_are_no_characters_of_their_own() -> None:
    assert not is_visible("\u0301\u200d\ufe0f \n")
    assert is_visible("😀")
    assert unicodedata.category("\u2060") == "Cf"
