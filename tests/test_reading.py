"""How a reader reads a map, in Chromium: units, methods side by side, scales, pointing, keys, links."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

import method_records
import records
from records import measured
from saliency_report.page import text
from saliency_report.page.cancelled import cancelled, without_rounding
from saliency_report.page.sentences import sentences
from saliency_report.record import ExampleResult, Report
from test_browser import expected_runs

if TYPE_CHECKING:
    from browsing import Open, Visit


pytest_plugins = ["browsing"]

RULES = {"l2": "norm", "l1": "sum", "max": "amax", "sum": "sum", "mean": "mean", "gradient_x_input": "sum"}
RULES |= {"attribution": "sum", "attribution_l2": "norm", "mean_square": "sum", "variance": "sum", "attention": "sum"}


def with_rules(report: Report) -> Report:
    ruled = [a.model_copy(update={"word": RULES.get(a.name)}) for a in report.aggregations]
    return report.model_copy(update={"aggregations": ruled})


def review(id: str = "review", words: str = "This was bad. I hated it, all of it. Never again!") -> ExampleResult:
    return records.classification(id, words)


def shown(page: Visit, css: str) -> list[tuple[str, str]]:
    """Text and title of the coloured elements."""
    pairs = page.ask(f"[...document.querySelectorAll({css!r})].map((e) => [e.textContent, e.title])")
    return [(word, title) for word, title in pairs]


def test_sentences_are_coloured_charted_and_said_as_one(visit: Open) -> None:
    result = review()
    page = visit(with_rules(records.report(result, review("short", "Only one."))))
    encoding, map_ = result.encodings[0], result.maps[0]
    page.draw(1)
    for score, rule in (("l2", lambda block: math.hypot(*block)), ("gradient_x_input", sum)):
        page.set(score, "sentences")
        values = measured(map_.scores[score])
        numbers: list[float] = []
        of_word: dict[int, int] = {}
        for number, sentence in enumerate(sentences(encoding)):
            block = [values[t] for word in sentence.words for t in encoding.words[word].tokens]
            numbers.append(text.rounded(rule(block)))
            of_word |= dict.fromkeys(sentence.words, number)
        written = [text.significant(numbers[of_word[w]]) if w in of_word else "" for w in range(len(encoding.words))]
        assert [title for _, title in shown(page, "#example-1 .text .w")] == written
        page.until("document.querySelector('#example-1 .canvas').data[0].y.length", 3)
        assert page.bars(1) == numbers
        assert page.page.locator("#example-1 .high").text_content() == text.significant(max(map(abs, numbers)))
    assert page.ticks(1) == ["This was bad.", "I hated it, all…", "Never again!"]
    page.page.locator("#example-1 .w", has_text="hated").hover()
    said = page.page.locator("#example-1 .readout").text_content()
    assert said == f"I hated it, all of it.: gradient_x_input {text.significant(numbers[1])}"
    assert "A sentence has the sum of its tokens" in (page.page.locator(".explanation").text_content() or "")
    assert page.page.locator("#example-2 .scope").text_content() == (
        "scale of this map; words, since there are no two sentences to compare"
    )
    assert [title for word, title in shown(page, "#example-2 .text .w") if word == "Only"] == [
        text.significant(text.rounded(measured(result_scores(page, 2))[1]))
    ]


def result_scores(page: Visit, number: int) -> list[float]:
    scores: list[float] = page.ask(
        f"awake.get(document.querySelector('#example-{number}')).map.scores.words.gradient_x_input"
    )
    return scores


def test_sentences_are_offered_only_where_some_text_has_two_and_some_score_a_rule(visit: Open) -> None:
    assert visit(with_rules(records.report(review(words="Only one.")))).count("[value=sentences]") == 0
    assert visit(records.report(review())).count("[value=sentences]") == 0


def test_a_drop_is_not_added_up_over_a_sentence(visit: Open) -> None:
    page = visit(with_rules(method_records.report(method_records.by_methods(review(words="Good. Bad."), "occlusion"))))
    page.set(unit="sentences")
    legend = page.page.locator("#example-1 .others .legend .scope")
    assert legend.text_content() == "words, since the drop of a sentence was not measured"


def test_a_sentence_is_coloured_as_far_as_the_explained_token_can_see(visit: Open) -> None:
    result = records.generation("story", "It rained. The cat sat", " on the mat. It slept.")
    page = visit(with_rules(records.report(result)))
    page.set(unit="sentences", special=True)
    second = result.maps[1].target.position or 0
    page.page.locator("#example-1 .step").last.click()
    scored = [word for word, title in shown(page, "#example-1 .text .w") if title]
    assert scored == [token.text for token in result.encodings[0].tokens[:second] if not token.special]
    page.draw(1)
    assert page.ticks(1) == ["It rained.", "The cat sat", "on the mat. (as…"]


def figure_titles(page: Visit, number: int, index: int) -> list[tuple[str, str]]:
    """Text and title of what has a number in the figure that stood at a place at first."""
    pairs = page.ask(
        "([n, i]) => { const f = awake.get(document.querySelector(`#example-${n}`)).figures[i].element;"
        " return [...f.querySelectorAll('.text [title]')].map((e) => [e.textContent, e.title]); }",
        [number, index],
    )
    return [(word, title) for word, title in pairs]


def test_another_method_is_shown_large_and_changes_places_with_the_first(visit: Open) -> None:
    report = method_records.report(method_records.review("smoothgrad", "integrated_gradients"), review("plain"))
    page = visit(report)
    gradient, smooth, ig = report.examples[0].maps
    page.draw(1)
    page.page.locator(".more summary").click()
    assert page.page.locator("#method option").all_text_contents() == ["Gradient", "SmoothGrad", "Integrated gradients"]
    page.page.select_option("#method", "integrated_gradients")
    for place, (map_, score) in enumerate([(ig, "attribution"), (smooth, "l2"), (gradient, "l2")]):
        assert figure_titles(page, 1, place) == expected_runs(report, 1, map_, "words", score)
    article = page.page.locator("#example-1")
    assert article.locator(".others .map-title").all_text_contents() == ["SmoothGrad", "Gradient"]
    assert article.locator(".legend .map-title").all_text_contents() == ["Integrated gradients"]
    assert article.locator(".tables bdi").all_text_contents() == ["Integrated gradients", "SmoothGrad", "Gradient"]
    assert article.locator(".maps .facts").inner_text().startswith("✓ adds up:")
    assert article.locator(".others .correlation").all_text_contents() == ["ρ 0.87", ""]
    page.until("document.querySelector('#example-1 .canvas').layout.yaxis.title.text", "Attribution")
    assert page.page.locator("#example-2 .scope").text_content() == (
        "scale of this map; Integrated gradients was not run on this example"
    )
    assert page.page.locator(".more summary").text_content() == "More (1 set)"
    page.page.select_option("#method", "")
    for place, (map_, score) in enumerate([(gradient, "l2"), (smooth, "l2"), (ig, "attribution")]):
        assert figure_titles(page, 1, place) == expected_runs(report, 1, map_, "words", score)
    assert article.locator(".others .correlation").all_text_contents()[0] == "ρ 0.87"


@pytest.mark.parametrize("width", [1280, 390])
def test_two_methods_stand_side_by_side_or_below_each_other(visit: Open, width: int) -> None:
    report = method_records.report(method_records.review("smoothgrad", "integrated_gradients"))
    page = visit(report, viewport={"width": width, "height": 844})
    page.page.locator(".more summary").click()
    page.page.select_option("#beside", "smoothgrad")
    left, right = (page.page.locator("#example-1 .maps > .map").nth(i) for i in range(2))
    assert page.count("#example-1 .others .map") == 1
    assert [one.locator(".legend .score").text_content() for one in (left, right)] == ["Gradient norm (l2)"] * 2
    assert right.locator(".correlation").text_content() == "ρ 0.87"
    a, b = left.bounding_box(), right.bounding_box()
    assert a
    assert b
    assert (abs(a["y"] - b["y"]) < 1) == (width > 1000)
    assert b["x"] + b["width"] <= width
    page.page.select_option("#method", "integrated_gradients")
    assert right.locator(".correlation").text_content() == "ρ 0.87 with Gradient"
    page.page.select_option("#beside", "integrated_gradients")
    assert page.count("#example-1 .maps > .map") == 1
    assert page.count("#example-1 .maps + .legend") == 1


def test_a_target_that_a_method_left_out_says_so(visit: Open) -> None:
    story = method_records.story("integrated_gradients")
    kept = [map_ for index, map_ in enumerate(story.maps) if index != 3]
    page = visit(method_records.report(story.model_copy(update={"maps": kept, "headline": 0})))
    page.page.locator(".more summary").click()
    page.page.select_option("#method", "integrated_gradients")
    page.page.locator("#example-1 .step").last.click()
    article = page.page.locator("#example-1")
    assert article.locator(".maps .facts").text_content() == "\nIntegrated gradients left this target out.".strip()
    assert page.count("#example-1 .maps .text [title]") == 0
    assert article.locator(".maps + .legend .scale").is_hidden()
    page.page.locator("#example-1 .step").last.click()
    assert page.count("#example-1 .maps .text [title]") > 0
    assert article.locator(".maps + .legend .scale").is_visible()


def folded(page: Visit, **choices: str) -> None:
    page.ask("document.querySelector('.more').open = true")
    for name, value in choices.items():
        page.page.select_option(f"#{name}", value)


def ends_of(page: Visit, count: int) -> list[str]:
    """The ends of the scales of the first examples, wherever they are."""
    ends: list[str] = page.ask(
        "(count) => [...document.querySelectorAll('article')].slice(0, count)"
        ".map((a) => { wake(a); return a.querySelector('.high').textContent; })",
        count,
    )
    return ends


@pytest.mark.parametrize("unit", ["words", "tokens", "sentences"])
@pytest.mark.parametrize("special", [False, True])
def test_one_scale_for_the_page_ends_at_the_largest_score_of_all_examples(
    visit: Open, unit: str, special: bool
) -> None:
    examples = [review(f"r{i}", f"It was bad{' very' * i}. I left extraordinarily early.") for i in range(3)]
    report = with_rules(records.report(*examples, review("other").model_copy(update={"model": 1})))
    page = visit(report)
    page.set("sum", unit, special)
    own = ends_of(page, 3)
    folded(page, scale="page")
    ends = ends_of(page, 4)[:3]
    assert ends == [max(own, key=lambda end: float(end))] * 3
    assert page.page.locator("#example-1 .scope").text_content() == (
        "one scale for the 3 examples with the same model, method, score and quantity"
    )
    assert page.page.locator("#example-4 .scope").text_content() == (
        "scale of this map; no other example has such numbers"
    )
    strongest = [page.count(f"#example-{n} .text :is(.p8, .n8)") > 0 for n in (1, 2, 3)]
    assert strongest[own.index(ends[0])]
    assert not all(strongest)
    page.draw(1)
    assert max(abs(b) for b in page.bars(1)) == pytest.approx(float(own[0]), rel=1e-9)


def test_numbers_as_shares_of_what_is_in_view(visit: Open) -> None:
    report = with_rules(records.report(review("one"), review("two", "Short. So short.")))
    page = visit(report)
    page.draw(1)
    folded(page, numbers="share")
    page.set("gradient_x_input")
    map_ = report.examples[0].maps[0]
    words = report.examples[0].encodings[0].words
    for special in (False, True):
        page.set(special=special)
        values = text.all_rounded(map_.word_scores["gradient_x_input"])
        seen = [v for v, w in zip(values, words, strict=True) if v is not None and (special or not w.special)]
        total = sum(map(abs, seen))
        written = [f"{text.significant(100 * v / total, 2)}\N{NO-BREAK SPACE}%" for v in seen]
        page.until("document.querySelector('#example-1 .canvas').data[0].y.length", len(seen))
        assert page.bars(1) == pytest.approx([v / total for v in seen])
        titles = [t for _, t in shown(page, f"#example-1 .text .w{'' if special else ':not(.chip)'}")]
        assert titles == written
        end = f"{text.significant(100 * max(map(abs, seen)) / total, 2)}\N{NO-BREAK SPACE}%"
        assert page.page.locator("#example-1 .high").text_content() == end
    assert page.page.locator("#example-1 .legend .score").text_content() == (
        "Gradient times input, share of the sum of the words in view"
    )
    assert "share of the sum: " in page.ask("document.querySelector('#example-1 .canvas').data[0].hovertext[2]")
    page.page.locator("#example-1 .w", has_text="hated").hover()
    assert (page.page.locator("#example-1 .readout").text_content() or "").endswith("\N{NO-BREAK SPACE}%")
    folded(page, scale="page")
    ends = ends_of(page, 2)
    largest = page.ask(
        "[1, 2].map((n) => largestOf(awake.get(document.querySelector(`#example-${n}`)), "
        "[awake.get(document.querySelector(`#example-${n}`)).map]))"
    )
    assert ends == [f"{text.significant(100 * max(largest), 2)}\N{NO-BREAK SPACE}%"] * 2


def said(page: Visit, number: int = 1) -> str:
    return page.page.locator(f"#example-{number} .legend .readout").last.text_content() or ""


LIT = "[...document.querySelectorAll('#example-1 .lit')].map((e) => e.textContent).join(' ')"
LABEL = "document.querySelector('#example-1 [data-chart=bars] .hoverlayer .hovertext')?.textContent.slice(0, 5)"


def test_a_word_lights_its_bar_and_a_bar_its_word(visit: Open) -> None:
    page = visit(with_rules(records.report(review())))
    hated = page.page.locator("#example-1 .w", has_text="hated")
    hated.hover()  # the chart is not drawn yet, or only just
    page.draw(1)
    page.page.mouse.move(2, 2)
    page.until(LIT, "")
    hated.hover()
    page.until(LABEL, "hated")
    assert page.ask(LIT) == "hated"
    page.page.locator("#example-1 h3").hover()
    page.until("document.querySelectorAll('#example-1 .hoverlayer .hovertext').length", 0)
    assert page.ask(LIT) == ""
    page.page.locator("#example-1 [data-chart=bars] .nsewdrag").hover(position={"x": 30, "y": 100})
    page.until(LIT, "This")
    page.set(unit="sentences")
    hated.hover()
    page.until(LABEL, "I hat")
    assert page.ask(LIT) == "I hated it , all of it ."


def test_the_arrow_keys_move_over_the_words_of_a_text(visit: Open) -> None:
    report = with_rules(method_records.report(method_records.review("smoothgrad")))
    page = visit(report)
    page.draw(1)
    scores = text.all_rounded(report.examples[0].maps[0].word_scores["l2"])
    numbers = [text.significant(score) for score in scores if score is not None]
    keyboard = page.page.keyboard
    page.page.locator("#example-1 .w[tabindex='0']").first.focus()
    assert said(page) == f"This: l2 {numbers[1]}"
    keyboard.press("ArrowRight")
    assert said(page) == f"movie: l2 {numbers[2]}"
    assert page.ask("document.activeElement.textContent") == "movie" == page.ask(LIT)
    page.until(LABEL, "movie")
    keyboard.press("ArrowLeft")
    keyboard.press("ArrowLeft")
    assert said(page) == f"This: l2 {numbers[1]}"
    keyboard.press("End")
    assert said(page) == f".: l2 {numbers[-2]}"
    page.set(special=True)
    page.page.locator("#example-1 .w[tabindex='0']").first.focus()
    keyboard.press("ArrowRight")
    assert said(page) == f"[SEP]: l2 {numbers[-1]}"
    keyboard.press("Home")
    assert said(page) == f"[CLS]: l2 {numbers[0]}"
    assert page.count("#example-1 .text [tabindex='0']") == 2  # one stop for each text
    assert page.count("#example-1 .canvas[tabindex]") == 0
    assert page.count("#example-1 .readout[aria-live=polite]") == page.count("#example-1 .readout") == 2
    page.page.locator("#example-1 .others .w[tabindex='0']").focus()
    keyboard.press("ArrowRight")
    smooth = text.all_rounded(report.examples[0].maps[1].word_scores["l2"])
    assert (
        page.page.locator("#example-1 .others .readout").text_content() == f"{text.significant(smooth[2] or 0)} movie"
    )


def test_the_keys_follow_a_text_from_right_to_left_and_its_sentences(visit: Open) -> None:
    page = visit(with_rules(records.report(review(words="كان هذا سيئا. لم يعجبني."))))
    page.page.locator("#example-1 .w[tabindex='0']").focus()
    page.page.keyboard.press("ArrowLeft")
    assert said(page).startswith("هذا: l2 ")
    page.page.keyboard.press("ArrowRight")
    assert said(page).startswith("كان: l2 ")
    page.set(unit="sentences")
    page.page.locator("#example-1 .w[tabindex='0']").focus()
    page.page.keyboard.press("ArrowLeft")
    assert said(page).startswith("لم يعجبني.: l2 ")


@pytest.mark.parametrize("unit", ["words", "tokens", "sentences"])
def test_in_generation_the_cursor_moves_and_enter_chooses(visit: Open, unit: str) -> None:
    story = records.generation("story", "It rained. The cat sat", " on the extraordinary mat.")
    page = visit(with_rules(records.report(story)))
    page.set(unit=unit)
    keyboard, which = page.page.keyboard, page.page.locator("#example-1 .which")
    page.page.locator("#example-1 .text [tabindex='0']").focus()
    assert page.count("#example-1 .text [tabindex='0']") == 1
    assert which.text_content() == "“on”, 1 of 7"
    if unit == "sentences":
        assert said(page).startswith("on the extraordinary mat.: no number here")
        keyboard.press("Enter")
        assert which.text_content() == "“the”, 2 of 7"
        assert not said(page).endswith("no number here")
    else:
        assert said(page) == "on: no number here"
        keyboard.press("ArrowLeft")
        keyboard.press("Enter")  # not an outlined one: nothing to choose
        assert (said(page)[:4], which.text_content()) == ("sat:", "“on”, 1 of 7")
        for _ in range(3):
            keyboard.press("ArrowRight")
        assert which.text_content() == "“on”, 1 of 7"
        keyboard.press("Space")
        assert which.text_content() == "“extr”, 3 of 7"
        keyboard.press("Enter")
        assert which.text_content() == ("“aord”, 4 of 7" if unit == "words" else "“extr”, 3 of 7")
    keyboard.press("ArrowUp")
    assert (which.text_content() or "").endswith({"words": "3 of 7", "tokens": "2 of 7", "sentences": "1 of 7"}[unit])
    assert page.count("#example-1 [role=radiogroup] [role=radio][aria-checked=true]") == 1
    assert page.ask("document.activeElement.closest('[role=radio]') !== null")


def test_a_link_reopens_the_same_view(visit: Open) -> None:
    examples = [method_records.by_methods(review(f"r{i}"), "smoothgrad", "occlusion") for i in range(2)]
    page = visit(with_rules(method_records.report(*examples)))
    page.set("l1", "sentences", special=True)
    folded(page, method="smoothgrad", beside="occlusion", scale="page", numbers="share")
    link = page.page.url
    assert link.split("#")[1] == (
        "unit=sentences&score=l1&special=1&method=smoothgrad&beside=occlusion&scale=page&numbers=share"
    )
    look = (
        "[...document.querySelectorAll('article')].map((a) => { wake(a); return [...a.querySelectorAll("
        "'.map, .legend')].map((e) => e.innerText + [...e.querySelectorAll('.w')].map((w) => w.className + w.title));"
        " })"
    )
    before = page.ask(look)
    page.page.goto("about:blank")
    page.page.goto(link)
    page.until("document.querySelector('.more summary').textContent", "More (4 set)")
    page.until(look + ".join('').includes('one scale for')", True)
    assert page.ask(look) == before
    page.noise.clear()
    page.page.emulate_media(media="print")
    assert page.page.locator(".controls").is_hidden()


def test_the_switches_are_low_on_a_phone(visit: Open) -> None:
    page = visit(with_rules(method_records.everything()), viewport={"width": 390, "height": 844})
    page.page.locator("#example-1").scroll_into_view_if_needed()
    assert page.ask("document.querySelector('.controls').getBoundingClientRect().height") < 844 / 5
    page.page.locator(".more summary").click()
    assert page.ask("document.documentElement.scrollWidth") <= 390
    panel = page.page.locator(".more > div").bounding_box()
    assert panel
    assert panel["x"] >= 0
    assert panel["x"] + panel["width"] <= 390


@pytest.mark.parametrize("width", [740, 1440])
def test_what_is_folded_away_hangs_below_its_name_and_closes_by_escape(visit: Open, width: int) -> None:
    page = visit(with_rules(method_records.everything()), viewport={"width": width, "height": 800})
    more = page.page.locator(".more summary")
    more.click()
    panel, name = page.page.locator(".more > div").bounding_box(), more.bounding_box()
    assert panel
    assert name
    assert panel["x"] <= name["x"]
    assert name["x"] + name["width"] <= panel["x"] + panel["width"] <= width
    page.page.locator("#numbers").focus()
    page.page.keyboard.press("Escape")
    assert page.count(".more[open]") == 0
    assert page.ask("document.activeElement.matches('.more summary')")


def test_every_method_can_be_large_and_beside_on_every_kind_of_example(visit: Open) -> None:
    report = with_rules(method_records.everything())
    page = visit(report)
    for number in range(1, len(report.examples) + 1):
        page.draw(number)
    titles = [method.title for method in report.methods]
    for method, title in zip(report.methods[1:], titles[1:], strict=True):
        folded(page, method=method.name, beside="gradient")
        ends_of(page, len(report.examples))
        for number, result in enumerate(report.examples, 1):
            has = any(map_.method == method.name for map_ in result.maps)
            article = page.page.locator(f"#example-{number}")
            assert article.locator(".maps .beside .map-title").all_text_contents() == ["Gradient"] * has
            missing = f"{title} was not run on this example"
            assert (missing in (article.locator(".scope").first.text_content() or "")) == (not has)


def test_each_large_map_has_its_own_button_under_it(visit: Open) -> None:
    page = visit(method_records.report(*(method_records.review("smoothgrad") for _ in range(2))))
    ends_of(page, 2)
    for number in (1, 2):
        assert page.count(f"#example-{number} .maps + .legend .pick") == 1
        assert page.count(f"#example-{number} .pick[aria-pressed=true]") == 1


def test_a_choice_has_the_other_method_behind_it(visit: Open) -> None:
    report = method_records.report(method_records.choice("integrated_gradients"))
    page = visit(report)
    folded(page, beside="integrated_gradients")
    maps = page.page.locator("#example-1 .maps > .map")
    places = [one.get_attribute("class") for one in maps.all()]
    chosen = next(i for i, names in enumerate(places) if "shown" in (names or ""))
    assert "beside" in (places[chosen + 1] or "")
    page.page.get_by_label("Show in the chart: Rome", exact=True).click()
    assert "beside" in (maps.last.get_attribute("class") or "")
    assert figure_titles(page, 1, 4) == expected_runs(report, 1, report.examples[0].maps[7], "words", "attribution")


def test_a_page_without_charts_is_read_in_the_same_ways(visit: Open) -> None:
    report = with_rules(method_records.everything())
    page = visit(report, charts=False)
    folded(page, method="integrated_gradients", beside="gradient", numbers="share")
    ends_of(page, len(report.examples))
    page.page.locator("#example-1 .maps .w[tabindex='0']").first.focus()
    page.page.keyboard.press("ArrowRight")
    assert said(page).startswith("movie: attribution ")
    assert page.ask(LIT) == "movie"
    page.page.locator("#example-2 .step").last.click()
    assert page.page.locator("#example-2 .which").text_content() == "“and”, 2 of 8"
    assert page.count(".pick") == 0


def cancelling(result: ExampleResult, left: float) -> ExampleResult:
    """The slopes of each token add up to this share of their sizes."""
    (map_,) = result.maps
    for held in (map_.scores, map_.word_scores):
        sizes = measured(held["l1"])
        held["sum"] = [(-1) ** i * left * size for i, size in enumerate(sizes)]
        held["mean"] = [(-1) ** i * left * size / records.DIMENSIONS for i, size in enumerate(sizes)]
    return result


@pytest.mark.parametrize(
    ("dtype", "left", "zero"),
    [
        ("float32", 6e-8, True),
        ("float32", 2e-5, False),
        ("float16", 2e-4, True),
        ("float16", 2e-3, False),
        ("bfloat16", 1.1e-3, True),
        ("bfloat16", 2e-2, False),
    ],
)
def test_what_rounding_leaves_depends_on_the_precision(dtype: str, left: float, zero: bool) -> None:
    (map_, *_) = without_rounding(cancelling(review(), left), dtype).maps
    assert (cancelled(map_) == ["sum", "mean"]) == zero
    assert any(map_.scores["sum"]) != zero


def test_slopes_that_cancel_but_for_rounding_are_said_to_and_have_no_colour(visit: Open) -> None:
    rounding, real = cancelling(review(), 6e-8), cancelling(review("other"), 2e-5)
    said = (
        "Zero up to rounding: at every token the slopes cancel but for what rounding leaves of them, as they do where "
        "embeddings are normalised. What is left says nothing of the text: it stands as 0, "
        "without colour; report.json has it."
    )
    page = visit(with_rules(records.report(rounding, real)))
    assert page.count(".facts") == 0  # of scores that are not shown
    strongest = "#example-{} .text :is(.p8, .n8)"
    for score in ("sum", "mean"):
        page.set(score)
        assert page.page.locator(".facts").all_inner_texts() == [said]
        assert page.count(strongest.format(2))
        assert not page.count(strongest.format(1))
        assert not page.count("#example-1 .text :is(.p1, .n1)")
        assert page.page.locator("#example-1 .legend .scope").inner_text() == "zero up to rounding, without colour"
        assert not page.page.locator("#example-1 .legend .scale").is_visible()
        assert {title for _, title in shown(page, "#example-1 .text .w")} == {"0"}
        page.draw(1)
        colours = page.ask("document.querySelector('#example-1 .canvas').data[0].marker.color")
        assert set(colours) == {"rgb(255,255,255)"}
        assert (page.page.locator("#example-1 .ytitle").text_content() or "").endswith(" (rounding)")
    page.set("gradient_x_input")
    assert "".join(page.page.locator(".facts").all_inner_texts()) == ""
    assert page.count(strongest.format(1))
    assert page.page.locator("#example-1 .legend .scale").is_visible()
    page.page.locator("#example-1 .numbers summary").click()
    page.until("document.querySelectorAll('#example-1 .numbers th[scope=col]').length > 2")  # the event comes after it
    heads = page.page.locator("#example-1 .numbers th[scope=col]").all_inner_texts()
    assert heads[-3:] == ["Sum of the gradient (rounding)", "Mean of the gradient (rounding)", "Gradient times input"]


def test_a_table_that_is_opened_before_its_card_is_awake_gets_all_scores(visit: Open) -> None:
    page = visit(records.report(*[review(f"film-{n}") for n in range(30)]))
    heads = "document.querySelectorAll('#example-30 .numbers th[scope=col]').length"
    page.page.evaluate("document.querySelector('#example-30 .numbers').open = true")
    assert page.ask("document.querySelector('#example-30 .text .w').title") == ""  # asleep
    assert page.ask(heads) == 2
    page.page.evaluate("document.querySelector('#example-30').scrollIntoView()")
    page.until(f"{heads} > 2")
