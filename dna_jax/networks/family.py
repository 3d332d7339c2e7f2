"""What every family of networks can do, so that searching, training and pricing them is one code.

A family is a specification: plain data with the functions below. `supernet`, `single_network` and `relaxed_workload` are
written on top of them, once for all families.
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


class Family(Protocol):
    """A family of networks: hashable, for programs are compiled once for each."""

    @property
    def name(self) -> str:
        """Of the family, as reports give it."""
        ...

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

    @property
    def options(self) -> Mapping[str, tuple[Option, ...]]:
        """Options of every decision, in order."""
        ...

    @property
    def default_design(self) -> Design:
        """The network others are compared with."""
        ...

    def module(self, design: Mapping[str, Option] | None) -> nnx.Module:
        """The network of a design, or for None the one that holds them all.

        It is called with images [batch, height, width, channels], whether it trains, and the arguments from `choose`; it
        returns logits [batch, classes].
        """
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

    def conditional_layers(self) -> list[ConditionalLayer]:
        """All layers in order, each with the choices that bring it."""
        ...
