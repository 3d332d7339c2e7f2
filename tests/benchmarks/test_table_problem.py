"""The table as strategies see it: values, gradients, noise."""

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


@pytest.mark.parametrize("budget", [0, 1])
def test_the_likeliest_accelerator_within_the_budgets_is_found_for_the_likeliest_network(budget, small, small_tasks):
    task, grid, generator = small_tasks[budget], small.space.grid(), np.random.default_rng(budget)
    problem = TableProblem.of(small, task)
    within = (small.latency_of(grid) <= task.latency_ms) & (small.area_mm2[small.rows(grid)[1]] <= task.area_mm2)
    kept = []
    for _ in range(40):
        point = mean_point(small.space, jnp.asarray(generator.normal(0, 2, small.space.is_option.shape)))
        likelihood = np.prod([np.asarray(point.rows)[d, grid[:, d]] for d in range(grid.shape[1])], axis=0)
        of_network = np.all(grid[:, :3] == grid[np.argmax(likelihood), :3], axis=1)
        allowed = of_network & within if np.any(of_network & within) else of_network
        found = np.asarray(problem.most_likely_feasible(point))
        np.testing.assert_array_equal(found, grid[np.argmax(np.where(allowed, likelihood, -1))])
        kept.append(np.array_equal(found, grid[np.argmax(likelihood)]))
    # Some accelerators gave way and some did not.
    assert 0 < sum(kept) < 40


def test_what_is_fixed_of_an_accelerator_stays_whether_or_not_within_the_budgets(small, small_tasks):
    fixed = small.network_space | small.accelerator_space.fix({"rows": 1, "columns": 1})
    problem = TableProblem.of(small, small_tasks[0])
    found = problem.most_likely_feasible(mean_point(fixed, jnp.zeros(small.space.is_option.shape).at[:3, 2].set(5.0)))
    assert found.tolist() == [2, 2, 2, 0, 0]
    assert np.any(problem.log_ratios(found) > 0)


def test_every_design_has_the_accuracy_of_its_network(problem, small):
    rows = [int(problem.network_row(jnp.array([*choice, 2, 1]))) for choice in itertools.product(range(3), repeat=3)]
    assert rows == list(range(27))
