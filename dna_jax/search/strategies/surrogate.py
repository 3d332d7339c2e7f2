"""Differentiable joint search with a surrogate of the accuracy, fitted to the queries made: for few of them.

The accuracy of a network is taken for a sum over its choices and over its pairs of choices, fitted by Bayesian linear
regression one query after another; what a network's own trainings say beyond that is shrunk towards it. Logits follow the
gradient of that prediction, with a bonus for what is not known (an upper confidence bound), under the same objective and
budgets as where accuracy is exact. Of designs drawn from them, those promising most are trained.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct

from dna_jax.checks import require_at_least
from dna_jax.search.objectives import ObjectiveConfig, SoftCost
from dna_jax.search.relaxation import Logits, sample_point
from dna_jax.search.strategies.descent import Descent
from dna_jax.search.strategies.search import JointProblem, Trials
from dna_jax.spaces import Space

_UNTOLD = 80.0
"""Accuracy, percent, that predictions start from before any is told: only differences count by then."""

_LEVEL_DEVIATION = 10.0
"""Prior deviation of the accuracy of a network of no particular choices from the first that is told, points."""


@dataclasses.dataclass(frozen=True)
class SurrogateConfig:
    """How the search proceeds.

    Attributes:
      queries: trainings of a step.
      candidates: designs drawn from the logits, of which the most promising are trained.
      gradient_steps: of the logits in a step; with 0, which leaves `samples`, `learning_rate` and `objective` unread,
        candidates stay uniform.
      samples: to a gradient step.
      learning_rate: of Adam, for all logits.
      objective: form and weights.
      optimism: deviations of the prediction that are added to it.
      choice_deviation, pair_deviation: prior deviations of the effect of a choice and of a pair of choices, points of
        accuracy.
      network_deviation: of what is a network's own, points.
      training_deviation: of one training of a network, points; 0.2 is that of NAS-Bench-Macro.
    """

    queries: int = 4
    candidates: int = 64
    gradient_steps: int = 8
    samples: int = 8
    learning_rate: float = 0.05
    objective: ObjectiveConfig = ObjectiveConfig(multiplier_rate=0.005, pressure=0.001)
    optimism: float = 1.0
    choice_deviation: float = 5.0
    pair_deviation: float = 1.0
    network_deviation: float = 0.2
    training_deviation: float = 0.2

    def __post_init__(self) -> None:
        require_at_least(self, queries=1, candidates=self.queries, gradient_steps=0, samples=1, learning_rate=0, optimism=0)
        for name in ("choice_deviation", "pair_deviation", "network_deviation", "training_deviation"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}.")


def features(probabilities: jax.Array) -> jax.Array:
    """1, the choices, and the products of choices of two decisions: rows [D, options] -> [1 + D o + D (D - 1) / 2 o^2]."""
    first, second = np.triu_indices(probabilities.shape[0], k=1)
    pairs = probabilities[first][:, :, None] * probabilities[second][:, None, :]
    return jnp.concatenate([jnp.ones(1), probabilities.ravel(), pairs.ravel()])


@struct.dataclass
class Regression:
    """Bayesian linear regression on `features`, of accuracy above the first one told.

    Attributes:
      origin: the first accuracy told, percent; NaN before.
      weights: posterior mean, [features].
      covariance: of the posterior, [features, features].
    """

    origin: jax.Array
    weights: jax.Array
    covariance: jax.Array

    @classmethod
    def prior(cls, config: SurrogateConfig, decisions: int, options: int) -> "Regression":
        """Before the first query."""
        choices, pairs = decisions * options, decisions * (decisions - 1) // 2 * options**2
        deviation = jnp.repeat(
            jnp.array([_LEVEL_DEVIATION, config.choice_deviation, config.pair_deviation]),
            jnp.array([1, choices, pairs]),
            total_repeat_length=1 + choices + pairs,
        )
        return cls(jnp.array(jnp.nan), jnp.zeros(len(deviation)), jnp.diag(jnp.square(deviation)))

    def told(self, row: jax.Array, accuracy: jax.Array, variance: float) -> "Regression":
        """After one accuracy, percent, of a network of features `row` (recursive least squares)."""
        origin = jnp.where(jnp.isnan(self.origin), accuracy, self.origin)
        spread = self.covariance @ row
        gain = spread / (variance + row @ spread)
        error = accuracy - origin - row @ self.weights
        return Regression(origin, self.weights + gain * error, self.covariance - jnp.outer(gain, spread))

    def predict(self, row: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean, percent, and variance of the prediction for features `row`."""
        mean = jnp.nan_to_num(self.origin, nan=_UNTOLD) + row @ self.weights
        return mean, jnp.maximum(row @ self.covariance @ row, 0)


