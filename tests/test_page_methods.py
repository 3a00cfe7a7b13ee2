"""The page with maps of several methods: figures beside the gradient's, what is said of each, and old records."""

from __future__ import annotations

import json

import pytest

import method_records
import records
from records import measured
from saliency_report.page import render_page, text
from saliency_report.page.catalogue import NO_SHARE, Catalogue
from saliency_report.page.scores import scores
from saliency_report.page.view import view
from saliency_report.record import ExampleResult, from_json, to_json
from test_page import Element, data_of, example, tree, unscaled

REVIEW, STORY, CHOICE, SPAN, CHAT = range(1, 6)
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def root() -> Element:
    return tree(method_records.everything())


def card(result: ExampleResult) -> Element:
    return example(tree(method_records.report(result)), 1)


def others(article: Element) -> list[Element]:
    return list(article.one("div", "others").all("figure", "map"))


def text_of(figure: Element, css: str) -> list[str]:
    return [line.words() for line in figure.one("div", css).all("p")]


def test_every_other_method_has_a_figure_with_its_own_score_scale_and_correlation(root: Element) -> None:
    article = example(root, REVIEW)
    figures = others(article)
    titles = [figure.one("b", "map-title").text() for figure in figures]
    assert titles == list(method_records.TITLES.values())
    assert [figure.one("span", "score").text() for figure in figures] == [
        "Gradient norm (l2)",
        "Attribution",
        "Mean square of the gradient",
        "Variance of the gradient",
        "Drop",
        *["Attention"] * 2,
    ]
    result = method_records.everything().examples[0]
    for figure, map_ in zip(figures, result.maps[1:], strict=True):
        words = zip(next(iter(map_.word_scores.values())), result.encodings[0].words, strict=True)
        plain = measured([score for score, word in words if not word.special])
        assert figure.one("span", "high").text() == text.significant(max(map(abs, plain)))
        spans = [span for span in figure.one("p", "text").all("span", "w") if "special" not in span.classes]
        assert len(spans) == len(plain)
        assert sum(span.classes[-1][1:] == "8" for span in spans) >= 1
        assert map_.correlation is not None
        assert figure.one("span", "correlation").text() == f"ρ {text.correlation(map_.correlation)}"
    lows = [figure.one("span", "low").text() for figure in figures]
    assert [low.startswith("\N{MINUS SIGN}") for low in lows] == [False, True, False, False, True, False, False]
    assert article.one("div", "others").one("p", "hint").words() == (
        "Each has a scale and a unit of its own: compare which words are strong, not the numbers. "
        "ρ is the Spearman correlation of its words with those of the gradient map, signs left aside."
    )


def test_the_large_figures_are_the_gradient_alone_and_the_kind_is_theirs(root: Element) -> None:
    for number, kind, shown in (
        (REVIEW, "single", 1),
        (STORY, "sequence", 1),
        (CHOICE, "side", 4),
        (SPAN, "sequence", 1),
    ):
        article = example(root, number)
        assert article.classes == ["example", kind]
        assert len(list(article.one("div", "maps").all("figure", "map"))) == shown
    legend = next(p for p in example(root, CHOICE).all("p", "legend") if p.text().startswith("Gradient"))
    assert legend.words().startswith("Gradient Gradient norm (l2) 0")
    assert example(root, CHOICE).one("h4").words() == "The same answer by other methods: Paris"


def test_a_single_method_has_no_panel_no_buttons_and_no_groups() -> None:
    root = tree(method_records.report(records.classification("one", "Good.")))
    article = example(root, 1)
    assert not list(article.all("div", "others"))
    assert not list(root.all("optgroup"))
    assert not list(article.one("p", "legend").all("b", "map-title"))
    assert article.one("p", "legend").words().startswith("Gradient norm (l2) 0")
    assert "different units" not in root.text()


