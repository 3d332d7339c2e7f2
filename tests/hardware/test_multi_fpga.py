"""Pipelines of FPGAs: the paper's formulas by hand, how costs scale, limits, and the best pipeline against brute force."""

import dataclasses
import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.errors import OutOfReachError
from dna_jax.hardware.multi_fpga import (
    Board,
    BoardDesigns,
    best_pipeline,
    block_rams,
    board_designs,
    convolutions,
    cycles,
    deal_out,
    dsp_slices,
    port_splits,
    tile_sizes,
    zcu102,
)
from dna_jax.workload import Layer

SMALL = Board("small", dsp=12, bram=40, clock_hz=1e6, port_bits=128, ports=8)
LAYERS = (
    Layer("a", K=4, C=3, P=4, Q=4, R=3, S=3),
    Layer("b", K=3, C=4, P=2, Q=2),
    Layer("c", K=5, C=3, P=2, Q=2, R=5, S=5),
)


def _design(*values: float) -> BoardDesigns:
    return BoardDesigns(*(jnp.asarray(value, jnp.float32) for value in values))


def _one(layer: Layer):
    arrays = convolutions([layer])
    return type(arrays)(**{name: values[0] for name, values in vars(arrays).items()})


def _cycles(layer: Layer, design: BoardDesigns) -> float:
    return float(cycles(_one(layer), design))


def _by_hand(layer: Layer, tm, tn, tr, tc, i, w, o) -> float:
    """The paper's formulas with Python's numbers."""
    lat1 = max(tn * tr * tc / i, tm * tn * layer.R**2 / w, layer.R**2 * tr * tc)
    lat2 = max(math.ceil(layer.C / tn) * lat1, tm * tr * tc / o)
    return layer.N * math.ceil(layer.P / tr) * math.ceil(layer.Q / tc) * math.ceil(layer.K / tm) * lat2


def test_cycles_where_each_bound_holds():
    layer = Layer("x", K=64, C=48, P=16, Q=16, R=3, S=3)
    # 1 * 2 * 2 * 4 tiles of outputs, 6 tiles of inputs each; computing takes 9 * 64, loading 128 or 256, storing 128.
    assert _cycles(layer, _design(16, 8, 8, 8, 4, 4.5, 8)) == 16 * 6 * 576
    # Loading inputs takes 8 * 64 / 0.5, weights 16 * 8 * 9 / 1, storing 16 * 64 / 0.1.
    assert _cycles(layer, _design(16, 8, 8, 8, 0.5, 4, 8)) == 16 * 6 * 1024
    assert _cycles(layer, _design(16, 8, 8, 8, 4, 1, 8)) == 16 * 6 * 1152
    np.testing.assert_allclose(_cycles(layer, _design(16, 8, 8, 8, 4, 4, 0.125)), 16 * 8192)


def test_how_cycles_scale():
    layer = Layer("x", K=32, C=32, P=16, Q=16, R=3, S=3)
    design = _design(8, 8, 8, 8, 8, 16, 8)
    base = _cycles(layer, design)
    for changes, factor in (({"K": 64}, 2), ({"C": 64}, 2), ({"P": 32}, 2), ({"Q": 48}, 3), ({"N": 5}, 5)):
        assert _cycles(dataclasses.replace(layer, **changes), design) == factor * base
    # Bound by computing, cycles are MACs over multipliers.
    assert base == layer.macs / 64
    # Twice the multipliers halve them as long as computing is the bound.
    assert _cycles(layer, _design(16, 8, 8, 8, 8, 18, 16)) == base / 2


def test_resources():
    design = _design(16, 8, 13, 13, 8, 16, 8)
    board = zcu102()
    # 169 * 16 bits are a block; 49 * 16 bits are one, 49 * 32 * 12 are two.
    assert block_rams(jnp.asarray(49.0), design, board) == 2 * 8 + 2 * 16 + 16 * 8
    assert block_rams(jnp.asarray(1200.0), design, board) == 2 * 8 + 2 * 16 + 16 * 8 * 2
    assert block_rams(jnp.asarray(1.0), _design(16, 8, 32, 64, 8, 16, 8), board) == 2 * (16 + 8) * 2 + 16 * 8
    assert dsp_slices(design, board) == 128
    assert dsp_slices(design, zcu102(bits=32)) == 640
    assert (board.words_per_port, zcu102(bits=32).words_per_port) == (4, 2)