@struct.dataclass
class SurrogateState:
    """Everything that changes.

    Attributes:
      descent: logits and multipliers.
      regression: of the accuracies told.
      count, total: trainings of each network, and the sum of their accuracies, [networks].
      designs: for each network trained within the budgets one design that meets them, int8[networks, decisions].
      meets: which networks have one.
      fallback: a design of least excess, and its excess, for as long as there is none.
      excess: of it.
    """

    descent: Descent
    regression: Regression
    count: jax.Array
    total: jax.Array
    designs: jax.Array
    meets: jax.Array
    fallback: jax.Array
    excess: jax.Array


@dataclasses.dataclass(frozen=True)
class SurrogateSearch:
    """Differentiable search on a surrogate of the accuracy, a `Search`.

    Attributes:
      space: the joint space, the network's decisions first, nothing fixed.
      config: how it proceeds.
    """

    space: Space
    config: SurrogateConfig = SurrogateConfig()

    @functools.cached_property
    def _optimizer(self) -> optax.GradientTransformation:
        return optax.adam(self.config.learning_rate)

    def init(self, key: jax.Array, problem: JointProblem) -> SurrogateState:
        networks = problem.network_space
        decisions, options = len(networks.decisions), len(networks.decisions[0].options)
        return SurrogateState(
            descent=Descent.begin(self.space, self.config.objective, self._optimizer),
            regression=Regression.prior(self.config, decisions, options),
            count=jnp.zeros(problem.networks, jnp.int32),
            total=jnp.zeros(problem.networks),
            designs=jnp.zeros((problem.networks, len(self.space.decisions)), jnp.int8),
            meets=jnp.zeros(problem.networks, bool),
            fallback=jnp.zeros(len(self.space.decisions), jnp.int8),
            excess=jnp.array(jnp.inf),
        )

    def _moved(self, state: SurrogateState, key: jax.Array, problem: JointProblem) -> SurrogateState:
        """After one gradient step of the logits."""
        config = self.config
        decisions, options = len(problem.network_space.decisions), len(problem.network_space.decisions[0].options)

        def samples(logits: Logits) -> tuple[jax.Array, SoftCost, None]:
            points = sample_point(key, self.space, logits, 1.0, hard=True, shape=(config.samples,))
            rows = jax.vmap(features)(points.rows[:, :decisions, :options])
            mean, variance = jax.vmap(state.regression.predict)(rows)
            promise = (mean + config.optimism * jnp.sqrt(variance + 1e-6)) / 100
            return 1 - promise, jax.vmap(problem.cost_at)(points), None

        return dataclasses.replace(state, descent=state.descent.step(samples, config.objective, self._optimizer)[0])

    def _posterior(self, state: SurrogateState, rows: jax.Array, networks: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean, percent, and deviation of the accuracy of networks, by their features and their own trainings."""
        config = self.config
        mean, variance = jax.vmap(state.regression.predict)(rows)
        count = state.count[networks]
        own = jnp.where(count > 0, state.total[networks] / jnp.maximum(count, 1), mean)
        network, training = config.network_deviation**2, config.training_deviation**2
        kept = network / (network + training / jnp.maximum(count, 1))
        shrunk = jnp.where(count > 0, mean + kept * (own - mean), mean)
        return shrunk, jnp.sqrt(variance + jnp.where(count > 0, (1 - kept) * network, network))

    def step(self, state: SurrogateState, key: jax.Array, problem: JointProblem) -> tuple[SurrogateState, Trials]:
        config = self.config
        decisions, options = len(problem.network_space.decisions), len(problem.network_space.decisions[0].options)
        moving, drawing, training = jax.random.split(key, 3)
        state = jax.lax.fori_loop(
            0, config.gradient_steps, lambda i, s: self._moved(s, jax.random.fold_in(moving, i), problem), state
        )

        drawn = jax.random.categorical(
            drawing,
            jnp.where(self.space.is_option, state.descent.logits, -jnp.inf),
            axis=-1,
            shape=(config.candidates, len(state.descent.logits)),
        ).astype(jnp.int32)
        one_hot = jax.nn.one_hot(drawn[:, :decisions], options)
        rows = jax.vmap(features)(one_hot)
        networks = problem.network_row(drawn)
        log_ratios = problem.log_ratios(drawn)
        excess = jnp.maximum(jnp.max(log_ratios, axis=-1), 0)
        mean, deviation = self._posterior(state, rows, networks)
        # Each network once, with the accelerator of least excess; of equals the first drawn.
        order = jnp.arange(config.candidates)
        ahead = (excess[None] < excess[:, None]) | ((excess[None] == excess[:, None]) & (order[None] < order[:, None]))
        first = ~jnp.any((networks[:, None] == networks[None]) & ahead, axis=1)
        promise = jnp.where(excess > 0, -100 * excess, mean + config.optimism * deviation)
        promise, picked = jax.lax.top_k(jnp.where(first, promise, -jnp.inf), config.queries)
        # Fewer networks may have been drawn than could be trained.
        trained = jnp.isfinite(promise)
        designs, meets = drawn[picked], (excess[picked] <= 0) & trained
        # What is out of bounds is dropped.
        told = jnp.where(trained, networks[picked], problem.networks)
        within = jnp.where(meets, networks[picked], problem.networks)
        accuracy = jnp.where(trained, problem.train(training, designs), 0)

        variance = config.network_deviation**2 + config.training_deviation**2

        def tell(i: jax.Array, regression: Regression) -> Regression:
            after = regression.told(rows[picked[i]], accuracy[i], variance)
            return jax.tree.map(lambda new, old: jnp.where(trained[i], new, old), after, regression)

        regression = jax.lax.fori_loop(0, config.queries, tell, state.regression)
        least = jnp.argmin(excess[picked])
        nearer = excess[picked][least] < state.excess
        state = dataclasses.replace(
            state,
            regression=regression,
            count=state.count.at[told].add(1, mode="drop"),
            total=state.total.at[told].add(accuracy, mode="drop"),
            designs=state.designs.at[within].set(designs.astype(jnp.int8), mode="drop"),
            meets=state.meets.at[within].set(True, mode="drop"),
            fallback=jnp.where(nearer, designs[least].astype(jnp.int8), state.fallback),
            excess=jnp.where(nearer, excess[picked][least], state.excess),
        )
        return state, Trials(
            designs=designs.astype(jnp.int8),
            trained=trained,
            queries=jnp.sum(trained, dtype=jnp.int32),
            evaluations=jnp.array(
                config.candidates + config.gradient_steps * config.samples * problem.priced_by_gradient, jnp.int32
            ),
            answer=self._answer(state, problem),
        )

    def _answer(self, state: SurrogateState, problem: JointProblem) -> jax.Array:
        """The trained network within the budgets that is the most accurate by all that is known of it."""
        # The same for every run, so that seeds side by side share it.
        rows = jax.vmap(features)(
            jax.nn.one_hot(problem.network_space.grid(), len(problem.network_space.decisions[0].options))
        )
        mean = rows @ state.regression.weights
        count = jnp.maximum(state.count, 1)
        network, training = self.config.network_deviation**2, self.config.training_deviation**2
        kept = network / (network + training / count)
        known = mean + kept * (state.total / count - state.regression.origin - mean)
        best = jnp.argmax(jnp.where(state.meets, known, -jnp.inf))
        return jnp.where(jnp.any(state.meets), state.designs[best], state.fallback)
