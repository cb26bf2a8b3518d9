"""Seeded ways in which a coherent answer can fall apart.

Knows plain text and a random generator alone; knows no scorer, so that it can measure any. What a
corruption makes of a text depends on the text and the generator's state, on nothing else.
"""

import json
import random
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"

Corruption = Callable[[str, random.Random], str]


class SourceText(NamedTuple):
    """A sensible answer."""

    kind: str
    """What sort of answer: ``recipe``, ``refusal``, ``code``."""
    prompt: str
    text: str
    stop_reason: str = "stop"
    """Inspect's; ``max_tokens`` where a limit cut the answer off."""


def read_texts(name: str) -> list[SourceText]:
    """Read ``coherent``, ``hard_negatives`` or ``sampled`` from the data beside this file.

    The first two were written for this project; the last are replies of the embedded model to the
    prompts of the first, at temperature 0.7.
    """
    lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [SourceText(**json.loads(line)) for line in lines]


# Loops run on for as long as a reply that never ends would: to a token limit.
_LEAST_LOOP_WORDS, _MOST_LOOP_WORDS = 48, 240
# What a reply still says after it has lost its way.
_LEAST_TAIL_WORDS, _MOST_TAIL_WORDS = 30, 160

_ROLE_TOKENS = (
    "<|im_start|>",
    "<|im_end|>",
    "<|im_start|>assistant\n",
    "<|im_end|>\n<|im_start|>user\n",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "</s>",
    "</s><s>",
    "[INST] [/INST] ",
    "[/INST]",
    "<start_of_turn>model\n",
    "<eos>",
    "<pad>",
    "assistant\n",
    "assistant",
    "assistant: ",
    "user\nassistant\n",
    "User: \nAssistant: \n",
    "### Response:\n",
    "### Instruction:\n### Response:\n",
)
# Tokens that small models fall into: words, pieces of words, signs, blank lines between them.
_SINGLE_TOKENS = ("the", "and", "is", "ing", "!", "?", "...", "\u2014", "0", "ha", "\\", "=", "I")

# First and last code point of letters in use; hardly any of them is a mark or unassigned.
_SCRIPTS = {
    "latin": (0x61, 0x7A),
    "greek": (0x3B1, 0x3C9),
    "cyrillic": (0x430, 0x44F),
    "hebrew": (0x5D0, 0x5EA),
    "arabic": (0x627, 0x64A),
    "devanagari": (0x905, 0x939),
    "thai": (0xE01, 0xE30),
    "hangul": (0xAC00, 0xD7A3),
    "hiragana": (0x3041, 0x3096),
    "chinese": (0x4E00, 0x9FA5),
    "georgian": (0x10D0, 0x10F0),
    "armenian": (0x561, 0x586),
}


def loop_phrase(text: str, rng: random.Random) -> str:
    """Repeat two to eight successive words of the text."""
    words = text.split()
    n = min(len(words), rng.randint(2, 8))
    start = rng.randrange(len(words) - n + 1)
    return _repeated(" ".join(words[start : start + n]), " ", _loop_words(rng))


