"""Asking an OpenAI-compatible server for the likeliest next tokens.

Knows HTTP and the forms in which servers name tokens; knows no pairs. One request is one row's
next token: ``POST /completions`` with the row's token ids, ``max_tokens=1`` and ``logprobs=k``.
"""

import os
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import torch

from harness.errors import ConfigurationError, EndpointError
from harness.pairs.side import Endpoint
from harness.pairs.top_logprobs import TopLogprobs

# Doubled at every further attempt: 0.5, 1, 2, 4 and 8 s with the default of five retries.
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0

_BUSY = frozenset({408, 409, 429, 500, 502, 503, 504})
"""Answers that may be others a moment later."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What a server's tokens mean here."""

    ids: Mapping[str, int]
    """From a token's text to its id, for servers that name tokens by text."""
    eos_id: int
    """Stands for an empty answer: asked for one token at temperature 0, a server that gives none
    has ended the text."""
    size: int
    """One more than the largest id."""


class EndpointClient:
    """Asks one server about many rows at a time.

    Args:
        endpoint: where, and how patiently.
        vocabulary: what its tokens mean.
        k: tokens to ask for.

    Raises:
        ConfigurationError: if the key's environment variable is not set.
    """

    def __init__(self, endpoint: Endpoint, vocabulary: Vocabulary, k: int) -> None:
        self._endpoint = endpoint
        self._vocabulary = vocabulary
        self._k = k
        self._reached = False
        self._client = httpx.Client(
            headers=_headers(endpoint),
            timeout=endpoint.timeout_s,
            limits=httpx.Limits(max_connections=endpoint.concurrency),
        )
        self._workers = ThreadPoolExecutor(endpoint.concurrency, thread_name_prefix="endpoint")

    def next_tokens(self, rows: Sequence[tuple[int, ...]]) -> TopLogprobs:
        """Ask for the likeliest tokens after each row's ids.

        Raises:
            EndpointError: if the server can't be reached, refuses, or names no known tokens.
        """
        answers = list(self._workers.map(self._ask, rows))
        longest = max(len(answer) for answer in answers)
        # A shorter list repeats its first token, which changes neither its tokens nor its least.
        padded = [[*a.items(), *[next(iter(a.items()))] * (longest - len(a))] for a in answers]
        return TopLogprobs(
            torch.tensor([[i for i, _ in row] for row in padded]),
            torch.tensor([[logp for _, logp in row] for row in padded], dtype=torch.float32),
        )

    def _ask(self, ids: tuple[int, ...]) -> dict[int, float]:
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "prompt": list(ids),
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": self._k,
        }
        if self._endpoint.dialect == "vllm":
            body["return_tokens_as_token_ids"] = True
        return self._named(self._post(body))

    def _post(self, body: dict[str, Any]) -> Any:
        url = f"{self._endpoint.url.rstrip('/')}/completions"
        for attempt in range(self._endpoint.retries + 1):
            last = attempt == self._endpoint.retries
            wait_s = min(_FIRST_WAIT_S * 2**attempt, _LONGEST_WAIT_S) * random.uniform(0.8, 1.2)
            try:
                response = self._client.post(url, json=body)
            except httpx.TransportError as error:
                # A server that was never reached is more likely misspelt than busy.
                if last or (isinstance(error, httpx.ConnectError) and not self._reached):
                    raise EndpointError(_unreachable(url, error, attempt + 1)) from error
            else:
                self._reached = True
                if response.is_success:
                    return _json(url, response)
                if last or response.status_code not in _BUSY:
                    raise EndpointError(_refused(url, response, attempt + 1))
                wait_s = max(wait_s, _retry_after_s(response))
            time.sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")

    def _named(self, answer: Any) -> dict[int, float]:
        """Return the log-probability of each named token, likeliest first."""
        try:
            choice = answer["choices"][0]
            lists = (choice.get("logprobs") or {})["top_logprobs"]
            named = {} if not lists else lists[0]
            ended = not lists and choice.get("finish_reason") == "stop"
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise EndpointError(
                f"{self._endpoint.url} gave no top_logprobs for model {self._endpoint.model}: a "
                "pair needs a server whose /completions returns them"
            ) from error
        if ended:
            return {self._vocabulary.eos_id: 0.0}
        known = {
            i: float(logp)
            for token, logp in sorted(named.items(), key=lambda item: -item[1])
            if (i := self._id(token)) is not None
        }
        if not known:
            raise EndpointError(
                f"{self._endpoint.url} named {len(named)} tokens ({', '.join(list(named)[:3])}) "
                "and none is in the tokenizer; give the checkpoint whose tokenizer the server "
                "uses, or dialect = 'vllm' if it names tokens by their ids"
            )
        return known

    def _id(self, token: str) -> int | None:
        number = token.removeprefix("token_id:")
        if number != token and number.isdecimal():
            return int(number) if int(number) < self._vocabulary.size else None
        return self._vocabulary.ids.get(token)


def _headers(endpoint: Endpoint) -> dict[str, str]:
    if endpoint.key_env is None:
        return {}
    key = os.environ.get(endpoint.key_env)
    if not key:
        raise ConfigurationError(
            f"the endpoint {endpoint.url} needs a key, and the environment variable "
            f"{endpoint.key_env} is not set; export it, or leave key_env out"
        )
    return {"Authorization": f"Bearer {key}"}


def _json(url: str, response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise EndpointError(f"{url} answered {response.text[:80]!r}, which is not JSON") from error


def _retry_after_s(response: httpx.Response) -> float:
    try:
        return min(float(response.headers["retry-after"]), _LONGEST_WAIT_S)
    except (KeyError, ValueError):
        return 0.0


def _unreachable(url: str, error: Exception, attempts: int) -> str:
    reason = str(error) or type(error).__name__
    return f"{url} can't be reached after {attempts} attempts: {reason}; is the server running?"


def _refused(url: str, response: httpx.Response, attempts: int) -> str:
    said = " ".join(response.text.split())[:200]
    return f"{url} answered {response.status_code} after {attempts} attempts: {said}"
