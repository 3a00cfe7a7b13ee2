"""The page with a keyboard alone: each step is a key, the focus is never lost from sight, and what is said is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import evidence_records
import method_records
import records
from saliency_report.metrics.run import over_the_run
from saliency_report.page import text
from saliency_report.page.packs import EXAMPLES
from saliency_report.page.sentences import sentences
from saliency_report.record import Map, Report
from test_reading import with_rules

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing"]

MOST = 400  # presses of a key to get somewhere
# What has the focus, how it is seen, and whether something lies over it. A switch lies unseen under its label.
FOCUS = """() => {
  const at = document.activeElement;
  const shown = at.matches("input[type=radio]") ? at.nextElementSibling : at;
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  const free = [...shown.getClientRects()].some(({ left, top, right, bottom }) =>
    [0.1, 0.5, 0.9].some((x) => [0.1, 0.5, 0.9].some((y) => {
      const found = document.elementFromPoint(left + x * (right - left), top + y * (bottom - top));
      return found && (shown.contains(found) || found.contains(shown));
    })));
  const id = at.id ? `#${at.id}` : "";
  return {
    name: `${at.tagName.toLowerCase()}${id} ${at.className} ${at.textContent.trim().slice(0, 40)}`,
    isLost: at === document.body, isOutlined: outlineStyle !== "none" && outlineWidth !== "0px",
    isPlace: at.tabIndex < 0, isFree: free,
  };
}"""


class Keys:
    """Someone who has a keyboard and sees the page; the page is read by script, and never touched by it."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit

    def press(self, *keys: str) -> None:
        """Keys one after the other; after each the focus must be somewhere, and seen."""
        for key in keys:
            self.visit.page.keyboard.press(key)
            self.visit.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            self.look(key)

    def look(self, key: str) -> None:
        at = self.visit.ask(FOCUS)
        assert not at["isLost"], f"after {key} the focus is lost"
        if not at["isPlace"]:  # where a link leads is no control, and can be larger than the window
            assert at["isOutlined"], f"after {key} the focus on {at['name']} is not seen"
            assert at["isFree"], f"after {key} something covers {at['name']}"

    def on(self, css: str) -> bool:
        found: bool = self.visit.ask("(css) => document.activeElement.matches(css)", css)
        return found

    def to(self, css: str, key: str = "Tab") -> None:
        """A key, as often as it takes to come to an element."""
        for _ in range(MOST):
            self.press(key)
            if self.on(css):
                return
        raise AssertionError(f"{key} does not lead to {css}")

    def choose(self, value: str) -> None:
        """Another entry of the list that has the focus."""
        for _ in range(MOST):
            if self.visit.ask("document.activeElement.value") == value:
                return
            self.press("ArrowDown")
        raise AssertionError(f"there is no {value}")

    def said(self, css: str) -> str:
        """What a live region says."""
        live = (
            "(css) => [...document.querySelectorAll(css)].every((e) => e.closest('[aria-live=polite], [role=status]'))"
        )
        assert self.visit.ask(live, css)
        return self.visit.page.locator(css).first.text_content() or ""

    def settled(self, expected: list[int]) -> None:
        self.visit.until("[...document.querySelectorAll('#cards > article')].map((a) => +a.id.slice(8))", expected)
        self.look("waiting")


def report_of(others: int) -> Report:
    """An example of each task, the first with evidence and all methods, and other texts."""
    examples = [
        evidence_records.everything(),
        method_records.story("integrated_gradients"),
        method_records.choice("integrated_gradients"),
        records.classification("pair", "A man plays a guitar. He is on stage.", "Nobody makes music."),
        *(records.classification(f"n{number}", f"Film {number} is long.") for number in range(others)),
    ]
    return with_rules(method_records.report(*examples, evidence=over_the_run(examples)))


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(0)


@pytest.fixture(scope="module")
def many() -> Report:
    """So many that there are two pages of the list."""
    return report_of(EXAMPLES)


@pytest.fixture
def keys(visit: Open, report: Report) -> Keys:
    return Keys(visit(report))


def number_of(map_: Map, word: int, score: str | None = None) -> str:
    value = map_.word_scores[score or map_.first_score][word]
    return "no number here" if value is None else text.significant(text.rounded(value))


def test_from_the_skip_link_to_the_search_a_filter_and_a_card(visit: Open, many: Report) -> None:
    keys, count = Keys(visit(many)), len(many.examples)
    keys.press("Tab")
    assert keys.on("a.skip")
    keys.press("Enter")
    assert keys.on("main")
    keys.to("input[name=unit]")
    keys.to("#find-q", "Shift+Tab")
    keys.visit.page.keyboard.type("paris")
    keys.settled([3])
    assert keys.said(".found") == f"1 of {count} examples"
    keys.press("Control+a")
    keys.visit.page.keyboard.type("no such word")
    keys.visit.until("document.querySelector('.found').textContent", "No example matches.")
    keys.look("typing")
    assert keys.said(".found") == "No example matches."
    keys.to("button.everything")
    keys.press("Enter")
    keys.settled(list(range(1, EXAMPLES + 1)))
    assert keys.on("#index-title")
    keys.to("#find-task")
    keys.choose("text-generation")
    keys.settled([2])
    assert keys.said(".found") == f"1 of {count} examples"
    assert keys.on("#find-task")
    keys.to(".index li a")
    keys.press("Enter")
    keys.visit.until("document.activeElement.closest('article')?.id", "example-2")
    keys.look("Enter")
    keys.to("button.everything", "Shift+Tab")
    keys.press("Space")
    keys.settled(list(range(1, EXAMPLES + 1)))


