"""``amplify diff`` on tiny checkpoints, as tests of the command call it."""

from pathlib import Path

from click.testing import CliRunner, Result

from harness.cli import main
from harness.diffing.plan import Budget
from tests.fakes import save_checkpoint, tiny_model

SMALL = Budget(n_prompts=4, max_tokens=4, n_starts=2, n_seeds=1)


def call(*words: object) -> Result:
    """Run ``amplify diff`` with these words."""
    return CliRunner().invoke(main, ["diff", *map(str, words)])


def two_checkpoints(folder: Path, context: int = 512) -> list[str]:
    """Write two tiny models, and return the options that make them a pair."""
    made = [
        save_checkpoint(
            tiny_model("llama", seed=seed, max_position_embeddings=context), folder / f"{seed}"
        )
        for seed in (1, 2)
    ]
    return [f"-Mtarget={made[1]}", f"-Mbaseline={made[0]}"]
