"""The space of ASIC pipelines of DNA (Zhang et al., 2020): sub-accelerators ("chunks"), each with its own array, memories,
dataflow and schedules, and the allocation of a network's layers to them.

The paper states the kinds of choices (array, memories and how operands share them, interconnect, loop order and tiling,
dataflow, allocation); the options are ours. They are such that every design is valid for operands of up to 16 bits: half of
the smallest buffer of an operand holds one element for each unit of the largest array.
"""

from collections.abc import Iterable, Sequence

from dna_jax.spaces.decision import Decision
from dna_jax.spaces.space import Design, Space

STYLES = ("nvdla", "shidiannao", "eyeriss")
"""What an array computes side by side: input channels by output channels, output rows by output columns, or kernel rows and
output channels by output rows."""

SCHEDULES = ("auto", "output_stationary", "weight_stationary", "input_stationary")
"""Which operand loops keep in place and tiles grow for first; with "auto" the mapper takes the best for every layer."""

LAYER_CLASSES = ("standard", "pointwise", "depthwise")
"""Classes of layers that have a schedule each."""

BANDWIDTH_GBPS = Decision("accelerator.bandwidth_gbps", (2, 4, 8, 16, 32))
"""GB/s between the chip and DRAM, of all chunks together."""

BANDWIDTH_WEIGHT = Decision("bandwidth_weight", (1, 2, 4, 8))
"""Of a chunk: its share of the bandwidth is its weight over the sum of those of all chunks that have layers."""

ARCHITECTURE_KNOBS = (
    Decision("rows", (4, 8, 12, 16, 24, 32)),
    Decision("columns", (4, 8, 12, 16, 24, 32)),
    Decision("interconnect_bytes", (4, 8, 16, 32, 64)),
    Decision("register_bytes", (32, 64, 128, 256)),
    Decision("register_split", ("2:2:4", "2:4:2", "4:2:2", "6:1:1")),
    Decision("buffer_kib", (32, 64, 128, 256, 512)),
    Decision("buffer_split", ("1:5:2", "2:2:4", "2:4:2", "3:3:2", "4:2:2", "5:1:2")),
)
"""What one chunk is built of: units in both directions, bytes per cycle between the buffer of each operand and the array,
bytes of registers in a unit, KiB of buffers, and how registers and buffers are split between weights, inputs and outputs."""

CHOICES = (Decision("style", STYLES), *(Decision(f"schedule.{name}", SCHEDULES) for name in LAYER_CLASSES))
"""How one chunk runs its layers."""


def chunk_name(chunk: int, knob: str) -> str:
    """Name of a decision of a chunk; chunks count from 1."""
    return f"accelerator.chunk_{chunk}.{knob}"


def allocation_name(group: str) -> str:
    """Name of the decision that gives a group of layers to a chunk."""
    return f"accelerator.allocation.{group}"


def allocated_groups(names: Iterable[str]) -> tuple[str, ...]:
    """Groups of layers that decisions of these names give to a chunk, in their order."""
    prefix = allocation_name("")
    return tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def split_fractions(option: str) -> tuple[float, ...]:
    """Fractions of a memory for weights, inputs and outputs; "4:2:2" is half, a quarter, a quarter."""
    parts = [float(part) for part in option.split(":")]
    return tuple(part / sum(parts) for part in parts)


def asic_pipeline_space(groups: Sequence[str], chunks: int = 3) -> Space:
    """Bandwidth, knobs of every chunk, and the chunk of every group of layers.

    Args:
      groups: names of groups of layers that stay together (`hardware.asic.group_names`).
      chunks: how many there are.

    Returns:
      The space: 66,355,200 designs of each chunk, 5 of the link, and `chunks` for each group. For three chunks and the 21
      groups of MobileNetV2 these are 1.5e34.

    Raises:
      ValueError: if there is no chunk, or no group.
    """
    if chunks < 1 or not groups:
        raise ValueError(f"A pipeline needs at least one chunk and one group of layers, not {chunks} and {len(groups)}.")
    numbers = tuple(range(1, chunks + 1))
    knobs = [
        Decision(chunk_name(chunk, knob.name), knob.options)
        for chunk in numbers
        for knob in (BANDWIDTH_WEIGHT, *ARCHITECTURE_KNOBS, *CHOICES)
    ]
    allocation = [Decision(allocation_name(group), numbers) for group in groups]
    return Space(f"asic_pipeline_{chunks}", (BANDWIDTH_GBPS, *knobs, *allocation))


def automatic_schedules(chunks: int = 3) -> Design:
    """The values that leave every schedule to the mapper, to be fixed."""
    return {chunk_name(chunk, f"schedule.{name}"): "auto" for chunk in range(1, chunks + 1) for name in LAYER_CLASSES}


def baseline_asic_pipeline(groups: Sequence[str], chunks: int = 3) -> Design:
    """The accelerator that others are compared with: the middle option of every size, arrays as in NVDLA, equal shares of
    the link, schedules left to the mapper, and groups in their order divided into equal numbers."""
    space = asic_pipeline_space(groups, chunks)
    design = {decision.name: decision.options[len(decision.options) // 2] for decision in space.decisions}
    for chunk in range(1, chunks + 1):
        design[chunk_name(chunk, BANDWIDTH_WEIGHT.name)] = BANDWIDTH_WEIGHT.options[0]
        design[chunk_name(chunk, "style")] = "nvdla"
    allocation = {allocation_name(group): 1 + i * chunks // len(groups) for i, group in enumerate(groups)}
    return design | automatic_schedules(chunks) | allocation
