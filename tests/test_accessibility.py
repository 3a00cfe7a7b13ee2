"""What the page is to people who do not see it, see it badly or use no mouse, and that its HTML is valid."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser

import evidence_records
import method_records
import records
from saliency_report.page import render_page
from saliency_report.page.static import render_static
from saliency_report.record import Report
from test_reading import with_rules

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing", "node"]

REPORTS = {
    "realistic": records.realistic(),
    "methods": method_records.everything(),
    "evidence": evidence_records.realistic(),
    "failed": records.report(records.failed("only")),
}
DARK: dict[str, Any] = {"color_scheme": "dark"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}
# Every view: how the browser is set, and what the reader has chosen. With scripts charts are drawn; all folds are open.
VIEWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "light": ({}, {}),
    "dark, signed words": (DARK, {"aggregation": "sum"}),
    "phone, tokens, special shown": (PHONE, {"unit": "tokens", "special": True}),
    "dark phone, signed tokens, special shown": (
        DARK | PHONE,
        {"aggregation": "gradient_x_input", "unit": "tokens", "special": True},
    ),
    "without scripts": ({"scripts": False}, {}),
    "without scripts, dark phone": (DARK | PHONE | {"scripts": False}, {}),
}
# Each view of what every kind of example looks like; of the others those that differ most.
SEEN = [
    *(("realistic", view) for view in VIEWS),
    *((name, view) for name in ("methods", "evidence") for view in list(VIEWS)[::3] + list(VIEWS)[-1:]),
    ("failed", "dark, signed words"),
]
OPEN = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"
# All rules of every kind, but: what is no check but a reminder (hidden-content); what the contrast below does with the
# limits of this page; and two experimental ones: a large answer that is no heading looks like one to p-as-heading, and
# focus-order-semantics wants no focus on a group, which scrollable-region-focusable asks of a wide table.
AXE = """(more) => {
  const without = ["hidden-content", "color-contrast-enhanced", "p-as-heading", "focus-order-semantics", ...more];
  const rules = axe.getRules().map(({ ruleId }) => [ruleId, { enabled: !without.includes(ruleId) }]);
  const told = (results) => results.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  return axe.run(document, { rules: Object.fromEntries(rules) }).then(({ violations, incomplete, passes }) => ({
    violations: told(violations),
    open: told(incomplete.filter(({ id }) => id !== "color-contrast")),
    passes: passes.length,
  }));
}"""


def read(visit: Open, report: Report, options: dict[str, Any], choices: dict[str, Any]) -> Visit:
    """The page in a view, unfolded and every chart drawn."""
    page = visit(report, **options)
    page.ask(OPEN)
    if page.count(".controls:visible"):
        page.set(**choices)
        for chart in page.page.locator("figure.plot").all():
            chart.scroll_into_view_if_needed()
        page.until("document.querySelectorAll('.canvas:not(.drawn)').length", 0)
        page.ask("scrollTo(0, 0)")  # the switches on top cover nothing
    return page


@pytest.mark.parametrize(("name", "view"), SEEN)
def test_every_view_passes_axe_and_every_text_has_contrast(
    visit: Open, node_modules: Path, name: str, view: str
) -> None:
    page = read(visit, REPORTS[name], *VIEWS[view])
    assert page.count(".drawn") == (0 if "without" in view or name == "failed" else page.count("figure.plot"))
    check(page, node_modules, 20 if name == "failed" else 1000)


def check(page: Visit, node_modules: Path, texts: int, *without: str) -> None:
    """No rule of axe is broken, and so many texts have contrast."""
    page.ask((node_modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found = page.ask(AXE, without)
    assert found["violations"] == found["open"] == []
    assert found["passes"] > 20
    contrast = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
    seen = page.ask(contrast)
    assert seen["short"] == []
    assert seen["checked"] > texts


# Without charts, which the views above have: axe takes longer for them than for all else.
@pytest.mark.parametrize("options", [{}, DARK | PHONE], ids=["light", "dark phone"])
def test_a_list_that_is_searched_and_turned_passes_too(
    visit: Open, node_modules: Path, options: dict[str, Any]
) -> None:
    examples = [records.classification(f"n{number}", f"Film {number}.", expected=number % 2) for number in range(120)]
    page = visit(records.report(*examples), charts=False, **options)
    page.page.get_by_label("Search").fill('"11"')
    page.until("document.querySelectorAll('#cards > article').length", 1)
    page.ask(OPEN)
    check(page, node_modules, 50)
    page.page.get_by_label("Search").fill("no such word")
    page.until("document.querySelectorAll('#cards > article').length", 0)
    check(page, node_modules, 50)
    page.page.get_by_role("button", name="Show all").click()
    page.page.get_by_role("button", name="Next page").first.click()
    page.until("document.querySelector('#cards > article').id", "example-51")
    check(page, node_modules, 500)


@pytest.mark.parametrize("options", [{}, DARK | PHONE], ids=["light", "dark phone"])
def test_every_way_to_read_a_map_passes_too(visit: Open, node_modules: Path, options: dict[str, Any]) -> None:
    examples = [method_records.review("integrated_gradients"), method_records.review("smoothgrad")]
    examples += [method_records.choice("integrated_gradients"), records.classification("two", "It is bad. I left.")]
    page = visit(with_rules(method_records.report(*examples)), charts=False, **options)
    page.ask("all('article').forEach(wake)")
    page.ask(OPEN)  # More, the downloads and the tables among them
    for choices in (
        {"beside": "integrated_gradients"},
        {"method": "integrated_gradients", "beside": "gradient", "scale": "page"},
        {"method": "", "numbers": "share"},
    ):
        for name, value in choices.items():
            page.page.select_option(f"#{name}", value)
        page.ask("all('article').forEach(wake)")
        check(page, node_modules, 200)
    page.set(unit="sentences")
    page.ask("all('article').forEach(wake)")
    check(page, node_modules, 200)
    page.ask("dispatchEvent(new Event('beforeprint'))")
    page.page.emulate_media(media="print", color_scheme="light")
    check(page, node_modules, 200)
    page.page.emulate_media(media="screen", color_scheme=options.get("color_scheme"))
    page.ask("dispatchEvent(new Event('afterprint'))")
    check(page, node_modules, 200)


@pytest.mark.parametrize("name", ["realistic", "evidence"])
def test_the_page_without_script_and_style_passes_too(
    browser: Browser, node_modules: Path, tmp_path: Path, name: str
) -> None:
    from browsing import Visit

    path = tmp_path / "static.html"
    path.write_text(render_static(REPORTS[name]), encoding="utf-8")
    page = Visit(browser.new_page())
    page.page.goto(path.as_uri())
    page.ask(OPEN)
    # There is no style sheet to look for a lock in; and what carries a word's colour here is read as text: the role of
    # a formula is taken off it on purpose.
    check(page, node_modules, 1000, "css-orientation-lock", "aria-allowed-role")
    page.page.close()


def test_contrast_is_found_wanting_where_it_is(visit: Open) -> None:
    """The check sees plain text, layers, what a style sheet writes, and letters of a chart."""
    page = read(visit, REPORTS["realistic"], {}, {})
    contrast = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
    page.ask(
        "() => { const sheet = new CSSStyleSheet(); sheet.replaceSync(`"
        ".lead { color: #808080 } .kind { opacity: 0.5 } #example-1 .share { background: #ffff0080; color: #888 }"
        "#example-1 .text::after { content: 'x'; color: #eee } #example-1 .xtick text { fill: #999 !important }"
        "`); document.adoptedStyleSheets = [sheet]; }"
    )
    short = " ".join(page.ask(contrast)["short"])
    for css in ("lead", "kind", "share-says", "text"):
        assert f'class="{css}"' in short
    assert "<text" in short


@pytest.mark.parametrize("name", ["realistic", "methods", "evidence"])
def test_the_focus_is_seen_wherever_the_tabulator_leads(visit: Open, name: str) -> None:
    page = read(visit, REPORTS[name], {}, {})
    outline = (
        "(element) => { const style = getComputedStyle(element); "
        "return style.outlineStyle === 'none' ? '' : `${style.outlineWidth} ${style.outlineColor}`; }"
    )
    # A switch lies unseen under its label, which has the outline then.
    place = (
        "() => { const at = document.activeElement; const label = at.nextElementSibling; "
        f"const shown = at.matches('input[type=radio]') ? label : at; return at === document.body ? null : [({outline})"
        "(shown), at.tagName + ' ' + (at.id || at.className)]; }"
    )
    without = f"[...document.querySelectorAll('a, button, input, input + span, [tabindex]')].map({outline})"
    assert set(page.ask(without)) == {""}
    accent = page.ask("() => { const link = document.querySelector('nav a'); return getComputedStyle(link).color; }")
    seen = []
    while True:
        page.page.keyboard.press("Tab")
        at = page.ask(place)
        if at is None:
            break
        seen.append(at)
        assert len(seen) < 500
    assert [at for at in seen if at[0] != f"2px {accent}"] == []
    tags = {tag.split(" ")[0] for _, tag in seen}
    assert {"A", "INPUT", "SELECT", "SUMMARY", "DIV", "BUTTON"} <= tags


# What is off: blanks at the end of a line are the reader's own text, shown as it was written; a browser writes open=""
# where the template has open; and a word of running text that can be chosen cannot be an <input>.
VALID = {
    "root": True,
    "extends": ["html-validate:recommended", "html-validate:a11y"],
    "rules": {
        "no-trailing-whitespace": "off",
        "attribute-boolean-style": "off",
        "prefer-native-element": ["error", {"exclude": ["radio"]}],
    },
}
# Charts are Plotly's: it writes styles of its own there, in the head and in an element that it measures texts with.
PLOTLY = ".canvas > *, #js-plotly-tester, head > style ~ *, script"


def invalid(node_modules: Path, folder: Path) -> list[str]:
    """What html-validate says of the pages of a folder."""
    (folder / "rules.json").write_text(json.dumps(VALID), encoding="utf-8")
    program = node_modules / "html-validate" / "bin" / "html-validate.mjs"
    pages = sorted(map(str, folder.glob("*.html")))
    command = ["node", str(program), "--config", str(folder / "rules.json"), "--formatter", "json", *pages]
    found = folder / "found.json"
    with found.open("w", encoding="utf-8") as file:  # of a pipe it would leave the end unwritten
        done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, text=True, check=False)
    assert found.stat().st_size, done.stderr
    return [
        f"{Path(page['filePath']).name}:{message['line']}: {message['ruleId']}: {message['message']}"
        for page in json.loads(found.read_text(encoding="utf-8"))
        for message in page["messages"]
    ]


def test_html_is_valid_as_written_and_as_the_script_leaves_it(visit: Open, node_modules: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, report in REPORTS.items():
        (folder / f"{name}.html").write_text(render_page(report), encoding="utf-8")
        page = read(visit, report, {}, {})
        page.ask(f"document.querySelectorAll('{PLOTLY}').forEach((element) => element.remove())")
        html = page.ask("document.documentElement.outerHTML")
        (folder / f"{name}-scripted.html").write_text(f"<!DOCTYPE html>\n{html}", encoding="utf-8")
    assert invalid(node_modules, folder) == []


# Colours, sizes and edges without style are attributes and <font>, which HTML no longer has and browsers still read;
# a table's rows stand in it directly, as bytes count there.
UNSTYLED = r"no-deprecated-attr: |deprecated: <font>|prefer-tbody: |element-permitted-content: <font> "


def test_html_without_script_and_style_is_valid_but_for_what_it_needs(node_modules: Path, tmp_path: Path) -> None:
    # One example of a kind: html-validate takes more than a minute for all, of which it has thousands of things to say.
    evidence = evidence_records.realistic()
    for report in (
        REPORTS["failed"],
        evidence.model_copy(update={"examples": evidence.examples[-1:], "evidence": None}),
    ):
        (tmp_path / f"{report.examples[0].id}.html").write_text(render_static(report), encoding="utf-8")
    assert [line for line in invalid(node_modules, tmp_path) if not re.search(f":\\d+: ({UNSTYLED})", line)] == []


def test_invalid_html_is_found(node_modules: Path, tmp_path: Path) -> None:
    head = '<!DOCTYPE html><html lang="en"><head><title>t</title></head>'
    page = f'{head}<body><p style="color: red"><div></div></body></html>'
    (tmp_path / "bad.html").write_text(page, encoding="utf-8")
    rules = {line.split(": ")[1] for line in invalid(node_modules, tmp_path)}
    assert rules >= {"no-inline-style", "no-implicit-close"}
