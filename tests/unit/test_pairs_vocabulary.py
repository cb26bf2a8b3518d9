"""Two vocabularies are one only if every id means the same token."""

import pytest

from harness.errors import VocabularyMismatch
from harness.pairs.vocabulary import require_same_vocabulary


def numbered(*tokens):
    return {token: i for i, token in enumerate(tokens)}


def test_equal_vocabularies_pass_in_any_order():
    assert require_same_vocabulary({"a": 0, "b": 1}, {"b": 1, "a": 0}) is None


def test_the_first_id_whose_tokens_differ_is_named():
    with pytest.raises(VocabularyMismatch, match="token 1 is 'the' in one and 'The' in the other"):
        require_same_vocabulary(numbered("a", "the", "x"), numbered("a", "The", "y"))


def test_equal_tokens_under_exchanged_ids_differ():
    """Trap 8: the sizes agree and so do the sets, yet every logit would be subtracted wrongly."""
    with pytest.raises(VocabularyMismatch, match="token 0 is 'a' in one and 'b' in the other"):
        require_same_vocabulary(numbered("a", "b"), numbered("b", "a"))


def test_a_longer_vocabulary_is_not_cut_to_the_shorter_one():
    """Trap 8: published code slices both to the shorter length without looking."""
    with pytest.raises(VocabularyMismatch) as caught:
        require_same_vocabulary(numbered("a", "b", "<new>"), numbered("a", "b"))
    assert "target has 3 tokens and baseline 2" in str(caught.value)
    assert "token 2 is '<new>' in one and absent in the other" in str(caught.value)


def test_a_token_that_only_the_baseline_has_is_named():
    with pytest.raises(VocabularyMismatch, match="token 0 is absent in one and 'a' in the other"):
        require_same_vocabulary({"b": 1}, {"a": 0, "b": 1})
