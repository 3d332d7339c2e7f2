"""The learned cost model in a run: learned before the search, kept in the run's folder, and reported beside the analytical
one, whose figures the verdict has all the same."""

import dataclasses
import json
import os
import pathlib
import time
import zipfile
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.runs.problem import Problem
from dna_jax.runs.progress import Progress, say
from dna_jax.runs.template_target import TemplateTarget
from dna_jax.search import CoSearch
from dna_jax.search.learned_cost import (
    COST_HEADS,
    LearnedCost,
    LearnedPricing,
    fit,
    held_out_errors,
    label_designs,
    untaught,
)
from dna_jax.spaces import Space

FILE = "learned_cost.npz"
"""Where a run keeps what it learned."""

_LEARNED_PER_HELD_OUT = 20
"""Designs that are learned from for each one held out, by which errors are measured."""

_ROUNDS, _CALLS = 5, 20
"""Of the time of a design the shortest mean over some calls counts: others are disturbed by what else the machine does."""


def with_learned_cost(problem: Problem, folder: pathlib.Path) -> tuple[Problem, dict[str, Any]]:
    """The problem with costs of its search by a learned model, and what summary.json says of that model.

    What was learned is kept in the folder; a resumed run finds it there. Where it cannot be read, it is learned anew, which
    ends the same.
    """
    space = problem.strategy.space
    kept = load(folder / FILE, space)
    if kept is None:
        kept = _learn(problem)
        save(folder / FILE, *kept)
    learned, report = kept
    return dataclasses.replace(problem, learned=LearnedPricing(learned, space)), report


def _learn(problem: Problem) -> tuple[LearnedCost, dict[str, Any]]:
    config, space, target = problem.config.cost.learned, problem.strategy.space, problem.target
    if not isinstance(target, TemplateTarget):
        raise TypeError(f"Only costs on a template's accelerators are learned, not on {target.name}.")
    held_out = -(-config.samples // _LEARNED_PER_HELD_OUT)
    say(f"A cost model is learned: {config.samples + held_out:,} random designs are priced by the analytical one.")
    began = time.monotonic()
    designs = label_designs(target.template, problem.specification, space, config.samples + held_out, problem.config.seed)
    labelled = time.monotonic()
    progress = Progress("learned cost model", config.epochs)
    learned = fit(
        config,
        space,
        designs[: config.samples],
        problem.config.seed,
        lambda epoch, loss: progress.update(epoch, {"loss": f"{loss:.4f}"}),
    )
    progress.close()
    ended = time.monotonic()
    report = {
        "samples": config.samples,
        "held_out": held_out,
        "seconds_to_label": round(labelled - began, 1),
        "seconds_to_learn": round(ended - labelled, 1),
        "errors": held_out_errors(learned, space, designs[config.samples :]),
        # It has no head for what a memory cannot hold.
        "share_that_overflows": float(1 - designs.fits.mean()),
        "milliseconds_per_design_with_gradient": {
            "learned": milliseconds_per_design(
                dataclasses.replace(problem, learned=LearnedPricing(learned, space)).strategy
            ),
            "analytical": milliseconds_per_design(problem.strategy),
        },
        "used_for": "costs during the search; design, feasibility and rank are judged by the analytical model",
    }
    return learned, report


def milliseconds_per_design(strategy: CoSearch) -> float:
    """Time of latency and area at a point with their gradient, one design at a time, as a step of the search has them."""
    point = strategy.space.sample_soft(jax.random.key(0))

    def total(rows: jax.Array) -> jax.Array:
        metrics = strategy.cost(dataclasses.replace(point, rows=rows)).metrics
        return sum((jnp.log(metrics[name]) for name in COST_HEADS), jnp.zeros(()))

    priced = jax.jit(jax.value_and_grad(total))
    jax.block_until_ready(priced(point.rows))
    rounds = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for _ in range(_CALLS):
            jax.block_until_ready(priced(point.rows))
        rounds.append((time.perf_counter() - began) / _CALLS * 1e3)
    return min(rounds)


def save(path: pathlib.Path, learned: LearnedCost, report: dict[str, Any]) -> None:
    """Write a model and what is reported of it as an npz file, whole or not at all."""
    temporary = path.with_name("partial_" + path.name)
    arrays: dict[str, Any] = {f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(learned))}
    with temporary.open("wb") as file:
        np.savez(file, **arrays, report=np.array(json.dumps(report)))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: pathlib.Path, space: Space) -> tuple[LearnedCost, dict[str, Any]] | None:
    """What `save` wrote for a space; None if there is nothing, nothing readable, or that of another space."""
    expected, tree = jax.tree.flatten(jax.eval_shape(lambda: untaught(space, jax.random.key(0))))
    try:
        with np.load(path) as file:
            leaves = [file[f"leaf_{i}"] for i in range(len(expected))]
            report = json.loads(str(file["report"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if any(leaf.shape != wanted.shape for leaf, wanted in zip(leaves, expected, strict=True)):
        return None
    return jax.tree.unflatten(tree, [jnp.asarray(leaf) for leaf in leaves]), report
