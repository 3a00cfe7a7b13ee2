"""What each small model is trained on: batches of its task with their labels, drawn from the small world."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from zlib import crc32

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from saliency_report.embedded.training import plain_sentences
from saliency_report.embedded.training.prompts import NAMES
from saliency_report.embedded.training.reading_items import Item
from saliency_report.embedded.training.small_german import translation
from saliency_report.embedded.training.small_topics import pair
from saliency_report.embedded.training.small_world import Fact, World

Batch = dict[str, Any]
Encode = Callable[[World, int, PreTrainedTokenizerBase], Batch]
T = TypeVar("T")
NER = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
NLI = ["entailment", "neutral", "contradiction"]
LONGEST = 200  # characters of a context of held-out names: leaves 1 in 100 out
MASKED = 0.2  # share of the words that are hidden


def alike(draw: Callable[[World], T], world: World, count: int) -> list[T]:
    """`count` of four times as many, of similar length: where all were taken, 61 % of a batch of questions was padding.

    Nothing is left out: every batch takes another quarter.
    """
    drawn = sorted((draw(world) for _ in range(4 * count)), key=lambda one: len(str(one)))
    first = count * world.rng.randrange(4)
    return drawn[first : first + count]


def reading(world: World, count: int, tokenizer: PreTrainedTokenizerBase) -> Batch:
    """Questions, contexts, and where the answers begin and end."""
    items = alike(item_of, world, count)
    encoded = tokenizer([i.question for i in items], [i.context for i in items], padding=True, return_tensors="pt")
    starts, ends = [], []
    for row, item in enumerate(items):
        begin, end = answer_of(item)
        starts.append(encoded.char_to_token(row, begin, 1))
        ends.append(encoded.char_to_token(row, end - 1, 1))
    return {**encoded, "start_positions": torch.tensor(starts), "end_positions": torch.tensor(ends)}


def item_of(world: World) -> Item:
    """An item of reading, of names drawn anew; held-out ones have more tokens, and a long text would not fit."""
    while True:
        world.renew()
        item = world.item()
        if len(item.context) <= LONGEST or not world.held_out_names:
            return item


def answer_of(item: Item) -> tuple[int, int]:
    """Where the answer stands: in the sentence that has the most of the question's words, if in several."""
    asked = set(re.findall(r"\w+", item.question))
    found = [match.span() for match in re.finditer(rf"\b{re.escape(item.span)}\b", item.context)]
    sentences = [match.span() for match in re.finditer(r"[^.]+", item.context)]

    def shared(span: tuple[int, int]) -> int:
        begin, end = next(s for s in sentences if s[0] <= span[0] < s[1])
        return len(asked & set(re.findall(r"\w+", item.context[begin:end])))

    return max(found, key=shared)


def names(world: World, count: int, tokenizer: PreTrainedTokenizerBase) -> Batch:
    """Texts, and the label of each word at its first token."""
    made = alike(World.named, world, count)
    encoded = tokenizer([text for text, _ in made], padding=True, return_tensors="pt")
    labels = torch.full(encoded.input_ids.shape, -100)
    for row, (_, spans) in enumerate(made):
        words = encoded.word_ids(row)
        for at, word in enumerate(words):
            if word is None or word == words[at - 1]:
                continue
            begin, end = encoded.word_to_chars(row, word)
            inside = [(s, label) for s, e, label in spans if s <= begin and end <= e]
            labels[row, at] = NER.index(f"{'B' if inside[0][0] == begin else 'I'}-{inside[0][1]}") if inside else 0
    return {**encoded, "labels": labels}


def plain_text(world: World) -> str:
    """Plain sentences, or one of them; of the texts with a name one in twenty is held out, by its checksum.

    Of those without a name there may be one alone, such as that of a capital, which nobody knows who has not read it.
    """
    while True:
        text = plain_sentences.text(world.rng)
        named = not set(NAMES).isdisjoint(re.findall(r"\w+", text))
        if (named and crc32(text.encode()) % 20 == 0) is world.held_out_names:
            break
    return text if world.held_out_names or world.rng.random() < 0.5 else world.rng.choice(re.split(r"(?<=\.) ", text))