@pytest.mark.parametrize(
    ("verdict", "fact", "css", "note"),
    [
        (
            "pass",
            f"✓ adds up: Σ 3.21 of 3.22, off by 0.31{NBSP}%, 64 steps, baseline mean, 1 token kept.",
            "fact-right",
            [],
        ),
        (
            "warn",
            f"! adds up only roughly: Σ 3.12 of 3.22, off by 3.2{NBSP}%, 512 steps, baseline mean, 1 token kept. "
            "Read its numbers as rough shares.",
            "fact-warning",
            [
                f"Adds up only roughly Integrated gradients: Σ 3.12 of 3.22, off by 3.2{NBSP}%, 512 steps, "
                "baseline mean, 1 token kept. Read its numbers as rough shares."
            ],
        ),
        (
            "fail",
            f"✗ does not add up: Σ 2.83 of 3.22, off by 12{NBSP}%, 512 steps, baseline mean, 1 token kept. "
            "Do not read its numbers as shares.",
            "fact-danger",
            [
                f"Does not add up Integrated gradients: Σ 2.83 of 3.22, off by 12{NBSP}%, 512 steps, "
                "baseline mean, 1 token kept. Do not read its numbers as shares."
            ],
        ),
    ],
)
def test_completeness_is_said_below_the_map_and_a_failure_at_the_top_of_the_card(
    verdict: method_records.Verdict, fact: str, css: str, note: list[str]
) -> None:
    root = tree(method_records.report(method_records.review("integrated_gradients", verdict=verdict)))
    (figure,) = others(example(root, 1))
    (line,) = figure.one("div", "facts").all("p")
    assert line.words() == " ".join(fact.split())
    assert line.classes == [css]
    notes = list(example(root, 1).all("p", "note"))
    assert [n.words() for n in notes] == [" ".join(line.split()) for line in note]
    assert [n.classes for n in notes] == [["note", "danger" if verdict == "fail" else "warning"]] * len(note)
    marks = [mark.text() for mark in root.one("nav").all("b", "mark")]
    assert marks == ["✓ right", *{"pass": [], "warn": ["warning"], "fail": ["does not add up"]}[verdict]]


def test_equal_scores_of_text_and_baseline_have_no_share_to_be_off_by() -> None:
    result = method_records.review("integrated_gradients")
    even = method_records.completeness("fail", relative=None, baseline_score=4.0, delta=-0.25, total=-0.25, steps=1)
    ig = result.maps[1].model_copy(update={"completeness": even})
    (figure,) = others(card(result.model_copy(update={"maps": [result.maps[0], ig]})))
    assert text_of(figure, "facts") == [
        "✗ does not add up: Σ −0.250 of 0, off by 0.250, 1 step, baseline mean, 1 token kept. "
        "Do not read its numbers as shares."
    ]


@pytest.mark.parametrize(("verdict", "worst"), [("pass", 0.0), ("fail", NO_SHARE)])
def test_what_is_off_by_no_share_is_sorted_by_its_verdict(verdict: method_records.Verdict, worst: float) -> None:
    result = records.classification("equal", "Good.")
    of = method_records.completeness(verdict, relative=None)
    map_ = result.maps[0].model_copy(update={"completeness": of})
    report = records.report(result.model_copy(update={"maps": [map_]}))
    catalogue = Catalogue()
    catalogue.add(view(report, scores(report), 1, report.examples[0]))
    assert catalogue.gaps == [worst]


def test_a_baseline_of_a_given_text_is_quoted_and_cut() -> None:
    result = method_records.review("integrated_gradients")
    given = method_records.completeness(
        baseline="text", baseline_text="A film that\nneither pleased nor bored anyone at all."
    )
    ig = result.maps[1].model_copy(update={"completeness": given})
    (figure,) = others(card(result.model_copy(update={"maps": [result.maps[0], ig]})))
    assert text_of(figure, "facts") == [
        "✓ adds up: Σ 3.21 of 3.22, off by 0.31 %, 64 steps, baseline “A film that neither pleased nor bored a…”, "
        "1 token kept."
    ]


def test_nothing_of_a_hostile_map_becomes_markup() -> None:
    plain = {element.tag for element in tree(method_records.everything()).all()}
    for hostile in records.HOSTILE:
        result = method_records.review("integrated_gradients", verdict="fail")
        ig = result.maps[1].model_copy(
            update={
                "warnings": [hostile],
                "completeness": method_records.completeness("fail", baseline="text", baseline_text=hostile),
            }
        )
        methods = [
            method.model_copy(update={"title": hostile, "sentence": hostile}) for method in method_records.METHODS
        ]
        page = tree(method_records.report(result.model_copy(update={"maps": [result.maps[0], ig]}), methods=methods))
        assert {element.tag for element in page.all()} <= plain
        (figure,) = others(example(page, 1))
        assert figure.one("b", "map-title").text() == text.visible(hostile)
        facts = data_of(page, 1)["maps"][1]["facts"]
        assert facts[1] == ["warning", "Warning", text.visible(hostile)]


