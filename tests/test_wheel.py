"""The wheel has all that the checkout has, and runs from another folder in a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser

pytest_plugins = ["browsing"]

ROOT = Path(__file__).parent.parent


def build(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy of what git tracks: what lies about in a working tree must not be what makes it work.
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        target = folder / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(folder / "source")],
        capture_output=True,
        check=True,
        env=os.environ | variables,
    )
    (built,) = folder.glob("*.whl")
    return built


def unpacked(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(build(tmp_path_factory, variables)).extractall(folder)
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory, {"SALIENCY_REPORT_BUNDLE": ""})


def tracked(folder: str) -> set[str]:
    names = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(names.split())


def test_the_wheel_holds_every_file_that_it_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert tracked("saliency_report") <= names
    for folder in ("templates", "sample_inputs"):
        assert {f"saliency_report/{name}" for name in tracked(folder)} <= names
    assert "saliency_report/py.typed" in names
    assert not any(name.startswith(("tests/", "templates/")) for name in names)


def test_the_wheel_runs_the_quickstart_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """Installed into an environment of its own, which borrows the installed libraries but not this checkout."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin/python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = (environment / "lib").glob("python*/site-packages")
    # A folder that a .pth file names is searched, and the .pth file of the editable install in it is not read.
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (site / "libraries.pth").write_text("\n".join(libraries) + "\n", encoding="utf-8")
    where = "import saliency_report; print(saliency_report.__file__)"
    python = [str(environment / "bin/python"), "-c", where]
    found = subprocess.run(python, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(environment)
    quickstart = site / "saliency_report/sample_inputs/quickstart.yaml"
    done = subprocess.run(
        [environment / "bin/saliency-report", "run", quickstart, "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "report.html").stat().st_size > 1_000_000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel with the small bundle of Plotly holds, unpacked."""
    return unpacked(tmp_path_factory, {"SALIENCY_REPORT_BUNDLE": "cartesian"})


def test_a_wheel_with_the_small_bundle_draws_every_chart_in_a_page_of_900_kilobytes(
    small: Path, browser: Browser
) -> None:
    """And such a page admits no string as HTML or script that its own policy has not let in (Trusted Types)."""
    program = (
        "import pathlib, sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]\n"
        "import records, evidence_records, saliency_report\n"
        "from saliency_report.page import render_page\n"
        "assert pathlib.Path(saliency_report.__file__).is_relative_to(sys.argv[1])\n"
        "for name, made in (('ten', records.realistic()), ('evidence', evidence_records.realistic())):\n"
        "    pathlib.Path(name + '.html').write_text(render_page(made), encoding='utf-8', newline='')\n"
    )
    subprocess.run([sys.executable, "-c", program, str(small), str(ROOT / "tests")], cwd=small, check=True)
    ten = small / "ten.html"
    assert ten.stat().st_size < 900_000
    assert "require-trusted-types-for &#39;script&#39;; trusted-types saliency-report" in ten.read_text(
        encoding="utf-8"
    )
    for name in ("ten", "evidence"):
        from browsing import Visit  # after pytest has rewritten its assertions

        page = Visit(browser.new_page())
        page.page.goto((small / f"{name}.html").as_uri())
        page.noise.clear()
        page.ask("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        count = page.count("figure.plot")
        assert count >= 10
        for plot in page.page.locator("figure.plot").all():
            plot.scroll_into_view_if_needed()
        page.until("document.querySelectorAll('.canvas.drawn').length", count)
        page.page.locator(".bars .point").first.hover(force=True)
        page.until("document.querySelectorAll('.hoverlayer .hovertext').length > 0")
        assert page.noise == []
        page.page.close()


def test_a_build_says_what_it_does_not_know(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        build(tmp_path_factory, {"SALIENCY_REPORT_BUNDLE": "tiny"})
    said = caught.value.stdout.decode() + caught.value.stderr.decode()
    assert "SALIENCY_REPORT_BUNDLE is 'tiny'; the one bundle there is is cartesian." in said
