"""A folder for a static Space: what is in it, what it leaves alone, and the page inside the Hub's frame."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route
from ruamel.yaml import YAML

import records
from saliency_report.card.space import LARGEST, readme
from saliency_report.page import render_page
from saliency_report.record import Report, read_report, to_json
from test_cli import invoke
from test_hostile import planted

pytest_plugins = ["browsing"]

# As the Hub has it; the page is of another origin there.
SANDBOX = "allow-downloads allow-forms allow-popups allow-same-origin allow-scripts"
ORIGIN = "https://user-name.static.hf.test/"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_text(to_json(records.realistic()), encoding="utf-8")
    return path


def front_matter(report: Report) -> dict[str, object]:
    _, matter, _ = readme(report).split("---\n", 2)
    found = YAML(typ="safe").load(matter)
    assert isinstance(found, dict)
    return found


def test_a_folder_ready_for_the_hub(record: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my space"
    code, out, error = invoke("space", str(record), "-o", str(folder))
    assert (code, error) == (0, "")
    assert out == (
        f"{folder / 'index.html'}, {folder / 'report.json'}, {folder / 'README.md'}\n"
        "Upload it, and choose a licence in its README.md if you like:\n"
        f"  hf auth login\n  hf upload USER/NAME '{folder}' . --repo-type space\n"
    )
    assert (folder / "index.html").read_text(encoding="utf-8") == render_page(records.realistic())
    assert (folder / "report.json").read_bytes() == record.read_bytes()
    assert front_matter(records.realistic()) == {
        "title": "Saliency report",
        "emoji": "🔎",
        "colorFrom": "yellow",
        "colorTo": "blue",
        "sdk": "static",
        "app_file": "index.html",
        "pinned": False,
        "short_description": "Which words a language model’s answers react to",
        "models": ["bert-base-uncased"],
    }


@pytest.mark.parametrize(
    "title", [*records.HOSTILE, "sdk: docker\nsdk: docker", "---", "a: b # c", "\ufeff\x85\u2028", "  "]
)
def test_a_title_is_a_title_in_yaml(title: str) -> None:
    found = front_matter(planted([title]).model_copy(update={"title": title}))
    assert isinstance(found["title"], str)
    assert found["sdk"] == "static"
    assert len(found) == 8
    assert "\n" not in found["title"]


def test_again_it_renews_the_page_and_keeps_a_readme(record: Path, tmp_path: Path) -> None:
    folder = tmp_path / "space"
    assert invoke("space", str(record), "-o", str(folder))[0] == 0
    edited = (folder / "README.md").read_text(encoding="utf-8").replace("pinned: false", "license: mit\npinned: true")
    (folder / "README.md").write_text(edited, encoding="utf-8")
    for name in (".git", ".cache"):
        (folder / name).mkdir()
    (folder / ".gitattributes").touch()
    record.write_text(to_json(records.realistic().model_copy(update={"title": "Anew"})), encoding="utf-8")
    assert invoke("space", str(record), "-o", str(folder))[0] == 0
    assert (folder / "README.md").read_text(encoding="utf-8") == edited
    assert "<title>Anew</title>" in (folder / "index.html").read_text(encoding="utf-8")
    assert read_report(folder / "report.json").title == "Anew"


def test_the_record_of_the_folder_itself_draws_it_again(record: Path, tmp_path: Path) -> None:
    folder = tmp_path / "space"
    invoke("space", str(record), "-o", str(folder))
    before = (folder / "report.json").read_bytes()
    assert invoke("space", str(folder / "report.json"), "-o", str(folder))[0] == 0
    assert (folder / "report.json").read_bytes() == before


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"app.py": "", "model.safetensors": ""},
            "{0} has files that are not of a Space of this program: app.py, model.safetensors.\n"
            "Name a new folder with -o, such as -o space.\n",
        ),
        (
            {"README.md": "---\nlicense: mit\n---\nsdk: static\n"},
            "{0}/README.md is not that of a static Space: it has no line sdk: static.\nName a new folder with -o.\n",
        ),
        (
            {"README.md": "---\nsdk: static\n---\n", "index.html": "<!DOCTYPE html><p>Mine</p>"},
            "{0}/index.html was not written by this program.\nName a new folder with -o.\n",
        ),
    ],
    ids=["other files", "another README", "another page"],
)
def test_a_folder_of_something_else_is_left_alone(
    files: dict[str, str], said: str, record: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert invoke("space", str(record), "-o", str(folder)) == (2, "", f"Error: {said.format(folder)}")
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == files
    assert invoke("space", str(record), "-o", str(record)) == (
        2,
        "",
        f"Error: {record} is a file.\nName a folder with -o.\n",
    )


def test_a_large_record_stays_where_it_is(record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LARGEST == 10_000_000
    monkeypatch.setattr("saliency_report.card.space.LARGEST", record.stat().st_size - 1)
    assert invoke("space", str(record), "-o", str(tmp_path / "space"))[0] == 0
    assert {path.name for path in (tmp_path / "space").iterdir()} == {"index.html", "README.md"}


def test_the_page_works_inside_the_hub_s_frame(record: Path, tmp_path: Path, browser: Browser) -> None:
    folder = tmp_path / "space"
    assert invoke("space", str(record), "-o", str(folder))[0] == 0
    context = browser.new_context()
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    asked: list[str] = []

    def serve(route: Route) -> None:
        asked.append(route.request.url)
        frame = f'<iframe src="{ORIGIN}" sandbox="{SANDBOX}" width="1000" height="800"></iframe>'
        body = (folder / "index.html").read_text(encoding="utf-8") if route.request.url == ORIGIN else frame
        route.fulfill(body=body, content_type="text/html; charset=utf-8")

    context.route("**/*", serve)
    page.goto("https://hub.test/spaces/user/name")
    inner = page.frame_locator("iframe")
    inner.locator(":root.scripted").wait_for(state="attached")
    inner.locator("#example-1 figure.plot").first.scroll_into_view_if_needed()
    inner.locator("#example-1 .canvas.drawn .main-svg").first.wait_for(timeout=15_000)
    inner.locator("#aggregation").select_option("sum")
    inner.locator("#example-1 .ramp.signed").first.wait_for()
    assert asked == ["https://hub.test/spaces/user/name", ORIGIN]
    assert noise == []
    context.close()
