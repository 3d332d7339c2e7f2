"""Parts of an FPGA pipeline, to be held at those of a given design while the others are searched."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Literal

from dna_jax.spaces.decision import Decision, Option
from dna_jax.spaces.fpga_pipeline import KINDS, KNOBS, boundary_name, tile_and_unrolled
from dna_jax.spaces.space import Space

Part = Literal["allocation", "modes", "tiles", "unrolled"]
PARTS: tuple[Part, ...] = ("allocation", "modes", "tiles", "unrolled")
"""The allocation of layers to chunks; and of every chunk its compute mode, the tiles of its loops, and how much of each tile
is unrolled, which sets its multipliers. Tiles and compute mode are its mapping, unrolled parts its micro-architecture."""


def _like(decision: Decision, value: Option, parts: Collection[Part]) -> Decision:
    """A knob with those of its options "tile/unrolled" that share with a value what is held."""
    decision.index(value)
    kept = decision.options
    for side, part in enumerate(("tiles", "unrolled")):
        if part in parts:
            kept = tuple(option for option in kept if tile_and_unrolled(option)[side] == tile_and_unrolled(value)[side])
    return Decision(decision.name, kept)


def hold_parts(space: Space, design: Mapping[str, Option], parts: Collection[Part]) -> Space:
    """A pipeline space with parts of it held at those of a design.

    A tile and its unrolled part are one decision: where one of them is held, the options that share it remain, so that held
    tiles bound what may be unrolled, and held unrolled parts are the least tiles.

    Args:
      space: an `fpga_pipeline_space`, possibly with decisions fixed.
      design: values of all its decisions.
      parts: some of PARTS.

    Raises:
      KeyError: if the design leaves out a decision.
      ValueError: if a value is no option of its decision, or nothing remains of one that was fixed before.
    """
    boundaries = [boundary_name(bool(kind)) for kind in range(len(KINDS))]
    fixed, decisions = {}, []
    for decision in space.decisions:
        name = decision.name
        if name.split(".")[-1] in KNOBS:
            decision = _like(decision, design[name], parts)
        elif ("allocation" if name in boundaries else "modes") in parts:
            fixed[name] = design[name]
        decisions.append(decision)
    return dataclasses.replace(space, decisions=tuple(decisions)).fix(fixed)
