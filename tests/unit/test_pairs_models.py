"""Pairs read in one pass and in two, on tiny models, against full passes without a cache.

The reference side never shares weights, cache, padding or packing with what is tested: a separate
model reads the whole row again for every token.
"""

import copy

import pytest
import torch

from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt
from harness.errors import PairError, VocabularyMismatch
from harness.pairs.lora import load_adapter
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from harness.pairs.split_linear import split_rows
from tests.fakes import (
    VOCAB_SIZE,
    FakePair,
    random_adapter,
    request,
    save_random_adapter,
    slow_rollout,
    tiny_model,
)

EOS = frozenset({0})
PROMPTS = [(5, 17, 200), (80, 81, 82, 83, 84, 85, 86), (9,), (30, 31, 32, 33)]


def full_logits(model, ids):
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0, -1]


def uncached(target, baseline):
    """Write two models as functions of all tokens read: no cache, no padding, no batch."""
    return FakePair(
        lambda ids: full_logits(target, ids).tolist(),
        lambda ids: full_logits(baseline, ids).tolist(),
        VOCAB_SIZE,
        max_context=128,
    )


def mixed_requests():
    """Rows of every kind; both sides' prompts have lengths of their own."""
    kinds = [
        {"alpha": 0.0, "temperature": 0.0},
        {"alpha": -1.0, "top_p": 0.8},
        {"alpha": 1.0, "temperature": 0.7, "top_k": 20},
        {"alpha": 2.5, "max_tokens": 3},
        {"alpha": 0.5, "baseline_prompt": (40, 41)},
    ]
    return [
        request(PROMPTS[i % len(PROMPTS)], seed=i, **{"max_tokens": 7, **kind})
        for i, kind in enumerate(kinds)
    ]


def assert_decodes_as(pair, reference):
    """Let half of the rows join after two steps, then compare every row with the reference."""
    requests = mixed_requests()
    engine = Engine(pair, EOS)
    done = {}
    engine.admit(requests[:3])
    for _ in range(2):
        done |= {id(asked): rollout for asked, rollout in engine.step()}
    engine.admit(requests[3:])
    while engine.n_rows:
        done |= {id(asked): rollout for asked, rollout in engine.step()}
    for asked in requests:
        slow = slow_rollout(reference, asked, EOS)
        rollout = done[id(asked)]
        assert rollout.ids == slow.ids
        for field in ("target_logp_nats", "baseline_logp_nats", "amplified_std"):
            expected = [figures[field] for figures in slow.figures]
            assert rollout.trace[field].tolist() == pytest.approx(expected, abs=1e-3), field


def shared_weights(base, adapter_folder):
    split = split_rows(load_adapter(copy.deepcopy(base), adapter_folder, "base"))
    assert split is not None
    reader = Reader(split[0])
    return ModelPair(reader, reader, split[1])


def two_passes(target, baseline):
    return ModelPair(Reader(target), Reader(baseline))


def one_model(model):
    reader = Reader(model)
    return ModelPair(reader, reader)


FAMILIES = [
    pytest.param("llama", {}, id="llama"),
    pytest.param("llama", {"tie_word_embeddings": True}, id="llama with tied embeddings"),
    pytest.param("gpt2", {}, id="gpt2, absolute positions"),
    pytest.param("opt", {}, id="opt, rows flattened in its layers"),
    pytest.param("qwen2", {}, id="qwen2, biases"),
    pytest.param("mistral", {"sliding_window": 4}, id="mistral, sliding window"),
]


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_two_cached_models_decode_as_full_passes_do(family, config):
    """Trap 6: GPT-2 needs the position of every token to be stated."""
    sides = [tiny_model(family, seed, **config) for seed in (0, 1)]
    pair = two_passes(*copy.deepcopy(sides))
    assert_decodes_as(pair, uncached(*sides))


@pytest.mark.parametrize(("family", "config"), [p for p in FAMILIES if not p.id.startswith("gpt2")])
def test_one_pass_over_shared_weights_equals_two_separate_models(tmp_path, family, config):
    base = tiny_model(family, **config)
    folder = save_random_adapter(base, tmp_path)
    merged = random_adapter(base).merge_and_unload()
    assert_decodes_as(shared_weights(base, folder), uncached(merged, base))


SCALINGS = [
    pytest.param({"use_rslora": True}, id="rank-stabilised"),
    pytest.param({"alpha_pattern": {"q_proj": 20}, "r": 3}, id="a strength per layer"),
    pytest.param({"rank_pattern": {"v_proj": 5}}, id="a rank per layer"),
    pytest.param({"lora_dropout": 0.5}, id="dropout, which is for training"),
    pytest.param({"target_modules": ["q_proj", "down_proj"]}, id="some layers only"),
    pytest.param({"target_modules": ["v_proj", "lm_head"]}, id="the output projection as well"),
]


