"""The correction of Gemmini's cycles inside a search: what it may change, what it may not, that it can be differentiated."""

import csv
import dataclasses
import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware import gemmini_template, relaxed_cost
from dna_jax.hardware.correction import (
    corrected_cycles,
    load_correction,
    rtl_correction,
    save_correction,
    tile_counts,
)
from dna_jax.hardware.correction.rtl import WEIGHTS
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.hardware.templates import ACCELERATORS
from dna_jax.hardware.validation.gemmini_rtl import simulated_layers
from dna_jax.search import discrete_cost
from dna_jax.workload import Layer, elementwise, global_pooling, workload_from_layers

TABLE = THIRD_PARTY / "dosa" / "dosa_gemmini_rtl.csv"
CORRECTED = dataclasses.replace(gemmini_template(), correction=rtl_correction())

LAYERS = [
    Layer("dense", K=64, C=64, P=28, Q=28, R=3, S=3),
    Layer("batch", K=64, C=64, P=28, Q=28, R=3, S=3, N=4),
    Layer("pointwise", K=256, C=64, P=56, Q=56),
    Layer("depthwise", K=128, C=128, P=28, Q=28, R=3, S=3, groups=128),
    Layer("classifier", K=1000, C=512, P=1, Q=1),
    Layer("rows", K=1000, C=512, P=1, Q=1, N=64),
    elementwise("add", 64, 28, 28, inputs=2),
    global_pooling("pool", 512, 7, 7),
]
"""As many kinds as a network has."""


@pytest.fixture(scope="module")
def rows():
    with TABLE.open() as file:
        every = list(csv.DictReader(file))
    # Square layers: the others are simulated otherwise than they are.
    square = [row for row in every if row["prob.P"] == row["prob.Q"] and row["prob.Q"] != "1"]
    with jax.enable_x64(True):
        return simulated_layers(square[::10])


def test_the_weights_are_those_of_the_table_and_fit_it(rows):
    with np.load(WEIGHTS) as file:
        assert str(file["table_sha256"]) == hashlib.sha256(TABLE.read_bytes()).hexdigest()
    predicted = np.asarray(corrected_cycles(load_correction(), rows.counts))
    assert np.median(np.abs(predicted / rows.cycles - 1)) < 0.1


def test_weights_come_back_from_their_file(rows, tmp_path):
    correction = load_correction()
    save_correction(correction, tmp_path / "weights.npz", table="a table")
    again = load_correction(tmp_path / "weights.npz")
    assert jax.tree.structure(again) == jax.tree.structure(correction)
    np.testing.assert_array_equal(corrected_cycles(again, rows.counts), corrected_cycles(correction, rows.counts))


def test_a_mesh_that_is_given_counts_as_one_that_is_inferred(rows):
    with jax.enable_x64(True):
        counts = jax.jit(jax.vmap(tile_counts))(rows.workload, rows.mapping, jnp.asarray(rows.counts.mesh, jnp.float64))
    for name, value in counts._asdict().items():
        np.testing.assert_allclose(value, getattr(rows.counts, name), rtol=1e-6, err_msg=name)


@pytest.fixture(scope="module")
def costs():
    plain = ACCELERATORS["gemmini"]()
    corrected = dataclasses.replace(plain, correction=rtl_correction())
    return {name: map_layers(x, LAYERS).cost for name, x in (("analytical", plain), ("corrected", corrected))}


def test_what_was_simulated_changes_and_the_rest_does_not(costs):
    analytical, corrected = costs["analytical"], costs["corrected"]
    for row, layer in enumerate(LAYERS):
        if not layer.weight_bits:
            assert corrected.cycles[row] == analytical.cycles[row]
        else:
            assert corrected.cycles[row] != analytical.cycles[row]
            assert corrected.cycles[row] >= analytical.compute_cycles[row] * (1 - 1e-6)
            # Overheads, not another accelerator.
            assert corrected.cycles[row] < 4 * analytical.cycles[row], layer.name
    np.testing.assert_array_equal(corrected.energy_pj, analytical.energy_pj)
    slots = corrected.cycles * 256 * corrected.utilisation
    np.testing.assert_allclose(slots, [layer.macs for layer in LAYERS], rtol=1e-5)


def test_a_batch_takes_as_long_as_its_images(costs):
    cycles = dict(zip([layer.name for layer in LAYERS], costs["corrected"].cycles, strict=True))
    assert cycles["batch"] / cycles["dense"] == pytest.approx(4, rel=0.2)
    # The weights of a matrix product come once for all rows of a batch.
    assert cycles["classifier"] < cycles["rows"] < 16 * cycles["classifier"]


@pytest.mark.slow
def test_a_search_sees_the_corrected_cost_and_its_slope():
    template, space = CORRECTED, CORRECTED.space
    workload = workload_from_layers(LAYERS)
    cost = jax.jit(lambda point: relaxed_cost(template, space, workload, point))
    slope = jax.jit(jax.grad(lambda point: relaxed_cost(template, space, workload, point).latency_ms))
    for key in range(3):
        point = space.sample(jax.random.key(key))
        alone = discrete_cost(template, LAYERS, space.decode(point))
        assert float(cost(point).latency_ms) == pytest.approx(float(alone.latency_s) * 1e3, rel=1e-3)
        plain = discrete_cost(gemmini_template(), LAYERS, space.decode(point))
        assert float(alone.latency_s) != float(plain.latency_s)
        gradient = slope(point)
        for decision in space.decisions:
            chosen = decision.options.index(space.decode(point)[decision.name])
            other = (chosen + 1) % len(decision.options)
            moved = space.decode(point) | {decision.name: decision.options[other]}
            difference = float(discrete_cost(template, LAYERS, moved).latency_s - alone.latency_s) * 1e3
            row = gradient[decision.name]
            assert float(row[other] - row[chosen]) == pytest.approx(difference, rel=1e-2, abs=1e-3 * float(alone.latency_s))


def test_soft_points_have_finite_costs_and_slopes():
    template, space = CORRECTED, CORRECTED.space
    workload = workload_from_layers(LAYERS)
    value_and_slope = jax.jit(jax.value_and_grad(lambda point: relaxed_cost(template, space, workload, point).latency_ms))
    for key in range(5):
        value, slope = value_and_slope(space.sample_soft(jax.random.key(key)))
        assert np.isfinite(value)
        assert value > 0
        assert all(np.all(np.isfinite(row)) for row in jax.tree.leaves(slope))
