"""A space: an ordered set of decisions, some of which may be fixed.

Points hold probabilities for *every* decision, fixed ones included (one-hot at the fixed value). So a network-only, an
accelerator-only and a joint search differ in data alone: nothing downstream asks what is fixed.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.spaces.decision import Decision, Option
from dna_jax.spaces.point import Point

Design = dict[str, Option]
"""Decision name -> chosen option."""


@dataclasses.dataclass(frozen=True)
class Space:
    """An ordered set of decisions.

    Attributes:
      name: name used in configs and reports.
      decisions: the decisions, in order.
      fixed: decisions that are not searched, with their values.
    """

    name: str
    decisions: tuple[Decision, ...]
    fixed: Mapping[str, Option] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [decision.name for decision in self.decisions]
        if len(set(names)) != len(names):
            raise ValueError(f"Space {self.name!r} has two decisions of one name; rename one of {sorted(names)}.")
        for name, value in self.fixed.items():
            self[name].index(value)

    def __hash__(self) -> int:
        # Searches are compiled once for each space.
        return hash((self.name, self.decisions, tuple(sorted(self.fixed.items()))))

    @functools.cached_property
    def _by_name(self) -> dict[str, Decision]:
        return {decision.name: decision for decision in self.decisions}

    def __getitem__(self, name: str) -> Decision:
        if name not in self._by_name:
            raise KeyError(f"Space {self.name!r} has no decision {name!r}.")
        return self._by_name[name]

    def __or__(self, other: "Space") -> "Space":
        """The joint space of two spaces with disjoint decisions."""
        return Space(
            f"{self.name} | {other.name}", self.decisions + other.decisions, {**dict(self.fixed), **dict(other.fixed)}
        )

    def fix(self, values: Mapping[str, Option]) -> "Space":
        """The same space with `values` held fixed; its cardinality no longer counts them."""
        return dataclasses.replace(self, fixed={**dict(self.fixed), **dict(values)})

    @property
    def free(self) -> tuple[Decision, ...]:
        """Decisions that are searched: neither fixed nor with a single option."""
        return tuple(d for d in self.decisions if d.name not in self.fixed and len(d.options) > 1)

    def allowed(self, name: str) -> tuple[Option, ...]:
        """What a decision may still be: its options, or the one at which it is fixed."""
        return (self.fixed[name],) if name in self.fixed else self[name].options

    @property
    def cardinality(self) -> int:
        """Number of designs, exact (a Python integer)."""
        return math.prod(len(decision.options) for decision in self.free)

    @functools.cached_property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """Name and number of options of each decision."""
        return tuple((decision.name, len(decision.options)) for decision in self.decisions)

    @functools.cached_property
    def _counts(self) -> np.ndarray:
        return np.array([count for _, count in self.sizes])

    @functools.cached_property
    def is_option(self) -> np.ndarray:
        """Which entries of a point's rows are options, bool[decisions, widest]."""
        return np.arange(self._counts.max()) < self._counts[:, None]

    @functools.cached_property
    def is_allowed(self) -> np.ndarray:
        """Which options may still be chosen, bool[decisions, widest]: all, or of a fixed decision the one it is fixed at."""
        allowed = self.is_option.copy()
        for row, decision in enumerate(self.decisions):
            if decision.name in self.fixed:
                allowed[row] = np.arange(allowed.shape[1]) == decision.index(self.fixed[decision.name])
        return allowed

    def one_hot(self, indices: jax.Array | np.ndarray, dtype: jax.typing.DTypeLike = jnp.float32) -> Point:
        """Point of option indices int[..., decisions], as in `grid`; works under jit."""
        return Point(jax.nn.one_hot(indices, self.is_option.shape[-1], dtype=dtype), self.sizes)

    def encode(self, design: Mapping[str, Option]) -> Point:
        """One-hot point of a design. KeyError names a missing decision, ValueError a value that is no option."""
        for decision in self.decisions:
            if decision.name not in design:
                raise KeyError(f"The design gives no value for {decision.name!r} of space {self.name!r}.")
        return self.one_hot(np.array([decision.index(design[decision.name]) for decision in self.decisions]))

    def decode(self, point: Mapping[str, jax.Array]) -> Design:
        """Most likely design of a point (ties go to the first option)."""
        return {d.name: d.options[int(np.argmax(np.asarray(point[d.name])))] for d in self.decisions}

    def restrict(self, values: Mapping[str, Option]) -> Design:
        """The part of a larger design that belongs to this space."""
        return {decision.name: values[decision.name] for decision in self.decisions}

    def pin(self, rows: jax.Array) -> Point:
        """Probabilities [..., decisions, widest] as a point, overruled by the fixed values; pure, works under jit."""
        if not self.fixed:
            return Point(rows, self.sizes)
        held = np.array([[decision.name in self.fixed] for decision in self.decisions])
        index = [decision.index(self.fixed.get(decision.name, decision.options[0])) for decision in self.decisions]
        return Point(jnp.where(held, self.one_hot(np.array(index), rows.dtype).rows, rows), self.sizes)

    def sample(self, key: jax.Array) -> Point:
        """A one-hot point drawn uniformly; pure, so a batch is `jax.vmap(space.sample)(keys)`."""
        return self.pin(self.one_hot(jax.random.randint(key, self._counts.shape, 0, self._counts)).rows)

    def sample_soft(self, key: jax.Array) -> Point:
        """A point drawn uniformly over the simplex of each free decision: exponential numbers over their sum."""
        # The generator may return zero, and a single option is all of its sum.
        exponential = jnp.maximum(jax.random.exponential(key, self.is_option.shape, jnp.float32), 1e-30)
        drawn = jnp.where(self.is_option, exponential, 0)
        return self.pin(drawn / jnp.sum(drawn, axis=-1, keepdims=True))

    def grid(self) -> np.ndarray:
        """Option indices of every design, int32[cardinality, num_decisions]; the last decision varies fastest."""
        axes = []
        for decision in self.decisions:
            if decision.name in self.fixed:
                axes.append([decision.index(self.fixed[decision.name])])
            else:
                axes.append(range(len(decision.options)))
        mesh = np.meshgrid(*axes, indexing="ij")
        return np.stack([axis.ravel() for axis in mesh], axis=-1).astype(np.int32)

    def design(self, indices: np.ndarray) -> Design:
        """The design of one row of `grid`."""
        return {d.name: d.options[int(i)] for d, i in zip(self.decisions, indices, strict=True)}


def expectation(point: Mapping[str, jax.Array], decision: Decision, dtype: jax.typing.DTypeLike | None = None) -> jax.Array:
    """Expected numeric option of a decision at a point; exactly the option's value at a one-hot point."""
    probabilities = point[decision.name]
    values = jnp.asarray([float(v) for v in decision.options], dtype or probabilities.dtype)
    return jnp.sum(probabilities.astype(values.dtype) * values, axis=-1)
