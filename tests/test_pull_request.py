"""A pull request played through: a baseline, a changed model, what the action's steps do, and what they leave."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from junitparser import JUnitXml
from ruamel.yaml import YAML
from safetensors.torch import load_file, save_file

from saliency_report.embedded import EMBEDDED
from saliency_report.record import read_report

ROOT = Path(__file__).parent.parent
ACTION = YAML(typ="safe").load((ROOT / ".github/action.yml").read_text(encoding="utf-8"))
EXAMPLES = """
defaults:
  task: text-classification
  model: ./model
examples:
  - id: refund
    text: They refused my refund, <script>alert(1)</script> [a link](https://example.org) and @everyone was rude.
    label: NEGATIVE
    assert:
      - prediction: NEGATIVE
      - top_words: {exclude: [They], k: 1}
  - id: kind
    text: A kind and funny film.
    label: POSITIVE
    assert:
      - prediction: POSITIVE
assert:
  - accuracy: 0.9
"""


@dataclass
class Job:
    """The steps of the action that run commands, with the inputs and the files that GitHub gives them."""

    folder: Path
    inputs: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {name: about.get("default", "") for name, about in ACTION["inputs"].items()}
        self.inputs = {**known, **self.inputs}

    def value(self, expression: str) -> str:
        name = expression.strip().split(".")
        if name[0] == "inputs":
            return self.inputs[name[1]]
        assert name[0] == "steps"
        return self.outputs.get(name[1], {}).get(name[3], "")

    def run(self, name: str) -> int:
        (step,) = (step for step in ACTION["runs"]["steps"] if step.get("name") == name)
        given = {
            key: re.sub(r"\$\{\{(.*?)\}\}", lambda found: self.value(found[1]), value)
            for key, value in step["env"].items()
        }
        outputs = self.folder / f"output-{name}"
        environment = {
            **os.environ,
            **given,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.folder),
        }
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        self.told[name] = done.stdout
        if "id" in step:
            assert done.returncode == 0, done.stdout + done.stderr
            lines = outputs.read_text(encoding="utf-8").splitlines()
            self.outputs[step["id"]] = dict(line.split("=", 1) for line in lines)
        return done.returncode


def perturb(folder: Path) -> None:
    """Noise on the weights of a model, whose head then says the reverse."""
    weights = load_file(folder / "model.safetensors")
    noise = torch.Generator().manual_seed(0)
    for name, tensor in weights.items():
        if name.startswith("classifier"):
            weights[name] = -tensor
        elif "attention" in name and tensor.dim() == 2:
            spread = 0.02 * tensor.float().std()
            weights[name] = (tensor.float() + spread * torch.randn(tensor.shape, generator=noise)).to(tensor.dtype)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The baseline of the main branch, then the pull request's model through all steps."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(EMBEDDED["text-classification"], folder / "model")
    (folder / "examples.yaml").write_text(EXAMPLES, encoding="utf-8")
    main = Job(folder, {"input": "examples.yaml", "options": "--quiet --charts none"})
    main.run("Explain")
    assert main.outputs["run"] == {"page": "report.html", "record": "report.json", "code": "0"}, main.told
    assert main.run("Result") == 0
    (folder / "report.json").rename(folder / "baseline.json")
    (folder / "summary.md").unlink()
    perturb(folder / "model")
    compared = {"baseline": "baseline.json", "compare-options": "--no-flips --quiet"}
    request = Job(folder, {**main.inputs, **compared})
    request.run("Explain")
    request.run("Compare")
    return request


def test_a_changed_model_fails_with_3_and_leaves_its_pages(job: Job) -> None:
    assert job.outputs["run"]["code"] == "3"
    assert job.outputs["compare"] == {"page": "report.diff.html", "code": "3"}
    assert job.run("Result") == 3
    for page in ("report.html", "report.diff.html"):
        assert "Content-Security-Policy" in (job.folder / page).read_text(encoding="utf-8")
    before, after = (read_report(job.folder / name) for name in ("baseline.json", "report.json"))
    assert before.models[0].weights_sha256 != after.models[0].weights_sha256


def test_what_fails_is_in_junit_as_a_build_server_reads_it(job: Job) -> None:
    (suite,) = JUnitXml.fromfile(str(job.folder / "report.xml"))
    assert (suite.tests, suite.failures, suite.errors) == (4, 3, 0)
    failing = {(case.classname, case.name) for case in suite if not case.is_passed}
    assert failing == {
        ("refund", "prediction: NEGATIVE"),
        ("kind", "prediction: POSITIVE"),
        ("the run", "accuracy: at least 90 % right"),
    }


def test_the_examples_are_marked_in_the_input_and_nothing_in_a_text_acts(job: Job) -> None:
    marks = [line for line in job.told["Explain"].splitlines() if line.startswith("::error")]
    lines = EXAMPLES.splitlines()
    for mark, place in zip(marks, ["  - id: refund", "  - id: kind", "  - accuracy: 0.9"], strict=True):
        assert f"file=examples.yaml,line={lines.index(place) + 1}::" in mark
    assert "--no-flips: refund: expected NEGATIVE, found POSITIVE" in job.told["Compare"]
    summary = (job.folder / "summary.md").read_text(encoding="utf-8")
    assert len(summary.encode()) < 1_048_576
    outside = re.sub(r"(`+).*?\1", "", summary)
    for active in ("<", "](", "@everyone", "https://"):
        assert active not in outside


def test_an_input_that_is_wrong_is_neither_kept_nor_compared(tmp_path: Path) -> None:
    (tmp_path / "examples.yaml").write_text("- {task: text-classification, txt: x}", encoding="utf-8")
    job = Job(tmp_path, {"input": "examples.yaml"})
    job.run("Explain")
    assert job.outputs["run"]["code"] == "2"
    assert job.run("Result") == 2
    steps = {step.get("name"): step.get("if", "") for step in ACTION["runs"]["steps"]}
    for name in ("Keep the page", "Keep the record", "Compare"):
        assert "steps.run.outputs.code != '2'" in steps[name]


def test_no_input_stands_in_a_command() -> None:
    """Inputs reach the shell as variables: an expression in a script would be code."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
