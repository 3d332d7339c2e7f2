"""The benchmark of search strategies, as a user runs it."""

import json


def test_a_small_run_writes_all_it_promises(within, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ("--seeds=2", "--samples=100", "--nomany", "--brute_force=0", "--strategies=random,ppo,differentiable")
    assert within("benchmark_search", f"--out={out}", *arguments) in (None, 0)
    results = json.loads((out / "results.json").read_text())
    assert len(results["budgets"]) == 5
    for budget in results["budgets"]:
        assert results["optimum"][budget]["latency_ms"] <= results["optimum"][budget]["latency_budget_ms"]
        for name in ("random", "ppo", "differentiable"):
            own = results["strategies"][name][budget]
            assert own["regret"]["low"] <= own["regret"]["median"] <= own["regret"]["high"]
            assert {"feasible_share", "hypervolume_ratio", "accuracy_queries", "cost_evaluations", "wall_seconds"} <= {*own}
    assert results["strategies"]["ppo"][results["budgets"][0]]["accuracy_queries"] == 100
    assert results["command"].startswith("python -m experiments.benchmark_search --")
    said = capsys.readouterr().out
    assert said.strip() == (out / "results.md").read_text().strip()
    assert "ppo over random at equal samples" in said
    curves = json.loads((out / "curves.json").read_text())
    assert curves["ppo"][results["budgets"][0]]["queries"][-1] == 100
    for picture in ("curves.png", "variants.png", "final.png"):
        assert (out / picture).stat().st_size > 10_000


def test_wrong_flags_are_refused_in_a_sentence(refused, tmp_path):
    assert "some of" in refused("benchmark_search", "--strategies=luck")
    file = tmp_path / "file"
    file.write_text("")
    assert "is a file" in refused("benchmark_search", f"--out={file}")
