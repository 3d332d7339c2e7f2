"""Tables as others may write them: odd sizes, odd cells, several files of one name. No row is lost without a word."""

import csv
import json

import pytest

from dna_jax.errors import UserError
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.hardware.validation import Context, as_json, validate_folder
from dna_jax.hardware.validation.report import scatter

CONTEXT = Context({}, {})


def _rows(table):
    (path,) = THIRD_PARTY.rglob(table)
    with path.open() as file:
        return list(csv.DictReader(file))


def _write(path, rows):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _report(tmp_path, table, rows):
    _write(tmp_path / table, rows)
    ((_, result),) = validate_folder(tmp_path, lambda _: CONTEXT)
    report = as_json(result)
    json.dumps(report, allow_nan=False)
    assert report["rows"] == len(rows) == report["evaluated"] + sum(report["skipped"].values())
    for quantity in {name for figures in report["configs"].values() for name in figures}:
        counted = sum(figures[quantity]["n"] for figures in report["configs"].values() if quantity in figures)
        assert counted % report["evaluated"] == 0, quantity
    return report


@pytest.mark.slow
def test_sizes_of_one_name_are_configurations_of_their_own(tmp_path):
    rows = [row for row in _rows("timeloop.csv") if row["groups"] == "1"][:2]
    smaller = [row | {"buffers": row["buffers"].replace("128kB", "64kB")} for row in rows]
    slower = [row | {"buffers": row["buffers"].replace("DRAM:Nonex1@16b bw=-", "DRAM:Nonex1@16b bw=1")} for row in rows]
    report = _report(tmp_path, "timeloop.csv", [*rows, *smaller, *slower])
    assert {name: figures["cycles"]["n"] for name, figures in report["configs"].items()} == {
        "eyeriss256 rowstationary buffer_kib=128 dram_words_per_cycle=inf": 2,
        "eyeriss256 rowstationary buffer_kib=64 dram_words_per_cycle=inf": 2,
        "eyeriss256 rowstationary buffer_kib=128 dram_words_per_cycle=1": 2,
    }
    bias = {name: figures["cycles"]["bias_pct"] for name, figures in report["configs"].items()}
    assert bias["eyeriss256 rowstationary buffer_kib=128 dram_words_per_cycle=1"] > 100


@pytest.mark.slow
def test_bandwidths_of_one_name_are_configurations_of_their_own(tmp_path):
    rows = [row for row in _rows("zigzag_edge.csv") if row["config"] == "base" and row["scenario"] == "dram_all"][:2]
    report = _report(tmp_path, "zigzag_edge.csv", [*rows, *(row | {"io_bandwidth_GBps": "5"} for row in rows)])
    assert set(report["configs"]) == {f"dram_all base io_bandwidth_GBps={rate}" for rate in (20, 5)}


@pytest.mark.parametrize(
    ("table", "change", "reason"),
    [
        ("zigzag.csv", {"precision_W_I_Opartial_Ofinal": "x/8/16/8"}, "does not hold four widths"),
        ("zigzag.csv", {"precision_W_I_Opartial_Ofinal": "2/64/16/8"}, "widths other than 4 to 32"),
        ("zigzag_edge.csv", {"precision_W_I_Opartial_Ofinal": "8/8/32"}, "does not hold four widths"),
        ("zigzag.csv", {"C_in": "32.7"}, "column C_in holds no whole number"),
        ("scalesim_compute.csv", {"array_h": "0.5"}, "column array_h holds no whole number"),
        ("silicon_eyeriss_per_layer.csv", {"batch": "0.5"}, "column batch holds no whole number"),
        ("silicon_eyeriss_per_layer.csv", {"chip": "Abacus"}, "no template or description of chip 'Abacus'"),
        ("maestro.csv", {"num_pes": "96", "dataflow": "kcp_ws"}, "PEs that do not fill their clusters"),
        ("maestro.csv", {"groups": "2", "C_in": "32", "C_out": "32"}, "groups that is not depthwise"),
        ("timeloop.csv", {"buffers": "GlobalBuffer:128kBx1@16b bw=16"}, "does not state PsumRegFile"),
        ("timeloop.csv", {"arch": "simba"}, "no template or description of architecture 'simba'"),
        ("cacti_sram.csv", {"banks": "4"}, "memories of banks 4"),
        (
            "dosa_timeloop.csv",
            {"mapping.mapping": "L3[WIO] N1 - L2[WI] N1 - L1[O] N1 - L0[W] N1"},
            "does not cover the layer",
        ),
        ("dosa_timeloop.csv", {"arch.meshX": "1"}, "more than the array holds"),
        ("dosa_timeloop.csv", {"mapping.mapping": ""}, "the mapping cannot be read"),
    ],
)
def test_rows_that_make_no_sense_are_named(tmp_path, table, change, reason):
    rows = [row | change for row in _rows(table)[:2]]
    report = _report(tmp_path, table, rows)
    assert report["evaluated"] == 0
    assert any(reason in said for said in report["skipped"]), report["skipped"]


def test_a_part_of_the_memories_is_judged_by_the_whole_table(tmp_path):
    rows = [row for row in _rows("cacti_sram.csv") if row["size_bytes"] == "65536" and row["width_bits"] == "128"]
    report = _report(tmp_path, "cacti_sram.csv", rows)
    assert report["evaluated"] == len(rows) == 2
    for figures in report["configs"].values():
        assert figures["area"]["mean_abs_pct"] < 10


@pytest.mark.slow
def test_a_single_simulated_layer_is_judged_by_a_correction_fitted_to_the_others(tmp_path):
    first = _rows("dosa_gemmini_rtl.csv")[0]
    shape = [name for name in first if name.startswith("prob.")]
    rows = [row for row in _rows("dosa_gemmini_rtl.csv") if all(row[name] == first[name] for name in shape)]
    report = _report(tmp_path, "dosa_gemmini_rtl.csv", rows)
    (figures,) = report["configs"].values()
    assert figures["cycles"]["median_abs_pct"] < 50


def test_files_of_one_name_are_told_apart(tmp_path):
    rows = _rows("scalesim_compute.csv")
    _write(tmp_path / "one" / "scalesim_compute.csv", rows[:2])
    _write(tmp_path / "two" / "scalesim_compute.csv", rows[2:3])
    found = {name: result.rows for name, result in validate_folder(tmp_path, lambda _: CONTEXT)}
    assert found == {"one/scalesim_compute.csv": 2, "two/scalesim_compute.csv": 1}


def test_files_that_are_no_tables(tmp_path):
    (tmp_path / "zigzag.csv").write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(UserError, match="cannot be read as CSV"):
        list(validate_folder(tmp_path, lambda _: CONTEXT))
    (tmp_path / "zigzag.csv").write_text("")
    ((_, result),) = validate_folder(tmp_path, lambda _: CONTEXT)
    assert (result.rows, result.evaluated) == (0, 0)
    scatter({"zigzag.csv": result}, tmp_path / "nothing.png")
    assert not (tmp_path / "nothing.png").exists()