@pytest.mark.parametrize("config", SCALINGS)
def test_any_plain_lora_serves_both_sides_in_one_pass(tmp_path, config):
    base = tiny_model("llama")
    folder = save_random_adapter(base, tmp_path, **config)
    merged = random_adapter(base, **config).merge_and_unload()
    assert_decodes_as(shared_weights(base, folder), uncached(merged, base))


BEYOND_PLAIN = [
    pytest.param("llama", {"use_dora": True}, id="dora"),
    pytest.param("llama", {"lora_bias": True}, id="a bias on B"),
    pytest.param("llama", {"modules_to_save": ["embed_tokens"]}, id="embeddings trained in full"),
    pytest.param("llama", {"modules_to_save": ["lm_head"]}, id="output trained in full"),
    pytest.param("llama", {"target_modules": ["q_proj", "embed_tokens"]}, id="lora on embeddings"),
    pytest.param("llama", {"trainable_token_indices": [5, 80]}, id="some tokens' embeddings"),
    pytest.param("gpt2", {"fan_in_fan_out": True}, id="gpt2's transposed layers"),
]


@pytest.mark.parametrize(("family", "config"), BEYOND_PLAIN)
def test_an_adapter_beyond_plain_lora_is_left_whole_and_read_in_two_passes(
    tmp_path, family, config
):
    """Packing must not take from peft's own layers what they look for, such as ``weight``."""
    base = tiny_model(family)
    folder = save_random_adapter(base, tmp_path, **config)
    adapted = load_adapter(copy.deepcopy(base), folder, "base")
    assert split_rows(adapted) is None
    inner = adapted.get_base_model()
    pair = ModelPair(Reader(inner), Reader(inner, adapted.disable_adapter))
    assert_decodes_as(pair, uncached(random_adapter(base, **config), base))


def test_a_pair_of_one_model_with_itself_ignores_alpha():
    model = tiny_model("llama")
    requests = [request((5, 17), alpha=alpha, seed=3, max_tokens=8) for alpha in (-1.0, 0.0, 7.0)]
    rollouts = Engine(one_model(model), EOS).run(requests)
    assert len({rollout.ids for rollout in rollouts}) == 1
    assert all(rollout.trace["kl_amplified_target_nats"].max() < 1e-6 for rollout in rollouts)


def greedily_generated(model, ids, n_tokens):
    with torch.inference_mode():
        output = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.int64),
            max_new_tokens=n_tokens,
            do_sample=False,
            eos_token_id=0,
            pad_token_id=0,
        )
    return tuple(output[0, len(ids) :].tolist())


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_greedy_rollouts_equal_transformers_generate_of_either_model(family):
    target, baseline = (tiny_model(family, seed) for seed in (0, 1))
    pair = two_passes(copy.deepcopy(target), copy.deepcopy(baseline))
    for alpha, model in ((0.0, target), (-1.0, baseline)):
        requests = [request(ids, alpha=alpha, temperature=0, max_tokens=9) for ids in PROMPTS]
        rollouts = Engine(pair, EOS).run(requests)
        assert [one.ids for one in rollouts] == [greedily_generated(model, p, 9) for p in PROMPTS]


def test_greedy_rollouts_equal_transformers_generate_with_the_adapter_on_and_off(tmp_path):
    base = tiny_model("llama")
    adapted = random_adapter(base)
    pair = shared_weights(base, save_random_adapter(base, tmp_path))
    for alpha, model in ((0.0, adapted), (-1.0, base)):
        requests = [request(ids, alpha=alpha, temperature=0, max_tokens=9) for ids in PROMPTS]
        rollouts = Engine(pair, EOS).run(requests)
        assert [one.ids for one in rollouts] == [greedily_generated(model, p, 9) for p in PROMPTS]


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_padded_row_has_the_logits_that_it_has_alone(family):
    """Traps 5 and 6: a mask that lets padding through, positions counted from the padding on."""
    model = tiny_model(family)
    pair = two_passes(copy.deepcopy(model), copy.deepcopy(model))
    _, logits = pair.read_prompts([Prompt(ids, ids) for ids in PROMPTS])
    for row, ids in enumerate(PROMPTS):
        torch.testing.assert_close(
            logits.target[row], full_logits(model, ids), atol=1e-5, rtol=1e-4
        )


