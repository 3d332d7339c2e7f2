"""A TPU-like accelerator: an array of output channels by input channels that keeps weights, after ZigZag's description.

Sizes, ports and energies are those of `tpu_like.yaml` of ZigZag 3.9.1 (MIT): 128 bytes of weights and one 16-bit sum per
unit, 2 MB of memory for inputs and outputs, weights straight from DRAM.
"""

import jax
import jax.numpy as jnp

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.candidates import every_combination
from dna_jax.hardware.levels import Fanout, Level, Number, build_architecture


def tpu_like(columns: Number = 32.0, rows: Number = 32.0, dtype: jax.typing.DTypeLike = jnp.float32) -> Accelerator:
    """The accelerator with `columns` for output channels (or groups) and `rows` for input channels."""
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
    architecture = build_architecture(levels, clock_hz=1e9, mac_pj=0.04, mac_mm2=0.0, exposed_ends=True, dtype=dtype)
    orders = ("QPNSRCKG", "SRCQPNKG", "SRCKGQPN", "KGSRCQPN")
    candidates = every_combination(
        layouts=(("C",), ("KG",)),
        growth=((1, ("SRC", "")), (1, orders), (1, orders)),
        last_order=orders,
        objective="edp",
    )
    return Accelerator("tpu_like", architecture, candidates, partial_bits=16)
