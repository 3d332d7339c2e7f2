"""Energy of DRAM and area of the link to it.

What the link itself takes is part of the energy of DRAM; wires on the chip take none, which is an assumption.
"""

DRAM_READ_PJ_PER_BYTE = 10.94 * 8
DRAM_WRITE_PJ_PER_BYTE = 11.72 * 8
"""DRAM energy, 10.94 and 11.72 pJ/bit: the figures ZigZag 3.9.1 uses for LPDDR."""

LINK_MM2_PER_GBPS = 0.1
"""Area of the IO interface per GB/s at 22 nm. Assumption: no public table; a LPDDR4 PHY of 20 GB/s is about 2 mm^2."""
