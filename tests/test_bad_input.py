"""What a person gets wrong about models and evidence: one clear sentence and the next step, word for word."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from transformers import BertModel, CanineConfig

import tiny
from saliency_report.cli import main
from saliency_report.errors import InputError
from saliency_report.load_errors import LOCAL_HINT, SAVE_TOKENIZER
from saliency_report.spec import parse_spec


@pytest.fixture
def here(families: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the tiny models in it."""
    (tmp_path / "models").symlink_to(families)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(example: str, *options: str) -> Result:
    Path("in.yaml").write_text(f"- {{{example}}}\n", encoding="utf-8")
    return CliRunner().invoke(main, ["run", "in.yaml", "--quiet", *options])


def failure(example: str, *options: str) -> tuple[str, str]:
    """The message on the example's card; the run goes on, the page is written, the exit code is 1."""
    result = run(example, "--json", *options)
    assert result.exit_code == 1, result.output
    assert result.stdout.startswith("0 explained, 1 failed in ")
    assert "Traceback" not in result.output
    (found,) = json.loads(Path("report.json").read_text(encoding="utf-8"))["examples"]
    page = Path("report.html").read_text(encoding="utf-8")
    assert found["failure"]["next_step"].split("`")[0].split("'")[0] in page
    return found["failure"]["message"], found["failure"]["next_step"]


NO_HEAD = "has no weights for classifier.bias, classifier.weight, which multiple-choice needs."
TEXT = "task: text-classification, text: The cat sat"


