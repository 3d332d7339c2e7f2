"""Row-stationary accelerators: the Eyeriss chip, and how ZigZag and Timeloop describe its like.

Kernel rows run down the array and output rows across it; each PE slides one kernel row along one input row and keeps its
weights meanwhile (Chen et al., ISCA 2016, sections IV and V).
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dna_jax.hardware import technology
from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet, Schedule, SpatialChoice, complete, every_combination
from dna_jax.hardware.levels import Fanout, Level, Number, build_architecture, priced

_NODE_NM = 65
"""Of the chip; its memories and arithmetic are extrapolated from smaller nodes."""


def _build(levels: Sequence[Level], dtype: jax.typing.DTypeLike) -> Architecture:
    arithmetic = technology.arithmetic(_NODE_NM, 16)
    return build_architecture(
        [priced(level, _NODE_NM) for level in levels],
        clock_hz=200e6,
        mac_pj=arithmetic.mac_pj,
        mac_mm2=arithmetic.mac_mm2,
        dtype=dtype,
    )


def _notes() -> tuple[str, ...]:
    return (technology.sram(_NODE_NM).note,)


def eyeriss(rows: Number = 12.0, columns: Number = 14.0, dtype: jax.typing.DTypeLike = jnp.float32) -> Accelerator:
    """The chip of Chen et al., JSSC 2017: 12 x 14 PEs of 16 bits at 200 MHz, 108 KB of global buffer.

    Each PE stores 12 inputs, 224 weights and 24 sums. Weights reach the PEs over a bus of 64 bits and cannot be loaded while
    the PE works on others. Latency is that of processing: DRAM never limits it.
    """
    word, bus = 2.0, 8.0
    levels = (
        Level("sums", "O", 24 * word),
        Level("weights", "W", 224 * word, waits=True),
        Level("inputs", "I", 12 * word),
        Level(
            "global_buffer",
            "WIO",
            108.0 * 1024,
            read_bandwidth=bus,
            write_bandwidth=bus,
            ports="per_operand",
            fanouts=(Fanout("rows", rows), Fanout("columns", columns)),
        ),
        Level("dram", "WIO"),
    )
    architecture = _build(levels, dtype)
    candidates = every_combination(
        layouts=(("RKG", "RCKG", "RKCG"), ("P", "PKG")),
        growth=(
            (1, ("SCK", "SK", "SKC", "S")),
            (1, ("QN", "NQ", "Q", "")),
            (1, ("",)),
            (1, ("PNKGC", "CPNKG", "NPKGC", "PN")),
        ),
        last_order=("SRCKGQPN", "QPNSRCKG", "SRCQPNKG"),
        # The chip's mappings were chosen for energy.
        objective="energy",
    )
    return Accelerator("eyeriss", architecture, candidates, _notes(), operand_bits=16, partial_bits=16)


def eyeriss_like(
    kernel_rows: Number = 3.0, sets: Number = 4.0, columns: Number = 14.0, dtype: jax.typing.DTypeLike = jnp.float32
) -> Accelerator:
    """`eyeriss_like.yaml` of ZigZag 3.9.1 (MIT): 8-bit operands, three on-chip memories between registers and DRAM.

    Args:
      kernel_rows, sets: how the rows of the array are shared between kernel rows and output channels (or groups).
      columns: for output rows.
      dtype: floating type of all numbers.
    """

    def memory(
        name: str, holds: str, capacity: float, read_pj: float, write_pj: float, port_bytes: float, shared: bool = False
    ) -> Level:
        """Energy per access of the whole port, as ZigZag states it."""
        return Level(
            name,
            holds,
            capacity,
            read_bandwidth=port_bytes,
            write_bandwidth=port_bytes,
            read_pj_per_byte=read_pj / port_bytes,
            write_pj_per_byte=write_pj / port_bytes,
            ports="shared" if shared else "read_write",
            fanouts=(Fanout("kernel_rows", kernel_rows), Fanout("sets", sets), Fanout("columns", columns))
            if name == "output_sram"
            else (),
        )

    levels = (
        memory("sums", "O", 16.0, 1.5, 2.0, 3.0),
        memory("weights", "W", 64.0, 1.0, 1.5, 1.0),
        memory("inputs", "I", 64.0, 1.0, 1.5, 1.0),
        memory("output_sram", "O", 8.0 * 1024, 10.0, 15.0, 16.0, shared=True),
        memory("weight_sram", "W", 64.0 * 1024, 20.0, 25.0, 16.0),
        memory("global_sram", "IO", 1024.0 * 1024, 100.0, 130.0, 48.0, shared=True),
        memory("dram", "WIO", float("inf"), 1000.0, 1000.0, 8.0, shared=True),
    )
    architecture = build_architecture(levels, clock_hz=200e6, mac_pj=0.5, mac_mm2=0.0, exposed_ends=True, dtype=dtype)
    orders = ("SRCQPNKG", "QPNSRCKG", "SRCKGQPN")
    candidates = every_combination(
        layouts=(("R",), ("KG",), ("P",)),
        growth=((1, ("S", "SC", "K", "KS", "", "SCK", "SK")), (2, ("SRC", "K", "", "Q", "QS")), (3, orders)),
        last_order=orders,
        objective="edp",
    )
    return Accelerator("eyeriss_like", architecture, candidates, partial_bits=16)


class Eyeriss256Sizes(NamedTuple):
    """Sizes of Timeloop's description: side of the mesh, words of the register files of sums, weights and inputs and their
    words/cycle, KiB of the global buffer and its words/cycle, words/cycle of DRAM, bits of a word."""

    side: int = 16
    sums: float = 16
    weights: float = 192
    inputs: float = 12
    register_words_per_cycle: int = 2
    buffer_kib: float = 128
    buffer_words_per_cycle: int = 16
    dram_words_per_cycle: float = math.inf
    word_bits: int = 16


_TIMELOOP_EXAMPLE = Eyeriss256Sizes()


def eyeriss256(sizes: Eyeriss256Sizes = _TIMELOOP_EXAMPLE, dtype: jax.typing.DTypeLike = jnp.float32) -> Accelerator:
    """The 256 PEs of Timeloop's `eyeriss` example (Parashar et al., ISPASS 2019): 16-bit words, row-stationary constraints.

    Kernel columns, output and input channels share one axis of the mesh, output columns and channels the other; a PE loops
    over output channels in its sums, input channels and all kernel rows in its weights; the global buffer loops over output
    rows (all of them), output channels and batch, DRAM over the rest.
    """
    word = sizes.word_bits / 8

    def register_file(name: str, holds: str, words: float) -> Level:
        bandwidth = sizes.register_words_per_cycle * word
        return Level(name, holds, words * word, read_bandwidth=bandwidth, write_bandwidth=bandwidth)

    side = float(sizes.side)
    levels = (
        register_file("sums", "O", sizes.sums),
        register_file("weights", "W", sizes.weights),
        register_file("inputs", "I", sizes.inputs),
        Level(
            "global_buffer",
            "IO",
            sizes.buffer_kib * 1024.0,
            read_bandwidth=sizes.buffer_words_per_cycle * word,
            write_bandwidth=sizes.buffer_words_per_cycle * word,
            ports="drains_written",
            fanouts=(Fanout("y", side), Fanout("x", side)),
        ),
        Level("dram", "WIO", read_bandwidth=sizes.dram_words_per_cycle * word, ports="shared"),
    )
    architecture = _build(levels, dtype)
    return Accelerator(
        "eyeriss256",
        architecture,
        _row_stationary_candidates(),
        _notes(),
        operand_bits=sizes.word_bits,
        partial_bits=sizes.word_bits,
    )


def _row_stationary_candidates() -> CandidateSet:
    """What the constraints allow. R is whole in the weights, P in the buffer, where K runs inside P and N inside K."""
    across_y = ("SKCG", "SCKG", "SKG", "SCG", "SG")
    across_x = ("QKG", "KQG", "Q", "KG", "")
    pairs = []
    for sums, weights, buffer, last in itertools.product(
        ("K", ""), ("C", ""), ("KN", "N"), ("QKNC", "QNKC", "CKQN", "KCQN", "CQKN", "KQCN")
    ):
        schedule = Schedule(
            growth=(sums, weights, "", buffer, ""),
            order=(complete(sums), complete("R" + weights), complete(""), complete("NKP"), complete(last)),
            whole=("", "R", "", "P", ""),
        )
        pairs += [(SpatialChoice(choice), schedule) for choice in itertools.product(across_y, across_x)]
    return CandidateSet(tuple(pairs), divisors=True)
