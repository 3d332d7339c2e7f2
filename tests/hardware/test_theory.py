"""What any cost model must obey, whatever the accelerator: conservation, rooflines, monotonicity, scaling, gradients."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware.footprint import footprint
from dna_jax.hardware.loopnest import nest_cost
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.templates import ACCELERATORS
from dna_jax.workload import OPERANDS, Layer, workload_from_layers

NAMES = ("nahas_edge", "gemmini", "systolic_ws", "systolic_os")
"""Accelerators with the whole chain of memories for every operand, and ends that are hidden."""


def _layer(generator):
    c, k = (int(2 ** generator.integers(2, 9)) for _ in range(2))
    side, kernel = int(generator.choice([7, 14, 28, 56])), int(generator.choice([1, 3, 5]))
    step = {"stride": int(generator.choice([1, 2])), "dilation": int(generator.choice([1, 1, 2]))}
    kinds = {
        "dense": {"K": k, "C": c, "P": side, "Q": side, "R": kernel, "S": kernel, **step},
        "pointwise": {"K": k, "C": c, "P": side, "Q": side},
        "depthwise": {"K": c, "C": c, "P": side, "Q": side, "R": kernel, "S": kernel, "groups": c, **step},
        "grouped": {"K": 4 * k, "C": 4 * c, "P": side, "Q": side, "R": kernel, "S": kernel, "groups": 4, **step},
        "product": {"K": k, "C": c, "P": 1, "Q": 1},
        "batch": {"K": k, "C": c, "P": side, "Q": side, "N": 4},
    }
    kind = str(generator.choice(list(kinds)))
    return Layer(kind, **kinds[kind])


def _layers(count=32, seed=0):
    """Random layers of all kinds, sized as networks have them; as many as share a compiled program with fewer."""
    generator = np.random.default_rng(seed)
    return [_layer(generator) for _ in range(count)]


LAYERS = _layers()


def _with(accelerator, **fields):
    return dataclasses.replace(accelerator, architecture=accelerator.architecture.replace(**fields))


def _scaled(values, level, factor):
    return tuple(value * factor if v == level else value for v, value in enumerate(values))


@pytest.fixture(scope="module", params=NAMES)
def accelerator(request):
    return ACCELERATORS[request.param]()


def test_every_mapping_covers_its_layer_within_the_array(accelerator):
    mapped = map_layers(accelerator, LAYERS)
    covered = np.prod(mapped.mapping.temporal, axis=1) * np.prod(mapped.mapping.spatial, axis=1)
    whole = workload_from_layers(LAYERS)
    if accelerator.candidates.as_matrix_product:
        assert np.all(np.prod(covered, axis=1) >= np.prod(np.asarray(whole.bounds), axis=1) * (1 - 1e-6))
    else:
        assert np.all(covered >= np.asarray(whole.bounds))
    sizes = np.array([float(size) for size in accelerator.architecture.fanout_size])
    assert np.all(np.prod(mapped.mapping.spatial, axis=2) <= sizes * (1 + 1e-6))


def test_cycles_never_beat_the_rooflines(accelerator):
    architecture = accelerator.architecture
    cost = map_layers(accelerator, LAYERS).cost
    macs = np.array([layer.macs for layer in LAYERS], float)
    assert np.all(cost.cycles >= macs / float(architecture.macs) * (1 - 1e-6))
    for level, moved in enumerate(cost.level_bytes):
        if architecture.ports[level] != "shared":
            continue
        ports = float(architecture.read_bandwidth[level]) * float(architecture.instances[level])
        assert np.all(cost.cycles >= np.broadcast_to(moved, len(LAYERS)) / ports * (1 - 1e-6))
    assert np.all(cost.utilisation <= 1 + 1e-6)


def test_the_backing_store_moves_at_least_what_is_there(accelerator):
    if accelerator.architecture.resident_level is not None:
        accelerator = _with(accelerator, resident_level=None)
    moved = map_layers(accelerator, LAYERS).cost.level_bytes[-1]
    for row, layer in enumerate(LAYERS):
        workload = jax.tree.map(lambda leaf: leaf[0], workload_from_layers([layer]))
        least = sum(float(x) for x in footprint(list(workload.bounds), workload))
        assert moved[row] >= least * (1 - 1e-6)


def test_energy_is_the_sum_of_its_parts(accelerator):
    cost = map_layers(accelerator, LAYERS).cost
    parts = cost.mac_energy_pj + sum(np.broadcast_to(level, len(LAYERS)) for level in cost.level_energy_pj)
    np.testing.assert_allclose(cost.energy_pj, parts, rtol=1e-5)


def test_less_bandwidth_never_speeds_a_layer_up(accelerator):
    architecture = accelerator.architecture
    before = map_layers(accelerator, LAYERS).cost.cycles
    for level in range(len(architecture.level_names)):
        halved = {name: _scaled(getattr(architecture, name), level, 0.5) for name in ("read_bandwidth", "write_bandwidth")}
        assert np.all(map_layers(_with(accelerator, **halved), LAYERS).cost.cycles >= before * (1 - 1e-6))


def test_more_memory_never_slows_a_layer_down(accelerator):
    architecture = accelerator.architecture
    for level in range(len(architecture.level_names) - 1):
        fewest = np.full(len(LAYERS), np.inf)
        for factor in (0.5, 0.75, 1.0, 1.5, 2.0, 4.0):
            larger = _with(accelerator, capacity_bytes=_scaled(architecture.capacity_bytes, level, factor))
            cost = map_layers(larger, LAYERS).cost
            fits = sum(np.broadcast_to(x, len(LAYERS)) for x in cost.overflow_bytes) <= 0
            # Candidates are compared to one part in 16,000.
            assert np.all(cost.cycles[fits] <= fewest[fits] * (1 + 1e-4))
            fewest = np.where(fits, np.minimum(fewest, cost.cycles), fewest)


def test_compute_bound_layers_scale_with_their_work():
    # Where memories are free, cycles follow MACs: slopes of the logarithms by regression, dimension by dimension.
    accelerator = ACCELERATORS["systolic_os"]()
    unlimited = tuple(jnp.full_like(x, jnp.inf) for x in accelerator.architecture.read_bandwidth)
    free = _with(accelerator, read_bandwidth=unlimited, write_bandwidth=unlimited, fold_cycles=jnp.asarray(0.0))
    base = {"K": 64, "C": 64, "P": 32, "Q": 32}
    for grown in base:
        sizes = [base | {grown: base[grown] * 2**power} for power in range(5)]
        cycles = map_layers(free, [Layer("layer", **size) for size in sizes]).cost.cycles
        slope = np.polyfit(np.log([size[grown] for size in sizes]), np.log(cycles), 1)[0]
        assert slope == pytest.approx(1, abs=1e-6)


def test_bandwidth_bound_layers_scale_with_the_inverse_of_bandwidth():
    accelerator = ACCELERATORS["nahas_edge"]()
    layer = [Layer("classifier", K=1000, C=1280, P=1, Q=1)]
    factors = 2.0 ** -np.arange(5)
    cycles = []
    for factor in factors:
        bandwidth = _scaled(accelerator.architecture.read_bandwidth, 3, factor)
        cycles.append(map_layers(_with(accelerator, read_bandwidth=bandwidth), layer).cost.cycles[0])
    assert np.polyfit(np.log(factors), np.log(cycles), 1)[0] == pytest.approx(-1, abs=1e-3)


@pytest.mark.parametrize(
    "name", ["nahas_edge", *(pytest.param(name, marks=pytest.mark.slow) for name in ("tpu_like", "gemmini"))]
)
def test_gradients_by_an_architectures_numbers_match_finite_differences(name):
    with jax.enable_x64(True):
        accelerator = ACCELERATORS[name](dtype=jnp.float64)
        architecture = accelerator.architecture
        layer = Layer("pointwise", K=320, C=96, P=7, Q=7, partial_bits=accelerator.partial_bits)
        mapping = jax.tree.map(lambda leaf: leaf[0], map_layers(accelerator, [layer]).mapping)
        workload = jax.tree.map(lambda leaf: leaf[0], workload_from_layers([layer], dtype=jnp.float64))
        order = np.asarray(mapping.order)

        def energy(read, mac):
            changed = architecture.replace(
                read_pj_per_byte=tuple(x * read for x in architecture.read_pj_per_byte), mac_pj=architecture.mac_pj * mac
            )
            temporal, spatial = list(mapping.temporal), list(mapping.spatial)
            rows = [[jnp.asarray(x) for x in row] for row in temporal], [[jnp.asarray(x) for x in row] for row in spatial]
            return nest_cost(workload, changed, *rows, order).energy_pj

        gradient = jax.grad(energy, argnums=(0, 1))(1.0, 1.0)
        step = 1e-4
        for index, slope in enumerate(gradient):
            ends = [energy(*(1 + sign * step * (i == index) for i in range(2))) for sign in (1, -1)]
            assert float(slope) == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-6)
            assert float(slope) > 0


@pytest.mark.slow
def test_depthwise_layers_are_not_dense():
    depthwise = Layer("depthwise", K=128, C=128, P=28, Q=28, R=3, S=3, groups=128, partial_bits=8)
    for name in (*NAMES, "tpu_like", "eyeriss_like", "nvdla_like", "shidiannao_like"):
        build = ACCELERATORS[name]
        mapped = map_layers(build(), [depthwise])
        # Each group has its own channels: what is laid out or looped over is groups, never a second set of channels; as a
        # matrix product a group sums the nine taps of its kernel.
        taps = 9 if build().candidates.as_matrix_product else 1
        assert mapped.mapping.spatial[0, :, 2].max() == 1, name
        assert mapped.mapping.spatial[0, :, 3].max() <= taps, name
        assert mapped.cost.level_bytes[-1][0] < 3 * 28 * 28 * 128 * 9, name
        assert set(OPERANDS) <= set("".join(build().architecture.holds)), name


@pytest.mark.parametrize("bits", [4, 16, 32])
def test_widths_count_in_proportion(accelerator, bits):
    # Operands of another width in memories and on ports of that width: nothing changes but the energy of moving them, and of
    # multiplying them where that depends on the width.
    scale = bits / 8
    architecture = accelerator.architecture
    names = ("capacity_bytes", "read_bandwidth", "write_bandwidth")
    wider = _with(accelerator, **{name: tuple(x * scale for x in getattr(architecture, name)) for name in names})
    widths = {f"{name}_bits": bits for name in ("weight", "input", "output")}
    layers = [dataclasses.replace(layer, **widths, partial_bits=4 * bits) for layer in LAYERS]
    before, after = map_layers(accelerator, LAYERS).cost, map_layers(wider, layers).cost
    np.testing.assert_allclose(after.cycles, before.cycles, rtol=1e-4)
    for level in range(len(architecture.level_names)):
        np.testing.assert_allclose(after.level_bytes[level], before.level_bytes[level] * scale, rtol=1e-3)
    unit, multiplying = float(architecture.mac_pj), float(architecture.multiplier_pj)
    of_one = unit + (scale**2 - 1) * multiplying
    np.testing.assert_allclose(after.mac_energy_pj, before.mac_energy_pj * of_one / unit, rtol=1e-5)


def test_a_batch_of_products_is_as_many_products(accelerator):
    one = Layer("product", K=64, C=64, P=64, Q=1)
    batch = Layer("products", K=8 * 64, C=8 * 64, P=64, Q=1, groups=8)
    assert batch.macs == 8 * one.macs
    cost = map_layers(accelerator, [one, batch]).cost
    # Side by side they use more of the array; one after another they take eight times as long.
    assert cost.cycles[0] <= cost.cycles[1] <= 8 * cost.cycles[0] * (1 + 1e-6)
    moved = np.broadcast_to(cost.level_bytes[-1], 2)
    assert moved[1] == pytest.approx(8 * moved[0], rel=1e-3)
