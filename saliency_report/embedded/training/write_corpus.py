"""Let SmolLM2-135M-Instruct write the corpus of the embedded causal language model.

    python -m saliency_report.embedded.training.write_corpus --teacher FILE.gguf --output corpus.jsonl --documents 18633

Appends one `{"text": ...}` a line, so a run that is stopped loses nothing: its file is the beginning of the
file a longer run with the same seed and thread count would have written.

The decoder below writes about 340 tokens a second on one core. It is the network of transformers without what this one
job does not need: prompts of exactly equal length share a batch (no padding, no mask), four texts share the work of one
prompt, finished rows leave the batch, and the output layer keeps only tokens of plain English, which also removes most
junk (Markdown, other alphabets) at its root.
"""

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedTokenizerBase

from saliency_report.embedded.training.prompts import draw

SAMPLES = 4  # texts for each prompt
PROMPTS = 80  # prompts in a batch: 320 rows keep the matrix products at this CPU's full bfloat16 rate
NEW_TOKENS = 64
FEWEST_TOKENS = 20  # no text ends earlier; without this half of them are one short sentence
ENOUGH = 0.3  # a batch ends when less than this share still writes; those texts are cut to whole sentences
VOCABULARY = 16_384  # ids are in order of frequency, so a third of the output layer holds all plain English
TOP_K = 50
PLAIN = re.compile(r"[ Ġ]?[A-Za-z]+|[ Ġ]?[0-9]|[ Ġ]?[.,!?;:'\"-]|[.,!?]\"|'(?:s|t|re|ve|ll|d|m)")
JUNK = re.compile(
    r"\b(?:AI|assistant|sentences?|simple words|short story|Sure|SmolLM|Hugging|language model|I'm sorry|following"
    r"|example|reader|tapestry|testament|delve|unmatched)\b|--|\.\.|[:;]$"
)


