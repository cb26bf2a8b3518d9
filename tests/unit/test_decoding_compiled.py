"""Compiled loops: where they are kept, that they are renewed, and the threads left to torch."""

import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
import torch

import harness
from harness.decoding import compiled as of_compiled
from harness.decoding.compiled import as_array, compiled, on_threads
from harness.decoding.sum_kernels import sum_grids

# A package like this one, in which one file's function becomes a part of another file's loop.
INLINED = "from .compiled import inlined\n\n@inlined\ndef part(x):\n    return x + {}\n"
LOOPS = """
import sys
from package.decoding.compiled import compiled
from package.decoding.inlined import part

@compiled()
def whole(x):
    return part(x)

print(whole(40), whole.stats.cache_hits)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "decoding").mkdir(parents=True)
    source = Path(of_compiled.__file__).read_text()
    (folder / "decoding" / "compiled.py").write_text(source)
    (folder / "decoding" / "inlined.py").write_text(INLINED.format(2))
    (folder / "some_kernels.py").write_text(LOOPS)
    return folder


def run(package: Path, cache: Path) -> list[int]:
    """Return what the loop gives in a new process, and how often it was found on disk."""
    path = [str(package.parent), str(Path(harness.__file__).parents[1])]
    env = {"PYTHONPATH": ":".join(path), "INSPECT_AMPLIFY_CACHE": str(cache), "HOME": str(cache)}
    command = [sys.executable, "-m", "package.some_kernels"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.replace("Counter()", "0").split()[:1]]


def test_a_loop_is_compiled_anew_where_what_became_part_of_it_has_changed(package, tmp_path):
    cache = tmp_path / "cache"
    assert run(package, cache) == [42]
    kept = {path: path.read_bytes() for path in cache.rglob("*.nbc")}
    assert len(kept) == 1
    assert run(package, cache) == [42]
    assert {path: path.read_bytes() for path in cache.rglob("*.nbc")} == kept
    (package / "decoding" / "inlined.py").write_text(INLINED.format(3))
    assert run(package, cache) == [43]
    assert len(list(cache.rglob("*.nbc"))) == 2


def test_where_nothing_can_be_kept_loops_are_compiled_all_the_same(package, tmp_path):
    (tmp_path / "file").write_text("no folder")
    shutil.rmtree(package / "decoding" / "__pycache__", ignore_errors=True)
    assert run(package, tmp_path / "file") == [42]


def test_numbas_own_folder_is_left_as_it_was_set(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    one = compiled()(lambda x: x + 1)
    assert one(np.float32(1)) == 2
    assert numba.config.CACHE_DIR == str(tmp_path)


def test_torch_keeps_its_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    target, difference = np.zeros((3, 8), np.float32), np.ones((3, 8), np.float32)
    out = np.empty((3, 2), np.float32)
    on_threads(sum_grids, target, difference, np.array([0, 1], np.float32), out)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
    np.testing.assert_allclose(out, [[np.log(8), np.log(8) + 1]] * 3, rtol=1e-6)


def test_bfloat16_is_seen_as_the_upper_halves_of_float32():
    numbers = torch.tensor([1.0, -2.5])
    assert (as_array(numbers) == [1.0, -2.5]).all()
    halves = as_array(numbers.bfloat16()).astype(np.uint32) << 16
    assert (halves.view(np.float32) == [1.0, -2.5]).all()
