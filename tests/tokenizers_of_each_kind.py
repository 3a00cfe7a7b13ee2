"""Tiny tokenizers of every kind: fast ones, which know their offsets, and slow ones, which do not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import (
    BertGenerationTokenizer,
    ByT5Tokenizer,
    CanineTokenizer,
    CTRLTokenizer,
    PreTrainedTokenizerFast,
    ProphetNetTokenizer,
)

import tiny

LETTERS = "abcdefghijklmnopqrstuvwxyz"
CORPUS = (
    "the cat sat on the mat and the dog was incredibly bad in paris\n" * 20 + "été naïve ｆｕｌｌ ① 東京 привет\n" * 5
)


def _fast(tokenizer: Tokenizer, unknown: str | None = "<unk>") -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=unknown)


def lowering() -> PreTrainedTokenizerFast:
    """WordPiece that lower-cases and strips accents, as an uncased BERT does."""
    pieces = dict.fromkeys([*tiny.BERT_SPECIALS, "cat", "##at", *LETTERS, *(f"##{c}" for c in LETTERS), *".,!?'#"])
    tokenizer = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return _fast(tokenizer, "[UNK]")


def unigram(*, byte_fallback: bool) -> PreTrainedTokenizerFast:
    """A SentencePiece unigram model with NFKC, which falls back on bytes or on <unk>."""
    pieces = [("<unk>", 0.0), ("▁", -2.0), ("▁the", -3.0), ("at", -3.0), *((c, -5.0) for c in LETTERS)]
    if byte_fallback:
        pieces += [(f"<0x{byte:02X}>", -10.0) for byte in range(256)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=byte_fallback))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return _fast(tokenizer)


def characters() -> PreTrainedTokenizerFast:
    """One token a character, known or not."""
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, **{c: i for i, c in enumerate(LETTERS, 1)}}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    return _fast(tokenizer)


FAST: dict[str, Callable[[], Any]] = {
    "wordpiece": tiny.wordpiece,
    "wordpiece, lower case": lowering,
    "byte-level": tiny.byte_level,
    "byte-level, trimmed": lambda: tiny.byte_level(roberta=True),
    "sentencepiece, unigram": lambda: unigram(byte_fallback=False),
    "sentencepiece, bytes": lambda: unigram(byte_fallback=True),
    "sentencepiece, pairs": tiny.metaspace,
    "characters": characters,
}


def slow(kind: str, folder: Path) -> Any:
    """A tokenizer written in Python."""
    if kind == "code points":
        return CanineTokenizer()
    if kind == "bytes":
        return ByT5Tokenizer()
    if kind == "wordpiece":
        pieces = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "cat", "##at", *LETTERS, *(f"##{c}" for c in LETTERS)]
        (folder / "vocab.txt").write_text("\n".join([*pieces, *".,!?#"]), encoding="utf-8")
        return ProphetNetTokenizer(str(folder / "vocab.txt"))
    if kind == "pairs":
        merges = ["t h", "th e</w>", "a t</w>"]
        ends = [f"{c}@@" for c in LETTERS]
        pairs = dict.fromkeys(["<unk>", *LETTERS, *ends, "the", "at", "th@@"])
        (folder / "vocab.json").write_text(json.dumps({p: i for i, p in enumerate(pairs)}), encoding="utf-8")
        (folder / "merges.txt").write_text("#version\n" + "\n".join(merges) + "\n", encoding="utf-8")
        return CTRLTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS.splitlines()),
        model_writer=model,
        vocab_size=80,
        model_type=kind.removeprefix("sentencepiece "),
        character_coverage=1.0,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    (folder / "spiece.model").write_bytes(model.getvalue())
    return BertGenerationTokenizer(str(folder / "spiece.model"))


SLOW = ["code points", "bytes", "wordpiece", "pairs", "sentencepiece unigram", "sentencepiece bpe"]
