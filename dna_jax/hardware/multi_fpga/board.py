"""A board of a pipeline of FPGAs, and what it may hold."""

import dataclasses

BLOCK_BITS = 18_000
"""Of a block RAM (Jiang et al. count 18 kbit)."""

DSP_PER_MULTIPLIER = {16: 1, 32: 5}
"""Width of operands -> DSP slices of a multiply-accumulate unit: fixed point of 16 bits, floating point of 32."""


@dataclasses.dataclass(frozen=True)
class Board:
    """One FPGA with its memory.

    Attributes:
      name: for reports.
      dsp: slices.
      bram: blocks of 18 kbit.
      clock_hz: of the design.
      port_bits: what it reads and writes in a cycle, inputs, weights and outputs together.
      ports: of equal width, of which each operand has at least one, and none is shared.
      bits: width of operands, a key of `DSP_PER_MULTIPLIER`.
    """

    name: str
    dsp: int
    bram: int
    clock_hz: float
    port_bits: int
    ports: int
    bits: int = 16

    def __post_init__(self) -> None:
        if self.bits not in DSP_PER_MULTIPLIER:
            raise ValueError(f"bits must be one of {', '.join(map(str, DSP_PER_MULTIPLIER))}, not {self.bits}.")
        for name in ("dsp", "bram", "clock_hz"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}.")
        if self.ports < 3:
            raise ValueError(f"ports must be at least 3, one for each operand, not {self.ports}.")
        if self.port_bits % (self.ports * self.bits):
            raise ValueError(
                f"port_bits {self.port_bits} must be whole words of {self.bits} bits for each of {self.ports} ports."
            )

    @property
    def words_per_port(self) -> int:
        """Operands that a port reads or writes in a cycle."""
        return self.port_bits // (self.ports * self.bits)

    @property
    def dsp_per_multiplier(self) -> int:
        """Slices of a multiply-accumulate unit."""
        return DSP_PER_MULTIPLIER[self.bits]


def zcu102(bits: int = 16) -> Board:
    """ZCU102 of Jiang et al. (TCAD 2020): 2,520 DSP slices, 1,824 blocks, 100 MHz. The ports' 512 bits a cycle are those of
    the same authors' HotNAS (CODES+ISSS 2020), whose release states them for this board (`Interface/search_space.py`); that
    they are eight ports of 64 bits is a choice made here."""
    return Board("zcu102", dsp=2520, bram=1824, clock_hz=100e6, port_bits=512, ports=8, bits=bits)
