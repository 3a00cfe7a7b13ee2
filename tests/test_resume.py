"""A run that goes on where another ended: nothing computed twice, nothing lost, every number the same."""

from __future__ import annotations

import base64
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from huggingface_hub import ModelInfo

import tiny
from saliency_report import sources, worker
from saliency_report.cli import main
from saliency_report.errors import OutputError
from saliency_report.journal import FORMAT, Journal
from saliency_report.pipeline import Run, alone
from saliency_report.record import ExampleResult, Report, read_report
from saliency_report.resume import Resumed
from saliency_report.sources import Request, identity
from saliency_report.spec import Spec, parse_spec
from saliency_report.worker import Answer, Setting, Window

CPU = torch.device("cpu")
WORDS = ("The cat sat", "A bad movie.", "It was bad.", "The capital of France is", "Word1 word2 word3 word4 word5.")
MIXED = (
    [f"{{task: text-classification, model: bert, text: '{WORDS[i % 5]} {i}'}}" for i in range(11)]
    + [f"{{task: text-generation, model: llama, prompt: '{words}', max_new_tokens: 2}}" for words in WORDS[:3]]
    + ["{id: lost, task: text-classification, model: ./nowhere, text: x}"]
    + [
        f"{{task: text-classification, model: roberta, text: '{WORDS[i % 5]} {i}', methods: smoothgrad, samples: 3}}"
        for i in range(5)
    ]
    + ["{task: text-classification, model: roberta, text: plain}"]
)


class Stopped(BaseException):
    """Not an Exception, as the interrupt of a keyboard is none."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Windows of a few examples, and one thread: the order of a sum depends on how many there are."""
    for name, size in (("PLAIN", 6), ("MORE", 4), ("GENERATION", 2)):
        monkeypatch.setattr(worker, name, size)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def spec_of(examples: Sequence[str], folder: Path) -> Spec:
    return parse_spec("\n".join(f"- {example}" for example in examples), "in.yaml", None, folder)


