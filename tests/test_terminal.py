"""A result in the terminal: the heatmap of the headline map, and whether sums hold."""

from __future__ import annotations

import pytest
from rich.progress import Progress

import evidence_records
import method_records
import records
from saliency_report.progress import Pace, Rate
from saliency_report.terminal import heatmap, lines


def test_the_gradient_alone_has_three_lines_under_its_heading() -> None:
    result = records.classification("one", "It was bad.", strong=("bad",))
    shown = lines(result)
    assert [str(line.style) for line in shown] == ["bold", "", "dim"]
    assert shown[1].plain == "  It was bad."
    strongest = result.maps[0].word_scores["l2"][3]
    assert shown[2].plain.startswith(f"  {result.maps[0].target.sentence}; strongest: bad {strongest:.3g}, ")


@pytest.mark.parametrize(
    ("verdict", "line", "style"),
    [
        ("pass", "  integrated gradients: adds up (off by 0.31 %)", "dim"),
        ("warn", "  integrated gradients: adds up only roughly (off by 3.2 %)", "yellow"),
        ("fail", "  integrated gradients: does not add up (off by 12 %)", "red"),
    ],
)
def test_whether_the_attributions_of_the_headline_target_add_up(
    verdict: method_records.Verdict, line: str, style: str
) -> None:
    shown = lines(method_records.review("smoothgrad", "integrated_gradients", verdict=verdict))
    assert [(found.plain, str(found.style)) for found in shown[3:]] == [(line, style)]


def test_sums_of_other_targets_are_left_to_the_page() -> None:
    result = method_records.choice("integrated_gradients", verdicts={0: "fail"})
    assert [line.plain for line in lines(result)[3:]] == ["  integrated gradients: adds up (off by 0.31 %)"]


def test_verdicts_of_the_evidence_are_said() -> None:
    good, bad = (evidence_records.realistic().examples[i] for i in (0, 1))
    beaten = [e.evidence.faithfulness.rankings[0].beaten for e in (good, bad) if e.evidence and e.evidence.faithfulness]
    assert [(line.plain, str(line.style)) for line in lines(good)[4:]] == [
        (f"  order of words: more faithful than random (beats {beaten[0]} of 20)", "dim"),
        ("  with random weights: becomes another map (ρ 0.08)", "dim"),
    ]
    assert [(line.plain, str(line.style)) for line in lines(bad)[4:]] == [
        (f"  order of words: not more faithful than random (beats {beaten[1]} of 20)", "yellow"),
        ("  with random weights: stays alike (ρ 0.81)", "yellow"),
    ]


def test_a_map_that_random_weights_reverse_does_not_stay_alike() -> None:
    result = evidence_records.realistic().examples[1]
    reversed_ = evidence_records.randomisation(last=-0.81)
    evidence = result.evidence.model_copy(update={"randomisation": reversed_}) if result.evidence else None
    shown = lines(result.model_copy(update={"evidence": evidence}))
    assert shown[-1].plain == "  with random weights: keeps its order in reverse (ρ −0.81)"


def test_a_warning_of_the_map_is_a_note() -> None:
    result = records.classification("one", "Bad.")
    flat = result.maps[0].model_copy(update={"warnings": ["All numbers are 0."]})
    assert lines(result.model_copy(update={"maps": [flat]}))[-1].plain == "  note: All numbers are 0."


def test_emoji_that_are_joined_stay_one() -> None:
    result = records.classification("one", "A \U0001f468\u200d\U0001f469 film\u2028.")
    assert lines(result)[1].plain == "  A \U0001f468\u200d\U0001f469 film ."


def test_a_signed_first_score_is_coloured_by_its_size() -> None:
    result = method_records.review("occlusion")
    like = result.maps[0]
    drops = [0.0] * len(like.word_scores["l2"])
    drops[4], drops[5] = -2.0, 1.0  # incredibly, bad
    occlusion = result.maps[1].model_copy(update={"word_scores": {"drop": drops}})
    coloured = heatmap(result.encodings[0], occlusion)
    assert [(coloured.plain[span.start : span.end], span.style.bgcolor.name) for span in coloured.spans] == [  # type: ignore[union-attr]
        ("incredibly", "#ffab33"),
        ("bad", "#ffe0a3"),
    ]
    shown = lines(result.model_copy(update={"maps": [occlusion]}))
    assert "; strongest: incredibly -2, bad 1, " in shown[2].plain


def test_a_chat_reads_as_one_text() -> None:
    result = method_records.span(chat=True)
    shown = heatmap(result.encodings[0], result.maps[0])
    assert shown.plain == "<|user|> Where is the Louvre? <|assistant|>  Paris, the capital."
    assert [shown.plain[span.start : span.end] for span in shown.spans if span.style == "dim"] == [
        *("<|user|> ", " <|assistant|> ")
    ]


def test_the_bar_says_how_fast_a_run_goes() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    progress = Progress(Rate(), disable=True)
    bar = progress.add_task("", total=1000, pace=pace)
    column, task = progress.columns[0], progress.tasks[bar]
    assert isinstance(column, Rate)

    def shown_at(second: float, done: int = 0) -> str:
        now[0] = second
        for _ in range(done):
            pace.add(24)
        progress.update(bar, advance=done)
        return str(column.render(task))

    assert shown_at(1.0) == ""
    assert shown_at(2.0, done=200) == "100 examples/s, 2,400 tokens/s, 0:00:08 left"
    # A window that is computed for long: nothing comes, and the rate is not that of the burst.
    assert shown_at(20.0) == "10 examples/s, 240 tokens/s, 0:01:20 left"
    assert shown_at(40.0, done=200) == "10 examples/s, 240 tokens/s, 0:01:00 left"
    # What was done more than a minute ago does not count.
    assert shown_at(1000.0, done=60) == "0.06 examples/s, 2 tokens/s, 2:24:00 left"
