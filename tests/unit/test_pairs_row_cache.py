"""What rows have read, filled by hand: one head of one dimension, a number per column."""

import pytest
import torch

from harness.pairs.row_cache import COLUMN_STEP, RowCache, Store

CPU = torch.device("cpu")


def states(*rows):
    """One head, one dimension: a number per row and column."""
    return torch.tensor(rows, dtype=torch.float32)[:, None, :, None]


def filled(*prompts, replies=None):
    """A cache of two layers whose prompts and replies are the numbers given."""
    cache = RowCache([len(prompt) for prompt in prompts], CPU)
    for index in range(2):
        layer = cache.layer(index)
        for store in layer.prompts:
            put(store, prompts)
        for store in layer.replies if replies else ():
            put(store, replies)
    if replies:
        cache.reply_lengths = [len(reply) for reply in replies]
    return cache


def put(store, rows):
    columns = max(len(row) for row in rows)
    store.fit(len(rows), columns, states([0.0]))
    for i, row in enumerate(rows):
        store.data[i, 0, : len(row), 0] = torch.tensor(row)


def read(cache):
    """Every row's numbers, prompt and reply, as layer 1's values hold them."""
    prompts, replies = (
        stores[1].data for stores in (cache.layer(1).prompts, cache.layer(1).replies)
    )
    rows = []
    for row, prompt in enumerate(cache.prompt_of):
        shown = prompts[prompt, 0, : cache.prompt_lengths[prompt], 0].tolist()
        if cache.reply_lengths[row]:
            shown += replies[row, 0, : cache.reply_lengths[row], 0].tolist()
        rows.append(shown)
    return rows


def test_rows_of_one_prompt_keep_it_once():
    cache = filled([1.0, 2.0], [3.0])
    cache.select([0, 0, 1, 0])
    assert read(cache) == [[1, 2], [1, 2], [3], [1, 2]]
    assert len(cache.prompt_lengths) == 2


def test_rows_are_kept_in_the_order_asked_for():
    cache = filled([1.0], [2.0], [3.0], replies=([7.0], [8.0, 8.5], [9.0]))
    cache.select([2, 1])
    assert read(cache) == [[3, 9], [2, 8, 8.5]]


def test_a_repeated_row_takes_its_reply_along():
    cache = filled([1.0], [2.0], replies=([7.0], [8.0]))
    cache.select([1, 1, 0])
    assert read(cache) == [[2, 8], [2, 8], [1, 7]]


@pytest.mark.parametrize("kept", [[0], [1], [2], [2, 0], [0, 2], [1, 2]])
def test_prompts_that_no_row_continues_make_room(kept):
    cache = filled([1.0], [2.0, 2.5], [3.0])
    cache.select(kept)
    assert read(cache) == [[[1], [2, 2.5], [3]][i] for i in kept]
    assert len(cache.prompt_lengths) == len(kept)


def test_rows_that_keep_their_places_are_not_copied():
    cache = filled([1.0], [2.0], [3.0], replies=([7.0], [8.0], [9.0]))
    store = cache.layer(0).reply_keys
    before = store.data.data_ptr()
    cache.select([0, 2])
    assert store.data.data_ptr() == before
    assert read(cache) == [[1, 7], [3, 9]]


@pytest.mark.parametrize("longer_first", [True, False])
def test_joined_rows_keep_what_they_have_read(longer_first):
    one = filled([1.0, 2.0, 3.0], [4.0], replies=([5.0], [6.0, 7.0]))
    other = filled([8.0])
    first, second = (one, other) if longer_first else (other, one)
    expected = read(first) + read(second)
    first.join(second)
    assert read(first) == expected


def test_newcomers_never_meet_what_ended_rows_left_behind():
    """Not a number times a weight of 0 is not a number: it would spoil the newcomer's sums."""
    cache = filled([1.0, 2.0], [3.0, 4.0], replies=([5.0], [torch.nan]))
    cache.select([0])
    cache.join(filled([9.0]))
    assert not cache.layer(0).reply_keys.data.isnan().any()
    assert cache.layer(0).prompt_keys.data[1, 0, :, 0].tolist()[:2] == [9, 0]


def test_a_store_keeps_its_content_when_it_grows():
    store = Store()
    put(store, [[1.0, 2.0], [3.0, 4.0]])
    store.fit(5, 9, states([0.0]))
    assert store.data.shape == (5, 1, 9, 1)
    assert store.data[:2, 0, :2, 0].tolist() == [[1, 2], [3, 4]]
    assert store.data[2:].eq(0).all()
    assert store.data[:, :, 2:].eq(0).all()


def test_growth_does_not_copy_for_every_token():
    cache = filled([1.0])
    store = cache.layer(0).reply_keys
    columns_seen = []
    for length in range(4 * COLUMN_STEP):
        cache.reply_lengths = [length]
        store.fit(1, cache.fit_reply_columns(), states([0.0]))
        columns_seen.append(store.data.shape[2])
    assert columns_seen == [
        columns for step in range(1, 5) for columns in [step * COLUMN_STEP] * COLUMN_STEP
    ]


def test_a_store_drops_the_columns_that_nobody_needs_any_more():
    store = Store()
    put(store, [[1.0, 2.0, 3.0], [4.0]])
    store.fit(2, 1, states([0.0]))
    assert store.data[:, 0, :, 0].tolist() == [[1], [4]]


def test_columns_are_let_go_once_a_quarter_of_them_can():
    """A copy each time the longest reply ends would cost more than its masked columns."""
    cache = filled([1.0])
    seen = []
    for length in (8, 7, 6, 5):
        cache.reply_lengths = [length * COLUMN_STEP - 1]
        seen.append(cache.fit_reply_columns() // COLUMN_STEP)
    assert seen == [8, 8, 6, 6]


@pytest.mark.parametrize("length", [1, COLUMN_STEP - 1, COLUMN_STEP, COLUMN_STEP + 1])
def test_columns_come_in_whole_steps_and_hold_the_next_token(length):
    cache = filled([0.0] * length)
    assert cache.fit_prompt_columns() % COLUMN_STEP == 0
    assert cache.fit_prompt_columns() >= length
    cache.reply_lengths = [length]
    assert cache.fit_reply_columns() % COLUMN_STEP == 0
    assert cache.fit_reply_columns() >= length + 1


def test_a_row_that_has_read_nothing_yet_may_take_the_place_of_one_that_ends():
    """A row that ended while newcomers waited for their first pass ended everybody's decoding."""
    cache = filled([1.0], [2.0], replies=([7.0], [8.0]))
    cache.join(filled([3.0], [4.0]))
    cache.select([0, 3, 2])
    assert read(cache) == [[1, 7], [4], [3]]
