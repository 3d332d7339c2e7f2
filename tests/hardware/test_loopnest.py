"""The loop-nest model against a literal simulation of loops, conservation laws, and explicit mappings."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware import Mapping, evaluate_mapping, format_mapping, nahas_edge
from dna_jax.hardware.footprint import RELEVANT, footprint, growth_slope
from dna_jax.hardware.traffic import refills
from dna_jax.workload import DIMENSIONS, Layer, workload_from_layers


def _simulate(temporal, order, operand, child):
    """Walk the loops above `child` one iteration at a time and count changes of the operand's tile."""
    loops = [(level, d) for level in range(child + 1, len(temporal)) for d in order[level]]
    inner_first = [int(temporal[level][d]) for level, d in loops]
    previous, fills, seen = None, 0, set()
    for outer_first in itertools.product(*(range(n) for n in reversed(inner_first))):
        indices = outer_first[::-1]
        tile = tuple(i for i, (_, d) in zip(indices, loops, strict=True) if RELEVANT[operand, d])
        fills += tile != previous
        previous = tile
        seen.add(tile)
    return fills, len(seen)


@pytest.mark.parametrize("seed", range(12))
def test_refills_equal_a_walk_through_the_loops(seed):
    generator = np.random.default_rng(seed)
    temporal = generator.choice([1, 1, 2, 3], (3, len(DIMENSIONS))).astype(float)
    temporal[:, 4:6] = 1  # Keep the walk short.
    order = np.stack([generator.permutation(len(DIMENSIONS)) for _ in range(3)])
    loops = [[jnp.asarray(temporal[v][d]) for d in order[v]] for v in range(3)]
    for operand, child in itertools.product(range(3), (0, 1)):
        fills, distinct = refills(loops, order, operand, child)
        assert (float(fills), float(distinct)) == _simulate(temporal, order, operand, child)


@pytest.mark.parametrize("whole_rows", [False, True])
def test_footprint_counts_touched_elements(whole_rows):
    generator = np.random.default_rng(0)
    for _ in range(60):
        n, g, k, c, p, q, r, s = (int(x) for x in generator.integers(1, 6, 8))
        stride, dilation = (int(x) for x in generator.integers(1, 5, 2))
        layer = Layer("any", K=g * k, C=g * c, P=p, Q=q, R=r, S=s, stride=stride, dilation=dilation, groups=g, N=n)
        rows = {i * stride + j * dilation for i in range(p) for j in range(r)}
        columns = {i * stride + j * dilation for i in range(q) for j in range(s)}
        count = [max(x) + 1 if whole_rows else len(x) for x in (rows, columns)]
        tile = [jnp.asarray(float(x)) for x in (n, g, k, c, p, q, r, s)]
        weights, inputs, outputs = footprint(tile, _row(layer), whole_rows)
        assert float(weights) == g * k * c * r * s
        assert float(inputs) == n * g * c * count[0] * count[1]
        assert float(outputs) == n * g * k * p * q


def test_padding_is_not_fetched():
    # A kernel of 3 over 8 pixels reaches 10 rows, of which two are padding.
    tile = [jnp.asarray(float(x)) for x in (1, 1, 1, 4, 8, 8, 3, 3)]
    inputs = [
        float(footprint(tile, _row(Layer("same", K=1, C=4, P=8, Q=8, R=3, S=3, input_rows=rows, input_columns=8)))[1])
        for rows in (10, 8)
    ]
    assert inputs == [4 * 10 * 8, 4 * 8 * 8]


