"""What a diff's rollouts said: text and how it was drawn, without tensors."""

from dataclasses import dataclass, replace

BASELINE_ALPHA = -1.0
TARGET_ALPHA = 0.0


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One rollout of a diff."""

    start_id: str
    """Where it began; rollouts of one start can be held against each other."""
    prompt_id: str
    """As in the corpus."""
    alpha: float
    """-1 the plain baseline, 0 the plain target, above 0 amplified."""
    number: int
    """Tells rollouts of one start apart; equal numbers share their random numbers."""
    given: str
    """The beginning of the reply that it was given; empty at a reply's start."""
    text: str | None
    """What was sampled after it; None where nothing could be."""
    reason: str | None = None
    """Why there is no text."""
    cut: bool = False
    """Whether it was cut at its limit of tokens."""
    ids: tuple[int, ...] = ()
    """Its tokens, those that were given not among them; a closing end-of-sequence token is."""

    @property
    def amplified(self) -> bool:
        """Whether it was drawn beyond the target."""
        return self.alpha > TARGET_ALPHA

    def saying(self, text: str) -> "Drawn":
        """Return the same rollout with another text."""
        return replace(self, text=text, reason=None)
