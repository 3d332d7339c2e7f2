"""By how much the best FPGA pipeline slows down as the work of each of its chunks grows: what slopes by the network are.

A pipeline as it stands slows with the work of its slowest chunk alone. The best pipeline is built for its work: what one
chunk needs to keep up is taken from others, until some chunk is as fast as it can be built. Which of these binds is known
from the fronts of its certificate, without pricing anything again.
"""

import math

import numpy as np

from dna_jax.search.certified import Certificate, fastest
from dna_jax.spaces import Chunk, boundary_name

_FACTOR = 1.25
"""By which the work of a chunk grows and shrinks: designs are steps of up to two, which smaller differences fall between."""


def chunk_shares(optimum: Certificate) -> dict[Chunk, float]:
    """Relative increase of the least cycles from image to image for a relative increase of the work of each chunk.

    Central differences of the optimum itself, under the allocation of the optimum. More work on all chunks takes as much
    more time, and so the shares are made to add up to 1.

    Args:
      optimum: with a design.

    Returns:
      A share for each chunk that has layers, in [0, 1]; they sum to 1.
    """
    assert optimum.design is not None, "nothing fits the limits"
    assert optimum.fronts, "there is nothing to run"
    boundaries = {depthwise: int(optimum.design[boundary_name(depthwise)]) for depthwise in (False, True)}
    fronts = {
        chunk: front.costs for (chunk, boundary), front in optimum.fronts.items() if boundary == boundaries[chunk.depthwise]
    }

    def log_cycles(changed: Chunk, factor: float) -> float:
        scaled = [costs * np.array([factor, 1, 1]) if chunk == changed else costs for chunk, costs in fronts.items()]
        found = fastest(scaled, optimum.limits)
        assert found is not None, "what a chunk uses does not depend on how often it is used"
        return math.log(found[0])

    factor = _FACTOR
    while True:
        changes = {chunk: log_cycles(chunk, factor) - log_cycles(chunk, 1 / factor) for chunk in fronts}
        total = sum(changes.values())
        if total > 0:
            return {chunk: change / total for chunk, change in changes.items()}
        # There may be a step between designs on either side; somewhere beyond, the work of some chunk tells.
        factor *= factor
