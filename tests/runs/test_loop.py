"""The loop of a phase: checkpoints, resume after any kill, finite losses, progress."""

import io
import shutil

import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.errors import UserError
from dna_jax.runs.checkpoints import Checkpoints
from dna_jax.runs.directory import RunDirectory, read_metrics
from dna_jax.runs.loop import run_phase
from dna_jax.runs.progress import Progress, duration


class Killed(Exception):
    """Stands for a kill between two steps."""


def _run(path, kill_at=None, steps=25, bad_step=None):
    """A phase whose state is the history-dependent sum of its steps."""

    def step_function(state, step):
        if step == kill_at:
            raise Killed
        value = state["total"] * 0.5 + step
        loss = jnp.asarray(jnp.nan) if step + 1 == bad_step else value
        return {"total": value, "count": state["count"] + 1}, {"loss": loss}

    state = {"total": jnp.asarray(1.0), "count": jnp.asarray(0)}
    with RunDirectory(path, {}) as directory:
        return run_phase(
            directory,
            "toy",
            state,
            steps,
            step_function,
            log_every=4,
            checkpoint_every=5,
            show=lambda m: {"loss": f"{m['loss']:.1f}"},
        )


def _lines(path):
    return [(line["step"], line["loss"]) for line in read_metrics(path)["toy"]]


def test_a_killed_phase_ends_as_an_uninterrupted_one(tmp_path):
    whole = _run(tmp_path / "whole")
    for kill_at in (3, 5, 17, 24):
        with pytest.raises(Killed):
            _run(tmp_path / "cut", kill_at=kill_at)
    resumed = _run(tmp_path / "cut")
    assert float(resumed["total"]) == float(whole["total"])
    assert int(resumed["count"]) == int(whole["count"]) == 25
    lines = _lines(tmp_path / "whole")
    assert lines[-1] == _lines(tmp_path / "cut")[-1]
    assert [step for step, _ in lines] == [4, 5, 8, 10, 12, 15, 16, 20, 24, 25]


def test_a_loss_that_is_not_finite_stops_and_names_the_step(tmp_path):
    with pytest.raises(UserError, match=r"phase toy is nan at step 13; the checkpoint of step 10 is kept"):
        _run(tmp_path, bad_step=13)
    assert Checkpoints(tmp_path / "checkpoints" / "toy").latest() == 10
    with pytest.raises(UserError, match="nan at step 2; no checkpoint had been written"):
        _run(tmp_path / "early", bad_step=2)


def test_a_last_update_that_is_not_finite_is_not_kept(tmp_path):
    def step_function(state, step):
        value = jnp.where(step == 9, jnp.nan, 1.0)
        return {"w": value}, {"loss": jnp.asarray(0.5)}

    says = "state of phase toy is not finite after step 10; the checkpoint of step 5 is kept"
    with RunDirectory(tmp_path, {}) as directory, pytest.raises(UserError, match=says):
        run_phase(
            directory,
            "toy",
            {"w": jnp.asarray(0.0)},
            10,
            step_function,
            log_every=5,
            checkpoint_every=5,
            show=lambda _: {},
        )


def test_a_damaged_checkpoint_is_named_and_its_removal_goes_on(tmp_path):
    with pytest.raises(Killed):
        _run(tmp_path, kill_at=12)
    folder = tmp_path / "checkpoints" / "toy" / "10"
    for file in folder.rglob("*"):
        if file.is_file():
            file.write_bytes(b"\0" * 10)
    with pytest.raises(UserError, match=r"toy/10 cannot be read .* remove that folder"):
        _run(tmp_path)
    shutil.rmtree(folder)
    assert float(_run(tmp_path)["total"]) == float(_run(tmp_path / "whole")["total"])


def test_a_half_written_checkpoint_is_not_seen(tmp_path):
    with pytest.raises(Killed):
        _run(tmp_path, kill_at=12)
    half = tmp_path / "checkpoints" / "toy" / "15.orbax-checkpoint-tmp"
    half.mkdir()
    (half / "data").write_bytes(b"partial")
    assert float(_run(tmp_path)["total"]) == float(_run(tmp_path / "whole")["total"])


def test_checkpoints_keep_types_and_the_last_two(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    state = {"b": jnp.asarray([1, 2], jnp.int32), "a": [jnp.asarray(0.1, jnp.float32), np.asarray(True)]}
    for step in (1, 2, 3):
        checkpoints.save(step, state)
    restored = checkpoints.restore(state)
    assert restored is not None
    assert restored["b"].dtype == np.int32
    np.testing.assert_array_equal(restored["b"], [1, 2])
    assert restored["a"][0] == np.float32(0.1)
    assert bool(restored["a"][1]) is True
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.isdigit()) == ["2", "3"]
    checkpoints.close()


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_plain_lines_with_time_left_off_a_terminal():
    stream = io.StringIO()
    progress = Progress("search", 100, start=0, stream=stream)
    progress.update(25, {"loss": "1.5", "area": "3.0mm2"})
    progress.close()
    assert stream.getvalue().startswith("search 25/100 loss 1.5 area 3.0mm2 left 0:0")
    assert stream.getvalue().endswith("\n")


def test_progress_is_a_bar_on_a_terminal():
    stream = _Terminal()
    progress = Progress("search", 100, start=40, stream=stream)
    progress.update(50, {"loss": "1.5"})
    progress.close()
    shown = stream.getvalue()
    assert "50/100" in shown
    assert "loss=1.5" in shown
    assert "\r" in shown


def test_durations_read_well():
    assert [duration(s) for s in (5, 65, 3665)] == ["0:05", "1:05", "1:01:05"]
