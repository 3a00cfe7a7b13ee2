"""The run at a glance, against numbers counted by hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

import evidence_records
import method_records
import records
from saliency_report.page import render_page
from saliency_report.page.run_histogram import BOTTOM, TOP, Scale, histogram
from saliency_report.page.run_links import filtered
from saliency_report.page.run_spread import _beaten
from saliency_report.record import ExampleResult, Failure, Report
from test_evidence_page import cells
from test_page import Element, tree


def judged(id: str, predicted: int, expected: int | None, labels: tuple[str, ...] = ("NO", "YES")) -> ExampleResult:
    """A classified text whose prediction and expectation are given."""
    result = records.classification(id, "A text.", labels=labels, expected=expected)
    assert result.prediction
    prediction = result.prediction.model_copy(update={"predicted": predicted})
    target = records.target(labels[predicted], index=predicted)
    maps = [map_.model_copy(update={"target": target}) for map_ in result.maps]
    return result.model_copy(update={"prediction": prediction, "maps": maps})


def scored(id: str, text: str, *scores: float, **target: Any) -> ExampleResult:
    """A text with these first scores of its words; the special tokens around them have large ones."""
    result = records.classification(id, text)
    map_ = result.maps[0]
    words = map_.word_scores | {"l2": [100.0, *scores, 100.0]}
    aim = records.target("NEGATIVE", **target)
    return result.model_copy(update={"maps": [map_.model_copy(update={"word_scores": words, "target": aim})]})


def overview(*examples: ExampleResult, **changes: Any) -> Element:
    return tree(records.report(*examples, **changes)).one("section", "run")


def cards(run: Element) -> list[str]:
    return [card.words() for card in run.one("ul", "cards").all("li")]


def test_cards_count_examples_answers_failures_and_warnings() -> None:
    run = tree(records.realistic()).one("section", "run")
    assert cards(run) == [
        "10 examples 8 of text classification, 1 of text generation, 1 of multiple choice",
        "3 of 5 right 2 wrong",
        "1 failed which and why",
        "1 with a warning which and why",
    ]
    assert [a.attributes["href"] for a in run.one("ul", "cards").all("a")] == [
        "#show=wrong",
        "#run-problems",
        "#run-problems",
    ]


def test_cards_of_a_run_without_expected_answers() -> None:
    assert cards(overview(records.classification("one", "Good."))) == [
        "1 example of text classification",
        "0 failed none with a warning",
    ]
    assert cards(overview(judged("one", 1, 1)))[1] == "1 of 1 right of those with an expected answer"


def test_an_empty_run_has_no_overview() -> None:
    root = tree(records.report())
    assert not list(root.all("section", "run"))
    assert root.one("p", "lead").words() == "No examples: there is nothing to explain."
    assert root.one("p", "hint").words().startswith("Computed from")


def test_a_run_without_a_map_says_so_first_and_explains_no_numbers() -> None:
    for report in (records.report(), records.report(records.failed("one"), records.failed("two"))):
        root = tree(report)
        assert "Stronger colour" not in root.words()
        assert "meaning" not in [e.attributes.get("id") for e in root.all()]
    assert root.one("p", "lead").words() == "No example could be explained: there is no map to show."


def test_confusion_counts_links_and_shares_of_rows() -> None:
    pairs = [(0, 0), (0, 0), (0, 0), (1, 0), (1, 1), (0, 1)]
    examples = [judged(str(i), predicted, expected) for i, (predicted, expected) in enumerate(pairs)]
    run = overview(*examples, judged("not judged", 0, None))
    assert cells(run.one("table", "confusion")) == [
        ["Expected", "NO", "YES", "All"],
        ["NO", "3 75\N{NO-BREAK SPACE}% ✓", "1 25\N{NO-BREAK SPACE}%", "4"],
        ["YES", "1 50\N{NO-BREAK SPACE}%", "1 50\N{NO-BREAK SPACE}% ✓", "2"],
        ["All", "4", "2", "6"],
    ]
    section = next(s for s in run.all("section") if s.attributes["aria-labelledby"] == "run-confusion")
    assert section.one("p").words() == (
        "4 of 6 labelled texts right (67 %). Always answering NO, which is expected most often, would be right in 4."
    )
    assert [(a.text(), a.attributes["href"]) for a in section.all("a")] == [
        ("3", "#label=NO&expected=NO"),
        ("1", "#label=YES&expected=NO"),
        ("4", "#expected=NO"),
        ("1", "#label=NO&expected=YES"),
        ("1", "#label=YES&expected=YES"),
        ("2", "#expected=YES"),
    ]
    assert [td.classes for td in section.one("tbody").one("tr").all("td")] == [["s6", "agree"], ["s2"], []]


def test_confusion_of_many_labels_shows_the_most_frequent_and_names_the_rest() -> None:
    labels = tuple(f"label {i}" for i in range(20))
    examples = [judged(str(i), 19, i, labels) for i in range(20)] + [judged("again", 0, 19, labels)]
    run = overview(*examples)
    table = cells(run.one("table", "confusion"))
    assert table[0] == ["Expected", "label 0", "label 19", "All"]
    assert [row[0] for row in table[1:]] == [*(f"label {i}" for i in range(11)), "label 19", "All"]
    assert table[12] == ["label 19", "1 50\N{NO-BREAK SPACE}%", "1 50\N{NO-BREAK SPACE}% ✓", "2"]
    section = next(s for s in run.all("section") if s.attributes["aria-labelledby"] == "run-confusion")
    assert section.words().endswith(
        "Left out: 8 rows and 0 columns with as many or fewer examples, 8 of 21 in all. Sums and shares are of all."
    )


def test_each_model_has_a_confusion_of_its_own_and_the_smallest_are_counted() -> None:
    examples = [
        judged(f"{model}-{i}", 0, 0).model_copy(update={"model": model}) for model in range(4) for i in range(5 - model)
    ]
    run = overview(*examples)
    section = next(s for s in run.all("section") if s.attributes["aria-labelledby"] == "run-confusion")
    assert [p.one("b").text() for p in section.all("p") if list(p.all("b"))] == [
        *("embedded sentiment", "embedded stories")
    ]
    assert section.words().endswith("1 more model with as many or fewer expected labels left out.")


def test_words_of_a_class_by_their_share_of_each_example() -> None:
    run = overview(
        scored("a", "bad film", 3.0, 1.0),
        scored("b", "bad bad film", 2.0, 6.0, 1.0),
        scored("c", "Bad film", 3.0, 1.0),
        scored("d", "bad Film", 3.0, 1.0),
    )
    class_ = run.one("div", "class")
    assert class_.one("h4").words() == "NEGATIVE 4 examples"
    assert class_.one("p").words() == (
        "Gradient, Gradient norm (l2), of the logit of NEGATIVE. Spread evenly, a word would hold 50 %."
    )
    # bad is 1/4, 7/18, 1/4 and 1/4 above 1/2, each with a deviation of 5/72, and film as far below.
    assert cells(class_.one("table")) == [
        ["Word", "Where it stands", "Above even", "Examples"],
        ["bad", "78\N{NO-BREAK SPACE}%", "+28.5 ± 3.5", "4: b, a, c, all"],
    ]


def test_words_are_ranked_by_what_is_surely_above_an_even_spread() -> None:
    run = overview(
        *(scored(f"bad {i}", "the bad film", 1.0, 2.0 + i / 10, 1.0) for i in range(9)),
        *(scored(f"rare {i}", "the rare film", 1.0, share, 1.0) for i, share in enumerate((1.0, 2.2, 18.0))),
        *(scored(f"dull {i}", "the dull film", 1.0, 1.7, 1.0) for i in range(3)),
        *(scored(f"once {i}", "the once film", 1.0, 40.0, 1.0) for i in range(2)),
    )
    table = run.one("table", "")
    assert [row[0] for row in cells(table)[1:]] == ["bad", "dull"], "the is below, rare varies, once stands twice"
    hrefs = [a.attributes["href"] for a in table.all("a", "view")]
    assert hrefs == ["#q=%22bad%22&label=NEGATIVE"], "the others are all named"


def test_a_class_without_such_a_word_says_so() -> None:
    run = overview(*(scored(str(i), "bad film", 1.0, 1.0) for i in range(3)))
    class_ = run.one("div", "class")
    assert [p.words() for p in class_.all("p")][-1] == (
        "No word that stands in three examples or more is surely above an even spread."
    )


def test_a_class_needs_three_examples_that_explain_the_prediction_in_one_way() -> None:
    two = [scored(str(i), "bad film", 3.0, 1.0) for i in range(2)]
    others = [
        scored("foil", "bad film", 3.0, 1.0, quantity="logit difference", foil="POSITIVE"),
        scored("probability", "bad film", 3.0, 1.0, quantity="probability"),
        scored("not the prediction", "bad film", 3.0, 1.0, index=1),
        scored("all zero", "bad film", 0.0, 0.0),
        records.failed("failed"),
    ]
    assert not list(overview(*two, *others).all("div", "class"))
    assert overview(*two, *others, scored("third", "bad film", 3.0, 1.0)).one("div", "class").one("h4").words() == (
        "NEGATIVE 3 examples"
    )


def test_classes_are_cut_at_six() -> None:
    examples = [judged(f"{label}-{i}", label, None, tuple("ABCDEFGH")) for label in range(8) for i in range(3)]
    run = overview(*examples)
    assert [h.words() for c in run.all("div", "class") for h in c.all("h4")] == [
        f"{label} 3 examples" for label in "ABCDEF"
    ]
    assert "2 more classes with as many or fewer examples left out." in run.words()


def test_completeness_is_spread_over_the_verdicts() -> None:
    values = [0.0, 0.01, 0.010001, 0.05, 0.2, 3.0, None]
    examples = []
    for number, relative in enumerate(values):
        result = method_records.review("integrated_gradients").model_copy(update={"id": f"review-{number}"})
        maps = [
            m.model_copy(update={"completeness": m.completeness.model_copy(update={"relative": relative})})
            if m.completeness
            else m
            for m in result.maps
        ]
        examples.append(result.model_copy(update={"maps": maps}))
    run = tree(method_records.report(*examples)).one("section", "run")
    figure = run.one("figure", "spread")
    assert figure.one("figcaption").words() == (
        "How far off Integrated gradients is 6 maps: median 3.0 %, worst 300 % in review-5."
    )
    assert figure.one("svg").one("desc").text() == (
        "up to 0.001 %: 1, 0.001 % to 0.01 %: 0, 0.01 % to 0.1 %: 0, 0.1 % to 1 %: 1, 1 % to 5 %: 2, 5 % to 10 %: 0, "
        "10 % to 100 %: 1, more than 100 %: 1."
    )
    assert [line.attributes["x1"] for line in figure.all("line", "limit")] == ["200.0", "250.0"]


def test_every_method_whose_sums_are_known_has_its_spread() -> None:
    result = method_records.review("integrated_gradients", "smoothgrad", "occlusion")
    maps = [m.model_copy(update={"completeness": method_records.completeness()}) for m in result.maps]
    run = tree(method_records.report(result.model_copy(update={"maps": maps}))).one("section", "run")
    titles = [figure.one("h4").text() for figure in run.all("figure", "spread")]
    assert titles[:4] == [
        f"How far off {title} is" for title in ("Gradient", "Integrated gradients", "SmoothGrad", "Occlusion")
    ]


def ranked(id: str, beaten: int, normalised: float | None) -> ExampleResult:
    """A tested map that beats so many of 20 random orders."""
    result = evidence_records.everything(id, methods=False)
    assert result.evidence
    assert result.evidence.faithfulness
    test = result.evidence.faithfulness
    first = test.rankings[0].model_copy(update={"beaten": beaten, "normalised_aopc": normalised})
    test = test.model_copy(update={"rankings": [first, *test.rankings[1:]]})
    return evidence_records.with_evidence(result, faithfulness=test)


def test_faithfulness_is_normalised_where_all_are_and_counts_orders_elsewhere() -> None:
    tested = [ranked(f"text-{i}", 12 + 2 * i, i / 5) for i in range(5)]
    figure = tree(method_records.report(*tested)).one("section", "run").one("figure", "spread")
    assert figure.one("figcaption").words() == "Normalised AOPC 5 first maps: median 0.40, worst 0.00 in text-0."
    assert figure.one("svg").one("desc").text().startswith("under 0.1: 1, 0.1 to 0.2: 0, 0.2 to 0.3: 1,")
    few = [*tested[:3], ranked("not-searched", 19, None)]
    figure = tree(method_records.report(*few)).one("section", "run").one("figure", "spread")
    assert figure.one("figcaption").words() == "Random orders beaten 4 first maps: median 75 %, worst 60 % in text-0."
    assert not list(figure.all("svg")), "fewer than five values stand in words"
    assert "(dashed line" not in figure.text(), "of what is not drawn nothing is said"


@pytest.mark.parametrize(
    ("share", "written"), [(0, "0 %"), (1 / 300, "less than 1 %"), (0.29, "29 %"), (189 / 200, "94 %"), (0.95, "95 %")]
)
def test_a_share_of_orders_is_not_rounded_up_to_the_limit(share: float, written: str) -> None:
    assert _beaten(share) == written.replace(" %", "\N{NO-BREAK SPACE}%")


def test_a_bin_ends_at_its_edge_from_the_side_that_its_names_say() -> None:
    below = Scale((0.01, 0.05), ("1 %", "5 %"), closed_above=True)
    assert below.counts([0.01, 0.05, 0.0501]) == [1, 1, 1]
    assert below.bins() == ["up to 1 %", "1 % to 5 %", "more than 5 %"]
    above = Scale((0.5,), ("0.5",), closed_above=False)
    assert above.counts([-0.2, 0.49, 0.5, 1.0, 1.2]) == [2, 3]
    assert above.bins() == ["under 0.5", "from 0.5"]
    bars = histogram([0.1, 0.6, 0.7], above).bars
    assert [(bar.count, bar.y, bar.height) for bar in bars] == [
        (1, BOTTOM - (BOTTOM - TOP) / 2, (BOTTOM - TOP) / 2),
        (2, TOP, BOTTOM - TOP),
    ]


def test_equal_messages_stand_once_and_failures_first() -> None:
    cut = [records.classification(f"long-{i}", "Text.", warnings=["The text was cut."]) for i in range(5)]
    run = overview(*cut, records.failed("sarcasm"), records.classification("random", "Text.", model=3))
    assert cells(run.one("table", "problems")) == [
        ["Examples", "What", "Message"],
        ["sarcasm", "Failed", "The model has no label 'SARCASTIC'."],
        [
            "random",
            "Random weights",
            "The checkpoint of bert-base-uncased lacks 2 parameters: their values are random.",
        ],
        ["long-0, long-1, long-2 and 2 more", "Warning", "The text was cut."],
        ["random", "Remote code", "bert-base-uncased ran Python code that came with its checkpoint."],
    ]
    filters = {a.text(): a.attributes["href"] for a in run.all("a") if a.attributes["href"].startswith("#show")}
    assert filters == {"failed": "#show=failed", "with a warning": "#show=warned"}


def unlike(count: int) -> Report:
    """Failures with messages of their own."""
    return records.report(
        *(
            records.failed(f"failed-{i}").model_copy(
                update={"failure": Failure(message=f"{i}: {'<&' * 200}", next_step="None.")}
            )
            for i in range(count)
        )
    )


def test_a_long_list_of_problems_is_folded_and_cut() -> None:
    run = tree(unlike(250)).one("section", "run")
    section = next(s for s in run.all("section") if s.attributes["id"] == "run-problems")
    assert [len(list(table.all("tr"))) - 1 for table in section.all("table")] == [20, 180]
    assert section.one("summary").text() == "180 messages more"
    assert "And 50 more." in section.words()


@pytest.mark.parametrize("value", ["bad", "50 % & more = #1", "naïve 🎬", "a\nb", "<b>"])
def test_a_view_is_read_back_from_its_link(value: str) -> None:
    link = filtered(q=value, label="NEGATIVE")
    assert link.startswith("#q=")
    assert dict(parse_qsl(link[1:])) == {"q": value, "label": "NEGATIVE"}
    assert filtered(q="\ud800") == "#q=%EF%BF%BD"
    assert filtered(label="a\x07b") == "#label=a%E2%90%87b", "as the catalogue has it"


def test_the_overview_needs_no_script_and_no_style_attribute() -> None:
    page = render_page(evidence_records.realistic())
    run = page[page.index('<section class="run"') : page.index('<nav class="index"')]
    assert "<script" not in run
    assert "style=" not in run
    assert len(run.encode()) < 20_000
