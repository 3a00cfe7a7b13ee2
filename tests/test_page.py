"""The page as text: what it says, what it leaves out, and that nothing in a record can become markup."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import evidence_records
import records
from records import measured
from saliency_report.page import colour, environment, render_page, text
from saliency_report.page.island import scaled
from saliency_report.page.overview import parameters
from saliency_report.page.spans import runs_by_segment
from saliency_report.page.static import render_static
from saliency_report.record import Report, Segment, from_json, to_json

ROOT = Path(__file__).resolve().parent.parent
NBSP = "\N{NO-BREAK SPACE}"
VOID = {"meta", "input", "br", "wbr", "hr", "img"}


@dataclass
class Element:
    """An element with its attributes, its children and its text."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def all(self, tag: str = "", css: str = "") -> Iterator[Element]:
        for child in self.children:
            if isinstance(child, Element):
                if child.tag in (tag, tag or child.tag) and css in ("", *child.classes):
                    yield child
                yield from child.all(tag, css)

    def one(self, tag: str = "", css: str = "") -> Element:
        return next(self.all(tag, css))

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def text(self, *without: str) -> str:
        return "".join(
            child if isinstance(child, str) else child.text(*without)
            for child in self.children
            if isinstance(child, str) or not set(without) & set(child.classes)
        )

    def words(self) -> str:
        """The text with blanks joined, as a reader sees it."""
        return " ".join(self.text().split())


