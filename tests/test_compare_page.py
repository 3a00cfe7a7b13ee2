"""The page of a comparison: what it says first, its rows and tables, in every view, with hostile text, and searched."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import method_records
import records
from saliency_report.compare import Asked, Comparison, compare
from saliency_report.page.comparison import render_comparison
from saliency_report.page.text import visible
from saliency_report.record import ExampleResult, Report
from test_accessibility import OPEN, check, invalid
from test_compare import encoding, example, report
from test_hostile import ELSEWHERE, LISTEN, TAGS

if TYPE_CHECKING:
    from browsing import Open, Visit

pytest_plugins = ["browsing", "node"]

NEW_WEIGHTS: dict[str, Any] = {"models": [records.model(weights_sha256="0123456789ab" + "0" * 52)]}


def pair(**asked: Any) -> Comparison:
    """Two runs in which everything happens that a page can show."""
    old = report(
        example("so bad film", [1, 3, 4], id="steady", p=0.8),
        example("so bad film", [1, 3, 4], id="flip"),
        example("so bad film", [1, 3, 4], id="reads-less"),
        example("so bad film", [1, 3, 4], id="reworded"),
        example("so bad film", [1, 3, 4], id="fails"),
        example("so bad film", [1, 3, 4], id="gone"),
        title="Before the release",
    )
    reads_less = example("so bad film", [4, 4], spans=[(0, 2), (3, 6)], id="reads-less")
    new = report(
        example("so bad film", [1, 4, 3], id="steady", p=0.7),
        example("so bad film", [4, 3, 1], id="flip", label=1),
        reads_less,
        example("so good film", [1, 3, 4], id="reworded"),
        records.failed("fails").model_copy(update={"inputs": {"text": "so bad film"}}),
        example("so bad film", [1, 3, 4], id="fresh"),
        title="Before the release",
        **NEW_WEIGHTS,
    )
    return compare(old, new, files=("old.json", "new.json"), asked=Asked(**asked))


def test_what_matters_most_comes_first(visit: Open) -> None:
    """One visit: the lead, the counts, checks, what differs, the order of the cards, and one of them to its numbers."""
    page = visit(render_comparison(pair(no_flips=True, min_tau=-1)))
    said = page.said
    assert page.page.title() == "Before the release: what changed"
    assert said("h1") == ["Before the release: what changed"]
    assert said(".lead") == [
        "1 of 3 predictions changed. The order of the words has a median τ of −0.33 over 2 examples: 1 is the same "
        "order, 0 no relation, −1 the reverse. A share is what a word holds of its map: what the numbers mean."
    ]
    assert said(".made-by") == [
        "Before: old.json, 2026-11-23 09:00 UTC, 6 examples. Now: new.json, 2026-11-23 09:00 UTC, 6 examples. "
        "How both were made."
    ]
    assert said(".cards li") == [
        "1 of 3 predictions changed they stand first",
        "τ −0.33 median: order of the words lowest −1.00, over 2 examples",
        "−0.30 change of the probability of the earlier answer mean over 3 examples",
        "1 of 2 checks do not hold",
        "4 not compared 1 failing now, 1 with another text, 1 new, 1 vanished",
    ]
    assert said(".run .topic h3") == [
        "--no-flips ✗ does not hold",
        "--min-tau -1 ✓ holds",
        "What differs between the runs",
    ]
    assert rows(page, ".run .problems tbody tr") == [
        "flip NEGATIVE POSITIVE",
        "fails NEGATIVE failed: The model has no label 'SARCASTIC'. Choose one of NEGATIVE, POSITIVE, or leave target "
        "out.",
    ]
    assert rows(page, ".run .facts-table tbody tr") == [
        "Model embedded sentiment weights sha256 9f2c4b7a9f2c… weights sha256 0123456789ab…"
    ]
    assert rows(page, ".index li") == [
        "1 flip text classification so bad film NEGATIVE → POSITIVE changed τ −1.00",
        "2 fails text classification so bad film fails now",
        "3 steady text classification so bad film NEGATIVE τ 0.33",
        "4 reads-less text classification so bad film NEGATIVE",
        "5 reworded text classification so good film NEGATIVE another text",
    ]
    assert said("#cards h3 bdi") == ["flip", "fails", "steady", "reads-less", "reworded"]
    assert said("#example-1 > p:not(.legend)") == [
        "NEGATIVE 0.900 before → POSITIVE 0.900 now prediction changed",
        "The probability of NEGATIVE fell by 0.80: 0.900 before, 0.100 now.",
        "The two maps explain different numbers: NEGATIVE before, POSITIVE now. A word can matter to both.",
        "Explained: before: logit of NEGATIVE, predicted, p = 0.9; now: logit of POSITIVE, predicted, p = 0.9. "
        "Gradient, l2.",
        "τ −1.00 between the orders of the words.",
    ]
    assert said("#example-3 > .target") == [
        "The probability of NEGATIVE fell by 0.10: 0.800 before, 0.700 now.",
        "Explained: logit of NEGATIVE, predicted; before: p = 0.8; now: p = 0.7. Gradient, l2.",
    ]
    # so, bad, film hold 1, 3 and 4 eighths of the map before, 1, 4 and 3 now: colours of 8 steps up to one half.
    assert colours(page, 3) == [["s2", "s6", "s8"], ["s2", "s8", "s6"], ["p0", "p2", "n2"]]
    assert said("#example-3 .when") == ["Before", "Now", "Change"]
    assert said("#example-3 .text") == ["so bad film"] * 3
    assert said("#example-3 .legend") == ["share of the map 0 50.0 % change, points −50.0 +50.0"]
    assert rows(page, "#example-3 .numbers tr") == [
        "Text Before, raw Now, raw Before, share Now, share Change, points Note",
        "so 1.00 1.00 12.5 % 12.5 % 0.0",
        "bad 3.00 4.00 37.5 % 50.0 % +12.5",
        "film 4.00 3.00 50.0 % 37.5 % −12.5",
        "[CLS] 9.00 9.00",
        "[SEP] 9.00 9.00",
    ]
    # The last word was not read now: struck through there, and in the row of changes.
    assert colours(page, 4) == [["s2", "s6", "s8"], ["s8", "s8"], ["p6", "p2"]]
    assert said("#example-4 s") == ["film", "film"]
    assert rows(page, "#example-4 .numbers tr")[3] == "film 4.00 50.0 % not read now"
    assert said("#example-5 > .note") == [
        "The text changed: it was “so bad film”. Words of different texts are not compared."
    ]
    assert said("#example-2 > .note") == [
        "Fails now The model has no label 'SARCASTIC'. Choose one of NEGATIVE, POSITIVE, or leave target out."
    ]
    assert said("#example-5 > .written") == ["Text so good film"]
    assert rows(page, ".about .problems tbody tr") == ["fresh so bad film NEGATIVE", "gone so bad film NEGATIVE"]
    assert rows(page, ".made tr:has(.mark)") == [
        f"weights sha256 differs {'9f2c4b7a' * 8} 0123456789ab{'0' * 52}",
    ]
    # No script, for there is nothing to search; nothing leads elsewhere.
    assert page.count("script") == 0
    assert page.ask(ELSEWHERE) == []


def rows(page: Visit, css: str) -> list[str]:
    """The rows of a table, or of the list, as they are read."""
    shown: list[str] = page.ask(
        "(css) => [...document.querySelectorAll(css)].map((row) => "
        "[...(row.cells ?? row.children)].map((cell) => cell.textContent.trim().replace(/\\s+/g, ' '))"
        ".filter((text) => text).join(' '))",
        css,
    )
    return shown


def colours(page: Visit, number: int) -> list[list[str]]:
    """The colour of each word, a list a row."""
    found: list[list[str]] = page.ask(
        f"[...document.querySelectorAll('#example-{number} .text')]"
        ".map((row) => [...row.querySelectorAll('.w')].map((word) => word.className.split(' ').at(-1)))"
    )
    return found


def test_raw_numbers_have_their_change_where_they_compare_and_newlines_their_sign(visit: Open) -> None:
    old = example("so bad\nfilm", [1, 3, 1, 4], spans=[(0, 2), (3, 6), (6, 7), (7, 11)])
    new = example("so bad\nfilm", [1, 3.5, 1, 2], spans=[(0, 2), (3, 6), (6, 7), (7, 11)])
    page = visit(render_comparison(compare(report(old), report(new))))
    assert rows(page, "#example-1 .numbers tr")[:5] == [
        "Text Before, raw Now, raw Raw change Before, share Now, share Change, points Note",
        "so 1.00 1.00 0 11.1 % 13.3 % +2.2",
        "bad 3.00 3.50 +0.500 33.3 % 46.7 % +13.3",
        "↵ 1.00 1.00 0 11.1 % 13.3 % +2.2",
        "film 4.00 2.00 −2.00 44.4 % 26.7 % −17.8",
    ]
    assert page.count("#example-1 .newline") == 3
    assert page.said("#differs-title ~ p") == [
        "Nothing that the records tell: the same weights, methods, settings, versions and device."
    ]
    assert "Both runs have the same weights and method, so raw scores compare too" in page.said("caption")[0]


VIEWS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
    "without scripts": {"scripts": False},
}


def everything() -> Comparison:
    """Every task of the page's own example, each changed, and enough examples to be searched."""
    old, new = records.realistic(), records.realistic()
    flipped = records.multiple_choice("paris", **records.PARIS | {"winner": 3})
    changed = [flipped if result.id == "paris" else result for result in new.examples]
    changed[1] = records.generation("cat", "The cat sat on the", " mat and looked out of the window.")
    more = [example("so bad film", [1, 3, n + 1], id=f"more-{n}") for n in range(6)]
    later = [example("so bad film", [1, 3, 2], id=f"more-{n}", label=n % 2) for n in range(6)]
    other = [records.model("embedded sentiment", weights_sha256="0" * 64), *new.models[1:]]
    before, after = [*old.examples, *more], [*changed, *later, records.classification("new", "A new one.")]
    old = old.model_copy(update={"examples": before})
    return compare(
        old, new.model_copy(update={"examples": after, "models": other}), asked=Asked(no_flips=True, min_tau=1)
    )


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_passes_axe_has_contrast_and_fits(visit: Open, node_modules: Path, view: str) -> None:
    page = visit(render_comparison(everything()), **VIEWS[view])
    assert page.ask("document.documentElement.scrollWidth <= innerWidth")
    page.ask(OPEN)
    check(page, node_modules, 500)
    if view == "light":
        page.page.emulate_media(media="print")
        check(page, node_modules, 500)
        assert page.ask("[...document.querySelectorAll('.example')].every((card) => card.scrollWidth <= innerWidth)")


