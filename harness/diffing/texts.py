"""Corpora of a user: plain text, rows of JSONL, and the logs of a sweep.

Knows files and their forms. What is too long is cut into windows, and what can't be read is an
error that names its place, or is left out and counted.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspect_ai.log import EvalSample

from harness.analysis.behaviours import BENIGN
from harness.analysis.examples import withheld
from harness.analysis.frame import HARMLESS
from harness.decoding.pair_model import Prompt
from harness.diffing.corpus import TEXT, Corpus, CorpusPrompt, KnownText
from harness.diffing.prompts import Asked, begin_text, read_prompt
from harness.errors import DatasetError, PromptTooLong, UnsupportedRequest
from harness.pairs.loading import LoadedPair
from harness.rescoring import find_log_files, known_reply, read_log

# A text's statistics count its windows: of 256 tokens each, a page is some three.
WINDOW_TOKENS = 256
# Of the window before, read but not scored: the first tokens after nothing are hard to predict.
_CONTEXT_TOKENS = 32

_SUFFIXES = (".txt", ".md", ".jsonl")
_REPLY_KEYS = ("reply", "response", "completion")
_KEYS = ("text", "prompt", *_REPLY_KEYS, "id", "category")


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a user's file or folder comes to."""

    corpus: Corpus
    """What is known already; empty where only prompts were given."""
    asked: tuple[Asked, ...] = ()
    """Prompts without a reply, to be answered by both sides."""


def read_given(pair: LoadedPair, path: Path) -> Given:
    """Read a corpus of a user.

    ``.txt`` and ``.md`` are one text; a row of ``.jsonl`` has a ``text``, or a ``prompt`` with a
    ``reply`` (or ``response``, ``completion``) or without one, and may have an ``id`` and a
    ``category``; ``.eval`` logs, or a folder with some, give their prompts and completions.

    Raises:
        DatasetError: for a file that is missing, empty, not UTF-8 or malformed.
        AnalysisError: for a folder without logs, or a log that can't be read.
    """
    if path.is_dir() or path.suffix == ".eval":
        return Given(corpus=_of_logs(pair, path))
    if path.suffix not in _SUFFIXES:
        raise DatasetError(
            f"--corpus {path} is none of {', '.join(_SUFFIXES)}, an .eval log or a folder of logs"
        )
    text = _read(path)
    if path.suffix != ".jsonl":
        windows = list(_windows(pair, path.stem, text))
        _require(windows, path)
        return Given(corpus=_corpus(path, windows, 1))
    return _of_rows(pair, path, text)


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(f"there is no corpus {path}") from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8: byte {error.start} is {error.reason}") from error
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror}") from error
    if not text.strip():
        raise DatasetError(f"the corpus {path} is empty: there is nothing to scan")
    return text


def _require(found: Sequence[object], path: Path) -> None:
    if not found:
        raise DatasetError(f"the corpus {path} holds nothing that can be scanned")


def _windows(
    pair: LoadedPair, name: str, text: str, category: str = TEXT, why: str | None = None
) -> Iterator[CorpusPrompt]:
    """Cut a text into windows; each is read after the last tokens of the one before."""
    ids = (*begin_text(pair), *pair.chat.tokenizer(text, add_special_tokens=False)["input_ids"])
    size = min(WINDOW_TOKENS, pair.model.max_context - 1)
    context = min(_CONTEXT_TOKENS, pair.model.max_context - size)
    for number, start in enumerate(range(1, len(ids), size)):
        before = ids[max(0, start - context) : start]
        yield CorpusPrompt(
            id=f"{name}-{number + 1:04}",
            category=category,
            text="",
            prompt=Prompt(before, before),
            replies=(KnownText(ids=ids[start : start + size], source=TEXT),),
            answers=False,
            withheld=why,
        )


def _corpus(path: Path, prompts: Sequence[CorpusPrompt], n_texts: int, left: int = 0) -> Corpus:
    windows = sum(not one.answers for one in prompts)
    notes = []
    if windows > n_texts:
        notes.append(
            f"{path.name}: {n_texts} texts were cut into {windows} windows of at most "
            f"{WINDOW_TOKENS} tokens, which count as prompts of their own"
        )
    if left:
        notes.append(
            f"{path.name}: {left} replies that don't fit into the model's context together with "
            "their prompt, or are empty, were left out"
        )
    return Corpus(name=path.stem, prompts=tuple(prompts), notes=tuple(notes))


