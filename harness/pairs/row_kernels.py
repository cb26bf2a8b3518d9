"""Loops over rows of hidden states, compiled for the CPU: norms, and what adapters add.

A row is computed from itself alone, so its bits are the same whatever stands beside it. Numbers are
float32, or kept as the upper halves of float32 (bfloat16) and computed in float32. Knows arrays;
what they mean is known where each is called.
"""

import numpy as np
from numba import prange, types
from numba.extending import overload

from harness.decoding.compiled import compiled, inlined
from harness.decoding.inlined import single, wide

# Ranks that are added in one go.
_TOGETHER = 4

# What rounds to an upper half, but for the last bit that decides ties.
_HALF = np.uint32(0x7FFF)

# Set in the upper half of every number that is none, so that it stays none.
_QUIET = np.uint32(0x40)


def _kept_as(number, like):
    """Round a number to how others are kept."""


def _summed_from(out):
    """Return where sums that begin with these numbers are taken: in place, or in float32."""


def _keep(sums, out):
    """Put sums where they were begun from."""


@overload(_kept_as, inline="always")
def _kept_as_of(number, like):
    if like == types.float32:
        return lambda number, like: number
    return lambda number, like: _upper(number)


@inlined
def _upper(number):
    bits = single(number).view(np.uint32)
    tie = (bits >> np.uint32(16)) & np.uint32(1)
    none = np.uint32(number != number)
    rounded = np.uint32(bits + (_HALF + tie) * (np.uint32(1) - none)) >> np.uint32(16)
    return np.uint16(rounded | (none * _QUIET))


@overload(_summed_from)
def _summed_from_of(out):
    if out.dtype == types.float32:
        return lambda out: out

    def widened(out):
        sums = np.empty(len(out), np.float32)
        for k in range(len(out)):
            sums[k] = wide(out[k])
        return sums

    return widened


@overload(_keep)
def _keep_of(sums, out):
    if out.dtype == types.float32:
        return lambda sums, out: None

    def rounded(sums, out):
        for k in range(len(out)):
            out[k] = _upper(sums[k])

    return rounded


@compiled(parallel=True)
def norm_rows(states, weight, eps, out):
    """Divide each row by the root of its mean square, round, and multiply by a weight.

    Args:
        states: [rows, size].
        weight: [size].
        eps: added to the mean square, float32.
        out: [rows, size].
    """
    for index in prange(len(states)):
        row, into = states[np.int64(index)], out[np.int64(index)]
        total = single(0)
        for k in range(len(row)):
            number = wide(row[k])
            total += number * number
        share = single(1) / np.sqrt(total / single(len(row)) + eps)
        for k in range(len(row)):
            normed = wide(_kept_as(wide(row[k]) * share, row[k]))
            into[k] = _kept_as(wide(weight[k]) * normed, row[k])


@compiled(parallel=True)
def add_low_rank(states, first, run, step, ups, blocks):
    """Add a product of low rank to a part of each row, for several parts, in place.

    Args:
        states: [rows, columns].
        first: the first row that gets something.
        run: rows from there on that do, and so again each ``step`` rows later.
        step: see there; the rows are so many, some times.
        ups: the parts' ``[rank, size]`` matrices, one behind the other, float32.
        blocks: for each part where it begins and ends, where what is multiplied begins and ends in
            the same row, and where its matrix begins, [parts, 5], int64.
    """
    for index in prange(len(states) // step * run):
        place = np.int64(index)
        row = states[first + place // run * step + place % run]
        for block in range(len(blocks)):
            start, stop, inner, inner_stop, at = blocks[block]
            _add_part(row[start:stop], row[inner:inner_stop], ups[at:])


@compiled()
def _add_part(out, inner, ups):
    size = len(out)
    sums = _summed_from(out)
    r = 0
    while r + _TOGETHER <= len(inner):
        a, b, c, d = wide(inner[r]), wide(inner[r + 1]), wide(inner[r + 2]), wide(inner[r + 3])
        p, q = ups[r * size :], ups[(r + 1) * size :]
        s, t = ups[(r + 2) * size :], ups[(r + 3) * size :]
        for k in range(size):
            sums[k] += a * p[k] + b * q[k] + c * s[k] + d * t[k]
        r += _TOGETHER
    while r < len(inner):
        a, p = wide(inner[r]), ups[r * size :]
        for k in range(size):
            sums[k] += a * p[k]
        r += 1
    _keep(sums, out)
