"""Mappings in writing: the loop-nest notation of Timeloop and DOSA, read and printed.

Levels stand outermost first, separated by " - ": the level's name (or L and its number, 0 innermost), the operands it holds
in brackets, then its loops from the outermost to the innermost. A loop is a dimension and a factor; the suffix X (or Y and
Z, for further axes) marks a factor laid out over the fan-out below the level. For instance

    L3[WIO] C256 K64 - L2[WI] N1 K2X - L1[O] K4 R3 P14 C8X - L0[W] N1
"""

import re
from collections.abc import Sequence

import numpy as np

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.mapping import Mapping
from dna_jax.workload import DIMENSIONS

_AXES = "XYZUVT"
_HEAD = re.compile(r"(\w+)\[([WIO]*)\]")
_LOOP = re.compile(rf"([{''.join(DIMENSIONS)}])(\d+)([{_AXES}]?)")


def _fanouts_below(architecture: Architecture, level: int) -> list[int]:
    return [fanout for fanout, above in enumerate(architecture.fanout_level) if above == level]


def parse_mapping(text: str, architecture: Architecture) -> Mapping:
    """The mapping that `text` states, with NumPy float64 factors.

    Args:
      text: in the notation above; levels left out have no loops.
      architecture: whose level names, operands and fan-outs the text uses.

    Raises:
      ValueError: one sentence that names the piece that cannot be read.
    """
    names = architecture.level_names
    temporal = np.ones((len(names), len(DIMENSIONS)))
    spatial = np.ones((len(architecture.fanout_names), len(DIMENSIONS)))
    order = np.tile(np.arange(len(DIMENSIONS)), (len(names), 1))
    for part in text.split(" - "):
        head, *loops = part.split()
        match = _HEAD.fullmatch(head)
        numbered = {f"L{level}": level for level in range(len(names))}
        known = numbered | {name: level for level, name in enumerate(names)}
        if match is None or match[1] not in known:
            raise ValueError(
                f"Mapping: {head!r} names no level; write one of {[*names]} or L0 to L{len(names) - 1}, as L1[O]."
            )
        level = known[match[1]]
        if set(match[2]) != set(architecture.holds[level]):
            raise ValueError(
                f"Mapping: {head!r} does not hold what level {names[level]!r} holds, {architecture.holds[level]}."
            )
        inner_first: list[int] = []
        for loop in reversed(loops):
            found = _LOOP.fullmatch(loop)
            if found is None:
                raise ValueError(
                    f"Mapping: {loop!r} is no loop; write a dimension of {''.join(DIMENSIONS)}, a factor, X or Y."
                )
            dimension, factor = DIMENSIONS.index(found[1]), int(found[2])
            if not found[3]:
                if dimension in inner_first:
                    raise ValueError(f"Mapping: {found[1]} loops twice in {part!r}; a level has one loop a dimension.")
                inner_first.append(dimension)
                temporal[level, dimension] = factor
                continue
            fanouts = _fanouts_below(architecture, level)
            axis = _AXES.index(found[3])
            if axis >= len(fanouts):
                raise ValueError(
                    f"Mapping: {loop!r} stands at {names[level]!r}, which has {len(fanouts)} fan-outs below it."
                )
            spatial[fanouts[axis], dimension] *= factor
        rest = [d for d in range(len(DIMENSIONS)) if d not in inner_first]
        order[level] = [*inner_first, *rest]
    return Mapping(temporal, spatial, order)


def format_mapping(mapping: Mapping, architecture: Architecture) -> str:
    """One layer's mapping in the notation above; loops of one are left out."""

    def loops(row: np.ndarray, order: Sequence[int], suffix: str = "") -> list[str]:
        return [f"{DIMENSIONS[d]}{row[d]:.0f}{suffix}" for d in order if row[d] > 1]

    temporal, spatial, order = (np.asarray(x) for x in (mapping.temporal, mapping.spatial, mapping.order))
    parts = []
    for level in reversed(range(len(architecture.level_names))):
        words = [f"{architecture.level_names[level]}[{architecture.holds[level]}]"]
        words += loops(temporal[level], order[level][::-1])
        for fanout, axis in zip(_fanouts_below(architecture, level), _AXES, strict=False):
            words += loops(spatial[fanout], range(len(DIMENSIONS)), axis)
        parts.append(" ".join(words))
    return " - ".join(parts)
