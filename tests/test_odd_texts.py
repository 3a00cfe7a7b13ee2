"""Texts that break pages: other directions and scripts, joined emoji, words without an end, nothing but blanks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import records
from saliency_report.record import ExampleResult

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

TEXTS = {
    "arabic": "هذا الفيلم (رائع جدا) ولكن Netflix لا يعرف!",
    "both": 'He said "שלום עולם" (hello) twice.',
    "emoji": "A 👩‍👩‍👧‍👦 family 👍🏽 and a 🏳️‍🌈 flag 🇩🇪.",
    "chinese": "这部电影非常精彩，我很喜欢。「本当に」素晴らしい！",
    "thai": "ภาพยนตร์เรื่องนี้ยอดเยี่ยม",
    "combining": "e\u0301e\u0301 Z̷̢a̸l̶g̵o̴ यह फ़िल्म",
    "long": f"a {'x' * 500} b",
    "tabs": "one\ttwo\t\tthree\n\tfour",
    "breaks": "one\n\n\n\n\ntwo\r\nthree\n",
    "blanks": "   \t  ",
}
COPIED = (
    "(selector) => { const all = document.createRange(); all.selectNodeContents(document.querySelector(selector)); "
    "getSelection().removeAllRanges(); getSelection().addRange(all); return getSelection().toString(); }"
)
OUTSIDE = (
    "[...document.querySelectorAll('.text, .w, .w > span, h3, .answer, .map-title')].flatMap((e) => "
    "[...e.getClientRects()].filter((r) => r.left < 0 || r.right > innerWidth).map(() => e.outerHTML))"
)


@pytest.fixture(scope="module")
def examples() -> list[ExampleResult]:
    single = [records.classification(name, text) for name, text in TEXTS.items()]
    endless = "y" * 400
    return [
        *single,
        records.generation("generated", "هذا الفيلم", " رائع جدا"),
        records.multiple_choice(endless, endless, "שאלה?", ["א", "z" * 300]),
        records.classification("labels", "So so.", labels=("n" * 200, "خير")),
    ]


@pytest.mark.parametrize("width", [390, 1280])
def test_every_word_lies_in_the_page(visit: Open, examples: list[ExampleResult], width: int) -> None:
    page = visit(records.report(*examples), viewport={"width": width, "height": 900})
    page.set(special=True)
    for number in (1, 5, 7, 11, 12, 13):
        page.draw(number)
    page.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.ask(OUTSIDE) == []
    assert page.ask("document.documentElement.scrollWidth") <= width


def test_a_label_without_an_end_leaves_the_probabilities_low(visit: Open) -> None:
    page = visit(records.report(records.classification("labels", "So so.", expected=0, labels=("n" * 3000, "Good"))))
    rows = page.ask("[...document.querySelectorAll('.chances li')].map((e) => e.getBoundingClientRect().height)")
    assert max(rows) < 160
    assert page.page.locator(".chances .name .mark").is_visible()


@pytest.mark.parametrize("special", [False, True])
def test_a_copied_text_is_the_original(visit: Open, examples: list[ExampleResult], special: bool) -> None:
    page = visit(records.report(*examples))
    page.set(special=special)
    for number, text in enumerate(TEXTS.values(), 1):
        # No browser copies the break at the end of a block.
        assert page.ask(COPIED, f"#example-{number} .text") == text.removesuffix("\n")
    assert page.ask(COPIED, "#example-11 .text") == "هذا الفيلم رائع جدا"


def test_pictures_hold_all_letters_and_joined_emoji_stay_joined(visit: Open, examples: list[ExampleResult]) -> None:
    page = visit(records.report(*examples))
    for number, text in enumerate(TEXTS.values(), 1):
        page.page.locator(f"#example-{number}").scroll_into_view_if_needed()
        page.until(f"document.querySelectorAll('#example-{number} .download').length", 1)
        parts = page.ask(
            "(n) => [...new DOMParser().parseFromString("
            "drawing(awake.get(document.getElementById(`example-${n}`))).svg, 'image/svg+xml')"
            ".querySelectorAll('text')].map((e) => e.textContent.replaceAll('\\u00a0', ' '))",
            number,
        )
        letters = "".join("".join(parts).replace("↵", "").split())
        assert "".join(text.split()) in letters
        if number == 3:
            assert {"👩‍👩‍👧‍👦", "👍🏽", "🏳️‍🌈", "🇩🇪"} <= set(parts)
