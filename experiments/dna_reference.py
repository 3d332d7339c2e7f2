"""What the DNA network computes at one point, written down for implementations elsewhere to be compared with."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dna_jax.networks import dna_network, supernet
from dna_jax.networks.modules import Variables
from dna_jax.spaces import OPERATIONS, SKIP, Point, dna_network_space


def reference_point(seed: int) -> Point:
    """A point at which every branch shows: in turn mixtures, one-hot choices, and blocks that are surely skipped."""
    space = dna_network_space()
    generator = np.random.default_rng(seed)
    rows = np.where(space.is_option, generator.gamma(1.0, size=space.is_option.shape), 0)
    # Each block has two rows: operations, then widths.
    for block in range(0, len(rows) // 2, 3):
        one_hot = np.arange(rows.shape[1]) == np.argmax(rows[2 * block], axis=-1)
        rows[2 * block] = one_hot if block % 2 else np.arange(rows.shape[1]) == OPERATIONS.index(SKIP)
    return space.pin(jnp.asarray(rows / rows.sum(axis=-1, keepdims=True)))


def _named(variables: Variables, prefix: str) -> dict[str, np.ndarray]:
    paths, _ = jax.tree_util.tree_flatten_with_path(variables)
    names = ("/".join(str(key.key) for key in path if hasattr(key, "key")) for path, _ in paths)
    return {f"{prefix}/{name}": np.asarray(leaf) for name, (_, leaf) in zip(names, paths, strict=True)}


def write_reference(file: pathlib.Path, width: float, image_size: int, batch_size: int) -> None:
    """Write parameters, a batch and a point, with the logits, the loss and its gradients there, in float64, as .npz.

    Arrays: `width`; `parameters/NAME` and `gradients/NAME` as the library lays them out; `images` [batch, height, width,
    channels] and `labels`; `point` and `by_point` [decisions, widest]; `logits` [batch, classes]; `loss`.
    """
    with jax.enable_x64(True):
        model = supernet(dna_network("cifar", width=width, image_size=image_size))
        generator = np.random.default_rng(0)
        # Away from the initial values, some of which are 0 and would hide what they multiply.
        parameters, statistics = jax.tree.map(
            lambda leaf: jnp.asarray(leaf + 0.1 * generator.standard_normal(leaf.shape), jnp.float64), model.init(0)
        )
        images = jnp.asarray(generator.standard_normal((batch_size, image_size, image_size, 3)))
        labels = generator.integers(0, 10, batch_size)
        point = reference_point(0)

        def loss(parameters: Variables, point: Point) -> tuple[jax.Array, jax.Array]:
            logits, _ = model.apply(parameters, statistics, images, training=True, point=point)
            return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels)), logits

        (value, logits), (by_parameters, by_point) = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))(
            parameters, point
        )
        arrays = {
            "width": np.asarray(width),
            "images": images,
            "labels": labels,
            "point": point.rows,
            "by_point": by_point.rows,
            "logits": logits,
            "loss": value,
        }
        named = _named(parameters, "parameters") | _named(by_parameters, "gradients")
        np.savez(file, allow_pickle=False, **{name: np.asarray(array) for name, array in arrays.items()}, **named)
