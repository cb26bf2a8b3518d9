"""Between text and token ids: the chat template, decoding, stop strings.

Knows a tokenizer; knows no model and no Inspect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from harness.errors import UnsupportedRequest


@dataclass(frozen=True)
class ChatText:
    """How a pair's checkpoints turn chat messages into ids and ids into text."""

    tokenizer: PreTrainedTokenizerBase
    checkpoint: str
    """The tokenizer's origin, for messages."""
    _known: dict[int, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Tokens decoded by themselves so far: a trace names a thousand per rollout."""

    @property
    def eos_ids(self) -> frozenset[int]:
        """Tokens that end a reply."""
        ids = {self.tokenizer.eos_token_id}
        end_of_text = self.tokenizer.get_vocab().get("<|endoftext|>")
        return frozenset(i for i in (*ids, end_of_text) if i is not None)

    def prompt_ids(self, messages: Sequence[dict[str, str]]) -> tuple[int, ...]:
        """Render role and content messages with the chat template, ready for the reply.

        A last message of the assistant is continued instead of answered.

        Raises:
            UnsupportedRequest: if the tokenizer has no chat template, or the template refuses
                the conversation, as some do with system messages.
        """
        if self.tokenizer.chat_template is None:
            raise UnsupportedRequest(
                f"the tokenizer of {self.checkpoint} has no chat template, so chat messages "
                "can't be rendered; use an instruct checkpoint, or save a template with the "
                "tokenizer"
            )
        continues = messages[-1]["role"] == "assistant"
        try:
            text = self.tokenizer.apply_chat_template(
                list(messages),
                add_generation_prompt=not continues,
                continue_final_message=continues,
                tokenize=False,
            )
        except TemplateError as error:
            roles = ", ".join(message["role"] for message in messages)
            raise UnsupportedRequest(
                f"the chat template of {self.checkpoint} does not take a conversation of {roles}: "
                f"{error}. If it knows no system message, put the text into the pair's request "
                "template instead: request = '... {prompt}'"
            ) from error
        # The template writes the special tokens itself.
        return tuple(self.tokenizer(cast(str, text), add_special_tokens=False)["input_ids"])

    def text(self, ids: Sequence[int]) -> str:
        """Decode sampled ids; special tokens, such as the one that ends a reply, leave no text."""
        return cast(
            str,
            self.tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            ),
        )

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """Decode each id by itself, for log-probabilities."""
        return [self._token(i) for i in ids]

    def _token(self, i: int) -> str:
        if i not in self._known:
            text = self.tokenizer.decode([i], clean_up_tokenization_spaces=False)
            self._known[i] = cast(str, text)
        return self._known[i]

    def stop_check(self, strings: Sequence[str]) -> Callable[[Sequence[int]], bool] | None:
        """Return a check whether a reply has reached one of the stop strings, if there are any."""
        return _StopCheck(self, tuple(strings)) if strings else None

    def before_stop(self, text: str, strings: Sequence[str]) -> str:
        """Cut a reply at its first stop string."""
        ends = [text.find(string) for string in strings if string in text]
        return text[: min(ends)] if ends else text


@dataclass(frozen=True)
class _StopCheck:
    """Whether a reply has reached a stop string; checks for the same strings are equal."""

    chat: ChatText
    strings: tuple[str, ...]

    def __call__(self, ids: Sequence[int]) -> bool:
        # A token decodes to at least one byte, so the string's bytes bound its tokens; the
        # margin is for a character that several tokens make up.
        tail = max(len(string.encode()) for string in self.strings) + 4
        text = self.chat.text(ids[-tail:])
        return any(string in text for string in self.strings)
