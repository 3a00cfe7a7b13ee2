"""The page on a phone and on a tablet: nothing makes it scroll sideways, and a finger hits what it aims at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import evidence_records
import method_records
import records
from saliency_report.record import Report

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

REPORTS = {
    "realistic": records.realistic(),
    "methods": method_records.everything(),
    "evidence": evidence_records.realistic(),
    "many": records.report(*(records.classification(f"n{i}", "So, so.") for i in range(60))),
}
# Links inside a sentence are as high as its lines, and tokens of a text as wide as their letters: for them there are
# the buttons above the text. A field inside a label is as large as the label.
TARGETS = (
    "[...document.querySelectorAll('a, button, summary, select, input')]"
    ".filter((e) => e.checkVisibility() && !e.closest('p a, .counts a, .skip'))"
    ".map((e) => e.closest('label') ?? e)"
    ".filter((e) => Math.min(e.getBoundingClientRect().width, e.getBoundingClientRect().height) < 24)"
    ".map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().width, e.getBoundingClientRect().height])"
)


@pytest.mark.parametrize("width", [390, 768])
@pytest.mark.parametrize("name", REPORTS)
def test_every_target_is_large_enough_and_nothing_scrolls_sideways(visit: Open, name: str, width: int) -> None:
    report: Report = REPORTS[name]
    page = visit(report, viewport={"width": width, "height": 844}, has_touch=True)
    page.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for number in (1, 2):
        for plot in page.page.locator(f"#example-{number} figure.plot").all():
            plot.scroll_into_view_if_needed()
        page.until(f"document.querySelectorAll('#example-{number} .canvas:not(.drawn)').length", 0)
    page.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.ask("document.documentElement.scrollWidth") <= width
    assert page.ask(TARGETS) == []


def test_a_short_text_has_its_whole_chart_on_a_phone(visit: Open) -> None:
    page = visit(REPORTS["realistic"], viewport={"width": 390, "height": 844})
    page.draw(1)
    assert len(page.bars(1)) == 13
    assert page.ask(
        "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)"
        "(document.querySelector('#example-1 [data-chart=bars] .canvas'))"
    )
