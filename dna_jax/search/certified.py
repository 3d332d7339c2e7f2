"""The fastest FPGA pipeline for a network under limits on DSP slices and block RAMs, with a certificate.

The throughput is set by the slowest chunk, and the limits are on sums over chunks: given a number of cycles that no chunk
may exceed, each chunk offers the points of its Pareto front within it, and whether some choice of one point each fits the
limits is a multiple-choice knapsack (Kellerer, Pferschy and Pisinger, Knapsack Problems, 2004, chapter 11) with two
constraints. So: enumerate every chunk, keep its front, and search the cycles of all fronts by bisection.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from dna_jax.hardware.fpga import CLOCK_HZ, Model, allocate
from dna_jax.search.chunk_designs import Front, chunk_front
from dna_jax.search.family_fronts import FamilyFronts
from dna_jax.spaces import Chunk, Design, Option, Space, boundary_name
from dna_jax.workload import Layer


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a device offers.

    Attributes:
      dsp: DSP slices.
      bram: block RAMs of 18 Kb.
    """

    dsp: float
    bram: float

    def __post_init__(self) -> None:
        if not (self.dsp > 0 and self.bram > 0):
            raise ValueError(f"Limits must be positive, not {self.dsp:g} DSP slices and {self.bram:g} block RAMs.")


DEVICES = {
    # Zynq-7000 XC7Z045 (ZC706 board) as the release limits it: all of its 900 DSP slices, 700 of its 1,090 block RAMs.
    "zc706": Limits(900, 700),
    # Zynq UltraScale+ XCZU9EG (ZCU102 board), AMD data sheet DS891: 2,520 DSP slices, 912 block RAMs of 36 Kb.
    "zcu102": Limits(2520, 1824),
    # Zynq UltraScale+ XCZU3EG (Ultra96 board), the same data sheet: 360 DSP slices, 216 block RAMs of 36 Kb.
    "ultra96": Limits(360, 432),
}
"""Boards by name."""


@dataclasses.dataclass(frozen=True)
class Certificate:
    """An optimum, and what shows that there is none better; `experiments.optimum` writes it, `recheck` follows it.

    Attributes:
      cycles: of the slowest chunk; None where nothing fits the limits.
      design: of the optimal pipeline, allocation included; None where nothing fits.
      dsp, bram: what it uses.
      limits: it had to meet.
      bound_cycles: least cycles without limits.
      fronts: of every chunk under every allocation that was compared: (chunk, boundary) -> front.
      enumerated: designs of chunks that were compared.
    """

    cycles: float | None
    design: Design | None
    dsp: float
    bram: float
    limits: Limits
    bound_cycles: float
    fronts: Mapping[tuple[Chunk, int], Front]
    enumerated: int

    @property
    def fps(self) -> float:
        """Images a second; 0 where nothing fits."""
        if self.cycles is None:
            return 0.0
        return CLOCK_HZ / self.cycles if self.cycles else float("inf")


def _nondominated(used: np.ndarray) -> np.ndarray:
    """Indices of the pairs (DSP, block RAM) of [S, 2] that no other undercuts, by DSP."""
    order = np.lexsort((used[:, 1], used[:, 0]))
    bram = used[order, 1]
    before = np.minimum.accumulate(np.concatenate([[np.inf], bram[:-1]]))
    return order[bram < before]


def fit(fronts: Sequence[np.ndarray], cycles: float, limits: Limits) -> list[int] | None:
    """A choice of one row per front [F, 3] within a number of cycles that meets the limits together; None if there is none.

    Dynamic programming over chunks: of the sums of DSP slices and block RAMs reached so far only the best remain.
    """
    used, history = np.zeros((1, 2)), []
    for front in fronts:
        rows = np.flatnonzero(front[:, 0] <= cycles)
        sums = (used[:, None] + front[rows, 1:]).reshape(-1, 2)
        inside = np.flatnonzero((sums[:, 0] <= limits.dsp) & (sums[:, 1] <= limits.bram))
        if not len(inside):
            return None
        kept = inside[_nondominated(sums[inside])]
        history.append((kept // len(rows), rows[kept % len(rows)]))
        used = sums[kept]
    chosen, state = [], 0
    for parents, rows in reversed(history):
        chosen.append(int(rows[state]))
        state = parents[state]
    return chosen[::-1]


def fastest(fronts: Sequence[np.ndarray], limits: Limits) -> tuple[float, list[int]] | None:
    """Least cycles of the slowest chunk within limits, and the row of each front that reaches it; None if nothing fits."""
    if not fronts:
        return 0.0, []
    # No pipeline is faster than its slowest chunk alone can be.
    least = max(front[0, 0] for front in fronts)
    steps = np.unique(np.concatenate([front[:, 0] for front in fronts]))
    steps = steps[steps >= least]
    low, high, best = 0, len(steps), None
    while low < high:
        middle = (low + high) // 2
        chosen = fit(fronts, steps[middle], limits)
        if chosen is None:
            low = middle + 1
        else:
            high, best = middle, (float(steps[middle]), chosen)
    return best


def certified_optimum(
    layers: Sequence[Layer],
    space: Space,
    limits: Limits,
    model: Model = "corrected",
    times: Sequence[float] | None = None,
    family_fronts: FamilyFronts | None = None,
) -> Certificate:
    """The pipeline of most images a second for a network.

    Args:
      layers: of the network.
      space: an `fpga_pipeline_space`, with what is fixed; free allocations are compared with each other.
      limits: of the device.
      model: "released" or "corrected".
      times: how often each layer is expected, for a network not yet decided (layers differ then); once by default.
      family_fronts: of a family of which the network is one, where many of them are to get their optima; by default every
        design is priced.
    """
    expected = dict.fromkeys(layers, 1.0) if times is None else dict(zip(layers, times, strict=True))
    boundaries = [[int(option) for option in space.allowed(boundary_name(depthwise))] for depthwise in (False, True)]
    fronts: dict[tuple[Chunk, int], Front] = {}

    def front_of(chunk: Chunk, boundary: int, own: Sequence[Layer]) -> Front:
        often = [expected[layer] for layer in own]
        if family_fronts is None:
            return chunk_front(chunk, own, space, model, often)
        return family_fronts.front(chunk, boundary, own, space, model, often)

    best: tuple[float, Design, np.ndarray] | None = None
    bound = np.inf
    for pair in itertools.product(*boundaries):
        allocation: dict[str, Option] = dict(zip((boundary_name(False), boundary_name(True)), pair, strict=True))
        keys = []
        for chunk, own in allocate(layers, allocation).items():
            key = chunk, pair[chunk.depthwise]
            keys.append(key)
            # The other kind of layers may have another boundary.
            if key not in fronts:
                fronts[key] = front_of(*key, own)
        costs = [fronts[key].costs for key in keys]
        bound = min(bound, max((cost[0, 0] for cost in costs), default=0.0))
        found = fastest(costs, limits)
        if found is not None and (best is None or found[0] < best[0]):
            design: Design = dict(allocation)
            used = np.zeros(2)
            for key, row in zip(keys, found[1], strict=True):
                design |= fronts[key].designs[row]
                used += fronts[key].costs[row, 1:]
            best = (found[0], design, used)
    enumerated = sum(front.enumerated for front in fronts.values())
    if best is None:
        return Certificate(None, None, 0.0, 0.0, limits, float(bound), fronts, enumerated)
    cycles, chosen, (dsp, bram) = best
    return Certificate(cycles, chosen, float(dsp), float(bram), limits, float(bound), fronts, enumerated)
