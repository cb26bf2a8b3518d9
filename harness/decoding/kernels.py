"""Loops compiled for the CPU's vector units, and on how many threads they run.

For what a library of tensors does in many small steps with copies between them. numba compiles them
at their first call, for each kind of arrays, and brings all that it needs. Knows arrays; what they
mean is known where each is called: ``attend`` by ``pairs.decode_attention``, ``sum_rows`` and
``sum_grids`` by ``vocabulary_sums``.

All stand in this file, since what is kept on disk is renewed when a function's own file changes,
and not when another file that it calls into does.
"""

import math
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
import torch
from llvmlite import ir
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

# Sums may be split over vector lanes; infinities and NaN keep their meaning.
_OPTIONS: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    "error_model": "numpy",
    "nogil": True,
}

# Not every threading layer of numba's lets two threads of Python in at once.
_one_at_a_time = threading.Lock()

_single = np.float32

# How far ahead of the numbers in use memory is asked for. CPUs look ahead by themselves within a
# page of 4 kB, and each row's keys are a few pages: without asking, 72 pairs of rows of 77 tokens
# took 1.3 ms a layer instead of 0.8 (float32, 3 heads of 64).
_AHEAD_BYTES = 4096
_LINE_BYTES = 64

# Columns that are multiplied together.
_TOGETHER = 4

# Loops over a multiple of so many numbers leave none that are done one by one.
_LANES = 16

# Sizes from here on are not told: an array has 64 dimensions at most.
_MOST_KNOWN = 512

# The bits of a float32 without its sign, and the ends of its whole numbers.
_BUT_SIGN = np.int32(0x7FFFFFFF)
_LOWEST, _HIGHEST = np.int32(-(2**31)), np.int32(2**31 - 1)

# Stands for the logit of a token that can't be drawn: minus infinity times 0 is not a number.
LOWEST_LOGP = -1e4


def compiled(*, parallel: bool = False) -> Callable[[Any], Any]:
    """Compile at the first call, and keep what came of it on disk where that can be written.

    Args:
        parallel: whether ``prange`` is shared among threads; such a function is called by
            :func:`on_threads`.
    """

    def wrap(function: Any) -> Any:
        try:
            return numba.njit(cache=True, parallel=parallel, **_OPTIONS)(function)
        except RuntimeError:  # no folder to keep it in
            return numba.njit(parallel=parallel, **_OPTIONS)(function)

    return wrap


_inlined: Callable[[Any], Any] = numba.njit(inline="always", **_OPTIONS)
"""Compile as a part of whatever calls it."""


def as_array(states: torch.Tensor) -> Any:
    """View a tensor as an array; numpy has no bfloat16, whose bits are a float32's upper half."""
    return (states.view(torch.uint16) if states.dtype == torch.bfloat16 else states).numpy()


def on_threads(function: Any, *arguments: Any) -> None:
    """Call a parallel function on as many threads as torch uses."""
    with _one_at_a_time:
        most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
        n_threads = torch.get_num_threads()
        numba.set_num_threads(min(n_threads, most))
        function(*arguments)
        # Where both use one OpenMP, numba's first call sets its number of threads for torch too.
        if torch.get_num_threads() != n_threads:
            torch.set_num_threads(n_threads)


@_inlined
def _exp(x):
    """Return e**x for x <= 0 in float32, within 2 units in the last place; 0 below -87.

    Written out since compiled loops call the C library's for one number at a time. ``e**x`` is
    ``2**n * e**r`` with r in +-ln(2) / 2; the polynomial for ``e**r`` is that of the Cephes
    library (Moshier), and ln(2) is subtracted in two parts so that r stays exact.
    """
    n = _single(math.floor(x * _single(1.44269504) + _single(0.5)))
    r = x - n * _single(0.693359375) + n * _single(2.12194440e-4)
    p = _single(1.9875691500e-4)
    p = p * r + _single(1.3981999507e-3)
    p = p * r + _single(8.3334519073e-3)
    p = p * r + _single(4.1665795894e-2)
    p = p * r + _single(1.6666665459e-1)
    p = p * r + _single(5.0000001201e-1)
    p = p * r * r + r + _single(1.0)
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return _single(0) if x < _single(-87.0) else p * power  # in this order NaN stays NaN


