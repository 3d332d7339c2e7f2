"""Other ways through the main binary: S2, bilevel, fixed parts, inherited weights, other objectives."""

import json

import pytest

CARD = "--config=experiments/configs/digits.py:smoke"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (
            "s2",
            [
                "--config.network.space=s2",
                "--config.budgets.latency_ms=0.03",
                "--config.search.level=bilevel",
                "--config.search.objective.form=hinge",
                "--config.retrain.published=false",
            ],
        ),
        (
            "network",
            ["--fix=network", "--config.search.objective.form=soft", "--config.search.hard=false"],
        ),
        (
            "accelerator",
            [
                "--fix=accelerator",
                "--config.budgets.area_mm2=33",
                "--config.retrain.start=inherit",
                "--config.retrain.training.steps=2",
                "--config.retrain.published=false",
                "--config.search.temperature.schedule=cosine",
            ],
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_variants_end_with_a_summary(run_binary, tmp_path, name, arguments):
    process = run_binary("cosearch", CARD, f"--workdir={tmp_path / 'run'}", *arguments)
    assert process.returncode == 0, process.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "complete"
    if name == "s2":
        assert summary["space"]["cardinality"] == 3**16 * 2**15 * 50_000
        assert len(summary["network"]) == 32
        assert summary["accuracy"]["baseline"] is None
    if name == "network":
        assert summary["space"]["cardinality"] == 50_000
        kernels = {value for key, value in summary["network"].items() if key.endswith("kernel")}
        assert kernels == {3}
        assert summary["accuracy"]["final"] == summary["accuracy"]["baseline"]
    if name == "accelerator":
        assert summary["space"]["cardinality"] == 3**17 * 2**16
        assert summary["accelerator"]["accelerator.pes_x"] == 4
        assert summary["cost"]["area_normalized"] == pytest.approx(1)
