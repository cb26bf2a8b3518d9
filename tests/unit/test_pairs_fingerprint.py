"""A fingerprint moves with every byte of the weights, and with nothing else."""

import os

import pytest

from harness.pairs.fingerprint import combine_fingerprints, fingerprint_folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_bytes(b"{}")
    (tmp_path / "model-1.safetensors").write_bytes(b"\x00" * 100)
    (tmp_path / "model-2.safetensors").write_bytes(b"\x01" * 100)
    return tmp_path


def rewrite(path, content):
    """Write a file; a clock too coarse to tell the two times apart must not fail the test."""
    before = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(before + 1_000_000_000,) * 2)


def test_a_fingerprint_is_sixteen_hexadecimal_digits_and_stays(folder):
    first = fingerprint_folder(folder)
    assert len(first) == 16
    assert int(first, 16) >= 0
    assert fingerprint_folder(folder) == first


@pytest.mark.parametrize("name", ["model-1.safetensors", "model-2.safetensors", "config.json"])
def test_one_byte_changes_it(folder, name):
    before = fingerprint_folder(folder)
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    rewrite(folder / name, bytes(content))
    assert fingerprint_folder(folder) != before


def test_contents_that_change_places_change_it(folder):
    before = fingerprint_folder(folder)
    first, second = ((folder / f"model-{i}.safetensors").read_bytes() for i in (1, 2))
    rewrite(folder / "model-1.safetensors", second)
    rewrite(folder / "model-2.safetensors", first)
    assert fingerprint_folder(folder) != before


def test_a_file_under_another_name_changes_it(folder):
    before = fingerprint_folder(folder)
    (folder / "model-2.safetensors").rename(folder / "model-3.safetensors")
    assert fingerprint_folder(folder) != before


def test_an_adapters_configuration_belongs_to_it(folder):
    before = fingerprint_folder(folder)
    (folder / "adapter_config.json").write_text('{"lora_alpha": 16}')
    assert fingerprint_folder(folder) != before


def test_a_note_beside_the_weights_does_not(folder):
    before = fingerprint_folder(folder)
    (folder / "README.md").write_text("a model")
    assert fingerprint_folder(folder) == before


def test_a_copy_has_the_same_fingerprint(folder, tmp_path_factory):
    copied = tmp_path_factory.mktemp("copy")
    for path in folder.iterdir():
        (copied / path.name).write_bytes(path.read_bytes())
    assert fingerprint_folder(copied) == fingerprint_folder(folder)


def test_a_combination_depends_on_its_parts_and_their_order():
    combined = combine_fingerprints(["aa", "bb"])
    assert len(combined) == 16
    assert combined == combine_fingerprints(["aa", "bb"])
    assert len({combined, combine_fingerprints(["bb", "aa"]), combine_fingerprints(["aa"])}) == 3
    assert combine_fingerprints(["a", "abb"]) != combine_fingerprints(["aa", "bb"])
