"""The binary that prices a whole space: the best, the front, the rank of a design, its errors."""

import csv
import json

import pytest


@pytest.mark.slow
def test_a_space_with_budgets_and_a_design(run_binary, tmp_path):
    front, plot = tmp_path / "front.csv", tmp_path / "space.png"
    size = {"width": 0.25, "image_size": 8, "classes": 10, "stride_plan": "digits", "image_channels": 1}
    network = {f"block_{i:02d}.kernel": 3 for i in range(1, 18)} | {f"block_{i:02d}.expansion": 3 for i in range(2, 18)}
    chip = {"accelerator.mesh": 64, "accelerator.accumulator_kib": 8, "accelerator.scratchpad_kib": 32}
    summary = {
        "space": {"network_family": "mobilenet_v2", "network_size": size},
        "network": network | {"block_01.expansion": 1},
        "accelerator": chip,
    }
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(summary))
    process = run_binary(
        "enumerate",
        f"--network={path}",
        "--template=gemmini",
        "--correction=rtl",
        "--area_mm2=1.5",
        "--minimize=latency_ms",
        f"--design={path}",
        f"--csv={front}",
        f"--plot={plot}",
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("245 accelerators of gemmini")
    # The mesh alone is larger than the budget.
    assert f"{path}: not feasible" in process.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")
    with front.open() as file:
        rows = list(csv.DictReader(file))
    assert f"latency, energy and area: {len(rows)}" in process.stdout
    best = f"best by latency_ms: {float(rows[0]['latency_ms']):.5g} ms"
    assert best in process.stdout
    assert all(float(row["area_mm2"]) <= 1.5 for row in rows)
    assert min(float(row["latency_ms"]) for row in rows) == float(rows[0]["latency_ms"])


def test_errors_are_one_sentence(refused, tmp_path):
    (tmp_path / "summary.json").write_text(json.dumps({"accelerator": {"accelerator.mesh": 5}}))
    for arguments, message in (
        (["--correction=rtl"], "is fitted to Gemmini"),
        (["--area_mm2=-1"], "must be positive"),
        (["--network=nothing"], "Unknown network"),
        ([f"--design={tmp_path / 'summary.json'}"], "gives no accelerator of the space nahas_edge"),
        ([f"--csv={tmp_path / 'none' / 'x.csv'}"], "does not exist; make it first"),
    ):
        said = refused("enumerate", *arguments)
        assert message in said
