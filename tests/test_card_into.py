"""A card put into a README: everything but the part between two lines stays as it is, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

import records
from model_cards import CARDS, WRONG
from saliency_report.card import write_card
from saliency_report.record import to_json
from test_card import CARD, REVIEW
from test_cli import invoke

PART = CARD.replace("(film-review.", "(saliency-report/film-review.")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_text(to_json(records.report(REVIEW)), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", CARDS)
def test_the_rest_stays_byte_for_byte(name: str, record: Path, tmp_path: Path) -> None:
    shape, readme = CARDS[name], tmp_path / "README.md"
    readme.write_bytes(shape.data)
    readme.chmod(0o640)
    command = ("card", str(record), "--example", "film-review", "--into", str(readme))
    code, out, error = invoke(*command)
    folder = tmp_path / "saliency-report"
    assert (code, out, error) == (0, f"{folder / 'film-review.svg'}, {folder / 'film-review.png'}, {readme}\n", "")
    written = readme.read_bytes()
    assert written == shape.before + f"\n{PART}\n".replace("\n", shape.newline).encode() + shape.after
    assert readme.stat().st_mode & 0o777 == 0o640
    assert invoke(*command)[0] == 0
    assert readme.read_bytes() == written


@pytest.mark.parametrize("name", WRONG)
def test_a_file_without_a_place_is_left_alone_and_told_why(name: str, record: Path, tmp_path: Path) -> None:
    data, said = WRONG[name]
    readme = tmp_path / "README.md"
    readme.write_bytes(data)
    assert invoke("card", str(record), "--into", str(readme)) == (2, "", f"Error: {readme}{said}")
    assert readme.read_bytes() == data
    assert not (tmp_path / "saliency-report").exists()


def test_a_file_that_is_not_there(record: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    assert invoke("card", str(record), "--into", str(readme)) == (
        2,
        "",
        f"Error: {readme}: cannot be read: No such file or directory.\nGive the README of the model with --into.\n",
    )


def test_pictures_in_another_folder_are_found_from_the_file(record: Path, tmp_path: Path) -> None:
    readme = tmp_path / "docs" / "card.md"
    readme.parent.mkdir()
    readme.write_bytes(CARDS["no front matter"].data)
    for folder, link in (("my pictures (1)", "../my%20pictures%20%281%29/"), ("docs", "")):
        write_card(records.report(REVIEW), [], record, folder=tmp_path / folder, into=readme)
        text = readme.read_text(encoding="utf-8")
        assert f"({link}film-review.png)]({link}film-review.svg)" in text
        assert (tmp_path / folder / "film-review.svg").is_file()


def test_a_link_to_a_file_stays_a_link(record: Path, tmp_path: Path) -> None:
    (tmp_path / "real.md").write_bytes(CARDS["no front matter"].data)
    (tmp_path / "README.md").symlink_to(tmp_path / "real.md")
    assert invoke("card", str(record), "--into", str(tmp_path / "README.md"))[0] == 0
    assert (tmp_path / "README.md").is_symlink()
    assert PART in (tmp_path / "real.md").read_text(encoding="utf-8")


def test_the_record_itself_is_never_written_over(record: Path) -> None:
    before = record.read_bytes()
    code, _, error = invoke("card", str(record), "--into", str(record))
    assert (code, record.read_bytes()) == (2, before)
    assert error.startswith(f"Error: {record}: there is no place for the card.\n")
