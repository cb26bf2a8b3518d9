"""What prompts begin with in common is read once, and no bit tells so."""

import pytest
import torch

from harness.decoding.pair_model import Prompt
from harness.pairs.attention import Heads
from harness.pairs.models import ModelPair
from harness.pairs.opening import shared_tokens
from harness.pairs.passes import PromptPass
from harness.pairs.reader import Reader
from harness.pairs.row_cache import LayerStores
from harness.pairs.split_linear import split_rows
from tests.fakes import random_adapter, tiny_model

PREAMBLE = tuple(range(10, 45))


def adapter_pair(family="llama", dtype=torch.float32):
    base, sides = split_rows(random_adapter(tiny_model(family)).to(dtype))
    reader = Reader(base)
    return ModelPair(reader, reader, sides)


def asked(n, *, preamble=PREAMBLE):
    return [
        Prompt((*preamble, 50 + i, *range(i)), (*preamble, 50 + i, *range(i))) for i in range(n)
    ]


def logits_of(pair, prompts):
    state, logits = pair.read_prompts(prompts)
    return torch.cat(logits), state


@pytest.mark.parametrize(
    ("prompts", "n_sides", "shared"),
    [
        ([(1,) * 40 + (i,) for i in range(2, 12)], 1, 32),
        ([(1,) * 16 + (i,) for i in range(2, 42)], 1, 16),
        # The last token is left, for its logits.
        ([(1,) * 32 for _ in range(20)], 1, 16),
        # What two prompts share is less than a pass of its own costs.
        ([(1,) * 40 + (i,) for i in range(2, 4)], 1, 0),
        ([(1,) * 15 + (i,) for i in range(2, 42)], 1, 0),
        # Of two sides in turn, each with an opening of its own, the shorter one counts.
        ([((1,) * 40, (2,) * 20)[i % 2] + (3 + i,) for i in range(40)], 2, 16),
        ([((1,) * 40, (2 + i,) * 40)[i % 2] + (3,) for i in range(40)], 2, 0),
    ],
)
def test_whole_steps_that_all_prompts_of_a_side_begin_with_are_shared(prompts, n_sides, shared):
    assert shared_tokens(prompts, n_sides) == shared


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2", "gpt2"])
def test_reading_an_opening_once_changes_no_bit(family, dtype, monkeypatch):
    if family == "gpt2":
        reader = Reader(tiny_model(family).to(dtype))
        pair = ModelPair(reader, reader)
    else:
        pair = adapter_pair(family, dtype)
    prompts = asked(12)
    once, state = logits_of(pair, prompts)
    tokens = torch.arange(12) + 100
    next_once = torch.cat(pair.read_tokens(state, tokens))
    monkeypatch.setattr("harness.pairs.reader.shared_tokens", lambda prompts, n_sides: 0)
    each, state = logits_of(pair, prompts)
    assert torch.equal(once, each)
    assert torch.equal(next_once, torch.cat(pair.read_tokens(state, tokens)))


def test_an_opening_is_read_once_for_each_side(monkeypatch):
    pair = adapter_pair()
    shapes = []
    forward = Reader._forward

    def counted(self, ids, *rest):
        shapes.append(tuple(ids.shape))
        return forward(self, ids, *rest)

    monkeypatch.setattr(Reader, "_forward", counted)
    pair.read_prompts(asked(12))
    # 32 of the preamble's 35 tokens for both sides, then 16 columns of every prompt.
    assert shapes == [(2, 32), (24, 16)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("softcap", [None, 20.0])
@pytest.mark.parametrize("columns", [48, 80, 208, 256, 272])
def test_a_prompts_bits_do_not_tell_how_long_those_beside_it_are(columns, softcap, dtype):
    """torch answers queries in blocks whose size depends on how many there are in all.

    The embedded pair's logits after a prompt of 200 tokens were 4e-5 off beside one of 215.
    """
    generator = torch.Generator().manual_seed(0)
    states = [torch.randn(2, 9, 288, 64, generator=generator).to(dtype) for _ in range(3)]
    heads = Heads(scale=0.125, window=None, softcap=softcap)

    def answers(rows, stop):
        own = tuple(one[:rows, :, :stop] for one in states)
        return PromptPass(0, stop, stop).attend(LayerStores(), own, heads)

    with torch.inference_mode():
        assert torch.equal(answers(1, columns)[0], answers(2, 288)[0, :columns])
