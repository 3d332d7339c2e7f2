"""The table as strategies see it: values, gradients, noise."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.benchmarks.table_problem import TableProblem
from dna_jax.search.relaxation import mean_point
from dna_jax.spaces import Point


@pytest.fixture(scope="module")
def problem(small, small_tasks):
    return TableProblem.of(small, small_tasks[0])


def test_a_one_hot_point_costs_what_its_design_costs(problem, small, small_tasks):
    designs = small.space.grid()[::7]
    points = small.space.one_hot(designs)
    task = small_tasks[0]
    for cost in (jax.vmap(problem.cost)(points), jax.vmap(problem.cost_at)(points)):
        np.testing.assert_allclose(cost.latency_ms * task.latency_ms, small.latency_of(designs), rtol=1e-5)
        np.testing.assert_allclose(cost.area_mm2 * task.area_mm2, small.area_mm2[small.rows(designs)[1]], rtol=1e-5)
        np.testing.assert_allclose(jnp.log(cost.latency_ms), problem.log_ratios(jnp.asarray(designs))[:, 0], atol=1e-5)


def test_neighbours_give_the_gradient_of_the_whole_table(problem, small):
    sizes = small.space.sizes
    for name in ("latency_ms", "area_mm2"):
        of_whole = jax.jit(jax.grad(lambda rows, n=name: problem.cost(Point(rows, sizes)).metrics[n]))
        of_near = jax.jit(jax.grad(lambda rows, n=name: problem.cost_at(Point(rows, sizes)).metrics[n]))
        for design in small.space.grid()[::41]:
            rows = small.space.one_hot(design).rows
            whole, near = of_whole(rows), of_near(rows)
            # The value of a probability that is not of an option is never read.
            options = small.space.is_option
            np.testing.assert_allclose(
                np.where(options, whole - whole.min(axis=1, keepdims=True), 0)[: len(design)],
                np.where(options, near - near.min(axis=1, keepdims=True), 0)[: len(design)],
                atol=2e-4,
            )


def test_a_soft_point_costs_the_mean_over_its_designs(problem, small):
    point = small.space.sample_soft(jax.random.key(1))
    designs = small.space.grid()
    weights = np.prod([np.asarray(point.rows)[d, designs[:, d]] for d in range(designs.shape[1])], axis=0)
    cost = problem.cost(point)
    assert float(cost.latency_ms) == pytest.approx(weights @ small.latency_of(designs) / float(problem.limits[0]), rel=1e-4)
    area = small.area_mm2[small.rows(designs)[1]]
    assert float(cost.area_mm2) == pytest.approx(weights @ area / float(problem.limits[1]), rel=1e-4)


def test_trainings_are_drawn_from_those_known(problem, small):
    design = jnp.asarray(np.tile(small.space.grid()[100], (300, 1)))
    told = np.asarray(problem.train(jax.random.key(0), design))
    known = small.accuracy[small.rows(np.asarray(design[0]))[0]]
    for value, count in zip(*np.unique(told, return_counts=True), strict=True):
        assert np.abs(known - value).min() < 1e-4
        assert 60 < count < 140
    assert len(np.unique(told)) == 3


def _likeliest_within(small, task, likelihood):
    """Row of the design that a run would end with, of likelihoods of all; how many were priced, and what gave way."""
    grid, likeliest = small.space.grid(), int(np.argmax(likelihood))
    accelerator, latency, area = small.rows(grid)[1], small.latency_of(grid), small.area_mm2[small.rows(grid)[1]]
    within = (latency <= task.latency_ms) & (area <= task.area_mm2)
    if within[likeliest]:
        return likeliest, 12, "nothing"
    mates = np.all(grid[:, :3] == grid[likeliest, :3], axis=1)
    if np.any(mates & within):
        return np.argmax(np.where(mates & within, likelihood, -1)), 12, "accelerator"
    nearest = accelerator[np.argmin(np.where(mates & (area <= task.area_mm2), latency, np.inf))]
    there = (accelerator == nearest) & within
    if not np.any(there):
        return likeliest, 12 + 27 + 12, "nothing"
    mates = np.all(grid[:, :3] == grid[np.argmax(np.where(there, likelihood, -1)), :3], axis=1)
    return np.argmax(np.where(mates & within, likelihood, -1)), 12 + 27 + 12, "network"


def test_the_likeliest_design_within_the_budgets_is_found_as_by_a_run(small, small_tasks):
    grid, generator, gave_way = small.space.grid(), np.random.default_rng(0), []
    tight = dataclasses.replace(small_tasks[0], latency_ms=1.02 * float(small.latency_of(grid).min()))
    none = dataclasses.replace(tight, latency_ms=0.98 * float(small.latency_of(grid).min()))
    for task in (*small_tasks, tight, none):
        problem = TableProblem.of(small, task)
        for _ in range(30):
            point = mean_point(small.space, jnp.asarray(generator.normal(0, 2, small.space.is_option.shape)))
            likelihood = np.prod([np.asarray(point.rows)[d, grid[:, d]] for d in range(grid.shape[1])], axis=0)
            row, priced, changed = _likeliest_within(small, task, likelihood)
            found, count = problem.settled_design(point)
            np.testing.assert_array_equal(found, grid[row])
            assert int(count) == priced
            gave_way.append(changed)
    assert min(gave_way.count(part) for part in ("nothing", "accelerator", "network")) > 5


def test_what_is_fixed_stays_whether_or_not_within_the_budgets(small, small_tasks):
    problem = TableProblem.of(small, dataclasses.replace(small_tasks[0], latency_ms=1.1 * _least_on(small, 1, 1)))
    logits = jnp.zeros(small.space.is_option.shape).at[:3, 2].set(5.0)
    held = small.network_space | small.accelerator_space.fix({"rows": 1, "columns": 1})
    found, _ = problem.settled_design(mean_point(held, logits))
    assert found[3:].tolist() == [0, 0]
    assert found[:3].tolist() != [2, 2, 2]
    assert np.all(problem.log_ratios(found) <= 0)
    slowest = {d.name: d.options[2] for d in small.network_space.decisions}
    both = small.network_space.fix(slowest) | small.accelerator_space.fix({"rows": 1, "columns": 1})
    found, _ = problem.settled_design(mean_point(both, logits))
    assert found.tolist() == [2, 2, 2, 0, 0]
    assert np.any(problem.log_ratios(found) > 0)


def _least_on(small, rows, columns):
    """Latency of the fastest network on an accelerator, ms."""
    at = [list(d.options).index(value) for d, value in zip(small.accelerator_space.decisions, (rows, columns), strict=True)]
    designs = np.array([[*choice, *at] for choice in itertools.product(range(3), repeat=3)])
    return float(small.latency_of(designs).min())


def test_every_design_has_the_accuracy_of_its_network(problem, small):
    rows = [int(problem.network_row(jnp.array([*choice, 2, 1]))) for choice in itertools.product(range(3), repeat=3)]
    assert rows == list(range(27))
