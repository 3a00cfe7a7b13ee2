"""Three rules that keep the parts apart, and the tables that must agree."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from saliency_report import spec, tasks
from saliency_report.embedded import EMBEDDED

PACKAGE = Path(__file__).parent.parent / "saliency_report"
WITHOUT_TORCH = [
    "saliency_report.assertions",
    "saliency_report.assertions.github",
    "saliency_report.assertions.junit",
    "saliency_report.card",
    "saliency_report.card.space",
    "saliency_report.cli",
    "saliency_report.compare",
    "saliency_report.embedded",
    "saliency_report.errors",
    "saliency_report.metrics.rank",
    "saliency_report.output",
    "saliency_report.page",
    "saliency_report.record",
    "saliency_report.spec",
    "saliency_report.terminal",
    "saliency_report.words",
]


def imported(path: Path) -> set[str]:
    """Modules that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_what_needs_no_torch_does_not_import_it(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{'torch', 'transformers', 'numpy'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


MATHEMATICS = [PACKAGE / f"{module}.py" for module in ("aggregation", "baselines", "words")]
MATHEMATICS += sorted((PACKAGE / "methods").glob("*.py"))


@pytest.mark.parametrize("path", MATHEMATICS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_mathematics_knows_no_model(path: Path) -> None:
    assert "transformers" not in roots(path)
    assert not {f"saliency_report.{other}" for other in ("engine", "models", "pipeline", "tasks")} & imported(path)


@pytest.mark.parametrize("path", sorted((PACKAGE / "tasks").glob("*.py")), ids=lambda path: path.name)
def test_tasks_know_no_device(path: Path) -> None:
    assert not {f"saliency_report.{other}" for other in ("engine", "models", "pipeline")} & imported(path)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints_exits_or_knows_click(path: Path) -> None:
    if path.parent.name in ("cli", "training"):  # those scripts print their figures
        return
    assert not {"click", "rich_click", "argparse"} & roots(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "sys.exit", "exit"), f"line {node.lineno}"


def test_every_task_of_the_input_has_its_module_and_an_embedded_model() -> None:
    assert set(spec.TASKS) == set(tasks.TASKS) == set(EMBEDDED)
