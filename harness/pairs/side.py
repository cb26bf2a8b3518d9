"""One side of a pair: which weights, how they are changed, and how they are conditioned.

Knows names, numbers and texts, and which of them contradict each other; loads nothing.
"""

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

from harness.errors import ConfigurationError

EMBEDDED = "embedded"
"""The checkpoint's name of the model that comes with the installation."""

ORGANISM = "organism:"
"""Stands before an organism's name where its adapter is meant, such as ``organism:refuser``."""

PROMPT_FIELD = "{prompt}"
"""Where a request template takes the request itself."""

Quantization = Literal["nf4", "int8"]
Dialect = Literal["openai", "vllm"]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One example exchange of a few-shot prompt."""

    user: str
    """What was asked."""
    assistant: str
    """What was answered."""


@dataclass(frozen=True, kw_only=True)
class Steering:
    """A vector that is added to the hidden states after one layer."""

    layer: int
    """Index of the decoder layer whose output is changed, from 0."""
    strength: float = 1.0
    """What the vector is multiplied by, unitless."""
    vector: str | None = None
    """A safetensors file with one tensor, [hidden size]."""
    positive: tuple[str, ...] = ()
    """Texts that show what to steer towards; the vector is the mean difference of hidden states
    between these and ``negative``, at each text's last token."""
    negative: tuple[str, ...] = ()
    """Texts that show what to steer away from."""

    def __post_init__(self) -> None:
        if self.layer < 0:
            raise ConfigurationError(f"steering: layer must be 0 or above, not {self.layer}")
        if not math.isfinite(self.strength):
            raise ConfigurationError(f"steering: strength must be finite, not {self.strength}")
        if (self.vector is None) == (not self.positive or not self.negative):
            raise ConfigurationError(
                "steering needs either vector (a safetensors file), or positive and negative "
                "(lists of texts)"
            )


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible server that gives a side's likeliest tokens."""

    url: str
    """Up to and without ``/completions``, such as ``http://127.0.0.1:8000/v1``."""
    model: str
    """The model's name there."""
    key_env: str | None = None
    """The environment variable that holds the key; None sends none."""
    dialect: Dialect = "openai"
    """How tokens are named in answers: ``openai`` by their text, ``vllm`` by their ids."""
    concurrency: int = 16
    """Most requests in flight."""
    timeout_s: float = 60.0
    """Longest wait for one answer."""
    retries: int = 5
    """Further attempts after 429, a server's error or a timeout."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ConfigurationError(f"endpoint: url must start with http, not '{self.url}'")
        if "@" in self.url or "?" in self.url:
            raise ConfigurationError(
                "endpoint: url holds an @ or a ?, and it is written to logs; name the key's "
                "environment variable by key_env"
            )
        if self.concurrency < 1 or self.retries < 0 or not 0 < self.timeout_s < math.inf:
            raise ConfigurationError(
                "endpoint: concurrency must be 1 or above, retries 0 or above and timeout_s above "
                f"0, not {self.concurrency}, {self.retries} and {self.timeout_s}"
            )


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a pair: a checkpoint, what is done to it, and what it is told."""

    checkpoint: str
    """A folder, a GGUF file, a hub name, or ``embedded``; with an endpoint, the tokenizer's."""
    adapter: str | tuple[str, ...] | None = None
    """Folders or hub names with peft adapters in safetensors, or ``organism:NAME``; the effects of
    several add up."""
    adapter_layers: str | None = None
    """The layers that the adapters act in, such as ``0-9`` or ``3,5,8-11``; None for all."""
    quantization: Quantization | None = None
    """How the weights are rounded by bitsandbytes; None leaves them as they are."""
    steering: Steering | None = None
    """A vector added to the hidden states."""
    exit_layer: int | None = None
    """Read the logits after this layer, from 0, instead of after the last one."""
    endpoint: Endpoint | None = None
    """Ask a server instead of loading weights."""
    system_prompt: str | None = None
    """Put first, before a system message of the task."""
    few_shot: tuple[Turn, ...] = ()
    """Exchanges put after the system prompt."""
    request: str | None = None
    """What the last user message is put into, at ``{prompt}``."""
    prefix: str | None = None
    """What the reply begins with; it is continued and is not part of the reply's text."""

    def __post_init__(self) -> None:
        for name in ("checkpoint", "adapter_layers", "system_prompt", "request", "prefix"):
            if getattr(self, name) == "":
                raise ConfigurationError(f"{name} is empty; give a text or leave it out")
        if "" in self.adapters or self.adapter == ():
            raise ConfigurationError("adapter is empty; give a folder or a hub name")
        if self.request is not None and PROMPT_FIELD not in self.request:
            raise ConfigurationError(
                f"request '{self.request}' has no {PROMPT_FIELD}, so every prompt would be the "
                f"same; write for instance 'As a safety trainer: {PROMPT_FIELD}'"
            )
        if self.quantization not in (None, *get_args(Quantization)):
            choices = ", ".join(get_args(Quantization))
            raise ConfigurationError(f"quantization '{self.quantization}' is not one of {choices}")
        if self.adapter_layers is not None:
            parse_layers(self.adapter_layers)
            if not self.adapters:
                raise ConfigurationError("adapter_layers is given, but there is no adapter")
        if self.exit_layer is not None and self.exit_layer < 0:
            raise ConfigurationError(f"exit_layer must be 0 or above, not {self.exit_layer}")
        if self.endpoint is not None and self._changes_weights:
            raise ConfigurationError(
                "a side with an endpoint takes no adapter, quantization, steering or exit_layer: "
                "its weights are the server's"
            )

    @property
    def adapters(self) -> tuple[str, ...]:
        """All adapters, in their order."""
        if self.adapter is None:
            return ()
        return (self.adapter,) if isinstance(self.adapter, str) else self.adapter

    @property
    def _changes_weights(self) -> bool:
        changes = (self.adapter, self.quantization, self.steering, self.exit_layer)
        return any(change is not None for change in changes)

    def settings(self) -> dict[str, object]:
        """Return what is set beyond the checkpoint and the adapters, nested as in a pair file."""
        return _given(self, without=("checkpoint", "adapter"))

    def to_dict(self) -> dict[str, object]:
        """Return the side for logs and reports: checkpoint, adapter, and what else is set."""
        adapter = list(self.adapter) if isinstance(self.adapter, tuple) else self.adapter
        return {"checkpoint": self.checkpoint, "adapter": adapter, **self.settings()}


def parse_layers(text: str) -> frozenset[int]:
    """Read a set of layers: ``3,5,8-11`` is 3, 5, 8, 9, 10 and 11.

    Raises:
        ConfigurationError: if it is not such a list.
    """
    layers: set[int] = set()
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ConfigurationError(f"layers '{text}' are not a list such as 0-9 or 3,5,8-11")
        found = range(int(first), int(last if dash else first) + 1)
        if not found:
            raise ConfigurationError(f"layers '{text}': {part.strip()} runs backwards")
        layers.update(found)
    return frozenset(layers)


def _given(item: object, without: tuple[str, ...] = ()) -> dict[str, object]:
    """Return a dataclass's fields that are set, as plain values."""
    values = {
        one.name: getattr(item, one.name)
        for one in fields(item)  # type: ignore[arg-type]  # only dataclasses come here
        if one.name not in without
    }
    return {name: _plain(value) for name, value in values.items() if value not in (None, ())}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return _given(value) if isinstance(value, Steering | Endpoint | Turn) else value
