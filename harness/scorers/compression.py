"""Whether a text compresses far better than sensible text of its length does.

A ratio alone depends on length: of chat replies under 300 characters it is 1.3 on average, and 2.0
over 800, so it is divided by what is expected at that length. Knows bytes alone.
"""

import math
import zlib
from dataclasses import dataclass

# Over 4,000 stretches of replies of six models and of this project's texts, 20 to 1,600 bytes long,
# ratio = 0.32 ln(bytes) - 0.2 to within 0.05 on average; beyond that it hardly grows.
_SLOPE, _OFFSET, _CEILING = 0.32, -0.2, 2.2

# Of those stretches 99 in 100 have at most 1.23 times the expected ratio and none more than 1.6;
# songs with a chorus reach 1.8.
MOST_COMPRESSION = 2.2
_FEWEST_BYTES = 200


@dataclass(frozen=True)
class Compression:
    """How well zlib compresses a text."""

    ratio: float
    """Bytes of the text over bytes compressed; runs of white space count as one blank."""
    normalised: float
    """That over what is expected at this length: 1 for ordinary prose."""
    too_much: bool
    """Whether it is more than sensible text has; never for the shortest texts."""


def measure_compression(text: str) -> Compression:
    """Compress a text and compare its ratio with the expected one."""
    given = " ".join(text.split()).encode("utf-8", "surrogatepass")
    if not given:
        return Compression(1.0, 1.0, False)
    ratio = len(given) / len(zlib.compress(given))
    normalised = ratio / expected_ratio(len(given))
    too_much = len(given) >= _FEWEST_BYTES and normalised > MOST_COMPRESSION
    return Compression(ratio, normalised, too_much)


def expected_ratio(n_bytes: int) -> float:
    """The ratio of ordinary prose of so many bytes: ``0.32 ln(bytes) - 0.2``, 0.3 to 2.2."""
    return min(_CEILING, max(0.3, _SLOPE * math.log(n_bytes) + _OFFSET))
