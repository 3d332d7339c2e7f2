"""Gradients of an expected cost by the logits of independent choices, side by side.

All estimate d/dtheta E[f(X)], X drawn from softmax(theta) in every choice, where f is a sum of one number per group of
choices (a chunk and its knobs). They differ in what they need of f, in bias and in variance. All evaluate f at discrete
designs alone, one-hot points; the relaxed sample, softmax((theta + Gumbel noise) / temperature), only shapes gradients:

  published         f at the picks, not differentiated: the value of the whole, of all groups together, times the gradient
                    of the product of straight-through probabilities of what was picked, each of value 1 (the release of
                    Auto-NBA); biased
  straight_through  f at the picks, and its derivative there, as if the one-hot pick moved like the relaxed sample
                    (Bengio et al., 2013; Jang et al., ICLR 2017); biased
  gumbel_rao        the same, with the movement averaged over RAO_SAMPLES relaxed samples that lead to the same pick
                    (Paulus et al., ICLR 2021); biased as straight_through is, of less variance
  reinforce         f at the picks, not differentiated: score function, the mean of the other samples as baseline
                    (Kool et al., 2019); unbiased
  expectation       f at the picks and at each design that differs from one in a single choice of every group, not
                    differentiated: every option priced with the others as sampled (Titsias and Lazaro-Gredilla, 2015);
                    unbiased

published, straight_through and gumbel_rao read the temperature; reinforce and expectation do not.
"""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp

from dna_jax.search.relaxation import moved_as, straight_through

Estimator = Literal["published", "straight_through", "gumbel_rao", "reinforce", "expectation"]
ESTIMATORS: tuple[Estimator, ...] = ("published", "straight_through", "gumbel_rao", "reinforce", "expectation")

RAO_SAMPLES = 8
"""Relaxed samples averaged for each pick by `gumbel_rao`."""

Cost = Callable[[jax.Array], tuple[jax.Array, jax.Array]]
"""From points [..., A, K, W] to the number of each group [..., A], and whatever else is known of it, [..., A, ...]."""


def _relaxed(noisy: jax.Array, temperature: jax.Array, is_option: jax.Array) -> jax.Array:
    return jax.nn.softmax(noisy / temperature, axis=-1, where=is_option)


def conditional_gumbel(key: jax.Array, picked: jax.Array, logits: jax.Array, is_option: jax.Array) -> jax.Array:
    """Logits plus Gumbel noise, drawn given which option comes out on top (Paulus et al., ICLR 2021, equation 9).

    Args:
      key: random.
      picked: one-hot [..., W].
      logits: [..., W].
      is_option: bool[..., W].

    Returns:
      [..., W], largest where `picked` is 1; what is no option is of no meaning.
    """
    probabilities = jax.nn.softmax(logits, axis=-1, where=is_option)
    total = jax.nn.logsumexp(logits, axis=-1, keepdims=True, where=is_option)
    exponential = jax.random.exponential(key, picked.shape, logits.dtype) + jnp.finfo(logits.dtype).tiny
    top = jnp.sum(exponential * picked, axis=-1, keepdims=True)
    # The maximum is a Gumbel number at log-sum-exp; the others are truncated to lie below it.
    maximum = total - jnp.log(top)
    others = -jnp.log(exponential / jnp.maximum(probabilities, jnp.finfo(logits.dtype).tiny) + top) + total
    return jnp.where(picked > 0, maximum, others)