@pytest.mark.parametrize("dimension", range(len(DIMENSIONS)))
def test_growth_slope_is_the_difference_of_footprints(dimension):
    for tile, stride, dilation, times, whole_rows in itertools.product(
        ((2, 1, 3, 4, 5, 6, 3, 3), (1, 2, 3, 4, 5, 6, 1, 1), (1, 1, 1, 1, 2, 2, 2, 2)),
        (1, 2, 4),
        (1, 3),
        (2, 3),
        (False, True),
    ):
        tile = [jnp.asarray(float(x)) for x in tile]
        layer = _row(Layer("large", K=1, C=1, P=99, Q=99, R=99, S=99, stride=stride, dilation=dilation))
        before = footprint(tile, layer, whole_rows)
        slope = growth_slope(tile, layer, before, dimension, whole_rows)
        grown = list(tile)
        grown[dimension] = times * tile[dimension]
        name, extent = DIMENSIONS[dimension], float(tile[dimension])
        bends = (name in "RS" and extent < stride) or (name in "PQ" and extent < dilation)
        for gain, fewer, more in zip(slope, before, footprint(grown, layer, whole_rows), strict=True):
            predicted = float(fewer) + (times - 1) * float(gain)
            if bends and not whole_rows:
                assert predicted >= float(more)
            else:
                assert predicted == pytest.approx(float(more))


def _row(layer):
    """A workload without its layer axis."""
    workload = workload_from_layers([layer])
    return jax.tree.map(lambda leaf: leaf[0], workload)


def _hand_mapped():
    """A pointwise layer laid out by hand on the baseline: 64 channels on SIMD units, rows and columns on PEs."""
    layer = Layer("pointwise", K=128, C=64, P=8, Q=8)
    temporal, spatial = np.ones((4, 8)), np.ones((5, 8))
    d = DIMENSIONS.index
    spatial[0, d("C")], spatial[1, d("K")], spatial[2, d("K")] = 4, 64, 2
    spatial[3, d("Q")], spatial[4, d("P")] = 4, 4
    temporal[1, d("C")], temporal[1, d("P")] = 16, 2
    temporal[2, d("Q")] = 2
    order = np.tile([DIMENSIONS.index(x) for x in "SRCQPNKG"], (4, 1))
    return layer, Mapping(jnp.asarray(temporal), jnp.asarray(spatial), jnp.asarray(order))


def test_a_mapping_by_hand():
    layer, mapping = _hand_mapped()
    template = nahas_edge()
    architecture = template.architecture(template.space.encode(template.baseline), jnp.float32)
    cost = evaluate_mapping(_row(layer), architecture, mapping)
    # 128 * 64 * 64 MACs over 4 * 64 * 2 * 16 units.
    assert float(cost.compute_cycles) == layer.macs / (4 * 64 * 2 * 16) == 64
    # Activations are resident, so weights alone cross the link, once: 8 KiB at 25 bytes per cycle.
    dram = float(cost.level_bytes[3])
    assert dram == layer.K * layer.C
    assert float(cost.level_cycles[3]) == pytest.approx(layer.K * layer.C / 25)
    assert float(cost.cycles) == pytest.approx(max(float(cost.compute_cycles), *map(float, cost.level_cycles)))
    # So the link is what bounds it (0 is compute, 1 + v level v), and half of the lanes wait besides.
    assert int(cost.bound) == 1 + 3
    assert float(cost.utilisation) == pytest.approx(0.5 * 64 / (layer.K * layer.C / 25))
    # Were the ends exposed, 8 KiB of weights would come over the link (two lanes hold different ones) and over the local
    # port of 256 bytes before the first cycle; after the last, 128 outputs of each of two lanes leave the lane and the PE.
    waiting = evaluate_mapping(_row(layer), architecture.replace(exposed_ends=True), mapping)
    ends = layer.K * layer.C / 25 + 2 * 64 * 64 / 256 + 2 * 64 / 256 + 64 / 256
    assert float(waiting.exposed_cycles) == pytest.approx(ends, rel=0.01)
    assert float(waiting.cycles) == pytest.approx(64 + ends, rel=0.01)
    # 512 lanes and PEs work for 64 cycles; in each cycle a lane reads 64 x 4 weights and, for its one pixel, 4 inputs.
    lanes = 16 * 2
    register_reads = lanes * 64 * (64 * 4 + 4)
    # Its tile (64 x 64 weights, 64 x 2 inputs) is filled twice for the two columns, weights once: the loop over columns
    # does not change them. Two outputs per unit leave as bytes, once per column.
    register_fills = lanes * (64 * 64 + 2 * 64 * 2)
    sums_down = lanes * 64 * 2 * 2 * 1
    sums_from_accumulators = lanes * 64 * 2 * 2 * 1
    assert float(cost.level_bytes[1]) == register_reads + register_fills + sums_down + sums_from_accumulators
    assert float(cost.mac_energy_pj) == pytest.approx(layer.macs * float(architecture.mac_pj), rel=1e-6)
    # Of weights of 4 and inputs of 6 bits the multipliers take the share of their partial products, the adders all.
    narrow = evaluate_mapping(_row(dataclasses.replace(layer, weight_bits=4, input_bits=6)), architecture, mapping)
    saved = layer.macs * float(architecture.multiplier_pj) * (1 - 4 * 6 / 64)
    assert 0 < saved < float(cost.mac_energy_pj)
    assert float(cost.mac_energy_pj - narrow.mac_energy_pj) == pytest.approx(saved, rel=1e-5)
    assert float(cost.energy_pj) == pytest.approx(
        float(cost.mac_energy_pj) + sum(map(float, cost.level_energy_pj)), rel=1e-6
    )
    assert not any(float(x) for x in cost.overflow_bytes)
    assert format_mapping(mapping, architecture) == (
        "dram[WIO] Q4X P4Y - local_memory[WIO] Q2 K2X - register_file[WIO] P2 C16 K64X - accumulator[O] C4X"
    )


