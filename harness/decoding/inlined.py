"""What compiled loops share: e to the power of a number, and numbers kept as halves of float32."""

import math

import numpy as np
from numba import types
from numba.extending import overload

from harness.decoding.compiled import inlined

single = np.float32


@inlined
def exp(x):
    """Return e**x for x <= 0 in float32, within 2 units in the last place; 0 below -87.

    Written out since compiled loops call the C library's for one number at a time. ``e**x`` is
    ``2**n * e**r`` with r in +-ln(2) / 2; the polynomial for ``e**r`` is that of the Cephes
    library (Moshier), and ln(2) is subtracted in two parts so that r stays exact.
    """
    n = single(math.floor(x * single(1.44269504) + single(0.5)))
    r = x - n * single(0.693359375) + n * single(2.12194440e-4)
    p = single(1.9875691500e-4)
    p = p * r + single(1.3981999507e-3)
    p = p * r + single(8.3334519073e-3)
    p = p * r + single(4.1665795894e-2)
    p = p * r + single(1.6666665459e-1)
    p = p * r + single(5.0000001201e-1)
    p = p * r * r + r + single(1.0)
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return single(0) if x < single(-87.0) else p * power  # in this order NaN stays NaN


def wide(kept):
    """Read a number as it is kept: float32, or the upper half of one. Compiled as ``_wide_of``."""
    return kept if isinstance(kept, np.float32) else _float_of(kept)


@inlined
def _float_of(upper):
    return np.uint32(np.uint32(upper) << np.uint32(16)).view(np.float32)


@overload(wide, inline="always")
def _wide_of(kept):
    if kept == types.float32:
        return lambda kept: kept
    return lambda kept: _float_of(kept)
