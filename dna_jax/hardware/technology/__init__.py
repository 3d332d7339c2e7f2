"""Energy and area of memories, arithmetic and links, from the tables under `third_party/`.

Each number states its source. What no table gives (link area, scaling between nodes) is an assumption, named as such.
"""

from dna_jax.hardware.technology.arithmetic import Arithmetic, arithmetic, multiplying_share
from dna_jax.hardware.technology.links import DRAM_READ_PJ_PER_BYTE, DRAM_WRITE_PJ_PER_BYTE, LINK_MM2_PER_GBPS
from dna_jax.hardware.technology.memories import REGISTER_PJ_PER_BYTE, MemoryFigures, memory_figures, register_mm2
from dna_jax.hardware.technology.source import THIRD_PARTY
from dna_jax.hardware.technology.sram import PORT_BITS, Sram, SramTable, sram, sram_table_from_rows

__all__ = [
    "DRAM_READ_PJ_PER_BYTE",
    "DRAM_WRITE_PJ_PER_BYTE",
    "LINK_MM2_PER_GBPS",
    "PORT_BITS",
    "REGISTER_PJ_PER_BYTE",
    "THIRD_PARTY",
    "Arithmetic",
    "MemoryFigures",
    "Sram",
    "SramTable",
    "arithmetic",
    "memory_figures",
    "multiplying_share",
    "register_mm2",
    "sram",
    "sram_table_from_rows",
]
