"""Accuracies of all networks of NAS-Bench-Macro, and their multilinear extension to soft points."""

import csv
import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.spaces import Space, macro_space


@dataclasses.dataclass(frozen=True, eq=False)
class MacroTable:
    """The benchmark, networks in the order of `Space.grid`.

    Attributes:
      space: of the networks.
      accuracy: test accuracy of each of three trainings, percent, float64[6561, 3].
      parameters: trainable parameters, int64[6561].
      macs: multiply-accumulates of convolutions and classifier, one image, int64[6561].
    """

    space: Space
    accuracy: np.ndarray
    parameters: np.ndarray
    macs: np.ndarray

    @property
    def mean_accuracy(self) -> np.ndarray:
        """Of the three trainings, percent, float64[6561]."""
        return self.accuracy.mean(axis=1)


@functools.cache
def macro_table() -> MacroTable:
    """The benchmark as it is published (`third_party/nas_bench_macro`)."""
    space = macro_space()
    with (THIRD_PARTY / "nas_bench_macro" / "cifar10.csv").open(newline="") as file:
        rows = {row["network"]: row for row in csv.DictReader(file)}
    # The digits of a key are the options of its layers, so that keys in order are the rows of the grid.
    in_order = [rows["".join(map(str, indices))] for indices in space.grid()]
    accuracy = np.array([[float(row[f"accuracy_{i}"]) for i in (1, 2, 3)] for row in in_order])
    parameters, macs = (np.array([int(row[name]) for row in in_order]) for name in ("parameters", "macs"))
    return MacroTable(space, accuracy, parameters, macs)


def multilinear(table: jax.Array, probabilities: jax.Array) -> jax.Array:
    """Expected entry of a table under independent choices; at a one-hot point the entry itself.

    Args:
      table: by the options of D decisions, each with as many: [options^D, ...], the last decision varying fastest.
      probabilities: [D, options].

    Returns:
      [...]: the multilinear extension of the table.
    """
    decisions, options = probabilities.shape
    rest = table.shape[1:]
    for row in range(decisions):
        table = jnp.tensordot(probabilities[row], jnp.reshape(table, (options, -1, *rest)), axes=1, precision="highest")
    return jnp.reshape(table, rest)


def multilinear_at(table: jax.Array, one_hot: jax.Array) -> jax.Array:
    """`multilinear` at a one-hot point, with the same gradient, from the entry and its neighbours alone: far cheaper.

    Args:
      table: [options^D], as there.
      one_hot: [D, options], each row with a single one.

    Returns:
      A scalar, whose derivative by an entry of `one_hot` is the entry of the table with that option in its row.
    """
    decisions, options = one_hot.shape
    strides = options ** np.arange(decisions - 1, -1, -1)
    index = jnp.argmax(one_hot, axis=-1)
    here = index @ strides
    neighbours = here + (np.arange(options) - index[:, None]) * strides[:, None]
    # What is added is zero, with the gradient of the choices.
    moves = one_hot - jax.lax.stop_gradient(one_hot)
    return table[here] + jnp.sum(moves * table[neighbours])
