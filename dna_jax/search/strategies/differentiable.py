"""Differentiable joint search of a problem whose accuracy is known exactly or is sampled.

Choices of network and accelerator are relaxed by Gumbel-softmax, and their logits follow the gradient of an objective with
budgets, as in the joint search of a supernet (`search.cosearch`), of which the supernet is taken out: accuracy is that of
the problem. So the quality of the optimiser shows by itself.
"""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
import optax
from flax import struct

from dna_jax.checks import require_at_least
from dna_jax.search.objectives import ObjectiveConfig, SoftCost
from dna_jax.search.optimizers import OptimizerConfig, make_optimizer
from dna_jax.search.relaxation import Logits, TemperatureConfig, mean_point, sample_point, temperature_schedule
from dna_jax.search.strategies.descent import Descent, by_part
from dna_jax.search.strategies.search import JointProblem, Trials
from dna_jax.search.strategies.strategy import Feedback, Incumbent
from dna_jax.spaces import Point, Space

_ADAM = OptimizerConfig(
    name="adam", learning_rate=0.05, schedule="constant", warmup_steps=0, weight_decay=0.0, clip_norm=0.0
)


@dataclasses.dataclass(frozen=True)
class DifferentiableConfig:
    """How the search proceeds.

    Attributes:
      accuracy: "exact" reads the accuracy of every network and takes its gradient. "sampled" trains the networks of the
        samples, and takes the gradient by the score function with a moving-average baseline (Williams, 1992).
      steps: over which the temperature falls and learning rates go as their schedules say.
      samples: to a step.
      hard: straight-through one-hot samples; otherwise soft mixtures, which only exact accuracies have.
      temperature: of the Gumbel-softmax.
      network, accelerator: optimisers of the logits of either part.
      objective: form and weights.
      baseline_decay: of the baseline of sampled accuracies.
    """

    accuracy: Literal["exact", "sampled"] = "exact"
    steps: int = 400
    samples: int = 8
    hard: bool = True
    temperature: TemperatureConfig = TemperatureConfig(schedule="constant", start=1.0)
    network: OptimizerConfig = _ADAM
    accelerator: OptimizerConfig = _ADAM
    objective: ObjectiveConfig = ObjectiveConfig(multiplier_rate=0.005, pressure=0.001)
    baseline_decay: float = 0.9

    def __post_init__(self) -> None:
        require_at_least(self, steps=1, samples=1)
        if not 0 <= self.baseline_decay < 1:
            raise ValueError(f"baseline_decay {self.baseline_decay} must lie in [0, 1).")
        if self.accuracy == "sampled" and not self.hard:
            raise ValueError("Only discrete networks can be trained: with accuracy=sampled keep hard=True.")


@struct.dataclass
class DifferentiableState:
    """Everything that changes.

    Attributes:
      step: steps taken.
      descent: logits and multipliers.
      baseline: moving average of sampled accuracies, percent; NaN before the first.
      incumbent: the best design of the samples.
    """

    step: jax.Array
    descent: Descent
    baseline: jax.Array
    incumbent: Incumbent


