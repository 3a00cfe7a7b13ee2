"""Multiple choice by a causal model: the score of each choice is what one backward a token, written out here, gives."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

import tiny
from conftest import Explain
from explaining import check_functions, opened, refusal
from plain_model import CPU, map_of
from records import measured
from saliency_report.cli import main
from saliency_report.models import load
from saliency_report.record import ExampleResult, Map, from_json
from saliency_report.sources import Request
from test_engine import Float64

pytest_plugins = ["browsing"]  # the fixture `visit`

CHOICES = ["cat", "the bad cat", "movie"]
COMMON = f"task: multiple-choice, context: The cat sat., question: Who sat on the, choices: [{', '.join(CHOICES)}]"


@pytest.fixture(scope="module")
def folder(families: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny causal models, one of them with a token for each letter."""
    made = tmp_path_factory.mktemp("causal")
    for family in ("llama", "gpt2", "bert-filler", "bert-choice"):
        shutil.copytree(families / family, made / family)
    shutil.copytree(families / "llama", made / "letters")
    tokenizer = tiny.byte_level(bos=True)
    tokenizer.add_tokens([" A", " B", " C"])
    tokenizer.save_pretrained(made / "letters")
    return made


Choose = Callable[..., ExampleResult]


@pytest.fixture
def choose(explain: Explain, folder: Path, one_thread: None) -> Choose:
    """Explain one question, on one thread: Float64 is of the thread that sets it."""

    def run(more: str = "", family: str = "llama", dtype: str = "float64", **options: Any) -> ExampleResult:
        text = f"- {{{COMMON}, model: {family}, {more}}}"
        with Float64():
            (result,) = explain(text, folder=folder, dtype=dtype, **options).examples
        return result

    return run


class Hand:
    """A model that is run as it stands, and one backward for each token."""

    def __init__(self, folder: Path, family: str) -> None:
        request = Request("text-generation", family, None, "float64", False, False)
        self.loaded = load(request, CPU, folder)
        self.model: Any = self.loaded.model
        self.tokenizer: Any = self.loaded.checkpoint.tokenizer

    def ids(self, prompt: str, answer: str) -> tuple[list[int], int]:
        """The ids of a row, and how many are before the answer."""
        known = self.tokenizer(prompt).input_ids
        return known + self.tokenizer(answer, add_special_tokens=False).input_ids, len(known)

    def number(self, ids: list[int], token: int, kind: str) -> tuple[float, Tensor]:
        """The log-probability or the logit of the token at a position, and its gradient (t, d)."""
        x = self.model.get_input_embeddings().weight[ids].detach().requires_grad_()
        handle = self.model.get_input_embeddings().register_forward_hook(lambda module, args, output: x[None])
        try:
            with Float64():
                logits = self.model(input_ids=torch.tensor([ids])).logits[0, token - 1]
        finally:
            handle.remove()
        value = logits[ids[token]]
        if kind == "log_prob":
            value = value - logits.exp().sum().log()
        (gradient,) = torch.autograd.grad(value, x)
        return float(value.detach()), gradient

    def choice(self, prompt: str, answer: str, divisor: int | None = None) -> tuple[float, Tensor, list[int], int]:
        """The sum over the tokens of an answer, divided by them or by a number: with its gradient, ids and prompt."""
        ids, known = self.ids(prompt, answer)
        parts = [self.number(ids, token, "log_prob") for token in range(known, len(ids))]
        n = divisor or len(parts)
        return sum(v for v, _ in parts) / n, torch.stack([g for _, g in parts]).sum(0) / n, ids, known


def compare(map_: Map, value: float, gradient: Tensor) -> None:
    assert map_.target.score == pytest.approx(value, rel=1e-9)
    assert measured(map_.scores["sum"]) == pytest.approx(gradient.sum(-1).tolist(), rel=1e-7, abs=1e-11)
    assert measured(map_.scores["l2"]) == pytest.approx(gradient.norm(dim=-1).tolist(), rel=1e-7, abs=1e-11)


PROMPT = "The cat sat.\nWho sat on the"


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("normalise", ["tokens", "characters", "none"])
def test_a_choice_is_the_sum_of_one_backward_a_token(family: str, normalise: str, choose: Choose, folder: Path) -> None:
    result, hand = choose(f"normalise: {normalise}", family), Hand(folder, family)
    values = []
    for i, choice in enumerate(CHOICES):
        divisor = {"tokens": None, "characters": len(choice), "none": 1}[normalise]
        value, gradient, ids, _ = hand.choice(PROMPT, f" {choice}", divisor)
        assert [token.id for token in result.encodings[i].tokens] == ids
        compare(result.maps[i], value, gradient)
        assert measured(result.maps[i].scores["l2"])[-1] == 0, "nothing is predicted after the last token"
        values.append(value)
    assert result.prediction is not None
    chances = torch.tensor(values).softmax(0)
    assert [o.logit for o in result.prediction.outcomes] == pytest.approx(values, rel=1e-9)
    assert [o.probability for o in result.prediction.outcomes] == pytest.approx(chances.tolist(), rel=1e-6)
    assert result.prediction.predicted == result.headline == int(chances.argmax())
    names = {"tokens": "mean log_prob", "characters": "log_prob a character", "none": "log_prob"}
    assert {map_.target.quantity for map_ in result.maps} == {names[normalise]}


