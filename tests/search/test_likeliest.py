"""The most likely network within budgets: which decision gives way, and what that leads to."""

import dataclasses
import math
from typing import Any

import jax
import numpy as np
import pytest

from dna_jax.hardware.fpga import PipelinePricing, evaluate_pipeline
from dna_jax.networks import chosen_layers, dna_network
from dna_jax.search import Budgets, CoSearch, SearchConfig, likeliest_within
from dna_jax.search.likeliest import changes_by_loss
from dna_jax.spaces import Point, as_released, baseline_pipeline, dna_network_space, fpga_pipeline_space

BLOCKS = 4
ACCELERATOR = baseline_pipeline("digits", (4, 6, 8))
WHOLE = dna_network("digits", width=0.25, image_channels=1)
FAMILY = dataclasses.replace(WHOLE, blocks=WHOLE.blocks[:BLOCKS], head_channels=16)
NETWORKS = dataclasses.replace(dna_network_space(), decisions=dna_network_space().decisions[: 2 * BLOCKS])
PIPELINES = fpga_pipeline_space("digits").fix(as_released("digits"))


def _latency(network):
    return float(evaluate_pipeline(chosen_layers(FAMILY, network), network | ACCELERATOR)[1].latency_cycles)


def _within(limit, networks=NETWORKS) -> tuple[Any, Point]:
    """The network found on one accelerator with at most so many cycles, None where there is none; and the point."""
    strategy = CoSearch(SearchConfig(), FAMILY, PipelinePricing(PIPELINES), networks, PIPELINES, Budgets())
    point = strategy.space.sample_soft(jax.random.key(3))

    def judge(network):
        return network, ACCELERATOR, {"latency_ms": math.log(_latency(network) / limit)}

    return likeliest_within(strategy, point, judge), point


def test_changes_that_help_come_in_the_order_of_their_loss():
    likelihood = np.log([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.9, 0.1, 0.0001]])
    likelihood[1, 2] = -np.inf
    slopes = np.array([[5.0, 6.0, 1.0], [3.0, 2.0, 2.0], [9.0, 2.0, 9.0]])
    found = changes_by_loss(likelihood, slopes, np.zeros(3, int))
    assert [(change.decision, change.option, change.gain) for change in found] == [(1, 1, 1), (0, 2, 4), (2, 1, 7)]
    assert [change.loss for change in found] == pytest.approx([np.log(5 / 4), np.log(7), np.log(9)])
    assert changes_by_loss(likelihood, slopes, np.array([2, 1, 1])) == []


def test_a_network_within_its_budget_stays():
    found, point = _within(1e12)
    assert found == NETWORKS.restrict(NETWORKS.decode(point))


def test_where_one_change_is_enough_it_is_that_of_least_loss():
    likeliest, point = _within(1e12)
    singles = []
    for decision in NETWORKS.decisions:
        probabilities = np.asarray(point[decision.name])
        for option, probability in zip(decision.options, probabilities, strict=True):
            other = likeliest | {decision.name: option}
            if other != likeliest:
                singles.append((float(np.log(probabilities.max() / probability)), _latency(other), other))
    checked = set()
    for limit in (0.8 * _latency(likeliest), 0.9 * _latency(likeliest), 0.999 * _latency(likeliest)):
        expected = min((single for single in singles if single[1] <= limit), key=lambda single: single[0])[2]
        assert _within(limit)[0] == expected
        checked.add(tuple(expected.values()))
    assert len(checked) > 1


def test_many_decisions_give_way_where_they_must_and_fixed_ones_never():
    likeliest, _ = _within(1e12)
    smallest = {d.name: "skip" if "skip" in d.options else d.options[0] for d in NETWORKS.decisions}
    least = _latency(smallest)
    found, _ = _within(1.05 * least)
    assert _latency(found) <= 1.05 * least
    assert sum(found[name] != likeliest[name] for name in found) > 2
    held = {decision.name: decision.options[-2] for decision in NETWORKS.decisions[:4]}
    found, _ = _within(_latency(smallest | held) * 1.001, NETWORKS.fix(held))
    assert held.items() <= found.items()
    assert _within(0.5 * least)[0] is None
