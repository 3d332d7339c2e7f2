"""Soft networks on soft FPGA pipelines: one-hot identity with the discrete model, gradients against exact differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware.fpga import PipelinePricing, chunk_of, evaluate_pipeline, is_priced, priced_chunks
from dna_jax.networks import chosen_layers, dna_network, expected_layers
from dna_jax.spaces import Point, boundary_name, chunks_of, dna_network_space, fpga_pipeline_space, knob_name

SPECIFICATION = dna_network("cifar", width=0.25)
SPACE = dna_network_space() | fpga_pipeline_space("cifar")
PRICING = PipelinePricing(fpga_pipeline_space("cifar"))


@functools.partial(jax.jit)
def _cost(point):
    return PRICING(*expected_layers(SPECIFICATION, point), point)


def test_at_a_discrete_design_the_soft_cost_is_the_discrete_one():
    for key in jax.random.split(jax.random.key(0), 25):
        point = SPACE.sample(key)
        design = SPACE.decode(point)
        soft = {name: float(value) for name, value in _cost(point).metrics.items()}
        _, exact = evaluate_pipeline(chosen_layers(SPECIFICATION, design), design)
        assert soft["frame_ms"] == pytest.approx(float(exact.cycles) / 200e3, rel=1e-6)
        assert soft["latency_ms"] == pytest.approx(float(exact.latency_cycles) / 200e3, rel=1e-6)
        assert soft["dsp"] == float(exact.dsp)
        assert soft["bram"] == float(exact.bram)


def test_soft_costs_and_their_gradients_are_finite():
    value_and_slopes = jax.jit(jax.jacrev(lambda point: _cost(point).metrics))
    for key in jax.random.split(jax.random.key(1), 10):
        point = SPACE.sample_soft(key)
        assert all(np.isfinite(float(value)) and value > 0 for value in _cost(point).metrics.values())
        for slopes in value_and_slopes(point).values():
            assert np.all(np.isfinite(slopes.rows))
            assert np.any(slopes.rows != 0)


def _moved(point, name, option):
    return Point.of({n: jnp.eye(len(v))[option] if n == name else v for n, v in point.items()})


def test_slopes_of_knobs_are_the_differences_between_pipelines():
    """Of the sum over chunks: latency, DSP slices, block RAMs; the bottleneck's share of the frame has its sign."""
    slopes_of = jax.jit(jax.jacrev(lambda point: _cost(point).metrics))
    generator = np.random.default_rng(0)
    checked = 0
    for key in jax.random.split(jax.random.key(2), 4):
        point = Point.of(dict(SPACE.sample(key)))
        slopes, here = slopes_of(point), _cost(point).metrics
        for chunk in generator.permutation(np.array(chunks_of(PRICING.space), object))[:4]:
            knob = ("rows", "outputs", "parallel", "columns")[checked % 4]
            name = knob_name(chunk, knob)
            now, then = int(jnp.argmax(point[name])), int(generator.integers(len(point[name])))
            there = _cost(_moved(point, name, then)).metrics
            for metric in ("latency_ms", "dsp", "bram"):
                predicted = float(slopes[metric][name][then] - slopes[metric][name][now])
                actual = float(there[metric] - here[metric])
                assert predicted == pytest.approx(actual, rel=1e-3, abs=1e-5), (metric, name)
            checked += 1
    assert checked == 16


def test_slopes_of_the_network_are_what_its_layers_cost():
    slopes_of = jax.jit(jax.grad(lambda point: _cost(point).latency_ms))
    point = Point.of(dict(SPACE.sample(jax.random.key(5))))
    slopes, here = slopes_of(point), float(_cost(point).latency_ms)
    for block in (2, 9, 17):
        for name in (f"block_{block:02d}.operation", f"block_{block:02d}.bits"):
            now = int(jnp.argmax(point[name]))
            for then in range(len(point[name])):
                there = float(_cost(_moved(point, name, then)).latency_ms)
                predicted = float(slopes[name][then] - slopes[name][now])
                assert predicted == pytest.approx(there - here, rel=1e-3, abs=1e-5)


