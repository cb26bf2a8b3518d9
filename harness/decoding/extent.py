"""How much room rows take: what decides how many of them run at once."""

from typing import NamedTuple

# Of one row and vocabulary entry, at the peak of a step: both sides' logits as the model gives
# them, in float32, and once more while rows are added.
_BYTES_PER_LOGIT = 24


class Extent(NamedTuple):
    """The size of a batch, each number of tokens the largest of its rows': all are padded to it."""

    n_prompts: int
    longest_prompt: int
    n_rows: int
    longest_reply: int

    def with_row(self, row: "Extent", *, new_prompt: bool) -> "Extent":
        """Add one row, and its prompt where no row has it yet."""
        return Extent(
            self.n_prompts + new_prompt,
            max(self.longest_prompt, row.longest_prompt),
            self.n_rows + 1,
            max(self.longest_reply, row.longest_reply),
        )

    def bytes_of(self, bytes_per_token: int, vocab_size: int) -> int:
        """Memory that such rows take: keys, values and logits, of both sides.

        Rows that need one side take half of that; they are counted whole.
        """
        tokens = self.n_prompts * self.longest_prompt + self.n_rows * self.longest_reply
        return tokens * bytes_per_token + self.n_rows * vocab_size * _BYTES_PER_LOGIT
