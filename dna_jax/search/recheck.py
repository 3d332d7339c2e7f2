"""Following a certificate of an optimum step by step, without trusting what it states."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from dna_jax.hardware.fpga import Model, allocate, evaluate_pipeline
from dna_jax.search.certified import Certificate
from dna_jax.search.recheck_front import SLACK, equal, foreign, knob_names, recheck_front
from dna_jax.spaces import Chunk, Option, Space, boundary_name
from dna_jax.workload import Layer

_UNITS = 16
"""DSP slices are counted in sixteenths: narrow multipliers of the released model share one."""

_BOUNDARIES = boundary_name(False), boundary_name(True)

Allocation = dict[str, Option]


def least_bram(fronts: Sequence[np.ndarray], dsp: float) -> float:
    """Least block RAMs of a choice of one row per front [F, 3] within a number of DSP slices; infinite if there is none.

    A table over every number of DSP slices, where the search keeps a list of the best sums.
    """
    # No choice needs more than the most of every front.
    most = sum(float(front[:, 1].max()) for front in fronts if len(front))
    size = int(min(dsp, most) * _UNITS)
    table = np.zeros(size + 1)
    for front in fronts:
        reached = np.full(size + 1, np.inf)
        for _, slices, bram in front:
            units = round(slices * _UNITS)
            if units <= size:
                reached[units:] = np.minimum(reached[units:], table[: size + 1 - units] + bram)
        table = reached
    return float(table[size])


def _recheck_nothing(certificate: Certificate) -> list[str]:
    """What does not hold of a certificate that states no design."""
    if certificate.cycles is None and certificate.dsp == certificate.bram == 0:
        return []
    return ["A certificate that nothing fits states cycles, DSP slices or block RAMs."]


def _recheck_design(certificate: Certificate, layers: Sequence[Layer], space: Space, model: Model) -> list[str]:
    """What does not hold of the optimal design, priced again as a whole."""
    design, cycles, limits = certificate.design, certificate.cycles, certificate.limits
    if design is None:
        return _recheck_nothing(certificate)
    if cycles is None:
        return ["The certificate states a design without its cycles."]
    strange = foreign({name: design[name] for name in _BOUNDARIES if name in design}, _BOUNDARIES, space)
    if not strange:
        names = [name for chunk in allocate(layers, design) for name in knob_names(chunk, space)]
        strange = foreign(design, [*_BOUNDARIES, *names], space)
    if strange:
        return [f"The design is none of the space: see {', '.join(strange)}."]
    _, cost = evaluate_pipeline(layers, design, model)
    wrong = []
    if not equal(cycles, float(cost.cycles)):
        wrong.append(f"The design takes {float(cost.cycles):.1f} cycles an image, not {cycles:.1f}.")
    if not (equal(certificate.dsp, float(cost.dsp)) and equal(certificate.bram, float(cost.bram))):
        wrong.append(
            f"The design uses {float(cost.dsp):g} DSP slices and {float(cost.bram):g} block RAMs, not {certificate.dsp:g} "
            f"and {certificate.bram:g}."
        )
    if cost.dsp > limits.dsp or cost.bram > limits.bram:
        wrong.append(
            f"The design uses {float(cost.dsp):g} DSP slices and {float(cost.bram):g} block RAMs, more than the limits of "
            f"{limits.dsp:g} and {limits.bram:g}."
        )
    return wrong


def _recheck_bounds(certificate: Certificate, allocations: Sequence[Sequence[tuple[Chunk, int]]]) -> list[str]:
    """What does not hold of the bound and of the optimum, by fronts that hold, for the chunks of every allocation."""
    costs = [[certificate.fronts[key].costs for key in keys] for keys in allocations]
    bound = min(max((float(cost[:, 0].min()) for cost in own), default=0.0) for own in costs)
    wrong = []
    if not equal(certificate.bound_cycles, bound):
        wrong.append(f"The fastest pipeline without limits takes {bound:.1f} cycles, not {certificate.bound_cycles:.1f}.")
    below = math.inf if certificate.cycles is None else certificate.cycles * (1 - SLACK)
    for keys, own in zip(allocations, costs, strict=True):
        faster = [cost[cost[:, 0] < below] for cost in own]
        fits = all(map(len, faster)) and least_bram(faster, certificate.limits.dsp) <= certificate.limits.bram
        if fits and below > 0:
            listed = ", ".join(f"{chunk.name} from {rows} rows" for chunk, rows in keys)
            wrong.append(f"A faster pipeline fits, of the chunks {listed}.")
    return wrong


def recheck(certificate: Certificate, layers: Sequence[Layer], space: Space, model: Model = "corrected") -> list[str]:
    """What of a certificate does not hold, a sentence each; nothing if the optimum is proven.

    The optimal design is priced again as a whole, and every design on a front by itself. That no design of a chunk is better
    than its front is shown with prices of all of them, by the function that the front was made with; it is the cost model
    that is trusted here, not the certificate. The bound follows from the fronts; that nothing faster fits is shown by
    another algorithm than it was found with. `fps` is no statement of its own: it follows from the cycles.

    Args:
      certificate: to check, for every layer run once.
      layers, space, model: for which it was made.
    """
    allocations: list[list[tuple[Chunk, int]]] = []
    needed: dict[tuple[Chunk, int], Allocation] = {}
    for pair in itertools.product(*(space.allowed(name) for name in _BOUNDARIES)):
        allocation = dict(zip(_BOUNDARIES, pair, strict=True))
        keys = [(chunk, int(pair[chunk.depthwise])) for chunk in allocate(layers, allocation)]
        allocations.append(keys)
        needed |= dict.fromkeys(keys, allocation)
    wrong: list[str] = []
    for (chunk, rows), allocation in needed.items():
        front = certificate.fronts.get((chunk, rows))
        if front is None:
            wrong.append(f"There is no front of the chunk {chunk.name} with large maps from {rows} rows.")
        else:
            own = allocate(layers, allocation)[chunk]
            wrong += recheck_front(front, chunk, allocation, own, space, model)
    # Nothing follows from fronts that do not hold.
    bounds = [] if wrong else _recheck_bounds(certificate, allocations)
    for chunk, rows in certificate.fronts.keys() - needed.keys():
        wrong.append(f"No layer runs on the chunk {chunk.name} with large maps from {rows} rows, which has a front.")
    enumerated = sum(front.enumerated for front in certificate.fronts.values())
    if certificate.enumerated != enumerated:
        wrong.append(f"The fronts are of {enumerated} designs of chunks, not {certificate.enumerated}.")
    return _recheck_design(certificate, layers, space, model) + wrong + bounds
