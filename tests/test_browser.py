"""The page in Chromium, from file://, as a reader uses it: charts, switches, keys, themes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import records
from conftest import Explain
from records import measured
from saliency_report.page import colour, text
from saliency_report.page.spans import runs_by_segment
from saliency_report.record import Map, Report

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing"]


@pytest.fixture(scope="module")
def realistic() -> Report:
    return records.realistic()


# What stands in the place of a chart that is not drawn.
EMPTY_CHART = "getComputedStyle(document.querySelector('.canvas'), '::before').content"


def expected_runs(report: Report, number: int, map_: Map, unit: str, aggregation: str) -> list[tuple[str, str]]:
    """Text and title of each run or piece that should have a number, special tokens included."""
    result = report.examples[number - 1]
    encoding = result.encodings[map_.encoding]
    runs = [run for flow in runs_by_segment(encoding) for run in flow if run.words]
    found = []
    for run in runs:
        if unit == "words":
            scores = map_.word_scores[aggregation]
            parts = [(run.text, colour.strongest(scores, run.words))]
        else:
            scores = map_.scores[aggregation]
            parts = [(piece.text, colour.strongest(scores, piece.tokens)) for piece in run.pieces]
        found += [(part, text.significant(text.rounded(s))) for part, s in parts if s is not None]
    return found


TITLED = "([n, m]) => [...document.querySelectorAll(`#example-${n} [data-map='${m}'] .text [title]`)]"


def titled(visit: Visit, number: int, map_: int = 0) -> list[tuple[str, str]]:
    pairs = visit.ask(f"{TITLED}.map((e) => [e.textContent, e.title])".replace("=> [", "=> [", 1), [number, map_])
    return [(part, title) for part, title in pairs]


def test_charts_are_drawn_with_a_bar_and_a_label_for_each_word(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    for number, result in enumerate(realistic.examples, 1):
        if result.maps:
            page.draw(number)
    result = realistic.examples[0]
    words = [w for w in result.encodings[0].words if not w.special]
    assert page.count("#example-1 .bars .point") == len(words)
    labels = page.ticks(1)
    assert labels == [result.encodings[0].segments[0].text[w.start : w.end] for w in words]
    map_ = result.maps[0]
    assert page.bars(1) == text.all_rounded(
        [s for s, w in zip(map_.word_scores["l2"], result.encodings[0].words, strict=True) if not w.special]
    )
    assert page.ticks(2, "y", "matrix") == ["mat", "and", "looked", "extr", "aord", "inarily", "pleased", "."]
    assert page.count("#example-2 [data-chart=matrix] .hm image") == 1
    z = page.ask("document.querySelector('#example-2 [data-chart=matrix] .canvas').data[0].z.map((r) => [...r])")
    assert z[0][:3] == text.all_rounded(realistic.examples[1].maps[0].word_scores["l2"][1:4])
    assert z[0][5:] == [None] * 6
    # Page data, catalogue, one pack, the record, the loader, the script and Plotly, both packed and unpacked.
    assert page.count("script") == 9


def test_repeated_and_special_tokens_keep_a_label_each(visit: Open) -> None:
    result = records.generation("tags", "<s> the <b> the </s> & the", " the the")
    page = visit(records.report(result))
    page.set(unit="tokens", special=True)
    page.page.locator(".stepper .step").last.click()
    page.draw(1)
    tokens = result.encodings[0].tokens[: result.maps[1].target.position]
    page.until("document.querySelector('[data-chart=bars] .canvas').data[0].y.length", len(tokens))
    names = page.ticks(1)
    assert names[0] == "<s>"
    assert names == [t.text for t in tokens]
    assert names.count("the") == 4
    assert page.ask("[...document.querySelectorAll('.chip')].map((e) => [e.textContent, e.checkVisibility()])") == [
        ["<s>", True]
    ]


@pytest.mark.parametrize("unit", ["words", "tokens"])
def test_switches_recolour_text_and_chart_with_the_right_numbers(visit: Open, realistic: Report, unit: str) -> None:
    page = visit(realistic)
    page.draw(1)
    map_ = realistic.examples[0].maps[0]
    encoding = realistic.examples[0].encodings[0]
    items: list[Any] = [*(encoding.words if unit == "words" else encoding.tokens)]
    scores = map_.word_scores if unit == "words" else map_.scores
    title = "document.querySelector('#example-1 .canvas').layout.yaxis.title.text"
    for aggregation in reversed(realistic.aggregations):
        page.set(aggregation.name, unit)
        assert titled(page, 1) == expected_runs(realistic, 1, map_, unit, aggregation.name)
        bars = [s for s, item in zip(measured(scores[aggregation.name]), items, strict=True) if not item.special]
        page.until(title, aggregation.title)
        assert page.bars(1) == text.all_rounded(bars)
        end = text.significant(text.rounded(max(map(abs, bars))))
        assert page.page.locator("#example-1 .high").text_content() == end
        low = f"\N{MINUS SIGN}{end}" if aggregation.signed else "0"
        assert page.page.locator("#example-1 .low").text_content() == low
        classes = page.ask(
            "[...document.querySelectorAll('#example-1 .text .w, #example-1 .text .w > span')]"
            ".map((e) => e.className.match(/\\b[spn]\\d\\b/)?.[0]).filter(Boolean)"
        )
        assert {c[0] for c in classes} == ({"p", "n"} if aggregation.signed else {"s"})
        assert len(classes) == len(bars)
        assert any(c.endswith("8") for c in classes)
        explanation = page.page.locator(".explanation").text_content() or ""
        sign = " Blue with a solid underline is positive, orange with a dotted underline negative."
        assert explanation == f"{aggregation.sentence}{sign if aggregation.signed else ''} {aggregation.formula}"


def test_server_and_script_colour_alike(visit: Open, realistic: Report) -> None:
    served = visit(realistic, java_script_enabled=False)
    scripted = visit(realistic)
    for number in (1, 2, 6):
        scripted.draw(number)
        spans = served.page.locator(f"#example-{number} .w").all()
        before = [(span.get_attribute("class") or "").split() for span in spans]
        after = scripted.ask(f"[...document.querySelectorAll('#example-{number} .w')].map((e) => e.className)")
        assert [classes.split() for classes in after] == before


def test_special_tokens_join_the_scale_when_shown(visit: Open) -> None:
    result = records.classification("one", "Fine.")
    boosted = [100.0, *result.maps[0].word_scores["l2"][1:]]
    map_ = result.maps[0].model_copy(update={"word_scores": result.maps[0].word_scores | {"l2": boosted}})
    page = visit(records.report(result.model_copy(update={"maps": [map_]})))
    assert page.page.locator(".chip").first.is_hidden()
    assert page.count(".w.s8:not(.chip)") == 1
    page.set(special=True)
    assert page.page.locator(".chip").first.is_visible()
    assert page.page.locator(".chip").first.get_attribute("class") == "w chip special s8"
    assert page.page.locator(".high").text_content() == "100"
    assert (page.page.locator(".share").text_content() or "").endswith("of the summed Gradient norm (l2) of this map.")
    page.set(special=False)
    assert page.page.locator(".chip").first.get_attribute("class") == "w chip special"


def test_a_generated_token_recolours_the_text_by_mouse_key_and_matrix(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    page.draw(2)
    maps = realistic.examples[1].maps
    page.page.locator("#example-2 [role=radio][tabindex='0']").focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("ArrowRight")

    def to_the_last() -> None:
        for _ in range(5):
            page.page.keyboard.press("ArrowDown")

    acts: list[tuple[int, Callable[[], None]]] = [
        (2, lambda: page.page.keyboard.press("Enter")),
        (3, lambda: page.page.keyboard.press("ArrowDown")),
        (2, lambda: page.page.keyboard.press("ArrowUp")),
        (7, to_the_last),
        (6, lambda: page.page.locator("#example-2 .step").first.click()),
        (1, lambda: page.page.locator("#example-2 [role=radio]", has_text="and").click()),
        (0, lambda: page.page.locator("#example-2 [data-chart=matrix] .nsewdrag").click(position={"x": 60, "y": 10})),
    ]
    for index, act in acts:
        act()
        page.until("document.querySelector('#example-2 .sentence').textContent", maps[index].target.sentence)
        assert titled(page, 2) == expected_runs(realistic, 2, maps[index], "words", "l2")
        checked = page.page.locator("#example-2 [role=radio][aria-checked=true]")
        assert checked.all_text_contents() == [maps[index].target.label]
        assert (
            page.page.locator("#example-2 .which").text_content() == f"“{maps[index].target.label}”, {index + 1} of 8"
        )
        length = sum(
            not w.special for w in realistic.examples[1].encodings[0].words[: len(maps[index].word_scores["l2"])]
        )
        page.until("document.querySelector('#example-2 [data-chart=bars] .canvas').data[0].y.length", length)
        likeliest = page.page.locator("#example-2 .outcomes li").first.text_content() or ""
        assert likeliest.split() == [maps[index].target.label, text.probability(maps[index].target.probability or 0)]
    assert page.count("#example-2 [role=radio][tabindex='0']") == 1


def test_table_of_numbers_follows_the_generated_token(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    page.draw(2)
    page.page.locator("#example-2 [role=radio]", has_text="looked").click()
    page.page.locator("#example-2 .numbers:not(.of-matrix) summary").click()
    page.until("document.querySelectorAll('#example-2 .numbers:not(.of-matrix) thead th').length", 8)
    row = page.page.locator("#example-2 .numbers:not(.of-matrix) tbody tr", has_text="cat").first
    scores = [
        text.significant(text.rounded(measured(s)[2])) for s in realistic.examples[1].maps[2].word_scores.values()
    ]
    assert row.locator("td").all_text_contents() == ["cat", *scores]


def test_choices_share_a_chart_that_shows_the_picked_one(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    page.draw(3)
    assert page.page.locator("#example-3 .pick[aria-pressed=true]").get_attribute("aria-label") == (
        "Show in the chart: Paris"
    )
    page.page.get_by_label("Show in the chart: Rome").click()
    result = realistic.examples[2]
    page.until("document.querySelector('#example-3 .sentence').textContent", result.maps[3].target.sentence)
    expected = [
        s for s, w in zip(result.maps[3].word_scores["l2"], result.encodings[3].words, strict=True) if not w.special
    ]
    page.until("document.querySelector('#example-3 .canvas').data[0].y.length", len(expected))
    page.until("document.querySelector('#example-3 .canvas').data[0].y[0]", text.rounded(measured(expected)[0]))
    assert page.bars(3) == text.all_rounded(expected)


def test_pointing_at_a_word_says_its_number(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    page.draw(1)
    page.until(
        "document.querySelector('#example-1 .readout').textContent", "Point at a word, or tap it, for its number."
    )
    page.page.locator("#example-1 .w", has_text="hated").hover()
    scores = measured(realistic.examples[0].maps[0].word_scores["l2"])
    assert page.page.locator("#example-1 .readout").text_content() == f"hated: l2 {text.significant(scores[8])}"


def test_without_scripts_text_numbers_and_answers_are_there(visit: Open, realistic: Report) -> None:
    page = visit(realistic, java_script_enabled=False).page
    body = page.locator("body")
    for visible in ("This movie was incredibly bad", "Explained: logit of NEGATIVE"):
        assert visible in body.inner_text()
    assert page.evaluate(EMPTY_CHART) == '"Charts need JavaScript. The table has the same numbers."'
    assert page.locator("#example-2 .text").inner_text() == "The cat sat on the mat and looked extraordinarily pleased."
    assert page.locator(".controls").is_hidden()
    assert page.locator("#example-2 .stepper").is_hidden()
    page.locator("#example-2 summary").last.click()
    assert page.locator("#example-2 table.matrix").is_visible()


def test_dark_theme_reaches_text_and_charts_while_the_page_is_open(visit: Open, realistic: Report) -> None:
    page = visit(realistic, color_scheme="light")
    page.draw(1)
    paper = "document.querySelector('#example-1 .canvas').layout.paper_bgcolor"
    body = "getComputedStyle(document.body).backgroundColor"
    assert [page.ask(paper), page.ask(body)] == ["#ffffff", "rgb(255, 255, 255)"]
    page.page.emulate_media(color_scheme="dark")
    page.until(paper, colour.DARK.paper)
    assert page.ask(body) == "rgb(23, 25, 28)"
    assert page.ask("getComputedStyle(document.querySelector('#example-1 .main-svg')).backgroundColor") == (
        "rgb(23, 25, 28)"
    )


@pytest.mark.parametrize("width", [375, 768])
def test_no_width_makes_the_page_scroll_sideways(visit: Open, realistic: Report, width: int) -> None:
    page = visit(realistic, viewport={"width": width, "height": 800})
    for number in (1, 2, 3, 10):
        page.draw(number)
    page.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.ask("document.documentElement.scrollWidth") <= width


def test_a_text_has_the_direction_of_its_own_letters_and_not_of_a_chip(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    direction = "(number) => getComputedStyle(document.querySelector(`#example-${number} .text`)).direction"
    assert [page.ask(direction, number) for number in (1, 8)] == ["ltr", "rtl"]  # both begin with [CLS]
    ends = page.ask(
        "[...document.querySelectorAll('#example-8 .w:not(.chip)')].map((e) => e.getBoundingClientRect().right)"
    )
    assert ends == sorted(ends, reverse=True)


def test_a_browser_that_cannot_unpack_says_so_and_keeps_the_page_as_it_is(visit: Open, realistic: Report) -> None:
    page = visit(realistic, script="delete window.DecompressionStream")
    assert page.page.locator(".unpack-failed").text_content() == (
        "Switches and charts do not work here (this browser cannot unpack them). "
        "The coloured texts and the tables stand as they are."
    )
    assert page.page.locator(".controls").is_hidden()
    assert page.count("#example-1 .s8") == 1
    assert page.ask(EMPTY_CHART) == '"Charts need JavaScript. The table has the same numbers."'


def test_script_writes_numbers_as_the_server_does(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    numbers = [0, 1.125, -0.00098765, 9.995, 99999.4, 1e5, -12.345, 1e-300, 123.5, 0.001, 1234.5, 2.5e-3]
    assert page.ask("(numbers) => numbers.map(significant)", numbers) == [text.significant(n) for n in numbers]


def test_the_quickstart_opens_with_the_network_cut_and_draws_every_chart(visit: Open, explain: Explain) -> None:
    report = explain((Path(__file__).parent.parent / "sample_inputs/quickstart.yaml").read_text(encoding="utf-8"))
    page = visit(report, offline=True)
    numbers = range(1, len(report.examples) + 1)
    assert len(numbers) >= 7
    for number in numbers:
        page.draw(number)
        assert len(page.bars(number)) > 3
    generated = [n for n in numbers if report.examples[n - 1].task == "text-generation"]
    assert page.count("[data-chart=matrix] .canvas.drawn") == len(generated) >= 2
    # The numbers on the page are those of the record.
    review = report.examples[0]
    words = [
        text.rounded(score)
        for score, word in zip(measured(review.maps[0].word_scores["l2"]), review.encodings[0].words, strict=True)
        if not word.special
    ]
    assert page.bars(1) == pytest.approx(words)


def test_a_word_is_coloured_as_far_as_the_explained_token_can_see(visit: Open, explain: Explain) -> None:
    """Of "bedroom" the token "r" sees "b" and "ed": neither itself nor what follows may look as if it mattered."""
    report = explain("- {task: text-generation, model: gpt2, prompt: The cat, continuation: ' bedroom sat'}")
    tokens = report.examples[0].encodings[0].tokens
    place = next(i for i, m in enumerate(report.examples[0].maps) if tokens[m.target.position or 0].text == "r")
    page = visit(report)
    page.draw(1)
    for _ in range(place):
        page.page.get_by_role("button", name="Next explained token").click()
    shown = page.ask("[...document.querySelectorAll('.text [title]')].map((e) => e.textContent)")
    seen = [t for t in tokens[: report.examples[0].maps[place].target.position] if t.text != "Ġ"]
    assert "".join(shown) == "".join(t.text.removeprefix("Ġ") for t in seen)
    assert page.ticks(1)[-1] == "bed…"
