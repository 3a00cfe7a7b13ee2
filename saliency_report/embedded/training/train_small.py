"""Train one of six small models, an encoder or, to translate, an encoder and decoder, from nothing.

    python -m saliency_report.embedded.training.train_small question-answering --output DIR

Every batch is drawn anew. The sizes of batch and training are in `JOBS`. Prints what `small_measures` finds on the
held-out side, of the model as it was written: in float16, and read back.
"""

import argparse
import math
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    T5Config,
)

from saliency_report.embedded.training import small_measures, small_tasks, train_causal_lm
from saliency_report.embedded.training.looking_heads import add_looking_heads
from saliency_report.embedded.training.running_mean import follow
from saliency_report.embedded.training.small_files import save
from saliency_report.embedded.training.small_topics import TOPICS
from saliency_report.embedded.training.small_world import World

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LENGTH = 128
MATCH = 1  # after so many layers
SHORT = 0.4  # the share of the training whose texts are short


class Job(NamedTuple):
    """What a task needs."""

    head: str
    labels: Sequence[str] = ()
    looking: int = 0  # layers that get heads which look for the same word, and around
    steps: int = 2000
    rows: int = 48
    vocabulary: int = 1200


JOBS = {
    "question-answering": Job("BertForQuestionAnswering", looking=3, steps=1400),
    "token-classification": Job("BertForTokenClassification", small_tasks.NER, looking=3, steps=900),
    "fill-mask": Job("BertForMaskedLM", rows=64, steps=1500),
    "zero-shot-classification": Job("BertForSequenceClassification", small_tasks.NLI, looking=2, steps=1000),
    "sentence-similarity": Job("BertModel", steps=1200),
    "text2text-generation": Job("T5ForConditionalGeneration", vocabulary=800, rows=64, steps=2000),
}


def make_tokenizer(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    """A WordPiece tokenizer of `size` pieces that keeps capitals, and has every ASCII character."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    ascii_ = [chr(code) for code in range(33, 127)]
    inside = [f"a{one}" for one in ascii_ if one.isalnum()]
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=SPECIAL, initial_alphabet=ascii_, show_progress=False
    )
    tokenizer.train_from_iterator([*texts, *inside * 3], trainer)
    marks = [(one, tokenizer.token_to_id(one)) for one in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=marks
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=LENGTH, model_input_names=inputs, **names
    )


def make_model(job: Job, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """An untrained network of less than a million parameters."""
    if job.head == "T5ForConditionalGeneration":
        return writer(tokenizer)
    # Dropout only slows this down: every batch is drawn anew, so little can be learnt by heart.
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.04,
    )
    if job.labels:
        config.id2label = dict(enumerate(job.labels))
        config.label2id = {label: i for i, label in enumerate(job.labels)}
    model: PreTrainedModel = getattr(transformers, job.head)(config)
    if job.looking:
        add_looking_heads(cast(BertModel, model.base_model), job.looking)
    return model


def writer(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """An untrained encoder and decoder."""
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=128,
        d_kv=32,
        d_ff=256,
        num_layers=3,
        num_decoder_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config.decoder_start_token_id = tokenizer.pad_token_id
    return transformers.T5ForConditionalGeneration(config)


def loss_of(model: PreTrainedModel, batch: small_tasks.Batch, guide: nn.Linear | None) -> Tensor:
    """The loss of the model's own head, or of the cosines of its vectors where it has none.

    With a `guide` also that of what the states should tell on the way: after `MATCH` layers, which tokens of the second
    text the first one has; after one more, where a batch has topics, those of both texts, by the same weights.
    Without the topics 1,200 batches told none from another.
    """
    if isinstance(model, BertModel):
        wanted = batch["labels"]
        weights = torch.where(wanted > 0, 1.0, 0.2)  # most pairs share nothing
        errors = (small_tasks.cosines(model, batch) - wanted).square()
        mean: Tensor = (weights * errors).sum() / weights.sum()
        return 10 * mean
    topics = batch.pop("topics", None)
    output = model(**batch, output_hidden_states=guide is not None)
    loss: Tensor = output.loss
    if guide is None:
        return loss
    ids, read = batch["input_ids"], batch["attention_mask"] == 1
    texts = [read & (batch["token_type_ids"] == number) for number in (0, 1)]
    if texts[1].any():
        repeated = (ids[:, :, None] == ids.masked_fill(~texts[0], -1)[:, None]).any(-1)
        found = guide(output.hidden_states[MATCH])[..., 0].float()
        loss += functional.binary_cross_entropy_with_logits(found[texts[1]], repeated[texts[1]].float())
    if topics is not None:
        for text, topic in zip(texts, topics.T, strict=True):
            mean = (output.hidden_states[MATCH + 1] * text[..., None]).sum(1) / text.sum(1, keepdim=True)
            loss += functional.cross_entropy(guide(mean)[:, 1:].float(), topic)
    return loss


def train(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, job: Job, args: argparse.Namespace) -> Any:
    """Train on `args.steps` fresh batches; what is returned is the running average of the weights."""
    world, average = World(args.seed), deepcopy(model)
    guide = nn.Linear(model.config.hidden_size, 1 + len(TOPICS)) if job.looking else None
    parameters = [*model.parameters(), *(guide.parameters() if guide else [])]
    decay = [p for p in parameters if p.ndim > 1]
    groups: list[dict[str, Any]] = [
        {"params": decay, "weight_decay": 0.01},
        {"params": [p for p in parameters if p.ndim == 1]},
    ]
    optimizer = torch.optim.AdamW(groups, lr=args.rate, weight_decay=0.0, fused=True)
    steps, total = args.steps or job.steps, 0.0
    model.train()
    for step in range(steps):
        share = min(1.0, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = args.rate * max(share, 0.02)
        world.short = step < SHORT * steps
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, small_tasks.ENCODE[args.task](world, job.rows, tokenizer), guide)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        follow(average, model, step)
        total += loss.item()
        if (step + 1) % 100 == 0:
            print(f"{step + 1} batches: loss {total / 100:.4f}", flush=True)
            total = 0.0
    return average.eval()


def main() -> None:
    """Train, write, read back, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=list(JOBS))
    parser.add_argument("--output", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--steps", type=int, help="batches; by default as many as the card says")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("medium")  # oneDNN instead of MKL: twice as fast
    torch.manual_seed(args.seed)
    job = JOBS[args.task]
    texts = small_tasks.texts_of(args.task, World(args.seed + 1), 4000)
    make = train_causal_lm.make_tokenizer if job.head.startswith("T5") else make_tokenizer
    tokenizer = make(texts, job.vocabulary)
    model = make_model(job, tokenizer)
    print(f"{model.num_parameters()} parameters, {len(tokenizer)} pieces", flush=True)
    save(train(model, tokenizer, job, args), tokenizer, args.output)
    tokenizer = AutoTokenizer.from_pretrained(args.output)
    model = getattr(transformers, job.head).from_pretrained(args.output, dtype=torch.float32).eval()
    for side, figures in small_measures.measured(args.task, model, tokenizer).items():
        print(f"{side}: {', '.join(f'{name} {value:.3f}' for name, value in figures.items())}")


if __name__ == "__main__":
    main()
