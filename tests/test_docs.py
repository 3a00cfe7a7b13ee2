"""The README names what there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from saliency_report.aggregation import AGGREGATIONS
from saliency_report.cli import main
from saliency_report.spec import TASKS, parse_spec
from saliency_report.spec.asserting import OF_EXAMPLE, OF_RUN
from saliency_report.spec.fields import all_fields

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# As a link names them.
HEADINGS = {re.sub(r"[^\w\s-]", "", name).lower().replace(" ", "-") for name in re.findall(r"^##+ (.*)$", README, re.M)}
SECTIONS = {part.partition("\n")[0]: part for part in README.split("\n## ")}


def rows(section: str) -> set[str]:
    """What stands in code marks in the first column of a section's tables."""
    lines = [line.split("|")[1] for line in SECTIONS[section].splitlines() if line.startswith("| ")]
    return {name for cell in lines for name in re.findall(r"`([^`]+)`", cell)}


def test_every_field_is_in_the_table() -> None:
    assert rows("The input") == all_fields() - {"task"}


def test_every_task_and_score_is_in_its_table() -> None:
    assert rows("What it does") == set(TASKS)
    assert rows("The numbers") == set(AGGREGATIONS)


def test_every_assertion_is_in_its_table() -> None:
    assert rows("Assertions") >= {*OF_EXAMPLE, *OF_RUN}


def test_every_command_and_option_is_named() -> None:
    commands = {row.split()[1] for row in rows("Commands")}
    assert commands == set(main.commands)
    for command in main.commands.values():
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    assert option in SECTIONS["Commands"], f"{command.name} {option}"


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
def test_the_python_of_the_readme_writes_a_page(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(block, {})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("Half-way gradient" if "halfway" in block else "Integrated gradients") in page


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL))
def test_the_inputs_of_the_readme_are_valid(block: str) -> None:
    assert parse_spec(block, "README.md", "README.md", ROOT).examples


def test_the_layout_names_every_part() -> None:
    named = set(re.findall(r"^  (\w+(?:\.py|/)) ", SECTIONS["Layout"], flags=re.MULTILINE))
    parts = {path.name + "/" * path.is_dir() for path in (ROOT / "saliency_report").iterdir()}
    small = {
        "__init__.py",
        "__main__.py",
        "__pycache__/",
        "errors.py",
        "load_errors.py",
        "output.py",
        "py.typed",
        "schemas/",
    }
    assert named == parts - small


def test_files_that_the_readme_points_to_are_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        file, _, heading = target.partition("#")
        assert not file or (ROOT / file).is_file(), target
        assert not heading or heading in HEADINGS, target
