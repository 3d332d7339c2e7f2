"""The correction fitted to all simulated layers, as a part of a search: analytical cycles of Gemmini towards its RTL.

`python -m experiments.fit_correction` writes the weights that are read here, from the table under `third_party/dosa`.
"""

import functools
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx, traverse_util

from dna_jax.hardware.architecture import Architecture
from dna_jax.hardware.correction.gemmini_counts import tile_counts
from dna_jax.hardware.correction.model import Correction, ResidualNetwork, corrected_cycles
from dna_jax.hardware.correction.tile_time import EventCosts
from dna_jax.hardware.mapper import CycleModel, MappedLayer
from dna_jax.workload import OPERANDS, Workload

WEIGHTS = pathlib.Path(__file__).with_name("gemmini_rtl.npz")

_FIXED = ("mean", "deviation")


def save_correction(correction: Correction, path: pathlib.Path, **about: str) -> None:
    """Write a correction, and what a reader should know about it, as an npz file."""
    arrays: dict[str, Any] = {f"cost.{name}": value for name, value in correction.costs._asdict().items()}
    arrays |= {name: getattr(correction, name) for name in _FIXED}
    arrays |= traverse_util.flatten_dict({"network": nnx.to_pure_dict(correction.networks)}, sep=".")
    np.savez_compressed(path, allow_pickle=False, **{name: np.asarray(value) for name, value in (arrays | about).items()})


def load_correction(path: pathlib.Path = WEIGHTS) -> Correction:
    """Read what `save_correction` wrote."""
    with np.load(path) as file:
        costs = EventCosts(**{name: jnp.asarray(file[f"cost.{name}"]) for name in EventCosts._fields})
        weights = {name: jnp.asarray(file[name]) for name in file.files if name.startswith("network.")}
        networks = nnx.eval_shape(lambda: nnx.state(ResidualNetwork(nnx.Rngs(0))))
        nnx.replace_by_pure_dict(networks, traverse_util.unflatten_dict(weights, sep=".")["network"])
        return Correction(costs, networks, *(jnp.asarray(file[name]) for name in _FIXED))


@functools.cache
def rtl_correction() -> CycleModel:
    """Cycles of the Gemmini template's layers on its RTL.

    What the simulated layers do not tell stays analytical: layers without weights (pooling, element-wise ones) keep their
    cycles, and no layer takes fewer than its arithmetic alone. Grouped convolutions and batches were not simulated: they are
    priced by the same events, an extrapolation.
    """
    with jax.ensure_compile_time_eval():
        correction = load_correction()

    def cycles(layer: Workload, architecture: Architecture, mapped: MappedLayer) -> jax.Array:
        dtype = layer.bounds.dtype
        mesh = architecture.fanout_size[architecture.fanout_names.index("rows")]
        counts = tile_counts(layer, mapped.mapping, mesh)
        fitted = jax.tree.map(lambda weight: weight.astype(dtype), correction)
        corrected = jnp.maximum(corrected_cycles(fitted, counts), mapped.cost.compute_cycles)
        return jnp.where(layer.bits[OPERANDS.index("W")] > 0, corrected, mapped.cost.cycles)

    return cycles
