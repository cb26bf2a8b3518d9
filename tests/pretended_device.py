"""A device that computes on the CPU and behaves as a GPU does where code can go wrong.

Tensors on it don't mix with tensors elsewhere, what they hold is known to the host only by a
transfer, which is counted, and work on it can be recorded and replayed as a CUDA graph is: the same
operations on the same memory, whatever Python has done since. So a machine without a GPU can tell
whether code is right on one in all but speed and rounding.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple
from unittest.mock import patch
from weakref import WeakSet

import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map, tree_map_only

NAME = "pretended"

aten = torch.ops.aten
_COPIES = {aten._to_copy.default, aten.copy_.default}
_WAITS = {
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten.allclose.default,
    aten.is_nonzero.default,
}


class _Module(backend_registration._DummyBackendModule):
    """Tells other libraries of no device: it is there for those who name it."""

    def is_available(self) -> bool:
        return False


@cache
def _register() -> None:
    """Make the device's name known to torch, once in a process."""
    backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=_Module())


class PretendedTensor(torch.Tensor):
    """A tensor that says it is on the pretended device and keeps its numbers on the CPU."""

    kept: Tensor

    @staticmethod
    def __new__(cls, kept: Tensor, device: torch.device) -> "PretendedTensor":
        """Wrap a CPU tensor."""
        with torch.inference_mode(False):
            made = torch.Tensor._make_wrapper_subclass(
                cls,
                kept.shape,
                strides=kept.stride(),
                storage_offset=kept.storage_offset(),
                dtype=kept.dtype,
                device=device,
            )
        made.kept = kept
        return made

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        """Say what it holds."""
        return f"PretendedTensor({self.kept}, device='{self.device}')"

    def tolist(self) -> Any:
        """Transfer it to the host first, as tensors on other devices do."""
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Refuse: without the device's mode nothing is computed."""
        raise AssertionError(f"{func} outside of pretended_gpu()")


class _Call(NamedTuple):
    """One recorded operation, and what it wrote to."""

    func: Any
    args: Any
    kwargs: Any
    results: list[Any]


class Pretence(TorchDispatchMode):
    """While it is entered, tensors can be on the pretended device."""

    def __init__(self) -> None:
        super().__init__()
        self.transfers = 0
        """Times that the host has waited for what the device holds."""
        self.calls = 0
        """Operations that the host has asked the device for; a replay is one."""
        self.graphs: WeakSet[PretendedGraph] = WeakSet()
        """Those that somebody holds."""
        self.n_recorded = 0
        """Recordings that came to their end."""
        self._recording: list[_Call] | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute on the CPU, and say where the result is."""
        kwargs = dict(kwargs or {})
        # Where no gradients are kept, operations come as they were called: ``to``, ``linear``.
        with self:
            made_of = func.decompose(*args, **kwargs)
        if made_of is not NotImplemented:
            return made_of
        if func in _COPIES:
            return self._copy(func, args, kwargs)
        asked = kwargs.get("device")
        if asked is not None:
            if torch.device(asked).type != NAME:
                return func(*args, **kwargs)
            return self._compute(func, args, {**kwargs, "device": "cpu"}, _indexed(asked))
        device = _device_of(func, [*tree_leaves((args, kwargs))])
        if device is None:
            return func(*args, **kwargs)
        if func is aten.index.Tensor:
            self._index(func, args[1])
        elif func in _WAITS:
            self._wait(func)
        return self._compute(func, args, kwargs, device)

    def _compute(self, func: Any, args: Any, kwargs: Any, device: torch.device) -> Any:
        self.calls += 1
        bare, bare_kwargs = tree_map_only(PretendedTensor, lambda one: one.kept, (args, kwargs))
        found = _results(func, bare, bare_kwargs)
        if self._recording is not None:
            results = [one for one in tree_leaves(found) if isinstance(one, Tensor)]
            self._recording.append(_Call(func, bare, bare_kwargs, results))
        known = {
            id(one.kept): one
            for one in tree_leaves((args, kwargs))
            if isinstance(one, PretendedTensor)
        }

        def wrapped(one: Any) -> Any:
            if not isinstance(one, Tensor):
                return one
            return known[id(one)] if id(one) in known else PretendedTensor(one, device)

        return tree_map(wrapped, found)

    def _copy(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Copy between devices, or on one."""
        if func is aten._to_copy.default:
            source = args[0]
            to = kwargs.pop("device", None) or source.device
        else:
            source, to = args[1], args[0].device
        here, there = isinstance(source, PretendedTensor), torch.device(to).type == NAME
        if here and not there:
            self._wait(func)
        if there and not here:
            self._enter(func)
        if not there:
            bare = tree_map_only(PretendedTensor, lambda one: one.kept, args)
            return func(*bare, **kwargs)
        return self._compute(func, args, kwargs, _indexed(to))

    def _index(self, func: Any, indices: Any) -> None:
        """Indices may lie with the host, which brings them; how many a mask tells is waited for."""
        for one in indices:
            if one is not None and not isinstance(one, PretendedTensor):
                self._enter(func)
            elif one is not None and one.dtype == torch.bool:
                self._wait(func)

    def _wait(self, func: Any) -> None:
        if self._recording is not None:
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        self.transfers += 1

    def _enter(self, func: Any) -> None:
        """A number of the host's would stay what it was when the work was recorded."""
        if self._recording is not None:
            raise RuntimeError(f"{func} from the host while recording")

    @contextmanager
    def recording(self) -> Iterator[list[_Call]]:
        """Record what is done inside."""
        calls: list[_Call] = []
        self._recording = calls
        try:
            yield calls
            self.n_recorded += 1
        finally:
            self._recording = None

    def replay(self, calls: list[_Call]) -> None:
        """Do recorded operations again, on the same memory."""
        self.calls += 1
        for call in calls:
            found = _results(call.func, call.args, call.kwargs)
            again = [one for one in tree_leaves(found) if isinstance(one, Tensor)]
            for into, new in zip(call.results, again, strict=True):
                if into.data_ptr() != new.data_ptr():
                    into.copy_(new)