def _every_option(
    probabilities: jax.Array, is_option: jax.Array, picked: jax.Array, known: jax.Array, cost: Cost
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The estimate "expectation", as `estimate` returns it, from designs picked [S, A, K, W] and what is known of them."""
    options = jnp.eye(probabilities.shape[-1], dtype=probabilities.dtype)

    def by_choice(choice: jax.Array) -> tuple[jax.Array, jax.Array, Any]:
        """The mean number of each group [A, W] with every option of one choice in turn; what was priced for it."""
        chosen = jnp.arange(probabilities.shape[-2])[:, None] == choice
        # Where a group has no such option it stays as drawn, so that all that is priced can be built.
        points = jnp.where(chosen & is_offered[:, None], options[:, None, None, None, :], picked)
        neighbours, known = cost(points)
        return jnp.mean(neighbours, axis=1).T, points, known

    # Whether a group has an option of a choice, [W, A, K, 1].
    is_offered = jnp.moveaxis(is_option, -1, 0)[..., None]
    table, points, known_besides = jax.lax.map(by_choice, jnp.arange(probabilities.shape[-2]))
    # What is no option has no price.
    table = jnp.where(is_option, jnp.moveaxis(table, 0, 1), 0)
    mean = jnp.sum(probabilities * table, axis=-1, keepdims=True)
    priced = jnp.concatenate([picked, points.reshape(-1, *picked.shape[1:])])
    known = jax.tree.map(lambda of, more: jnp.concatenate([of, more.reshape(-1, *of.shape[1:])]), known, known_besides)
    return probabilities * (table - mean), priced, known


def estimate(
    estimator: Estimator,
    key: jax.Array,
    logits: jax.Array,
    is_option: jax.Array,
    temperature: jax.Array,
    samples: int,
    cost: Cost,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """One estimate of the gradient from a number of samples.

    Args:
      estimator: which.
      key: random.
      logits: [A, K, W].
      is_option: bool[A, K, W], at least one in every choice.
      temperature: of relaxed samples, positive; read by "published", "straight_through" and "gumbel_rao".
      samples: S, designs drawn; at least 2 for "reinforce".
      cost: what is to fall. "expectation" calls it for every option of every choice.

    Returns:
      The gradient [A, K, W], the designs priced one-hot [P, A, K, W], and what `cost` knows besides of them [P, ...]. The S
      designs drawn come first; "expectation" prices their neighbours too, those with one choice of every group another.
    """
    gumbel_key, other_key = jax.random.split(key)
    noisy = logits + jax.random.gumbel(gumbel_key, (samples, *logits.shape), logits.dtype)
    noisy = jnp.where(is_option, noisy, -jnp.inf)
    picked = jax.nn.one_hot(jnp.argmax(noisy, axis=-1), logits.shape[-1], dtype=logits.dtype)

    if estimator in ("straight_through", "gumbel_rao"):

        def relaxed_loss(theta: jax.Array) -> tuple[jax.Array, jax.Array]:
            if estimator == "gumbel_rao":
                shape = (RAO_SAMPLES, *picked.shape)
                drawn = conditional_gumbel(
                    other_key, jnp.broadcast_to(picked, shape), jax.lax.stop_gradient(theta), is_option
                )
                # The same numbers, with the gradient that adding noise has.
                drawn = jnp.where(is_option, drawn, 0) + theta - jax.lax.stop_gradient(theta)
                soft = jnp.mean(_relaxed(drawn, temperature, is_option), axis=0)
                point = moved_as(picked, soft)
            else:
                drawn = jnp.where(is_option, jax.lax.stop_gradient(noisy - theta), 0) + theta
                point = straight_through(_relaxed(drawn, temperature, is_option))
            numbers, known = cost(point)
            return jnp.mean(jnp.sum(numbers, axis=-1)), known

        gradient, known = jax.grad(relaxed_loss, has_aux=True)(logits)
        return gradient, picked, known

    numbers, known = cost(picked)
    if estimator == "published":

        def product_loss(theta: jax.Array) -> jax.Array:
            drawn = jnp.where(is_option, jax.lax.stop_gradient(noisy - theta), 0) + theta
            chance = jnp.sum(_relaxed(drawn, temperature, is_option) * picked, axis=-1)
            chance = chance + 1 - jax.lax.stop_gradient(chance)
            return jnp.mean(jnp.sum(numbers, axis=-1) * jnp.prod(chance, axis=(-1, -2)))

        return jax.grad(product_loss)(logits), picked, known
    probabilities = jnp.where(is_option, jax.nn.softmax(logits, axis=-1, where=is_option), 0)
    if estimator == "reinforce":
        advantage = (numbers - jnp.mean(numbers, axis=0)) * samples / (samples - 1)
        return jnp.mean(advantage[..., None, None] * (picked - probabilities), axis=0), picked, known
    if estimator == "expectation":
        return _every_option(probabilities, is_option, picked, known, cost)
    raise ValueError(f"Unknown estimator {estimator!r}; choose one of {', '.join(ESTIMATORS)}.")