def test_a_soft_allocation_lies_between_its_options():
    name = boundary_name(False)
    point = Point.of(dict(SPACE.sample(jax.random.key(7))))
    latencies = [float(_cost(_moved(point, name, option)).latency_ms) for option in range(3)]
    mixed = Point.of({n: jnp.array([0.5, 0.0, 0.5]) if n == name else v for n, v in point.items()})
    assert float(_cost(mixed).latency_ms) == pytest.approx((latencies[0] + latencies[2]) / 2, rel=1e-5)


def test_the_slowest_chunk_gets_the_largest_share_of_the_slope():
    layers = chosen_layers(SPECIFICATION, SPECIFICATION.default_design)
    space = fpga_pipeline_space("cifar", (8,))
    point = space.sample(jax.random.key(3))
    pricing = PipelinePricing(space)
    slopes = jax.jit(jax.grad(lambda weight: pricing(layers, weight, point).frame_ms))(jnp.ones(len(layers)))
    design = space.decode(point)
    chunks, _ = evaluate_pipeline(layers, design)
    slowest = max(chunks, key=lambda chunk: float(chunks[chunk].cycles))
    share = dict.fromkeys(chunks, 0.0)
    for layer, slope in zip(layers, slopes, strict=True):
        if is_priced(layer):
            share[chunk_of(layer, design)] += float(slope)
    assert max(share, key=lambda chunk: share[chunk]) == slowest


@pytest.mark.slow
def test_where_the_pipeline_is_always_the_best_its_chunks_share_the_slope():
    """The same cost; more work of one chunk slows it by the share of that chunk."""
    layers = chosen_layers(SPECIFICATION, SPECIFICATION.default_design)
    space = fpga_pipeline_space("cifar", (8,))
    point, pricing = space.sample(jax.random.key(3)), PipelinePricing(space)
    shares = np.array([0.4, 0.1, 0.3, 0.2])
    design = space.decode(point)
    chunks, _ = evaluate_pipeline(layers, design)

    def cost(weight):
        return pricing(layers, weight, point)

    once = jnp.ones(len(layers))
    own, best = cost(once), cost(once).of_best(jnp.asarray(shares, jnp.float32))
    assert {name: float(value) for name, value in own.metrics.items()} == pytest.approx(
        {name: float(value) for name, value in best.metrics.items()}, rel=1e-6
    )
    expected = [float(chunks[chunk].cycles) if chunk in chunks else 0 for chunk in priced_chunks(space)]
    np.testing.assert_allclose(best.chunk_cycles, expected, rtol=1e-5)
    slopes = jax.grad(lambda weight: jnp.log(cost(weight).of_best(jnp.asarray(shares, jnp.float32)).frame_ms))(once)
    assert set(chunks) == set(priced_chunks(space))
    for chunk, share in zip(priced_chunks(space), shares, strict=True):
        own = [i for i, layer in enumerate(layers) if is_priced(layer) and chunk_of(layer, design) == chunk]
        assert float(sum(slopes[i] for i in own)) == pytest.approx(share, rel=1e-4)


@pytest.mark.slow
def test_chunks_without_layers_leave_their_share_of_the_slope_to_the_others():
    layers = [layer for layer in chosen_layers(SPECIFICATION, SPECIFICATION.default_design) if is_priced(layer)]
    space = fpga_pipeline_space("cifar", (8,))
    point, pricing = space.sample(jax.random.key(3)), PipelinePricing(space)
    design, chunks = space.decode(point), priced_chunks(space)
    where = np.array([chunks.index(chunk_of(layer, design)) for layer in layers])
    weight = jnp.asarray(where != 1, jnp.float32)

    def slopes(shares):
        def logarithm(weight):
            cost = pricing(layers, weight, point)
            return jnp.log((cost if shares is None else cost.of_best(jnp.asarray(shares))).frame_ms)

        by_layer = np.asarray(jax.grad(logarithm)(weight) * weight)
        return [by_layer[where == a].sum() for a in range(len(chunks))]

    np.testing.assert_allclose(slopes([0.4, 0.2, 0.4, 0.0]), [0.5, 0, 0.5, 0], atol=1e-5)
    # Where the others have none, or before there are shares, slopes are those of the pipeline as it stands.
    for none in ([0.0, 1.0, 0.0, 0.0], [0.0] * 4):
        np.testing.assert_allclose(slopes(none), slopes(None), rtol=1e-6)
    assert np.sum(slopes(None)) == pytest.approx(1, abs=1e-3)
