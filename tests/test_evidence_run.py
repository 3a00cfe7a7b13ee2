"""The evidence over the run, and the explanation of what is there and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest

import evidence_records
import method_records
import records
from saliency_report.page import evidence
from saliency_report.record import Report, RunEvidence
from test_evidence_page import cells
from test_page import Element, tree


@pytest.fixture(scope="module")
def report() -> Report:
    return evidence_records.realistic()


@pytest.fixture(scope="module")
def root(report: Report) -> Element:
    return tree(report)


def test_run_counts_what_failed_and_links_to_it(root: Element) -> None:
    section = root.one("section", "run-evidence")
    assert [item.words() for item in section.one("ul", "counts").all("li")] == [
        "Does the model obey the order of words? 1 of 3 tested maps is more faithful than random. 1 not tested. "
        "Not passed: not-faithful, generated.",
        "Do the scores of Integrated gradients add up? 2 maps passed, 0 with a warning, 0 failed.",
        "Does the map depend on what the model learned? 1 of 2 maps becomes another with random weights. "
        "Not passed: not-faithful.",
        "Where does the gradient point? 8 of 12 predicted signs hold in a real forward pass (67 %).",
    ]
    links = [a.attributes["href"] for a in section.all("a")]
    assert links == ["#example-2", "#example-4", "#example-2"]


def test_run_counts_completeness_and_cuts_a_long_list() -> None:
    failed = [
        method_records.review("integrated_gradients", verdict="fail").model_copy(update={"id": str(i)})
        for i in range(23)
    ]
    warned = method_records.review("integrated_gradients", verdict="warn")
    section = tree(method_records.report(*failed, warned)).one("section", "run-evidence")
    assert section.one("li").words() == (
        "Do the scores of Integrated gradients add up? 0 maps passed, 1 with a warning, 23 failed. Not passed: "
        + ", ".join(map(str, range(20)))
        + " and 3 more (show all)."
    )
    other = warned.maps[0].model_copy(update={"completeness": method_records.completeness("fail")})
    mixed = warned.model_copy(update={"maps": [other, *warned.maps[1:]]})
    section = tree(method_records.report(*failed, mixed)).one("section", "run-evidence")
    assert "(show all)" not in section.words(), "the filter finds what fails by any method"
    assert not list(section.all("table"))


def line(name: str, **changes: Any) -> RunEvidence:
    fields: dict[str, Any] = {
        "name": name,
        "title": name.upper(),
        "examples": 3,
        "aopc": 1.32,
        "random_aopc": 0.4138,
        "sufficiency": 0.25,
        "normalised_aopc": 0.874,
        "tau_loo": 0.615,
        "better_than_random": 2,
    }
    return RunEvidence(**fields | changes)


def run_table(*rankings: RunEvidence) -> list[list[str]]:
    page = tree(records.report(records.classification("one", "Good."), evidence=list(rankings)))
    return cells(page.one("section", "run-evidence").one("table"))


def test_run_table_holds_the_means_of_the_record() -> None:
    marked = {"auprc": 0.806, "chance": 0.25, "f1": 0.6667, "iou": 0.5, "marked": 2}
    only = line("c", examples=0, better_than_random=0, **dict.fromkeys(MEANS), **marked)
    assert run_table(line("a", **marked), line("b", tau_loo=None), only) == [
        [
            *("Ranking", "Examples", "AOPC (random)", "Sufficiency", "Normalised AOPC", "τ-LOO", "Better than random"),
            *("Marked", "AUPRC (chance)", "F1", "IoU"),
        ],
        ["A", "3", "1.32 (0.414)", "0.250", "0.87", "0.62", "2 of 3", "2", "0.81 (0.25)", "0.67", "0.50"],
        ["B", "3", "1.32 (0.414)", "0.250", "0.87", "–", "2 of 3", "0", "–", "–", "–"],
        ["C", "0", "–", "–", "–", "–", "–", "2", "0.81 (0.25)", "0.67", "0.50"],
    ]


MEANS = ("aopc", "random_aopc", "sufficiency", "normalised_aopc", "tau_loo")


def test_run_table_has_columns_only_where_some_ranking_has_a_value() -> None:
    assert run_table(line("a", normalised_aopc=None), line("b", normalised_aopc=None))[0] == [
        *("Ranking", "Examples", "AOPC (random)", "Sufficiency", "τ-LOO", "Better than random")
    ]
    only = line("a", examples=0, better_than_random=0, **dict.fromkeys(MEANS), auprc=0.5, chance=0.25, marked=1)
    assert run_table(only) == [["Ranking", "Marked", "AUPRC (chance)"], ["A", "1", "0.50 (0.25)"]]


def test_every_column_of_the_run_but_the_count_is_explained(root: Element) -> None:
    section = root.one("section", "run-evidence")
    columns = cells(section.one("table"))[0]
    assert [dt.text() for dt in section.all("dt")] == columns[2:]
    assert all(dd.words().endswith(".") for dd in section.all("dd"))


def test_what_is_not_there_is_not_shown_and_not_explained() -> None:
    plain = tree(records.report(records.classification("one", "Good.")))
    assert not list(plain.all("section", "run-evidence"))
    assert not list(plain.all("section", "evidence"))
    about = plain.one("section", "about").words()
    assert "AOPC" not in about
    assert "Evidence" not in about
    layered = records.classification("one", "Good.")
    layered = evidence_records.with_evidence(layered, layers=evidence_records.layers(layered))
    page = tree(records.report(layered))
    assert [h.text() for h in page.one("section", "evidence").all("h4")] == ["What happens layer by layer?"]
    headings = [h.text() for h in page.one("section", "about").all("h4")]
    assert headings == ["Layers"]


def test_every_kind_of_evidence_is_explained_with_its_source(root: Element) -> None:
    about = root.one("section", "about")
    assert [h.text() for h in about.all("h4")] == [
        *("Faithfulness", "Random weights", "Agreement", "Direction", "Layers", "Plausibility")
    ]
    references = " ".join(p.words() for p in about.all("p", "reference"))
    for paper in (
        *("1509.06321", "1911.03429", "1806.07421", "1902.10186", "2408.08137", "2408.11252"),
        *("1810.03292", "2202.01602", "1712.06751", "2004.03685"),
    ):
        assert f"arXiv:{paper}" in references
    classified = tree(method_records.report(evidence_records.everything())).one("section", "about").words()
    assert "2408.11252" not in classified  # said of causal models alone


def test_kinds_are_those_of_the_examples(report: Report) -> None:
    every = {"faithfulness", "agreement", "randomisation", "direction", "layers", "plausibility", "causal", "flips"}
    assert set().union(*map(evidence.kinds, report.examples)) == every
    assert evidence.kinds(records.classification("one", "Good.")) == evidence.kinds(records.failed("two")) == set()