def test_what_designs_are_made_of():
    assert list(tile_sizes([6, 4])) == [1, 2, 3, 4, 6]
    splits = port_splits(zcu102())
    # 7 * 6 / 2 ways to cut a row of eight ports twice.
    assert len(np.unique(splits, axis=0)) == len(splits) == 21
    np.testing.assert_allclose(splits.sum(axis=1), 32)
    assert splits.min() == 4
    designs = board_designs(zcu102(), [10, 64], [3, 64], [1, 8, 32])
    assert np.all(dsp_slices(designs, zcu102()) <= 2520)
    assert np.all(block_rams(jnp.ones(()), designs, zcu102()) <= 1824)
    assert np.all(np.diff(dsp_slices(designs, zcu102())) >= 0)


def _every_stage(layers, board):
    """Cycles and DSP slices of every design whatever, sizes of tiles not thinned out, that fits."""
    sides = range(1, max(layer.P for layer in layers) + 1)
    channels = range(1, board.dsp + 1)
    words_of_ports = [words for words in itertools.product(range(1, 9), repeat=3) if sum(words) == 8]
    for tm, tn, tr, tc, words in itertools.product(channels, channels, sides, sides, words_of_ports):
        weights = tm * tn * max(math.ceil(layer.R**2 * board.bits / 18000) for layer in layers)
        buffers = 2 * (tm + tn) * math.ceil(tr * tc * board.bits / 18000)
        if tm * tn <= board.dsp and weights + buffers <= board.bram:
            yield sum(_by_hand(layer, tm, tn, tr, tc, *words) for layer in layers), tm * tn


@pytest.fixture(scope="module")
def brute_force():
    """Run of layers -> every (cycles, DSP slices) of a board with it."""
    return {
        (first, last): list(_every_stage(LAYERS[first : last + 1], SMALL)) for first in range(3) for last in range(first, 3)
    }


def _not_dominated(stages):
    """Least cycles for each number of DSP slices that takes fewer cycles than all smaller ones."""
    least, kept = math.inf, []
    for slices, cycles_ in sorted((slices, cycles_) for cycles_, slices in stages):
        if cycles_ < least:
            least = cycles_
            kept.append((cycles_, slices))
    return kept


@pytest.fixture(scope="module")
def every_pipeline(brute_force):
    """Number of boards -> every (cycles, DSP slices) of a pipeline of boards that are not dominated."""
    kept = {run: _not_dominated(stages) for run, stages in brute_force.items()}
    partitions = [[(0, 2)], [(0, 0), (1, 2)], [(0, 1), (2, 2)], [(0, 0), (1, 1), (2, 2)]]
    return {
        boards: [
            (max(c for c, _ in chosen), sum(d for _, d in chosen))
            for runs in partitions
            if len(runs) <= boards
            for chosen in itertools.product(*(kept[run] for run in runs))
        ]
        for boards in (1, 2, 3)
    }


@pytest.fixture(scope="module")
def designs():
    """Of the small board for the layers."""
    return board_designs(SMALL, [y.K for y in LAYERS], [y.C for y in LAYERS], [y.P for y in LAYERS])


@pytest.mark.parametrize("boards", [1, 2, 3])
def test_the_best_pipeline_is_that_of_brute_force(every_pipeline, designs, boards):
    least = min(c for c, _ in every_pipeline[boards])
    fewest = min(d for c, d in every_pipeline[boards] if c <= least * (1 + 1e-9))
    found = best_pipeline(LAYERS, designs, SMALL, boards, math.inf)
    np.testing.assert_allclose(found.cycles, least, rtol=1e-6)
    assert found.dsp == fewest
    assert len(found.stages) <= boards
    assert [name for stage in found.stages for name in stage.layers] == ["a", "b", "c"]
    for stage in found.stages:
        assert stage.dsp <= SMALL.dsp
        assert stage.bram <= SMALL.bram
        assert sum(stage.words) == 8
        layers = [layer for layer in LAYERS if layer.name in stage.layers]
        np.testing.assert_allclose(
            stage.cycles, sum(_by_hand(layer, *stage.tile, *stage.words) for layer in layers), rtol=1e-6
        )
    np.testing.assert_allclose(found.images_per_second, 1e6 / found.cycles)
    assert 0 < found.efficiency <= 1
    assert found.efficiency == pytest.approx(sum(y.macs for y in LAYERS) / (found.cycles * found.dsp))
    assert 0 < found.balance <= 1


