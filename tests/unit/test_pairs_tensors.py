"""What two checkpoints have in common is kept once."""

import copy

import pytest
import torch

from harness.decoding.pair_model import Prompt
from harness.pairs.checkpoints import load_checkpoint
from harness.pairs.joint_linear import joint_products
from harness.pairs.loading import load_pair
from harness.pairs.packing import PackedLinear
from harness.pairs.side import Side
from harness.pairs.spec import PairSpec
from harness.pairs.tensors import share_equal_tensors
from tests.fakes import save_checkpoint, tiny_model
from tests.unit.test_pairs_models import full_logits


def fine_tuned():
    """A copy of the tiny model in which one layer's weights were trained."""
    model = tiny_model("llama")
    model.model.layers[1].mlp.up_proj.weight.data += 0.1
    return model


def test_all_but_the_trained_tensor_is_shared():
    base, tuned = tiny_model("llama"), fine_tuned()
    shared = share_equal_tensors(base, tuned)
    theirs = dict(base.named_parameters())
    assert {*theirs} - shared == {"model.layers.1.mlp.up_proj.weight"}
    for name, parameter in tuned.named_parameters():
        assert (parameter.data_ptr() == theirs[name].data_ptr()) == (name in shared)


def test_sharing_changes_no_logit():
    base, tuned = tiny_model("llama"), fine_tuned()
    before = [full_logits(model, (5, 17, 200)) for model in (base, tuned)]
    share_equal_tensors(base, tuned)
    after = [full_logits(model, (5, 17, 200)) for model in (base, tuned)]
    assert all(map(torch.equal, before, after))


def test_tensors_of_another_shape_or_dtype_stay():
    base = tiny_model("llama")
    other = tiny_model("llama", vocab_size=300)
    half = copy.deepcopy(base).bfloat16()
    assert "model.embed_tokens.weight" not in share_equal_tensors(base, other)
    assert share_equal_tensors(base, half) == frozenset()


def test_packed_products_are_shared_as_well(llama_folder, tmp_path):
    """Packing copies weights into another layout: two copies of equal ones would be back."""
    folder = save_checkpoint(fine_tuned(), tmp_path)
    readers = load_pair(
        PairSpec(
            name="tuned",
            target=Side(checkpoint=str(folder)),
            baseline=Side(checkpoint=str(llama_folder)),
            device="cpu",
        )
    ).model
    models = [readers._target._model, readers._baseline._model]
    if not isinstance(models[0].lm_head, PackedLinear):
        pytest.skip("this build of torch has no packed products")
    packed = [{id(m) for m in model.modules() if isinstance(m, PackedLinear)} for model in models]
    # Two blocks' output and down projections, and the head.
    assert [len(one) for one in packed] == [5, 5]
    assert packed[0] == packed[1]
    joint = [set(joint_products(model).items()) for model in models]
    assert [len(one) for one in joint] == [4, 4]
    # The up projection was trained, and the gate is one product with it.
    assert len(joint[0] & joint[1]) == 3


def test_a_checkpoint_copied_elsewhere_is_loaded_once(llama_folder, tmp_path, monkeypatch):
    """The weights' contents count, not where they lie."""
    copied = save_checkpoint(tiny_model("llama"), tmp_path)
    loads = []

    def counted(folder, *rest):
        loads.append(folder)
        return load_checkpoint(folder, *rest)

    monkeypatch.setattr("harness.pairs.readers.load_checkpoint", counted)
    spec = PairSpec(
        name="copy",
        target=Side(checkpoint=str(copied)),
        baseline=Side(checkpoint=str(llama_folder)),
        device="cpu",
    )
    logits = load_pair(spec).model.read_prompts([Prompt((5, 6), (5, 6))])[1]
    assert len(loads) == 1
    assert torch.equal(logits.target, logits.baseline)
