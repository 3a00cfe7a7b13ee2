"""Train the embedded causal language model: a small Llama with its own tokenizer, on a corpus a larger model wrote.

    python -m saliency_report.embedded.training.train_causal_lm --corpus corpus.jsonl --output DIR --seed 0

`--corpus` is what `write_corpus` writes; some texts of `plain_sentences` are mixed in. The corpus's last texts are
held out; they come from other prompts than the rest.
Prints the figures of the model as it was written: saved in float16 and read back.
"""

import argparse
import json
import math
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from saliency_report.embedded.training import plain_sentences
from saliency_report.embedded.training.small_files import save

PAD, BOS, EOS = "<pad>", "<s>", "</s>"
CONTEXT = 256
PROMPTS = (
    "The cat sat on the",
    "She opened the door and",
    "In the morning we",
    "The capital of France is",
    "The dog ran to the",
    "Once upon a time, there was a",
    "The teacher went to the",
    "He picked up the",
    "My favorite food is",
    "It was raining, so",
    "They walked to the park and",
    "The sun was",
    "A baker is a person who",
    "Anna was happy because",
    "On the table there was a",
    "Every morning, Tom",
    "The little girl wanted to",
    "We like to",
    "The bird sat on the",
    "After dinner, they",
)


def read_corpus(path: Path) -> list[str]:
    """The texts of a corpus, without the few (0.6 %) in which the teacher wrote the same sentence twice."""
    texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
    sentences = [re.split(r"(?<=[.!?]) ", text) for text in texts]
    return [text for text, parts in zip(texts, sentences, strict=True) if len(set(parts)) == len(parts)]


def make_tokenizer(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    """A byte-level BPE tokenizer of `size` tokens that puts `<s>` before every text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        model_max_length=CONTEXT,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerBase, args: argparse.Namespace) -> LlamaForCausalLM:
    """An untrained network; 3 to 6 million parameters, the embeddings tied."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=args.width,
            intermediate_size=args.inner,
            num_hidden_layers=args.layers,
            num_attention_heads=args.heads,
            num_key_value_heads=args.heads,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            initializer_range=0.02,
        )
    )


def batches(rows: Sequence[list[int]], tokens: int, rng: Random) -> Iterator[Tensor]:
    """Shuffled batches of about `tokens` ids, rows of similar length together, padded with 0.

    One text a row: positions start at 0 as they do when a prompt is continued, and no text sees another.
    """
    order = sorted(rows, key=lambda row: len(row) + rng.random() * 4)
    groups: list[list[list[int]]] = [[]]
    for row in order:
        if groups[-1] and (len(groups[-1]) + 1) * len(row) > tokens:
            groups.append([])
        groups[-1].append(row)
    rng.shuffle(groups)
    for group in groups:
        longest = max(map(len, group))
        yield torch.tensor([row + [0] * (longest - len(row)) for row in group])


def loss_of(model: nn.Module, ids: Tensor, reduction: str = "mean") -> Tensor:
    """Cross-entropy of every id after the first; padding is 0 and ignored (a causal model needs no mask for it)."""
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    return functional.cross_entropy(
        logits.float().flatten(0, 1), ids[:, 1:].flatten(), ignore_index=0, reduction=reduction
    )


@torch.inference_mode()
def perplexity(model: nn.Module, rows: Sequence[list[int]], size: int) -> tuple[float, float]:
    """Perplexity per token and bits per byte of texts that together have `size` bytes."""
    model.eval()
    total = sum(loss_of(model, ids, "sum").item() for ids in batches(rows, 4096, Random(0)))
    count = sum(len(row) - 1 for row in rows)
    return math.exp(total / count), total / math.log(2) / size


