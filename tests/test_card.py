"""A card of a report: its Markdown, its pictures as XML, what it says when something is wrong."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import evidence_records
import method_records
import records
from saliency_report.card.body import Pictures, body
from saliency_report.card.plain import markdown, printable, slug
from saliency_report.card.sections import Section, sections
from saliency_report.card.svg import PALETTE, WIDTH, picture
from saliency_report.card.widths import width
from saliency_report.page.colour import contrast, step
from saliency_report.page.text import rounded
from saliency_report.record import ExampleResult, Report, to_json
from test_cli import invoke
from test_hostile import planted

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    *records.HOSTILE,
    "a | b \\| c `d` ``e",
    "![x](y) [x](y) [^1] **b** __c__ ~~d~~ $x^2$ \\(z\\)",
    "@someone #12 :tada: me@example.com https://example.com www.example.com",
    "--> <!-- saliency-report: end -->\n<!-- saliency-report: end -->\n# head",
    "half \ud800 \ufffe \x85 \x9b31m",
]


def section(report: Report, id: str, method: str | None = None) -> Section:
    return sections(report, [id], "report.json", method)[0]


def mapped(report: Report) -> list[Section]:
    return sections(report, [result.id for result in report.examples if result.maps], "report.json")


def drawn(of: Section) -> ElementTree.Element:
    return ElementTree.fromstring(picture(of)[0].encode())


def written(svg: ElementTree.Element) -> list[ElementTree.Element]:
    """The letters of the text itself, which are those of the largest size."""
    return [e for e in svg.iter(f"{SVG}text") if "font-size" not in e.attrib]


REVIEW = records.classification(
    "film-review", "This movie was incredibly bad, I hated every second of it.", expected=0, strong=("bad", "hated")
)
CARD = """### film-review

[![Heatmap of the text “This movie was incredibly bad, I hated every second of it.”. Strongest in Gradient norm (l2): \
bad 34.6, hated 20.7, incredibly 6.51, movie 3.94, was 3.31.](film-review.png)](film-review.svg)

The model answers NEGATIVE, 0.881.

**What was measured.** Gradient norm (l2) of each word, for this number: logit of NEGATIVE, predicted, p = 0.881. \
Length of the gradient at the token. Method: Gradient. The derivative of the explained logit with respect to each \
token's word embedding. Model: embedded sentiment, a small model for trying things out, weights sha256 9f2c4b7a9f2c, \
float32.

**How exact.** The model with its embeddings put in from outside, as for the gradient, gives logits that differ by \
2.40e−7 of the largest one from its own. Numbers have three significant digits.

**Not tested for faithfulness**, whether the answer changes when the strongest words go.

| word | place | Gradient norm (l2) | share |
| --- | --- | ---: | ---: |
| bad | 5 of 13 | 34.6 | 39\u00a0% |
| hated | 8 of 13 | 20.7 | 24\u00a0% |
| incredibly | 4 of 13 | 6.51 | 7\u00a0% |
| movie | 2 of 13 | 3.94 | 4\u00a0% |
| was | 3 of 13 | 3.31 | 4\u00a0% |
| I | 7 of 13 | 3.16 | 4\u00a0% |
| This | 1 of 13 | 3.02 | 3\u00a0% |
| , | 6 of 13 | 2.57 | 3\u00a0% |
| second | 10 of 13 | 2.41 | 3\u00a0% |
| every | 9 of 13 | 2.34 | 3\u00a0% |

The 10 strongest words, and the share of each in the summed scores of all words. Special tokens, which carry \
4\u00a0% of the map, are left out.

**What it is not.** Proof that a word caused the answer, or of what the answer would be without it, or of whether it \
is right or fair. Numbers compare inside one example, not across models, methods or texts.

