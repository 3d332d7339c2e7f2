"""The search phase of a multi-trial run: designs proposed, priced, trained one by one, and told to the controller."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dna_jax.accuracy import ProxyTraining
from dna_jax.networks import Specification, expected_layers
from dna_jax.runs.directory import RunDirectory
from dna_jax.runs.loop import run_phase
from dna_jax.runs.problem import Problem
from dna_jax.runs.units import UNITS
from dna_jax.search.strategies import Designs, Feedback, PpoSearch
from dna_jax.search.strategies.ppo import PpoState
from dna_jax.spaces import Design, Space


@struct.dataclass
class MultiTrialState:
    """A search and what it has tried so far: a pytree.

    Attributes:
      searcher: state of the strategy.
      updates: of the controller, int32.
      designs: option indices of every trial, int8[trials, decisions]; of those to come 0, as all below.
      accuracy: of its training, 0 to 1, f32[trials].
      log_ratios: logarithm of cost over limit, as `log_ratios` has them, f32[trials, budgets + 1].
    """

    searcher: PpoState
    updates: jax.Array
    designs: np.ndarray
    accuracy: np.ndarray
    log_ratios: np.ndarray


def trial_seed(seed: int, trial: int) -> int:
    """Seed of the training of a trial, in a run of a seed: every one its own."""
    return int(np.random.SeedSequence([seed, trial]).generate_state(1)[0] >> 1)


def costs_of_designs(problem: Problem) -> Callable[[Designs], tuple[dict[str, jax.Array], jax.Array]]:
    """What prices designs int32[batch, decisions] of the joint space: costs by name, [batch], and their `log_ratios`.

    The latter are the logarithms of cost over limit, [batch, budgets + 1]; the last is log(1 + KiB that exceed memories),
    so that a design that cannot run is infeasible, the more so the more it lacks. One program prices all networks: layers of
    all options, of which those of a design have weight. With all knobs held no neighbour is priced for a gradient.
    """
    strategy = problem.strategy
    pricing = problem.learned or problem.target.pricing(strategy.accelerator_space.fix(problem.target.baseline))

    def of_one(design: jax.Array) -> tuple[dict[str, jax.Array], jax.Array]:
        point = strategy.space.one_hot(design)
        cost = pricing(*expected_layers(problem.specification, point), point)
        ratios = [jnp.log(cost.metrics[name] / limit) for name, limit in problem.budgets.items()]
        return dict(cost.metrics), jnp.stack([*ratios, jnp.log1p(cost.misfit)])

    return jax.jit(jax.vmap(of_one))


def make_search(problem: Problem) -> PpoSearch:
    """The strategy of a run."""
    config = problem.config.search.multi_trial
    return PpoSearch(problem.strategy.space, config.reward_function, config.ppo)


def make_training(problem: Problem) -> ProxyTraining:
    """The source of accuracies of a run."""
    if not isinstance(problem.specification, Specification):
        raise TypeError(f"Networks of the family {problem.specification.name} are not masked by their parameters alone.")
    weights_part, decisions_part = problem.parts
    config = problem.config
    return ProxyTraining(
        problem.specification,
        config.search.multi_trial.proxy,
        config.augmentation,
        weights_part,
        decisions_part,
        config.data.batch_size,
        config.evaluation_batch_size,
    )


def initial_trials(problem: Problem) -> MultiTrialState:
    """Before the first update."""
    trials, decisions = problem.config.search.multi_trial.trials, len(problem.strategy.space.decisions)
    return MultiTrialState(
        searcher=make_search(problem).init(jax.random.key(problem.config.seed)),
        updates=jnp.zeros((), jnp.int32),
        designs=np.zeros((trials, decisions), np.int8),
        accuracy=np.zeros(trials, np.float32),
        log_ratios=np.zeros((trials, len(problem.budgets.items()) + 1), np.float32),
    )


def search_by_trials(problem: Problem, directory: RunDirectory) -> MultiTrialState:
    """Run or resume the search phase; a checkpoint follows every update."""
    config, search, training = problem.config, make_search(problem), make_training(problem)
    batch = config.search.multi_trial.ppo.batch
    price = costs_of_designs(problem)
    propose, tell = jax.jit(search.propose), jax.jit(search.update)
    networks = list(problem.specification.options)

    def step(state: MultiTrialState, update: int) -> tuple[MultiTrialState, dict[str, Any]]:
        key = jax.random.fold_in(jax.random.key(config.seed), 1 + update)
        designs = propose(state.searcher, key)
        costs, log_ratios = price(designs)
        points = problem.strategy.space.one_hot(designs).select(networks)
        # A network that comes again is trained again, with another seed.
        rows = np.arange(update * batch, (update + 1) * batch)
        accuracy, loss = training.accuracies(points, [trial_seed(config.seed, int(row)) for row in rows])
        told = Feedback(jnp.ones(batch, bool), jnp.asarray(100 * accuracy, jnp.float32), log_ratios)
        searcher = tell(state.searcher, designs, told)
        reward = search.reward(told.accuracy, log_ratios)
        metrics = {
            "loss": np.mean(loss),
            "accuracy": np.mean(accuracy),
            "reward": np.mean(reward),
            "feasible": np.mean(told.feasible),
            **{name: np.exp(np.mean(np.log(values))) for name, values in costs.items()},
        }
        if np.isfinite(searcher.incumbent.accuracy):
            metrics["best_accuracy"] = searcher.incumbent.accuracy / 100
        arrays = {name: np.array(getattr(state, name)) for name in ("designs", "accuracy", "log_ratios")}
        for name, values in (("designs", designs), ("accuracy", accuracy), ("log_ratios", log_ratios)):
            arrays[name][rows] = np.asarray(values)
        return MultiTrialState(searcher, state.updates + 1, **arrays), metrics

    def show(values: Mapping[str, float]) -> dict[str, str]:
        best = {"best": f"{100 * values['best_accuracy']:.1f}%"} if "best_accuracy" in values else {}
        costs = {UNITS[name][0]: f"{values[name]:.4g} {UNITS[name][1]}" for name in UNITS if name in values}
        shares = {"accuracy": f"{100 * values['accuracy']:.1f}%", "feasible": f"{100 * values['feasible']:.0f}%"}
        return {"reward": f"{values['reward']:.3f}", **shares, **best, **costs}

    return run_phase(
        directory,
        "search",
        initial_trials(problem),
        config.search.multi_trial.updates,
        step,
        log_every=1,
        checkpoint_every=1,
        show=show,
        # Before a design meets the budgets, the best of them is infinitely bad.
        finite=lambda state: state.searcher.learner,
    )


def answer(problem: Problem, trials: MultiTrialState) -> Design:
    """The design that a search ends with: the most accurate that met every budget, else the least excessive."""
    return problem.strategy.space.design(np.asarray(trials.searcher.incumbent.design))


def network_accuracy(space: Space, trials: MultiTrialState, design: Mapping[str, Any]) -> float | None:
    """Mean accuracy of the trainings of a design's network, 0 to 1; None where it had none.

    The best of many trainings was lucky, too; a network that came again has more than that one.

    Args:
      space: of the networks, whose decisions come first.
      trials: of the search.
      design: with a value for each of them.
    """
    row = [decision.index(design[decision.name]) for decision in space.decisions]
    same = (np.asarray(trials.designs)[:, : len(row)] == row).all(axis=1)
    return float(np.asarray(trials.accuracy)[same].mean()) if same.any() else None


def trial_figures(problem: Problem, directory: RunDirectory, trials: MultiTrialState) -> dict[str, Any]:
    """Figures of a finished search for its summary; every trial is kept in trials.npz beside it."""
    space = problem.strategy.space
    decisions = json.dumps([[d.name, list(d.options)] for d in space.decisions])
    budgets = [name for name, _ in problem.budgets.items()]
    np.savez_compressed(
        directory.path / "trials.npz",
        designs=trials.designs,
        accuracy=trials.accuracy,
        log_ratios=trials.log_ratios,
        decisions=np.array(decisions),
        budgets=np.array(budgets),
    )
    feasible = np.all(np.asarray(trials.log_ratios) <= 0, axis=1)
    networks = np.asarray(trials.designs)[:, : len(problem.network_space.decisions)]
    return {
        "trials": len(networks),
        "trained_networks": len(networks),
        "distinct_networks": len(np.unique(networks, axis=0)),
        "feasible_trials": int(feasible.sum()),
        "feasible_share_by_quarter": [float(part.mean()) for part in np.array_split(feasible, min(4, len(networks)))],
    }