def test_the_html_is_valid(node_modules: Path, tmp_path: Path) -> None:
    (tmp_path / "diff.html").write_text(render_comparison(everything()), encoding="utf-8")
    assert invalid(node_modules, tmp_path) == []


def many() -> Comparison:
    """More examples than stand in the page at once: of every fifth the prediction changed."""
    before = [example("so bad film", [1, 3, 4], id=f"n{n}") for n in range(70)]
    after = [example("so bad film", [1, 4, 3], id=f"n{n}", label=int(n % 5 == 0)) for n in range(70)]
    return compare(report(*before), report(*after, **NEW_WEIGHTS))


def test_a_long_list_is_filtered_searched_and_turned(visit: Open) -> None:
    page = visit(render_comparison(many()))
    cards = "document.querySelectorAll('#cards > article').length"
    assert page.ask(cards) == 50
    page.page.get_by_role("link", name="show them").click()
    page.until(cards, 14)
    assert page.said(".found") == ["14 of 70 examples"]
    page.page.get_by_label("Show").select_option("")
    page.page.get_by_role("button", name="Next page").first.click()
    page.until(cards, 20)
    assert rows(page, ".index li")[0] == "51 n46 text classification so bad film NEGATIVE τ 0.33"
    page.page.get_by_label("Search").fill("n69")
    page.until(cards, 1)
    assert rows(page, ".index li") == ["70 n69 text classification so bad film NEGATIVE τ 0.33"]
    assert page.said("#cards .answer") == ["NEGATIVE 0.900 before → NEGATIVE 0.900 now"]
    page.page.get_by_label("Search").fill("positive")
    page.until(cards, 14)
    assert rows(page, ".index li")[0] == "1 n0 text classification so bad film NEGATIVE → POSITIVE changed τ 0.33"


