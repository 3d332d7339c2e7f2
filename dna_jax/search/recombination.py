"""Better pipelines out of chunks already priced.

A pipeline's cost is a maximum and two sums over its chunks, so chunks that were priced in different pipelines can be put
together at no further evaluation: the primal recovery of dual decomposition (Sherali and Choi, Recovery of primal solutions
when using subgradient optimization methods to solve Lagrangian duals, Operations Research Letters 19, 1996). For a number
of cycles that no chunk may exceed, every chunk takes the cheapest of its candidates within it, at some price of DSP slices
against block RAMs.
"""

import jax
import jax.numpy as jnp
import numpy as np

STEPS = np.array([0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7], np.float32)
"""How much faster than the best so far the slowest chunk shall be, in natural-log units."""

CEILINGS = np.array([np.inf, 64, 32, 16, 8, 4, 2, 1.5, 1.2, 1], np.float32)
"""Where nothing fits yet: limits on the cycles of the slowest chunk, in multiples of the least that candidates of all chunks
reach. The first rules nothing out, for what fits a small device may be slow. As many as STEPS."""

DSP_SHARES = np.array([0.05, 0.3, 0.5, 0.7, 0.95], np.float32)
"""Price of all DSP slices; that of all block RAMs is the rest to 1."""


def recombine(costs: jax.Array, built: jax.Array, limits: jax.Array, best: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The fastest pipeline within limits that some combination of a cycle limit and prices chooses.

    Args:
      costs: cycles, DSP slices and block RAMs of C candidates of every chunk, [C, A, 3].
      built: which chunks have layers, bool[A].
      limits: DSP slices, block RAMs.
      best: cycles of the best pipeline so far, infinite if there is none.

    Returns:
      Its cycles, infinite where no combination fits, and the candidate of every chunk, int[A].
    """
    cycles = jnp.where(built, costs[..., 0], 0)
    fastest = jnp.max(jnp.min(cycles, axis=0))
    ceilings = jnp.where(jnp.isfinite(best), best * jnp.exp(-STEPS), fastest * CEILINGS)
    used = costs[..., 1:] / limits
    price = DSP_SHARES[:, None, None] * used[..., 0] + (1 - DSP_SHARES)[:, None, None] * used[..., 1]

    def choose(price: jax.Array, ceiling: jax.Array) -> tuple[jax.Array, jax.Array]:
        allowed = cycles <= ceiling
        chosen = jnp.argmin(jnp.where(allowed, price, jnp.inf), axis=0)
        together = jnp.take_along_axis(costs, chosen[None, :, None], axis=0)[0]
        fits = jnp.all(jnp.any(allowed, axis=0)) & jnp.all(jnp.sum(together[:, 1:], axis=0) <= limits)
        return jnp.where(fits, jnp.max(jnp.where(built, together[:, 0], 0)), jnp.inf), chosen

    reached, chosen = jax.vmap(lambda p: jax.vmap(lambda c: choose(p, c))(ceilings))(price)
    first = jnp.argmin(reached)
    return reached.ravel()[first], chosen.reshape(-1, chosen.shape[-1])[first]