@pytest.mark.usefixtures("here")
class TestModels:
    def test_a_folder_that_is_not_there(self) -> None:
        assert failure(f"{TEXT}, model: ./models/nothing") == (
            "There is no folder 'nothing'.",
            "Paths are looked up from the folder of the input file. A Hub id reads owner/name.",
        )

    def test_a_gguf_file_that_is_not_there(self) -> None:
        assert failure("task: text-generation, prompt: a, model: models/no.gguf") == (
            "There is no file 'no.gguf'.",
            "Paths are looked up from the folder of the input file.",
        )

    def test_a_folder_without_weights(self, here: Path) -> None:
        shutil.copytree(here / "models/bert", "bert", ignore=shutil.ignore_patterns("*.safetensors"))
        assert failure(f"{TEXT}, model: bert") == (
            "The model 'bert' has no weights.",
            "Give a folder or repository that holds model.safetensors beside config.json.",
        )

    def test_a_folder_that_is_no_model(self) -> None:
        Path("notes").mkdir()
        assert failure(f"{TEXT}, model: notes") == (
            "'notes' is not a model: it has no config.json.",
            "Give a folder that `save_pretrained` wrote.",
        )

    def test_a_folder_without_a_tokenizer(self, here: Path) -> None:
        shutil.copytree(here / "models/bert", "bert", ignore=shutil.ignore_patterns("*token*"))
        assert failure(f"{TEXT}, model: bert") == ("The model 'bert' has no tokenizer.", SAVE_TOKENIZER)

    def test_a_tokenizer_of_another_model(self, here: Path) -> None:
        shutil.copytree(here / "models/bert", "bert")
        tokenizer = tiny.wordpiece()
        tokenizer.add_tokens([f"word{i}" for i in range(400)])
        tokenizer.save_pretrained("bert")
        assert failure("task: text-classification, text: word399, model: bert") == (
            "The tokenizer gives the id 571, the model knows 340 tokens: they do not belong together.",
            SAVE_TOKENIZER,
        )

    def test_a_checkpoint_without_the_head(self, here: Path) -> None:
        BertModel.from_pretrained(here / "models/bert").save_pretrained("encoder")
        tiny.wordpiece().save_pretrained("encoder")
        example = "task: multiple-choice, question: q, choices: [a, b], model: encoder"
        assert failure(example) == (
            f"The checkpoint 'encoder' {NO_HEAD}",
            "Give a checkpoint that was trained for multiple-choice, or write `allow_random_head: true` to explain "
            "random weights (the page says so).",
        )
        result = run(f"{example}, allow_random_head: true", "--json")
        assert result.exit_code == 0
        report = json.loads(Path("report.json").read_text(encoding="utf-8"))
        assert report["models"][0]["random_weights"] == ["classifier.bias", "classifier.weight"]
        page = Path("report.html").read_text(encoding="utf-8")
        assert "classifier.weight" in page
        again = run(f"{example}, allow_random_head: true", "--json")
        assert again.exit_code == 0
        assert (
            json.loads(Path("report.json").read_text(encoding="utf-8"))["examples"][0]["maps"]
            == (report["examples"][0]["maps"])
        ), "the random weights must be the same every time"

    def test_a_head_of_another_size(self) -> None:
        message, _ = failure("task: multiple-choice, question: q, choices: [a, b], model: models/bert")
        assert message == f"The checkpoint 'models/bert' {NO_HEAD}"

    def test_a_causal_model_asked_to_choose(self) -> None:
        message, step = failure("task: multiple-choice, question: q, choices: [a, b], model: models/llama, by: head")
        assert message.startswith("The architecture of 'models/llama' has no such head in transformers: ")
        assert step == "Choose a model whose page on the Hub names this task."

    def test_a_label_that_the_model_does_not_have(self) -> None:
        assert failure(f"{TEXT}, model: models/bert, target: label_1") == (
            "target: the model has no label 'label_1'.",
            "Did you mean 'LABEL_1'? Its labels are LABEL_0, LABEL_1, LABEL_2 (0 to 2).",
        )
        assert failure(f"{TEXT}, model: models/bert, label: 3") == (
            "label: the model has no label 3.",
            "Its labels are LABEL_0, LABEL_1, LABEL_2 (0 to 2).",
        )

    @pytest.mark.parametrize(("family", "length"), [("bert", 66), ("roberta", 66), ("llama-classifier", 66)])
    def test_a_text_longer_than_the_model_takes(self, family: str, length: int) -> None:
        words = {"bert": 64, "roberta": 64, "llama-classifier": 65}[family]
        assert failure(f"task: text-classification, text: '{'e ' * (words - 1)}e', model: models/{family}") == (
            f"The text is {length + (family != 'bert') * (words - 1)} tokens long, the model takes 64.",
            "Write `long: windows` to read it in overlapping parts, or `long: truncate` to leave out what is too "
            "long; or "
            "use a model with a longer context.",
        )

    def test_a_bidirectional_model_asked_to_continue(self) -> None:
        assert failure("task: text-generation, prompt: The cat sat, model: models/bert-filler") == (
            "The model looks at later tokens too (it is bidirectional), so it cannot continue a text.",
            "Give a causal language model, such as one of the GPT or Llama families.",
        )

    def test_an_architecture_whose_map_would_be_wrong(self, here: Path) -> None:
        Path("canine").mkdir()
        CanineConfig().save_pretrained("canine")  # refused before the weights, of which there are none
        assert failure(f"{TEXT}, model: ./canine") == (
            "The model 'canine' is of the architecture canine, which is not supported: it has no table of word "
            "embeddings, and hashes each character into several tables.",
            "Choose a model of another architecture.",
        )

    def test_an_index_that_is_also_the_name_of_another_label(self, here: Path) -> None:
        shutil.copytree(here / "models/bert", "stars")
        config = json.loads(Path("stars/config.json").read_text(encoding="utf-8"))
        config["id2label"], config["label2id"] = {"0": "1", "1": "2", "2": "3"}, {"1": 0, "2": 1, "3": 2}
        Path("stars/config.json").write_text(json.dumps(config), encoding="utf-8")
        assert failure(f"{TEXT}, model: stars, target: 1") == (
            "target: 1 is the index of the label '2' and the name of another.",
            "Write '1' in quotes for the name, or the name of the label you mean.",
        )
        assert run(f"{TEXT}, model: stars, target: '1'").exit_code == 0

    def test_a_prompt_that_leaves_no_room_for_the_answer(self) -> None:
        assert failure("task: text-generation, prompt: The cat, max_new_tokens: 70, model: models/llama") == (
            "The text is 73 tokens long, the model takes 64.",
            "Shorten it, split it into several examples, or use a model with a longer context.",
        )


