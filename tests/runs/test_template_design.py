"""What a search on a template ends with: which part gives way where the most likely design misses a budget."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.networks import chosen_layers
from dna_jax.runs import template_design
from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.problem import build_problem
from dna_jax.runs.template_design import derive, log_excess, nearest_accelerator, network_within
from dna_jax.search import MISFIT, Budgets, Enumeration, discrete_cost, enumerate_accelerators
from experiments.configs import digits

CONFIG = from_mapping(CosearchConfig, digits.get_config("smoke").to_dict())


@pytest.fixture(scope="module")
def problem():
    return build_problem(CONFIG, None)


@pytest.fixture(scope="module")
def held():
    return build_problem(dataclasses.replace(CONFIG, fix="accelerator", budgets=Budgets(latency_ms=0.012)), None)


@pytest.fixture
def few(problem, monkeypatch):
    """Six accelerators in place of all 50,000, each priced as it is: the baseline, and others of fewer units."""
    template, space = problem.target.template, problem.target.space
    accelerators = [
        dict(template.baseline) | {"accelerator.pes_x": x, "accelerator.pes_y": y} for x in (4, 2) for y in (4, 2, 1)
    ]
    indices = np.array([[d.index(design[d.name]) for d in space.decisions] for design in accelerators])

    def enumerate_few(template, layers):
        costs = [discrete_cost(template, layers, design) for design in accelerators]
        named = {
            "latency_ms": [1e3 * cost.latency_s for cost in costs],
            "energy_mj": [1e3 * cost.energy_j for cost in costs],
            "area_mm2": [cost.area_mm2 for cost in costs],
        }
        fits = np.array([cost.overflow_bytes <= 0 for cost in costs])
        return Enumeration(indices, {name: np.array(values, float) for name, values in named.items()}, fits)

    monkeypatch.setattr(template_design, "enumerate_accelerators", enumerate_few)
    return enumerate_few


def _limited(problem, **limits):
    return dataclasses.replace(problem, config=dataclasses.replace(problem.config, budgets=Budgets(**limits)))


def _nearly_sure(problem, design):
    return {name: 0.9 * p + 0.1 / len(p) for name, p in problem.strategy.space.encode(design).items()}


def _heaviest(problem):
    """Every decision of the network at its last option, on the baseline."""
    return problem.published | {d.name: d.options[-1] for d in problem.network_space.decisions}


def _network(problem):
    return [decision.name for decision in problem.network_space.decisions]


def _layers(problem, design):
    return chosen_layers(problem.specification, design)


def _cost(problem, design):
    return discrete_cost(problem.target.template, _layers(problem, design), design)


def _latency_ms(problem, design):
    return 1e3 * float(_cost(problem, design).latency_s)


@pytest.mark.slow
def test_decisions_of_a_network_give_way_on_an_accelerator_that_is_held(held):
    template, heaviest = held.target.template, _heaviest(held)
    point, accelerator = _nearly_sure(held, heaviest), held.target.baseline
    least, most = (_latency_ms(held, design) for design in (held.published | held.lightest_at(None), heaviest))
    limits = [most * 1.001, 0.95 * most, 0.5 * (least + most), 0.5 * least]
    found = [network_within(_limited(held, latency_ms=limit), template, point, accelerator) for limit in limits]
    assert found[0] == held.network_space.restrict(heaviest)
    assert found[3] is None
    changed = []
    for network, limit in zip(found[1:3], limits[1:3], strict=True):
        assert network is not None
        assert _latency_ms(held, network | accelerator) <= limit
        changed.append(sum(network[name] != heaviest[name] for name in network))
    assert 0 < changed[0] < changed[1] < len(held.network_space.decisions)
    # What no network changes cannot be met by one.
    beyond = _limited(held, latency_ms=most, area_mm2=0.9 * float(_cost(held, heaviest).area_mm2))
    assert network_within(beyond, template, point, accelerator) is None
    # Without budgets, and where the network is sure, as that of a multi-trial search, it stays.
    assert network_within(_limited(held), template, point, accelerator) == found[0]
    sure = held.strategy.space.encode(heaviest)
    assert network_within(_limited(held, latency_ms=0.95 * most), template, sure, accelerator) is None


def test_every_budget_is_met_in_turn(held):
    """Energy is beyond its budget still when latency is not any more: changes are then those that save energy."""
    heaviest, accelerator = _heaviest(held), held.target.baseline
    cost = _cost(held, heaviest)
    limited = _limited(held, latency_ms=0.9e3 * float(cost.latency_s), energy_mj=0.85e3 * float(cost.energy_j))
    network = network_within(limited, held.target.template, _nearly_sure(held, heaviest), accelerator)
    assert network is not None
    excess = log_excess(limited, held.target.template, _layers(held, network), accelerator)
    assert max(excess.values()) <= 0
    assert {*excess} == {"latency_ms", "energy_mj", MISFIT}


def test_the_likeliest_accelerator_within_the_budgets_is_taken_if_there_is_one(problem, few, tmp_path):
    template, heaviest = problem.target.template, _heaviest(problem)
    prices = few(template, _layers(problem, heaviest))
    area = np.sort(prices.costs["area_mm2"])
    limited = _limited(problem, area_mm2=float(area[2]) * 1.001)
    derived = derive(limited, template, _nearly_sure(problem, heaviest), tmp_path / "accelerators.npz")
    assert derived.most_likely == heaviest
    assert derived.refused is not None
    assert derived.refused[0] == problem.target.baseline
    assert derived.standing.feasible == 3
    assert float(derived.cost.area_mm2) <= float(area[2]) * 1.001
    assert problem.network_space.restrict(derived.design) == problem.network_space.restrict(heaviest)
    # Nothing gives way where nothing is exceeded.
    whole = derive(_limited(problem), template, _nearly_sure(problem, heaviest), tmp_path / "accelerators.npz")
    assert whole.design == heaviest
    assert whole.refused is None


@pytest.mark.parametrize("order", ["joint", "network_first"])
def test_where_no_accelerator_is_enough_the_network_gives_way_and_then_the_accelerator(problem, few, order, tmp_path):
    template, heaviest = problem.target.template, _heaviest(problem)
    prices = few(template, _layers(problem, heaviest))
    area = float(np.sort(prices.costs["area_mm2"])[3])
    fastest = float(prices.costs["latency_ms"][prices.costs["area_mm2"] <= area].min())
    limited = _limited(problem, latency_ms=0.97 * fastest, area_mm2=area)
    limited = dataclasses.replace(limited, config=dataclasses.replace(limited.config, order=order))
    nearest = nearest_accelerator(template, prices, limited.budgets)
    assert nearest is not None
    excess = log_excess(limited, template, _layers(problem, heaviest), nearest)
    assert excess == {"latency_ms": pytest.approx(-np.log(0.97)), "area_mm2": excess["area_mm2"], MISFIT: 0.0}
    assert excess["area_mm2"] <= 0
    derived = derive(limited, template, _nearly_sure(problem, heaviest), tmp_path / "accelerators.npz")
    assert derived.most_likely == heaviest
    assert derived.standing.rank is not None
    assert derived.standing.rank == 1 or order == "joint"
    assert float(derived.cost.latency_s) * 1e3 <= limited.budgets.latency_ms
    assert float(derived.cost.area_mm2) <= area
    changed = template_design.optimality(limited, derived)["decisions_that_gave_way"]
    assert changed == [name for name in _network(problem) if derived.design[name] != heaviest[name]] != []


def test_the_nearest_accelerator_is_within_the_area_and_holds_the_tiles_if_one_does(problem, few):
    template = problem.target.template
    prices = few(template, _layers(problem, problem.published))
    area, latency = prices.costs["area_mm2"], prices.costs["latency_ms"]

    def nearest(valid, **limits):
        found = nearest_accelerator(template, dataclasses.replace(prices, valid=np.array(valid)), Budgets(**limits))
        return None if found is None else int(prices.row(template.space, found))

    assert nearest([True] * 6, latency_ms=1e-6) == np.argmin(latency)
    assert nearest([True] * 6, area_mm2=0.5 * area.min()) is None
    small = area <= np.sort(area)[1]
    assert nearest([True] * 6, latency_ms=1e-6, area_mm2=float(np.sort(area)[1])) == np.argmin(
        np.where(small, latency, np.inf)
    )
    assert nearest([i == 4 for i in range(6)], latency_ms=1e-6) == 4
    assert nearest([False] * 6, latency_ms=1e-6) == np.argmin(latency)
    assert nearest([True] * 6) is not None


@pytest.mark.slow
def test_tiles_that_do_not_fit_are_exceeded_by_their_kib(problem):
    template = problem.target.template
    layers = _layers(problem, problem.published)

    class Tiny:
        """The template with a register file of 16 bytes."""

        space = template.space
        candidates = template.candidates
        correction = template.correction

        def architecture(self, point, dtype):
            whole = template.architecture(point, dtype)
            return whole.replace(capacity_bytes=(whole.capacity_bytes[0], jnp.asarray(16.0), *whole.capacity_bytes[2:]))

    over = log_excess(_limited(problem), Tiny(), layers, dict(template.baseline))
    assert {*over} == {MISFIT}
    beyond = float(discrete_cost(Tiny(), layers, dict(template.baseline)).overflow_bytes)
    assert beyond > 0
    assert over[MISFIT] == pytest.approx(np.log1p(beyond / 1024))


@pytest.mark.slow
def test_of_all_accelerators_the_one_taken_moved_as_little_as_the_budgets_allow(problem, tmp_path):
    space = problem.strategy.space
    wanted = problem.published | {"accelerator.pes_x": 8, "accelerator.pes_y": 8, "accelerator.local_memory_mb": 4}
    # Nearly sure of the largest accelerator, but for the local memory.
    point = {name: 0.9 * p + 0.1 / len(p) for name, p in space.encode(wanted).items()}
    derived = derive(problem, problem.target.template, point, tmp_path / "accelerators.npz")
    assert derived.most_likely == wanted
    accelerator, place = derived.refused
    assert accelerator == problem.accelerator_space.restrict(wanted)
    assert place.rank is None
    assert derived.standing.rank >= 1
    assert float(derived.cost.area_mm2) <= problem.config.budgets.area_mm2
    assert problem.network_space.restrict(derived.design) == problem.network_space.restrict(wanted)
    # It moved as little as the budgets allow: no feasible accelerator differs in fewer knobs.
    knobs = problem.target.template.space.decisions
    there = np.array([d.index(wanted[d.name]) for d in knobs])
    moved = (derived.enumeration.indices != there).sum(axis=1)[derived.enumeration.feasible(problem.config.budgets)]
    assert sum(derived.design[d.name] != wanted[d.name] for d in knobs) == moved.min()
    # A table on disk is used again for the same network, and for no other, and a damaged one is priced again.
    assert derive(problem, problem.target.template, point, tmp_path / "accelerators.npz").design == derived.design
    (tmp_path / "accelerators.npz").write_bytes(b"PK damaged")
    assert derive(problem, problem.target.template, point, tmp_path / "accelerators.npz").design == derived.design


@pytest.mark.slow
def test_a_network_for_an_accelerator_that_is_held_is_judged_within_its_budget(held, tmp_path):
    heaviest = _heaviest(held)
    limited = _limited(held, latency_ms=0.9 * _latency_ms(held, heaviest))
    verdict = limited.target.judge(limited, _nearly_sure(held, heaviest), tmp_path)
    assert verdict.violations == []
    assert verdict.cost["latency_ms"] <= limited.budgets.latency_ms
    assert held.target.baseline.items() <= verdict.design.items()
    changed = verdict.optimality["decisions_that_gave_way"]
    assert changed == [name for name in _network(held) if verdict.design[name] != heaviest[name]] != []
    assert not verdict.optimality["most_likely_network_kept"]
    assert "most likely network, which missed a budget, gave way" in verdict.optimality["standing"]
    # A resumed run, which finds the prices of the network found, comes to the same.
    assert limited.target.judge(limited, _nearly_sure(held, heaviest), tmp_path).design == verdict.design


@pytest.mark.slow
def test_the_nearest_of_all_accelerators_misses_by_as_little_as_any(problem):
    template, heaviest = problem.target.template, _heaviest(problem)
    prices = enumerate_accelerators(template, _layers(problem, heaviest))
    area = CONFIG.budgets.area_mm2
    fastest = float(prices.costs["latency_ms"][prices.feasible(Budgets(area_mm2=area))].min())
    nearest = nearest_accelerator(template, prices, Budgets(latency_ms=0.97 * fastest, area_mm2=area))
    assert nearest is not None
    limited = _limited(problem, latency_ms=0.97 * fastest, area_mm2=area)
    excess = log_excess(limited, template, _layers(problem, heaviest), nearest)
    assert excess["latency_ms"] == pytest.approx(-np.log(0.97))