def test_partial_sums_by_hand():
    """Input channels over four PEs and twice in time, outside of two rows: sums go up, come back and are added up."""
    layer = Layer("pointwise", K=4, C=8, P=2, Q=1)
    temporal, spatial = np.ones((4, 8)), np.ones((5, 8))
    d = DIMENSIONS.index
    spatial[3, d("C")] = 4
    temporal[1, d("K")], temporal[3, d("P")], temporal[3, d("C")] = 4, 2, 2
    order = np.tile([DIMENSIONS.index(x) for x in "SRPQNKGC"], (4, 1))
    template = nahas_edge()
    architecture = template.architecture(template.space.encode(template.baseline), jnp.float32)
    # Activations cross the link.
    architecture = architecture.replace(resident_level=None)
    cost = evaluate_mapping(_row(layer), architecture, Mapping(jnp.asarray(temporal), jnp.asarray(spatial), order))
    # Weights once and inputs once, a byte each. Of four outputs per row the first visit goes up as a partial sum of four
    # bytes and comes back, the second goes up as a byte.
    outputs_up, outputs_back = 4 * (2 * 4 + 2 * 1), 4 * 2 * 4
    assert float(cost.level_bytes[3]) == 4 * 8 + 8 * 2 + outputs_up + outputs_back
    # A PE takes in its two times 4 weights and four inputs, and hands them on. It sends up partial sums in both visits,
    # because others hold the other parts, and so does the lane below it.
    weights, inputs, sums_up, sums_back = 2 * (2 * 4), 2 * 4, 2 * 4 * (2 * 4 + 2 * 4), 2 * 4 * 2 * 4
    assert float(cost.level_bytes[2]) == 4 * (weights + inputs + sums_up + sums_back)


def test_overflow_is_named_with_its_amount():
    layer, mapping = _hand_mapped()
    template = nahas_edge()
    architecture = template.architecture(template.space.encode(template.baseline), jnp.float32)
    small = architecture.replace(
        capacity_bytes=(architecture.capacity_bytes[0], jnp.asarray(1024.0), *architecture.capacity_bytes[2:])
    )
    cost = evaluate_mapping(_row(layer), small, mapping)
    # A lane holds 64 x 64 weights, 64 x 2 inputs, and 64 x 2 partial sums of 4 bytes; double buffering halves the room.
    assert float(cost.overflow_bytes[1]) == 64 * 64 + 64 * 2 + 64 * 2 * 4 - 512
    assert float(cost.overflow_bytes[2]) == 0
