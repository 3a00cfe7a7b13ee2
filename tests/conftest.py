from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

import tiny
from saliency_report.pipeline import Run
from saliency_report.record import Report
from saliency_report.spec import parse_spec

torch.set_num_threads(2)
# They take minutes each: where several processes share the files, the last one to be done should not be one of these.
LONG = ("test_hostile.py", "test_real_models.py", "test_on_ray.py", "test_accessibility.py", "test_resume.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(autouse=True)
def not_a_step_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tests are one, their runs must not write into its summary."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder for each tiny family."""
    folder = tmp_path_factory.mktemp("families")
    for family in [
        *tiny.CLASSIFIERS,
        *tiny.CAUSAL,
        *tiny.CHOICE,
        *tiny.MASKED,
        *tiny.TOKENS,
        *tiny.ANSWERS,
        *tiny.ODD,
        *tiny.HEADS,
        *tiny.ENCODERS,
    ]:
        tiny.save(family, folder / family)
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch has one thread: batches come one after the other, on the test's own, and tiny tensors wait for no other.

    The order of a sum, and so its last bits, depends on how many there are.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


Explain = Callable[..., Report]


@pytest.fixture(scope="session")
def explain(families: Path) -> Explain:
    """Run YAML text; models are looked up among the tiny families."""

    def run(
        text: str, *, dtype: str = "float32", budget: int = 0, folder: Path = families, debug: bool = True
    ) -> Report:
        spec = parse_spec(text, "input.yaml", "input.yaml", folder)
        return Run(spec, torch.device("cpu"), dtype, lambda result: None, debug=debug, tokens=budget).report()

    return run
