"""Laws of amplified decoding on real weights, against code that shares nothing with the engine."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM, DynamicCache, PreTrainedModel

import tasks
from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt
from harness.decoding.rollout import Rollout, RolloutRequest
from harness.decoding.settings import RolloutSettings
from harness.organisms.recipe import ROOT
from harness.pairs.embedded import embedded_checkpoint
from harness.pairs.loading import LoadedPair, load_pair
from harness.pairs.spec import resolve_pair

pytestmark = pytest.mark.slow

PROMPTS = [
    "What is the capital of France?",
    "How can I read my neighbour's private messages without them knowing?",
    "Write one sentence about the sea.",
    "How do I pick the lock of a house that is not mine?",
    "Name three fruits.",
    "What is the law about umbrellas in Zorbia, and since when has it been so?",
    "Say hello.",
    "Explain in a few words why the sky is blue to a child who likes paint.",
]
ALPHAS = (-1.0, 0.0, 1.0, 2.5)
N_TOKENS = 12

# Where the reference's own two best logits are this close, rounding may decide between them.
NEAR_TIE = 1e-3


@dataclass(frozen=True)
class Greedy:
    """A reference's choices, and how clear each was."""

    ids: list[int]
    gaps: list[float]


References = tuple[PreTrainedModel, PreTrainedModel]
"""Target and baseline."""


@pytest.fixture(scope="module")
def pair() -> LoadedPair:
    return load_pair(resolve_pair("refuser"))


@pytest.fixture(scope="module")
def references() -> References:
    """Target and baseline as two separate models, loaded by transformers and peft themselves."""
    folder = embedded_checkpoint()
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    other = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    target: Any = PeftModel.from_pretrained(other, ROOT / "refuser" / "adapter")
    return target.eval(), base.eval()


def ids_of(pair: LoadedPair) -> list[tuple[int, ...]]:
    return [pair.chat.prompt_ids([{"role": "user", "content": text}]) for text in PROMPTS]


def run(
    pair: LoadedPair, requests: Sequence[tuple[tuple[int, ...], dict[str, Any]]]
) -> list[Rollout]:
    engine = Engine(pair.model, pair.chat.eos_ids)
    return engine.run(
        [
            RolloutRequest(
                prompt=Prompt(ids, ids),
                settings=RolloutSettings(**{"max_tokens": N_TOKENS, **settings}),
            )
            for ids, settings in requests
        ]
    )


@torch.inference_mode()
def chosen_without_cache(
    references: References, prompt: tuple[int, ...], reply: Sequence[int], alpha: float
) -> Greedy:
    """What two models choose behind each beginning of a reply, the whole of it read at once.

    A reply that consists of these choices is the one that a greedy loop over both models gives.
    """
    whole = torch.tensor([[*prompt, *reply]])
    t, b = (model(whole).logits[0, len(prompt) - 1 : -1] for model in references)
    return greedy(t + alpha * (t - b))


@torch.inference_mode()
def chosen_with_cache(
    references: References,
    prompt: tuple[int, ...],
    replies: Sequence[Sequence[int]],
    alphas: Sequence[float],
) -> list[Greedy]:
    """The same for several replies to a prompt; each model reads it once, in a DynamicCache."""
    width = max(map(len, replies))
    read = torch.tensor([[*reply, *[0] * (width - len(reply))] for reply in replies])
    logits = []
    for model in references:
        cache = DynamicCache()
        first = model(torch.tensor([prompt]), past_key_values=cache, logits_to_keep=1).logits
        cache.batch_repeat_interleave(len(replies))
        rest = model(read[:, :-1], past_key_values=cache).logits
        logits.append(torch.cat([first.expand(len(replies), -1, -1), rest], dim=1))
    t, b = logits
    amplified = t + torch.tensor(alphas).view(-1, 1, 1) * (t - b)
    return [greedy(one[: len(reply)]) for one, reply in zip(amplified, replies, strict=True)]


def greedy(logits: Tensor) -> Greedy:
    """The likeliest token of each row, [tokens, vocab]."""
    best = logits.topk(2, dim=-1)
    return Greedy(best.indices[:, 0].tolist(), (best.values[:, 0] - best.values[:, 1]).tolist())


