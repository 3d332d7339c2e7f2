"""The certified optimum for an expected network, whose layers occur as often as they are probable."""

from collections.abc import Sequence

import jax
import numpy as np

from dna_jax.search.certified import Certificate, Limits, certified_optimum
from dna_jax.search.family_fronts import FamilyFronts
from dna_jax.spaces import Space
from dna_jax.workload import Layer, merge_counts

_RARE = 1000
"""A layer that fewer than one in so many networks has does not shape the accelerator."""


def optimum_for_expected(
    layers: Sequence[Layer], expected: jax.Array, space: Space, limits: Limits, family_fronts: FamilyFronts | None = None
) -> Certificate:
    """The pipeline of most images a second for an expected network, all of whose chunks are built.

    Args:
      layers: that may occur.
      expected: how often each does, [layers]; those of fewer than one in _RARE networks are left out.
      space: of pipelines.
      limits: of the device.
      family_fronts: as in `certified_optimum`.
    """
    merged, times = merge_counts(layers, expected)
    kept = [(layer, float(often)) for layer, often in zip(merged, np.asarray(times), strict=True) if often > 1 / _RARE]
    names, counts = zip(*kept, strict=True)
    return certified_optimum(names, space, limits, times=counts, family_fronts=family_fronts)