def test_a_letter_is_the_logit_after_the_list(choose: Choose, folder: Path) -> None:
    result, hand = choose("by: letter", "letters"), Hand(folder, "letters")
    prompt = f"{PROMPT}\nA. cat\nB. the bad cat\nC. movie\nAnswer:"
    for i, letter in enumerate("ABC"):
        ids, known = hand.ids(prompt, f" {letter}")
        assert len(ids) == known + 1
        assert [token.id for token in result.encodings[i].tokens] == ids
        compare(result.maps[i], *hand.number(ids, known, "logit"))
    assert "".join(segment.text for segment in result.encodings[0].segments) == f"{prompt} A"
    assert [s.text for s in result.encodings[0].segments if s.name == "choice"] == CHOICES
    assert result.maps[1].target.sentence.startswith("logit of the letter B of the choice the bad cat")


@pytest.mark.parametrize(("family", "by"), [("llama", "likelihood"), ("letters", "letter")])
@pytest.mark.parametrize(
    "more", ["target: 1, foil: 0", "target: 1, quantity: probability", "quantity: loss, answer: 1"]
)
def test_what_depends_on_several_choices_moves_a_shared_token_in_all_rows(
    family: str, by: str, more: str, choose: Choose, folder: Path
) -> None:
    result, hand = choose(f"by: {by}, {more}", family), Hand(folder, family)
    rows = []
    for i, choice in enumerate(CHOICES):
        if by == "letter":
            ids, known = hand.ids(f"{PROMPT}\nA. cat\nB. the bad cat\nC. movie\nAnswer:", f" {'ABC'[i]}")
            rows.append((*hand.number(ids, known, "logit"), known))
        else:
            value, gradient, _, known = hand.choice(PROMPT, f" {choice}")
            rows.append((value, gradient, known))
    chances = torch.tensor([value for value, _, _ in rows], dtype=torch.float64).softmax(0)
    members, slopes, score = {
        "target: 1, foil: 0": ([1, 0], [1.0, -1.0], rows[1][0] - rows[0][0]),
        "target: 1, quantity: probability": (
            [1, 0, 2],
            [float(chances[1] * (float(i == 1) - chances[i])) for i in (1, 0, 2)],
            float(chances[1]),
        ),
        "quantity: loss, answer: 1": (
            [1, 0, 2],
            [float(chances[i] - float(i == 1)) for i in (1, 0, 2)],
            -float(chances[1].log()),
        ),
    }[more]
    known = rows[0][2]
    scaled = [rows[i][1] * slope for i, slope in zip(members, slopes, strict=True)]
    gradient = torch.cat([torch.stack([g[:known] for g in scaled]).sum(0), *(g[known:] for g in scaled)])
    compare(result.maps[result.headline], score, gradient)
    assert "choice" in result.maps[result.headline].target.sentence


@pytest.mark.parametrize(
    ("family", "more"),
    [
        ("llama", "target: 1, foil: 0"),
        ("llama", "quantity: log_prob"),
        ("letters", "by: letter, foil: runner-up"),
        ("gpt2", "normalise: none"),
    ],
)
def test_functions_give_f_again_and_its_gradient(family: str, more: str, folder: Path) -> None:
    with Float64():
        check_functions(opened(f"- {{{COMMON}, model: {family}, {more}}}", folder))


def test_few_rows_at_once_give_the_numbers_of_all_at_once(choose: Choose) -> None:
    together, apart = choose("foil: runner-up", dtype="float32"), choose("foil: runner-up", dtype="float32", budget=1)
    for one, other in zip(together.maps, apart.maps, strict=True):
        assert measured(one.scores["l2"]) == pytest.approx(measured(other.scores["l2"]), rel=1e-4, abs=1e-6)


def test_methods_and_evidence_leave_the_answer_alone(choose: Choose, folder: Path) -> None:
    more = "target: 1, foil: 0, methods: [integrated_gradients, occlusion], faithfulness: true, max_steps: 4096, "
    result = choose(f"{more}rationale: [cat]")
    assert result.warnings == []
    assert result.evidence is not None
    assert result.evidence.faithfulness is not None
    nth = result.headline  # of each method, as of the gradient
    encoding = result.encodings[result.maps[result.headline].encoding]
    integrated, occluded = map_of(result, "integrated_gradients", nth), map_of(result, "occlusion", nth)
    assert integrated.completeness is not None
    assert integrated.completeness.verdict == "pass"
    answer = [i for i, word in enumerate(encoding.words) if encoding.segments[word.segment or 0].name == "answer"]
    assert len(answer) > 2
    for map_ in (integrated, occluded):
        assert [map_.word_scores[map_.first_score][i] for i in answer] == [None] * len(answer)
    hand, words = Hand(folder, "llama"), [i for i, w in enumerate(encoding.words) if w.segment == 0 and not w.special]
    for word in words[1:3]:
        without = []
        for choice in (1, 0):
            _, _, ids, known = hand.choice(PROMPT, f" {CHOICES[choice]}")
            cut = [id for i, id in enumerate(ids) if i not in encoding.words[word].tokens]
            first = known - len(encoding.words[word].tokens)
            parts = [hand.number(cut, token, "log_prob")[0] for token in range(first, len(cut))]
            without.append(sum(parts) / len(parts))
        drop = occluded.word_scores["drop"][word]
        assert drop == pytest.approx(occluded.target.score - (without[0] - without[1]), rel=1e-7, abs=1e-10)


