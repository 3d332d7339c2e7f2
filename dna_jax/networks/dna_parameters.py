"""The weights of DNA networks as their convolutions use them: masked to what is chosen, then quantised."""

import jax
import jax.numpy as jnp

from dna_jax.networks.channel_groups import group_of, reading_group
from dna_jax.networks.dna_blocks import DnaLayout
from dna_jax.networks.dna_choices import SUPER_KERNEL, Choices, Masks
from dna_jax.networks.modules import Variables
from dna_jax.networks.quantization import Precision, largest_magnitude, quantize

GROUPS = 2
"""Of the grouped operations, all of which have expansion 1."""


def _masked_expansion(kernel: jax.Array, masks: Masks) -> jax.Array:
    """A kernel [in, hidden]: grouped operations, which have the leading `in` hidden channels, join equal groups alone."""
    channels = kernel.shape[0]
    apart = group_of(channels, GROUPS)[:, None] != group_of(channels, GROUPS)
    return jnp.concatenate([kernel[:, :channels] * (1 - masks.grouped * apart), kernel[:, channels:]], axis=1)


def _masked_projection(kernel: jax.Array, masks: Masks, in_channels: int) -> jax.Array:
    """A kernel [hidden, out], its rows in the order before the channel shuffle of grouped operations."""
    apart = reading_group(in_channels, GROUPS)[:, None] != group_of(kernel.shape[1], GROUPS)
    leading = kernel[:in_channels] * (1 - masks.grouped * apart)
    return jnp.concatenate([leading, kernel[in_channels:] * masks.leading[in_channels:, None]])


def _quantized(kernel: jax.Array, precision: Precision, counted: jax.Array | None = None) -> jax.Array:
    return quantize(kernel, largest_magnitude(kernel, True, counted), precision, True)


def used_parameters(layout: DnaLayout, parameters: Variables, choices: Choices) -> Variables:
    """Parameters as the choices make them.

    Args:
      layout: of the family.
      parameters: a pytree with the names of `dna_modules.DnaNetwork`.
      choices: of its design, or of a point.
    """

    def used(path: tuple, leaf: jax.Array) -> jax.Array:
        names = tuple(key.key for key in path if hasattr(key, "key"))
        if names[-1] != "kernel":
            return leaf
        if names[0] != "blocks":
            return _quantized(leaf, choices.fixed)
        choice, block = choices.blocks[names[1]], layout.blocks[names[1]]
        if choice.masks is None or names[3] != SUPER_KERNEL:
            return _quantized(leaf, choice.precision)
        if names[4] == "expand":
            return _quantized(_masked_expansion(leaf, choice.masks), choice.precision, choice.masks.counted)
        if names[4] == "depthwise":
            return _quantized(leaf * choice.masks.kernel, choice.precision, choice.masks.counted)
        return _quantized(_masked_projection(leaf, choice.masks, block.in_channels), choice.precision)

    return jax.tree_util.tree_map_with_path(used, parameters)
