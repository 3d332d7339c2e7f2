"""Networks judged by training: what one keeps of the supernet's weights, and what it learns from scratch."""

import operator
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.accuracy import Trainer, TrainingState, evaluate_accuracy, recalibrate
from dna_jax.data import batches
from dna_jax.networks import Variables, inherit, single_network
from dna_jax.runs.directory import RunDirectory
from dna_jax.runs.loop import run_phase
from dna_jax.runs.problem import Problem
from dna_jax.search import OneShotState, SearchState
from dna_jax.spaces import Design

_APART = 1000
"""By which the seeds of a run's trainings differ; those of runs that are compared differ by less."""


def _calibrated(problem: Problem, model: Any, parameters: Variables) -> Variables:
    weights_part, _ = problem.parts
    stream = batches(weights_part, problem.config.data.batch_size, problem.config.seed, "calibration")
    count = problem.config.retrain.training.calibration_batches
    return recalibrate(model, parameters, (next(stream) for _ in range(count)))


def inherited_accuracy(problem: Problem, state: SearchState | OneShotState, design: Design) -> tuple[float, Variables]:
    """Accuracy on the held-out decision part of the derived network with the supernet's weights, and these weights."""
    model = single_network(problem.specification, design)
    parameters = inherit(model, model.init(0)[0], state.parameters)
    statistics = _calibrated(problem, model, parameters)
    accuracy = evaluate_accuracy(model, parameters, statistics, problem.parts[1], problem.config.evaluation_batch_size)
    return accuracy, parameters


def train_network(
    problem: Problem, directory: RunDirectory, phase: str, design: Design, start_from: Variables | None
) -> list[float]:
    """Train one network by the recipe on the whole training set, `retrain.repeats` times side by side.

    Returns:
      The test accuracy of each training, the first of which has the seed of the run.
    """
    config = problem.config
    model = single_network(problem.specification, design)
    trainer = Trainer(config.retrain.training, config.augmentation, model)
    seeds = [config.seed + _APART * repeat for repeat in range(config.retrain.repeats)]
    training_step = jax.vmap(trainer.step)

    def mean_step(state: TrainingState, images: jax.Array, labels: jax.Array) -> tuple[TrainingState, dict[str, jax.Array]]:
        state, metrics = training_step(state, images, labels)
        return state, jax.tree.map(jnp.mean, metrics)

    jitted = jax.jit(mean_step, donate_argnums=0)
    streams: list[Iterator[dict[str, np.ndarray]]] = []

    def step_function(state: TrainingState, step: int) -> tuple[TrainingState, dict[str, jax.Array]]:
        if not streams:
            streams.extend(
                batches(problem.dataset.train, config.data.batch_size, seed, "training", start=step) for seed in seeds
            )
        entries = [next(stream) for stream in streams]
        return jitted(state, *(np.stack([entry[name] for entry in entries]) for name in ("image", "label")))

    state = run_phase(
        directory,
        phase,
        jax.tree.map(lambda *leaves: jnp.stack(leaves), *(trainer.init(seed, start_from) for seed in seeds)),
        config.retrain.training.steps,
        step_function,
        log_every=config.log_every,
        checkpoint_every=config.checkpoint_every,
        show=lambda values: {"loss": f"{values['loss']:.3f}", "accuracy": f"{100 * values['accuracy']:.1f}%"},
    )

    def accuracy(parameters: Variables) -> float:
        statistics = _calibrated(problem, model, parameters)
        return evaluate_accuracy(model, parameters, statistics, problem.dataset.test, config.evaluation_batch_size)

    return [accuracy(jax.tree.map(operator.itemgetter(repeat), state.average)) for repeat in range(len(seeds))]
