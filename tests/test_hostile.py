"""Text of models and inputs that would be markup, script or a trick: it stays text, in every place that shows any.

13,500 strings of four packages and a generator, each as text, token, label, warning and model name and, but for 5,200
that are like another one save for a letter or an entity, as id, failure message, next step and input value; a quarter
of these as choice and title of a map, and one a page as title of the page and of a method. The page must have the
elements and attributes that it has with harmless strings.
"""

from __future__ import annotations

import re
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
MANY = 100  # strings of an example of those that are hardly told apart
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
    """The strings as all that examples show: one that is classified and, of a few, one with choices and failed ones."""
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
    if len(strings) > TOGETHER:
        return [texts]
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


def planted(strings: list[str], together: int = TOGETHER) -> Report:
    """The strings in every place of a report, or, many together, in those of classified texts alone."""
    examples: list[ExampleResult] = []
    for chunk in parts(strings, together):
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


# Turns to a page of the list and lets the script work on every example of it, as for paper and with open tables.
EVERYWHERE = """async (number) => {
  await list.turnTo(number);
  await packs[list.page - 1].read();
  dispatchEvent(new Event("beforeprint"));
  for (const fold of all(".numbers")) {
    fold.open = true;
    fold.dispatchEvent(new Event("toggle"));
  }
  const found = [...document.querySelectorAll("article.example")].map(ASK);
  dispatchEvent(new Event("afterprint"));
  return found;
}"""


def everywhere(page: Visit, ask: str) -> list[Any]:
    """What a JavaScript function says of each example: the one place that knows how to come to all of them."""
    pages = range(1, page.ask("list.pages") + 1)
    found = [one for number in pages for one in page.ask(EVERYWHERE.replace("ASK", ask), number)]
    page.ask("list.turnTo(1)")
    return found


# The elements of a list by their names and, so that no attribute is made either, those of their attributes.
TAGS = """window.tags = (elements) => {
  const counts = {};
  for (const element of elements) {
    const name = [element.tagName, ...element.getAttributeNames().sort()].join(" ");
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};"""
TEXTS = """(article) => {
  const all = (css) => [...article.querySelectorAll(css)].map((element) => element.textContent);
  return {
    id: all("h3 bdi"), segments: all("[data-segment]"), outcomes: all(".outcomes .name bdi"), titles: all(".map-title"),
    warnings: all(":scope > p.note.warning"), failure: all("div.note p"), inputs: all(".inputs dd"),
    tokens: all(".numbers tbody td:nth-child(2)"), tags: tags([article, ...article.querySelectorAll("*")]),
  };
}"""


def walk(page: Visit) -> tuple[Counter[str], list[dict[str, Any]]]:
    """The elements of the page, counted, and the texts of each example."""
    outside = "[...document.querySelectorAll('*')].filter((element) => !element.closest('article.example'))"
    counted = Counter(page.ask(f"tags({outside})"))
    examples = everywhere(page, TEXTS)
    for example in examples:
        counted.update(example.pop("tags"))
    return counted, examples


def check_texts(examples: list[dict[str, Any]], report: Report) -> None:
    """Each string stands in the DOM as it was, a control character as its picture."""
    for result, found in zip(report.examples, examples, strict=True):
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


def told_apart(strings: list[str]) -> tuple[list[str], list[str]]:
    """The strings that differ from all others in more than a letter or a character reference, and the rest.

    5,200 of the 8,300 of html5lib are one of its few patterns with another entity or letter in the same place.
    """
    patterns: dict[str, str] = {}
    for string in strings:
        patterns.setdefault(re.sub(r"\b\w\b", "a", re.sub(r"&#?\w+", "&a", string)), string)
    kept = set(patterns.values())
    return [*patterns.values()], [string for string in strings if string not in kept]


Plain = Callable[[int, int, bool], Counter[str]]


@pytest.fixture(scope="module")
def plain(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Plain:
    """The elements of a page of so many harmless strings, as opened or with tokens and special ones shown."""
    from browsing import AWAKE, Visit

    @cache
    def counted(count: int, together: int, tokens: bool) -> Counter[str]:
        path = tmp_path_factory.mktemp("plain") / "report.html"
        harmless = [f"harmless{number}" for number in range(count)]
        path.write_text(render_page(planted(harmless, together)), encoding="utf-8")
        page = Visit(browser.new_page())
        page.page.add_init_script(TAGS)
        page.page.goto(path.as_uri())
        page.until(AWAKE)
        if tokens:
            page.set(unit="tokens", special=True)
        found, _ = walk(page)
        page.page.close()
        return found

    return counted


@pytest.mark.parametrize("source", ["blns", "bleach", "html5lib", "brs-kb", "made"])
def test_no_string_becomes_markup_or_changes(
    visit: Open, plain: Plain, corpora: dict[str, list[str]], source: str
) -> None:
    assert len(corpora[source]) >= {"blns": 480, "bleach": 20, "html5lib": 8300, "brs-kb": 4000, "made": 600}[source]
    distinct, rest = told_apart(corpora[source]) if source == "html5lib" else (corpora[source], [])
    pages = [(part, TOGETHER) for part in parts(distinct, TOGETHER * 100)]
    pages += [(part, MANY) for part in parts(rest, MANY * 30)]
    for strings, together in pages:
        report = planted(strings, together)
        page = visit(report, script=LISTEN + TAGS)
        for tokens in (False, True):
            if tokens:
                page.set(unit="tokens", special=True)
            found, examples = walk(page)
            assert found == plain(len(strings), together, tokens)
            check_texts(examples, report)
        # A browser joins the blanks of a title.
        title = "(title) => title.replace(/[ \\t\\n\\f\\r]+/g, ' ').trim()"
        assert page.ask("document.title") == page.ask(title, text.visible(strings[0]))
        assert page.ask(ELSEWHERE) == page.ask("violations") == []
        page.page.close()


def test_a_generated_text_is_inert_and_exact_whichever_token_is_chosen(visit: Open) -> None:
    report = records.report(*(records.generation(s, s, f" {s}") for s in records.HOSTILE))
    page = visit(report, script=LISTEN + TAGS)
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
