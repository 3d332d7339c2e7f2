"""The learned cost model as a function: its loss, its gradient, and what it is to a search."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from dna_jax.hardware import nahas_edge
from dna_jax.networks import mobilenet_v2
from dna_jax.search import Budgets, CoSearch, SearchConfig
from dna_jax.search.learned_cost import CostNetwork, LearnedPricing, design_inputs, loss, untaught
from dna_jax.spaces import s1

EDGE = nahas_edge().space
SPACE = s1() | EDGE


def _model(space=SPACE, seed=0):
    model = untaught(space, jax.random.key(seed))
    return dataclasses.replace(model, mean=jnp.array([-4.0, 2.0]), deviation=jnp.array([0.7, 1.1]))


def test_the_loss_weighs_the_error_of_latency_ten_times():
    generator = np.random.default_rng(0)
    predicted, wanted = generator.standard_normal((2, 128, 2)).astype(np.float32)
    expected = 10 * np.mean((predicted[:, 0] - wanted[:, 0]) ** 2) + np.mean((predicted[:, 1] - wanted[:, 1]) ** 2)
    assert float(loss(jnp.asarray(predicted), jnp.asarray(wanted), 10.0)) == pytest.approx(float(expected), rel=1e-5)


def test_the_network_is_that_of_the_paper():
    shapes = sorted(np.shape(leaf) for leaf in jax.tree.leaves(_model().parameters))
    inputs = 17 * 3 + 16 * 2 + 5 + 5 + 4 + 4 + 5 + 5 + 5
    kernels = [(inputs, 256), (256, 256), (256, 256), (256, 1), (256, 1)]
    assert shapes == sorted([*kernels, (256,), (256,), (256,), (1,), (1,)])


def test_units_are_dropped_with_a_key_alone():
    network, inputs = CostNetwork(4, nnx.Rngs(0)), jnp.ones((3, 4))
    whole = network(inputs, dropout=0.5)
    np.testing.assert_array_equal(whole, network(inputs))
    drops = [network(inputs, 0.5, jax.random.key(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(drops[0], drops[1])
    assert np.all(drops[0] != drops[2])
    assert np.all(drops[0] != whole)


def test_inputs_are_the_options_of_what_is_searched():
    fixed = s1() | EDGE.fix({"accelerator.pes_x": 6, "accelerator.simd_units": 16})
    keys = jax.random.split(jax.random.key(0), 3)
    points = jax.vmap(fixed.sample_soft)(keys)
    inputs = design_inputs(fixed, points)
    expected = np.concatenate([points[decision.name] for decision in fixed.free], axis=-1)
    np.testing.assert_array_equal(inputs, expected)
    assert not {"accelerator.pes_x", "block_01.expansion"} & {decision.name for decision in fixed.free}


@pytest.mark.parametrize("soft", [True, False])
def test_the_gradient_is_that_of_finite_differences(soft):
    with jax.enable_x64(True):
        model = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), _model())
        pricing = LearnedPricing(model, SPACE)
        draw = SPACE.sample_soft if soft else SPACE.sample
        point = draw(jax.random.key(3))
        rows = jnp.asarray(point.rows, jnp.float64)

        @jax.jit
        def price(rows):
            metrics = pricing([], jnp.zeros(0), dataclasses.replace(point, rows=rows)).metrics
            return jnp.log(metrics["latency_ms"]) + jnp.log(metrics["area_mm2"])

        slopes = jax.grad(price)(rows)
        generator = np.random.default_rng(0)
        for _ in range(5):
            direction = jnp.asarray(generator.standard_normal(rows.shape) * SPACE.is_option)
            difference = (price(rows + 1e-6 * direction) - price(rows - 1e-6 * direction)) / 2e-6
            assert float(jnp.sum(slopes * direction)) == pytest.approx(float(difference), rel=1e-5)
    # What stands for no option, and what is not searched, moves nothing.
    searched = SPACE.is_option & (SPACE.is_option.sum(axis=1, keepdims=True) > 1)
    assert np.all(np.asarray(slopes)[~searched] == 0)
    assert np.any(np.asarray(slopes)[searched] != 0)


def test_a_search_takes_its_costs_from_the_model():
    networks = mobilenet_v2(width=0.25, image_size=8, classes=10, stride_plan="digits", image_channels=1)
    model = _model()
    strategy = CoSearch(SearchConfig(), networks, LearnedPricing(model, SPACE), s1(), EDGE, Budgets(area_mm2=9.0))
    point = SPACE.sample(jax.random.key(2))
    cost = strategy.cost(point)
    latency, area = model(design_inputs(SPACE, point))
    assert cost.metrics == {"latency_ms": latency, "area_mm2": area}
    assert float(cost.misfit) == 0
