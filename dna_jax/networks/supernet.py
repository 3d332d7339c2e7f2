"""Networks as pure functions: one that holds all networks of a family, and single ones derived from it.

A super-kernel network is one network of the largest options; a point of the space masks it to any smaller one. The 7x7
depthwise kernel is masked to its inner 5x5 or 3x3, the hidden channels to the first ones (`masking`, `dna_choices`). So a
step of the supernet costs one step of its largest network, whatever the size of the space.
"""

import dataclasses
import functools
import typing
import zlib
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from dna_jax.networks.family import Family, TrainableFamily
from dna_jax.networks.modules import Variables, initial_deviation
from dna_jax.spaces import Option


@dataclasses.dataclass(frozen=True)
class Model:
    """A network as pure functions over pytrees.

    Attributes:
      specification: the family; where the network holds all of it, a `Family`.
      design: the network's choices, or None for the network that holds them all.
    """

    specification: TrainableFamily
    design: tuple[tuple[str, Option], ...] | None

    @property
    def _family(self) -> Family:
        """The family of a network that holds all others or inherits from it: `supernet` makes them of such families."""
        return typing.cast(Family, self.specification)

    @functools.cached_property
    def _abstract(self) -> tuple[nnx.GraphDef, Variables, Variables]:
        design = None if self.design is None else dict(self.design)
        module = nnx.eval_shape(lambda: self._family.module(design))
        graph, parameters, statistics = nnx.split(module, nnx.Param, nnx.BatchStat)
        return graph, parameters, statistics

    def init(self, seed: int) -> tuple[Variables, Variables]:
        """Parameters and batch statistics, filled on the host: far cheaper than a jitted initialiser."""
        _, parameters, statistics = self._abstract

        def fill(path: tuple, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
            names = tuple(str(getattr(key, "key", getattr(key, "name", key))) for key in path[1:])
            kind = next(name for name in reversed(names) if name in ("kernel", "bias", "scale", "mean", "variance", "range"))
            if kind != "kernel":
                starts_at_one = kind in ("variance", "range") or (kind == "scale" and "residual_norm" not in names)
                return np.full(leaf.shape, starts_at_one, leaf.dtype)
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
          point: for a network that holds all of a family, the choices; None for a single one.

        Returns:
          logits [batch, classes], and the batch's statistics (the given ones if not training).
        """
        graph, _, _ = self._abstract
        design = None if self.design is None else dict(self.design)
        parameters, arguments = self._family.choose(parameters, design, point)
        # A copy: the variables given belong to the caller, whose trace may be another.
        statistics = jax.tree.map(jnp.asarray, statistics)
        module = nnx.merge(graph, parameters, statistics, copy=True)
        logits = module(images, training, *arguments)
        return logits, nnx.state(module, nnx.BatchStat)


def supernet(specification: Family) -> Model:
    """The network that holds all networks of a family."""
    return Model(specification, None)


def single_network(specification: TrainableFamily, design: Mapping[str, Option]) -> Model:
    """One network of a family; other decisions in `design` are ignored."""
    return Model(specification, tuple((name, design[name]) for name in specification.options))


def inherit(model: Model, variables: Variables, source: Variables) -> Variables:
    """Variables of a derived network cut out of those of its supernet.

    Args:
      model: the derived network.
      variables: its variables, for their shapes (parameters or statistics).
      source: the supernet's.
    """
    if model.design is None:
        raise ValueError("Only a single network inherits; make one with single_network.")
    return model._family.inherit(dict(model.design), variables, source)


def count_parameters(model: Model) -> int:
    """Number of trainable parameters."""
    _, parameters, _ = model._abstract
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(parameters))
