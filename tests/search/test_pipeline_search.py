"""The differentiable search of FPGA pipelines against the certified optimum."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware.fpga import evaluate_pipeline
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import read_networks
from dna_jax.search import Limits, PipelineSearchConfig, certified_optimum, evaluations_per_step, search_pipelines
from dna_jax.search.pipeline_arrays import allocations, design_of, pipeline_arrays, sampled_costs
from dna_jax.search.pipeline_search import PipelineSearch
from dna_jax.search.recombination import recombine
from dna_jax.spaces import as_released, boundary_name, chunks_of, fpga_pipeline_space
from dna_jax.workload import elementwise

NETWORKS = {network.name: network for network in read_networks(THIRD_PARTY / "auto_nba" / "dna_networks.json")}
SPACE = fpga_pipeline_space("cifar").fix(as_released("cifar"))
TIGHT = Limits(64, 140)


def _arrays(layers):
    """In the allocation of the release."""
    return jax.tree.map(lambda leaf: leaf[0], pipeline_arrays(layers, [SPACE]))


def test_arrays_price_what_the_whole_pipeline_costs():
    layers = NETWORKS["demo"].layers
    arrays = _arrays(layers)
    keys = jax.random.split(jax.random.key(0), 20)
    noise = jax.vmap(lambda key: jax.random.gumbel(key, arrays.is_option.shape))(keys)
    options = jnp.argmax(jnp.where(arrays.is_option, noise, -jnp.inf), axis=-1)
    points = jax.nn.one_hot(options, arrays.is_option.shape[-1])
    for model in ("released", "corrected"):
        costs = np.asarray(sampled_costs(arrays, points, model))
        for row, drawn in zip(costs, np.asarray(options), strict=True):
            _, whole = evaluate_pipeline(layers, design_of(SPACE, drawn), model)
            np.testing.assert_allclose(row[:, 0].max(), whole.cycles, rtol=1e-5)
            assert row[:, 1].sum() == whole.dsp
            assert row[:, 2].sum() == whole.bram


@pytest.mark.slow
def test_the_default_search_comes_within_a_twentieth_of_the_optimum():
    """At the tightest limits, in both models and modes; what is found is priced whole, in float64."""
    # Fixed modes of the corrected model leave the fewest pipelines that fit: learning too fast finds none.
    for name, model, mode in (
        ("demo", "corrected", "free"),
        ("cifar_skip1", "released", "fixed"),
        ("demo", "corrected", "fixed"),
        ("cifar_rand1", "corrected", "fixed"),
    ):
        network = NETWORKS[name]
        layers = network.released_layers if model == "released" else network.layers
        space = SPACE.fix(as_released("cifar", mode=mode == "fixed"))
        optimum = certified_optimum(layers, space, TIGHT, model)
        found = search_pipelines(layers, space, TIGHT, PipelineSearchConfig(), range(4), model)
        for run in found:
            assert run.design is not None
            _, whole = evaluate_pipeline(layers, run.design, model)
            assert whole.dsp <= TIGHT.dsp
            assert whole.bram <= TIGHT.bram
            assert float(whole.fps) == pytest.approx(run.fps)
            # What the search tracked, in float32, is the design that it returns.
            assert run.history[-1] == pytest.approx(run.fps, rel=1e-5)
            assert 0.95 * optimum.fps <= run.fps <= optimum.fps * (1 + 1e-9)
            assert np.all(np.diff(run.history) >= 0)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "limits"), [("cifar_skip1", Limits(64, 120)), ("cifar_rand0", Limits(50, 110))])
def test_where_hardly_anything_fits_the_default_search_finds_what_does(name, limits):
    """What fits is many times slower than the fastest chunks drawn, which does not rule it out."""
    layers, space = NETWORKS[name].layers, SPACE.fix(as_released("cifar", mode=True))
    optimum = certified_optimum(layers, space, limits)
    assert optimum.design is not None
    for run in search_pipelines(layers, space, limits, PipelineSearchConfig(), range(6)):
        assert 0.95 * optimum.fps <= run.fps <= optimum.fps * (1 + 1e-9)


@pytest.mark.slow
def test_the_allocation_is_searched_where_it_is_left_open():
    layers, space, limits = NETWORKS["cifar_rand0"].layers, fpga_pipeline_space("cifar"), Limits(220, 280)
    config = PipelineSearchConfig(steps=100)
    optimum = certified_optimum(layers, space, limits)
    held = certified_optimum(layers, SPACE, limits)
    # Another allocation than that of the release is worth something here.
    assert optimum.fps > 1.3 * held.fps
    run = search_pipelines(layers, space, limits, config, [0])[0]
    assert run.design is not None
    _, whole = evaluate_pipeline(layers, run.design)
    assert float(whole.fps) == pytest.approx(run.fps)
    assert max(0.95 * optimum.fps, held.fps) < run.fps <= optimum.fps * (1 + 1e-9)
    assert len(allocations(space)) == len(space[boundary_name(False)].options) * len(space[boundary_name(True)].options)
    assert evaluations_per_step(config, space) == len(allocations(space)) * evaluations_per_step(config, SPACE)
    # The best of all is at every step no worse than any.
    alone = search_pipelines(layers, SPACE, limits, config, [0])[0]
    assert np.all(run.history >= alone.history)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar_rand1", "demo"])
def test_by_learning_alone_the_optimum_is_neared_and_by_drawing_it_is_not(name):
    """At the default rates; what recombination finds does not tell whether the logits learn."""
    layers = NETWORKS[name].layers
    optimum, best = certified_optimum(layers, SPACE, TIGHT).fps, {}
    for estimator in ("random", "reinforce"):
        config = PipelineSearchConfig(estimator=estimator, recombined=False, steps=2000)
        best[estimator] = np.mean([run.fps for run in search_pipelines(layers, SPACE, TIGHT, config, range(4))])
    assert best["reinforce"] > 0.95 * optimum
    assert best["random"] < 0.75 * optimum


def test_seeds_are_independent_and_repeatable():
    layers = NETWORKS["cifar_small4"].layers
    config = PipelineSearchConfig(steps=5, samples=4)
    first, second, again = search_pipelines(layers, SPACE, Limits(900, 700), config, [1, 2, 1])
    assert first.design == again.design
    np.testing.assert_array_equal(first.history, again.history)
    assert not np.array_equal(first.history, second.history)


@pytest.mark.slow
def test_the_weight_of_the_slowest_chunk_grows_at_its_rate():
    arrays, limits, key = _arrays(NETWORKS["demo"].layers), jnp.array([900.0, 700.0]), jax.random.key(0)
    built = np.asarray(arrays.built)
    moved = {}
    for rate in (0.1, 0.3):
        search = PipelineSearch(PipelineSearchConfig(weight_rate=rate))
        state, _ = jax.jit(search.step)(arrays, limits, search.init(arrays), key)
        moved[rate] = np.asarray(state.log_weights)[built]
    # The largest is 0; the others fall by how much faster their chunks are, in logarithm, times the rate.
    assert moved[0.1].max() == 0
    assert moved[0.1].min() < -0.05
    np.testing.assert_allclose(moved[0.3], 3 * moved[0.1], rtol=1e-5)


def test_networks_of_one_family_share_a_compiled_program():
    search = PipelineSearch(PipelineSearchConfig(steps=2, samples=3))
    traced = jax.jit(chex.assert_max_traces(lambda arrays, keys: search.run(arrays, jnp.array([64.0, 140.0]), keys), n=1))
    keys = jax.random.split(jax.random.key(0), 2)
    arrays = [pipeline_arrays(NETWORKS[name].layers, [SPACE]) for name in ("demo", "cifar_rand0")]
    shapes = {each.standard.work.count.shape for each in arrays}
    assert len(shapes) == 1
    for each in arrays:
        traced(each, keys)


def test_recombination_keeps_the_limits_and_never_loses():
    generator = np.random.default_rng(0)
    improved = 0
    for _ in range(50):
        costs = generator.integers(1, 30, (6, 4, 3)).astype(np.float32)
        built = np.array([True, True, True, False])
        costs[:, 3] = 0
        limits = np.array([40.0, 40.0], np.float32)
        together = costs[:, :, 1:].sum(axis=1)
        fits = np.all(together <= limits, axis=1)
        best = np.where(fits, costs[:, :, 0].max(axis=1), np.inf).min()
        reached, chosen = recombine(jnp.asarray(costs), jnp.asarray(built), jnp.asarray(limits), jnp.asarray(best))
        if np.isfinite(reached):
            own = costs[np.asarray(chosen), np.arange(4)]
            assert own[:, 0].max() == reached
            assert np.all(own[:, 1:].sum(axis=0) <= limits)
            assert reached <= best
            improved += bool(reached < best)
    assert improved > 10


def test_a_chunk_without_layers_takes_no_part():
    """A network of 8-bit layers alone, in a space with chunks of three widths."""
    layers = NETWORKS["cifar_large8"].layers
    arrays = _arrays(layers)
    assert int(arrays.built.sum()) == 4
    assert len(arrays.built) == len(chunks_of(SPACE)) == 12
    run = search_pipelines(layers, SPACE, TIGHT, PipelineSearchConfig(steps=20), [0])[0]
    narrow = fpga_pipeline_space("cifar", (8,)).fix(as_released("cifar", (8,)))
    assert run.design is not None
    _, whole = evaluate_pipeline(layers, {name: run.design[name] for name, _ in narrow.sizes})
    assert float(whole.fps) == pytest.approx(run.fps)


@pytest.mark.slow
def test_limits_that_nothing_meets_end_without_a_design():
    run = search_pipelines(NETWORKS["demo"].layers, SPACE, Limits(4, 10), PipelineSearchConfig(steps=3), [0])[0]
    assert run.design is None
    assert run.fps == 0


def test_what_is_searched_by_the_price_of_neighbours_counts_them():
    config = PipelineSearchConfig(samples=2)
    assert evaluations_per_step(config, SPACE) == 2
    # Options of rows, columns, outputs, inputs and the compute mode but the one drawn.
    most = {}
    for decision in SPACE.free:
        knob = decision.name.rsplit(".")[-1]
        most[knob] = max(most.get(knob, 0), len(decision.options) - 1)
    assert len(most) == 5
    priced = dataclasses.replace(config, estimator="expectation")
    assert evaluations_per_step(priced, SPACE) == 2 * (1 + sum(most.values()))
    fixed = SPACE.fix(as_released("cifar", mode=True))
    assert evaluations_per_step(priced, fixed) == 2 * (1 + sum(most.values()) - most["parallel"])


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="Unknown estimator 'magic'"):
        PipelineSearchConfig(estimator="magic")
    with pytest.raises(ValueError, match="at least 2 samples"):
        PipelineSearchConfig(samples=1)
    with pytest.raises(ValueError, match="by_chunk=False has an effect with the estimator reinforce alone"):
        PipelineSearchConfig(estimator="expectation", by_chunk=False)
    with pytest.raises(ValueError, match="no chunk for a0q4"):
        search_pipelines(
            NETWORKS["cifar_small4"].layers, fpga_pipeline_space("cifar", (8,)), TIGHT, PipelineSearchConfig(), [0]
        )
    with pytest.raises(ValueError, match="No layer has weights"):
        search_pipelines([elementwise("add", 8, 4, 4)], SPACE, TIGHT, PipelineSearchConfig(), [0])
