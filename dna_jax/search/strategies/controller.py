"""The recurrent controller of reinforcement-learning searches: decisions one after another, each given those before.

An LSTM reads the option chosen last and gives logits of the next decision (Zoph and Le, ICLR 2017, section 3.1). The widest
decision sets the width of all, as in `Point`.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from flax import nnx, struct

from dna_jax.spaces import Space


class _Recurrence(nnx.Module):
    """Embedding of the last choice, LSTM cell, and a head for every decision."""

    def __init__(self, decisions: int, width: int, features: int, rngs: nnx.Rngs):
        normal = nnx.initializers.normal(0.1)
        self.start = nnx.Param(normal(rngs.params(), (features,)))
        self.embedding = nnx.Param(normal(rngs.params(), (decisions, width, features)))
        # Flax draws this kernel orthogonal, by a LAPACK routine; two of its batches side by side have stood still on CPUs.
        recurrent = nnx.initializers.lecun_normal()
        self.cell = nnx.OptimizedLSTMCell(features, features, recurrent_kernel_init=recurrent, rngs=rngs)
        self.heads = nnx.Param(jnp.zeros((decisions, features, width)))
        self.biases = nnx.Param(jnp.zeros((decisions, width)))


@struct.dataclass
class Episodes:
    """Designs as a controller sees them.

    Attributes:
      designs: option indices, int32[batch, decisions].
      log_probability: of every decision given those before, f32[batch, decisions]; 0 of decisions without a choice.
      entropy: of every decision, f32[batch, decisions].
    """

    designs: jax.Array
    log_probability: jax.Array
    entropy: jax.Array


@dataclasses.dataclass(frozen=True)
class Controller:
    """Pure functions over the parameters of a controller.

    Attributes:
      space: whose decisions are made, in its order.
      features: of the embedding and of the LSTM.
    """

    space: Space
    features: int = 32

    def _module(self, key: jax.Array) -> _Recurrence:
        decisions, width = self.space.is_option.shape
        return _Recurrence(decisions, width, self.features, nnx.Rngs(key))

    @functools.cached_property
    def _graph(self) -> nnx.GraphDef:
        return nnx.split(nnx.eval_shape(lambda: self._module(jax.random.key(0))))[0]

    def init(self, key: jax.Array) -> nnx.State:
        """First parameters; heads are 0, so that every option is as likely."""
        return nnx.split(self._module(key))[1]

    def _run(self, parameters: nnx.State, allowed: jax.Array, batch: int, choose) -> Episodes:
        """Episodes of a batch, in which `choose(decision, logits [batch, width])` gives the options int32[batch]."""
        module = nnx.merge(self._graph, parameters)
        features = jnp.broadcast_to(module.start[...], (batch, self.features))
        carry = (jnp.zeros((batch, self.features)), jnp.zeros((batch, self.features)))
        graph, cell = nnx.split(module.cell)

        def step(carried, decision):
            memory, features = carried
            memory, output = nnx.merge(graph, cell)(memory, features)
            logits = output @ module.heads[...][decision] + module.biases[...][decision]
            logits = jnp.where(allowed[decision], logits, -jnp.inf)
            chosen = choose(decision, logits)
            log_p = jax.nn.log_softmax(logits, axis=-1)
            finite = jnp.where(allowed[decision], log_p, 0)
            entropy = -jnp.sum(jnp.exp(log_p) * finite, axis=-1)
            log_chosen = jnp.take_along_axis(finite, chosen[:, None], axis=-1)[:, 0]
            return (memory, module.embedding[...][decision][chosen]), (chosen, log_chosen, entropy)

        decisions = jnp.arange(self.space.is_option.shape[0])
        _, (designs, log_probability, entropy) = jax.lax.scan(step, (carry, features), decisions)
        return Episodes(designs.T.astype(jnp.int32), log_probability.T, entropy.T)

    def sample(self, parameters: nnx.State, key: jax.Array, batch: int, allowed: jax.Array) -> Episodes:
        """Designs drawn from the controller.

        Args:
          parameters: as from `init`.
          key: of the draws.
          batch: how many.
          allowed: options that may be chosen, bool[decisions, widest], at least one of each decision.
        """
        keys = jax.random.split(key, self.space.is_option.shape[0])
        return self._run(
            parameters, allowed, batch, lambda decision, logits: jax.random.categorical(keys[decision], logits, axis=-1)
        )

    def score(self, parameters: nnx.State, designs: jax.Array, allowed: jax.Array) -> Episodes:
        """The same designs [batch, decisions] with the probabilities that the controller gives them now."""
        return self._run(parameters, allowed, designs.shape[0], lambda decision, logits: designs[:, decision])
