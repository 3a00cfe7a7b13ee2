"""The command line as a person meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from conftest import Explain
from saliency_report.cli import main
from saliency_report.record import to_json
from saliency_report.spec import TASKS, json_schema

ROOT = Path(__file__).parent.parent
TEXT = """
- {id: first, task: text-classification, model: bert, text: The cat sat on the bad movie., label: LABEL_0}
- {id: second, task: text-generation, model: llama, prompt: The cat sat on the, max_new_tokens: 2}
- {id: third, task: text-classification, model: bert, text: x, target: NONE}
"""


@pytest.fixture
def folder(families: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for family in ("bert", "llama"):
        (tmp_path / family).symlink_to(families / family)
    (tmp_path / "in.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("folder")
class TestRun:
    def test_writes_the_page_and_says_where_it_is(self) -> None:
        code, out, err = invoke("run", "in.yaml", "--limit", "2")
        assert code == 0
        assert err == ""
        assert out.splitlines()[-1].startswith("2 explained in ")
        assert out.splitlines()[-1].endswith(" s on cpu: report.html")
        assert Path("report.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
        assert not Path("report.json").exists()

    @pytest.mark.parametrize(
        ("given", "count"),
        [({}, "10000"), ({"GOMP_SPINCOUNT": "500"}, "500"), ({"OMP_WAIT_POLICY": "passive"}, "0")],
    )
    def test_threads_spin_shortly_while_they_wait_unless_the_user_says_otherwise(
        self, given: dict[str, str], count: str
    ) -> None:
        """As OpenMP itself says when torch loads it."""
        environment = {k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")} | given
        done = subprocess.run(
            [sys.executable, "-m", "saliency_report", "run", "in.yaml", "--limit", "1", "-q"],
            env={**environment, "OMP_DISPLAY_ENV": "verbose", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"GOMP_SPINCOUNT = '{count}'" in done.stderr

    def test_shows_each_text_with_its_strongest_words(self) -> None:
        _, out, _ = invoke("run", "in.yaml")
        assert "The cat sat on the bad movie." in out
        assert "; strongest: " in out
        assert "first  text-classification  LABEL_" in out

    def test_writes_the_page_without_script_and_style_beside_it(self) -> None:
        code, out, _ = invoke("run", "in.yaml", "--limit", "1", "-q", "--static", "--json")
        assert code == 0
        assert out.endswith(" s on cpu: report.html, report.static.html, report.json\n")
        code, out, _ = invoke("render", "report.json", "-o", "again.html", "--static")
        assert (code, out) == (0, "1 examples: again.html, again.static.html\n")
        assert Path("again.static.html").read_bytes() == Path("report.static.html").read_bytes()
        assert "<script" not in Path("report.static.html").read_text(encoding="utf-8")

    def test_an_example_that_fails_costs_exit_code_1_and_nothing_else(self) -> None:
        code, out, _ = invoke("run", "in.yaml", "-o", "page.html", "--json")
        assert code == 1
        assert (
            "failed: target: the model has no label 'NONE'. Its labels are LABEL_0, LABEL_1, LABEL_2 (0 to 2)." in out
        )
        assert out.splitlines()[-1].startswith("2 explained, 1 failed in ")
        record = json.loads(Path("page.json").read_text(encoding="utf-8"))
        assert [e["failure"] is None for e in record["examples"]] == [True, True, False]

    def test_a_mistake_in_the_input_is_exit_code_2(self) -> None:
        Path("bad.yaml").write_text("- {task: text-generation, promt: a}", encoding="utf-8")
        code, out, err = invoke("run", "bad.yaml")
        assert (code, out) == (2, "")
        assert err.splitlines() == [
            "bad.yaml:1:3: [0].prompt: is missing; write it: The text to continue. Or write messages, "
            "a conversation to continue",
            "bad.yaml:1:27: [0].promt: unknown key; did you mean 'prompt'?",
        ]

    def test_a_single_mistake_begins_with_its_place_too(self) -> None:
        Path("bad.yaml").write_text("[]", encoding="utf-8")
        assert invoke("check", "bad.yaml") == (
            2,
            "",
            "bad.yaml:1:1: the list is empty; write at least one example\n",
        )

    def test_a_missing_file_and_a_wrong_option_are_exit_code_2(self) -> None:
        code, _, err = invoke("run", "nothing.yaml")
        assert code == 2
        assert err == (
            "Error: nothing.yaml: cannot be read: No such file or directory.\n"
            "Give the YAML file that lists your examples.\n"
        )
        assert invoke("run", "in.yaml", "--limit", "0")[0] == 2
        assert invoke("run", "in.yaml", "--dtype", "float8")[0] == 2

    def test_debug_shows_where(self) -> None:
        result = CliRunner().invoke(main, ["run", "nothing.yaml", "--debug"])
        assert result.exception is not None
        assert "cannot be read" in str(result.exception)

    def test_quiet_says_one_line(self) -> None:
        _, out, _ = invoke("run", "in.yaml", "--limit", "1", "--quiet")
        assert len(out.splitlines()) == 1

    def test_nothing_of_a_text_reaches_the_terminal_as_a_control_character(self) -> None:
        Path("in.yaml").write_text(
            '- {task: text-classification, model: bert, text: "red \\e[31m bell \\a [bold]"}', encoding="utf-8"
        )
        _, out, _ = invoke("run", "in.yaml")
        assert "\x1b" not in out
        assert "\x07" not in out
        assert "[bold]" in out

    def test_colours_where_the_terminal_has_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLORTERM", "truecolor")
        monkeypatch.delenv("NO_COLOR", raising=False)
        _, out, _ = invoke("run", "in.yaml", "--limit", "1")
        assert "\x1b[38;2;0;0;0;48;2;255;171;51m" in out

    def test_an_existing_page_stays_whole_until_the_new_one_is(self) -> None:
        Path("report.html").write_text("old", encoding="utf-8")
        invoke("run", "in.yaml", "--limit", "1", "-q")
        assert Path("report.html").read_text(encoding="utf-8") != "old"
        assert not list(Path().glob(".report*"))


@pytest.mark.usefixtures("folder")
def test_render_draws_the_identical_page_from_the_record() -> None:
    invoke("run", "in.yaml", "--json", "-q")
    code, out, _ = invoke("render", "report.json", "-o", "again.html")
    assert (code, out) == (0, "3 examples: again.html\n")
    assert Path("again.html").read_bytes() == Path("report.html").read_bytes()


@pytest.mark.usefixtures("folder")
def test_run_and_render_put_the_record_into_the_page() -> None:
    invoke("run", "in.yaml", "--json", "--embed-record", "-q")
    invoke("render", "report.json", "-o", "again.html", "--embed-record")
    assert Path("again.html").read_bytes() == Path("report.html").read_bytes()
    assert 'id="record"' in Path("again.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("folder")
def test_render_refuses_what_is_no_record() -> None:
    code, _, err = invoke("render", "in.yaml")
    assert code == 2
    assert err.startswith("Error: in.yaml:2:1: not JSON: ")
    assert err.endswith("Give the report.json that `run --json` wrote.\n")
    code, _, err = invoke("render", "nothing.json")
    assert (code, err.splitlines()[0]) == (2, "Error: nothing.json: cannot be read: No such file or directory.")


@pytest.mark.usefixtures("folder")
def test_check_counts_the_tasks() -> None:
    assert invoke("check", "in.yaml") == (
        0,
        "in.yaml: 3 examples, no problems (2 text-classification, 1 text-generation)\n"
        "Names of models and labels, masks and lengths are looked at by `run`, which loads the models.\n",
        "",
    )


def test_schema_prints_what_is_committed() -> None:
    assert json.loads(invoke("schema")[1]) == json_schema()
    committed = (ROOT / "saliency_report/schemas/report.schema.json").read_text(encoding="utf-8")
    assert invoke("schema", "--record")[1] == committed


def test_models_lists_the_embedded_ones() -> None:
    code, out, _ = invoke("models")
    assert code == 0
    for task in TASKS:
        assert f"{task}\n" in out
    assert "BertForSequenceClassification" in out


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["check", "in.yaml"],
        ["render", "report.json"],
        ["compare", "report.json", "report.json"],
        ["card", "report.json", "--example", "first"],
        ["space", "report.json"],
        ["schema"],
        ["models"],
    ],
)
def test_commands_that_leave_torch_alone(command: list[str], folder: Path, explain: Explain) -> None:
    """Each in an interpreter where torch and transformers cannot be imported at all."""
    if "report.json" in command:
        (folder / "report.json").write_text(to_json(explain(TEXT)), encoding="utf-8")
    blocked = """
import sys
for name in ("torch", "transformers", "tokenizers", "safetensors", "numpy"):
    sys.modules[name] = None
from saliency_report.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", blocked, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
