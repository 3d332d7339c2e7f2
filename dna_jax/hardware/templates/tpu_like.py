"""A TPU-like accelerator: a weight-stationary array of output channels by input channels, after ZigZag's description.

Sizes, ports and energies are those of `tpu_like.yaml` of ZigZag 3.9.1 (MIT): 128 bytes of weights and one 16-bit sum per
unit, 2 MB of memory for inputs and outputs, weights straight from DRAM.
"""

import itertools

import jax
import jax.numpy as jnp

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet, Schedule, SpatialChoice
from dna_jax.hardware.levels import Fanout, Level, Number, build_architecture

CLOCK_HZ = 1e9


def tpu_like_architecture(
    columns: Number = 32.0, rows: Number = 32.0, dtype: jax.typing.DTypeLike = jnp.float32
) -> Architecture:
    """The accelerator with its array of `columns` (output channels or groups) by `rows` (input channels)."""
    levels = (
        Level(
            "sums",
            "O",
            2.0,
            read_bandwidth=2.0,
            write_bandwidth=2.0,
            read_pj_per_byte=0.021 / 2,
            write_pj_per_byte=0.021 / 2,
            ports="per_operand",
        ),
        Level(
            "weights",
            "W",
            128.0,
            read_bandwidth=1.0,
            write_bandwidth=1.0,
            read_pj_per_byte=0.095,
            write_pj_per_byte=0.095,
        ),
        Level(
            "sram",
            "IO",
            2.0 * 2**20,
            read_bandwidth=256.0,
            write_bandwidth=256.0,
            read_pj_per_byte=416.16 / 256,
            write_pj_per_byte=378.4 / 256,
            fanouts=(Fanout("rows", rows), Fanout("columns", columns)),
        ),
        Level(
            "dram",
            "WIO",
            read_bandwidth=8.0,
            write_bandwidth=8.0,
            read_pj_per_byte=700 / 8,
            write_pj_per_byte=750 / 8,
            ports="shared",
        ),
    )
    return build_architecture(
        levels, clock_hz=CLOCK_HZ, mac_pj=0.04, mac_mm2=0.0, exposed_ends=True, dtype=dtype
    )


def tpu_like_candidates() -> CandidateSet:
    schedules = []
    for first, second, third in itertools.product(("SRC", ""), ("QPNSRCKG", "SRCQPNKG", "SRCKGQPN","KGSRCQPN"), ("SRCKGQPN", "QPNSRCKG", "SRCQPNKG","KGQPNSRC")):
        rest = lambda x: x + "".join(d for d in "SRCQPNKG" if d not in x)
        for last in ("SRCKGQPN", "QPNSRCKG", "SRCQPNKG", "KGQPNSRC"):
            schedules.append(Schedule((first, second, third, ""), (rest(first), second, third, last)))
    return CandidateSet(tuple((SpatialChoice(("C", "KG")), s) for s in schedules), objective="edp")
