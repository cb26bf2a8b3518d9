"""The peak of a block is what it added, also where it has given it back by the end."""

import mmap
import time

import pytest
import torch

from harness.allocator import release_unused
from harness.bench import memory as bench_memory
from harness.bench.memory import PeakMemory, peak_memory


@pytest.fixture(autouse=True, params=["the system's mark", "a thread that looks"])
def kind(request, monkeypatch):
    if request.param == "a thread that looks":
        monkeypatch.setattr(bench_memory, "_reset_mark", lambda: False)


def test_memory_that_is_given_back_counts():
    # Mapped anew: what earlier tests freed may lie in the allocator, and be resident already.
    with PeakMemory() as memory, mmap.mmap(-1, 100_000_000) as mapped:
        held = torch.frombuffer(mapped, dtype=torch.uint8).fill_(1)
        time.sleep(0.1)
        del held
    assert 95 < memory.peak_mb < 130


def test_memory_that_was_there_before_does_not():
    held = torch.ones(25_000_000)
    with PeakMemory() as memory:
        time.sleep(0.05)
    assert memory.peak_mb < 20
    assert len(held) == 25_000_000


def test_memory_that_was_used_before_is_paid_for_again():
    """Small blocks stay with the allocator, and a later method would get them for nothing."""
    small = [torch.ones(25_000) for _ in range(1000)]  # 100 MB
    del small
    release_unused()
    with PeakMemory() as memory:
        small = [torch.ones(25_000) for _ in range(1000)]
        time.sleep(0.1)
    assert 95 < memory.peak_mb < 130
    assert len(small) == 1000


@pytest.mark.gpu
def test_memory_of_a_gpu_is_what_its_tensors_took():
    held = torch.ones(25_000_000, device="cuda")
    with peak_memory(held.device) as memory:
        del held
        torch.ones(50_000_000, device="cuda").add_(1)
    assert 95 < memory.peak_mb < 130


def test_a_block_within_another_takes_nothing_from_it():
    with PeakMemory() as outer:
        with mmap.mmap(-1, 100_000_000) as mapped:
            held = torch.frombuffer(mapped, dtype=torch.uint8).fill_(1)
            time.sleep(0.1)
            del held
        with PeakMemory() as inner:
            time.sleep(0.05)
    assert inner.peak_mb < 20
    assert 95 < outer.peak_mb < 130
