"""Examples out of rows of other files: which rows, their names, and every mistake at its place, word for word."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from saliency_report.cli import main
from saliency_report.errors import InputError
from saliency_report.spec import TASKS, MultipleChoice, Spec, TextClassification, json_schema, parse_spec

HEAD = "examples_from:\n  task: text-classification\n"
CSV = 'nr,lang,review,stars\n7,en,"Good, very good",5\n8,de,Gut,4\n\n9,en,"Two\nlines",1\n'


def read(text: str, folder: Path) -> Spec:
    return parse_spec(text, "in.yaml", "in.yaml", folder)


def problems(text: str, folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(text, folder)
    return caught.value.message.splitlines()


def texts(spec: Spec) -> list[str]:
    return [e.text for e in spec.examples if isinstance(e, TextClassification)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with the same three rows in four kinds of file."""
    (tmp_path / "rows.csv").write_text(CSV, encoding="utf-8-sig", newline="")
    rows = [
        {"nr": 7, "lang": "en", "review": "Good, very good", "stars": 5},
        {"nr": 8, "lang": "de", "review": "Gut", "stars": 4},
        {"nr": 9, "lang": "en", "review": "Two\nlines", "stars": 1},
    ]
    (tmp_path / "rows.jsonl").write_text("\n\n".join(map(json.dumps, rows)), encoding="utf-8")
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    lines = ["\t".join(rows[0]), *("\t".join(str(v).replace("\n", " ") for v in row.values()) for row in rows)]
    (tmp_path / "rows.tsv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_rows_of_each_kind_of_file(data: Path, kind: str) -> None:
    spec = read(f"{HEAD}  file: rows.{kind}\n  columns: {{text: review, label: stars}}", data)
    assert [e.id for e in spec.examples] == ["rows-1", "rows-2", "rows-3"]
    assert texts(spec) == ["Good, very good", "Gut", "Two lines" if kind == "tsv" else "Two\nlines"]
    assert [getattr(e, "label", None) for e in spec.examples] == [5, 4, 1]
    assert spec.rows == (f"rows.{kind}: all 3 rows",)


def test_a_data_set_gives_its_rows_as_a_file_does(data: Path) -> None:
    (data / "set").mkdir()
    (data / "rows.parquet").rename(data / "set" / "test.parquet")
    spec = read(f"{HEAD}  dataset: set\n  split: test\n  columns: {{text: review}}\n  where: {{lang: en}}", data)
    assert [e.id for e in spec.examples] == ["set-test-1", "set-test-3"]
    assert spec.rows == ("set, test: all 2 rows with lang = en",)


def test_a_quote_in_a_tsv_is_a_character(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('text\n"Never" again\nA 5" disc\n', encoding="utf-8")
    assert texts(read(f"{HEAD}  file: a.tsv\n  columns: [text]", tmp_path)) == ['"Never" again', 'A 5" disc']


def test_another_delimiter(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text;n\na,b;1\n", encoding="utf-8")
    assert texts(read(f'{HEAD}  file: a.csv\n  delimiter: ";"\n  columns: [text]', tmp_path)) == ["a,b"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("where", "rows"), [("lang: en", [1, 3]), ("stars: [4, 1]", [2, 3]), ("lang: en, stars: 5", [1])]
)
def test_where_admits_rows(data: Path, kind: str, where: str, rows: list[int]) -> None:
    spec = read(f"{HEAD}  file: rows.{kind}\n  columns: {{text: review}}\n  where: {{{where}}}", data)
    assert [e.id for e in spec.examples] == [f"rows-{row}" for row in rows]


def test_ids_come_from_a_column_or_are_the_number_of_the_row(data: Path) -> None:
    """The number is that of the file, so a row keeps its name when others are chosen."""
    text = f"{HEAD}  file: rows.csv\n  columns: {{text: review, id: nr}}"
    assert [e.id for e in read(text, data).examples] == ["7", "8", "9"]


def test_a_sample_is_the_same_each_time_and_every_row_has_the_same_chance(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n" + "".join(f"text {i}\n" for i in range(1, 11)), encoding="utf-8")

    def drawn(seed: int, more: str = "") -> list[str]:
        spec = read(f"{HEAD}  file: a.csv\n  columns: [text]\n  sample: 3\n  seed: {seed}\n{more}", tmp_path)
        return [e.id for e in spec.examples]

    assert drawn(0) == drawn(0) == ["a-1", "a-6", "a-7"]
    assert set(drawn(1, "  limit: 4\n")) < {"a-1", "a-2", "a-3", "a-4"}
    counts = Counter(id for seed in range(400) for id in drawn(seed))
    # 400 draws of 3 in 10: 120 each, with a standard deviation of 9.
    assert len(counts) == 10
    assert all(88 < count < 152 for count in counts.values()), counts
    spec = read(f"{HEAD}  file: a.csv\n  columns: [text]\n  sample: 3\n  limit: 4", tmp_path)
    assert spec.rows == ("a.csv: 3 of the first 4 rows, drawn at random with seed 0",)


def test_no_more_is_held_than_what_is_chosen(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8") as file:
        file.write("text,rest\n")
        file.writelines(f"text {i},{'x' * 1000}\n" for i in range(20_000))
    read(f"{HEAD}  file: a.csv\n  columns: [text]\n  limit: 1", tmp_path)  # what is imported once
    tracemalloc.start()
    spec = read(f"{HEAD}  file: a.csv\n  columns: [text]\n  sample: 10", tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(spec.examples) == 10
    assert most < 1_000_000, "of a file of 20 MB"


def test_choices_come_from_several_columns_or_from_a_list(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('q,one,two,all\nWho?,Ann,Ben,"[""Cy"", ""Di""]"\n', encoding="utf-8")
    head = "examples_from:\n  task: multiple-choice\n  file: a.csv\n"
    for columns, choices in (("[one, two]", ["Ann", "Ben"]), ("all", ["Cy", "Di"])):
        (example,) = read(f"{head}  columns: {{question: q, choices: {columns}}}", tmp_path).examples
        assert isinstance(example, MultipleChoice)
        assert example.choices == choices


def test_several_sources_stand_beside_examples(data: Path) -> None:
    text = """
defaults: {task: text-classification, seed: 3, model: small}
examples: [{text: by hand}]
examples_from:
  - {file: rows.csv, columns: {text: review}, limit: 1, model: large}
  - {file: rows.jsonl, columns: {text: review, id: nr}, where: {stars: 1}}
"""
    spec = read(text, data)
    assert [(e.id, e.model, e.seed) for e in spec.examples] == [
        ("example-1", "small", 3),
        ("rows-1", "large", 3),
        ("9", "small", 3),
    ]
    assert spec.rows == ("rows.csv: the first 1 rows", "rows.jsonl: all 1 rows with stars = 1")
    assert spec.first(2).rows[-1] == "Of these and all other examples the first 2 alone were explained"


def test_an_empty_cell_leaves_an_optional_field_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,\nb,GOOD\n", encoding="utf-8")
    spec = read(f"{HEAD}  file: a.csv\n  columns: [text, label]", tmp_path)
    assert [getattr(e, "label", "") for e in spec.examples] == [None, "GOOD"]


FILE = f"{HEAD}  file: rows.csv\n"
CASES = [
    (
        "examples_from: []",
        ["in.yaml:1:16: examples_from: the list is empty; write at least one file or dataset, or leave it out"],
    ),
    (
        "examples_from: rows.csv",
        ["in.yaml:1:16: examples_from: must be a mapping with a file or a dataset, and columns, not rows.csv"],
    ),
    (
        HEAD + "  columns: [text]",
        ["in.yaml:2:3: examples_from: names no file; write file: data.csv, or dataset: owner/name"],
    ),
    (
        FILE + "  dataset: a/b\n  columns: [text]",
        ["in.yaml:2:3: examples_from: file and dataset are two sources; write an entry for each"],
    ),
    (
        FILE,
        [
            "in.yaml:2:3: examples_from.columns: is missing; write it: Which column is which field, such as "
            "{text: review, label: stars}; for choices a list of columns. A list of names where columns and fields "
            "have "
            "the same."
        ],
    ),
    (
        FILE + "  columns: text",
        ["in.yaml:4:12: examples_from.columns: must say which column is which field, such as {text: review}, not text"],
    ),
    (
        FILE + "  columns: {text: reviw}",
        ["in.yaml:4:19: examples_from.columns.text: rows.csv has no column 'reviw'; did you mean 'review'?"],
    ),
    (
        FILE + "  columns: {text: body}",
        [
            "in.yaml:4:19: examples_from.columns.text: rows.csv has no column 'body'; its columns are nr, lang, "
            "review, stars"
        ],
    ),
    (
        FILE + "  columns: {txt: review}",
        ["in.yaml:4:13: examples_from.columns.txt: no task has this field; did you mean 'text'?"],
    ),
    (
        FILE + "  columns: {text: review, trust_remote_code: nr, task: lang}",
        [
            "in.yaml:4:27: examples_from.columns.trust_remote_code: is yours to say, not the data's; write it beside "
            "columns",
            "in.yaml:4:50: examples_from.columns.task: is yours to say, not the data's; write it beside columns",
        ],
    ),
    (
        FILE + "  columns: {label: stars}",
        ["in.yaml:4:12: examples_from.columns.text: is missing; write it: The text to classify."],
    ),
    (
        FILE + "  columns: {text: review}\n  wher: {lang: en}",
        ["in.yaml:5:3: examples_from.wher: unknown key; did you mean 'where'?"],
    ),
    (
        FILE + "  columns: {text: review}\n  id: a\n  rationale: [a]",
        [
            "in.yaml:5:3: examples_from.id: names one example; write a column for it under columns",
            "in.yaml:6:3: examples_from.rationale: marks words of one example; write a column for it under columns",
        ],
    ),
    (
        FILE + "  columns: {text: review}\n  where: {lang: fr}",
        ["in.yaml:5:17: examples_from.where.lang: no row has lang = fr and all else; others have en, de"],
    ),
    (
        FILE + "  columns: {text: review}\n  where: en",
        [
            "in.yaml:5:10: examples_from.where: must be columns with a value or a list of values, such as {language: "
            "en}, "
            "not en"
        ],
    ),
    (
        FILE + "  columns: {text: review}\n  sample: 4",
        ["in.yaml:5:11: examples_from.sample: asks for 4 rows, there are 3; write 3 or leave it out"],
    ),
    (
        FILE + "  columns: {text: review}\n  sample: 0",
        ["in.yaml:5:11: examples_from.sample: must be a whole number from 1 to 1000000, not 0"],
    ),
    (
        FILE + "  columns: {text: review}\n  seed: 1",
        ["in.yaml:5:3: examples_from.seed: draws nothing without sample; the seed of the methods goes under defaults"],
    ),
    (
        FILE + "  columns: {text: review}\n  split: test",
        ["in.yaml:5:3: examples_from.split: belongs to dataset; leave it out"],
    ),
    (
        HEAD + "  dataset: a/b\n  columns: [text]",
        ["in.yaml:2:3: examples_from.split: is missing; write it: The data set's split, such as test."],
    ),
    (
        HEAD + "  file: nothing.csv\n  columns: [text]",
        [
            "in.yaml:3:9: examples_from.file: nothing.csv: there is no such file; paths are looked up from the folder "
            "of the "
            "input file"
        ],
    ),
    (
        HEAD + "  file: in.xlsx\n  columns: [text]",
        ["in.yaml:3:9: examples_from.file: in.xlsx: its name must end in one of .csv, .tsv, .jsonl, .parquet"],
    ),
    (
        FILE + "  columns: {text: review}\n  quantity: much",
        ["in.yaml:5:13: examples_from.quantity: must be one of logit, log_prob, probability, loss, not much"],
    ),
    (
        "examples_from: {file: rows.csv, columns: {text: review}}",
        [f"in.yaml:1:16: examples_from: the key task is missing; it is one of {', '.join(TASKS)}"],
    ),
    (
        FILE + "  columns: {text: review, id: lang}",
        ["rows.csv:5: row 3, 'en' is already the id of rows.csv:2, row 1; write a column of other ids for id"],
    ),
    (
        FILE + "  columns: {text: review, dtype: lang}",
        [
            f"rows.csv:{line}: row {row}, dtype (column lang): must be one of auto, float32, bfloat16, float16, "
            f"float64, "
            f"not {language}"
            for row, line, language in ((1, 2, "en"), (2, 3, "de"), (3, 5, "en"))
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_what_is_wrong_with_a_source(data: Path, text: str, expected: list[str]) -> None:
    assert problems(text, data) == expected


FILES = [
    ("a.csv", b"", "in.yaml:3:9: examples_from.file: a.csv: is empty; its first line must name the columns"),
    ("a.csv", b"text\n", "in.yaml:3:9: examples_from.file: has no rows"),
    ("a.csv", b"text,text\na,b\n", "a.csv:1: the column 'text' stands twice in the first line; name each once"),
    ("a.csv", b"text,n\na,1\nb\n", "a.csv:3: row 2 has 1 cells, the first line names 2 columns"),
    ("a.csv", b"text\na\n\xff\n", "a.csv:3: is not UTF-8; save the file as UTF-8"),
    ("a.csv", b'text\na\n"b\n', "a.csv:3: is not valid CSV: unexpected end of data"),
    ("a.csv", b'text\n" "\n', "a.csv:2: row 1, text: is empty; write some text"),
    ("a.jsonl", b'{"text": "a"}\n{"text" "b"}', "a.jsonl:2: row 2 is not valid JSON at column 9"),
    ("a.jsonl", b'["a"]', 'a.jsonl:1: row 1 must be an object such as {"text": "…"}, not a list'),
    ("a.jsonl", b'{"text": "a"}\n\n{"text": 5}', "a.jsonl:3: row 2, text: must be text, not 5; put it in quotes"),
    ("a.jsonl", b'{"text": "a"}\n{"body": "b"}', "a.jsonl:2: row 2, text: is empty; write some text"),
    (
        "a.jsonl",
        b'{"texts": "a"}\n{"body": "b"}',
        "in.yaml:4:12: examples_from.columns.text: a.jsonl has no column 'text'; did you mean 'texts'?",
    ),
    (
        "a.jsonl",
        b'{"text": "\\ud83d"}',
        "a.jsonl:1: row 1, text: holds half a character (a lone surrogate); write the character itself",
    ),
    ("a.parquet", b"PAR1", "in.yaml:3:9: examples_from.file: a.parquet: is not a Parquet file, or a damaged one"),
]


@pytest.mark.parametrize(("name", "content", "expected"), FILES)
def test_what_is_wrong_with_a_file(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert problems(f"{HEAD}  file: {name}\n  columns: [text]", tmp_path) == [expected]


def test_after_ten_problems_of_rows_the_rest_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,n\n" + ",1\n" * 1500, encoding="utf-8")
    said = problems(f"{HEAD}  file: a.csv\n  columns: [text]", tmp_path)
    assert len(said) == 11
    assert said[-1] == "a.csv: 1,490 more problems in its rows"


@pytest.mark.parametrize(
    ("source", "package", "expected"),
    [
        (
            "file: rows.parquet",
            "pyarrow",
            "in.yaml:3:9: examples_from.file: rows.parquet: a .parquet file needs the package pyarrow, which is not "
            "installed; pip install 'saliency-report[datasets]'",
        ),
        (
            "dataset: a/b\n  split: test",
            "datasets",
            "in.yaml:3:12: examples_from.dataset: a/b: a data set needs the package datasets, which is not installed; "
            "pip "
            "install 'saliency-report[datasets]'",
        ),
    ],
)
def test_a_package_that_is_missing(
    data: Path, monkeypatch: pytest.MonkeyPatch, source: str, package: str, expected: str
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert problems(f"{HEAD}  {source}\n  columns: [text]", data) == [expected]


def test_a_split_that_a_data_set_does_not_have(data: Path) -> None:
    (data / "set").mkdir()
    (data / "rows.parquet").rename(data / "set" / "test.parquet")
    (said,) = problems(f"{HEAD}  dataset: set\n  split: train\n  columns: [text]", data)
    assert said.startswith("in.yaml:3:12: examples_from.dataset: set: does not load: ")
    assert "train" in said


def test_check_reads_the_rows_and_needs_no_torch(data: Path) -> None:
    (data / "in.yaml").write_text(f"{HEAD}  file: rows.parquet\n  columns: {{text: review}}", encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from saliency_report.spec import load_spec; "
        f"print(len(load_spec(Path({str(data / 'in.yaml')!r})).examples), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "False"]


def test_a_run_says_on_its_page_which_rows_it_explained(tmp_path: Path) -> None:
    sample = Path(__file__).parent.parent / "sample_inputs/rows.yaml"
    output = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["run", str(sample), "--quiet", "--json", "--limit", "2", "-o", str(output)])
    assert done.exit_code == 0, done.output
    record = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    drawn = "reviews.csv: 6 of the 9 rows with language = en, drawn at random with seed 0"
    left = "Of these and all other examples the first 2 alone were explained"
    assert record["rows"] == [drawn, left]
    assert f"<dt>Rows</dt><dd><bdi>{drawn}</bdi>. <bdi>{left}</bdi>.</dd>" in output.read_text(encoding="utf-8")
    assert [example["id"] for example in record["examples"]] == ["reviews-1", "reviews-3"]


def test_the_schema_knows_sources_of_rows() -> None:
    source = json_schema()["$defs"]["RowsFrom"]
    assert {"file", "dataset", "columns", "where", "sample", "task", "model"} <= source["properties"].keys()
    assert not {"id", "rationale"} & source["properties"].keys()
