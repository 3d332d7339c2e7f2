"""Architecture: memory levels and spatial fan-outs. Structure is static, every number is a differentiable leaf."""

import jax
from flax import struct


@struct.dataclass
class Architecture:
    """An accelerator. Levels are counted from the innermost (0) to the backing store (V - 1).

    Figures of levels and fan-outs are tuples of scalars, not arrays: what depends on one of them alone is then computed once
    however many values the others take.

    Attributes:
      capacity_bytes: of one instance of a level, V scalars; infinite for the backing store.
      read_bandwidth, write_bandwidth: bytes/cycle of one instance, V scalars.
      read_pj_per_byte, write_pj_per_byte: access energy, V scalars.
      instances: how many of a level there are in the whole accelerator, V scalars.
      area_mm2: of one instance, V scalars.
      fanout_size: how many children hang below each fan-out, F scalars.
      clock_hz, mac_pj, mac_mm2: clock, energy and area of one multiply-accumulate unit, scalars.
      multiplier_pj: the part of `mac_pj` that is for factors of 8 bits and falls with theirs; 0 where energy does not depend
        on the operands, scalar.
      macs: multiply-accumulate units of the whole accelerator, scalar.
      link_mm2: area of the interface to the backing store, scalar.
      fold_cycles: cycles that an array adds each time the operand it keeps changes (loading, skew, draining), scalar.
      level_names: V names (static).
      holds: the operands ("WIO") that each level stores; others pass it by (static).
      ports: per level "shared" (reads and writes share the read bandwidth), "read_write" (one port each), "drains_written"
        (one port each, where outputs that leave for the level above pass the write port, as Timeloop counts them) or
        "per_operand" (one read and one write port for each operand) (static).
      double_buffered: per level, whether a tile may take only half of the capacity (static).
      slides: per level, whether inputs that successive tiles share stay, so that only new rows or columns come (static).
      refetched: per level, whether every iteration of the loops outside fetches its tiles anew, what they hold already
        included (static).
      waits: per level, whether units stand still while its tiles are fetched, each for a whole number of cycles (static).
      whole_rows: whether input tiles include the rows and columns between those that a strided or dilated kernel reads
        (static).
      fanout_names: F names (static).
      fanout_level: the level right above each fan-out (static).
      stationary: the operand that a systolic array keeps in level 0; None for an array that hands operands to all units at
        once (static).
      exposed_ends: whether loading the first tiles and draining the last takes time of its own (static).
      resident_level: level whose instances together may keep a layer's inputs and outputs, so that these never cross to
        the level above; None where activations always do (static).
    """

    capacity_bytes: tuple[jax.Array, ...]
    read_bandwidth: tuple[jax.Array, ...]
    write_bandwidth: tuple[jax.Array, ...]
    read_pj_per_byte: tuple[jax.Array, ...]
    write_pj_per_byte: tuple[jax.Array, ...]
    instances: tuple[jax.Array, ...]
    area_mm2: tuple[jax.Array, ...]
    fanout_size: tuple[jax.Array, ...]
    clock_hz: jax.Array
    mac_pj: jax.Array
    multiplier_pj: jax.Array
    mac_mm2: jax.Array
    macs: jax.Array
    link_mm2: jax.Array
    fold_cycles: jax.Array
    level_names: tuple[str, ...] = struct.field(pytree_node=False)
    holds: tuple[str, ...] = struct.field(pytree_node=False)
    ports: tuple[str, ...] = struct.field(pytree_node=False)
    double_buffered: tuple[bool, ...] = struct.field(pytree_node=False)
    slides: tuple[bool, ...] = struct.field(pytree_node=False)
    refetched: tuple[bool, ...] = struct.field(pytree_node=False)
    waits: tuple[bool, ...] = struct.field(pytree_node=False)
    whole_rows: bool = struct.field(pytree_node=False)
    fanout_names: tuple[str, ...] = struct.field(pytree_node=False)
    fanout_level: tuple[int, ...] = struct.field(pytree_node=False)
    stationary: str | None = struct.field(pytree_node=False)
    exposed_ends: bool = struct.field(pytree_node=False)
    resident_level: int | None = struct.field(pytree_node=False)

    @property
    def total_area_mm2(self) -> jax.Array:
        """MAC units, memories and link."""
        memories = [count * area for count, area in zip(self.instances, self.area_mm2, strict=True)]
        return self.macs * self.mac_mm2 + sum(memories) + self.link_mm2

    @property
    def peak_tops(self) -> jax.Array:
        """Tera-operations per second; a multiply-accumulate counts as two."""
        return 2 * self.macs * self.clock_hz / 1e12

    @property
    def usable_bytes(self) -> list[jax.Array]:
        """Bytes that the tiles of one instance may take, per level."""
        return [self.capacity_bytes[v] / (2 if self.double_buffered[v] else 1) for v in range(len(self.level_names))]