def test_what_speaks_against_the_numbers_of_either_run_stands_over_them(visit: Open) -> None:
    """Warnings of the run, of an example and of its map, random weights, and a map that does not add up."""
    old, new = (method_records.review("integrated_gradients", verdict=v) for v in ("fail", "warn"))
    old, new = (
        result.model_copy(
            update={"maps": [m for m in result.maps if m.method == "integrated_gradients"], "headline": 0}
        )
        for result in (old, new)
    )
    old = old.model_copy(update={"warnings": ["The text was cut."]})
    new = new.model_copy(update={"warnings": ["The text was cut."], "model": 3})
    page = visit(
        render_comparison(
            compare(
                method_records.report(old, warnings=["One.", "Two."]), method_records.report(new, warnings=["Two."])
            )
        )
    )
    assert page.said(".page-head .note") == ["Warning before One.", "Warning before and now Two."]
    assert page.said("#example-1 > .note") == [
        "Warning Before and now: The text was cut.",
        "Warning Before: the map does not add up: off by 12 %.",
        "Warning Now: bert-base-uncased has random weights (classifier.weight, classifier.bias): its map says nothing.",
        "Warning Now: the map adds up only roughly: off by 3.2 %.",
    ]


def planted(strings: list[str]) -> Comparison:
    """Each string as id, text, label, failure, warning, title, name of a model, and in how the runs were made."""

    def run(number: int) -> Report:
        examples = [hostile(string, number) for string in strings]
        lost = [
            records.failed(string).model_copy(update={"id": f"{string} {number * (n % 2)}", "inputs": {"text": string}})
            for n, string in enumerate(strings)
        ]
        named = {"name": strings[0], "licence": strings[0], "weights_sha256": str(number) * 64}
        method = records.METHOD.model_copy(
            update={"scores": ["l2"], **dict.fromkeys(("title", "sentence", "reference"), strings[0])}
        )
        return records.report(
            *examples,
            *lost,
            title=strings[0] * (number + 1),
            source=f"{strings[0]}{number}",
            command=strings[0],
            versions={strings[0]: str(number)},
            warnings=strings[:1],
            methods=[method],
            models=[records.model(**named)],
        )

    return compare(run(0), run(1), files=(strings[0], strings[0]), asked=Asked(no_flips=True, min_tau=1))


