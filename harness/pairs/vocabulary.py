"""Whether two tokenizers mean the same token by the same id; plain mappings, no models."""

from collections.abc import Mapping

from harness.errors import VocabularyMismatch


def require_same_vocabulary(target: Mapping[str, int], baseline: Mapping[str, int]) -> None:
    """Compare two vocabularies token by token.

    Args:
        target: token to id.
        baseline: token to id.

    Raises:
        VocabularyMismatch: naming the first id whose tokens differ.
    """
    target_tokens = {i: token for token, i in target.items()}
    baseline_tokens = {i: token for token, i in baseline.items()}
    if target_tokens == baseline_tokens:
        return
    first = min(
        i
        for i in target_tokens.keys() | baseline_tokens.keys()
        if target_tokens.get(i) != baseline_tokens.get(i)
    )
    raise VocabularyMismatch(
        f"target has {len(target)} tokens and baseline {len(baseline)}, and token {first} is "
        f"{_shown(target_tokens.get(first))} in one and {_shown(baseline_tokens.get(first))} in "
        "the other: these tokenizers differ, so their logits can't be subtracted. Compare "
        "checkpoints that share a tokenizer."
    )


def _shown(token: str | None) -> str:
    return "absent" if token is None else repr(token)
