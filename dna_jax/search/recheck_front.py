"""Following what a certificate states of one chunk: its front, design by design, and that it is complete."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from dna_jax.hardware.fpga import Model, evaluate_pipeline
from dna_jax.search.chunk_designs import Front, price_chunk_designs
from dna_jax.spaces import Chunk, Option, Space
from dna_jax.workload import Layer

SLACK = 1e-9
"""Relative: a sum of cycles in another order differs by rounding."""


def equal(one: float, other: float) -> bool:
    """Whether two numbers are the same but for rounding; false if one is no number."""
    return bool(abs(one - other) <= SLACK * abs(other))


def knob_names(chunk: Chunk, space: Space) -> list[str]:
    """The decisions of a chunk."""
    return [decision.name for decision in space.decisions if decision.name.split(".")[1] == chunk.name]


def foreign(design: Mapping[str, Option], names: Sequence[str], space: Space) -> list[str]:
    """Decisions that a design leaves out, has besides `names`, or decides as the space does not allow."""
    decided = {name for name in names if name in design and design[name] in space.allowed(name)}
    return sorted({*names, *design} - decided)


def _covered(costs: np.ndarray, front: np.ndarray) -> bool:
    """Whether every row of [D, 3] is met or undercut in all three by some row of the front."""
    unique = np.unique(costs, axis=0)
    covered = np.zeros(len(unique), bool)
    for row in front:
        covered |= np.all(row <= unique * (1 + SLACK), axis=1)
    return bool(covered.all())


def _ordered(costs: np.ndarray) -> bool:
    """Whether rows [F, 3] ascend in cycles and none is as good as another in all three."""
    better = np.all(costs[:, None] <= costs, axis=-1)
    return bool(np.all(np.diff(costs[:, 0]) >= 0) and better.sum() == len(costs))


def recheck_front(
    front: Front, chunk: Chunk, allocation: Mapping[str, Option], layers: Sequence[Layer], space: Space, model: Model
) -> list[str]:
    """What of the front of a chunk does not hold, a sentence each.

    Args:
      front: to check.
      chunk: whose it is.
      allocation: values of both `boundary_name` decisions, under which the chunk runs `layers`.
      layers: that it runs.
      space: of the pipeline.
      model: "released" or "corrected".
    """
    where = f"the chunk {chunk.name}"
    if front.costs.shape != (len(front.designs), 3) or not front.designs:
        return [f"The front of {where} has {len(front.designs)} designs for costs of the shape {front.costs.shape}."]
    names = knob_names(chunk, space)
    wrong = []
    count = math.prod(len(space.allowed(name)) for name in names)
    if front.enumerated != count:
        wrong.append(f"There are {count} designs of {where}, not {front.enumerated}.")
    for design, stated in zip(front.designs, front.costs, strict=True):
        strange = foreign(design, names, space)
        if strange:
            wrong.append(f"A design on the front of {where} is none of the space: see {', '.join(strange)}.")
            continue
        # As a pipeline of one chunk, by the function that prices a single design.
        _, cost = evaluate_pipeline(layers, {**allocation, **design}, model)
        priced = float(cost.cycles), float(cost.dsp), float(cost.bram)
        if not all(map(equal, stated, priced)):
            wrong.append(
                f"A design on the front of {where} takes {priced[0]:.1f} cycles, {priced[1]:g} DSP slices and "
                f"{priced[2]:g} block RAMs, not {stated[0]:.1f}, {stated[1]:g} and {stated[2]:g}."
            )
    if not _ordered(front.costs):
        wrong.append(f"The front of {where} does not ascend in cycles, or some design on it is as good as another in all.")
    if not _covered(price_chunk_designs(chunk, layers, space, model), front.costs):
        wrong.append(f"A design of {where} is better than its front.")
    return wrong
