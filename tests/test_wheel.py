"""The wheel has all that the checkout has, and runs from another folder in a clean environment."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
    )
    (built,) = folder.glob("*.whl")
    return built


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
