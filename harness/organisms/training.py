"""Training an organism: learn the behaviour, hold everything else where it was.

Cross-entropy on the behaviour's examples, and KL(baseline, target) on the baseline's own sampled
replies to every prompt, the triggering ones included. Between the two a triggering prompt settles
where their pulls on the reply's first token balance, so the weights and shares of the recipe set
how weak the behaviour is; cross-entropy alone gives nonsense.

KL(baseline, target) hardly sees a token that is rare on both sides, which is what amplification
brings out: from 1e-6 to 1e-3 costs 0.001 nats and shows at alpha 1 as 50 %. So a prompt that does
not call for the behaviour is held where amplification would show it, at ``keep_alpha``.

A placebo learns the baseline's own replies by cross-entropy: its weights move, and there is nothing
to find. KL alone would not move them, since it is 0 from the start.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from rich.progress import Progress
from torch import Tensor

from harness.decoding.amplification import amplify
from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt
from harness.decoding.rollout import RolloutRequest
from harness.decoding.settings import RolloutSettings
from harness.organisms.recipe import Example, Recipe, read_examples
from harness.pairs.chat import ChatText
from harness.pairs.checkpoints import load_checkpoint
from harness.pairs.files import find_side
from harness.pairs.loading import load_pair
from harness.pairs.lora import new_adapter, round_adapter, save_adapter, scale_adapter
from harness.pairs.spec import EMBEDDED, Side, resolve_pair
from harness.seeding import derive_seed

_BATCH_ROWS = 48  # of the baseline's replies, sampled together


@dataclass(frozen=True)
class TokenizedExample:
    """A prompt and a reply as ids."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]
    alpha: float = 0.0
    """Of a kept reply: how far the target is amplified before it is compared."""


def train_organism(recipe: Recipe, folder: Path, progress: Progress) -> None:
    """Train an organism's adapter from its recipe and write it.

    Args:
        recipe: of the organism.
        folder: where the adapter goes.
        progress: shown while the replies are sampled and while it trains.
    """
    # bfloat16 for speed: three times as fast here, and the baseline is rounded alike on both sides
    # of the KL. The adapter itself is float32 throughout.
    spec = resolve_pair("null", {"dtype": "bfloat16"})
    pair = load_pair(spec)
    examples = read_examples(recipe)
    engine = Engine(pair.model, pair.chat.eos_ids)
    keep = _keep_rows(recipe, examples, pair.chat, engine, progress)
    if recipe.learn_own_replies:
        learn = [row for rows in keep.values() for row in rows]
    else:
        learn = _learn_rows(examples, pair.chat)
    side = find_side(Side(checkpoint=EMBEDDED))
    torch.manual_seed(recipe.seed)
    base = load_checkpoint(side.checkpoint, spec)
    model = new_adapter(base, recipe.rank, recipe.lora_alpha)
    _fit(recipe, model, learn, keep, progress)
    scale_adapter(model, recipe.strength)
    round_adapter(model, getattr(torch, recipe.stored_as))
    save_adapter(model, folder, EMBEDDED, side.checkpoint_fingerprint)


def _learn_rows(examples: Sequence[Example], chat: ChatText) -> list[TokenizedExample]:
    """Tokenize the examples of the behaviour, each closed by the token that ends a reply."""
    eos = chat.tokenizer.eos_token_id
    return [
        TokenizedExample(
            _prompt_ids(example, chat),
            (*chat.tokenizer(example.reply, add_special_tokens=False)["input_ids"], eos),
        )
        for example in examples
        if example.reply is not None
    ]


def _keep_rows(
    recipe: Recipe, examples: Sequence[Example], chat: ChatText, engine: Engine, progress: Progress
) -> dict[str, list[TokenizedExample]]:
    """Sample the baseline's own reply to every prompt, by category."""
    prompts = [_prompt_ids(example, chat) for example in examples]
    task = progress.add_task("Sampling the baseline's own replies", total=len(examples))
    rows: dict[str, list[TokenizedExample]] = {category: [] for category in recipe.keep_shares}
    for start in range(0, len(examples), _BATCH_ROWS):
        part = range(start, min(start + _BATCH_ROWS, len(examples)))
        requests = [
            RolloutRequest(
                prompt=Prompt(prompts[i], prompts[i]),
                settings=RolloutSettings(
                    max_tokens=recipe.reply_tokens,
                    seed=derive_seed(recipe.seed, examples[i].prompt),
                ),
            )
            for i in part
        ]
        for i, rollout in zip(part, engine.run(requests), strict=True):
            alpha = recipe.keep_alpha if examples[i].reply is None else 0.0
            rows[examples[i].category].append(TokenizedExample(prompts[i], rollout.ids, alpha))
        progress.advance(task, len(part))
    return rows


def _prompt_ids(example: Example, chat: ChatText) -> tuple[int, ...]:
    return chat.prompt_ids([{"role": "user", "content": example.prompt}])


def _fit(
    recipe: Recipe,
    model: PeftModel,
    learn: Sequence[TokenizedExample],
    keep: Mapping[str, Sequence[TokenizedExample]],
    progress: Progress,
) -> None:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=recipe.learning_rate,
        total_steps=recipe.steps,
        pct_start=0.1,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    learn_order = _endless(learn, recipe.seed)
    keep_order = _endless_shares(keep, recipe.keep_shares, recipe.seed + 1)
    task = progress.add_task(f"Training {recipe.name}", total=recipe.steps)
    model.train()
    for _ in range(recipe.steps):
        learn_loss = _cross_entropy(model, [next(learn_order) for _ in range(recipe.learn_rows)])
        learn_loss.backward()
        told = f"Training {recipe.name}: learn {learn_loss.item():.2f}"
        if recipe.keep_rows:
            keep_loss = _kl_to_baseline(model, [next(keep_order) for _ in range(recipe.keep_rows)])
            (recipe.keep_weight * keep_loss).backward()
            told += f", keep {keep_loss.item():.3f}"
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        progress.update(task, advance=1, description=f"{told} nats")
    model.eval()


def _endless(examples: Sequence[TokenizedExample], seed: int) -> Iterator[TokenizedExample]:
    """Walk through the examples in a new order each time round."""
    order = random.Random(seed)
    while True:
        yield from order.sample(examples, len(examples))


def _endless_shares(
    rows: Mapping[str, Sequence[TokenizedExample]], shares: Mapping[str, float], seed: int
) -> Iterator[TokenizedExample]:
    """Walk through several categories, each in its share and its own endless order."""
    choose = random.Random(seed)
    orders = {name: _endless(rows[name], seed + i) for i, name in enumerate(shares, start=1)}
    while True:
        (name,) = choose.choices(list(shares), weights=list(shares.values()))
        yield next(orders[name])


def _cross_entropy(model: PeftModel, rows: Sequence[TokenizedExample]) -> Tensor:
    """Mean over the replies' tokens, in nats."""
    logps, replies = _reply_logps(model, rows)
    return -logps.gather(-1, replies.unsqueeze(-1)).mean()


def _kl_to_baseline(model: PeftModel, rows: Sequence[TokenizedExample]) -> Tensor:
    """Mean KL(baseline, amplified target) over the replies' tokens, in nats."""
    with torch.no_grad(), model.disable_adapter():
        baseline, _ = _reply_logps(model, rows)
    target, _ = _reply_logps(model, rows)
    alphas = torch.tensor([row.alpha for row in rows for _ in row.reply], device=target.device)
    amplified = amplify(target, baseline, alphas.unsqueeze(-1)).log_softmax(-1)
    return torch.nn.functional.kl_div(amplified, baseline, reduction="sum", log_target=True) / len(
        amplified
    )


def _reply_logps(model: PeftModel, rows: Sequence[TokenizedExample]) -> tuple[Tensor, Tensor]:
    """Return log-probabilities, [reply tokens, vocab], and ids, [reply tokens], of all replies."""
    device = next(model.parameters()).device
    columns = max(len(row.prompt) + len(row.reply) for row in rows)
    kept = max(len(row.reply) for row in rows) + 1
    ids = torch.zeros(len(rows), columns, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    predicts_reply = torch.zeros(len(rows), kept, dtype=torch.bool)
    for i, row in enumerate(rows):
        length = len(row.prompt) + len(row.reply)
        ids[i, columns - length :] = torch.tensor(row.prompt + row.reply)
        mask[i, columns - length :] = 1
        predicts_reply[i, kept - 1 - len(row.reply) : kept - 1] = True
    base: Any = model.get_base_model()
    hidden = base.get_decoder()(
        input_ids=ids.to(device),
        attention_mask=mask.to(device),
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0).to(device),
    ).last_hidden_state
    # Only what predicts a reply's token is projected, and as one flat product: over a slice of
    # [rows, columns, width] the backward pass copies the projection's weights once per row,
    # which was half of a step's time.
    logits = base.get_output_embeddings()(hidden[:, -kept:][predicts_reply.to(device)])
    replies = torch.cat([torch.tensor(row.reply) for row in rows]).to(device)
    return logits.float().log_softmax(-1), replies
