"""The evidence over the whole run: one table of rankings, and what was counted, with links to what failed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from saliency_report.page.evidence_parts import title_of
from saliency_report.page.evidence_tables import MISSING, Line, Table, correlation, number, plain
from saliency_report.page.evidence_verdict import verdict
from saliency_report.page.targets import headline_group
from saliency_report.page.text import part, percent, plural
from saliency_report.record import ExampleResult, Report, RunEvidence

_Place = tuple[int, str]  # number and id of an example


@dataclass(frozen=True)
class Count:
    """The question as the cards ask it, what was counted, and the examples to look at: number and id."""

    name: str
    sentence: str
    failed: list[_Place] = field(default_factory=list)
    state: str = ""  # what the page is filtered by to show them all


@dataclass(frozen=True)
class RunView:
    """The table, what its columns say, and the counts."""

    table: Table | None
    reading: list[tuple[str, str]]
    counts: list[Count]


_READING = {
    "AOPC (random)": "What F loses on average while words are removed, strongest first; in brackets, in random order. "
    "Higher is better, but compare it only within one model and one kind of F.",
    "Sufficiency": "What F loses when only the strongest words stay. Lower is better.",
    "Normalised AOPC": "AOPC between the worst order (0) and the best one (1) that a beam search found. "
    "Can be compared between models.",
    "τ-LOO": "Kendall’s τ of the map’s scores and of what F loses when each word alone is left out: "
    "1 is the same order, 0 is no relation.",
    "Better than random": "Texts on which the ranking beats at least 95\N{NO-BREAK SPACE}% of the random orders. "
    "With 20 orders, chance alone passes about 2 texts in 21.",
    "Marked": "Examples in which a person marked words.",
    "AUPRC (chance)": "How well the map finds the words that a person marked; in brackets, a random order. "
    "It says whether people find the map convincing, not whether the model obeys it.",
    "F1": "Overlap of the strongest words with the marked ones, of as many words.",
    "IoU": "The same as intersection over union.",
}


@dataclass
class Verdicts:
    """What the tests of the examples came to, gathered one example at a time."""

    faithful: Counter[str] = field(default_factory=Counter)
    unfaithful: list[_Place] = field(default_factory=list)
    complete: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    incomplete: dict[str, list[_Place]] = field(default_factory=lambda: defaultdict(list))
    marked: list[int] = field(default_factory=list)
    randomised: int = 0
    alike: list[_Place] = field(default_factory=list)
    flips: int = 0
    agreeing: int = 0

    def add(self, number: int, result: ExampleResult) -> None:
        """Take in the verdicts of an example."""
        place = number, result.id
        if judged := verdict(result):
            self.faithful[judged.kind] += 1
            if judged.kind in ("bad", "impossible"):
                self.unfaithful.append(place)
        failed = set()
        for map_ in result.maps:
            if map_.completeness:
                self.complete[map_.method][map_.completeness.verdict] += 1
                if map_.completeness.verdict == "fail":
                    failed.add(map_.method)
        for method in failed:
            self.incomplete[method].append(place)
        if _is_marked(result):
            self.marked.append(number)
        evidence = result.evidence
        if evidence and evidence.randomisation and evidence.randomisation.stages:
            self.randomised += 1
            if not evidence.randomisation.falls:
                self.alike.append(place)
        if evidence and evidence.direction:
            self.flips += len(evidence.direction.flips)
            self.agreeing += evidence.direction.agreeing


def run_view(report: Report, verdicts: Verdicts) -> RunView | None:
    """The evidence of the run; None without any."""
    table = _table(report.evidence) if report.evidence else None
    counts = [*_faithful(verdicts), *_complete(report, verdicts), *_randomised(verdicts), *_flipped(verdicts)]
    if table is None and not counts:
        return None
    columns = [] if table is None else table.columns
    return RunView(table, [(name, text) for name, text in _READING.items() if name in columns], counts)


def _table(rankings: list[RunEvidence]) -> Table:
    """Columns stand only where some ranking has a value."""

    def beside(value: float | None, other: float | None, write: object = None) -> str:
        written = correlation if write is correlation else number
        return MISSING if value is None else f"{written(value)} ({written(other)})"

    columns = {
        "Examples": [str(r.examples) for r in rankings] if any(r.examples for r in rankings) else [],
        "AOPC (random)": [beside(r.aopc, r.random_aopc) for r in rankings],
        "Sufficiency": [number(r.sufficiency) for r in rankings],
        "Normalised AOPC": [correlation(r.normalised_aopc) for r in rankings],
        "τ-LOO": [correlation(r.tau_loo) for r in rankings],
        "Better than random": [f"{r.better_than_random} of {r.examples}" if r.examples else MISSING for r in rankings],
        "Marked": [str(r.marked) for r in rankings] if any(r.marked for r in rankings) else [],
        "AUPRC (chance)": [beside(r.auprc, r.chance, correlation) for r in rankings],
        "F1": [correlation(r.f1) for r in rankings],
        "IoU": [correlation(r.iou) for r in rankings],
    }
    shown = {name: values for name, values in columns.items() if any(value != MISSING for value in values)}
    lines = [
        Line(ranking.title, plain(*(values[row] for values in shown.values())), "" if row else "headline")
        for row, ranking in enumerate(rankings)
    ]
    caption = "Means over the examples that have them"
    if len({r.examples for r in rankings if r.examples}) > 1:
        caption += "; rows of different examples cannot be compared"
    if any(r.examples for r in rankings) and all(r.aopc is None for r in rankings):
        caption += ". The examples differ in model or in the kind of F: AOPC and sufficiency have no common mean"
    return Table(caption, "Ranking", list(shown), lines)


def _faithful(verdicts: Verdicts) -> list[Count]:
    kinds = verdicts.faithful
    tested = kinds["good"] + kinds["bad"]
    if not tested + kinds["impossible"]:
        return []
    sentence = f"{part(kinds['good'], tested, 'tested map', 'is', 'are')} more faithful than random."
    sentence += f" {kinds['impossible']} could not be tested." if kinds["impossible"] else ""
    sentence += f" {kinds['untested']} not tested." if kinds["untested"] else ""
    # What could not be tested has no filter.
    state = "" if kinds["impossible"] else "unfaithful"
    return [Count("Does the model obey the order of words?", sentence, verdicts.unfaithful, state)]


def _complete(report: Report, verdicts: Verdicts) -> list[Count]:
    return [
        Count(
            f"Do the scores of {title_of(report, method)} add up?",
            f"{plural(of['pass'], 'map')} passed, {of['warn']} with a warning, {of['fail']} failed.",
            failed := verdicts.incomplete.get(method, []),
            "incomplete" if [number_ for number_, _ in failed] == verdicts.marked else "",
        )
        for method, of in verdicts.complete.items()
    ]


def _is_marked(result: ExampleResult) -> bool:
    """Whether the filter finds it: by the target that is shown first, by any method."""
    head = headline_group(result) if result.maps else None
    maps = [result.maps[index] for index in (head.primary, *head.others)] if head else []
    return any(map_.completeness and map_.completeness.verdict == "fail" for map_ in maps)


def _randomised(verdicts: Verdicts) -> list[Count]:
    tests, failed = verdicts.randomised, verdicts.alike
    become = part(tests - len(failed), tests, "map", "becomes another", "become others")
    sentence = f"{become} with random weights."
    return [Count("Does the map depend on what the model learned?", sentence, failed)] if tests else []


def _flipped(verdicts: Verdicts) -> list[Count]:
    flips, agreeing = verdicts.flips, verdicts.agreeing
    sentence = f"{part(agreeing, flips, 'predicted sign', 'holds', 'hold')} in a real forward pass"
    return [Count("Where does the gradient point?", f"{sentence} ({percent(agreeing / flips)}).")] if flips else []
