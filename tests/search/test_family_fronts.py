"""Fronts of chunks from the few designs that are enough for a family, against all designs."""

import jax
import numpy as np
import pytest

from dna_jax.hardware.fpga import allocate
from dna_jax.networks import chosen_layers, dna_network, expected_layers, possible_layers
from dna_jax.search import FamilyFronts, Limits, certified_optimum, mean_point, optimum_for_expected, recheck
from dna_jax.search.chunk_designs import chunk_front
from dna_jax.search.family_fronts import enough_designs, unbeaten_rows
from dna_jax.spaces import as_released, boundary_name, dna_network_space, fpga_pipeline_space

LIMITS = Limits(220, 280)


@pytest.fixture(scope="module")
def family():
    return dna_network(width=0.25, image_size=16, classes=10)


@pytest.fixture(scope="module")
def fronts(family):
    return FamilyFronts(possible_layers(family))


def _networks(family, number):
    space, generator = dna_network_space(), np.random.default_rng(0)
    for _ in range(number):
        drawn = {d.name: d.options[generator.integers(len(d.options))] for d in space.decisions}
        yield chosen_layers(family, drawn)


def test_every_row_is_matched_by_one_that_is_kept_and_none_that_is_kept_by_another():
    generator = np.random.default_rng(0)
    for columns, rows in ((2, 300), (5, 300), (1, 20)):
        costs = generator.integers(1, 6, (rows, columns)).astype(float)
        kept = unbeaten_rows(costs)
        matched = np.all(costs[kept][None] <= costs[:, None], axis=-1)
        assert matched.any(axis=1).all()
        assert matched[kept].sum() == len(kept)
        # Of equal ones, the first.
        assert all((costs[row] != costs[:row]).any(axis=1).all() for row in kept)
    assert len(unbeaten_rows(np.ones((4, 3)))) == 1


@pytest.mark.parametrize("model", ["released", "corrected"])
def test_fronts_of_networks_are_those_of_all_designs(model, family, fronts):
    space, generator = fpga_pipeline_space("cifar").fix(as_released("cifar")), np.random.default_rng(1)
    allocation = {name: int(value) for name, value in space.fixed.items()}
    for layers in _networks(family, 2):
        # The released model has no group of several channels.
        priced = [layer for layer in layers if model == "corrected" or layer.groups in (1, layer.C)]
        for chunk, own in allocate(priced, allocation).items():
            times = list(generator.uniform(0.01, 3, len(own)))
            found = fronts.front(chunk, allocation[boundary_name(chunk.depthwise)], own, space, model, times)
            every = chunk_front(chunk, own, space, model, times)
            np.testing.assert_allclose(found.costs, every.costs, rtol=1e-12)
            assert found.enumerated == every.enumerated
            assert len(found.designs) == len(every.designs)


@pytest.mark.slow
def test_optima_are_those_of_all_designs_and_their_certificates_hold(family, fronts):
    space = fpga_pipeline_space("cifar")
    for layers in _networks(family, 2):
        found, every = (certified_optimum(layers, space, LIMITS, family_fronts=each) for each in (fronts, None))
        assert found.cycles == pytest.approx(every.cycles, rel=1e-12)
        assert (found.dsp, found.bram, found.enumerated) == (every.dsp, every.bram, every.enumerated)
        assert recheck(found, layers, space) == []


def test_expected_networks_have_the_optimum_of_all_designs(family, fronts):
    space, networks = fpga_pipeline_space("cifar").fix(as_released("cifar")), dna_network_space()
    for scale in (0.0, 2.0, 30.0):
        logits = scale * jax.random.normal(jax.random.key(0), networks.is_option.shape)
        layers, expected = expected_layers(family, mean_point(networks, logits))
        found, every = (optimum_for_expected(layers, expected, space, LIMITS, each) for each in (fronts, None))
        assert found.cycles == pytest.approx(every.cycles, rel=1e-12)
        assert (found.dsp, found.bram) == (every.dsp, every.bram)


@pytest.mark.slow
def test_few_designs_are_enough(family):
    space = fpga_pipeline_space("cifar")
    for boundary in (8, 16, 32):
        possible = allocate(possible_layers(family), {boundary_name(depthwise): boundary for depthwise in (False, True)})
        for chunk, layers in possible.items():
            enough = enough_designs(chunk, layers, space, "corrected")
            assert enough.enumerated in ({4500, 1512} if chunk.depthwise else {67_500, 47_628})
            assert len(enough.designs) <= 300


def test_what_is_held_is_not_taken_for_what_is_free(family, fronts):
    layers = next(_networks(family, 1))
    free = fpga_pipeline_space("cifar").fix(as_released("cifar"))
    held = free.fix(as_released("cifar", mode=True))
    slower, faster = (certified_optimum(layers, space, LIMITS, family_fronts=fronts).cycles for space in (held, free))
    assert slower == pytest.approx(certified_optimum(layers, held, LIMITS).cycles)
    assert slower > faster


def test_layers_of_other_families_are_refused(fronts):
    (other,) = _networks(dna_network(width=1.0, image_size=32, classes=10), 1)
    with pytest.raises(ValueError, match="No network of the family has"):
        certified_optimum(other, fpga_pipeline_space("cifar"), LIMITS, family_fronts=fronts)


def test_layers_of_another_chunk_are_refused(family, fronts):
    layers = next(_networks(family, 1))
    space = fpga_pipeline_space("cifar")
    chunks = allocate(layers, {boundary_name(depthwise): 16 for depthwise in (False, True)})
    large = next(chunk for chunk in chunks if chunk.large and not chunk.depthwise)
    with pytest.raises(ValueError, match=f"on the chunk {large.name}"):
        fronts.front(large, 32, chunks[large], space, "corrected")
