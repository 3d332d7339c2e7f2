"""The cost model against the committed reference tables (a part of their rows, for time), and the bookkeeping around it."""

import csv
import json
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from dna_jax.hardware.correction import CorrectionConfig, corrected_cycles, fit_correction, tile_counts
from dna_jax.hardware.pricing import map_layers
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.hardware.templates.eyeriss import eyeriss256
from dna_jax.hardware.validation import Context, as_json, validate_folder
from dna_jax.hardware.validation.dosa import mapped_layer, stack_mappings
from dna_jax.hardware.validation.gemmini_rtl import FOLDS, folds_by_layer
from dna_jax.hardware.validation.report import draw, markdown, scatter
from dna_jax.hardware.validation.statistics import compare, proportional_to
from dna_jax.hardware.validation.table import Comparison, TableResult, convolution
from dna_jax.networks import chosen_layers, efficientnet_b0, efficientnet_b1, mnasnet_b1, mobilenet_v2
from dna_jax.workload import DIMENSIONS, workload_from_layers

NETWORKS = {
    name: chosen_layers(specification, specification.default_design)
    for name, specification in (
        ("MobileNetV2", mobilenet_v2()),
        ("Mnasnet-B1", mnasnet_b1()),
        ("EfficientNet-B0", efficientnet_b0()),
        ("EfficientNet-B1", efficientnet_b1()),
    )
}
CONTEXT = Context({}, NETWORKS)


def _validate(tmp_path, table, keep=lambda row: True, change=lambda row: row):
    """The report on the rows of a committed table that `keep` keeps, each changed by `change`."""
    (path,) = THIRD_PARTY.rglob(table)
    with path.open() as file:
        rows = [change(row) for row in csv.DictReader(file) if keep(row)]
    with (tmp_path / table).open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    ((name, result),) = validate_folder(tmp_path, lambda _: CONTEXT)
    assert name == table
    assert result.rows == len(rows) == result.evaluated + sum(map(len, result.skipped.values()))
    return as_json(result)


def test_scalesim_is_exact(tmp_path):
    report = _validate(tmp_path, "scalesim_compute.csv")
    assert len(report["configs"]) == 6
    for figures in report["configs"].values():
        assert figures["cycles"]["p95_abs_pct"] < 1e-9
        assert figures["cycles"]["mean_abs_pct"] < 1e-9


def test_timeloop_under_stated_mappings(tmp_path):
    report = _validate(tmp_path, "dosa_timeloop.csv")
    (figures,) = report["configs"].values()
    assert figures["cycles"]["mean_abs_pct"] <= 0.05
    assert figures["energy"]["mean_abs_pct"] <= 0.25
    assert figures["edp"]["mean_abs_pct"] <= 0.3
    # MACs alone would be far off.
    assert figures["cycles"]["macs_mean_abs_pct"] > 50


def test_zigzag_with_our_own_mapper(tmp_path):
    report = _validate(tmp_path, "zigzag.csv", keep=lambda row: row["accelerator"] == "tpu_like")
    cycles = report["configs"]["tpu_like 32x32"]["cycles"]
    assert cycles["mean_abs_pct"] <= 12
    assert cycles["kendall_tau"] >= 0.9 > cycles["macs_kendall_tau"]


@pytest.mark.slow
def test_the_edge_template_against_zigzag(tmp_path):
    report = _validate(tmp_path, "zigzag_edge.csv", keep=lambda row: row["config"] in ("base", "small"))
    assert len(report["configs"]) == 4
    for figures in report["configs"].values():
        assert figures["cycles"]["mean_abs_pct"] <= 12
        assert figures["cycles"]["kendall_tau"] >= 0.9


@pytest.mark.slow
def test_maestro_by_dataflow(tmp_path):
    report = _validate(tmp_path, "maestro.csv", keep=lambda row: row["num_pes"] == "256")
    assert len(report["configs"]) == 2
    for figures in report["configs"].values():
        assert figures["cycles"]["kendall_tau"] >= 0.9