def gaps(world: World, count: int, tokenizer: PreTrainedTokenizerBase) -> Batch:
    """Plain texts of which some words are hidden, and those words."""
    encoded = tokenizer(alike(plain_text, world, count), padding=True, return_tensors="pt")
    ids, mask_id = encoded["input_ids"].clone(), tokenizer.mask_token_id
    labels = torch.full(ids.shape, -100)
    for row, length in enumerate(encoded["attention_mask"].sum(1).tolist()):
        places = [at for at in range(1, length - 1) if world.rng.random() < MASKED]
        for at in places or [world.rng.randrange(1, length - 1)]:
            labels[row, at] = ids[row, at]
            ids[row, at] = mask_id
    return {**encoded, "input_ids": ids, "labels": labels}


def entailment(world: World, count: int, tokenizer: PreTrainedTokenizerBase) -> Batch:
    """Premises, hypotheses, and whether one follows from the other."""
    made = alike(pair, world, count)
    encoded = tokenizer([p.premise for p in made], [p.hypothesis for p in made], padding=True, return_tensors="pt")
    labels = torch.tensor([NLI.index(p.label) for p in made])
    return {**encoded, "labels": labels, "topics": torch.tensor([p.topics for p in made])}


def likeness(world: World, count: int, tokenizer: PreTrainedTokenizerBase) -> Batch:
    """Sentences, four of a kind: two that say the same, two that share a part; and how much each two share."""
    facts = [fact for _ in range(count // 4) for fact in four(world)]
    encoded = tokenizer([world.say(fact) for fact in facts], padding=True, return_tensors="pt")
    return {**encoded, "labels": torch.tensor([[a.shared(b) for b in facts] for a in facts])}


def four(world: World) -> Sequence[Fact]:
    """A fact twice, one with another subject or value, and another one of the same subject where there is one."""
    world.renew()
    fact = world.fact()
    kept = {"subject": fact.subject} if world.rng.random() < 0.5 else {"value": fact.value}
    changed = world.fact_of(fact.relation, **kept)
    other = world.fact(lambda relation: relation.subject == fact.relation.subject)
    return fact, fact, changed, world.fact_of(other.relation, subject=fact.subject)


def translating(world: World, count: int, tokenizer: PreTrainedTokenizerBase) -> Batch:
    """English sentences and their German."""
    made = alike(translation, world, count)
    encoded = tokenizer([said for said, _ in made], padding=True, return_tensors="pt")
    written = tokenizer([f"{german}{tokenizer.eos_token}" for _, german in made], padding=True, return_tensors="pt")
    labels = written["input_ids"][:, 1:]  # without the token that the tokenizer puts first
    return {**encoded, "labels": labels.masked_fill(labels == tokenizer.pad_token_id, -100)}


def texts_of(task: str, world: World, count: int) -> list[str]:
    """Texts of a task, for its tokenizer."""
    if task == "question-answering":
        return [f"{item.question} {item.context}" for item in (item_of(world) for _ in range(count))]
    if task == "token-classification":
        return [world.named()[0] for _ in range(count)]
    if task == "fill-mask":
        return [plain_text(world) for _ in range(count)]
    if task == "zero-shot-classification":
        return [" ".join(pair(world)[:2]) for _ in range(count)]
    if task == "text2text-generation":
        return [text for _ in range(count) for text in translation(world)]
    return [world.say(fact) for _ in range(count // 4) for fact in four(world)]


def cosines(model: PreTrainedModel, batch: Batch) -> Tensor:
    """The cosines of the texts of a batch, by the mean of their tokens' vectors."""
    given = {name: tensor for name, tensor in batch.items() if name != "labels"}
    states = model(**given).last_hidden_state.float()
    mask = batch["attention_mask"][..., None]
    vectors = functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
    return vectors @ vectors.T


ENCODE: dict[str, Encode] = {
    "question-answering": reading,
    "token-classification": names,
    "fill-mask": gaps,
    "zero-shot-classification": entailment,
    "sentence-similarity": likeness,
    "text2text-generation": translating,
}