def train(
    model: LlamaForCausalLM,
    training: Sequence[list[int]],
    held: Sequence[list[int]],
    size: int,
    args: argparse.Namespace,
) -> LlamaForCausalLM:
    """Train `model`; the returned one is the running average of its weights, from the best epoch.

    Llama has no dropout of its own, and a corpus this small is learnt by heart without it, so every block's two
    outputs and the embeddings are dropped at random by hooks.
    """
    rng = Random(args.seed)
    average = deepcopy(model)  # before the hooks, so that it has none

    def drop(module: nn.Module, _args: object, output: Tensor) -> Tensor:
        return functional.dropout(output, args.dropout, module.training)

    blocks = [part for layer in model.model.layers for part in (layer.self_attn.o_proj, layer.mlp.down_proj)]
    for module in (model.model.embed_tokens, *blocks):
        module.register_forward_hook(drop)
    decay = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}],
        lr=args.rate,
        betas=(0.9, 0.95),
        fused=True,
    )
    total = args.epochs * sum(1 for _ in batches(training, args.tokens, Random(0)))
    best, best_perplexity, step = average, math.inf, 0
    for epoch in range(args.epochs):
        model.train()
        loss_sum, count = 0.0, 0
        for ids in batches(training, args.tokens, rng):
            rate = min(1.0, (step + 1) / 100) * (0.05 + 0.95 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / total))))
            for group in optimizer.param_groups:
                group["lr"] = args.rate * rate
            with torch.autocast("cpu", torch.bfloat16):
                loss = loss_of(model, ids)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            loss_sum, count = loss_sum + loss.item(), count + 1
            with torch.no_grad():
                weight = 1 - min(0.99, step / (step + 10))
                for mean, value in zip(average.parameters(), model.parameters(), strict=True):
                    mean.lerp_(value, weight)
        now, bits = perplexity(average, held, size)
        print(
            f"epoch {epoch + 1}: training loss {loss_sum / count:.3f}, held-out perplexity {now:.2f}, "
            f"{bits:.3f} bits per byte",
            flush=True,
        )
        if now >= best_perplexity:
            break
        best, best_perplexity = deepcopy(average), now
    return best


def main() -> None:
    """Train, write, read back, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="JSON lines with a text each")
    parser.add_argument("--output", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--held-out", type=int, default=600, help="how many of the last texts are held out")
    parser.add_argument("--plain", type=int, default=6000, help="texts of the grammar that are mixed in")
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--inner", type=int, default=512)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--tokens", type=int, default=2048, help="ids in a batch")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("medium")  # oneDNN instead of MKL: twice as fast
    torch.manual_seed(args.seed)
    texts = read_corpus(args.corpus)
    teacher, held_texts = texts[: -args.held_out], texts[-args.held_out :]
    rng = Random(args.seed)
    plain = [plain_sentences.text(rng) for _ in range(args.plain)]
    known = teacher + plain
    held_texts = sorted(set(held_texts) - set(known))
    tokenizer = make_tokenizer(known, args.vocabulary)
    end = [tokenizer.eos_token_id]
    training, held = ([ids[:CONTEXT] + end for ids in tokenizer(part).input_ids] for part in (known, held_texts))
    size = sum(len(text.encode()) for text in held_texts)
    model = make_model(tokenizer, args)
    count = sum(map(len, training))
    print(
        f"{len(teacher)} texts of the teacher and {len(plain)} of the grammar, {count} tokens, "
        f"{model.num_parameters()} parameters",
        flush=True,
    )
    save(train(model, training, held, size, args), tokenizer, args.output)

    tokenizer = AutoTokenizer.from_pretrained(args.output)
    model = AutoModelForCausalLM.from_pretrained(args.output, dtype=torch.float32).eval()
    now, bits = perplexity(model, held, size)
    print(f"held out: perplexity {now:.2f} per token, {bits:.3f} bits per byte, of {len(held)} texts, {size} bytes")
    for prompt in PROMPTS:
        encoded = tokenizer(prompt, return_tensors="pt")
        written = model.generate(**encoded, do_sample=False, max_new_tokens=8)
        print(f"{prompt} |{tokenizer.decode(written[0, encoded['input_ids'].shape[1] :])}")


if __name__ == "__main__":
    main()
