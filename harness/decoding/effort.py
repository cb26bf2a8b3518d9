"""What decoding took: steps, the rows that they computed, and the tokens that somebody got."""

from typing import NamedTuple, Self


class Effort(NamedTuple):
    """Counts over some time of decoding."""

    steps: int = 0
    """Times that every row in flight got a token."""
    row_steps: int = 0
    """Rows that these steps computed, together: one token of one row each."""
    useful_tokens: int = 0
    """Tokens of rollouts that were handed out whole. What was dropped, failed or began again, and
    rows that only keep a shape, are row-steps without one."""

    def plus(self, other: Self) -> "Effort":
        """Add what was done besides."""
        return Effort(*(a + b for a, b in zip(self, other, strict=True)))

    def since(self, before: Self) -> "Effort":
        """Return what was done after an earlier count."""
        return Effort(*(a - b for a, b in zip(self, before, strict=True)))

    def sentence(self) -> str:
        """Say it in one line."""
        return (
            f"Decoded {self.useful_tokens} tokens in {self.row_steps} row-steps "
            f"({self.useful_tokens / self.row_steps:.3f} useful), {self.steps} steps of "
            f"{self.row_steps / self.steps:.1f} rows on average"
        )
