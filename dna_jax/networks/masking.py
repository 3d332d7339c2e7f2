"""Masks: what narrows the parameters of a super-kernel network to those of one of its networks, or to a mixture.

A kernel option keeps the inner square of the depthwise kernel, an expansion option the leading hidden channels. A point of
the space mixes the masks of its options. Masks multiply parameters, never activations, so a masked network costs no more
than the unmasked one.
"""

import math
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.networks.inverted_residual import Block, Layout
from dna_jax.networks.modules import Variables, fan_in_axes
from dna_jax.spaces import Point, expansion_name, kernel_name


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


def _split_rows(matrix: jax.Array) -> list[jax.Array]:
    return [row[0] for row in jax.lax.split(matrix, [1] * len(matrix))]


def _mix_kernels(kernels: Sequence[int], probabilities: jax.Array) -> list[jax.Array]:
    """Mixture of squares [side, side] of each block; probabilities [blocks, options]."""
    # An accelerator's default precision would round the mixture.
    return _split_rows(jnp.einsum("bo,oij->bij", probabilities, _squares(kernels), precision="highest"))


def _mix_channels(blocks: Sequence[Block], probabilities: jax.Array) -> list[jax.Array]:
    """Mixture of leading hidden channels of each block, padded to the longest; probabilities [blocks, options]."""
    longest = max(block.in_channels * max(block.expansions) for block in blocks)
    leading = np.stack([_leading(block, longest) for block in blocks])
    return _split_rows(jnp.sum(probabilities[:, :, None] * leading, axis=1))


def mask_parameters(specification: Layout, parameters: Variables, point: Mapping[str, jax.Array]) -> Variables:
    """Parameters of the super-kernel network as a point chooses or mixes them.

    Args:
      specification: the family.
      parameters: a pytree with the names of `modules.Network`.
      point: probabilities of the family's decisions, soft or one-hot.
    """
    point = Point.of(point)
    paths, structure = jax.tree_util.tree_flatten_with_path(parameters)
    leaves = {tuple(key.key for key in path if hasattr(key, "key")): leaf for path, leaf in paths}
    blocks = list(enumerate(specification.blocks))
    # Blocks with the same options share one product: one for each would be one more program to compile and to launch.
    for kernels in sorted({block.kernels for _, block in blocks if len(block.kernels) > 1}):
        chosen = [(i, block) for i, block in blocks if block.kernels == kernels]
        probabilities = point.select([kernel_name(block.index) for _, block in chosen]).rows
        for (i, _), mixture in zip(chosen, _mix_kernels(kernels, probabilities), strict=True):
            leaves["blocks", i, "depthwise", "kernel"] *= mixture[:, :, None]
    for expansions in sorted({block.expansions for _, block in blocks if len(block.expansions) > 1}):
        chosen = [(i, block) for i, block in blocks if block.expansions == expansions]
        probabilities = point.select([expansion_name(block.index) for _, block in chosen]).rows
        mixtures = _mix_channels([block for _, block in chosen], probabilities)
        for (i, block), mixture in zip(chosen, mixtures, strict=True):
            readers = [("project", "kernel")] + [("squeeze", "reduce", "kernel")] * bool(block.squeeze_channels)
            for reader in readers:
                weight = leaves["blocks", i, *reader]
                leaves["blocks", i, *reader] = weight * mixture[: len(weight), None]
    return jax.tree_util.tree_unflatten(structure, leaves.values())


def rescale_initial(specification: Layout, parameters: Variables, point: Mapping[str, jax.Array]) -> Variables:
    """First parameters of the super-kernel network as if the network that a one-hot point chooses had been drawn by itself.

    Kernels are drawn with a deviation of sqrt(2 / fan-in) (He et al., ICCV 2015), and what a mask leaves of one has a
    smaller fan-in: 9 taps of 49, or half of the hidden channels. So trained, the masked network is the derived one step by
    step, for what is masked gets no gradient.

    Args:
      specification: the family.
      parameters: as `Model.init` draws them.
      point: one-hot choices.
    """
    kept = mask_parameters(specification, jax.tree.map(jnp.ones_like, parameters), point)

    def rescale(leaf: jax.Array, mask: jax.Array) -> jax.Array:
        axes = fan_in_axes(leaf.shape)
        # A vector has no fan-in, and is not drawn.
        return leaf * jnp.sqrt(math.prod(leaf.shape[axis] for axis in axes) / jnp.sum(mask, axis=axes)) if axes else leaf

    return jax.tree.map(rescale, parameters, kept)
