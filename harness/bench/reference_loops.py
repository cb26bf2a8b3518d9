"""What one would write without the engine: three naive amplified decoders and plain ``generate``.

Ids in, ids out, on models loaded by transformers and peft alone. Shares no code with the engine, so
that it can be compared with it; keeps caches and wastes no work that its kind can avoid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache, GenerationConfig, LogitsProcessor, LogitsProcessorList

Ids = tuple[int, ...]
PAD_ID = 0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One batch of work, the same for every method."""

    prompts: Sequence[Ids]
    """One per row."""
    alphas: Sequence[float]
    """One per row; plain ``generate`` has no use for them."""
    n_tokens: int
    """Most new tokens per row, at least 1."""
    greedy: bool = False
    """Take the likeliest token instead of sampling at temperature 1."""
    eos_ids: frozenset[int] = frozenset()
    """Tokens that end a reply; none makes all rows equally long."""


class Sides(NamedTuple):
    """Both models, each with its own weights; called as transformers models are."""

    target: Any
    baseline: Any


class _Padded(NamedTuple):
    """Left-padded prompts, [rows, longest] each."""

    ids: Tensor
    mask: Tensor


@torch.inference_mode()
def single_loop(sides: Sides, asked: Asked) -> list[Ids]:
    """Decode row after row with ``target + alpha * (target - baseline)``, a cache per model."""
    return [
        _one_row(sides, prompt, alpha, asked)
        for prompt, alpha in zip(asked.prompts, asked.alphas, strict=True)
    ]


def _one_row(sides: Sides, prompt: Ids, alpha: float, asked: Asked) -> Ids:
    caches = DynamicCache(), DynamicCache()
    read = torch.tensor([prompt], device=sides.target.device)
    reply: list[int] = []
    while len(reply) < asked.n_tokens:
        target, baseline = (
            model(input_ids=read, past_key_values=cache, use_cache=True, logits_to_keep=1)
            .logits[:, -1]
            .float()
            for model, cache in zip(sides, caches, strict=True)
        )
        read = _choose(target + alpha * (target - baseline), asked.greedy)
        reply.append(int(read))
        if reply[-1] in asked.eos_ids:
            break
    return tuple(reply)


@torch.inference_mode()
def batched_loop(sides: Sides, asked: Asked) -> list[Ids]:
    """Decode all rows together, left-padded; the loop runs until the last row has ended."""
    read, mask = _pad(asked, sides.target.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    alpha = torch.tensor(asked.alphas, device=mask.device).unsqueeze(-1)
    eos = torch.tensor(sorted(asked.eos_ids), device=mask.device, dtype=torch.long)
    ended = torch.zeros_like(read[:, 0], dtype=torch.bool)
    caches = DynamicCache(), DynamicCache()
    columns: list[Tensor] = []
    while len(columns) < asked.n_tokens:
        target, baseline = (
            model(
                input_ids=read,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            .logits[:, -1]
            .float()
            for model, cache in zip(sides, caches, strict=True)
        )
        read = _choose(target + alpha * (target - baseline), asked.greedy)
        columns.append(read)
        mask = torch.cat([mask, torch.ones_like(read)], dim=-1)
        positions = positions[:, -1:] + 1
        if asked.eos_ids:
            ended |= torch.isin(read[:, 0], eos)
            if bool(ended.all()):
                break
    return _replies(torch.cat(columns, dim=-1), asked)


@torch.inference_mode()
def cfg_generate(sides: Sides, asked: Asked) -> list[Ids]:
    """Let transformers' ``generate`` run the target, and a logits processor the baseline."""
    padded = _pad(asked, sides.target.device)
    processor = _Amplify(sides.baseline, padded.mask, asked)
    return _generate(sides.target, padded, asked, LogitsProcessorList([processor]))


@torch.inference_mode()
def plain_generate(sides: Sides, asked: Asked) -> list[Ids]:
    """Sample from the target alone by ``generate``: half the models, and no amplification."""
    padded = _pad(asked, sides.target.device)
    return _generate(sides.target, padded, asked, LogitsProcessorList())


class _Amplify(LogitsProcessor):
    """Runs the baseline beside ``generate``, with its own cache, as guidance processors do."""

    def __init__(self, baseline: Any, mask: Tensor, asked: Asked) -> None:
        self._baseline, self._mask = baseline, mask
        self._alpha = torch.tensor(asked.alphas, device=mask.device).unsqueeze(-1)
        self._cache: DynamicCache | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        positions = (self._mask.cumsum(-1) - 1).clamp(min=0)
        if self._cache is None:
            self._cache, read = DynamicCache(), input_ids
        else:
            read = input_ids[:, -1:]
            self._mask = torch.cat([self._mask, torch.ones_like(read)], dim=-1)
            positions = self._mask.sum(-1, keepdim=True) - 1
        baseline: Tensor = (
            self._baseline(
                input_ids=read,
                attention_mask=self._mask,
                position_ids=positions,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
            .logits[:, -1]
            .float()
        )
        return scores + self._alpha * (scores - baseline)


def _generate(
    model: Any, padded: _Padded, asked: Asked, processors: LogitsProcessorList
) -> list[Ids]:
    # Set on the model as well: generate() fills what is None, such as no EOS, from there.
    model.generation_config = GenerationConfig(
        max_new_tokens=asked.n_tokens,
        do_sample=not asked.greedy,
        eos_token_id=sorted(asked.eos_ids) or None,
        pad_token_id=PAD_ID,
        # 50 by default, which would sample from another distribution.
        **({} if asked.greedy else {"top_k": 0}),
    )
    ids = model.generate(
        input_ids=padded.ids, attention_mask=padded.mask, logits_processor=processors
    )
    return _replies(ids[:, padded.ids.shape[1] :], asked)


def _choose(logits: Tensor, greedy: bool) -> Tensor:
    if greedy:
        return logits.argmax(-1, keepdim=True)
    return torch.multinomial(logits.softmax(-1), 1)


def _pad(asked: Asked, device: torch.device) -> _Padded:
    longest = max(len(prompt) for prompt in asked.prompts)
    gaps = [longest - len(prompt) for prompt in asked.prompts]
    rows = zip(asked.prompts, gaps, strict=True)
    ids = [[PAD_ID] * gap + list(prompt) for prompt, gap in rows]
    mask = [[0] * gap + [1] * (longest - gap) for gap in gaps]
    return _Padded(torch.tensor(ids, device=device), torch.tensor(mask, device=device))


def _replies(tokens: Tensor, asked: Asked) -> list[Ids]:
    """Cut each row after its first end-of-sequence token."""
    replies = []
    for row in tokens.tolist():
        ends = [place for place, token in enumerate(row) if token in asked.eos_ids]
        replies.append(tuple(row[: ends[0] + 1] if ends else row))
    return replies
