"""What the pages of fixed records say, in files for people: any change of the HTML is seen, and accepted or not.

Scripts, styles and packed data have tests of their own: here they are …, and so are their hashes in the policy.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import pytest

import evidence_records
import method_records
import records
from saliency_report.metrics.run import over_the_run
from saliency_report.page import render_page
from saliency_report.page.static import render_static
from saliency_report.record import Report
from test_page import VOID, Element, Tree

FOLDER = Path(__file__).parent / "snapshots"
HASH = r"(?<=sha256-)[^\s';]+|\b[0-9a-f]{64}\b"
MOST = 80_000  # bytes of a file
LINES = 80  # of a difference that are shown
# What stands in a line with its neighbours. All else begins one.
INLINE = {
    "a",
    "b",
    "bdi",
    "code",
    "em",
    "font",
    "i",
    "label",
    "math",
    "meter",
    "mtext",
    "option",
    "span",
    "td",
    "th",
    "u",
}


def evidence() -> Report:
    """One example with every part of evidence, by two methods, and a generated one."""
    examples = [evidence_records.everything(methods=False), evidence_records.generated()]
    return method_records.report(*examples, evidence=over_the_run(examples))


def kinds() -> Report:
    """What a first report holds, without the texts that are odd."""
    found = records.realistic()
    return found.model_copy(update={"examples": found.examples[:7]})


def few() -> Report:
    """Three short examples: without script and style all maps and tables stand in the page."""
    examples = [
        records.classification("film", "It was bad.", expected=0, warnings=["The text was cut."]),
        records.generation("cat", "The cat sat", " on it."),
        records.failed("sarcasm"),
    ]
    return records.report(*examples)


PAGES: dict[str, Callable[[], str]] = {
    "kinds": lambda: render_page(kinds()),
    "evidence": lambda: render_page(evidence()),
    "static": lambda: render_static(few()),
}


def start(element: Element) -> str:
    values = {name: re.sub(HASH, "…", value) for name, value in element.attributes.items()}
    quoted = [f'{name}="{escape(value, quote=False)}"' for name, value in values.items()]  # no value has a "
    return f"<{' '.join([element.tag, *quoted])}>"


def pieces(element: Element) -> Iterator[str]:
    """The element in pieces; one that begins a line begins with a line break and as many blanks as it is deep."""
    for child in element.children:
        if isinstance(child, str):
            yield escape(re.sub(r"\s+", " ", child), quote=False)
            continue
        if child.tag in ("script", "style", "meta"):
            yield f"\n{start(child)}\n" if child.tag == "meta" else f"\n{start(child)}…</{child.tag}>\n"
            continue
        inside = "".join(pieces(child))
        if child.tag in INLINE or child.tag in VOID:
            yield start(child) + inside + ("" if child.tag in VOID else f"</{child.tag}>")
        elif "\n" in inside.strip("\n"):
            yield f"\n{start(child)}\n{indented(inside)}\n</{child.tag}>\n"
        else:
            yield f"\n{start(child)}{inside.strip()}</{child.tag}>\n"


def indented(inside: str) -> str:
    return "\n".join(f" {line}" for line in inside.split("\n") if line.strip())


def readable(page: str) -> str:
    """The page with an element a line, the same for pages that differ in blanks between elements alone."""
    lines = "".join(pieces(Tree(page).root)).split("\n")
    return "\n".join(line.rstrip() for line in lines if line.strip()) + "\n"


@pytest.mark.parametrize("name", list(PAGES))
def test_the_page_says_what_it_said(name: str) -> None:
    path = FOLDER / f"{name}.html"
    shown = readable(PAGES[name]())
    assert len(shown.encode()) < MOST
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        path.write_text(shown, encoding="utf-8", newline="\n")
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    changes = [
        *difflib.unified_diff(before.splitlines(), shown.splitlines(), f"{name}, accepted", name, n=1, lineterm="")
    ]
    if changes:
        left_out = [f"and {len(changes) - LINES} lines more"] if len(changes) > LINES else []
        accept = "If this is meant: UPDATE_SNAPSHOTS=1 python -m pytest tests/test_snapshot.py, and read git diff."
        pytest.fail("\n".join([*changes[:LINES], *left_out, accept]), pytrace=False)


def test_blanks_between_elements_are_no_change_and_words_are() -> None:
    page = "<main><p>one  <b>two</b>\nthree</p>\n\n<p>four</p></main>"
    assert readable(page) == "<main>\n <p>one <b>two</b> three</p>\n <p>four</p>\n</main>\n"
    assert readable(page.replace("</p>\n\n<p>", "</p><p>")) == readable(page)
    assert readable(page.replace("one  <b>", "one<b>")) != readable(page)
