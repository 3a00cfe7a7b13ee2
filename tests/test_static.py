"""The page without script and style: what must not be in it, what must, and how it looks where both are forbidden."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

import evidence_records
import method_records
import records
from saliency_report.page import colour, static, text
from saliency_report.page.drawings import PALETTE, QUIET
from saliency_report.page.heat import LONGEST, Letters, breakable, heat
from saliency_report.page.static import render_static
from saliency_report.page.tables import rows as tables_of
from saliency_report.page.tables import word_labels
from saliency_report.page.unstyled import BAR, GROUNDS, LINK
from saliency_report.record import Report
from test_hostile import planted
from test_page import Element, Tree

pytest_plugins = ["browsing"]

# What Jenkins sends with a file of a build, unless its administrator chose otherwise.
JENKINS = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self'"
FORBIDDEN = {"script", "style", "link", "button", "input", "select", "fieldset", "label", "iframe", "object", "img"}
REPORTS = {
    "realistic": records.realistic(),
    "hostile": planted(records.HOSTILE),
    "evidence": evidence_records.realistic(),
}


def root(report: Report) -> Element:
    return Tree(render_static(report)).root


@pytest.fixture(scope="module", params=list(REPORTS))
def drawn(request: pytest.FixtureRequest) -> tuple[Report, Element]:
    report = REPORTS[request.param]
    return report, root(report)


def parts(root: Element, number: int) -> list[Element]:
    """The card of an example, and its further maps, which stand after it."""
    cards = [e for e in root.all() if e.tag == "article" or e.attributes.get("aria-label", "").startswith("Further")]
    wanted = (f"example-{number}", f"Further maps of example {number}")
    return [e for e in cards if e.attributes.get("id", e.attributes.get("aria-label")) in wanted]


def test_there_is_nothing_that_a_strict_viewer_forbids(drawn: tuple[Report, Element]) -> None:
    for element in drawn[1].all():
        assert element.tag not in FORBIDDEN
        for name, value in element.attributes.items():
            assert name not in ("style", "class", "src", "srcset", "srcdoc")
            assert not name.startswith(("on", "data"))
            assert name != "href" or value.startswith("#")
    ids = [e.attributes["id"] for e in drawn[1].all() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert {e.attributes["href"][1:] for e in drawn[1].all("a") if "href" in e.attributes} <= set(ids)


def test_every_word_and_every_first_score_of_every_map_is_there(drawn: tuple[Report, Element]) -> None:
    report, page = drawn
    signed = {aggregation.name: aggregation.signed for aggregation in report.aggregations}
    titles = {aggregation.name: text.visible(aggregation.title) for aggregation in report.aggregations}
    for number, result in enumerate(report.examples, 1):
        rows = [
            [cell.text() for cell in row.all() if cell.tag in ("td", "th")]
            for part in parts(page, number)
            for row in part.all("tr")
        ]
        tables = [tuple(row[:2]) for row in rows if len(row) == 3 and row[2] == ""]
        full = [row for row in rows if len(row) > 2]
        for map_ in result.maps:
            encoding = result.encodings[map_.encoding]
            labels, name = word_labels(encoding), map_.first_score
            expected = []
            for label, word, score in zip(labels, encoding.words, map_.word_scores[name], strict=False):
                if not word.special:
                    plus = "+" if signed[name] and score and text.rounded(score) > 0 else ""
                    number_ = "not measured" if score is None else plus + text.significant(text.rounded(score))
                    expected.append((label, number_))
            places = [i for i in range(len(tables)) if tables[i : i + len(expected)] == expected]
            assert places, f"{result.id}: {map_.title} by {map_.method}"
            assert ["Text", "Token", *(titles[name] for name in map_.scores)] in full
            for row in tables_of(encoding, map_):
                written = "\u00a0\u00a0" * row.part + row.text
                assert [written, row.tokens, *row.scores] in full, f"{result.id}: {row}"


def test_every_text_is_there_character_by_character(drawn: tuple[Report, Element]) -> None:
    report, page = drawn
    for number, result in enumerate(report.examples, 1):
        blocks = [
            block.text() if not list(block.all("code")) else ""
            for part in parts(page, number)
            for block in part.all("pre")
        ]
        for map_ in result.maps:
            segments = [text.visible(segment.text) for segment in result.encodings[map_.encoding].segments]
            in_one = "".join(segments) in blocks
            assert in_one or set(segments) <= set(blocks), result.id


def test_what_the_page_warns_of_this_page_warns_of_too() -> None:
    words = root(REPORTS["realistic"]).words()
    for sentence in (
        "Random weights The checkpoint of bert-base-uncased lacks classifier.weight, classifier.bias",
        "Remote code bert-base-uncased ran Python code that came with its checkpoint.",
        "Warning The text was cut.",
        "Failed The model has no label 'SARCASTIC'.",
        "Choose one of NEGATIVE, POSITIVE, or leave target out.",
        "NEGATIVE 0.881 ✓ right",
        "✗ expected neutral",
        "Explained: logit of NEGATIVE, predicted, p = 0.881.",
        "It is not proof that the word caused the answer",
        "Each bold token has a map of its own.",
        "Paris (chosen) (expected) logit 4.00, p = 0.869",
        "plain and hooked logits differ by 2.40e−7 of the largest logit",
    ):
        assert sentence in words
    words = root(REPORTS["evidence"]).words()
    for sentence in ("More faithful than random:", "Underlined is positive, italic negative."):
        assert sentence in words
    words = root(method_records.everything()).words()
    assert "Does not add up" in words


def test_a_page_of_very_many_examples_is_shortened_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "MANY", 2)
    page = root(REPORTS["realistic"])
    assert "Shortened With so many examples, the tables of all scores of all tokens are left out here" in page.words()
    assert "All scores of words" not in page.words()
    assert "Every explained token as a table" in page.words()
    assert not [details for details in page.all("details") if "open" in details.attributes]
    assert "Shortened" not in root(records.report(records.classification("a", "b c"))).words()


def test_all_letters_stand_out_from_their_grounds() -> None:
    for ground in (*PALETTE.values(), colour.LIGHT.paper):
        if ground not in colour.LIGHT.hues.values() and ground != colour.LIGHT.ink:
            assert colour.contrast(colour.LIGHT.ink, ground) >= 7
    for ground in (*GROUNDS.values(), colour.LIGHT.paper):
        for letters in (colour.LIGHT.ink, QUIET, LINK):
            assert colour.contrast(letters, ground) >= 7


@pytest.mark.parametrize("written", [f"see {'x' * 100} <b>", "ab" * 12, "a & b\n\n c", "&" * 60, ""])
def test_a_line_may_end_in_what_is_longer_than_a_phone_is_wide(written: str) -> None:
    shown = breakable(written)
    assert html.unescape(shown.replace("<wbr>", "")) == written
    assert max(map(len, re.split(r"\s", html.unescape(shown.replace("<wbr>", " "))))) <= LONGEST
    assert ("<wbr>" in shown) == any(len(run) > LONGEST for run in written.split())


def test_a_digest_does_not_make_the_page_wide(browser: Browser) -> None:
    report = records.report()
    digest = report.models[0].model_copy(update={"weights_sha256": "ab" * 32})
    report = report.model_copy(update={"models": [digest, *report.models[1:]]})
    page = browser.new_page(viewport={"width": 900, "height": 600})
    page.set_content(render_static(report))
    assert page.evaluate("document.documentElement.scrollWidth") <= 900
    page.close()


def test_a_sign_is_underlined_or_italic() -> None:
    shown = heat([Letters("good", "#aaccee", "+", "0.2"), Letters(" "), Letters("bad", "#eeccaa", "−", "−0.1")])
    assert re.sub(r"</?font[^>]*>", "", shown) == (
        '<pre wrap dir="ltr">'
        '<math role="none"><mtext role="none" mathbackground="#aaccee"><u>good</u></mtext></math>'
        ' <math role="none"><mtext role="none" mathbackground="#eeccaa"><i>bad</i></mtext></math>'
        "</pre>"
    )


def open_(browser: Browser, page: str, **options: Any) -> Any:
    """The page as a viewer with the header of Jenkins shows it; it must ask for nothing and say nothing."""
    context = browser.new_context(**options)
    tab, noise = context.new_page(), []
    tab.on("console", lambda message: noise.append(message.text))
    headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": JENKINS}
    tab.route("**/*", lambda route: route.fulfill(body=page, headers=headers))
    tab.goto("http://localhost/report.static.html")
    assert noise == []
    return tab


def test_words_scores_and_colours_are_seen_where_script_and_style_are_forbidden(browser: Browser) -> None:
    tab = open_(browser, render_static(REPORTS["realistic"]), viewport={"width": 1000, "height": 800})
    card = tab.locator("#example-1")
    seen = card.inner_text()
    assert re.search(r"^bad\t34\.6\t", seen, flags=re.MULTILINE)
    assert re.search(r"^hated\t20\.7\t", seen, flags=re.MULTILINE)
    word = card.locator("mtext", has_text="bad")
    assert word.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(232, 169, 26)"
    assert word.evaluate("e => getComputedStyle(e).color") == "rgb(27, 28, 30)"
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    bars = card.locator("td svg rect")
    widths = [bars.nth(i).bounding_box()["width"] for i in range(bars.count())]
    assert max(widths) == 180
    assert card.locator("details").first.get_attribute("open") is not None


# Right to left, left to right, and each inside the other, with numbers and brackets.
ORDERS = [
    "הסרט הזה היה נפלא, ואני אוהב אותו מאוד!",
    "The cat sat, on (the) mat: 12.5 times.",
    "ראיתי את New York City אתמול, שלום 12.5 עולם",
    "He said שלום עולם and left, שלום 12.5 עולם too",
]


@pytest.mark.parametrize("written", ORDERS)
def test_coloured_words_stand_where_plain_text_would_put_them(browser: Browser, written: str) -> None:
    """A browser says where each word of the plain text stands; coloured, the words have the same order."""
    pieces = re.findall(r"\s+|\w+|[^\w\s]", written)
    coloured = heat([Letters(piece, "" if piece.isspace() else "#ffddaa") for piece in pieces])
    plain = "".join(piece if piece.isspace() else f"<span>{piece}</span>" for piece in pieces)
    way = re.search(r'dir="(\w+)"', coloured)
    assert way
    page = f'<!DOCTYPE html><meta charset="utf-8"><pre dir="{way[1]}">{plain}</pre><section>{coloured}</section>'
    tab = open_(browser, page, viewport={"width": 1400, "height": 300})
    script = "es => es.map((e, i) => [e.getBoundingClientRect().left, i]).sort((a, b) => a[0] - b[0]).map(p => p[1])"
    assert (
        tab.locator("section mtext").evaluate_all(script)
        == tab.locator("pre > span").evaluate_all(script)[: len([p for p in pieces if not p.isspace()])]
    )


def test_the_same_report_gives_the_same_page(tmp_path: Path) -> None:
    assert render_static(REPORTS["realistic"]) == render_static(records.realistic())


def test_a_histogram_has_its_looks_in_attributes() -> None:
    examples = [method_records.review("integrated_gradients").model_copy(update={"id": str(i)}) for i in range(5)]
    found = [
        e for e in root(method_records.report(*examples)).all() if e.tag in ("rect", "line") and "y1" in e.attributes
    ]
    assert {e.attributes["stroke"] for e in found} == {QUIET}
    assert [e.attributes.get("stroke-dasharray") for e in found[:3]] == [None, "4 3", "4 3"]
    bars = [e for e in root(method_records.report(*examples)).all() if e.tag == "rect" and "y" in e.attributes]
    assert BAR in {e.attributes["fill"] for e in bars}
    assert all("fill" in e.attributes for e in bars)


def test_what_a_count_is_of_stands_in_brackets() -> None:
    (cards, *_) = (e for e in root(records.realistic()).all() if e.tag == "ul")
    assert [item.words() for item in cards.all("li")] == [
        "10 examples (8 of text classification, 1 of text generation, 1 of multiple choice)",
        "3 of 5 right (2 wrong)",
        "1 failed (which and why)",
        "1 with a warning (which and why)",
    ]


def test_the_table_of_all_scores_says_which_are_what_rounding_left() -> None:
    result = records.classification("film", "It was bad.")
    (map_,) = result.maps
    for held in (map_.scores, map_.word_scores):
        held |= {"sum": [6e-8 * size for size in records.measured(held["l1"])]}
    page = render_static(records.report(result))
    assert (
        page.count(
            "Zero up to rounding: Sum of the gradient and Mean of the gradient; at every token the slopes cancel"
        )
        == 1
    )
    assert "Zero up to rounding" not in render_static(records.report(records.classification("film", "It was bad.")))
