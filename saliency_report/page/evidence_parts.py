"""Agreement of methods, the test with random weights, and marked words, in words and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from saliency_report.page import colour
from saliency_report.page.evidence_tables import Line, Table, correlation, plain, triangle
from saliency_report.page.tables import Cell
from saliency_report.page.text import label
from saliency_report.record import Agreement, ExampleResult, Randomisation, Report
from saliency_report.spec import own_texts


@dataclass(frozen=True)
class AgreementView:
    """How alike the methods are at least and at most, and the two matrices."""

    sentence: str
    summary: str
    tables: list[Table]


@dataclass(frozen=True)
class RandomisationView:
    """The verdict of the test with random weights, and its stages."""

    kind: Literal["good", "bad"]
    sentence: str
    summary: str
    table: Table


@dataclass(frozen=True)
class PlausibilityView:
    """The words that a person marked, and how well the maps find them."""

    marked: list[str]
    sentence: str
    table: Table


def title_of(report: Report, name: str) -> str:
    """The title of a method, or of a method and its score; the name itself where the report has no such method."""
    titles = {method.name: method.title for method in report.methods}
    return titles.get(name, name)


def agreement_view(report: Report, agreement: Agreement | None) -> AgreementView | None:
    """The view of the agreement; None with fewer than two methods."""
    if agreement is None:
        return None
    names = [title_of(report, name) for name in agreement.names]
    if len(names) < 2:
        return None
    pairs = [(row, column) for row in range(len(names)) for column in range(row)]
    ranked = [(tau, pair) for pair in pairs if (tau := agreement.kendall[pair[0]][pair[1]]) is not None]
    top = f"the {agreement.top_k} strongest words" if agreement.top_k > 1 else "the strongest word"
    if not ranked:
        sentence = "No two methods can be compared: at most one of them tells the words apart."
    else:
        (low, least), (high, most) = min(ranked), max(ranked)

        def named(pair: tuple[int, int]) -> str:
            return f"{names[pair[1]]} and {names[pair[0]]}"

        sentence = f"τ = {correlation(high)} between {named(most)}"
        if len(ranked) > 1:
            sentence = f"τ from {correlation(low)} ({named(least)}) to {correlation(high)} ({named(most)})"
        sentence += "; 1 is the same order of words, 0 no relation, −1 the reverse order."
    tables = [
        triangle("Kendall’s τ of the orders of words, signs left aside", names, agreement.kendall, signed=True),
        triangle(f"Share of {top} that two methods have in common", names, agreement.overlap, signed=False),
    ]
    return AgreementView(sentence, f"Every pair of the {len(names)} methods: order of words, strongest words", tables)


def randomisation_view(randomisation: Randomisation | None) -> RandomisationView | None:
    """The view of the test with random weights; None where there was no stage."""
    if randomisation is None or not randomisation.stages:
        return None
    last = randomisation.stages[-1].correlation
    if last is None:
        sentence = (
            "All words of the map, or of the map with all weights random, are equal: there is no order to compare."
        )
    else:
        rho = f"(ρ {correlation(last)})"
        kept = "stays alike" if last > 0 else "keeps its order in reverse"
        sentence = (
            f"With all weights random the map becomes another {rho}: it depends on what the model learned."
            if randomisation.falls
            else f"With all weights random the map {kept} {rho}: "
            "it shows the text or the architecture more than what the model learned."
        )
    lines = [
        Line(
            stage.name,
            [
                Cell("", f"{stage.parameters:,}"),
                Cell(colour.css_class(stage.correlation, 1.0, signed=True), correlation(stage.correlation)),
            ],
        )
        for stage in randomisation.stages
    ]
    how = (
        "Weights drawn anew from the output down to the embeddings, part after part"
        if randomisation.mode == "cascading"
        else "All weights drawn anew at once"
    )
    caption = f"{how} (seed {randomisation.seed}); ρ compares each map with that of the trained model"
    columns = ["Weights drawn anew", "Spearman ρ"]
    count = len(lines)
    summary = f"{count} stages, from the output down to the embeddings" if count > 1 else "How the weights were drawn"
    kind: Literal["good", "bad"] = "good" if randomisation.falls else "bad"
    return RandomisationView(
        kind, sentence, summary, Table(caption, "Random down to", columns, lines, css="correlations")
    )


def plausibility_view(report: Report, result: ExampleResult) -> PlausibilityView | None:
    """The view of all maps that were compared with marked words; None without any."""
    found = [(map_, map_.plausibility) for map_ in result.maps if map_.plausibility]
    if not found:
        return None
    several = len({map_.target.sentence for map_, _ in found}) > 1
    lines = [
        Line(
            title_of(report, map_.method) + (f", {label(map_.title)}" if several else ""),
            plain(
                *(correlation(value) for value in (p.auprc, p.chance, p.f1, p.iou)),
                str(p.k),
            ),
            "headline" if map_ is result.maps[result.headline] else "",
        )
        for map_, p in found
    ]
    map_, first = next((item for item in found if item[0] is result.maps[result.headline]), found[0])
    words = f"{first.k} words" if first.k > 1 else "word"
    strongest = f"{first.k} strongest words" if first.k > 1 else "strongest word"
    sentence = (
        f"The {words} that a person marked, against the map of {title_of(report, map_.method)}: "
        f"AUPRC {correlation(first.auprc)}, a random order has {correlation(first.chance)}; "
        f"F1 of the {strongest} {correlation(first.f1)}."
    )
    columns = ["AUPRC", "Chance", "F1", "IoU", "Marked words"]
    caption = "How well the strongest words are those that a person marked; 1 is best, chance is a random order’s AUPRC"
    return PlausibilityView(_marked(result), sentence, Table(caption, "Map", columns, lines))


def _marked(result: ExampleResult) -> list[str]:
    """The rationale in words: a pair of code points lies in the first text of the example."""
    first = next(iter(own_texts(result.task, result.inputs).values()), "")
    rationale = result.inputs.get("rationale") or []
    return [label(part if isinstance(part, str) else first[part[0] : part[1]]) for part in rationale]
