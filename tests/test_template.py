"""Templates of the user's own: the example of the README, what cannot be done with them, and every mistake told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import records
from saliency_report.cli import main
from saliency_report.errors import InputError
from saliency_report.page import render_page
from saliency_report.page.static import render_static
from saliency_report.record import to_json

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EXTENDS = '{% extends "builtin/report.html.j2" %}\n'


@pytest.fixture
def brand(tmp_path: Path) -> Path:
    folder = tmp_path / "brand"
    folder.mkdir()
    return folder


def put(folder: Path, text: str, name: str = "report.html.j2") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def readme(brand: Path) -> Path:
    """The folder that the README shows."""
    for language, name in (("jinja", "report.html.j2"), ("css", "brand.css")):
        block = re.search(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
        assert block
        put(brand, block[1], name)
    return brand


def test_the_example_of_the_readme_puts_logo_and_colour_on_the_page(readme: Path, visit: Open) -> None:
    seen = visit(records.realistic(), templates=readme, color_scheme="light")
    assert seen.page.locator("svg[aria-label=Acme]").is_visible()
    assert seen.page.get_by_text("Reviewed by the language team.").is_visible()
    colour = "getComputedStyle(document.querySelector('.index a')).color"
    assert seen.ask(colour) == "rgb(106, 27, 154)"
    dark = visit(records.realistic(), templates=readme, color_scheme="dark")
    assert dark.ask(colour) == "rgb(217, 167, 238)"
    dark.draw(1)


def test_the_logo_stands_on_the_page_without_style_too(readme: Path) -> None:
    page = render_static(records.realistic(), readme)
    assert '<rect width="24" height="24" rx="5" fill="#6a1b9a"></rect>' in page
    assert "Reviewed by the language team." in page


def test_without_a_folder_nothing_changes(brand: Path) -> None:
    put(brand, EXTENDS)
    assert render_page(records.realistic(), templates=brand) == render_page(records.realistic())


def test_a_script_of_a_template_does_not_run(brand: Path, visit: Open) -> None:
    script = '<script>document.title = "run"</script><b onclick="document.title = 1">x</b>'
    put(brand, f"{EXTENDS}{{% block head %}}{script}{{% endblock %}}{{% block foot %}}{script}{{% endblock %}}")
    seen = visit(records.realistic(), templates=brand, silent=False)
    seen.page.locator("b", has_text="x").last.click()
    assert seen.ask("document.title") == "Saliency report"
    assert seen.noise
    assert all("Content Security Policy" in line for line in seen.noise)
    seen.noise.clear()
    assert "<script" not in render_static(records.realistic(), brand)


def test_elements_left_open_do_not_disturb_the_page_without_style(brand: Path) -> None:
    put(brand, EXTENDS + "{% block brand %}<div><p>One<p>Two</div></i>{% endblock %}")
    page = render_static(records.realistic(), brand)
    assert "<div><p>One<p>Two</p></p></div>" in page
    assert page.endswith("</font></body>\n</html>")


MISTAKES = {
    "a typing error in a name": (
        {"reprot.html.j2": EXTENDS},
        "brand/reprot.html.j2: the page has no template of this name; did you mean 'report.html.j2'?",
    ),
    "a script": (
        {"report.js": "alert(1)"},
        "brand/report.js: the page runs no script but its own. Take the file out of the folder.",
    ),
    "an end of the style": (
        {"brand.css": "a {}\n</STYLE><script>"},
        "brand/brand.css:2: a style sheet cannot hold </style. Take it out.",
    ),
    "a syntax error": (
        {"report.html.j2": EXTENDS + "{% block lead %}\n{{ report.title }\n{% endblock %}"},
        "brand/report.html.j2:3: unexpected '}'. Mend the template.",
    ),
    "an unknown filter": (
        {"report.html.j2": EXTENDS + "\n{% block lead %}{{ 1|percentage }}{% endblock %}"},
        "brand/report.html.j2:3: No filter named 'percentage'. Mend the template.",
    ),
    "another template's name": (
        {"report.html.j2": '\n{% extends "builtin/raport.html.j2" %}'},
        "brand/report.html.j2:2: there is no template 'builtin/raport.html.j2'; "
        "did you mean 'builtin/report.html.j2'? A built-in one is named builtin/ and its name.",
    ),
    "itself": (
        {"report.html.j2": '{% extends "report.html.j2" %}'},
        "brand/report.html.j2:1: uses itself. The built-in one is called builtin/report.html.j2.",
    ),
    "an unknown block": (
        {"report.html.j2": EXTENDS + "{% block titel %}x{% endblock %}"},
        "brand/report.html.j2:2: builtin/report.html.j2 has no block 'titel'; did you mean 'title'? "
        "Its blocks are title, head, brand, lead, overview, index, examples, meaning, made, foot.",
    ),
    "no policy": (
        {"report.html.j2": "<p>{{ report.title }}</p>"},
        "brand: the page would have no Content-Security-Policy. "
        "Let report.html.j2 extend builtin/report.html.j2 and fill its blocks.",
    ),
    "nothing": (
        {"logo.png": ""},
        "brand: holds no template. "
        'Write {% extends "builtin/report.html.j2" %} in report.html.j2 and fill its blocks, or put brand.css there.',
    ),
    "an unknown name": (
        {"report.html.j2": EXTENDS + "{% block lead %}\n{{ report.titel }}\n{% endblock %}"},
        "brand/report.html.j2:3: 'Report object' has no attribute 'titel'. "
        "Mend it, or leave --template out. It can use whatever the built-in template of its name uses.",
    ),
    "a wrong sum": (
        {"report.html.j2": EXTENDS + "{% block lead %}{{ 1 // 0 }}{% endblock %}"},
        "brand/report.html.j2:2: integer division or modulo by zero. "
        "Mend it, or leave --template out. It can use whatever the built-in template of its name uses.",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_has_its_place_and_what_to_do(mistake: str, brand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, message = MISTAKES[mistake]
    for name, text in files.items():
        put(brand, text, name)
    monkeypatch.chdir(brand.parent)
    with pytest.raises(InputError) as raised:
        render_page(records.report(records.classification("a", "One text.")), templates=Path("brand"))
    assert str(raised.value).startswith(message)


def test_a_missing_folder_and_a_file_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("report.json").write_text(to_json(records.realistic()), encoding="utf-8")
    for name, what in (("nowhere", "there is no such folder"), ("report.json", "is not a folder")):
        result = CliRunner().invoke(main, ["render", "report.json", "--template", name])
        assert result.exit_code == 2
        assert result.stderr == f"Error: {name}: {what}.\nGive --template a folder of templates.\n"
    assert not Path("report.html").exists()


TEXT = "- {id: first, task: text-classification, model: bert, text: The cat sat on the bad movie.}"


@pytest.fixture
def run_folder(families: Path, brand: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = brand.parent
    (folder / "bert").symlink_to(families / "bert")
    (folder / "in.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.usefixtures("run_folder")
def test_a_run_with_a_wrong_template_computes_nothing() -> None:
    put(Path("brand"), EXTENDS + "{% block titel %}x{% endblock %}")
    result = CliRunner().invoke(main, ["run", "in.yaml", "-q", "--template", "brand"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: brand/report.html.j2:2: builtin/report.html.j2 has no block 'titel'")
    assert not Path("report.html").exists()


@pytest.mark.usefixtures("run_folder")
def test_a_run_whose_template_fails_at_the_end_loses_nothing() -> None:
    put(Path("brand"), EXTENDS + "{% block lead %}{{ report.titel }}{% endblock %}")
    result = CliRunner().invoke(main, ["run", "in.yaml", "-q", "--json", "--static", "--template", "brand"])
    assert result.exit_code == 2
    assert result.stderr.startswith(
        "Error: brand/report.html.j2:2: 'Report object' has no attribute 'titel'.\n"
        "Nothing is lost: report.html has the built-in templates. Mend it, or leave --template out."
    )
    assert all(Path(name).stat().st_size for name in ("report.html", "report.static.html", "report.json"))
    again = CliRunner().invoke(main, ["render", "report.json", "-o", "again.html"])
    assert again.exit_code == 0
    assert Path("again.html").read_bytes() == Path("report.html").read_bytes()