@pytest.mark.parametrize(
    ("number", "written"),
    [(0.873, "0.87"), (-0.2, "−0.20"), (1.0, "1.00"), (0.0, "0.00"), (-0.001, "0.00"), (-1.0, "−1.00")],
)
def test_correlations_have_two_decimals(number: float, written: str) -> None:
    assert text.correlation(number) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [(0.996, "0.996"), (-0.99996, "−0.99996"), (1 - 1e-15, "1.00"), (0.4961, "0.496"), (0.5, "0.50")],
)
def test_correlations_have_more_decimals_where_two_would_be_another_verdict(number: float, written: str) -> None:
    assert text.correlation(number) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.0, "0 %"),
        (3e-6, "less than 0.001 %"),
        (0.00031, "0.031 %"),
        (0.0031, "0.31 %"),
        (0.00996, "0.996 %"),
        (0.01, "1.0 %"),
        (0.0104, "1.04 %"),
        (0.05000001, "5.000001 %"),
        (0.12, "12 %"),
        (75.04, "7504 %"),
    ],
)
def test_small_and_large_shares_have_two_digits(share: float, written: str) -> None:
    assert text.fine_percent(share) == written.replace(" %", f"{NBSP}%")


def test_the_likeliest_tokens_of_a_span_are_those_of_its_last_place() -> None:
    result = method_records.span()
    target = result.maps[0].target
    last = target.model_copy(update={"alternatives": records.outcomes(["the", "a"])})
    shown = result.model_copy(update={"maps": [result.maps[0].model_copy(update={"target": last})]})
    assert card(shown).one("h4").text() == "Likeliest tokens in the last place"
    single = last.model_copy(update={"first": last.position})
    shown = result.model_copy(update={"maps": [result.maps[0].model_copy(update={"target": single})]})
    assert card(shown).one("h4").text() == "Likeliest tokens here"
    assert [g.text() for g in card(shown).one("p", "text").all("span", "g")] == ["the"]


def test_other_targets_that_do_not_add_up_are_counted_at_the_top(root: Element) -> None:
    assert [n.words() for n in example(root, STORY).all("p", "note")] == [
        "Adds up only roughly Integrated gradients: Σ 3.12 of 3.22, off by 3.2 %, 512 steps, baseline mean, "
        "1 token kept. Read its numbers as rough shares. It does not add up for 1 of the other 7 targets."
    ]
    elsewhere = card(method_records.choice("integrated_gradients", verdicts={0: "fail", 2: "fail"}))
    assert [(n.words(), n.classes) for n in elsewhere.all("p", "note")] == [
        (
            "Adds up here only Integrated gradients: It does not add up for 2 of the other 3 targets.",
            ["note", "warning"],
        )
    ]


def test_noise_and_warnings_of_a_map_are_said_below_it() -> None:
    result = method_records.review("smoothgrad")
    warned = result.maps[1].model_copy(update={"warnings": ["The samples scatter <widely>."]})
    (figure,) = others(card(result.model_copy(update={"maps": [result.maps[0], warned]})))
    assert text_of(figure, "facts") == [
        "25 samples, σ 0.05 of the range, seed 0.",
        "Warning The samples scatter <widely>.",
    ]


def test_tables_have_the_columns_of_their_method_and_standard_errors() -> None:
    result = method_records.review("smoothgrad", "integrated_gradients")
    tables = list(card(result).one("div", "tables").all("details", "numbers"))
    assert [table.one("summary").text() for table in tables] == [
        "Numbers of Gradient",
        "Numbers of SmoothGrad",
        "Numbers of Integrated gradients",
    ]
    heads = [[cell.text() for cell in table.one("thead").all("th")] for table in tables]
    titles = {aggregation.name: aggregation.title for aggregation in method_records.AGGREGATIONS}
    assert heads[2] == ["Text", titles["attribution"]]
    assert heads[0] == heads[1] == ["Text", titles["l2"]]
    rows = [[cell.text() for cell in row.all("td")] for row in tables[1].one("tbody").all("tr")]
    smooth = result.maps[1]
    assert smooth.noise is not None
    value, error = measured(smooth.word_scores["l2"])[1], measured(smooth.noise.word_standard_errors["l2"])[1]
    assert rows[1][1] == f"{text.significant(value)} ± {text.significant(error, 2)}"
    assert " ± " not in tables[0].text()
    assert " ± " not in tables[2].one("tbody").text()
    assert tables[1].one("caption").words() == (
        "NEGATIVE, by SmoothGrad: words, and the tokens inside them; ± is the standard error over the samples"
    )


