"""A joint table under budgets as strategies see it: trials with noisy accuracies, and exact values with gradients."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.accuracy import multilinear, multilinear_at
from dna_jax.benchmarks.joint_table import JointTable, grid_strides
from dna_jax.benchmarks.optimum import Task
from dna_jax.spaces import Point, Space

BUDGETED = ("latency_ms", "area_mm2")
"""Costs with a budget, in the order of `log_ratios`."""


@struct.dataclass
class RatioCost:
    """Costs over their budgets; a `SoftCost`, so that objectives with budgets of 1 apply."""

    latency_ms: jax.Array
    area_mm2: jax.Array

    @property
    def metrics(self) -> dict[str, jax.Array]:
        """By name; 1 is the budget."""
        return {"latency_ms": self.latency_ms, "area_mm2": self.area_mm2}

    @property
    def misfit(self) -> jax.Array:
        """None: every design of a table runs."""
        return jnp.zeros(())


@struct.dataclass
class TableProblem:
    """A table and budgets, as arrays: programs are compiled once for all budgets.

    Attributes:
      latency_ms: f32[D, options, A], area_mm2: f32[A], accuracy: f32[networks, trainings], as in `JointTable`.
      limits: of latency (ms) and area (mm2), f32[2].
      network_space, accelerator_space: static.
    """

    latency_ms: jax.Array
    area_mm2: jax.Array
    accuracy: jax.Array
    limits: jax.Array
    network_space: Space = struct.field(pytree_node=False)
    accelerator_space: Space = struct.field(pytree_node=False)

    @classmethod
    def of(cls, table: JointTable, task: Task) -> "TableProblem":
        """The table under the budgets of a task."""
        return cls(
            latency_ms=jnp.asarray(table.latency_ms, jnp.float32),
            area_mm2=jnp.asarray(table.area_mm2, jnp.float32),
            accuracy=jnp.asarray(table.accuracy, jnp.float32),
            limits=jnp.array([task.latency_ms, task.area_mm2], jnp.float32),
            network_space=table.network_space,
            accelerator_space=table.accelerator_space,
        )

    @property
    def decisions(self) -> int:
        """Of the network."""
        return len(self.network_space.decisions)

    @property
    def networks(self) -> int:
        """How many there are."""
        return self.accuracy.shape[0]

    @property
    def accelerators(self) -> int:
        """How many there are."""
        return self.area_mm2.shape[0]

    def network_row(self, designs: jax.Array) -> jax.Array:
        """Of designs int32[..., decisions], int32[...]."""
        return designs[..., : self.decisions] @ grid_strides(self.network_space)

    def _accelerator_row(self, designs: jax.Array) -> jax.Array:
        return designs[..., self.decisions :] @ grid_strides(self.accelerator_space)

    def log_ratios(self, designs: jax.Array) -> jax.Array:
        """Logarithm of cost over limit of designs int32[..., decisions], f32[..., 2], in the order of BUDGETED."""
        accelerator = self._accelerator_row(designs)
        chosen = self.latency_ms[np.arange(self.decisions), designs[..., : self.decisions], accelerator[..., None]]
        costs = jnp.stack([jnp.sum(chosen, axis=-1), self.area_mm2[accelerator]], axis=-1)
        return jnp.log(costs / self.limits)

    def settled_design(self, point: Point) -> tuple[jax.Array, jax.Array]:
        """The likeliest network of a point with the likeliest accelerator within the budgets, int32[decisions]; and how many
        designs were priced for it, int32. What has no probability, as what is fixed otherwise, is not returned.

        So a run on a template ends (`runs.template_design.derive`). Where no accelerator is within the budgets with that
        network, it is the likeliest network that is on the accelerator that comes nearest to them; a run, whose networks are
        too many to be priced, lets one decision after the other give way. Where none is, it is the likeliest design.
        """
        rows, accelerator = self._split(point)
        networks, grid = self.network_space.grid(), self.accelerator_space.grid()
        likelihood = jnp.sum(jnp.log(accelerator.rows)[np.arange(grid.shape[1]), grid], axis=-1)
        to_be_had = jnp.isfinite(likelihood) & (self.area_mm2 <= self.limits[1])

        def within_with(network: jax.Array) -> tuple[jax.Array, jax.Array]:
            """Latency on every accelerator, and which of them are within the budgets, [A]."""
            latency = jnp.sum(self.latency_ms[np.arange(self.decisions), network], axis=0)
            return latency, to_be_had & (latency <= self.limits[0])

        likeliest = jnp.argmax(rows, axis=-1)
        latency, within = within_with(likeliest)
        nearest = jnp.argmin(jnp.where(to_be_had, latency, jnp.inf))
        each = jnp.sum(self.latency_ms[np.arange(self.decisions), networks, nearest], axis=-1)
        network_likelihood = jnp.sum(jnp.log(rows)[np.arange(self.decisions), networks], axis=-1)
        is_met = to_be_had[nearest] & (each <= self.limits[0]) & jnp.isfinite(network_likelihood)
        gives_way = ~jnp.any(within) & jnp.any(is_met)
        # Which are within counts first, how likely they are second.
        network = jnp.where(gives_way, jnp.asarray(networks)[jnp.lexsort((-network_likelihood, ~is_met))[0]], likeliest)
        best = jnp.lexsort((-likelihood, ~within_with(network)[1]))[0]
        priced = self.accelerators + jnp.where(jnp.any(within), 0, self.networks + self.accelerators)
        return jnp.concatenate([network, jnp.asarray(grid)[best]]).astype(jnp.int32), priced.astype(jnp.int32)

    def train(self, key: jax.Array, designs: jax.Array) -> jax.Array:
        """Accuracy of one training, drawn from those known, of each design int32[batch, decisions], percent, f32[batch]."""
        training = jax.random.randint(key, designs.shape[:1], 0, self.accuracy.shape[1])
        return self.accuracy[self.network_row(designs), training]

    def mean_accuracy_of(self, designs: jax.Array) -> jax.Array:
        """Mean accuracy over trainings of designs int32[..., decisions], percent, f32[...]."""
        return jnp.mean(self.accuracy[self.network_row(designs)], axis=-1)

    @property
    def mean_accuracy(self) -> jax.Array:
        """Of each network, percent, f32[networks]."""
        return jnp.mean(self.accuracy, axis=1)

    def expected_accuracy(self, probabilities: jax.Array) -> jax.Array:
        """Multilinear extension of the mean accuracies: rows of a network's decisions [D, options] -> percent."""
        return multilinear(self.mean_accuracy, probabilities)

    def accuracy_at(self, one_hot: jax.Array) -> jax.Array:
        """The same value and gradient at a one-hot point, from its neighbours alone: far cheaper."""
        return multilinear_at(self.mean_accuracy, one_hot)

    def _split(self, point: Point) -> tuple[jax.Array, Point]:
        """Rows of the network [D, options], and the part of the accelerator."""
        options = self.latency_ms.shape[1]
        return point.rows[: self.decisions, :options], point.select([d.name for d in self.accelerator_space.decisions])

    def cost(self, point: Point) -> RatioCost:
        """Expected costs over limits under independent choices, with their gradient: the multilinear extension of the table.

        Every accelerator is weighed, which takes a pass over the table.
        """
        network, accelerator = self._split(point)
        latency = jnp.einsum("do,doa->a", network, self.latency_ms, precision="highest")
        costs = jnp.stack([latency, self.area_mm2])
        for row, (_, size) in reversed(list(enumerate(accelerator.sizes))):
            costs = jnp.reshape(costs, (2, -1, size)) @ accelerator.rows[row, :size]
        return RatioCost(*(costs[:, 0] / self.limits))

    def cost_at(self, point: Point) -> RatioCost:
        """The same value and gradient at a one-hot point, from its neighbours alone: far cheaper."""
        network, accelerator = self._split(point)
        index = jnp.argmax(accelerator.rows, axis=-1)
        strides = grid_strides(self.accelerator_space)
        rows, options = np.nonzero(self.accelerator_space.is_option)
        # Row of every accelerator that differs from the point's in one knob.
        neighbours = index @ strides + (options - index[rows]) * strides[rows]
        chosen = jnp.sum(jax.lax.stop_gradient(network)[:, :, None] * self.latency_ms[:, :, neighbours], axis=(0, 1))
        here = index @ strides
        # What is added is zero, with the gradient of the probabilities.
        moves = (accelerator.rows - jax.lax.stop_gradient(accelerator.rows))[rows, options]
        latency = jnp.sum(network * self.latency_ms[:, :, here]) + jnp.sum(moves * chosen)
        area = self.area_mm2[here] + jnp.sum(moves * self.area_mm2[neighbours])
        return RatioCost(latency / self.limits[0], area / self.limits[1])

    @property
    def priced_by_gradient(self) -> int:
        """Designs that `cost_at` prices: its own, and all that differ from it in one decision."""
        return 1 + sum(size - 1 for space in (self.network_space, self.accelerator_space) for _, size in space.sizes)

    @property
    def priced_by_mixture(self) -> int:
        """Designs that `cost` prices: every option of every layer on every accelerator, as whole networks."""
        return self.priced_networks * self.area_mm2.shape[0]

    @property
    def priced_networks(self) -> int:
        """Networks by which all options of all layers are priced: one, and those that differ from it in one decision."""
        return 1 + sum(size - 1 for _, size in self.network_space.sizes)


def stack_problems(problems: list[TableProblem]) -> TableProblem:
    """Several budgets on one table: `limits` [problems, 2], all else as in the first."""
    return dataclasses.replace(problems[0], limits=jnp.stack([problem.limits for problem in problems]))