def test_what_chooses_is_found_from_the_checkpoint(choose: Choose) -> None:
    by_head, by_likelihood = choose(family="bert-choice"), choose(family="llama")
    assert by_head.prediction is not None
    assert by_head.prediction.probabilities is None
    assert [s.name for s in by_head.encodings[0].segments] == ["context", "question", "choice"]
    assert by_likelihood.prediction is not None
    assert by_likelihood.prediction.probabilities == (
        "A softmax over the choices’ mean log-probabilities a token. It compares the choices with each other and does "
        "not say how likely the model is to write one of them."
    )
    assert [s.name for s in by_likelihood.encodings[0].segments] == ["context", "template", "question", "answer"]
    assert choose("by: likelihood", "llama").maps == by_likelihood.maps


def test_the_sentence_says_which_number_it_is(choose: Choose) -> None:
    result = choose("target: 1, foil: runner-up")
    assert result.prediction is not None
    assert result.maps[1].target.sentence.startswith("mean log-probability of the 3 tokens of the choice the bad cat, ")
    assert result.maps[1].target.sentence.endswith(" among the choices")
    sentence = result.maps[-1].target.sentence
    assert sentence.startswith("mean log-probability of the 3 tokens of the choice the bad cat minus ")
    assert "the predicted " in sentence or "the runner-up " in sentence
    sentence = choose("quantity: probability, target: 0").maps[-1].target.sentence
    assert sentence.startswith("probability of cat, among the choices, ")


@pytest.mark.parametrize(
    ("family", "more", "message", "next_step"),
    [
        (
            "llama",
            "by: letter",
            "by: the tokenizer cuts the letter A into 2 tokens: it has no logit.",
            "Write `by: likelihood`.",
        ),
        (
            "bert-filler",
            "",
            "The model looks at later tokens too (it is bidirectional), so it cannot continue a text.",
            "Give a causal language model, such as one of the GPT or Llama families.",
        ),
    ],
)
def test_a_model_that_cannot_choose_so(family: str, more: str, message: str, next_step: str, choose: Choose) -> None:
    failure = choose(more, family).failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (message, next_step)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("by: guess", "2:7: [0].by: must be one of auto, head, likelihood, letter, not guess"),
        (
            "by: letter\n  normalise: none",
            "3:3: [0].normalise: has no effect with by: letter; leave it out, or write by: likelihood",
        ),
        ("normalise: words", "2:14: [0].normalise: must be one of tokens, characters, none, not words"),
    ],
)
def test_fields_that_are_wrong(more: str, message: str) -> None:
    text = f"- task: multiple-choice\n  {more}\n  question: q\n  choices: [a, b]\n"
    assert refusal(text) == f"in.yaml:{message}"


def test_more_choices_than_letters() -> None:
    choices = ", ".join(f"c{i}" for i in range(27))
    text = f"- task: multiple-choice\n  by: letter\n  question: q\n  choices: [{choices}]\n"
    assert refusal(text) == "in.yaml:2:7: [0].by: letter: there are 27 choices and 26 letters; write likelihood"


def test_the_command_and_the_page(folder: Path, visit: Any) -> None:
    text = f"- {{{COMMON}, model: llama, answer: 1}}\n- {{{COMMON}, model: letters, by: letter, foil: runner-up}}\n"
    (folder / "in.yaml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(folder / "in.yaml"), "-o", str(folder / "r.html"), "--json"])
    assert done.exit_code == 0, done.output
    shown = " ".join(done.output.split())
    assert re.search("Who sat on the A. cat B. the bad cat C. movie Answer: [ABC] / [ABC] logit of the letter", shown)
    found = visit(from_json((folder / "r.json").read_text(encoding="utf-8"), "r.json"))
    first = found.page.locator("#example-1 figure.map").first
    assert first.locator(".text").text_content().removeprefix("<s>") == f"{PROMPT} cat"
    assert first.locator("[data-segment=answer]").text_content() == " cat"
    assert first.locator(".number").text_content().startswith("mean log_prob −")
    hint = found.page.locator("#example-1 > .hint").text_content()
    assert hint == (
        "The model reads each as one text, and F is of the answer in bold. "
        "Small letters are what the task puts between your words."
    )
    said = found.page.locator("#example-2 .outcomes .hint").text_content()
    assert said.startswith("A softmax over the choices’ logits of their letters. ")
    contrast = found.page.locator("#example-2 figure.map").last.locator(".text").text_content()
    assert contrast.count(" / ") == 1, "two answers stand apart"
