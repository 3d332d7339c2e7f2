"""The cost of a soft design, with a gradient that knows every neighbouring option exactly.

The value at a point is the cost of the architecture with expected knob values, which at a one-hot point is the discrete
cost. The gradient by the probability of an option is the cost of the architecture with that knob *at* that option and all
others as they are: the gradient of the interpolation that is linear in each knob. So at a one-hot point the difference
between two options' gradients is the true difference between two accelerators, steps of rounding and of capacity included.

The alternative was measured on MobileNetV2 with 40 candidate mappings: differentiating through the mapper (which the
smooth backward rules of `surrogate` allow) takes ten times as long to compile, while the 33 neighbours cost one batched
forward pass.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.hardware.cost import price_layers
from dna_jax.hardware.template import Template
from dna_jax.spaces import Point, Space
from dna_jax.workload import Layer, Workload, merge_counts, workload_from_layers


@struct.dataclass
class RelaxedCost:
    """Cost of one inference at a point, scalars.

    Attributes:
      latency_ms, energy_mj, area_mm2: milliseconds, millijoules, square millimetres.
      overflow_kib: KiB by which tiles exceed memories; 0 where everything fits.
    """

    latency_ms: jax.Array
    energy_mj: jax.Array
    area_mm2: jax.Array
    overflow_kib: jax.Array

    @property
    def metrics(self) -> dict[str, jax.Array]:
        """What may have a budget, by name."""
        return {"latency_ms": self.latency_ms, "energy_mj": self.energy_mj, "area_mm2": self.area_mm2}

    @property
    def misfit(self) -> jax.Array:
        """How far the design is from running at all; 0 where it runs."""
        return self.overflow_kib


def _neighbours(point: Point, rows: np.ndarray, options: np.ndarray) -> Point:
    """The point itself, then for each of M pairs (row, option) the point with that option chosen; [1 + M, ...]."""
    decisions, width = point.rows.shape
    replaced = np.arange(decisions) == np.append(-1, rows)[:, None]
    chosen = np.eye(width, dtype=point.rows.dtype)[np.append(0, options)]
    return dataclasses.replace(point, rows=jnp.where(replaced[:, :, None], chosen[:, None, :], point.rows))


def relaxed_cost(template: Template, space: Space, workload: Workload, point: Mapping[str, jax.Array]) -> RelaxedCost:
    """Differentiable cost of a workload on a template at a point.

    Args:
      template: the family of accelerators.
      space: its space, with what is fixed; fixed knobs get no gradient and cost no evaluation.
      workload: relaxed or discrete; its `weight` gets the exact gradient.
      point: probabilities of the template's decisions, soft or one-hot.
    """
    knobs = Point.of(point).select([decision.name for decision in template.space.decisions])
    free = {decision.name for decision in space.free}
    searched = [(row, i) for row, (name, count) in enumerate(knobs.sizes) if name in free for i in range(count)]
    rows, options = np.array(searched, int).reshape(-1, 2).T
    held = jax.lax.stop_gradient(knobs)

    def per_layer(neighbour: Point):
        architecture = template.architecture(neighbour, workload.weight.dtype)
        layers = price_layers(workload, architecture, template.candidates, template.correction)
        milliseconds = layers.cycles / architecture.clock_hz * 1e3
        overflow_kib = jnp.sum(jnp.stack(layers.overflow_bytes), axis=0) / 1024
        return milliseconds, layers.energy_pj * 1e-9, architecture.total_area_mm2, overflow_kib

    tables = jax.lax.stop_gradient(jax.vmap(per_layer)(_neighbours(held, rows, options)))

    # Zeros, with the gradient of the probabilities: what each neighbour's row is weighted with.
    moves = (knobs.rows - held.rows)[rows, options]
    move = jnp.concatenate([jnp.zeros(1, moves.dtype), moves])
    weight = jax.lax.stop_gradient(workload.weight)

    def interpolate(table: jax.Array, additive: bool) -> jax.Array:
        """Row 0, plus the other rows with weights that are zero but have a gradient; no product that may be rounded."""
        if not additive:
            return table[0] + jnp.sum(move * table)
        return jnp.sum(table[0] * workload.weight) + jnp.sum(move * jnp.sum(table * weight, axis=1))

    latency, energy, area, overflow = tables
    return RelaxedCost(
        latency_ms=interpolate(latency, additive=True),
        energy_mj=interpolate(energy, additive=True),
        area_mm2=interpolate(area, additive=False),
        overflow_kib=interpolate(overflow, additive=True),
    )


@dataclasses.dataclass(frozen=True)
class TemplatePricing:
    """Prices of a search on the accelerators of a template.

    Attributes:
      template: the family of accelerators.
      space: its space, with what is fixed.
    """

    template: Template
    space: Space

    def __call__(self, layers: Sequence[Layer], weight: jax.Array, point: Mapping[str, jax.Array]) -> RelaxedCost:
        """Cost at a point of layers, each as often as its weight [L] says."""
        distinct, counts = merge_counts(layers, weight)
        return relaxed_cost(self.template, self.space, workload_from_layers(distinct, counts, counts.dtype), point)
