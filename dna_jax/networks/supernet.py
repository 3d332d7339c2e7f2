"""Super-kernel network: one network of the largest options; a point of the space masks it to any smaller one.

The 7x7 depthwise kernel is masked to its inner 5x5 or 3x3, the hidden channels to the first ones. A soft point mixes the
masks. So a step of the supernet costs one step of its largest network, whatever the size of the space.
"""

import dataclasses
import functools
import zlib
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from dna_jax.networks.modules import Network, initial_deviation
from dna_jax.networks.specification import Block, Specification
from dna_jax.spaces import Option, Point, expansion_name, kernel_name

Variables = nnx.State
"""Parameters or batch statistics, a pytree."""


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
        # A copy: the variables given belong to the caller, whose trace may be another.
        statistics = jax.tree.map(jnp.asarray, statistics)
        module = nnx.merge(graph, parameters, statistics, copy=True)
        masks = None if point is None else block_masks(self.specification, point)
        logits = module(images, training, masks)
        return logits, nnx.state(module, nnx.BatchStat)


def supernet(specification: Specification) -> Model:
    """The super-kernel network of a family."""
    return Model(specification, None)


def single_network(specification: Specification, design: Mapping[str, Option]) -> Model:
    """One network of a family; other decisions in `design` are ignored."""
    names = [name(block.index) for block in specification.blocks for name in (kernel_name, expansion_name)]
    return Model(specification, tuple((name, design[name]) for name in names))


def _squares(kernels: Sequence[int]) -> np.ndarray:
    """The centred square of each kernel option within the largest, [options, side, side]."""
    side = max(kernels)
    squares = np.zeros((len(kernels), side, side), np.float32)
    for i, kernel in enumerate(kernels):
        margin = (side - kernel) // 2
        squares[i, margin : side - margin, margin : side - margin] = 1
    return squares


def _leading(block: Block, length: int) -> np.ndarray:
    """The leading hidden channels of each expansion option of a block, padded to a length, [options, length]."""
    return np.array([np.arange(length) < block.in_channels * e for e in block.expansions], np.float32)


def _rows(matrix: jax.Array) -> list[jax.Array]:
    return [row[0] for row in jax.lax.split(matrix, [1] * len(matrix))]


def block_masks(
    specification: Specification, point: Mapping[str, jax.Array]
) -> list[tuple[jax.Array | None, jax.Array | None]]:
    """Kernel [side, side] and channel [hidden] masks of every block at a point; None where a block has no choice.

    Each is the mixture of its options' masks. Blocks with the same options share one product: one for each block would be
    one more program each to compile and to launch.
    """
    point = Point.of(point)
    kernel_of: dict[int, jax.Array] = {}
    channels_of: dict[int, jax.Array] = {}
    for kernels in sorted({block.kernels for block in specification.blocks if len(block.kernels) > 1}):
        blocks = [block for block in specification.blocks if block.kernels == kernels]
        probabilities = point.select([kernel_name(block.index) for block in blocks]).rows
        mixtures = _rows(jnp.einsum("bo,oij->bij", probabilities, _squares(kernels)))
        kernel_of |= {block.index: mixture for block, mixture in zip(blocks, mixtures, strict=True)}
    for expansions in sorted({block.expansions for block in specification.blocks if len(block.expansions) > 1}):
        blocks = [block for block in specification.blocks if block.expansions == expansions]
        hidden = [block.in_channels * max(expansions) for block in blocks]
        probabilities = point.select([expansion_name(block.index) for block in blocks]).rows
        leading = np.stack([_leading(block, max(hidden)) for block in blocks])
        mixtures = _rows(jnp.sum(probabilities[:, :, None] * leading, axis=1))
        channels_of |= {block.index: row[:count] for block, row, count in zip(blocks, mixtures, hidden, strict=True)}
    return [(kernel_of.get(block.index), channels_of.get(block.index)) for block in specification.blocks]


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
