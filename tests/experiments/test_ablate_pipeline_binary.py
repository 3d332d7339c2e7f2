"""The binary that holds parts of FPGA pipelines fixed."""

import itertools
import json

import pytest

from dna_jax.errors import UserError
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.search import Limits
from experiments import ablate_pipeline, ablation_report

STATED = THIRD_PARTY / "auto_nba" / "dna_networks.json"


@pytest.mark.slow
def test_parts_of_one_network(run_binary, tmp_path):
    entry = next(entry for entry in json.loads(STATED.read_text()) if entry["name"] == "cifar_large8")
    networks, out = tmp_path / "networks.json", tmp_path / "ablation.json"
    networks.write_text(json.dumps([entry]))
    process = run_binary(
        "ablate_pipeline",
        f"--networks={networks}",
        "--random_networks=0",
        "--limits=64/140",
        "--sources=default network",
        "--random_designs=50",
        "--seeds=2",
        f"--out={out}",
    )
    assert process.returncode == 0, process.stderr
    written = json.loads(out.read_text())
    rows = {(row["held"], row["at"]): row for row in written["rows"]}
    assert {row["limits"] for row in written["rows"]} == {"64/140"}
    assert written["networks"] == ["cifar_large8"]
    (fps,) = rows["nothing", ""]["fps"]
    assert fps > 0
    percent = {what: rows[what, "default network"]["percent"][0] for what in ablate_pipeline.HELD}
    for (one, parts), (other, more) in itertools.permutations(ablate_pipeline.HELD.items(), 2):
        if set(parts) < set(more):
            assert 0 < percent[other] <= percent[one] * (1 + 1e-12) <= 100 * (1 + 1e-9)
    # All its blocks have 8 bits as it is.
    assert rows["operand width", "8 bits in all blocks"]["mean_percent"] == pytest.approx(100)
    assert rows["operand width", "4 bits in all blocks"]["mean_percent"] != pytest.approx(100)
    assert 0 < rows["random pipeline", "best of 50"]["mean_percent"] < 100
    table = out.with_suffix(".md").read_text()
    assert table in process.stdout
    assert table.count("\n") == len(rows) + 2
    assert "| micro-architecture (unrolled parts) | default network |" in table
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_the_limits_are_a_pair_of_numbers():
    assert ablate_pipeline.limits_of("64/140") == Limits(64, 140)
    for text in ("900", "a/b", "1/2/3", "-1/5"):
        with pytest.raises(UserError, match="is no pair DSP/BRAM"):
            ablate_pipeline.limits_of(text)


def test_figures_of_a_row():
    assert ablation_report.summary([50.0, 0.0, 70.0]) == {
        "mean_percent": 60.0,
        "least_percent": 50.0,
        "feasible": 2,
        "networks": 3,
    }
    assert ablation_report.summary([0.0])["mean_percent"] is None


def test_what_cannot_be_is_said_in_a_sentence(refused, tmp_path):
    wide = json.loads(STATED.read_text())[0] | {"bits": [16] * 22}
    (tmp_path / "wide.json").write_text(json.dumps([wide]))
    for arguments, reason in (
        (("--limits=0/700",), "--limits=0/700 is no pair DSP/BRAM of positive numbers"),
        ((f"--networks={tmp_path / 'wide.json'}", "--random_networks=0"), "operand widths other than 4, 6, 8 bits"),
    ):
        said = refused("ablate_pipeline", *arguments)
        assert reason in said