class Tree(HTMLParser):
    """The elements of a page; fails on an end tag that closes nothing."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.feed(page)
        self.close()
        assert self.open == [self.root], f"left open: {[e.tag for e in self.open[1:]]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"an attribute twice on <{tag}>"
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def tree(report: Report) -> Element:
    return Tree(render_page(report)).root


@pytest.fixture(scope="module")
def realistic() -> Report:
    return records.realistic()


@pytest.fixture(scope="module")
def root(realistic: Report) -> Element:
    return tree(realistic)


def unpacked(script: Element) -> Any:
    """What an island of the page holds."""
    held = script.text()
    plain = script.attributes["type"] == "application/json"
    return json.loads(held if plain else gzip.decompress(base64.b64decode(held)))


def data_of(root: Element, number: int) -> Any:
    """What the script knows of an example."""
    packs = [unpacked(script) for script in root.all("script", "pack")]
    return [data for pack in packs for data in pack["data"]][number - 1]


def unscaled(numbers: tuple[int, list[float | str | None]]) -> list[float | None]:
    """Numbers as the script reads them."""
    power, factors = numbers
    return [None if f is None else float(f if isinstance(f, str) else f"{f}e{power}") for f in factors]


def rows_of(table: Element) -> list[list[str]]:
    return [[cell.text() for cell in row.all() if cell.tag in ("td", "th")] for row in table.all("tr")]


def example(root: Element, number: int) -> Element:
    return next(a for a in root.all("article") if a.attributes["id"] == f"example-{number}")


def test_text_is_shown_character_by_character(root: Element, realistic: Report) -> None:
    shown = 0
    for number, result in enumerate(realistic.examples, 1):
        for figure in example(root, number).all("figure", "map"):
            map_ = result.maps[int(figure.attributes["data-map"])]
            parts = [e for e in figure.all() if "data-segment" in e.attributes]
            segments = result.encodings[map_.encoding].segments
            assert [part.text("chip") for part in parts] == [text.visible(s.text) for s in segments]
            shown += len(parts)
    assert shown > 20


def test_policy_admits_the_scripts_of_the_page_by_hash_and_nothing_else(root: Element) -> None:
    policy = next(m for m in root.all("meta") if "http-equiv" in m.attributes).attributes["content"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    loader = next(s for s in root.all("script") if "type" not in s.attributes).text()
    script, plotly = (
        gzip.decompress(base64.b64decode(next(s for s in root.all("script") if s.attributes.get("id") == name).text()))
        for name in ("script", "plotly")
    )
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == [
        f"'sha256-{base64.b64encode(hashlib.sha256(code).digest()).decode()}'"
        for code in (loader.encode(), script, plotly)
    ]
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    style = root.one("style").text()
    assert (
        rules["style-src"].split()[0]
        == f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
    )
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy


def test_links_lead_somewhere_and_ids_are_unique(root: Element) -> None:
    ids = [e.attributes["id"] for e in root.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    links = [e.attributes["href"] for e in root.all("a")]
    assert len(links) > 20
    views = {link for link in links if "=" in link}
    pair = r"(?:q|label|model|expected|show)=[^=&#\s]+"
    assert all(re.fullmatch(f"#{pair}(?:&{pair})*", view) for view in views)
    assert {link.removeprefix("#") for link in links if link not in views} <= set(ids)
    named = " ".join(e.attributes.get("aria-labelledby", "") for e in root.all()).split()
    assert set(named) <= set(ids)


def test_page_names_no_other_place(realistic: Report) -> None:
    page = re.sub(r'<script type="text/plain".*?</script>', "", render_page(realistic), flags=re.DOTALL)
    page = page.replace("http://www.w3.org/2000/svg", "")  # the name of a format, which nothing asks for
    assert not re.findall(r"(?:https?:)?//\w+\.\w+", page)
    assert "url(" not in page
    assert "@import" not in page
    assert str(ROOT) not in page
    assert str(Path.home()) not in page


def test_same_report_gives_the_same_bytes_even_through_json(realistic: Report) -> None:
    page = render_page(realistic)
    assert render_page(records.realistic()) == page
    assert render_page(from_json(to_json(realistic), "report.json")) == page


def test_templates_without_their_indents_say_the_same(realistic: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def pages() -> list[str]:
        drawn = [draw(evidence_records.realistic()) + draw(realistic) for draw in (render_page, render_static)]
        return [re.sub(r"\s+", " ", re.sub(r"(?s)<(script|style).*?</\1>", "", page)) for page in drawn]

    lean = pages()
    monkeypatch.setattr(environment._Lean, "preprocess", lambda self, source, name, filename=None: source)
    assert pages() == lean


def test_page_renders_where_torch_and_transformers_are_missing(realistic: Report, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(to_json(realistic), encoding="utf-8")
    program = (
        "import sys, hashlib, pathlib\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from saliency_report.page import render_page\n"
        "from saliency_report.record import from_json\n"
        "page = render_page(from_json(pathlib.Path(sys.argv[1]).read_text('utf-8'), 'report.json'))\n"
        "print(hashlib.sha256(page.encode()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "report.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == hashlib.sha256(render_page(realistic).encode()).hexdigest()


def test_strongest_word_has_the_strongest_colour_and_classes_follow_the_scores(
    root: Element, realistic: Report
) -> None:
    spans = [s for s in example(root, 1).one("p", "text").all("span", "w") if "special" not in s.classes]
    classes = {span.text(): next(c for c in span.classes if re.fullmatch(r"s\d", c)) for span in spans}
    assert classes["bad"] == "s8"
    l2 = measured(realistic.examples[0].maps[0].word_scores["l2"])
    scores = l2[1:-1]  # without [CLS] and [SEP]
    steps = [int(next(c for c in s.classes if re.fullmatch(r"s\d", c))[1]) for s in spans]
    order = sorted(range(len(spans)), key=scores.__getitem__)
    assert [steps[i] for i in order] == sorted(steps)
    rows = rows_of(example(root, 1).one("table"))
    assert [",", text.significant(l2[6])] in rows
    legend = example(root, 1).one("p", "legend")
    assert legend.one("span", "low").text() == "0"
    assert legend.one("span", "high").text() == text.significant(max(l2))


def test_special_tokens_are_chips_without_colour_and_their_share_is_stated() -> None:
    first = records.classification("one", "Good.")
    map_ = first.maps[0].model_copy(update={"special_share": 0.3149})
    article = example(tree(records.report(first.model_copy(update={"maps": [map_]}))), 1)
    chips = list(article.all("span", "chip"))
    assert [chip.text() for chip in chips] == ["[CLS]", "[SEP]"]
    assert [chip.classes for chip in chips] == [["w", "chip", "special"]] * 2
    assert article.one("p", "share").words() == (
        "Special tokens such as [CLS] or <s> carry 31 % of the summed Gradient norm (l2) of this map; "
        "the colours leave them out."
    )


def test_without_special_tokens_no_share_is_stated() -> None:
    result = records.classification("one", "Good.")
    encoding = result.encodings[0]
    plain = encoding.model_copy(
        update={
            "tokens": [replace(t, special=False) for t in encoding.tokens],
            "words": [replace(w, special=False) for w in encoding.words],
        }
    )
    article = example(tree(records.report(result.model_copy(update={"encodings": [plain]}))), 1)
    assert not list(article.all("p", "share"))
    assert all("special" not in chip.classes for chip in article.all("span", "chip"))


@pytest.mark.parametrize(
    ("number", "written"),
    [(0.869, "= 0.869"), (1.0, "> 0.999"), (0.99996, "> 0.999"), (4e-7, "= 4.00e\N{MINUS SIGN}7")],
)
def test_a_probability_is_never_stated_as_a_certainty_that_it_is_not(number: float, written: str) -> None:
    assert text.probability_stated(number) == written


def test_chosen_choice_is_marked_and_every_map_shares_one_scale(root: Element, realistic: Report) -> None:
    article = example(root, 3)
    titles = [f.one("b", "map-title").text() for f in article.all("figure", "map")]
    assert titles == ["London", "Paris", "Berlin", "Rome", "Paris minus Berlin"]
    captions = [f.one("figcaption").words() for f in article.all("figure", "map")]
    assert captions[1] == "Paris chosen expected logit 4.00, p = 0.869"
    assert captions[0] == "London logit 0, p = 0.016"
    assert captions[4] == "Paris minus Berlin logit difference 2.50"
    result = realistic.examples[2]
    largest = max(
        score
        for map_ in result.maps
        for word, score in zip(result.encodings[map_.encoding].words, measured(map_.word_scores["l2"]), strict=True)
        if not word.special
    )
    assert [e.text() for e in article.all("span", "high")] == [text.significant(largest)]


def test_generated_tokens_are_outlined_and_later_positions_have_no_number(root: Element, realistic: Report) -> None:
    article = example(root, 2)
    flow = article.one("p", "text")
    assert [g.text() for g in flow.all("span", "g")] == [
        *("mat", "and", "looked", "extr", "aord", "inarily", "pleased", ".")
    ]
    coloured = {span.text() for span in flow.all("span", "w") if re.search(r"\bs\d", " ".join(span.classes))}
    assert coloured == {"The", "cat", "sat", "on", "the"}
    numbered = dict(rows_of(article.one("table")))
    assert numbered["mat"] == numbered["pleased"] == ""
    rows = [
        [cell.text() for cell in row.all() if cell.tag in ("td", "th")]
        for row in article.one("table", "matrix").all("tr")
    ]
    assert rows[0][:4] == ["Explained", "p", "The", "cat"]
    assert rows[1][0] == "mat"
    assert [bool(cell) for cell in rows[1][2:]] == [True] * 5 + [False] * 6
    result = realistic.examples[1]
    assert rows[1][3] == text.significant(measured(result.maps[0].word_scores["l2"])[2])


def test_failure_warnings_random_weights_and_remote_code_are_said_plainly(root: Element) -> None:
    assert example(root, 5).one("div", "danger").words() == (
        "Failed The model has no label 'SARCASTIC'. Choose one of NEGATIVE, POSITIVE, or leave target out."
    )
    assert [note.words() for note in example(root, 6).all("p", "note")] == [
        "Random weights The checkpoint of bert-base-uncased lacks classifier.weight, classifier.bias: "
        "their values are random, so this map says nothing about a trained model.",
        "Remote code bert-base-uncased ran Python code that came with its checkpoint.",
        "Warning The text was cut.",
    ]
    head = root.one("header", "page-head")
    assert head.one("p", "lead").words() == (
        "Stronger colour: the model’s answer reacts more to a small change of that word. "
        "It is not proof that the word caused the answer: what the numbers mean."
    )
    assert head.one("p", "hint").words() == (
        "Computed from quickstart.yaml on cpu in 3.2 s, 2026-11-23 09:00 UTC. Models: embedded sentiment, embedded "
        "stories, embedded choice, bert-base-uncased (their weights). Embedded models are small ones for trying things "
        "out."
    )
    assert head.one("p", "note").words() == "Warning Two examples share one text."


def test_index_names_answer_and_verdict(root: Element) -> None:
    rows = [row.words() for row in root.one("nav").all("li")]
    assert rows[0] == (
        "1 film-review text classification This movie was incredibly bad, I hated every second of it. "
        "NEGATIVE 0.881 ✓ right"
    )
    assert rows[3].endswith("contradiction 0.821 ✗ expected neutral")
    assert rows[4].endswith("failed")
    assert rows[5].endswith("NEGATIVE 0.881 warning")


def test_many_labels_show_ten_and_fold_the_rest(root: Element) -> None:
    outcomes = example(root, 7).one("div", "outcomes")
    assert len(list(outcomes.all("meter"))) == 24
    assert len(list(outcomes.one("details").all("meter"))) == 14
    assert outcomes.one("summary").text() == "… 14 more"
    values = [float(meter.attributes["value"]) for meter in outcomes.all("meter")]
    assert values == sorted(values, reverse=True)


def test_table_holds_the_first_score_of_words_and_of_tokens_inside_them(root: Element, realistic: Report) -> None:
    head, *rows = rows_of(example(root, 1).one("table"))
    assert head == ["Text", "Gradient norm (l2)"]
    map_ = realistic.examples[0].maps[0]
    words, tokens = measured(map_.word_scores["l2"]), measured(map_.scores["l2"])
    incredibly = next(i for i, row in enumerate(rows) if row[0] == "incredibly")
    assert rows[incredibly : incredibly + 3] == [
        ["incredibly", text.significant(words[4])],
        ["incr", text.significant(tokens[4])],
        ["edibly", text.significant(tokens[5])],
    ]


def test_packs_hold_every_number_as_it_is_shown(root: Element, realistic: Report) -> None:
    data = data_of(root, 2)
    maps = realistic.examples[1].maps
    assert data["kind"] == "sequence"
    assert [m["position"] for m in data["maps"]] == [m.target.position for m in maps]
    for shown, map_ in zip(data["maps"], maps, strict=True):
        assert shown["scores"].keys() == map_.scores.keys()
        words = realistic.examples[1].encodings[0].words
        inside = [token for word in words if len(word.tokens) > 1 for token in word.tokens]
        for name, values in map_.scores.items():
            of_tokens = [values[token] for token in inside if token < len(values)]
            assert unscaled(shown["scores"][name]) == text.all_rounded([*map_.word_scores[name], *of_tokens])


@pytest.mark.parametrize(
    "numbers",
    [
        [0.0482, 0.5, 12.0, -3.0, 0.0, None],
        [1234.5, 99999.0, 1e5, 1.5e9],
        [4.2e-11, 5e-4, 1.0, 123456.0],
        [1.125, -1.125, 9.995, 1e-300],
        [],
        [None, 0.0],
    ],
)
def test_numbers_survive_their_packing_exactly_as_shown(numbers: list[float | None]) -> None:
    base, factors = scaled(numbers)
    assert unscaled((base, factors)) == text.all_rounded(numbers)
    assert [n and text.significant(n) for n in numbers] == [n and text.significant(text.rounded(n)) for n in numbers]


def test_page_without_a_map_carries_no_script() -> None:
    page = render_page(records.report(records.failed("only")))
    assert "<script" not in page
    assert len(page) < 40_000
    assert "The model has no label" in page
    assert "No examples: there is nothing to explain." in render_page(records.report())


def test_ten_examples_stay_below_the_size_that_opens_at_once(realistic: Report) -> None:
    assert len(render_page(realistic).encode()) < 2_300_000


def test_signed_headline_is_coloured_on_both_sides() -> None:
    signed = [a for a in records.AGGREGATIONS if a.signed] + [a for a in records.AGGREGATIONS if not a.signed]
    result = records.classification("one", "This movie was incredibly bad.")
    (only,) = result.maps
    ordered = {kind: {a.name: getattr(only, kind)[a.name] for a in signed} for kind in ("scores", "word_scores")}
    result = result.model_copy(update={"maps": [only.model_copy(update=ordered)]})
    article = example(tree(records.report(result, aggregations=signed)), 1)
    found = []
    for span in article.one("p", "text").all("span", "w"):
        if "special" not in span.classes:
            (shade,) = (c for c in span.classes if re.fullmatch(r"[pn]\d", c))
            found.append(shade[0])
    plain = measured(next(iter(ordered["word_scores"].values())))[1:-1]
    assert found == ["n" if score < 0 else "p" for score in plain]
    assert article.one("span", "low").text() == "\N{MINUS SIGN}" + article.one("span", "high").text()


@pytest.mark.parametrize("theme", [colour.LIGHT, colour.DARK], ids=["light", "dark"])
def test_every_class_is_stronger_than_the_last_and_leaves_text_readable(theme: colour.Theme) -> None:
    assert colour.contrast(theme.paper, theme.ink) >= 15
    for hue in theme.hues.values():
        ramp = colour.ramp(theme, hue)
        assert ramp[0] == theme.paper
        contrasts = [colour.contrast(step, theme.ink) for step in ramp]
        assert contrasts == sorted(contrasts, reverse=True)
        assert len(set(ramp)) == colour.STEPS + 1
        assert contrasts[-1] >= (7 if theme is colour.LIGHT else 4.5)


def test_scale_is_linear_up_to_the_largest_score() -> None:
    assert [colour.step(score, 8.0) for score in (0, 0.49, 0.5, -4, 7.49, 8)] == [0, 0, 1, 4, 7, 8]
    assert colour.step(3.0, 0.0) == 0
    assert colour.css_class(-2.0, 4.0, signed=True) == "n4"
    assert colour.css_class(2.0, 4.0, signed=False) == "s4"
    assert colour.css_class(None, 4.0, signed=False) == ""


def test_tokens_that_share_a_character_share_a_piece_and_have_labels_of_their_own() -> None:
    encoding = records.encode(Segment(name="text", text="a 😀b", generated=False))
    runs = [run for run in runs_by_segment(encoding)[0] if not run.chip]
    assert [(run.text, run.words) for run in runs] == [("a", (1,)), (" ", ()), ("😀", (2,)), ("b", (3,))]
    assert runs[2].pieces[0].tokens == (2, 3, 4)
    page = tree(records.report(records.classification("emoji", "a 😀b")))
    labels = data_of(page, 1)["encodings"][0]["tokens"]
    assert labels == ["[CLS]", "a", "😀 1/3", "😀 2/3", "😀 3/3", "b", "[SEP]"]


def test_blanks_round_a_word_stay_plain() -> None:
    encoding = records.encode(Segment(name="text", text="x yy z", generated=False))
    wide = replace(encoding.tokens[2], start=1, end=5)
    tokens = [*encoding.tokens[:2], wide, *encoding.tokens[3:]]
    runs = runs_by_segment(encoding.model_copy(update={"tokens": tokens}))[0]
    assert [(run.text, run.words) for run in runs if not run.chip] == [
        *(("x", (1,)), (" ", ()), ("yy", (2,)), (" ", ()), ("z", (3,)))
    ]


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, "0"),
        (0.0482, "0.0482"),
        (-12.345, "−12.3"),
        (1.125, "1.13"),
        (1234.56, "1235"),
        (99999.0, "99999"),
        (1.234e-7, "1.23e−7"),
        (-5.5e9, "−5.50e9"),
        (9.995, "9.99"),
    ],
)
def test_numbers_have_three_digits(number: float, written: str) -> None:
    assert text.significant(number) == written


def test_probabilities_are_never_rounded_to_certainty() -> None:
    assert [text.probability(p) for p in (0, 0.000012, 0.0005, 0.5, 0.9994, 0.99999, 1)] == [
        *("0.000", "1.20e−5", "0.001", "0.500", "0.999", "> 0.999", "> 0.999")
    ]
    assert [text.percent(p) for p in (0, 0.001, 0.31, 0.99, 1)] == [
        written.replace(" %", f"{NBSP}%") for written in ("0 %", "less than 1 %", "31 %", "99 %", "100 %")
    ]
    assert [text.percent(p) for p in (0.9949, 0.995, 249 / 250)] == [
        f"99{NBSP}%",
        f"more than 99{NBSP}%",
        f"more than 99{NBSP}%",
    ]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0001, "less than 1~ms"), (0.012, "12~ms"), (0.9996, "1.0~s"), (59.94, "59.9~s"), (59.96, "1~min 0~s")],
)
def test_times_go_over_to_the_next_unit_when_they_are_written_as_it(seconds: float, written: str) -> None:
    assert text.duration(seconds) == written.replace("~", NBSP)


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (999_999, "999,999"),
        (22_713_216, "22.7 million"),
        (999_999_999, "1 billion"),
        (1_041 * 10**9, "1,040 billion"),
    ],
)
def test_parameters_go_over_to_the_next_unit_when_they_are_written_as_it(count: int, written: str) -> None:
    assert parameters(count) == f"{written} parameters"


def test_control_characters_are_shown_and_blanks_marked() -> None:
    assert text.visible("a\x00b\x1b\x7f\t\n\ud800") == "a␀b␛␡\t\n\ufffd"
    assert text.label(" cat") == "␣cat"
    assert text.label("\n\t ") == "↵⇥␣"
    assert text.label("a\nb") == "a↵b"
    assert text.label("x" * 50) == "x" * 39 + "…"


def test_records_of_the_tests_agree_with_themselves(realistic: Report) -> None:
    for result in realistic.examples:
        for map_ in result.maps:
            encoding = result.encodings[map_.encoding]
            assert sorted(t for word in encoding.words for t in word.tokens) == [*range(len(encoding.tokens))]
            for l1, l2, largest in zip(*(map_.scores[name] for name in ("l1", "l2", "max")), strict=True):
                assert largest <= l2 <= l1
                assert math.isfinite(l1)


def test_an_example_of_25_tokens_is_below_4_kilobytes_as_a_card_and_1500_bytes_in_a_pack() -> None:
    films = [
        f"It shows how a truly good film has fun with an old{n} story, and a place to start is here now."
        for n in range(100)
    ]
    report = records.report(*[records.classification(f"film-{n}", film) for n, film in enumerate(films)])
    assert len(report.examples[0].encodings[0].tokens) == 25
    page = render_page(report)
    cards = re.findall(r"(?s)<article.*?</article>", page)
    assert len(cards) == 50
    assert max(len(card.encode()) for card in cards) <= 4_096
    _, packed = re.findall(r'<script type="text/plain" class="pack">(.*?)</script>', page)
    assert len(packed) / 50 <= 1_500
