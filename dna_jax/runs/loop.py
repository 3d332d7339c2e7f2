"""The loop that every phase shares: steps, metrics, checkpoints, progress, and the check that losses are finite."""

import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import numpy as np

from dna_jax.errors import UserError
from dna_jax.runs.checkpoints import Checkpoints
from dna_jax.runs.directory import RunDirectory
from dna_jax.runs.progress import Progress

State = TypeVar("State")
Metrics = Mapping[str, jax.Array]


def run_phase(
    directory: RunDirectory,
    phase: str,
    state: State,
    steps: int,
    step_function: Callable[[State, int], tuple[State, Metrics]],
    *,
    log_every: int,
    checkpoint_every: int,
    show: Callable[[Mapping[str, float]], Mapping[str, str]],
    describe: Callable[[State], Mapping[str, float]] | None = None,
    finite: Callable[[State], Any] = lambda state: state,
) -> State:
    """Run or resume a phase to its last step.

    Args:
      directory: of the run.
      phase: name of the phase, under which metrics and checkpoints are kept.
      state: initial state; replaced by the last checkpoint if there is one.
      steps: in all.
      step_function: (state, step number) -> (new state, scalar metrics with a "loss").
      log_every, checkpoint_every: steps between lines of metrics and between checkpoints.
      show: metrics of the last step -> what progress displays, with units.
      describe: further figures of the state for the metrics file.
      finite: what of the state must be finite before it is kept.

    Returns:
      The final state.

    Raises:
      UserError: a loss was not finite; the last good checkpoint is kept.
    """
    checkpoints = Checkpoints(pathlib.Path(directory.path) / "checkpoints" / phase)
    try:
        restored = checkpoints.restore(state)
        start = 0 if restored is None else checkpoints.latest() or 0
        state = state if restored is None else restored
        progress = Progress(phase, steps, start)
        pending: list[Metrics] = []
        for step in range(start, steps):
            state, metrics = step_function(state, step)
            pending.append(metrics)
            done = step + 1
            saves = done % checkpoint_every == 0 or done == steps
            if done % log_every == 0 or saves:
                # Losses come to the host here, not at every step, so that the device is never waited for in between.
                recent = jax.device_get(pending)
                pending = []
                _require_finite(phase, done - len(recent), recent, checkpoints.latest())
                averages = {name: float(np.mean([m[name] for m in recent])) for name in recent[-1]}
                directory.append_metrics(phase, done, averages | dict(describe(state) if describe else {}))
                progress.update(done, show(averages))
            if saves:
                _require_finite_state(phase, done, finite(state), checkpoints.latest())
                checkpoints.save(done, state)
        progress.close()
        return state
    finally:
        checkpoints.close()


def _kept(saved: int | None) -> str:
    kept = f"the checkpoint of step {saved} is kept" if saved is not None else "no checkpoint had been written"
    return f"{kept}. Lower the learning rate (or raise its warm-up) and start in another --workdir."


def _require_finite_state(phase: str, step: int, state: Any, saved: int | None) -> None:
    """The loss of a step is taken before its update, so a last bad update shows in the state alone."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
    if not all(np.isfinite(leaf).all() for leaf in leaves if np.issubdtype(leaf.dtype, np.inexact)):
        raise UserError(f"The state of phase {phase} is not finite after step {step}; {_kept(saved)}")


def _require_finite(phase: str, first: int, recent: list[Mapping[str, Any]], saved: int | None) -> None:
    for offset, metrics in enumerate(recent):
        if not math.isfinite(float(metrics["loss"])):
            loss, step = float(metrics["loss"]), first + offset + 1
            raise UserError(f"The loss of phase {phase} is {loss} at step {step}; {_kept(saved)}")
