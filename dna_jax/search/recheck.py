"""Following a certificate of an optimum, by other means than it was found with."""

import collections
import itertools
from collections.abc import Sequence

import numpy as np

from dna_jax.hardware.fpga import Model, allocate, evaluate_pipeline
from dna_jax.search.certified import Certificate, Limits
from dna_jax.search.chunk_designs import price_chunk_designs
from dna_jax.spaces import Chunk, Option, Space, boundary_name
from dna_jax.workload import Layer

_UNITS = 16
"""DSP slices are counted in sixteenths: narrow multipliers of the released model share one."""

_SLACK = 1e-9
"""Relative: a sum of cycles in another order differs by rounding."""


def least_bram(fronts: Sequence[np.ndarray], dsp: float) -> float:
    """Least block RAMs of a choice of one row per front [F, 3] within a number of DSP slices; infinite if there is none.

    A table over every number of DSP slices, where the search keeps a list of the best sums.
    """
    size = int(dsp * _UNITS)
    table = np.zeros(size + 1)
    for front in fronts:
        reached = np.full(size + 1, np.inf)
        for _, slices, bram in front:
            units = round(slices * _UNITS)
            if units <= size:
                reached[units:] = np.minimum(reached[units:], table[: size + 1 - units] + bram)
        table = reached
    return float(table[size])


def _covered(costs: np.ndarray, front: np.ndarray) -> bool:
    """Whether every row of [D, 3] is met or undercut in all three by some row of the front."""
    unique = np.unique(costs, axis=0)
    covered = np.zeros(len(unique), bool)
    for row in front:
        covered |= np.all(row <= unique * (1 + _SLACK), axis=1)
    return bool(covered.all())


def recheck(certificate: Certificate, layers: Sequence[Layer], space: Space, model: Model = "corrected") -> list[str]:
    """What of a certificate does not hold, a sentence each; nothing if the optimum is proven.

    The optimal design is priced again as a whole; every design of every chunk is priced again and compared with the fronts;
    that nothing faster fits is shown by another algorithm than it was found with.

    Args:
      certificate: to check.
      layers, space, model: for which it was made.
    """
    wrong: list[str] = []
    limits: Limits = certificate.limits
    if certificate.design is not None and certificate.cycles is not None:
        _, cost = evaluate_pipeline(layers, certificate.design, model)
        if abs(float(cost.cycles) - certificate.cycles) > _SLACK * certificate.cycles:
            wrong.append(f"The design takes {float(cost.cycles):.1f} cycles an image, not {certificate.cycles:.1f}.")
        if cost.dsp > limits.dsp or cost.bram > limits.bram:
            wrong.append(f"The design uses {float(cost.dsp):g} DSP slices and {float(cost.bram):g} block RAMs, too many.")
    names = boundary_name(False), boundary_name(True)
    options = [[space.fixed[name]] if name in space.fixed else list(space[name].options) for name in names]
    checked: collections.Counter[tuple[Chunk, int]] = collections.Counter()
    for pair in itertools.product(*options):
        allocation: dict[str, Option] = dict(zip(names, pair, strict=True))
        faster = []
        for chunk, own in allocate(layers, allocation).items():
            key = (chunk, int(pair[chunk.depthwise]))
            if key not in certificate.fronts:
                wrong.append(f"There is no front of the chunk {chunk.name} with large maps from {key[1]} rows.")
                continue
            front = certificate.fronts[key].costs
            if not checked[key] and not _covered(price_chunk_designs(chunk, own, space, model).costs, front):
                wrong.append(f"A design of the chunk {chunk.name} is better than its front.")
            checked[key] += 1
            below = np.inf if certificate.cycles is None else certificate.cycles * (1 - _SLACK)
            faster.append(front[front[:, 0] < below])
        if all(len(front) for front in faster) and least_bram(faster, limits.dsp) <= limits.bram and certificate.cycles != 0:
            wrong.append(f"A faster pipeline fits, with large maps from {pair[0]} and {pair[1]} rows.")
    return wrong
