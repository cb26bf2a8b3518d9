"""Whether two tokenizers mean the same token by the same id; plain mappings, no models."""

from collections.abc import Collection, Mapping

from harness.errors import VocabularyMismatch


def require_same_vocabulary(
    target: Mapping[str, int], baseline: Mapping[str, int], padding: Collection[str] = ()
) -> None:
    """Compare two vocabularies token by token.

    Args:
        target: token to id.
        baseline: token to id.
        padding: tokens that only fill batches, so that one side may have them alone.

    Raises:
        VocabularyMismatch: naming the first id whose tokens differ.
    """
    target_tokens = {i: token for token, i in target.items()}
    baseline_tokens = {i: token for token, i in baseline.items()}
    differing = [
        i
        for i in target_tokens.keys() | baseline_tokens.keys()
        if not _agree(target_tokens.get(i), baseline_tokens.get(i), padding)
    ]
    if not differing:
        return
    first = min(differing)
    raise VocabularyMismatch(
        f"target has {len(target)} tokens and baseline {len(baseline)}, and token {first} is "
        f"{_shown(target_tokens.get(first))} in one and {_shown(baseline_tokens.get(first))} in "
        "the other: these tokenizers differ, so their logits can't be subtracted. Compare "
        "checkpoints that share a tokenizer."
    )


def common_logits(
    target: Mapping[str, int], baseline: Mapping[str, int], n_target: int, n_baseline: int
) -> int:
    """Return how many logits of two output layers stand for the same tokens.

    An output layer is often rounded up to a handy size; the ids beyond the tokenizer mean
    nothing, so the longer side is cut to the shorter one's length, from its end.

    Args:
        target: token to id, found equal to the baseline's.
        baseline: token to id.
        n_target: logits that the target gives.
        n_baseline: logits that the baseline gives.

    Raises:
        VocabularyMismatch: if the shorter side has no logit for a token that both know.
    """
    n_tokens = 1 + max(set(target.values()) & set(baseline.values()))
    common = min(n_target, n_baseline)
    if common < n_tokens:
        raise VocabularyMismatch(
            f"the target gives {n_target} logits and the baseline {n_baseline}, and their "
            f"tokenizers share {n_tokens} tokens: a side without a logit for each of them can't "
            "be subtracted. Compare checkpoints whose output layers cover their tokenizer."
        )
    return common


def _agree(target: str | None, baseline: str | None, padding: Collection[str]) -> bool:
    if target is None or baseline is None:
        return (target or baseline) in padding
    return target == baseline


def _shown(token: str | None) -> str:
    return "absent" if token is None else repr(token)
