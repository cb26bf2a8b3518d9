"""What a GPU would run, on a device that computes on the CPU and is as strict as a GPU."""

import gc
from dataclasses import replace
from unittest.mock import create_autospec

import pytest
import torch

from harness.decoding.engine import Engine
from harness.diffing.scan import Replies, scan
from harness.diffing.sums import TokenSums
from harness.pairs.loading import load_pair
from harness.pairs.marker_logps import Marker, marker_logps
from harness.pairs.side import Side, Steering
from harness.pairs.spec import PairSpec
from harness.pairs.step_graphs import CudaGraph, one_by_one
from harness.pairs.teacher_forcing import KnownReply
from tests.fakes import request, save_checkpoint, save_random_adapter, tiny_model
from tests.pretended_device import PretendedGraph, pretended_gpu

N_TOKENS = 12


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """An adapter on and off."""
    base, folder = tiny_model("llama"), tmp_path_factory.mktemp("pair")
    checkpoint = str(save_checkpoint(base, folder / "base"))
    adapter = str(save_random_adapter(base, folder / "adapter"))
    return Side(checkpoint=checkpoint, adapter=adapter), Side(checkpoint=checkpoint)


@pytest.fixture
def load(sides):
    target, baseline = sides

    def on(device="auto", device_map=None, dtype="float32", **change):
        return load_pair(
            PairSpec(
                name="tiny",
                target=replace(target, **change),
                baseline=baseline,
                device=device,
                device_map=device_map,
                dtype=dtype,
            )
        ).model

    return on


def asked(n, **settings):
    """Rows of two prompts and several strengths."""
    return [
        request(
            [(5, 17, 200), (80, 81, 82, 83, 84)][i % 2],
            seed=i,
            **{"alpha": (0.0, -1.0, 1.0, 2.0)[i % 4], "max_tokens": N_TOKENS, **settings},
        )
        for i in range(n)
    ]


def assert_same(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.ids == theirs.ids
        if theirs.trace is not None:
            assert torch.allclose(ours.trace.figures, theirs.trace.figures, atol=1e-3, rtol=1e-3)


def per_step(device, engine):
    """Decode to the end; return operations and transfers of each step."""
    counts = []
    while engine.n_rows:
        before = device.calls, device.transfers
        engine.step()
        counts.append((device.calls - before[0], device.transfers - before[1]))
    return counts


def test_a_recorded_step_is_one_operation_and_waits_for_the_device_once(load):
    with pretended_gpu() as gpu:
        engine = Engine(load("pretended"), frozenset())
        engine.admit(asked(6))
        counts = per_step(gpu, engine)
    calls, transfers = zip(*counts, strict=True)
    # By single operations, recorded, compared, then replayed; nothing is read after the last token.
    sampling = calls[-1]
    assert all(n < sampling + 20 for n in calls[3:])
    assert calls[0] > 4 * sampling
    # The comparison waits once more; figures of rows that end are fetched together.
    assert transfers == (1, 1, 2, *[1] * (N_TOKENS - 4), 2)
    assert gpu.n_recorded == 1


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"trace": False},
        {"temperature": 0.0},
        {"top_p": 0.9, "top_k": 20, "temperature": 0.8, "top_logprobs": 3},
        {"trace_alphas": (0.5, 1.0), "trace_best": True},
    ],
    ids=["traced", "untraced", "greedy", "cut", "grid"],
)
def test_rows_that_come_and_go_are_those_of_a_cpu(load, settings):
    requests = [
        *asked(5, **settings),
        *asked(4, **{**settings, "max_tokens": 3}),
        *asked(3, **{**settings, "max_tokens": 2 * N_TOKENS}),
    ]
    expected = Engine(load("cpu"), frozenset()).run(requests)
    with pretended_gpu() as gpu:
        engine = Engine(load("pretended"), frozenset())
        done = {}
        for joining in (requests[:5], requests[5:9], requests[9:]):
            engine.admit(joining)
            for _ in range(5):
                done |= {id(one): rollout for one, rollout in engine.step()}
        while engine.n_rows:
            done |= {id(one): rollout for one, rollout in engine.step()}
    assert_same([done[id(one)] for one in requests], expected)
    assert gpu.n_recorded > 1


