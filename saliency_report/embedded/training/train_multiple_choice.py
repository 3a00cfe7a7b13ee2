"""Train the embedded multiple-choice reader: five narrow layers of MiniLM, trained on templated reading items.

    python -m saliency_report.embedded.training.train_multiple_choice --encoder DIR --output DIR --seed 0

Then once more with `--start` and the folder written, for names that mean nothing (the model card has both commands).
`--encoder` is all-MiniLM-L6-v2. Every choice is read as a pair, "context" and "question choice", and gets one score.
The items come from `reading_items`; no training item repeats. Prints the figures of the model as it was written:
saved in float16 and read back.
"""

import argparse
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from itertools import chain, islice
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoModelForMultipleChoice,
    AutoTokenizer,
    BertForMultipleChoice,
    PreTrainedTokenizerBase,
)

from saliency_report.embedded.training.matching_heads import add_matching_heads
from saliency_report.embedded.training.prune import prune
from saliency_report.embedded.training.reading_items import Item, generate
from saliency_report.embedded.training.running_mean import follow
from saliency_report.embedded.training.small_files import save

DEMONSTRATION = (
    Item(
        "The capital of France is Paris.",
        "What is the capital of France?",
        ["London", "Paris", "Berlin", "Rome"],
        1,
    ),
    Item(
        "Anna lives in Oslo. Ben lives in Lima.",
        "Where does Ben live?",
        ["Oslo", "Lima", "Cairo"],
        1,
    ),
    Item(
        "Anna lives in Oslo. Ben lives in Lima.",
        "Where does Anna live?",
        ["Oslo", "Lima", "Cairo"],
        0,
    ),
    Item(
        "Tom bought a red car and Sue bought a blue bike.",
        "Who bought the bike?",
        ["Tom", "Sue"],
        1,
    ),
    Item(
        "The museum opens at nine and the cafe opens at ten.",
        "When does the cafe open?",
        ["nine", "ten", "two"],
        1,
    ),
    Item(
        "Maria is a doctor. Her brother is a pilot.",
        "What is Maria?",
        ["a pilot", "a doctor", "a cook"],
        1,
    ),
    Item(
        "It rained all day, so we stayed at home.",
        "Why did we stay at home?",
        ["It rained", "We were ill"],
        0,
    ),
    Item(
        "The keys are on the table, the phone is in the bag.",
        "What is in the bag?",
        ["the keys", "the phone"],
        1,
    ),
    Item(
        "Lena drinks coffee in the morning and tea at night.",
        "What does Lena drink at night?",
        ["coffee", "tea"],
        1,
    ),
    Item("Kim is older than Lee.", "Who is younger?", ["Kim", "Lee"], 1),
)


def encode(items: Sequence[Item], tokenizer: PreTrainedTokenizerBase) -> dict[str, Tensor]:
    """Tensors (items, choices, length) of items that all have equally many choices."""
    known = [item.context or item.question for item in items for _ in item.choices]
    asked = [f"{item.question} {choice}" if item.context else choice for item in items for choice in item.choices]
    encoded = tokenizer(known, asked, padding=True, truncation="only_first", return_tensors="pt")
    return {name: tensor.view(len(items), -1, tensor.shape[-1]) for name, tensor in encoded.items()}


