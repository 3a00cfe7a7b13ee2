"""The charts of the evidence in Chromium: curves and layers from the record, their switches, themes, phone, print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import evidence_records
import method_records
import records
from saliency_report.page import colour, text
from saliency_report.record import Evidence, ExampleResult, Report
from test_evidence_page import faith_of

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing"]

CURVES = "#example-{} [data-curve={}] .canvas"
LAYERS = "#example-1 [data-chart=layers] .canvas"


@pytest.fixture(scope="module")
def report() -> Report:
    return evidence_records.realistic()


def proof_of(result: ExampleResult) -> Evidence:
    assert result.evidence is not None
    return result.evidence


def draw(page: Visit, canvas: str) -> None:
    page.page.locator(canvas).scroll_into_view_if_needed()
    page.until(f"document.querySelector('{canvas}').classList.contains('drawn')")


def fold(page: Visit, number: int, open_: bool = True) -> None:
    page.ask(
        "([number, open]) => document.querySelectorAll(`#example-${number} .evidence details`)"
        ".forEach((d) => { d.open = open; })",
        [number, open_],
    )


def traces(page: Visit, canvas: str) -> dict[str, dict[str, Any]]:
    """Each line of a chart by its name."""
    found: list[dict[str, Any]] = page.ask(
        f"document.querySelector('{canvas}').data.map(({{name, x, y, fill, line}}) => "
        "({name, x: [...x], y: [...y], fill: fill ?? null, dash: line.dash ?? null, width: line.width}))"
    )
    return {trace["name"]: trace for trace in found}


@pytest.mark.parametrize("kind", ["deletion", "insertion"])
def test_curves_and_band_have_the_values_of_the_record(visit: Open, report: Report, kind: str) -> None:
    page = visit(report)
    canvas = CURVES.format(1, kind)
    draw(page, canvas)
    test = faith_of(report.examples[0])
    found = traces(page, canvas)
    shown = [r for r in test.rankings if r.name in ("gradient", "gradient_x_input", "smoothgrad", "leave_one_out")]
    assert list(found) == [
        *("5th percentile of random orders", "95th percentile of random orders", "Mean of random orders"),
        *(ranking.title for ranking in reversed(shown)),
    ]
    for ranking in shown:
        assert found[ranking.title]["y"] == text.all_rounded(getattr(ranking, kind))
    shares = [100 * words / test.grid[-1] for words in test.grid]
    assert all(trace["x"] == pytest.approx(shares) for trace in found.values())
    low, high, mean = list(found.values())[:3]
    assert low["y"] == text.all_rounded(getattr(test.random, f"{kind}_low"))
    assert high["y"] == text.all_rounded(getattr(test.random, f"{kind}_high"))
    assert mean["y"] == text.all_rounded(getattr(test.random, f"{kind}_mean"))
    assert [low["fill"], high["fill"], mean["fill"]] == [None, "tonexty", None]
    assert found["Leaving one word out"]["dash"] == "dash"
    assert found["Gradient"]["width"] == max(trace["width"] for trace in found.values())
    titles = page.ask(
        f"(({{layout}}) => [layout.xaxis.title.text, layout.yaxis.title.text])(document.querySelector('{canvas}'))"
    )
    assert titles == [f"share of words {'removed' if kind == 'deletion' else 'kept'}", "logit of NEGATIVE"]


def test_an_axis_makes_room_on_its_own_side_alone(visit: Open, report: Report) -> None:
    """Where both axes push all margins, Plotly can go round in circles, and says so on the console."""
    page = visit(report)
    fold(page, 1)
    for figure in page.page.locator("#example-1 figure.plot").all():
        figure.scroll_into_view_if_needed()
    page.until("document.querySelectorAll('#example-1 .canvas:not(.drawn)').length", 0)
    sides = page.ask(
        "[...document.querySelectorAll('#example-1 .canvas')]"
        ".map(({_fullLayout: l}) => [l.xaxis.automargin, l.yaxis.automargin])"
    )
    assert sides == [["height", "width"]] * 4


def test_a_reader_chooses_which_curves_are_drawn(visit: Open, report: Report) -> None:
    page = visit(report)
    canvases = [CURVES.format(1, kind) for kind in ("deletion", "insertion")]
    for canvas in canvases:
        draw(page, canvas)
    box = page.page.locator("#example-1 .faithfulness").get_by_label("Occlusion")
    box.focus()
    page.page.keyboard.press("Space")
    page.page.locator("#example-1 .faithfulness").get_by_label("SmoothGrad", exact=True).uncheck()
    occlusion = next(r for r in faith_of(report.examples[0]).rankings if r.name == "occlusion")
    for canvas, curve in zip(canvases, (occlusion.deletion, occlusion.insertion), strict=True):
        names = "document.querySelector('{}').data.map((trace) => trace.name)"
        page.until(
            names.format(canvas),
            [
                *("5th percentile of random orders", "95th percentile of random orders", "Mean of random orders"),
                *("Leaving one word out", "Occlusion", "gradient × input", "Gradient"),
            ],
        )
        assert traces(page, canvas)["Occlusion"]["y"] == text.all_rounded(curve)


def test_a_curve_says_its_numbers_under_the_pointer(visit: Open, report: Report) -> None:
    page = visit(report)
    canvas = CURVES.format(1, "deletion")
    draw(page, canvas)
    gradient = faith_of(report.examples[0]).rankings[0]
    texts = page.ask(f"document.querySelector('{canvas}').data.at(-1).text")
    assert texts[3] == f"Gradient<br>3 of 13 words removed: {text.significant(text.rounded(gradient.deletion[3]))}"


def test_legend_shows_the_colours_of_the_lines(visit: Open, report: Report) -> None:
    page = visit(report)
    canvas = CURVES.format(1, "deletion")
    draw(page, canvas)
    swatches = page.ask(
        "[...document.querySelectorAll('#example-1 .key:has(:checked) .swatch')]"
        ".map((e) => getComputedStyle(e).borderTopColor)"
    )
    lines = page.ask(
        f"[...document.querySelectorAll('{canvas} .scatterlayer .js-line')].map((e) => getComputedStyle(e).stroke)"
    )
    assert lines[-4:] == swatches[::-1]
    assert len(set(swatches)) == 4


def rows(page: Visit) -> list[list[float]]:
    found: list[list[float]] = page.ask(f"document.querySelector('{LAYERS}').data[0].z.map((row) => [...row])")
    return found


def test_layers_are_drawn_when_unfolded_each_on_its_own_scale(visit: Open, report: Report) -> None:
    page = visit(report)
    page.page.locator("#example-1 .layers summary").first.click()
    draw(page, LAYERS)
    layers = proof_of(report.examples[0]).layers
    assert layers is not None
    norms, activations = ([*map(records.measured, of)] for of in (layers.gradient_norm, layers.gradient_x_activation))
    tokens = report.examples[0].encodings[0].tokens
    assert not [token for token in tokens[1:-1] if token.special]

    def scaled(values: list[list[float]]) -> list[list[float]]:
        shown = [[text.rounded(value) for value in row[1:-1]] for row in values]
        return [[value / max(map(abs, row)) for value in row] for row in shown]

    for found, row in zip(rows(page), scaled(norms), strict=True):
        assert found == pytest.approx(row)
    ends = f"document.querySelector('{LAYERS}').layout.annotations.map((a) => a.text)"
    assert page.ask(ends) == [text.significant(text.rounded(max(row[1:-1]))) for row in norms]
    assert page.ticks(1, "y", "layers") == ["embeddings", "layer 1", "layer 2", "layer 3", "layer 4"]
    assert page.ticks(1, "x", "layers")[:4] == ["This", "movie", "was", "incr"]
    assert page.ask(f"document.querySelector('{LAYERS}').layout.yaxis.range") == [-0.5, 4.5]  # embeddings at the bottom

    page.page.locator("#example-1 .layers label", has_text="activation").click()
    page.until(f"document.querySelector('{LAYERS}').data[0].zmin", -1)
    for found, row in zip(rows(page), scaled(activations), strict=True):
        assert found == pytest.approx(row)
    hover = page.ask(f"document.querySelector('{LAYERS}').data[0].text[2][3]")
    activation = text.significant(text.rounded(activations[2][4]))
    assert hover == f"incr, layer 2<br>gradient × activation: {activation}"

    page.set(special=True)
    page.until(f"document.querySelector('{LAYERS}').data[0].x.length", len(tokens))
    largest = [max(map(abs, row)) for row in activations]
    assert page.ask(ends) == [text.significant(text.rounded(value)) for value in largest]


def test_a_switch_of_one_example_leaves_the_others_alone(visit: Open) -> None:
    page = visit(method_records.report(*(evidence_records.everything(id, methods=False) for id in "ab")))
    for number in (1, 2):
        page.page.locator(f"#example-{number} .layers summary").first.click()
        draw(page, LAYERS.replace("-1", f"-{number}"))
    page.page.locator("#example-1 .layers label", has_text="activation").click()
    page.until(f"document.querySelector('{LAYERS}').data[0].zmin", -1)
    assert page.ask("document.querySelector('#example-2 [data-chart=layers] .canvas').data[0].zmin") == 0
    assert page.page.locator("#example-2 .layers input[value=norm]").is_checked()


def test_without_scripts_verdicts_and_tables_can_be_read(visit: Open, report: Report) -> None:
    page = visit(report, java_script_enabled=False).page
    card = page.locator("#example-1")
    for sentence in (
        "✓ More faithful than random. With all words F, the logit of NEGATIVE, is",
        "With all weights random the map becomes another (ρ 0.08)",
        "4 of 6 predicted signs hold in a real forward pass.",
    ):
        assert sentence in card.inner_text()
    assert card.locator(".keys, .switch").first.is_hidden()
    assert [line.is_visible() for line in card.locator(".layers summary").all()] == [False, True]
    for name, rows_ in (("faithfulness", 12), ("randomisation", 6), ("agreement", 9), ("direction", 7), ("layers", 17)):
        for summary in card.locator(f".{name} summary").all():
            if summary.is_visible():
                summary.click()
        table = card.locator(f".{name} table").first
        assert table.is_visible()
        assert table.locator("tr").count() == rows_
    page.locator(".run-evidence summary").first.click()
    assert page.locator(".run-evidence table").is_visible()


def test_dark_theme_reaches_the_evidence_while_the_page_is_open(visit: Open, report: Report) -> None:
    page = visit(report, color_scheme="light")
    canvas = CURVES.format(1, "deletion")
    draw(page, canvas)
    paper = f"document.querySelector('{canvas}').layout.paper_bgcolor"
    good = "getComputedStyle(document.querySelector('#example-1 .finding.good b')).color"
    assert [page.ask(paper), page.ask(good)] == ["#ffffff", "rgb(26, 107, 60)"]
    page.page.emulate_media(color_scheme="dark")
    page.until(paper, colour.DARK.paper)
    assert page.ask(good) == "rgb(127, 209, 160)"
    shade = "getComputedStyle(document.querySelector('#example-1 .agreement td[class]')).color"
    ink = colour.DARK.ink
    assert page.ask(shade) == f"rgb({', '.join(str(int(ink[i : i + 2], 16)) for i in (1, 3, 5))})"


@pytest.mark.parametrize("width", [375, 768])
def test_no_width_makes_the_page_scroll_sideways(visit: Open, report: Report, width: int) -> None:
    page = visit(report, viewport={"width": width, "height": 800})
    for number in (1, 4):
        fold(page, number)
        draw(page, CURVES.format(number, "deletion"))
        draw(page, CURVES.format(number, "insertion"))
    draw(page, LAYERS)
    page.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.ask("document.documentElement.scrollWidth") <= width


def test_print_from_the_dark_theme_has_light_charts_and_open_tables(visit: Open, report: Report) -> None:
    page = visit(report, color_scheme="dark")
    draw(page, CURVES.format(1, "deletion"))
    page.page.emulate_media(media="print")
    papers = page.ask(
        "[...document.querySelectorAll('#example-1 [data-curve=deletion] .main-svg')]"
        ".map((e) => getComputedStyle(e).backgroundColor)"
    )
    assert len(papers) > 1
    assert papers == ["rgb(255, 255, 255)"] + ["rgba(0, 0, 0, 0)"] * (len(papers) - 1)
    legend = [key.inner_text().strip() for key in page.page.locator("#example-1 .key").all() if key.is_visible()]
    assert legend == [
        *("Gradient", "gradient × input", "SmoothGrad", "Leaving one word out"),
        "Random orders: their mean, and the range of 90\N{NO-BREAK SPACE}% of them",
    ]
    assert page.page.locator("#example-1 .key input").first.is_hidden()
    assert page.page.locator("#example-1 .faithfulness table").first.is_visible()


def test_hostile_names_are_inert_in_the_charts(visit: Open) -> None:
    result = evidence_records.everything(methods=False)
    proof = proof_of(result)
    nasty = records.HOSTILE[2]
    test = faith_of(result)
    assert proof.layers is not None
    titled = [ranking.model_copy(update={"title": nasty}) for ranking in test.rankings]
    changes = {
        "faithfulness": test.model_copy(update={"rankings": titled}),
        "layers": proof.layers.model_copy(update={"names": [nasty, *proof.layers.names[1:]]}),
    }
    map_ = result.maps[0]
    aim = map_.target.model_copy(update={"label": nasty})
    result = result.model_copy(
        update={"maps": [map_.model_copy(update={"target": aim})], "evidence": proof.model_copy(update=changes)}
    )
    page = visit(method_records.report(result))
    canvas = CURVES.format(1, "deletion")
    draw(page, canvas)
    fold(page, 1)
    draw(page, LAYERS)
    page.page.locator(f"{canvas} .nsewdrag").hover(position={"x": 40, "y": 40})
    assert page.count("#example-1 .evidence img") == 0
    assert page.page.locator(f"{canvas} .ytitle").text_content() == f"logit of {nasty}"[:31] + "…"
    assert page.ticks(1, "y", "layers")[0] == nasty[:15] + "…"


def test_one_example_among_many_draws_only_what_is_near(visit: Open) -> None:
    page = visit(method_records.report(*(evidence_records.everything(str(i), methods=False) for i in range(12))))
    draw(page, CURVES.format(1, "insertion"))
    assert page.count("#example-1 [data-curve] .canvas.drawn") == 2
    assert page.count("#example-12 .canvas.drawn") == 0
    assert page.count("[data-chart=layers] .canvas.drawn") == 0
