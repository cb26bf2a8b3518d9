"""Whether special tokens or role headers that belong to a chat template stand in a response.

Code and text about chat templates name them too: what is fenced, quoted or spoken of as a token
does not count. Knows the tokens of common templates; knows no tokenizer.
"""

import re
from dataclasses import dataclass

# Those of ChatML, Llama 2 and 3, Gemma, Mistral, Phi and BERT, and whatever is written like them.
_TOKEN = re.compile(
    r"<\|[a-z][a-z0-9_]{1,40}\|>"
    r"|</?(?:s|eos|bos|pad|unk|mask|sep|cls)>"
    r"|</?(?:start|end)_of_(?:turn|text|role|image)>"
    r"|\[/?(?:INST|SYS|PAD|UNK|CLS|SEP|MASK)\]"
    r"|<</?SYS>>",
    re.IGNORECASE,
)
_ROLE = r"(?:assistant|user|system|model|human)"
# A header whose special tokens were stripped: a role alone on its line, or glued to a sentence.
_HEADER = re.compile(
    rf"(?<=\S\n)(?:\n)?{_ROLE}\n+(?=\S)"
    rf"|(?<=[.!?])(?:assistant|user)\n+(?=\S)"
    r"|^\#\#\# ?(?:Instruction|Response|Human|Assistant|User|Input):[ ]*$",
    re.MULTILINE,
)
_ROLE_LINE = re.compile(rf"\s*{_ROLE}\s*", re.IGNORECASE)

_FENCED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|\"[^\"\n]{1,80}\"|'[^'\n]{1,80}'", re.DOTALL)
# Spoken of: the sentence, or the text around, says what kind of thing it is.
_SPOKEN_OF = re.compile(
    r"\b(?:tokens?|tokenizers?|tokeni[sz](?:e|es|ed|ing|ation)|tags?|templates?|chatml|html|markup"
    r"|delimiters?|markers?|prompt format|special (?:string|sequence|character)s?|placeholders?"
    r"|fill-mask|bert)\b",
    re.IGNORECASE,
)
_STRUCK_OUT = re.compile(r"<s>[^<\n]+</s>", re.IGNORECASE)

# A text that names the kind of thing and is still made of little else leaks.
_MOST_SPOKEN_OF = 0.3


@dataclass(frozen=True)
class LeakedTokens:
    """What leaked."""

    first: str
    """The first leaked token or header; empty where there is none."""
    count: int
    leaked: bool


def find_leaked_tokens(text: str) -> LeakedTokens:
    """Look for template tokens and role headers outside of code, quotations and talk of them."""
    found = [*_TOKEN.finditer(text)] if "<" in text or "[" in text else []
    headers = [match for match in _HEADER.finditer(text) if not _lists_roles(text, match)]
    if not found and not headers:
        return LeakedTokens("", 0, False)
    spans = [match.span() for kind in (_FENCED, _STRUCK_OUT) for match in kind.finditer(text)]
    found, headers = (
        [match for match in matches if not any(a <= match.start() < b for a, b in spans)]
        for matches in (found, headers)
    )
    length = sum(len(match[0]) for match in (*found, *headers))
    if length < _MOST_SPOKEN_OF * len(text) and _SPOKEN_OF.search(_TOKEN.sub(" ", text)):
        return LeakedTokens("", 0, False)
    leaked = sorted((*found, *headers), key=lambda match: match.start())
    first = leaked[0][0].strip() if leaked else ""
    return LeakedTokens(first, len(leaked), bool(leaked))


def _lists_roles(text: str, header: re.Match[str]) -> bool:
    """Whether the next line is a role as well: such a list names them, it doesn't speak as one."""
    after = text[header.end() :].split("\n", 1)[0]
    before = text[: header.start()].rstrip("\n").rpartition("\n")[2]
    return bool(_ROLE_LINE.fullmatch(after) or _ROLE_LINE.fullmatch(before))
