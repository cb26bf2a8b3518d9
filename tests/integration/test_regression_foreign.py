"""Somebody else's repository: the wheel in an environment of its own, a test as in the docs."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEST = re.search(r"```python\n(.*?)```", (ROOT / "docs/regression.md").read_text(), re.DOTALL)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with our wheel; what it depends on is seen where it lies, but not our code."""
    folder = tmp_path_factory.mktemp("environment")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheels = folder / "wheels"
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, ROOT],
        check=True,
    )
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = wheels.glob("inspect_amplify-*.whl")
    subprocess.run(
        [*pip, "--python", python, "install", "--no-deps", "--no-index", wheel], check=True
    )
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # Searched last; the .pth files in there, one of which names our checkout, are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python.parent


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's test, on four prompts and a few tokens."""
    here = tmp_path_factory.mktemp("repository")
    assert TEST is not None
    few = TEST[1].replace("alphas=[0, 0.5, 1]", "alphas=[0, 0.5, 1], limit=4, max_tokens=6")
    assert few.count("limit=4") == 1
    lines = [line.removeprefix("   ") for line in few.splitlines()]
    (here / "evals").mkdir()
    (here / "evals" / "test_safety.py").write_text("\n".join(lines) + "\n")
    (here / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["evals"]\n')
    return here


def run(repository: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    dropped = ("PYTHONPATH", "GITHUB_STEP_SUMMARY", "PYTEST_ADDOPTS")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return subprocess.run(
        words, cwd=repository, env={**kept, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True
    )


def test_the_pages_test_makes_a_reference_is_compared_with_it_and_checked(
    bin_folder: Path, repository: Path
):
    python = bin_folder / "python"
    where = run(repository, python, "-c", "import harness, tasks; print(harness.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(bin_folder.parent), where.stderr
    made = run(repository, python, "-m", "pytest", "--update-references")
    assert made.returncode == 0, made.stdout + made.stderr
    assert (repository / "evals/references/refuser-refusal.json").is_file()
    again = run(repository, python, "-m", "pytest")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "UndecidedWarning" in again.stdout
    (logs,) = repository.glob(".amplify/*/logs")
    checked = run(repository, bin_folder / "amplify", "check", logs)
    assert checked.returncode == 3, checked.stdout + checked.stderr
    assert checked.stdout.startswith("refuser-refusal: undecided.")
