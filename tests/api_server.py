"""A real HTTP server on loopback that speaks as much of OpenAI's ``/completions`` as we ask.

One model answers, one request at a time; what it was asked is kept, and answers can be spoiled.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tests.http_server import listening

Spoiler = Callable[[int], tuple[int, dict[str, str], str] | None]
"""From a request's number to a status, headers and body to answer instead, or None."""


@dataclass
class CompletionsServer:
    """What a test sees of the server."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    url: str = ""
    names_end: bool = True
    """Whether an end of sequence is named like other tokens, or leaves the answer empty."""
    delay_s: float = 0.0
    spoil: Spoiler = lambda number: None
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(
        self, body: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, dict[str, str], str]:
        """Return status, headers and body for one request."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(body)
            self.headers.append(headers)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            time.sleep(self.delay_s)
            spoilt = self.spoil(number)
            return spoilt or (200, {}, json.dumps(self._completion(body)))
        finally:
            with self._lock:
                self._at_once -= 1

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        with self._lock, torch.inference_mode():
            logits = self.model(torch.tensor([body["prompt"]])).logits[0, -1].float()
        best = logits.log_softmax(-1).topk(body["logprobs"])
        if not self.names_end and best.indices[0] == self.tokenizer.eos_token_id:
            choice = {"text": "", "logprobs": {"tokens": [], "top_logprobs": []}}
            return {"choices": [{**choice, "finish_reason": "stop"}]}
        by_id = body.get("return_tokens_as_token_ids", False)
        named = {
            f"token_id:{i}" if by_id else self.tokenizer.decode([i]): logp
            for i, logp in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        }
        logprobs = {"tokens": [next(iter(named))], "top_logprobs": [named]}
        return {"choices": [{"text": "", "logprobs": logprobs, "finish_reason": "length"}]}


@contextmanager
def serving(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Iterator[Any]:
    """Serve a model on a free port of the loopback interface."""
    state = CompletionsServer(model, tokenizer)
    with listening("/v1/completions", state.answer) as address:
        state.url = f"{address}/v1"
        yield state
