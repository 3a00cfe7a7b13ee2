"""One self-contained HTML page of two runs, drawn from a `Comparison` and from nothing else, as a report's page is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from markupsafe import Markup

from saliency_report.collection import uncollected
from saliency_report.compare import Comparison
from saliency_report.page.assets import content_policy, loader_of, script_of, style_of
from saliency_report.page.body import without_returns
from saliency_report.page.catalogue import indexed
from saliency_report.page.change_overview import grouped, lead, overview, titles, warnings
from saliency_report.page.change_view import ChangeView
from saliency_report.page.environment import make_environment
from saliency_report.page.overview import task_name
from saliency_report.page.packs import EXAMPLES, Pack, batches, compressed, pack
from saliency_report.page.text import visible

FEW = 10  # examples that need no search, and so no script at all
MOST_ALONE = 200  # new or vanished examples that are listed
SHOW = {"flipped": "predictions that changed", "failed": "failed", "other": "not compared"}
BITS = {name: 1 << number for number, name in enumerate(SHOW)}


def render_comparison(comparison: Comparison) -> str:
    """The page of a comparison; the same comparison gives the same page, byte for byte."""
    return "".join(comparison_parts(comparison))


@uncollected()
def comparison_parts(comparison: Comparison) -> list[str]:
    """The same text in pieces."""
    environment = make_environment(charts=False)
    scripted = len(comparison.examples) > FEW
    card = environment.get_template("compare_card.html.j2")
    first: list[ChangeView] = []
    cards: list[Markup] = []
    packs: list[Pack] = []
    for batch in batches(enumerate(comparison.examples, 1)):
        views = [ChangeView(number, change, comparison) for number, change in batch]
        drawn = [without_returns(card.render(example=view)) for view in views]
        data: dict[str, Any] = {"data": [None] * len(views)}  # nothing that a script would change in a card
        if packs:
            data["cards"] = drawn
        else:
            first, cards = views, [Markup(html) for html in drawn]
        packs.append(pack(data))
    style = style_of(environment, None, "compare.css")
    loader, script = loader_of(environment), script_of(environment, charts=False)
    pieces = environment.get_template("compare.html.j2").generate(
        report=comparison.new,
        comparison=comparison,
        lead=lead(comparison),
        title=" → ".join(titles(comparison)),
        glance=overview(comparison, scripted),
        count=len(comparison.examples),
        examples=first,
        cards=cards,
        outcome_template="compare_outcome.html.j2",
        facts=grouped(comparison.facts),
        warnings=warnings(comparison),
        methods=list(
            {method.name: method for run in (comparison.old, comparison.new) for method in run.methods}.values()
        ),
        most_alone=MOST_ALONE,
        mapped=False,
        scripted=scripted,
        choices=_choices(comparison),
        page_data={"aggregations": [], "methods": {}, "scales": {}, "rounding": ""},
        catalogue=pack(_catalogue(comparison)),
        packs=packs,
        record=None,
        pack_size=EXAMPLES,
        policy=content_policy(style, [loader, script] if scripted else [], None),
        style=Markup(style),
        loader=Markup(loader),
        script=compressed(script),
        bundle=None,
    )
    return [without_returns(piece) for piece in pieces]


def _catalogue(comparison: Comparison) -> dict[str, Any]:
    """What the list is searched and filtered by, as the page of a report has it."""
    views = [ChangeView(number, change, comparison) for number, change in enumerate(comparison.examples, 1)]
    return {
        "ids": [visible(view.change.id) for view in views],
        "texts": [visible(view.change.text) for view in views],
        "bits": BITS,
        "tasks": indexed([view.change.task for view in views]),
        "answers": indexed([visible(view.answers) for view in views]),
        "marks": [_marks(view) for view in views],
        "beside": [f"τ {view.tau}" if view.tau else "" for view in views],
    }


def _marks(view: ChangeView) -> int:
    change = view.change
    found = {
        "flipped": change.flipped is True,
        "failed": change.status == "failed",
        "other": change.status in ("text changed", "no map"),
    }
    return sum(BITS[name] for name, holds in found.items() if holds)


def _choices(comparison: Comparison) -> dict[str, list[tuple[str, str]]]:
    tasks = Counter(change.task for change in comparison.examples)
    marks = [_marks(ChangeView(0, change, comparison)) for change in comparison.examples]
    shows = {name: sum(bool(mark & bit) for mark in marks) for name, bit in BITS.items()}
    return {
        "task": [(task, f"{task_name(task)} ({n:,})") for task, n in tasks.items()] if len(tasks) > 1 else [],
        "show": [(name, f"{SHOW[name]} ({count:,})") for name, count in shows.items() if count],
        "model": [],
        "label": [],
        "sort": [],
    }
