"""Stand-ins for real weights: pairs that a test can follow by hand, and tiny random models.

:class:`FakePair` is a pair written as two functions and keeps a record of what it was made to
read; :func:`slow_rollout` decodes one request from it in plain float64, sharing no code with the
engine. The tiny models are real transformers models with random weights, small enough to build in
every test.
"""

import copy
import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    OPTConfig,
    Phi3Config,
    PhiConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

from harness.decoding.pair_model import PairLogits, Prompt, SideName
from harness.decoding.rollout import RolloutRequest
from harness.decoding.sampling import uniform_stream
from harness.decoding.settings import RolloutSettings

Ids = tuple[int, ...]
Table = Sequence[Sequence[float]]


def request(
    prompt: Sequence[int],
    *,
    baseline_prompt: Sequence[int] | None = None,
    reached_stop: Callable[[Sequence[int]], bool] | None = None,
    **settings: Any,
) -> RolloutRequest:
    """Ask for one rollout; both sides read the same prompt unless told otherwise."""
    baseline = prompt if baseline_prompt is None else baseline_prompt
    return RolloutRequest(
        prompt=Prompt(tuple(prompt), tuple(baseline)),
        settings=RolloutSettings(**settings),
        reached_stop=reached_stop,
    )


class Pass(NamedTuple):
    """What every row of one forward pass had read by its end, on each side."""

    target: list[Ids]
    baseline: list[Ids]


class FakeState:
    """The tokens that each row has read, so that a row that gets another's past is seen."""

    def __init__(self, target: list[Ids], baseline: list[Ids]) -> None:
        self.target, self.baseline = target, baseline

    def select(self, rows: Sequence[int]) -> None:
        self.target = [self.target[i] for i in rows]
        self.baseline = [self.baseline[i] for i in rows]

    def join(self, other: Self) -> None:
        self.target = self.target + other.target
        self.baseline = self.baseline + other.baseline
        del other.target, other.baseline  # used up: another use of it fails


class FakePair:
    """A pair whose next-token logits are functions of everything that a row has read.

    Args:
        target: from ids read to logits.
        baseline: from ids read to logits.
        vocab_size: logits per row.
        max_context: tokens per row.
    """

    device = torch.device("cpu")

    def __init__(
        self,
        target: Callable[[Ids], Sequence[float]],
        baseline: Callable[[Ids], Sequence[float]],
        vocab_size: int,
        max_context: int = 1000,
    ) -> None:
        self.target, self.baseline = target, baseline
        self.vocab_size, self.max_context = vocab_size, max_context
        self.bytes_per_token = 1
        self.n_free = 10**9
        self.passes: list[Pass] = []
        self.before_pass: Callable[[int], None] = lambda number: None
        """Called with the number of each pass, from 0 on; may wait, or raise."""
        self._numbers = itertools.count()

    @classmethod
    def by_last_token(cls, target: Table, baseline: Table, max_context: int = 1000) -> Self:
        """Look the logits up by the last token that was read."""
        return cls(
            lambda ids: target[ids[-1]], lambda ids: baseline[ids[-1]], len(target[0]), max_context
        )

    @classmethod
    def by_history(cls, vocab_size: int = 7, max_context: int = 1000) -> Self:
        """Draw the logits from a random generator that all tokens read so far have seeded."""

        def logits(side: int, ids: Ids) -> list[float]:
            return np.random.default_rng([side, *ids]).normal(0, 2, vocab_size).tolist()

        return cls(lambda ids: logits(0, ids), lambda ids: logits(1, ids), vocab_size, max_context)

    def free_bytes(self) -> int:
        return self.n_free

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[FakeState, PairLogits]:
        state = FakeState([p.target_ids for p in prompts], [p.baseline_ids for p in prompts])
        return state, self._logits(state)

    def read_tokens(self, state: FakeState, tokens: Tensor) -> PairLogits:
        read = tokens.tolist()
        state.target = [(*ids, token) for ids, token in zip(state.target, read, strict=True)]
        state.baseline = [(*ids, token) for ids, token in zip(state.baseline, read, strict=True)]
        return self._logits(state)

    def alone(self, side: SideName) -> "FakePair":
        return FakeSide(self, side)

    def _logits(self, state: FakeState) -> PairLogits:
        self.before_pass(next(self._numbers))
        self.passes.append(Pass(state.target, state.baseline))
        return PairLogits(
            torch.tensor([self.target(ids) for ids in state.target]),
            torch.tensor([self.baseline(ids) for ids in state.baseline]),
        )