class Teacher:
    """The teacher network, decoding many rows at once from a static cache of keys and values."""

    def __init__(self, gguf: Path) -> None:
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
        )
        self.config = model.config
        inner = model.model
        self.embedding: Tensor = inner.embed_tokens.weight.detach()
        self.norm: Tensor = inner.norm.weight.detach()
        self.layers = [
            (
                layer.input_layernorm.weight.detach(),
                torch.cat([getattr(layer.self_attn, f"{n}_proj").weight.detach() for n in "qkv"]),
                layer.self_attn.o_proj.weight.detach(),
                layer.post_attention_layernorm.weight.detach(),
                torch.cat([layer.mlp.gate_proj.weight.detach(), layer.mlp.up_proj.weight.detach()]),
                layer.mlp.down_proj.weight.detach(),
            )
            for layer in inner.layers
        ]
        tokens = self.tokenizer.convert_ids_to_tokens(list(range(self.config.vocab_size)))
        newline = self.tokenizer.convert_tokens_to_ids("Ċ")
        plain = [i for i, token in enumerate(tokens) if 16 < i < VOCABULARY and PLAIN.fullmatch(token)]
        self.stops = 2  # the first two kept rows end a text: end of turn and a new line
        self.kept = torch.tensor([self.config.eos_token_id, newline, *plain])
        self.head = self.embedding[self.kept].contiguous()
        angles = torch.outer(
            torch.arange(512.0),
            self.config.rope_parameters["rope_theta"] ** -(torch.arange(0, 64, 2) / 64.0),
        ).repeat(1, 2)
        self.cos, self.sin = angles.cos().bfloat16(), angles.sin().bfloat16()

    def _rotate(self, x: Tensor, start: int) -> Tensor:
        end = start + x.shape[2]
        low, high = x.chunk(2, dim=-1)
        return x * self.cos[start:end] + torch.cat([-high, low], dim=-1) * self.sin[start:end]

    def _forward(self, ids: Tensor, cache: list[Tensor], start: int) -> Tensor:
        """Logits over the kept tokens at the last position of `ids` (rows, length), filling the cache."""
        rows, length = ids.shape
        heads, shared = self.config.num_attention_heads, self.config.num_key_value_heads
        width, eps = self.config.hidden_size, self.config.rms_norm_eps
        x = self.embedding[ids]
        for (norm1, qkv, out, norm2, gate_up, down), memory in zip(self.layers, cache, strict=True):
            projected = functional.linear(functional.rms_norm(x, (width,), norm1, eps), qkv)
            projected = projected.view(rows, length, heads + 2 * shared, 64).transpose(1, 2)
            q, k, v = projected.split([heads, shared, shared], dim=1)
            memory[0, :, :, start : start + length] = self._rotate(k, start)
            memory[1, :, :, start : start + length] = v
            keys, values = memory[0, :, :, : start + length], memory[1, :, :, : start + length]
            q = self._rotate(q, start)
            if length == 1:  # the heads that share keys are read as several queries at one position
                q = q.reshape(rows, shared, heads // shared, 64)
                mixed = functional.scaled_dot_product_attention(q, keys, values).view(rows, 1, width)
            else:
                group = heads // shared
                keys, values = keys.repeat_interleave(group, 1), values.repeat_interleave(group, 1)
                mixed = functional.scaled_dot_product_attention(q, keys, values, is_causal=True)
                mixed = mixed.transpose(1, 2).reshape(rows, length, width)
            x = x + functional.linear(mixed, out)
            gate, up = functional.linear(functional.rms_norm(x, (width,), norm2, eps), gate_up).chunk(2, dim=-1)
            x = x + functional.linear(functional.silu(gate) * up, down)
        return functional.linear(functional.rms_norm(x[:, -1], (width,), self.norm, eps), self.head)

    @torch.inference_mode()
    def write(self, ids: Tensor, temperature: float, top_p: float, generator: torch.Generator) -> list[list[int]]:
        """The new token ids of `SAMPLES` texts for each row of `ids` (all prompts equally long)."""
        rows, length = ids.shape
        shape = (2, rows, self.config.num_key_value_heads, length + NEW_TOKENS, 64)
        cache = [torch.zeros(shape, dtype=torch.bfloat16) for _ in self.layers]
        logits = self._forward(ids, cache, 0).repeat_interleave(SAMPLES, 0)
        cache = [memory.repeat_interleave(SAMPLES, 1) for memory in cache]
        texts: list[list[int]] = [[] for _ in range(rows * SAMPLES)]
        active = torch.arange(rows * SAMPLES)  # which text each row of the batch is writing
        running = torch.ones(len(active), dtype=torch.bool)
        for position in range(length, length + NEW_TOKENS):
            if position < length + FEWEST_TOKENS:
                logits[:, : self.stops] = -torch.inf
            best, index = logits.topk(TOP_K, dim=-1)
            weights = (best.float() / temperature).softmax(-1)
            weights[weights.cumsum(-1) - weights > top_p] = 0.0
            choice = index.gather(1, torch.multinomial(weights, 1, generator=generator)).squeeze(1)
            running &= choice >= self.stops
            chosen = self.kept[choice]
            for row in running.nonzero().squeeze(1).tolist():
                texts[int(active[row])].append(int(chosen[row]))
            if running.sum() < ENOUGH * len(texts):
                break
            if running.float().mean() < 0.75:  # copying the cache costs about as much as one step
                active, chosen = active[running], chosen[running]
                cache = [memory[:, running] for memory in cache]
                running = running[running]
            if position < length + NEW_TOKENS - 1:
                logits = self._forward(chosen[:, None], cache, position)
        return texts


def clean(text: str) -> str | None:
    """The whole sentences of `text` before the first one that is junk or repeats four words; None if too few.

    Throwing away the whole text for one bad sentence loses half of what the teacher writes.
    """
    seen: set[tuple[str, ...]] = set()
    kept: list[str] = []
    for sentence in re.findall(r"\S.*?[.!?]\"?(?=\s|$)", " ".join(text.split())):
        words = re.findall(r"[a-z']+", sentence.lower())
        fourgrams = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
        if JUNK.search(sentence) or len(set(fourgrams)) < len(fourgrams) or not seen.isdisjoint(fourgrams):
            break
        seen.update(fourgrams)
        kept.append(sentence)
    while kept and " ".join(kept).count('"') % 2:
        kept.pop()
    whole = " ".join(kept)
    return whole if len(whole.split()) >= 5 and re.match(r"[\"A-Z]", whole) else None


def batches(teacher: Teacher, rng: Random) -> Iterator[tuple[list[str], Tensor]]:
    """Endless batches of (openings, prompt ids), every prompt in a batch equally long."""
    waiting: dict[int, list[tuple[str, list[int]]]] = defaultdict(list)
    while True:
        prompt = draw(rng)
        chat = f"<|im_start|>user\n{prompt.instruction}<|im_end|>\n<|im_start|>assistant\n{prompt.opening}"
        ids = teacher.tokenizer(chat).input_ids
        bucket = waiting[len(ids)]
        bucket.append((prompt.opening, ids))
        if len(bucket) == PROMPTS:
            yield [opening for opening, _ in bucket], torch.tensor([ids for _, ids in bucket])
            bucket.clear()


def main() -> None:
    """Write until there are enough texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True, help="SmolLM2-135M-Instruct as a GGUF file")
    parser.add_argument("--output", type=Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--documents", type=int, default=18_633, help="stop after so many texts")
    parser.add_argument("--temperature", type=float, default=0.6)
    parser.add_argument("--top-p", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    generator = torch.Generator().manual_seed(args.seed)
    teacher = Teacher(args.teacher)
    written, tokens, started, seen = 0, 0, time.monotonic(), set[str]()
    for openings, ids in batches(teacher, Random(args.seed)):
        texts = teacher.write(ids, args.temperature, args.top_p, generator)
        tokens += sum(map(len, texts))
        with args.output.open("a", encoding="utf-8") as file:
            for row, new in enumerate(texts):
                text = clean(openings[row // SAMPLES] + str(teacher.tokenizer.decode(new)))
                if text is None or text in seen or written == args.documents:
                    continue
                seen.add(text)
                written += 1
                file.write(json.dumps({"text": text}) + "\n")
        rate = tokens / (time.monotonic() - started)
        print(f"{written} texts, {tokens} tokens written, {rate:.0f} a second", flush=True)
        if written == args.documents:
            break


if __name__ == "__main__":
    main()
