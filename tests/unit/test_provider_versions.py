"""A rollout's metadata names what decided its tokens."""

from importlib.metadata import version

from harness.provider.versions import versions


def test_the_versions_are_those_that_are_installed_and_of_python():
    found = versions()
    assert found["torch"] == version("torch")
    assert found["python"].startswith("3.")
    assert {"transformers", "peft", "tokenizers", "numpy"} < set(found)