def test_maps_of_another_unit_have_a_scale_of_their_own() -> None:
    """A probability has gradients ten thousand times smaller than a logit: on one scale it would look empty."""
    result = records.multiple_choice("paris", contrast=True, **records.PARIS)
    *logits, joint = result.maps
    tiny = {name: [1e-5 * score for score in measured(scores)] for name, scores in joint.word_scores.items()}
    target = joint.target.model_copy(update={"quantity": "probability difference"})
    joint = joint.model_copy(update={"word_scores": tiny, "target": target})
    article = card(result.model_copy(update={"maps": [*logits, joint], "headline": len(logits)}))
    figures = list(article.one("div", "maps").all("figure", "map"))
    classes = {name for figure in figures[-1:] for span in figure.all("span", "w") for name in span.classes}
    assert "s8" in classes
    highs = [[high.text() for high in figure.all("span", "high")] for figure in figures]
    free = [score for score, word in zip(tiny["l2"], result.encodings[-1].words, strict=True) if not word.special]
    assert highs == [*[[]] * 4, [text.significant(text.rounded(max(free)))]]
    legend = next(p for p in article.all("p", "legend") if list(p.all("span", "scope")))
    assert legend.one("span", "scope").text() == "one scale for all maps that show none"
    same = card(records.multiple_choice("paris", contrast=True, **records.PARIS))
    assert same.one("p", "legend").one("span", "scope").text() == "one scale for all maps of this example"


def test_what_a_method_does_not_measure_has_no_number() -> None:
    article = card(method_records.review("occlusion"))
    (figure,) = others(article)
    chips = list(figure.all("span", "chip"))
    assert [(chip.text(), chip.classes) for chip in chips] == [
        ("[CLS]", ["w", "chip", "special"]),
        ("[SEP]", ["w", "chip", "special"]),
    ]
    *_, table = article.one("div", "tables").all("details", "numbers")
    cells = [[cell.text() for cell in row.all("td")] for row in table.one("tbody").all("tr")]
    assert cells[0] == ["[CLS]", ""]
    assert cells[-1] == ["[SEP]", ""]
    assert all(score for _, score in cells[1:-1])
    only = method_records.review("occlusion")
    article = card(only.model_copy(update={"headline": 1}))
    assert article.one("p", "share").words() == (
        "Special tokens such as [CLS] or <s> stay in the text and have no number in this map."
    )


def test_scores_are_grouped_by_the_methods_that_have_them(root: Element) -> None:
    groups = {g.attributes["label"]: [o.attributes["value"] for o in g.all("option")] for g in root.all("optgroup")}
    assert groups == {
        "Gradient, SmoothGrad": method_records.OF_GRADIENT,
        "Integrated gradients": ["attribution", "attribution_l2"],
        "SmoothGrad squared": ["mean_square"],
        "VarGrad": ["variance"],
        "Occlusion": ["drop"],
        "Attention rollout, Gradient × attention": ["attention"],
    }


def test_only_what_occurs_is_listed_and_explained() -> None:
    root = tree(method_records.report(method_records.review("integrated_gradients")))
    assert [o.attributes["value"] for o in root.one("select").all("option")] == [
        *method_records.OF_GRADIENT,
        *("attribution", "attribution_l2"),
    ]
    about = next(s for s in root.all("section") if s.attributes.get("id") == "meaning")
    assert [h.text() for h in about.all("h3")] == [
        *("Gradient", "Integrated gradients", "From one number a coordinate to one number a token", "With care")
    ]
    assert "formula of integrated_gradients" in about.text()
    assert len(list(about.one("dl").all("dt"))) == 8
    assert (
        "Scores of different methods have different units: compare which words they rank high, not the numbers."
        in about.words()
    )


