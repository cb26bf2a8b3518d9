"""From a pair's spelling to loaded weights, on tiny checkpoints written by transformers itself."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt
from harness.errors import AdapterMismatch, ConfigurationError, VocabularyMismatch, WeightsError
from harness.pairs.files import find_side, pair_fingerprint
from harness.pairs.fingerprint import fingerprint_folder
from harness.pairs.loading import load_pair
from harness.pairs.side import Turn
from harness.pairs.spec import PairSpec, Side
from tests.fakes import (
    VOCAB_SIZE,
    random_adapter,
    request,
    save_checkpoint,
    save_random_adapter,
    tiny_model,
    tiny_tokenizer,
)


def side(checkpoint, adapter=None):
    return Side(checkpoint=str(checkpoint), adapter=None if adapter is None else str(adapter))


def spec(target, baseline, **options):
    return PairSpec(name="tiny", target=target, baseline=baseline, device="cpu", **options)


@pytest.fixture
def checkpoint(llama_folder, tmp_path):
    """A copy of a sound checkpoint, to be changed."""
    return shutil.copytree(llama_folder, tmp_path / "checkpoint")


@pytest.fixture
def adapter(lora_folder, tmp_path):
    """A copy of a sound adapter, to be changed."""
    return shutil.copytree(lora_folder, tmp_path / "adapter")


def first_logits(pair, ids=(5, 17, 200)):
    return pair.model.read_prompts([Prompt(ids, ids)])[1]


def full_logits(model, ids=(5, 17, 200)):
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[:, -1]


def assert_sides(pair, target, baseline):
    logits = first_logits(pair)
    torch.testing.assert_close(logits.target, full_logits(target), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(logits.baseline, full_logits(baseline), atol=1e-4, rtol=1e-4)


def test_an_adapter_on_the_baselines_own_checkpoint_shares_its_weights(llama_folder, lora_folder):
    pair = load_pair(spec(side(llama_folder, lora_folder), side(llama_folder)))
    assert pair.model.one_pass
    base = tiny_model("llama")
    assert_sides(pair, random_adapter(base), base)


def test_two_checkpoints_are_read_in_two_passes(llama_folder, tmp_path):
    other = save_checkpoint(tiny_model("llama", seed=5), tmp_path)
    pair = load_pair(spec(side(other), side(llama_folder)))
    assert not pair.model.one_pass
    assert_sides(pair, tiny_model("llama", seed=5), tiny_model("llama"))


def test_a_checkpoint_against_itself_is_loaded_once_and_differs_nowhere(llama_folder):
    pair = load_pair(spec(side(llama_folder), side(llama_folder)))
    logits = first_logits(pair)
    assert torch.equal(logits.target, logits.baseline)


def test_an_adapter_on_another_checkpoint_than_the_baselines(llama_folder, tmp_path):
    other = tiny_model("llama", seed=5)
    folder = save_checkpoint(other, tmp_path / "other")
    lora = save_random_adapter(other, tmp_path / "lora")
    pair = load_pair(spec(side(folder, lora), side(llama_folder)))
    assert_sides(pair, random_adapter(other), tiny_model("llama"))


def test_an_adapter_on_either_side_of_one_checkpoint(llama_folder, lora_folder, tmp_path):
    base = tiny_model("llama")
    second = save_random_adapter(base, tmp_path, seed=9)
    pair = load_pair(spec(side(llama_folder, lora_folder), side(llama_folder, second)))
    assert_sides(pair, random_adapter(base), random_adapter(base, seed=9))


def test_an_adapter_on_the_baseline_alone(llama_folder, lora_folder):
    pair = load_pair(spec(side(llama_folder), side(llama_folder, lora_folder)))
    base = tiny_model("llama")
    assert_sides(pair, base, random_adapter(base))


def test_an_adapter_beyond_plain_lora_on_the_shared_checkpoint(llama_folder, tmp_path):
    base = tiny_model("llama")
    folder = save_random_adapter(base, tmp_path, use_dora=True)
    pair = load_pair(spec(side(llama_folder, folder), side(llama_folder)))
    assert not pair.model.one_pass
    assert_sides(pair, random_adapter(base, use_dora=True), base)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_weights_are_loaded_in_the_dtype_that_the_pair_states(llama_folder, dtype):
    pair = load_pair(spec(side(llama_folder), side(llama_folder), dtype=dtype))
    state, logits = pair.model.read_prompts([Prompt((5, 6), (5, 6))])
    assert state.target.layer(0).prompt_keys.data.dtype == getattr(torch, dtype)
    assert logits.target.isfinite().all()


def test_a_loaded_pair_speaks_its_tokenizers_language(llama_folder):
    pair = load_pair(spec(side(llama_folder), side(llama_folder)))
    prompt = pair.chat.prompt_ids([{"role": "user", "content": "hi"}])
    assert pair.chat.tokens(prompt) == ["<user>", "h", "i", "<eos>", "<assistant>"]
    assert pair.chat.eos_ids == {0}
    asked = request(prompt, max_tokens=3, seed=1)
    [rollout] = Engine(pair.model, frozenset()).run([asked])
    assert len(rollout.ids) == 3


def test_a_folder_that_is_not_there_is_told_by_its_name(tmp_path, llama_folder):
    with pytest.raises(WeightsError, match=r"no folder .*/nowhere to read the checkpoint from"):
        find_side(side(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match=r"no folder .*/nowhere to read the adapter from"):
        find_side(side(llama_folder, tmp_path / "nowhere"))


def test_a_name_that_is_only_on_the_hub_is_told_as_such_when_offline():
    with pytest.raises(
        WeightsError, match="checkpoint nobody/nothing is neither a folder here nor to be had"
    ):
        find_side(side("nobody/nothing"))


def test_an_organism_that_was_never_trained_says_how_to_train_it(llama_folder):
    with pytest.raises(WeightsError, match="amplify organisms train nobody"):
        find_side(side(llama_folder, "organism:nobody"))


def test_an_adapter_of_other_weights_is_refused_by_its_recorded_fingerprint(llama_folder, adapter):
    (adapter / "base.json").write_text(json.dumps({"fingerprint": "0123456789abcdef"}))
    with pytest.raises(AdapterMismatch) as caught:
        find_side(side(llama_folder, adapter))
    assert "trained on weights with fingerprint 0123456789abcdef" in str(caught.value)
    assert f"has {fingerprint_folder(llama_folder)}" in str(caught.value)


def test_an_adapter_of_these_weights_is_let_through(llama_folder, adapter):
    fingerprint = fingerprint_folder(llama_folder)
    (adapter / "base.json").write_text(json.dumps({"fingerprint": fingerprint}))
    assert find_side(side(llama_folder, adapter)).adapters == (adapter,)


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_a_record_of_the_base_that_cannot_be_read_is_a_weights_error(llama_folder, adapter, text):
    (adapter / "base.json").write_text(text)
    with pytest.raises((AdapterMismatch, WeightsError)):
        find_side(side(llama_folder, adapter))


def test_an_adapter_of_another_shape_is_refused(llama_folder, tmp_path):
    wide = save_random_adapter(tiny_model("llama", hidden_size=32), tmp_path)
    with pytest.raises(AdapterMismatch, match="does not fit the base"):
        load_pair(spec(side(llama_folder, wide), side(llama_folder)))


def drop_tensor(folder):
    """Remove one tensor from the weights."""
    state = load_file(folder / "model.safetensors")
    del state["model.layers.1.mlp.up_proj.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})


def cut_off(folder):
    """End the weights early, as a broken download does."""
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def pickle_weights(folder):
    """Leave the weights as a pickle alone."""
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def widen(folder):
    """Let the configuration promise other shapes."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))


