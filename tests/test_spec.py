"""Every mistake in an input file is named at its place, all at once, word for word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from saliency_report.errors import InputError
from saliency_report.spec import TextClassification, json_schema, load_spec, parse_spec
from saliency_report.spec import source as source_module

ROOT = Path(__file__).parent.parent
TASKS = "text-classification, text-generation, multiple-choice"


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_spec(text, "in.yaml", "in.yaml", Path())
    return caught.value.message.splitlines()


CASES = [
    ("", ["in.yaml:1:1: the file is empty; write a list of examples, each with a task and its texts"]),
    ("[]", ["in.yaml:1:1: the list is empty; write at least one example"]),
    ("examples: []", ["in.yaml:1:11: examples: the list is empty; write at least one example"]),
    ("just words", ["in.yaml:1:1: must be a list of examples, or a mapping with the key examples"]),
    ("- foo", ["in.yaml:1:3: [0]: must be a mapping with a task and its texts, not foo"]),
    ("- text: x", [f"in.yaml:1:3: [0]: the key task is missing; it is one of {TASKS}"]),
    (
        "- task: text-clasification\n  text: x",
        ["in.yaml:1:9: [0].task: unknown task 'text-clasification'; did you mean 'text-classification'?"],
    ),
    ("- task: poetry", [f"in.yaml:1:9: [0].task: unknown task 'poetry'; known are {TASKS}"]),
    (
        "- task: text-classification",
        ["in.yaml:1:3: [0].text: is missing; write it: The text to classify."],
    ),
    (
        "- task: text-classification\n  txet: good",
        [
            "in.yaml:1:3: [0].text: is missing; write it: The text to classify.",
            "in.yaml:2:3: [0].txet: unknown key; did you mean 'text'?",
        ],
    ),
    (
        "- task: text-classification\n  text: a\n  prompt: b",
        ["in.yaml:3:3: [0].prompt: unknown key; it belongs to text-generation"],
    ),
    (
        "- task: text-generation\n  prompt: a\n  zzz: b",
        [
            "in.yaml:3:3: [0].zzz: unknown key; text-generation knows id, model, revision, dtype, trust_remote_code, "
            "allow_random_head, task, prompt, max_new_tokens, continuation"
        ],
    ),
    ("- task: text-classification\n  text: ''", ["in.yaml:2:9: [0].text: is empty; write some text"]),
    ("- task: text-classification\n  text: '  '", ["in.yaml:2:9: [0].text: is empty; write some text"]),
    ("- task: text-classification\n  text:", ["in.yaml:2:8: [0].text: is empty; write some text"]),
    ("- task: text-classification\n  text: 12", ["in.yaml:2:9: [0].text: must be text, not 12; put it in quotes"]),
    ("- task: text-classification\n  text: true", ["in.yaml:2:9: [0].text: must be text, not true; put it in quotes"]),
    ("- task: text-classification\n  text: [a]", ["in.yaml:2:9: [0].text: must be text, not a list; put it in quotes"]),
    (
        "- task: text-classification\n  text: a\n  text: b",
        ["in.yaml:3:3: [0].text: the key stands twice, first in line 2"],
    ),
    (
        "- task: text-classification\n  text: a\n  trust_remote_code: yes",
        ["in.yaml:3:22: [0].trust_remote_code: must be true or false, not yes"],
    ),
    (
        "- task: text-classification\n  text: a\n  dtype: float33",
        ["in.yaml:3:10: [0].dtype: must be one of auto, float32, bfloat16, float16, float64, not float33"],
    ),
    (
        "- task: text-classification\n  text: a\n  target: false",
        ["in.yaml:3:11: [0].target: must be a name or an index, not false"],
    ),
    (
        "- task: text-generation\n  prompt: a\n  max_new_tokens: 0",
        ["in.yaml:3:19: [0].max_new_tokens: must be a whole number from 1 to 1024, not 0"],
    ),
    (
        "- task: text-generation\n  prompt: a\n  max_new_tokens: many",
        ["in.yaml:3:19: [0].max_new_tokens: must be a whole number from 1 to 1024, not many"],
    ),
    (
        "- task: text-generation\n  prompt: a\n  max_new_tokens: 3\n  continuation: b",
        [
            "in.yaml:3:3: [0].max_new_tokens: has no effect beside continuation, which is explained as it stands; "
            "leave one out"
        ],
    ),
    (
        "- task: multiple-choice\n  question: q\n  choices: [a]",
        ["in.yaml:3:12: [0].choices: has 1, needs 2 or more; a single answer leaves nothing to choose"],
    ),
    (
        "- task: multiple-choice\n  question: q\n  choices: a",
        ["in.yaml:3:12: [0].choices: must be a list, not a; begin each entry with a dash"],
    ),
    (
        "- task: multiple-choice\n  question: q\n  choices: [a, 2, '']",
        [
            "in.yaml:3:16: [0].choices[1]: must be text, not 2; put it in quotes",
            "in.yaml:3:19: [0].choices[2]: is empty; write some text",
        ],
    ),
    (
        "- task: multiple-choice\n  question: q\n  choices: [a, b, a]",
        ["in.yaml:3:19: [0].choices[2]: 'a' stands twice; choices must differ"],
    ),
    (
        "- task: multiple-choice\n  question: q\n  choices: [London, Paris]\n  answer: Pariss\n  target: 2\n  foil: x",
        [
            "in.yaml:4:11: [0].answer: 'Pariss' is not among the choices; did you mean 'Paris'?",
            "in.yaml:5:11: [0].target: index 2 is not among the choices 0 to 1",
            "in.yaml:6:9: [0].foil: 'x' is not among the choices; the choices are London, Paris",
        ],
    ),
    (
        "- task: multiple-choice\n  question: q\n  choices: [a, b]\n  target: b\n  foil: 1",
        ["in.yaml:5:9: [0].foil: is the target itself; their difference is always 0"],
    ),
    (
        "- {task: text-generation, prompt: a, id: x}\n- {task: text-generation, prompt: b, id: x}",
        ["in.yaml:2:42: [1].id: 'x' is already the id of [0]; give it another"],
    ),
    (
        "title: 3\nmodle: x\nmodel: y\nexamples:\n- {task: text-generation, prompt: a}",
        [
            "in.yaml:1:8: title: must be text, not 3; put it in quotes",
            "in.yaml:2:1: modle: unknown key; the keys are title, defaults, examples",
            "in.yaml:3:1: model: unknown key; put it under defaults, or in an example",
        ],
    ),
    ("title: x", ["in.yaml:1:1: the key examples is missing; list the examples under it"]),
    ("examples: x", ["in.yaml:1:11: examples: must be a list of examples, not x; begin each with a dash"]),
    (
        "defaults: {dtype: f, id: z, promt: q, target: 1.5}\nexamples:\n- {task: text-classification, text: a}",
        [
            "in.yaml:1:19: defaults.dtype: must be one of auto, float32, bfloat16, float16, float64, not f",
            "in.yaml:1:22: defaults.id: no task has this field",
            "in.yaml:1:29: defaults.promt: no task has this field; did you mean 'prompt'?",
            "in.yaml:1:47: defaults.target: must be a name or an index, not 1.5",
        ],
    ),
    (
        "- {task: text-classification, text: !!python/name:os.system x}",
        [
            "in.yaml:1:37: [0].text: the YAML tag tag:yaml.org,2002:python/name:os.system is not allowed; "
            "write plain text"
        ],
    ),
    ("- &a [*a]", ["in.yaml:1:1: nested too deeply; an input is a list of mappings"]),
    (
        "- {task: text-generation, prompt: !!bool abc}",
        ["in.yaml:1:35: [0].prompt: not a value that YAML knows: 'abc'; put it in quotes"],
    ),
    (
        "- &a {task: text-generation, prompt: a}\n- {<<: *a, prompt: b, task: text-generation}",
        ["in.yaml:2:4: [1].<<: merge keys are not supported; write shared fields under defaults"],
    ),
    (
        "- {task: multiple-choice, question: q, choices: ['1', '2'], answer: 1}",
        ["in.yaml:1:69: [0].answer: 1 is an index, and '1' another choice; write '1' in quotes, or the choice"],
    ),
    ("[" * 3000, ["in.yaml:1:1: nested too deeply; an input is a list of mappings"]),
    (
        '- {task: text-classification, text: "half \\ud83d"}',
        ["in.yaml:1:37: [0].text: holds half a character (a lone surrogate); write the character itself"],
    ),
    ("- {task: text-classification, text: 'a\n", ["in.yaml:2:1: not valid YAML: found unexpected end of stream"]),
]


@pytest.mark.parametrize(("text", "messages"), CASES, ids=range(len(CASES)))
def test_each_problem_is_named_at_its_place(text: str, messages: list[str]) -> None:
    assert problems(text) == messages


def test_all_problems_of_a_file_come_at_once_in_the_order_of_the_text() -> None:
    items = "\n".join(["- {task: text-classification, text: ''}", "- {task: poetry}", "- {task: text-generation}"])
    found = problems(items)
    assert [line.split(":")[1] for line in found] == ["1", "2", "3"]


def test_an_alias_bomb_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MAX_NODES", 10_000)
    levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9))
    assert "more than 10,000 values, aliases counted in full" in "\n".join(problems(f"a0: &a0 [x]\n{levels}"))


def test_a_bare_list_is_complete() -> None:
    spec = parse_spec("- {task: text-classification, text: Fine.}", "x.yaml", "x.yaml", Path())
    assert spec.title == "x"
    assert spec.examples[0].id == "example-1"
    assert spec.examples[0].model == "embedded"


def test_defaults_fill_what_an_example_leaves_out_and_fits_its_task() -> None:
    text = """
