"""Transcripts as one string of base64 for a page: small, and unable to end a script element.

The string is deflate of: the length of a JSON header in 4 bytes, little-endian; the header in
UTF-8; planes of bytes, one after the other. ``templates/transcripts/decode.js`` reads it.

Header: ``texts`` (of tokens, the most frequent first), ``scorers``, ``prompts`` with their rows
and replies, ``n`` (tokens in all), ``planes`` (the length of each, by name). Planes of tokens:

- ``text``, ``piece``: places in ``texts``, in three planes of a byte each (``text0`` the lowest);
  what a token contributes to the reply is mostly its own text, so ``piece`` is the difference of
  the two places modulo 2^24.
- ``target``, ``amplified``: log-probabilities, see ``logp_byte``.
- ``ratio0``, ``ratio1``: log p(target) - log p(baseline) in steps of 0.05 nats, 16 bits with sign.
- ``best``: 5 bytes for each side of a token that has alternatives. Which token of an earlier side
  it is (target's 0 to 4, then baseline's 5 to 9), 10 for a new one, 11 for none.
- ``new0`` to ``new2``: places of the new ones, in the order in which they are met.
- ``likely``: beside each byte of ``best``, the log-probability; where the token was met before,
  the difference modulo 256 from that side's.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.analysis.transcript_tokens import N_LIKELIEST, SIDES, Floats, Ints, Tokens
from harness.analysis.transcripts import Mark, Prompt, Reply, Transcripts

Bytes = NDArray[np.uint8]

RATIO_STEP_NATS = 0.05
UNKNOWN_RATIO = -(2**15)
LOGP_SCALE = 46.0
"""``logp_byte`` reaches to -30.5 nats with it, and tells 37% from 38%."""
UNKNOWN_LOGP = 255
NEW, NOTHING = 2 * N_LIKELIEST, 2 * N_LIKELIEST + 1


def encode(transcripts: Transcripts) -> str:
    """Encode transcripts; the same give the same string."""
    replies = [
        reply for prompt in transcripts.prompts for row in prompt.rows for reply in row.replies
    ]
    traced = [reply for reply in replies if reply.tokens is not None]
    texts, planes = _planes(transcripts.vocabulary, traced)
    scorers = sorted({mark.scorer for reply in replies for mark in reply.marks})
    header = {
        "texts": texts,
        "scorers": scorers,
        "prompts": [_prompt(prompt, scorers) for prompt in transcripts.prompts],
        "planes": {name: len(plane) for name, plane in planes.items()},
    }
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "surrogatepass"
    )
    raw = b"".join([len(head).to_bytes(4, "little"), head, *(p.tobytes() for p in planes.values())])
    return base64.b64encode(zlib.compress(raw, 9)).decode("ascii")
