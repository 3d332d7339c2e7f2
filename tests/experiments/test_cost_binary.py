"""The binary that prices networks: by name, by description, from a run; its table, its file, its errors."""

import csv
import json
import subprocess
import sys

import pytest

from dna_jax.runs.priced_network import NETWORKS, network_layers

CHIP = """
name: chip
levels:
  - {name: sums, holds: O, capacity_bytes: 4, tiles: [""]}
  - name: scratchpad
    holds: WIO
    capacity_bytes: 262144
    read_bytes_per_cycle: 64
    write_bytes_per_cycle: 64
    tiles: [SRCKGQPN]
    fanouts: [{name: rows, size: 16, over: [C]}, {name: columns, size: 16, over: [KG]}]
  - {name: dram, holds: WIO, read_bytes_per_cycle: 16, ports: shared}
last_order: [SRCQPNKG]
"""


def _run(*arguments):
    command = [sys.executable, "-m", "experiments.cost", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_described_accelerator_and_a_file(tmp_path):
    (tmp_path / "chip.yaml").write_text(CHIP)
    done = _run(f"--accelerator={tmp_path / 'chip.yaml'}", f"--csv={tmp_path / 'cost.csv'}")
    assert done.returncode == 0, done.stderr
    assert "latency (ms)" in done.stdout
    assert "block_05.depthwise" in done.stdout
    with (tmp_path / "cost.csv").open() as file:
        rows = list(csv.DictReader(file))
    # The total printed is the sum of the layers' rows.
    printed = next(line.split()[-1] for line in done.stdout.splitlines() if line.startswith("energy (mJ)"))
    assert sum(float(row["energy (nJ)"]) for row in rows) * 1e-6 == pytest.approx(float(printed), rel=1e-4)
    parts = ("arithmetic (nJ)", "sums (nJ)", "scratchpad (nJ)", "dram (nJ)")
    for row in rows:
        assert sum(float(row[part]) for part in parts) == pytest.approx(float(row["energy (nJ)"]), rel=1e-9)
        assert float(row["cycles"]) * 256 >= float(row["MACs"]) * (1 - 1e-9)
        assert row["mapping"].startswith("dram[WIO]")


@pytest.mark.slow
def test_the_network_of_a_run(tmp_path):
    (tmp_path / "chip.yaml").write_text(CHIP)
    size = {"width": 0.25, "image_size": 8, "classes": 10, "stride_plan": "digits", "image_channels": 1}
    network = {f"block_{i:02d}.kernel": 3 for i in range(1, 18)} | {f"block_{i:02d}.expansion": 3 for i in range(2, 18)}
    summary = {"space": {"network_family": "mobilenet_v2", "network_size": size}}
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(summary | {"network": network | {"block_01.expansion": 1}}))
    done = _run(f"--network={path}", f"--accelerator={tmp_path / 'chip.yaml'}")
    assert done.returncode == 0, done.stderr
    assert "classifier" in done.stdout
    path.write_text(json.dumps(summary))
    refused = _run(f"--network={path}")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "not the summary.json of a finished run" in refused.stderr


@pytest.mark.parametrize("name", NETWORKS)
def test_every_named_network_has_layers(name):
    layers = network_layers(name)
    assert layers[0].name == "stem"
    assert layers[-1].name == "classifier"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--network=alexnet"], "Unknown network 'alexnet'; choose one of mobilenet_v2"),
        (["--accelerator=abacus"], "Unknown accelerator 'abacus'; choose one of nahas_edge"),
        (["--accelerator=none.yaml"], "cannot be read"),
        (["--csv=/nowhere/cost.csv"], "does not exist"),
        (["--network=none.onnx"], "none.onnx cannot be read"),
    ],
)
def test_errors_are_one_sentence(arguments, message):
    done = _run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
