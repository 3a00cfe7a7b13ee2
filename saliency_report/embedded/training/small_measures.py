"""How good each small model is on what it was not trained on: other names, other relations, other sentences."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from saliency_report.embedded.training import small_tasks
from saliency_report.embedded.training.small_german import translation
from saliency_report.embedded.training.small_topics import TEMPLATES, TOPICS, topical
from saliency_report.embedded.training.small_world import World

WITHOUT_NAMES = ("fill-mask", "text2text-generation")
SEED = 1000  # no training has a seed as high


def sides(task: str) -> Iterator[tuple[str, World]]:
    """The worlds that are asked: of the training side, and of names and relations that no training text has."""
    flags = {
        "training side": (False, False),
        "new sentences" if task in WITHOUT_NAMES else "new names": (True, False),
        "new names, unseen relations": (True, True),
    }
    for side, held_out in flags.items():
        if side == "new names, unseen relations" and task in (*WITHOUT_NAMES, "zero-shot-classification"):
            continue
        world = World(SEED, *held_out)
        world.invent = 0.0
        yield side, world


Figures = dict[str, float]


def measured(task: str, model: Any, tokenizer: PreTrainedTokenizerBase, count: int = 2000) -> dict[str, Figures]:
    """The figures of every side, of `count` texts."""
    found = {}
    for side, world in sides(task):
        with torch.inference_mode():
            found[side] = MEASURES[task](model, tokenizer, world, count)
    return found


def batches(task: str, world: World, tokenizer: PreTrainedTokenizerBase, count: int) -> Iterator[Any]:
    """Batches of a task, `count` texts in all."""
    for _ in range(count // 100):
        batch = small_tasks.ENCODE[task](world, 100, tokenizer)
        batch.pop("topics", None)
        yield batch


def answers(model: Any, tokenizer: PreTrainedTokenizerBase, world: World, count: int) -> Figures:
    """Share of questions whose answer is marked from its first to its last token."""
    right = 0
    for batch in batches("question-answering", world, tokenizer, count):
        output = model(**batch)
        inside = (batch["token_type_ids"] == 1) & (batch["attention_mask"] == 1)
        starts = output.start_logits.masked_fill(~inside, -torch.inf)
        ends = output.end_logits.masked_fill(~inside, -torch.inf)
        sums = (starts[:, :, None] + ends[:, None]).where(torch.ones_like(ends[0].diag_embed()).triu() > 0, -torch.inf)
        best = sums.flatten(1).argmax(1)
        wanted = batch["start_positions"] * starts.shape[1] + batch["end_positions"]
        right += int((best == wanted).sum())
    return {"answers exact": right / count}


def entities(model: Any, tokenizer: PreTrainedTokenizerBase, world: World, count: int) -> Figures:
    """Precision and recall of entities: all words and the label must be right."""
    found = there = both = 0
    for batch in batches("token-classification", world, tokenizer, count):
        best = model(**batch).logits.argmax(-1)
        for row, labels in zip(best.tolist(), batch["labels"].tolist(), strict=True):
            kept = [(mine, right) for mine, right in zip(row, labels, strict=True) if right >= 0]
            mine, right = (chunks([small_tasks.NER[pair[i]] for pair in kept]) for i in (0, 1))
            found, there, both = found + len(mine), there + len(right), both + len(mine & right)
    return {"F1": 2 * both / (found + there)}


def chunks(labels: list[str]) -> set[tuple[int, int, str]]:
    """Entities by their first word, the word behind the last, and kind."""
    made: list[tuple[int, int, str]] = []
    for at, label in enumerate(labels):
        kind = label[2:]
        if label.startswith("I-") and made and made[-1][1:] == (at, kind):
            made[-1] = (made[-1][0], at + 1, kind)
        elif kind:
            made.append((at, at + 1, kind))
    return set(made)


def words(model: Any, tokenizer: PreTrainedTokenizerBase, world: World, count: int) -> Figures:
    """Share of hidden words that are the likeliest, or among five."""
    first = five = total = 0
    for batch in batches("fill-mask", world, tokenizer, count):
        hidden = batch["labels"] >= 0
        ranked = model(**batch).logits[hidden].topk(5).indices
        right = ranked == batch["labels"][hidden][:, None]
        first, five, total = first + int(right[:, 0].sum()), five + int(right.sum()), total + len(right)
    return {"likeliest": first / total, "among five": five / total}


def follows(model: Any, tokenizer: PreTrainedTokenizerBase, world: World, count: int) -> Figures:
    """Share of pairs that are judged rightly, and of texts whose topic is the likeliest of six."""
    right = sum(
        int((model(**batch).logits.argmax(-1) == batch["labels"]).sum())
        for batch in batches("zero-shot-classification", world, tokenizer, count)
    )
    first = 0
    for _ in range(count // 4):
        world.renew()
        topics = world.rng.sample(list(TOPICS), 6)
        text, template = topical(world, topics[0]), TEMPLATES[world.rng.randrange(3)]
        asked = [template.replace("{label}", world.rng.choice(topic.split(" | "))) for topic in topics]
        encoded = tokenizer([text] * 6, asked, padding=True, return_tensors="pt")
        first += int(model(**encoded).logits[:, 0].argmax() == 0)
    return {"pairs": right / count, "topics, of six": first / (count // 4)}


def cosines(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, world: World, count: int) -> Figures:
    """Share of sentences whose paraphrase is nearer than all 98 others that say something else, and the error."""
    first = total = 0
    errors = []
    for batch in batches("sentence-similarity", world, tokenizer, count):
        found = small_tasks.cosines(model, batch)
        wanted = batch["labels"]
        other = found.masked_fill(wanted == 1.0, -torch.inf).amax(1)
        for row in range(0, len(found), 4):
            first, total = first + int(found[row, row + 1] > other[row]), total + 1
        errors.append(functional.l1_loss(found[wanted > 0], wanted[wanted > 0]))
    return {"paraphrase nearest": first / total, "mean error of the cosine": float(torch.stack(errors).mean())}


def written(model: Any, tokenizer: PreTrainedTokenizerBase, world: World, count: int) -> Figures:
    """Share of sentences whose German is right to the letter."""
    right = 0
    for _ in range(count // 100):
        made = [translation(world) for _ in range(100)]
        encoded = tokenizer([said for said, _ in made], padding=True, return_tensors="pt")
        output = model.generate(**encoded, do_sample=False, max_new_tokens=30)
        texts = tokenizer.batch_decode(output, skip_special_tokens=True)
        right += sum(text == german for text, (_, german) in zip(texts, made, strict=True))
    return {"sentences exact": right / count}


MEASURES = {
    "text2text-generation": written,
    "question-answering": answers,
    "token-classification": entities,
    "fill-mask": words,
    "zero-shot-classification": follows,
    "sentence-similarity": cosines,
}