class FakeHub(BaseHTTPRequestHandler):
    """Answers as the Hub does: a repository that is missing, one that is gated, one without such a revision."""

    def do_GET(self) -> None:
        codes = {"gated": (403, "GatedRepo"), "known": (404, "RevisionNotFound")}
        name = self.path.removeprefix("/api/models/").split("/")[0]
        status, code = codes.get(name, (401, "RepoNotFound"))
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815  # the name that http.server calls

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def hub_failure(example: str, folder: Path, **environment: str) -> str:
    """What the command prints, in a process of its own: the Hub's client reads its address at import."""
    (folder / "in.yaml").write_text(f"- {{{example}}}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "saliency_report", "run", "in.yaml"],
        cwd=folder,
        env={**os.environ, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout.splitlines()[1].strip()


class TestHub:
    def test_a_model_that_does_not_exist(self, hub: str, tmp_path: Path) -> None:
        assert hub_failure(f"{TEXT}, model: nobody/nothing", tmp_path, HF_ENDPOINT=hub) == (
            "failed: There is no model 'nobody/nothing' on the Hub, and no such folder here. "
            f"Check the spelling (owner/name); a private model needs HF_TOKEN. {LOCAL_HINT}"
        )

    def test_a_gated_model(self, hub: str, tmp_path: Path) -> None:
        assert hub_failure(f"{TEXT}, model: gated/model", tmp_path, HF_ENDPOINT=hub) == (
            "failed: The model 'gated/model' asks for permission on the Hub. "
            "Accept its terms there, then set HF_TOKEN or run `hf auth login`."
        )

    def test_a_revision_that_does_not_exist(self, hub: str, tmp_path: Path) -> None:
        assert hub_failure(f"{TEXT}, model: known/model, revision: v9", tmp_path, HF_ENDPOINT=hub) == (
            "failed: The model 'known/model' has no such revision on the Hub. "
            "Check `revision`: a branch, tag or commit."
        )

    def test_a_name_that_the_hub_cannot_have(self, hub: str, tmp_path: Path) -> None:
        assert hub_failure(f"{TEXT}, model: 'bad name!'", tmp_path, HF_ENDPOINT=hub).startswith(
            "failed: There is no model 'bad name!' on the Hub, and no such folder here."
        )

    @pytest.mark.parametrize("environment", [{"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_HUB_OFFLINE": "1"}])
    def test_no_network(self, environment: dict[str, str], tmp_path: Path) -> None:
        assert hub_failure(f"{TEXT}, model: owner/model", tmp_path, **environment) == (
            "failed: The model 'owner/model' is not on this machine and the Hub cannot be reached. "
            f"Connect to the network, or unset HF_HUB_OFFLINE if it is set. {LOCAL_HINT}"
        )


CLASSIFY = "- task: text-classification\n  text: Not very bad\n"
GENERATE = "- task: text-generation\n  prompt: a cat\n"
CHOOSE = "- task: multiple-choice\n  context: c c\n  question: q q\n  choices: [x, y]\n"
METHODS = (
    "gradient, integrated_gradients, smoothgrad, smoothgrad_squared, vargrad, occlusion, attention_rollout, "
    "gradient_x_attention"
)
BASELINES = "auto, zero, mean, pad, mask, eos or {text: …}"
PAIR = "must be words of the text, or a pair [start, end] of code points, not"
WHAT_TARGET = "must be each, whole, a token's index, or a text of the continuation, not"
FOIL_OR_TARGET = "and foil do not go together; a foil is compared at the first token that differs: leave target out"

# One field a row, wrong by itself: (field, value, column within the value, path below the field, message).
VALUES = [
    ("methods", "lime", 0, "", f"must be one of {METHODS}, all, not lime"),
    ("methods", "[occlusion, all]", 12, "[1]", f"must be one of {METHODS}, not all"),
    ("methods", "[occlusion, occlusion]", 12, "[1]", "'occlusion' stands twice; name each method once"),
    ("methods", "[]", 0, "", "the list is empty; write at least one entry, or leave the field out"),
    ("methods", "3", 0, "", "must be a list, not 3; begin each entry with a dash"),
    ("methods", "~", 0, "", "must be a list, not nothing; begin each entry with a dash"),
    ("quantity", "p", 0, "", "must be one of logit, log_prob, probability, loss, not p"),
    ("quantity", "~", 0, "", "must be one of logit, log_prob, probability, loss, not nothing"),
    ("baseline", "unk", 0, "", f"must be one of {BASELINES}, not unk"),
    ("baseline", "[zero]", 0, "", f"must be one of {BASELINES}, not a list"),
    ("baseline", "{txt: a}", 0, "", "a text is written as {text: …}"),
    ("methods", "occlusions", 0, "", f"must be one of {METHODS}, all, not occlusions; did you mean 'occlusion'?"),
    ("baseline", "{text: ' '}", 0, "", "text must be words, not ' '"),
    ("baseline", "{text: }", 0, "", "text must be words, not nothing"),
    ("baseline", "{text: 0}", 0, "", "text must be words, not 0"),
    ("keep_special", "no", 0, "", "must be true or false, not no"),
    ("steps", "0", 0, "", "must be a whole number from 1 to 1024, not 0"),
    ("steps", "1025", 0, "", "must be a whole number from 1 to 1024, not 1025"),
    ("max_steps", "100001", 0, "", "must be a whole number from 1 to 100000, not 100001"),
    ("max_steps", "15", 0, "", "steps: 16 is more than max_steps: 15; write max_steps: 16 or more"),
    ("samples", "1", 0, "", "must be a whole number from 3 to 1000, not 1"),
    ("samples", "3.0", 0, "", "must be a whole number from 3 to 1000, not 3.0"),
    ("noise", "1.5", 0, "", "must be a number from 0 to 1, not 1.5"),
    ("noise", ".nan", 0, "", "must be a number from 0 to 1, not nan"),
    ("noise", "little", 0, "", "must be a number from 0 to 1, not little"),
    ("seed", "-1", 0, "", "must be a whole number from 0 to 4294967295, not -1"),
    ("removal", "cut", 0, "", "must be one of auto, mask, delete, not cut"),
    ("faithfulness", "1", 0, "", "must be true or false, not 1"),
    ("fractions", "[0]", 1, "[0]", "must be a number above 0 and at most 1, not 0"),
    ("fractions", "[0.5, 1.1]", 6, "[1]", "must be a number above 0 and at most 1, not 1.1"),
    ("fractions", "[half]", 1, "[0]", "must be a number above 0 and at most 1, not half"),
    ("fractions", "[0.5, 0.2]", 6, "[1]", "0.2 comes after 0.5; write fractions in ascending order, each once"),
    ("fractions", "[0.5, 0.5]", 6, "[1]", "0.5 comes after 0.5; write fractions in ascending order, each once"),
    ("fractions", "[]", 0, "", "the list is empty; write at least one entry, or leave the field out"),
    ("fractions", "0.5", 0, "", "must be a list, not 0.5; begin each entry with a dash"),
    ("orders", "9", 0, "", "must be a whole number from 10 to 1000, not 9"),
    ("beam", "21", 0, "", "must be a whole number from 0 to 20, not 21"),
    ("randomisation", "~", 0, "", "must be one of none, all, cascading, not nothing; write the word"),
    ("randomisation", "false", 0, "", "must be one of none, all, cascading, not false; write the word"),
    ("randomisation", "some", 0, "", "must be one of none, all, cascading, not some"),
    ("flips", "51", 0, "", "must be a whole number from 0 to 50, not 51"),
    ("layers", "all", 0, "", "must be true or false, not all"),
    ("rationale", "bad", 0, "", "must be a list, not bad; begin each entry with a dash"),
    ("rationale", "[]", 0, "", "the list is empty; write at least one entry, or leave the field out"),
    ("rationale", "[bad, good]", 6, "[1]", "'good' does not occur in text; copy words from there"),
    ("rationale", "[not  Very]", 1, "[0]", "'not  Very' does not occur in text; did you mean 'Not very'?"),
    ("rationale", "[' ']", 1, "[0]", "is empty; write some text"),
    ("rationale", "[3]", 1, "[0]", f"{PAIR} 3"),
    ("rationale", "[[0, 1, 2]]", 1, "[0]", f"{PAIR} a list"),
    ("rationale", "[[0, true]]", 1, "[0]", "[start, end] must be two whole numbers, not 0 and true"),
    ("rationale", "[[4, 4]]", 1, "[0]", "[4, 4] is empty; end is one past the last code point"),
    ("rationale", "[[-1, 4]]", 1, "[0]", "begins at -1; the first code point is 0"),
    ("rationale", "[[4, 13]]", 1, "[0]", "[4, 13] ends outside of text, which has 12 code points; write 12 or less"),
    ("chat", "true", -6, "", "unknown key; it belongs to text-generation"),
    ("foil", "1.5", 0, "", "must be a name or an index, not 1.5"),
]

# Fields that do not go together, the last line of the file being the wrong one.
TOGETHER = [
    (
        CLASSIFY,
        "steps: 40\nmax_steps: 30",
        "3:10: [0].steps: 40 is more than max_steps: 30; write max_steps: 40 or more",
    ),
    (
        CLASSIFY,
        "quantity: loss",
        "1:3: [0].label: is missing; quantity: loss is that of the right answer: write it, or another quantity",
    ),
    (
        CLASSIFY,
        "quantity: loss\nlabel: 1\ntarget: 0",
        "5:11: [0].target: 0 and quantity: loss do not go together; the loss is that of label: leave target out",
    ),
    (
        CLASSIFY,
        "quantity: log_prob\nfoil: 1",
        "3:13: [0].quantity: log_prob and foil do not go together; write quantity: logit or probability",
    ),
    (CLASSIFY, "target: A\nfoil: A", "4:9: [0].foil: is the target itself; their difference is always 0"),
    (
        CHOOSE,
        "quantity: loss",
        "1:3: [0].answer: is missing; quantity: loss is that of the right answer: write it, or another quantity",
    ),
    (
        CHOOSE,
        "quantity: loss\nanswer: x\nfoil: y",
        "5:13: [0].quantity: loss and foil do not go together; write quantity: logit or probability",
    ),
    (
        CHOOSE,
        "rationale: [q, x]",
        "5:18: [0].rationale[1]: 'x' does not occur in context or question; copy words from there",
    ),
    (
        CHOOSE,
        "rationale: [[0, 4]]",
        "5:15: [0].rationale[0]: [0, 4] ends outside of context, which has 3 code points; write 3 or less",
    ),
    (GENERATE, "target: ''", f"3:11: [0].target: {WHAT_TARGET} nothing"),
    (GENERATE, "target: true", f"3:11: [0].target: {WHAT_TARGET} true"),
    (GENERATE, "target: ' '", "3:11: [0].target: is empty; write some text, or leave it out"),
    (GENERATE, "target: -1", "3:11: [0].target: is -1; the first token has index 0"),
    (
        GENERATE,
        "max_new_tokens: 3\ntarget: 3",
        "4:11: [0].target: 3 is past the last token: max_new_tokens is 3, so write 0 to 2",
    ),
    (
        GENERATE,
        "continuation: ' sat down'\ntarget: stood",
        "4:11: [0].target: 'stood' does not occur in continuation; write each, whole, an index, or a text from there",
    ),
    (
        GENERATE,
        "continuation: ' sat down'\ntarget: Sat",
        "4:11: [0].target: 'Sat' does not occur in continuation; did you mean 'sat'?",
    ),
    (
        GENERATE,
        "target: whole\nquantity: logit",
        "3:11: [0].target: whole and quantity: logit do not go together; a span is explained as a sum of log-probs: "
        "write quantity: log_prob or loss",
    ),
    (GENERATE, "foil: ' '", "3:9: [0].foil: is empty; write some text, or leave it out"),
    (GENERATE, "foil: ran\ntarget: whole", f"4:11: [0].target: whole {FOIL_OR_TARGET}"),
    (GENERATE, "foil: ran\ntarget: 0", f"4:11: [0].target: 0 {FOIL_OR_TARGET}"),
    (
        GENERATE,
        "continuation: sat\nfoil: sat",
        "4:9: [0].foil: is the continuation itself; write another text",
    ),
    (GENERATE, "chat: yes", "3:9: [0].chat: must be true or false, not yes"),
]

HELLO = "- task: text-generation\n  messages: "
MESSAGES = [
    ("", "1:3: [0].prompt: is missing; write it: The text to continue. Or write messages, a conversation to continue"),
    ("[]", "2:13: [0].messages: the list is empty; write at least one entry, or leave the field out"),
    ("hi", "2:13: [0].messages: must be a list, not hi; begin each entry with a dash"),
    ("[hi]", "2:14: [0].messages[0]: must be a mapping of role and content, not hi"),
    (
        "[{role: usr, content: a}]",
        "2:14: [0].messages[0]: role must be one of system, developer, user, assistant, tool, not usr; did you mean "
        "'user'?",
    ),
    (
        "[{role: 3, content: a}]",
        "2:21: [0].messages[0].role: must be one of system, developer, user, assistant, tool, not 3",
    ),
    ("[{user: a}]", "2:14: [0].messages[0]: must have role and content, and may have thinking; it has user"),
    (
        "[{role: user, content: a, name: b}]",
        "2:14: [0].messages[0]: must have role and content, and may have thinking; it has role, content, name",
    ),
    ("[{role: user, content: ''}]", "2:36: [0].messages[0].content: is empty; write some text"),
    ("[{role: user, content: a}]\n  prompt: a", "2:13: [0].messages: does not go together with prompt; leave one out"),
    (
        "[{role: user, content: a}]\n  chat: true",
        "3:3: [0].chat: has no effect beside messages, which always go through the chat template; leave it out",
    ),
    (
        "[{role: user, content: a}]\n  rationale: [b]",
        "3:15: [0].rationale[0]: 'b' does not occur in any message; copy words from there",
    ),
    (
        "[{role: user, content: a}]\n  rationale: [[0, 2]]",
        "3:15: [0].rationale[0]: [0, 2] ends outside of messages[0].content, which has 1 code points; write 1 or less",
    ),
]


@pytest.mark.parametrize(("written", "message"), MESSAGES)
def test_messages_that_are_none(written: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_spec(f"{HELLO}{written}\n", "in.yaml", None, Path())
    assert str(raised.value) == f"in.yaml:{message}"


# One of the two stands in the defaults: the example's own is pointed at, and the default where there is none.
DEFAULTS = [
    (
        "quantity: log_prob",
        "task: text-classification, text: a, foil: 1",
        "3:46: examples[0].foil: quantity: log_prob and foil do not go together; write quantity: logit or probability",
    ),
    (
        "quantity: loss",
        "task: text-classification, text: a, label: 1, target: 1",
        "3:58: examples[0].target: 1 and quantity: loss do not go together; the loss is that of label: "
        "leave target out",
    ),
    (
        "quantity: loss, foil: 1",
        "task: text-classification, text: a, label: 0",
        "1:22: defaults.quantity: loss and foil do not go together; write quantity: logit or probability",
    ),
    (
        "quantity: loss",
        "task: text-classification, text: a",
        "3:3: examples[0].label: is missing; quantity: loss is that of the right answer: write it, or another quantity",
    ),
    (
        "quantity: logit, target: whole",
        "task: text-generation, prompt: a",
        "1:37: defaults.target: whole and quantity: logit do not go together; a span is explained as a sum of "
        "log-probs: write quantity: log_prob or loss",
    ),
    (
        "max_steps: 20",
        "task: text-generation, prompt: a, steps: 21",
        "3:45: examples[0].steps: 21 is more than max_steps: 20; write max_steps: 21 or more",
    ),
    (
        "steps: 21",
        "task: text-generation, prompt: a, max_steps: 20",
        "3:49: examples[0].max_steps: steps: 21 is more than max_steps: 20; write max_steps: 21 or more",
    ),
    (
        "foil: 1",
        "task: text-classification, text: a, target: 1",
        "3:48: examples[0].target: is the foil itself; their difference is always 0",
    ),
    (
        "task: text-generation, foil: b",
        "prompt: a, continuation: b",
        "3:29: examples[0].continuation: is the foil itself; write another text",
    ),
    (
        "fractions: [1, 0.5]",
        "task: text-classification, text: a",
        "1:27: defaults.fractions[1]: 0.5 comes after 1; write fractions in ascending order, each once",
    ),
    (
        "target: 2",
        "task: multiple-choice, question: a, choices: [b, c]",
        "1:20: defaults.target: index 2 is not among the choices 0 to 1",
    ),
    (
        "rationale: [a]",
        "task: text-classification, text: a",
        "1:12: defaults.rationale: marks words of one example; put it in that example",
    ),
]


class TestEvidence:
    """Mistakes in the fields that ask for more than the plain gradient."""

    def problems(self, text: str) -> list[str]:
        with pytest.raises(InputError) as caught:
            parse_spec(text, "in.yaml", None, Path())
        return caught.value.message.splitlines()

    @pytest.mark.parametrize(("field", "value", "column", "below", "message"), VALUES)
    def test_a_value(self, field: str, value: str, column: int, below: str, message: str) -> None:
        place = f"in.yaml:3:{len(field) + 5 + column if column >= 0 else 3}"
        assert self.problems(f"{CLASSIFY}  {field}: {value}\n") == [f"{place}: [0].{field}{below}: {message}"]

    @pytest.mark.parametrize(("example", "fields", "message"), TOGETHER)
    def test_fields_that_do_not_go_together(self, example: str, fields: str, message: str) -> None:
        lines = "".join(f"  {line}\n" for line in fields.splitlines())
        assert self.problems(example + lines) == [f"in.yaml:{message}"]

    @pytest.mark.parametrize(("defaults", "example", "message"), DEFAULTS)
    def test_one_of_the_two_stands_in_the_defaults(self, defaults: str, example: str, message: str) -> None:
        text = f"defaults: {{{defaults}}}\nexamples:\n- {{{example}}}\n"
        assert self.problems(text) == [f"in.yaml:{message}"]

    def test_a_rationale_above_the_examples(self) -> None:
        assert self.problems("rationale: [a]\nexamples:\n- {task: text-generation, prompt: a}\n") == [
            "in.yaml:1:1: rationale: unknown key; put it in an example"
        ]

    def test_all_at_once(self) -> None:
        lines = [f"  {field}: {value}\n" for field, value in (("steps", "0"), ("foil", "A"), ("target", "A"))]
        assert [line.split(" ")[1] for line in self.problems(CLASSIFY + "".join(lines))] == ["[0].steps:", "[0].foil:"]


@pytest.mark.usefixtures("here")
class TestOutput:
    def test_a_folder_that_is_missing(self) -> None:
        result = run(f"{TEXT}, model: models/bert", "-o", "out/report.html")
        assert result.exit_code == 2
        assert result.stderr == "Error: The folder out does not exist.\nMake it: mkdir -p out\n"

    def test_a_folder_in_the_place_of_a_file(self) -> None:
        Path("out").mkdir()
        result = run(f"{TEXT}, model: models/bert", "-o", "out")
        assert result.exit_code == 2
        assert result.stderr == "Error: out is a folder.\nName the file in it: -o out/report.html\n"

    def test_a_dash_is_no_file(self) -> None:
        result = run(f"{TEXT}, model: models/bert", "-o", "-")
        assert result.exit_code == 2
        assert result.stderr == "Error: -o - would be a file of that name.\nName a file: -o report.html\n"
        assert not Path("-").exists()

    def test_a_reader_that_has_read_enough_is_no_mistake(self) -> None:
        schema = f"{sys.executable} -m saliency_report schema"
        done = subprocess.run(
            ["bash", "-c", f"{{ sleep 0.5; {schema}; }} | true"], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""

    def test_a_folder_that_is_not_writable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Root may write anywhere, so the refusal of the file system is played.
        def refuse(self: Path, **options: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "touch", refuse)
        result = run(f"{TEXT}, model: models/bert")
        assert result.exit_code == 2
        assert result.stderr == (
            "Error: The folder . is not writable: Permission denied.\nName a file in another folder with -o.\n"
        )

    def test_a_disk_that_fills_up_loses_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = Path.replace

        def full(self: Path, target: Path) -> Path:
            if Path(target) == Path("report.html").resolve():
                raise OSError(28, "No space left on device")
            return real(self, target)

        monkeypatch.setattr(Path, "replace", full)
        result = run(f"{TEXT}, model: models/bert", "--json")
        assert result.exit_code == 2
        first, second = result.stderr.splitlines()
        assert first == "Error: report.html cannot be written: No space left on device."
        rescue = Path(second.removeprefix("Nothing is lost: see ").split(". ")[0])
        assert sorted(path.name for path in rescue.iterdir()) == ["report.html", "report.json"]
        assert not list(Path().glob(".report*")), "no half-written file stays behind"
        shutil.rmtree(rescue)

    def test_a_pipe_in_the_place_of_a_file(self) -> None:
        os.mkfifo("pipe")
        result = run(f"{TEXT}, model: models/bert", "-o", "pipe")
        assert result.exit_code == 2
        assert result.stderr == "Error: pipe is a device or a pipe, not a file.\nName a file with -o.\n"

    def test_a_link_is_followed(self) -> None:
        Path("real.html").write_text("old", encoding="utf-8")
        Path("link.html").symlink_to("real.html")
        assert run(f"{TEXT}, model: models/bert", "-o", "link.html").exit_code == 0
        assert Path("link.html").is_symlink()
        assert Path("real.html").read_text(encoding="utf-8") != "old"

    def test_the_place_of_the_record(self) -> None:
        result = run(f"{TEXT}, model: models/bert", "-o", "x.json", "--json")
        assert result.exit_code == 2
        assert result.stderr == (
            "Error: x.json is where --json writes the record.\nName the page report.html, say, with -o.\n"
        )

    def test_the_input_itself(self) -> None:
        result = run(f"{TEXT}, model: models/bert", "-o", "in.yaml")
        assert result.exit_code == 2
        assert result.stderr == "Error: in.yaml is the input itself.\nName another file with -o.\n"
        assert Path("in.yaml").read_text(encoding="utf-8").startswith("- {task")

    def test_a_device_that_is_not_there(self) -> None:
        result = run(f"{TEXT}, model: models/bert", "--device", "cuda:7")
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: --device cuda:7: there is no such device here.\nUse one of ")
