"""A point: how likely each option of each decision is."""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np


def pad_options(rows: jax.Array, width: int) -> jax.Array:
    """The same rows [..., options] with zeros up to a width."""
    return jnp.pad(rows, [(0, 0)] * (jnp.ndim(rows) - 1) + [(0, width - jnp.shape(rows)[-1])])


@functools.partial(jax.tree_util.register_dataclass, data_fields=["rows"], meta_fields=["sizes"])
@dataclasses.dataclass(frozen=True, eq=False)
class Point(Mapping[str, jax.Array]):
    """Probabilities of the options of decisions, by the decision's name: [..., options]; one-hot is a discrete design.

    They are held as one array: a program that takes forty small vectors apart and together again compiles to a hundred
    small programs more.

    Attributes:
      rows: [..., decisions, widest]; beyond a decision's options there is nothing to read.
      sizes: name and number of options of each decision, in the order of the rows.
    """

    rows: jax.Array
    sizes: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, probabilities: Mapping[str, jax.Array]) -> "Point":
        """A point of separate vectors, each [..., options]."""
        if isinstance(probabilities, Point):
            return probabilities
        sizes = tuple((name, jnp.shape(vector)[-1]) for name, vector in probabilities.items())
        width = max(size for _, size in sizes)
        return cls(jnp.stack([pad_options(vector, width) for vector in probabilities.values()], axis=-2), sizes)

    def __eq__(self, other: object) -> bool:
        # A mapping would compare entries, which for arrays has no single answer.
        return self is other

    def __hash__(self) -> int:
        return id(self)

    @functools.cached_property
    def _row(self) -> dict[str, int]:
        return {name: row for row, (name, _) in enumerate(self.sizes)}

    def __getitem__(self, name: str) -> jax.Array:
        row = self._row[name]
        whole = jax.lax.index_in_dim(self.rows, row, axis=-2, keepdims=False)
        return jax.lax.slice_in_dim(whole, 0, self.sizes[row][1], axis=-1)

    def __iter__(self) -> Iterator[str]:
        return iter(self._row)

    def __len__(self) -> int:
        return len(self.sizes)

    def select(self, names: Sequence[str]) -> "Point":
        """The decisions named (at least one), in their order; as wide as the widest of them."""
        wanted = [self._row[name] for name in names]
        steps = {after - before for before, after in itertools.pairwise(wanted)} or {1}
        if len(steps) == 1 and min(steps) > 0:
            # Evenly spaced rows are a slice, with a gradient far cheaper than that of a lookup.
            rows = jax.lax.slice_in_dim(self.rows, wanted[0], wanted[-1] + 1, min(steps), axis=-2)
        else:
            rows = jnp.take(self.rows, np.array(wanted), axis=-2, mode="clip")
        sizes = tuple(self.sizes[row] for row in wanted)
        return Point(jax.lax.slice_in_dim(rows, 0, max(size for _, size in sizes), axis=-1), sizes)
