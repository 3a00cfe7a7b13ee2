"""Maps of several methods in Chromium: each figure follows the switches and the chosen target, the chart any map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import method_records
from records import measured
from saliency_report.page import text
from saliency_report.record import Map, Report
from test_browser import expected_runs, titled

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing"]

REVIEW, STORY, CHOICE, SPAN, CHAT = range(1, 6)


@pytest.fixture(scope="module")
def everything() -> Report:
    return method_records.everything()


def maps_by(report: Report, number: int, method: str) -> list[Map]:
    return [map_ for map_ in report.examples[number - 1].maps if map_.method == method]


def other(page: Visit, number: int, title: str, css: str = "") -> list[str]:
    """Texts of elements in the small figure of a method."""
    figure = page.page.locator(f"#example-{number} .others .map", has=page.page.locator(f"b:text-is('{title}')"))
    return figure.locator(css).all_text_contents()


def pick(page: Visit, number: int, name: str) -> None:
    page.page.locator(f"#example-{number}").get_by_label(f"Show in the chart: {name}", exact=True).click()


def axis_title(number: int) -> str:
    return f"document.querySelector('#example-{number} [data-chart=bars] .canvas').layout.yaxis.title.text"


def table(page: Visit, number: int, index: int) -> list[list[str]]:
    css = f"#example-{number} .tables > .numbers:not(.of-matrix)"
    page.ask(f"document.querySelectorAll('{css}')[{index}].open = true")
    page.until(f"document.querySelectorAll('{css}')[{index}].querySelectorAll('thead th').length > 2")
    rows: list[list[str]] = page.ask(
        "([n, i]) => [...document.querySelectorAll(`#example-${n} .tables > .numbers:not(.of-matrix)`)[i]"
        ".querySelectorAll('tbody tr')].map((r) => [r.className.trim(), ...[...r.cells].map((c) => c.textContent)])",
        [number, index],
    )
    return rows


def test_a_score_changes_the_maps_that_have_it_and_the_others_keep_their_first(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(REVIEW)
    maps = everything.examples[0].maps
    titles = {aggregation.name: aggregation.title for aggregation in everything.aggregations}
    for score in ("gradient_x_input", "attribution_l2", "drop", "l2"):
        page.set(score)
        for index, map_ in enumerate(maps):
            shown = score if score in map_.scores else next(iter(map_.scores))
            assert titled(page, REVIEW, index) == expected_runs(everything, REVIEW, map_, "words", shown)
            if index:
                title = method_records.TITLES[map_.method]
                assert other(page, REVIEW, title, ".score") == [titles[shown]]
        own = score if score in maps[0].scores else "l2"
        assert page.page.locator("#example-1 > .legend .score").text_content() == titles[own]
        page.until(axis_title(REVIEW), titles[own])
    page.set("drop")
    assert page.page.locator(".explanation").text_content() == (
        "What Drop says. Blue with a solid underline is positive, orange with a dotted "
        "underline negative. This is a score of Occlusion; other maps show their own first score. "
        "F(x) − F without the token"
    )


def test_what_a_method_does_not_measure_has_no_bar(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(REVIEW)
    encoding = everything.examples[0].encodings[0]
    share = page.page.locator("#example-1 .share")
    page.set(special=True)
    page.until("document.querySelectorAll('#example-1 .bars .point').length", len(encoding.words))
    assert share.text_content() == (
        "Special tokens such as [CLS] or <s> carry 4\N{NO-BREAK SPACE}% of the summed Gradient norm (l2) of this map."
    )
    pick(page, REVIEW, "Occlusion")
    page.until("document.querySelectorAll('#example-1 .bars .point').length", len(encoding.words) - 2)
    assert share.text_content() == (
        "Special tokens such as [CLS] or <s> stay in the text and have no number in this map."
    )
    (occlusion,) = maps_by(everything, REVIEW, "occlusion")
    largest = max(abs(drop) for drop in occlusion.word_scores["drop"] if drop is not None)
    assert other(page, REVIEW, "Occlusion", ".high") == [text.significant(largest)]
    index = everything.examples[0].maps.index(occlusion)
    assert page.count(f"#example-1 [data-map='{index}'] .chip[title]") == 0


def test_each_figure_has_its_own_scale_and_sign(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(REVIEW)
    for index, map_ in enumerate(everything.examples[0].maps):
        classes = page.ask(
            f"[...document.querySelectorAll('#example-1 [data-map=\"{index}\"] .text .w')]"
            ".map((e) => e.className.match(/\\b[spn]\\d\\b/)?.[0]).filter(Boolean)"
        )
        signed = next(iter(map_.scores)) in method_records.SIGNED
        assert {name[0] for name in classes} == ({"p", "n"} if signed else {"s"})
        assert any(name.endswith("8") for name in classes)


def test_server_and_script_draw_alike(visit: Open, everything: Report) -> None:
    served, scripted = visit(everything, java_script_enabled=False), visit(everything)
    look = "(e) => [[...e.classList].sort(), e.textContent]"
    for number in range(REVIEW, CHAT + 1):
        scripted.draw(number)
        for css in (".w", ".legend .score, .legend .low, .legend .high", ".facts p", ".share", ".correlation"):
            selector = f"#example-{number} {css.replace(', ', f', #example-{number} ')}"
            after = scripted.ask(f"[...document.querySelectorAll({selector!r})].map({look})")
            before = [
                [sorted((e.get_attribute("class") or "").split()), e.text_content()]
                for e in served.page.locator(selector).all()
            ]
            assert after == before, (number, css)


def test_the_chart_shows_the_picked_method_with_whiskers_where_it_has_errors(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(REVIEW)
    (smooth,) = maps_by(everything, REVIEW, "smoothgrad")
    assert smooth.noise is not None
    encoding = everything.examples[0].encodings[0]
    assert page.count("#example-1 [data-chart=bars] .errorbar") == 0
    canvas = "document.querySelector('#example-1 [data-chart=bars] .canvas')"
    plot_title = "document.querySelector('#example-1 [data-chart=bars] .plot-title').textContent"
    assert page.ask(plot_title) == "Scores in the order of the text: Gradient"

    pick(page, REVIEW, "SmoothGrad")
    assert page.ask(plot_title) == "Scores in the order of the text: SmoothGrad (whiskers: one standard error)"
    page.until("document.querySelectorAll('#example-1 .errorbar').length", len(encoding.words) - 2)
    for unit, scores, errors, special in (
        ("words", smooth.word_scores, smooth.noise.word_standard_errors, [w.special for w in encoding.words]),
        ("tokens", smooth.scores, smooth.noise.standard_errors, [t.special for t in encoding.tokens]),
    ):
        page.set("sum", unit)
        shown = [index for index, hidden in enumerate(special) if not hidden]
        page.until(f"{canvas}.data[0].y.length", len(shown))
        page.until(axis_title(REVIEW), "Sum of the gradient")
        assert page.bars(REVIEW) == text.all_rounded([scores["sum"][index] for index in shown])
        drawn = page.ask(f"[...{canvas}.data[0].error_y.array]")
        assert drawn == [text.rounded(measured(errors["sum"])[index], 2) for index in shown]
        assert page.ask(f"{canvas}.data[0].hovertext[0]") == (
            f"This<br>Sum of the gradient: {text.with_error(measured(scores['sum'])[1], errors['sum'][1])}"
        )
    pressed = page.page.locator("#example-1 .pick[aria-pressed=true]")
    assert [b.get_attribute("aria-label") for b in pressed.all()] == ["Show in the chart: SmoothGrad"]

    pick(page, REVIEW, "Integrated gradients")
    page.until(axis_title(REVIEW), "Attribution")
    page.until("document.querySelectorAll('#example-1 .errorbar').length", 0)
    pick(page, REVIEW, "Gradient")
    page.until(axis_title(REVIEW), "Sum of the gradient")


def test_a_bar_lights_the_word_in_the_figure_of_its_map(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(REVIEW)
    pick(page, REVIEW, "Occlusion")
    page.until(axis_title(REVIEW), "Drop")
    page.page.locator("#example-1 [data-chart=bars] .nsewdrag").hover(position={"x": 30, "y": 100})
    page.until("document.querySelectorAll('#example-1 .lit').length", 1)
    lit = page.ask("document.querySelector('#example-1 .lit').closest('.map').querySelector('.map-title').textContent")
    assert lit == "Occlusion"


def test_small_figures_follow_the_generated_token(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(STORY)
    smooth, ig = (maps_by(everything, STORY, name) for name in ("smoothgrad", "integrated_gradients"))
    page.page.locator("#example-2 .maps [role=radio]", has_text="looked").click()
    assert titled(page, STORY, 1) == expected_runs(everything, STORY, smooth[2], "words", "l2")
    assert titled(page, STORY, 2) == expected_runs(everything, STORY, ig[2], "words", "attribution")
    assert other(page, STORY, "Integrated gradients", ".g") == ["looked"]
    assert other(page, STORY, "Integrated gradients", ".facts p") == [
        "✗ does not add up: Σ 2.83 of 3.22, off by 12\N{NO-BREAK SPACE}%, 512 steps, baseline mean, 1 token kept. "
        "Do not read its numbers as shares."
    ]
    assert page.count("#example-2 .others .fact-danger") == 1
    assert page.page.locator("#example-2 .of-target").text_content() == "looked"
    assert page.page.locator("#example-2 .tables .of").all_text_contents() == [
        *("looked", "looked, by SmoothGrad", "looked, by Integrated gradients")
    ]
    cat = next(row for row in table(page, STORY, 2) if row[1] == "cat")
    assert cat[2:] == ["cat", *(text.significant(measured(scores)[2]) for scores in ig[2].word_scores.values())]


def test_stepping_and_the_matrix_keep_the_picked_method(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(STORY)
    ig = maps_by(everything, STORY, "integrated_gradients")
    pick(page, STORY, "Integrated gradients")
    page.page.locator("#example-2 .step").last.click()
    assert page.page.locator("#example-2 .which").text_content() == "“and”, 2 of 8"
    words = everything.examples[1].encodings[0].words
    plain = [index for index, word in enumerate(words) if not word.special]
    expected = [ig[1].word_scores["attribution"][i] for i in plain if i < len(ig[1].word_scores["attribution"])]
    page.until("document.querySelector('#example-2 [data-chart=bars] .canvas').data[0].y.length", len(expected))
    assert page.bars(STORY) == text.all_rounded(expected)
    matrix = "document.querySelector('#example-2 [data-chart=matrix] .canvas')"
    page.page.locator("#example-2 [data-chart=matrix]").scroll_into_view_if_needed()
    page.until(f"{matrix}.data[0].colorbar.title.text", "Attribution")
    first = page.ask(f"[...{matrix}.data[0].z[0]]")
    row = ig[0].word_scores["attribution"]
    assert first == [*text.all_rounded(row[i] for i in plain if i < len(row)), *[None] * 6]
    page.page.locator("#example-2 [data-chart=matrix] .nsewdrag").click(position={"x": 60, "y": 10})
    page.until("document.querySelector('#example-2 .which').textContent", "“mat”, 1 of 8")
    pressed = page.page.locator("#example-2 .pick[aria-pressed=true]")
    assert [b.get_attribute("aria-label") for b in pressed.all()] == ["Show in the chart: Integrated gradients"]


def test_small_figures_follow_the_chosen_choice_with_its_own_text(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(CHOICE)
    before = [table(page, CHOICE, index) for index in range(6)]
    rome = maps_by(everything, CHOICE, "integrated_gradients")[3]
    pick(page, CHOICE, "Rome")
    assert page.page.locator("#example-3 .of-target").text_content() == "Rome"
    assert other(page, CHOICE, "Integrated gradients", "[data-segment=choice]") == ["Rome[SEP]"]
    figure = everything.examples[2].maps.index(maps_by(everything, CHOICE, "integrated_gradients")[1])
    assert titled(page, CHOICE, figure) == expected_runs(everything, CHOICE, rome, "words", "attribution")
    assert other(page, CHOICE, "Integrated gradients", ".facts b") == ["! adds up only roughly:"]
    assert page.count("#example-3 .side .shown, #example-3 .maps .shown") == 1
    pick(page, CHOICE, "Integrated gradients")
    page.until(axis_title(CHOICE), "Attribution")
    assert page.page.locator("#example-3 [data-chart=bars] .plot-title").text_content() == (
        "Scores in the order of the text: Rome, by Integrated gradients"
    )
    # Back again, the script has written every table as the server had.
    pick(page, CHOICE, "Paris")
    assert [table(page, CHOICE, index) for index in range(6)] == before


def test_a_method_that_left_the_target_out_has_no_figure(visit: Open) -> None:
    result = method_records.choice()
    rome = method_records.map_by("occlusion", result.maps[3])
    page = visit(method_records.report(result.model_copy(update={"maps": [*result.maps, rome]})))
    page.draw(1)
    assert page.page.locator(".others .map").is_hidden()
    pick(page, 1, "Rome")
    assert page.page.locator(".others .map").is_visible()
    assert other(page, 1, "Occlusion", "[data-segment=choice]") == ["Rome[SEP]"]
    pick(page, 1, "Occlusion")
    page.until(axis_title(1), "Drop")
    pick(page, 1, "London")
    assert page.page.locator(".others .map").is_hidden()
    page.until(axis_title(1), "Gradient norm (l2)")


def test_a_span_stays_outlined_and_offers_nothing_to_choose(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(SPAN)
    page.set(unit="tokens")
    assert page.page.locator("#example-4 .text .g").all_text_contents() == ["Paris", ",", "the"]
    assert page.count("#example-4 [role=radio], #example-4 .step, #example-4 .pick") == 0
    assert page.ticks(SPAN)[-2:] == ["Paris", ","]  # the span's last token sees those before it


def test_pointing_at_a_word_of_a_small_figure_says_its_number_and_moves_nothing(
    visit: Open, everything: Report
) -> None:
    page = visit(everything)
    page.draw(REVIEW)
    page.page.locator("#example-1 .others").scroll_into_view_if_needed()
    height = "document.querySelector('#example-1 .others').offsetHeight"
    before = page.ask(height)
    (vargrad,) = maps_by(everything, REVIEW, "vargrad")
    word = "#example-1 .others .map:has(b:text-is('VarGrad')) .w"
    page.page.locator(word, has_text="incredibly").hover()
    said = other(page, REVIEW, "VarGrad", ".readout")
    assert said == [f"{text.significant(measured(vargrad.word_scores['variance'])[4])} incredibly"]
    assert page.ask(height) == before
    page.page.locator("#example-1 .maps .w", has_text="hated").hover()
    assert (page.page.locator("#example-1 > .legend .readout").text_content() or "").startswith("hated: l2 ")


def test_a_switch_does_not_scroll_the_page(visit: Open, everything: Report) -> None:
    page = visit(everything)
    page.draw(CHOICE)
    before = page.ask("scrollY")
    assert before > 1000
    for value in ("tokens", "words"):
        box = page.page.locator(f"label:has(input[value={value}])").bounding_box()
        assert box is not None
        page.page.mouse.click(box["x"] + 10, box["y"] + 8)
        page.until("state.unit", value)
        assert page.ask("scrollY") == before


def test_a_picked_map_is_brought_into_view_in_the_chart(visit: Open, everything: Report) -> None:
    page = visit(everything, viewport={"width": 1000, "height": 500})
    page.draw(REVIEW)
    page.page.locator("#example-1 .others").scroll_into_view_if_needed()
    pick(page, REVIEW, "SmoothGrad")
    place = page.ask("document.querySelector('#example-1 .canvas').getBoundingClientRect().toJSON()")
    assert 0 < place["top"] < place["bottom"] <= 501


def test_template_text_is_smaller_than_the_users(visit: Open, everything: Report) -> None:
    page = visit(everything)
    size = "parseFloat(getComputedStyle(document.querySelector('#example-5 {} [data-segment={}]')).fontSize)"
    for place in (".maps", ".others"):
        template, prompt = (page.ask(size.format(place, name)) for name in ("template", "prompt"))
        assert 11 <= template < prompt


@pytest.mark.parametrize("width", [375, 768])
def test_no_width_makes_the_page_scroll_sideways(visit: Open, everything: Report, width: int) -> None:
    page = visit(everything, viewport={"width": width, "height": 800})
    for number in range(REVIEW, CHAT + 1):
        page.draw(number)
    page.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.ask("document.documentElement.scrollWidth") <= width


def test_without_scripts_every_method_and_its_verdict_are_there(visit: Open, everything: Report) -> None:
    page = visit(everything, java_script_enabled=False).page
    body = page.locator("body").inner_text()
    for said in (
        "The same answer by other methods",
        "Occlusion",
        "✗ does not add up:",
        "25 samples",
        "Does not add up",
    ):
        assert said in body
    assert page.locator(".others .readout").first.is_hidden()
    assert page.locator(".pick").count() == 0
