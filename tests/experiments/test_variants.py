"""Another way through the main binary: S2, bilevel, hinge objective, an energy budget, inherited weights."""

import json


def test_s2_ends_with_a_summary(run_binary, tmp_path):
    process = run_binary(
        "cosearch",
        "--config=experiments/configs/digits.py:smoke",
        f"--workdir={tmp_path / 'run'}",
        "--config.network.space=s2",
        "--config.budgets.latency_ms=0.03",
        "--config.budgets.energy_mj=1.0",
        "--config.search.level=bilevel",
        "--config.search.objective.form=hinge",
        "--config.retrain.start=inherit",
        "--config.retrain.training.steps=2",
        "--config.retrain.published=false",
    )
    assert process.returncode == 0, process.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "complete"
    assert summary["space"]["cardinality"] == 3**16 * 2**15 * 50_000
    assert len(summary["network"]) == 32
    assert summary["accuracy"]["baseline"] is None
    assert set(summary["budgets"]) == {"latency_ms", "energy_mj", "area_mm2"}
