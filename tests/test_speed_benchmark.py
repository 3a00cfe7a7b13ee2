"""The speed benchmark on tiny models: its floors give our numbers and captum's; nothing here asserts a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from marks import put
from race import llamas, rows, subjects, table
from race.generation import after_prompt
from race.points import integrated, noisy
from race.rounds import Answer, Contender, Group, Sample, Times, kept, race
from race.rows import choices, gradient, many
from race.setting import Setting

from saliency_report.embedded.training.train_sentiment import SOURCES

CPU = torch.device("cpu")
TEXTS = [
    "The cat sat on the hat.",
    "This movie was incredibly bad.",
    "The capital of France is Paris",
    "A film that was good.",
]


@pytest.fixture(scope="module")
def setting(families: Path, tmp_path_factory: pytest.TempPathFactory) -> Setting:
    """Tiny models under the names of the large ones, and texts as the snippets are written."""
    folder = tmp_path_factory.mktemp("speed")
    for family in ("distilbert", "bert-choice"):
        shutil.copytree(families / family, folder / family)
    for source in SOURCES:
        lines = [f"{i}\t2.0\t{text} {source[:2]}" for i, text in enumerate(TEXTS)]
        (folder / f"{source}_GroundTruth.txt").write_text("\n".join(lines), encoding="utf-8")
    return Setting(folder, folder, CPU, "float32", few=True)


def exact(group: Group) -> Group:
    """Without those whose numbers are not compared."""
    return replace(group, contenders=[c for c in group.contenders if c.floor or c.bound is not None])


@pytest.mark.parametrize("case", [gradient, integrated, choices, noisy, many])
def test_floors_peers_and_we_give_the_same_numbers(
    case: Callable[[Setting], list[Group]], setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "QUESTION", "Is it?")  # a tiny model takes 64 tokens, most of them letters
    monkeypatch.setattr(rows, "CHOICES", ["The cat", "bad", "in Paris", "of"])
    for group in map(exact, case(setting)):
        times = race(group, 1, CPU, patience=0)
        floors = [c.name for c in group.contenders if c.floor]
        assert floors
        for contender in group.contenders:
            if contender.bound is not None:
                difference = times[contender.name].difference
                assert difference is not None
                assert difference < 1e-5, contender.name


@pytest.mark.filterwarnings("ignore::UserWarning:captum")  # captum, on what a random model writes
def test_the_matrix_of_a_generated_text_is_the_floors_too(
    setting: Setting, families: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "smollm2", lambda: subjects.saved(families / "llama", "text-generation"))
    group = exact(after_prompt(setting, 12))
    assert [c.name for c in group.contenders if not c.floor] == [
        "ours, the engine's matrix alone",
        "ours, with decoding",
        "captum, the prompt's columns only",
    ]
    assert set(race(group, 1, CPU, patience=0)) == {c.name for c in group.contenders}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_llamas_give_the_floors_numbers(dtype: str, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = {"vocab_size": 31_000, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    monkeypatch.setitem(llamas.SIZES, "tiny", {**tiny, "num_attention_heads": 4, "num_key_value_heads": 2})
    monkeypatch.setattr(llamas, "KNOWN", 12)
    classified, generated = llamas.llamas(replace(setting, dtype=dtype), ["tiny"])
    assert classified.size == len(SOURCES) * len(TEXTS) // len(SOURCES)
    for group in (classified, generated):
        times = race(group, 1, CPU, patience=0)
        bound = 1e-5 if dtype == "float32" else 5e-2
        for name in (c.name for c in group.contenders if c.name.startswith(("ours", "captum"))):
            difference = times[name].difference
            assert difference is not None
            assert difference < bound, name


def contender(name: str, *numbers: float, floor: bool = False, bound: float | None = None) -> Contender:
    return Contender(name, lambda: lambda: Answer([torch.tensor(numbers)]), floor, bound)


def test_numbers_that_are_not_the_floors_are_not_timed() -> None:
    of = Group(
        "X", "a sum", "text", 1, [contender("floor", 1.0, 2.0, floor=True), contender("other", 1.0, 2.1, bound=1e-5)]
    )
    with pytest.raises(AssertionError, match="X: other is off by 4"):
        race(of, 1, CPU, patience=0)
    fewer = replace(of, contenders=[of.contenders[0], contender("other", 1.0, bound=1e-5)])
    with pytest.raises(AssertionError, match="X: other gives other numbers than the floor"):
        race(fewer, 1, CPU, patience=0)


def samples(*foreign: float) -> list[Sample]:
    return [Sample(1.0 + i, 2.0, share, {}) for i, share in enumerate(foreign)]


@pytest.fixture
def all_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads on all processors, so that every other program is in the way."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda number: set(range(torch.get_num_threads())))


@pytest.mark.usefixtures("all_processors")
def test_samples_taken_beside_other_programs_are_left_out_where_enough_others_remain() -> None:
    assert kept(samples(0.1, 0.9, 0.2), None) == Times(samples(0.1, 0.9, 0.2)[::2], 1)
    assert kept(samples(0.9, 0.9, 0.2), None) == Times(samples(0.9, 0.9, 0.2), 0)


@pytest.mark.usefixtures("all_processors")
def test_the_table_is_written_between_the_marks_and_keeps_what_was_measured_before(tmp_path: Path) -> None:
    group = Group("A", "a sum", "text", 2, [contender("floor", 1.0, floor=True), contender("ours", 1.0)])
    times = {"floor": kept(samples(0.1, 0.9), 0.0), "ours": kept(samples(0.9), 1e-7)}
    made = table.measured(
        group,
        times,
        {"ours": 1234.5},
        {"date": "2026-01-02", "processor": "One", "threads": 2, "versions": {"torch": "2"}},
    )
    table.added(tmp_path / "speed.json", [made])
    both = table.added(tmp_path / "speed.json", [made | {"key": "B", "date": "2026-01-03"}])
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}old\n{table.END}after\n", encoding="utf-8")
    put(readme, table.BEGIN, table.END, table.table(both))
    assert (
        readme.read_text(encoding="utf-8")
        == f"""before
{table.BEGIN}| work | contender | time | × floor | × its processor time | differs by | peak memory | samples |
|---|---|---|---|---|---|---|---|
| **A** a sum | **floor** | 500 ms/text | 1.00 | 1.00 | 0e+00 | – | 1 of 2 |
|  | **ours** | 500 ms/text | 1.00 | 1.00 | 1e-07 | 1,234 MB | 1, others took 0.9 |
| **B** a sum | **floor** | 500 ms/text | 1.00 | 1.00 | 0e+00 | – | 1 of 2 |
|  | **ours** | 500 ms/text | 1.00 | 1.00 | 1e-07 | 1,234 MB | 1, others took 0.9 |

A: One, 2 threads, 2026-01-02, torch 2.
B: One, 2 threads, 2026-01-03, torch 2.
{table.END}after
"""
    )


def test_the_readme_has_the_marks() -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    assert text.count(table.BEGIN) == text.count(table.END) == 1