class Counted:
    """Explains windows in this process, notes what it explains, and stops after so many answers."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.places: list[int] = []

    def __call__(self, setting: Setting, windows: Sequence[Window]) -> Iterator[Answer]:
        for answer in alone(setting, windows):
            if self.stop is not None and len(self.places) >= self.stop:
                raise Stopped
            self.places.append(answer.place)
            yield answer


def resumed(spec: Spec, journal: Path, share: Counted, *, whole: bool = True, dtype: str = "float32") -> Report:
    taking = Resumed(Journal(journal), share, whole)
    return Run(spec, CPU, dtype, lambda result: None, tokens=24, share=taking).report()


def untimed(report: Report) -> tuple[list[ExampleResult], object, object]:
    return [e.model_copy(update={"seconds": 0.0}) for e in report.examples], report.models, report.evidence


def written(journal: Path) -> int:
    # Only whole lines: of one that is being written at this moment a reader can see a part.
    whole = journal.read_bytes().rpartition(b"\n")[0].splitlines()[1:] if journal.exists() else []
    keys = {key for line in whole for key in _keys(line)}
    return len(keys)


def _keys(line: bytes) -> list[str]:
    found: list[str] = json.loads(zlib.decompress(base64.b64decode(line)))["keys"]
    return found


def test_stopped_anywhere_and_gone_on_it_is_the_same_record(families: Path, tmp_path: Path) -> None:
    spec = spec_of(MIXED, families)
    whole = Run(spec, CPU, "float32", lambda result: None, tokens=24).report()
    for stop in range(1, len(MIXED)):
        journal = tmp_path / f"{stop}.journal"
        first, rest = Counted(stop), Counted()
        with pytest.raises(Stopped):
            resumed(spec, journal, first)
        kept = written(journal)
        assert kept <= stop
        report = resumed(spec, journal, rest)
        assert untimed(report) == untimed(whole), stop
        assert len(rest.places) == len(MIXED) - kept, "what was written is not computed again"


def test_what_is_written_is_soon_all_that_was_computed(families: Path, tmp_path: Path) -> None:
    """Of examples that share batches some wait for others; 24 tokens are three or four of these texts."""
    for stop in range(4, len(MIXED)):
        journal = tmp_path / f"{stop}.journal"
        with pytest.raises(Stopped):
            resumed(spec_of(MIXED, families), journal, Counted(stop))
        failed = stop > 14  # the one without a model is tried again
        assert written(journal) >= stop - 4 - failed


def test_nothing_is_computed_where_nothing_changed(families: Path, tmp_path: Path) -> None:
    spec, journal = spec_of(MIXED, families), tmp_path / "page.journal"
    first = resumed(spec, journal, Counted())
    again = Counted()
    assert untimed(resumed(spec, journal, again)) == untimed(first)
    assert again.places == [14], "what failed is tried again"


def test_an_edited_run_computes_what_is_new(families: Path, tmp_path: Path) -> None:
    journal = tmp_path / "page.journal"
    resumed(spec_of(MIXED, families), journal, Counted())
    moved = ["{task: text-classification, model: bert, text: A new one.}", *MIXED[:14], *MIXED[15:]]
    moved[3] = moved[3].replace("{", "{id: renamed, ")
    moved[5] = moved[5].replace("task", "quantity: probability, task")
    share = Counted()
    report = resumed(spec_of(moved, families), journal, share)
    assert sorted(share.places) == [0, 5]
    assert [e.id for e in report.examples][:5] == ["example-1", "example-2", "example-3", "renamed", "example-5"]
    assert [e.inputs["id"] for e in report.examples] == [e.id for e in report.examples]
    alone_ = Run(spec_of(moved, families), CPU, "float32", lambda result: None, tokens=24).report()
    for one, other in zip(report.examples, alone_.examples, strict=True):
        for ours, theirs in zip(one.maps, other.maps, strict=True):
            assert ours.target.label == theirs.target.label
            assert ours.scores["l2"] == pytest.approx(theirs.scores["l2"], rel=1e-4)


def test_other_weights_another_dtype_or_version_are_other_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.save("bert", tmp_path / "bert")
    journal, spec = tmp_path / "page.journal", spec_of(MIXED[:3], tmp_path)
    resumed(spec, journal, Counted())
    for dtype, computed in (("float32", 0), ("float64", 3), ("float64", 0)):
        share = Counted()
        resumed(spec, journal, share, dtype=dtype)
        assert len(share.places) == computed
    shutil.rmtree(tmp_path / "bert")
    tiny.save("roberta", tmp_path / "bert")
    share = Counted()
    resumed(spec, journal, share)
    assert len(share.places) == 3
    monkeypatch.setattr("saliency_report.resume.VERSIONS", ("another",))
    share = Counted()
    resumed(spec, journal, share)
    assert len(share.places) == 3


def test_a_commit_of_the_hub_stands_for_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Request("text-classification", "owner/name", None, "float32", False, False)
    monkeypatch.setattr(sources, "_asked", lambda wanted: ModelInfo(id="owner/name", sha="1234abcd"))
    assert identity(wanted, tmp_path) == "1234abcd"
    # Out of reach, the commit that was downloaded.
    monkeypatch.setattr(sources, "_asked", lambda wanted: None)
    snapshot = "hub/models--owner--name/snapshots/5678ef"
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *args, **options: snapshot)
    assert identity(wanted, tmp_path) == "5678ef"


def test_a_part_of_a_run_keeps_what_the_others_left(families: Path, tmp_path: Path) -> None:
    journal = tmp_path / "page.journal"
    resumed(spec_of(MIXED[:6], families), journal, Counted())
    resumed(spec_of(MIXED[:2], families), journal, Counted(), whole=False)
    assert written(journal) == 6
    resumed(spec_of(MIXED[:2], families), journal, Counted())
    assert written(journal) < 6
    share = Counted()
    resumed(spec_of(MIXED[:6], families), journal, share)
    assert 0 < len(share.places) <= 4


def test_a_line_that_was_cut_off_or_damaged_is_computed_again(families: Path, tmp_path: Path) -> None:
    journal, spec = tmp_path / "page.journal", spec_of(MIXED[:9], families)
    whole = resumed(spec, journal, Counted())
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 3
    for damaged in ([*lines[:-1], lines[-1][:40]], [lines[0], lines[1][:60] + b"!!" + lines[1][62:], *lines[2:]]):
        journal.write_bytes(b"".join(damaged))
        share, held = Counted(), Journal(journal)
        report = Run(spec, CPU, "float32", lambda result: None, tokens=24, share=Resumed(held, share)).report()
        assert held.damaged == 1
        assert 0 < len(share.places) < 9
        assert untimed(report) == untimed(whole)
        again = Counted()
        resumed(spec, journal, again)
        assert not again.places, "what was written after it can be read"


def test_a_full_disk_is_said_and_the_half_line_is_dropped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "page.journal")
    journal.append({"a": "{}"}, None)
    size, limits = journal.path.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"^page\.journal cannot be written: File too large\. Name a page elsew"):
            journal.append({"b": "{}"}, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert journal.path.stat().st_size == size + 20
    assert (list(journal.entries([])), journal.damaged, journal.path.stat().st_size) == ([], 1, size)


def test_another_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "page.journal").write_text("My diary.\n", encoding="utf-8")
    with pytest.raises(OutputError) as caught:
        Journal(tmp_path / "page.journal", fresh=True)
    assert caught.value.message.endswith("page.journal is not a journal of saliency-report.")
    assert (tmp_path / "page.journal").read_text(encoding="utf-8") == "My diary.\n"


def test_the_command_says_what_it_took_and_begins_anew_when_asked_to(tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_text("- {task: text-classification, text: A bad film.}\n", encoding="utf-8")
    asked = ["run", str(tmp_path / "in.yaml"), "-q", "-o", str(tmp_path / "page.html")]
    journal = tmp_path / "page.journal"
    assert CliRunner().invoke(main, asked).stdout.startswith("1 explained in ")
    assert journal.read_bytes().startswith(FORMAT)
    assert CliRunner().invoke(main, asked).stdout.startswith(f"1 explained, 1 of them taken from {journal} in ")
    assert CliRunner().invoke(main, [*asked, "--fresh"]).stdout.startswith("1 explained in ")
    journal.write_bytes(journal.read_bytes()[:-9])
    cut = CliRunner().invoke(main, asked)
    assert cut.stdout.startswith("1 explained in ")
    assert cut.stderr == f"{journal}: A line of it was cut off or damaged, and computed again.\n"


def test_killed_at_any_moment_it_goes_on(tmp_path: Path) -> None:
    examples = [f"- {{task: text-classification, text: '{WORDS[i % 5]} {i} and {i * i}.'}}" for i in range(200)]
    (tmp_path / "in.yaml").write_text("\n".join(examples), encoding="utf-8")
    program = (
        "import sys, torch; torch.set_num_threads(1); from saliency_report import worker; worker.PLAIN = 16; "
        "from saliency_report.cli import main; main()"
    )

    def run(name: str) -> list[str]:
        where = [str(tmp_path / "in.yaml"), "--json", "-q", "--charts", "none", "-o", str(tmp_path / f"{name}.html")]
        return [sys.executable, "-c", program, "run", *where]

    subprocess.run(run("whole"), check=True, capture_output=True)
    journal, moments, done = tmp_path / "killed.journal", random.Random(0), 0
    for _ in range(3):
        process = subprocess.Popen(run("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        at = done + moments.randrange(1, 50)
        while process.poll() is None and written(journal) < at:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert written(journal) >= done, "nothing that was written is lost"
        done = written(journal)
        assert 0 < done < 200
    last = subprocess.run(run("killed"), check=True, capture_output=True, text=True)
    assert f"200 explained, {done} of them taken from" in last.stdout
    one, other = (read_report(tmp_path / f"{name}.json") for name in ("whole", "killed"))
    assert untimed(one) == untimed(other)


def test_other_assertions_are_judged_anew_and_compute_nothing(families: Path, tmp_path: Path) -> None:
    journal, plain = tmp_path / "page.journal", "{id: cat, task: text-classification, model: bert, text: The cat sat"
    first = resumed(spec_of([f"{plain}}}"], families), journal, Counted())
    assert first.examples[0].assertions == []
    for asserted, passed in (
        ("{min_confidence: 0}", True),
        ("{min_confidence: 1}", False),
        ("{max_share: {cat: 1}}", True),
    ):
        share = Counted()
        again = resumed(spec_of([f"{plain}, assert: [{asserted}]}}"], families), journal, share)
        assert share.places == []
        assert [one.passed for one in again.examples[0].assertions] == [passed]
        assert again.examples[0].model_copy(update={"assertions": []}) == first.examples[0]
