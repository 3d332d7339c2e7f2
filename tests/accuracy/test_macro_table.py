"""Accuracies of NAS-Bench-Macro and their multilinear extension."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.accuracy import macro_table, multilinear, multilinear_at


def _canonical(network):
    """Identities that change no shape moved to the end of their stage: what a network computes."""
    stages = (network[0:2], network[2:5], network[5:8])
    return tuple(
        (first, *(o for o in rest if o), *(o for o in rest if not o)) for first, *rest in (list(map(int, s)) for s in stages)
    )


def test_the_table_is_what_is_published_of_it():
    table = macro_table()
    keys = ["".join(map(str, row)) for row in table.space.grid()]
    mean = dict(zip(keys, table.mean_accuracy, strict=True))
    assert mean["22212220"] == max(mean.values()) == pytest.approx(93.13, abs=0.005)
    assert mean["00000000"] == min(mean.values()) == pytest.approx(45.36, abs=0.005)


def test_networks_that_are_the_same_have_the_same_figures():
    table = macro_table()
    groups = {}
    for row, network in enumerate(table.space.grid()):
        groups.setdefault(_canonical(network), []).append(row)
    assert len(groups) == 3969
    for rows in groups.values():
        assert len({tuple(table.accuracy[row]) for row in rows}) == 1
        assert len({(table.parameters[row], table.macs[row]) for row in rows}) == 1


def test_the_extension_is_the_expectation_under_independent_choices():
    generator = np.random.default_rng(1)
    table = generator.normal(size=3**4)
    point = generator.dirichlet(np.ones(3), size=4)
    weights = [np.prod([point[d, o] for d, o in enumerate(choice)]) for choice in itertools.product(range(3), repeat=4)]
    with jax.enable_x64(True):
        assert multilinear(jnp.asarray(table), jnp.asarray(point)) == pytest.approx(float(np.dot(weights, table)), abs=1e-12)


def test_at_a_network_the_extension_is_its_accuracy_and_slopes_are_differences_between_options():
    table = macro_table()
    accuracy = jnp.asarray(table.mean_accuracy, jnp.float32)
    grid = table.space.grid()
    value_and_slope = jax.jit(jax.value_and_grad(lambda point: multilinear(accuracy, point)))
    for row in (0, 6560, 4321):
        value, slope = value_and_slope(jax.nn.one_hot(grid[row], 3))
        assert float(value) == float(accuracy[row])
        neighbour = grid[row].copy()
        neighbour[3] = (neighbour[3] + 1) % 3
        other = accuracy[int(neighbour @ 3 ** np.arange(7, -1, -1))]
        assert float(slope[3, neighbour[3]] - slope[3, grid[row][3]]) == pytest.approx(float(other - value), abs=1e-4)


@pytest.mark.parametrize("options", [2, 3, 5])
def test_at_a_one_hot_point_neighbours_give_value_and_gradient(options):
    table = jax.random.normal(jax.random.key(0), (options**4,))
    for index in np.random.default_rng(0).integers(options, size=(5, 4)):
        point = jax.nn.one_hot(index, options)
        value, gradient = jax.value_and_grad(multilinear_at, argnums=1)(table, point)
        expected, expected_gradient = jax.value_and_grad(multilinear, argnums=1)(table, point)
        assert value == table[np.ravel_multi_index(index, (options,) * 4)]
        assert value == pytest.approx(float(expected), rel=1e-6)
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-6, atol=1e-7)
