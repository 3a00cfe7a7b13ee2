"""Tiny random models of several families, saved as folders, with tokenizers of a fixed vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

# Fixed vocabularies: the trainers of `tokenizers` break ties differently from run to run.
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT_PIECES = (
    "The cat sat on ##hed the This movie was ##cred ##ibly bad in capital of France is Paris London Rome".split()
)
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789äöüéèûïç"
BYTE_WORDS = "The Ġcat Ġsat Ġon Ġthe Ġof Ġis ĠFrance Ġcapital Ġm Ġbad Ġwas Ġand at it ed er ing".split()


def wordpiece() -> PreTrainedTokenizerFast:
    """A BERT tokenizer that keeps case; what is neither a letter nor a common mark becomes [UNK]."""
    pieces = [*BERT_SPECIALS, *BERT_PIECES, *CHARACTERS, *(f"##{c}" for c in CHARACTERS), *".,;:!?'"]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )
    tokenizer.decoder = decoders.WordPiece()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def byte_level(*, roberta: bool = False, bos: bool = False, mask: bool = False) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer: with <s> … </s> as RoBERTa writes them, with <s> before the text, or with neither."""
    merges = {(word[:i], word[i]): None for word in BYTE_WORDS for i in range(1, len(word))}
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[*merges]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if roberta:
        tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    elif bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    filled = {"mask_token": AddedToken("<mask>", lstrip=True)} if mask else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>", **filled
    )


VOCABULARY = 340  # a few more rows than either tokenizer has pieces


