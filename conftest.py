"""Thin: keeps the hub out of reach, skips what this machine can't run, builds tiny checkpoints."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Before anything imports huggingface_hub, which reads it once: tests fetch nothing.
os.environ["HF_HUB_OFFLINE"] = "1"

# No deadline: the first call into torch takes longer than any later one. The same examples in
# every run: a verdict of CI can be repeated.
settings.register_profile("amplify", deadline=None, derandomize=True)
settings.load_profile("amplify")


def pytest_configure() -> None:
    """Import all test files without looking for garbage in between."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make only: imports stay, and are a million objects.

    Going through them again and again took a tenth of the tests' time.
    """
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``gpu`` where torch sees no CUDA device."""
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if not on_gpu:
        return
    import torch

    if torch.cuda.is_available():
        return
    for item in on_gpu:
        item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture(autouse=True)
def one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compute tiny tensors on one thread.

    On a busy machine the second thread comes late: 4 ms for an operation that takes 2 us.
    """
    torch = sys.modules.get("torch")
    if torch is None or request.node.get_closest_marker("slow"):
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Llama with its tokenizer, as ``save_pretrained`` writes it."""
    from tests.fakes import save_checkpoint, tiny_model

    return save_checkpoint(tiny_model("llama"), tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def lora_folder(llama_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random LoRA on all linear layers of ``llama_folder``."""
    from tests.fakes import save_random_adapter, tiny_model

    return save_random_adapter(tiny_model("llama"), tmp_path_factory.mktemp("lora"))


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """A headless browser, closed after the file: other tests need the thread's event loop."""
    from tests.browser import NAMES, find_browser, open_browser

    if find_browser() is None:
        pytest.skip(f"no browser here (any of {', '.join(NAMES)}): make chromium")
    with open_browser() as browser:
        yield browser
