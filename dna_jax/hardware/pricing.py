"""Mapping and pricing many layers on one accelerator, one compilation per structure of accelerator."""

import functools
from collections.abc import Sequence

import jax
import numpy as np

from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.candidates import CandidateSet
from dna_jax.hardware.mapper import CycleModel, MappedLayer, map_layer
from dna_jax.workload import Layer, Workload, workload_from_layers

_ROWS = 32
"""Layers are padded to a multiple of this, so that tables of similar length share a compiled program."""

_BATCH_ELEMENTS = 1 << 17
"""Layers times candidates mapped side by side: more would not fit a core's cache."""


@functools.partial(jax.jit, static_argnames=("candidates", "correction"))
def _map(
    workload: Workload, architecture: Architecture, candidates: CandidateSet, correction: CycleModel | None
) -> MappedLayer:
    batch = max(1, min(len(workload.weight), _BATCH_ELEMENTS // candidates.size))
    return jax.lax.map(lambda layer: map_layer(layer, architecture, candidates, correction), workload, batch_size=batch)


def map_layers(accelerator: Accelerator, layers: Sequence[Layer]) -> MappedLayer:
    """The best mapping of each layer and its cost, in the accelerator's dtype: NumPy arrays with an axis of layers."""
    padded = [*layers, *[layers[0]] * (-len(layers) % _ROWS)]
    workload = workload_from_layers(padded, dtype=accelerator.architecture.macs.dtype)
    mapped = _map(workload, accelerator.architecture, accelerator.candidates, accelerator.correction)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[: len(layers)], mapped)
