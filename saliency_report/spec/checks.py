"""What only shows between fields: two that do not go together, one that another needs, words that no text has.

Types are pydantic's part, so a value of another type is passed over here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from string import ascii_uppercase
from typing import Any

from saliency_report.spec.evidence import STEPS
from saliency_report.spec.fields import TASKS
from saliency_report.spec.source import Loc, Source
from saliency_report.spec.text_generation import is_span
from saliency_report.spec.texts import own_texts
from saliency_report.spec.values import did_you_mean, did_you_mean_within, is_index, listed


@dataclass(frozen=True)
class Fields:
    """An example's fields as they were written, its own and those from the defaults, and where they stand."""

    source: Source
    path: Loc
    own: dict[str, Any]
    all: dict[str, Any]

    def place(self, *names: str) -> Loc:
        """Where the first of these fields stands that the example itself has; else the first's default."""
        return next(((*self.path, name) for name in names if name in self.own), ("defaults", names[0]))

    def problem(self, message: str, *names: str, item: int | None = None) -> None:
        """Note a problem of these fields, at one entry of the list that the first of them is.

        A message may begin with the first field and a colon: that goes where the path says it already.
        """
        place = self.place(*names)
        if place[-1] == names[0]:
            message = message.removeprefix(f"{names[0]}: ")
        self.source.problem(place if item is None else (*place, item), message)

    def idle(self, name: str, why: str) -> None:
        """Note a field of the example that has no effect, and why."""
        self.source.problem((*self.path, name), f"has no effect {why}", key=True)

    def within(self, name: str, text: str, otherwise: str) -> None:
        """Note words that do not stand in the text which they are to be of."""
        words, whole = self.all.get(name), self.all.get(text)
        if isinstance(words, str) and words.strip() and isinstance(whole, str) and words not in whole:
            hint = did_you_mean_within(words, [whole]) or f"; write {otherwise}"
            self.problem(f"{name}: {words!r} does not occur in {text}{hint}", name, text)


def check_task(fields: Fields) -> None:
    """The rules of the example's task."""
    rules = {
        "text-classification": _classification,
        "text-generation": _generation,
        "text2text-generation": _generation,
        "multiple-choice": _choice,
        "fill-mask": _mask,
        "token-classification": _tokens,
        "question-answering": _answer,
        "sentence-similarity": _similarity,
        "zero-shot-classification": _zero_shot,
    }
    rules[fields.all["task"]](fields)


def check_evidence(fields: Fields) -> None:
    """The rules that all tasks share."""
    given = fields.all
    methods, fractions = given.get("methods"), given.get("fractions")
    steps, most = given.get("steps", STEPS), given.get("max_steps")
    if isinstance(methods, list):
        for i, name in enumerate(methods):
            if name in methods[:i]:
                fields.problem(f"{name!r} stands twice; name each method once", "methods", item=i)
    if isinstance(fractions, list) and all(is_index(f) or isinstance(f, float) for f in fractions):
        for i, (before, after) in enumerate(pairwise(fractions), 1):
            if not before < after:
                message = f"{after} comes after {before}; write fractions in ascending order, each once"
                fields.problem(message, "fractions", item=i)
    if is_index(steps) and is_index(most) and steps > most > 0:
        message = f"steps: {steps} is more than max_steps: {most}; write max_steps: {steps} or more"
        fields.problem(message, "steps", "max_steps")
    if given.get("foil") is not None and given.get("quantity") in ("log_prob", "loss"):
        message = f"quantity: {given['quantity']} and foil do not go together; write quantity: logit or probability"
        fields.problem(message, "quantity", "foil")
    if isinstance(given.get("rationale"), list):
        _rationale(fields, given["rationale"])


def _rationale(fields: Fields, rationale: list[Any]) -> None:
    texts = own_texts(fields.all["task"], fields.all)
    if not texts or not all(isinstance(text, str) for text in texts.values()):
        return
    first, text = next(iter(texts.items()))
    for i, mark in enumerate(rationale):
        if isinstance(mark, str) and mark.strip() and not any(mark in text for text in texts.values()):
            hint = did_you_mean_within(mark, texts.values()) or "; copy words from there"
            where = "any message" if "messages" in fields.all else " or ".join(texts)
            fields.problem(f"{mark!r} does not occur in {where}{hint}", "rationale", item=i)
        pair = isinstance(mark, list) and len(mark) == 2 and all(map(is_index, mark))
        if pair and 0 <= mark[0] < mark[1] and mark[1] > len(text):
            message = f"{mark} ends outside of {first}, which has {len(text)} code points; write {len(text)} or less"
            fields.problem(message, "rationale", item=i)


