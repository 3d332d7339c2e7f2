"""The main job: search a network and an accelerator together, judge the pair, retrain the network, sum up."""

import pathlib
import platform
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from dna_jax.accuracy import augment, standardize
from dna_jax.data import Source, batches
from dna_jax.runs.config import CosearchConfig
from dna_jax.runs.directory import RunDirectory, as_json, read_metrics
from dna_jax.runs.learned_pricing import with_learned_cost
from dna_jax.runs.loop import run_phase
from dna_jax.runs.multi_trial import answer, network_accuracy, search_by_trials, trial_figures
from dna_jax.runs.problem import Problem, build_problem, decisions_batch_size
from dna_jax.runs.progress import say
from dna_jax.runs.report import write_report
from dna_jax.runs.retrain import inherited_accuracy, train_network
from dna_jax.runs.target import Verdict
from dna_jax.runs.units import UNITS
from dna_jax.runs.versions import versions
from dna_jax.search import CoSearch, OneShotState, SearchState, entropy, mean_point


def _augmented(problem: Problem, key: jax.Array, images: jax.Array) -> jax.Array:
    return augment(key, standardize(images), problem.config.augmentation)


def reoptimized(problem: Problem, state: SearchState, step: int) -> SearchState:
    """The state before a step, with the accelerator set anew where its turn has come and one meets the limits."""
    every, since = problem.config.search.reoptimize_every, step - problem.config.search.warmup_steps
    if not every or since < 0 or since % every:
        return state
    best = problem.target.set_anew(problem, problem.strategy.expected_point(state.logits, step))
    if best is None:
        say(f"step {step}: no accelerator meets the limits with the network as it stands; it stays as it was")
        return state
    return problem.strategy.with_accelerator(state, best)


State = SearchState | OneShotState
"""What a search ends with: weights, and logits of the decisions."""


def search(problem: Problem, directory: RunDirectory) -> State:
    """Run or resume the search phase."""
    config = problem.config
    strategy = problem.one_shot if config.search.method == "one_shot" else problem.strategy
    weights_part, decisions_part = problem.parts

    def prepared(step_function: Any, purpose: int) -> Any:
        """A step on raw images: augmentation is part of the jitted program."""

        def step(state: State, images: jax.Array, labels: jax.Array) -> Any:
            key = jax.random.fold_in(jax.random.fold_in(jax.random.key(config.seed), state.step), purpose)
            return step_function(state, (_augmented(problem, key, images), labels))

        return jax.jit(step, donate_argnums=0)

    streams: dict[str, Iterator[dict[str, np.ndarray]]] = {}

    def batch(name: str, source: Source, step: int, size: int = config.data.batch_size) -> tuple[np.ndarray, np.ndarray]:
        if name not in streams:
            streams[name] = batches(source, size, config.seed, name, start=step)
        entry = next(streams[name])
        return entry["image"], entry["label"]

    if isinstance(strategy, CoSearch) and config.search.level == "single":
        joint_step = prepared(strategy.joint_step, 2)

        def step_function(state: Any, step: int) -> Any:
            return joint_step(state, *batch("weights", weights_part, step))
    else:
        weights_step, decisions_step = prepared(strategy.weights_step, 2), prepared(strategy.decisions_step, 3)
        held_step = jax.jit(strategy.held_step, donate_argnums=0)

        def step_function(state: Any, step: int) -> Any:
            state, trained = weights_step(state, *batch("weights", weights_part, step))
            if step < config.search.warmup_steps:
                state, held = held_step(state, trained)
                return state, trained | held
            state, decided = decisions_step(state, *batch("decisions", decisions_part, step, decisions_batch_size(config)))
            return state, trained | decided

    def advance(state: State, step: int) -> Any:
        return step_function(reoptimized(problem, state, step) if isinstance(state, SearchState) else state, step)

    def show(values: Mapping[str, float]) -> dict[str, str]:
        costs = {UNITS[name][0]: f"{values[name]:.4g} {UNITS[name][1]}" for name in UNITS if name in values}
        return {
            "loss": f"{values['task_loss']:.3f}",
            "accuracy": f"{100 * values['accuracy']:.1f}%",
            **costs,
            **{name: f"{values[name]:.2f}" for name in ("temperature", "reward") if name in values},
        }

    def describe(state: State) -> dict[str, float]:
        entropies = {name: float(value) for name, value in entropy(strategy.space, state.logits).items()}
        parts = {"network": strategy.network_space, "accelerator": strategy.accelerator_space}
        means = {
            f"{part}_entropy": float(np.mean([entropies[decision.name] for decision in space.free])) if space.free else 0.0
            for part, space in parts.items()
        }
        return means | {f"entropy.{name}": value for name, value in entropies.items()}

    return run_phase(
        directory,
        "search",
        strategy.init(config.seed),
        config.search.steps,
        advance,
        log_every=config.log_every,
        checkpoint_every=config.checkpoint_every,
        show=show,
        describe=describe,
    )