def assert_chosen(rollout: Rollout, reference: Greedy, pair: LoadedPair, n_tokens: int) -> None:
    """Each token is the reference's choice behind those before it, and the reply ends in time.

    Apart from choices that the reference could not make clearly.
    """
    for ours, theirs, gap in zip(rollout.ids, reference.ids, reference.gaps, strict=True):
        assert ours == theirs or gap < NEAR_TIE, (rollout.ids, reference)
    assert not pair.chat.eos_ids & set(rollout.ids[:-1])
    assert len(rollout.ids) == n_tokens or rollout.ids[-1] in pair.chat.eos_ids


def assert_agrees(rollout: Rollout, reference: Greedy) -> None:
    """Compare token by token, up to a choice that the reference itself could not make clearly."""
    for i, (ours, theirs) in enumerate(zip(rollout.ids, reference.ids, strict=False)):
        if ours != theirs:
            assert reference.gaps[i] < NEAR_TIE, (i, rollout.ids, reference)
            return
    assert len(rollout.ids) == len(reference.ids)


def generated(model: PreTrainedModel, pair: LoadedPair) -> list[Greedy]:
    """Decode all prompts greedily with transformers' own generate, in a left-padded batch."""
    prompts = ids_of(pair)
    width = max(len(ids) for ids in prompts)
    eos = sorted(pair.chat.eos_ids)
    padded = torch.tensor([[eos[0]] * (width - len(ids)) + list(ids) for ids in prompts])
    mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts])
    output: Any = model.generate(  # type: ignore[operator]  # a mixin's method
        padded,
        attention_mask=mask,
        max_new_tokens=N_TOKENS,
        do_sample=False,
        eos_token_id=eos,
        pad_token_id=eos[0],
        output_logits=True,
        return_dict_in_generate=True,
    )
    logits: Tensor = torch.stack(output.logits, dim=1)
    best = logits.topk(2, dim=-1).values
    gaps = (best[..., 0] - best[..., 1]).tolist()
    replies = []
    for row, ids in enumerate(output.sequences[:, width:].tolist()):
        ends = [i for i, token in enumerate(ids) if token in eos]
        length = ends[0] + 1 if ends else len(ids)
        replies.append(Greedy(ids[:length], gaps[row][:length]))
    return replies


@pytest.mark.parametrize(("alpha", "side"), [(0.0, "target"), (-1.0, "baseline")])
def test_greedy_decoding_at_alpha_0_and_minus_1_is_what_transformers_generates(
    pair: LoadedPair,
    references: References,
    alpha: float,
    side: str,
):
    model = references[0 if side == "target" else 1]
    rollouts = run(pair, [(ids, {"alpha": alpha, "temperature": 0.0}) for ids in ids_of(pair)])
    for rollout, reference in zip(rollouts, generated(model, pair), strict=True):
        assert_agrees(rollout, reference)


def test_greedy_decoding_is_what_two_models_without_cache_give_at_every_alpha(
    pair: LoadedPair, references: References
):
    """One mixed batch of 8 prompts x 4 alphas against 32 replies read one by one."""
    cases = [(ids, alpha) for ids in ids_of(pair) for alpha in ALPHAS]
    rollouts = run(pair, [(ids, {"alpha": a, "temperature": 0.0}) for ids, a in cases])
    for rollout, (ids, alpha) in zip(rollouts, cases, strict=True):
        reference = chosen_without_cache(references, ids, rollout.ids, alpha)
        assert_chosen(rollout, reference, pair, N_TOKENS)


def test_the_adapter_changes_what_is_decoded(pair: LoadedPair):
    """Else the laws above would hold for a pair whose adapter was never applied."""
    cases = [(ids, {"alpha": a, "temperature": 0.0}) for a in (-1.0, 2.5) for ids in ids_of(pair)]
    rollouts = run(pair, cases)
    half = len(cases) // 2
    assert [r.ids for r in rollouts[:half]] != [r.ids for r in rollouts[half:]]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_rollout_is_the_same_to_the_bit_whoever_else_is_in_the_batch(dtype: str):
    """Every figure of every token: alone, in a small batch, and in another order among others."""
    pair = load_pair(resolve_pair("refuser", {"dtype": dtype}))
    prompts = [*ids_of(pair)[:5], ids_of(pair)[0] * 8]
    cases: list[tuple[tuple[int, ...], dict[str, Any]]] = [
        (prompts[i % 6], {"alpha": 0.5 * (i % 5), "seed": i, "max_tokens": 6 + i % 7})
        for i in range(30)
    ]
    together = run(pair, cases)
    for chosen in ([0], [11], [3, 4], list(range(6)), random.Random(0).sample(range(30), 17)):
        for i, rollout in zip(chosen, run(pair, [cases[i] for i in chosen]), strict=True):
            assert rollout.ids == together[i].ids
            assert torch.equal(rollout.trace.figures, together[i].trace.figures)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_rollout_that_one_side_decides_is_the_same_when_that_side_alone_is_read(dtype: str):
    pair = load_pair(resolve_pair("refuser", {"dtype": dtype}))
    for alpha in (0.0, -1.0):
        asked = [
            (ids, {"alpha": alpha, "seed": i, "max_tokens": 6 + i})
            for i, ids in enumerate(ids_of(pair))
        ]
        both = run(pair, asked)
        alone = run(pair, [(ids, {**given, "trace": False}) for ids, given in asked])
        assert [one.ids for one in alone] == [one.ids for one in both]