def _loss(fields: Fields, right: str) -> None:
    """A loss is that of the right answer: it needs one, and no other target."""
    if fields.all.get("quantity") != "loss":
        return
    if fields.all.get(right) is None:
        message = "is missing; quantity: loss is that of the right answer: write it, or another quantity"
        fields.source.problem((*fields.path, right), message)
    if "target" in fields.all:
        message = f"target: {fields.all['target']} and quantity: loss do not go together; "
        message += f"the loss is that of {right}: leave target out"
        fields.problem(message, "target", "quantity")


def _classification(fields: Fields) -> None:
    target, foil = fields.all.get("target"), fields.all.get("foil")
    if target == []:
        fields.problem("the list is empty; name a label, or leave target out", "target")
    _same(fields, foil if isinstance(target, list) and foil in target else target, foil)
    _loss(fields, "label")
    if fields.all.get("long") == "windows" and fields.all.get("text_pair") is not None:
        message = "long: windows and text_pair do not go together; only a single text can be read in windows: write "
        message += "long: truncate, which cuts the longer of the two, or leave long out"
        fields.problem(message, "long", "text_pair")


def _generation(fields: Fields) -> None:
    given = fields.all
    if given["task"] == "text-generation":
        _prompt(fields)
    target, foil, continuation = given.get("target", "each"), given.get("foil"), given.get("continuation")
    if continuation and "max_new_tokens" in fields.own:
        fields.idle("max_new_tokens", "beside continuation, which is explained as it stands; leave one out")
    if foil is not None and (is_span(target) or is_index(target)):
        message = f"target: {target} and foil do not go together; a foil is compared at the first token that differs: "
        fields.problem(f"{message}leave target out", "target", "foil")
    if isinstance(foil, str) and foil == continuation:
        itself = "the continuation" if fields.place("foil", "continuation")[-1] == "foil" else "the foil"
        fields.problem(f"is {itself} itself; write another text", "foil", "continuation")
    if is_span(target) and given.get("quantity") in ("logit", "probability"):
        message = f"target: {target} and quantity: {given['quantity']} do not go together; "
        advice = "a span is explained as a sum of log-probs: write quantity: log_prob or loss"
        fields.problem(message + advice, "target", "quantity")
    if target not in ("each", "whole"):
        fields.within("target", "continuation", "each, whole, an index, or a text from there")
    count = given.get("max_new_tokens", TASKS[given["task"]].model_fields["max_new_tokens"].default)
    if continuation is None and is_index(target) and is_index(count) and target >= count > 0:
        message = f"target: {target} is past the last token: max_new_tokens is {count}, so write 0 to {count - 1}"
        fields.problem(message, "target", "max_new_tokens")


def _prompt(fields: Fields) -> None:
    """One of prompt and messages, each with what goes with it."""
    if fields.all.get("prompt") is None and fields.all.get("messages") is None:
        if "prompt" in fields.all:
            fields.problem("is empty; write some text", "prompt")
        else:
            message = "is missing; write it: The text to continue. Or write messages, a conversation to continue"
            fields.source.problem((*fields.path, "prompt"), message)
    elif fields.all.get("prompt") is not None and fields.all.get("messages") is not None:
        fields.problem("does not go together with prompt; leave one out", "messages", "prompt")
    if fields.all.get("messages") is not None and "chat" in fields.own:
        fields.idle("chat", "beside messages, which always go through the chat template; leave it out")


def _choice(fields: Fields) -> None:
    _loss(fields, "answer")
    _among(fields, "choices", "answer", "choice")


