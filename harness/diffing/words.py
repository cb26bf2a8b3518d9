"""From tokens to words that a person can read: pieces completed, spellings merged.

Knows the texts of tokens and how replies go on after them; knows no models.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
# What stands for the end of a reply or another mark of the template: shown as it is.
_MARK = re.compile(r"<[^<>\s]+>")
_VISIBLE = {"\n": "(line break)", "\n\n": "(blank line)", "\t": "(tab)", "": "(nothing)"}
_BLANKS = "(blanks)"
_LETTERS = 3


class Words:
    """Completes tokens to the words that replies hold them in.

    Args:
        records: of a scan.
        texts: decodes ids, each by itself.
        begun: words that amplified replies were seen to begin with, by the token that began them,
            spelled as :func:`bare` does; they stand before those of the records.
        amplified: the tokens of amplified replies, which hold what the records are mere pieces of.
    """

    def __init__(
        self,
        records: pd.DataFrame,
        texts: Callable[[Sequence[int]], list[str]],
        begun: Mapping[str, str] | None = None,
        amplified: Iterable[Sequence[int]] = (),
    ) -> None:
        self._texts = texts
        self._begun = begun or {}
        self._held: dict[int, Counter[str]] = {}
        for _, reply in records.groupby(["prompt_id", "reply"], sort=False):
            self._read(reply["token_id"].tolist(), reply["token"].tolist())
        for ids in amplified:
            self._read(ids, texts(ids))
        self._spellings = Counter[str]()
        for words in self._held.values():
            self._spellings.update(words)

    def _read(self, ids: Sequence[int], tokens: Sequence[str]) -> None:
        """Note of every token of a reply the word that its letters are part of."""
        starts, at = [], 0
        for token in tokens:
            starts.append(at)
            at += len(token)
        text = "".join(tokens)
        spans = iter([*_WORD.finditer(text)])
        word = next(spans, None)
        for i, token, start in zip(ids, tokens, starts, strict=True):
            own = _WORD.search(token)
            if own is None or _MARK.fullmatch(token):
                continue
            letter = start + own.start()
            while word is not None and word.end() <= letter:
                word = next(spans, None)
            if word is not None and word.start() <= letter:
                self._held.setdefault(i, Counter())[word.group()] += 1

    def word(self, token_id: int) -> str:
        """Return the word that a token is or mostly begins or ends; its own text if unseen."""
        begun = self._begun.get(bare(self._texts([token_id])[0]))
        if begun is not None:
            return begun
        held = self._held.get(token_id)
        if held:
            # Alphabetical among equals, so that the same records give the same word.
            return min(held, key=lambda word: (-held[word], word))
        return visible(self._texts([token_id])[0])

    def key(self, token_id: int) -> str:
        """Return what spellings and pieces of one word have in common."""
        return self.word(token_id).casefold()

    def merged(self, token_ids: Iterable[int]) -> dict[str, list[int]]:
        """Group tokens by word, in the order of each group's first."""
        groups: dict[str, list[int]] = {}
        for one in token_ids:
            groups.setdefault(self.key(one), []).append(one)
        return groups

    def name(self, token_ids: Sequence[int]) -> str:
        """Return a group's name: its word in the spelling that replies hold most."""
        words = dict.fromkeys(self.word(one) for one in token_ids)
        return min(words, key=lambda word: -self._spellings[word])

    def spelled(self, token_ids: Sequence[int]) -> tuple[str, ...]:
        """Return the texts of tokens, blanks kept, as they stand in the vocabulary."""
        return tuple(dict.fromkeys(self._texts(token_ids)))


def begun_with(token: str, replies: Iterable[str]) -> str | None:
    """Return the word that most replies to a token begin with; None where there is none of both.

    Args:
        token: as it reads.
        replies: that were made to begin with it, with what followed.
    """
    found = (_WORD.search(reply) for reply in replies)
    words = Counter(one.group() for one in found if one)
    whole = [word for word in words if word.casefold().startswith(bare(token))]
    return min(whole, key=lambda word: (-words[word], word), default=None)


def bare(token: str) -> str:
    """Return what a token's spellings have in common: no blanks around it, and no case."""
    return token.strip().casefold()


def visible(text: str) -> str:
    """Return a token's text without the blanks around it, or what a blank one is called."""
    return text.strip() or _VISIBLE.get(text, _BLANKS)


def tells_something(word: str) -> bool:
    """Whether a word can name a topic: what stands in every text can't, nor can blanks or marks."""
    if word in _VISIBLE.values() or word == _BLANKS or _MARK.fullmatch(word):
        return False
    return sum(map(str.isalpha, word)) >= _LETTERS and word not in ENGLISH_STOP_WORDS
