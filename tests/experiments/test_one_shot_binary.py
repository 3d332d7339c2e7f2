"""One-shot search as a user runs it: to the end, resumed, with a part fixed, and what it does not do is refused."""

import json

import jax
import numpy as np
import pytest

from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.cosearch import search
from dna_jax.runs.directory import RunDirectory, read_metrics
from dna_jax.runs.problem import build_problem
from experiments.configs import nahas_oneshot

CARD = "--config=experiments/configs/nahas_oneshot.py:smoke"


@pytest.mark.slow
def test_a_run_ends_with_a_design_and_leaves_its_rewards(within, tmp_path, capsys):
    path = tmp_path / "run"
    assert not within("cosearch", CARD, f"--workdir={path}")
    assert "all budgets met" in capsys.readouterr().out
    summary = json.loads((path / "summary.json").read_text())
    assert summary["status"] == "complete"
    assert summary["space"]["cardinality"] == 3**17 * 2**16 * 50_000
    assert summary["violations"] == []
    lines = read_metrics(path)["search"]
    assert [line["step"] for line in lines] == [4, 6, 8, 12]
    # The policy is still until step 3; the first line that ends later knows a baseline.
    assert {"reward", "baseline", "latency_ms", "area_mm2", "train_loss", "network_entropy"} <= set(lines[0])
    assert lines[-1]["network_entropy"] < 1
    assert "data:image/png;base64," in (path / "report.html").read_text()


class _Killed(Exception):
    """Stands for a kill between two checkpoints."""


@pytest.mark.slow
def test_a_search_that_was_cut_off_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    problem = build_problem(from_mapping(CosearchConfig, nahas_oneshot.get_config("smoke").to_dict()), None)
    with RunDirectory(tmp_path / "whole", {}) as directory:
        whole = search(problem, directory)
    append = RunDirectory.append_metrics

    def cut_off(directory, phase, step, values):
        if step == 8:
            raise _Killed
        append(directory, phase, step, values)

    monkeypatch.setattr(RunDirectory, "append_metrics", cut_off)
    with RunDirectory(tmp_path / "cut", {}) as directory, pytest.raises(_Killed):
        search(problem, directory)
    monkeypatch.undo()
    with RunDirectory(tmp_path / "cut", {}) as directory:
        resumed = search(problem, directory)
    assert int(resumed.step) == 12
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    ends = [read_metrics(tmp_path / name)["search"][-1] | {"wall_seconds": 0} for name in ("cut", "whole")]
    assert ends[0] == ends[1]


@pytest.mark.slow
@pytest.mark.parametrize("choice", ["--fix=network", "--config.order=network_first"])
def test_a_part_may_be_fixed_or_come_first_on_another_template(within, tmp_path, choice):
    gemmini = ("--config.accelerator.template=gemmini", "--config.budgets.latency_ms=0.2", "--config.budgets.area_mm2=1.3")
    brief = ("--config.retrain.training.steps=2", "--config.retrain.published=false")
    assert not within("cosearch", CARD, f"--workdir={tmp_path / 'run'}", choice, *gemmini, *brief)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "complete"
    assert summary["feasible"] is True


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("--config.search.temperature.start=2.0", "it is read only with search.method=differentiable"),
        ("--config.search.network.learning_rate=0.1", "it is read only with search.method=differentiable"),
        ("--config.accelerator.template=asic", "prices no pipelines"),
        ("--config.search.one_shot.samples=19", "each exceed the 288 images held out for decisions"),
        ("--config.search.method=evolution", "choose one of differentiable, one_shot"),
    ],
)
def test_what_it_does_not_do_is_refused(refused, tmp_path, override, says):
    assert says in refused("cosearch", CARD, f"--workdir={tmp_path / 'run'}", override)
