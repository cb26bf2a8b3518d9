"""Adapters in every combination, over one copy of the weights, against separate merged models."""

import copy

import pytest
import torch
from peft import IA3Config, PromptTuningConfig, get_peft_model

from harness.errors import AdapterMismatch, ConfigurationError, WeightsError
from harness.pairs import readers
from harness.pairs.checkpoints import load_checkpoint
from harness.pairs.loading import load_pair
from harness.pairs.side import Side, parse_layers
from harness.pairs.spec import PairSpec
from tests.fakes import random_adapter, save_random_adapter, tiny_model
from tests.unit.test_pairs_models import assert_decodes_as, full_logits, uncached

IDS = (5, 17, 200)


@pytest.fixture
def loads(monkeypatch):
    """The folders of the checkpoints that were loaded."""
    folders = []

    def counted(folder, *rest):
        folders.append(folder)
        return load_checkpoint(folder, *rest)

    monkeypatch.setattr(readers, "load_checkpoint", counted)
    return folders


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two random LoRAs of different ranks, on different layers, and a DoRA."""
    base = tiny_model("llama")
    root = tmp_path_factory.mktemp("adapters")
    return {
        name: str(save_random_adapter(base, root / name, seed, **config))
        for seed, (name, config) in enumerate(ADAPTERS.items())
    }


ADAPTERS = {
    "first": {"target_modules": ["q_proj", "up_proj"]},
    "second": {"r": 3, "lora_alpha": 5, "target_modules": ["q_proj", "down_proj"]},
    "dora": {"use_dora": True, "target_modules": ["v_proj"]},
}


def merged(*names):
    """A model into whose weights adapters were merged, one after the other."""
    model = tiny_model("llama")
    for name in names:
        config = ADAPTERS[name]
        model = random_adapter(model, [*ADAPTERS].index(name), **config).merge_and_unload()
    return model


def loaded(llama_folder, target, baseline):
    sides = [Side(checkpoint=str(llama_folder), **one) for one in (target, baseline)]
    spec = PairSpec(name="adapters", target=sides[0], baseline=sides[1], device="cpu")
    return load_pair(spec).model


def test_the_effects_of_several_adapters_add_up_in_one_pass(llama_folder, folders, loads):
    both = (folders["first"], folders["second"])
    pair = loaded(llama_folder, {"adapter": both}, {})
    assert (pair.one_pass, len(loads)) == (True, 1)
    assert_decodes_as(pair, uncached(merged("first", "second"), tiny_model("llama")))


def test_an_adapter_is_compared_with_another_in_one_pass(llama_folder, folders, loads):
    pair = loaded(llama_folder, {"adapter": folders["first"]}, {"adapter": folders["second"]})
    assert (pair.one_pass, len(loads)) == (True, 1)
    assert_decodes_as(pair, uncached(merged("first"), merged("second")))


def test_an_adapter_on_the_baseline_alone_is_read_in_one_pass(llama_folder, folders):
    pair = loaded(llama_folder, {}, {"adapter": folders["first"]})
    assert pair.one_pass
    assert_decodes_as(pair, uncached(tiny_model("llama"), merged("first")))


def test_an_adapter_against_itself_and_another_differs_by_the_other(llama_folder, folders):
    both = (folders["first"], folders["second"])
    pair = loaded(llama_folder, {"adapter": both}, {"adapter": folders["first"]})
    assert_decodes_as(pair, uncached(merged("first", "second"), merged("first")))


@pytest.mark.parametrize(
    ("target", "baseline"),
    [(("dora",), ()), (("dora",), ("first",)), (("first",), ("dora",)), (("first", "dora"), ())],
    ids=["dora", "dora against lora", "lora against dora", "lora and dora"],
)
def test_adapters_beyond_plain_lora_are_switched_over_one_copy(
    llama_folder, folders, loads, target, baseline
):
    sides = [
        {"adapter": tuple(folders[name] for name in names)} if names else {}
        for names in (target, baseline)
    ]
    pair = loaded(llama_folder, *sides)
    assert (pair.one_pass, len(loads)) == (False, 1)
    assert_decodes_as(pair, uncached(merged(*target), merged(*baseline)))


def saved(folder, config, fill):
    """An adapter of another type, with parameters set by ``fill``."""
    model = get_peft_model(copy.deepcopy(tiny_model("llama")), config)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            fill(name, parameter)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    return model.eval()


def test_other_adapters_of_layers_are_compared_too(llama_folder, tmp_path):
    config = IA3Config(
        task_type="CAUSAL_LM",
        target_modules=["k_proj", "down_proj"],
        feedforward_modules=["down_proj"],
    )
    generator = torch.Generator().manual_seed(0)
    model = saved(tmp_path, config, lambda _, p: p.data.normal_(1, 0.5, generator=generator))
    pair = loaded(llama_folder, {"adapter": str(tmp_path)}, {})
    assert not pair.one_pass
    assert_decodes_as(pair, uncached(model, tiny_model("llama")))


def test_an_adapter_that_adds_to_the_prompt_is_refused(llama_folder, tmp_path):
    """Read through the base's layers alone it would change nothing, and nobody would be told."""
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    saved(tmp_path, config, lambda *_: None)
    with pytest.raises(WeightsError, match=r"PROMPT_TUNING, which adds to what is read"):
        loaded(llama_folder, {"adapter": str(tmp_path)}, {})


