"""The matrix of generated tokens over a prompt and each other: SmolLM2-135M, a short prompt and a long one."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from race import floors, ours, peers, subjects
from race.rounds import Answer, Contender, Group
from race.setting import Setting, models, timed

NEW = 20  # generated tokens


def generation(s: Setting) -> list[Group]:
    """C: the log-probability of each generated token, gradient × input."""
    return [after_prompt(s, known) for known in (12, 129)]


def after_prompt(s: Setting, known: int) -> Group:
    """The work after a prompt of so many tokens."""
    subject = subjects.smollm2()
    tokenizer = subject.tokenizer()
    prompt = subjects.prompt(tokenizer, subjects.film_snippets(s.snippets, max(40, known // 10)), known)
    model, users = models(s, subject)
    ids = subjects.continued(model(), tokenizer(prompt)["input_ids"], NEW)
    examples = [{"prompt": prompt, "max_new_tokens": NEW, "quantity": "log_prob"}]
    bound = 5 * s.bound  # thirty layers, and each contender multiplies in another order

    def floor(tokens: int) -> list[Tensor]:
        return list(floors.matrix(model(), ids, known)[:, :known])

    def decoding(tokens: int) -> list[Tensor]:
        assert subjects.continued(model(), ids[:known], NEW) == ids
        return []

    def inseq() -> Callable[[], Answer]:
        return peers.inseq_matrix(users(), tokenizer, prompt, str(tokenizer.decode(ids)))

    fast = floors.fast_float32()
    contenders = [
        Contender("floor, all tokens in one product", timed(floor, 0, fast), True, bound),
        Contender("decoding alone", timed(decoding, 0, fast)),
        Contender(
            "ours, the engine's matrix alone",
            lambda: ours.generated(subject, ids, known, s.device, s.dtype),
            bound=bound,
        ),
        Contender(
            "ours, with decoding",
            lambda: ours.run(subject, examples, s.device, s.dtype, ours.prompt_columns(known)),
            bound=bound,
        ),
        Contender(
            "captum, the prompt's columns only",
            lambda: peers.language_model(users(), tokenizer, prompt, ids, known),
            bound=bound,
            rounds=3,
        ),
        *([Contender("inseq", inseq, rounds=3)] if s.with_inseq else []),
    ]
    return Group(f"C, {known}", f"SmolLM2-135M, {known} + {NEW} tokens, full matrix", "text", 1, contenders)
