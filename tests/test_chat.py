"""Conversations through a chat template: whose words the tokens are, and what of a map lies on each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from transformers import AutoTokenizer

import tiny
from conftest import Explain
from plain_model import CPU, Plain, ordinary
from records import measured
from saliency_report.cli import main
from saliency_report.models import load
from saliency_report.page.scores import scores
from saliency_report.page.view import view
from saliency_report.record import Encoding, ExampleResult, Report, from_json
from saliency_report.sources import Request
from test_engine import Float64

pytest_plugins = ["browsing"]  # the fixture `visit`

TURNS = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}\n{% endfor %}"
ASKS = "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
PLAIN = "{{ bos_token }}" + TURNS + ASKS
TRIMS = PLAIN.replace("m.content", "m.content | trim")
REFUSES = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + PLAIN
FORGETS = PLAIN.replace("{{ m.content }}", "{% if m.role != 'system' %}{{ m.content }}{% endif %}")
SHOUTS = PLAIN.replace("m.content", "m.content | upper")
REPEATS = PLAIN.replace("{{ m.content }}", "{{ m.content }} {{ m.content }}")
# The system's words stand within the last message, as in templates of Mistral's.
MOVES = (
    "{{ bos_token }}{% for m in messages %}{% if m.role != 'system' %}<|{{ m.role }}|>\n"
    "{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content }}\n{% endif %}{{ m.content }}\n"
    "{% endif %}{% endfor %}" + ASKS
)
THINKS = PLAIN.replace(
    "{{ m.content }}", "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}"
)

Converse = Callable[..., Report]
Chat = Callable[..., ExampleResult]
THREE = (
    "messages: [{role: system, content: The cat is bad.}, {role: user, content: cat}, "
    "{role: assistant, content: The cat}, {role: user, content: cat}]"
)


@pytest.fixture
def converse(explain: Explain, families: Path, tmp_path: Path) -> Converse:
    """Explain messages, given in YAML, with a tiny model that has a template."""

    def run(messages: str, template: str = PLAIN, more: str = "max_new_tokens: 2", dtype: str = "float32") -> Report:
        shutil.copytree(families / "llama", tmp_path / "llama", dirs_exist_ok=True)
        config = tmp_path / "llama" / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "max_position_embeddings": 256}))
        tokenizer = tiny.byte_level(bos=True)
        tokenizer.chat_template = template or None
        tokenizer.save_pretrained(tmp_path / "llama")
        text = f"- {{task: text-generation, model: llama, {messages}, {more}}}"
        return explain(text, folder=tmp_path, dtype=dtype)

    return run


@pytest.fixture
def chat(converse: Converse) -> Chat:
    """The one result of it."""
    return lambda *args, **options: converse(*args, **options).examples[0]


def said(encoding: Encoding) -> list[tuple[str, str]]:
    return [(segment.name, segment.text) for segment in encoding.segments]


def test_each_message_is_a_segment_of_its_role_and_the_rest_is_the_templates(chat: Chat) -> None:
    (encoding,) = chat(THREE).encodings
    assert said(encoding)[:-1] == [
        ("template", "<s><|system|>\n"),
        ("system", "The cat is bad."),
        ("template", "\n<|user|>\n"),
        ("user", "cat"),
        ("template", "\n<|assistant|>\n"),
        ("assistant", "The cat"),
        ("template", "\n<|user|>\n"),
        ("user", "cat"),
        ("template", "\n<|assistant|>\n"),
    ]
    assert [s.field for s in encoding.segments if s.field] == [f"messages[{i}].content" for i in range(4)]


@pytest.mark.parametrize("template", [PLAIN, TRIMS, MOVES])
def test_the_model_reads_what_the_template_writes_and_offsets_are_those_of_that_text(
    template: str, chat: Chat, tmp_path: Path
) -> None:
    """Also where one message repeats another, or a word of the template, and where blanks are stripped."""
    messages = THREE.replace("content: cat}", "content: '  cat  user '}")
    result = chat(messages, template)
    (encoding,) = result.encodings
    tokenizer: Any = AutoTokenizer.from_pretrained(tmp_path / "llama")
    written = tokenizer.apply_chat_template(
        [{"role": message["role"], "content": message["content"]} for message in result.inputs["messages"]],
        tokenize=False,
        add_generation_prompt=True,
    )
    assert "".join(segment.text for segment in encoding.segments[:-1]) == written
    expected = tokenizer(written, add_special_tokens=False, return_offsets_mapping=True)
    known = len(expected.input_ids)
    assert [token.id for token in encoding.tokens[:known]] == expected.input_ids
    assert [token.id for token in encoding.tokens].count(tokenizer.bos_token_id) == 1, "the template has it already"
    begins = [sum(len(s.text) for s in encoding.segments[:i]) for i in range(len(encoding.segments))]
    for token, (start, end) in zip(encoding.tokens, expected.offset_mapping, strict=False):
        assert token.segment is not None
        assert token.start is not None
        own = encoding.segments[token.segment].text[token.start : token.end]
        assert own.strip() == written[start:end].strip()
        at = begins[token.segment] + token.start
        assert start <= at < end


def test_a_template_may_put_the_systems_words_into_the_last_message(chat: Chat) -> None:
    (encoding,) = chat("messages: [{role: system, content: bad}, {role: user, content: cat}]", MOVES).encodings
    assert said(encoding)[:-1] == [
        ("template", "<s><|user|>\n"),
        ("system", "bad"),
        ("template", "\n"),
        ("user", "cat"),
        ("template", "\n<|assistant|>\n"),
    ]


def test_a_prompt_with_chat_is_one_message_of_the_user(chat: Chat) -> None:
    short, long = chat("prompt: The cat, chat: true"), chat("messages: [{role: user, content: The cat}]")
    assert [(t.id, t.segment, t.start, t.end) for t in short.encodings[0].tokens] == [
        (t.id, t.segment, t.start, t.end) for t in long.encodings[0].tokens
    ]
    assert [m.scores for m in short.maps] == [m.scores for m in long.maps]
    assert [s.name for s in short.encodings[0].segments] == ["template", "prompt", "template", "continuation"]
    assert [s.name for s in long.encodings[0].segments] == ["template", "user", "template", "continuation"]


def test_a_last_message_of_the_assistant_is_continued(chat: Chat) -> None:
    messages = "messages: [{role: user, content: cat}, {role: assistant, content: The cat}]"
    (encoding,) = chat(messages).encodings
    assert said(encoding)[-2:][0] == ("assistant", "The cat")
    assert said(encoding)[-1][0] == "continuation"


def test_thoughts_are_a_segment_where_the_template_writes_them(chat: Chat) -> None:
    messages = (
        "messages: [{role: user, content: cat}, {role: assistant, thinking: is it, content: The cat}, "
        "{role: tool, content: bad}]"
    )
    (encoding,) = chat(messages, THINKS).encodings
    assert [name for name, _ in said(encoding) if name != "template"] == [
        "user",
        "thinking",
        "assistant",
        "tool",
        "continuation",
    ]
    failure = chat(messages).failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (
        "messages[1].thinking: the model's chat template leaves it out.",
        "Say it in another message, or leave it out.",
    )


SYSTEM = "messages: [{role: system, content: bad}, {role: user, content: cat}]"
PREFILL = "messages: [{role: system, content: bad}, {role: assistant, content: cat}]"


@pytest.mark.parametrize(
    ("messages", "template", "message", "next_step"),
    [
        (
            SYSTEM,
            "",
            "messages: the tokenizer has no chat template.",
            "Write a `prompt`, or use a model that was trained to chat.",
        ),
        (
            "prompt: cat, chat: true",
            "",
            "chat: the tokenizer has no chat template.",
            "Leave `chat` out, or use a model that was trained to chat.",
        ),
        (
            SYSTEM,
            REFUSES,
            "The model's chat template refuses these messages: System role not supported.",
            "Use the roles and the order that the model was trained with; what a system message says can stand in "
            "the first message of the user.",
        ),
        (
            SYSTEM,
            FORGETS,
            "messages[0].content: the model's chat template leaves it out.",
            "Say it in another message, or leave it out.",
        ),
        (
            SYSTEM,
            REPEATS,
            "messages[0].content: the model's chat template writes it more than once.",
            "Say it in another message, or leave it out.",
        ),
        (
            SYSTEM,
            SHOUTS,
            "messages: the model's chat template changes what they say, so it cannot be shown as it stands.",
            "Write a `prompt` that holds the template's text.",
        ),
        (
            "prompt: cat, chat: true",
            SHOUTS,
            "chat: the model's chat template changes the prompt, so it cannot be shown as it stands.",
            "Leave `chat` out and write the template's text into the prompt.",
        ),
        (
            PREFILL,
            MOVES.replace("{{ m.content }}\n{% endif", "{{ m.content }}\n{{ messages[0].content }}{% endif").replace(
                "{{ messages[0].content }}\n{% endif %}{{ m", "{% endif %}{{ m"
            ),
            "messages: the last message is the assistant's, and the model's chat template does not end with it.",
            "End with a message of another role, and write what the assistant says as `continuation`.",
        ),
    ],
)
def test_a_template_that_does_not_write_the_messages_is_refused(
    messages: str, template: str, message: str, next_step: str, chat: Chat
) -> None:
    failure = chat(messages, template).failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (message, next_step)


def test_the_gradient_of_a_chat_is_central_differences_of_the_plain_model(chat: Chat, tmp_path: Path) -> None:
    with Float64():
        result = chat(THREE, dtype="float64")
    assert result.failure is None
    loaded = load(Request("text-generation", "llama", None, "float64", False, False), CPU, tmp_path)
    plain = Plain(loaded.model, loaded.checkpoint.tokenizer, False)
    for map_ in result.maps:
        x = plain.embed(plain.ids(result, map_))
        steps = torch.eye(len(x), dtype=x.dtype)[:, :, None].expand(-1, -1, x.shape[1]) * 1e-6
        with torch.no_grad(), Float64():
            slopes = (plain.at(result, map_, x + steps) - plain.at(result, map_, x - steps)) / 2e-6
            f = float(plain.at(result, map_, x[None])[0])
        assert measured(map_.scores["sum"]) == pytest.approx(slopes.tolist(), rel=1e-5, abs=1e-8)
        assert map_.target.score == pytest.approx(f, rel=1e-10)


def test_methods_and_evidence_leave_the_template_alone(chat: Chat) -> None:
    more = (
        "continuation: ' cat', methods: [integrated_gradients, occlusion], faithfulness: true, "
        "rationale: [cat, [0, 3]], max_steps: 2048"
    )
    result = chat(THREE, more=more)
    assert result.failure is None
    (encoding,) = result.encodings
    template = [
        i
        for i in ordinary(encoding, len(encoding.tokens))
        if encoding.segments[encoding.words[i].segment or 0].name == "template"
    ]
    for map_ in result.maps[1:]:
        scores = map_.word_scores[map_.first_score]
        assert [scores[i] for i in template if i < len(scores)] == [None] * len(template)
    plausibility = result.maps[0].plausibility
    assert plausibility is not None
    assert plausibility.k == 5, "cat in four messages, and The, the first three code points of the first"
    assert result.evidence is not None
    assert result.evidence.faithfulness is not None


def test_a_rationale_marks_words_of_messages_that_the_template_strips(chat: Chat) -> None:
    messages = "messages: [{role: user, content: '   cat sat'}, {role: user, content: '  sat on the bad cat'}]"
    result = chat(messages, TRIMS, "continuation: ' cat', rationale: [sat, [3, 6]]")
    plausibility = result.maps[0].plausibility
    assert plausibility is not None
    assert plausibility.k == 3


def test_what_lies_on_each_role_is_said_of_each_map(converse: Converse) -> None:
    shown = converse(THREE, more="max_new_tokens: 2, methods: occlusion")
    (result,) = shown.examples
    example = view(shown, scores(shown), 1, result)
    first, other = (
        next(fact.text for fact in figure.facts if fact.mark == "Where it lies:")
        for figure in (*example.figures, *example.others)
    )
    l2, tokens = measured(result.maps[0].scores["l2"]), result.encodings[0].tokens
    names = [result.encodings[0].segments[t.segment or 0].name for t in tokens]
    share = {name: sum(s for s, n in zip(l2, names, strict=False) if n == name) / sum(l2) for name in set(names)}
    count = {name: names[: len(l2)].count(name) for name in names}
    parts = {"template": "chat template", "system": "system prompt", "user": "user", "assistant": "assistant"}
    assert first == (
        ", ".join(f"{said} {share[name] * 100:.0f}\u00a0% ({count[name]} tokens)" for name, said in parts.items())
        + " of the summed gradient norm (L2), special tokens counted. A part of more tokens tends to carry more."
    )
    assert other.endswith(
        " of the summed absolute drop. A part of more tokens tends to carry more. "
        "Chat template: no numbers in this map."
    )


def test_the_shares_follow_the_token_that_a_reader_chooses(converse: Converse, visit: Any) -> None:
    found = visit(converse(THREE))
    line = ".facts p"
    before = found.page.locator(line).text_content()
    assert before.startswith("Where it lies: chat template ")
    assert "generated" not in before
    found.page.locator(".stepper button[data-step='1']").click()
    after = found.page.locator(line).text_content()
    assert ", generated " in after, "the second token depends on the first one too"
    assert (
        found.page.locator("p.segment-name")
        .first.text_content()
        .startswith("System prompt, then user, then assistant, then user, then generated. ")
    )


def test_the_command_explains_messages(chat: Chat, tmp_path: Path) -> None:
    chat(THREE)
    (tmp_path / "in.yaml").write_text(f"- {{task: text-generation, model: llama, {THREE}}}", encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(tmp_path / "in.yaml"), "-o", str(tmp_path / "r.html"), "--json"])
    assert done.exit_code == 0, done.output
    (result,) = from_json((tmp_path / "r.json").read_text(encoding="utf-8"), "r.json").examples
    assert result.inputs["messages"][0] == {"role": "system", "content": "The cat is bad.", "thinking": None}
    assert " / " not in done.output, "a conversation is one running text"
