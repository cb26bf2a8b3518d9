"""Attention from one further token, against a plain computation in float64, row by row."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.pairs.attention import Heads
from harness.pairs.passes import CompiledTokenPass
from harness.pairs.product_pass import ProductPass, RowIndices, StepShape
from harness.pairs.row_cache import LayerStores, RowCache

CPU = torch.device("cpu")
PROMPTS = (3, 21, 8)
PROMPT_OF = [0, 1, 1, 2, 0]
REPLIES = [0, 5, 18, 33, 1]


def lengths_of(prompt_of=PROMPT_OF, replies=REPLIES):
    cache = RowCache(list(PROMPTS), CPU)
    cache.select(prompt_of)
    cache.reply_lengths = list(replies)
    return cache


def shaped(shape):
    return {"heads": 6, "kv_heads": 2, "size": 8, "value_size": 8} | shape


def filled(cache, *, dtype=torch.float32, spare=0, **shape):
    """Stores with random keys and values, and NaN where nothing has been read."""
    shape = shaped(shape)
    layer = LayerStores()
    for stores, tokens in (
        (layer.prompts, cache.prompt_lengths),
        (layer.replies, cache.reply_lengths),
    ):
        columns = -(-(max(tokens) + 1) // 16) * 16 + spare
        for store, size in zip(stores, (shape["size"], shape["value_size"]), strict=True):
            store.data = torch.full((len(tokens), shape["kv_heads"], columns, size), torch.nan)
            for slot, n in enumerate(tokens):
                generator = torch.Generator().manual_seed(1000 * slot + size)
                read = torch.randn(shape["kv_heads"], n, size, generator=generator)
                store.data[slot, :, :n] = read
            store.data = store.data.to(dtype)
    return layer


def states(rows, *, dtype=torch.float32, **shape):
    shape = shaped(shape)
    generator = torch.Generator().manual_seed(7)
    sizes = (
        (shape["heads"], shape["size"]),
        (shape["kv_heads"], shape["size"]),
        (shape["kv_heads"], shape["value_size"]),
    )
    return tuple(torch.randn(rows, h, 1, size, generator=generator).to(dtype) for h, size in sizes)


def slowly(cache, layer, given, heads):
    """Answer each row by itself, in float64, from the tokens that it has read."""
    queries, keys, values = given
    n_each = queries.shape[1] // keys.shape[1]
    answers = []
    for row, prompt in enumerate(cache.prompt_of):
        n_prompt, n_reply = cache.prompt_lengths[prompt], cache.reply_lengths[row]
        read = []
        for (of_prompts, of_replies), new in zip(
            zip(layer.prompts, layer.replies, strict=True), (keys, values), strict=True
        ):
            parts = [
                of_prompts.data[prompt, :, :n_prompt],
                of_replies.data[row, :, :n_reply],
                new[row],
            ]
            read.append(torch.cat(parts, dim=1).double().repeat_interleave(n_each, dim=0))
        scores = torch.einsum("hd,htd->ht", queries[row, :, 0].double(), read[0]) * heads.scale
        if heads.softcap:
            scores = heads.softcap * (scores / heads.softcap).tanh()
        if heads.window:
            scores[:, : max(0, scores.shape[1] - heads.window)] = -torch.inf
        answers.append(torch.einsum("ht,htd->hd", scores.softmax(-1), read[1]))
    return torch.stack(answers).unsqueeze(1)


def attended(cache, layer, given, heads):
    return CompiledTokenPass(cache).attend(layer, given, heads)


HEADS = [
    pytest.param(Heads(0.3, None, None), id="plain"),
    pytest.param(Heads(0.3, 10, None), id="a window within replies and prompts"),
    pytest.param(Heads(0.3, 1, None), id="a window of the token alone"),
    pytest.param(Heads(0.3, 500, None), id="a window longer than all"),
    pytest.param(Heads(0.9, None, 1.5), id="capped"),
]
SHAPES = [
    pytest.param({}, id="three queries a key"),
    pytest.param({"kv_heads": 6}, id="a key for each query"),
    pytest.param({"size": 24, "value_size": 5}, id="values of another size"),
    pytest.param({"size": 32, "value_size": 16}, id="sizes that the compiler knows"),
    pytest.param({"size": 512, "value_size": 528}, id="sizes too large for that"),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("heads", HEADS)
def test_each_row_attends_to_what_it_has_read(heads, shape):
    cache = lengths_of()
    layer, given = filled(cache, **shape), states(len(cache), **shape)
    expected = slowly(cache, layer, given, heads)
    found = attended(cache, layer, given, heads)
    torch.testing.assert_close(found.double(), expected, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("heads", HEADS)
def test_keys_kept_in_bfloat16_are_summed_in_float32(heads):
    cache = lengths_of()
    layer = filled(cache, dtype=torch.bfloat16)
    given = states(len(cache), dtype=torch.bfloat16)
    expected = slowly(cache, layer, given, heads)
    found = attended(cache, layer, given, heads)
    assert found.dtype == torch.bfloat16
    # Half a step of bfloat16, of what is right up to float32's rounding.
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=2**-8)


@pytest.mark.parametrize("roomy", [False, True])
@pytest.mark.parametrize("heads", HEADS)
def test_it_answers_as_the_products_that_a_gpu_is_given(heads, roomy):
    cache = lengths_of()
    given = states(len(cache))
    ours, theirs = filled(cache), filled(cache)
    for store in (*theirs.prompts, *theirs.replies):
        store.data.nan_to_num_()
    found = attended(cache, ours, given, heads)
    shape = StepShape.of(cache).roomy() if roomy else StepShape.of(cache)
    spare = shape.rows - len(cache)
    padded = [torch.cat([state, torch.ones_like(state[:spare])]) for state in given]
    expected = ProductPass(RowIndices.of(cache, shape)).attend(theirs, padded, heads)
    assert bool(spare) == roomy
    torch.testing.assert_close(found, expected[: len(cache)], atol=2e-6, rtol=1e-5)


def test_the_token_is_kept_behind_the_reply():
    cache = lengths_of()
    layer, given = filled(cache), states(len(cache))
    attended(cache, layer, given, Heads(0.3, None, None))
    for store, new in zip(layer.replies, given[1:], strict=True):
        for row, n in enumerate(REPLIES):
            assert torch.equal(store.data[row, :, n], new[row, :, 0])


@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations(range(5)),
    n=st.integers(1, 5),
    spare=st.sampled_from([0, 16, 48]),
    threads=st.sampled_from([1, 2]),
)
def test_a_row_gets_the_same_bits_whatever_stands_beside_it(order, n, spare, threads):
    heads = Heads(0.3, 30, None)
    whole = lengths_of()
    layer, given = filled(whole), states(len(whole))
    expected = attended(whole, layer, given, heads)
    chosen = list(order[:n])
    part = lengths_of([PROMPT_OF[i] for i in chosen], [REPLIES[i] for i in chosen])
    wide = filled(whole, spare=spare)
    own = LayerStores()
    kept = [PROMPTS.index(length) for length in part.prompt_lengths]
    for mine, everything in zip(own.prompts, wide.prompts, strict=True):
        mine.data = everything.data[kept]
    for mine, everything in zip(own.replies, wide.replies, strict=True):
        mine.data = everything.data[chosen]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = attended(part, own, tuple(state[chosen] for state in given), heads)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found, expected[chosen])


def test_a_number_that_is_none_is_not_hidden():
    cache = lengths_of()
    layer, given = filled(cache), states(len(cache))
    given[0][2, 0, 0, 0] = torch.nan
    found = attended(cache, layer, given, Heads(0.3, None, None))
    assert found[2, 0, 0].isnan().all()
    assert found.isfinite().flatten(1).all(1).tolist() == [True, True, False, True, True]


def test_scores_far_apart_neither_overflow_nor_vanish():
    cache = lengths_of([1], [4])
    layer, given = filled(cache), states(1)
    given[0].mul_(1e4)
    expected = slowly(cache, layer, given, Heads(1.0, None, None))
    found = attended(cache, layer, given, Heads(1.0, None, None))
    torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=1e-4)


def test_exponentials_are_right_to_two_units_in_the_last_place():
    """One key against another that scores x less has weight e**x / (1 + e**x)."""
    x = -np.linspace(0, 86, 4000, dtype=np.float32)
    cache = RowCache([1], CPU)
    cache.select([0] * len(x))
    layer = LayerStores()
    for store in layer.prompts:
        store.data = torch.zeros(1, 1, 16, 1)
    queries = torch.from_numpy(x).view(-1, 1, 1, 1)
    ones = torch.ones_like(queries)
    found = attended(cache, layer, (queries, ones, ones), Heads(1.0, None, None)).flatten()
    expected = np.array([math.exp(one) / (1 + math.exp(one)) for one in x.astype(float)])
    np.testing.assert_allclose(found.numpy(), expected, rtol=4 * 2**-23)
