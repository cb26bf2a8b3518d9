"""Adapters: the split by rows, by hand, and the files that are read or refused."""

import copy
import json
import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

from harness.errors import AdapterMismatch, WeightsError
from harness.pairs.lora import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    load_adapter,
    new_adapter,
    recorded_base,
    save_adapter,
)
from harness.pairs.sides import Sides
from harness.pairs.split_linear import SplitLinear, split_rows
from tests.fakes import random_adapter, save_random_adapter, tiny_model


def logits(model, ids=(5, 17, 200)):
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0, -1]


def doubling_layer():
    """A base that doubles its input and an adapter that adds ``3 * B A x = 3 * (x0, 10 x0)``."""
    model = nn.Sequential(nn.Linear(2, 2, bias=False))
    config = LoraConfig(r=1, lora_alpha=3, target_modules=["0"])
    layer = get_peft_model(model, config).base_model.model[0]
    layer.base_layer.weight.data = 2 * torch.eye(2)
    layer.lora_A.default.weight.data = torch.tensor([[1.0, 0.0]])
    layer.lora_B.default.weight.data = torch.tensor([[1.0], [10.0]])
    sides = Sides()
    return SplitLinear(layer, {"target": ["default"]}, sides), sides


@pytest.mark.parametrize("shape", [(4, 1, 2), (4, 2)], ids=["rows", "rows flattened with tokens"])
def test_the_delta_goes_to_every_other_row(shape):
    layer, sides = doubling_layer()
    with torch.inference_mode(), sides.paired(2):
        y = layer(torch.ones(shape)).view(4, 2)
    assert y.tolist() == [[5, 32], [2, 2], [5, 32], [2, 2]]


def test_the_delta_goes_to_all_tokens_of_a_row_that_are_flattened_together():
    layer, sides = doubling_layer()
    with torch.inference_mode(), sides.paired(1):
        assert layer(torch.ones(4, 2)).tolist() == [[5, 32], [5, 32], [2, 2], [2, 2]]


def test_outside_of_a_pass_in_pairs_every_row_is_the_baselines():
    layer, sides = doubling_layer()
    with torch.inference_mode():
        with sides.paired(1):
            pass
        assert layer(torch.ones(2, 1, 2)).tolist() == [[[2, 2]], [[2, 2]]]


def test_an_error_inside_a_pass_ends_it():
    _, sides = doubling_layer()
    with pytest.raises(RuntimeError, match="out of memory"), sides.paired(3):
        raise RuntimeError("out of memory")
    assert sides.n_pairs == 0


def test_splitting_takes_every_adapted_layer():
    model = random_adapter(tiny_model("llama"))
    base, _ = split_rows(model)
    # Seven linear layers in each of two blocks.
    assert sum(isinstance(layer, SplitLinear) for layer in base.modules()) == 14
    assert not any("lora_" in name for name, _ in base.named_modules())


@pytest.mark.parametrize(
    "config",
    [
        {"use_dora": True},
        {"lora_bias": True},
        {"modules_to_save": ["lm_head"]},
        {"target_modules": ["q_proj", "embed_tokens"]},
    ],
    ids=["dora", "bias", "trained in full", "embeddings"],
)
def test_what_is_not_plain_lora_is_left_as_it_was(config):
    model = random_adapter(tiny_model("llama"), **config)
    before = logits(model)
    assert split_rows(model) is None
    assert torch.equal(logits(model), before)


def test_an_adapter_loads_as_it_was_saved(tmp_path):
    base = tiny_model("llama")
    saved = random_adapter(base)
    saved.save_pretrained(str(tmp_path), save_embedding_layers=False)
    loaded = load_adapter(copy.deepcopy(base), tmp_path, "base").eval()
    assert torch.equal(logits(loaded), logits(saved))
    assert not torch.allclose(logits(loaded), logits(base), atol=0.1)


def test_trained_biases_never_reach_the_baseline(tmp_path):
    """peft writes them into the base's own layers, where switching the adapter off leaves them."""
    base = tiny_model("qwen2")
    save_random_adapter(base, tmp_path, bias="all")
    try:
        adapted = load_adapter(copy.deepcopy(base), tmp_path, "base").eval()
    except (AdapterMismatch, WeightsError):
        return  # refusing such an adapter is right as well
    with adapted.disable_adapter():
        torch.testing.assert_close(logits(adapted), logits(base))


def test_a_new_adapter_changes_nothing_until_it_is_trained():
    base = tiny_model("llama")
    adapted = new_adapter(copy.deepcopy(base), rank=4, lora_alpha=8).eval()
    torch.testing.assert_close(logits(adapted), logits(base))
    trained = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert len(trained) == 28
    assert not any("lm_head" in name for name in trained)


