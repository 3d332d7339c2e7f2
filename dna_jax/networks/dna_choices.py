"""What a design, or a point, of the DNA space chooses in each block: precision, mixture of candidates, masks.

In a super-kernel network one 5 x 5 block of expansion 6 stands for all operations with a kernel. Its masks are those of the
chosen operation, or mix those of all operations by their probabilities given that the block is not skipped; its output is
weighted by the probability that it is not. Where a block is surely skipped, its operations count alike.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.networks.dna_blocks import DnaBlock, DnaLayout
from dna_jax.networks.quantization import Precision
from dna_jax.spaces import OPERATIONS, SKIP, Operation, Option, Point, bits_name, operation, operation_name

SUPER_KERNEL = "super_kernel"
"""Name of the candidate that stands for all operations with a kernel."""

_PARTS = [operation(name) for name in OPERATIONS if name != SKIP]
_EXPANSIONS = sorted({parts.expansion for parts in _PARTS})
_KERNELS = sorted({parts.kernel for parts in _PARTS})

LARGEST = Operation(_KERNELS[-1], _EXPANSIONS[-1], groups=1)
"""What the super-kernel is built for."""

_HARDLY_KEPT = 1e-12
"""A block kept with no more than this probability is surely skipped: what operations share of it has no digits left."""


@dataclasses.dataclass(frozen=True)
class Masks:
    """Masks of a super-kernel block.

    Attributes:
      kernel: of the depthwise kernel, [side, side, 1].
      leading: of hidden channels, the leading ones of each expansion, [hidden].
      counted: 1 for the hidden channels that some operation with a probability has, else 0, [hidden].
      grouped: share of the operations with two groups, a scalar.
    """

    kernel: jax.Array
    leading: jax.Array
    counted: jax.Array
    grouped: jax.Array


@dataclasses.dataclass(frozen=True)
class BlockChoice:
    """What is chosen in a block.

    Attributes:
      precision: of its convolutions.
      mixture: weight of each candidate's output; None for a single candidate.
      masks: of the super-kernel, if there is one.
    """

    precision: Precision
    mixture: Mapping[str, jax.Array] | None = None
    masks: Masks | None = None


@dataclasses.dataclass(frozen=True)
class Choices:
    """What is chosen in a network: the precision of stem, head and classifier, and of every block what it is."""

    fixed: Precision
    blocks: tuple[BlockChoice, ...]


def _certain(bits: int) -> Precision:
    return Precision((bits,), jnp.ones(1))


def choices_of_design(layout: DnaLayout, design: Mapping[str, Option]) -> Choices:
    """Of a single network."""
    blocks = tuple(BlockChoice(_certain(int(design[bits_name(block.index)]))) for block in layout.blocks)
    return Choices(_certain(layout.fixed_bits), blocks)


def _masks(block: DnaBlock, kernel: jax.Array, expansion: jax.Array, grouped: jax.Array) -> Masks:
    """Masks of a block from the shares of operations of at least each kernel, [kernels], and expansion, [expansions]."""
    distance = np.max(np.abs(np.indices((LARGEST.kernel, LARGEST.kernel)) - LARGEST.kernel // 2), axis=0)
    ring = np.searchsorted([k // 2 for k in _KERNELS], distance)
    rings = ring == np.arange(len(_KERNELS))[:, None, None]
    multiple = np.searchsorted(_EXPANSIONS, np.arange(LARGEST.expansion) + 1)
    added = np.repeat(multiple, block.in_channels) == np.arange(len(_EXPANSIONS))[:, None]
    leading = jnp.sum(expansion[:, None] * added, axis=0)
    counted = jax.lax.stop_gradient(leading > 0).astype(leading.dtype)
    return Masks(jnp.sum(kernel[:, None, None] * rings, axis=0)[:, :, None], leading, counted, grouped)


def _super_kernel_choices(layout: DnaLayout, operations: jax.Array) -> list[tuple[dict[str, jax.Array], Masks]]:
    """Mixture and masks of each block; probabilities [blocks, operations]."""
    skip = OPERATIONS.index(SKIP)
    with_kernel = operations[:, [i for i in range(len(OPERATIONS)) if i != skip]]
    kept = jnp.sum(with_kernel, axis=-1, keepdims=True)
    # A division by zero would make gradients of what is not used infinite.
    shared = with_kernel / jnp.where(kept > _HARDLY_KEPT, kept, 1)
    given = jnp.where(kept > _HARDLY_KEPT, shared, 1 / len(_PARTS))

    def share(of: np.ndarray) -> jax.Array:
        # A sum of ones and zeros times probabilities: an accelerator's default precision would round it.
        return jnp.matmul(given, of.astype(given.dtype), precision="highest")

    kernel = share(np.array([[parts.kernel >= k for k in _KERNELS] for parts in _PARTS]))
    expansion = share(np.array([[parts.expansion >= e for e in _EXPANSIONS] for parts in _PARTS]))
    grouped = share(np.array([parts.groups > 1 for parts in _PARTS]))
    return [
        ({SUPER_KERNEL: kept[i, 0], SKIP: operations[i, skip]}, _masks(block, kernel[i], expansion[i], grouped[i]))
        for i, block in enumerate(layout.blocks)
    ]


def choices_at_point(layout: DnaLayout, point: Mapping[str, jax.Array]) -> Choices:
    """Of the network that holds them all, at a point, soft or one-hot."""
    point = Point.of(point)
    bits = point.select([bits_name(block.index) for block in layout.blocks]).rows
    operations = point.select([operation_name(block.index) for block in layout.blocks]).rows
    precisions = [Precision(layout.widths, row) for row in bits]
    if layout.form == "separate":
        mixtures: list[dict[str, jax.Array]] = [dict(zip(OPERATIONS, row, strict=True)) for row in operations]
        blocks = tuple(BlockChoice(p, mixture) for p, mixture in zip(precisions, mixtures, strict=True))
    else:
        chosen = _super_kernel_choices(layout, operations)
        blocks = tuple(BlockChoice(p, *parts) for p, parts in zip(precisions, chosen, strict=True))
    return Choices(_certain(layout.fixed_bits), blocks)
