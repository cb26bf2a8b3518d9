"""The cache of rows that come and go, filled by hand: one head of one dimension a column."""

import pytest
import torch

from harness.pairs.kv_cache import RoomyLayer, RowCache

PAD = 0.0


def states(*rows):
    """One head, one dimension: a number per row and column."""
    return torch.tensor(rows, dtype=torch.float32)[:, None, :, None]


def shown(tensor):
    return tensor[:, 0, :, 0].tolist()


def layer_with(*rows):
    layer = RoomyLayer()
    layer.update(states(*rows), -states(*rows))
    return layer


def content(layer, n_rows):
    """Read a layer by appending a column of nines."""
    keys, values = layer.update(states(*[[9.0]] * n_rows), -states(*[[9.0]] * n_rows))
    assert torch.equal(values, -keys)
    return shown(keys)


def test_columns_are_appended_in_order():
    layer = layer_with([1.0, 2.0], [3.0, 4.0])
    keys, values = layer.update(states([5.0], [6.0]), states([7.0], [8.0]))
    assert shown(keys) == [[1, 2, 5], [3, 4, 6]]
    assert shown(values) == [[-1, -2, 7], [-3, -4, 8]]
    assert layer.get_seq_length() == 3


def test_a_layer_grows_far_beyond_its_first_room():
    layer = layer_with([0.0])
    for i in range(1, 200):
        keys, _ = layer.update(states([float(i)]), states([float(i)]))
    assert shown(keys) == [list(range(200))]


def test_growth_does_not_copy_for_every_token():
    layer = layer_with([0.0])
    addresses = set()
    for i in range(65):
        keys, _ = layer.update(states([float(i)]), states([float(i)]))
        addresses.add(keys.data_ptr())
    assert len(addresses) <= 2


def test_rows_are_kept_in_the_order_asked_for_and_may_be_repeated():
    layer = layer_with([1.0, 2.0], [3.0, 4.0], [5.0, 6.0])
    layer.select(torch.tensor([2, 0, 2]))
    assert content(layer, 3) == [[5, 6, 9], [1, 2, 9], [5, 6, 9]]


def test_a_repeated_row_goes_on_by_itself():
    layer = layer_with([1.0])
    layer.select(torch.tensor([0, 0]))
    keys, _ = layer.update(states([2.0], [3.0]), states([2.0], [3.0]))
    assert shown(keys) == [[1, 2], [1, 3]]


@pytest.mark.parametrize(
    ("mine", "theirs", "joined"),
    [
        ([1.0, 2.0], [3.0], [[1, 2, 9], [PAD, 3, 9]]),
        ([1.0], [2.0, 3.0], [[PAD, 1, 9], [2, 3, 9]]),
        ([1.0, 2.0], [3.0, 4.0], [[1, 2, 9], [3, 4, 9]]),
    ],
)
def test_joined_rows_end_in_the_same_column(mine, theirs, joined):
    layer = layer_with(mine)
    layer.join(layer_with(theirs))
    assert content(layer, 2) == joined


def test_joining_leaves_unused_room_behind():
    grown = layer_with([1.0])
    grown.update(states([2.0]), -states([2.0]))
    grown.join(layer_with([3.0]))
    assert content(grown, 2) == [[1, 2, 9], [PAD, 3, 9]]


def test_a_mask_tells_each_row_its_positions():
    cache = RowCache(torch.tensor([[0, 0, 1], [1, 1, 1]]))
    assert cache.positions().tolist() == [[0, 0, 0], [0, 1, 2]]
    cache.extend_mask()
    assert cache.mask.tolist() == [[0, 0, 1, 1], [1, 1, 1, 1]]
    assert cache.positions().tolist() == [[0, 0, 0, 1], [0, 1, 2, 3]]


def filled(mask, *rows):
    cache = RowCache(torch.tensor(mask))
    for layer in range(2):
        cache.layers.update(states(*rows), states(*rows), layer)
    return cache


def test_masks_and_layers_are_selected_together():
    cache = filled([[0, 1], [1, 1]], [0.0, 1.0], [2.0, 3.0])
    cache.select(torch.tensor([1]))
    assert cache.mask.tolist() == [[1, 1]]
    for layer in range(2):
        keys, _ = cache.layers.update(states([9.0]), states([9.0]), layer)
        assert shown(keys) == [[2, 3, 9]]


@pytest.mark.parametrize("shorter_first", [True, False])
def test_masks_and_layers_are_joined_together(shorter_first):
    short, long = filled([[1]], [1.0]), filled([[0, 1, 1]], [0.0, 2.0, 3.0])
    first, second = (short, long) if shorter_first else (long, short)
    first.join(second)
    rows = [([0, 0, 1], [PAD, PAD, 1, 9]), ([0, 1, 1], [0, 2, 3, 9])]
    rows = rows if shorter_first else rows[::-1]
    assert first.mask.tolist() == [mask for mask, _ in rows]
    for layer in range(2):
        keys, _ = first.layers.update(states([9.0], [9.0]), states([9.0], [9.0]), layer)
        assert shown(keys) == [columns for _, columns in rows]
