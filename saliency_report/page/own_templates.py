"""Templates of the user's own: what is wrong with them, said with file and line and what to do."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jinja2 import Environment, TemplateError, TemplateSyntaxError, nodes

from saliency_report.errors import InputError
from saliency_report.spec.values import did_you_mean

BUILTIN = "builtin/"  # before the name of a built-in template that one of the same name extends
BRAND = "brand.css"
_EXTEND = 'Write {% extends "builtin/report.html.j2" %} in report.html.j2 and fill its blocks, or put brand.css there.'
_REFERRING = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)


def check_templates(folder: Path, environment: Environment) -> None:
    """Find out before the work what can be known of a folder of templates without a report.

    Raises:
        InputError: there is no such folder, it holds no template, or one of its templates is wrong.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "there is no such folder"
        raise InputError(f"{folder}: {what}.", "Give --template a folder of templates.")
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".j2", ".css", ".js") and path.is_file())
    if not files:
        raise InputError(f"{folder}: holds no template.", _EXTEND)
    builtin = {name.removeprefix(BUILTIN) for name in environment.list_templates() if name.startswith(BUILTIN)}
    sources = {path: _read(path) for path in files}
    trees = {path: _parsed(path, text, environment) for path, text in sources.items() if path.suffix == ".j2"}
    used = {name for tree in trees.values() for name, _ in _references(tree)}
    for path in files:
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".js":
            raise InputError(f"{path}: the page runs no script but its own.", "Take the file out of the folder.")
        known = {BRAND, *(other for other in builtin if not other.endswith(".js"))}
        if name not in known | used:
            raise InputError(
                f"{path}: the page has no template of this name{did_you_mean(name, sorted(known)) or '.'}",
                f"Its templates are {', '.join(sorted(known))}.",
            )
        if "</style" in sources[path].lower() and path.suffix == ".css":
            line = sources[path].lower().partition("</style")[0].count("\n") + 1
            raise InputError(f"{path}:{line}: a style sheet cannot hold </style.", "Take it out.")
    for path, tree in trees.items():
        _check_names(path, path.relative_to(folder).as_posix(), tree, environment)


@contextmanager
def located(folder: Path | None) -> Iterator[None]:
    """What goes wrong while templates of one's own are drawn, with its file and line.

    Raises:
        InputError: in the place of what went wrong in them, or of what Jinja found through them.
    """
    try:
        yield
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        places = [f for f in frames if folder and f.filename.startswith(f"{folder}/")]
        if folder is None or not (places or isinstance(error, TemplateError)):
            raise
        place = f"{places[-1].filename}:{places[-1].lineno}" if places else str(folder)
        raise InputError(
            f"{place}: {_reason(error)}.",
            "Mend it, or leave --template out. It can use whatever the built-in template of its name uses.",
        ) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"{path}: cannot be read: {reason}.", "Save it as UTF-8 text.") from error


def _parsed(path: Path, text: str, environment: Environment) -> nodes.Template:
    try:
        environment.compile(text, filename=str(path))  # finds unknown filters too, which parsing does not
        return environment.parse(text, filename=str(path))
    except TemplateSyntaxError as error:
        raise InputError(f"{path}:{error.lineno}: {_reason(error)}.", "Mend the template.") from error


def _references(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    """Names of other templates that stand in one, and their lines."""
    for node in tree.find_all(_REFERRING):
        named = getattr(node, "template", None)
        if isinstance(named, nodes.Const) and not getattr(node, "ignore_missing", False):
            yield str(named.value), node.lineno


def _check_names(path: Path, name: str, tree: nodes.Template, environment: Environment) -> None:
    known = environment.list_templates()
    for other, line in _references(tree):
        if other == name:
            raise InputError(f"{path}:{line}: uses itself.", f"The built-in one is called {BUILTIN}{name}.")
        if other not in known:
            raise InputError(
                f"{path}:{line}: there is no template {other!r}{did_you_mean(other, known) or '.'}",
                "A built-in one is named builtin/ and its name.",
            )
    for extends in tree.find_all(nodes.Extends):
        if isinstance(extends.template, nodes.Const):
            _check_blocks(path, tree, str(extends.template.value), environment)


def _check_blocks(path: Path, tree: nodes.Template, parent: str, environment: Environment) -> None:
    blocks = list(environment.get_template(parent).blocks)
    # A block that the extended template has not is never drawn, and nobody would be told.
    for node in tree.body:
        if isinstance(node, nodes.Block) and node.name not in blocks:
            raise InputError(
                f"{path}:{node.lineno}: {parent} has no block {node.name!r}{did_you_mean(node.name, blocks) or '.'}",
                f"Its blocks are {', '.join(blocks)}.",
            )


def _reason(error: Exception) -> str:
    said = str(error.message if isinstance(error, TemplateError) else error).rstrip(".")
    return re.sub(r"saliency_report[\w.]*\.(?=\w+ object)", "", said) or type(error).__name__