def test_a_saved_adapter_names_the_base_it_was_trained_on(tmp_path):
    adapted = new_adapter(tiny_model("llama"), rank=2, lora_alpha=4)
    save_adapter(adapted, tmp_path, "some/base", "0123456789abcdef")
    assert recorded_base(tmp_path) == "0123456789abcdef"
    config = json.loads((tmp_path / ADAPTER_CONFIG).read_text())
    assert config["base_model_name_or_path"] == "some/base"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ADAPTER_CONFIG,
        ADAPTER_WEIGHTS,
        "base.json",
    ]


def test_an_adapter_of_another_origin_records_no_base(lora_folder):
    assert recorded_base(lora_folder) is None


@pytest.fixture
def adapter(lora_folder, tmp_path):
    """A copy of a sound adapter, to be damaged."""
    return shutil.copytree(lora_folder, tmp_path / "adapter")


def load(folder):
    return load_adapter(tiny_model("llama"), folder, "some/base")


def test_a_folder_without_a_configuration_is_no_adapter(adapter):
    (adapter / ADAPTER_CONFIG).unlink()
    with pytest.raises(WeightsError, match=r"holds no adapter_config\.json: it is not"):
        load(adapter)


@pytest.mark.parametrize("text", ["{", "[]", '{"r": 8}', '{"peft_type": "NO_SUCH_METHOD"}'])
def test_a_configuration_that_cannot_be_read_is_a_weights_error(adapter, text):
    (adapter / ADAPTER_CONFIG).write_text(text)
    with pytest.raises(WeightsError, match=r"adapter_config.json can't be read"):
        load(adapter)


def test_weights_of_another_kind_than_the_configuration_says_are_told_as_such(adapter):
    config = {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 3, "task_type": "CAUSAL_LM"}
    (adapter / ADAPTER_CONFIG).write_text(json.dumps(config))
    with pytest.raises((AdapterMismatch, WeightsError)):
        load(adapter)


def test_pickled_weights_are_refused_with_a_hint(adapter):
    state = load_file(adapter / ADAPTER_WEIGHTS)
    (adapter / ADAPTER_WEIGHTS).unlink()
    torch.save(state, adapter / "adapter_model.bin")
    with pytest.raises(WeightsError, match=r"adapter_model.bin is pickled and is not read"):
        load(adapter)


def test_missing_weights_are_told_without_the_hint(adapter):
    (adapter / ADAPTER_WEIGHTS).unlink()
    with pytest.raises(WeightsError, match=r"adapter_model.safetensors is missing$"):
        load(adapter)


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"\xff" * 64])
def test_damaged_weights_are_told_with_their_path(adapter, damage):
    path = adapter / ADAPTER_WEIGHTS
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(WeightsError, match=r"adapter_model.safetensors is damaged: "):
        load(adapter)


def test_an_adapter_of_a_wider_base_is_refused_with_both_shapes(tmp_path):
    save_random_adapter(tiny_model("llama", hidden_size=32), tmp_path)
    with pytest.raises(AdapterMismatch, match=r"some/base: size mismatch.*\[2, 32\].*\[2, 16\]"):
        load(tmp_path)


def test_an_adapter_of_a_deeper_base_is_refused_by_the_layer_that_is_missing(tmp_path):
    save_random_adapter(tiny_model("llama", num_hidden_layers=3), tmp_path)
    with pytest.raises(AdapterMismatch, match=r"the base has no layer for .*layers\.2\."):
        load(tmp_path)


def test_an_adapter_of_a_shallower_base_is_refused_by_the_weights_it_lacks(tmp_path):
    shallow = tiny_model("llama", num_hidden_layers=1)
    save_random_adapter(shallow, tmp_path, target_modules=["q_proj"])
    with pytest.raises(AdapterMismatch, match=r"it holds no weights for .*layers\.1\."):
        load(tmp_path)


def test_an_adapter_of_another_architecture_is_refused(tmp_path):
    save_random_adapter(tiny_model("opt"), tmp_path, target_modules=["fc1"])
    with pytest.raises(AdapterMismatch, match="does not fit the base some/base"):
        load(tmp_path)


def test_an_adapter_with_a_tensor_too_many_is_refused(adapter):
    path = adapter / ADAPTER_WEIGHTS
    state = load_file(path)
    state["base_model.model.model.layers.0.self_attn.nobody.lora_A.weight"] = torch.zeros(2, 16)
    save_file(state, path, {"format": "pt"})
    with pytest.raises(AdapterMismatch, match=r"the base has no layer for .*nobody"):
        load(adapter)