class FakeSide(FakePair):
    """One side of a fake pair; what it reads is recorded with the pair's, the other side empty."""

    def __init__(self, pair: FakePair, side: SideName) -> None:
        own = pair.target if side == "target" else pair.baseline
        super().__init__(own, own, pair.vocab_size, pair.max_context)
        self._pair, self._side = pair, side

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[FakeState, PairLogits]:
        own = [one.target_ids if self._side == "target" else one.baseline_ids for one in prompts]
        return super().read_prompts([Prompt(ids, ids) for ids in own])

    def _logits(self, state: FakeState) -> PairLogits:
        self._pair.before_pass(next(self._pair._numbers))
        read = {"target": [], "baseline": [], self._side: state.target}
        self._pair.passes.append(Pass(**read))
        logits = torch.tensor([self.target(ids) for ids in state.target])
        return PairLogits(logits, logits)


@dataclass(frozen=True)
class SlowRollout:
    """What :func:`slow_rollout` decoded."""

    ids: Ids
    figures: list[dict[str, float]]
    """One dictionary per token, by the names of ``TRACE_FIELDS``."""


def slow_rollout(
    pair: FakePair, asked: RolloutRequest, eos_ids: frozenset[int] = frozenset()
) -> SlowRollout:
    """Decode one request by itself, one token at a time, in float64."""
    one = asked.settings
    limit = min(one.max_tokens, pair.max_context - asked.prompt.longest)
    uniform = uniform_stream(one.seed, limit).tolist()
    ids: list[int] = []
    figures = []
    for step in range(limit):
        target = np.array(pair.target((*asked.prompt.target_ids, *ids)))
        baseline = np.array(pair.baseline((*asked.prompt.baseline_ids, *ids)))
        amplified = target + one.alpha * (target - baseline)
        token, drawn_from = _slow_draw(amplified, one, uniform[step])
        sides = {"target": target, "baseline": baseline, "amplified": amplified}
        figures.append(
            {
                "sampling_logp_nats": float(np.log(drawn_from[token])),
                **_slow_surprisal(list(drawn_from.values())),
                **_slow_figures(sides, token, one.alpha),
            }
        )
        ids.append(token)
        if token in eos_ids or (asked.reached_stop is not None and asked.reached_stop(ids)):
            break
    return SlowRollout(tuple(ids), figures)


def _slow_draw(
    logits: NDArray[np.float64], settings: RolloutSettings, uniform: float
) -> tuple[int, dict[int, float]]:
    """Return a token, and the probability of each that could be drawn."""
    if settings.temperature == 0:
        return int(logits.argmax()), {int(logits.argmax()): 1.0}
    scaled = logits / settings.temperature
    by_rank = sorted(range(len(scaled)), key=lambda i: -scaled[i])[: settings.top_k or None]
    mass, kept = 0.0, []
    total = sum(np.exp(scaled[i]) for i in by_rank)
    for i in by_rank:
        if kept and mass >= settings.top_p:
            break
        kept.append(i)
        mass += np.exp(scaled[i]) / total
    weights = {i: np.exp(scaled[i]) for i in sorted(kept)}
    total = sum(weights.values())
    passed = np.cumsum(list(weights.values()))
    token = next(i for i, end in zip(weights, passed, strict=True) if uniform * total < end)
    return token, {i: float(weight / total) for i, weight in weights.items()}


def _slow_surprisal(probabilities: Sequence[float]) -> dict[str, float]:
    mean = -sum(p * np.log(p) for p in probabilities)
    variance = sum(p * (-np.log(p) - mean) ** 2 for p in probabilities)
    return {"sampling_entropy_nats": float(mean), "sampling_surprisal_var": float(variance)}


