"""The space of FPGA pipelines of DNA: sub-accelerators ("chunks"), each for one kind, map size and width of layers.

Knobs and options are those of the release of Auto-NBA (Fu et al., ICML 2021, `config_search.py`); a tile and the part of it
that is unrolled are one decision here, "16/8", so that every design is valid. What the release holds fixed, the height of
map from which a layer counts as large, is a decision too: the allocation of layers to chunks.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence

import numpy as np

from dna_jax.spaces.decision import Decision, Option
from dna_jax.spaces.dna_network import WIDTHS
from dna_jax.spaces.space import Design, Space

STANDARD_MODES = ("output_channels", "channels", "rows")
DEPTHWISE_MODES = ("channels", "rows")
"""What a chunk computes side by side, in the order in which the release numbers its compute modes: output channels, output
and input channels, rows; channels, rows where it is for depthwise layers."""

KNOBS = ("rows", "columns", "outputs", "inputs")
"""Knobs of a chunk that choose a tile and its unrolled part; inputs are no choice where layers are depthwise."""

KINDS = ("standard", "depthwise")


@dataclasses.dataclass(frozen=True)
class Chunk:
    """A sub-accelerator.

    Attributes:
      depthwise: whether it runs depthwise convolutions, or all others.
      large: whether it runs those on large maps, or on small ones.
      bits: width of its operands.
    """

    depthwise: bool
    large: bool
    bits: int

    @property
    def name(self) -> str:
        """As the release names it: "dwa0q8" is for depthwise layers, large maps, 8 bits."""
        return f"{'dw' * self.depthwise}a{int(not self.large)}q{self.bits}"

    @property
    def title(self) -> str:
        """What it is for, in words: "depthwise, large maps, 8 bits"."""
        return f"{'depthwise, ' * self.depthwise}{'large' if self.large else 'small'} maps, {self.bits} bits"

    @classmethod
    def of(cls, name: str) -> "Chunk":
        """The chunk of a name; ValueError if it names none."""
        found = re.fullmatch(r"(dw)?a([01])q(\d+)", name)
        if not found:
            raise ValueError(f"{name!r} names no chunk; names are like a0q8 and dwa1q4.")
        return cls(found[1] is not None, found[2] == "0", int(found[3]))

    @property
    def modes(self) -> tuple[str, ...]:
        """Compute modes to choose from."""
        return DEPTHWISE_MODES if self.depthwise else STANDARD_MODES


@dataclasses.dataclass(frozen=True)
class PipelinePlan:
    """Options of the knobs for one size of images.

    Attributes:
      large_rows, small_rows: sizes of tile and unrolled part in rows and columns, for large and small maps.
      large_channels, small_channels: the same in channels.
      boundaries: heights of map from which a layer may count as large.
      boundary: the one of the release.
    """

    large_rows: tuple[int, ...]
    small_rows: tuple[int, ...]
    large_channels: tuple[int, ...]
    small_channels: tuple[int, ...]
    boundaries: tuple[int, ...]
    boundary: int


_UP_TO_8, _UP_TO_16, _UP_TO_32 = (1, 2, 4, 8), (1, 2, 4, 8, 16), (1, 2, 4, 8, 16, 32)

PLANS = {
    "cifar": PipelinePlan((1, 2, 4, 8, 16), (1, 2, 4), _UP_TO_8, _UP_TO_32, (8, 16, 32), 16),
    "imagenet": PipelinePlan((1, 2, 7, 14, 28), (1, 2, 7), _UP_TO_8, _UP_TO_32, (14, 28, 56), 28),
    "edd": PipelinePlan((1, 2, 7, 14, 28), (1, 2, 7), _UP_TO_16, _UP_TO_32, (14, 28, 56), 28),
    # Ours, for images of 8 x 8: the tiles of "cifar" at a quarter of its maps.
    "digits": PipelinePlan((1, 2, 4, 8), (1, 2, 4), _UP_TO_8, _UP_TO_32, (4, 8), 8),
}
"""Options by size of images."""


def plan_for(stride_plan: str) -> str:
    """The key of PLANS that suits the maps of networks of a stride plan."""
    return {"cifar_early": "cifar"}.get(stride_plan, stride_plan)


def _pairs(sizes: Iterable[int]) -> tuple[str, ...]:
    """Every tile with every unrolled part of it."""
    sizes = sorted(sizes)
    return tuple(f"{tile}/{unrolled}" for tile in sizes for unrolled in sizes if unrolled <= tile)


def tile_and_unrolled(option: Option) -> tuple[int, int]:
    """What an option "tile/unrolled" of a knob stands for."""
    tile, unrolled = map(int, str(option).split("/"))
    return tile, unrolled


def knob_name(chunk: Chunk, knob: str) -> str:
    """Name of a decision of a chunk: "parallel", "rows", "columns", "outputs" or "inputs"."""
    return f"accelerator.{chunk.name}.{knob}"


def tiles_and_unrolled(space: Space, chunks: Sequence[Chunk], width: int) -> tuple[np.ndarray, np.ndarray]:
    """What the options of KNOBS of some chunks stand for, tiles and unrolled parts, float32[A, 4, width] each; 1 beyond."""
    sizes = np.ones((2, len(chunks), len(KNOBS), width), np.float32)
    for a, chunk in enumerate(chunks):
        for k, knob in enumerate(KNOBS):
            if not (chunk.depthwise and knob == "inputs"):
                options = space[knob_name(chunk, knob)].options
                sizes[:, a, k, : len(options)] = np.array([tile_and_unrolled(option) for option in options]).T
    return sizes[0], sizes[1]


def boundary_name(depthwise: bool) -> str:
    """Name of the decision that allocates layers of a kind: the least height of the maps that count as large."""
    return f"accelerator.large_rows.{KINDS[depthwise]}"


def chunks_for(widths: Sequence[int]) -> tuple[Chunk, ...]:
    """The four chunks of every width."""
    return tuple(Chunk(depthwise, large, b) for b in widths for depthwise in (False, True) for large in (True, False))


def chunks_of(space: Space) -> tuple[Chunk, ...]:
    """The chunks of a pipeline space, in order."""
    names = [decision.name.split(".") for decision in space.decisions]
    return tuple(Chunk.of(parts[1]) for parts in names if parts[-1] == "parallel")


def chunk_decisions(plan: PipelinePlan, chunk: Chunk) -> tuple[Decision, ...]:
    """Decisions of one chunk. Depthwise ones have no inputs to choose: a channel has one."""
    rows = _pairs(plan.large_rows if chunk.large else plan.small_rows)
    channels = _pairs(plan.large_channels if chunk.large else plan.small_channels)
    knobs = {"parallel": chunk.modes, "rows": rows, "columns": rows, "outputs": channels}
    if not chunk.depthwise:
        knobs["inputs"] = channels
    return tuple(Decision(knob_name(chunk, knob), options) for knob, options in knobs.items())


def fpga_pipeline_space(plan: str = "cifar", widths: Sequence[int] = WIDTHS) -> Space:
    """Allocation, and compute mode, tiles and unrolling of every chunk.

    Args:
      plan: a key of PLANS.
      widths: of the operands that networks may have; each brings four chunks.

    Returns:
      A space of 9.4e49 designs for "cifar" and three widths: 1.0e49 for each of nine allocations.
    """
    options = PLANS[plan]
    allocation = tuple(Decision(boundary_name(depthwise), options.boundaries) for depthwise in (False, True))
    knobs = [decision for chunk in chunks_for(widths) for decision in chunk_decisions(options, chunk)]
    return Space(f"fpga_pipeline_{plan}", (*allocation, *knobs))


def baseline_pipeline(plan: str, widths: Sequence[int] = WIDTHS) -> Design:
    """A pipeline designed by rule, for others to be compared with: the largest tiles, four output channels by two input
    channels at a time, and the allocation of the release."""
    design: Design = {boundary_name(depthwise): PLANS[plan].boundary for depthwise in (False, True)}
    for chunk in chunks_for(widths):
        for decision in chunk_decisions(PLANS[plan], chunk):
            knob = decision.name.split(".")[-1]
            unrolled = {"rows": 1, "columns": 1, "outputs": 4, "inputs": 2}
            if knob == "parallel":
                design[decision.name] = "channels"
            else:
                largest, _ = tile_and_unrolled(decision.options[-1])
                design[decision.name] = f"{largest}/{unrolled[knob]}"
    return design


def as_released(plan: str, widths: Sequence[int] = WIDTHS, mode: bool = False, allocation: bool = True) -> Design:
    """What the release holds fixed: with `allocation` that of layers, with `mode` the compute mode of its configurations."""
    fixed: Design = {}
    if allocation:
        fixed |= {boundary_name(depthwise): PLANS[plan].boundary for depthwise in (False, True)}
    if mode:
        # Mode 1 of both kinds, though it stands for channels in one and for rows in the other.
        fixed |= {knob_name(chunk, "parallel"): chunk.modes[1] for chunk in chunks_for(widths)}
    return fixed
