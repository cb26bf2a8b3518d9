"""The methods that are compared, each ready to be timed on the same rows."""

import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from harness.allocator import release_unused
from harness.bench.figures import Cell, Method, Run
from harness.bench.memory import peak_memory
from harness.bench.reference_loops import (
    Asked,
    Ids,
    Sides,
    batched_loop,
    cfg_generate,
    plain_generate,
    single_loop,
)
from harness.decoding.engine import Engine
from harness.decoding.pair_model import PairModel, Prompt
from harness.decoding.rollout import Rollout, RolloutRequest
from harness.decoding.settings import RolloutSettings
from harness.errors import DecodingError
from harness.pairs.files import find_side
from harness.pairs.loading import LoadedPair, load_pair
from harness.pairs.spec import PairSpec, Side
from harness.pairs.step_graphs import one_by_one

GRID = tuple(step / 4 for step in range(-4, 12))
"""Sixteen strengths from -1 to 2.75, for the engine that traces a grid."""

Decode = Callable[[Sides, Asked], list[Ids]]

_REFERENCES: dict[Method, Decode] = {
    "single": single_loop,
    "loop": batched_loop,
    "cfg": cfg_generate,
    "generate": plain_generate,
}


def load_sides(spec: PairSpec, *, merged: bool = False) -> Sides:
    """Load target and baseline as transformers and peft do, each with weights of its own.

    Args:
        spec: the pair.
        merged: whether adapters become a part of the weights, which spares their products.
    """
    return Sides(*(_load(side, spec, merged) for side in (spec.target, spec.baseline)))


def _load(side: Side, spec: PairSpec, merged: bool) -> Any:
    folders = find_side(side)
    dtype = getattr(torch, spec.dtype)
    model: Any = AutoModelForCausalLM.from_pretrained(
        folders.checkpoint, dtype=dtype, use_safetensors=True, local_files_only=True
    )
    model.to(spec.device)
    for adapter in folders.adapters:
        model = _adapted(model, adapter)
        model = model.merge_and_unload() if merged else model
    return model.eval()


def _adapted(model: Any, adapter: Path) -> Any:
    with warnings.catch_warnings():
        # peft asks transformers by an old name whether gradients are checkpointed.
        warnings.simplefilter("ignore", FutureWarning)
        # In the weights' own dtype: peft would keep it in float32, and convert at every layer.
        return PeftModel.from_pretrained(model, adapter, autocast_adapter_dtype=False)


class Methods:
    """All methods on one pair in one dtype.

    Args:
        spec: the pair; the engine and the reference loops load copies of their own.
        merged: whether the reference loops' adapters are merged into their weights.
    """

    def __init__(self, spec: PairSpec, *, merged: bool) -> None:
        self.dtype = spec.dtype
        self.pair: LoadedPair = load_pair(spec)
        self.sides = load_sides(spec, merged=merged)

    def run(self, method: Method, asked: Asked, seed: int) -> Run:
        """Time one method.

        Raises:
            DecodingError: if it returned other rows or lengths than asked for.
        """
        cell = Cell(method, self.dtype, len(asked.prompts))
        release_unused()
        if method in _REFERENCES:
            torch.manual_seed(seed)
            with peak_memory(self.pair.model.device) as memory:
                start, cpu = time.perf_counter(), time.process_time()
                replies = _REFERENCES[method](self.sides, asked)
                wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
            run = Run(
                cell=cell,
                n_tokens=_count(replies),
                wall_s=wall_s,
                cpu_s=cpu_s,
                peak_mb=memory.peak_mb,
            )
        else:
            with one_by_one() if method == "engine_unrecorded" else nullcontext():
                replies, run = run_engine(self.pair.model, cell, requests(asked, seed, method))
        lengths = [len(reply) for reply in replies]
        if lengths != [asked.n_tokens] * len(asked.prompts):
            raise DecodingError(f"{cell.name} returned replies of {lengths} tokens")
        return run


def requests(asked: Asked, seed: int, method: Method = "engine") -> list[RolloutRequest]:
    """Ask the engine for the same rows, each with random numbers of its own."""
    return [
        RolloutRequest(
            prompt=Prompt(ids, ids),
            settings=RolloutSettings(
                alpha=alpha,
                seed=(seed << 32) + row,
                max_tokens=asked.n_tokens,
                trace=method != "engine_untraced",
                trace_best=method != "engine_untraced",
                trace_alphas=GRID if method == "grid" else (),
            ),
        )
        for row, (ids, alpha) in enumerate(zip(asked.prompts, asked.alphas, strict=True))
    ]


def run_engine(
    model: PairModel[Any], cell: Cell, asked: list[RolloutRequest]
) -> tuple[list[Ids], Run]:
    """Decode requests without end-of-sequence tokens, timing prefill and steps apart."""
    engine = Engine(model, frozenset())
    replies: dict[int, Ids] = {}
    steps_s: list[float] = []
    with peak_memory(model.device) as memory:
        start, cpu = time.perf_counter(), time.process_time()
        engine.admit(asked)
        prefill_s = time.perf_counter() - start
        while engine.n_rows:
            before = time.perf_counter()
            for request, ended in engine.step():
                if not isinstance(ended, Rollout):
                    raise ended
                replies[id(request)] = ended.ids
            steps_s.append(time.perf_counter() - before)
        wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    # The last step samples, and has nothing to read on for.
    whole = steps_s[:-1]
    return [replies[id(request)] for request in asked], Run(
        cell=cell,
        n_tokens=_count(replies.values()),
        wall_s=wall_s,
        cpu_s=cpu_s,
        peak_mb=memory.peak_mb,
        prefill_s=prefill_s,
        step_s=sum(whole) / len(whole),
    )


def _count(replies: Iterable[Ids]) -> int:
    return sum(len(reply) for reply in replies)
