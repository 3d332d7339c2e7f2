"""Optimisers and their schedules as data."""

import dataclasses
from typing import Literal

import jax
import optax


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """An Optax optimiser.

    Attributes:
      name: "sgd" (Nesterov momentum), "adam" or "rmsprop" (with momentum, as TensorFlow 1 has it: its mean of squared
        gradients starts at 1, and momentum carries steps that the learning rate has scaled).
      learning_rate: peak.
      schedule: "constant" or "cosine" (to zero at the last step).
      warmup_steps: linear from zero to the peak.
      momentum: of SGD and RMSProp; of Adam, the decay of its mean of gradients.
      weight_decay: share of kernels added to their gradient; vectors (biases, scales) are left alone. Logits of decisions it
        pulls towards a uniform choice.
      clip_norm: global gradient norm limit, 0 for none.
      squares_decay: of Adam and RMSProp, the decay of their mean of squared gradients. A strong gradient slows as many steps
        after it as 1 / (1 - decay).
      epsilon: of RMSProp, added to the mean of squared gradients under the root: gradients far below its root take steps as
        in SGD. 1e-3 is that of the releases of MnasNet and EfficientNet (`build_optimizer` in `utils.py`), 1.0 that of
        Inception-v3 (Szegedy et al., CVPR 2016, section 8).
    """

    name: Literal["sgd", "adam", "rmsprop"] = "sgd"
    learning_rate: float = 0.1
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_steps: int = 50
    momentum: float = 0.9
    weight_decay: float = 1e-4
    clip_norm: float = 5.0
    squares_decay: float = 0.999
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        for name in ("learning_rate", "warmup_steps", "weight_decay", "clip_norm"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, and is {getattr(self, name)}.")
        for name in ("momentum", "squares_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} must lie in [0, 1).")
        if self.name == "sgd" and self.squares_decay != 0.999:
            raise ValueError("squares_decay is Adam's and RMSProp's; leave it alone for sgd.")
        if not self.epsilon > 0:
            raise ValueError(f"epsilon must be positive, not {self.epsilon}.")
        if self.name != "rmsprop" and self.epsilon != 1e-3:
            raise ValueError(f"epsilon is RMSProp's; leave it alone for {self.name}.")


def learning_rate_schedule(config: OptimizerConfig, steps: int) -> optax.Schedule:
    """Step -> learning rate over `steps` steps. ValueError for an unknown schedule."""
    warmup = min(config.warmup_steps, max(steps - 1, 0))
    if config.schedule == "cosine":
        return optax.warmup_cosine_decay_schedule(
            0.0 if warmup else config.learning_rate, config.learning_rate, warmup, max(steps, 1)
        )
    if config.schedule == "constant":
        return optax.join_schedules(
            [optax.linear_schedule(0.0, config.learning_rate, warmup), optax.constant_schedule(config.learning_rate)],
            [warmup],
        )
    raise ValueError(f"Unknown learning-rate schedule {config.schedule!r}; choose constant or cosine.")


def make_optimizer(config: OptimizerConfig, steps: int) -> optax.GradientTransformation:
    """The optimiser of a config over `steps` steps. ValueError for an unknown name."""
    parts = []
    if config.clip_norm > 0:
        parts.append(optax.clip_by_global_norm(config.clip_norm))
    if config.weight_decay > 0:
        # Coupled to the gradient as is usual with SGD; vectors (biases, scales) are left alone.
        parts.append(
            optax.add_decayed_weights(config.weight_decay, mask=lambda tree: jax.tree.map(lambda x: x.ndim > 1, tree))
        )
    rate = learning_rate_schedule(config, steps)
    if config.name == "sgd":
        rule = optax.sgd(rate, momentum=config.momentum, nesterov=True)
    elif config.name == "adam":
        rule = optax.adam(rate, b1=config.momentum, b2=config.squares_decay)
    elif config.name == "rmsprop":
        rule = optax.rmsprop(
            rate, decay=config.squares_decay, eps=config.epsilon, initial_scale=1.0, momentum=config.momentum
        )
    else:
        raise ValueError(f"Unknown optimiser {config.name!r}; choose sgd, adam or rmsprop.")
    # One flat vector instead of a hundred leaves: the same arithmetic, a fraction of the kernels to compile and launch.
    return optax.chain(*parts, optax.flatten(rule))


MULTIPLIER_LIMIT = 20.0
"""Largest multiplier of a limit in a search of pipelines, whose goals are logarithms."""


def make_pipeline_optimizer(learning_rate: float) -> optax.GradientTransformation:
    """Adam for the logits of a pipeline's decisions.

    Its means are over 5 and 20 steps in place of 10 and 1,000: weights of chunks and multipliers of limits move along, so
    that older gradients are of another function, and a search has but some tens or hundreds of steps.
    """
    return optax.adam(learning_rate, b1=0.8, b2=0.95)
