"""Evidence for or against the headline map: do its words matter to the model, and where does its gradient point?"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from saliency_report import directions
from saliency_report.aggregation import AGGREGATIONS
from saliency_report.analysis.maps import first_scores, scores_of
from saliency_report.analysis.subject import Subject
from saliency_report.engine import Job
from saliency_report.engine.inside import layers
from saliency_report.errors import ExampleError
from saliency_report.metrics import faithfulness as tests
from saliency_report.metrics.agreement import agreement
from saliency_report.metrics.rank import order
from saliency_report.metrics.rationale import plausibility
from saliency_report.record import Agreement, Direction, Faithfulness, Flip, Layers, Map, Plausibility, Word
from saliency_report.scheduling import Alone, Ask, Question
from saliency_report.spec import rationale_spans
from saliency_report.tasks.generated import token_label

FEWEST_WORDS = 3  # of two words there are two orders: none is better than random
FLIPS_EACH_WAY = 3

Computing = Generator[Question, Any, Any]


def faithfulness(subject: Subject, maps: Sequence[tuple[int, Map]]) -> Generator[Question, Any, Faithfulness]:
    """What removing the words of each map does, the strongest first; maps of one target, with their indices.

    Raises:
        ExampleError: there are too few words, or the tokenizer lacks the mask token that is to replace them.
    """
    headline = subject.headline
    function, words = subject.functions[subject.result.headline], subject.words(headline)
    if len(words) < FEWEST_WORDS:
        raise ExampleError(
            f"The text has {len(words)} word{'' if len(words) == 1 else 's'} that can be removed, {FEWEST_WORDS} are "
            "needed.",
            "Give a longer text, or leave `faithfulness` out.",
        )
    rankings = []
    for index, map_ in maps:
        method = subject.methods[map_.method]
        # The gradient times the input comes with every gradient, and is the one of its scores that has a sign to test.
        names = [method.scores[0], *(["gradient_x_input"] if method.name == "gradient" else [])]
        for name in names:
            first = name == method.scores[0]
            rankings.append(
                tests.RankingInput(
                    map_.method if first else name,
                    method.title if first else AGGREGATIONS[name].title,
                    index,
                    scores_of(map_, name, words),
                    AGGREGATIONS[name].signed,
                )
            )
    e = subject.example
    score, _ = yield Ask([Job(function)], gradient=False)
    asking = tests.test_rankings(
        rankings,
        len(words),
        float(score),
        removal=subject.removal,
        fractions=e.fractions,
        orders=e.orders,
        seed=e.seed,
        beam=e.beam,
    )
    try:
        subsets = next(asking)
        while True:
            edits = [subject.without(headline, [words[i] for i in sorted(subset)]) for subset in subsets]
            values, _ = yield Ask([Job(function, edits=edit) for edit in edits], gradient=False)
            subsets = asking.send(values.tolist())
    except StopIteration as end:
        found: Faithfulness = end.value
        return found


def agreed(subject: Subject, maps: Sequence[tuple[int, Map]]) -> Agreement:
    """How alike the methods rank the words of the headline target."""
    words = subject.words(subject.headline)
    return agreement([map_.method for _, map_ in maps], [first_scores(map_, words) for _, map_ in maps])


def direction(subject: Subject) -> Generator[Question, Any, Direction]:
    """Where the gradient points: its cosine with the embedding, and the tokens it asks for, each tried out."""
    index, headline = subject.result.headline, subject.headline
    function, encoding = subject.functions[index], subject.encoding(headline)
    x = subject.embeddings(index)
    score, (gradient,) = yield Ask([Job(function)], gradient=True)
    words = subject.words(headline)
    strongest = [words[i] for i in order(first_scores(headline, words))[: subject.example.flips]]
    tokenizer: Any = subject.facts.loaded.checkpoint.tokenizer
    real = min(len(tokenizer), len(subject.facts.vocabulary))
    vocabulary = subject.facts.vocabulary[:real]
    flips: list[Flip] = []
    for word in strongest:
        tokens = [token for token in encoding.words[word].tokens if token < len(x)]
        token = max(tokens, key=lambda i: float(gradient[i].norm()))
        old = encoding.tokens[token].id
        banned = {*(i for i in tokenizer.all_special_ids if i < real), old}
        for ids in directions.candidates(gradient[token], x[token], vocabulary, banned, FLIPS_EACH_WAY):
            flips += [
                Flip(
                    position=token,
                    word=word,
                    old=token_label(tokenizer, old),
                    new=token_label(tokenizer, new),
                    new_id=new,
                    predicted=predicted,
                    actual=0.0,
                )
                for new, predicted in ids
            ]
    values, _ = yield Ask([Job(function, edits={flip.position: flip.new_id}) for flip in flips], gradient=False)
    flips = [
        flip.model_copy(update={"actual": float(value - score[0])}) for flip, value in zip(flips, values, strict=True)
    ]
    count = len(next(iter(headline.word_scores.values())))
    blocks = [[token for token in word.tokens if token < len(x)] for word in encoding.words[:count]]
    return Direction(
        cosine=directions.cosine(gradient, x),
        word_cosine=directions.word_cosine(gradient, x, blocks),
        flips=flips,
        agreeing=sum(flip.predicted * flip.actual > 0 for flip in flips),
    )


def layer_by_layer(subject: Subject) -> Generator[Question, Any, Layers]:
    """The gradient at every layer's hidden states."""
    function, loaded = subject.functions[subject.result.headline], subject.facts.loaded
    found: Layers = yield Alone(lambda: layers(loaded, function))
    return found


def marked_words(subject: Subject, map_: Map, words: Sequence[int]) -> list[bool]:
    """Which words the example's rationale marks."""
    encoding, marks = subject.encoding(map_), rationale_spans(subject.example)

    def is_marked(word: Word) -> bool:
        assert word.segment is not None
        segment = encoding.segments[word.segment]
        # A chat template may have stripped the prompt.
        shift = max(0, str(getattr(subject.example, segment.name, "")).find(segment.text))
        start, end = (word.start or 0) + shift, (word.end or 0) + shift
        return any(segment.name == field and start < last and first < end for field, first, last in marks)

    return [is_marked(encoding.words[i]) for i in words]


def plausible(subject: Subject, map_: Map) -> Plausibility | None:
    """How well a map's strongest words are those of the example's rationale."""
    words = subject.words(map_)
    name = subject.methods[map_.method].scores[0]
    return plausibility(first_scores(map_, words), AGGREGATIONS[name].signed, marked_words(subject, map_, words))