def _slow_figures(
    sides: dict[str, NDArray[np.float64]], token: int, alpha: float
) -> dict[str, float]:
    logps = {side: logits - np.log(np.exp(logits).sum()) for side, logits in sides.items()}
    figures = {f"{side}_logp_nats": float(logp[token]) for side, logp in logps.items()}
    for name, p, q in (
        ("kl_target_baseline_nats", logps["target"], logps["baseline"]),
        ("kl_amplified_target_nats", logps["amplified"], logps["target"]),
    ):
        figures[name] = float(sum(np.exp(a) * (a - b) for a, b in zip(p, q, strict=True)))
    for side, logits in sides.items():
        for figure in ("min", "max", "mean", "std"):
            figures[f"{side}_{figure}"] = float(getattr(logits, figure)())
    target, difference = sides["target"], sides["target"] - sides["baseline"]
    figures["target_difference_cov"] = float(np.cov(target, difference, ddof=0)[0, 1])
    figures["difference_var"] = float(difference.var())
    # In float64 the measured spread and its closed form are one number.
    figures["amplified_std_closed_form"] = figures["amplified_std"]
    figures |= {"alpha_applied": alpha, "target_mass_kept": 1.0}
    return figures


Family = Literal[
    "llama", "gpt2", "opt", "qwen2", "mistral", "mixtral", "gemma2", "gemma3", "phi", "phi3"
]

SPECIAL_TOKENS = ("<eos>", "<user>", "<assistant>", "<system>")
"""Ids 0 to 3 of the tiny tokenizer; the 256 bytes follow."""
VOCAB_SIZE = len(SPECIAL_TOKENS) + 256
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}<eos>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def tiny_model(family: Family, seed: int = 0, **overrides: Any) -> PreTrainedModel:
    """Build a two-layer model of 16 dimensions with random weights, the same for the same seed."""
    wide: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
    }
    gated = {**wide, "intermediate_size": 32, "num_key_value_heads": 1}
    config_class, arguments = {
        "llama": (LlamaConfig, gated),
        "qwen2": (Qwen2Config, gated),
        "mistral": (MistralConfig, gated),
        "mixtral": (MixtralConfig, {**gated, "num_local_experts": 4, "num_experts_per_tok": 2}),
        "gemma2": (Gemma2Config, {**gated, "head_dim": 8, "query_pre_attn_scalar": 8}),
        "gemma3": (Gemma3TextConfig, {**gated, "head_dim": 8, "query_pre_attn_scalar": 8}),
        "phi": (PhiConfig, {**wide, "intermediate_size": 32}),
        "phi3": (Phi3Config, gated),
        "opt": (OPTConfig, {**wide, "ffn_dim": 32, "word_embed_proj_dim": 16}),
        "gpt2": (GPT2Config, {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 128}),
    }[family]
    special = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None}
    config = config_class(**{"vocab_size": VOCAB_SIZE, **special, **arguments, **overrides})
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.name_or_path = f"tiny-{family}"  # peft writes it down, and warns where it is empty
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        # transformers' own 0.02 gives logits so flat that wrong code hardly moves them.
        if parameter.dim() > 1 or name.endswith("bias"):
            parameter.data.normal_(0, 0.3, generator=generator)
    return model.eval()


def tiny_tokenizer(template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    """Build a tokenizer of four special tokens and the 256 bytes, one token each."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*SPECIAL_TOKENS, *letters]
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, "<eos>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            pre_tokenizers.Split(Regex("."), "isolated"),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<eos>",
        additional_special_tokens=list(SPECIAL_TOKENS[1:]),
        chat_template=template,
    )


def save_checkpoint(
    model: PreTrainedModel, folder: Path, tokenizer: PreTrainedTokenizerFast | None = None
) -> Path:
    """Write a model and a tokenizer as ``save_pretrained`` does, and return the folder."""
    model.save_pretrained(folder)
    (tokenizer or tiny_tokenizer()).save_pretrained(folder)
    return folder


def random_adapter(base: PreTrainedModel, seed: int = 1, **config: Any) -> PeftModel:
    """Put an adapter with random weights, B included, on a copy of a model."""
    usual = {"r": 2, "lora_alpha": 6, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    with warnings.catch_warnings():
        # peft warns of unusual configurations, which are what some tests are about.
        warnings.simplefilter("ignore")
        model = get_peft_model(copy.deepcopy(base), LoraConfig(**{**usual, **config}))
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.normal_(0, 0.3, generator=generator)
    return model.eval()


def save_random_adapter(base: PreTrainedModel, folder: Path, seed: int = 1, **config: Any) -> Path:
    """Write such an adapter as peft does, and return the folder."""
    random_adapter(base, seed, **config).save_pretrained(str(folder), save_embedding_layers=False)
    return folder
