"""Augmentation as part of the jitted step: measured faster than on the host
(`experiments/results/benchmarks/data.json`)."""

import dataclasses

import jax
import jax.numpy as jnp


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
    """Random crops and flips.

    Attributes:
      crop_padding: pixels of zero padding before a random crop of the original size; 0 for none.
      flip: mirror half of the images (not for digits, whose mirror image is another sign).
    """

    crop_padding: int = 4
    flip: bool = True

    def __post_init__(self) -> None:
        if self.crop_padding < 0:
            raise ValueError(f"crop_padding must not be negative, and is {self.crop_padding}.")


def augment(key: jax.Array, images: jax.Array, config: AugmentationConfig) -> jax.Array:
    """Each image of a batch [batch, height, width, channels] cropped and flipped on its own; shape and type unchanged."""
    crop_key, flip_key = jax.random.split(key)
    count, height, width, channels = images.shape
    if config.crop_padding:
        margin = config.crop_padding
        padded = jnp.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        offsets = jax.random.randint(crop_key, (count, 2), 0, 2 * margin + 1)
        images = jax.vmap(
            lambda image, offset: jax.lax.dynamic_slice(image, (offset[0], offset[1], 0), (height, width, channels))
        )(padded, offsets)
    if config.flip:
        flipped = jax.random.bernoulli(flip_key, shape=(count, 1, 1, 1))
        images = jnp.where(flipped, images[:, :, ::-1], images)
    return images


def standardize(images: jax.Array) -> jax.Array:
    """Bytes to floats of mean about 0 and deviation about 1: (x / 255 - 0.5) / 0.25."""
    return (images.astype(jnp.float32) / 255 - 0.5) / 0.25
