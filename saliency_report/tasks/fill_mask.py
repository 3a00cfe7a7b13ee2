"""Which words speak for each of the likeliest tokens in the place of a mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, ExampleResult, Outcome, Prediction, Segment, Target
from saliency_report.spec import FillMask
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, stated
from saliency_report.tasks.cutting import cut, note_unseen, room, standing, without
from saliency_report.tasks.encoding import Row, check_length, check_shown, encode
from saliency_report.tasks.generated import piece, word_label
from saliency_report.tasks.target import TargetFunction, in_words, named, quantity

AUTO_CLASS = "AutoModelForMaskedLM"
CHOICES = False
ADVICE = "Write `long: truncate` to read what stands around the mask, or use a model with a longer context."
LISTED = 8  # candidates with their probabilities: with a target and a foil as many as the page shows before a fold


def prepare(example: FillMask, checkpoint: Checkpoint) -> Prepared:
    """The text's row, with one mask.

    Raises:
        ExampleError: there is no mask token, not one mask in the text, or no token is what is named.
    """
    tokenizer = checkpoint.tokenizer
    if tokenizer.mask_token_id is None:
        raise ExampleError(
            "The tokenizer has no mask token, so there is nothing to fill in.",
            "Give a masked language model, such as one of the BERT or RoBERTa families.",
        )
    segment = Segment(name="text", text=example.text)
    row, encoding = encode(tokenizer, [segment], [[0]])
    check_shown(encoding)
    places = [position for position, token in enumerate(row.ids) if token == tokenizer.mask_token_id]
    if len(places) != 1:
        count = f"{tokenizer.mask_token} {len(places)} times" if places else f"no {tokenizer.mask_token}"
        raise ExampleError(
            f"text: it has {count}, the token that this model fills in.",
            f"Write {tokenizer.mask_token} once, where the word is missing"
            + (", and other words in the place of the rest." if places else "."),
        )
    prepared = _around(places[0], row, encoding, example, checkpoint)
    note_unseen(prepared, checkpoint, cut=bool(prepared.warnings))
    prepared.read = prepared.rows[0].ids.index(tokenizer.mask_token_id)
    index, foil = (_index(example, field, checkpoint) for field in ("target", "foil"))
    if foil is not None and foil == index:
        raise ExampleError(
            f"foil: {example.foil!r} is the same token as the target; their difference is always 0.",
            "Write `foil: runner-up`, or another word.",
        )
    return prepared


def _around(mask: int, row: Row, encoding: Encoding, example: FillMask, checkpoint: Checkpoint) -> Prepared:
    """The row, or what stands around the mask in one that is too long.

    Raises:
        ExampleError: it is longer than the model takes, and nothing is said of that.
    """
    limit, own, segment = checkpoint.limit, standing(encoding, 0), encoding.segments[0]
    if example.long == "refuse":
        check_length(len(row), limit, ADVICE)
    if len(row) <= limit:
        return Prepared([row], [encoding])
    count = room(len(row) - len(own), checkpoint, "the text")
    first = min(max(mask - count // 2, own.start), own.stop - count)
    stay = range(first, first + count)
    found = without(row, encoding, {*own}.difference(stay))
    begun = f"the text is {len(row):,} tokens long, the model takes {limit:,}"
    noun = f"text around {checkpoint.tokenizer.mask_token}"
    found.warnings.append(cut(begun, noun, segment, [encoding.tokens[i] for i in stay]))
    return found


def select(example: FillMask, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The explained numbers (k, 1) of the logits (1, 1, v) at the mask."""
    aimed = _aimed(example, checkpoint, logits[0, 0])
    return torch.stack([quantity(example.quantity, logits[:, 0], index, foil) for index, foil in aimed])


def explain(
    example: FillMask,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> ExampleResult:
    """Logits (1, 1, v), embeddings (t, d), and gradients (t, d) of each explained token as a result."""
    encoding, at_mask = prepared.encodings[0], logits[0, 0]
    aimed = _aimed(example, checkpoint, at_mask)
    answers = _outcomes(checkpoint, at_mask, aimed)
    label = {answer.index: answer.label for answer in answers}
    maps = []
    for (index, foil), gradient in zip(aimed, gradients, strict=True):
        score = quantity(example.quantity, at_mask, index, foil)
        target = Target(
            quantity=named(example.quantity, foil is not None),
            label=label[index],
            index=index,
            at=[position for position in [prepared.read] if position is not None],
            foil=None if foil is None else label[foil],
            foil_index=foil,
            score=numbers(score[None])[0],
            probability=min(float(at_mask.softmax(dim=-1)[index]), 1.0),
            chosen_by="predicted" if example.target == "predicted" else "given",
            sentence=_sentence(example, checkpoint, at_mask, index, foil, label),
        )
        title = target.label if target.foil is None else f"{target.label} − {target.foil}"
        maps.append(make_map(title, 0, encoding, target, gradient, embeddings[0]))
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[encoding],
        prediction=Prediction(outcomes=answers, predicted=0),
        maps=maps,
        warnings=prepared.warnings,
    )


