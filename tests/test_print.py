"""The page on paper: in the print style, at the width that A4 leaves between the margins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import evidence_records
import method_records
import records
from saliency_report.page import colour, text
from saliency_report.page.tables import word_labels
from saliency_report.record import Map, Report

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing"]

A4 = {"width": 696, "height": 1017}  # pixels of 210 x 297 mm without margins of 13 and 14 mm

REPORTS = {
    "realistic": records.realistic(),
    "methods": method_records.everything(),
    "evidence": evidence_records.realistic(),
    "long": records.report(
        records.generation("long", "One " * 40 + "word", " and another and one more that is Donaudampfschifffahrt.")
    ),
}


def on_paper(page: Visit, *, scripted: bool = True) -> None:
    """What a browser does before it prints."""
    page.page.set_viewport_size({"width": A4["width"], "height": A4["height"]})
    page.page.emulate_media(media="print", color_scheme="dark")
    if scripted:
        page.ask("dispatchEvent(new Event('beforeprint'))")


def printed(page: Visit, number: int) -> list[tuple[str, list[list[str]]]]:
    """Caption and rows of each table of numbers that can be seen."""
    found = page.ask(
        "(n) => [...document.querySelectorAll(`#example-${n} .tables table`)].filter((t) => t.checkVisibility())"
        ".map((t) => [t.caption?.textContent ?? '', "
        "[...t.tBodies[0].rows].map((r) => [...r.cells].map((c) => c.textContent))])",
        number,
    )
    return [(caption, rows) for caption, rows in found]


def word_numbers(report: Report, number: int, map_: Map) -> list[tuple[str, str]]:
    """Each word, and its first score as it is written."""
    encoding = report.examples[number - 1].encodings[map_.encoding]
    scores = map_.word_scores[map_.first_score]
    errors = map_.noise.word_standard_errors[map_.first_score] if map_.noise else [None] * len(scores)
    return [
        (label, "" if score is None else text.with_error(score, error))
        for label, score, error in zip(word_labels(encoding), scores, errors, strict=False)
    ]


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_cut_at_the_edge_of_the_paper(visit: Open, name: str, scripted: bool) -> None:
    page = visit(REPORTS[name], java_script_enabled=scripted)
    on_paper(page, scripted=scripted)
    outside = page.ask(
        "[...document.body.querySelectorAll('*')]"
        ".filter((e) => e.checkVisibility() && !e.closest('.hidden-title, .skip') && !e.matches('svg *'))"
        ".filter((e) => e.getBoundingClientRect().right > innerWidth + 1)"
        ".map((e) => `${e.tagName}.${e.className} ${e.getBoundingClientRect().right} ${e.textContent.slice(0, 30)}`)"
    )
    assert outside == []


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("name", ["realistic", "methods"])
def test_every_word_of_every_map_is_there_with_its_number(visit: Open, name: str, scripted: bool) -> None:
    report = REPORTS[name]
    page = visit(report, java_script_enabled=scripted)
    on_paper(page, scripted=scripted)
    for number, result in enumerate(report.examples, 1):
        tables = [[(row[0], row[-1 if len(row) < 4 else 2]) for row in rows] for _, rows in printed(page, number)]
        if not result.maps:
            continue
        head = result.maps[result.headline]
        # Those that the page shows: of every choice the first map, by other methods those of the target.
        maps = [m for m in result.maps if m.target == head.target]
        if result.task == "multiple-choice":
            maps += [m for m in result.maps if m.method == head.method]
        for map_ in maps:
            expected = word_numbers(report, number, map_)
            assert any(_in_order(expected, rows) for rows in tables), (result.id, map_.title, map_.method)


def _in_order(expected: list[tuple[str, str]], rows: list[tuple[str, str]]) -> bool:
    """Whether all stand among the rows, where tokens stand between the words."""
    rest = iter(rows)
    return all(pair in rest for pair in expected)


def test_evidence_does_not_make_a_book(visit: Open) -> None:
    document = visit(REPORTS["evidence"]).page.pdf(format="A4")
    assert len(re.findall(rb"/Type /Page\b", document)) <= 20


def test_a_wide_matrix_is_printed_in_parts_that_hold_all_of_it(visit: Open) -> None:
    report = REPORTS["long"]
    result = report.examples[0]
    page = visit(report)
    page.draw(1)
    on_paper(page)
    tables = [rows for _, rows in printed(page, 1)]
    assert len(tables) == 1 + 3
    for line, map_ in enumerate(result.maps):
        cells = [cell for rows in tables[1:] for cell in rows[line][2:]]
        scores = [text.significant(text.rounded(score or 0)) for score in map_.word_scores["l2"][1:]]
        assert [cell for cell in cells if cell] == scores
    page.ask("dispatchEvent(new Event('afterprint'))")
    assert page.count("#example-1 .of-matrix table") == 1
    assert page.count(".whole") == 0


def test_a_matrix_too_wide_without_a_script_says_so(visit: Open) -> None:
    report = records.report(records.generation("long", "One " * 60 + "word", " and another."))
    page = visit(report, java_script_enabled=False)
    on_paper(page, scripted=False)
    assert page.page.locator(".of-matrix table").is_hidden()
    assert page.ask("getComputedStyle(document.querySelector('.of-matrix summary'), '::after').content") == (
        '": too wide for paper, see the page"'
    )


def test_afterwards_the_page_is_as_it_was(visit: Open) -> None:
    page = visit(REPORTS["methods"])
    page.draw(1)
    page.page.locator("#example-1 .numbers summary").first.click()
    # Filled after the click.
    page.until("document.querySelector('#example-1 .numbers').querySelectorAll('th[scope=col]').length > 2")
    state = (
        "[...document.querySelectorAll('#example-1 details')].map((d) => d.open).join() "
        "+ document.querySelector('#example-1 .numbers table').outerHTML"
    )
    before = page.ask(state)
    on_paper(page)
    assert page.ask(state) != before
    assert page.ask("[...document.querySelectorAll('.canvas.drawn .main-svg')].every((s) => s.hasAttribute('viewBox'))")
    page.ask("dispatchEvent(new Event('afterprint'))")
    assert page.ask(state) == before
    assert page.count(".main-svg[viewBox]") == 0


def test_tables_of_numbers_follow_the_switch(visit: Open) -> None:
    report = REPORTS["realistic"]
    page = visit(report)
    page.set("sum")
    on_paper(page)
    choices = report.examples[2].maps
    for map_, (_, rows) in zip(choices, printed(page, 3), strict=True):
        assert rows[1][2] == text.significant(text.rounded(map_.word_scores["sum"][1] or 0))
        assert {len(row) for row in rows} == {3}
    assert {len(row) for row in printed(page, 1)[0][1]} == {8}  # a map alone has all scores


def test_paper_is_light_and_has_neither_switches_nor_empty_charts(visit: Open) -> None:
    page = visit(REPORTS["evidence"], color_scheme="dark")
    on_paper(page)
    assert page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in (".controls", ".download", ".record", ".pick", "figure.plot:not(:has(.drawn))", ".keys"):
        assert not page.ask(
            "(s) => [...document.querySelectorAll(s)].some((e) => e.checkVisibility() && !e.closest(':has(.drawn)'))",
            hidden,
        ), hidden


def test_charts_of_a_dark_page_are_printed_in_the_colours_of_paper(visit: Open) -> None:
    """On white paper the dark of a small score would look like the strongest."""
    page = visit(REPORTS["realistic"], color_scheme="dark")
    page.draw(2)
    paper = "document.querySelector('#example-2 [data-chart=matrix] .canvas').layout.paper_bgcolor"
    assert page.ask(paper) == colour.DARK.paper
    page.ask("dispatchEvent(new Event('beforeprint'))")
    page.until(paper, colour.LIGHT.paper)
    page.ask("dispatchEvent(new Event('afterprint'))")
    page.until(paper, colour.DARK.paper)


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no-script"])
def test_large_folds_say_that_they_are_not_printed_unless_a_reader_opened_them(visit: Open, scripted: bool) -> None:
    page = visit(REPORTS["evidence"], java_script_enabled=scripted)
    page.page.locator("#example-1 .unprinted summary").first.click()
    on_paper(page, scripted=scripted)
    shown = page.ask(
        "[...document.querySelectorAll('#example-1 .unprinted')].filter((d) => d.checkVisibility())"
        ".map((d) => [d.lastElementChild.checkVisibility({ contentVisibilityAuto: true }), "
        "getComputedStyle(d.querySelector('summary'), '::after').content])"
    )
    said = '": on the page only; unfold it there to print it too"'
    assert shown[0] == [True, "none"]
    assert {tuple(fold) for fold in shown[1:]} == {(False, said)}
    small = page.ask(
        "[...document.querySelectorAll('#example-1 .evidence details:not(.unprinted) table')]"
        ".every((t) => t.checkVisibility({ contentVisibilityAuto: true }))"
    )
    assert small
