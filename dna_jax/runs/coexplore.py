"""The job: explore networks and pipelines of FPGAs together, fast by hardware alone and slow by training.

Of a network there is one best pipeline, the most efficient that has the throughput, computed exactly, so that hardware is
explored to the end for every network that is proposed. A run that was interrupted starts over with what it knows of networks
at hand, and so is soon where it was.
"""

import dataclasses
import pathlib
import platform
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from dna_jax.runs.coexplore_config import CoexploreConfig
from dna_jax.runs.coexplore_picture import plot_coexploration
from dna_jax.runs.coexplore_problem import CoexploreProblem, build_coexplore_problem
from dna_jax.runs.coexplore_record import Indices, Record
from dna_jax.runs.coexplore_search import explore, most_accurate, most_efficient
from dna_jax.runs.directory import RunDirectory, as_json, read_metrics
from dna_jax.runs.progress import say
from dna_jax.runs.versions import versions

_FINAL = "final"


def run_coexploration(config: CoexploreConfig, workdir: str | pathlib.Path, data_dir: str | None) -> dict[str, Any]:
    """Run or resume a co-exploration in a working directory and return its summary.

    Raises:
      UserError: whatever a user can mend; nothing is overwritten.
    """
    # A new directory is made only once nothing about the configuration is left to object to.
    started = (pathlib.Path(workdir).expanduser() / "config.json").exists()
    problem = None if started else build_coexplore_problem(config, data_dir)
    with RunDirectory(workdir, as_json(config)) as directory:
        finished = directory.read_summary()
        if finished is not None:
            say(f"{directory.path} holds a finished run; its summary is shown.")
            return finished
        say(f"The run keeps its files in {directory.path}.")
        return _run(problem or build_coexplore_problem(config, data_dir), directory)


def _final_accuracies(
    problem: CoexploreProblem, directory: RunDirectory, networks: Iterable[Indices]
) -> dict[Indices, float]:
    """Test accuracies in percent of networks trained on the whole training set."""
    lines = read_metrics(directory.path).get(_FINAL, [])
    known: dict[Indices, float] = {tuple(line["network"]): line["accuracy"] for line in lines}
    for network in dict.fromkeys(networks):
        if network not in known:
            say("training a design found on the whole training set")
            data, design = problem.dataset, problem.space.design(np.array(network))
            known[network] = problem.train(design, problem.config.final_training, data.train, data.test)
            directory.append_metrics(_FINAL, len(known), {"network": list(network), "accuracy": known[network]})
    return known


def _found(problem: CoexploreProblem, record: Record, network: Indices, test_accuracy: float) -> dict[str, Any]:
    """A design in a summary."""
    design = problem.space.design(np.array(network))
    pipeline = problem.pipeline(design)
    return {
        "network": design,
        "accuracy": {"search": record.accuracies[network] / 100, "final": test_accuracy / 100},
        **dataclasses.asdict(record.prices[network]),
        "macs": pipeline.macs,
        "stages": [as_json(stage) for stage in pipeline.stages],
    }


_CHOICES = {"opt_sw": most_accurate, "opt_hw": most_efficient}


def _run(problem: CoexploreProblem, directory: RunDirectory) -> dict[str, Any]:
    config, record = problem.config, Record(problem, directory)
    found = explore(problem, record, directory)
    chosen = {choice: pick(problem, record, found) for choice, pick in _CHOICES.items()}
    named = {name: network for name, network in chosen.items() if network is not None}
    finals = _final_accuracies(problem, directory, named.values())
    summary = {
        "status": "complete",
        "seed": config.seed,
        "rounds": config.rounds,
        "wall_seconds": directory.wall_seconds,
        "backend": f"{jax.default_backend()} ({jax.devices()[0].device_kind}, {platform.machine()})",
        "versions": versions(),
        "data": {
            "name": problem.dataset.name,
            "train_images": len(problem.dataset.train),
            "test_images": len(problem.dataset.test),
        },
        "space": {"name": problem.space.name, "cardinality": problem.space.cardinality},
        "boards": {**dataclasses.asdict(problem.board), "most": config.boards.boards},
        "requirements": dataclasses.asdict(config.requirements),
        "feasible": bool(named),
        "counts": {
            "proposed_in_fast_steps": found.fast,
            "proposed_in_slow_steps": found.slow,
            "left_out_of_slow_steps": found.left_out,
            "networks_priced": len(found.priced),
            "networks_rejected": len(found.rejected),
            "networks_trained": len(found.trained),
        },
        "within_points": config.within,
        **{name: _found(problem, record, network, finals[network]) for name, network in named.items()},
    }
    plots = directory.path / "plots"
    plots.mkdir(exist_ok=True)
    plot_coexploration(
        record.prices,
        found.trained,
        found.rejected,
        named,
        config.requirements.images_per_second,
        plots / "coexploration.png",
    )
    directory.write_summary(summary)
    return summary
