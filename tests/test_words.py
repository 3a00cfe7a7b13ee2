from __future__ import annotations

import pytest

from saliency_report.record import Segment, Token
from saliency_report.words import group_words, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It was bad, truly.", ["It", "was", "bad", ",", "truly", "."]),
        ("don’t do state-of-the-art", ["don’t", "do", "state-of-the-art"]),
        ("'quoted' rock-", ["'", "quoted", "'", "rock", "-"]),
        ("3.5 or 1,000. End...", ["3.5", "or", "1,000", ".", "End", "..."]),
        ("wow?!!", ["wow", "?", "!!"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("👩\u200d👩\u200d👧 ❤️ 👍🏽", ["👩\u200d👩\u200d👧", "❤️", "👍🏽"]),
        ("🇫🇷🇩🇪 🏴\U000e0067\U000e007f", ["🇫🇷", "🇩🇪", "🏴\U000e0067\U000e007f"]),
        ("מה שלומך?", ["מה", "שלומך", "?"]),
        (" \t\n", []),
    ],
)
def test_words_and_marks(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in split_words(text)] == words


def _token(start: int | None, end: int | None, *, special: bool = False) -> Token:
    segment = None if start is None else 0
    return Token(text="x", id=1, segment=segment, start=start, end=end, special=special)


def _groups(text: str, spans: list[tuple[int, int] | None]) -> list[list[int]]:
    tokens = [_token(*(span or (None, None)), special=span is None) for span in spans]
    return [word.tokens for word in group_words(tokens, [Segment(name="text", text=text)])]


def test_pieces_of_a_word_belong_together_and_its_comma_does_not() -> None:
    assert _groups("unbelievable, no", [None, (0, 2), (2, 12), (12, 13), (14, 16), None]) == [
        [0],
        [1, 2],
        [3],
        [4],
        [5],
    ]


def test_a_token_over_two_words_joins_them() -> None:
    assert _groups("New York is big", [(0, 8), (9, 11), (12, 15)]) == [[0], [1], [2]]
    assert _groups("ab cd ef", [(0, 1), (1, 5), (6, 8)]) == [[0, 1], [2]]
    assert _groups("ab cd", [(0, 4), (4, 5)]) == [[0, 1]]


def test_byte_tokens_of_one_character_belong_together() -> None:
    assert _groups("a 😀 b", [(0, 1), (2, 3), (2, 3), (2, 3), (4, 5)]) == [[0], [1, 2, 3], [4]]


def test_a_token_of_white_space_is_a_word_of_its_own() -> None:
    words = group_words([_token(0, 1), _token(1, 2), _token(2, 3)], [Segment(name="text", text="a\nb")])
    assert [(word.tokens, word.start, word.end) for word in words] == [([0], 0, 1), ([1], 1, 2), ([2], 2, 3)]


def test_a_word_spans_what_it_shows_even_where_no_token_stands() -> None:
    words = group_words([_token(0, 3)], [Segment(name="text", text="abcdef g")])
    assert (words[0].start, words[0].end) == (0, 6)
