"""Super-kernel network: one network of the largest options; a point of the space masks it to any smaller one.

The 7x7 depthwise kernel is masked to its inner 5x5 or 3x3, the hidden channels to the first ones (`masking`). So a step
of the supernet costs one step of its largest network, whatever the size of the space.
"""

import dataclasses
import functools
import zlib
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from dna_jax.networks.masking import mask_parameters
from dna_jax.networks.modules import Network, Variables, initial_deviation
from dna_jax.networks.specification import Specification
from dna_jax.spaces import Option, expansion_name, kernel_name


@dataclasses.dataclass(frozen=True)
class Model:
    """A network as pure functions over pytrees.

    Attributes:
      specification: the family.
      design: the network's choices, or None for the super-kernel network.
    """

    specification: Specification
    design: tuple[tuple[str, Option], ...] | None

    @functools.cached_property
    def _abstract(self) -> tuple[nnx.GraphDef, Variables, Variables]:
        blocks = self.specification.blocks
        if self.design is None:
            kernels = [max(block.kernels) for block in blocks]
            expansions = [max(block.expansions) for block in blocks]
        else:
            chosen = dict(self.design)
            kernels = [int(chosen[kernel_name(block.index)]) for block in blocks]
            expansions = [int(chosen[expansion_name(block.index)]) for block in blocks]
        module = nnx.eval_shape(lambda: Network(self.specification, kernels, expansions))
        graph, parameters, statistics = nnx.split(module, nnx.Param, nnx.BatchStat)
        return graph, parameters, statistics

    def init(self, seed: int) -> tuple[Variables, Variables]:
        """Parameters and batch statistics, filled on the host: far cheaper than a jitted initialiser."""
        _, parameters, statistics = self._abstract

        def fill(path: tuple, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
            names = tuple(str(getattr(key, "key", getattr(key, "name", key))) for key in path[1:])
            kind = next(name for name in reversed(names) if name in ("kernel", "bias", "scale", "mean", "variance"))
            if kind != "kernel":
                return np.full(leaf.shape, kind in ("scale", "variance"), leaf.dtype)
            generator = np.random.default_rng([seed, zlib.crc32("/".join(names).encode())])
            deviation = initial_deviation(names, leaf.shape)
            return (generator.standard_normal(leaf.shape) * deviation).astype(leaf.dtype)

        return jax.tree_util.tree_map_with_path(fill, (parameters, statistics))

    def apply(
        self,
        parameters: Variables,
        statistics: Variables,
        images: jax.Array,
        *,
        training: bool,
        point: Mapping[str, jax.Array] | None = None,
    ) -> tuple[jax.Array, Variables]:
        """Logits and batch statistics.

        Args:
          parameters, statistics: as from `init`.
          images: [batch, height, width, channels], floating.
          training: normalise with the batch's statistics, which are returned; else with those given.
          point: for a super-kernel network, the choices; None for a single one, or for the largest.

        Returns:
          logits [batch, classes], and the batch's statistics (the given ones if not training).
        """
        graph, _, _ = self._abstract
        if point is not None:
            parameters = mask_parameters(self.specification, parameters, point)
        # A copy: the variables given belong to the caller, whose trace may be another.
        statistics = jax.tree.map(jnp.asarray, statistics)
        module = nnx.merge(graph, parameters, statistics, copy=True)
        logits = module(images, training)
        return logits, nnx.state(module, nnx.BatchStat)


def supernet(specification: Specification) -> Model:
    """The super-kernel network of a family."""
    return Model(specification, None)


def single_network(specification: Specification, design: Mapping[str, Option]) -> Model:
    """One network of a family; other decisions in `design` are ignored."""
    names = [name(block.index) for block in specification.blocks for name in (kernel_name, expansion_name)]
    return Model(specification, tuple((name, design[name]) for name in names))


def inherit(model: Model, variables: Variables, source: Variables) -> Variables:
    """Variables of a derived network cut out of those of its super-kernel network.

    Args:
      model: the derived network.
      variables: its variables, for their shapes (parameters or statistics).
      source: the supernet's.

    Returns:
      The inner square of each kernel and the leading channels of each axis.
    """

    def crop(target: jax.Array, whole: jax.Array) -> jax.Array:
        spatial = 2 if target.ndim >= 3 else 0
        index = []
        for axis, (small, large) in enumerate(zip(target.shape, whole.shape, strict=True)):
            start = (large - small) // 2 if axis < spatial else 0
            index.append(slice(start, start + small))
        return whole[tuple(index)]

    return jax.tree.map(crop, variables, source)


def count_parameters(model: Model) -> int:
    """Number of trainable parameters."""
    _, parameters, _ = model._abstract
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(parameters))
