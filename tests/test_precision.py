"""Half precision beside float32: the comparison by hand, through a model, and in words."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import records
from saliency_report.cli import main
from saliency_report.engine import default_dtype
from saliency_report.metrics.rank import spearman
from saliency_report.page import render_page
from saliency_report.page.precision import in_words
from saliency_report.pipeline import Run
from saliency_report.precision import check_precision, compared
from saliency_report.record import ExampleResult, Precision, Report
from saliency_report.spec import Spec, parse_spec

CPU = torch.device("cpu")
FIVE = """
- {id: a, task: text-classification, text: "It was bad, and I hated all of it."}
- {id: b, task: text-classification, text: "Not bad at all, a charming little film."}
- {id: c, task: text-classification, text: "Two hours that I shall never get back.", methods: all, faithfulness: true}
- {id: d, task: text-generation, prompt: The cat sat on the, max_new_tokens: 2}
- {id: e, task: multiple-choice, context: Anna lives in Oslo., question: Where?, choices: [Oslo, Lima]}
"""


def of_words(*scores: float) -> ExampleResult:
    """`It was bad .` between [CLS] and [SEP], whose scores do not count."""
    result = records.classification("film", "It was bad.")
    map_ = result.maps[0]
    held = {**map_.word_scores, map_.first_score: [99.0, *scores, 77.0 * scores[0]]}
    return result.model_copy(update={"maps": [map_.model_copy(update={"word_scores": held})]})


def test_scores_of_ordinary_words_are_compared() -> None:
    full = of_words(1.0, 2.0, 4.0, 3.0)
    found = compared([(of_words(1.01, 2.02, 4.04, 3.03), full), (of_words(4.0, 3.0, 1.0, 2.0), full)])
    assert (found.examples, found.others, found.same_answer, found.same_top) == (2, 0, 2, 1)
    assert found.spearman_mean == 0.0
    assert found.spearman_min == -1.0
    apart = math.dist((4, 3, 1, 2), (1, 2, 4, 3)) / math.sqrt(30)
    assert found.difference == pytest.approx((0.01 + apart) / 2, rel=1e-12)


def test_another_text_and_a_failure_are_counted_and_not_compared() -> None:
    one, other = records.classification("film", "It was bad."), records.classification("film", "It was good.")
    failed = one.model_copy(update={"maps": [], "encodings": []})
    nothing = compared([(one, failed), (one, other)])
    assert nothing == Precision(
        examples=0, others=2, same_answer=0, same_top=0, spearman_mean=None, spearman_min=None, difference=None
    )
    assert in_words(nothing) == ("no map to compare with float32: 2 examples failed there or became another text")


def spec_of(text: str) -> Spec:
    return parse_spec(text, "in.yaml", None, Path())


def report_of(spec: Spec, dtype: str) -> Report:
    return Run(spec, CPU, dtype, lambda result: None, debug=True).report()


def test_every_model_in_half_precision_is_compared_with_float32() -> None:
    spec = spec_of(FIVE)
    half, full = report_of(spec, "bfloat16"), report_of(spec, "float32")
    checked = check_precision(half, spec, CPU, 2)
    assert checked.examples == half.examples
    assert checked.warnings == half.warnings
    found = [model.precision for model in checked.models]
    assert [precision and precision.examples for precision in found] == [2, 1, 1]
    # Evenly spread: of three the first and the second.
    pairs = [
        [
            [score or 0.0 for score, word in zip(m.word_scores["l2"], result.encodings[0].words, strict=True)]
            for result in (half.examples[i], full.examples[i])
            for m in result.maps[:1]
        ]
        for i in (0, 1)
    ]
    rhos = [spearman(one[1:-1], other[1:-1]) or 0.0 for one, other in pairs]
    assert found[0] is not None
    assert found[0].spearman_mean == pytest.approx(sum(rhos) / 2)
    assert found[0].difference is not None
    assert 1e-3 < found[0].difference < 0.1


def test_the_map_of_the_same_label_is_compared_where_the_answer_differs() -> None:
    """A label asked for by name in the place of the predicted one, and a choice's own map."""
    spec = spec_of(FIVE)
    half = report_of(spec, "bfloat16")
    turned = half.model_copy(
        update={"examples": [*half.examples[:4], half.examples[4].model_copy(update={"headline": 1})]}
    )
    asked = spec_of(FIVE.replace('all of it."', 'all of it.", target: POSITIVE'))
    other = report_of(asked, "bfloat16").examples[0]
    turned = turned.model_copy(update={"examples": [other, *turned.examples[1:]]})
    for model in check_precision(turned, spec, CPU, 9).models:
        assert model.precision is not None
        assert model.precision.difference is not None
        assert model.precision.difference < 0.1


def test_float32_has_nothing_to_check() -> None:
    spec = spec_of(FIVE)
    checked = check_precision(report_of(spec, "float32"), spec, CPU, 2)
    assert [model.precision for model in checked.models] == [None, None, None]
    assert checked.warnings == ["Precision was not checked: no example has weights in half precision."]


SAID = (
    "compared with float32 on 20 examples: ρ 0.998 on average, 0.98 at least, scores 0.88 % apart, "
    "the same strongest word in 20, the same answer in 19; 1 example failed there or became another text"
)


def test_the_page_and_the_terminal_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Precision(
        examples=20, others=1, same_answer=19, same_top=20, spearman_mean=0.998, spearman_min=0.983, difference=0.0088
    )
    assert in_words(found).replace("\N{NO-BREAK SPACE}", " ") == SAID
    report = records.realistic()
    half = [records.model(dtype="bfloat16", precision=found), *report.models[1:]]
    page = render_page(report.model_copy(update={"models": half}), charts=False)
    assert in_words(found).replace(">", "&gt;") in page
    unchecked = [records.model(dtype="float16"), *report.models[1:]]
    page = render_page(report.model_copy(update={"models": unchecked}), charts=False)
    assert "; not compared with float32, as <code>--check-precision</code> does" in page
    monkeypatch.chdir(tmp_path)
    Path("in.yaml").write_text("- {task: text-classification, text: It was bad.}", encoding="utf-8")
    result = CliRunner().invoke(main, ["run", "in.yaml", "--dtype", "bfloat16", "--check-precision", "3"])
    assert "embedded sentiment, bfloat16: compared with float32 on 1 example: ρ " in result.output


def test_weights_on_a_gpu_keep_their_own_format() -> None:
    assert [default_dtype(torch.device(kind)) for kind in ("cpu", "cuda", "mps")] == ["float32", "auto", "auto"]