def test_a_span_is_outlined_as_a_whole_and_has_neither_stepper_nor_matrix(root: Element) -> None:
    article = example(root, SPAN)
    flow = article.one("p", "text")
    assert [g.text() for g in flow.all("span", "g")] == ["Paris", ",", "the"]
    assert article.one("p", "segment-name").text() == (
        "Prompt, then continuation, given. The outlined tokens are explained together, as one number."
    )
    assert article.one("p", "target").text() == "Explained: log_prob of “Paris, the” minus that of “London, the”."
    assert not list(article.all("div", "stepper"))
    assert not list(article.all("table", "matrix"))
    assert [plot.attributes["data-chart"] for plot in article.all("figure", "plot")] == ["bars"]
    assert not list(article.all("ul", "chances"))


def test_in_the_figures_of_others_only_the_explained_token_is_outlined(root: Element) -> None:
    assert [[g.text() for g in figure.all("span", "g")] for figure in others(example(root, STORY))] == [["mat"]] * 2


def test_chat_template_text_is_named_and_not_previewed(root: Element) -> None:
    article = example(root, CHAT)
    assert article.one("p", "segment-name").text() == (
        "Prompt, then continuation, given. The outlined tokens are explained together, as one number. "
        "Small letters are the model’s chat template."
    )
    segments = [
        span.attributes["data-segment"]
        for span in article.one("p", "text").all("span")
        if "data-segment" in span.attributes
    ]
    assert segments == ["template", "prompt", "template", "continuation"]
    assert [row.one("span", "preview").text() for row in root.one("nav").all("li")][4] == "Where is the Louvre?"


def test_island_has_targets_errors_and_facts_of_every_map() -> None:
    result = method_records.choice("integrated_gradients", "smoothgrad", verdicts={3: "fail"})
    data = data_of(tree(method_records.report(result)), 1)
    assert data["targets"] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert data["headline"] == 3
    assert data["figures"] == [0, 3, 6, 9, 5, 4]  # the others in the order of the report's methods
    assert data["kind"] == "side"
    assert [kind for kind, _, _ in data["maps"][10]["facts"]] == ["danger"]
    noise = result.maps[2].noise
    assert noise is not None
    errors = measured(noise.word_standard_errors["l2"])
    assert unscaled(data["maps"][2]["errors"]["l2"])[: len(errors)] == [text.rounded(e, 2) for e in errors]
    assert "errors" not in data["maps"][1]


def test_a_map_of_another_method_weighs_a_few_kilobytes() -> None:
    page = len(render_page(method_records.report(method_records.review("occlusion"))).encode())
    more = len(render_page(method_records.report(method_records.review("occlusion", "attention_rollout"))).encode())
    assert more - page < 7_000


def test_a_method_that_only_another_target_has_waits_hidden() -> None:
    result = method_records.choice()
    rome = method_records.map_by("occlusion", result.maps[3])
    article = card(result.model_copy(update={"maps": [*result.maps, rome]}))
    (figure,) = others(article)
    assert figure.attributes["data-map"] == "4"
    assert "hidden" in figure.attributes
    assert [("hidden" in d.attributes) for d in article.all("details", "numbers")] == [False] * 4 + [True]


def old_record() -> str:
    """A record of version 1, which has none of the later keys."""
    data = json.loads(to_json(records.report(*records.realistic().examples[:3])))
    data["schema_version"] = 1
    del data["evidence"]
    for method in data["methods"]:
        del method["scores"]
    for result in data["examples"]:
        del result["evidence"]
        for map_ in result["maps"]:
            for key in ("correlation", "completeness", "noise", "plausibility", "warnings"):
                del map_[key]
            for key in ("first", "foil_index"):
                del map_["target"][key]
    return json.dumps(data)


def test_a_record_of_version_1_renders_as_it_did() -> None:
    old = from_json(old_record(), "report.json")
    assert old.schema_version == 1
    now = records.report(*records.realistic().examples[:3])
    page = render_page(now, charts=False)  # with charts they carry their records
    # What version 1 did not do yet.
    assert render_page(old, charts=False) == page.replace(", twice as many where all rows have nearly one length", "")
    root = tree(old)
    assert [o.attributes["value"] for o in root.one("select").all("option")] == [a.name for a in records.AGGREGATIONS]
    assert len(list(example(root, 3).all("figure", "map"))) == 5
