"""What every method is given to decode: prompts of the refusal task, each at six strengths."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from harness.bench.reference_loops import Asked, Ids
from harness.pairs.chat import ChatText
from tasks.prompts import DATA, read_prompts

ALPHAS = (0.1, 0.3, 0.5, 1.0, 1.5, 2.0)
"""Those of the experiment by hand that this project began with."""

_ALONE = ALPHAS.index(1.0)


@dataclass(frozen=True, kw_only=True)
class Work:
    """Prompts to take rows from."""

    prompts: Sequence[Ids]
    """Of the refusal task; that of median length comes first, the others as in the file."""

    @classmethod
    def of(cls, chat: ChatText) -> "Work":
        """Render the refusal task's prompts with the pair's chat template."""
        texts = [str(sample.input) for sample in read_prompts(DATA / "refusal.jsonl")]
        prompts = [chat.prompt_ids([{"role": "user", "content": text}]) for text in texts]
        middle = median_low([len(ids) for ids in prompts])
        first = next(i for i, ids in enumerate(prompts) if len(ids) == middle)
        return cls(prompts=[prompts[first], *prompts[:first], *prompts[first + 1 :]])

    def rows(self, n_rows: int, n_tokens: int) -> Asked:
        """Return the first rows: six of each prompt, one per strength.

        Fewer than six rows are as many prompts at alpha 1. No token ends a reply, so that all
        methods decode equally many.
        """
        if n_rows < len(ALPHAS):
            places = [(row, _ALONE) for row in range(n_rows)]
        else:
            places = [divmod(row, len(ALPHAS)) for row in range(n_rows)]
        return Asked(
            prompts=[self.prompts[prompt % len(self.prompts)] for prompt, _ in places],
            alphas=[ALPHAS[alpha] for _, alpha in places],
            n_tokens=n_tokens,
        )