def hostile(string: str, number: int) -> ExampleResult:
    made = example("x", [1.0], id=string)
    held = encoding(string, [(0, len(string))])
    tokens = [held.tokens[0], *(token for token in held.tokens if token.segment is not None), held.tokens[-1]]
    scores: dict[str, list[float | None]] = {"l2": [1.0 + number] * len(tokens)}
    of_words: dict[str, list[float | None]] = {"l2": [1.0 + number] * len(held.words)}
    label = f"{string}{number}"
    target = records.target(label, 0.5, sentence=f"logit of {label}")
    map_ = made.maps[0].model_copy(update={"title": label, "target": target, "scores": scores, "word_scores": of_words})
    prediction = made.prediction
    assert prediction is not None
    outcomes = [outcome.model_copy(update={"label": label}) for outcome in prediction.outcomes[:1]]
    return made.model_copy(
        update={
            "inputs": {"text": string},
            "encodings": [held],
            "maps": [map_],
            "prediction": prediction.model_copy(update={"outcomes": outcomes}),
        }
    )


def test_no_string_becomes_markup_or_changes(visit: Open) -> None:
    strings = records.HOSTILE
    page = visit(render_comparison(planted(strings)), script=LISTEN + TAGS)
    plain = visit(render_comparison(planted([f"harmless{n}" for n in range(len(strings))])), script=LISTEN + TAGS)
    counted = "tags([...document.querySelectorAll('*')])"
    assert Counter(page.ask(counted)) == Counter(plain.ask(counted))
    assert page.ask(
        "[...document.querySelectorAll('#cards > article:has(.map) h3 bdi')].map((e) => e.textContent)"
    ) == [visible(string) for string in strings]
    texts = page.ask("[...document.querySelectorAll('#cards .text')].map((e) => e.textContent)")
    assert texts == [visible(string) for string in strings for _ in range(3)]
    assert page.ask(ELSEWHERE) == page.ask("violations") == []


def test_the_same_comparison_gives_the_same_page() -> None:
    assert render_comparison(everything()) == render_comparison(everything())


def test_a_special_token_that_is_written_in_the_text_is_read_and_has_no_colour() -> None:
    made = example("so [SEP] bad", [1, 2, 4], spans=[(0, 2), (3, 8), (9, 12)])
    (held,) = made.encodings
    tokens = [replace(token, special=token.special or token.start == 3) for token in held.tokens]
    split = [replace(word, special=word.special or word.start == 3) for word in held.words]
    made = made.model_copy(update={"encodings": [held.model_copy(update={"tokens": tokens, "words": split})]})
    html = render_comparison(compare(report(made), report(made)))
    assert '<span class="w s2">so</span> [SEP] <span class="w s8">bad</span></p>' in html
    assert "<s>" not in html
