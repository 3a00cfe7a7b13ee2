"""Several processes through Ray: the record of one process, and nothing lost when a process dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from saliency_report import worker
from saliency_report.errors import InputError
from saliency_report.methods import Attribution, Method, Start, Steps
from saliency_report.on_ray import OnRay
from saliency_report.pipeline import Run
from saliency_report.record import ExampleResult, Report
from saliency_report.spec import Spec, parse_spec

CPU = torch.device("cpu")
ROOT = Path(__file__).parent.parent
TEXTS = ("The cat sat on the mat.", "A bad movie.", "It was bad.", "The capital of France.", "Word1 word2 word3 word4.")


def of_three_tasks(families: Path) -> Spec:
    lines = [f"- {{id: c{i}, task: text-classification, model: bert, text: {text!r}}}" for i, text in enumerate(TEXTS)]
    lines += [f"- {{id: g{i}, task: text-generation, model: llama, prompt: {text!r}, max_new_tokens: 2}}"
              for i, text in enumerate(TEXTS[:2])]  # fmt: skip
    lines.append("- {id: lost, task: text-classification, model: ./nowhere, text: x}")
    lines.append("- {id: more, task: text-classification, model: roberta, text: A bad movie., methods: smoothgrad, "
                 "samples: 3}")  # fmt: skip
    return parse_spec("\n".join(lines), "in.yaml", None, families)


def untimed(report: Report) -> tuple[list[ExampleResult], object]:
    return [e.model_copy(update={"seconds": 0.0}) for e in report.examples], report.models


@pytest.mark.usefixtures("one_thread")
def test_windows_dealt_out_in_any_way_give_the_same_record(families: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PLAIN", 2)
    monkeypatch.setattr(worker, "GENERATION", 1)
    spec = of_three_tasks(families)

    def backwards(setting: worker.Setting, windows: object) -> Iterator[worker.Answer]:
        assert isinstance(windows, list)
        assert [len(window.examples) for window in windows] == [2, 2, 1, 1, 1, 1, 1]
        workers = [worker.Worker(setting), worker.Worker(setting)]
        for number, window in enumerate(reversed(windows)):
            yield from workers[number % 2].explain(window)

    alone = Run(spec, CPU, "float32", lambda result: None).report()
    shared = Run(spec, CPU, "float32", lambda result: None, share=backwards).report()
    assert untimed(shared) == untimed(alone)
    assert [example.model for example in alone.examples] == [0] * 5 + [1] * 2 + [None, 2]
    assert [model.name for model in alone.models] == ["bert", "llama", "roberta"]


@pytest.mark.usefixtures("one_thread")
def test_two_processes_give_the_record_of_one(families: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PLAIN", 2)
    spec, seen = of_three_tasks(families), list[str]()
    alone = Run(spec, CPU, "float32", lambda result: None).report()
    shared = Run(spec, CPU, "float32", lambda r: seen.append(r.id), share=OnRay(workers=2)).report()
    assert untimed(shared) == untimed(alone)
    assert sorted(seen) == sorted(example.id for example in spec.examples)


def test_a_process_that_dies_loses_nothing_and_one_that_always_dies_its_own_examples(
    families: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MORE", 1)
    deaths, kill, pid = tmp_path / "deaths", os.kill, os.getpid()

    def deadly(start: Start) -> Steps:
        """Kills its process: on the second text once, on the third one always."""
        length = len(start.x)
        before = deaths.read_text().count(f"{length};") if deaths.exists() else 0
        if os.getpid() != pid and (length == 7 or (length == 6 and not before)):
            with deaths.open("a") as file:
                file.write(f"{length};")
            kill(os.getpid(), signal.SIGKILL)
        yield start.x[None]
        return Attribution(start.gradient)

    own = Method("own", "Own", "Nothing.", "g", "none", ("attribution_l2",), deadly, compares=False)
    texts = ["the cat sat", "the cat sat on", "the cat sat on the", "the cat"]
    spec = parse_spec(
        "\n".join(f"- {{task: text-classification, model: bert, text: {text}}}" for text in texts), "i", None, families
    )
    report = Run(spec, CPU, "float32", lambda result: None, custom=[own], share=OnRay(workers=2)).report()
    lengths = [len(example.encodings[0].tokens) if example.encodings else 0 for example in report.examples]
    assert lengths == [5, 6, 0, 4]
    assert [[map_.method for map_ in example.maps] for example in report.examples] == [
        ["gradient", "own"],
        ["gradient", "own"],
        [],
        ["gradient", "own"],
    ]
    failure = report.examples[2].failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (
        "The process that explained it died, 3 times.",
        "It may have run out of memory: use a smaller model or a shorter text, or fewer --workers.",
    )
    assert deaths.read_text().count("7;") == 3
    assert deaths.read_text().count("6;") == 1


def test_without_ray_or_a_cluster_it_says_so(families: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = of_three_tasks(families)
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"127.0.0.1:{server.getsockname()[1]}"
    for address in (closed, "auto"):
        monkeypatch.setenv("RAY_ADDRESS", "")
        with pytest.raises(InputError) as caught:
            Run(spec, CPU, "float32", lambda result: None, share=OnRay(address)).report()
        assert caught.value.message == f"--ray-address {address}: there is no Ray cluster."
        assert caught.value.next_step == "Start one with `ray start --head`."
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError) as caught:
        Run(spec, CPU, "float32", lambda result: None, share=OnRay()).report()
    assert caught.value.message == "--engine ray needs Ray, which is not installed."
    assert caught.value.next_step == "pip install 'saliency-report[ray]'"


def test_from_the_command_line(tmp_path: Path) -> None:
    """With one command, without a word on the terminal that is not ours."""
    (tmp_path / "in.yaml").write_text("- {task: text-classification, text: It was bad.}\n", encoding="utf-8")

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "saliency_report", "run", "in.yaml", "-q", "--json", *options]
        return subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
        )

    done = run("--engine", "ray", "--workers", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 explained in ")
    assert done.stdout.count("\n") == 1
    record = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert record["command"] == "saliency-report run in.yaml --json --engine ray --workers 1 --quiet"
    wrong = run("--workers", "2")
    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (2, "Error: --workers and --ray-address are for Ray.")
