"""Exact search: enumeration against one-by-one evaluation, ranks, budgets."""

import dataclasses

import jax
import numpy as np
import pytest

from dna_jax.hardware import nahas_edge
from dna_jax.networks import chosen_layers, mobilenet_v2
from dna_jax.search import (
    Budgets,
    discrete_cost,
    enumerate_accelerators,
    merit,
    most_likely_feasible,
    standing,
    worst_of,
)
from dna_jax.search.objectives import COSTS
from dna_jax.spaces import nahas_edge as knobs

TEMPLATE = nahas_edge()
SPECIFICATION = mobilenet_v2(width=0.25, image_size=8, classes=10, stride_plan="digits", image_channels=1)
LAYERS = chosen_layers(SPECIFICATION, SPECIFICATION.default_design)


@pytest.fixture(scope="module")
def small_space():
    """1,000 accelerators: a tenth of a second."""
    return TEMPLATE.space.fix({knobs.PES_X.name: 4, knobs.PES_Y.name: 2, knobs.REGISTER_FILE_KB.name: 16}).fix(
        {knobs.COMPUTE_LANES.name: 2}
    )


@pytest.fixture(scope="module")
def enumeration(small_space):
    return enumerate_accelerators(TEMPLATE, LAYERS, small_space)


def test_every_design_is_priced_as_if_alone(enumeration, small_space):
    assert len(enumeration.valid) == small_space.cardinality == 100
    for row in (0, 17, 99):
        design = small_space.design(enumeration.indices[row])
        alone = discrete_cost(TEMPLATE, LAYERS, design)
        assert enumeration.costs["latency_ms"][row] == pytest.approx(float(alone.latency_s) * 1e3, rel=1e-9)
        assert enumeration.costs["energy_mj"][row] == pytest.approx(float(alone.energy_j) * 1e3, rel=1e-9)
        assert enumeration.costs["area_mm2"][row] == pytest.approx(float(alone.area_mm2), rel=1e-9)


def test_every_design_is_there_once(enumeration, small_space):
    assert {tuple(row) for row in enumeration.indices} == {tuple(row) for row in small_space.grid()}
    for row in (0, 17, 99):
        assert enumeration.row(small_space, small_space.design(enumeration.indices[row])) == row


@pytest.mark.parametrize("names", [("latency_ms", "area_mm2"), COSTS])
@pytest.mark.parametrize("budgets", [None, Budgets(area_mm2=20.0)])
def test_the_front_agrees_with_brute_force(enumeration, names, budgets):
    costs = np.stack([enumeration.costs[name] for name in names], axis=1)
    allowed = enumeration.feasible(budgets or Budgets())
    assert allowed.any()
    front = enumeration.front(names, budgets)
    assert np.all(np.diff(costs[front, 0]) >= 0)
    for row in range(100):
        dominated = any(np.all(costs[o] <= costs[row]) and np.any(costs[o] < costs[row]) for o in np.flatnonzero(allowed))
        equal = np.any(np.all(costs[front] == costs[row], axis=1))
        assert equal == (allowed[row] and not dominated)
    assert not len(enumeration.front(names, Budgets(area_mm2=1e-3)))


def test_of_several_networks_the_highest_cost_counts(enumeration, small_space):
    small = enumerate_accelerators(TEMPLATE, LAYERS[:-1], small_space)
    together = worst_of([small, enumeration])
    # More layers never cost less.
    for name in COSTS:
        np.testing.assert_allclose(together.costs[name], enumeration.costs[name], rtol=1e-12)
    assert np.all(small.costs["latency_ms"] < enumeration.costs["latency_ms"])
    other = dataclasses.replace(enumeration, indices=enumeration.indices[::-1])
    with pytest.raises(ValueError, match="different designs"):
        worst_of([enumeration, other])


def test_standing_agrees_with_brute_force(enumeration, small_space):
    budgets = Budgets(
        latency_ms=float(np.median(enumeration.costs["latency_ms"])),
        area_mm2=float(np.median(enumeration.costs["area_mm2"])),
    )
    merits = merit(enumeration.costs, budgets)
    feasible = [
        i
        for i in range(100)
        if enumeration.costs["latency_ms"][i] <= budgets.latency_ms and enumeration.costs["area_mm2"][i] <= budgets.area_mm2
    ]
    assert 0 < len(feasible) < 100
    ordered = sorted(feasible, key=lambda i: merits[i])
    for position in (0, len(ordered) // 2, len(ordered) - 1):
        row = ordered[position]
        place = standing(enumeration, small_space, budgets, small_space.design(enumeration.indices[row]))
        assert place.rank == 1 + sum(merits[i] < merits[row] * (1 - 1e-9) for i in feasible)
        assert place.gap == pytest.approx(merits[row] / merits[ordered[0]] - 1)
        assert place.best == small_space.design(enumeration.indices[ordered[0]])
        assert place.feasible == len(feasible)
    fastest = min(feasible, key=lambda i: enumeration.costs["latency_ms"][i])
    place = standing(enumeration, small_space, budgets, small_space.design(enumeration.indices[fastest]), "latency_ms")
    assert place.rank == 1
    assert place.best_costs["latency_ms"] == enumeration.costs["latency_ms"][fastest]
    outside = next(i for i in range(100) if i not in feasible)
    assert standing(enumeration, small_space, budgets, small_space.design(enumeration.indices[outside])).rank is None


def test_nothing_feasible_is_said(enumeration, small_space):
    place = standing(enumeration, small_space, Budgets(area_mm2=1e-3), small_space.design(enumeration.indices[0]))
    assert (place.rank, place.gap, place.best, place.feasible) == (None, None, None, 0)
    anywhere = small_space.sample_soft(jax.random.key(0))
    assert most_likely_feasible(enumeration, small_space, Budgets(area_mm2=1e-3), anywhere) is None


def test_most_likely_feasible_prefers_probability_then_feasibility(enumeration, small_space):
    point = small_space.encode(small_space.design(enumeration.indices[42]))
    soft = {name: 0.9 * p + 0.1 / len(p) for name, p in point.items()}
    assert most_likely_feasible(enumeration, small_space, Budgets(), soft) == small_space.design(enumeration.indices[42])
    limit = enumeration.costs["area_mm2"][42] * 0.999
    other = most_likely_feasible(enumeration, small_space, Budgets(area_mm2=float(limit)), soft)
    design = small_space.design(enumeration.indices[42])
    # One knob that lowers the area has to move, and no more than that.
    assert sum(other[name] != design[name] for name in design) == 1
    assert float(discrete_cost(TEMPLATE, LAYERS, other).area_mm2) <= limit
