"""What a search on a template ends with: which part gives way where the most likely design misses a budget."""

import dataclasses

import numpy as np
import pytest

from dna_jax.networks import chosen_layers
from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.problem import build_problem
from dna_jax.runs.template_design import derive, log_excess, nearest_accelerator, network_within
from dna_jax.search import Budgets, discrete_cost, enumerate_accelerators
from experiments.configs import digits

CONFIG = from_mapping(CosearchConfig, digits.get_config("smoke").to_dict())


@pytest.fixture(scope="module")
def problem():
    return build_problem(CONFIG, None)


@pytest.fixture(scope="module")
def held():
    return build_problem(dataclasses.replace(CONFIG, fix="accelerator", budgets=Budgets(latency_ms=0.012)), None)


def _limited(problem, **limits):
    return dataclasses.replace(problem, config=dataclasses.replace(problem.config, budgets=Budgets(**limits)))


def _nearly_sure(problem, design):
    return {name: 0.9 * p + 0.1 / len(p) for name, p in problem.strategy.space.encode(design).items()}


def _heaviest(problem):
    """Every decision of the network at its last option, on the baseline."""
    return problem.published | {d.name: d.options[-1] for d in problem.network_space.decisions}


def _network(problem):
    return [decision.name for decision in problem.network_space.decisions]


def _cost(problem, design):
    return discrete_cost(problem.target.template, chosen_layers(problem.specification, design), design)


def _latency_ms(problem, design):
    return 1e3 * float(_cost(problem, design).latency_s)


@pytest.mark.slow
def test_an_accelerator_beyond_its_budget_gives_way_to_the_most_likely_one_within(problem, tmp_path):
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
    assert network_within(_limited(held), template, point, accelerator) is None


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
def test_where_no_accelerator_is_enough_the_network_gives_way_and_then_the_accelerator(problem, tmp_path):
    template, heaviest = problem.target.template, _heaviest(problem)
    prices = enumerate_accelerators(template, chosen_layers(problem.specification, heaviest))
    area = CONFIG.budgets.area_mm2
    fastest = prices.costs["latency_ms"][prices.feasible(Budgets(area_mm2=area))].min()
    limited = _limited(problem, latency_ms=0.97 * float(fastest), area_mm2=area)
    nearest = nearest_accelerator(template, prices, limited.budgets)
    assert nearest is not None
    excess = log_excess(limited, template, chosen_layers(problem.specification, heaviest), nearest)
    assert excess["latency_ms"] == pytest.approx(-np.log(0.97))
    assert excess["area_mm2"] <= 0
    derived = derive(limited, template, _nearly_sure(problem, heaviest), tmp_path / "accelerators.npz")
    assert derived.most_likely == heaviest
    assert derived.standing.rank is not None
    assert float(derived.cost.latency_s) * 1e3 <= limited.budgets.latency_ms
    assert float(derived.cost.area_mm2) <= area
    assert any(derived.design[name] != heaviest[name] for name in _network(problem))
    # The baseline, which was most likely, is not fast enough.
    assert derived.refused is not None
    assert derived.refused[0] == problem.target.baseline
    assert nearest_accelerator(template, prices, Budgets(latency_ms=1.0, area_mm2=1e-3)) is None