def within_layer(folder_config, layer, seed):
    """The reference for ``adapter_layers``: B is zero everywhere else."""
    model = random_adapter(tiny_model("llama"), seed, **folder_config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name and f".layers.{layer}." not in name:
            parameter.data.zero_()
    return model.merge_and_unload()


@pytest.mark.parametrize("layer", [0, 1])
def test_an_adapter_acts_in_the_layers_that_are_named(llama_folder, folders, layer):
    pair = loaded(llama_folder, {"adapter": folders["first"], "adapter_layers": str(layer)}, {})
    assert pair.one_pass
    target = within_layer(ADAPTERS["first"], layer, seed=0)
    assert_decodes_as(pair, uncached(target, tiny_model("llama")))


def test_one_adapter_is_compared_with_itself_in_some_layers(llama_folder, folders):
    """Where does a change live? What all layers do, and what the first does alone."""
    first = folders["first"]
    pair = loaded(llama_folder, {"adapter": first}, {"adapter": first, "adapter_layers": "0"})
    assert pair.one_pass
    assert_decodes_as(pair, uncached(merged("first"), within_layer(ADAPTERS["first"], 0, seed=0)))


def test_all_layers_are_what_no_layers_say(llama_folder, folders):
    first = folders["first"]
    pair = loaded(llama_folder, {"adapter": first}, {"adapter": first, "adapter_layers": "0-1"})
    logits = pair.read_prompts([_prompt()])[1]
    assert torch.equal(logits.target, logits.baseline)


def test_a_dora_acts_in_the_layers_that_are_named(llama_folder, folders):
    """Its magnitudes change weights even where B is zero, so the layer must stay the base's."""
    pair = loaded(llama_folder, {"adapter": folders["dora"], "adapter_layers": "1"}, {})
    target = merged("dora")
    target.model.layers[0] = tiny_model("llama").model.layers[0]
    logits = pair.read_prompts([_prompt()])[1]
    torch.testing.assert_close(logits.target[0], full_logits(target, IDS), atol=1e-4, rtol=1e-4)


def _prompt():
    from harness.decoding.pair_model import Prompt

    return Prompt(IDS, IDS)


def test_layers_that_the_model_does_not_have_are_refused(llama_folder, folders):
    with pytest.raises(ConfigurationError, match="no layer 7; the model has 2, 0 to 1"):
        loaded(llama_folder, {"adapter": folders["first"], "adapter_layers": "1,7"}, {})


def test_layers_in_which_the_adapter_has_nothing_are_refused(llama_folder, tmp_path):
    only_first = save_random_adapter(
        tiny_model("llama"), tmp_path, target_modules=["q_proj"], layers_to_transform=[0]
    )
    with pytest.raises(AdapterMismatch, match=r"acts in layers \[0\], and none of them is among"):
        loaded(llama_folder, {"adapter": str(only_first), "adapter_layers": "1"}, {})


@pytest.mark.parametrize(
    ("text", "layers"),
    [("0", {0}), ("0-3", {0, 1, 2, 3}), ("3, 5,8-9", {3, 5, 8, 9}), ("4-4", {4})],
)
def test_layers_are_numbers_and_ranges(text, layers):
    assert parse_layers(text) == layers


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "5-3", "1,,2", "1.5"])
def test_what_is_no_list_of_layers_is_refused(text):
    with pytest.raises(ConfigurationError, match="layers '"):
        parse_layers(text)
