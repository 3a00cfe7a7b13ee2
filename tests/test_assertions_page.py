"""Assertions on the page: a sentence and links at the top, a list on each card, a badge and a filter in the list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import records
from assertion_records import ODD, asserting, assertion, hostile, several, share
from saliency_report.page import render_page
from saliency_report.page.packs import EXAMPLES
from saliency_report.page.static import render_static
from saliency_report.record import Report
from test_accessibility import DARK, OPEN, PHONE, check
from test_page import Tree
from test_phone import TARGETS

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing", "node"]

SPECIAL = "max_share special: expected at most 30 %; found 41.2 %."
ANSWER = "✓ holds prediction: expected NEGATIVE; found NEGATIVE, p = 0.998."


def words(report: Report, css_class: str) -> list[str]:
    """What elements of the page, as it stands in the file, say."""
    found = [e for e in Tree(render_page(report)).root.all() if css_class in e.attributes.get("class", "").split()]
    return [" ".join(element.words().split()) for element in found]


def test_the_page_says_what_holds_at_the_top_and_on_each_card() -> None:
    assert words(several(), "run-asserted") == [
        "7 assertions: 3 hold, 3 fail, 1 warned. Failing in film, sarcasm (show only these). "
        "Warned in praise (show only these). "
        "✓ holds accuracy: expected at least 90 %; found 100 %, 1 of 1. "
        "✗ fails share_of_examples_passing: expected at least 90 %; found 0 %, 0 of 3."
    ]
    assert words(several(), "asserted")[1:] == [
        f"✗ fails {SPECIAL} {ANSWER}",
        f"! warned {SPECIAL} {ANSWER}",
        "✗ fails prediction: expected NEGATIVE; found the example failed: The model has no label 'SARCASTIC'.",
    ]
    one = records.report(asserting(records.classification("one", "A film."), assertion()))
    assert words(one, "run-asserted") == ["1 assertion: 1 holds, 0 fail, 0 warned."]


def test_many_that_hold_are_folded_below_what_does_not() -> None:
    many = [assertion(), share(True), share(False, "warn"), assertion(), assertion()]
    report = records.report(asserting(records.classification("one", "A film."), *many))
    (shown,) = words(report, "asserts")
    assert shown.startswith(f"! warned {SPECIAL} 4 more assertions hold {ANSWER}")
    report = records.report(asserting(records.classification("one", "A film."), *many[:2], *many[3:]))
    assert words(report, "asserts")[0].startswith("4 assertions hold ✓ holds")


def test_where_nothing_is_asserted_the_page_has_no_word_of_it() -> None:
    plain = records.report(records.classification("one", "A film."), records.failed("lost"))
    assert words(plain, "asserted") == words(plain, "run-asserted") == words(plain, "asserts") == []
    assert "ssert" not in Tree(render_static(plain)).root.words()


def test_the_page_without_script_and_style_says_the_same() -> None:
    said = " ".join(Tree(render_static(several())).root.words().split())
    assert "7 assertions: 3 hold, 3 fail, 1 warned. Failing in film, sarcasm. Warned in praise." in said
    assert f"✗ fails {SPECIAL}" in said
    assert "NEGATIVE 0.881 ✓ right assertion fails" in said


def many() -> Report:
    """Three pages of a list: every tenth fails, every tenth but one is warned of."""
    kinds = {0: share(False), 1: share(False, "warn")}
    return records.report(
        *(
            asserting(records.classification(f"n{n}", f"Film {n}."), assertion(), kinds.get(n % 10, share(True)))
            for n in range(1, 2 * EXAMPLES + 20)
        )
    )


def list_(page: Visit) -> list[str]:
    return [" ".join(row.split()) for row in page.page.locator(".index li").all_inner_texts()]


def test_failing_examples_are_marked_filtered_and_linked(visit: Open) -> None:
    page = visit(many(), charts=False)
    fails = list(range(10, 2 * EXAMPLES + 20, 10))
    assert page.said(".run-asserted > p") == [
        f"238 assertions: 215 hold, {len(fails)} fail, 12 warned. Failing in "
        + ", ".join(f"n{n}" for n in fails[:10])
        + " and 1 more (show only these). Warned in "
        + ", ".join(f"n{n}" for n in range(1, 92, 10))
        + " and 2 more (show only these)."
    ]
    assert page.page.get_by_label("Show", exact=True).locator("option").all_inner_texts() == [
        "all examples",
        "failed assertions (11)",
        "warned assertions (12)",
    ]
    shown = "[...document.querySelectorAll('#cards > article')].map((a) => Number(a.id.slice(8)))"
    page.page.get_by_label("Show", exact=True).select_option("failing")
    page.until(shown, fails)
    rows = list_(page)
    assert rows[0] == "10 n10 Film 10. NEGATIVE 0.881 assertion fails"
    assert rows[-1] == "110 n110 Film 110. NEGATIVE 0.881 assertion fails"
    assert page.said("#example-110 .asserted") == [f"✗ fails {SPECIAL} {ANSWER}"]
    page.page.locator(".run-asserted .view").last.click()
    page.until(shown, [n for n in range(1, 120) if n % 10 == 1])
    assert list_(page)[-1] == "111 n111 Film 111. NEGATIVE 0.881 assertion warned"
    page.page.locator(".run-asserted a", has_text="n100").click()
    page.until("document.activeElement.closest('article')?.id", "example-100")


@pytest.mark.parametrize("look", [{}, DARK | PHONE | {"scripts": False}], ids=["light", "dark phone"])
def test_it_passes_axe_and_has_contrast(visit: Open, node_modules: Path, look: dict[str, Any]) -> None:
    page = visit(several(), charts=False, **look)
    page.ask(OPEN)
    check(page, node_modules, 20)


def test_it_fits_a_phone_and_a_text_does_nothing_there(visit: Open) -> None:
    page = visit(hostile(), charts=False, **PHONE)
    assert page.ask("document.documentElement.scrollWidth") <= 390
    assert page.ask(TARGETS) == []
    assert page.count(".asserted img, .run-asserted img") == 0
    assert all("[l](z)↵::error::x" in said for said in page.said(".asserted li"))
    assert ODD.partition("\n")[0] in page.said(".asserted li")[0]
