"""Another way through the main binary: S2 on Gemmini with corrected cycles, bilevel, hinge, energy budget, two trainings."""

import json

import pytest


@pytest.mark.slow
def test_s2_ends_with_a_summary(run_binary, tmp_path):
    process = run_binary(
        "cosearch",
        "--config=experiments/configs/digits.py:smoke",
        f"--workdir={tmp_path / 'run'}",
        "--config.network.space=s2",
        "--config.accelerator.template=gemmini",
        "--config.cost.correction=rtl",
        "--config.budgets.latency_ms=3.0",
        "--config.budgets.energy_mj=1.0",
        "--config.search.level=bilevel",
        "--config.search.objective.form=hinge",
        "--config.retrain.start=inherit",
        "--config.retrain.training.steps=2",
        "--config.retrain.repeats=2",
        "--config.retrain.published=false",
    )
    assert process.returncode == 0, process.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "complete"
    assert summary["space"]["cardinality"] == 3**16 * 2**15 * 245
    assert len(summary["network"]) == 32
    assert summary["space"]["cost_correction"] == "rtl"
    assert set(summary["accelerator"]) == {"accelerator.mesh", "accelerator.accumulator_kib", "accelerator.scratchpad_kib"}
    assert summary["accuracy"]["baseline"] is None
    each = summary["accuracy_of_each_training"]
    assert len(set(each["final"])) == 2
    assert each["baseline"] is None
    assert summary["accuracy"]["final"] == pytest.approx(sum(each["final"]) / 2)
    assert f"accuracy, mean of 2 (%) {100 * summary['accuracy']['final']:14.2f} not trained" in process.stdout
    assert f"{100 * min(each['final']):.2f}-{100 * max(each['final']):.2f}" in process.stdout
    assert set(summary["budgets"]) == {"latency_ms", "energy_mj", "area_mm2"}
