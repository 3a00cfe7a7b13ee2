"""Faithfulness in words, tables and curves: does removing the words that a map ranks high change F as it should?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from saliency_report.page.evidence_tables import MISSING, Line, Table, correlation, mean, number, plain
from saliency_report.page.evidence_verdict import Explained, Verdict, caveats, listed, tested, verdict
from saliency_report.page.text import percent, plural, rounded, visible
from saliency_report.record import ExampleResult, Faithfulness, Ranking

LINES_AT_FIRST = 3  # methods whose curves are drawn before a reader asks for others
LINE_COLOURS = 6

_REMOVALS = {
    "mask": "The mask token stands in the place of a removed word.",
    "delete": "Removed words are cut out of the text; the place of a causal model’s first token takes the beginning of "
    "a text.",
}


@dataclass(frozen=True)
class Key:
    """A ranking in the legend of the curves: its number in the data, its classes, whether it is drawn at first."""

    index: int
    title: str
    css: str
    shown: bool


@dataclass(frozen=True)
class FaithfulnessView:
    """Everything that the page says of one `Faithfulness`."""

    verdict: Verdict
    explained: Explained
    score: str
    empty_score: str
    setup: list[str]
    notes: list[str]
    keys: list[Key]
    rankings: Table
    values: list[Table]
    fractions: str


def faithfulness_view(result: ExampleResult, faithfulness: Faithfulness | None) -> FaithfulnessView | None:
    """The view of the test; None where nothing was ranked."""
    judged = verdict(result)
    if faithfulness is None or not faithfulness.rankings or judged is None:
        return None
    target = result.maps[result.headline].target
    return FaithfulnessView(
        verdict=judged,
        explained=tested(target),
        score=number(faithfulness.score),
        empty_score=number(faithfulness.empty_score),
        setup=list(_setup(faithfulness)),
        notes=caveats(result, faithfulness),
        keys=_keys(faithfulness.rankings),
        rankings=_rankings(faithfulness),
        values=list(_values(faithfulness)),
        fractions=listed([percent(fraction) for fraction in faithfulness.fractions]),
    )


def _setup(faithfulness: Faithfulness) -> list[str]:
    random = faithfulness.random
    sentences = [
        _REMOVALS[faithfulness.removal],
        f"{plural(faithfulness.grid[-1], 'word')}, {plural(random.orders, 'random order')} (seed {random.seed}).",
    ]
    if faithfulness.highest is None or faithfulness.lowest is None:
        sentences.append("The limits of AOPC were not searched, so there is no normalised AOPC.")
    else:
        sentences.append(
            f"AOPC of all orders lies between {number(faithfulness.lowest)} and {number(faithfulness.highest)}, "
            f"as far as a beam search of width {faithfulness.beam} found."
        )
    return sentences


def _keys(rankings: list[Ranking]) -> list[Key]:
    """A colour for each method; few lines at first, so that they can be told apart."""
    keys, methods = [], 0
    for index, ranking in enumerate(rankings):
        if ranking.map is None:
            keys.append(Key(index, ranking.title, "loo", True))
            continue
        again = " again" if methods >= LINE_COLOURS else ""
        keys.append(Key(index, ranking.title, f"line{methods % LINE_COLOURS}{again}", methods < LINES_AT_FIRST))
        methods += 1
    return keys


def _rankings(faithfulness: Faithfulness) -> Table:
    random = faithfulness.random
    lines = [
        Line(
            ranking.title,
            plain(
                number(ranking.aopc),
                correlation(ranking.normalised_aopc),
                number(mean(ranking.comprehensiveness)) if ranking.comprehensiveness else MISSING,
                number(mean(ranking.sufficiency)) if ranking.sufficiency else MISSING,
                correlation(ranking.tau_loo),
                f"{ranking.beaten} of {random.orders}",
                "yes" if ranking.signed else "no",
            ),
            "headline" if index == 0 else "",
        )
        for index, ranking in enumerate(faithfulness.rankings)
    ]
    lines.append(Line("Random orders, mean", plain(number(mean(random.aopc)), *[MISSING] * 6), "reserved"))
    columns = [
        "AOPC",
        "Normalised AOPC",
        "Comprehensiveness",
        "Sufficiency",
        "τ-LOO",
        "Beats random",
        "Sign",
    ]
    shares = listed([percent(fraction) for fraction in faithfulness.fractions])
    caption = (
        "High AOPC, normalised AOPC and comprehensiveness, and low sufficiency, say that the words ranked first hold "
        f"F up. Comprehensiveness and sufficiency are means over {shares} of the words. τ-LOO is Kendall’s τ with the "
        "drops of F when each word alone is left out."
    )
    return Table(caption, "Ranking", columns, lines)


def _values(faithfulness: Faithfulness) -> list[Table]:
    """The curves, and what each fraction says."""
    random, words = faithfulness.random, [str(count) for count in faithfulness.grid]
    shares = [percent(fraction) for fraction in faithfulness.fractions]
    tables = []
    for kind, caption in (
        ("deletion", "Deletion: F after the removal of the first words of a ranking"),
        ("insertion", "Insertion: F with the first words of a ranking alone"),
    ):
        lines = [Line(r.title, plain(*map(number, getattr(r, kind)))) for r in faithfulness.rankings]
        lines += [
            Line(f"Random orders, {name}", plain(*map(number, getattr(random, f"{kind}_{field}"))), "reserved")
            for field, name in (("mean", "mean"), ("low", "5th percentile"), ("high", "95th percentile"))
        ]
        tables.append(Table(caption, "Words", words, lines))
    for kind, caption in (
        ("comprehensiveness", "Comprehensiveness: what F loses without this share of the words"),
        ("sufficiency", "Sufficiency: what F loses with this share of the words alone"),
    ):
        lines = [Line(r.title, plain(*map(number, getattr(r, kind)))) for r in faithfulness.rankings]
        tables.append(Table(caption, "Share of words", shares, lines))
    return tables


def curves_data(result: ExampleResult, faithfulness: Faithfulness) -> dict[str, Any]:
    """The curves for the script, as they are shown."""
    of = tested(result.maps[result.headline].target)
    axis = f"{of.what.removeprefix('the ')} {of.label}" + (f" minus that of {of.foil}" if of.foil else "")
    random = faithfulness.random

    def values(numbers: list[float]) -> list[float]:
        return [rounded(number) for number in numbers]

    return {
        "axis": visible(axis),
        "words": faithfulness.grid,
        "rankings": [
            {"title": visible(r.title), "deletion": values(r.deletion), "insertion": values(r.insertion)}
            for r in faithfulness.rankings
        ],
        "random": {
            kind: {field: values(getattr(random, f"{kind}_{field}")) for field in ("mean", "low", "high")}
            for kind in ("deletion", "insertion")
        },
    }
