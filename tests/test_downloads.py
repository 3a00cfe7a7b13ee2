"""What a reader takes away from the page in Chromium: a card as SVG, PNG and CSV."""

from __future__ import annotations

import base64
import csv
import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

import method_records
import records
from saliency_report.page import render_page, text
from saliency_report.page.tables import token_labels, word_labels
from saliency_report.record import ExampleResult, Map, Report, from_json, to_json

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing"]

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def realistic() -> Report:
    return records.realistic()


def hostile() -> Report:
    examples: list[ExampleResult] = []
    for string in records.HOSTILE:
        examples.append(records.classification(string, string, string, labels=(string, "other"), warnings=[string]))
        examples.append(records.generation(string, string, f" {string}"))
    return records.report(*examples, title=records.HOSTILE[0])


def test_beside_the_csv_stands_where_the_other_digits_are(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    page.page.locator("#example-1 .download summary").click()
    assert page.page.locator("#example-1 .download .hint").inner_text() == (
        "Numbers of the CSV have three digits, as those of this page; the record, report.json, has the others."
    )


def taken(page: Visit, number: int, kind: str) -> bytes:
    """The bytes of a download of one card."""
    article = page.page.locator(f"#example-{number}")
    article.scroll_into_view_if_needed()
    if not article.locator(".download[open]").count():
        article.locator(".download summary").click()
    with page.page.expect_download() as found:
        article.locator(".download button", has_text=kind).click()
    assert found.value.suggested_filename == f"saliency-example-{number}.{kind.lower()}"
    assert article.locator(".said").text_content() == ""
    return Path(found.value.path()).read_bytes()


class Picture:
    """The parts of an SVG that the page made."""

    def __init__(self, content: bytes) -> None:
        self.root = ElementTree.fromstring(content)
        found = list(self.root.iter())
        assert {element.tag.removeprefix(SVG) for element in found} <= {"svg", "title", "g", "rect", "line", "text"}
        assert not {"style", "class", "href", "onload"} & {name for element in found for name in element.attrib}
        self.texts = list(self.root.iter(f"{SVG}text"))
        self.width, self.height = int(self.root.attrib["width"]), int(self.root.attrib["height"])

    def words(self) -> list[str]:
        return " ".join(self._text(element) for element in self.texts).split()

    def _text(self, element: ElementTree.Element) -> str:
        return (element.text or "").replace("\N{NO-BREAK SPACE}", " ")

    def behind(self, word: str) -> str:
        """The colour that the first text of these letters lies on: that of the last box below it."""
        element = next(element for element in self.texts if self._text(element) == word)
        x, y = (float(element.attrib[name]) for name in ("x", "y"))
        x += float(element.attrib["textLength"]) / (-2 if element.attrib.get("direction") == "rtl" else 2)
        over = [rect.attrib["fill"] for rect in self.root.iter(f"{SVG}rect") if _holds(rect, x, y - 2)]
        return [colour for colour in over if colour != "none"][-1]


def _holds(rect: ElementTree.Element, x: float, y: float) -> bool:
    left, top, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
    return left <= x <= left + width and top <= y <= top + height


COLOUR = (
    "([n, w]) => getComputedStyle([...document.querySelectorAll(`#example-${n} .w`)]"
    ".find((e) => e.textContent === w)).backgroundColor"
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_has_the_words_on_their_colours_and_says_what_they_mean(
    visit: Open, realistic: Report, theme: str
) -> None:
    page = visit(realistic, color_scheme=theme)
    page.set("gradient_x_input")
    picture = Picture(taken(page, 1, "SVG"))
    said = " ".join(picture.words())
    for part in (
        "film-review",
        "Explained: logit of NEGATIVE, predicted, p = 0.881 .",
        "This movie was incredibly bad , I hated every second of it .",
        "Gradient times input",
        "scale of this map",
        "By Gradient; a number for each word. Gradient times input, Σ eᵢ ∂y/∂eᵢ: First-order estimate",
        "It is not proof that the word caused the answer.",
        "Model: embedded sentiment, float32, cpu.",
        "Saliency report, saliency-report 0.1.0.",
    ):
        assert part in said
    assert "[CLS]" not in said
    colours = [page.ask(COLOUR, [1, word]) for word in ("incredibly", "bad", "hated", "second")]
    assert [picture.behind(word) for word in ("incredibly", "bad", "hated", "second")] == colours
    assert len(set(colours)) > 2
    kinds = {line.attrib["stroke"]: "stroke-dasharray" in line.attrib for line in picture.root.iter(f"{SVG}line")}
    assert sorted(kinds.values()) == [False, True]  # of one colour solid, of the other dotted
    paper = {"light": "#ffffff", "dark": "#17191c"}[theme]
    assert next(picture.root.iter(f"{SVG}rect")).attrib["fill"] == paper


def test_picture_follows_the_switches(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    page.set("l1", "tokens", special=True)
    words = Picture(taken(page, 1, "SVG")).words()
    assert {"[CLS]", "[SEP]"} <= set(words)
    assert "Gradient norm (l1), Σ |∂y/∂eᵢ|: Sum" in " ".join(words)
    assert "a number for each token." in " ".join(words)


def test_picture_of_choices_shows_all_and_warnings_go_with_it(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    words = Picture(taken(page, 3, "SVG")).words()
    assert words.count("Berlin") == 4  # its title, its text, and the two of the contrast with it
    assert "Random weights The checkpoint of bert-base-uncased lacks" in " ".join(
        Picture(taken(page, 6, "SVG")).words()
    )


def test_picture_of_many_methods_has_each_with_its_scale(visit: Open) -> None:
    report = method_records.everything()
    words = " ".join(Picture(taken(visit(report), 1, "SVG")).words())
    for map_ in report.examples[0].maps:
        assert next(method.title for method in report.methods if method.name == map_.method) in words
    assert "Show in the chart" not in words


def test_right_to_left_text_lies_as_on_the_page(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    picture = Picture(taken(page, 8, "SVG"))
    hebrew = [element for element in picture.texts if element.attrib.get("direction") == "rtl"]
    words = ["הסרט", "הזה", "היה", "נפלא", ",", "ואני", "אוהב", "אותו", "מאוד", "!"]
    assert [element.text for element in hebrew] == words
    ends = [float(element.attrib["x"]) for element in hebrew]
    assert ends == sorted(ends, reverse=True)
    assert picture.behind("נפלא") == page.ask(COLOUR, [8, "נפלא"])
    scripts = Picture(taken(page, 9, "SVG")).words()
    assert {"映画は素晴らしい", "🎬", "🍿", "naïve", "café", "indented"} <= set(scripts)
    assert scripts.count("↵") == 2  # two breaks in a row are one word of this text


def test_image_is_the_picture_twice_as_large(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    picture, image = Picture(taken(page, 1, "SVG")), taken(page, 1, "PNG")
    assert image.startswith(b"\x89PNG")
    assert struct.unpack(">II", image[16:24]) == (2 * picture.width, 2 * picture.height)
    word = next(element for element in picture.texts if element.text == "bad")
    # Just above the letters, where nothing but the colour is.
    place = [2 * (float(word.attrib["x"]) + 5), 2 * (float(word.attrib["y"]) - 22)]
    pixel = page.ask(
        "async ([data, [x, y]]) => { const image = new Image(); image.src = data; await image.decode(); "
        "const pen = document.createElement('canvas').getContext('2d'); pen.drawImage(image, -x, -y); "
        "return `rgb(${[...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).join(', ')})`; }",
        ["data:image/png;base64," + base64.b64encode(image).decode(), place],
    )
    assert pixel == picture.behind("bad")


def expected_row(result: ExampleResult, map_: Map, word: int, token: int) -> tuple[list[str], list[str]]:
    """What tells a row, and its numbers as the page has them."""
    encoding = result.encodings[map_.encoding]
    told = [result.id, map_.title, map_.target.sentence, str(word), word_labels(encoding)[word], str(token)]
    told += [text.label(encoding.tokens[token].text), token_labels(encoding)[token]]
    numbers = [
        number
        for scores, index in ((map_.scores, token), (map_.word_scores, word))
        for name in scores
        for number in text.all_rounded([scores[name][index]])
    ]
    return told, ["" if number is None else f"{number:g}" for number in numbers]


def table(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\n") == content.count(b"\r\n")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


@pytest.mark.parametrize("number", [1, 2, 3, 9])
def test_table_has_a_row_for_each_token_of_every_map(visit: Open, realistic: Report, number: int) -> None:
    rows = table(taken(visit(realistic), number, "CSV"))
    result = realistic.examples[number - 1]
    expected = [
        expected_row(result, map_, word, token)
        for map_ in result.maps
        for word, held in enumerate(result.encodings[map_.encoding].words)
        for token in held.tokens
        if map_.target.position is None or token < map_.target.position
    ]
    names = ("example", "map", "target", "word index", "word", "token index", "token", "characters")
    scores = [f"{unit} {name}" for unit in ("token", "word") for name in result.maps[0].scores]
    found = [([row[n] for n in names], [row[n] and f"{float(row[n]):g}" for n in scores]) for row in rows]
    assert [numbers for _, numbers in found] == [numbers for _, numbers in expected]
    assert [told for told, _ in found] == [[cell.lstrip("'") for cell in told] for told, _ in expected]
    segments = {row["segment"] for row in rows if row["special"] == "no"}
    assert segments == {s.name for encoding in result.encodings for s in encoding.segments}


def test_table_has_every_method_with_its_errors_and_leaves_empty_what_is_not_measured(visit: Open) -> None:
    report = method_records.everything()
    rows = table(taken(visit(report), 1, "CSV"))
    result = report.examples[0]
    assert [row["method"] for row in rows if row["token index"] == "1"] == [
        next(method.title for method in report.methods if method.name == map_.method) for map_ in result.maps
    ]
    noisy = next(map_ for map_ in result.maps if map_.noise)
    assert noisy.noise
    row = next(row for row in rows if row["method"] == "SmoothGrad" and row["token index"] == "2")
    error = text.rounded(records.measured(noisy.noise.word_standard_errors["l2"])[2], 2)
    assert float(row["word l2 standard error"]) == error
    unmeasured = next(map_ for map_ in result.maps if None in map_.scores[map_.first_score])
    place = unmeasured.scores[unmeasured.first_score].index(None)
    title = next(method.title for method in report.methods if method.name == unmeasured.method)
    row = next(row for row in rows if row["method"] == title and row["token index"] == str(place))
    assert row[f"token {unmeasured.first_score}"] == ""


def test_no_spreadsheet_runs_a_text_and_long_words_stay_whole(visit: Open) -> None:
    long = "Donaudampfschifffahrt" * 12
    result = records.classification("=1+1", f'= + - @ "quoted, text" {long}', labels=("@SUM(A1)", "other"))
    rows = table(taken(visit(records.report(result)), 1, "CSV"))
    assert rows[0]["example"] == "'=1+1"
    assert rows[0]["map"] == "'@SUM(A1)"
    characters = [row["characters"] for row in rows if row["special"] == "no"]
    assert characters[:7] == ["'=", "'+", "'-", "'@", '"', "quoted", ","]
    assert rows[-2]["word"] == long
    assert {row["token sum"][0] for row in rows if row["token sum"].startswith(("'", "-"))} == {"-"}


def test_hostile_text_stays_text_in_every_download(visit: Open) -> None:
    report = hostile()
    page = visit(report)
    for number in (1, 4, 5, 19):
        picture = Picture(taken(page, number, "SVG"))
        result = report.examples[number - 1]
        assert "".join(text.visible(result.id).split()) in "".join(picture.words())
        rows = table(taken(page, number, "CSV"))
        assert {row["example"].lstrip("'") for row in rows} == {text.visible(result.id)}


HALF = records.report(records.classification("half", "Half of a pair: \ud83d."))


@pytest.mark.parametrize("report", [records.realistic(), hostile(), HALF], ids=["realistic", "hostile", "half"])
def test_record_comes_out_of_the_page_as_it_went_in(visit: Open, report: Report) -> None:
    page = visit(report, embed_record=True)
    assert page.page.get_by_text("run --json").is_hidden()
    with page.page.expect_download() as found:
        page.page.get_by_role("button", name="Download the record (report.json)").click()
    assert found.value.suggested_filename == "report.json"
    content = Path(found.value.path()).read_bytes()
    assert content == to_json(report).encode()
    assert from_json(content.decode(), "report.json") == report


@pytest.mark.parametrize("length", [50, 51])
def test_a_large_record_is_in_the_page_only_when_asked_for(length: int) -> None:
    few = records.report(*(records.classification(f"n{i}", "So, so. " * (i + 1)) for i in range(length)))
    asked = render_page(few, embed_record=True)
    assert asked.count('id="record"') == asked.count("Download the record") == 1
    assert "is not in this page" not in asked
    page = render_page(few)
    assert 'id="record"' not in page
    assert "in the record, which is not in this page: <code>saliency-report run --json</code> writes it" in page


def test_a_small_record_is_in_the_page_unasked() -> None:
    assert 'id="record"' in render_page(records.report(records.classification("one", "So so.")))


def test_a_page_without_charts_or_script_is_kept_small(realistic: Report) -> None:
    for page in (render_page(realistic, charts=False), render_page(records.report(records.failed("only")))):
        assert 'id="record"' not in page
        assert "<code>--embed-record</code> into it" in page
    assert 'id="record"' in render_page(realistic, charts=False, embed_record=True)
    assert 'id="record"' in render_page(records.report(records.failed("only")), embed_record=True)


def test_record_of_a_page_without_a_map(visit: Open) -> None:
    """Whether a page that has a script for the record alone stays silent."""
    report = records.report(records.failed("only"))
    page = visit(report, embed_record=True)
    with page.page.expect_download() as found:
        page.page.get_by_role("button", name="Download the record (report.json)").click()
    assert Path(found.value.path()).read_bytes() == to_json(report).encode()


def test_a_failed_example_has_nothing_to_take_and_the_keyboard_reaches_the_rest(visit: Open, realistic: Report) -> None:
    page = visit(realistic)
    page.page.locator("#example-5").scroll_into_view_if_needed()
    page.page.locator("#example-4").scroll_into_view_if_needed()
    page.until("document.querySelectorAll('#example-4 .download').length", 1)
    assert page.count("#example-5 .download") == 0
    page.page.locator("#example-4 .download summary").focus()
    page.page.keyboard.press("Enter")
    page.page.keyboard.press("Tab")
    with page.page.expect_download() as found:
        page.page.keyboard.press("Enter")
    assert found.value.suggested_filename == "saliency-example-4.svg"
