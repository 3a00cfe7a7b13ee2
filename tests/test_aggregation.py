from __future__ import annotations

import pytest
import torch

from saliency_report.aggregation import AGGREGATIONS, GRADIENT_SCORES, token_scores, word_scores

GRADIENTS = torch.tensor([[3.0, -4.0], [1.0, 1.0], [0.0, -2.0]], dtype=torch.float64)
EMBEDDINGS = torch.tensor([[2.0, 1.0], [1.0, -1.0], [5.0, 3.0]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("l2", [5.0, 2**0.5, 2.0]),
        ("l1", [7.0, 2.0, 2.0]),
        ("max", [4.0, 1.0, 2.0]),
        ("sum", [-1.0, 2.0, -2.0]),
        ("mean", [-0.5, 1.0, -1.0]),
        ("gradient_x_input", [2.0, 0.0, -6.0]),
        ("attribution", [-1.0, 2.0, -2.0]),
        ("attribution_l2", [5.0, 2**0.5, 2.0]),
        ("attribution_l1", [7.0, 2.0, 2.0]),
        ("attribution_max", [4.0, 1.0, 2.0]),
    ],
)
def test_tokens_by_hand(name: str, values: list[float]) -> None:
    assert token_scores(GRADIENTS, EMBEDDINGS, [name])[name].tolist() == pytest.approx(values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mean_square", [25.0, 2.0, 4.0]),
        ("max_mean_square", [16.0, 1.0, 4.0]),
        ("variance", [25.0, 2.0, 4.0]),
        ("max_variance", [16.0, 1.0, 4.0]),
    ],
)
def test_tokens_of_what_is_a_square_already(name: str, values: list[float]) -> None:
    assert token_scores(GRADIENTS.square(), EMBEDDINGS, [name])[name].tolist() == pytest.approx(values)


@pytest.mark.parametrize("name", ["drop", "attention"])
def test_one_number_a_token_goes_the_same_way(name: str) -> None:
    given = torch.tensor([[0.5], [-0.25], [2.0]])
    tokens = token_scores(given, EMBEDDINGS, [name])
    assert tokens[name].tolist() == [0.5, -0.25, 2.0]


def test_attention_adds_up_over_a_word_and_a_drop_has_to_be_measured() -> None:
    assert word_scores({"attention": torch.tensor([0.5, 0.25, 2.0])}, [[0, 1], [2]])["attention"].tolist() == [
        0.75,
        2.0,
    ]
    assert [name for name, aggregation in AGGREGATIONS.items() if aggregation.word is None] == ["drop"]


def test_without_names_they_are_a_gradients() -> None:
    assert tuple(token_scores(GRADIENTS, EMBEDDINGS)) == GRADIENT_SCORES == tuple(AGGREGATIONS)[:6]
    assert list(token_scores(GRADIENTS, EMBEDDINGS, ["sum", "l1"])) == ["sum", "l1"]


def test_scores_with_a_sign_are_those_that_can_be_negative() -> None:
    signed = {name for name, aggregation in AGGREGATIONS.items() if aggregation.signed}
    assert signed == {"sum", "mean", "gradient_x_input", "attribution", "drop"}


def test_signed_sums_stay_complete_from_coordinates_to_words() -> None:
    tokens = token_scores(GRADIENTS, EMBEDDINGS, ["attribution"])
    words = word_scores(tokens, [[0, 1], [2]])
    assert float(tokens["attribution"].sum()) == float(words["attribution"].sum()) == float(GRADIENTS.sum())


@pytest.mark.parametrize("name", [name for name, aggregation in AGGREGATIONS.items() if aggregation.word])
def test_a_word_is_the_aggregation_of_all_coordinates_of_its_tokens(name: str) -> None:
    tokens = token_scores(GRADIENTS[[0, 2, 1]], EMBEDDINGS[[0, 2, 1]], [name])
    block = token_scores(GRADIENTS[[0, 2]].reshape(1, -1), EMBEDDINGS[[0, 2]].reshape(1, -1), [name])
    gathered = word_scores(tokens, [[0, 1], [2]])[name]
    assert gathered[0].item() == pytest.approx(block[name].item())
    assert gathered[1].item() == pytest.approx(tokens[name][2].item())


def test_a_prefix_of_the_tokens_gives_a_prefix_of_the_words() -> None:
    scores = {"l2": torch.tensor([3.0, 4.0]), "max": torch.tensor([3.0, 4.0])}
    gathered = word_scores(scores, [[0], [1, 2], [3]])
    assert gathered["l2"].tolist() == [3.0, 4.0]
    assert gathered["max"].tolist() == [3.0, 4.0]


def test_the_headline_is_the_gradient_norm() -> None:
    assert next(iter(AGGREGATIONS)) == "l2"
