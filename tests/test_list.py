"""A page of many examples: packed cards, pages, search, filters, order, keys, and the link that reopens a view."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

import evidence_records
import records
from saliency_report.page.catalogue import Catalogue
from saliency_report.page.packs import EXAMPLES
from saliency_report.page.scores import scores
from saliency_report.page.view import view
from saliency_report.record import ExampleResult, Report
from saliency_report.words import split_words

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing"]

WORDS = ("awful", "bright", "clever", "dull", "early")
COUNT = 2 * EXAMPLES + 20


def snippet(number: int) -> ExampleResult:
    """Example `number` of the list: its text names it, every seventh is wrong, every fortieth has failed."""
    if number % 40 == 0:
        return records.failed(f"n{number}")
    word = WORDS[number % len(WORDS)]
    made = records.classification(
        f"n{number}", f"Film {number} is {word} and unbelievably long.", expected=0 if number % 7 else 1
    )
    if number == 77:
        made = made.model_copy(update={"warnings": ["The text was cut."]})
    return made


@pytest.fixture(scope="module")
def many() -> Report:
    return records.report(*(snippet(number) for number in range(1, COUNT + 1)))


def numbers(page: Visit) -> list[int]:
    """The examples whose cards are on the page, in their order."""
    found: list[int] = page.ask("[...document.querySelectorAll('#cards > article')].map((a) => Number(a.id.slice(8)))")
    return found


def rows(page: Visit) -> list[str]:
    return [" ".join(row.split()) for row in page.page.locator(".index li").all_inner_texts()]


def settled(page: Visit, expected: list[int]) -> None:
    page.until("[...document.querySelectorAll('#cards > article')].map((a) => Number(a.id.slice(8)))", expected)
    assert [int(row.split()[0]) for row in rows(page)] == expected


def link(page: Visit) -> str:
    return unquote(str(page.ask("location.hash")))


def test_the_first_examples_stand_in_the_page_and_the_others_say_that_they_need_a_script(
    visit: Open, many: Report
) -> None:
    page = visit(many, java_script_enabled=False).page
    assert page.locator("#cards > article").count() == EXAMPLES
    assert page.locator(".index li").count() == EXAMPLES
    assert page.locator(".index .no-js").inner_text() == (
        f"The first {EXAMPLES} of {COUNT} examples stand here. The others are packed in this page and need JavaScript; "
        "--static writes a page that does not."
    )
    assert page.locator(".finder, .pager").first.is_hidden()


def test_pages_bring_packed_cards_that_are_as_the_served_ones(visit: Open, many: Report) -> None:
    page = visit(many)
    assert page.page.locator(".no-js").first.is_hidden()
    assert page.page.locator(".which-page").first.inner_text() == "Page 1 of 3"
    page.page.get_by_role("button", name="Next page").first.click()
    settled(page, list(range(EXAMPLES + 1, 2 * EXAMPLES + 1)))
    assert link(page) == "#page=2"
    number = EXAMPLES + 1
    page.draw(number)
    served, packed = records.report(snippet(number)), f"#example-{number}"
    alone = visit(served)
    alone.draw(1)
    look = "(css) => [...document.querySelectorAll(css)].map((e) => [e.tagName, e.className, e.title, e.textContent])"
    for part in (".text, .w, .w > span", ".legend, .legend *", ".answer, .target, .outcomes li", ".facts, .share"):
        of_packed = page.ask(look, ", ".join(f"{packed} {css}" for css in part.split(", ")))
        assert of_packed == alone.ask(look, ", ".join(f"#example-1 {css}" for css in part.split(", ")))
        assert of_packed or part.startswith(".facts")
    assert page.bars(number) == alone.bars(1)
    table = (
        "(css) => [...document.querySelectorAll(`${css} table tr`)].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    for opened, css in ((page, packed), (alone, "#example-1")):
        opened.page.locator(f"{css} .numbers summary").click()
        opened.until(f"document.querySelectorAll('{css} .numbers thead th').length", 8)
    assert page.ask(table, packed) == alone.ask(table, "#example-1")
    page.page.get_by_role("button", name="Previous page").first.click()
    settled(page, list(range(1, EXAMPLES + 1)))
    assert link(page) == ""


def test_search_finds_words_labels_and_ids_on_every_page(visit: Open, many: Report) -> None:
    page = visit(many)
    page.page.get_by_label("Search").fill("clever")
    clever = [n for n in range(1, COUNT + 1) if n % 5 == 2 and n % 40]
    settled(page, clever)
    assert page.page.locator(".found").inner_text() == f"{len(clever)} of {COUNT} examples"
    assert rows(page)[-1] == (
        f"{clever[-1]} n{clever[-1]} Film {clever[-1]} is clever and unbelievably long. NEGATIVE 0.881 "
        + ("✓ right" if clever[-1] % 7 else "✗ expected POSITIVE")
    )
    page.page.get_by_label("Search").fill("n117")
    settled(page, [117])
    page.page.get_by_label("Search").fill("film 11")
    settled(page, [11, *(n for n in range(110, 120))])
    page.page.get_by_label("Search").fill('film "11"')
    settled(page, [11])
    page.page.get_by_label("Search").fill("no such words")
    settled(page, [])
    assert page.page.locator(".found").inner_text() == "No example matches."
    page.page.get_by_role("button", name="Show all").click()
    settled(page, list(range(1, EXAMPLES + 1)))
    assert page.page.get_by_label("Search").input_value() == ""
    assert page.page.locator(".found").inner_text() == f"{COUNT} examples"


@pytest.mark.parametrize(
    ("word", "found"),
    [(".", [1, 2, 3]), (",", [1]), ("’", []), ("-", [3]), ("a.b", [3]), ("b", [3]), ("[", []), ("ab", [])],
)
def test_a_word_of_signs_is_found_beside_letters(visit: Open, word: str, found: list[int]) -> None:
    """The overview links to its words, and the signs of a text are words too."""
    texts = ["One, two.", "It’s bad.", "a.b - c", *(f"Film {number}" for number in range(4, 13))]
    page = visit(records.report(*(records.classification(f"n{n}", text) for n, text in enumerate(texts))))
    page.page.get_by_label("Search").fill(f'"{word}"')
    settled(page, found)


def test_filters_name_their_counts_and_join(visit: Open, many: Report) -> None:
    page = visit(many)
    wrong = [n for n in range(1, COUNT + 1) if n % 7 == 0 and n % 40]
    assert page.page.get_by_label("Show", exact=True).locator("option").all_inner_texts() == [
        *("all examples", f"wrong predictions ({len(wrong)})", "failed (3)", "with warnings (1)")
    ]
    page.page.get_by_label("Show", exact=True).select_option("wrong")
    settled(page, wrong)
    page.page.get_by_label("Search").fill("dull")
    settled(page, [n for n in wrong if n % 5 == 3])
    assert link(page) == "#q=dull&show=wrong"
    page.page.get_by_label("Search").fill("")
    page.page.get_by_label("Show", exact=True).select_option("failed")
    settled(page, [40, 80, 120])
    assert rows(page)[0].endswith("failed")
    page.page.get_by_label("Show", exact=True).select_option("warned")
    settled(page, [77])
    assert rows(page)[0].endswith("warning")


def test_order_follows_confidence_faithfulness_and_the_gap(visit: Open) -> None:
    probabilities = [0.7, 0.9, 0.55, 0.999]
    made = []
    for number, p in enumerate([*probabilities, *[0.8] * 8]):
        result = records.classification(f"n{number + 1}", "So it is.", strong=("is",))
        prediction = result.prediction
        assert prediction is not None
        outcomes = [
            outcome.model_copy(update={"probability": q})
            for outcome, q in zip(prediction.outcomes, (p, 1 - p), strict=True)
        ]
        made.append(result.model_copy(update={"prediction": prediction.model_copy(update={"outcomes": outcomes})}))
    page = visit(records.report(*made))
    page.page.get_by_label("Order").select_option("unsure")
    settled(page, [3, 1, *range(5, 13), 2, 4])
    page.page.get_by_label("Order").select_option("sure")
    settled(page, [4, 2, *range(5, 13), 1, 3])
    assert page.page.get_by_label("Order").locator("option").all_inner_texts() == [
        *("in the order of the input", "least confident first", "most confident first")
    ]


def test_a_link_reopens_the_view(visit: Open, many: Report) -> None:
    page = visit(many)
    page.page.goto(page.page.url.split("#")[0] + "#q=clever&page=1&unit=tokens&score=gradient_x_input&special=1")
    page.page.reload()
    page.noise.clear()  # the reload is the only request
    clever = [n for n in range(1, COUNT + 1) if n % 5 == 2 and n % 40]
    settled(page, clever)
    assert page.page.get_by_label("Search").input_value() == "clever"
    assert page.page.locator("#aggregation").input_value() == "gradient_x_input"
    assert page.page.locator("input[value=tokens]").is_checked()
    assert page.page.locator("#special").is_checked()
    page.until(f"document.querySelectorAll('#example-{clever[0]} .chip.special:not([hidden])').length", 2)
    assert link(page) == "#q=clever&unit=tokens&score=gradient_x_input&special=1"
    page.set("l2", "words", special=False)
    assert link(page) == "#q=clever"


def test_a_link_to_an_example_opens_its_page_and_ends_a_filter_that_hides_it(visit: Open, many: Report) -> None:
    page = visit(many)
    page.ask("location.hash = '#example-117'")
    settled(page, list(range(2 * EXAMPLES + 1, COUNT + 1)))
    page.until("Math.abs(document.querySelector('#example-117').getBoundingClientRect().top) < 300")
    assert link(page) == "#example-117"
    page.page.get_by_label("Search").fill("clever")
    clever = [n for n in range(1, COUNT + 1) if n % 5 == 2 and n % 40]
    settled(page, clever)
    page.ask("location.hash = '#example-12'")
    page.until("location.hash", "#example-12&q=clever")
    assert numbers(page) == clever
    page.ask("location.hash = '#example-13'")
    settled(page, list(range(1, EXAMPLES + 1)))
    assert link(page) == "#example-13"


def test_keys_go_from_example_to_example_across_pages(visit: Open, many: Report) -> None:
    page = visit(many)
    page.ask(f"location.hash = '#example-{EXAMPLES - 1}'")
    page.until("location.hash", f"#example-{EXAMPLES - 1}")
    page.page.locator(f"#example-{EXAMPLES - 1} h3 a").focus()
    page.page.keyboard.press("Alt+ArrowDown")
    page.until("document.activeElement.closest('article')?.id", f"example-{EXAMPLES}")
    page.page.keyboard.press("Alt+ArrowDown")
    page.until("document.activeElement.closest('article')?.id", f"example-{EXAMPLES + 1}")
    assert numbers(page)[0] == EXAMPLES + 1
    page.page.keyboard.press("Alt+ArrowUp")
    page.until("document.activeElement.closest('article')?.id", f"example-{EXAMPLES}")
    page.page.keyboard.press("ArrowDown")
    assert page.ask("document.activeElement.closest('article').id") == f"example-{EXAMPLES}"


def test_a_card_that_left_comes_back_as_the_switches_stand(visit: Open, many: Report) -> None:
    page = visit(many)
    page.ask("list.turnTo(2)")
    settled(page, list(range(EXAMPLES + 1, 2 * EXAMPLES + 1)))
    page.draw(EXAMPLES + 1)
    page.ask("list.turnTo(1)")
    settled(page, list(range(1, EXAMPLES + 1)))
    page.set("gradient_x_input")
    page.ask("list.turnTo(2)")
    page.draw(EXAMPLES + 1)
    assert page.ask(f"document.querySelector('#example-{EXAMPLES + 1} .canvas').layout.yaxis.title.text") == (
        "Gradient times input"
    )
    assert page.count(".canvas.drawn") < 10


def test_a_short_list_has_no_search(visit: Open) -> None:
    page = visit(records.report(*(records.classification(f"n{i}", "Fine.") for i in range(10))))
    assert page.count("#find-q") == 0
    assert not page.page.locator(".finder").is_visible()
    assert page.page.locator(".pager").first.is_hidden()
    page.ask("location.hash = '#q=n3'")
    settled(page, [4])
    page.ask("location.hash = '#q='")
    settled(page, list(range(1, 11)))


def test_unfaithful_and_incomplete_examples_are_found(visit: Open) -> None:
    report = evidence_records.realistic()
    page = visit(report)
    catalogue = page.ask("list.load()")
    assert catalogue["bits"] == {
        "wrong": 1,
        "failed": 2,
        "warned": 4,
        "unfaithful": 8,
        "incomplete": 16,
        "failing": 32,
        "cautioned": 64,
    }
    judged = [example.evidence and example.evidence.faithfulness for example in report.examples]
    for index, test in enumerate(judged):
        if test and test.rankings:
            lost = 100 * test.rankings[0].beaten < 95 * test.random.orders
            assert bool(catalogue["marks"][index] & 8) == lost


def test_the_order_compares_like_with_like() -> None:
    """No normalised AOPC beside a share of orders; what fails without a share is the worst, and a zero is a number."""
    report = evidence_records.realistic()
    scored = scores(report)
    catalogue = Catalogue()
    for number, result in enumerate(report.examples, 1):
        catalogue.add(view(report, scored, number, result))
    tests = [r.evidence.faithfulness if r.evidence else None for r in report.examples]
    first = [test.rankings[0] if test and test.rankings else None for test in tests]
    found = [one for one in first if one]
    assert found
    assert all(one.normalised_aopc is not None for one in found)
    normalised = [one and one.normalised_aopc for one in first]
    assert catalogue.faithfulness == [value and pytest.approx(value, rel=1e-2) for value in normalised]
    catalogue.normalised[first.index(found[0])] = None
    assert catalogue.faithfulness == catalogue.beaten
    catalogue.gaps = [0.0, *[None] * (len(first) - 1)]
    assert catalogue.data()["gaps"] == catalogue.gaps


def test_a_link_that_filters_a_short_list_can_be_undone(visit: Open) -> None:
    page = visit(records.report(*(records.classification(f"n{i}", "Fine.", expected=i % 2) for i in range(4))))
    page.page.locator(".run .cards a", has_text="2 wrong").click()
    settled(page, [2, 4])
    assert page.page.locator(".found").inner_text() == "2 of 4 examples"
    page.page.locator(".everything").click()
    settled(page, [1, 2, 3, 4])
    assert not page.page.locator(".finder").is_visible()


def test_a_word_in_quotes_is_found_where_the_run_has_it_as_a_word(visit: Open) -> None:
    """By the rules that split texts into words, so that a link of the overview finds as many examples as it counts."""
    texts = [
        "Well, a film’s end: it's 3.5 of 5!",
        'He said "film" , ... and left - so - well-made # it .',
        "電影 film好 a_b e\u0301t\u00e9 (end) $5 a+b \\ c/d ^ e ~ |",
        "negative",
        "Again!! 3,000.",
    ]
    page = visit(records.report(*(records.classification(f"film{i}", text) for i, text in enumerate(texts))))
    written = {text[start:end].lower() for text in texts for start, end in split_words(text)}
    expected = {
        word: [
            number
            for number, text in enumerate(texts, 1)
            if word in {text[start:end].lower() for start, end in split_words(text)}
        ]
        for word in written
    }
    found = page.ask(
        """async (words) => {
          const found = {};
          for (const word of words) {
            list.filters.q = `"${word}"`;
            await list.arrange();
            found[word] = list.order;
          }
          return found;
        }""",
        sorted(written),
    )
    assert found == expected


def test_a_model_is_a_filter_where_there_are_several_and_links_of_its_table_name_it(visit: Open, many: Report) -> None:
    assert visit(many).count("#find-model") == 0
    report = records.report(
        *(snippet(number).model_copy(update={"model": number % 2 if number % 40 else None}) for number in range(1, 80))
    )
    twins = [records.model("twin"), records.model("twin", dtype="bfloat16")]
    page = visit(report.model_copy(update={"models": twins}))
    assert page.page.locator("#find-model option").all_inner_texts() == [
        *("all models", "twin (model 2) (40)", "twin (model 1) (38)")
    ]
    page.page.select_option("#find-model", "twin (model 2)")
    settled(page, list(range(1, 80, 2)))
    assert link(page) == "#model=twin+(model+2)"
    first = page.page.locator(".confusion").first.locator("td a").first
    count, href = first.inner_text(), first.get_attribute("href")
    assert unquote(href or "").endswith("&model=twin (model 1)")
    first.click()
    page.until("document.querySelector('#find-model').value", "twin (model 1)")
    assert len(numbers(page)) == int(count)


def test_a_model_of_two_tasks_is_named_once_at_the_top_and_by_its_task_in_the_list(visit: Open) -> None:
    report = records.report(*(snippet(number).model_copy(update={"model": number % 2}) for number in range(1, 80)))
    both = [records.model("both", task="text-generation"), records.model("both", task="multiple-choice")]
    page = visit(report.model_copy(update={"models": both}))
    assert page.page.locator("#find-model option").all_inner_texts() == [
        *("all models", "both (multiple choice) (40)", "both (text generation) (39)")
    ]
    assert "Models: both (their weights). " in page.page.locator(".made-by").inner_text()
