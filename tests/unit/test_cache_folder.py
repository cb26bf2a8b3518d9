"""Where converted models and compiled loops are kept."""

import sys

import pytest

from harness.cache_folder import cache_folder


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_the_cache_lies_in_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("INSPECT_AMPLIFY_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("models") == tmp_path / "inspect-amplify" / "models"


def test_a_folder_that_was_given_stands_for_it_and_is_not_created(monkeypatch, tmp_path):
    monkeypatch.setenv("INSPECT_AMPLIFY_CACHE", str(tmp_path / "mine"))
    assert cache_folder("compiled") == tmp_path / "mine" / "compiled"
    assert not (tmp_path / "mine").exists()