def loop_line(text: str, rng: random.Random) -> str:
    """Repeat a sentence or line of the text on lines of its own, sometimes as numbered items."""
    lines = [one for one in _sentences(text) if any(char.isalpha() for char in one)]
    line, words = rng.choice(lines), _loop_words(rng)
    n = max(4, words // max(1, len(line.split())))
    if rng.random() < 0.3:
        return "\n".join(f"{i}. {line}" for i in range(1, n + 1))
    return rng.choice(("\n", "\n\n", "\n- ")).join([line] * n)


def loop_token(text: str, rng: random.Random) -> str:
    """Repeat one word of the text, or a token that models fall into."""
    token = rng.choice((rng.choice(text.split()), rng.choice(_SINGLE_TOKENS)))
    between = rng.choice(("", " ", "\n", ", "))
    return between.join([token] * _loop_words(rng))


def loop_role(text: str, rng: random.Random) -> str:
    """Repeat a special token or the name of a role."""
    return rng.choice(_ROLE_TOKENS) * rng.randint(12, 80)


def late_loop(text: str, rng: random.Random) -> str:
    """Let the text fall into a loop of a phrase, a line or a word at its end."""
    words = rng.randint(_LEAST_TAIL_WORDS, _MOST_TAIL_WORDS)
    kind = rng.choice(("phrase", "sentence", "word"))
    if kind == "sentence":
        sentence = _sentences(text)[-1]
        return f"{text} " + _repeated(sentence, " ", max(words, 5 * len(sentence.split())))
    source = text.split()
    n = 1 if kind == "word" else min(len(source), rng.randint(2, 8))
    start = rng.randrange(len(source) - n + 1)
    return f"{text} " + _repeated(" ".join(source[start : start + n]), " ", words)


def random_characters(text: str, rng: random.Random) -> str:
    """Draw as many characters as the text has: letters, letters and digits, or all that print."""
    alphabet = rng.choice(
        (
            string.ascii_lowercase,
            string.ascii_letters,
            string.ascii_letters + string.digits,
            string.ascii_letters + string.digits + string.punctuation,
        )
    )
    space = rng.choice((0.0, 0.12, 0.2))
    drawn = (" " if rng.random() < space else rng.choice(alphabet) for _ in range(_length(text)))
    return "".join(drawn)


def character_noise(text: str, rng: random.Random) -> str:
    """Exchange a quarter of the characters for others, blanks included."""
    alphabet = rng.choice(
        (
            string.ascii_lowercase,
            string.ascii_letters + string.digits,
            string.ascii_letters + string.digits + string.punctuation + " ",
        )
    )
    chars = list(text)
    for i in rng.sample(range(len(chars)), round(len(chars) / 4)):
        chars[i] = rng.choice([char for char in alphabet if char != chars[i]])
    return "".join(chars)


def script_soup(text: str, rng: random.Random) -> str:
    """Write letters of many scripts: a script a letter, or a script a word."""
    scripts = list(_SCRIPTS.values())
    if rng.random() < 0.5:
        return "".join(
            _letter(rng.choice(scripts), rng) if char.isalnum() else char for char in text
        )
    words = []
    for word in text.split():
        script = rng.choice(scripts)
        words.append("".join(_letter(script, rng) for _ in word))
    return " ".join(words)


def word_shuffle(text: str, rng: random.Random) -> str:
    """Put the words into a random order."""
    words = text.split()
    rng.shuffle(words)
    return " ".join(words)


def unigram_salad(text: str, rng: random.Random) -> str:
    """Draw as many words as the text has, one by one, from all coherent texts together."""
    return " ".join(rng.choices(_unigrams(), k=len(text.split())))


def window_shuffle(text: str, rng: random.Random, window: int = 6) -> str:
    """Put the words of each stretch of six into a random order."""
    words = text.split()
    stretches = [words[i : i + window] for i in range(0, len(words), window)]
    for stretch in stretches:
        rng.shuffle(stretch)
    return " ".join(word for stretch in stretches for word in stretch)


SURFACE: Mapping[str, Corruption] = {
    "loop_phrase": loop_phrase,
    "loop_line": loop_line,
    "loop_token": loop_token,
    "loop_role": loop_role,
    "late_loop": late_loop,
    "random_characters": random_characters,
    "character_noise": character_noise,
    "script_soup": script_soup,
}
"""Corruptions that show in the text itself."""

ORDER: Mapping[str, Corruption] = {
    "word_shuffle": word_shuffle,
    "unigram_salad": unigram_salad,
    "window_shuffle": window_shuffle,
}
"""Corruptions made of whole words, each where words may stand: a language model sees these."""


def _loop_words(rng: random.Random) -> int:
    return rng.randint(_LEAST_LOOP_WORDS, _MOST_LOOP_WORDS)


def _repeated(phrase: str, between: str, words: int) -> str:
    """Repeat a phrase up to so many words; the last round may break off, as at a token limit."""
    each = len(phrase.split())
    whole = between.join([phrase] * (words // each + 1))
    return between.join(whole.split(between)[:words]) if between == " " else whole


def _sentences(text: str) -> list[str]:
    """Split at line ends and after full stops; good enough to take one of them."""
    lines = (line for line in text.split("\n") if line.strip())
    return [one.strip() for line in lines for one in line.replace(". ", ".\n").split("\n")]


def _length(text: str) -> int:
    return max(40, len(text))


def _letter(script: tuple[int, int], rng: random.Random) -> str:
    return chr(rng.randint(*script))


def _unigrams() -> list[str]:
    return [word for source in read_texts("coherent") for word in source.text.split()]
