"""Attention from one further token of each row, as a loop compiled for the CPU.

What its arrays mean is known by ``decode_attention``.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from harness.decoding.compiled import compiled, inlined
from harness.decoding.inlined import exp, single, wide

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


@cache
def known_size(size: int) -> Any:
    """Tell a size to the compiler, as an array without content that has a dimension a sixteen.

    How many dimensions there are is of the array's type, and each type is compiled for by itself:
    loops over a number that is known take a tenth less time. One dimension stands for a size that
    is no multiple of sixteen.
    """
    sixteens = size // _LANES if size % _LANES == 0 and size < _MOST_KNOWN else 0
    return np.empty((0,) * (1 + sixteens), np.float32)


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
        prompt_lengths: tokens of it that the row continues, [rows], int64.
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
            highest[:] = single(-np.inf)
            scores[:, n_seen:] = single(-np.inf)
            products = scores, highest, scale, cap, key_size
            weights = scores, value_size
            _score(queries, own, prompt_keys, shared, shared_next, columns, products, 0)
            _score(queries, own, reply_keys, own, own_next, reply_columns, products, n_shared)
            _softmax(scores, highest)
            for i in range(head * n, head * n + n):
                for k in range(out.shape[2]):
                    out[row, i, k] = single(0)
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
            a, b, c, d = single(0), single(0), single(0), single(0)
            for k in range(size):
                x = queries[row, first + i, k]
                a += x * wide(keys[slot, head, column, k])
                b += x * wide(keys[slot, head, column + 1, k])
                c += x * wide(keys[slot, head, column + 2, k])
                d += x * wide(keys[slot, head, column + 3, k])
            a, b = _capped(a * scale, cap), _capped(b * scale, cap)
            c, d = _capped(c * scale, cap), _capped(d * scale, cap)
            scores[i, at], scores[i, at + 1] = a, b
            scores[i, at + 2], scores[i, at + 3] = c, d
            highest[i] = max(highest[i], max(max(a, b), max(c, d)))
        column += _TOGETHER
        at += _TOGETHER
    while column < stop:
        for i in range(len(scores)):
            a = single(0)
            for k in range(size):
                a += queries[row, first + i, k] * wide(keys[slot, head, column, k])
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
                    a * wide(values[slot, head, column, k])
                    + b * wide(values[slot, head, column + 1, k])
                    + c * wide(values[slot, head, column + 2, k])
                    + d * wide(values[slot, head, column + 3, k])
                )
        column += _TOGETHER
        at += _TOGETHER
    while column < stop:
        for i in range(len(weights)):
            a = weights[i, at]
            for k in range(size):
                out[row, first + i, k] += a * wide(values[slot, head, column, k])
        column += 1
        at += 1


@inlined
def _capped(score, cap):
    return cap * single(math.tanh(score / cap)) if cap else score


@compiled()
def _softmax(scores, highest):
    """Make each query's scores weights, in place, given the highest of them."""
    n, n_seen = scores.shape
    for i in range(n):
        total = single(0)
        for column in range(n_seen):
            weight = exp(scores[i, column] - highest[i])
            scores[i, column] = weight
            total += weight
        share = single(1) / total
        for column in range(n_seen):
            scores[i, column] *= share


@inlined
def _size_of(kept, known):
    return (known.ndim - 1) * _LANES if known.ndim > 1 else kept.shape[3]


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


@inlined
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
