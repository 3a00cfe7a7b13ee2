"""How float32 matrices are multiplied: never less exactly for being faster, and as before once a run has ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import records
from saliency_report.engine import float32_products, products
from saliency_report.page import render_page
from saliency_report.pipeline import Run
from saliency_report.record import Matmul
from saliency_report.spec import parse_spec

CPU = torch.device("cpu")
FLOAT32, BFLOAT16 = 3.7e-7, 2.4e-3


@pytest.fixture(autouse=True)
def measured_anew() -> Iterator[None]:
    chosen = products._chosen  # which a test may replace for longer than this lasts
    chosen.cache_clear()
    yield
    chosen.cache_clear()


@pytest.mark.parametrize(
    ("error", "is_faster", "library", "setting"),
    [
        (FLOAT32, True, "oneDNN", "medium"),
        (FLOAT32, False, "default", "highest"),
        (BFLOAT16, True, "default", "highest"),
    ],
)
def test_the_faster_library_is_taken_where_it_has_the_error_of_float32(
    error: float, is_faster: bool, library: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_error", lambda pairs, of: error if of == "medium" else 2.5e-7)
    monkeypatch.setattr(products, "_is_faster", lambda a, b: is_faster)
    with float32_products(CPU) as chosen:
        assert chosen == Matmul(library=library, error=error if library == "oneDNN" else 2.5e-7)
        assert torch.get_float32_matmul_precision() == setting
    assert torch.get_float32_matmul_precision() == "highest"


def test_what_is_chosen_has_the_error_that_it_says() -> None:
    """On this machine, whichever it is: bfloat16 products would be wrong by 2e-3."""
    with float32_products(CPU) as chosen:
        assert chosen is not None
        a, b = torch.randn(300, 700), torch.randn(700, 900)
        exact = a.double() @ b.double()
        assert float((a @ b - exact).norm() / exact.norm()) < 2 * chosen.error < 2e-6


def test_settings_of_the_program_around_are_left_as_they_were() -> None:
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    try:
        with pytest.raises(ZeroDivisionError), float32_products(CPU):
            _fail()
        assert torch.get_float32_matmul_precision() == "high"
        assert torch.backends.cudnn.allow_tf32
    finally:
        torch.set_float32_matmul_precision("highest")


def _fail() -> None:
    assert not torch.backends.cudnn.allow_tf32
    raise ZeroDivisionError


def test_on_another_device_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_chosen", lambda: pytest.fail("measured"))
    with float32_products(torch.device("meta")) as chosen:
        assert chosen is None
        assert torch.get_float32_matmul_precision() == "highest"


def test_the_record_and_the_page_say_how_matrices_were_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_chosen", lambda: Matmul(library="oneDNN", error=3.74e-7))
    spec = parse_spec("- {task: text-classification, text: It was bad.}", "in.yaml", None, Path())
    assert Run(spec, CPU, "float32", lambda result: None).report().matmul == Matmul(library="oneDNN", error=3.74e-7)
    report = records.realistic()
    said = "Products of float32 matrices by {}, {} of their size off float64, measured in this run."
    for library, name in (("oneDNN", "oneDNN"), ("default", "torch’s default library")):
        made = report.model_copy(update={"matmul": Matmul.model_validate({"library": library, "error": 3.74e-7})})
        assert said.format(name, "3.7e−7") in render_page(made, charts=False)
    assert "Arithmetic" not in render_page(report, charts=False)
