"""What is cut where `long: truncate` asks for it: the model reads what transformers' tokenizer would cut to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForMultipleChoice,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from by_windows import LIMIT, text
from conftest import Explain
from explaining import check_functions, only, opened
from saliency_report.record import ExampleResult

LABELS = ["bad", "the capital of France", "a cat"]
CHOICES = ["Rome", "London is a movie", "Paris"]
ZERO_SHOT = f"- {{task: zero-shot-classification, model: bert-nli, text: {text(90)}, candidate_labels: {LABELS}"
CHOICE = f"- {{task: multiple-choice, model: bert-choice, context: {text(90)}, question: What is, choices: {CHOICES}"
CAUSAL = CHOICE.replace("bert-choice", "llama")


def ids_of(result: ExampleResult, count: int) -> list[list[int]]:
    return [[token.id for token in encoding.tokens] for encoding in result.encodings[:count]]


def unread(result: ExampleResult, whole: str) -> tuple[int, int]:
    """How many tokens of the first text were read, and how many of its words were not, or not in full."""
    tokens = [token for token in result.encodings[0].tokens if token.segment == 0]
    end, words = max(token.end or 0 for token in tokens), whole.split()
    return len(tokens), sum(len(" ".join(words[: i + 1])) > end for i in range(len(words)))


def check_rows(result: ExampleResult, tokenizer: Any, pairs: list[tuple[str, str]]) -> None:
    """The longest row is what the tokenizer makes of it, the others have the same part of the text."""
    longest = max(pairs, key=lambda pair: len(tokenizer(pair[1]).input_ids))
    cut = tokenizer(*longest, truncation="only_first", max_length=LIMIT)
    count = cut.sequence_ids(0).count(0)
    first = tokenizer(longest[0], add_special_tokens=False, verbose=False).input_ids[:count]
    for ids, (_, second) in zip(ids_of(result, len(pairs)), pairs, strict=True):
        second_ids = tokenizer(second, add_special_tokens=False).input_ids
        assert ids == [tokenizer.cls_token_id, *first, tokenizer.sep_token_id, *second_ids, tokenizer.sep_token_id]
    assert ids_of(result, len(pairs))[pairs.index(longest)] == cut.input_ids


def test_of_each_label_the_same_part_of_the_text_is_read(explain: Explain, families: Path) -> None:
    result = only(explain(f"{ZERO_SHOT}, foil: runner-up, long: truncate}}", dtype="float64"))
    tokenizer = AutoTokenizer.from_pretrained(families / "bert-nli")
    pairs = [(text(90), f"This example is {label}.") for label in LABELS]
    check_rows(result, tokenizer, pairs)
    model = AutoModelForSequenceClassification.from_pretrained(families / "bert-nli", dtype=torch.float64).eval()
    entailment = [*model.config.id2label.values()].index("entailment")
    for map_, encoding in zip(result.maps, result.encodings[:3], strict=False):
        inputs = {
            "input_ids": torch.tensor([[token.id for token in encoding.tokens]]),
            "token_type_ids": torch.tensor(
                [[int(i > first_end(encoding.tokens)) for i in range(len(encoding.tokens))]]
            ),
        }
        with torch.no_grad():
            assert map_.target.score == pytest.approx(float(model(**inputs).logits[0, entailment]), rel=1e-9)
    read, words = unread(result, text(90))
    most = max(len(tokenizer(*pair, verbose=False).input_ids) for pair in pairs)
    assert result.warnings == [
        f"Cut: the texts are up to {most} tokens long together, the model takes 64. It read the first {read} tokens of "
        f"the text; {words} of 90 words and marks it did not read, or not in full. They are struck through, and "
        "nothing here is about them."
    ]


def first_end(tokens: list[Any]) -> int:
    """The position of the first [SEP]."""
    return next(i for i, token in enumerate(tokens) if token.text == "[SEP]")


def test_of_each_choice_the_same_part_of_the_context_is_read(explain: Explain, families: Path) -> None:
    result = only(explain(f"{CHOICE}, foil: runner-up, long: truncate}}", dtype="float64"))
    tokenizer = AutoTokenizer.from_pretrained(families / "bert-choice")
    check_rows(result, tokenizer, [(text(90), f"What is {choice}") for choice in CHOICES])
    model = AutoModelForMultipleChoice.from_pretrained(families / "bert-choice", dtype=torch.float64).eval()
    for map_, encoding in zip(result.maps, result.encodings[:3], strict=False):
        types = [int(i > first_end(encoding.tokens)) for i in range(len(encoding.tokens))]
        with torch.no_grad():
            logits = model(
                input_ids=torch.tensor([[[token.id for token in encoding.tokens]]]),
                token_type_ids=torch.tensor([[types]]),
            ).logits
        assert map_.target.score == pytest.approx(float(logits[0, 0]), rel=1e-9)


@pytest.mark.parametrize("more", ["", ", foil: runner-up", ", normalise: characters", ", quantity: log_prob"])
def test_functions_of_what_is_cut_give_the_explained_numbers_again(families: Path, more: str) -> None:
    for asked in (ZERO_SHOT, CHOICE, CAUSAL):
        if asked is CAUSAL or "normalise" not in more:
            # Llama's norms compute in float32 whatever its weights are.
            rel = 1e-6 if asked is CAUSAL else 1e-7
            check_functions(opened(f"{asked}{more}, long: truncate}}", families), rel)


def test_a_causal_model_reads_the_beginning_of_the_context_and_all_of_the_rest(
    explain: Explain, families: Path
) -> None:
    whole = text(90)
    result = only(explain(f"{CAUSAL}, long: truncate}}", dtype="float64"))
    tokenizer = AutoTokenizer.from_pretrained(families / "llama")
    read, _ = unread(result, whole)
    end = max(token.end or 0 for token in result.encodings[0].tokens if token.segment == 0)
    assert max(map(len, ids_of(result, 3))) == LIMIT
    (warning,) = result.warnings
    assert f"the model takes 64. It read the first {read} tokens of the context; " in warning
    # The same as the short context where the cut is at the end of a word.
    if whole[end : end + 1] == " ":
        short = only(explain(CAUSAL.replace(text(90), whole[:end]) + "}", dtype="float64"))
        assert ids_of(result, 3) == ids_of(short, 3)
        for one, other in zip(result.maps, short.maps, strict=True):
            assert one.target.score == pytest.approx(other.target.score, rel=1e-9)
    assert str(tokenizer.decode(ids_of(result, 1)[0])).endswith("What is Rome")


@pytest.mark.parametrize("at", [3, 60, 118])
@pytest.mark.parametrize("more", ["", ", target: cat", ", foil: runner-up"])
def test_the_mask_stands_in_the_middle_of_what_is_read(explain: Explain, families: Path, at: int, more: str) -> None:
    words = text(120).split()
    words[at] = "[MASK]"
    whole = " ".join(words)
    asked = f"- {{task: fill-mask, model: bert-mask, text: '{whole}', long: truncate{more}}}"
    result = only(explain(asked, dtype="float64"))
    tokenizer = AutoTokenizer.from_pretrained(families / "bert-mask")
    ids, inner = tokenizer(whole, verbose=False).input_ids, LIMIT - 2
    mask = ids.index(tokenizer.mask_token_id)
    first = min(max(mask - inner // 2, 1), len(ids) - 1 - inner)
    read = [ids[0], *ids[first : first + inner], ids[-1]]
    assert ids_of(result, 1) == [read]
    model = AutoModelForMaskedLM.from_pretrained(families / "bert-mask", dtype=torch.float64).eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([read])).logits[0, read.index(tokenizer.mask_token_id)]
    target = result.maps[0].target
    expected = logits[target.index] - (0 if target.foil_index is None else logits[target.foil_index])
    assert target.score == pytest.approx(float(expected), rel=1e-9)
    (warning,) = result.warnings
    assert warning.startswith(
        f"Cut: the text is {len(ids)} tokens long, the model takes 64. It read the 62 tokens of the text around "
        "[MASK]; "
    )
    check_functions(opened(asked, families))


@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        (ZERO_SHOT, "Write `long: truncate` to cut the text, or use a model with a longer context."),
        (CHOICE, "Write `long: truncate` to cut the context, or use a model with a longer context."),
        (
            CAUSAL,
            "Write `long: truncate` to cut the context, or use a model with a longer context.",
        ),
        (
            f"- {{task: fill-mask, model: bert-mask, text: '{text(90)} [MASK]'",
            "Write `long: truncate` to read what stands around the mask, or use a model with a longer context.",
        ),
    ],
)
def test_nothing_is_cut_unasked(explain: Explain, asked: str, advice: str) -> None:
    failure = explain(f"{asked}}}", debug=False).examples[0].failure
    assert failure is not None
    assert failure.message.endswith(" tokens long, the model takes 64.")
    assert failure.next_step == advice


def test_a_choice_that_leaves_no_room_is_refused(explain: Explain) -> None:
    asked = f"{CHOICE}, long: truncate}}".replace("London is a movie", text(90, 1))
    failure = explain(asked, debug=False).examples[0].failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (
        "The model takes 64 tokens, which leaves no room for the context.",
        "Shorten the other texts, or use a model with a longer context.",
    )


def joining_marks(folder: Path) -> None:
    """A tiny Llama whose tokenizer has one token for a full stop and the line break after it, as Llama 3's has."""
    words = "The Ġcat Ġsat Ġon Ġthe Ġbad Ġwas .Ċ What Ġis".split()
    merges = [(word[:i], word[i]) for word in words for i in range(1, len(word))]
    pieces = ["<s>", "<pad>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[*dict.fromkeys(merges)]))
    split = pre_tokenizers.Split(Regex(r" ?\p{L}+| ?[^\s\p{L}]+[\r\n]*|\s+"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(
        LlamaConfig(vocab_size=len(vocabulary), intermediate_size=16, max_position_embeddings=LIMIT, **sizes)
    ).save_pretrained(folder)


@pytest.mark.parametrize("side", ["right", "left"])
def test_what_is_cut_takes_nothing_of_the_next_text_along(explain: Explain, tmp_path: Path, side: str) -> None:
    joining_marks(tmp_path / "joining")
    settings = tmp_path / "joining" / "tokenizer_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "truncation_side": side}))
    context = " ".join(["The cat sat on the cat and was bad"] * 9) + "."
    asked = f"context: {context}, question: What is, choices: [cat, the cat sat], long: truncate"
    result = only(explain(f"- {{task: multiple-choice, model: joining, {asked}}}", folder=tmp_path))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "joining")
    for encoding, choice in zip(result.encodings, ("cat", "the cat sat"), strict=True):
        read = str(tokenizer.decode([token.id for token in encoding.tokens]))
        assert read.endswith(f"\nWhat is {choice}")
        assert len(encoding.tokens) <= LIMIT
        assert encoding.segments[0].text == context
        for token in encoding.tokens:
            if token.segment == 0 and token.text.strip("Ġ.Ċ").isalpha() and len(token.text) > 1:
                assert context[token.start : token.end] == token.text.strip("Ġ.Ċ")
    assert "It read the " + ("last" if side == "left" else "first") in result.warnings[0]


@pytest.mark.parametrize("whole", [f"{text(40, 31)}{' ' * 12}", f"{' ' * 12}{text(40, 31)}"])
def test_spaces_at_the_ends_are_cut_like_words(explain: Explain, families: Path, whole: str) -> None:
    """RoBERTa has a token for each, which has no place in the text."""
    result = only(explain(f"- {{task: text-classification, model: roberta, text: '{whole}', long: truncate}}"))
    tokenizer = AutoTokenizer.from_pretrained(families / "roberta")
    assert ids_of(result, 1) == [tokenizer(whole, truncation=True, max_length=LIMIT).input_ids]
