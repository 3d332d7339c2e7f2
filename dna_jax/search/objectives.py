"""Objectives: one number from a task loss and hardware costs, under budgets.

Three forms over the same budgets. `soft` trades (NAHAS section 3.4: a weighted product of costs over budgets), `hinge`
punishes only what exceeds a budget (the absolute-value reward of TuNAS, one-sided), `lagrangian` learns how hard to punish
so that a budget is met. All compare a cost with its budget by the logarithm of their ratio, so units do not matter, and
all share `pressure`: the exponents of the weighted product by which a design that meets every budget still improves.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, Protocol

import jax
import jax.numpy as jnp

COSTS = ("latency_ms", "energy_mj", "area_mm2")
"""Costs of a template's accelerators, each of which may have a budget."""

PIPELINE_COSTS = ("frame_ms", "dsp", "bram")
"""Costs of an FPGA pipeline that may have one: milliseconds between images, DSP slices, block RAMs."""

RESOURCES = ("dsp", "bram")
"""Costs that an FPGA limits. Within its limits to use more of them is no loss: nothing presses them."""

ASIC_PIPELINE_COSTS = (*COSTS, "frame_ms")
"""Costs of an ASIC pipeline that may have one."""


class SoftCost(Protocol):
    """What a design costs at a point, with its gradient: of a template (`hardware.RelaxedCost`), of a pipeline on an FPGA or
    an ASIC (`hardware.fpga.RelaxedPipelineCost`, `hardware.asic.PipelineCost`)."""

    @property
    def metrics(self) -> Mapping[str, jax.Array]:
        """What may have a budget, by name; positive scalars."""
        ...

    @property
    def misfit(self) -> jax.Array:
        """How far the design is from running at all; 0 where it runs."""
        ...


@dataclasses.dataclass(frozen=True)
class Budgets:
    """Limits; None where a cost is free. Which of them a family of accelerators has is in COSTS, PIPELINE_COSTS and
    ASIC_PIPELINE_COSTS.

    Attributes:
      latency_ms: milliseconds per inference, at most.
      energy_mj: millijoules per inference, at most.
      area_mm2: square millimetres, at most.
      fps: images a second, at least.
      dsp, bram: DSP slices and block RAMs, at most.
    """

    latency_ms: float | None = None
    energy_mj: float | None = None
    area_mm2: float | None = None
    fps: float | None = None
    dsp: float | None = None
    bram: float | None = None

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"The budget on {name} must be positive and finite, not {value}.")

    def items(self) -> list[tuple[str, float]]:
        """The limits that are set, by cost, none of which may exceed its limit: `fps` is one on `frame_ms`."""
        limits = {name: getattr(self, name) for name in (*COSTS, "dsp", "bram")}
        if self.fps is not None:
            limits["frame_ms"] = 1e3 / self.fps
        return [(name, limits[name]) for name in (*COSTS, *PIPELINE_COSTS) if limits.get(name) is not None]


@dataclasses.dataclass(frozen=True)
class ObjectiveConfig:
    """How task loss and costs become one number.

    Attributes:
      form: "soft", "hinge" or "lagrangian".
      pressure: exponent of each budgeted cost (of all costs where there is no budget), RESOURCES apart, in the weighted
        product. None takes 0.07 for "soft", as NAHAS does (its p = q = -0.07 on a reward), and 0.01 otherwise: where a
        budget is enforced, a slight pressure is enough to choose the accelerator, and more would trade away accuracy below
        the budget.
      hinge_weight: loss per unit of log excess, for "hinge".
      goal: of pipelines on ASICs, the cost that is pressed beside those with a budget, and by which designs that meet all
        budgets are ranked. "budgets" presses those with a budget alone, and ranks pipelines on ASICs by "edp", the
        energy-delay product of an image.
      multiplier_rate: step size of the multipliers, for "lagrangian". Ten times the default finds less accurate pairs within
        the same budgets (experiments/results/multiplier_rate).
      multiplier_limit: largest multiplier.
      damping: added to a multiplier for every unit of log excess, for "lagrangian"; below its budget a cost then weighs less
        at once, not only as its multiplier falls, so that the search stays near the budget instead of passing it. That is
        the augmented Lagrangian of an inequality (Bertsekas, Constrained Optimization and Lagrange Multiplier Methods, 1982,
        section 3.1).
    """

    form: Literal["soft", "hinge", "lagrangian"] = "lagrangian"
    pressure: float | None = None
    goal: Literal["budgets", "edp", "latency_ms", "frame_ms", "energy_mj"] = "budgets"
    hinge_weight: float = 10.0
    multiplier_rate: float = 0.005
    multiplier_limit: float = 100.0
    damping: float = 0.0

    def __post_init__(self) -> None:
        for name in ("pressure", "hinge_weight", "multiplier_rate", "multiplier_limit", "damping"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name} must not be negative and must be finite, but is {value}.")
        if self.damping and self.form != "lagrangian":
            raise ValueError(f"damping is one of multipliers, which the form {self.form} has none of; leave it at 0.")

    @property
    def exponent(self) -> float:
        """The pressure, resolved."""
        if self.pressure is not None:
            return self.pressure
        return 0.07 if self.form == "soft" else 0.01