title: Mine
defaults: {task: text-classification, target: POSITIVE, max_new_tokens: 3, dtype: float64}
examples:
- text: one
- {text: two, target: NEGATIVE}
- {task: text-generation, prompt: three}
"""
    spec = parse_spec(text, "x.yaml", "x.yaml", Path())
    one, two, three = spec.examples
    assert isinstance(one, TextClassification)
    assert isinstance(two, TextClassification)
    assert (one.target, two.target, one.dtype) == ("POSITIVE", "NEGATIVE", "float64")
    assert getattr(three, "max_new_tokens", None) == 3
    assert spec.title == "Mine"


def test_ids_that_are_left_out_avoid_those_that_are_given() -> None:
    text = "- {task: text-generation, prompt: a}\n- {task: text-generation, prompt: b, id: example-1}"
    assert [e.id for e in parse_spec(text, "x", "x", Path()).examples] == ["example-1-a", "example-1"]


def test_plain_words_stay_words() -> None:
    text = "- {task: multiple-choice, question: q, choices: [no, yes, 'on', ~x]}"
    assert getattr(parse_spec(text, "x", "x", Path()).examples[0], "choices", None) == ["no", "yes", "on", "~x"]


def test_json_is_an_input_too() -> None:
    text = json.dumps([{"task": "text-generation", "prompt": "naïve 😀"}])
    assert "\\ud83d\\ude00" in text
    assert getattr(parse_spec(text, "x", "x", Path()).examples[0], "prompt", None) == "naïve 😀"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_spec(tmp_path / "no.yaml")
    assert caught.value.message == f"{tmp_path / 'no.yaml'}: cannot be read: No such file or directory."
    assert caught.value.next_step == "Give the YAML file that lists your examples."


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("- café".encode("latin-1"))
    with pytest.raises(InputError) as caught:
        load_spec(path)
    assert str(caught.value) == f"{path}: not UTF-8 at byte 5. Save the file as UTF-8."


@pytest.mark.parametrize("sample", sorted((ROOT / "sample_inputs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_sample_is_valid_and_names_the_schema(sample: Path) -> None:
    assert load_spec(sample).examples
    first = sample.read_text(encoding="utf-8").splitlines()[0]
    reference = first.removeprefix("# yaml-language-server: $schema=")
    assert (sample.parent / reference).resolve() == ROOT / "saliency_report/schemas/input.schema.json"


def test_the_committed_schema_is_current() -> None:
    committed = (ROOT / "saliency_report/schemas/input.schema.json").read_text(encoding="utf-8")
    assert json.loads(committed) == json_schema()


def test_every_field_of_the_schema_is_described() -> None:
    for task in json_schema()["$defs"].values():
        for name, field in task["properties"].items():
            assert name == "task" or field["description"], f"{task['title']}.{name}"
