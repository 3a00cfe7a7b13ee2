"""A result in the terminal: the heatmap of the headline map, and whether sums hold."""

from __future__ import annotations

import pytest

import method_records
import records
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