Multipliers = dict[str, jax.Array]
"""Budgeted cost -> nonnegative multiplier."""


def initial_multipliers(config: ObjectiveConfig, budgets: Budgets) -> Multipliers:
    """Zero for every budget that is set; none of forms other than "lagrangian"."""
    if config.form != "lagrangian":
        return {}
    return {name: jnp.zeros((), jnp.float32) for name, _ in budgets.items()}


def log_ratios(cost: SoftCost, budgets: Budgets) -> dict[str, jax.Array]:
    """log(cost / budget) of every budget that is set: positive where it is exceeded."""
    metrics = cost.metrics
    return {name: jnp.log(metrics[name] / limit) for name, limit in budgets.items()}


def objective(
    config: ObjectiveConfig, task_loss: jax.Array, cost: SoftCost, budgets: Budgets, multipliers: Multipliers
) -> jax.Array:
    """The number to minimise.

    Args:
      config: form and weights.
      task_loss: positive.
      cost: of the sampled design.
      budgets: limits; costs without one do not enter, but for the goal, or where there is neither.
      multipliers: of the Lagrangian form; others have none.

    Returns:
      A scalar. A design that does not fit its memories is punished in every form.
    """
    ratios = log_ratios(cost, budgets)
    # What cannot run is no trade-off: its excess weighs as a budget of hinge weight 1 per KiB.
    misfit = cost.misfit
    goal = {} if config.goal == "budgets" else {config.goal: jnp.log(cost.metrics[config.goal])}
    pressed = {name: ratio for name, ratio in ratios.items() if name not in RESOURCES} | goal
    pressed = pressed or {name: jnp.log(value) for name, value in cost.metrics.items() if name not in RESOURCES}
    log_product = config.exponent * sum(pressed.values(), jnp.zeros(()))
    if config.form == "soft":
        return task_loss * jnp.exp(log_product) + misfit
    if config.form == "hinge":
        penalty = config.hinge_weight * sum((jax.nn.relu(r) for r in ratios.values()), jnp.zeros(()))
    elif config.form == "lagrangian":
        weights = {name: jax.nn.relu(multipliers[name] + config.damping * ratio) for name, ratio in ratios.items()}
        penalty = sum((jax.lax.stop_gradient(weights[n]) * ratio for n, ratio in ratios.items()), jnp.zeros(()))
    else:
        raise ValueError(f"Unknown objective {config.form!r}; choose one of soft, hinge, lagrangian.")
    return task_loss + log_product + penalty + misfit


def update_multipliers(config: ObjectiveConfig, multipliers: Multipliers, cost: SoftCost, budgets: Budgets) -> Multipliers:
    """One step of gradient ascent: a multiplier grows while its budget is exceeded and shrinks while it is met."""
    ratios = log_ratios(cost, budgets)
    return {
        name: jnp.clip(value + config.multiplier_rate * ratios[name], 0, config.multiplier_limit)
        for name, value in multipliers.items()
    }


def merit(costs: Mapping[str, Any], budgets: Budgets) -> Any:
    """Geometric mean of cost over budget, the figure by which designs that meet all budgets are ranked; lower is better."""
    limits = budgets.items() or [(name, 1.0) for name in COSTS]
    return math.prod((costs[name] / limit) ** (1 / len(limits)) for name, limit in limits)
