"""Gradients of one point a text: classification, multiple choice, and ever more short texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from race import floors, ours, peers, subjects
from race.floors import Row
from race.rounds import Answer, Contender, Group
from race.setting import Setting, models, timed

QUESTION = "Which of these is said of it?"
CHOICES = ["It is worth seeing.", "It is a waste of time.", "Nothing at all is said.", "The actors alone are good."]


def gradient(s: Setting) -> list[Group]:
    """A: the gradient norm of the predicted class."""
    subject = subjects.distilbert(s.folder)
    texts = subjects.film_snippets(s.snippets, s.snippets_at_once)
    rows = subject.rows(texts)
    examples = [{"text": text} for text in texts]
    as_json, as_yaml = s.folder / "texts.json", s.folder / "texts.yaml"
    as_json.write_text(json.dumps(texts), encoding="utf-8")
    common = {"task": subject.task, "model": subject.name}
    as_yaml.write_text(json.dumps([{**common, **example} for example in examples]), encoding="utf-8")
    norms = ours.scores_of("gradient", "l2")
    model, users = models(s, subject)
    some = rows[:256]  # on a GPU captum would take a minute for all
    part = len(some) / len(rows)

    def floor(tokens: int) -> list[Tensor]:
        return floors.gradient_norms(model(), rows, tokens)

    def bfloat16(tokens: int) -> list[Tensor]:
        return floors.gradient_norms(subject.model(s.device, "bfloat16"), rows, tokens)

    def forward(tokens: int) -> list[Tensor]:
        floors.forward(model(), rows, tokens)
        return []

    def captum(at_once: int) -> Contender:
        return replace(
            s.exact(f"captum, {at_once} at once", lambda: peers.saliency(users(), some, at_once), 3), part=part
        )

    contenders = [
        *s.floor(floor),
        Contender("forward only", timed(forward, s.tokens[0], floors.fast_float32())),
        Contender("floor, bfloat16 weights", timed(bfloat16, s.tokens[1], "highest")),
        s.exact("ours, the engine alone", lambda: ours.engine_alone(subject, texts, s.device, s.dtype)),
        s.exact("ours", lambda: ours.run(subject, examples, s.device, s.dtype, norms)),
        Contender("ours, bfloat16 weights", lambda: ours.run(subject, examples, s.device, "bfloat16", norms)),
        Contender(
            "ours, the whole command",
            lambda: ours.command(as_yaml, s.folder / "page.html", s.dtype, s.device),
            rounds=3,
        ),
        Contender(
            "floor in a process of its own",
            lambda: ours.bare(subject, as_json, s.tokens[0], s.dtype, s.device),
            rounds=3,
        ),
        replace(s.exact("captum, one by one", lambda: peers.saliency(users(), some), 3), part=part),
        *map(captum, (8, 32)),
    ]
    return [Group("A", f"Gradient norm, DistilBERT size, {len(texts)} snippets", "example", len(texts), contenders)]


def choices(s: Setting) -> list[Group]:
    """D: multiple choice."""
    subject = subjects.bert_choice(s.folder)
    texts = subjects.film_snippets(s.snippets, s.some)
    examples = [{"context": text, "question": QUESTION, "choices": CHOICES} for text in texts]
    flat = subject.rows(
        [t for t in texts for _ in CHOICES], [f"{QUESTION} {choice}" for _ in texts for choice in CHOICES]
    )
    questions = [flat[i : i + len(CHOICES)] for i in range(0, len(flat), len(CHOICES))]
    model, users = models(s, subject)

    def floor(tokens: int) -> list[Tensor]:
        return floors.chosen_choices(model(), questions, tokens)

    def run(dtype: str) -> Callable[[], Answer]:
        return ours.run(subject, examples, s.device, dtype, ours.predicted_choices)

    contenders = [
        *s.floor(floor),
        s.exact("ours", lambda: run(s.dtype)),
        Contender("ours, bfloat16 weights", lambda: run("bfloat16")),
        s.exact("captum", lambda: peers.choices(users(), questions)),
    ]
    return [Group("D", "Multiple choice, BERT-base size, 4 choices", "question", len(texts), contenders)]


def many(s: Setting, counts: Sequence[int] = ()) -> list[Group]:
    """F: ever more short texts with the embedded sentiment model."""
    subject = subjects.sentiment()
    made = []
    for count in counts or ((100, 1000) if s.few else (100, 1000, 10_000)):
        texts = subjects.film_snippets(s.snippets, count, words=20)
        rows = subject.rows(texts)
        examples = [{"text": text} for text in texts]
        model, _ = models(s, subject)

        def floor(tokens: int, model: Callable[[], Any] = model, rows: list[Row] = rows) -> list[Tensor]:
            return floors.gradient_norms(model(), rows, tokens)

        def run(examples: list[dict[str, str]] = examples) -> Callable[[], Answer]:
            return ours.run(subject, examples, s.device, s.dtype, ours.scores_of("gradient", "l2"))

        size = sum(len(row["input_ids"]) for row in rows)
        contenders = [*s.floor(floor), s.exact("ours", run)]
        made.append(Group(f"F, {count:,}", f"{count:,} texts of {size / count:.0f} tokens", "token", size, contenders))
    return made
