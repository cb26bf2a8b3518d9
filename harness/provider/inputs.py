"""What a request may hold: text messages, and options that the engine can honour."""

from collections.abc import Sequence

from inspect_ai.model import ChatMessage, ContentReasoning, ContentText, GenerateConfig
from inspect_ai.tool import ToolInfo

from harness.errors import UnsupportedRequest
from harness.model_name import PROVIDER

# Options of Inspect that would change what is sampled and that the engine can't honour: refused
# rather than dropped in silence.
_REFUSED_OPTIONS = (
    "best_of",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "num_choices",
    "prompt_logprobs",
    "effort",
    "verbosity",
    "reasoning_effort",
    "reasoning_mode",
    "reasoning_tokens",
    "fallback_models",
    "response_schema",
    "modalities",
    "extra_body",
)


def refuse_unsupported(tools: Sequence[ToolInfo], config: GenerateConfig) -> None:
    """Refuse what would change the sampled text and can't be honoured, rather than drop it.

    Raises:
        UnsupportedRequest: naming it.
    """
    if tools:
        raise UnsupportedRequest(
            f"{PROVIDER}/ does not support tools yet, and this task passes "
            f"{', '.join(tool.name for tool in tools)}; use a task without tools"
        )
    for option in _REFUSED_OPTIONS:
        value = getattr(config, option)
        if value is not None and not (option == "num_choices" and value == 1):
            raise UnsupportedRequest(f"{PROVIDER}/ can't honour {option}={value!r}; leave it out")


def plain(message: ChatMessage) -> dict[str, str]:
    """Return a message as role and text.

    Raises:
        UnsupportedRequest: for tool messages, images, audio and other media.
    """
    if message.role == "tool" or getattr(message, "tool_calls", None):
        raise UnsupportedRequest(f"{PROVIDER}/ does not support tool messages")
    content = message.content
    if not isinstance(content, str):
        for part in content:
            if not isinstance(part, ContentText | ContentReasoning):
                raise UnsupportedRequest(f"{PROVIDER}/ reads text only, not {part.type}")
    return {"role": message.role, "content": message.text}