def test_a_classified_text_is_read_word_by_word_by_methods_and_sentences(keys: Keys, report: Report) -> None:
    result = report.examples[0]
    words, encoding = result.encodings[0].words, result.encodings[0]
    first = result.maps[0]
    readout = "#example-1 .legend .readout"

    def said(word: int, map_: Map, score: str) -> str:
        token = words[word]
        name = encoding.segments[0].text[token.start : token.end]
        return f"{name}: {score} {number_of(map_, word, score)}"

    keys.to("#example-1 h3 a")
    keys.to("#example-1 .maps .text [tabindex='0']")
    seen = [word for word, one in enumerate(words) if not one.special]
    for word in seen:
        assert keys.said(readout) == said(word, first, "l2")
        keys.press("ArrowRight")
    keys.press("Home")
    assert keys.said(readout) == said(seen[0], first, "l2")
    keys.press("End", "ArrowLeft")
    assert keys.said(readout) == said(seen[-2], first, "l2")
    keys.to("#special", "Shift+Tab")
    keys.press("Space")
    keys.to("#example-1 .maps .text [tabindex='0']")
    keys.press("Home")
    assert keys.said(readout) == f"[CLS]: l2 {number_of(first, 0, 'l2')}"
    keys.to("#aggregation", "Shift+Tab")
    keys.choose("gradient_x_input")
    assert "First-order estimate of what the token adds to the logit." in keys.said(".explanation")
    keys.to(".more summary")
    keys.press("Enter")
    keys.to("#method")
    keys.choose("integrated_gradients")
    keys.to("#example-1 .maps .text [tabindex='0']")
    by = next(map_ for map_ in result.maps if map_.method == "integrated_gradients")
    keys.press("End")
    assert keys.said(readout) == f"[SEP]: attribution {number_of(by, len(words) - 1, 'attribution')}"
    keys.press("ArrowLeft")
    assert keys.said(readout) == said(len(words) - 2, by, "attribution")
    keys.to("#beside", "Shift+Tab")
    keys.choose("gradient")
    keys.to("#example-1 .beside .text [tabindex='0']")
    keys.press("ArrowRight")
    found = keys.said("#example-1 .beside .readout")
    assert found == f"{number_of(first, seen[1], 'gradient_x_input')} movie"
    keys.to("#example-1 .beside .pick")
    keys.press("Enter")
    assert keys.on(".beside .pick[aria-pressed=true]")
    keys.to("input[name=unit]", "Shift+Tab")
    keys.press("ArrowRight", "ArrowRight")
    assert keys.on("[value=sentences]:checked")


def test_sentences_of_two_texts_are_said_as_one(keys: Keys, report: Report) -> None:
    result = report.examples[3]
    keys.to("input[name=unit]")
    keys.press("ArrowRight", "ArrowRight")
    keys.to("#example-4 .text [tabindex='0']")
    names = ["A man plays a guitar.", "He is on stage.", "Nobody makes music."]
    for name, sentence in zip(names, sentences(result.encodings[0]), strict=True):
        tokens = [t for word in sentence.words for t in result.encodings[0].words[word].tokens]
        block = sum((result.maps[0].scores["l2"][t] or 0) ** 2 for t in tokens) ** 0.5
        assert keys.said("#example-4 .legend .readout") == f"{name}: l2 {text.significant(text.rounded(block))}"
        keys.press("ArrowRight")


def test_a_generated_token_is_chosen_in_the_text_and_by_buttons(keys: Keys, report: Report) -> None:
    result = report.examples[1]
    targets = [map_ for map_ in result.maps if map_.method == "gradient"]
    which, sentence = "#example-2 .which", "#example-2 .sentence"
    tokens = result.encodings[0].tokens

    def said(index: int) -> str:
        position = targets[index].target.position
        assert position is not None
        return f"“{text.label(tokens[position].text).removeprefix('##')}”, {index + 1} of {len(targets)}"

    keys.to("#example-2 .text [role=radio][tabindex='0']")
    assert keys.said(which) == said(0)
    keys.press("ArrowDown", "ArrowDown")
    assert keys.said(which) == said(2)
    assert keys.visit.page.locator(sentence).text_content() == targets[2].target.sentence
    assert keys.on("[role=radio][aria-checked=true]")
    keys.press("ArrowUp")
    assert keys.said(which) == said(1)
    keys.press("ArrowLeft", "Enter")
    assert keys.said(which) == said(0)
    keys.press("ArrowLeft")
    last = [word for word, one in enumerate(result.encodings[0].words) if one.segment == 0][-1]
    assert keys.said("#example-2 .legend .readout") == f"the: l2 {number_of(targets[0], last, 'l2')}"
    keys.to("#example-2 .step[data-step='1']", "Shift+Tab")
    for index in range(1, len(targets)):
        keys.press("Enter")  # at the last one the button goes out of use
        assert keys.said(which) == said(index)
    assert keys.on("#example-2 .step")
    for index in reversed(range(len(targets) - 1)):
        keys.press("Space")
        assert keys.said(which) == said(index)
    assert keys.on("#example-2 .step")


