"""An accelerator as the mapper sees it: an architecture and the mappings that it can run."""

import dataclasses

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet
from dna_jax.hardware.mapper import CycleModel
from dna_jax.workload import Layer


@dataclasses.dataclass(frozen=True, eq=False)
class Accelerator:
    """One accelerator.

    Attributes:
      name: used in reports.
      architecture: what it is.
      candidates: the mappings that its mapper considers.
      notes: assumptions that a reader of its costs should know, a sentence each.
      operand_bits: width of weights, inputs and outputs that it computes with.
      partial_bits: width of its partial sums.
      correction: what the cycles of a mapped layer become, if they are corrected.
    """

    name: str
    architecture: Architecture
    candidates: CandidateSet
    notes: tuple[str, ...] = ()
    operand_bits: int = 8
    partial_bits: int = 32
    correction: CycleModel | None = None

    def at_widths(self, layer: Layer) -> Layer:
        """A layer with operands of the widths that the accelerator computes with; one without weights stays without."""
        return dataclasses.replace(
            layer,
            weight_bits=self.operand_bits if layer.weight_bits else 0,
            input_bits=self.operand_bits,
            output_bits=self.operand_bits,
            partial_bits=self.partial_bits,
        )
