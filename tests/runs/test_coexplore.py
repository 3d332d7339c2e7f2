"""Co-exploration: what is trained, what is returned, and that a run goes on where it was. Training is stood in for by a
function of the network; `tests/experiments/test_coexplore_binary.py` trains."""

import dataclasses
import json
import math

import numpy as np
import pytest

from dna_jax.data import DataConfig
from dna_jax.errors import OutOfReachError, UserError
from dna_jax.runs.coexplore import run_coexploration
from dna_jax.runs.coexplore_config import BoardsConfig, CoexploreConfig, PlainNetworkConfig, RequirementsConfig
from dna_jax.runs.coexplore_picture import coexplore_table, pareto_front
from dna_jax.runs.coexplore_problem import CoexploreProblem, build_coexplore_problem
from dna_jax.search.strategies import FastSlowConfig, PpoConfig

CONFIG = CoexploreConfig(
    rounds=4,
    network=PlainNetworkConfig(depth=2),
    requirements=RequirementsConfig(images_per_second=100_000, efficiency=0.5),
    search=FastSlowConfig(fast_steps=2, ppo=PpoConfig(batch=4, learning_rate=5e-3)),
)


@pytest.fixture
def trainings(monkeypatch):
    """Stand-in for training, more accurate the more operations; returns the list of what was trained."""
    done = []

    def train(self, design, config, source, judged_on):
        done.append((tuple(design.values()), config, len(source), len(judged_on)))
        macs = sum(layer.macs for layer in self.family.layers(design, 16))
        return 50 + 5 * np.log10(macs) + (1 if len(judged_on) > 300 else 0)

    monkeypatch.setattr(CoexploreProblem, "train", train)
    return done


def _lines(folder):
    phases = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        phases.setdefault(entry["phase"], []).append(entry)
    return phases


def test_a_run_trains_what_meets_the_requirements_and_returns_the_best_of_it(tmp_path, trainings):
    summary = run_coexploration(CONFIG, tmp_path / "run", None)
    phases = _lines(tmp_path / "run")
    prices = {tuple(line["network"]): line for line in phases["priced"]}
    accuracies = {tuple(line["network"]): line["accuracy"] for line in phases["trained"]}
    assert len(prices) == len(phases["priced"]) == summary["counts"]["networks_priced"]
    assert len(accuracies) == len(phases["trained"]) == summary["counts"]["networks_trained"] > 2
    assert all(prices[n]["images_per_second"] >= 1e5 and prices[n]["efficiency"] >= 0.5 for n in accuracies)
    assert not all(line["images_per_second"] >= 1e5 and line["efficiency"] >= 0.5 for line in prices.values())
    counts = summary["counts"]
    assert (counts["proposed_in_fast_steps"], counts["proposed_in_slow_steps"]) == (4 * 2 * 4, 4 * 4)
    assert counts["left_out_of_slow_steps"] >= counts["networks_rejected"]
    assert counts["networks_trained"] <= 16 - counts["left_out_of_slow_steps"]

    best = max(accuracies.values())
    close = [n for n in accuracies if accuracies[n] >= best - CONFIG.within]
    assert summary["opt_sw"]["accuracy"]["search"] == pytest.approx(best / 100)
    assert summary["opt_hw"]["efficiency"] == max(prices[n]["efficiency"] for n in close)
    for found in (summary["opt_sw"], summary["opt_hw"]):
        assert found["accuracy"]["final"] == pytest.approx(found["accuracy"]["search"] + 0.01)
        assert len(found["stages"]) == found["boards"] <= 2
        assert sum(stage["macs"] for stage in found["stages"]) == found["macs"]
    # Designs are judged on images they were not trained on, those found on the test set.
    sizes = {(config == CONFIG.final_training, source, judged) for _, config, source, judged in trainings[:-2]}
    assert sizes <= {(True, 1150, 288)}
    assert trainings[-1][2:] == (1438, 359)
    assert (tmp_path / "run" / "plots" / "coexploration.png").stat().st_size > 10_000
    table = coexplore_table(summary, "run")
    assert f"{counts['networks_trained']} networks trained" in table
    assert f"{100 * best / 100:.2f}" in table


