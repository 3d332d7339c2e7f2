"""FPGA pipelines against the tables of the release, and what their readers do with other rows."""

import csv
import json

import pytest

from dna_jax.errors import UserError
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.hardware.validation import as_json, validate_folder
from dna_jax.networks import read_networks
from dna_jax.search import evaluate_optima
from experiments.validate import context

FOLDER = THIRD_PARTY / "auto_nba"
CONTEXT = context(FOLDER)(FOLDER)


def _validate(tmp_path, table, keep=lambda row: True, change=lambda row: row):
    with (FOLDER / table).open() as file:
        rows = [change(row) for row in csv.DictReader(file) if keep(row)]
    with (tmp_path / table).open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    ((_, result),) = validate_folder(tmp_path, lambda _: CONTEXT, {"dna_optimum.csv": evaluate_optima})
    assert result.rows == len(rows) == result.evaluated + sum(map(len, result.skipped.values()))
    return as_json(result)


def _worst(report):
    """Largest error of any quantity, in percent."""
    figures = [entry for quantities in report["configs"].values() for entry in quantities.values()]
    return max(max(entry["mean_abs_pct"], entry["p95_abs_pct"]) for entry in figures)


@pytest.mark.parametrize("table", ["dna_layer_cycles.csv", pytest.param("dna_corrected_layers.csv", marks=pytest.mark.slow)])
def test_every_layer_is_exact(tmp_path, table):
    report = _validate(tmp_path, table)
    assert report["evaluated"] == report["rows"] >= 1000
    assert len(report["configs"]) == 5
    assert _worst(report) < 1e-7


def test_every_network_expands_as_in_the_release(tmp_path):
    report = _validate(tmp_path, "dna_layers.csv")
    assert report["evaluated"] == report["rows"] == 655
    assert report["notes"] == []
    assert _worst(report) == 0


def test_whole_pipelines_are_exact(tmp_path):
    report = _validate(tmp_path, "dna_system.csv", keep=lambda row: row["net_id"] in "05" or row["sampler"] == "max")
    assert report["evaluated"] == report["rows"] > 150
    assert _worst(report) < 1e-7
    assert {"fps", "dsp", "bram", "equal figures of chunks"} == set(report["configs"]["max"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"feasible": "0"},
        {"bottleneck_accel": "dwa1q4"},
        {"accel_cycles_json": '{"a0q6": 1.0}'},
        {"accel_dsp_bram_json": '{"a0q6": [1.0, 5]}'},
    ],
)
def test_a_wrong_figure_of_a_chunk_shows(tmp_path, wrong):
    report = _validate(
        tmp_path,
        "dna_system.csv",
        keep=lambda row: (row["net_id"], row["design_id"]) == ("0", "0"),
        change=lambda row: row | wrong,
    )
    (figures,) = report["configs"].values()
    assert figures["fps"]["mean_abs_pct"] < 1e-7
    assert figures["equal figures of chunks"]["mean_abs_pct"] > 1


def test_a_wrong_field_of_a_layer_shows(tmp_path):
    for column in ("block", "op", "bits_asked", "accelerator"):
        report = _validate(
            tmp_path,
            "dna_layers.csv",
            keep=lambda row: row["net_id"] == "0",
            change=lambda row, column=column: row | ({column: "9"} if row["layer"] == "5" else {}),
        )
        assert 0 < report["configs"]["network 0"]["equal fields"]["mean_abs_pct"] < 1


def test_a_corrected_table_without_strides_cannot_be_evaluated(tmp_path):
    def without_stride(row):
        return {column: value for column, value in row.items() if column != "stride"}

    report = _validate(tmp_path, "dna_corrected_layers.csv", change=without_stride)
    assert report["skipped"] == {"column stride is missing": report["rows"]}


def test_where_nothing_fits_verdicts_are_compared(tmp_path):
    stated = iter(
        [
            {"dsp_limit": "1", "bram_limit": "9", "optimum_fps": "0"},
            {"dsp_limit": "1", "bram_limit": "9", "optimum_fps": ""},
            {"dsp_limit": "1", "bram_limit": "9"},
            {"optimum_fps": "0"},
        ]
    )

    report = _validate(
        tmp_path, "dna_optimum.csv", keep=lambda row: row["name"] == "demo", change=lambda row: row | next(stated, {})
    )
    # The third row is wrong, and so is the fourth.
    small = report["configs"]["fixed compute mode, 1 DSP, 9 BRAM"]
    assert small["verdict on what fits"]["mean_abs_pct"] == pytest.approx(100 / 3)
    assert small["fps"] == small["fps"] | {"n": 1, "mean_abs_pct": 100}
    whole = report["configs"]["free compute mode, 900 DSP, 700 BRAM"]
    assert whole["verdict on what fits"]["mean_abs_pct"] == 100
    assert whole.keys() == {"verdict on what fits", "fps without limits"}


def test_certified_optima_are_those_found_by_others(tmp_path):
    """Two networks under every limit and mode, one with skips and the bits that the release then gives."""
    report = _validate(tmp_path, "dna_optimum.csv", keep=lambda row: row["name"] in ("demo", "cifar_skip1"))
    assert report["evaluated"] == report["rows"] == 18
    assert len(report["configs"]) == 6
    assert _worst(report) < 1e-7


def test_rows_that_cannot_be_read_are_left_out_with_a_reason(tmp_path):
    spoiled = iter([{"comp_mode": "7"}, {"h": "none"}, {"depthwise": ""}])
    report = _validate(tmp_path, "dna_corrected_layers.csv", change=lambda row: row | next(spoiled, {}))
    assert report["skipped"] == {"an unknown kind of chunk or compute mode": 2, "column h holds no number": 1}
    (tmp_path / "dna_corrected_layers.csv").unlink()
    spoiled = iter([{"net_id": "77"}, {"layer": "900"}])
    report = _validate(
        tmp_path, "dna_layers.csv", keep=lambda row: row["net_id"] == "0", change=lambda r: r | next(spoiled, {})
    )
    assert sum(report["skipped"].values()) == 2
    assert report["notes"] == ["network 0 has 70 layers, the table 68"]
    (tmp_path / "dna_layers.csv").unlink()
    spoiled = iter([{"design_json": "{}"}, {"design_json": "nonsense"}, {"net_id": "x"}])
    keep = {"0", "1", "2", "3"}
    report = _validate(
        tmp_path,
        "dna_system.csv",
        keep=lambda row: row["net_id"] == "7" and row["design_id"] in keep,
        change=lambda row: row | next(spoiled, {}),
    )
    assert sum(report["skipped"].values()) == 3
    assert report["evaluated"] == 1


def test_files_that_state_no_networks_are_refused(tmp_path):
    path = tmp_path / "networks.json"
    good = json.loads((FOLDER / "dna_networks.json").read_text())[0]
    for change, reason in (
        ({"ops": good["ops"][:3]}, "needs 22 operations"),
        ({"ops": ["k9_e9"] * 22}, "needs 22 operations"),
        ({"bits": [0] * 22}, "bits other than"),
        ({"family": "mnist"}, "choose cifar, imagenet or edd"),
    ):
        path.write_text(json.dumps([good | change]))
        with pytest.raises(UserError, match=reason):
            read_networks(path)
    path.write_text(json.dumps([{"name": "empty"}]))
    with pytest.raises(UserError, match="lacks one of family"):
        read_networks(path)
    path.write_text("[")
    with pytest.raises(UserError, match="cannot be read"):
        read_networks(path)
