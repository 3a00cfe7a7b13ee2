"""What the tasks give to the model, what they show of it, and what they call the target."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

import tiny
from conftest import Explain
from explaining import only
from records import measured
from saliency_report.record import Encoding, Segment
from saliency_report.tasks.encoding import encode, unknown_warning
from saliency_report.tasks.generated import generated_spans

HARD = "A naïve café 😀 served\t3.5 crème brûlée —\n東京!  Unbelievable"


def shown(encoding: Encoding) -> list[str | None]:
    return [None if t.segment is None else encoding.segments[t.segment].text[t.start : t.end] for t in encoding.tokens]


@pytest.mark.parametrize("tokenizer", [tiny.wordpiece(), tiny.byte_level(), tiny.byte_level(roberta=True)])
def test_every_visible_character_belongs_to_a_token(tokenizer: PreTrainedTokenizerFast) -> None:
    _, encoding = encode(tokenizer, [Segment(name="text", text=HARD)], [[0]], 512)
    covered = {i for t in encoding.tokens if t.segment == 0 for i in range(t.start or 0, t.end or 0)}
    assert {i for i, char in enumerate(HARD) if not char.isspace()} <= covered


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_words_partition_the_tokens_of_any_text(text: str) -> None:
    _, encoding = encode(tiny.byte_level(roberta=True), [Segment(name="text", text=text)], [[0]], 10_000)
    assert [i for word in encoding.words for i in word.tokens] == list(range(len(encoding.tokens)))
    for token in encoding.tokens:
        if token.segment is not None:
            assert 0 <= (token.start or 0) < (token.end or 0) <= len(text)
    spans = [(word.start, word.end) for word in encoding.words if word.segment == 0]
    for (_, end), (start, _) in pairwise(spans):
        assert end is not None
        assert start is not None
        assert end <= start, "words must not overlap"


def test_spans_leave_out_the_space_before_a_word() -> None:
    _, encoding = encode(tiny.byte_level(), [Segment(name="text", text="The cat\n sat")], [[0]], 99)
    assert shown(encoding) == ["The", "cat", "\n", "sat"]


def test_a_character_of_several_byte_tokens_is_one_word() -> None:
    _, encoding = encode(tiny.byte_level(), [Segment(name="text", text="é 😀")], [[0]], 99)
    assert [word.tokens for word in encoding.words] == [[0, 1], [2], [3, 4, 5, 6]]


def test_classification_names_what_it_explains(explain: Explain) -> None:
    result = only(explain("- {task: text-classification, model: bert, text: The cat sat on the bad movie.}"))
    prediction, (chosen,) = result.prediction, result.maps
    assert prediction is not None
    assert prediction.predicted is not None
    best = prediction.outcomes[prediction.predicted]
    assert best.probability == max(o.probability or 0 for o in prediction.outcomes)
    assert sum(o.probability or 0 for o in prediction.outcomes) == pytest.approx(1, abs=1e-6)
    assert chosen.target.score == best.logit
    assert chosen.target.sentence == f"logit of {best.label}, predicted, p = {best.probability:.3f}"
    assert len(chosen.scores["l2"]) == len(result.encodings[0].tokens)
    assert shown(result.encodings[0])[0] is None
    assert result.encodings[0].tokens[0].special


def test_a_given_label_is_the_target_and_the_prediction_stays(explain: Explain) -> None:
    text = "- {task: text-classification, model: bert, text: The cat., target: LABEL_%s, label: 2}"
    results = [only(explain(text % i)) for i in range(3)]
    predicted = results[0].prediction
    assert predicted is not None
    assert predicted.expected == 2
    top = predicted.outcomes[predicted.predicted or 0].label
    for i, result in enumerate(results):
        target = result.maps[0].target
        assert (target.index, target.label, target.chosen_by) == (i, f"LABEL_{i}", "given")
        how = "predicted" if target.label == top else f"asked for where {top} is predicted"
        assert target.sentence.startswith(f"logit of LABEL_{i}, {how}, p = ")
    assert results[0].maps[0].scores != results[1].maps[0].scores


def test_a_text_pair_is_two_segments(explain: Explain) -> None:
    result = only(explain("- {task: text-classification, model: bert, text: The cat, text_pair: sat on}"))
    assert [segment.name for segment in result.encodings[0].segments] == ["text", "text_pair"]
    assert [t.segment for t in result.encodings[0].tokens] == [None, 0, 0, None, 1, 1, None]


def test_choices_have_a_map_each_over_context_question_and_choice(explain: Explain) -> None:
    text = """
