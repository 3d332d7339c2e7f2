"""What a run on FPGA pipelines tells of one: its cost, its layers, its chunks, and where it stands."""

from collections.abc import Mapping, Sequence

from dna_jax.hardware.fpga import CLOCK_HZ, ChunkCost, PipelineCost, allocate, is_priced, layer_costs
from dna_jax.spaces import Chunk, Design
from dna_jax.workload import Layer

COLUMNS = {"frame_ms": "time for an image (ms)", "dsp": "DSP slices", "bram": "block RAMs of 18 Kb"}
"""What the picture of a pipeline shows of every chunk."""

LAYER_HEADINGS = ("layer", "chunk", "cycles", "share of its chunk (%)")
"""Headings of `layer_table`."""

_EQUAL = 1e-9
"""Relative difference by which equal numbers of cycles differ at most, summed in another order."""


def cost_block(cost: PipelineCost) -> dict[str, float]:
    """The cost figures of summary.json."""
    return {
        "fps": float(cost.fps),
        "frame_ms": float(cost.cycles) / CLOCK_HZ * 1e3,
        "latency_ms": float(cost.latency_cycles) / CLOCK_HZ * 1e3,
        "dsp": float(cost.dsp),
        "bram": float(cost.bram),
    }


def layer_table(layers: Sequence[Layer], design: Design, chunks: Mapping[Chunk, ChunkCost]) -> list[list[str]]:
    """Per layer that a chunk runs, the columns of LAYER_HEADINGS."""
    chunk_by_name = {layer.name: chunk for chunk, own in allocate(layers, design).items() for layer in own}
    cycles = layer_costs(layers, design)
    rows = []
    for layer in filter(is_priced, layers):
        chunk = chunk_by_name[layer.name]
        own = cycles[layer.name]
        rows.append([layer.name, chunk.name, f"{own:.0f}", f"{100 * own / float(chunks[chunk].cycles):.1f}"])
    return rows


def chunk_table(chunks: Mapping[Chunk, ChunkCost]) -> dict[str, tuple[float, ...]]:
    """Per chunk, the values of COLUMNS."""
    return {
        f"{chunk.name}: {chunk.title}": (float(cost.cycles) / CLOCK_HZ * 1e3, float(cost.dsp), float(cost.bram))
        for chunk, cost in chunks.items()
    }


def is_optimal(gap: float | None) -> bool:
    """Whether a pipeline is as fast as the proven optimum; its gap is None where no pipeline fits."""
    return gap is not None and abs(gap) < _EQUAL


def standing_sentence(
    gap: float | None, carried: Mapping[str, float], budgets: Mapping[str, float], allocation_held: bool
) -> str:
    """Where a pipeline stands among all for its network.

    Args:
      gap: by how much longer than the proven optimum it takes, as a share of that; None where no pipeline fits.
      carried: cost of the pair that the search had carried.
      budgets: of the run, by cost.
      allocation_held: whether the optimum is that of the allocation of the release.
    """
    if gap is None:
        return "no pipeline fits the device with this network"
    place = "is proven optimal" if is_optimal(gap) else f"takes {1 + gap:.4g} times as long as the proven optimum"
    among = " in the allocation of the release" if allocation_held else ""
    beyond = "" if carried["dsp"] <= budgets["dsp"] and carried["bram"] <= budgets["bram"] else ", beyond the device"
    fps = f"{carried['fps']:.4g} images/s{beyond}"
    return f"the pipeline {place} for this network{among}; the search itself had carried one of {fps}"
