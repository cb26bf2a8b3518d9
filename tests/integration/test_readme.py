"""The README's commands work as they stand, and its figures are the committed report's."""

import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.strip().splitlines()
]


def run(words: list[str], cwd: Path) -> str:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def demo_command() -> list[str]:
    """The command that `make demo` runs, as make itself tells."""
    told = run(["make", "--dry-run", "demo"], ROOT)
    return shlex.split(next(line for line in told.splitlines() if "amplify sweep" in line))[1:]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout, so that what commands write stays out of it."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("tasks", "harness", "examples"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_the_readme_has_commands_of_every_kind():
    first_words = {command.split()[0] for command in COMMANDS}
    assert first_words == {"make", "pip", "amplify", "inspect"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if one.split()[0] in ("amplify", "inspect")]
)
def test_a_command_of_the_readme_works(command: str, workplace: Path):
    run(shlex.split(command), workplace)


@pytest.mark.slow
def test_what_make_demo_runs_works_on_a_few_prompts(tmp_path: Path):
    logs = ["--limit", "2", "--max-tokens", "4", "--log-dir", str(tmp_path / "logs")]
    told = run(["amplify", *demo_command(), *logs], tmp_path)
    assert "refusal of" in told
    assert (tmp_path / "report" / "report.md").is_file()


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("pip install")])
def test_what_the_readme_installs_is_known_to_pip(command: str):
    """Dry, and without an index: nothing is fetched and nothing is changed."""
    words = [*shlex.split(command)[1:], "--dry-run", "--no-index", "--no-deps"]
    run([sys.executable, "-m", "pip", *words, "--no-build-isolation"], ROOT)


def test_the_readme_quotes_the_committed_report():
    tools = runpy.run_path(str(ROOT / "reports" / "update_readme.py"))
    report = (ROOT / "reports" / "refuser" / "report.md").read_text()
    assert tools["updated"](README, report) == README


def test_files_that_the_readme_links_exist():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) >= 4
    for link in links:
        assert (ROOT / link).exists(), link
