"""Every mistake in an input file is named at its place, all at once, word for word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from saliency_report.errors import InputError
from saliency_report.methods import METHODS
from saliency_report.spec import (
    METHOD_NAMES,
    Example,
    TextClassification,
    asks_for_all_methods,
    asks_for_more,
    json_schema,
    load_spec,
    parse_spec,
    rationale_spans,
)
from saliency_report.spec import TASKS as KNOWN_TASKS
from saliency_report.spec import source as source_module
from saliency_report.spec.evidence import Evidence

ROOT = Path(__file__).parent.parent
TASKS = ", ".join(KNOWN_TASKS)


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
    ("- task: ner", ["in.yaml:1:9: [0].task: unknown task 'ner'; it is called token-classification here"]),
    (
        "- task: fill-mask\n  text: [MASK] is big.",
        [
            "in.yaml:2:16: not valid YAML: expected <block end>, but found '<scalar>'; put a text that begins with a "
            "bracket or a brace in quotes"
        ],
    ),
    (
        "- task: fill-mask\n\ttext: a",
        [
            "in.yaml:2:1: not valid YAML: found character '\\t' that cannot start any token; write blanks in the place "
            "of tabs before a key"
        ],
    ),
    (
        "- {task: text-classification, text: a, steps: '20'}",
        ["in.yaml:1:47: [0].steps: must be a whole number from 1 to 1024, not the text '20'; write it without quotes"],
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
            "allow_pickle, adapter, quantise, device_map, allow_random_head, task, prompt, messages, max_new_tokens, "
            "continuation, target, foil, chat, methods, quantity, "
            "baseline, keep_special, steps, max_steps, samples, noise, seed, removal, faithfulness, fractions, orders, "
            "beam, randomisation, flips, layers, rationale, assert"
        ],
    ),
    ("- task: text-classification\n  text: ''", ["in.yaml:2:9: [0].text: is empty; write some text"]),
    ("- task: text-classification\n  text: '  '", ["in.yaml:2:9: [0].text: is empty; write some text"]),
    ("- task: text-classification\n  text:", ["in.yaml:2:8: [0].text: is empty; write some text"]),
    ("- task: text-classification\n  text: 12", ["in.yaml:2:9: [0].text: must be text, not 12; put it in quotes"]),
    ("- task: text-classification\n  text: true", ["in.yaml:2:9: [0].text: must be text, not true; put it in quotes"]),
    (
        "- task: text-classification\n  text: [a]",
        ["in.yaml:2:9: [0].text: must be one text, not a list; write an example for each text"],
    ),
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
        [
            "in.yaml:3:10: [0].dtype: must be one of auto, float32, bfloat16, float16, float64, not float33; did you "
            "mean 'float32'?"
        ],
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
            "in.yaml:2:1: modle: unknown key; the keys are title, defaults, assert, examples, examples_from",
            "in.yaml:3:1: model: unknown key; put it under defaults, or in an example",
        ],
    ),
    ("title: x", ["in.yaml:1:1: the key examples is missing; list the examples under it"]),
    ("examples: x", ["in.yaml:1:11: examples: must be a list of examples, not x; begin each with a dash"]),
    (
        "defaults: {dtype: f, id: z, promt: q, target: 1.5}\nexamples:\n- {task: text-classification, text: a}",
        [
            "in.yaml:1:19: defaults.dtype: must be one of auto, float32, bfloat16, float16, float64, not f",
            "in.yaml:1:22: defaults.id: names one example; put it in that example",
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
    (
        "- task: text-classification\n  text: I hated it: every second\n",
        [
            "in.yaml:2:19: not valid YAML: mapping values are not allowed here; put a text that has a colon and a "
            "blank in quotes"
        ],
    ),
    (
        '{"schema_version": 2, "examples": [{"id": "a", "encodings": []}]}',
        ["in.yaml:1:1: is the record of a run; draw its page with saliency-report render"],
    ),
    (
        "- task: text-classification\n  text: a\n  text_pair: ''",
        ["in.yaml:3:14: [0].text_pair: is empty; write some text, or leave it out"],
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


def one(fields: str, task: str = "text-classification, text: 'The cat, the hat.'", defaults: str = "") -> Example:
    """The one example of a file, its fields written in a line."""
    text = f"defaults: {{{defaults}}}\nexamples:\n- {{task: {task}, {fields}}}"
    return parse_spec(text, "x", "x", Path()).examples[0]


GENERATION = "text-generation, prompt: a"
CHOICE = "multiple-choice, context: 'He, the hat', question: the who, choices: [the, b]"


def test_the_methods_are_those_that_there_are() -> None:
    assert tuple(METHODS) == METHOD_NAMES


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("id: x", ["gradient"]),
        ("methods: gradient", ["gradient"]),
        ("methods: occlusion", ["gradient", "occlusion"]),
        ("methods: [vargrad, gradient, occlusion]", ["gradient", "vargrad", "occlusion"]),
        ("methods: all", [*METHOD_NAMES]),
    ],
)
def test_the_gradient_is_always_there_and_first(written: str, names: list[str]) -> None:
    example = one(written)
    assert example.methods == names
    assert asks_for_all_methods(example) is (written == "methods: all")


def test_what_is_left_out_has_these_values() -> None:
    example = one("id: x").model_dump()
    assert {name: example[name] for name in Evidence.model_fields} == {
        "methods": ["gradient"],
        "quantity": "logit",
        "baseline": "auto",
        "keep_special": True,
        "steps": 16,
        "max_steps": 512,
        "samples": 25,
        "noise": 0.05,
        "seed": 0,
        "removal": "auto",
        "faithfulness": False,
        "fractions": [0.1, 0.2, 0.3, 0.4, 0.5],
        "orders": 20,
        "beam": 2,
        "randomisation": "none",
        "flips": 0,
        "layers": False,
        "rationale": None,
    }


@pytest.mark.parametrize(
    ("written", "task", "quantity"),
    [
        ("id: x", "", "logit"),
        ("quantity: loss, label: 1", "", "loss"),
        ("quantity: probability, foil: runner-up", "", "probability"),
        ("quantity: loss, answer: b", CHOICE, "loss"),
        ("target: each", GENERATION, "logit"),
        ("target: 2", GENERATION, "logit"),
        ("target: whole", GENERATION, "log_prob"),
        ("target: at, continuation: ' sat'", GENERATION, "log_prob"),
        ("target: whole, quantity: loss", GENERATION, "loss"),
        ("quantity: loss", GENERATION, "loss"),
    ],
)
def test_the_explained_quantity_is_always_one_of_the_four(written: str, task: str, quantity: str) -> None:
    assert (one(written, task) if task else one(written)).quantity == quantity


def test_a_baseline_is_a_name_or_a_text() -> None:
    assert one("baseline: mean").baseline == "mean"
    assert one("baseline: {text: fine weather}").baseline == {"text": "fine weather"}


def test_more_steps_raise_a_limit_that_nobody_wrote() -> None:
    assert one("steps: 1000").max_steps == 1000
    assert one("steps: 100").max_steps == 512


@pytest.mark.parametrize(
    ("written", "more"),
    [
        ("quantity: log_prob, seed: 3, baseline: zero, methods: gradient, randomisation: none", False),
        ("methods: smoothgrad", True),
        ("faithfulness: true", True),
        ("randomisation: all", True),
        ("flips: 1", True),
        ("layers: true", True),
        ("rationale: [cat]", True),
    ],
)
def test_whether_more_than_the_plain_gradient_is_asked_for(written: str, more: bool) -> None:
    assert asks_for_more(one(written)) is more


@pytest.mark.parametrize(
    ("written", "task", "spans"),
    [
        ("id: x", "", []),
        ("rationale: [hat, The cat]", "", [("text", 0, 7), ("text", 13, 16)]),
        ("rationale: [[4, 7], cat, [0, 3]]", "", [("text", 0, 3), ("text", 4, 7)]),
        ("rationale: ['at']", "", [("text", 5, 7), ("text", 14, 16)]),
        ("rationale: [is]", "text-classification, text: 'this is, is'", [("text", 5, 7), ("text", 9, 11)]),
        ("rationale: [cat], text_pair: a cat", "", [("text", 4, 7), ("text_pair", 2, 5)]),
        ("rationale: [the, [0, 2]]", CHOICE, [("context", 0, 2), ("context", 4, 7), ("question", 0, 3)]),
        ("rationale: [[0, 3]]", "multiple-choice, question: the who, choices: [the, b]", [("question", 0, 3)]),
        ("rationale: [aa]", "text-generation, prompt: aaaa", [("prompt", 0, 2), ("prompt", 1, 3), ("prompt", 2, 4)]),
        ("rationale: [sat]", "text-generation, prompt: 'it sat.', continuation: sat", [("prompt", 3, 6)]),
        (
            "rationale: [sat, [0, 2]]",
            "text-generation, messages: [{role: user, content: it sat}, {role: assistant, thinking: sat, content: a}]",
            [("messages[0].content", 0, 2), ("messages[0].content", 3, 6), ("messages[1].thinking", 0, 3)],
        ),
    ],
)
def test_marked_words_count_wherever_they_occur_as_words(
    written: str, task: str, spans: list[tuple[str, int, int]]
) -> None:
    assert rationale_spans(one(written, task) if task else one(written)) == spans


@pytest.mark.parametrize(
    ("defaults", "generation", "classification"),
    [
        ("target: POSITIVE, foil: 0", ("each", None), ("POSITIVE", 0)),
        ("target: 1", ("each", None), (1, None)),
        ("target: whole", ("whole", None), ("predicted", None)),
        ("task: text-generation, target: 1", (1, None), ("predicted", None)),
        ("task: text-generation, foil: x", ("each", "x"), ("predicted", None)),
        ("task: text-classification, target: whole, foil: 0", ("whole", None), ("whole", 0)),
    ],
)
def test_a_default_target_or_foil_goes_to_the_task_that_it_is_meant_for(
    defaults: str, generation: tuple[object, object], classification: tuple[object, object]
) -> None:
    for expected, task in ((generation, GENERATION), (classification, "text-classification, text: a")):
        example: Any = one("id: x", task, defaults)
        assert (example.target, example.foil) == expected


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


def test_the_sample_of_the_evidence_asks_for_all_of_it() -> None:
    examples: Any = load_spec(ROOT / "sample_inputs/evidence.yaml").examples
    assert [example.task for example in examples] == ["text-classification"] * 2 + [
        "text-generation",
        "multiple-choice",
    ]
    assert all(asks_for_more(example) and example.model == "embedded" for example in examples)
    for example in examples[:2]:
        assert asks_for_all_methods(example)
        assert example.faithfulness
        assert example.layers
        assert (example.randomisation, example.flips) == ("cascading", 3)
        assert len(rationale_spans(example)) == len(example.rationale or [])
    sand, ben = examples[2:]
    assert (sand.methods, sand.foil) == (["gradient", "integrated_gradients"], " snow.")
    assert (ben.methods, ben.foil) == (["gradient", "integrated_gradients", "occlusion"], "runner-up")
    assert ben.faithfulness


def test_the_committed_schema_is_current() -> None:
    committed = (ROOT / "saliency_report/schemas/input.schema.json").read_text(encoding="utf-8")
    assert json.loads(committed) == json_schema()


def test_every_field_of_the_schema_is_described() -> None:
    for task in json_schema()["$defs"].values():
        for name, field in task["properties"].items():
            # A field of several tasks is described by each.
            kinds = [field] if "description" in field else field.get("anyOf", [{}])
            assert name == "task" or all(kind.get("description") for kind in kinds), name


def test_the_schema_of_the_defaults_holds_what_more_than_one_example_can_have() -> None:
    mapping = json_schema()["anyOf"][1]["properties"]
    assert mapping["examples"]["items"]["properties"].keys() - mapping["defaults"]["properties"] == {"id", "rationale"}
    # A foil is a label, a choice, a token or a text, as the task is: an editor takes any of them.
    assert len(mapping["defaults"]["properties"]["foil"]["anyOf"]) >= 4


def test_the_schema_knows_the_short_forms() -> None:
    fields = json_schema()["$defs"]["TextGeneration"]["properties"]
    assert fields["methods"]["anyOf"][0] == {"enum": [*METHOD_NAMES, "all"]}
    assert fields["baseline"]["anyOf"][1]["required"] == ["text"]
    assert fields["fractions"]["items"] == {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
    pair = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2}
    assert fields["rationale"]["anyOf"][0]["items"] == {"anyOf": [{"type": "string"}, pair]}
