"""What a side adds to a conversation before it reads it: plain messages in, plain messages out."""

from collections.abc import Sequence

from harness.errors import UnsupportedRequest
from harness.pairs.side import PROMPT_FIELD, Side

Message = dict[str, str]
"""``role`` and ``content``."""


def conditioned(messages: Sequence[Message], side: Side) -> list[Message]:
    """Return the conversation as one side reads it.

    The side's system prompt comes first and a system message of the task follows it in the same
    message; then the example exchanges; then the task's turns, of which the last user message is
    put into the side's request template; then the beginning of the reply.

    Args:
        messages: the task's conversation, at least one message.
        side: how this side is conditioned.

    Raises:
        UnsupportedRequest: if there is a request template and no user message to put into it.
    """
    system, turns = _split(messages)
    texts = [text for text in (side.system_prompt, *system) if text]
    head = [{"role": "system", "content": "\n\n".join(texts)}] if texts or system else []
    shots = [
        {"role": role, "content": content}
        for turn in side.few_shot
        for role, content in (("user", turn.user), ("assistant", turn.assistant))
    ]
    return _begun([*head, *shots, *_asked(turns, side.request)], side.prefix)


def _split(messages: Sequence[Message]) -> tuple[list[str], list[Message]]:
    """Part the system messages that open a conversation from its turns."""
    n = next((i for i, one in enumerate(messages) if one["role"] != "system"), len(messages))
    return [one["content"] for one in messages[:n]], list(messages[n:])


def _asked(turns: list[Message], template: str | None) -> list[Message]:
    if template is None:
        return turns
    at = max((i for i, one in enumerate(turns) if one["role"] == "user"), default=None)
    if at is None:
        raise UnsupportedRequest(
            "this pair puts the request into a template, and the conversation has no user message"
        )
    asked = {"role": "user", "content": template.replace(PROMPT_FIELD, turns[at]["content"])}
    return [*turns[:at], asked, *turns[at + 1 :]]


def _begun(messages: list[Message], prefix: str | None) -> list[Message]:
    """Let the reply begin with the prefix; a reply that the task has begun goes on after it."""
    if prefix is None:
        return messages
    if messages and messages[-1]["role"] == "assistant":
        begun = {"role": "assistant", "content": prefix + messages[-1]["content"]}
        return [*messages[:-1], begun]
    return [*messages, {"role": "assistant", "content": prefix}]