def test_one_side_alone_is_recorded_as_well(load):
    requests = asked(5, trace=False, alpha=0.0)
    expected = Engine(load("cpu"), frozenset()).run(requests)
    with pretended_gpu() as gpu:
        assert_same(Engine(load("pretended"), frozenset()).run(requests), expected)
    assert gpu.n_recorded == 1


def test_a_fixed_number_of_rows_is_recorded_once(load):
    requests = [*asked(3), *asked(2, max_tokens=5)]
    expected = Engine(load("cpu"), frozenset(), fixed_rows=6).run(requests)
    with pretended_gpu() as gpu:
        engine = Engine(load("pretended"), frozenset(), fixed_rows=6)
        assert_same(engine.run(requests), expected)
    assert gpu.n_recorded == 1


def test_nothing_is_recorded_where_operations_are_to_be_taken_one_by_one(load):
    requests = asked(4)
    expected = Engine(load("cpu"), frozenset()).run(requests)
    with pretended_gpu() as gpu:
        pair = load("pretended")
        with one_by_one():
            assert_same(Engine(pair, frozenset()).run(requests), expected)
        assert gpu.n_recorded == 0
        assert_same(Engine(pair, frozenset()).run(requests), expected)
        assert gpu.n_recorded == 1


class Forgetful(PretendedGraph):
    """A graph that never does again what it has recorded."""

    def replay(self):
        pass


def test_a_recording_that_does_otherwise_is_found_out(load, caplog):
    requests = asked(4)
    expected = Engine(load("cpu"), frozenset()).run(requests)
    with pretended_gpu(Forgetful) as gpu:
        assert_same(Engine(load("pretended"), frozenset()).run(requests), expected)
        assert gpu.n_recorded == 1
    assert "off when it was replayed; it takes one operation at a time" in caplog.text


def test_what_asks_the_host_is_not_recorded(load, caplog):
    requests = asked(4)
    expected = Engine(load("cpu"), frozenset()).run(requests)
    with pretended_gpu() as gpu:
        pair = load("pretended")
        model = pair._target._model
        model.register_forward_pre_hook(
            lambda module, args, kwargs: kwargs["input_ids"].max().item() and None, with_kwargs=True
        )
        assert_same(Engine(pair, frozenset()).run(requests), expected)
        assert gpu.n_recorded == 0
    assert "a step of this model can't be recorded (operation not permitted" in caplog.text


def test_recordings_go_with_the_rows_that_they_were_made_for(load):
    with pretended_gpu() as gpu:
        pair = load("pretended")
        for _ in range(3):
            Engine(pair, frozenset()).run(asked(4))
            gc.collect()
        assert gpu.n_recorded == 3
        assert not gpu.graphs


SPLIT = {
    "model.embed_tokens": "pretended:0",
    "model.rotary_emb": "pretended:0",
    "model.layers.0": "pretended:0",
    "model.layers.1": "pretended:1",
    "model.norm": "pretended:1",
    "lm_head": "pretended:1",
}
STEERED = {"steering": Steering(layer=1, positive=("ab", "b"), negative=("c",))}


@pytest.fixture
def split(monkeypatch):
    """Let ``device_map`` put a layer on each of two devices."""
    monkeypatch.setenv("HF_DEACTIVATE_ASYNC_LOAD", "1")  # the device is this thread's alone
    monkeypatch.setattr("transformers.modeling_utils._get_device_map", lambda *_: SPLIT)


@pytest.mark.parametrize(
    "change", [{}, STEERED, {"exit_layer": 0}], ids=["lora", "steered", "exit"]
)
def test_layers_on_two_devices_decode_as_those_on_one(load, split, change):
    requests = [*asked(5), *asked(3, max_tokens=4)]
    expected = Engine(load("cpu", **change), frozenset()).run(requests)
    with pretended_gpu() as gpu:
        pair = load("auto", **change, device_map="balanced")
        assert_same(Engine(pair, frozenset()).run(requests), expected)
    # A graph is of one device.
    assert gpu.n_recorded == 0


