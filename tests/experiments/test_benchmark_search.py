"""The benchmark of search strategies, as a user runs it."""

import importlib.util
import json

import pytest


@pytest.mark.slow
def test_a_small_run_writes_all_it_promises(within, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ("--config=experiments/configs/macro_edge.py:smoke", "--strategies=random,evolution,differentiable")
    settings = ("--config.side_by_side=0", "--config.settings.evolution.batch=20")
    assert within("benchmark_search", f"--out={out}", *arguments, *settings) in (None, 0)
    results = json.loads((out / "results.json").read_text())
    assert len(results["budgets"]) == 5
    for budget in results["budgets"]:
        assert results["optimum"][budget]["latency_ms"] <= results["optimum"][budget]["latency_budget_ms"]
        for name in ("random", "evolution", "differentiable"):
            own = results["strategies"][name][budget]
            assert own["regret"]["low"] <= own["regret"]["median"] <= own["regret"]["high"]
            assert {"feasible_share", "hypervolume_ratio", "accuracy_queries", "cost_evaluations", "wall_seconds"} <= {*own}
    assert results["strategies"]["evolution"][results["budgets"][0]]["accuracy_queries"] == 100
    assert results["command"].startswith("python -m experiments.benchmark_search --")
    said = capsys.readouterr().out
    assert said.strip() == (out / "results.md").read_text().strip()
    assert {*results["over_differentiable"]} == {"random", "evolution"}
    assert {*results["over_random"]} == {"differentiable", "evolution"}
    assert "mean regret after queries, by budget" in said
    assert "mean regret of differentiable; of others more than that" in said
    curves = json.loads((out / "curves.json").read_text())
    assert curves["evolution"][results["budgets"][0]]["queries"] == [20, 40, 60, 80, 100]
    assert results["settings"]["evolution"]["batch"] == 20
    for picture in ("curves.png", "variants.png", "final.png"):
        assert (out / picture).stat().st_size > 10_000


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("differentiable.baseline_decay=0.5", "no effect"),
        ("differentiable.objective.goal=edp", "no effect here"),
        ("surrogate.objective.hinge_weight=1.0", "no effect here"),
        ("differentiable_score.temperature.end=0.1", "no effect here"),
        ("differentiable_score.steps=10", "no effect"),
        ("reinforce.updates=10", "no effect"),
        ("reinforce_tuned.updates=10", "no effect"),
        ("differentiable_score.accuracy=exact", "which makes it that strategy"),
        ("nsga2_population=0", "at least 1"),
        ("reinforce_tuned_beta=0.1", "at most 0"),
        ("hinge_weight=-1.0", "must not be negative"),
        ("mixture_temperature=0.0", "must be positive"),
        ("ppo.epochs=0", "at least 1"),
        ("evolution.batch=3", "must divide"),
        ("differentiable.samples=0", "at least 1"),
        ("differentiable.steps=0", "at least 1"),
        ("surrogate.queries=0", "at least 1"),
        ("surrogate.queries=100", "candidates must be at least 100"),
        ("surrogate.network_deviation=0.0", "must be positive"),
        ("surrogate.gradient_steps=0", "surrogate_drawn is the search without any"),
        ("surrogate.gradient_steps=-1", "at least 0"),
        ("drawn_candidates=3", "at least 4"),
    ],
)
def test_settings_without_effect_or_sense_are_refused(refused, setting, says):
    assert says in refused("benchmark_search", f"--config.settings.{setting}")


def test_what_is_not_installed_is_said_before_anything_is_searched(refused, monkeypatch, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "pymoo" else found(name, *rest))
    for name, flags in (
        ("benchmark_search", ["--strategies=random,nsga2", f"--out={tmp_path / 'out'}"]),
        ("compare_strategies", ["--config=experiments/configs/claim_rewards.py:smoke", "--config.old=('nsga2',)"]),
    ):
        assert "needs pymoo, of the extra 'baselines'" in refused(name, *flags)


def test_wrong_flags_are_refused_in_a_sentence(refused, tmp_path):
    assert "some of" in refused("benchmark_search", "--strategies=luck")
    assert "at least 1" in refused("benchmark_search", "--config.seeds=0")
    assert "leaves out some of the 5 optima" in refused("benchmark_search", "--config.brute_force=4")
    assert "configs/claim_joint.py" in refused("compare_strategies")
    assert "has every field that is overridden" in refused("benchmark_search", "--config.phases=3")
    file = tmp_path / "file"
    file.write_text("")
    assert "is a file" in refused("benchmark_search", f"--out={file}")