def network_size(problem: Problem) -> dict[str, Any]:
    """What besides its decisions a network of the family depends on: the arguments of `networks.FAMILIES`."""
    specification = problem.specification
    return {
        "width": problem.config.network.width,
        "image_size": specification.image_size,
        "classes": specification.classes,
        "stride_plan": problem.config.network.stride_plan,
        "image_channels": specification.image_channels,
    }


def run(config: CosearchConfig, workdir: str | pathlib.Path, data_dir: str | None) -> dict[str, Any]:
    """Run or resume a co-search in a working directory and return its summary.

    Raises:
      UserError: whatever a user can mend; nothing is overwritten.
    """
    # A new directory is made only once nothing about the configuration is left to object to.
    problem = None
    if not (pathlib.Path(workdir).expanduser() / "config.json").exists():
        problem = build_problem(config, data_dir)
        problem.target.require_reachable(problem)
    with RunDirectory(workdir, as_json(config)) as directory:
        finished = directory.read_summary()
        if finished is not None:
            say(f"{directory.path} holds a finished run; its summary is shown.")
            return finished
        say(f"The run keeps its files in {directory.path}.")
        return _run(problem or build_problem(config, data_dir), directory)


def _run(problem: Problem, directory: RunDirectory) -> dict[str, Any]:
    """The phases of a run in its directory, each resumed where it was; writes and returns the summary."""
    config, learned_cost = problem.config, None
    if config.cost.model == "learned":
        problem, learned_cost = with_learned_cost(problem, directory.path)
    space = problem.strategy.space
    steps, figures, start_from = config.search.steps, {}, None
    if config.search.method == "multi_trial":
        trials = search_by_trials(problem, directory)
        steps = config.search.multi_trial.updates
        verdict = _judged(problem, directory, space.encode(answer(problem, trials)))
        search_accuracy = network_accuracy(problem.network_space, trials, verdict.design)
        figures = trial_figures(problem, directory, trials)
    else:
        state = search(problem, directory)
        verdict = _judged(problem, directory, mean_point(space, state.logits))
        search_accuracy, inherited = inherited_accuracy(problem, state, verdict.design)
        start_from = inherited if config.retrain.start == "inherit" else None
    final = train_network(problem, directory, "retrain", verdict.design, start_from)
    if not config.retrain.published:
        baseline = None
    elif config.fix == "network" and start_from is None:
        baseline = final  # The same network, seed and recipe.
    else:
        baseline = train_network(problem, directory, "baseline", problem.published, None)

    summary = {
        "status": "complete",
        "seed": config.seed,
        "steps": steps,
        "wall_seconds": directory.wall_seconds,
        "backend": f"{jax.default_backend()} ({jax.devices()[0].device_kind}, {platform.machine()})",
        "versions": versions(),
        "data": {
            "name": problem.dataset.name,
            "train_images": len(problem.dataset.train),
            "test_images": len(problem.dataset.test),
        },
        "space": {
            "name": space.name,
            "network_family": problem.specification.name,
            "network_size": network_size(problem),
            "accelerator_template": problem.target.name,
            "cost_correction": config.cost.correction,
            "cardinality": space.cardinality,
            "fixed": config.fix,
            "order": config.order,
        },
        "search_seconds": read_metrics(directory.path)["search"][-1]["wall_seconds"],
        "search": {"method": config.search.method, **figures},
        "network": problem.network_space.restrict(verdict.design),
        "accelerator": problem.accelerator_space.restrict(verdict.design),
        "cost": verdict.cost,
        "budgets": dict(problem.budgets.items()),
        "feasible": not verdict.violations,
        "violations": verdict.violations,
        "accuracy": {
            "search": search_accuracy,
            "final": float(np.mean(final)),
            "baseline": None if baseline is None else float(np.mean(baseline)),
        },
        "accuracy_of_each_training": {"final": final, "baseline": baseline},
        "optimality": verdict.optimality,
        "baseline": verdict.baseline,
        "published_best": verdict.published_best,
        "learned_cost": learned_cost,
    }
    write_report(directory, verdict, summary, config.search)
    directory.write_summary(summary)
    return summary


def _judged(problem: Problem, directory: RunDirectory, point: Mapping[str, jax.Array]) -> Verdict:
    """The verdict on the most likely design of a point."""
    say("search ended; judging the accelerator for the network found")
    return problem.target.judge(problem, point, directory.path)
