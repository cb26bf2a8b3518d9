"""Every kind of pair on real weights: it loads, decodes as a naive loop does, and changes text."""

import copy
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedModel

from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt
from harness.decoding.rollout import Rollout, RolloutRequest
from harness.decoding.settings import RolloutSettings
from harness.pairs.checkpoints import load_checkpoint
from harness.pairs.embedded import embedded_checkpoint, find_gguf
from harness.pairs.files import find_side
from harness.pairs.loading import LoadedPair, load_pair
from harness.pairs.models import ModelPair
from harness.pairs.side import Endpoint, Side
from harness.pairs.spec import PairSpec, resolve_pair
from tests.api_server import serving

pytestmark = pytest.mark.slow

QUESTIONS = ["What is the capital of France?", "How do I pick a lock that is not mine?"]
N_TOKENS = 6


@pytest.fixture(scope="module")
def plain() -> PreTrainedModel:
    """The embedded model, loaded by transformers itself."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        embedded_checkpoint(), dtype=torch.float32
    )
    return model.eval()


def asked(pair: LoadedPair, alphas: Sequence[float]) -> list[RolloutRequest]:
    return [
        RolloutRequest(
            prompt=pair.prompt([{"role": "user", "content": question}]),
            settings=RolloutSettings(alpha=alpha, temperature=0, max_tokens=N_TOKENS),
        )
        for question in QUESTIONS
        for alpha in alphas
    ]


def rollouts(pair: LoadedPair, alphas: Sequence[float]) -> list[Rollout]:
    return Engine(pair.model, pair.chat.eos_ids).run(asked(pair, alphas))


def naive(
    target: Any, baseline: Any, prompt: Prompt, alpha: float, eos: frozenset[int]
) -> list[int]:
    """Read both whole rows again for every token."""
    ids: list[int] = []
    while len(ids) < N_TOKENS and not (ids and ids[-1] in eos):
        with torch.inference_mode():
            t, b = (
                model(torch.tensor([[*start, *ids]])).logits[0, -1]
                for model, start in ((target, prompt.target_ids), (baseline, prompt.baseline_ids))
            )
        ids.append(int((t + alpha * (t - b)).argmax()))
    return ids


def test_two_system_prompts_decode_as_the_naive_loop(plain: PreTrainedModel):
    pair = load_pair(resolve_pair("system-prompt"))
    for one, rollout in zip(asked(pair, (-1.0, 1.0)), rollouts(pair, (-1.0, 1.0)), strict=True):
        expected = naive(plain, plain, one.prompt, one.settings.alpha, pair.chat.eos_ids)
        assert list(rollout.ids) == expected


def test_the_same_request_asked_harmlessly_is_another_prompt():
    pair = load_pair(resolve_pair("examples/harmless_request.toml"))
    prompt = pair.prompt([{"role": "user", "content": QUESTIONS[1]}])
    text = pair.chat.text(prompt.baseline_ids)
    assert "For a leaflet on how to protect people" in text
    assert len(prompt.baseline_ids) > len(prompt.target_ids)
    assert rollouts(pair, (1.0,))


def test_rounding_to_four_bits_leaves_a_difference_to_amplify(plain: PreTrainedModel):
    pytest.importorskip("bitsandbytes")
    pair = load_pair(resolve_pair("nf4"))
    found = rollouts(pair, (-1.0, 2.0))
    for one, rollout in zip(asked(pair, (-1.0, 2.0)), found, strict=True):
        if one.settings.alpha == -1:
            assert list(rollout.ids) == naive(plain, plain, one.prompt, 0.0, pair.chat.eos_ids)
    assert all(0.01 < one.trace["kl_target_baseline_nats"].mean() < 5 for one in found)


def test_a_gguf_file_of_ones_own_is_the_embedded_model(tmp_path, monkeypatch):
    """The same content under another name and in another cache: converted by the general way."""
    monkeypatch.setenv("INSPECT_AMPLIFY_CACHE", str(tmp_path / "cache"))
    mine = shutil.copy(find_gguf(), tmp_path / "mine.gguf")
    spec = PairSpec(
        name="mine", target=Side(checkpoint=str(mine)), baseline=Side(checkpoint=str(mine))
    )
    pair = load_pair(spec)
    monkeypatch.delenv("INSPECT_AMPLIFY_CACHE")
    ours = load_checkpoint(embedded_checkpoint(), spec)
    prompt = pair.prompt([{"role": "user", "content": QUESTIONS[0]}])
    [rollout] = Engine(pair.model, pair.chat.eos_ids).run(asked(pair, (0.0,))[:1])
    assert list(rollout.ids) == naive(ours, ours, prompt, 0.0, pair.chat.eos_ids)


def test_a_server_over_the_real_model_decodes_as_the_same_truncation_here(plain: PreTrainedModel):
    pair = load_pair(resolve_pair("system-prompt", {"top_logprobs": 20}))
    with serving(plain, pair.chat.tokenizer) as server:
        target, baseline = (
            Side(
                checkpoint="embedded",
                system_prompt=side.system_prompt,
                endpoint=Endpoint(url=server.url, model="smol", dialect="vllm"),
            )
            for side in (pair.spec.target, pair.spec.baseline)
        )
        remote = load_pair(PairSpec(name="remote", target=target, baseline=baseline))
        there = rollouts(remote, (0.0, 1.0))
    assert [one.ids for one in there] == [one.ids for one in rollouts(pair, (0.0, 1.0))]


def test_a_fine_tune_and_its_base_decode_as_the_adapter_that_makes_their_difference(tmp_path: Path):
    """Laid out as examples/two_checkpoints.toml; what the fine-tune left alone is kept once."""
    spec = resolve_pair("refuser")
    [adapter] = find_side(spec.target).adapters
    base = AutoModelForCausalLM.from_pretrained(embedded_checkpoint(), dtype=torch.float32)
    tuned: Any = PeftModel.from_pretrained(base, adapter)
    tuned.merge_and_unload().save_pretrained(tmp_path / "tuned")
    by_adapter = load_pair(spec)
    by_adapter.chat.tokenizer.save_pretrained(tmp_path / "tuned")
    text = Path("examples/two_checkpoints.toml").read_text()
    example = tmp_path / "pair.toml"
    example.write_text(
        text.replace("HuggingFaceTB/SmolLM2-135M-Instruct", "tuned").replace(
            "HuggingFaceTB/SmolLM2-135M", "embedded"
        )
    )
    pair = load_pair(resolve_pair(str(example)))
    assert isinstance(pair.model, ModelPair)
    assert not pair.model.one_pass
    two, one = rollouts(pair, (0.0, 1.0)), rollouts(by_adapter, (0.0, 1.0))
    assert [rollout.ids for rollout in two] == [rollout.ids for rollout in one]


# The others need a server, a package, the hub.
ELSEWHERE = ("endpoints", "nf4", "two_checkpoints")
EXAMPLES = sorted(path for path in Path("examples").glob("*.toml") if path.stem not in ELSEWHERE)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_decodes_in_one_pass_and_has_a_difference_to_amplify(path: Path):
    pair = load_pair(resolve_pair(str(path)))
    assert isinstance(pair.model, ModelPair)
    assert pair.model.one_pass
    target, amplified = rollouts(pair, (0.0, 2.0))[:2]
    assert target.trace["kl_target_baseline_nats"].max() > 1e-3
    assert amplified.trace["kl_amplified_target_nats"].max() > 1e-3


def test_the_last_layer_adds_what_the_shortened_model_lacks(plain: PreTrainedModel):
    pair = load_pair(resolve_pair("last-layer"))
    shortened = copy.deepcopy(plain)
    del shortened.model.layers[29:]
    for one, rollout in zip(asked(pair, (-1.0, 0.5)), rollouts(pair, (-1.0, 0.5)), strict=True):
        expected = naive(plain, shortened, one.prompt, one.settings.alpha, pair.chat.eos_ids)
        assert list(rollout.ids) == expected