@pytest.mark.parametrize("boards", [1, 2, 3])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8, 0.95])
def test_with_a_throughput_the_pipeline_is_the_most_efficient_that_has_it(every_pipeline, designs, boards, share):
    fastest = best_pipeline(LAYERS, designs, SMALL, boards, math.inf)
    required = share * fastest.images_per_second
    found = best_pipeline(LAYERS, designs, SMALL, boards, required)
    allowed = [(c, d) for c, d in every_pipeline[boards] if c <= SMALL.clock_hz / required]
    product, cycles_, slices = min((round(c * d, 3), c, d) for c, d in allowed)
    np.testing.assert_allclose(found.cycles * found.dsp, product, rtol=1e-6)
    np.testing.assert_allclose((found.cycles, found.dsp), (cycles_, slices), rtol=1e-6)
    assert found.images_per_second >= required
    # A throughput that is just reached is reached.
    assert best_pipeline(LAYERS, designs, SMALL, boards, found.images_per_second) == found
    assert found.efficiency >= fastest.efficiency


def test_less_throughput_is_never_less_efficient(designs):
    fastest = best_pipeline(LAYERS, designs, SMALL, 3, math.inf)
    found = [best_pipeline(LAYERS, designs, SMALL, 3, share * fastest.images_per_second) for share in (0.01, 0.1, 0.4, 0.7)]
    efficiencies = [pipeline.efficiency for pipeline in found]
    assert efficiencies == sorted(efficiencies, reverse=True)
    assert efficiencies[0] > fastest.efficiency


def test_more_boards_are_never_slower_and_one_takes_the_sum_of_its_layers(designs):
    found = [best_pipeline(LAYERS, designs, SMALL, boards, math.inf) for boards in (1, 2, 3)]
    assert found[0].cycles >= found[1].cycles >= found[2].cycles
    assert (found[0].balance, len(found[0].stages)) == (1.0, 1)
    alone = [best_pipeline([layer], designs, SMALL, 1, math.inf).cycles for layer in LAYERS]
    # One design for all layers is at best as good as one for each; as many boards as layers have just that.
    assert found[0].cycles >= sum(alone)
    np.testing.assert_allclose(found[2].cycles, max(alone), rtol=1e-6)


def test_layers_are_dealt_out_at_least_cost():
    generator = np.random.default_rng(0)
    costs = np.where(np.tri(6, k=-1) > 0, np.inf, generator.uniform(1, 2, (3, 6, 6)))
    for join, total in ((np.maximum, max), (np.add, sum)):
        for boards in (1, 3, 6, 8):
            dealt = deal_out(costs, boards, join)
            for index, cost in enumerate(costs):
                options = []
                for cuts in range(min(boards, 6)):
                    for places in itertools.combinations(range(1, 6), cuts):
                        runs = [(a, b - 1) for a, b in itertools.pairwise([0, *places, 6])]
                        options.append((total(cost[run] for run in runs), runs))
                assert dealt.cost[index] == pytest.approx(min(options)[0])
                assert (dealt.cost[index], dealt.runs(index)) in [(pytest.approx(value), way) for value, way in options]


def test_layers_that_no_board_takes_are_not_dealt_out():
    cost = np.where(np.tri(3, k=-1) > 0, np.inf, 1.0)
    cost[:, 2] = np.inf
    dealt = deal_out(cost[None], 3, np.add)
    assert (dealt.cost[0], dealt.runs(0)) == (np.inf, [])


def test_refusals():
    with pytest.raises(ValueError, match="bits must be one of 16, 32"):
        zcu102(bits=8)
    with pytest.raises(ValueError, match="ports must be at least 3"):
        dataclasses.replace(SMALL, ports=2)
    with pytest.raises(ValueError, match="whole words of 16 bits for each of 5 ports"):
        dataclasses.replace(SMALL, ports=5)
    with pytest.raises(ValueError, match="no dense convolution"):
        convolutions([Layer("depthwise", K=8, C=8, P=4, Q=4, groups=8)])
    tiny = dataclasses.replace(SMALL, bram=5)
    designs = board_designs(tiny, [4], [4], [4])
    with pytest.raises(OutOfReachError, match="block RAMs for every layer"):
        best_pipeline([Layer("large", K=4, C=4, P=4, Q=4, R=63, S=63)], designs, tiny, 1, math.inf)
    backwards = BoardDesigns(**{name: values[::-1] for name, values in vars(board_designs(SMALL, [4], [4], [4])).items()})
    with pytest.raises(ValueError, match="in the order of their DSP slices"):
        best_pipeline(LAYERS, backwards, SMALL, 1, math.inf)
    with pytest.raises(ValueError, match="No design fits"):
        board_designs(dataclasses.replace(SMALL, bram=3), [4], [4], [4])
