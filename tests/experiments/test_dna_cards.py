"""The cards of DNA by the main binary: whole runs in a few steps, with every part of the path on real images."""

import json

import pytest

from dna_jax.spaces import OPERATIONS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("card", "costs"),
    [
        ("dna_fpga", {"fps", "frame_ms", "latency_ms", "dsp", "bram"}),
        ("dna_asic", {"fps", "frame_ms", "latency_ms", "energy_mj", "area_mm2", "edp"}),
    ],
)
def test_a_card_as_shipped_ends_with_a_pair_that_keeps_its_budgets(card, costs, run_binary, monkeypatch, tmp_path):
    if card == "dna_fpga":
        # Programs that run a few times are not worth optimising; the search of an ASIC at the end runs its own often.
        monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    arguments = (f"--config=experiments/configs/{card}.py:smoke", f"--workdir={tmp_path / 'run'}")
    process = run_binary("cosearch", *arguments, timeout=1800)
    assert process.returncode == 0, process.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "complete"
    assert set(summary["cost"]) == costs
    assert summary["budgets"]["frame_ms"] == 0.05
    assert summary["feasible"]
    assert all(summary["cost"][name] <= limit for name, limit in summary["budgets"].items())
    assert summary["optimality"]["accelerator_gap"] >= -1e-9
    assert {name.split(".")[0] for name in summary["accelerator"]} == {"accelerator"}
    assert (tmp_path / "run" / "plots" / "pipeline.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_dna_on_an_fpga_ends_with_a_proven_pipeline(run_binary, tmp_path):
    process = run_binary(
        "cosearch",
        "--config=experiments/configs/dna_fpga.py:smoke",
        f"--workdir={tmp_path / 'run'}",
        "--config.network.width=0.1",
        "--config.accelerator.allocation=searched",
    )
    assert process.returncode == 0, process.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "complete"
    assert summary["feasible"]
    assert set(summary["cost"]) == {"fps", "frame_ms", "latency_ms", "dsp", "bram"}
    assert summary["cost"]["fps"] >= 20_000
    assert summary["cost"]["dsp"] <= summary["budgets"]["dsp"] == 900
    assert summary["cost"]["bram"] <= summary["budgets"]["bram"] == 700
    assert summary["optimality"]["accelerator_rank"] == 1
    chosen = {value for name, value in summary["network"].items() if name.endswith("operation")}
    assert chosen <= set(OPERATIONS)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    search = [line for line in lines if line["phase"] == "search"]
    # The warm-up is half of the steps; then the proven best pipeline is taken over.
    assert search[-1]["frame_ms"] < search[0]["frame_ms"]
    assert "proven optimal" in (tmp_path / "run" / "report.html").read_text()
