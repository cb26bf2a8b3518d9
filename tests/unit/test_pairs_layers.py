"""Steering and early exit, against models that were changed by hand."""

import copy

import pytest
import torch
from safetensors.torch import save_file

from harness.errors import ConfigurationError, WeightsError
from harness.pairs.files import pair_fingerprint
from harness.pairs.layers import decoder_layers
from harness.pairs.loading import load_pair
from harness.pairs.side import Side, Steering
from harness.pairs.spec import PairSpec, resolve_pair
from tests.fakes import random_adapter, save_checkpoint, save_random_adapter, tiny_model
from tests.unit.test_pairs_models import assert_decodes_as, uncached

FAMILIES = ["llama", "gpt2", "opt", "gemma2", "phi", "mixtral"]
VECTOR = torch.linspace(-1, 2, 16)


def spec(folder, target, baseline):
    sides = [Side(checkpoint=str(folder), **one) for one in (target, baseline)]
    return PairSpec(name="layers", target=sides[0], baseline=sides[1], device="cpu")


def loaded(folder, target, baseline=None):
    return load_pair(spec(folder, target, baseline or {})).model


def shifted(model, layer, vector):
    """A copy of a model that adds a vector to everything that a layer gives."""
    model = copy.deepcopy(model)
    module = decoder_layers(model)[layer]
    forward = module.forward

    def moved(*arguments, **options):
        output = forward(*arguments, **options)
        if isinstance(output, tuple):
            return (output[0] + vector, *output[1:])
        return output + vector

    module.forward = moved
    return model


def shortened(model, n_layers):
    """A copy of a model that has its first layers only."""
    model = copy.deepcopy(model)
    layers = decoder_layers(model)
    del layers[n_layers:]
    return model


@pytest.fixture
def vector(tmp_path):
    path = tmp_path / "vector.safetensors"
    save_file({"direction": VECTOR}, path)
    return str(path)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_vector_is_added_to_the_targets_rows_only(tmp_path, vector, family):
    model = tiny_model(family)
    folder = save_checkpoint(model, tmp_path / "model")
    pair = loaded(folder, {"steering": Steering(layer=0, vector=vector, strength=0.5)})
    assert pair.one_pass
    assert_decodes_as(pair, uncached(shifted(model, 0, 0.5 * VECTOR), model))


def test_a_vector_may_be_added_on_the_baselines_side(llama_folder, vector):
    model = tiny_model("llama")
    pair = loaded(llama_folder, {}, {"steering": Steering(layer=1, vector=vector)})
    assert_decodes_as(pair, uncached(model, shifted(model, 1, VECTOR)))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_early_layers_logits_are_those_of_a_model_that_ends_there(tmp_path, family):
    model = tiny_model(family)
    folder = save_checkpoint(model, tmp_path)
    pair = loaded(folder, {}, {"exit_layer": 0})
    assert pair.one_pass
    assert_decodes_as(pair, uncached(model, shortened(model, 1)))


def test_changes_of_all_kinds_go_together_in_one_pass(llama_folder, vector, tmp_path):
    base = tiny_model("llama")
    lora = save_random_adapter(base, tmp_path / "lora")
    merged = random_adapter(base).merge_and_unload()
    pair = loaded(
        llama_folder,
        {"adapter": str(lora), "steering": Steering(layer=1, vector=vector)},
        {"adapter": str(lora), "exit_layer": 0},
    )
    assert pair.one_pass
    assert_decodes_as(pair, uncached(shifted(merged, 1, VECTOR), shortened(merged, 1)))


def test_changes_of_all_kinds_go_together_in_two_passes(llama_folder, vector, tmp_path):
    """An adapter that can't be split: the steering must be off in the other side's pass."""
    base = tiny_model("llama")
    dora = save_random_adapter(base, tmp_path / "dora", use_dora=True)
    pair = loaded(
        llama_folder,
        {"adapter": str(dora)},
        {"steering": Steering(layer=0, vector=vector)},
    )
    assert not pair.one_pass
    adapted = random_adapter(base, use_dora=True)
    assert_decodes_as(pair, uncached(adapted, shifted(base, 0, VECTOR)))


def test_two_checkpoints_are_changed_each_by_itself(llama_folder, vector, tmp_path):
    other = tiny_model("llama", seed=5)
    folder = save_checkpoint(other, tmp_path / "other")
    lora = save_random_adapter(other, tmp_path / "lora")
    target = Side(
        checkpoint=str(folder), adapter=str(lora), steering=Steering(layer=0, vector=vector)
    )
    baseline = Side(checkpoint=str(llama_folder), exit_layer=0)
    pair = load_pair(PairSpec(name="two", target=target, baseline=baseline, device="cpu")).model
    adapted = random_adapter(other).merge_and_unload()
    assert_decodes_as(
        pair, uncached(shifted(adapted, 0, VECTOR), shortened(tiny_model("llama"), 1))
    )


TEXTS = Steering(layer=0, strength=2.0, positive=("ab", "xyz"), negative=("q",))


def test_a_vector_from_texts_is_the_mean_difference_of_hidden_states(llama_folder):
    model = tiny_model("llama")

    def state(text):
        # A byte's id, in the tiny tokenizer's order.
        from tests.fakes import tiny_tokenizer

        ids = torch.tensor([tiny_tokenizer()(text)["input_ids"]])
        with torch.inference_mode():
            return model(ids, output_hidden_states=True).hidden_states[1][0, -1]

    expected = 2.0 * ((state("ab") + state("xyz")) / 2 - state("q"))
    pair = loaded(llama_folder, {"steering": TEXTS})
    assert_decodes_as(pair, uncached(shifted(model, 0, expected), model))


