"""What networks of a search are asked to do: class labels of images, with the weights that they share."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import optax

from dna_jax.networks import Family, Model, Variables, single_network, supernet
from dna_jax.spaces import Point, Space

Batch = tuple[jax.Array, jax.Array]
"""Images [batch, height, width, channels], floating and augmented; labels int[batch]."""


@dataclasses.dataclass(frozen=True)
class SupernetTask:
    """Loss and accuracy of the networks of a space, as pure functions of their weights.

    Attributes:
      specification: the network family.
      network_space: with what is fixed.
      label_smoothing: of the loss, in [0, 1).
    """

    specification: Family
    network_space: Space
    label_smoothing: float = 0.0

    @functools.cached_property
    def model(self) -> Model:
        """The supernet; a single network where no decision of it is searched."""
        if self.network_space.free:
            return supernet(self.specification)
        return single_network(self.specification, self.network_space.fixed)

    @functools.cached_property
    def _initial_statistics(self) -> Variables:
        # The same for every seed, and replaced by those of the batch: they only fill their place.
        return self.model.init(0)[1]

    def evaluate(self, parameters: Variables, batch: Batch, point: Point) -> tuple[jax.Array, jax.Array]:
        """Cross-entropy (nats) and accuracy (0 to 1) of the network that a point chooses, on statistics of the batch."""
        images, labels = batch
        # Nothing is masked where there is no choice.
        choices = point if self.network_space.free else None
        predictions, _ = self.model.apply(parameters, self._initial_statistics, images, training=True, point=choices)
        targets = optax.smooth_labels(jax.nn.one_hot(labels, predictions.shape[-1]), self.label_smoothing)
        accuracy = jnp.mean(jnp.argmax(predictions, axis=-1) == labels)
        return jnp.mean(optax.softmax_cross_entropy(predictions, targets)), accuracy
