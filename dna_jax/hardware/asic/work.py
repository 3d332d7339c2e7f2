"""What a pipeline has to do: the distinct layers of a network, and how many of each stand in every group of layers that
stays together on one chunk."""

from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.spaces.asic_pipeline import LAYER_CLASSES
from dna_jax.workload import Layer, Workload, merge_equal_layers, workload_from_layers

Grouping = Literal["block", "class", "layer"]
"""What stays together on a chunk: the layers of a block (all before the first dot of their names), all of a class, or each
layer by itself."""

ROWS, MANY_ROWS = 8, 32
"""Distinct layers are padded to a multiple of the first, and where there are more than the second to one of that, so that
networks share compiled programs."""


@struct.dataclass
class PipelineWork:
    """Layers of a network in groups.

    Attributes:
      layers: L distinct ones; their own `weight` is not read.
      counts: how many of each distinct layer stand in each group, [G, L]; expected counts under a relaxed choice.
      classes: one-hot class of each layer in the order of LAYER_CLASSES, [L, 3].
    """

    layers: Workload
    counts: jax.Array
    classes: jax.Array


def layer_class(layer: Layer) -> str:
    """Class of a layer: "depthwise" where every output channel has a group of its own (element-wise layers and pooling
    too), else "pointwise" where its kernel has one tap, else "standard"."""
    if layer.groups == layer.K > 1:
        return "depthwise"
    return "pointwise" if layer.R == layer.S == 1 else "standard"


def group_of(layer: Layer, by: Grouping = "block") -> str:
    """Name of the group that a layer belongs to."""
    if by == "class":
        return layer_class(layer)
    return layer.name.split(".")[0] if by == "block" else layer.name


def group_names(layers: Sequence[Layer], by: Grouping = "block") -> tuple[str, ...]:
    """Names of the groups of a network, in the order of their first layers."""
    return tuple(dict.fromkeys(group_of(layer, by) for layer in layers))


def pipeline_work(
    layers: Sequence[Layer],
    by: Grouping = "block",
    dtype: jax.typing.DTypeLike = jnp.float32,
    groups: Sequence[str] | None = None,
    weight: jax.Array | None = None,
) -> PipelineWork:
    """The work of a network.

    Args:
      layers: of a discrete network, or those that some choice would bring.
      by: what stays together on a chunk.
      dtype: floating type of all numbers.
      groups: names of groups, some of which may have no layers; `group_names(layers, by)` by default.
      weight: expected count of each layer, which gets a gradient; ones by default.

    Raises:
      ValueError: if there are no layers, or one is of none of the groups.
    """
    if not layers:
        raise ValueError("A pipeline needs at least one layer to run.")
    names = group_names(layers, by)
    groups = names if groups is None else groups
    if foreign := [name for name in names if name not in groups]:
        raise ValueError(f"Layers of the group {foreign[0]!r}, grouped by {by}, are allocated to no chunk.")
    distinct, matrix = merge_equal_layers(layers)
    padded = [*distinct, *[distinct[0]] * (-len(distinct) % (ROWS if len(distinct) <= MANY_ROWS else MANY_ROWS))]
    rows = [groups.index(group_of(layer, by)) for layer in layers]
    each = jnp.ones(len(layers), dtype) if weight is None else weight
    counts = jnp.zeros((len(groups), len(padded)), dtype).at[np.array(rows), np.argmax(matrix, axis=0)].add(each)
    classes = np.array([[layer_class(layer) == name for name in LAYER_CLASSES] for layer in padded])
    return PipelineWork(
        layers=workload_from_layers(padded, dtype=dtype),
        counts=counts,
        classes=jnp.asarray(classes, dtype),
    )
