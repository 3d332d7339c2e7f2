"""Every row and every column of the tables of whole FPGA pipelines that others priced or proved optimal."""

import csv
import json

import pytest

from dna_jax.hardware.fpga import CLOCK_HZ, design_of_vectors, evaluate_pipeline
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import read_networks
from dna_jax.search import Limits, certified_optimum, recheck
from dna_jax.spaces import as_released, fpga_pipeline_space

FOLDER = THIRD_PARTY / "auto_nba"
NETWORKS = {network.identifier: network for network in read_networks(FOLDER / "dna_networks.json")}


def _rows(table):
    with (FOLDER / table).open() as file:
        return list(csv.DictReader(file))


def _network(row):
    network = NETWORKS[row["net_id"]]
    return network.aligned() if row.get("bits_mode") == "aligned" else network


SYSTEMS = _rows("dna_system.csv")
OPTIMA = _rows("dna_optimum.csv")


def test_the_tables_are_whole():
    assert len(SYSTEMS) == 540
    assert {row["net_id"] for row in SYSTEMS} == {row["net_id"] for row in OPTIMA} == NETWORKS.keys()
    limits, modes = {("900", "700"), ("220", "280"), ("64", "140")}, {"fixed", "free"}
    cases = {(row["net_id"], row["bits_mode"]) for row in OPTIMA}
    # Nine networks, two of which also without the bits of blocks that are skipped.
    assert len(cases) == 11
    expected = {(*case, mode, *pair) for case in cases for mode in modes for pair in limits}
    names = ("net_id", "bits_mode", "comp_mode", "dsp_limit", "bram_limit")
    assert {tuple(row[name] for name in names) for row in OPTIMA} == expected
    assert len(OPTIMA) == len(expected) == 66


@pytest.mark.parametrize("identifier", NETWORKS)
def test_all_pipelines_are_exact(identifier):
    layers = NETWORKS[identifier].released_layers
    for row in (row for row in SYSTEMS if row["net_id"] == identifier):
        design = as_released(NETWORKS[identifier].plan) | design_of_vectors(json.loads(row["design_json"]))
        chunks, cost = evaluate_pipeline(layers, design, "released")
        assert float(cost.cycles) == pytest.approx(float(row["bottleneck_cycles"]), rel=1e-12)
        assert float(cost.fps) == pytest.approx(float(row["fps"]), rel=1e-12)
        assert (float(cost.dsp), float(cost.bram)) == (float(row["total_dsp"]), float(row["total_bram"]))
        cycles, used = json.loads(row["accel_cycles_json"]), json.loads(row["accel_dsp_bram_json"])
        priced = {chunk.name: cost for chunk, cost in chunks.items()}
        for name, expected in cycles.items():
            # A chunk without layers is not built.
            found = priced.get(name)
            assert (float(found.cycles) if found else 0) == pytest.approx(expected, rel=1e-12)
            assert ([float(found.dsp), float(found.bram)] if found else [0, 0]) == used[name]
        assert priced.keys() <= cycles.keys()
        assert cycles[row["bottleneck_accel"]] == max(cycles.values())
        feasible = float(cost.dsp) <= 900 and float(cost.bram) <= 700
        assert feasible == (row["feasible"] == "1")


@pytest.mark.slow
@pytest.mark.parametrize("identifier", NETWORKS)
def test_all_optima_are_those_found_by_others(identifier):
    """Also how many designs are enumerated, the length of every front, and that their design is worth what they state."""
    for row in (row for row in OPTIMA if row["net_id"] == identifier):
        network = _network(row)
        layers, widths = network.released_layers, sorted(set(network.bits))
        held = as_released(network.plan, widths, mode=row["comp_mode"] == "fixed")
        space = fpga_pipeline_space(network.plan, widths).fix(held)
        limits = Limits(float(row["dsp_limit"]), float(row["bram_limit"]))
        found = certified_optimum(layers, space, limits, "released")
        assert found.cycles == pytest.approx(float(row["optimum_cycles"]), rel=1e-12)
        assert found.fps == pytest.approx(float(row["optimum_fps"]), rel=1e-12)
        bound_fps = CLOCK_HZ / found.bound_cycles
        assert bound_fps == pytest.approx(float(row["resource_free_bound_fps"]), rel=1e-12)
        assert (found.fps < bound_fps * (1 - 1e-9)) == (row["limit_binds"] == "1")
        assert found.enumerated == int(row["designs_enumerated"])
        assert len(found.fronts) == int(row["n_accels"])
        lengths = {chunk.name: len(front.designs) for (chunk, _), front in found.fronts.items()}
        assert lengths == json.loads(row["front_sizes_json"])
        assert recheck(found, layers, space, "released") == []
        # Several pipelines may be as fast; theirs may use other amounts of either resource.
        _, theirs = evaluate_pipeline(layers, held | design_of_vectors(json.loads(row["design_json"])), "released")
        assert float(theirs.cycles) == pytest.approx(found.cycles, rel=1e-12)
        assert (float(theirs.dsp), float(theirs.bram)) == (float(row["dsp_used"]), float(row["bram_used"]))