@dataclasses.dataclass(frozen=True)
class DifferentiableSearch:
    """Differentiable search of a joint space, a `Search`.

    Attributes:
      space: the joint space, with what is fixed, the network's decisions first.
      config: how it proceeds.
      returns: the "best" of the samples, as their accuracies were told, or the "likeliest" design, as the joint search of a
        supernet does, whose accuracies say little of a single network: after the last step, where it misses a budget, with
        the most likely accelerator that meets all, and where there is none, with another network
        (`JointProblem.settled_design`).
    """

    space: Space
    config: DifferentiableConfig = DifferentiableConfig()
    returns: Literal["best", "likeliest"] = "best"

    def _optimizer(self, problem: JointProblem) -> optax.GradientTransformation:
        config = self.config
        parts = (make_optimizer(part, config.steps) for part in (config.network, config.accelerator))
        return by_part(len(problem.network_space.decisions), *parts)

    def init(self, key: jax.Array, problem: JointProblem) -> DifferentiableState:
        return DifferentiableState(
            step=jnp.zeros((), jnp.int32),
            descent=Descent.begin(self.space, self.config.objective, self._optimizer(problem)),
            baseline=jnp.array(jnp.nan),
            incumbent=Incumbent.none(len(self.space.decisions)),
        )

    def _task_losses(
        self,
        logits: Logits,
        points: Point,
        designs: jax.Array,
        state: DifferentiableState,
        key: jax.Array,
        problem: JointProblem,
    ) -> tuple[jax.Array, jax.Array]:
        """Loss of each sample, whose gradient may be an estimate, and its accuracy in percent, [samples]."""
        count, options = len(problem.network_space.decisions), len(problem.network_space.decisions[0].options)
        if self.config.accuracy == "exact":
            known = problem.accuracy_at if self.config.hard else problem.expected_accuracy
            accuracy = jax.vmap(known)(points.rows[:, :count, :options])
            return task_loss(accuracy), accuracy
        accuracy = problem.train(key, designs)
        log_p = jax.nn.log_softmax(logits[:count, :options], axis=-1)
        chosen = jnp.sum(jnp.take_along_axis(log_p[None], designs[:, :count, None], axis=-1), axis=(1, 2))
        baseline = jnp.where(jnp.isnan(state.baseline), jnp.mean(accuracy), state.baseline)
        advantage = task_loss(accuracy) - task_loss(baseline)
        return task_loss(accuracy) + advantage * (chosen - jax.lax.stop_gradient(chosen)), accuracy

    def step(self, state: DifferentiableState, key: jax.Array, problem: JointProblem) -> tuple[DifferentiableState, Trials]:
        config = self.config
        # What is known exactly is not drawn; to derive a key takes as long as a tenth of a step.
        sampling, training = jax.random.split(key) if config.accuracy == "sampled" else (key, key)
        temperature = temperature_schedule(config.temperature, config.steps)(state.step)

        def samples(logits: Logits) -> tuple[jax.Array, SoftCost, tuple[jax.Array, jax.Array, SoftCost]]:
            points = sample_point(sampling, self.space, logits, temperature, config.hard, shape=(config.samples,))
            designs = jnp.argmax(points.rows, axis=-1).astype(jnp.int32)
            costs = jax.vmap(problem.cost_at if config.hard else problem.cost)(points)
            losses, accuracy = self._task_losses(logits, points, designs, state, training, problem)
            return losses, costs, (designs, accuracy, costs)

        descent, (designs, accuracy, costs) = state.descent.step(samples, config.objective, self._optimizer(problem))
        if config.hard:
            log_ratios = jnp.log(jnp.stack(list(costs.metrics.values()), axis=-1))
        else:
            log_ratios = problem.log_ratios(designs)
            # The likeliest design of a mixture is another one, with an accuracy of its own.
            options = len(problem.network_space.decisions[0].options)
            networks = jax.nn.one_hot(designs[:, : len(problem.network_space.decisions)], options)
            accuracy = jax.vmap(problem.accuracy_at)(networks)
        trained = jnp.ones(config.samples, bool)
        incumbent = state.incumbent.update(designs, Feedback(trained, accuracy, log_ratios))
        decay, mean = config.baseline_decay, jnp.mean(accuracy)
        new = DifferentiableState(
            step=state.step + 1,
            descent=descent,
            baseline=jnp.where(jnp.isnan(state.baseline), mean, decay * state.baseline + (1 - decay) * mean),
            incumbent=incumbent,
        )
        priced = problem.priced_by_gradient if config.hard else problem.priced_by_mixture
        # Whoever knows the accuracy of every network has asked for all of them at the start.
        exact = jnp.where(state.step == 0, problem.networks, 0)
        answer, repaired = incumbent.design, 0
        if self.returns == "likeliest":
            answer, repaired = jax.lax.cond(
                new.step == config.steps,
                problem.settled_design,
                lambda point: (jnp.argmax(point.rows, axis=-1).astype(jnp.int32), jnp.int32(0)),
                mean_point(self.space, descent.logits),
            )
        return new, Trials(
            designs=designs.astype(jnp.int8),
            trained=trained,
            queries=jnp.asarray(exact if config.accuracy == "exact" else config.samples, jnp.int32),
            evaluations=jnp.asarray(config.samples * priced + repaired, jnp.int32),
            answer=answer.astype(jnp.int8),
        )


def task_loss(accuracy: jax.Array) -> jax.Array:
    """Negative logarithm of an accuracy in percent: as costs are compared, by ratios."""
    return -jnp.log(accuracy / 100)