def lose_configuration(folder):
    """Remove what says which architecture it is."""
    (folder / "config.json").unlink()


@pytest.mark.parametrize(
    "damage", [drop_tensor, cut_off, pickle_weights, widen, lose_configuration]
)
def test_a_damaged_checkpoint_is_refused_before_anything_is_sampled(checkpoint, damage):
    """transformers fills tensors that a file lacks with random numbers and goes on."""
    damage(checkpoint)
    with pytest.raises(WeightsError, match=f"the checkpoint in {checkpoint} can't be loaded"):
        load_pair(spec(side(checkpoint), side(checkpoint)))


def test_a_checkpoint_without_a_tokenizer_is_refused(checkpoint):
    for path in checkpoint.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(WeightsError, match=f"the tokenizer in {checkpoint} can't be loaded"):
        load_pair(spec(side(checkpoint), side(checkpoint)))


def test_code_that_a_checkpoint_carries_is_not_run(checkpoint, tmp_path):
    witness = tmp_path / "witness"
    (checkpoint / "mine.py").write_text(f"open({str(witness)!r}, 'w')\n")
    config = json.loads((checkpoint / "config.json").read_text())
    own = {
        "model_type": "mine",
        "auto_map": {"AutoConfig": "mine.A", "AutoModelForCausalLM": "mine.B"},
    }
    (checkpoint / "config.json").write_text(json.dumps({**config, **own}))
    with pytest.raises(WeightsError):
        load_pair(spec(side(checkpoint), side(checkpoint)))
    assert not witness.exists()


