"""A loaded pair of two tiny random models and a tiny tokenizer, as a diff takes it."""

from harness.pairs.chat import ChatText
from harness.pairs.loading import LoadedPair
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from harness.pairs.spec import resolve_pair
from tests.fakes import tiny_model, tiny_tokenizer


def tiny_pair(seeds: tuple[int, int] = (1, 2)) -> LoadedPair:
    """Pair two llamas of 128 or so tokens; equal seeds make a null pair."""
    models = [Reader(tiny_model("llama", seed=seed)) for seed in seeds]
    model = ModelPair(models[0], models[0] if seeds[0] == seeds[1] else models[1])
    name = "-".join(map(str, seeds))
    return LoadedPair(
        model, ChatText(tiny_tokenizer(), "tiny"), f"weights-{name}", resolve_pair("null")
    )