- task: multiple-choice
  model: bert-choice
  context: The capital of France is Paris.
  question: What is the capital of France?
  choices: [London, Paris and more, Berlin]
  answer: 1
"""
    result = only(explain(text))
    assert len(result.maps) == len(result.encodings) == 3
    assert result.prediction is not None
    assert result.headline == result.prediction.predicted
    assert result.prediction.expected == 1
    for i, encoding in enumerate(result.encodings):
        assert [s.name for s in encoding.segments] == ["context", "question", "choice"]
        assert encoding.segments[2].text == ["London", "Paris and more", "Berlin"][i]
        segments = [t.segment for t in encoding.tokens if t.segment is not None]
        assert segments == sorted(segments)
        assert len(result.maps[i].scores["l2"]) == len(encoding.tokens)
    chosen = result.maps[result.headline].target
    assert ", chosen by the model, p = " in chosen.sentence


def test_a_foil_explains_the_difference_of_two_logits(explain: Explain) -> None:
    """d(F_a - F_b) for a word that both rows hold is the difference of its two gradients."""
    text = """
- task: multiple-choice
  model: bert-choice
  context: The cat sat.
  question: Who sat?
  choices: [London, cat, bad]
  target: cat
  foil: %s
"""
    result = only(explain(text % "bad"))
    contrast = result.maps[result.headline]
    a, b = result.maps[1], result.maps[2]
    assert contrast.title == "cat − bad"
    assert contrast.target.score == pytest.approx(a.target.score - b.target.score, abs=1e-6)
    shared = result.encodings[1].tokens.index(next(t for t in result.encodings[1].tokens if t.segment == 2))
    total, words = contrast.scores, result.encodings[contrast.encoding]
    for name in ("sum", "gradient_x_input", "mean"):
        expected = [
            x - y for x, y in zip(measured(a.scores[name])[:shared], measured(b.scores[name])[:shared], strict=True)
        ]
        assert total[name][:shared] == pytest.approx(expected, abs=1e-5)
        rest = [*measured(a.scores[name])[shared:], *(-x for x in measured(b.scores[name])[shared:])]
        assert total[name][shared:] == pytest.approx(rest, abs=1e-6)
    assert [s.text for s in words.segments] == ["The cat sat.", "Who sat?", "cat", "bad"]
    order = sorted(result.prediction.outcomes if result.prediction else [], key=lambda outcome: -outcome.logit)
    for target, foil in ((order[0], f"the runner-up {order[1].label}"), (order[2], f"the predicted {order[0].label}")):
        asked = text.replace("target: cat", f"target: {target.label}") % "runner-up"
        sentence = only(explain(asked)).maps[-1].target.sentence
        assert sentence.startswith(f"logit of {target.label} minus logit of {foil}, ")


def test_generation_has_a_map_a_token_over_what_came_before(explain: Explain) -> None:
    text = "- {task: text-generation, model: llama, prompt: The cat sat on the, max_new_tokens: 4}"
    result = only(explain(text))
    tokens = result.encodings[0].tokens
    assert [m.target.position for m in result.maps] == [6, 7, 8, 9]
    assert [len(m.scores["l2"]) for m in result.maps] == [6, 7, 8, 9]
    assert all(m.target.index == tokens[m.target.position or 0].id for m in result.maps)
    assert all(m.target.alternatives[0].label == m.target.label for m in result.maps)
    assert result.prediction is not None
    assert result.prediction.text == result.encodings[0].segments[1].text
    assert result.encodings[0].segments[1].generated
    assert result.prediction.stop == "max_new_tokens"


def test_a_continuation_without_its_space_is_noted(explain: Explain) -> None:
    result = only(explain("- {task: text-generation, model: gpt2, prompt: The cat sat on the, continuation: mat}"))
    assert result.warnings[-1] == "The continuation follows without a space: the model reads 'themat'."


def test_a_continuation_that_would_share_a_token_with_the_prompt_is_joined_by_ids(explain: Explain) -> None:
    result = only(explain("- {task: text-generation, model: gpt2, prompt: The c, continuation: at}"))
    assert result.warnings[0] == (
        "The continuation was cut into tokens on its own: together with the prompt it would share one."
    )
    assert shown(result.encodings[0]) == ["The", "c", "at"]
    whole = only(explain("- {task: text-generation, model: gpt2, prompt: a, continuation: t}"))
    assert shown(whole.encodings[0]) == ["a", "t"], "a single token would have been both"


def test_generated_bytes_of_one_character_share_its_span() -> None:
    tokenizer = tiny.byte_level()
    prompt, new = tokenizer("The cat").input_ids, tokenizer(" 😀 sat é").input_ids
    text, spans = generated_spans(tokenizer, prompt, new)
    assert text == " 😀 sat é"
    assert [None if span is None else text[slice(*span)] for span in spans] == [" ", *"😀😀😀😀", "sat", " ", "é", "é"]


def test_an_id_that_no_token_has_is_shown_by_its_number(explain: Explain) -> None:
    """The tiny models have more rows of logits than their tokenizers have tokens, as many real ones do."""
    result = only(explain("- {task: text-generation, model: gpt2, prompt: The cat sat on the}"))
    padded = [t for t in result.encodings[0].tokens if t.id >= len(tiny.byte_level())]
    assert padded, "this model is meant to generate such an id"
    assert all(t.text == f"<id {t.id}>" and t.segment is None for t in padded)


def test_an_unfinished_character_at_the_end_is_shown_as_the_decoder_shows_it() -> None:
    tokenizer = tiny.byte_level()
    new = tokenizer(" a😀").input_ids[:-1]
    text, spans = generated_spans(tokenizer, tokenizer("The").input_ids, new)
    assert text.startswith(" a")
    assert len(spans) == len(new)
    assert spans[-1] == (2, len(text))


def test_tokens_that_differ_by_a_space_have_different_labels(explain: Explain) -> None:
    result = only(explain("- {task: text-generation, model: gpt2, prompt: The, continuation: ' cat at'}"))
    assert [m.target.label for m in result.maps] == [" cat", " a", "t"]


def test_what_a_join_of_ids_reads_is_told(explain: Explain, families: Path, tmp_path: Path) -> None:
    """A SentencePiece tokenizer puts a space before what it cuts on its own."""
    shutil.copytree(families / "llama", tmp_path / "llama")
    tiny.metaspace().save_pretrained(tmp_path / "llama")
    text = "- {task: text-generation, model: llama, prompt: The c, continuation: at}"
    assert only(explain(text, folder=tmp_path)).warnings == [
        "The continuation was cut into tokens on its own: together with the prompt it would share one.",
        "Joined so, the model reads 'The c at'.",
    ]


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ("task: text-classification, text: '\u200b'", "The text has no tokens: the tokenizer passes over"),
        (
            "task: multiple-choice, question: q, choices: [a, '\u200b']",
            "The choice has no tokens: the tokenizer passes over",
        ),
    ],
)
def test_a_text_without_tokens_is_not_explained(explain: Explain, example: str, message: str) -> None:
    failure = explain(f"- {{{example}}}").examples[0].failure
    assert failure is not None
    assert failure.message == f"{message} '\\u200b'."


def test_choices_with_the_same_tokens_are_noted(explain: Explain) -> None:
    text = "- {task: multiple-choice, model: bert-choice, question: q, choices: [cat, 'cat ', bad]}"
    assert only(explain(text)).warnings == ["The choice 'cat ' has the same tokens as an earlier one."]


def test_a_right_choice_that_the_model_did_not_choose_is_not_called_chosen(explain: Explain) -> None:
    text = "- {task: multiple-choice, model: bert-choice, question: q, choices: [cat, dog], quantity: loss, answer: %d}"
    for answer in (0, 1):
        result = only(explain(text % answer))
        said = ["chosen by the model" in map_.target.sentence for map_ in result.maps[:2]]
        assert result.prediction
        assert said == [i == result.prediction.predicted for i in range(2)]


def test_a_reserved_token_written_in_a_text_is_special_even_where_it_means_unknown_too() -> None:
    tokenizer = tiny.byte_level()
    tokenizer.unk_token = "</s>"
    _, encoding = encode(tokenizer, [Segment(name="prompt", text="The cat</s>")], [[0]], 99)
    assert [token.special for token in encoding.tokens] == [False, False, True]
    assert unknown_warning(tokenizer, encoding) == []


def test_characters_that_the_model_cannot_see_are_named(explain: Explain) -> None:
    result = only(explain("- {task: text-classification, model: bert, text: The cat 😀 sat}"))
    assert result.warnings == ["The tokenizer does not know 😀: the model sees [UNK] in its place."]
    assert not result.encodings[0].tokens[3].special


def test_the_share_of_special_tokens_is_theirs(explain: Explain) -> None:
    (chosen,) = only(explain("- {task: text-classification, model: bert, text: The cat}")).maps
    scores = measured(chosen.scores["l2"])
    assert chosen.special_share == pytest.approx((scores[0] + scores[-1]) / sum(scores))
    assert torch.tensor(scores).gt(0).all()
