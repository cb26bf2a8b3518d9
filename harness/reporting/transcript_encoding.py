"""Transcripts as one string of base64 for a page: small, and unable to end a script element.

The string is deflate of: the length of a JSON header in 4 bytes, little-endian; the header in
UTF-8; planes of bytes, one after the other. ``templates/transcripts/decode.js`` reads it.

Header: ``texts`` (of tokens, the most frequent first), ``scorers``, ``prompts`` with their rows
and replies, ``planes`` (the length of each, by name). Planes of tokens:

- ``text``, ``piece``: places in ``texts``, in three planes of a byte each (``text0`` the lowest);
  what a token contributes to the reply is mostly its own text, so ``piece`` is the difference of
  the two places modulo 2^24.
- ``target``, ``amplified``: log-probabilities, 46 times the root of -log p, 255 for unknown ones.
- ``ratio0``, ``ratio1``: log p(target) - log p(baseline) in steps of 0.05 nats, 16 bits with sign.
- ``best``, then the side: 5 bytes for each token that has alternatives. Which token of an earlier
  side it is (target's 0 to 4, baseline's 5 to 9), 10 for a new one, 11 for none: what has less
  than 1 in 10,000 is left out.
- ``new0`` to ``new2``: places of the new ones, token by token, side by side.
- ``fresh``: their log-probabilities, 32 times the root, less that of the place before.
- ``same``: those of the others, in their order, less that of the token they are; both modulo 256.

The root gives 99% and 37% the steps that they need and reaches to 1e-13 (1e-26 for the others).
"""

import base64
import json
import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.transcript_tokens import N_LIKELIEST, SIDES, Floats, Ints, Tokens
from harness.analysis.transcripts import Mark, Prompt, Reply, Transcripts

Bytes = NDArray[np.uint8]

RATIO_STEP_NATS = 0.05
UNKNOWN_RATIO = -(2**15)
LOGP_SCALE, LIKELY_SCALE = 46.0, 32.0
MIN_LOGP_NATS = float(np.log(1e-4))
UNKNOWN_LOGP = 255
NEW, NOTHING = 2 * N_LIKELIEST, 2 * N_LIKELIEST + 1


