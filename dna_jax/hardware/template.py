"""Template: a family of accelerators with named knobs."""

import dataclasses
from collections.abc import Callable, Mapping

import jax

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet
from dna_jax.hardware.mapper import CycleModel
from dna_jax.spaces import Design, Space


@dataclasses.dataclass(frozen=True, eq=False)
class Template:
    """Data plus one function from a point to an architecture.

    Attributes:
      name: name used in configs and reports.
      space: the knobs.
      architecture: from a point of `space` (soft or one-hot) and a dtype to the architecture it describes.
      candidates: the mappings that its mapper considers.
      baseline: the published default design.
      correction: what the cycles of a mapped layer become, if they are corrected.
    """

    name: str
    space: Space
    architecture: Callable[[Mapping[str, jax.Array], jax.typing.DTypeLike], Architecture]
    candidates: CandidateSet
    baseline: Design
    correction: CycleModel | None = None
