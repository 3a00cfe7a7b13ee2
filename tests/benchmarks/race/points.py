"""Methods of many points a text: integrated gradients and SmoothGrad."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from race import floors, ours, peers, subjects
from race.rounds import Answer, Contender, Group
from race.setting import Setting, models, timed
from race.subjects import Subject

STEPS, SAMPLES, NOISE = 50, 25, 0.05


def integrated(s: Setting) -> list[Group]:
    """B: integrated gradients with fixed steps, and until they add up within 1 %."""
    random, trained = subjects.distilbert(s.folder), subjects.sentiment()
    return [
        _fixed(s, Work(random, subjects.film_snippets(s.snippets, s.some))),
        _complete(s, Work(random, subjects.film_snippets(s.snippets, s.some)), "DistilBERT size"),
        _complete(s, Work(trained, subjects.film_snippets(s.snippets, 4 * s.some)), "embedded sentiment model"),
    ]


class Work:
    """Texts as a model reads them, and their baselines: padding in the place of all that is not special."""

    def __init__(self, subject: Subject, texts: list[str]) -> None:
        self.subject, self.texts, self.rows = subject, texts, subject.rows(texts)
        tokenizer = subject.tokenizer()
        pad, special = tokenizer.pad_token_id, tokenizer.all_special_ids
        assert isinstance(pad, int)
        self.baselines = [[i if i in special else pad for i in row["input_ids"]] for row in self.rows]

    def ours(self, s: Setting, dtype: str, **options: int) -> Callable[[], Answer]:
        """This package, with its settings."""
        asked = {"methods": "integrated_gradients", "baseline": "pad", **options}
        sums = ours.scores_of("integrated_gradients", "attribution")
        return ours.run(self.subject, [{"text": text, **asked} for text in self.texts], s.device, dtype, sums)

    def floor(self, s: Setting, tokens: int) -> list[Tensor]:
        """The loop."""
        model, _ = models(s, self.subject)
        return floors.integrated_gradients(model(), self.rows, self.baselines, STEPS, tokens)

    def captum(self, s: Setting, at_once: int | None) -> Callable[[], Answer]:
        """LayerIntegratedGradients at its default."""
        _, users = models(s, self.subject)
        return peers.integrated_gradients(users(), self.rows, self.baselines, at_once)


def _fixed(s: Setting, work: Work) -> Group:
    contenders = [
        *s.floor(lambda tokens: work.floor(s, tokens)),
        s.exact("ours", lambda: work.ours(s, s.dtype, steps=STEPS, max_steps=STEPS)),
        Contender("ours, bfloat16 weights", lambda: work.ours(s, "bfloat16", steps=STEPS, max_steps=STEPS)),
        s.exact("captum, all steps at once", lambda: work.captum(s, None)),
        s.exact("captum, 16 at once", lambda: work.captum(s, 16)),
    ]
    title = f"Integrated gradients, {STEPS} steps, DistilBERT size"
    return Group("B", title, "example", len(work.texts), contenders)


def _complete(s: Setting, work: Work, model: str) -> Group:
    floor = timed(lambda tokens: work.floor(s, tokens), s.tokens[1], floors.fast_float32())
    contenders = [
        Contender(f"floor, {STEPS} steps", floor, True),
        Contender("ours, until it adds up", lambda: work.ours(s, s.dtype)),
        Contender("captum, at its default", lambda: work.captum(s, None)),
    ]
    return Group(f"B, {model}", f"Integrated gradients within 1 %, {model}", "example", len(work.texts), contenders)


def noisy(s: Setting) -> list[Group]:
    """E: SmoothGrad."""
    subject = subjects.distilbert(s.folder)
    texts = subjects.film_snippets(s.snippets, s.some)
    rows = subject.rows(texts)
    examples = [{"text": t, "methods": "smoothgrad", "samples": SAMPLES, "noise": NOISE, "seed": 0} for t in texts]
    norms = ours.scores_of("smoothgrad", "l2")
    model, users = models(s, subject)

    def floor(tokens: int) -> list[Tensor]:
        return floors.smoothgrad(model(), rows, SAMPLES, NOISE, tokens)

    def captum(at_once: int | None) -> Callable[[], Answer]:
        return peers.noise_tunnel(users(), rows, SAMPLES, NOISE, at_once)

    contenders = [
        *s.floor(floor),
        s.exact("ours", lambda: ours.run(subject, examples, s.device, s.dtype, norms)),
        Contender("ours, bfloat16 weights", lambda: ours.run(subject, examples, s.device, "bfloat16", norms)),
        Contender("captum, all samples at once", lambda: captum(None)),
        Contender("captum, 5 at once", lambda: captum(5)),
    ]
    return [Group("E", f"SmoothGrad, {SAMPLES} samples, DistilBERT size", "example", len(texts), contenders)]