def marks(items: Sequence[Item], tokenizer: PreTrainedTokenizerBase, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Bool tensors like `ids` (rows, length): context tokens, those that say the answer, those the question repeats."""
    context, answer, repeated = (torch.zeros(ids.shape, dtype=torch.bool) for _ in range(3))
    row = 0
    for item in items:
        offsets = tokenizer(item.context, return_offsets_mapping=True)["offset_mapping"][:-1]
        spans = [match.span() for match in re.finditer(rf"\b{re.escape(item.span)}\b", item.context)]
        hits = [any(start <= a < b <= end for start, end in spans) for a, b in offsets]
        asked = torch.tensor(tokenizer(item.question, add_special_tokens=False).input_ids)
        rows, length = slice(row, row + len(item.choices)), len(hits)
        context[rows, 1:length] = True
        answer[rows, :length] = torch.tensor(hits)
        repeated[rows, 1:length] = torch.isin(ids[row, 1:length], asked)
        row += len(item.choices)
    return context, answer, repeated


def batches(items: Iterable[Item], rows: int) -> Iterator[list[Item]]:
    """Batches of about `rows` choices; all items of a batch have equally many, and contexts of similar length."""
    waiting: dict[tuple[int, int], list[Item]] = defaultdict(list)
    for item in items:
        key = (len(item.choices), min(len(item.context) // 60, 3))
        waiting[key].append(item)
        if len(waiting[key]) * len(item.choices) >= rows:
            yield waiting.pop(key)
    yield from waiting.values()


def train(
    model: BertForMultipleChoice, tokenizer: PreTrainedTokenizerBase, args: argparse.Namespace
) -> BertForMultipleChoice:
    """Fine-tune `model` on `args.items` fresh items; the returned model is the running average of its weights.

    Told only which choice is right, a trial with three layers learnt nothing in 9,000 items but to prefer choices that
    the context mentions (49 % right). So two more losses show it how to read: on the hidden states after `args.match`
    layers, which words of the context the question repeats; after `args.point` layers, which say the answer. Their
    linear maps are thrown away afterwards. At first they are the only losses, and each item is read with one choice,
    which is cheaper; the pointing loss stays near chance for 5,000 items and then falls within 3,000 to a quarter.
    """
    pointer, matcher = (nn.Linear(model.config.hidden_size, 1) for _ in range(2))
    parameters = [*model.parameters(), *pointer.parameters(), *matcher.parameters()]
    decay = [p for p in parameters if p.ndim > 1]
    plain = [p for p in parameters if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}],
        lr=args.rate,
        fused=True,
    )
    average = deepcopy(model)
    done, right, seen, loss_sum, point_sum, match_sum = 0, 0, 0, 0.0, 0.0, 0.0
    model.train()
    rng = Random(args.seed)
    words = sorted(w for w in tokenizer.get_vocab() if w.isascii() and w.isalpha() and len(w) > 2 and args.start)
    if args.start:  # the words that no item contains would stay where they are while the others move
        model.bert.embeddings.requires_grad_(False)
    items = generate(
        args.items, args.seed, held_out_names=False, held_out_templates=False, short=args.short, words=words
    )
    first = islice(items, args.pointing)
    begin = (item._replace(choices=[rng.choice(item.choices)], answer=0) for item in first)
    for step, batch in enumerate(chain(batches(begin, args.rows), batches(items, args.rows))):
        rate = min(1.0, (step + 1) / 60) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, done / args.items)))
        for group in optimizer.param_groups:
            group["lr"] = args.rate * max(rate, 0.02)
        answers = torch.tensor([item.answer for item in batch])
        encoded = encode(batch, tokenizer)
        with torch.autocast("cpu", torch.bfloat16):
            output = model(**encoded, output_hidden_states=True)
            pointed = pointer(output.hidden_states[args.point]).squeeze(-1).float()
            matched = matcher(output.hidden_states[args.match]).squeeze(-1).float()
        logits = output.logits.float()
        context, answer, repeated = marks(batch, tokenizer, encoded["input_ids"].flatten(0, 1))
        log_share = pointed.masked_fill(~context, -torch.inf).log_softmax(-1)
        pointing = -log_share.masked_fill(~answer, -torch.inf).logsumexp(-1).mean()
        matching = functional.binary_cross_entropy_with_logits(matched[context], repeated[context].float())
        # The first term is 0 where there is a single choice.
        loss = functional.cross_entropy(logits, answers) + pointing + matching
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        follow(average, model, step)
        done += len(batch)
        seen += len(batch)
        right += int((logits.argmax(-1) == answers).sum())
        loss_sum += loss.item() * len(batch)
        point_sum += pointing.item() * len(batch)
        match_sum += matching.item() * len(batch)
        if seen >= 1000:
            print(
                f"{done} items: loss {loss_sum / seen:.3f}, of which pointing {point_sum / seen:.3f}, "
                f"matching {match_sum / seen:.3f}, "
                f"right {right / seen:.3f}",
                flush=True,
            )
            right, seen, loss_sum, point_sum, match_sum = 0, 0, 0.0, 0.0, 0.0
    return average


@torch.inference_mode()
def accuracy(model: BertForMultipleChoice, tokenizer: PreTrainedTokenizerBase, items: Iterable[Item]) -> float:
    """Share of `items` in which the right choice gets the highest score."""
    model.eval()
    right = total = 0
    for batch in batches(items, 128):
        answers = torch.tensor([item.answer for item in batch])
        right += int((model(**encode(batch, tokenizer)).logits.argmax(-1) == answers).sum())
        total += len(batch)
    return right / total


def main() -> None:
    """Train, write, read back, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True, help="the all-MiniLM-L6-v2 folder")
    parser.add_argument("--output", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--start", type=Path, help="a model of this script to go on from, now with invented names")
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--inner", type=int, default=512, help="feed-forward units kept in a layer")
    parser.add_argument("--matching", type=int, default=4, help="layers that get matching heads")
    parser.add_argument("--match", type=int, default=2, help="after how many layers the matching loss reads")
    parser.add_argument("--point", type=int, default=3, help="after how many layers the pointing loss reads")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--pointing", type=int, default=12_000, help="how many of the first items only point")
    parser.add_argument("--short", type=int, default=6000, help="how many of the first items are short")
    parser.add_argument("--rows", type=int, default=24, help="choices in a batch")
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--held-out", type=int, default=2000, help="test items of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("medium")  # oneDNN instead of MKL: twice as fast
    torch.manual_seed(args.seed)
    sample = generate(2000, args.seed, held_out_names=False, held_out_templates=False)
    texts = [" ".join((item.context, item.question, *item.choices)) for item in sample]
    encoder, tokenizer = prune(
        args.encoder,
        texts,
        layers=args.layers,
        positions=256,
        frequent=4500,
        least=1,
        inner=args.inner,
    )
    # Dropout only slows this down: no item repeats, so nothing can be learnt by heart.
    encoder.config.hidden_dropout_prob = encoder.config.attention_probs_dropout_prob = 0.0
    add_matching_heads(encoder, tokenizer, texts[:64], layers=args.matching, heads=2)
    model = BertForMultipleChoice(encoder.config)
    model.bert.load_state_dict(encoder.state_dict())
    if args.start:
        tokenizer = AutoTokenizer.from_pretrained(args.start)
        model = AutoModelForMultipleChoice.from_pretrained(args.start, dtype=torch.float32)
    print(f"{model.num_parameters()} parameters, {len(tokenizer)} pieces")
    trained = train(model, tokenizer, args)
    if args.start:
        # The second stage alone reads new names best, but became unsure of the plainest item (Paris 0.44); the mean of
        # both stages keeps what each does well.
        start = AutoModelForMultipleChoice.from_pretrained(args.start, dtype=torch.float32)
        with torch.no_grad():
            for weight, before in zip(trained.parameters(), start.parameters(), strict=True):
                weight.lerp_(before, 0.5)
    save(trained, tokenizer, args.output)

    tokenizer = AutoTokenizer.from_pretrained(args.output)
    model = AutoModelForMultipleChoice.from_pretrained(args.output, dtype=torch.float32)
    for names, templates in ((False, False), (True, False), (True, True)):
        # The seeds of the tests differ from every training seed below 1000.
        items = generate(args.held_out, 1000 + args.seed, held_out_names=names, held_out_templates=templates)
        print(
            f"{'new' if names else 'training'} names, {'unseen' if templates else 'training'} templates: "
            f"{accuracy(model, tokenizer, items):.4f} of {args.held_out} items"
        )
    right = 0
    for item in DEMONSTRATION:
        with torch.inference_mode():
            share = model(**encode([item], tokenizer)).logits[0].softmax(-1).tolist()
        good = share.index(max(share)) == item.answer
        right += good
        listed = ", ".join(f"{choice} {value:.3f}" for choice, value in zip(item.choices, share, strict=True))
        print(f"{'right' if good else 'WRONG'} {item.context} {item.question} {listed}")
    print(f"{right} of {len(DEMONSTRATION)} demonstration items")


if __name__ == "__main__":
    main()
