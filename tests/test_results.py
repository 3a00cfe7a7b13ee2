"""Results held as their lines of the record: what goes in comes out, and no more than a window of them is in memory."""

from __future__ import annotations

import gc
from itertools import count
from pathlib import Path

import pytest
import torch

import records
from saliency_report import worker
from saliency_report.page import packs, page_parts, render_page
from saliency_report.pipeline import Run
from saliency_report.record import ExampleResult, Results, json_parts, read_report, to_json
from saliency_report.record.results import _packed
from saliency_report.spec import parse_spec

LIVE = 4  # results on their way: the one that is made, written, read, told


def live() -> int:
    """How many results are in memory as objects."""
    return sum(type(thing) is ExampleResult for thing in gc.get_objects())


def test_a_result_comes_back_as_it_went_in() -> None:
    whole = [*records.realistic().examples, records.classification("a\ud800b", "Naïve \udfff 😀 \\ud800 bad.")]
    held = Results(whole)
    assert len(held) == len(whole)
    assert [*held] == whole
    assert held == whole == [held[place] for place in range(len(whole))]
    assert held[-1] == whole[-1]
    assert held[2:5] == whole[2:5]
    assert held != whole[:-1]
    with pytest.raises(IndexError):
        held[len(whole)]


def test_a_result_is_replaced_in_its_place_and_appended_at_the_end() -> None:
    one, two, three = (records.classification(name, "Good.") for name in ("one", "two", "three"))
    held = Results(places=2)
    held[1], held[0] = two, one
    held.append(three)
    assert [result.id for result in held] == ["one", "two", "three"]
    held[1] = three
    assert [result.id for result in held] == ["one", "three", "three"]


def test_a_result_takes_less_than_a_third_of_its_json() -> None:
    result = records.classification("one", "The film was bad, and I hated every second of it. " * 3)
    assert len(_packed(result)) * 3 < len(result.model_dump_json())


def test_a_run_keeps_no_result_but_those_of_its_window(families: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PLAIN", 4)
    text = "\n".join(f"- {{task: text-classification, model: bert, text: 'Text {i}.'}}" for i in range(40))
    before, most, told = live(), 0, count()

    def progress(result: ExampleResult) -> None:
        nonlocal most
        next(told)
        most = max(most, live() - before)

    spec = parse_spec(text, "input.yaml", "input.yaml", families)
    report = Run(spec, torch.device("cpu"), "float32", progress).report()
    assert next(told) == 40
    assert most <= 4 + LIVE
    assert isinstance(report.examples, Results)
    assert live() - before <= LIVE


def test_drawing_and_writing_hold_no_more_than_a_pack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = records.classification("0", "A text.")
    report = records.report(first).model_copy(
        update={"examples": Results(first.model_copy(update={"id": str(i)}) for i in range(600))}
    )
    before, most = live(), 0
    pack = packs.pack

    def watched(data: object) -> packs.Pack:
        nonlocal most
        most = max(most, live() - before)
        return pack(data)

    monkeypatch.setattr("saliency_report.page.body.pack", watched)
    parts = page_parts(report)
    # The cards of the first pack stay; of a second one each example is there raw and without rounding.
    assert most <= 4 * packs.EXAMPLES + LIVE
    monkeypatch.undo()
    assert "".join(parts) == render_page(report)
    pieces = [*json_parts(report)]
    assert max(map(len, pieces[1:])) < 3 * len(first.model_dump_json())
    path = tmp_path / "report.json"
    path.write_text("".join(pieces), encoding="utf-8")
    before = live()
    read = read_report(path)
    assert live() - before <= LIVE
    assert isinstance(read.examples, Results)
    assert read == report
    assert to_json(read) == path.read_text(encoding="utf-8")