@pytest.mark.slow
def test_timeloop_within_its_constraints(tmp_path):
    report = _validate(tmp_path, "timeloop.csv")
    (figures,) = report["configs"].values()
    assert figures["cycles"]["n"] == 33
    assert figures["cycles"]["kendall_tau"] >= 0.95
    most = re.search(r"at most ([\d.]+) % above", report["notes"][0])
    assert float(most[1]) <= 2

    with (THIRD_PARTY / "timeloop" / "timeloop.csv").open() as file:
        layers = [convolution(row, partial_bits=16) for row in csv.DictReader(file)]
    with jax.enable_x64(True):
        accelerator = eyeriss256(dtype=jnp.float64)
        mapped = map_layers(accelerator, [accelerator.at_widths(layer) for layer in layers])
    temporal, spatial, order = mapped.mapping.temporal, mapped.mapping.spatial, mapped.mapping.order
    names = np.array(list(DIMENSIONS))

    def used(factors):
        return set(names[np.any(factors > 1, axis=0)])

    # Groups of a depthwise layer are laid out and looped over as output channels are.
    allowed = {"sums": "KG", "weights": "CR", "inputs": "", "global_buffer": "PKNG", "dram": "CKNQG"}
    for level, name in enumerate(accelerator.architecture.level_names):
        assert used(temporal[:, level]) <= set(allowed[name]), name
    for fanout, over in enumerate(("SKCG", "QKG")):
        assert used(spatial[:, fanout]) <= set(over)
    assert np.all(np.prod(spatial, axis=2) <= 16)
    whole = np.asarray(workload_from_layers(layers).bounds)
    np.testing.assert_array_equal(np.prod(temporal, axis=1) * np.prod(spatial, axis=1), whole)
    p, r, s, k, n = (DIMENSIONS.index(d) for d in "PRSKN")
    np.testing.assert_array_equal(temporal[:, 3, p], whole[:, p])
    np.testing.assert_array_equal(temporal[:, 1, r], whole[:, r])
    np.testing.assert_array_equal(spatial[:, 0, s], whole[:, s])
    # P outside K outside N in the global buffer.
    slot = np.argsort(order[:, 3], axis=1)
    assert np.all((slot[:, p] > slot[:, k]) & (slot[:, k] > slot[:, n]))
    assert np.all(np.stack([np.broadcast_to(x, len(layers)) for x in mapped.cost.overflow_bytes]) == 0)


@pytest.mark.slow
def test_silicon(tmp_path):
    report = _validate(tmp_path, "silicon_eyeriss_per_layer.csv")
    assert report["configs"]["Eyeriss AlexNet batch 4 in total"]["latency"]["mean_abs_pct"] < 10
    assert report["configs"]["Eyeriss AlexNet batch 4"]["latency"]["p95_abs_pct"] < 20


def test_memories_between_the_points_of_the_table(tmp_path):
    report = _validate(tmp_path, "cacti_sram.csv")
    for figures in report["configs"].values():
        assert figures["area"]["mean_abs_pct"] <= 5
        assert figures["energy"]["mean_abs_pct"] <= 10


@pytest.mark.slow
def test_the_order_of_published_networks(tmp_path):
    report = _validate(tmp_path, "nahas_table3.csv")
    figures = report["configs"]["nahas_edge baseline"]["latency"]
    assert figures["n"] == 4
    assert figures["kendall_tau"] == 1
    assert report["notes"]


@pytest.mark.slow
def test_other_sizes_and_what_cannot_be_evaluated(tmp_path):
    def change(row):
        return row | {"array_h": "8", "array_w": "24"}

    report = _validate(tmp_path, "scalesim_compute.csv", change=change)
    assert {name.split()[0] for name in report["configs"]} == {"8x24"}

    def spoil(row):
        broken = {"C_in": row | {"C_in": "many"}, "dataflow": row | {"dataflow": "xs"}, "status": row | {"status": "failed"}}
        return broken.get({"576": "C_in", "192": "dataflow", "64": "status"}.get(row["C_in"], ""), row)

    report = _validate(tmp_path, "scalesim_compute.csv", change=spoil)
    unknown = "no template or description of dataflow 'xs'"
    assert set(report["skipped"]) == {"column C_in holds no number", unknown, "status failed"}
    assert all(lines[0].startswith("line ") for lines in report["skipped_rows"].values())


def test_a_table_without_a_reader_is_counted(tmp_path):
    (tmp_path / "mystery.csv").write_text("a,b\n1,2\n3,4\n")
    ((name, result),) = validate_folder(tmp_path, lambda _: CONTEXT)
    assert (name, as_json(result)["skipped"]) == ("mystery.csv", {"no reader for this table": 2})


def test_statistics_by_hand():
    reference, predicted = np.array([1.0, 2.0, 4.0]), np.array([1.1, 2.0, 3.0])
    figures = compare(reference, predicted, np.array([1.0, 2.0, 8.0]))
    assert figures["n"] == 3
    assert figures["mean_abs_pct"] == pytest.approx((10 + 0 + 25) / 3)
    assert figures["median_abs_pct"] == pytest.approx(10)
    assert figures["bias_pct"] == pytest.approx((10 - 25) / 3)
    assert figures["kendall_tau"] == figures["spearman"] == 1
    # MACs 1, 2 and 8 explain 1, 2 and 4 best as they are: only the last is off, by 100 %.
    assert figures["macs_mean_abs_pct"] == pytest.approx(100 / 3)
    assert compare(reference[:1], predicted[:1], None)["kendall_tau"] is None


def test_the_trivial_model_is_the_best_of_its_kind():
    generator = np.random.default_rng(0)
    macs, reference = generator.lognormal(size=50), generator.lognormal(size=50)

    def error(factor):
        return np.abs(macs * factor / reference - 1).mean()

    best = error((proportional_to(macs, reference) / macs)[0])
    assert all(best <= error(factor) + 1e-12 for factor in np.geomspace(1e-3, 1e3, 4000))