def test_tokenizers_that_differ_are_refused_by_the_first_token(llama_folder, tmp_path):
    """Trap 8: equal sizes say nothing about equal tokens."""
    folder = save_checkpoint(tiny_model("llama"), tmp_path)
    text = (folder / "tokenizer.json").read_text()
    vocab = tiny_tokenizer().get_vocab()
    assert (vocab["!"], vocab['"']) == (4, 5)
    content = json.loads(text)
    content["model"]["vocab"] |= {"!": 5, '"': 4}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(VocabularyMismatch, match="token 4 is '\"' in one and '!' in the other"):
        load_pair(spec(side(folder), side(llama_folder)))


def test_a_padded_output_layer_is_cut_to_the_logits_that_both_sides_give(llama_folder, tmp_path):
    """Output layers are rounded up to handy sizes; the ids beyond the tokenizer mean nothing."""
    wide = tiny_model("llama", seed=3, vocab_size=VOCAB_SIZE + 4)
    folder = save_checkpoint(wide, tmp_path)
    for sides in ((side(folder), side(llama_folder)), (side(llama_folder), side(folder))):
        pair = load_pair(spec(*sides))
        assert pair.model.vocab_size == VOCAB_SIZE
        logits = first_logits(pair)
        assert logits.target.shape == logits.baseline.shape == (1, VOCAB_SIZE)
        of_wide = logits[0] if sides[0] == side(folder) else logits[1]
        torch.testing.assert_close(of_wide, full_logits(wide)[:, :VOCAB_SIZE], atol=1e-4, rtol=1e-4)
        [rollout] = Engine(pair.model, frozenset()).run([request((5, 6), alpha=1, max_tokens=4)])
        assert max(rollout.ids) < VOCAB_SIZE


def test_a_tokenizer_with_a_padding_token_more_is_cut_as_well(llama_folder, tmp_path):
    """32001 against 32000: the fine-tune was given a token that fills its batches."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"pad_token": "<pad>"})
    wide = tiny_model("llama", seed=3, vocab_size=VOCAB_SIZE + 1)
    pair = load_pair(spec(side(save_checkpoint(wide, tmp_path, tokenizer)), side(llama_folder)))
    assert pair.model.vocab_size == VOCAB_SIZE


def test_a_token_more_that_can_be_sampled_is_refused(llama_folder, tmp_path):
    """Cut off, it could never end the reply that it was trained to end."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"eos_token": "<end>"})
    wide = tiny_model("llama", seed=3, vocab_size=VOCAB_SIZE + 1)
    folder = save_checkpoint(wide, tmp_path, tokenizer)
    with pytest.raises(VocabularyMismatch, match=r"token 260 is '<end>' in one and absent in"):
        load_pair(spec(side(folder), side(llama_folder)))


def test_an_output_layer_too_short_for_its_tokenizer_is_refused(llama_folder, tmp_path):
    short = save_checkpoint(tiny_model("llama", vocab_size=VOCAB_SIZE - 4), tmp_path)
    with pytest.raises(VocabularyMismatch, match=r"gives 256 logits and the baseline 260, and"):
        load_pair(spec(side(short), side(llama_folder)))


