from __future__ import annotations

import json
from pathlib import Path

import pytest

import records
from conftest import Explain
from saliency_report.errors import InputError
from saliency_report.record import Report, from_json, to_json

ROOT = Path(__file__).parent.parent
TEXT = """
- {task: text-classification, model: bert, text: 'It was bad, naïve café 😀.'}
- {task: text-generation, model: llama, prompt: The cat sat on the, max_new_tokens: 2}
- {task: text-classification, model: bert, text: x, target: NO_SUCH_LABEL}
"""


@pytest.fixture(scope="module")
def report(explain: Explain) -> Report:
    return explain(TEXT)


def test_json_and_back_is_the_same_report(report: Report) -> None:
    assert from_json(to_json(report), "report.json") == report


def test_the_json_is_plain_and_has_one_line_an_example(report: Report) -> None:
    text = to_json(report)
    assert sum(line.startswith('{"id":') for line in text.splitlines()) == 3
    assert json.loads(text)["examples"][0]["encodings"][0]["segments"][0]["text"] == "It was bad, naïve café 😀."


def test_half_of_a_surrogate_pair_is_written_as_an_escape_and_read_back(report: Report) -> None:
    odd = records.classification("a\ud800b", "Naïve \udfff 😀 \\ud800 bad.")
    held = report.model_copy(update={"title": "t\ud8ff", "examples": [*report.examples, odd]})
    text = to_json(held)
    assert from_json(text, "report.json") == held
    assert text.count("\n") == to_json(report).count("\n") + 1
    line = text.encode().decode().splitlines()[-3]
    assert '"id":"a\\ud800b"' in line
    assert '"text":"Naïve \\udfff 😀 \\\\ud800 bad."' in line
    plain = from_json(text.replace("\n", " "), "report.json")
    assert plain == held, "laid out in another way"


def test_the_committed_schema_is_current() -> None:
    committed = json.loads((ROOT / "saliency_report/schemas/report.schema.json").read_text(encoding="utf-8"))
    assert committed.pop("$schema") == "https://json-schema.org/draft/2020-12/schema"
    assert committed == Report.model_json_schema()


def test_scores_are_the_shortest_decimals_of_their_float32(report: Report) -> None:
    import numpy as np

    for score in report.examples[0].maps[0].scores["l2"]:
        assert len(repr(score)) <= len(repr(np.float32(score).item()))
        assert repr(score) == str(np.float32(score))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "r.json:1:2: not JSON: Expecting property name enclosed in double quotes."),
        ("[]", "r.json: not a record, it has no schema_version."),
        ('{"schema_version": 9}', "r.json: schema_version is 9, this program reads 1, 2, 3 and 4."),
        ('{"schema_version": 1}', "r.json: title: Field required."),
    ],
)
def test_what_is_no_report_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        from_json(text, "r.json")
    assert caught.value.message == message
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"headline": 9}, "headline"),
        ({"model": 9}, "model"),
        ({"maps": [], "encodings": []}, ""),
    ],
)
def test_what_points_nowhere_is_refused(report: Report, change: dict[str, object], message: str) -> None:
    data = json.loads(to_json(report))
    data["examples"][0] |= change
    if not message:
        assert from_json(json.dumps(data), "r.json").examples[0].maps == []
        return
    with pytest.raises(InputError) as caught:
        from_json(json.dumps(data), "r.json")
    assert caught.value.message == (
        f"r.json: Value error, example example-1: {message} does not fit the rest of the record."
    )


def test_a_wrong_field_is_named_by_its_path(report: Report) -> None:
    data = json.loads(to_json(report))
    data["examples"][1]["maps"][0]["scores"]["l2"][0] = "high"
    with pytest.raises(InputError, match=r"^r.json: examples\[1\].maps\[0\].scores.l2\[0\]: Input should be a valid"):
        from_json(json.dumps(data), "r.json")