def functions(
    example: FillMask, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result: the logits at the mask."""
    row = prepared.rows[0]

    def of(target: Target) -> TargetFunction:
        def score(logits: Tensor) -> Tensor:
            return quantity(example.quantity, logits[:, 0], target.index, target.foil_index)

        return TargetFunction([row], [range(len(row))], score, target.at, at_own=True)

    return [of(map_.target) for map_ in result.maps]


def _likeliest(logits: Tensor, count: int) -> list[int]:
    """The tokens of the largest logits (v,), the largest first; equal ones in the order of their ids."""
    logits = logits.detach().cpu()  # computed twice, and equal logits must come in one order
    least = logits.topk(min(count, len(logits))).values[-1]
    found = (logits >= least).nonzero().flatten()
    order = logits[found].argsort(descending=True, stable=True)
    chosen: list[int] = found[order][:count].tolist()
    return chosen


def _aimed(example: FillMask, checkpoint: Checkpoint, logits: Tensor) -> list[tuple[int, int | None]]:
    """Token and foil of each map, given the logits (v,) at the mask.

    Raises:
        ExampleError: the foil is the predicted token, or there is no token of that id.
    """
    index, foil = (_index(example, field, checkpoint) for field in ("target", "foil"))
    for field, value in (("target", index), ("foil", foil)):
        if value is not None and not 0 <= value < len(logits):
            raise ExampleError(
                f"{field}: the model has no token {value}; its ids are 0 to {len(logits) - 1}.",
                "Write such an id, or a word in quotes.",
            )
    if index is None and example.foil is None:
        return [(token, None) for token in _likeliest(logits, example.top_k)]
    first, second = _likeliest(logits, 2)
    index = first if index is None else index
    if example.foil is None:
        return [(index, None)]
    foil = foil if foil is not None else second if index == first else first
    if foil == index:
        raise ExampleError(
            f"foil: {example.foil!r} is the predicted token itself; their difference is always 0.",
            "Write `foil: runner-up`, or another word.",
        )
    return [(index, foil)]


def _index(example: FillMask, field: str, checkpoint: Checkpoint) -> int | None:
    """The token that `target` or `foil` names, by its id or as a word; none for `predicted` and `runner-up`.

    A word is the token that stands in the place of the mask when the word does; else a name of the vocabulary.

    Raises:
        ExampleError: there is no such token, or the word is several.
    """
    value, tokenizer = getattr(example, field), checkpoint.tokenizer
    if value is None or (field, value) in (("target", "predicted"), ("foil", "runner-up")):
        return None
    if isinstance(value, int):
        return value
    ids = tokenizer(example.text, verbose=False).input_ids
    place = ids.index(tokenizer.mask_token_id)
    before, _, rest = example.text.partition(tokenizer.mask_token)
    filled = tokenizer(before + (value.lstrip() if before[-1:].isspace() else value) + rest, verbose=False).input_ids
    after = len(ids) - place - 1
    found = filled[place : len(filled) - after]
    stands = filled[:place] == ids[:place] and filled[len(filled) - after :] == ids[place + 1 :]
    if not stands or len(found) != 1:
        known = tokenizer.convert_tokens_to_ids(value)
        alone = found if stands else tokenizer(value, add_special_tokens=False).input_ids
        found = alone if known is None or known == tokenizer.unk_token_id else [known]
    if found == [tokenizer.unk_token_id] and value != tokenizer.unk_token:
        raise ExampleError(f"{field}: the tokenizer does not know {value!r}.", "Write a word of its vocabulary.")
    if len(found) != 1:
        pieces = " ".join(piece(tokenizer, token) for token in found)
        raise ExampleError(
            f"{field}: {value!r} is {len(found)} tokens for this model ({pieces}), and a mask stands for one.",
            "Write a word that is one token, or the first of these.",
        )
    return int(found[0])


def _outcomes(checkpoint: Checkpoint, logits: Tensor, aimed: Sequence[tuple[int, int | None]]) -> list[Outcome]:
    """The likeliest tokens at the mask, the first first, and those that are explained and not among them."""
    asked = [token for pair in aimed for token in pair if token is not None]
    shown = [*dict.fromkeys([*_likeliest(logits, LISTED), *asked])]
    likely = logits.softmax(dim=-1)[shown]
    return [
        Outcome(
            label=word_label(checkpoint.tokenizer, token), index=token, logit=logit, probability=min(probability, 1.0)
        )
        for token, logit, probability in zip(shown, numbers(logits[shown]), numbers(likely), strict=True)
    ]


def _sentence(
    example: FillMask, checkpoint: Checkpoint, logits: Tensor, index: int, foil: int | None, label: dict[int, str]
) -> str:
    """The target in words: logit of “mat” in the place of [MASK], the model's first candidate, p = 0.4."""
    rank = int((logits > logits[index]).sum()) + 1
    whose = "the model's first candidate" if rank == 1 else f"number {rank:,} among the model's candidates"
    asked = "asked for and " if example.target != "predicted" else ""
    words = in_words(example.quantity, f"“{label[index]}”", None if foil is None else f"“{label[foil]}”")
    probability = stated(min(float(logits.softmax(dim=-1)[index]), 1.0))
    # After a foil it has to be said which of the two is meant.
    which = "," if foil is None else f"; “{label[index]}” is"
    return f"{words} in the place of {checkpoint.tokenizer.mask_token}{which} {asked}{whose}, p {probability}"
