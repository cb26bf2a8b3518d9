"""The limit model counts what a step must multiply and read, and nothing else."""

import pytest
import torch

from harness.bench.machine import (
    Gemm,
    Machine,
    ModelSize,
    Shape,
    StepCost,
    measure_machine,
    step_cost,
)
from harness.bench.reference_loops import Asked
from tests.fakes import tiny_model

SIZE = ModelSize(linears={Shape(10, 20): 3, Shape(20, 5): 1}, cache_floats=8)


def gemm(dtype: str, n_rows: int, best_flops: float) -> Gemm:
    return Gemm(dtype, n_rows, 1e9, 2e9, best_flops)


MACHINE = Machine(
    bandwidth=50.0,
    gemms=[gemm("float32", 2, 100.0), gemm("float32", 12, 400.0), gemm("bfloat16", 12, 800.0)],
)


def test_parameters_are_those_of_all_linear_layers():
    assert SIZE.parameters == 3 * 200 + 100


def test_a_models_size_is_read_off_its_layers():
    model = tiny_model("llama")
    size = ModelSize.of(model)
    assert size.parameters == sum(
        module.weight.numel() for module in model.modules() if isinstance(module, torch.nn.Linear)
    )
    config = model.config
    keys = model.model.layers[0].self_attn.k_proj.out_features
    assert size.cache_floats == 2 * config.num_hidden_layers * keys


def test_a_step_multiplies_two_rows_per_pair():
    asked = Asked(prompts=[(1, 2, 3)] * 6, alphas=[1.0] * 6, n_tokens=10)
    assert step_cost(SIZE, asked, 4).flops == (2 * 6) * 2 * 700


def test_a_step_reads_the_weights_once_and_a_prompt_once_for_all_its_rows():
    asked = Asked(prompts=[(1, 2, 3)] * 6 + [(4,)], alphas=[1.0] * 7, n_tokens=10)
    cached_tokens = (3 + 1) + 7 * 5  # each prompt, and half of each reply
    assert step_cost(SIZE, asked, 4).bytes == 4 * (700 + 2 * cached_tokens * 8)


def test_the_limit_is_the_slower_of_multiplying_and_reading():
    assert MACHINE.limit_s(StepCost(flops=4000, bytes=100), "float32") == 4000 / 400
    assert MACHINE.limit_s(StepCost(flops=4000, bytes=1000), "float32") == 1000 / 50
    assert MACHINE.limit_s(StepCost(flops=4000, bytes=100), "bfloat16") == 4000 / 800


def test_figures_are_in_billions_and_count_pairs():
    figures = MACHINE.figures()
    assert figures["gemm_plain_fp32_6"] == 1
    assert figures["gemm_packed_bf16_6"] == 2
    assert figures["gemm_peak_fp32"] == 400 / 1e9
    assert figures["bandwidth_gb_s"] == 50 / 1e9


def test_a_real_measurement_finds_a_peak_that_no_average_exceeds():
    size = ModelSize(linears={Shape(64, 64): 2, Shape(64, 256): 1}, cache_floats=1)
    machine = measure_machine(size, ["float32"], [1, 8], torch.device("cpu"))
    assert [one.n_rows for one in machine.gemms] == [2, 16]
    for one in machine.gemms:
        assert 0 < one.plain_flops <= one.best_flops <= machine.peak("float32")
        assert 0 < one.packed_flops <= one.best_flops
    assert 1e8 < machine.bandwidth < 1e13


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_each_dtype_is_measured(dtype: str):
    size = ModelSize(linears={Shape(32, 32): 1}, cache_floats=1)
    machine = measure_machine(size, [dtype], [2], torch.device("cpu"))
    assert machine.peak(dtype) > 0
