"""An accelerator as the mapper sees it: an architecture and the mappings that it can run."""

import dataclasses

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet


@dataclasses.dataclass(frozen=True, eq=False)
class Accelerator:
    """One accelerator.

    Attributes:
      name: used in reports.
      architecture: what it is.
      candidates: the mappings that its mapper considers.
      notes: assumptions that a reader of its costs should know, a sentence each.
    """

    name: str
    architecture: Architecture
    candidates: CandidateSet
    notes: tuple[str, ...] = ()
