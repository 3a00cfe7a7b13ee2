"""Train the embedded sentiment classifier: three layers of MiniLM, fine-tuned on rated snippets.

    python -m saliency_report.embedded.training.train_sentiment --snippets DIR --encoder DIR --output DIR --seed 0

`--snippets` is the unpacked `hutto_ICWSM_2014` folder of vaderSentiment (film, product, tweet and news snippets, each
with the mean of at least twenty ratings from -4 to 4); `--encoder` is all-MiniLM-L6-v2. Prints the figures of the model
as it was written: saved in float16 and read back.
"""

import argparse
import math
import random
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertForSequenceClassification,
    PreTrainedTokenizerBase,
)

from saliency_report.embedded.training.prune import prune
from saliency_report.embedded.training.small_files import save

SOURCES = ("movieReviewSnippets", "amazonReviewSnippets", "tweets", "nytEditorialSnippets")
NEUTRAL = 1.0  # snippets whose mean rating is nearer to zero are dropped, in training and in test alike
TEST, VALIDATION = 2000, 1000  # film snippets
DEMONSTRATION = (
    ("This movie was incredibly bad, I hated every second of it.", 0),
    ("This movie was incredibly good, I loved every second of it.", 1),
    ("The food was delicious and the staff were friendly.", 1),
    ("The food was cold and the waiter was rude.", 0),
    ("The film was not bad at all.", 1),
    ("I do not like it.", 0),
    ("I like it.", 1),
    ("It is not good.", 0),
    ("I have never been so bored in my life.", 0),
    ("An absolute masterpiece, beautifully acted.", 1),
    ("A complete waste of time and money.", 0),
    ("It broke after two days and nobody answered my emails.", 0),
    ("Best phone I have ever owned.", 1),
    ("The battery dies after an hour.", 0),
    ("I was pleasantly surprised by how much I enjoyed this.", 1),
    ("The plot makes no sense.", 0),
    ("Thank you so much, you made my day!", 1),
    ("What a terrible, boring and predictable story.", 0),
    ("The service was great but the room was dirty and I would not come back.", 0),
    ("Great acting, a clever script and a moving end.", 1),
)


class Snippet(NamedTuple):
    """A rated text and the file it comes from."""

    source: str
    text: str
    rating: float

    @property
    def label(self) -> int:
        """0 for a negative mean rating, 1 for a positive one."""
        return int(self.rating > 0)


def read_snippets(folder: Path) -> list[Snippet]:
    """Every snippet that is not near neutral, without repetitions (case and punctuation ignored)."""
    found: dict[str, Snippet] = {}
    for source in SOURCES:
        for line in (folder / f"{source}_GroundTruth.txt").read_text(encoding="utf-8").splitlines():
            _, rating, text = line.split("\t", 2)
            text = text.strip()
            key = "".join(c for c in text.lower() if c.isalnum())
            if abs(float(rating)) >= NEUTRAL and key:
                found.setdefault(key, Snippet(source, text, float(rating)))
    return list(found.values())


def split(snippets: Sequence[Snippet], seed: int) -> tuple[list[Snippet], list[Snippet], list[Snippet]]:
    """Training, validation and test snippets; the last two are films only, and none occurs twice."""
    film = [snippet for snippet in snippets if snippet.source == SOURCES[0]]
    random.Random(seed).shuffle(film)
    rest = [snippet for snippet in snippets if snippet.source != SOURCES[0]]
    return film[TEST + VALIDATION :] + rest, film[TEST : TEST + VALIDATION], film[:TEST]


def batches(texts: Sequence[Snippet], size: int, rng: random.Random) -> list[list[Snippet]]:
    """Shuffled batches of similar length: sorting within chunks of forty batches halves the padding."""
    order = list(texts)
    rng.shuffle(order)
    chunk = size * 40
    made = []
    for start in range(0, len(order), chunk):
        part = sorted(order[start : start + chunk], key=lambda snippet: len(snippet.text))
        made += [part[i : i + size] for i in range(0, len(part), size)]
    rng.shuffle(made)
    return made


def train(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[Snippet],
    args: argparse.Namespace,
) -> BertForSequenceClassification:
    """Fine-tune `model`; the returned model is the running average of its weights.

    The label is soft: a text rated 3 is surer than one rated 1. Pieces are replaced by [MASK] at random, so that no
    single word decides alone.
    """
    rng = random.Random(args.seed)
    decay = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}],
        lr=args.rate,
        fused=True,
    )
    total = args.epochs * len(batches(texts, args.batch, random.Random(0)))
    average, step = deepcopy(model), 0
    model.train()
    for epoch in range(args.epochs):
        loss_sum = 0.0
        for batch in batches(texts, args.batch, rng):
            rate = min(1.0, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * step / total))
            for group in optimizer.param_groups:
                group["lr"] = args.rate * rate
            encoded = tokenizer(
                [snippet.text for snippet in batch],
                padding=True,
                truncation=True,
                max_length=128,
                return_tensors="pt",
            )
            ids = encoded["input_ids"]
            masked = (torch.rand(ids.shape) < args.word_dropout) & (ids > tokenizer.mask_token_id)
            encoded["input_ids"] = ids.masked_fill(masked, tokenizer.mask_token_id)
            target = torch.tensor([snippet.rating * args.sharpness for snippet in batch]).sigmoid()
            target = torch.stack([1 - target, target], dim=1)
            with torch.autocast("cpu", torch.bfloat16):
                loss = functional.cross_entropy(model(**encoded).logits.float(), target)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            loss_sum += loss.item()
            with torch.no_grad():
                weight = 1 - min(0.998, step / (step + 20))
                for mean, now in zip(average.parameters(), model.parameters(), strict=True):
                    mean.lerp_(now, weight)
        print(f"epoch {epoch + 1}: training loss {loss_sum / (total // args.epochs):.4f}", flush=True)
    return average


