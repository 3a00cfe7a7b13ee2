"""What the page shows of texts that the model read in parts, or not in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import records
from conftest import Explain
from saliency_report.cli import main
from saliency_report.page.spans import runs_by_segment
from saliency_report.page.static import render_static
from saliency_report.record import Report, Segment
from saliency_report.words import group_words, unseen
from test_long import text, yaml

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]


@pytest.fixture(scope="module")
def report(explain: Explain) -> Report:
    parts = [yaml("bert", 150), yaml("bert", 150, "long: truncate"), yaml("bert", 20)]
    return explain("\n".join(parts))


def test_windows_are_marked_in_the_text_and_told_below_it(visit: Open, report: Report) -> None:
    page = visit(report)
    windows = report.examples[0].encodings[0].windows
    marks = page.page.locator("#example-1 .text .window").all_inner_texts()
    assert marks == [f"window {number}" for number in range(1, len(windows) + 1)]
    said = page.page.locator("#example-1 .windows .hint").inner_text()
    assert said == (
        f"The text is longer than the model takes, so it was read in {len(windows)} windows of 64 tokens, which "
        f"overlap. The "
        "answer is that of the mean of their logits, and the explained number is made from this mean. Each word has "
        "its "
        "numbers from the window in which it stands most centrally, where it has the most text on both sides; the "
        "marks in "
        "the text say where the next one begins. Its copy in a neighbouring window is part of the surroundings there "
        "and "
        "stays as it is, in other methods and tests too."
    )
    page.page.locator("#example-1 .windows summary").click()
    rows = page.page.locator("#example-1 .windows tbody tr")
    assert rows.count() == len(windows)
    target = report.examples[0].maps[0].target
    first = rows.first.locator("td").all_inner_texts()
    labels = report.examples[0].prediction.outcomes if report.examples[0].prediction else []
    assert first[0] == "1"
    assert first[1] == text(150)[: len(first[1]) - 1] + "…"
    assert float(first[2].replace("−", "-")) == pytest.approx(windows[0].logits[target.index], rel=1e-2)
    assert first[3] == labels[windows[0].logits.index(max(windows[0].logits))].label
    assert page.page.locator("#example-3 .windows").count() == 0


def test_what_was_cut_is_struck_through(visit: Open, report: Report) -> None:
    page = visit(report)
    last = max(token.end or 0 for token in report.examples[1].encodings[0].tokens)
    (cut,) = page.page.locator("#example-2 .text s").all_inner_texts()
    assert cut == text(150)[last:].strip()
    assert page.page.locator("#example-1 s, #example-3 s").count() == 0
    assert page.page.locator("#example-2 .note.warning").inner_text().startswith("Warning Cut: the text is ")


def test_without_style_the_marks_stand_too(report: Report) -> None:
    static = render_static(report)
    assert "<code>[window 2] </code>" in static
    assert "<s>" in static


def test_what_no_token_is_of_is_struck_through_but_blanks_joiners_and_accents_are_not() -> None:
    segment = Segment(name="text", text="ab \u2603\u2603 cd e\u0301 f\u200d", generated=False)
    encoding = records.encode(segment)
    tokens = [t for t in encoding.tokens if t.start is None or "\u2603" not in segment.text[t.start : t.end]]
    kept = [t for t in tokens if t.start is None or segment.text[t.start : t.end].isalnum()]
    shown = encoding.model_copy(update={"tokens": kept, "words": group_words(kept, [segment])})
    assert unseen(kept, [segment]) == [[(3, 5)]]
    assert [run.text for run in runs_by_segment(shown)[0] if run.unread] == ["\u2603\u2603"]


def test_the_sample_of_long_texts_runs(tmp_path: Path) -> None:
    sample = Path(__file__).parent.parent / "sample_inputs/long.yaml"
    output = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["run", str(sample), "--quiet", "-o", str(output)])
    assert done.exit_code == 0, done.output
    page = output.read_text(encoding="utf-8")
    assert "from the mean logits of 2 windows" in page
    assert "Cut: the text is " in page
