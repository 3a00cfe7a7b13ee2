"""What a person gets wrong about models: one clear sentence and the next step, word for word, from the command line."""

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
from transformers import BertModel

import tiny
from saliency_report.cli import main
from saliency_report.load_errors import LOCAL_HINT, SAVE_TOKENIZER


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
        message, step = failure("task: multiple-choice, question: q, choices: [a, b], model: models/llama")
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
            "Shorten it, split it into several examples, or use a model with a longer context.",
        )

    def test_a_bidirectional_model_asked_to_continue(self) -> None:
        assert failure("task: text-generation, prompt: The cat sat, model: models/bert-filler") == (
            "The model looks at later tokens too (it is bidirectional), so it cannot continue a text.",
            "Give a causal language model, such as one of the GPT or Llama families.",
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

    def test_regression_with_several_numbers(self, here: Path) -> None:
        shutil.copytree(here / "models/bert", "scores")
        config = json.loads(Path("scores/config.json").read_text(encoding="utf-8"))
        Path("scores/config.json").write_text(json.dumps({**config, "problem_type": "regression"}), encoding="utf-8")
        assert failure(f"{TEXT}, model: scores")[0] == (
            "The model gives numbers, not labels (regression); it is not explained yet."
        )

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