class PretendedGraph:
    """What :class:`harness.pairs.step_graphs.CudaGraph` is on a GPU."""

    def __init__(self, device: Pretence) -> None:
        self._device = device
        self._calls: list[_Call] = []
        device.graphs.add(self)

    def record(self, run: Callable[[], Tensor]) -> Tensor:
        with self._device.recording() as self._calls:
            return run()

    def replay(self) -> None:
        self._device.replay(self._calls)


@contextmanager
def pretended_gpu(graph: Callable[[Pretence], Any] = PretendedGraph) -> Iterator[Pretence]:
    """Let tensors be on the pretended device inside, and steps on it be recorded.

    Args:
        graph: makes what records a step.
    """
    _register()
    device = Pretence()

    def maker(of: torch.device) -> Callable[[], Any] | None:
        return (lambda: graph(device)) if of.type == NAME else None

    # torch.tensor() builds on the CPU then, and moves what it has built by a copy that is seen.
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with patch("harness.pairs.reader.graph_maker", maker), device:
            yield device
    finally:
        torch._C._set_only_lift_cpu_tensors(before)


def _device_of(func: Any, given: list[Any]) -> torch.device | None:
    """Return the pretended device that an operation is on, or None for the CPU.

    Raises:
        RuntimeError: if its tensors are on several; numbers and indices may be the host's.
    """
    tensors = [one for one in given if isinstance(one, Tensor)]
    devices = {one.device for one in tensors if isinstance(one, PretendedTensor)}
    if not devices:
        return None
    if func is not aten.index.Tensor:
        devices |= {one.device for one in tensors if one.dim()}
    if len(devices) > 1:
        raise RuntimeError(f"{func}: tensors on {', '.join(sorted(map(str, devices)))}")
    return devices.pop()


def _results(func: Any, args: Any, kwargs: Any) -> Any:
    if func is aten.histc.default and not args[0].is_floating_point():
        # GPUs count whole numbers, and CPUs don't.
        return func(args[0].float(), *args[1:], **kwargs).to(args[0].dtype)
    return func(*args, **kwargs)


def _indexed(device: torch.device | str) -> torch.device:
    device = torch.device(device)
    return device if device.index is not None else torch.device(device.type, 0)