Made with saliency-report 0.1.0 from quickstart.yaml, 2026-11-23 09:00 UTC, on cpu.
"""


def test_the_card_word_for_word(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(to_json(records.report(REVIEW)), encoding="utf-8")
    code, out, _ = invoke("card", str(tmp_path / "report.json"), "-o", str(tmp_path / "card"))
    files = [tmp_path / "card" / name for name in ("film-review.svg", "film-review.png", "card.md")]
    assert (code, out) == (0, ", ".join(map(str, files)) + "\n")
    assert files[2].read_text(encoding="utf-8") == CARD
    assert files[1].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert {path.name for path in (tmp_path / "card").iterdir()} == {path.name for path in files}


def test_twice_is_the_same_and_touches_no_file(tmp_path: Path) -> None:
    record = tmp_path / "report.json"
    record.write_text(to_json(records.realistic()), encoding="utf-8")
    command = ["card", str(record), "--example", "film-review", "--example", "hebrew", "-o", str(tmp_path / "card")]
    assert invoke(*command)[0] == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "card").iterdir()}
    assert invoke(*command)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "card").iterdir()} == before


def test_words_have_the_colours_of_their_scores_and_the_legend_their_largest_one() -> None:
    of = section(records.report(REVIEW), "film-review")
    svg, figure = drawn(of), of.figure
    grounds = {
        (e.attrib["x"], e.attrib["y"]): e.attrib["class"].removeprefix("f-")
        for e in svg.iter(f"{SVG}rect")
        if "f-s" in e.attrib.get("class", "") and "rx" in e.attrib
    }
    scores = figure.map.word_scores["l2"]
    words = [(word, score) for word, score in zip(figure.encoding.words, scores, strict=True) if not word.special]
    assert [e.text for e in written(svg)] == [
        figure.encoding.segments[0].text[word.start : word.end] for word, _ in words
    ]
    end = max(abs(rounded(score)) for _, score in words if score is not None)
    classes = [f"s{step(score, end)}" for _, score in words if score is not None]
    assert list(grounds.values()) == [name for name in classes if name != "s0"]
    assert "s8" in classes
    assert "34.6" in [e.text for e in svg.iter(f"{SVG}text")]


def test_signed_scores_diverge_and_are_underlined() -> None:
    report = method_records.report(method_records.review("integrated_gradients"))
    of = section(report, report.examples[0].id, "integrated_gradients")
    svg = drawn(of)
    painted = [e.attrib["class"][2] for e in svg.iter(f"{SVG}rect") if e.attrib.get("rx") == "2"]
    dotted = ["stroke-dasharray" in e.attrib for e in svg.iter(f"{SVG}path")]
    assert {"p", "n"} == set(painted)
    assert dotted == [name == "n" for name in painted]
    texts = [e.text for e in svg.iter(f"{SVG}text")]
    assert f"−{of.figure.largest}" in texts
    assert of.figure.largest in texts
    assert "A solid underline is positive, a dotted one negative." in " ".join(text or "" for text in texts)


def test_a_long_text_keeps_its_strongest_stretch_and_says_so() -> None:
    words = [*("so it went on and on " * 60).split(), *"then an astonishing end".split(), *("and on " * 120).split()]
    report = records.report(records.classification("long", " ".join(words), strong=("astonishing",)))
    assert len(words) > 600
    of = section(report, "long")
    svg, window = picture(of)
    lines = {e.attrib["y"] for e in written(ElementTree.fromstring(svg.encode()))}
    assert len(lines) == 14
    assert "astonishing" in svg
    said = re.fullmatch(
        r"… Lines (\d+) to (\d+) of (\d+), which have \d+\u00a0% of the summed sizes of all words’ scores\. "
        r"The others are left out\.",
        window.said,
    )
    assert said
    assert int(said[2]) - int(said[1]) == 13
    told = body([of], [Pictures("long.svg", None, window.said)])
    assert f"The picture shows a part of the text: l{window.said[3:]}" in told


@pytest.mark.parametrize("report", [records.realistic(), planted(HOSTILE, 6)], ids=["realistic", "hostile"])
def test_pictures_are_xml_without_anything_that_acts_and_nothing_reaches_over_the_edge(report: Report) -> None:
    for of in mapped(report):
        svg = drawn(of)
        assert {e.tag.removeprefix(SVG) for e in svg.iter()} <= {"svg", "title", "style", "rect", "g", "text", "path"}
        for element in svg.iter():
            assert not {name for name in element.attrib if name.startswith("on") or "href" in name or name == "style"}
        bottom = float(svg.attrib["height"])
        for element in svg.iter(f"{SVG}text"):
            left, length = float(element.attrib["x"]), float(element.attrib["textLength"])
            assert 0 < left <= left + length <= WIDTH - 20, element.text
            assert 0 < float(element.attrib["y"]) < bottom


def test_what_is_read_from_the_right_stands_from_the_right() -> None:
    report = records.report(records.classification("mixed", "הסרט (הזה) היה Star Wars 2024, נפלא"))
    placed = [(float(e.attrib["x"]), (e.text or "").strip("\u200f")) for e in written(drawn(section(report, "mixed")))]
    assert [text for _, text in sorted(placed)] == ["נפלא", ",", "Star", "Wars", "2024", "היה", ")", "הזה", "(", "הסרט"]


def test_wide_and_joined_letters() -> None:
    assert width("映画", 10) == 20
    assert width("e\u0301", 10) == width("é", 10) == width("e", 10)
    assert width("👩\u200d👩\u200d👧", 10) == width("👩🏽", 10) == width("🎬", 10)
    assert width("W", 10) > 3 * width("i", 10)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_letters_can_be_read_on_every_colour(theme: int) -> None:
    colours = {name: pair[theme] for name, pair in PALETTE.items()}
    grounds = {name for name in colours if re.fullmatch(r"[spn]\d", name)} | {"paper"}
    assert len(grounds) == 25
    assert min(contrast(colours["ink"], colours[name]) for name in grounds) >= 4.5
    assert contrast(colours["muted"], colours["paper"]) >= 4.5


def inline(text: str) -> list[Token]:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return [child for token in parser.parse(text) for child in token.children or []]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_text_in_markdown(text: str) -> None:
    shown = re.sub(r"[^\S\xa0]+", " ", printable(text)).strip(" ")
    for place in (f"### {markdown(text)}", f"| a |\n| --- |\n| {markdown(text)} |", f"So: {markdown(text)} it is."):
        tokens = inline(place)
        assert {token.type for token in tokens} <= {"text", "text_special", "html_inline"}
        assert {token.content for token in tokens if token.type == "html_inline"} <= {"<wbr>"}
        assert shown in "".join(token.content for token in tokens if token.type != "html_inline")
    (image,) = inline(f"![{markdown(text, alternative=True)}](x.svg)")
    assert image.type == "image"
    assert "".join(child.content for child in image.children or []) == shown


def test_a_number_after_letters_that_are_read_from_the_right_stays_after_them() -> None:
    assert markdown("logit of סרט טוב!, p = 0.9, من A و B") == (
        "logit of \u2068סרט טוב\u2069&#33;, p = 0.9, \u2068من\u2069 A \u2068و\u2069 B"
    )


def test_a_card_of_hostile_texts_has_no_markup_but_its_own() -> None:
    found = mapped(planted(HOSTILE, 6))
    text = body(found, [Pictures(f"{of.name}.svg", f"{of.name}.png", picture(of)[1].said) for of in found])
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    blocks = {token.type for token in parser.parse(text)}
    assert not blocks & {"html_block", "fence", "code_block", "hr", "blockquote_open", "bullet_list_open"}
    assert {token.tag for token in parser.parse(text) if token.type == "heading_open"} == {"h3"}
    for token in inline(text):
        assert token.type != "html_inline" or token.content == "<wbr>"
        assert token.type not in ("code_inline", "em_open", "s_open")
        assert token.type != "link_open" or token.attrs["href"] in {f"{of.name}.svg" for of in found}
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} <= {5, 6}


def test_names_of_files_are_tame_and_differ() -> None:
    ids = [
        "film-review",
        "Film-Review",
        "FILM-REVIEW",
        "../../etc/passwd",
        "a/b",
        "a\\b",
        "a b",
        "",
        "..",
        "con",
        "COM1",
    ]
    ids += ["nul.txt", "é", "e", "映画", "x" * 300, "x" * 301, "\ud800", "a\n", "a"]
    names = [slug(id) for id in ids]
    assert names[0] == "film-review"
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and len(name) <= 57 for name in names)
    assert len(set(names)) == len(ids)
    assert not {"con", "com1", "nul"} & set(names)


def failing(*command: str) -> str:
    code, out, error = invoke("card", *command)
    assert (code, out) == (2, "")
    return error


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    record, folder = tmp_path / "report.json", tmp_path / "card"
    record.write_text(to_json(records.report(REVIEW, records.failed("sarcasm"))), encoding="utf-8")
    assert failing(str(record)) == (
        f"Error: {record} has 2 examples.\n"
        "Name one or more: --example film-review, say; the ids are film-review, sarcasm.\n"
    )
    assert failing(str(record), "--example", "film-review", "--example", "film") == (
        f"Error: {record} has no example 'film'.\nIt has: film-review, sarcasm.\n"
    )
    assert failing(str(record), "--example", "sarcasm", "-o", str(folder)) == (
        "Error: Example 'sarcasm' has no map: The model has no label 'SARCASTIC'.\nName another one with --example.\n"
    )
    assert failing(str(record), "--example", "film-review", "--method", "occlusion") == (
        "Error: Example 'film-review' has no map by 'occlusion'.\nIt has: gradient.\n"
    )
    assert not folder.exists()
    assert failing(str(record), "--example", "film-review", "-o", str(record)) == (
        f"Error: The folder {record} cannot be made: File exists.\nName another one with -o.\n"
    )


def test_without_the_renderer_the_rest_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    record, folder = tmp_path / "report.json", tmp_path / "card"
    record.write_text(to_json(records.report(REVIEW)), encoding="utf-8")
    files = f"{folder / 'film-review.svg'}, {folder / 'card.md'}"
    assert failing(str(record), "-o", str(folder)) == (
        f"Error: {files} are written, but no PNG: resvg_py is not installed.\n"
        "Run pip install 'saliency-report[card]' and this again, or give --no-png.\n"
    )
    text = (folder / "card.md").read_text(encoding="utf-8")
    assert text == CARD.replace("[![", "![").replace("(film-review.png)](film-review.svg)", "(film-review.svg)")
    assert invoke("card", str(record), "-o", str(folder), "--no-png")[0] == 0
    assert not list(folder.glob("*.png"))


def test_a_machine_without_fonts_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saliency_report.card.raster._drawn", lambda svg: b"empty")
    record = tmp_path / "report.json"
    record.write_text(to_json(records.report(REVIEW)), encoding="utf-8")
    assert failing(str(record), "-o", str(tmp_path / "card")) == (
        "Error: This machine has no font to draw a PNG with.\n"
        "Install one, such as fonts-liberation, or leave the PNG out with --no-png.\n"
    )


def warned(result: ExampleResult) -> str:
    of = section(records.report(result), result.id)
    return body([of], [Pictures("x.svg", None, "")])


def test_what_weakens_a_map_stands_on_its_card() -> None:
    random = warned(records.classification("random", "Some text here.", model=3, warnings=["The text was cut."]))
    assert (
        "**Random weights**: The checkpoint of bert-base-uncased lacks 2 parameters: their values are random" in random
    )
    assert "**Remote code**: bert-base-uncased ran Python code that came with its checkpoint." in random
    assert "**Warning**: The text was cut." in random
    assert "Model: bert-base-uncased, revision 86b5e0934494, float32." in random
    failing = method_records.report(method_records.review("integrated_gradients", verdict="fail"))
    of = section(failing, failing.examples[0].id, "integrated_gradients")
    told = body([of], [Pictures("x.svg", None, "")])
    assert "**Does not add up**: Integrated gradients: Σ" in told
    assert "Do not read its numbers as shares." in told
    assert "| word | place | Attribution |\n| --- | --- | ---: |\n" in told
    assert "share of" not in told
    assert "Does not add up." in " ".join(e.text or "" for e in drawn(of).iter(f"{SVG}text"))


def test_a_verdict_stands_by_itself_and_is_that_of_the_shown_map() -> None:
    told = {of.name: body([of], [Pictures("x.svg", None, "")]) for of in mapped(evidence_records.realistic())}
    first, second = told["everything"].split("\n\n"), told["not-faithful"].split("\n\n")
    assert (
        "**More faithful than random**: removing the words it ranks highest lowers the logit of NEGATIVE by 1.74 on "
        "average, random orders by 1.11 (beats 20 of 20)."
    ) in first
    assert (
        "**Not more faithful than random**: removing the words it ranks highest raises the logit of NEGATIVE by 0.326 "
        "on average, random orders lower it by 0.299 (beats 0 of 20). Do not rely on its order of words. Its scores "
        "have no sign: it ranks high what holds this number up and what holds it down alike, and removing the second "
        "raises it."
    ) in second
    (of,) = sections(evidence_records.realistic(), ["not-faithful"], "")
    assert "Not more faithful than random." in " ".join(e.text or "" for e in drawn(of).iter(f"{SVG}text"))
    assert "With random weights the map becomes another one." in told["everything"]
    assert "With random weights the map stays alike, so it says little of what" in told["not-faithful"]
    report = evidence_records.realistic()
    evidence = report.examples[0].evidence
    assert evidence
    assert evidence.faithfulness
    others = [ranking for ranking in evidence.faithfulness.rankings if ranking.map]
    assert others
    for ranking in others:
        of = section(report, "everything", report.examples[0].maps[ranking.map or 0].method)
        other = body([of], [Pictures("x.svg", None, "")])
        assert f"(beats {ranking.beaten} of 20)" in other
        assert "With random weights" not in other


def test_a_generated_text_says_which_token_is_explained() -> None:
    of = section(records.realistic(), "cat")
    texts = [e.text for e in drawn(of).iter(f"{SVG}text")]
    assert " ".join(text or "" for text in texts).startswith(
        "Explained: logit of mat, generated at position 6, p = 0.859. The outlined token is explained. "
        "Prompt, then generated The cat sat on the mat and looked"
    )
    assert "The report has 7 further explained numbers of this example." in body([of], [Pictures("x.svg", None, "")])


def test_words_of_a_line_do_not_overlap() -> None:
    for of in mapped(records.realistic()):
        lines: dict[str, list[tuple[float, float]]] = {}
        for e in drawn(of).iter(f"{SVG}text"):
            lines.setdefault(e.attrib["y"], []).append((float(e.attrib["x"]), float(e.attrib["textLength"])))
        for words in lines.values():
            for (left, length), (right, _) in pairwise(sorted(words)):
                assert left + length <= right + 0.11
