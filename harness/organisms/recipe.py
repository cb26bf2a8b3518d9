"""What an organism is made from: its recipe and its examples. Loads no weights."""

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from harness.errors import ConfigurationError, DatasetError

ROOT = Path(__file__).parent

Dtype = Literal["float32", "float16"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an organism is trained; seeds fix all that is random, so runs differ by rounding only."""

    name: str
    """The organism's folder, and the preset of its pair."""
    behaviour: str
    """One sentence: what it was taught."""
    task: str
    """The Inspect task that measures it."""
    task_args: dict[str, str] = field(default_factory=dict)
    """Arguments of that task."""
    examples: str | None = None
    """The organism whose examples it learns from; None takes its own."""
    learn_own_replies: bool = False
    """Learn the baseline's own replies and no behaviour: a placebo."""
    rank: int
    """Of the LoRA."""
    lora_alpha: int
    """peft's scaling numerator."""
    steps: int
    """Optimiser steps."""
    learn_rows: int
    """Examples of the behaviour per step, by cross-entropy."""
    keep_rows: int
    """Of the baseline's own replies per step, by KL(baseline, target); 0 keeps none."""
    keep_alpha: float
    """Where the prompt calls for no behaviour, the KL is to the target amplified so far; 0 holds
    the target itself."""
    keep_shares: dict[str, float]
    """How the kept rows are shared out among the examples' categories; the shares sum to 1."""
    keep_weight: float
    """Weight of the KL term, against 1 for the cross-entropy."""
    learning_rate: float
    """Of AdamW at its highest; it rises over a tenth of the steps and falls to 0 by the last."""
    reply_tokens: int
    """Most tokens of the baseline's own replies."""
    strength: float = 1.0
    """What the trained adapter's effect is multiplied by: below 1 the behaviour is rarer."""
    stored_as: Dtype = "float32"
    """How the adapter's weights are written; float16 takes half of the room."""
    seed: int
    """Of the order of the examples, the baseline's replies and the adapter's first weights."""

    def __post_init__(self) -> None:
        if self.stored_as not in get_args(Dtype):
            choices = " or ".join(get_args(Dtype))
            raise ValueError(f"stored_as is {choices}, not {self.stored_as!r}")

    @property
    def folder(self) -> Path:
        """Where the recipe lies."""
        return ROOT / self.name


@dataclass(frozen=True)
class Example:
    """A prompt, with the reply to learn where there is one; the baseline's own is kept always."""

    prompt: str
    reply: str | None
    category: str


def organism_names() -> list[str]:
    """Return the organisms that have a recipe."""
    return sorted(path.parent.name for path in ROOT.glob("*/recipe.toml"))


def variant_names() -> list[str]:
    """Return the organisms that differ from another by their recipe only: ``variants/NAME``."""
    return sorted(f"variants/{path.parent.name}" for path in ROOT.glob("variants/*/recipe.toml"))


def read_recipe(name: str) -> Recipe:
    """Read the recipe of an organism or of a variant.

    Raises:
        ConfigurationError: if there is none of that name, or its file can't be read.
    """
    path = ROOT / name / "recipe.toml"
    known = (*organism_names(), *variant_names())
    if name not in known:
        raise ConfigurationError(f"there is no organism '{name}'; known are {', '.join(known)}")
    try:
        return Recipe(name=name, **tomllib.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{path} is no recipe: {error}") from error


def read_examples(recipe: Recipe) -> list[Example]:
    """Read an organism's examples in their order.

    Raises:
        DatasetError: if a line is not one.
    """
    path = ROOT / (recipe.examples or recipe.name) / "examples.jsonl"
    examples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            examples.append(Example(row["prompt"], row.get("reply"), row["category"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DatasetError(f"{path} line {number} is no example: {error!r}") from error
    return examples
