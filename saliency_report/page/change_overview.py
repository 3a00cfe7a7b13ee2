"""The comparison at a glance: counts, checks, what differs between the runs, and how the changes are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from saliency_report.compare import Check, Comparison, Fact
from saliency_report.compare.examples import with_when
from saliency_report.page import text
from saliency_report.page.run_histogram import Scale, histogram
from saliency_report.page.run_links import Place, filtered, place
from saliency_report.page.run_overview import SHORT, Card
from saliency_report.page.run_spread import FEWEST, Spread

MOST_BROKEN = 10  # lines of a check that does not hold; the terminal and the record have all
_TENTHS = tuple(number / 10 for number in range(10))
_MOVES = (-0.5, -0.25, -0.1, -0.02, 0.02, 0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Overview:
    """Everything that stands before the first example."""

    cards: list[Card]
    checks: list[tuple[Check, list[tuple[Place | None, str, str]]]]
    differing: list[tuple[str, str, str]]
    spreads: list[Spread]
    is_short: bool


def overview(comparison: Comparison, scripted: bool) -> Overview:
    """The overview of a comparison; links to a filtered view need the script."""
    places = {example.id: place(number, example.id) for number, example in enumerate(comparison.examples, 1)}
    return Overview(
        cards=list(_cards(comparison, scripted)),
        checks=[
            (check, [(places.get(b.id or ""), b.expected, b.found) for b in check.broken[:MOST_BROKEN]])
            for check in comparison.checks
        ],
        differing=list(_differing(comparison.facts)),
        spreads=list(_spreads(comparison)),
        is_short=len(comparison.examples) < SHORT,
    )


def lead(comparison: Comparison) -> str:
    """The comparison in two sentences."""
    totals = comparison.totals
    said = []
    if totals.judged:
        said.append(f"{changed(totals.flips, totals.judged)}.")
    if totals.median_tau is not None:
        said.append(
            f"The order of the words has a median τ of {text.correlation(totals.median_tau)} over "
            f"{text.plural(totals.taus, 'example')}: 1 is the same order, 0 no relation, −1 the reverse."
        )
    return " ".join(said) or "The two runs have nothing in common that could be compared."


def warnings(comparison: Comparison) -> list[tuple[str, str]]:
    """What either run warned of as a whole, and which of them."""
    return with_when(comparison.old.warnings, comparison.new.warnings)


def changed(flips: int, judged: int) -> str:
    """How many predictions changed."""
    if not flips:
        return f"None of {text.plural(judged, 'prediction')} changed"
    return f"{flips:,} of {text.plural(judged, 'prediction')} changed"


def _cards(comparison: Comparison, scripted: bool) -> Iterator[Card]:
    totals = comparison.totals
    if totals.judged:
        link = filtered(show="flipped") if totals.flips and scripted else ""
        note = "show them" if link else "they stand first" if totals.flips else ""
        css = "warned" if totals.flips else ""
        yield Card(f"{totals.flips:,} of {totals.judged:,}", "predictions changed", note, link, css)
    if totals.median_tau is not None and totals.min_tau is not None:
        note = f"lowest {text.correlation(totals.min_tau)}, over {text.plural(totals.taus, 'example')}"
        yield Card(f"τ {text.correlation(totals.median_tau)}", "median: order of the words", note)
    if totals.mean_p_change is not None:
        note = f"mean over {text.plural(totals.p_changes, 'example')}"
        yield Card(move(totals.mean_p_change), "change of the probability of the earlier answer", note)
    if total := len(comparison.checks):
        broken = sum(bool(check.broken) for check in comparison.checks)
        said = "checks do not hold" if broken else "checks hold"
        yield Card(f"{broken or total} of {total}", said, css="bad" if broken else "")
    if left := left_out(comparison):
        yield Card(
            f"{sum(count for count, _ in left):,}", "not compared", ", ".join(f"{n:,} {what}" for n, what in left)
        )


def grouped(facts: Sequence[Fact]) -> list[tuple[str, list[Fact]]]:
    """Facts of one thing together: of a model, of the versions."""
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        found.setdefault(fact.of, []).append(fact)
    return list(found.items())


def _differing(facts: Sequence[Fact]) -> Iterator[tuple[str, str, str]]:
    """What differs, a line for each thing, in short."""
    for of, held in grouped([fact for fact in facts if fact.differs]):
        yield of, _joined([(fact.name, fact.old) for fact in held]), _joined([(fact.name, fact.new) for fact in held])


def _joined(facts: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in facts)


def _short(value: str) -> str:
    """A hash or a commit by its beginning."""
    return value[:12] + "…" if len(value) >= 40 and " " not in value else text.preview(value, 60)


def left_out(comparison: Comparison) -> list[tuple[int, str]]:
    """How many examples are not compared, by the reason."""
    counts: Counter[str] = Counter()
    for example in comparison.examples:
        if example.status == "failed":
            counts["failing now" if example.failures[0] is None else "failed before"] += 1
        elif example.status == "text changed":
            counts["with another text"] += 1
        elif example.status == "no map":
            counts["without a map"] += 1
    counts["new"], counts["vanished"] = len(comparison.appeared), len(comparison.vanished)
    return [(count, what) for what, count in counts.items() if count]


def _spreads(comparison: Comparison) -> Iterator[Spread]:
    taus = [(e.tau, n, e.id) for n, e in enumerate(comparison.examples, 1) if e.tau is not None]
    moves = [(e.p_change, n, e.id) for n, e in enumerate(comparison.examples, 1) if e.p_change is not None]
    if len(taus) >= FEWEST:
        yield Spread(
            "Order of the words, τ",
            f"{text.plural(len(taus), 'example')}: median {text.correlation(median(tau for tau, *_ in taus))}",
            "lowest",
            text.correlation(min(taus)[0]),
            place(*min(taus)[1:]),
            "Of the map that each example shows. All below 0 stand in one bin.",
            histogram([tau for tau, *_ in taus], Scale(_TENTHS, tuple(map(str, _TENTHS)), closed_above=False)),
        )
    if len(moves) >= FEWEST:
        yield Spread(
            "Change of the earlier answer’s probability",
            f"{text.plural(len(moves), 'example')}: median {move(median(move for move, *_ in moves))}",
            "lowest",
            move(min(moves)[0]),
            place(*min(moves)[1:]),
            "Below 0 the answer that was given before is less likely now. The bins are of unequal width.",
            histogram([move for move, *_ in moves], Scale(_MOVES, tuple(map(_edge, _MOVES)), closed_above=False)),
        )


def move(number: float) -> str:
    """A change of a probability, with its sign."""
    return f"{'+' if number > 0 else ''}{text.significant(number, 2)}"


def _edge(number: float) -> str:
    return f"{number:g}".replace("-", "\N{MINUS SIGN}")


def titles(comparison: Comparison) -> Sequence[str]:
    """The title of both runs, or of each."""
    return list(dict.fromkeys([comparison.old.title, comparison.new.title]))