def test_a_strength_of_zero_changes_nothing(llama_folder, vector):
    pair = loaded(llama_folder, {"steering": Steering(layer=0, vector=vector, strength=0.0)})
    model = tiny_model("llama")
    assert_decodes_as(pair, uncached(model, model))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"exit_layer": 1}, "exit_layer 1 is the last layer or beyond"),
        ({"exit_layer": 40}, "exit_layer 40 is the last layer or beyond"),
        ({"steering": Steering(layer=2, positive=("a",), negative=("b",))}, "there is no layer 2"),
    ],
)
def test_a_layer_that_the_model_does_not_have_is_refused(llama_folder, target, said):
    with pytest.raises(ConfigurationError, match=said):
        loaded(llama_folder, target)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"a": torch.zeros(15)}, r"holds {'a': \[15\]}, and the model needs one tensor of"),
        ({"a": torch.zeros(16), "b": torch.zeros(16)}, "needs one tensor of shape"),
        ({"a": torch.full((16,), torch.nan)}, "numbers that are not finite"),
    ],
)
def test_a_file_that_holds_no_vector_of_the_model_is_refused(llama_folder, tmp_path, tensors, said):
    save_file(tensors, tmp_path / "bad.safetensors")
    steering = Steering(layer=0, vector=str(tmp_path / "bad.safetensors"))
    with pytest.raises(WeightsError, match=said):
        loaded(llama_folder, {"steering": steering})


def test_a_vector_file_that_is_missing_or_pickled_is_refused(llama_folder, tmp_path):
    path = tmp_path / "vector.pt"
    with pytest.raises(WeightsError, match=r"there is no steering vector .*vector\.pt"):
        loaded(llama_folder, {"steering": Steering(layer=0, vector=str(path))})
    torch.save(VECTOR, path)
    with pytest.raises(WeightsError, match="can't be read"):
        loaded(llama_folder, {"steering": Steering(layer=0, vector=str(path))})


def test_the_fingerprint_follows_the_vectors_content(llama_folder, vector, tmp_path):
    def fingerprint(path, strength=1.0):
        steering = Steering(layer=0, vector=str(path), strength=strength)
        return pair_fingerprint(spec(llama_folder, {"steering": steering}, {}))

    usual = fingerprint(vector)
    save_file({"direction": VECTOR}, tmp_path / "copy.safetensors")
    save_file({"direction": VECTOR + 1}, tmp_path / "other.safetensors")
    assert fingerprint(tmp_path / "copy.safetensors") == usual
    assert fingerprint(tmp_path / "other.safetensors") != usual
    assert fingerprint(vector, strength=2.0) != usual


@pytest.mark.parametrize(
    ("steering", "said"),
    [
        ({"layer": 0}, "steering needs either vector"),
        ({"layer": 0, "positive": ["a"]}, "steering needs either vector"),
        ({"layer": 0, "vector": "v", "positive": ["a"], "negative": ["b"]}, "needs either vector"),
        ({"vector": "v"}, "steering.layer is missing"),
        ({"layer": -1, "vector": "v"}, "layer must be 0 or above, not -1"),
        ({"layer": 0, "vector": "v", "strength": float("inf")}, "strength must be finite"),
        ({"layer": 0, "vector": "v", "scale": 2}, "unknown key 'steering.scale'"),
    ],
)
def test_steering_that_makes_no_sense_is_refused(steering, said):
    with pytest.raises(ConfigurationError, match=said):
        resolve_pair("mine", {"baseline": "x", "target_steering": steering})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target_exit_layer": -1}, "exit_layer must be 0 or above"),
        ({"target_adapter_layers": "0-3"}, "adapter_layers is given, but there is no adapter"),
        ({"adapter": "x", "target_adapter_layers": "3-0"}, "3-0 runs backwards"),
        ({"adapter": []}, "adapter is empty"),
    ],
)
def test_layers_that_make_no_sense_are_refused(given, said):
    with pytest.raises(ConfigurationError, match=said):
        resolve_pair("mine", {"baseline": "x", **given})


def test_arguments_and_files_spell_adapters_and_layers(tmp_path):
    path = tmp_path / "pair.toml"
    path.write_text(
        '[target]\ncheckpoint = "x"\nadapter = ["a", "b"]\nadapter_layers = "3,5-6"\n'
        '[target.steering]\nlayer = 2\nvector = "v.safetensors"\n'
        '[baseline]\ncheckpoint = "x"\nexit_layer = 4\n'
    )
    (tmp_path / "v.safetensors").touch()
    (tmp_path / "b").mkdir()
    from_file = resolve_pair(str(path))
    assert from_file.target == Side(
        checkpoint="x",
        adapter=("a", str(tmp_path / "b")),
        adapter_layers="3,5-6",
        steering=Steering(layer=2, vector=str(tmp_path / "v.safetensors")),
    )
    spelled = resolve_pair(
        "mine",
        {
            "baseline": "x",
            "adapter": ["a", "b"],
            "target_adapter_layers": ["3", "5-6"],  # as Inspect splits it
            "target_steering": {"layer": 2, "vector": "v.safetensors"},
            "baseline_exit_layer": 4,
        },
    )
    assert spelled.baseline == from_file.baseline
    assert spelled.to_dict()["target"] == {
        "checkpoint": "x",
        "adapter": ["a", "b"],
        "adapter_layers": "3,5-6",
        "steering": {"layer": 2, "strength": 1.0, "vector": "v.safetensors"},
    }