def _of_rows(pair: LoadedPair, path: Path, text: str) -> Given:
    prompts: list[CorpusPrompt] = []
    asked: list[Asked] = []
    n_texts = left = 0
    for line, row in _rows(path, text):
        name, category = str(row.get("id", line)), row.get("category")
        if "text" in row:
            n_texts += 1
            why = _withheld(category) if category is not None else None
            prompts += _windows(pair, name, row["text"], category or TEXT, why)
            continue
        category = category or "uncategorised"
        reply = next((row[key] for key in _REPLY_KEYS if key in row), None)
        if reply is None:
            why = _withheld(category)
            asked.append(Asked(id=name, category=category, text=row["prompt"], withheld=why))
            continue
        one = _answered(pair, name, category, row["prompt"], reply)
        left += one is None
        prompts += [one] if one else []
    _refuse_twice(path, [*(one.id for one in prompts), *(one.id for one in asked)])
    _require([*prompts, *asked], path)
    return Given(corpus=_corpus(path, prompts, n_texts, left), asked=tuple(asked))


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    # Not splitlines(): a JSON string may hold U+2028, which that would split at.
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{path} line {line} is not JSON: {error}") from error
        if not isinstance(row, dict) or not ("text" in row) ^ ("prompt" in row):
            raise DatasetError(
                f"{path} line {line} must be an object with either 'text' or 'prompt', not "
                f"{content.strip()[:40]}"
            )
        for key in row:
            if key not in _KEYS:
                raise DatasetError(
                    f"{path} line {line} has the unknown field '{key}'; it takes {', '.join(_KEYS)}"
                )
        for key, value in row.items():
            if not isinstance(value, str | int if key == "id" else str) or not str(value).strip():
                raise DatasetError(f"{path} line {line}: '{key}' must be text, not {value!r}")
        yield line, row


def _refuse_twice(path: Path, names: Sequence[str]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise DatasetError(f"{path} has the id '{twice[0]}' twice")


def _answered(
    pair: LoadedPair, name: str, category: str, text: str, reply: str
) -> CorpusPrompt | None:
    """A prompt with one known reply; None where they don't fit."""
    prompt = read_prompt(pair, text)
    ids = tuple(pair.chat.tokenizer(reply, add_special_tokens=False)["input_ids"])
    if not ids or prompt.longest + len(ids) > pair.model.max_context:
        return None
    return CorpusPrompt(
        id=name,
        category=category,
        text=text,
        prompt=prompt,
        replies=(KnownText(ids=ids, source=TEXT),),
        withheld=_withheld(category),
    )


def _withheld(category: str) -> str | None:
    """Nothing has scored these replies, so they are as bad as their prompt lets them be."""
    return withheld(category, {}, None)


def _of_logs(pair: LoadedPair, path: Path) -> Corpus:
    """Gather what was said to each prompt of a sweep, at all alphas and epochs."""
    found: dict[tuple[str, Prompt], CorpusPrompt] = {}
    left = 0
    for file in find_log_files([path]):
        log = read_log(file)
        harmless = (log.eval.metadata or {}).get(HARMLESS) is True
        ends = not log.eval.model_generate_config.stop_seqs
        for sample in log.samples or []:
            try:
                known = known_reply(sample, pair, ends=ends)
            except (UnsupportedRequest, PromptTooLong):
                left += 1
                continue
            text = KnownText(ids=known.ids, source=log.eval.model)
            key = str(sample.id), known.prompt
            before = found[key].replies if key in found else ()
            found[key] = _logged(sample, known.prompt, (*before, text), harmless=harmless)
    prompts = list(found.values())
    _require(prompts, path)
    _refuse_twice(path, [one.id for one in prompts])
    return _corpus(path, prompts, 0, left)


def _logged(
    sample: EvalSample, prompt: Prompt, replies: tuple[KnownText, ...], *, harmless: bool
) -> CorpusPrompt:
    category = str((sample.metadata or {}).get("category", "uncategorised"))
    return CorpusPrompt(
        id=str(sample.id),
        category=category,
        text=sample.input if isinstance(sample.input, str) else "",
        prompt=prompt,
        replies=replies,
        withheld=None if harmless or category == BENIGN else _withheld(category),
    )
