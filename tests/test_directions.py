"""Where a gradient points, against brute force."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from saliency_report.directions import candidates, cosine, word_cosine


def _normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_cosines_by_hand() -> None:
    gradient = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0], [0.0, 0.0], [1.0, 1.0]])
    x = torch.tensor([[6.0, 8.0], [-2.0, 0.0], [5.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert cosine(gradient, x) == [1, -1, 0, None, None]


def test_cosines_are_torchs_own() -> None:
    gradient, x = _normal(7, 5, seed=0), _normal(7, 5, seed=1)
    expected = torch.nn.functional.cosine_similarity(gradient.double(), x.double()).tolist()
    assert cosine(gradient, x) == pytest.approx(expected, rel=1e-12)


def test_a_cosine_is_never_beyond_one() -> None:
    x = _normal(500, 3, seed=2)
    assert all(value is not None and 0.999999 < value <= 1 for value in cosine(x, x))
    assert all(value is not None and -1 <= value < -0.999999 for value in cosine(-x, x))


def test_a_word_is_one_block() -> None:
    gradient = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    x = torch.tensor([[1.0, 0.0], [0.0, -1.0], [1.0, 1.0], [3.0, 3.0]])
    # (1 − 1) of the first two; (1 + 2) / √(5 · 3) of the first and third.
    assert word_cosine(gradient, x, [[0, 1], [0, 2], [3], []]) == [
        0,
        pytest.approx(3 / math.sqrt(15), rel=1e-15),
        None,
        None,
    ]


@pytest.mark.parametrize("banned", [set(), {0, 3, 17, 49, 1000}])
def test_candidates_are_those_of_brute_force(banned: set[int]) -> None:
    gradient, x, vocabulary = _normal(6, seed=3), _normal(6, seed=4), _normal(50, 6, seed=5)
    changes = {i: float((gradient.double() * (e - x).double()).sum()) for i, e in enumerate(vocabulary)}
    allowed = [i for i in changes if i not in banned]
    up, down = candidates(gradient, x, vocabulary, banned, 4)
    assert [i for i, _ in up] == sorted(allowed, key=lambda i: -changes[i])[:4]
    assert [i for i, _ in down] == sorted(allowed, key=lambda i: changes[i])[:4]
    for i, change in [*up, *down]:
        assert change == pytest.approx(changes[i], rel=1e-4)


def test_a_candidate_has_the_sign_it_is_listed_under() -> None:
    vocabulary = torch.tensor([[1.0], [2.0], [3.0], [0.0], [-1.0]])
    up, down = candidates(torch.tensor([2.0]), torch.tensor([2.0]), vocabulary, set(), 10)
    assert up == [(2, 2.0)]
    assert down == [(4, -6.0), (3, -4.0), (0, -2.0)]
    assert candidates(torch.tensor([0.0]), torch.tensor([2.0]), vocabulary, set(), 10) == ([], [])


def test_equal_candidates_come_by_id() -> None:
    vocabulary = torch.tensor([[1.0], [5.0], [0.0], [5.0], [5.0]])
    up, _ = candidates(torch.tensor([1.0]), torch.tensor([0.5]), vocabulary, {1}, 2)
    assert up == [(3, 4.5), (4, 4.5)]
