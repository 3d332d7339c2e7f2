"""Multi-trial runs: prices, what the summary counts, and a search that goes on where it was."""

import dataclasses

import jax
import numpy as np
import pytest

from dna_jax.networks import chosen_layers
from dna_jax.runs import multi_trial
from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.directory import RunDirectory, as_json, read_metrics
from dna_jax.runs.multi_trial import answer, costs_of_designs, network_accuracy, search_by_trials, trial_figures, trial_seed
from dna_jax.runs.plots import plot_trials
from dna_jax.runs.problem import build_problem
from dna_jax.search import Budgets, discrete_cost
from dna_jax.search.strategies import PpoConfig
from experiments.configs import nahas_multitrial


@pytest.fixture(scope="module")
def problem():
    """The smoke run under budgets that some random designs meet, with more updates."""
    config = from_mapping(CosearchConfig, nahas_multitrial.get_config("smoke").to_dict())
    tried = dataclasses.replace(config.search.multi_trial, trials=24, ppo=PpoConfig(batch=4))
    search = dataclasses.replace(config.search, multi_trial=tried)
    return build_problem(dataclasses.replace(config, search=search, budgets=Budgets(latency_ms=0.03, area_mm2=30.0)), None)


class Recorded:
    """A source of accuracies in the place of trainings: the share of kernels of 3, a little apart by seed."""

    def __init__(self):
        self.calls = []

    def accuracies(self, points, seeds):
        self.calls.append(list(seeds))
        rows = np.asarray(points.rows)[:, ::2, 0].mean(axis=1)
        return rows + 1e-4 * (np.array(seeds) % 7), np.ones(len(seeds))


@pytest.fixture(scope="module")
def price(problem):
    """Compiled once for all tests."""
    return costs_of_designs(problem)


@pytest.fixture
def source(monkeypatch, price):
    recorded = Recorded()
    monkeypatch.setattr(multi_trial, "costs_of_designs", lambda problem: price)
    monkeypatch.setattr(multi_trial, "make_training", lambda problem: recorded)
    return recorded


def _random_designs(space, count):
    return np.array(jax.vmap(space.sample)(jax.random.split(jax.random.key(1), count)).rows.argmax(axis=-1))


def test_prices_are_those_of_the_discrete_model(problem, price):
    space = problem.strategy.space
    designs = _random_designs(space, 4)
    costs, log_ratios = price(designs)
    for row, indices in enumerate(designs):
        design = space.design(indices)
        exact = discrete_cost(problem.target.template, chosen_layers(problem.specification, design), design)
        expected = {"latency_ms": exact.latency_s * 1e3, "energy_mj": exact.energy_j * 1e3, "area_mm2": exact.area_mm2}
        for name, value in expected.items():
            np.testing.assert_allclose(costs[name][row], value, rtol=1e-5)
        ratios = [np.log(expected[name] / limit) for name, limit in problem.budgets.items()]
        np.testing.assert_allclose(log_ratios[row, :-1], ratios, atol=1e-5)
        np.testing.assert_allclose(log_ratios[row, -1], np.log1p(exact.overflow_bytes / 1024), rtol=1e-5)
    # Other designs are priced by the same program.
    price(_random_designs(space, 8)[4:])
    assert price._cache_size() == 1


def test_every_trial_has_a_seed_of_its_own():
    seeds = {trial_seed(seed, trial) for seed in range(20) for trial in range(500)}
    assert len(seeds) == 20 * 500
    assert max(seeds) < 2**31


def _run(problem, folder):
    with RunDirectory(folder, as_json(problem.config)) as directory:
        trials = search_by_trials(problem, directory)
        return trials, trial_figures(problem, directory, trials), directory.path


@pytest.mark.slow
def test_a_search_that_is_interrupted_ends_as_one_that_is_not(problem, source, tmp_path):
    whole, figures, path = _run(problem, tmp_path / "whole")

    class Interrupted(Recorded):
        def accuracies(self, points, seeds):
            if len(self.calls) == 2:
                raise KeyboardInterrupt
            return super().accuracies(points, seeds)

    original, multi_trial.make_training = multi_trial.make_training, lambda problem: stopped
    stopped = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        _run(problem, tmp_path / "resumed")
    multi_trial.make_training = original
    source.calls.clear()
    resumed, again, other = _run(problem, tmp_path / "resumed")
    assert len(source.calls) == 4
    for one, two in zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True):
        np.testing.assert_array_equal(one, two)
    assert figures == again

    def without_time(folder):
        return [{k: v for k, v in line.items() if k != "wall_seconds"} for line in read_metrics(folder)["search"]]

    assert without_time(path) == without_time(other)


def test_the_summary_counts_what_was_tried(problem, source, tmp_path):
    trials, figures, path = _run(problem, tmp_path / "run")
    feasible = (trials.log_ratios <= 0).all(axis=1)
    assert sum(map(len, source.calls)) == figures["trials"] == figures["trained_networks"] == 24
    assert 0 < figures["feasible_trials"] == feasible.sum() < 24
    np.testing.assert_allclose(figures["feasible_share_by_quarter"], feasible.reshape(4, 6).mean(axis=1))
    # The answer is the most accurate that met every budget.
    best = np.argmax(np.where(feasible, trials.accuracy, -1))
    design = answer(problem, trials)
    assert design == problem.strategy.space.design(trials.designs[best])
    np.testing.assert_allclose(network_accuracy(problem.network_space, trials, design), trials.accuracy[best], rtol=1e-6)
    assert network_accuracy(problem.network_space, trials, problem.published) is None
    with np.load(path / "trials.npz") as file:
        np.testing.assert_array_equal(file["designs"], trials.designs)
        assert list(file["budgets"]) == ["latency_ms", "area_mm2"]
    plot_trials(read_metrics(path)["search"], dict(problem.budgets.items()), problem.config.search, path / "search.png")
    assert (path / "search.png").stat().st_size > 10_000
