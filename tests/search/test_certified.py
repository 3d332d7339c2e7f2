"""The certified optimum against brute force."""

import dataclasses
import itertools

import numpy as np
import pytest

from dna_jax.hardware.fpga import allocate, evaluate_pipeline
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import read_networks
from dna_jax.search import Limits, certified_optimum, recheck
from dna_jax.search.certified import fastest
from dna_jax.search.chunk_designs import DesignGrid, price_chunk_designs
from dna_jax.search.recheck import least_bram
from dna_jax.spaces import as_released, fpga_pipeline_space

NETWORKS = {network.name: network for network in read_networks(THIRD_PARTY / "auto_nba" / "dna_networks.json")}


def _space(mode="free"):
    return fpga_pipeline_space("cifar").fix(as_released("cifar", mode=mode == "fixed"))


def test_corrections_cost_what_they_do_in_an_independent_restatement():
    """Of the demo network, by a plain restatement of the corrected model: to the digits given there."""
    network, limits = NETWORKS["demo"], Limits(900, 700)
    free = certified_optimum(network.layers, _space(), limits, "corrected")
    assert free.fps == pytest.approx(340.1, abs=0.05)
    unlimited = certified_optimum(network.layers, _space(), Limits(1e9, 1e9), "corrected")
    assert unlimited.fps == pytest.approx(372.9, abs=0.05)
    # In the fixed mode the release's reading of the layers costs something, its model of the chunks nothing.
    released = certified_optimum(network.released_layers, _space("fixed"), limits, "released")
    corrected = certified_optimum(network.layers, _space("fixed"), limits, "corrected")
    assert released.fps == pytest.approx(176.80, abs=5e-3)
    assert corrected.fps / released.fps == pytest.approx(1.014, abs=5e-4)


@pytest.mark.parametrize("model", ["released", "corrected"])
def test_designs_of_a_chunk_priced_together_cost_what_each_costs_alone(model):
    """Any of them: what a certificate excludes depends on the price of those that are not on its fronts."""
    network, space = NETWORKS["cifar_rand1"], _space()
    layers = network.released_layers if model == "released" else network.layers
    allocated = allocate(layers, space.fixed)
    assert {chunk.depthwise for chunk in allocated} == {False, True}
    generator = np.random.default_rng(0)
    for chunk, own in allocated.items():
        costs, grid = price_chunk_designs(chunk, own, space, model), DesignGrid.of(space, chunk)
        for row in generator.integers(0, len(costs), 12):
            _, alone = evaluate_pipeline(own, {**space.fixed, **grid.design(int(row))}, model)
            np.testing.assert_allclose(costs[row], [alone.cycles, alone.dsp, alone.bram], rtol=1e-12)


def _fronts(generator, chunks, rows):
    """Random fronts: fast designs need more."""
    fronts = []
    for _ in range(chunks):
        cycles = np.sort(generator.integers(1, 50, rows).astype(float))
        fronts.append(np.stack([cycles, generator.integers(1, 40, rows), generator.integers(1, 40, rows)], axis=1))
    return fronts


def test_the_fastest_choice_is_that_of_brute_force():
    generator = np.random.default_rng(0)
    infeasible = 0
    for _ in range(60):
        fronts = _fronts(generator, 4, 5)
        limits = Limits(*generator.integers(30, 100, 2).astype(float))
        choices = [np.array(choice) for choice in itertools.product(*fronts)]
        fitting = [c[:, 0].max() for c in choices if c[:, 1].sum() <= limits.dsp and c[:, 2].sum() <= limits.bram]
        found = fastest([front[np.argsort(front[:, 0], kind="stable")] for front in fronts], limits)
        if not fitting:
            assert found is None
            infeasible += 1
            continue
        assert found is not None
        assert found[0] == min(fitting)
        chosen = np.array([front[row] for front, row in zip(fronts, found[1], strict=True)])
        assert chosen[:, 0].max() == found[0]
        assert np.all(chosen[:, 1:].sum(axis=0) <= [limits.dsp, limits.bram])
    assert 0 < infeasible < 60


