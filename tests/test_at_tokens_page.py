"""The page of tasks that answer at tokens: to everybody who reads it, and with labels that mean it harm."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tiny
from by_windows import text as words
from conftest import Explain
from saliency_report.page.heat import GREY
from saliency_report.page.static import render_static
from saliency_report.page.text import label
from saliency_report.record import Report
from test_accessibility import DARK, PHONE, check, read

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing", "node"]

QUESTION = "question: Who sat?, context: 'The cat sat on the movie. London was bad.'"
TEXT = f"""
- {{task: token-classification, model: bert-tokens, text: '{tiny.ENTITIES}', methods: integrated_gradients}}
- {{task: token-classification, model: roberta-tokens, text: The cat sat, target: cat, foil: LOC}}
- {{task: question-answering, model: bert-answers, {QUESTION}, target: cat, foil: runner-up, methods: occlusion}}
- {{task: fill-mask, model: roberta-mask, text: 'The cat <mask> on the movie.', quantity: probability}}
- {{task: question-answering, model: bert-answers, question: Who sat?, context: {words(90)}, long: windows}}
"""


@pytest.fixture(scope="module")
def report(explain: Explain) -> Report:
    return explain(TEXT)


@pytest.mark.parametrize(
    ("options", "choices"),
    [({}, {}), (DARK | PHONE, {"aggregation": "gradient_x_input", "unit": "tokens", "special": True})],
    ids=["light", "dark phone, signed tokens, special shown"],
)
def test_it_passes_axe_and_every_text_has_contrast(
    options: dict[str, Any], choices: dict[str, Any], visit: Open, node_modules: Path, report: Report
) -> None:
    check(read(visit, report, options, choices), node_modules, 500)


def test_without_scripts_it_says_the_same(visit: Open, report: Report) -> None:
    page = visit(report, scripts=False)
    for number, result in enumerate(report.examples, 1):
        sentence = page.page.locator(f"#example-{number} .sentence").inner_text()
        assert sentence == result.maps[result.headline].target.sentence
    assert page.page.locator("#example-1 [data-tag]").first.get_attribute("data-tag") == "LOC"


def test_without_style_what_is_outlined_is_bold(report: Report) -> None:
    page = render_static(report)
    assert "Each bold entity has a map of its own." in page
    assert page.count("The first is bold in the text.") == 2
    assert page.count("It is bold in the text.") == 1, "of several candidates it is not said"
    (map_,) = report.examples[4].maps
    encoding, scores = report.examples[4].encodings[0], map_.word_scores["l2"]
    outside = [word for word, score in zip(encoding.words, scores, strict=True) if score is None]
    texts = re.findall(r"<pre wrap.*?</pre>", page, re.DOTALL)
    (text,) = (text for text in texts if "[window 1]" in text)
    grey = "".join(re.findall(f'<font color="{GREY}">(.*?)</font>', text))
    assert grey == "".join(encoding.segments[1].text[word.start : word.end] for word in outside) != ""


def test_a_label_is_never_more_than_text(visit: Open, explain: Explain, families: Path, tmp_path: Path) -> None:
    evil = '"><img src=x onerror=alert(1)>{{ 7*7 }}</span><script>alert(2)</script>\\'
    shutil.copytree(families / "bert-tokens", tmp_path / "evil")
    path = tmp_path / "evil/config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    names = ["O", "B-PER", "I-PER", f"B-{evil}", f"I-{evil}"]
    config |= {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    path.write_text(json.dumps(config), encoding="utf-8")
    text = f"- {{task: token-classification, model: evil, text: '{tiny.ENTITIES}', methods: occlusion}}"
    page = visit(explain(text, folder=tmp_path))
    assert page.page.locator("#example-1 [data-tag]").first.get_attribute("data-tag") == label(evil)
    assert page.count("main img, main script:not([type])") == 0
    page.page.locator("#example-1 .maps .g").last.click()
    assert page.page.locator("#example-1 .chances .name").first.inner_text() in map(label, names)
