"""Optima and fronts, against trying all designs; the benchmark, against pricing whole networks."""

import dataclasses

import numpy as np
import pytest

from dna_jax.benchmarks.brute_force import confirm
from dna_jax.benchmarks.joint_table import JointTable, grid_row, price_options
from dna_jax.benchmarks.macro_edge import baseline_row, macro_edge
from dna_jax.benchmarks.optimum import exact_front, least_latency, make_tasks
from dna_jax.hardware import nahas_edge
from dna_jax.networks import ConditionalLayer, MacroSpecification, chosen_layers
from dna_jax.search import discrete_cost
from dna_jax.spaces import Decision, Space, macro_space
from dna_jax.workload import Layer


def _all(table):
    """Every design with accuracy, latency and area, one by one."""
    designs = (table.network_space | table.accelerator_space).grid()
    network, accelerator = table.rows(designs)
    return designs, table.mean_accuracy[network], table.latency_of(designs), table.area_mm2[accelerator]


def test_optima_are_those_of_trying_all_designs(small):
    designs, accuracy, latency, area = _all(small)
    for limit in (2.0, 5.0, 100.0):
        for task in make_tasks(small, limit, (65.0, 75.0, 80.0), 1.05):
            within = area <= limit
            assert task.latency_ms == pytest.approx(1.05 * latency[within & (accuracy >= task.wanted_accuracy)].min())
            assert task.accuracy == accuracy[within & (latency <= task.latency_ms)].max()
            optimum = np.concatenate(
                [small.network_space.grid()[task.network], small.accelerator_space.grid()[task.accelerator]]
            )
            row = np.flatnonzero((designs == optimum).all(axis=1))[0]
            assert accuracy[row] == task.accuracy
            assert within[row]
            assert latency[row] <= task.latency_ms


def test_what_no_network_reaches_is_said(small):
    with pytest.raises(ValueError, match="has an accuracy of 99"):
        make_tasks(small, 5.0, (99.0,), 1.05)
    with pytest.raises(ValueError, match=r"within 0\.1 mm2"):
        make_tasks(small, 0.1, (65.0,), 1.05)


@pytest.mark.parametrize("seed", range(4))
def test_the_front_is_that_of_comparing_all_pairs(small, seed):
    generator = np.random.default_rng(seed)
    table = small
    if seed:
        # Ties in every figure.
        table = JointTable(
            small.network_space,
            small.accelerator_space,
            generator.integers(60, 66, (27, 1)).astype(float),
            generator.integers(1, 4, (3, 3, 12)).astype(float),
            generator.integers(1, 5, 12).astype(float),
        )
    _, accuracy, latency, area = _all(table)
    points = np.unique(np.stack([-accuracy, latency, area], axis=1), axis=0)
    dominated = [np.any(np.all(points <= p, axis=1) & np.any(points < p, axis=1)) for p in points]
    expected = points[~np.array(dominated)]
    front = exact_front(table)
    found = np.stack([-front.accuracy, front.latency_ms, front.area_mm2], axis=1)
    np.testing.assert_allclose(found[np.lexsort(found.T[::-1])], expected[np.lexsort(expected.T[::-1])], rtol=1e-12)


def test_the_table_prices_designs_as_the_hardware_model_does(benchmark):
    table, generator = benchmark.table, np.random.default_rng(3)
    grid, accelerators = table.network_space.grid(), table.accelerator_space.grid()
    for _ in range(4):
        network, accelerator = generator.integers(len(grid)), generator.integers(len(accelerators))
        design = table.network_space.design(grid[network]) | table.accelerator_space.design(accelerators[accelerator])
        cost = discrete_cost(nahas_edge(), chosen_layers(MacroSpecification(), design), design)
        both = np.concatenate([grid[network], accelerators[accelerator]])
        assert table.latency_of(both) == pytest.approx(float(cost.latency_s) * 1e3, rel=1e-12)
        assert table.area_mm2[accelerator] == pytest.approx(float(cost.area_mm2), rel=1e-12)


def test_budgets_are_those_of_their_definition(benchmark):
    table = benchmark.table
    area = table.area_mm2[baseline_row(table)]
    least, where = least_latency(table, area)
    assert np.all(table.area_mm2[where] <= area)
    assert [task.wanted_accuracy for task in benchmark.tasks] == [88.0, 90.0, 91.5, 92.5, 93.0]
    for task in benchmark.tasks:
        assert task.area_mm2 == area
        assert task.latency_ms == pytest.approx(1.05 * least[table.mean_accuracy >= task.wanted_accuracy].min())
        assert table.mean_accuracy[task.network] == task.accuracy >= task.wanted_accuracy
        assert not np.any(table.mean_accuracy[least <= task.latency_ms] > task.accuracy)


@pytest.mark.slow
def test_brute_force_by_another_path_confirms_the_optima(benchmark):
    found = confirm(benchmark.table, benchmark.tasks, MacroSpecification(), nahas_edge(), networks=6, seed=1)
    assert found.designs == 6 * 50_000
    assert found.largest_difference < 1e-12
    assert found.exceeded == []
    assert found.reached == [task.name for task in benchmark.tasks]


@pytest.mark.slow
def test_brute_force_tells_a_wrong_optimum_and_a_wrong_table(benchmark):
    table, task = benchmark.table, benchmark.tasks[2]
    worse = int(np.argsort(table.mean_accuracy)[0])
    wrong = [dataclasses.replace(task, accuracy=float(table.mean_accuracy[worse]) - 1, network=worse)]
    off = dataclasses.replace(table, latency_ms=table.latency_ms * 1.001)
    found = confirm(off, wrong, MacroSpecification(), nahas_edge(), networks=2, seed=1)
    assert found.exceeded == [task.name]
    assert found.largest_difference == pytest.approx(0.001, rel=0.01)


@pytest.mark.slow
def test_what_is_cached_is_what_was_made(benchmark):
    again = macro_edge(cached=False)
    assert again.tasks == benchmark.tasks
    for field in dataclasses.fields(benchmark.front):
        assert np.array_equal(getattr(again.front, field.name), getattr(benchmark.front, field.name))
    assert np.array_equal(again.table.latency_ms, benchmark.table.latency_ms)


def test_layers_of_two_decisions_have_no_place_in_the_table():
    class Entangled(MacroSpecification):
        def conditional_layers(self):
            needs = {"layer_1.operation": "k3_e3", "layer_2.operation": "k3_e3"}
            return [ConditionalLayer(Layer("both", K=8, C=8, P=4, Q=4), needs)]

    with pytest.raises(ValueError, match="depends on 2 decisions"):
        price_options(Entangled(), macro_space(), nahas_edge())


def test_a_row_of_the_grid_is_found_by_its_indices(small):
    space = small.network_space | Space("more", (Decision("d", (1, 2)),))
    assert np.array_equal(grid_row(space.grid(), space), np.arange(space.cardinality))