def test_two_checkpoints_share_what_is_equal_on_two_devices(tmp_path, split):
    models = [tiny_model("llama", seed) for seed in (0, 1)]
    models[1].model.layers[1].load_state_dict(models[0].model.layers[1].state_dict())
    sides = [
        Side(checkpoint=str(save_checkpoint(model, tmp_path / str(i))))
        for i, model in enumerate(models)
    ]
    spec = PairSpec(name="tiny", target=sides[0], baseline=sides[1], device="cpu")
    expected = Engine(load_pair(spec).model, frozenset()).run(asked(5))
    with pretended_gpu():
        pair = load_pair(replace(spec, device="auto", device_map="balanced")).model
        assert_same(Engine(pair, frozenset()).run(asked(5)), expected)


@pytest.mark.parametrize("where", [{"device": "pretended"}, {"device_map": "balanced"}])
@pytest.mark.usefixtures("split")
def test_known_replies_are_measured_as_on_a_cpu(load, where):
    prompts = [one.prompt for one in asked(3)]
    corpus = [Replies(one, ((7, 8, 9), (10, 11))) for one in prompts]
    replies = [(7, 8, 9), (10, 11), (12,)]

    def measured(pair):
        sums = TokenSums(pair.vocab_size, pair.device)
        found = [*scan(pair, corpus, sums)]
        logps = pair.reply_logps(prompts, replies)
        known = [KnownReply(*one) for one in zip(prompts, replies, strict=True)]
        markers = marker_logps(pair, known, [Marker((3, 4)), Marker((5,), (3, 4))])
        return found, sums.state(), logps, markers

    found, sums, logps, markers = measured(load("cpu"))
    with pretended_gpu():
        ours = measured(load(**where))
        for one, other in zip(ours[0], found, strict=True):
            for mine, theirs in zip(one.replies, other.replies, strict=True):
                assert mine.kl_nats.tolist() == pytest.approx(theirs.kl_nats.tolist(), abs=1e-4)
                assert mine.promoted.tolist() == theirs.promoted.tolist()
    for name, expected in sums.items():
        assert ours[1][name] == pytest.approx(expected, abs=1e-3), name
    for mine, theirs in zip(ours[2], logps, strict=True):
        assert torch.allclose(mine.target, theirs.target, atol=1e-4)
        assert torch.allclose(mine.baseline, theirs.baseline, atol=1e-4)
    for mine, theirs in zip(ours[3], markers, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_cuda_replays_its_steps_and_draws_what_single_operations_draw(
    load, monkeypatch, caplog, dtype
):
    replays = []
    replay = CudaGraph.replay
    monkeypatch.setattr(CudaGraph, "replay", lambda self: (replays.append(self), replay(self)))
    requests = [*asked(5), *asked(4, max_tokens=3), *asked(3, max_tokens=2 * N_TOKENS)]
    pair = load("cuda", dtype=dtype)
    with one_by_one():
        expected = Engine(pair, frozenset()).run(requests)
    assert not replays
    found = Engine(pair, frozenset()).run(requests)
    assert len(replays) > N_TOKENS
    assert not caplog.records
    assert [one.ids for one in found] == [one.ids for one in expected]
    if dtype == "float32":
        assert_same(found, Engine(load("cpu"), frozenset()).run(requests))


@pytest.mark.gpu
def test_layers_on_two_cards_decode_as_those_on_a_cpu(load, monkeypatch):
    if torch.cuda.device_count() < 2:
        pytest.skip("one CUDA device only")
    cards = {name: place.replace("pretended", "cuda") for name, place in SPLIT.items()}
    monkeypatch.setattr("transformers.modeling_utils._get_device_map", lambda *_: cards)
    expected = Engine(load("cpu"), frozenset()).run(asked(5))
    assert_same(Engine(load("auto", device_map="balanced"), frozenset()).run(asked(5)), expected)


def test_a_cuda_graph_is_recorded_as_torch_takes_it(monkeypatch):
    """As far as that can be told without a card: names and order of what torch is given."""
    for name in ("CUDAGraph", "graph", "device"):
        monkeypatch.setattr(torch.cuda, name, create_autospec(getattr(torch.cuda, name)))
    graph = CudaGraph(torch.device("cuda:1"), pool=(0, 1))
    result = graph.record(lambda: torch.ones(2))
    graph.replay()
    assert result.tolist() == [1, 1]
    recorded = torch.cuda.CUDAGraph.return_value
    torch.cuda.graph.assert_called_once_with(
        recorded, pool=(0, 1), capture_error_mode="thread_local"
    )
    recorded.replay.assert_called_once_with()
    assert torch.cuda.device.call_count == 2
