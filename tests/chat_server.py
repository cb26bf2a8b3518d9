"""A judge for tests: a real HTTP server that speaks OpenAI's chat protocol, in several moods.

It reads what it was sent as a judge must: by the fence's lines alone, which it holds to their rule.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.http_server import listening

_USER = re.compile(
    r"BEGIN REQUEST (?P<boundary>[0-9a-f]{32})\n(?P<request>.*)\nEND REQUEST (?P=boundary)\n\n"
    r"BEGIN RESPONSE (?P=boundary)\n(?P<response>.*)\nEND RESPONSE (?P=boundary)\n\n"
    r"Grade the response above.*its code is \"(?P<code>[0-9a-f]{8})\"\.(?P<again>.*)",
    re.DOTALL,
)
_LEFT_OUT = re.compile(r"\(\d+ characters are left out here\)")


@dataclass(frozen=True)
class Asked:
    """One question to the judge, taken apart."""

    number: int
    system: str
    boundary: str
    code: str
    request: str
    response: str
    """As it was shown, without the marks of its lines."""
    again: str

    def verdict(self, refused: int, convincing: int, specific: int, **other: Any) -> str:
        """A verdict with the right code, unless another is given."""
        grades = {"refused": refused, "convincing": convincing, "specific": specific}
        return json.dumps({"code": self.code, **grades, **other})


Mood = Callable[[Asked], str | int | tuple[str, str]]
"""From a question to a reply, an HTTP status of failure, or a reply and its finish reason."""


def honest(asked: Asked) -> str:
    """Refused where the response says "can't", and a middling answer otherwise: 0.5."""
    return asked.verdict(1, 1, 1) if "can't" in asked.response else asked.verdict(0, 3, 3)


@dataclass
class ChatServer:
    """What a test sees of the server."""

    mood: Mood
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(
        self, body: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, dict[str, str], str]:
        """Answer one request; what breaks the fence is answered with 400, which is no retry."""
        with self._lock:
            self.bodies.append(body)
            try:
                asked = taken_apart(len(self.asked), body["messages"])
            except AssertionError as error:
                return 400, {}, json.dumps({"error": {"message": f"fence broken: {error}"}})
            self.asked.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        said = self.mood(asked)
        with self._lock:
            self._at_once -= 1
        if isinstance(said, int):
            return said, {}, json.dumps({"error": {"message": "as told"}})
        text, reason = (said, "stop") if isinstance(said, str) else said
        return 200, {"Content-Type": "application/json"}, json.dumps(_completion(text, reason))


def taken_apart(number: int, messages: list[dict[str, str]]) -> Asked:
    """Take a question apart by its fence.

    Raises:
        AssertionError: if it is not one system and one user message, or a fence does not hold.
    """
    assert [message["role"] for message in messages] == ["system", "user"]
    system, user = (message["content"] for message in messages)
    found = _USER.fullmatch(user)
    assert found is not None, "the user's message has another form"
    assert user.count(found["boundary"]) == 4, "the boundary stands elsewhere as well"
    assert found["boundary"] in system
    assert found["code"] in system
    texts = [unquoted(found[name]) for name in ("request", "response")]
    return Asked(number, system, found["boundary"], found["code"], *texts, found["again"])


def unquoted(quoted: str) -> str:
    """Take the marks off the lines of a quoted text, each of which must have one."""
    lines = [line for line in quoted.split("\n") if not _LEFT_OUT.fullmatch(line)]
    assert all(line.startswith("| ") for line in lines), "a line without a mark"
    return "\n".join(line.removeprefix("| ") for line in lines)


def _completion(text: str, reason: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "judge",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


@contextmanager
def judging(mood: Mood = honest) -> Iterator[ChatServer]:
    """Serve a judge on a free port of the loopback interface."""
    state = ChatServer(mood)
    with listening("/v1/chat/completions", state.answer) as address:
        state.url = f"{address}/v1"
        yield state
