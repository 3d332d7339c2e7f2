"""What families of networks can do, so that searching, training and pricing them is one code.

A family is a specification: plain data with the functions below. `supernet`, `single_network` and `relaxed_workload` are
written on top of them, once for all families. Each asks for no more than it uses: pricing needs layers alone, and a network
that is trained by itself need not be part of one that holds them all.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import jax
from flax import nnx

from dna_jax.networks.modules import Variables
from dna_jax.spaces import Design, Option
from dna_jax.workload import Layer


@dataclasses.dataclass(frozen=True)
class ConditionalLayer:
    """A layer and the choices that bring it: decision -> option, all of which must hold."""

    layer: Layer
    needs: Mapping[str, Option]


class NetworkFamily(Protocol):
    """A family of networks to choose from: hashable, for programs are compiled once for each."""

    @property
    def name(self) -> str:
        """Of the family, as reports give it."""
        ...

    @property
    def options(self) -> Mapping[str, tuple[Option, ...]]:
        """Options of every decision, in order."""
        ...

    @property
    def default_design(self) -> Design:
        """The network others are compared with."""
        ...


class LayeredFamily(NetworkFamily, Protocol):
    """A family whose networks can be priced."""

    def conditional_layers(self) -> list[ConditionalLayer]:
        """All layers in order, each with the choices that bring it."""
        ...


class TrainableFamily(NetworkFamily, Protocol):
    """A family whose networks can be trained, each by itself."""

    @property
    def image_size(self) -> int:
        """Height and width of the input."""
        ...

    @property
    def image_channels(self) -> int:
        """Of the input."""
        ...

    @property
    def classes(self) -> int:
        """Of the classifier."""
        ...

    def module(self, design: Mapping[str, Option]) -> nnx.Module:
        """The network of a design.

        It is called with images [batch, height, width, channels], whether it trains, and the arguments from `choose`; it
        returns logits [batch, classes].
        """
        ...

    def choose(self, parameters: Variables, design: Mapping[str, Option], point: None) -> tuple[Variables, tuple[Any, ...]]:
        """What a network computes with: parameters in the place of the given ones, and further arguments of its call."""
        ...


class Family(LayeredFamily, TrainableFamily, Protocol):
    """A family with a network that holds all others, from which they inherit."""

    def module(self, design: Mapping[str, Option] | None) -> nnx.Module:
        """The network of a design, or for None the one that holds them all; called as in a `TrainableFamily`."""
        ...

    def choose(
        self, parameters: Variables, design: Mapping[str, Option] | None, point: Mapping[str, jax.Array] | None
    ) -> tuple[Variables, tuple[Any, ...]]:
        """What a module computes with under its choices.

        Args:
          parameters: of the module of `design`.
          design: that of the module.
          point: probabilities of the decisions, for the network that holds them all.

        Returns:
          Parameters in the place of the given ones, and further arguments of the module's call.
        """
        ...

    def inherit(self, design: Mapping[str, Option], variables: Variables, source: Variables) -> Variables:
        """Variables of a design's network, cut out of those of the network that holds them all.

        Args:
          design: of the network.
          variables: its own, for their shapes (parameters or statistics).
          source: those to cut from.
        """
        ...
