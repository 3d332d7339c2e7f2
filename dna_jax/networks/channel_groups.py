"""Grouped pointwise convolutions and the channel shuffle between them (ShuffleNet, Zhang et al., CVPR 2018, Figure 1).

Groups are runs of neighbouring channels. A shuffle is a relabelling: whatever treats channels alike, as normalisation and
depthwise convolutions do, may as well leave them where they are.
"""

import jax
import jax.numpy as jnp
import numpy as np


def shuffled_order(channels: int, groups: int) -> np.ndarray:
    """The channel that each place holds after a shuffle, [channels]: first one of each group, then the second of each."""
    return np.arange(channels).reshape(groups, -1).T.ravel()


def shuffle(x: jax.Array, groups: int) -> jax.Array:
    """Channel shuffle of the last axis."""
    apart = x.reshape(*x.shape[:-1], groups, -1)
    return jnp.swapaxes(apart, -1, -2).reshape(x.shape)


def group_of(channels: int, groups: int) -> np.ndarray:
    """The group of each channel, [channels]."""
    return np.arange(channels) // (channels // groups)


def reading_group(channels: int, groups: int) -> np.ndarray:
    """The group of the convolution behind a shuffle that reads each channel, the channels in their order before it."""
    reading = np.empty(channels, int)
    reading[shuffled_order(channels, groups)] = group_of(channels, groups)
    return reading


def cut_groups(kernel: jax.Array, groups: int) -> jax.Array:
    """What a grouped convolution keeps of a dense kernel [in, out]: [in / groups, out]."""
    rows, columns = kernel.shape[0] // groups, kernel.shape[1] // groups
    parts = [kernel[g * rows : (g + 1) * rows, g * columns : (g + 1) * columns] for g in range(groups)]
    return jnp.concatenate(parts, axis=1)
