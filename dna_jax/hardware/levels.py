"""Accelerators written down level by level: what templates and description files turn into an `Architecture`."""

import dataclasses
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware import technology
from dna_jax.hardware.architecture import Architecture

Number = jax.Array | float


@dataclasses.dataclass(frozen=True)
class Fanout:
    """Children side by side below a level.

    Attributes:
      name: of the axis.
      size: how many.
    """

    name: str
    size: Number


@dataclasses.dataclass(frozen=True)
class Level:
    """One memory level; the fields are those of `Architecture`.

    Attributes:
      name: of the level.
      holds: the operands ("WIO") that it stores.
      capacity_bytes: of one instance.
      read_bandwidth, write_bandwidth: bytes/cycle of one instance.
      read_pj_per_byte, write_pj_per_byte: access energy.
      area_mm2: of one instance.
      ports: "shared", "read_write" or "per_operand".
      double_buffered: whether a tile may take only half of the capacity.
      slides: whether inputs that successive tiles share stay.
      refetched: whether every iteration outside fetches the tiles anew.
      waits: whether units stand still while the tiles are fetched.
      fanouts: right below the level, the innermost first.
    """

    name: str
    holds: str
    capacity_bytes: Number = np.inf
    read_bandwidth: Number = np.inf
    write_bandwidth: Number = np.inf
    read_pj_per_byte: Number = 0.0
    write_pj_per_byte: Number = 0.0
    area_mm2: Number = 0.0
    ports: str = "read_write"
    double_buffered: bool = False
    slides: bool = False
    refetched: bool = False
    waits: bool = False
    fanouts: tuple[Fanout, ...] = ()


def priced(level: Level, node_nm: float) -> Level:
    """The level (of concrete capacity) with the energy and area of its memory at a node."""
    return dataclasses.replace(level, **technology.memory_figures(node_nm, float(level.capacity_bytes))._asdict())


def build_architecture(
    levels: Sequence[Level],
    *,
    clock_hz: Number,
    mac_pj: Number,
    mac_mm2: Number,
    multiplier_pj: Number = 0.0,
    link_mm2: Number = 0.0,
    fold_cycles: Number = 0.0,
    stationary: str | None = None,
    exposed_ends: bool = False,
    resident_level: int | None = None,
    whole_rows: bool = False,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> Architecture:
    """The architecture of the levels given, innermost first.

    Instances follow from the fan-outs above a level, multiply-accumulate units from all of them. The other arguments are
    those of `Architecture`.
    """
    fanouts = [(fanout, at) for at, level in enumerate(levels) for fanout in level.fanouts]

    def scalar(value: Number) -> jax.Array:
        return jnp.asarray(value, dtype)

    def column(name: str) -> tuple[jax.Array, ...]:
        return tuple(scalar(getattr(level, name)) for level in levels)

    instances = [math.prod(fanout.size for fanout, at in fanouts if at > level) for level in range(len(levels))]
    return Architecture(
        **{
            name: column(name)
            for name in (
                "capacity_bytes",
                "read_bandwidth",
                "write_bandwidth",
                "read_pj_per_byte",
                "write_pj_per_byte",
                "area_mm2",
            )
        },
        instances=tuple(scalar(count) for count in instances),
        fanout_size=tuple(scalar(fanout.size) for fanout, _ in fanouts),
        clock_hz=scalar(clock_hz),
        mac_pj=scalar(mac_pj),
        multiplier_pj=scalar(multiplier_pj),
        mac_mm2=scalar(mac_mm2),
        macs=scalar(math.prod(fanout.size for fanout, _ in fanouts)),
        link_mm2=scalar(link_mm2),
        fold_cycles=scalar(fold_cycles),
        stationary=stationary,
        exposed_ends=exposed_ends,
        level_names=tuple(level.name for level in levels),
        holds=tuple(level.holds for level in levels),
        ports=tuple(level.ports for level in levels),
        double_buffered=tuple(level.double_buffered for level in levels),
        slides=tuple(level.slides for level in levels),
        refetched=tuple(level.refetched for level in levels),
        waits=tuple(level.waits for level in levels),
        whole_rows=whole_rows,
        fanout_names=tuple(fanout.name for fanout, _ in fanouts),
        fanout_level=tuple(at for _, at in fanouts),
        resident_level=resident_level,
    )