def test_reports_for_people(tmp_path):
    (path,) = THIRD_PARTY.rglob("silicon_eyeriss_per_layer.csv")
    (tmp_path / path.name).write_text(path.read_text())
    results = dict(validate_folder(tmp_path, lambda _: CONTEXT))
    text = markdown(results)
    assert "| silicon_eyeriss_per_layer.csv | Eyeriss AlexNet batch 4 | latency | 5 |" in text
    scatter(results, tmp_path / "plots.png")
    assert (tmp_path / "plots.png").stat().st_size > 10_000
    json.dumps({name: as_json(result) for name, result in results.items()}, allow_nan=False)


def _overlap(first, second):
    return first.x0 < second.x1 and second.x0 < first.x1 and first.y0 < second.y1 and second.y0 < first.y1


@pytest.mark.parametrize("high", [1.5, 7.0, 60.0, 900.0, 3e6, 2e9])
def test_labels_of_a_picture_do_not_meet(high):
    values = 0.18 * np.geomspace(1, high, 20)
    constant = Comparison("all", "fields", np.full(20, 9.0), np.full(20, 9.0), None, [])
    varying = Comparison("all", "latency", values, 0.7 * values, None, [])
    figure = draw({"table.csv": TableResult(20, [constant, varying], 20, {})} | {"empty.csv": TableResult(3, [], 0, {})})
    (axes,) = figure.axes
    assert axes.get_xlabel() == "reference latency"
    FigureCanvasAgg(figure).draw()
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        inside = [limits[0] <= tick.get_loc() <= limits[1] for tick in axis.get_major_ticks()]
        labels = [tick.label1 for tick, shown in zip(axis.get_major_ticks(), inside, strict=True) if shown]
        assert len(labels) >= 2
        boxes = [label.get_window_extent() for label in labels if label.get_text()]
        assert len(boxes) == len(labels)
        assert not any(_overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
        assert not any(label.get_text() for label in axis.get_ticklabels(minor=True))


@pytest.fixture(scope="module")
def rtl():
    with (THIRD_PARTY / "dosa" / "dosa_gemmini_rtl.csv").open() as file:
        rows = list(csv.DictReader(file))
    layers, mappings = zip(*map(mapped_layer, rows), strict=True)
    workload, mapping = workload_from_layers(layers), stack_mappings(mappings)
    counts = jax.jit(jax.vmap(tile_counts))(workload, mapping)
    return layers, workload, mapping, counts, jnp.asarray([float(row["rtl_cycle"]) for row in rows])


@pytest.mark.slow
def test_the_correction_holds_for_layers_it_has_not_seen(rtl):
    layers, _, _, counts, cycles = rtl
    fold = folds_by_layer([layer.shape for layer in layers])
    assert set(fold) == set(range(FOLDS))
    for shape in {layer.shape for layer in layers}:
        assert len({f for f, layer in zip(fold, layers, strict=True) if layer.shape == shape}) == 1
    held_out = fold == 0
    config = CorrectionConfig(ensemble=2)
    correction = fit_correction(counts, cycles, jnp.asarray(~held_out, jnp.float32), config)
    figures = compare(np.asarray(cycles)[held_out], np.asarray(corrected_cycles(correction, counts))[held_out], None)
    assert figures["median_abs_pct"] <= 30
    assert figures["spearman"] >= 0.95

    # Differentiable, and in the right direction: more DMA requests never make a tile faster by much.
    def total(factor):
        return jnp.sum(corrected_cycles(correction, counts._replace(weight_requests=counts.weight_requests * factor)))

    slope = float(jax.grad(total)(1.0))
    step = 1e-2
    assert slope == pytest.approx((float(total(1 + step)) - float(total(1 - step))) / (2 * step), rel=0.05)


def test_counts_of_a_tile_by_hand(rtl):
    layers, _, _, counts, _ = rtl
    # L3[WIO] K16 P7 C8 R3 - L2[WI] N1 K16X - L1[O] S3 Q28 - L0[W] P4, a layer of 256 x 8 x 28 x 28 x 3 x 3.
    first = jax.tree.map(lambda leaf: float(leaf[0]), counts)
    layer = layers[0]
    assert (layer.K, layer.C, layer.P, layer.Q, layer.R, layer.S) == (256, 8, 28, 28, 3, 3)
    assert first.tiles == 16 * 7 * 8 * 3
    assert (first.mesh, first.K, first.C, first.P, first.Q, first.taps) == (16, 16, 1, 4, 28, 3)
    assert first.compute_rows == 3 * 4 * 28
    assert first.preload_rows == 3 * 16
    assert first.weight_rows == 3
    assert first.input_rows == (28 + 2) * 4
    # C and R loop innermost at DRAM: outputs stay for 24 tiles.
    assert first.output_share == pytest.approx(1 / 24)
    assert first.reduction_tiles == 24
    assert all(math.isfinite(x) and x >= 0 for x in jax.tree.leaves(first))