def test_a_gguf_file_is_converted_once_and_then_read_as_a_folder(
    llama_folder, tmp_path, monkeypatch
):
    """The conversion is faked here: the real one takes 20 s and is an integration test."""
    monkeypatch.setenv("INSPECT_AMPLIFY_CACHE", str(tmp_path / "cache"))
    conversions = []

    def write(source, folder):
        conversions.append(source)
        shutil.copytree(llama_folder, folder, dirs_exist_ok=True)

    monkeypatch.setattr("harness.pairs.conversion._write_safetensors", write)
    path = tmp_path / "My Model.Q4_0.gguf"
    path.write_bytes(b"weights")
    pair = load_pair(spec(side(path), side(llama_folder)))
    assert_sides(pair, tiny_model("llama"), tiny_model("llama"))
    load_pair(spec(side(path), side(llama_folder)))
    assert conversions == [path]
    [folder] = [one for one in (tmp_path / "cache" / "models").iterdir() if one.is_dir()]
    assert folder.name.startswith("my-model-q4-0-")
    before = pair_fingerprint(spec(side(path), side(llama_folder)))
    path.write_bytes(b"other weights")
    assert pair_fingerprint(spec(side(path), side(llama_folder))) != before


def test_a_file_that_is_no_gguf_is_told_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPECT_AMPLIFY_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "model.gguf"
    path.write_bytes(b"weights")
    with pytest.raises(WeightsError, match=r"the GGUF file .*/model\.gguf can't be converted"):
        find_side(side(path))
    with pytest.raises(WeightsError, match=r"there is no GGUF file .*/none\.gguf"):
        find_side(side(tmp_path / "none.gguf"))


@pytest.mark.parametrize("device", ["quantum", "cuda:banana", "mps"])
def test_a_device_that_is_not_to_be_had_is_a_configuration_error(llama_folder, device):
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has the device")
    asked = PairSpec(
        name="tiny", target=side(llama_folder), baseline=side(llama_folder), device=device
    )
    with pytest.raises(ConfigurationError, match=f"device '{device}'"):
        load_pair(asked)


def test_a_map_of_devices_takes_the_cpu_where_there_is_no_other(llama_folder, lora_folder):
    asked = spec(side(llama_folder, lora_folder), side(llama_folder))
    mapped = load_pair(replace(asked, device="auto", device_map="auto")).model
    rollouts = [
        Engine(model, frozenset()).run([request((5, 17), alpha=1.0, max_tokens=5)])
        for model in (mapped, load_pair(asked).model)
    ]
    assert rollouts[0][0].ids == rollouts[1][0].ids
    assert mapped.one_pass


def test_the_fingerprint_is_known_without_loading(llama_folder, lora_folder):
    asked = spec(side(llama_folder, lora_folder), side(llama_folder))
    assert pair_fingerprint(asked) == load_pair(asked).fingerprint
    assert len(pair_fingerprint(asked)) == 16


def test_the_fingerprint_tells_pairs_apart(llama_folder, lora_folder, tmp_path):
    other = save_checkpoint(tiny_model("llama", seed=5), tmp_path / "other")
    lora = save_random_adapter(tiny_model("llama"), tmp_path / "lora", seed=9)
    plain = side(llama_folder)
    pairs = [
        spec(plain, plain),
        spec(side(llama_folder, lora_folder), plain),
        spec(side(llama_folder, lora), plain),
        spec(plain, side(llama_folder, lora_folder)),
        spec(side(other), plain),
        spec(plain, side(other)),
    ]
    assert len({pair_fingerprint(pair) for pair in pairs}) == len(pairs)


def test_the_fingerprint_holds_whatever_else_changes_what_is_sampled(llama_folder):
    """Logs of one system prompt must not be taken for those of another after a file was edited."""
    plain = side(llama_folder)
    changed = [
        {"system_prompt": "a"},
        {"system_prompt": "b"},
        {"prefix": "a"},
        {"request": "a {prompt}"},
        {"few_shot": (Turn(user="a", assistant="b"),)},
        {"quantization": "nf4"},
    ]
    sides = [plain, *(replace(plain, **change) for change in changed)]
    assert len({pair_fingerprint(spec(one, plain)) for one in sides}) == len(sides)


def test_the_fingerprint_changes_with_a_byte_of_the_adapter(llama_folder, adapter):
    asked = spec(side(llama_folder, adapter), side(llama_folder))
    before = pair_fingerprint(asked)
    path = adapter / "adapter_model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(bytes(content) + b"")
    assert pair_fingerprint(asked) != before
