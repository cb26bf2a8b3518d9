"""Sums over a vocabulary, as loops compiled for the CPU.

What is summed, and what for, is known by ``vocabulary_sums``.
"""

import numpy as np
from numba import prange

from harness.decoding.compiled import compiled, inlined
from harness.decoding.inlined import exp, single

LOWEST_LOGP = -1e4
"""Stands for the logit of a token that can't be drawn: minus infinity times 0 is not a number."""

# The bits of a float32 without its sign, and the ends of its whole numbers.
_BUT_SIGN = np.int32(0x7FFFFFFF)
_LOWEST, _HIGHEST = np.int32(-(2**31)), np.int32(2**31 - 1)


@compiled(parallel=True)
def sum_rows(  # noqa: PLR0913
    target, baseline, amplified, difference, full_difference, drawn, same, out
):
    """Take the sums over the vocabulary that ``vocabulary_sums.Sums`` names, row by row.

    Args:
        target: logits, [rows, vocab], float32, like all of the following.
        baseline: logits.
        amplified: logits.
        difference: as it was amplified.
        full_difference: before it was clipped.
        drawn: what tokens were drawn from.
        same: whether ``drawn`` is ``amplified``.
        out: the sums in their order, [rows, sums], float32.
    """
    for index in prange(len(target)):
        row = np.int64(index)
        sides = target[row], baseline[row], amplified[row]
        differences = difference[row], full_difference[row]
        _sum_sides(sides, differences, out[row])
        if not same:
            _sum_surprisals(drawn[row], out[row])


@compiled(parallel=True)
def sum_grids(target, difference, alphas, out):
    """Take the logarithm of the sum of ``exp(target + alpha * difference)`` for many strengths.

    Args:
        target: logits, [rows, vocab], float32.
        difference: of logits, like it.
        alphas: strengths, float32.
        out: [rows, alphas], float32.
    """
    for index in prange(len(target)):
        row = np.int64(index)
        for i in range(len(alphas)):
            out[row, i] = _log_total(target[row], difference[row], alphas[i])


@compiled()
def _log_total(target, difference, alpha):
    top = _LOWEST
    for token in range(len(target)):
        top = max(top, _ordered(target[token] + alpha * difference[token]))
    highest = _unordered(top)
    total = single(0)
    for token in range(len(target)):
        total += exp(target[token] + alpha * difference[token] - highest)
    return highest + np.log(total)


@inlined
def _ordered(x):
    """Return a whole number that is larger where x is: of those the compiler sees a maximum."""
    bits = single(x).view(np.int32)
    return bits ^ ((bits >> np.int32(31)) & _BUT_SIGN)


@inlined
def _unordered(bits):
    return np.int32(bits ^ ((bits >> np.int32(31)) & _BUT_SIGN)).view(np.float32)


@compiled()
def _extremes(values):
    bottom, top = _HIGHEST, _LOWEST
    for token in range(len(values)):
        number = _ordered(values[token])
        bottom = min(bottom, number)
        top = max(top, number)
    return _unordered(bottom), _unordered(top)


@compiled()
def _mean(values):
    total = single(0)
    for token in range(len(values)):
        total += values[token]
    return total / single(len(values))


@compiled()
def _sum_sides(sides, differences, out):
    """Fill all of a row's sums, in the order of ``Sums``, as if the amplified logits were drawn."""
    target, baseline, amplified = sides
    difference, full_difference = differences
    low_t, high_t = _extremes(target)
    low_b, high_b = _extremes(baseline)
    low_a, high_a = _extremes(amplified)
    mean_t, mean_b, mean_a = _mean(target), _mean(baseline), _mean(amplified)
    mean_d = _mean(difference)
    total_t, total_b, total_a = single(0), single(0), single(0)
    square_t, square_b, square_a = single(0), single(0), single(0)
    product, square_d = single(0), single(0)
    gain_t, gain_a = single(0), single(0)
    surprise, squared = single(0), single(0)
    for token in range(len(target)):
        t, b, a = target[token], baseline[token], amplified[token]
        d = difference[token]
        weight_t, weight_b = exp(t - high_t), exp(b - high_b)
        below = a - high_a
        weight_a = exp(below)
        total_t += weight_t
        total_b += weight_b
        total_a += weight_a
        gain_t += weight_t * full_difference[token]
        gain_a += weight_a * d
        surprise += weight_a * below
        squared += weight_a * below * below
        t, b, a, d = t - mean_t, b - mean_b, a - mean_a, d - mean_d
        square_t += t * t
        square_b += b * b
        square_a += a * a
        product += t * d
        square_d += d * d
    size = single(len(target))
    out[0] = high_t + np.log(total_t)
    out[1] = high_b + np.log(total_b)
    out[2] = high_a + np.log(total_a)
    out[3], out[4], out[5] = mean_t, mean_b, mean_a
    out[6], out[7], out[8] = square_t / size, square_b / size, square_a / size
    out[9], out[10] = product / size, square_d / size
    out[11], out[12] = gain_t / total_t, gain_a / total_a
    out[15], out[16], out[17] = low_t, low_b, low_a
    out[18], out[19], out[20] = high_t, high_b, high_a
    _finish(surprise / total_a, squared / total_a, total_a, out)


@compiled()
def _sum_surprisals(drawn, out):
    """Fill a row's sums over what it was drawn from."""
    highest = _extremes(drawn)[1]
    total, surprise, squared = single(0), single(0), single(0)
    for token in range(len(drawn)):
        below = drawn[token] - highest
        below = single(LOWEST_LOGP) if below < single(LOWEST_LOGP) else below
        weight = exp(below)
        total += weight
        surprise += weight * below
        squared += weight * below * below
    _finish(surprise / total, squared / total, total, out)


@compiled()
def _finish(mean, square, total, out):
    out[13] = np.log(total) - mean
    out[14] = square - mean * mean