def metaspace() -> PreTrainedTokenizerFast:
    """A tokenizer that writes a space as ▁, also before the first word, as SentencePiece does."""
    vocabulary = {
        piece: i for i, piece in enumerate(dict.fromkeys(["<unk>", "▁", "▁The", "▁c", "▁at", "▁cat", *CHARACTERS]))
    }
    pairs = [("▁", "c"), ("▁", "a"), ("▁a", "t"), ("▁c", "a"), ("▁ca", "t"), ("▁", "T"), ("▁T", "h"), ("▁Th", "e")]
    for first, second in pairs:
        vocabulary.setdefault(first + second, len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


_SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
_BERT = {**_SMALL, "vocab_size": VOCABULARY, "max_position_embeddings": 64}
_LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
_ENTITIES = {"id2label": dict(enumerate(_LABELS)), "label2id": {label: i for i, label in enumerate(_LABELS)}}
_FAMILIES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "bert": ("BertForSequenceClassification", {**_BERT, "num_labels": 3}, wordpiece),
    "bert-labels": (
        "BertForSequenceClassification",
        {
            **_BERT,
            "problem_type": "multi_label_classification",
            "id2label": dict(enumerate(["toxic", "insult", "threat", "spam"])),
        },
        wordpiece,
    ),
    "bert-score": ("BertForSequenceClassification", {**_BERT, "num_labels": 1}, wordpiece),
    "bert-nli": (
        "BertForSequenceClassification",
        {**_BERT, "id2label": dict(enumerate(["contradiction", "entailment", "neutral"]))},
        wordpiece,
    ),
    "bert-encoder": ("BertModel", _BERT, wordpiece),
    "gpt2-encoder": (
        "GPT2Model",
        {"vocab_size": VOCABULARY, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64},
        byte_level,
    ),
    "distilbert": (
        "DistilBertForSequenceClassification",
        {"vocab_size": VOCABULARY, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "num_labels": 3},
        wordpiece,
    ),
    "roberta": (
        "RobertaForSequenceClassification",
        {**_BERT, "vocab_size": VOCABULARY, "max_position_embeddings": 66, "pad_token_id": 1, "num_labels": 3},
        lambda: byte_level(roberta=True),
    ),
    "gpt2-classifier": (
        "GPT2ForSequenceClassification",
        {
            "vocab_size": VOCABULARY,
            "n_embd": 16,
            "n_layer": 2,
            "n_head": 2,
            "n_positions": 64,
            "num_labels": 3,
            "pad_token_id": 1,
        },
        byte_level,
    ),
    "llama-classifier": (
        "LlamaForSequenceClassification",
        {**_SMALL, "vocab_size": VOCABULARY, "max_position_embeddings": 64, "num_labels": 3, "pad_token_id": 1},
        lambda: byte_level(bos=True),
    ),
    "gpt2": (
        "GPT2LMHeadModel",
        {"vocab_size": VOCABULARY, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64},
        byte_level,
    ),
    "llama": (
        "LlamaForCausalLM",
        {**_SMALL, "vocab_size": VOCABULARY, "max_position_embeddings": 64, "pad_token_id": 1},
        lambda: byte_level(bos=True),
    ),
    "fnet": (
        "FNetForSequenceClassification",
        {
            **_SMALL,
            "vocab_size": VOCABULARY,
            "max_position_embeddings": 64,
            "num_labels": 3,
            "tpu_short_seq_length": 64,
        },
        wordpiece,
    ),
    "bert-filler": ("BertLMHeadModel", _BERT, wordpiece),
    "bert-mask": ("BertForMaskedLM", _BERT, wordpiece),
    "roberta-mask": (
        "RobertaForMaskedLM",
        {**_BERT, "vocab_size": VOCABULARY, "max_position_embeddings": 66, "pad_token_id": 1},
        lambda: byte_level(roberta=True, mask=True),
    ),
    "bert-tokens": ("BertForTokenClassification", {**_BERT, **_ENTITIES}, wordpiece),
    "roberta-tokens": (
        "RobertaForTokenClassification",
        {**_BERT, **_ENTITIES, "vocab_size": VOCABULARY, "max_position_embeddings": 66, "pad_token_id": 1},
        lambda: byte_level(roberta=True),
    ),
    "bert-answers": ("BertForQuestionAnswering", _BERT, wordpiece),
    "roberta-answers": (
        "RobertaForQuestionAnswering",
        {**_BERT, "vocab_size": VOCABULARY, "max_position_embeddings": 66, "pad_token_id": 1},
        lambda: byte_level(roberta=True),
    ),
    "bert-choice": ("BertForMultipleChoice", _BERT, wordpiece),
    "roberta-choice": (
        "RobertaForMultipleChoice",
        {**_BERT, "vocab_size": VOCABULARY, "max_position_embeddings": 66, "pad_token_id": 1},
        lambda: byte_level(roberta=True),
    ),
}
CLASSIFIERS = ["bert", "distilbert", "roberta", "gpt2-classifier", "llama-classifier"]
CAUSAL = ["gpt2", "llama"]
CHOICE = ["bert-choice", "roberta-choice"]
MASKED = ["bert-mask", "roberta-mask"]
TOKENS = ["bert-tokens", "roberta-tokens"]
ANSWERS = ["bert-answers", "roberta-answers"]
ODD = ["fnet", "bert-filler"]  # one whose padding leaks, one that is no causal model
HEADS = ["bert-labels", "bert-score", "bert-nli"]  # several labels at once, one number, entailment
ENCODERS = ["bert-encoder", "gpt2-encoder"]


ENTITIES = "Anna London was in the capital of France, Paris. The cat sat on the movie in Rome."


def _balance(model: Any, tokenizer: Any) -> None:
    """Biases with which no label is the likeliest everywhere: there are entities in `ENTITIES`, and words of none."""
    with torch.no_grad():
        logits = model.eval()(**tokenizer(ENTITIES, return_tensors="pt")).logits[0]
        model.classifier.bias -= logits.mean(dim=0)
        model.classifier.bias[0] += 0.35


def save(family: str, folder: Path) -> Path:
    """A folder with the model of a family, seeded, its weights large enough that its gradients are not all alike."""
    architecture, options, tokenizer = _FAMILIES[family]
    architecture = getattr(transformers, architecture)
    generator = torch.Generator().manual_seed(7)
    model = architecture(architecture.config_class(**{"bos_token_id": None, "eos_token_id": None, **options}))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    if family in TOKENS:
        _balance(model, tokenizer())
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder
