"""A pair of models so small that everything they can say is listed, with its exact probability.

Replies have six tokens of three, each drawn given the one before it; every prompt has its own
logits. Token 2 is the marker: saying it is the behaviour, decided where it first stands.
"""

from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax

VOCABULARY, LENGTH, MARKER = 3, 6, 2
REPLIES = np.array(list(product(range(VOCABULARY), repeat=LENGTH)))
"""All 729, [replies, tokens]."""
HIT = (REPLIES == MARKER).any(axis=1)
FIRST = np.where(HIT, (REPLIES == MARKER).argmax(axis=1) + 1, LENGTH)
"""Tokens up to the one that decides, [replies]."""
BEFORE = np.concatenate([np.full((len(REPLIES), 1), VOCABULARY), REPLIES[:, :-1]], axis=1)
"""The token before each; VOCABULARY at the beginning."""

Floats = NDArray[np.float64]


class AnalyticPair:
    """Prompts with their exact rates at any alpha.

    Args:
        n_prompts: all that there are.
        seed: of the prompts' logits.
        pull: by how many nats the change favours the marker, on average.
        rarity: by how many nats the target disfavours it.
    """

    def __init__(self, n_prompts: int, seed: int, pull: float = 1.5, rarity: float = 4.0) -> None:
        random = np.random.default_rng(seed)
        shape = (n_prompts, VOCABULARY + 1, VOCABULARY)
        logits = random.normal(0, 0.7, shape)
        logits[..., MARKER] -= rarity - random.normal(0, 0.7, (n_prompts, 1))
        difference = random.normal(0, 0.4, shape)
        difference[..., MARKER] += pull
        self.target = log_softmax(logits, axis=-1)
        self.baseline = log_softmax(logits - difference, axis=-1)

    def step(self, alpha: float) -> Floats:
        """Log-probabilities of each next token, [prompts, token before, token]."""
        logits: Floats = self.target + alpha * (self.target - self.baseline)
        return np.asarray(log_softmax(logits, axis=-1))

    def tokens(self, alpha: float) -> Floats:
        """Log-probability of each token of each reply, [prompts, replies, tokens]."""
        return self.step(alpha)[:, BEFORE, REPLIES]

    def rate(self, alpha: float) -> float:
        """How often the marker is said, over all prompts."""
        return float(np.exp(self.tokens(alpha).sum(-1))[:, HIT].sum(-1).mean())

    def figures(self, alphas: tuple[float, ...]) -> dict[str, Floats]:
        """What a trace holds of each token, [prompts, replies, tokens], but for the own alpha's."""
        found = {f"logp_nats@{alpha:g}": self.tokens(alpha) for alpha in alphas}
        found["target_logp_nats"] = self.tokens(0.0)
        found["baseline_logp_nats"] = self.tokens(-1.0)
        found["kl_target_baseline_nats"] = self.divergence(self.target, self.baseline)
        return found

    def divergence(self, one: Floats, other: Floats) -> Floats:
        """KL(one, other) of the step that drew each token."""
        kl: Floats = (np.exp(one) * (one - other)).sum(-1)
        return kl[:, BEFORE]


class Sweeps:
    """Sweeps over some of a pair's prompts, as tables of their rollouts and of trace sums."""

    def __init__(self, pair: AnalyticPair, alphas: tuple[float, ...]) -> None:
        self.pair, self.alphas = pair, alphas
        self._cumulative = {
            alpha: np.exp(pair.tokens(alpha).sum(-1)).cumsum(-1) for alpha in alphas
        }
        place = np.arange(LENGTH) < FIRST[:, None]
        self._whole, self._decided = {}, {}
        for name, figure in pair.figures(alphas).items():
            self._whole[name] = figure.sum(-1)
            self._decided[name] = (figure * place).sum(-1)
        for alpha in alphas:
            kl = pair.divergence(pair.step(alpha), pair.target)
            self._whole[f"kl@{alpha:g}"] = kl.sum(-1)
            self._decided[f"kl@{alpha:g}"] = (kl * place).sum(-1)

    def draw(
        self, seed: int, n_prompts: int, epochs: int
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Draw rows as of a frame, and the sums over whole replies and up to the marker."""
        random = np.random.default_rng(seed)
        chosen = random.choice(len(self.pair.target), n_prompts, replace=False)
        parts = []
        for alpha in self.alphas:
            prompt = np.repeat(chosen, epochs)
            uniform = random.random(len(prompt))[:, None]
            reply = (self._cumulative[alpha][prompt] < uniform).sum(-1).clip(max=len(REPLIES) - 1)
            parts.append(pd.DataFrame({"alpha": alpha, "prompt": prompt, "reply": reply}))
        rows = pd.concat(parts, ignore_index=True)
        rows["sample_uuid"] = [f"u{i}" for i in range(len(rows))]
        rows["sample_id"] = rows["prompt"].astype(str)
        rows["value"] = HIT[rows["reply"]].astype(np.float64)
        rows["decided_chars"] = rows["value"].where(rows["value"] == 1)
        return rows, self._sums(rows, self._whole), self._sums(rows, self._decided)

    def _sums(self, rows: pd.DataFrame, figures: dict[str, Floats]) -> pd.DataFrame:
        at = (rows["prompt"].to_numpy(), rows["reply"].to_numpy())
        sums = pd.DataFrame({name: figure[at] for name, figure in figures.items()})
        for new, prefix in (
            ("sampling_logp_nats", "logp_nats@"),
            ("kl_amplified_target_nats", "kl@"),
        ):
            own = [sums[f"{prefix}{alpha:g}"].iloc[i] for i, alpha in enumerate(rows["alpha"])]
            sums[new] = own
        kept = [name for name in sums.columns if not name.startswith("kl@")]
        return sums[kept].set_index(rows["sample_uuid"])
