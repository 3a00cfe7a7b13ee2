"""YAML text to plain data that remembers where each key and value stands.

Knows YAML, not what the keys mean. The node tree is walked here instead of by a loader, because a loader keeps one
of two equal keys in silence and forgets every position; 2,000 examples take 0.7 s, most of it ruamel's scanner.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Loc = tuple[str | int, ...]

# An alias repeats a whole subtree: nine nested levels of nine make 387 million nodes out of 300 bytes.
MAX_NODES = 2_000_000
COLON = "; put a text that has a colon and a blank in quotes"
BRACKET = "; put a text that begins with a bracket or a brace in quotes"
TAB = "; write blanks in the place of tabs before a key"
TOO_DEEP = "nested too deeply; an input is a list of mappings"


def _mended(what: str, line: str) -> str:
    """What to do about a mistake that people make, and whose name in YAML's own words tells them nothing."""
    if what == "mapping values are not allowed here":
        return COLON
    if "'\\t'" in what:
        return TAB
    return BRACKET if re.match(r"[\s-]*[^\s:]+:\s+[\[{]", line) and "expected" in what else ""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with the input: where, at which path, and what to do."""

    line: int
    column: int
    path: str
    message: str


@dataclass
class Source:
    """The data of one YAML document, and the problems that reading it showed."""

    data: object = None
    problems: list[Problem] = field(default_factory=list)
    values: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)  # problems of files that this one names, as they are told

    def where(self, path: Loc, *, key: bool = False) -> tuple[int, int]:
        """Line and column (from 1) of a path, or of the nearest part of it that the text has."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, (1, 1))

    def problem(self, path: Loc, message: str, *, key: bool = False) -> None:
        """Note a problem at a path."""
        self.problems.append(Problem(*self.where(path, key=key), dotted(path), message))


def dotted(path: Loc) -> str:
    """`("examples", 2, "text")` as `examples[2].text`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".")


def parse(text: str) -> Source:
    """The data of a YAML 1.2 document; syntax errors and duplicate keys become problems."""
    source = Source()
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = error.problem or error.context or "cannot be read"
        what += _mended(what, next(iter(text.splitlines()[line - 1 :]), ""))
        source.problems.append(Problem(line, column, "", f"not valid YAML: {what}"))
        return source
    except RecursionError:
        source.problems.append(Problem(1, 1, "", TOO_DEEP))
        return source
    except YAMLError as error:  # a control character, say: it has no mark
        source.problems.append(Problem(1, 1, "", f"not valid YAML: {error}".splitlines()[0]))
        return source
    try:
        if node is not None:
            source.data = _Walk(source, yaml.constructor).value(node, ())
    except RecursionError:  # an alias within what it names
        source.problems.append(Problem(1, 1, "", TOO_DEEP))
    return source


class _Walk:
    """Builds the data of a node tree and fills in the positions."""

    def __init__(self, source: Source, constructor: SafeConstructor) -> None:
        self.source = source
        self.constructor = constructor
        self.visited = 0

    def value(self, node: Node, path: Loc) -> object:
        self.visited += 1
        position = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.source.values[path] = position
        if self.visited > MAX_NODES:
            if self.visited == MAX_NODES + 1:
                self.source.problem(path, f"more than {MAX_NODES:,} values, aliases counted in full")
            return None
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self.scalar(node, path)

    def mapping(self, node: MappingNode, path: Loc) -> dict[str, object]:
        data: dict[str, object] = {}
        for key_node, value_node in node.value:
            position = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, ScalarNode):
                self.source.problems.append(Problem(*position, dotted(path), "a key must be a plain word"))
                continue
            key = str(key_node.value).encode("utf-8", "replace").decode()
            at = (*path, key)
            if key == "<<":
                message = "merge keys are not supported; write shared fields under defaults"
                self.source.problems.append(Problem(*position, dotted(at), message))
                continue
            if key in data:
                first = self.source.keys[at][0]
                self.source.problems.append(
                    Problem(*position, dotted(at), f"the key stands twice, first in line {first}")
                )
                continue
            self.source.keys[at] = position
            data[key] = self.value(value_node, at)
        return data

    def scalar(self, node: Node, path: Loc) -> object:
        try:
            value = self.constructor.construct_object(node)
            # JSON is YAML too, and writes an emoji as two escapes: \\ud83d\\ude00.
            return value.encode("utf-16", "surrogatepass").decode("utf-16") if isinstance(value, str) else value
        except ConstructorError:
            self.source.problem(path, f"the YAML tag {node.tag} is not allowed; write plain text")
        except UnicodeDecodeError:
            self.source.problem(path, "holds half a character (a lone surrogate); write the character itself")
            return "\ufffd"
        except (KeyError, ValueError) as error:
            self.source.problem(path, f"not a value that YAML knows: {error}; put it in quotes")
        return str(node.value)
