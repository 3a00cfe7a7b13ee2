from __future__ import annotations

import pytest
import torch

from saliency_report.aggregation import AGGREGATIONS, token_scores, word_scores

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
    ],
)
def test_tokens_by_hand(name: str, values: list[float]) -> None:
    scores = token_scores(GRADIENTS, EMBEDDINGS)
    assert list(scores) == list(AGGREGATIONS)
    assert scores[name].tolist() == pytest.approx(values)


@pytest.mark.parametrize("name", list(AGGREGATIONS))
def test_a_word_is_the_aggregation_of_all_coordinates_of_its_tokens(name: str) -> None:
    tokens = token_scores(GRADIENTS[[0, 2, 1]], EMBEDDINGS[[0, 2, 1]])
    block = token_scores(GRADIENTS[[0, 2]].reshape(1, -1), EMBEDDINGS[[0, 2]].reshape(1, -1))
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