def test_the_least_block_rams_are_those_of_brute_force():
    generator = np.random.default_rng(1)
    for _ in range(30):
        fronts = _fronts(generator, 3, 4)
        for front in fronts:
            front[:, 1] /= 8
        dsp = float(generator.integers(2, 12))
        sums = [np.sum(choice, axis=0) for choice in itertools.product(*fronts)]
        least = min((used[2] for used in sums if used[1] <= dsp), default=np.inf)
        assert least_bram(fronts, dsp) == least


@pytest.mark.parametrize("model", ["released", "corrected"])
def test_whole_pipelines_of_a_shrunken_space(model):
    """Every pipeline priced as a whole, by the function that prices one."""
    network = NETWORKS["cifar_large8"]
    layers = network.released_layers if model == "released" else network.layers
    space = fpga_pipeline_space("cifar", (8,)).fix(as_released("cifar", (8,)))
    kept = {"rows": ("4/1", "4/4"), "columns": ("4/4",), "outputs": ("2/2", "8/8"), "inputs": ("4/2",)}
    shrunken = []
    for decision in space.decisions:
        options = kept.get(decision.name.split(".")[-1])
        if decision.name.endswith(".parallel"):
            options = decision.options[1:]
        shrunken.append(dataclasses.replace(decision, options=options) if options else decision)
    space = dataclasses.replace(space, decisions=tuple(shrunken))
    priced = []
    for row in space.grid():
        _, cost = evaluate_pipeline(layers, space.design(row), model)
        priced.append((float(cost.fps), float(cost.dsp), float(cost.bram)))
    assert len(priced) == space.cardinality == 2**10
    fps, dsp, bram = np.array(priced).T
    seen = set()
    for share in (1, 0.6, 0.3, 0.1, 0):
        limits = Limits(float(np.quantile(dsp, share)), float(np.quantile(bram, share)) - 2 * (share == 0))
        fits = (dsp <= limits.dsp) & (bram <= limits.bram)
        found = certified_optimum(layers, space, limits, model)
        assert found.fps == pytest.approx(fps[fits].max() if fits.any() else 0, rel=1e-12)
        seen.add(round(found.fps, 6))
        assert recheck(found, layers, space, model) == []
    assert len(seen) > 2


def test_optimum_and_certificate_of_a_whole_network():
    layers = NETWORKS["demo"].layers
    found = {limits: certified_optimum(layers, _space(), limits) for limits in (Limits(900, 700), Limits(220, 280))}
    wide, narrow = found.values()
    assert wide.fps > narrow.fps > 0
    assert 200e6 / wide.bound_cycles >= wide.fps
    assert certified_optimum(layers, _space("fixed"), Limits(220, 280)).fps <= narrow.fps
    # Other allocations may only help.
    freed = fpga_pipeline_space("cifar")
    free = certified_optimum(layers, freed, Limits(220, 280))
    assert free.fps >= narrow.fps
    assert recheck(free, layers, freed) == []
    assert recheck(narrow, layers, _space()) == []
    # No design of a random pipeline beats it.
    generator = np.random.default_rng(2)
    for _ in range(30):
        indices = [generator.integers(len(decision.options)) for decision in _space().decisions]
        design = _space().design(np.array(indices)) | dict(_space().fixed)
        _, cost = evaluate_pipeline(layers, design)
        if cost.dsp <= 220 and cost.bram <= 280:
            assert cost.fps <= narrow.fps


def test_limits_that_nothing_meets():
    found = certified_optimum(NETWORKS["demo"].layers, _space("fixed"), Limits(5, 20))
    assert found.design is None
    assert found.fps == 0
    with pytest.raises(ValueError, match="Limits must be positive"):
        Limits(0, 10)