def encode(transcripts: Transcripts) -> str:
    """Encode transcripts; the same give the same string."""
    replies = [
        reply for prompt in transcripts.prompts for row in prompt.rows for reply in row.replies
    ]
    traced = [(reply.tokens, reply.pieces) for reply in replies if reply.tokens is not None]
    texts, planes = _planes(transcripts.vocabulary, traced)
    scorers = sorted({mark.scorer for reply in replies for mark in reply.marks}, key=_standing)
    header = {
        "texts": texts,
        "scorers": scorers,
        "prompts": [_prompt(prompt, scorers) for prompt in transcripts.prompts],
        "planes": {name: len(plane) for name, plane in planes.items()},
    }
    head = json.dumps(header, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
    parts = [len(head).to_bytes(4, "little"), head, *(one.tobytes() for one in planes.values())]
    # Figures are noise with some order: so they pack 3% smaller, in a fifth of the time.
    packer = zlib.compressobj(6, zlib.DEFLATED, strategy=zlib.Z_FILTERED)
    return base64.b64encode(packer.compress(b"".join(parts)) + packer.flush()).decode()


def logp_levels(logps_nats: Floats, scale: float) -> Bytes:
    """Write log-probabilities in a byte each; an error of half a step in the root."""
    known = np.clip(np.nan_to_num(-logps_nats, nan=0.0), 0.0, None)
    levels = np.minimum(np.rint(scale * np.sqrt(known)), UNKNOWN_LOGP - 1)
    return np.where(np.isnan(logps_nats), UNKNOWN_LOGP, levels).astype(np.uint8)


def _standing(scorer: str) -> tuple[bool, bool, str]:
    """Refusal first, nonsense last: the one is what a sweep asks, the other a doubt about it."""
    return scorer == "nonsense", scorer != "refusal", scorer


def _prompt(prompt: Prompt, scorers: Sequence[str]) -> dict[str, Any]:
    return {
        "id": prompt.sample_id,
        "category": prompt.category,
        "text": prompt.text,
        "rows": [
            {
                "epoch": row.epoch,
                # A string: a page's numbers are exact up to 2^53 only.
                "seed": None if row.seed is None else str(row.seed),
                "replies": [_reply(reply, scorers) for reply in row.replies],
            }
            for row in prompt.rows
        ],
    }


def _reply(reply: Reply, scorers: Sequence[str]) -> dict[str, Any]:
    """Write a reply without its tokens; what is None is left out."""
    traced = reply.tokens is not None
    given = {
        "alpha": reply.alpha,
        "constraint": reply.constraint,
        "note": reply.note,
        "text": None if traced else reply.text,
        "rest": (reply.rest or None) if traced else None,
        "traced": len(reply.pieces) if traced else None,
        "alternatives": 1 if reply.tokens and reply.tokens.likeliest else None,
        "stop": reply.stop_reason,
        "chars": reply.n_chars,
        "tokens": reply.n_tokens,
        "ratio": _finite(reply.log_ratio_nats, 3),
        "marks": sorted((_mark(mark, scorers) for mark in reply.marks), key=lambda one: one[0]),
    }
    return {name: value for name, value in given.items() if value is not None}


def _mark(mark: Mark, scorers: Sequence[str]) -> list[Any]:
    value = _finite(mark.value, 4)
    # JSON knows no infinity, and a page must not call it unscored.
    endless = str(mark.value) if value is None and mark.value is not None else None
    return [scorers.index(mark.scorer), mark.label or endless, value, mark.unit, mark.why]


def _finite(number: float | None, digits: int) -> float | None:
    return None if number is None or not math.isfinite(number) else round(number, digits)


def _planes(
    vocabulary: Sequence[str], traced: Sequence[tuple[Tokens, tuple[str, ...]]]
) -> tuple[list[str], dict[str, Bytes]]:
    """Lay tokens out by figure, since like stands beside like there."""
    places = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
    texts = _joined([tokens.texts for tokens, _ in traced], np.int32)
    made = [places.setdefault(piece, len(places)) for _, pieces in traced for piece in pieces]
    alternatives, new = _alternatives([tokens for tokens, _ in traced])
    order, rank = _by_frequency(len(places), (texts, np.array(made, np.int32), new))
    text, piece = rank[texts], rank[np.array(made, np.int32)]
    logps = {
        side: _joined([tokens.logps_nats[side] for tokens, _ in traced], np.float32)
        for side in SIDES
    }
    known = list(places)
    return [known[place] for place in order], {
        **_bytes_of("text", text, 3),
        **_bytes_of("piece", (piece - text) % 2**24, 3),
        "target": logp_levels(logps["target"], LOGP_SCALE),
        "amplified": logp_levels(logps["amplified"], LOGP_SCALE),
        **_bytes_of("ratio", _ratio_steps(logps["target"] - logps["baseline"]), 2),
        **alternatives,
        **_bytes_of("new", rank[new], 3),
    }


def _alternatives(traced: Sequence[Tokens]) -> tuple[dict[str, Bytes], Ints]:
    """Write each side's likeliest tokens, by reference to those of the sides before it."""
    lists = [tokens.likeliest for tokens in traced if tokens.likeliest is not None]
    texts = np.stack([_rows([one[side].texts for one in lists], np.int32) for side in SIDES], 1)
    logps = np.stack(
        [_rows([one[side].logps_nats for one in lists], np.float32) for side in SIDES], 1
    )
    # NaN stands where there is none.
    there = logps >= MIN_LOGP_NATS
    levels = logp_levels(logps, LIKELY_SCALE)
    best = np.where(there, NEW, NOTHING).astype(np.uint8)
    known = np.zeros_like(levels)
    known[:, :, 1:] = levels[:, :, :-1]
    for side in range(1, len(SIDES)):
        for before in reversed(range(side)):  # so that the target's place wins
            same = texts[:, side, :, None] == texts[:, before, None, :]
            same &= there[:, side, :, None] & there[:, before, None, :]
            found, place = same.any(axis=2), same.argmax(axis=2)
            theirs = np.take_along_axis(levels[:, before], place, axis=1)
            best[:, side] = np.where(found, place + before * N_LIKELIEST, best[:, side])
            known[:, side] = np.where(found, theirs, known[:, side])
    likely = levels - known
    planes = {f"best_{side}": best[:, i].ravel() for i, side in enumerate(SIDES)}
    planes |= {"fresh": likely[best == NEW], "same": likely[best < NEW]}
    return planes, texts[best == NEW]


def _by_frequency(n: int, used: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Return the places that are used, the most frequent first, and each place's rank there."""
    counts = np.bincount(np.concatenate(used), minlength=n)
    ranked = np.argsort(-counts, kind="stable").astype(np.int32)
    order = ranked[counts[ranked] > 0]
    rank = np.zeros(n, dtype=np.int32)
    rank[order] = np.arange(len(order))
    return order, rank


def _ratio_steps(ratios_nats: Floats) -> Ints:
    steps = np.clip(np.rint(ratios_nats / RATIO_STEP_NATS), UNKNOWN_RATIO + 1, -UNKNOWN_RATIO - 1)
    return np.where(np.isnan(ratios_nats), UNKNOWN_RATIO, steps).astype(np.int32) % 2**16


def _bytes_of(name: str, numbers: Ints, n_bytes: int) -> dict[str, Bytes]:
    return {f"{name}{i}": (numbers >> 8 * i & 255).astype(np.uint8) for i in range(n_bytes)}


def _joined(arrays: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, kind), *arrays])


def _rows(arrays: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.zeros((0, N_LIKELIEST), kind), *arrays])