def test_a_choice_is_charted_and_read(keys: Keys, report: Report) -> None:
    result = report.examples[2]
    keys.to("#example-3 .map:nth-of-type(2) .text [tabindex='0']")
    for _ in range(3):
        keys.press("ArrowRight")
    (own,) = [m for m in result.maps if m.method == "gradient" and m.title == "Paris"]
    word = [n for n, one in enumerate(result.encodings[own.encoding].words) if not one.special][3]
    assert keys.said("#example-3 .legend .readout") == f"capital: l2 {number_of(own, word, 'l2')}"
    keys.to("#example-3 .pick[aria-pressed=false]")
    name = keys.visit.ask("document.activeElement.getAttribute('aria-label')")
    keys.press("Enter")
    assert keys.on(".pick[aria-pressed=true]")
    assert name.startswith("Show in the chart: ")


def test_tables_evidence_and_a_download_open_by_keys(keys: Keys, report: Report) -> None:
    result = report.examples[0]
    keys.to("#example-1 .evidence summary")
    keys.press("Enter")
    assert keys.visit.count("#example-1 .evidence details[open]") == 1
    keys.to("#example-1 .evidence .scroll")
    keys.to("#example-1 .layers summary")
    keys.press("Space")
    keys.to("#example-1 .layers input[type=radio]")
    keys.press("ArrowRight")
    assert keys.on("[value=activation]:checked")
    keys.to("#example-1 .tables summary")
    keys.press("Enter")
    table = keys.visit.page.locator("#example-1 .tables .numbers").first
    assert table.get_attribute("open") is not None
    assert table.locator("tbody tr").count() > len(result.encodings[0].words)
    keys.to("#example-1 .download summary")
    keys.press("Enter")
    keys.to("#example-1 .download button:nth-of-type(3)")
    with keys.visit.page.expect_download() as found:
        keys.press("Enter")
    assert found.value.suggested_filename == "saliency-example-1.csv"
    assert keys.on("#example-1 .download button")
    rows = Path(found.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) > sum(len(map_.scores[map_.first_score]) for map_ in result.maps)


def test_examples_and_pages_are_turned_by_keys_and_back(visit: Open, many: Report) -> None:
    keys, count = Keys(visit(many)), len(many.examples)
    at = "document.activeElement.closest('article')?.id"
    keys.to("#example-1 h3 a")
    for number in (2, 3, 4):
        keys.press("Alt+ArrowDown")
        keys.visit.until(at, f"example-{number}")
    keys.press("Alt+ArrowUp")
    keys.visit.until(at, "example-3")
    keys.to(".index .pager [data-step='1']", "Shift+Tab")
    keys.press("Enter")
    keys.settled(list(range(EXAMPLES + 1, count + 1)))
    assert keys.on("#index-title")
    assert keys.visit.page.locator(".which-page").first.text_content() == "Page 2 of 2"
    keys.to(f"#example-{EXAMPLES + 1} .text [tabindex='0']")
    map_ = many.examples[EXAMPLES].maps[0]
    assert keys.said(f"#example-{EXAMPLES + 1} .legend .readout") == f"Film: l2 {number_of(map_, 1, 'l2')}"
    keys.press("Alt+ArrowUp")
    keys.settled(list(range(1, EXAMPLES + 1)))
    keys.visit.until(at, f"example-{EXAMPLES}")
    keys.press("Alt+ArrowDown")
    keys.settled(list(range(EXAMPLES + 1, count + 1)))
    keys.visit.until(at, f"example-{EXAMPLES + 1}")
    keys.to(".index .pager [data-step='-1']", "Shift+Tab")
    keys.press("Space")
    keys.settled(list(range(1, EXAMPLES + 1)))
    assert keys.on("#index-title")


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ("#examples", "main"),
        ("#meaning", "#meaning"),
        ("#example-3", "#example-3 h3 a"),
        ("#example-1-evidence", "#example-1-evidence"),
    ],
)
def test_a_link_inside_the_page_takes_the_focus_along(keys: Keys, link: str, place: str) -> None:
    """Where a link leads, the next press of the Tab key goes on, and a screen reader reads; twice too."""
    for key in ("Tab", "Shift+Tab"):
        keys.to(f'a[href="{link}"]', key)
        keys.press("Enter")
        assert keys.on(place)


def test_a_link_to_a_filter_leads_to_the_list(visit: Open, many: Report) -> None:
    keys = Keys(visit(many))
    keys.to("a.view")
    keys.press("Enter")
    keys.visit.until("document.activeElement.id", "index-title")
    keys.look("Enter")
    assert keys.said(".found") == f"{EXAMPLES} of {len(many.examples)} examples"
