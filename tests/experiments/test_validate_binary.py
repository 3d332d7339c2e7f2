"""The binary that validates: tables and descriptions of others, its report, its picture, its errors."""

import csv
import json

import pytest

from dna_jax.hardware.technology import THIRD_PARTY

TPU = """
name: my_tpu
exposed_ends: true
objective: edp
mac_pj: 0.04
mac_mm2: 0
partial_bits: 16
last_order: [QPNSRCKG, SRCQPNKG, SRCKGQPN, KGSRCQPN]
levels:
  - {name: sums, holds: O, capacity_bytes: 2, read_bytes_per_cycle: 2, write_bytes_per_cycle: 2, read_pj_per_byte: 0.0105,
     write_pj_per_byte: 0.0105, area_mm2: 0, ports: per_operand, tiles: [SRC, ""]}
  - {name: weights, holds: W, capacity_bytes: 128, read_bytes_per_cycle: 1, write_bytes_per_cycle: 1,
     read_pj_per_byte: 0.095, write_pj_per_byte: 0.095, area_mm2: 0, tiles: [QPNSRCKG, SRCQPNKG, SRCKGQPN, KGSRCQPN]}
  - {name: sram, holds: IO, capacity_bytes: 2097152, read_bytes_per_cycle: 256, write_bytes_per_cycle: 256,
     read_pj_per_byte: 1.625625, write_pj_per_byte: 1.478125, area_mm2: 0, tiles: [QPNSRCKG, SRCQPNKG, SRCKGQPN, KGSRCQPN],
     fanouts: [{name: rows, size: 32, over: [C]}, {name: columns, size: 32, over: [KG]}]}
  - {name: dram, holds: WIO, read_bytes_per_cycle: 8, write_bytes_per_cycle: 8, read_pj_per_byte: 87.5,
     write_pj_per_byte: 93.75, ports: shared}
"""

MESH = """
name: my_mesh
levels:
  - {name: registers, holds: W, capacity_bytes: 1}
  - {name: accumulator, holds: O, capacity_bytes: 65536, read_bytes_per_cycle: 8, write_bytes_per_cycle: 8, tiles: [""],
     ports: shared, fanouts: [{name: rows, size: 16, over: [C]}]}
  - {name: scratchpad, holds: WI, capacity_bytes: 262144, read_bytes_per_cycle: 32, write_bytes_per_cycle: 32, tiles: [""],
     ports: shared, fanouts: [{name: columns, size: 16, over: [KG]}]}
  - {name: dram, holds: WIO, read_bytes_per_cycle: 8, write_bytes_per_cycle: 8, ports: shared}
"""


def _rows(table):
    (path,) = THIRD_PARTY.rglob(table)
    with path.open() as file:
        return list(csv.DictReader(file))


def _write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def folder(tmp_path):
    """Tables that name accelerators of their own, with descriptions of some."""
    folder = tmp_path / "tables"
    (folder / "architectures").mkdir(parents=True)
    (folder / "architectures" / "tpu.yaml").write_text(TPU)
    (folder / "architectures" / "mesh.yaml").write_text(MESH)
    known = [row for row in _rows("zigzag.csv") if row["accelerator"] == "tpu_like" and row["groups"] == "1"][:6]
    renamed = [row | {"accelerator": "my_tpu"} for row in known]
    _write(folder / "zigzag.csv", [*known, *renamed, known[0] | {"accelerator": "my_tpu", "array": "16x16"}])
    mapped = [row for row in _rows("dosa_timeloop.csv") if int(row["arch.meshX"]) <= 16][:5]
    _write(folder / "dosa_timeloop.csv", [row | {"arch.name": "my_mesh"} for row in mapped])
    flows = [row for row in _rows("maestro.csv") if row["dataflow"] == "kcp_ws"][:4]
    _write(folder / "maestro.csv", [row | {"dataflow": name} for row in flows for name in ("kcp_ws", "unheard_of")])
    (folder / "mystery.csv").write_text("a,b\n1,2\n")
    return folder


def _validate(folder, run_binary):
    """The report; the table and the picture are there too."""
    out, plot = folder / "report.json", folder / "plots.png"
    process = run_binary("validate", f"--tables={folder}", f"--out={out}", f"--plots={plot}")
    assert process.returncode == 0, process.stderr
    assert "| my_tpu 32x32 |" in process.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")
    return json.loads(out.read_text())


