import numpy as np
import pytest

from dna_jax.search import Certificate, Limits, chunk_shares
from dna_jax.search.chunk_designs import Front
from dna_jax.spaces import Chunk, boundary_name

CHUNKS = tuple(Chunk(depthwise, large, 8) for depthwise in (False, True) for large in (False, True))
ALLOCATION = {boundary_name(depthwise): "4" for depthwise in (False, True)}


def optimum(costs, limits):
    """Of chunks with these fronts, [F, 3] each; other allocations have other fronts."""
    fronts = {(chunk, 4): Front(cost, ({},) * len(cost), len(cost)) for chunk, cost in zip(CHUNKS, costs, strict=False)}
    other = {(chunk, 8): Front(cost[:1] * 100, ({},), 1) for chunk, cost in zip(CHUNKS, costs, strict=False)}
    return Certificate(1.0, dict(ALLOCATION), 0.0, 0.0, limits, 0.0, fronts | other, 0)


def inverse(work, least=1e-9):
    """Designs from slow to fast, of as many DSP slices as their cycles go into the work."""
    cycles = np.geomspace(1, 1000, 4000)
    cycles = cycles[cycles >= least]
    return np.stack([cycles, work / cycles, np.ones_like(cycles)], axis=1)


def test_chunks_that_compete_share_by_what_they_need():
    """The least T with sum w_a / T = R is sum w_a / R: the share of chunk a is w_a over the sum."""
    shares = chunk_shares(optimum([inverse(100.0), inverse(300.0), inverse(600.0)], Limits(10, 100)))
    assert list(shares) == list(CHUNKS[:3])
    np.testing.assert_allclose(list(shares.values()), [0.1, 0.3, 0.6], atol=0.01)


def test_a_chunk_that_cannot_be_built_faster_has_the_whole_slope():
    shares = chunk_shares(optimum([inverse(100.0), inverse(300.0, least=200.0)], Limits(1000, 100)))
    np.testing.assert_allclose(list(shares.values()), [0, 1], atol=1e-12)


def test_a_step_between_designs_is_looked_beyond():
    # The slow designs of both fit together. Neither a quarter more work nor a quarter less of one chunk matters to either.
    costs = np.array([[1.0, 10, 1], [10.0, 1, 1]])
    alone = chunk_shares(optimum([costs, np.array([[10.0, 1, 1]])], Limits(11, 100)))
    assert sum(alone.values()) == pytest.approx(1)
    assert alone[CHUNKS[1]] == 1
    both = chunk_shares(optimum([np.array([[10.0, 1, 1], [8.0, 2, 1]])] * 2, Limits(3, 100)))
    np.testing.assert_allclose(list(both.values()), 0.5)
