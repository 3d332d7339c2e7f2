"""What a description of an accelerator may say, and whether it contradicts itself."""

import dataclasses
import math
from typing import Literal

from dna_jax.errors import UserError
from dna_jax.hardware.candidates import Objective
from dna_jax.workload import DIMENSIONS

_LAST_ORDER = ("SRCKGQPN", "SRCQPNKG", "QPNSRCKG")
"""Loops that may run innermost in the backing store, where the description does not say."""

MOST_FANOUTS = 6
"""Below one level: as many as the notation of mappings has letters for."""


@dataclasses.dataclass(frozen=True)
class FanoutDescription:
    """A fan-out: its name, how many children, and alternatives of what is laid out over them, first to fill first."""

    name: str
    size: int
    over: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class LevelDescription:
    """A memory level; what is left out is unlimited (bandwidth) or follows from the node (energy, area).

    Attributes:
      capacity_bytes: of every level but the last.
      tiles: alternatives of the dimensions along which its tiles grow, first to last.
    """

    name: str
    holds: str
    capacity_bytes: float = math.inf
    read_bytes_per_cycle: float = math.inf
    write_bytes_per_cycle: float = math.inf
    read_pj_per_byte: float | None = None
    write_pj_per_byte: float | None = None
    area_mm2: float | None = None
    ports: Literal["read_write", "shared", "per_operand", "drains_written"] = "read_write"
    double_buffered: bool = False
    slides: bool = False
    refetched: bool = False
    waits: bool = False
    tiles: tuple[str, ...] | None = None
    fanouts: tuple[FanoutDescription, ...] = ()


@dataclasses.dataclass(frozen=True)
class Description:
    """An accelerator; the fields are those of `Architecture` and `CandidateSet`."""

    name: str
    levels: tuple[LevelDescription, ...]
    clock_ghz: float = 1.0
    node_nm: float = 22.0
    bits: int = 8
    partial_bits: int = 32
    mac_pj: float | None = None
    mac_mm2: float | None = None
    link_mm2: float = 0.0
    exposed_ends: bool = False
    whole_rows: bool = False
    stationary: Literal["W", "I", "O"] | None = None
    fold_cycles: float = 0.0
    activations_stay_in: str | None = None
    matrix_products: bool = False
    objective: Objective = "latency"
    last_order: tuple[str, ...] = _LAST_ORDER


def check(description: Description, where: str) -> None:
    """UserError, one sentence that begins with `where`, if a description contradicts itself."""
    levels = description.levels
    if len(levels) < 2:
        raise UserError(f"{where}: at least two levels are needed, the innermost memory and the backing store.")
    backing = levels[-1]
    if math.isfinite(backing.capacity_bytes) or backing.tiles is not None or backing.waits:
        raise UserError(
            f"{where}: the last level {backing.name!r} is the backing store and takes no capacity, tiles or waits."
        )
    if set(backing.holds) != set("WIO"):
        raise UserError(
            f"{where}: the last level {backing.name!r} must hold WIO; activations_stay_in says what need not leave the chip."
        )
    for name in ("clock_ghz", "node_nm"):
        if not 0 < getattr(description, name) < math.inf:
            raise UserError(f"{where}: {name} must be positive, not {getattr(description, name)}.")
    for name in ("mac_pj", "mac_mm2", "link_mm2", "fold_cycles"):
        if getattr(description, name) is not None and not 0 <= getattr(description, name) < math.inf:
            raise UserError(f"{where}: {name} must not be negative, and is {getattr(description, name)}.")
    if description.stationary is None and description.fold_cycles:
        raise UserError(f"{where}: fold_cycles are those of a systolic array; say with 'stationary' what it keeps.")
    if description.stationary is not None and description.stationary not in levels[0].holds:
        raise UserError(
            f"{where}: the first level {levels[0].name!r} does not hold {description.stationary}, the stationary."
        )
    for name in ("bits", "partial_bits"):
        if not 4 <= getattr(description, name) <= 32:
            raise UserError(f"{where}: {name} must be 4 to 32, not {getattr(description, name)}.")
    for level in levels:
        if not level.holds or set(level.holds) - set("WIO"):
            raise UserError(f"{where}: level {level.name!r} must hold some of W, I and O, not {level.holds!r}.")
        positive = ("capacity_bytes", "read_bytes_per_cycle", "write_bytes_per_cycle")
        for name in positive:
            if not getattr(level, name) > 0:
                raise UserError(f"{where}: {name} of level {level.name!r} must be positive.")
        if level is not backing and math.isinf(level.capacity_bytes):
            raise UserError(f"{where}: level {level.name!r} needs capacity_bytes; only the last is without bound.")
        for name in ("read_pj_per_byte", "write_pj_per_byte", "area_mm2"):
            if getattr(level, name) is not None and not 0 <= getattr(level, name) < math.inf:
                raise UserError(f"{where}: {name} of level {level.name!r} must not be negative.")
        if level.waits and not set(level.holds) & set("WI"):
            raise UserError(f"{where}: level {level.name!r} holds no operand that is loaded, so nothing waits for it.")
        if len(level.fanouts) > MOST_FANOUTS:
            raise UserError(f"{where}: level {level.name!r} has more than {MOST_FANOUTS} fan-outs.")
        if level.tiles == () or any(fanout.over == () for fanout in level.fanouts):
            raise UserError(
                f"{where}: an empty list at level {level.name!r} leaves no mapping; leave the key out, or name one."
            )
        for fanout in level.fanouts:
            if fanout.size < 1:
                raise UserError(f"{where}: fan-out {fanout.name!r} needs a size of at least 1.")
        alternatives = [*(level.tiles or ()), *(layout for fanout in level.fanouts for layout in fanout.over or ())]
        for alternative in alternatives:
            if set(alternative) - set(DIMENSIONS) or len(set(alternative)) < len(alternative):
                raise UserError(
                    f"{where}: {alternative!r} at level {level.name!r} must name each of {''.join(DIMENSIONS)} once at most."
                )
    if not description.last_order:
        raise UserError(f"{where}: last_order leaves no mapping; leave the key out, or name one.")
    for order in description.last_order:
        if set(order) - set(DIMENSIONS) or len(set(order)) < len(order):
            raise UserError(f"{where}: last_order {order!r} must name each of {''.join(DIMENSIONS)} once at most.")
    for operand in "WIO":
        if not any(operand in level.holds for level in levels):
            raise UserError(f"{where}: no level holds {operand}.")
    if sum(len(level.fanouts) for level in levels) == 0:
        raise UserError(
            f"{where}: there is no fan-out, so nothing works in parallel; give at least one, of size 1 if need be."
        )
    names = [level.name for level in levels]
    if len(set(names)) < len(names):
        raise UserError(f"{where}: two levels have one name.")
    if description.activations_stay_in is not None and description.activations_stay_in not in names:
        raise UserError(f"{where}: activations_stay_in names no level; the levels are {', '.join(names)}.")
