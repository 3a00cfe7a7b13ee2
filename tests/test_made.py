"""How a run was made: its settings, its command, the licences of its models, and what it does not show."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from huggingface_hub import ModelCardData

import evidence_records
import records
from conftest import Explain
from saliency_report import licence
from saliency_report.cli import main
from saliency_report.embedded import EMBEDDED
from saliency_report.page import made, render_page
from saliency_report.record import READABLE, SCHEMA_VERSION, ExampleResult, Report, from_json
from test_page import Element, tree

OLD = Path(__file__).parent / "records_of"


def section(report: Report) -> Element:
    return next(s for s in tree(report).all("section") if s.attributes.get("aria-labelledby") == "made-title")


def of(*examples: ExampleResult) -> made.Made:
    gathered = made.Made()
    for example in examples:
        gathered.add(example)
    return gathered


def asked(id: str, **inputs: Any) -> ExampleResult:
    result = evidence_records.everything(id)
    return result.model_copy(update={"inputs": result.inputs | inputs})


def test_settings_are_those_that_had_a_part_in_a_number() -> None:
    plain = records.classification("plain", "Good.")
    plain = plain.model_copy(update={"inputs": plain.inputs | {"steps": 16, "seed": 0, "orders": 20}})
    assert of(plain, records.failed("failed")).settings() == made.Settings([("quantity", "logit")], [])


def test_settings_stand_once_where_they_are_the_same_and_as_ranges_where_not() -> None:
    same = {"samples": 25, "noise": 0.05, "seed": 0, "keep_special": True, "fractions": [0.1, 0.5]}
    one = asked("one", steps=16, baseline="auto", removal="auto", **same)
    two = asked("two", steps=64, baseline={"text": "A plain text."}, removal="mask", **same)
    found = of(one, two).settings()
    assert found.same == [
        ("quantity", "logit"),
        ("keep_special", "true"),
        ("samples", "25"),
        ("noise", "0.05"),
        ("fractions", "[0.1, 0.5]"),
        ("seed", "0"),
    ]
    assert found.differing == [
        ("baseline", "auto (mean) in 1 example, text “A plain text.” in 1 example"),
        ("steps", "16 to 64"),
        ("removal", "auto (mask) in 1 example, mask in 1 example"),
    ]


def test_the_section_names_licence_command_and_settings() -> None:
    models = [records.model(licence="apache-2.0"), records.model("other"), records.model("third")]
    report = records.report(
        records.classification("one", "Good."), models=models, command="saliency-report run 'my texts.yaml' --json"
    )
    shown = section(report)
    assert [[td.words() for td in row.all("td")][3] for row in shown.one("tbody").all("tr")] == [
        "apache-2.0",
        "none recorded",
        "none recorded",
    ]
    terms = dict(zip([dt.words() for dt in shown.all("dt")], [dd.words() for dd in shown.all("dd")], strict=True))
    assert list(terms) == ["Command", "Settings", "Run", "Versions"]
    assert terms["Command"] == "saliency-report run 'my texts.yaml' --json"
    assert terms["Settings"] == "quantity logit. The same in every example that uses them."
    python = section(records.report(records.classification("one", "Good.")))
    assert "Command" not in [dt.words() for dt in python.all("dt")]


def test_what_is_not_shown_depends_on_what_was_asked_for() -> None:
    plain = of(records.classification("one", "Good."), records.failed("two")).not_shown(2)
    assert plain[1].startswith("What the model does with other texts. Whoever wrote the input chose these 2;")
    assert plain[4:] == [
        "Whether every map is faithful to the model. No example was tested for it.",
        "What happens between the embeddings and the answer. The layers of the model were not looked at.",
    ]
    one, other = evidence_records.everything(), records.classification("plain", "Good.")
    assert of(one, other).not_shown(2)[4:] == [
        "Whether every map is faithful to the model. 1 of 2 examples were tested for it."
    ]
    assert len(of(one).not_shown(1)) == 4


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["in put.yaml", "-o", "{}/page.html"], "saliency-report run 'in put.yaml' --output page.html --json"),
        (["{}/in put.yaml", "--device=cpu", "-q"], "saliency-report run 'in put.yaml' --json --device cpu --quiet"),
        (["in put.yaml", "-q", "--debug"], "saliency-report run 'in put.yaml' --json --quiet --debug"),
    ],
)
def test_the_command_can_be_pasted_and_tells_no_folder(
    arguments: list[str], command: str, families: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"- {{task: text-classification, model: {families / 'bert'}, text: Good.}}"
    Path("in put.yaml").write_text(text, encoding="utf-8")
    written = [argument.format(tmp_path) for argument in arguments]
    result = CliRunner().invoke(main, ["run", *written, "--json"])
    assert result.exit_code == 0, result.output
    (record,) = tmp_path.glob("*.json")
    report = from_json(record.read_text(encoding="utf-8"), "record")
    assert report.command == command
    assert str(tmp_path) not in render_page(report)


def test_a_run_from_python_has_no_command(explain: Explain) -> None:
    report = explain("- {task: text-classification, model: bert, text: Good.}")
    assert (report.command, report.models[0].licence) == (None, None)


@pytest.mark.parametrize("folder", EMBEDDED.values(), ids=list(EMBEDDED))
def test_the_embedded_cards_name_their_licence(folder: Path) -> None:
    assert licence.of_folder(folder) == "apache-2.0"


@pytest.mark.parametrize(
    ("card", "named"),
    [
        ("---\nlicense: mit\n---\n# A model", "mit"),
        ("---\nlicense: [mit, apache-2.0]\n---\n", "mit, apache-2.0"),
        ("---\nlicense: other\nlicense_name: llama3\n---\n", "llama3 (other)"),
        ("---\nlanguage: en\n---\n", None),
        ("---\nlicense: [\n---\n", None),
        ("---\n- license\n---\n", None),
        ("# No front matter", None),
        ("\udcff", None),
        (None, None),
    ],
)
def test_a_folder_has_the_licence_of_its_card(card: str | None, named: str | None, tmp_path: Path) -> None:
    if card is not None:
        (tmp_path / "README.md").write_bytes(card.encode("utf-8", "surrogateescape"))
    assert licence.of_folder(tmp_path) == named


def test_a_hub_model_has_the_licence_that_the_hub_says() -> None:
    assert licence.of_card(ModelCardData(license="other", license_name="gemma")) == "gemma (other)"
    assert licence.of_card(ModelCardData()) is None
    assert licence.of_card(None) is None


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(*pairs: bytes) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", 3, 0, len(pairs)) + b"".join(pairs)


ARCHITECTURE = text("general.architecture") + struct.pack("<I", 8) + text("llama")
TAGS = text("general.tags") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
NUMBERS = text("general.numbers") + struct.pack("<IIQ3I", 9, 4, 3, 1, 2, 3)
VERSION = text("general.quantization_version") + struct.pack("<II", 4, 2)
LICENCE = text("general.license") + struct.pack("<I", 8) + text("apache-2.0")
VOCABULARY = text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 10**15)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (gguf(ARCHITECTURE, TAGS, NUMBERS, VERSION, LICENCE, VOCABULARY), "apache-2.0"),
        (gguf(ARCHITECTURE, VOCABULARY, LICENCE), None),
        (gguf(ARCHITECTURE, LICENCE)[:-60], None),
        (b"GGUF", None),
        (b"", None),
        (b"PK\x03\x04" + gguf(LICENCE)[4:], None),
    ],
)
def test_a_gguf_file_has_the_licence_among_its_first_keys(content: bytes, named: str | None, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    assert licence.of_gguf(path) == named
    assert licence.of_gguf(tmp_path / "none.gguf") is None


def test_there_is_a_record_of_every_earlier_version() -> None:
    assert READABLE[-1] == SCHEMA_VERSION
    assert {path.name for path in OLD.iterdir()} == {f"v{version}.json" for version in READABLE[:-1]}


@pytest.mark.parametrize("version", READABLE[:-1])
def test_a_record_of_an_earlier_version_still_makes_a_page(version: int) -> None:
    report = from_json((OLD / f"v{version}.json").read_text(encoding="utf-8"), "old")
    assert report.schema_version == version
    root = tree(report)
    assert [article.attributes["id"] for article in root.all("article")] == [f"example-{n}" for n in (1, 2, 3, 4)]
    assert root.one("p", "answer").words().startswith("NEGATIVE")
    assert len(list(root.all("figure", "map"))) >= 4
    assert [card.words() for card in root.one("ul", "cards").all("li")][1:3] == [
        "2 of 2 right of those with an expected answer",
        "1 failed which and why",
    ]
    named = [[*row.all("td")][3].words() for row in section(report).one("tbody").all("tr")]
    assert named == [model.licence or "none recorded" for model in report.models]
    assert (version >= 3) == all(model.licence for model in report.models)
    assert "Arithmetic" not in section(report).words()  # no early record knows