@torch.inference_mode()
def probabilities(
    model: BertForSequenceClassification, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> Tensor:
    """The probability of POSITIVE for each text."""
    model.eval()
    rows = []
    for start in range(0, len(texts), 64):
        encoded = tokenizer(list(texts[start : start + 64]), padding=True, truncation=True, return_tensors="pt")
        rows.append(model(**encoded).logits.softmax(-1)[:, 1])
    return torch.cat(rows)


def accuracy(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[Snippet],
) -> float:
    """Share of `texts` whose sign the model gets right."""
    guesses = probabilities(model, tokenizer, [snippet.text for snippet in texts]) > 0.5
    labels = torch.tensor([snippet.label == 1 for snippet in texts])
    return (guesses == labels).double().mean().item()


def saliency(
    model: BertForSequenceClassification, tokenizer: PreTrainedTokenizerBase, text: str
) -> list[tuple[str, float]]:
    """Words of `text` by the L2 norm of the predicted logit's gradient at their pieces, largest first."""
    encoded = tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
    offsets = encoded.pop("offset_mapping")[0].tolist()
    kept: list[Tensor] = []

    def hook(_module: torch.nn.Module, _args: object, output: Tensor) -> None:
        output.retain_grad()
        kept.append(output)

    handle = model.bert.embeddings.word_embeddings.register_forward_hook(hook)
    model(**encoded).logits[0].max().backward()
    handle.remove()
    assert kept[0].grad is not None
    scores: dict[int | None, list[float]] = {}
    spans: dict[int | None, tuple[int, int]] = {}
    for (start, end), word, norm in zip(
        offsets, encoded.word_ids(0), kept[0].grad[0].norm(dim=-1).tolist(), strict=True
    ):
        if text[start:end].isalnum():
            scores.setdefault(word, []).append(norm)
            spans[word] = (spans.get(word, (start, end))[0], end)
    named = [(text[slice(*spans[word])], math.hypot(*norms)) for word, norms in scores.items()]
    return sorted(named, key=lambda pair: -pair[1])


def main() -> None:
    """Train, write, read back, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=Path, required=True, help="the hutto_ICWSM_2014 folder")
    parser.add_argument("--encoder", type=Path, required=True, help="the all-MiniLM-L6-v2 folder")
    parser.add_argument("--output", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 2, 4])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--sharpness", type=float, default=1.5)
    parser.add_argument("--word-dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("medium")  # oneDNN instead of MKL: twice as fast
    torch.manual_seed(args.seed)
    training, validation, test = split(read_snippets(args.snippets), seed=0)
    encoder, tokenizer = prune(
        args.encoder,
        [snippet.text for snippet in training],
        layers=args.layers,
        positions=256,
        frequent=4000,
        least=4,
    )
    config = encoder.config
    config.id2label, config.label2id = (
        {0: "NEGATIVE", 1: "POSITIVE"},
        {"NEGATIVE": 0, "POSITIVE": 1},
    )
    model = BertForSequenceClassification(config)
    model.bert.load_state_dict(encoder.state_dict())
    print(f"{len(training)} training snippets, {model.num_parameters()} parameters, {len(tokenizer)} pieces")
    save(train(model, tokenizer, training, args), tokenizer, args.output)

    tokenizer = AutoTokenizer.from_pretrained(args.output)
    model = AutoModelForSequenceClassification.from_pretrained(args.output, dtype=torch.float32).eval()
    for name, part in (("validation", validation), ("test", test)):
        positive = sum(snippet.label for snippet in part) / len(part)
        print(
            f"{name}: {accuracy(model, tokenizer, part):.4f} of {len(part)} film snippets "
            f"(always the commoner label: {max(positive, 1 - positive):.4f})"
        )
    right = 0
    for (text, label), value in zip(
        DEMONSTRATION,
        probabilities(model, tokenizer, [text for text, _ in DEMONSTRATION]).tolist(),
        strict=True,
    ):
        right += (value > 0.5) == label
        print(f"{'right' if (value > 0.5) == label else 'WRONG'} P(POSITIVE) {value:.3f} {text}")
    print(f"{right} of {len(DEMONSTRATION)} demonstration sentences")
    ranking = saliency(model, tokenizer, DEMONSTRATION[0][0])
    print("saliency:", ", ".join(f"{word} {score:.3f}" for word, score in ranking))


if __name__ == "__main__":
    main()