def test_prompts_read_in_parts_decode_as_prompts_read_at_once(monkeypatch, tmp_path):
    base = tiny_model("llama")
    pair = shared_weights(base, save_random_adapter(base, tmp_path))
    whole = Engine(pair, EOS).run(mixed_requests())
    monkeypatch.setattr("harness.decoding.prefill._PREFILL_TOKENS", 8)
    parts = Engine(pair, EOS).run(mixed_requests())
    assert [one.ids for one in parts] == [one.ids for one in whole]


def test_long_prompts_read_in_stretches_decode_as_prompts_read_at_once(monkeypatch, tmp_path):
    base = tiny_model("mistral", sliding_window=10)
    pair = shared_weights(base, save_random_adapter(base, tmp_path))
    requests = [
        request(range(4, 4 + n), baseline_prompt=range(9, 20), seed=n, alpha=1.5, max_tokens=5)
        for n in (3, 16, 17, 40, 70)
    ]
    whole = Engine(pair, EOS).run(requests)
    monkeypatch.setattr("harness.pairs.reader._STRETCH", 16)
    stretches = Engine(pair, EOS).run(requests)
    assert [one.ids for one in stretches] == [one.ids for one in whole]


def test_a_model_that_keeps_a_state_beside_its_attention_is_refused():
    """Its layers would start afresh at every token, and text would fall apart without an error."""
    model = tiny_model("llama")
    model.config.num_hidden_layers = 3  # as if one layer did not attend through the interface
    with pytest.raises(PairError, match="2 of the 3 layers of LlamaForCausalLM"):
        Reader(model)


def test_logits_of_bfloat16_weights_are_subtracted_in_float32():
    """Near 20 a bfloat16 step is 0.125, and alpha multiplies it."""
    model = tiny_model("llama").bfloat16()
    pair = one_model(model)
    _, logits = pair.read_prompts([Prompt((5, 6), (9, 6))])
    target, baseline = (side.float() for side in logits)
    (rollout,) = Engine(pair, EOS).run(
        [request((5, 6), baseline_prompt=(9, 6), alpha=0.3, max_tokens=1)]
    )
    expected = (target + 0.3 * (target - baseline)).max()
    assert rollout.trace is not None
    assert rollout.trace["amplified_max"][0] == pytest.approx(float(expected), abs=1e-6)
    assert expected != expected.bfloat16()


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_a_pair_states_its_vocabulary_and_context(family):
    model = tiny_model(family)
    pair = one_model(model)
    assert (pair.vocab_size, pair.max_context) == (VOCAB_SIZE, 128)


def test_sides_with_different_numbers_of_logits_are_refused_unless_told_what_they_share():
    wide, narrow = tiny_model("llama", vocab_size=VOCAB_SIZE + 4), tiny_model("llama")
    with pytest.raises(VocabularyMismatch, match="264 logits and the baseline 260"):
        two_passes(wide, narrow)
    pair = ModelPair(Reader(wide), Reader(narrow), vocab_size=VOCAB_SIZE)
    _, logits = pair.read_prompts([Prompt((5,), (5,))])
    assert logits.target.shape == logits.baseline.shape == (1, VOCAB_SIZE)


def test_the_shorter_context_counts_for_both():
    long, short = tiny_model("llama"), tiny_model("llama", max_position_embeddings=64)
    assert two_passes(long, short).max_context == 64


def test_a_rollout_may_fill_the_context_to_its_end():
    """GPT-2's positions are a table: one token too many would be an index error."""
    model = tiny_model("gpt2")
    pair = one_model(model)
    [rollout] = Engine(pair, frozenset()).run([request((5,) * 120, max_tokens=50)])
    assert (len(rollout.ids), rollout.stop_reason) == (8, "model_length")


def test_a_condition_is_entered_for_the_baseline_only():
    entered = []

    class Condition:
        def __enter__(self):
            entered.append("in")

        def __exit__(self, *_):
            entered.append("out")

    model = tiny_model("llama")
    pair = ModelPair(Reader(model), Reader(model, Condition))
    entered.clear()
    state, _ = pair.read_prompts([Prompt((5,), (5,))])
    pair.read_tokens(state, torch.tensor([6]))
    assert entered == ["in", "out"] * 2


@pytest.mark.gpu
def test_a_gpu_draws_the_same_tokens_as_a_cpu(tmp_path):
    base = tiny_model("llama")
    adapter = save_random_adapter(base, tmp_path)
    rollouts = {
        device: Engine(shared_weights(copy.deepcopy(base).to(device), adapter), EOS).run(
            mixed_requests()
        )
        for device in ("cpu", "cuda")
    }
    assert [one.ids for one in rollouts["cuda"]] == [one.ids for one in rollouts["cpu"]]