@pytest.mark.slow
def test_tables_and_descriptions_of_others(folder, run_binary):
    report = _validate(folder, run_binary)
    # A description of the same numbers is validated as the template is.
    configurations = report["zigzag.csv"]["configs"]
    known, described = configurations["tpu_like 32x32"], configurations["my_tpu 32x32"]
    for quantity in ("cycles", "energy"):
        assert described[quantity]["n"] == 6
        assert described[quantity]["mean_abs_pct"] == pytest.approx(known[quantity]["mean_abs_pct"], rel=1e-3)
    assert set(described["cycles"]) == {
        *("n", "mean_abs_pct", "median_abs_pct", "p95_abs_pct", "bias_pct", "kendall_tau", "spearman"),
        *("macs_mean_abs_pct", "macs_kendall_tau"),
    }

    # Stated mappings run on it as they stand.
    figures = report["dosa_timeloop.csv"]["configs"]["my_mesh, stated mappings"]
    assert set(figures) == {"cycles", "energy", "edp", "area"}
    assert figures["cycles"]["n"] == 5
    assert figures["energy"]["mean_abs_pct"] < 1000

    # What cannot be evaluated is counted and named.
    assert report["zigzag.csv"]["skipped"] == {"the description of 'my_tpu' has 1024 units, not 256": 1}
    assert report["maestro.csv"]["skipped"] == {"no template or description of dataflow 'unheard_of'": 4}
    assert report["mystery.csv"]["skipped_rows"] == {"no reader for this table": ["line 2"]}
    for table in report.values():
        assert table["rows"] == table["evaluated"] + sum(table["skipped"].values())


def test_networks_are_those_of_the_folder_nearest_to_a_table(run_binary, tmp_path):
    """Two folders number other networks alike; one of them holds a network that cannot be used, too."""
    stated = json.loads((THIRD_PARTY / "auto_nba" / "dna_networks.json").read_text())
    for name, (network, other) in {"one": stated[:2], "two/deep": stated[1::-1]}.items():
        rows = [row for row in _rows("dna_layers.csv") if row["net_id"] == str(network["net_id"])]
        (tmp_path / name).mkdir(parents=True)
        _write(tmp_path / name / "dna_layers.csv", [row | {"net_id": "0"} for row in rows])
        entries = [network | {"net_id": 0}, other | {"net_id": 1, "bits": [99] * 22}]
        (tmp_path / name).parent.joinpath("dna_networks.json" if "/" in name else f"{name}/dna_networks.json").write_text(
            json.dumps(entries)
        )
    process = run_binary("validate", f"--tables={tmp_path}", f"--out={tmp_path / 'report.json'}")
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("has bits other than whole numbers from 1 to 32") == 2
    report = json.loads((tmp_path / "report.json").read_text())
    for name in ("one/dna_layers.csv", "two/deep/dna_layers.csv"):
        assert report[name]["evaluated"] == report[name]["rows"] > 60
        assert report[name]["configs"]["network 0"]["equal fields"]["mean_abs_pct"] == 0


def test_two_networks_of_one_number_are_refused(refused, tmp_path):
    stated = json.loads((THIRD_PARTY / "auto_nba" / "dna_networks.json").read_text())
    (tmp_path / "dna_networks.json").write_text(json.dumps([stated[0], stated[1] | {"net_id": stated[0]["net_id"]}]))
    _write(tmp_path / "dna_layers.csv", _rows("dna_layers.csv")[:1])
    assert "two networks have the number 0" in refused("validate", f"--tables={tmp_path}")


def test_errors_are_one_sentence(folder, refused, tmp_path):
    for arguments, message in (
        ([f"--tables={tmp_path / 'nowhere'}"], "is no folder"),
        ([f"--tables={folder / 'architectures'}"], "holds no table"),
        ([f"--tables={folder}", f"--out={tmp_path / 'none' / 'x.json'}"], "does not exist; make it first"),
    ):
        said = refused("validate", *arguments)
        assert message in said
    (folder / "architectures" / "bad.yaml").write_text("name: bad\nlevels: 3\n")
    said = refused("validate", f"--tables={folder}")
    assert "bad.yaml" in said
