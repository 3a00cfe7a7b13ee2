"""A report in Python: its words, its table, its files, and the frame in which a notebook shows it."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import Browser

import saliency_report
from explaining import only
from saliency_report import api, explain, load, render
from saliency_report.errors import InputError, OutputError
from saliency_report.page import render_page
from saliency_report.record import to_json

pytest_plugins = ["browsing"]

TEXT: dict[str, Any] = {"task": "text-classification", "text": "I hated it, <b>&amp; all</b>."}
CELLS = [
    "from saliency_report import explain",
    "texts = 'I hated it.', 'I loved it.'\n"
    "report = explain([{'text': text} for text in texts], task='text-classification')\nreport",
    "report",
    "print(report)",
    "report.to_pandas().query('word == \"loved\"').l2.idxmax()",
]


@pytest.fixture(scope="module")
def report() -> api.Explanation:
    return explain(**TEXT, methods=["integrated_gradients", "occlusion"])


def test_a_notebook_shows_the_page_as_often_as_it_is_asked_to(browser: Browser, tmp_path: Path) -> None:
    from browsing import AWAKE, Visit

    book: Any = nbformat.v4
    notebook = book.new_notebook(cells=[book.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs: list[Any] = [cell.outputs[-1] if cell.outputs else None for cell in notebook.cells]
    assert outputs[3]["text"].splitlines()[0] == "example-1  text-classification  NEGATIVE 0.949"
    assert outputs[4]["data"]["text/plain"] == "8"
    frames = [outputs[i]["data"]["text/html"] for i in (1, 2)]
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>n</title>{''.join(frames)}", encoding="utf-8")
    opened = Visit(browser.new_page())
    opened.page.goto(path.as_uri())
    first, second = opened.page.frames[1:]
    for frame in (first, second):
        frame.wait_for_selector("#example-1")
        for _ in range(400):
            if frame.evaluate(AWAKE):
                break
            opened.page.wait_for_timeout(50)
        assert frame.evaluate(AWAKE)
        assert "hated" in frame.locator("#example-1").inner_text()
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    first.locator("#aggregation").select_option("gradient_x_input")
    assert second.locator("#aggregation").input_value() == "l2"
    first.locator(".index a[href='#example-2']").click()
    assert first.evaluate("document.querySelector('#example-2').getBoundingClientRect().top") < 200
    assert second.evaluate("scrollY") == 0
    assert [noise for noise in opened.noise if not noise.startswith(("file:", "about:srcdoc"))] == []
    opened.page.close()


def test_its_words_are_those_of_the_command_line(report: api.Explanation) -> None:
    first, text, *_ = str(report).splitlines()
    assert first.startswith("example-1  text-classification  NEGATIVE ")
    assert text == "  I hated it, <b>&amp; all</b>."
    assert repr(report) == str(report)


def test_the_table_has_a_row_a_word_and_map(report: api.Explanation) -> None:
    result, table = only(report), report.to_pandas()
    assert list(table["method"].unique()) == ["gradient", "integrated_gradients", "occlusion"]
    for map_ in result.maps:
        rows = table[table["method"] == map_.method]
        encoding = result.encodings[map_.encoding]
        assert len(rows) == len(encoding.words)
        for name, scores in map_.word_scores.items():
            assert [None if value != value else value for value in rows[name].astype(float)] == scores
    ordinary = table[~table["special"]]
    for _, row in ordinary.iterrows():
        assert TEXT["text"][int(row["start"]) : int(row["end"])] == row["word"]
    assert list(table[table["special"]]["word"].unique()) == ["[CLS]", "[SEP]"]


def test_a_generated_token_has_rows_for_earlier_words_alone() -> None:
    table = explain(task="text-generation", prompt="The cat sat on the", max_new_tokens=3).to_pandas()
    counts = table.groupby("target", sort=False).size().tolist()
    assert counts == sorted(counts)
    assert len(set(counts)) > 1


def test_what_is_saved_is_loaded(report: api.Explanation, tmp_path: Path) -> None:
    path = report.save(tmp_path / "report.json")
    again = load(path)
    assert to_json(again) == to_json(report)
    assert isinstance(again, api.Explanation)
    assert report.save(tmp_path / "page.html").read_text(encoding="utf-8") == render_page(report)
    assert render(again, tmp_path / "small.html", charts=False).stat().st_size < 200_000


def test_a_name_that_says_nothing_is_refused(report: api.Explanation, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        report.save(tmp_path / "report.txt")
    assert caught.value.next_step == "Let the name end in .json or .html."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": "x"}, "examples:1:2: [0]: the key task is missing"),
        ({**TEXT, "txt": 1}, "examples:1:"),
        ({**TEXT, "label": {1, 2}}, "{1, 2} of type set is no value of an input."),
        ({"examples": Path("some.yaml"), "steps": 3}, "steps: a file has its own fields."),
    ],
)
def test_wrong_fields_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        explain(**arguments)
    assert caught.value.message.startswith(message)


def test_fields_beside_a_list_are_its_defaults() -> None:
    report = explain([{"text": "I hated it."}, {"text": "I loved it.", "id": "b"}], task="text-classification")
    assert [result.id for result in report.examples] == ["example-1", "b"]


def test_the_example_of_the_docstring_holds() -> None:
    assert doctest.testmod(api, extraglobs={"explain": explain}).failed == 0
    assert doctest.testmod(api, extraglobs={"explain": explain}).attempted >= 3


def test_the_package_has_these_three_and_no_more() -> None:
    assert saliency_report.__all__ == ["explain", "load", "render"]
    with pytest.raises(AttributeError, match="module 'saliency_report' has no attribute 'explian'"):
        _ = saliency_report.explian
    assert json.loads(json.dumps(saliency_report.__version__))