def _among(fields: Fields, listing: str, right: str, noun: str) -> None:
    """The rules of answers that the example itself lists, of which others of its fields name some."""
    given, choices, nouns = fields.all, fields.all.get(listing), f"{noun}s"
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        return
    by = given.get("by", "auto")
    if by in ("head", "letter") and "normalise" in fields.own:
        fields.idle("normalise", f"with by: {by}; leave it out, or write by: likelihood")
    if by == "letter" and len(choices) > len(ascii_uppercase):
        fields.problem(
            f"letter: there are {len(choices)} choices and {len(ascii_uppercase)} letters; write likelihood", "by"
        )
    for i, choice in enumerate(choices):
        if choice and choice in choices[:i]:
            fields.problem(f"{choice!r} stands twice; {nouns} must differ", listing, item=i)
    for field, word in ((right, None), ("target", "predicted"), ("foil", "runner-up")):
        held = given.get(field)
        for value in held if isinstance(held, list) else [held]:
            if value is None or value == word:
                continue
            if is_index(value) and not 0 <= value < len(choices):
                fields.problem(f"index {value} is not among the {nouns} 0 to {len(choices) - 1}", field)
            elif is_index(value) and str(value) in choices and choices.index(str(value)) != value:
                message = f"{value} is an index, and '{value}' another {noun}; write '{value}' in quotes, or the {noun}"
                fields.problem(message, field)
            if isinstance(value, str) and value not in choices:
                known = [*choices, *([word] if word else [])]
                hint = did_you_mean(value, known) or f"; the {nouns} are {listed(choices)}"
                fields.problem(f"{value!r} is not among the {nouns}{hint}", field)
    target, foil = (
        choices.index(value) if isinstance(value, str) and value in choices else value
        for value in (given.get("target"), given.get("foil"))
    )
    _same(fields, target, foil)


def _zero_shot(fields: Fields) -> None:
    _loss(fields, "label")
    _among(fields, "candidate_labels", "label", "label")
    given, several = fields.all, fields.all.get("multi_label") is True
    labels, right = given.get("candidate_labels"), given.get("label")
    if isinstance(labels, list) and len(labels) == 1 and not several:
        fields.problem("has 1, needs 2 or more; of one alone, write multi_label: true", "candidate_labels")
    if isinstance(right, list) and not several:
        fields.problem("several labels can be right only with multi_label: true; write one", "label")
    elif isinstance(right, list) and len(right) != 1 and given.get("quantity") == "loss":
        fields.problem("quantity: loss is that of one right label; write one", "label", "quantity")


def _mask(fields: Fields) -> None:
    given = fields.all
    _no_loss(fields)
    _same(fields, given.get("target"), given.get("foil"))
    named = "foil" if given.get("foil") is not None else "target"
    if "top_k" in fields.own and (named == "foil" or given.get("target", "predicted") != "predicted"):
        fields.idle("top_k", f"beside {named}, which has the only map; leave one out")


def _tokens(fields: Fields) -> None:
    _no_loss(fields)
    each = fields.all.get("target", "each") == "each"
    if fields.all.get("foil") is not None and each:
        message = "needs a target: the words of the text whose label is compared with this one"
        fields.problem(message, "foil")
    if not each:
        fields.within("target", "text", "each, or words from there")


def _answer(fields: Fields) -> None:
    _no_loss(fields)
    given = fields.all
    _same(fields, given.get("target"), given.get("foil"))
    for field, word in (("target", "predicted"), ("foil", "runner-up")):
        if given.get(field) != word:
            fields.within(field, "context", f"{word}, or words from there")


def _similarity(fields: Fields) -> None:
    if fields.all.get("quantity", "logit") != "logit":
        message = f"quantity: {fields.all['quantity']} is of answers, and sentence-similarity has a cosine alone; "
        fields.problem(f"{message}leave quantity out", "quantity")


def _no_loss(fields: Fields) -> None:
    """A loss is that of a right answer, which these tasks have no field for."""
    if fields.all.get("quantity") == "loss":
        message = f"quantity: loss is that of a right answer, which {fields.all['task']} is not told; "
        fields.problem(f"{message}write log_prob, its negative", "quantity")


def _same(fields: Fields, target: object, foil: object) -> None:
    if foil is not None and foil == target:
        itself = "the target" if fields.place("foil", "target")[-1] == "foil" else "the foil"
        fields.problem(f"is {itself} itself; their difference is always 0", "foil", "target")