def _wide(kept):
    """Read a number as it is kept: float32, or the upper half of one. Compiled as ``_wide_of``."""
    return kept if isinstance(kept, np.float32) else _float_of(kept)


@_inlined
def _float_of(upper):
    return np.uint32(np.uint32(upper) << np.uint32(16)).view(np.float32)


@overload(_wide, inline="always")
def _wide_of(kept):
    if kept == types.float32:
        return lambda kept: kept
    return lambda kept: _float_of(kept)


@intrinsic
def _fetch(context, kept, slot, head, at):
    """Ask for the memory that holds a number of a slot's head; it need not be within bounds."""

    def generate(context, builder, signature, arguments):
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, arguments[0])
        _, slot, head, at = arguments
        indices = [slot, head, at.type(0), at]
        place = cgutils.get_item_pointer(context, builder, kind, array, indices)
        number = ir.IntType(32)
        takes = [place.type, number, number, number]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), takes), "llvm.prefetch.p0"
        )
        # To be read, kept in all caches, as data.
        builder.call(function, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(kept, slot, head, at), generate


@_inlined
def _fetch_ahead(kept, here, following, column, stop):
    """Ask for what is ``_AHEAD_BYTES`` ahead of some columns that are about to be read.

    Args:
        kept: keys or values, [slots, heads, columns, size].
        here: slot and head that are being read.
        following: those that come next.
        column: the first of the columns.
        stop: where the others begin.
    """
    size = kept.shape[3]
    step = _LINE_BYTES // kept.itemsize
    at, end = column * size + _AHEAD_BYTES // kept.itemsize, stop * size
    slot, head = here if at < end else following
    at = at if at < end else at - end
    for k in range(0, _TOGETHER * size, step):
        _fetch(kept, slot, head, at + k)


@cache
def known_size(size: int) -> Any:
    """Tell a size to the compiler, as an array without content that has a dimension a sixteen.

    How many dimensions there are is of the array's type, and each type is compiled for by itself:
    loops over a number that is known take a tenth less time. One dimension stands for a size that
    is no multiple of sixteen.
    """
    sixteens = size // _LANES if size % _LANES == 0 and size < _MOST_KNOWN else 0
    return np.empty((0,) * (1 + sixteens), np.float32)


@_inlined
def _size_of(kept, known):
    return (known.ndim - 1) * _LANES if known.ndim > 1 else kept.shape[3]


@compiled(parallel=True)
def attend(  # noqa: PLR0913
    queries,
    new_keys,
    new_values,
    prompt_keys,
    prompt_values,
    reply_keys,
    reply_values,
    prompt_of,
    prompt_lengths,
    reply_lengths,
    key_size,
    value_size,
    scale,
    window,
    cap,
    out,
):
    """Store each row's key and value behind its reply, and answer its query.

    Numbers are float32, or kept as the upper halves of float32, uint16.

    Args:
        queries: [rows, heads, size], float32.
        new_keys: [rows, kv heads, size], as they are kept.
        new_values: [rows, kv heads, value size], as they are kept.
        prompt_keys: [prompts, kv heads, columns, size].
        prompt_values: [prompts, kv heads, columns, value size].
        reply_keys: like the prompts', with a slot for each row.
        reply_values: like the prompts', with a slot for each row.
        prompt_of: the prompt of each row, [rows], int64.
        prompt_lengths: tokens of that prompt, [rows], int64.
        reply_lengths: tokens of the row's reply before this one, [rows], int64.
        key_size: as ``known_size`` tells it.
        value_size: likewise.
        scale: of the products of queries and keys, float32.
        window: how many tokens are seen, this one included.
        cap: what caps the products, float32; 0 for nothing.
        out: the answers, [rows, heads, value size], float32.
    """
    n_rows, n_kv = len(queries), new_keys.shape[1]
    n = queries.shape[1] // n_kv
    for index in prange(n_rows):
        row = np.int64(index)
        prompt = prompt_of[row]
        n_prompt, n_reply = prompt_lengths[row], reply_lengths[row] + 1
        unseen = max(n_prompt + n_reply - window, 0)
        start, reply_start = min(unseen, n_prompt), max(unseen - n_prompt, 0)
        n_shared = n_prompt - start
        n_seen = n_shared + n_reply - reply_start
        scores = np.empty((n, -(-n_seen // _LANES) * _LANES), np.float32)
        highest = np.empty(n, np.float32)
        for head in range(n_kv):
            for k in range(new_keys.shape[2]):
                reply_keys[row, head, n_reply - 1, k] = new_keys[row, head, k]
            for k in range(new_values.shape[2]):
                reply_values[row, head, n_reply - 1, k] = new_values[row, head, k]
            next_row, next_head = min(row + (head + 1) // n_kv, n_rows - 1), (head + 1) % n_kv
            own, own_next = (row, head), (next_row, next_head)
            shared, shared_next = (prompt, head), (prompt_of[next_row], next_head)
            columns, reply_columns = (start, n_prompt), (reply_start, n_reply)
            highest[:] = _single(-np.inf)
            scores[:, n_seen:] = _single(-np.inf)
            products = scores, highest, scale, cap, key_size
            weights = scores, value_size
            _score(queries, own, prompt_keys, shared, shared_next, columns, products, 0)
            _score(queries, own, reply_keys, own, own_next, reply_columns, products, n_shared)
            _softmax(scores, highest)
            for i in range(head * n, head * n + n):
                for k in range(out.shape[2]):
                    out[row, i, k] = _single(0)
            _mix(out, own, prompt_values, shared, shared_next, columns, weights, 0)
            _mix(out, own, reply_values, own, own_next, reply_columns, weights, n_shared)


@compiled()
def _score(  # noqa: PLR0913
    queries, asker, keys, there, following, columns, products, at
):
    """Score keys for the queries of a row's head, into ``scores[:, at and on]``.

    Args:
        queries: [rows, heads, size].
        asker: row, and head of keys and values: some heads of queries share one.
        keys: [slots, heads, columns, size].
        there: slot and head of the keys.
        following: slot and head of those that are read next.
        columns: the first one, and the one that is not read any more.
        products: scores [queries, columns that are seen], the highest of each query so far, what
            products are scaled by, what caps them, 0 for nothing, and what tells the keys' size.
        at: where the scores of these columns begin.
    """
    scores, highest, scale, cap, known = products
    row, first = asker[0], asker[1] * len(scores)
    slot, head = there
    column, stop = columns
    size = _size_of(keys, known)
    # Some keys at a time: a query's number is loaded once for them, and their sums are independent.
    while column + _TOGETHER <= stop:
        _fetch_ahead(keys, there, following, column, stop)
        for i in range(len(scores)):
            a, b, c, d = _single(0), _single(0), _single(0), _single(0)
            for k in range(size):
                x = queries[row, first + i, k]
                a += x * _wide(keys[slot, head, column, k])
                b += x * _wide(keys[slot, head, column + 1, k])
                c += x * _wide(keys[slot, head, column + 2, k])
                d += x * _wide(keys[slot, head, column + 3, k])
            a, b = _capped(a * scale, cap), _capped(b * scale, cap)
            c, d = _capped(c * scale, cap), _capped(d * scale, cap)
            scores[i, at], scores[i, at + 1] = a, b
            scores[i, at + 2], scores[i, at + 3] = c, d
            highest[i] = max(highest[i], max(max(a, b), max(c, d)))
        column += _TOGETHER
        at += _TOGETHER
    while column < stop:
        for i in range(len(scores)):
            a = _single(0)
            for k in range(size):
                a += queries[row, first + i, k] * _wide(keys[slot, head, column, k])
            a = _capped(a * scale, cap)
            scores[i, at] = a
            highest[i] = max(highest[i], a)
        column += 1
        at += 1


@compiled()
def _mix(  # noqa: PLR0913
    out, asker, values, there, following, columns, weighing, at
):
    """Add values, weighted by ``weights[:, at and on]``, to the answers of a row's head.

    Args:
        out: [rows, heads, size].
        asker: as ``_score`` takes it; so are the others, for values.
        values: [slots, heads, columns, size].
        there: slot and head of the values.
        following: slot and head of those that are read next.
        columns: the first one, and the one that is not read any more.
        weighing: weights [queries, columns that are seen], and what tells the values' size.
        at: where those of these columns begin.
    """
    weights, known = weighing
    row, first = asker[0], asker[1] * len(weights)
    slot, head = there
    column, stop = columns
    size = _size_of(values, known)
    while column + _TOGETHER <= stop:
        _fetch_ahead(values, there, following, column, stop)
        for i in range(len(weights)):
            a, b = weights[i, at], weights[i, at + 1]
            c, d = weights[i, at + 2], weights[i, at + 3]
            for k in range(size):
                out[row, first + i, k] += (
                    a * _wide(values[slot, head, column, k])
                    + b * _wide(values[slot, head, column + 1, k])
                    + c * _wide(values[slot, head, column + 2, k])
                    + d * _wide(values[slot, head, column + 3, k])
                )
        column += _TOGETHER
        at += _TOGETHER
    while column < stop:
        for i in range(len(weights)):
            a = weights[i, at]
            for k in range(size):
                out[row, first + i, k] += a * _wide(values[slot, head, column, k])
        column += 1
        at += 1


@_inlined
def _capped(score, cap):
    return cap * _single(math.tanh(score / cap)) if cap else score


@compiled()
def _softmax(scores, highest):
    """Make each query's scores weights, in place, given the highest of them."""
    n, n_seen = scores.shape
    for i in range(n):
        total = _single(0)
        for column in range(n_seen):
            weight = _exp(scores[i, column] - highest[i])
            scores[i, column] = weight
            total += weight
        share = _single(1) / total
        for column in range(n_seen):
            scores[i, column] *= share


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
    total = _single(0)
    for token in range(len(target)):
        total += _exp(target[token] + alpha * difference[token] - highest)
    return highest + np.log(total)


@_inlined
def _ordered(x):
    """Return a whole number that is larger where x is: of those the compiler sees a maximum."""
    bits = _single(x).view(np.int32)
    return bits ^ ((bits >> np.int32(31)) & _BUT_SIGN)


@_inlined
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
    total = _single(0)
    for token in range(len(values)):
        total += values[token]
    return total / _single(len(values))


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
    total_t, total_b, total_a = _single(0), _single(0), _single(0)
    square_t, square_b, square_a = _single(0), _single(0), _single(0)
    product, square_d = _single(0), _single(0)
    gain_t, gain_a = _single(0), _single(0)
    surprise, squared = _single(0), _single(0)
    for token in range(len(target)):
        t, b, a = target[token], baseline[token], amplified[token]
        d = difference[token]
        weight_t, weight_b = _exp(t - high_t), _exp(b - high_b)
        below = a - high_a
        weight_a = _exp(below)
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
    size = _single(len(target))
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
    total, surprise, squared = _single(0), _single(0), _single(0)
    for token in range(len(drawn)):
        below = drawn[token] - highest
        below = _single(LOWEST_LOGP) if below < _single(LOWEST_LOGP) else below
        weight = _exp(below)
        total += weight
        surprise += weight * below
        squared += weight * below * below
    _finish(surprise / total, squared / total, total, out)


@compiled()
def _finish(mean, square, total, out):
    out[13] = np.log(total) - mean
    out[14] = square - mean * mean
