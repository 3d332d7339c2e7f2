"""A systolic array with one of three dataflows, after SCALE-Sim (Samajdar et al., ISPASS 2020).

Layers run as matrix products (im2col). What the array keeps stands still while the third dimension streams through it:
outputs ("os": pixels down, output channels across), weights ("ws": the reduction down, output channels across) or inputs
("is": the reduction down, pixels across).
"""

import jax
import jax.numpy as jnp

from dna_jax.hardware import technology
from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.candidates import CandidateSet, Schedule, SpatialChoice
from dna_jax.hardware.levels import Fanout, Level, Number, build_architecture, priced

_FLOWS = {
    "os": ("O", ("P", "K"), "C"),
    "ws": ("W", ("C", "K"), "P"),
    "is": ("I", ("C", "P"), "K"),
}
"""Dataflow -> the operand kept, what rows and columns are laid out over, what streams."""

_NODE_NM = 22
"""SCALE-Sim names no process; energy and area are those of this node."""

DATAFLOWS = tuple(_FLOWS)


def systolic(
    rows: Number = 32.0,
    columns: Number = 32.0,
    dataflow: str = "os",
    *,
    sram_bytes: float = 192.0 * 1024,
    dram_bandwidth: Number = 10.0,
    clock_hz: Number = 1e9,
    dtype: jax.typing.DTypeLike = jnp.float32,
) -> Accelerator:
    """The array with one on-chip memory, which feeds every row and column at one byte per cycle.

    A fold streams in a skewed wave that takes rows + columns - 2 further cycles to leave; kept weights or inputs are
    loaded first, a row per cycle.

    Args:
      rows, columns: of the array.
      dataflow: one of DATAFLOWS.
      sram_bytes: of the on-chip memory, half of which holds tiles while the other half is filled.
      dram_bandwidth: bytes/cycle.
      clock_hz: clock.
      dtype: floating type of all numbers.
    """
    kept, laid_out, streamed = _FLOWS[dataflow]
    wave = rows + columns - 2
    edge = rows + columns
    levels = (
        Level("array", kept, 4.0 if kept == "O" else 1.0),
        Level(
            "sram",
            "WIO",
            sram_bytes,
            read_bandwidth=edge,
            write_bandwidth=edge,
            double_buffered=True,
            fanouts=(Fanout("rows", rows), Fanout("columns", columns)),
        ),
        Level("dram", "WIO", read_bandwidth=dram_bandwidth, write_bandwidth=dram_bandwidth, ports="shared"),
    )
    arithmetic = technology.arithmetic(_NODE_NM)
    architecture = build_architecture(
        [priced(level, _NODE_NM) for level in levels],
        clock_hz=clock_hz,
        mac_pj=arithmetic.mac_pj,
        mac_mm2=arithmetic.mac_mm2,
        fold_cycles=wave if kept == "O" else rows + wave,
        stationary=kept,
        dtype=dtype,
    )
    rest = "".join(d for d in "CPKNGQRS" if d != streamed)
    # What streams runs innermost, folds around it.
    schedule = Schedule(growth=(streamed, streamed + rest, ""), order=(streamed + rest,) * 3)
    candidates = CandidateSet(((SpatialChoice(laid_out), schedule),), as_matrix_product=True)
    return Accelerator(f"systolic_{dataflow}", architecture, candidates)
