"""FPGA pipelines: layers on chunks by hand and by theory, allocation, whole pipelines."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware.fpga import (
    ChunkDesign,
    FpgaLayers,
    allocate,
    chunk_layers,
    chunk_of,
    cost_on_chunk,
    design_of_vectors,
    evaluate_pipeline,
    mixed_chunk_cost,
)
from dna_jax.spaces import (
    DEPTHWISE_MODES,
    STANDARD_MODES,
    Chunk,
    as_released,
    boundary_name,
    fpga_pipeline_space,
    knob_name,
)
from dna_jax.workload import Layer, elementwise


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def _layer(*numbers):
    """Input channels, output channels, rows, kernel, stride, bits."""
    return FpgaLayers(*(jnp.asarray(float(n)) for n in numbers))


def _design(tiles, unrolled):
    """Rows, columns, outputs, inputs of each."""
    return ChunkDesign(*(jnp.asarray(float(n)) for n in (*tiles, *unrolled)))


def _values(cost):
    return {name: float(value) for name, value in vars(cost).items()}


def test_the_released_model_on_worked_examples():
    standard = cost_on_chunk(
        _layer(24, 144, 16, 1, 1, 8), _design((16, 16, 8, 8), (16, 16, 4, 2)), False, "channels", "released"
    )
    assert _values(standard) == {
        "compute": 2048,
        "read_inputs": 512,
        "read_weights": 8,
        "write": 512,
        "cycles": 120_240,
        "dsp": 4,
        "bram": 8,
    }
    depthwise = cost_on_chunk(_layer(1, 144, 16, 5, 1, 6), _design((8, 16, 8, 1), (8, 16, 8, 1)), True, "rows", "released")
    assert _values(depthwise) == {
        "compute": 3200,
        "read_inputs": 180,
        "read_weights": 15,
        "write": 144,
        "cycles": 120_924,
        "dsp": 3,
        "bram": 37,
    }


def test_the_corrected_model_by_hand():
    # 10 rows in tiles of 4: 3 x 3 tiles; 12 outputs in tiles of 8: 2; 6 inputs in tiles of 4: 2 passes.
    # A tile reads (4-1)*2+3 = 9 rows and columns: 4*81/2 = 162 words; computes 16 pixels, 9 taps, ceil(8/3) = 3 groups of
    # outputs and ceil(4/2) = 2 of inputs: 864 cycles; 8*4*9/3 = 96 weights; writes ceil(128/3) = 43 and clears 16*3 = 48.
    cost = cost_on_chunk(_layer(6, 12, 10, 3, 2, 16), _design((4, 4, 8, 4), (4, 4, 3, 2)), False, "channels", "corrected")
    values = _values(cost)
    assert values["compute"] == 16 * 9 * 3 * 2
    assert values["read_inputs"] == 162
    assert values["read_weights"] == 96
    assert values["write"] == 43 + 48
    assert values["cycles"] == 3 * 3 * 2 * ((864 + 96) * 2 + 91)
    assert values["dsp"] == 6
    # Inputs: 2 x 2 banks of 81*2 words; outputs: 3 banks of 16*8/3; weights: 6 banks of 9*2*8/3: a block each.
    assert values["bram"] == 4 + 3 + 6


def test_corrected_row_buffers_hold_every_channel():
    layer, design = _layer(1, 64, 32, 5, 1, 16), _design((16, 16, 8, 1), (16, 1, 1, 1))
    released = _values(cost_on_chunk(layer, design, True, "rows", "released"))
    corrected = _values(cost_on_chunk(layer, design, True, "rows", "corrected"))
    # 20 rows of 20 columns and 8 channels, twice; 16 rows of outputs; 5 rows of weights: a block each.
    assert corrected["bram"] == 2 * 20 + 16 + 5
    # The release counts 16 + 4 rows here too, for all rows are unrolled, but reads them through two words a cycle.
    assert released["read_inputs"] == 8 * 20 * 16 / 2
    assert corrected["read_inputs"] == 8 * 20 * 20 / 4


def test_both_models_agree_where_nothing_needs_mending():
    """Pointwise layers at stride 1, tiles that divide the layer, unrolled parts that divide the tile."""
    generator = np.random.default_rng(0)
    powers = 2.0 ** generator.integers(0, 4, (9, 200))
    tiles, unrolled = powers[:4], np.minimum(powers[:4], powers[4:8])
    rows = np.maximum(tiles[0], tiles[1]) * 2
    layers = FpgaLayers(*map(jnp.asarray, (tiles[3] * 3, tiles[2] * 5, rows, np.ones(200), np.ones(200), np.full(200, 8.0))))
    design = ChunkDesign(*map(jnp.asarray, (*tiles, *unrolled)))
    for parallel in STANDARD_MODES:
        released = cost_on_chunk(layers, design, False, parallel, "released")
        corrected = cost_on_chunk(layers, design, False, parallel, "corrected")
        np.testing.assert_allclose(corrected.cycles, released.cycles, rtol=1e-12)
        np.testing.assert_array_equal(corrected.dsp, np.ceil(released.dsp))


@pytest.mark.parametrize("depthwise", [False, True])
def test_no_layer_takes_less_than_its_multiplications(depthwise):
    generator = np.random.default_rng(1)
    sizes = generator.integers(1, 40, (6, 500)).astype(float)
    sizes[3:5] = generator.integers(1, 6, (2, 500))
    tiles = generator.integers(1, 33, (4, 500)).astype(float)
    unrolled = np.ceil(tiles * generator.uniform(0, 1, (4, 500)))
    if depthwise:
        sizes[0] = tiles[3] = unrolled[3] = 1
    layers, design = FpgaLayers(*map(jnp.asarray, sizes)), ChunkDesign(*map(jnp.asarray, (*tiles, *unrolled)))
    macs = sizes[0] * sizes[1] * sizes[2] ** 2 * sizes[3] ** 2
    for parallel in DEPTHWISE_MODES if depthwise else STANDARD_MODES:
        cost = cost_on_chunk(layers, design, depthwise, parallel, "corrected")
        multipliers = np.asarray(cost.dsp) * 16 / sizes[5]
        assert np.all(np.asarray(cost.cycles) * multipliers >= macs)


def test_a_mixture_at_a_corner_is_that_mode():
    work = chunk_layers([Layer("a", 16, 8, 8, 8, weight_bits=8), Layer("b", 24, 16, 8, 8, weight_bits=8)], jnp.float64)
    design = _design((4, 4, 8, 8), (2, 4, 4, 2))
    one_hot = jnp.eye(len(STANDARD_MODES))
    cycles = [float(mixed_chunk_cost(work, design, row, False, "corrected").cycles) for row in one_hot]
    expected = [
        float(jnp.sum(work.count * cost_on_chunk(work.layers, design, False, mode, "corrected").cycles))
        for mode in STANDARD_MODES
    ]
    assert cycles == pytest.approx(expected, rel=1e-12)
    half = float(mixed_chunk_cost(work, design, (one_hot[0] + one_hot[1]) / 2, False, "corrected").cycles)
    assert half == pytest.approx((cycles[0] + cycles[1]) / 2)


def _network():
    depthwise = {"groups": 32, "R": 3, "S": 3}
    return [
        Layer("stem", 16, 3, 32, 32, 3, 3, weight_bits=8, input_bits=8),
        Layer("grouped", 32, 16, 16, 16, groups=2, weight_bits=4, input_bits=4),
        Layer("depthwise", 32, 32, 8, 8, weight_bits=4, input_bits=4, **depthwise),
        elementwise("add", 32, 8, 8, inputs=2),
        Layer("project", 64, 32, 8, 8, weight_bits=4, input_bits=4),
    ]


def test_allocation_by_kind_map_and_width():
    released = as_released("cifar")
    allocated = allocate(_network(), released)
    names = {chunk.name: [layer.name for layer in own] for chunk, own in allocated.items()}
    assert names == {"a0q8": ["stem"], "a0q4": ["grouped"], "dwa1q4": ["depthwise"], "a1q4": ["project"]}
    moved = allocate(_network(), released | {boundary_name(False): 8, boundary_name(True): 8})
    names = {chunk.name: [layer.name for layer in own] for chunk, own in moved.items()}
    assert names == {"a0q8": ["stem"], "a0q4": ["grouped", "project"], "dwa0q4": ["depthwise"]}
    # Two groups are two convolutions, and equal ones count together.
    assert float(jnp.sum(chunk_layers(allocated[Chunk(False, True, 4)], jnp.float64).count)) == 2


def test_layers_that_no_chunk_runs_are_named():
    with pytest.raises(ValueError, match=r"'tall'.*square"):
        chunk_of(Layer("tall", 8, 8, 4, 8), as_released("cifar"))
    with pytest.raises(ValueError, match=r"'mixed'.*one width"):
        chunk_of(Layer("mixed", 8, 8, 4, 4, weight_bits=4, input_bits=8), as_released("cifar"))


def test_the_slowest_chunk_sets_the_pace_and_resources_add_up():
    space = fpga_pipeline_space("cifar").fix(as_released("cifar"))
    design = space.decode(space.sample(jax.random.key(3)))
    chunks, whole = evaluate_pipeline(_network(), design)
    assert len(chunks) == 4
    assert whole.cycles == max(cost.cycles for cost in chunks.values())
    assert whole.latency_cycles == pytest.approx(sum(cost.cycles for cost in chunks.values()))
    assert whole.dsp == sum(cost.dsp for cost in chunks.values())
    assert whole.bram == sum(cost.bram for cost in chunks.values())
    assert float(whole.fps) == pytest.approx(200e6 / float(whole.cycles))
    # A chunk that runs nothing is not built: its knobs do not matter.
    other = {knob: space[knob].options[0] for knob in design if ".a1q8." in knob or ".dwa0" in knob}
    assert evaluate_pipeline(_network(), design | other)[1].cycles == whole.cycles
    assert evaluate_pipeline([elementwise("add", 8, 4, 4)], design)[1].cycles == 0


def test_design_vectors_become_decisions():
    design = design_of_vectors({"dwa1q4": [1, 4, 2, 8, 1, 2, 1, 4, 1, 4], "a0q8": [2, 16, 8, 4, 2, 8, 4, 2, 1, 8]})
    chunk = Chunk(False, True, 8)
    assert design[knob_name(chunk, "parallel")] == "rows"
    assert [design[knob_name(chunk, knob)] for knob in ("rows", "columns", "outputs", "inputs")] == [
        "16/8",
        "8/4",
        "4/2",
        "2/1",
    ]
    assert not any(name.endswith("dwa1q4.inputs") for name in design)
    for wrong in ([2, 4, 2, 8, 1, 2, 1, 4, 1, 4], [1, 4, 2, 8, 1, 2, 1, 4, 1, 8], [1, 4, 2]):
        with pytest.raises(ValueError, match="no design of the chunk 'dwa1q4'"):
            design_of_vectors({"dwa1q4": wrong})
    with pytest.raises(ValueError, match="names no chunk"):
        design_of_vectors({"b0q4": [1] * 10})


def test_the_space_is_that_of_the_release():
    # Designs per mode and chunk of the release: 22,500, 15,876, 2,250 and 756.
    per_width = 3 * 22_500 * 3 * 15_876 * 2 * 2_250 * 2 * 756
    space = fpga_pipeline_space("cifar")
    assert space.fix(as_released("cifar")).cardinality == per_width**3
    assert space.fix(as_released("cifar", mode=True)).cardinality == (22_500 * 15_876 * 2_250 * 756) ** 3
    assert space.cardinality == 9 * per_width**3
    edd = fpga_pipeline_space("edd", (8,)).fix(as_released("edd", (8,), mode=True))
    assert edd.cardinality == 50_625 * 15_876 * 3_375 * 756
    for decision in space.decisions:
        if decision.name.split(".")[-1] in ("rows", "columns", "outputs", "inputs"):
            pairs = [tuple(map(int, str(option).split("/"))) for option in decision.options]
            sizes = sorted({tile for tile, _ in pairs})
            assert pairs == [(tile, part) for tile, part in itertools.product(sizes, sizes) if part <= tile]