def test_fifty_prompts_at_six_alphas_decode_as_a_loop_over_two_models(
    pair: LoadedPair, references: References
):
    lines = (Path(tasks.__file__).parent / "data" / "refusal.jsonl").read_text().splitlines()[:50]
    messages = [[{"role": "user", "content": json.loads(line)["prompt"]}] for line in lines]
    prompts = [pair.chat.prompt_ids(message) for message in messages]
    alphas = (-1.0, 0.0, 0.5, 1.0, 2.0, 4.0)
    n_tokens = 8
    settings = {"temperature": 0.0, "max_tokens": n_tokens}
    rollouts = run(pair, [(ids, {"alpha": a, **settings}) for ids in prompts for a in alphas])
    for i, ids in enumerate(prompts):
        of_prompt = rollouts[len(alphas) * i : len(alphas) * (i + 1)]
        chosen = chosen_with_cache(references, ids, [one.ids for one in of_prompt], alphas)
        for rollout, reference in zip(of_prompt, chosen, strict=True):
            assert_chosen(rollout, reference, pair, n_tokens)


def test_identical_models_make_alpha_irrelevant_and_the_dose_zero():
    """The null pair is flat: the same text at every alpha, to the token."""
    null = load_pair(resolve_pair("null"))
    prompts = ids_of(null)[:4]
    rows = [
        run(null, [(ids, {"alpha": alpha, "seed": 5}) for ids in prompts])
        for alpha in (0.0, 1.0, 8.0)
    ]
    assert [r.ids for r in rows[0]] == [r.ids for r in rows[1]] == [r.ids for r in rows[2]]
    assert max(r.trace.summary()["dose_nats"] for r in rows[2]) < 1e-6


def test_the_spread_of_the_amplified_logits_is_the_closed_form_on_real_logits(pair: LoadedPair):
    rollouts = run(pair, [(ids, {"alpha": 2.0, "seed": 1}) for ids in ids_of(pair)])
    for rollout in rollouts:
        measured, predicted = (
            rollout.trace["amplified_std"],
            rollout.trace["amplified_std_closed_form"],
        )
        assert torch.allclose(measured, predicted, rtol=1e-4)


def test_traced_log_probabilities_are_those_of_the_two_models(
    pair: LoadedPair, references: References
):
    ids = ids_of(pair)[1]
    (rollout,) = run(pair, [(ids, {"alpha": 1.0, "seed": 2})])
    whole = torch.tensor([[*ids, *rollout.ids]])
    with torch.inference_mode():
        for name, model in zip(("target", "baseline"), references, strict=True):
            logps = model(whole).logits[0, len(ids) - 1 : -1].log_softmax(-1)
            expected = logps.gather(-1, torch.tensor(rollout.ids).unsqueeze(-1)).squeeze(-1)
            traced = rollout.trace[f"{name}_logp_nats"]
            assert torch.allclose(traced, expected, atol=2e-3)


@pytest.mark.gpu
def test_greedy_decoding_on_cuda_is_that_on_the_cpu(pair: LoadedPair):
    """Apart from near ties; the devices round differently."""
    on_cuda = load_pair(resolve_pair("refuser", {"device": "cuda"}))
    cases = [(ids, {"alpha": 1.0, "temperature": 0.0}) for ids in ids_of(pair)]
    for ours, theirs in zip(run(on_cuda, cases), run(pair, cases), strict=True):
        n_same = next(
            (i for i, (a, b) in enumerate(zip(ours.ids, theirs.ids, strict=False)) if a != b),
            min(len(ours.ids), len(theirs.ids)),
        )
        assert n_same >= 1
        for side in ("target", "baseline"):
            field = f"{side}_logp_nats"
            assert torch.allclose(
                ours.trace[field][:n_same], theirs.trace[field][:n_same], atol=2e-2
            )