def test_a_run_goes_on_where_it_was(tmp_path, trainings):
    whole = run_coexploration(CONFIG, tmp_path / "run", None)
    done = len(trainings)
    again = run_coexploration(CONFIG, tmp_path / "run", None)
    assert (again, len(trainings)) == (whole, done)
    # As after a kill in the middle of a line, with more than half of the run behind it.
    (tmp_path / "run" / "summary.json").unlink()
    metrics = tmp_path / "run" / "metrics.jsonl"
    lines = metrics.read_text().splitlines(keepends=True)
    kept = lines[: 2 * len(lines) // 3]
    metrics.write_text("".join(kept) + lines[len(kept)][:20])
    resumed = run_coexploration(CONFIG, tmp_path / "run", None)
    known = sum(json.loads(line)["phase"] == "trained" for line in kept)
    assert 0 < known < whole["counts"]["networks_trained"]
    assert len(trainings) == 2 * done - known
    for summary in (whole, resumed):
        del summary["wall_seconds"]
    assert resumed == whole
    with pytest.raises(UserError, match="another configuration"):
        run_coexploration(dataclasses.replace(CONFIG, beta=0.5), tmp_path / "run", None)


@pytest.mark.slow
def test_slow_steps_alone_train_all_that_is_proposed(tmp_path, trainings):
    search = dataclasses.replace(CONFIG.search, fast_steps=0, prune=False)
    summary = run_coexploration(dataclasses.replace(CONFIG, search=search, within=100.0), tmp_path / "run", None)
    phases = _lines(tmp_path / "run")
    assert summary["counts"]["networks_trained"] == summary["counts"]["networks_priced"] > 8
    assert summary["counts"]["networks_rejected"] == 0
    # What misses a requirement is trained, and not returned. With all accuracies within reach, OptHW is the most efficient.
    meeting = [y for y in phases["priced"] if y["images_per_second"] >= 1e5 and y["efficiency"] >= 0.5]
    assert len(meeting) < summary["counts"]["networks_trained"]
    assert summary["opt_hw"]["efficiency"] == max(y["efficiency"] for y in meeting)


def test_where_nothing_meets_the_requirements_nothing_is_trained(tmp_path, trainings):
    # Hardly any but the lightest of the 1,024 networks is so fast.
    problem = build_coexplore_problem(CONFIG, None)
    lightest = {name: options[-1] if "stride" in name else options[0] for name, options in problem.family.options.items()}
    efficiency = CONFIG.requirements.efficiency
    unbounded = dataclasses.replace(CONFIG, requirements=RequirementsConfig(math.inf, efficiency))
    fastest = dataclasses.replace(problem, config=unbounded).pipeline(lightest)
    required = RequirementsConfig(0.999 * fastest.images_per_second, efficiency)
    config = dataclasses.replace(CONFIG, rounds=1, requirements=required)
    summary = run_coexploration(config, tmp_path / "run", None)
    assert not summary["feasible"]
    assert "opt_sw" not in summary
    assert not trainings
    assert summary["counts"]["left_out_of_slow_steps"] == 4
    assert coexplore_table(summary, "run").startswith(
        "no network that was trained meets the requirements; 0 networks trained"
    )


def test_the_front_is_that_of_brute_force():
    generator = np.random.default_rng(0)
    accuracy, speed = generator.integers(0, 8, 40).astype(float), generator.uniform(size=40)
    front = pareto_front(accuracy, speed)
    beaten = [
        any((accuracy >= a) & (speed >= s) & ((accuracy > a) | (speed > s))) for a, s in zip(accuracy, speed, strict=True)
    ]
    assert set(front) == set(np.flatnonzero(~np.array(beaten)))
    assert np.all(np.diff(speed[front]) > 0)
    assert np.all(np.diff(accuracy[front]) < 0)


def test_refusals():
    for changes, message in (
        ({"rounds": 0}, "rounds must be at least 1"),
        ({"beta": 1.5}, "beta 1.5 must lie in"),
        ({"within": -1.0}, "within must not be negative"),
        ({"fast_reward": "efficiency", "search": FastSlowConfig(fast_steps=0)}, "read only with search.fast_steps"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(CONFIG, **changes)
    with pytest.raises(ValueError, match="efficiency is a share"):
        RequirementsConfig(efficiency=1.5)
    with pytest.raises(ValueError, match="boards must be at least 1"):
        BoardsConfig(boards=0)
    with pytest.raises(OutOfReachError, match=r"fastest network of the space takes \d+ images a second on 2 boards"):
        build_coexplore_problem(dataclasses.replace(CONFIG, requirements=RequirementsConfig(images_per_second=1e9)), None)
    with pytest.raises(UserError, match="batch_size 5000 exceeds the 1150 images"):
        build_coexplore_problem(dataclasses.replace(CONFIG, data=DataConfig(batch_size=5000)), None)
