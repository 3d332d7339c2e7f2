"""The binary that sets published networks on the best accelerators of every kind."""

import json
import pathlib

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from dna_jax.errors import UserError
from dna_jax.hardware.asic import evaluate_pipeline as evaluate_chunks
from dna_jax.hardware.asic import group_names, lower_bound
from dna_jax.hardware.fpga import CLOCK_HZ, evaluate_pipeline
from dna_jax.networks import published_layers
from dna_jax.search import DEVICES
from experiments import (
    published_asic,
    published_fpga,
    published_networks,
    published_picture,
    published_report,
    published_spaces,
)
from experiments.found_pairs import at_imagenet_size, read_pair, read_pairs

AREA = 1.0
EFFORT = published_asic.Effort(area_mm2=AREA, evaluations=300, starts=2, seed=0)
BLOCKS = [
    layer
    for block in ("stem", "stage_1_block_1", "classifier")
    for layer in published_layers("resnet18")
    if layer.name.startswith(block)
]


@pytest.fixture(scope="module")
def compared():
    """Rows of every kind, and how many designs were drawn at random each time."""
    drawn, draw = [], published_asic.best_at_random

    def recorded(*arguments):
        drawn.append(arguments[-1])
        return draw(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published_asic, "best_at_random", recorded)
        return published_asic.compare_kinds("resnet18", BLOCKS, "edp", EFFORT), drawn


@pytest.fixture(scope="module")
def rows(compared):
    return compared[0]


@pytest.mark.slow
def test_every_kind_keeps_the_budget_and_adds_up(rows):
    assert [row["kind"] for row in rows] == list(published_spaces.KINDS)
    bound = {chunks: lower_bound(BLOCKS, chunks, AREA).edp for chunks in (1, published_spaces.CHUNKS)}
    for row in rows:
        chunked = row["kind"] == published_spaces.CHUNKED
        assert row["area_mm2"] <= AREA
        assert row["edp"] == pytest.approx(row["latency_ms"] * row["energy_mj"])
        assert row["fps"] == pytest.approx(1e3 / row["interval_ms"])
        least = bound[published_spaces.CHUNKS if chunked else 1]
        assert row["gap_percent"] == pytest.approx(100 * (row["edp"] / least - 1))
        assert row["edp"] >= least
        # No design of its own is better than what a kind reports, and none of them is cut short.
        assert row["edp"] <= min(row["by_start"]) * (1 + 1e-3)
        assert 0.8 * EFFORT.evaluations < row["evaluations"] / EFFORT.starts <= EFFORT.evaluations
        # Priced anew, layer by layer.
        cost, placed = evaluate_chunks(BLOCKS, row["design"], "block" if chunked else "class", "edp")
        assert float(cost.edp) == pytest.approx(row["edp"])
        assert sum(layer.millijoules for layer in placed) == pytest.approx(row["energy_mj"])
        if not chunked:
            assert row["interval_ms"] == row["latency_ms"]
            assert row["design"]["accelerator.chunk_1.style"] == published_spaces.SINGLE[row["kind"]]
    best = min(rows[:-1], key=lambda row: row["edp"])
    for row, chunks in ((best, 1), (rows[-1], published_spaces.CHUNKS)):
        assert row["random"] is None or row["random"] >= bound[chunks]


@pytest.mark.slow
def test_random_search_prices_as_many_designs_as_all_starts_together(compared):
    rows, drawn = compared
    best = min(rows[:-1], key=lambda row: row["edp"])
    assert drawn == [best["evaluations"], rows[-1]["evaluations"]]


@pytest.mark.slow
def test_a_pipeline_may_be_one_chunk(rows):
    best = min(rows[:-1], key=lambda row: row["edp"])
    space = published_spaces.chunked_space(BLOCKS)
    design = published_spaces.one_chunk(best["design"], space, BLOCKS)
    cost, placed = evaluate_chunks(BLOCKS, design, objective="edp")
    assert {layer.chunk for layer in placed} == {1}
    for name in ("area_mm2", "edp", "interval_ms", "energy_mj"):
        assert float(getattr(cost, name)) == pytest.approx(best[name])
    # The search of the pipeline starts there.
    assert rows[-1]["edp"] <= best["edp"] * (1 + 1e-9)


@pytest.mark.slow
def test_chunks_alike_share_the_work(rows):
    space = published_spaces.chunked_space(BLOCKS)
    single = rows[0]["design"]
    cost, placed = evaluate_chunks(BLOCKS, published_spaces.chunks_alike(single, space, BLOCKS, "edp"), objective="edp")
    # Three blocks on three chunks: one each, in sequence.
    assert {(layer.layer.name.split(".")[0], layer.chunk) for layer in placed} == {
        ("stem", 1),
        ("stage_1_block_1", 2),
        ("classifier", 3),
    }
    # A search that keeps to the room given finds chunks of which three fit beside the link.
    _, room = published_spaces.third_of(space, single, AREA)
    link = rows[0]["area_mm2"] - float(cost.area_mm2 - rows[0]["area_mm2"]) / (published_spaces.CHUNKS - 1)
    assert published_spaces.CHUNKS * (room - link) + link == pytest.approx(AREA)


def test_blocks_of_a_resnet_are_allocated_one_by_one():
    for name, blocks in (("resnet18", 8), ("resnet50", 16)):
        names = group_names(published_layers(name))
        assert sum("block" in group for group in names) == blocks
        assert {group for group in names if "block" not in group} == {"stem", "pool", "classifier"}


@pytest.fixture(scope="module")
def optima():
    return published_networks.measure_fpga({"resnet18": published_layers("resnet18")}, ["zc706", "zcu102"], [4])


def test_fpga_optima_are_no_worse_than_a_pipeline_made_by_rule(optima):
    layers = published_layers("resnet18")
    # The numbers of the boards' data sheets, but for the ZC706's block RAMs, which are the release's.
    limits = {"zc706": (900, 700), "zcu102": (2520, 1824)}
    assert set(limits) <= set(published_networks.BOARDS) <= set(DEVICES)
    assert [(row["device"], row["allocation"]) for row in optima] == [
        (board, allocation) for board in limits for allocation in published_fpga.ALLOCATIONS
    ]
    for released, free in (optima[:2], optima[2:]):
        assert released["by_rule_fps"] <= released["fps"] <= free["fps"] <= free["unlimited_fps"]
        for row in (released, free):
            dsp, bram = limits[row["device"]]
            assert row["dsp"] <= dsp
            assert row["bram"] <= bram
            _, cost = evaluate_pipeline(published_fpga.at_width(layers, 4), row["design"])
            assert CLOCK_HZ / float(cost.cycles) == pytest.approx(row["fps"])
    # What fits the smaller board fits the larger.
    for small, large in zip(optima[:2], optima[2:], strict=True):
        assert small["fps"] <= large["fps"]
        assert small["unlimited_fps"] == large["unlimited_fps"]


def test_what_fpgas_do_not_price_is_said():
    (row,) = published_networks.describe({"efficientnet_b0": published_layers("efficientnet_b0")})
    assert row["published_top1_percent"] == 77.1
    assert row["million_macs"] == pytest.approx(385.814752)
    assert row["unpriced_on_fpga"]["kinds"] == ["add", "pool", "scale", "swish"]
    assert 0 < row["unpriced_on_fpga"]["percent_of_operations"] < 5


COST = {"latency_ms": 2.0, "energy_mj": 1.0, "area_mm2": 3.0}


def _run_folder(folder, network=None, published_best=None, **accuracy):
    """Of a run of the DNA space that found a network, or of another space."""
    family = {"name": "s1 | nahas_edge", "network_family": "mobilenet_v2"}
    summary = {
        "status": "complete",
        "data": {"name": "digits"},
        "space": family if network is None else {"name": "dna | fpga_pipeline_digits", "network_family": "dna_network"},
        "network": network,
        "accuracy": {"search": 0.5, "final": 0.9, **accuracy},
        "cost": COST,
        "baseline": {name: 2 * value for name, value in COST.items()},
        "published_best": published_best,
    }
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def _figures(asic, optima, tmp_path, found=None):
    best = {name: 3 * value for name, value in COST.items()}
    trained = _run_folder(tmp_path / "trained", baseline=0.91, published_best=best)
    return {
        "area_mm2": AREA,
        "networks": published_networks.describe({"resnet18": published_layers("resnet18")} | (found or {})),
        "asic": asic,
        "fpga": optima,
        "found": read_pairs([trained, _run_folder(tmp_path / "untrained", baseline=None)]),
    }


def _made_up(network="resnet18"):
    """A row of each ASIC kind, for pictures and tables."""
    figures = {"edp": 1.0, "latency_ms": 2.0, "energy_mj": 0.5, "interval_ms": 2.0, "area_mm2": AREA}
    judged = {"bound": 0.5, "gap_percent": 100.0, "by_start": [1.0, None], "seconds": 3.0}
    return [
        {"network": network, "kind": kind, "goal": "edp", "fps": 10.0 + index, **figures, **judged}
        for index, kind in enumerate(published_spaces.KINDS)
    ]


def test_points_of_a_picture_stand_beside_one_another(optima, tmp_path):
    figures = _figures(_made_up(), optima, tmp_path)
    picture = published_picture.draw(figures)
    FigureCanvasAgg(picture).draw()
    asics, zc706, zcu102, found, beside_best = picture.axes
    for axes in picture.axes:
        assert axes.get_yscale() == "log"
        places = [x for line in axes.get_lines() if line.get_marker() not in (None, "None") for x in line.get_xdata()]
        assert len(set(places)) == len(places)
        legend = axes.get_legend()
        assert legend is not None
        assert legend.get_window_extent().x0 > axes.get_window_extent().x1
    assert [text.get_text() for text in asics.get_legend().get_texts()] == list(published_spaces.KINDS)
    assert "published top-1 (%), not measured here" in asics.get_xlabel()
    assert [text.get_text() for text in asics.get_xticklabels()] == ["resnet18, 69.8"]
    for axes, board, row in ((zc706, "zc706", optima[1]), (zcu102, "zcu102", optima[3])):
        assert board in axes.get_title()
        (line,) = [line for line in axes.get_lines() if line.get_label() == "4 bits"]
        np.testing.assert_allclose(line.get_ydata(), [row["fps"]])
    # Both pairs, each at half of the cost of its default network, the one without a trained default too.
    labels = [text.get_text() for text in found.get_xticklabels()]
    assert [label.split(" ")[0] for label in labels] == ["trained", "untrained"]
    costs = ("latency", "energy", "area")
    drawn = [line.get_ydata() for line in found.get_lines() if line.get_label() in costs]
    np.testing.assert_allclose(drawn, [[2, 2]] * 3)
    assert "default on baseline / found" in found.get_ylabel()
    # The best accelerator for the default network was sought in one run alone: a third of that is what its pair costs.
    assert [text.get_text().split(" ")[0] for text in beside_best.get_xticklabels()] == ["trained"]
    drawn = [line.get_ydata() for line in beside_best.get_lines() if line.get_label() in costs]
    np.testing.assert_allclose(drawn, [[3]] * 3)
    assert "default on the best for it / found" in beside_best.get_ylabel()
    published_picture.plot(figures, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_tables_keep_the_data_of_runs_apart(optima, tmp_path):
    text = published_report.tables(_figures(_made_up(), optima, tmp_path))
    assert "published top-1 (%), not measured here" in text
    assert "| trained | digits | 90.00 | 91.00 | latency (ms) | 2.00 | 4.00 | 6.00 |" in text
    assert published_report.FOUND_NOTE not in text
    assert "| untrained | digits | 90.00 |  |" in text
    widths = {line.count("|") for line in text.split("## FPGAs")[1].split("\n\n")[1].splitlines()}
    assert len(widths) == 1


def _decisions(operations, bits):
    """Of 22 blocks, operations and widths given in turn."""
    return {
        f"block_{block:02d}.{name}": options[block % len(options)]
        for block in range(1, 23)
        for name, options in (("operation", operations), ("bits", bits))
    }


@pytest.fixture(scope="module")
def dna(tmp_path_factory):
    """The networks at the size of published ones, of a run of the DNA space and of one of another space."""
    folder = tmp_path_factory.mktemp("runs")
    own = _run_folder(folder / "own", _decisions(["skip", "k3_e1", "skip", "k5_e1_g2"], [4, 6, 8]), baseline=None)
    return at_imagenet_size([own, _run_folder(folder / "other", baseline=None)])


def test_decisions_found_are_priced_at_the_size_of_published_networks(dna):
    (name,) = dna
    assert name == "own, found"
    layers = {layer.name: layer for layer in dna[name]}
    # Their 22 blocks within the network for ImageNet: 224 pixels, full width, 1000 classes, each operand width as chosen.
    assert (layers["stem"].input_rows, layers["stem"].K, layers["classifier"].K) == (224, 16, 1000)
    assert (layers["block_03.depthwise"].R, layers["block_03.expand"].groups) == (5, 2)
    assert [layers[f"block_{block:02d}.project"].weight_bits for block in (3, 5, 7)] == [4, 8, 6]
    assert "block_04.expand" not in layers
    (row,) = published_networks.describe(dna)
    assert row["published_top1_percent"] is None
    assert row["million_macs"] == pytest.approx(sum(x.macs for x in dna[name] if x.weight_bits) / 1e6)


def test_found_and_published_networks_share_boards_tables_and_picture(dna, optima, tmp_path):
    (name,) = dna
    found = published_networks.measure_fpga(dna, ["zc706"], [4, 8])
    assert [(row["network"], row["bits"], row["allocation"]) for row in found] == [
        (name, None, allocation) for allocation in published_fpga.ALLOCATIONS
    ]
    released, free = found
    assert released["by_rule_fps"] <= released["fps"] <= free["fps"] <= free["unlimited_fps"]
    assert free["dsp"] <= DEVICES["zc706"].dsp
    assert free["bram"] <= DEVICES["zc706"].bram
    _, cost = evaluate_pipeline(dna[name], free["design"])
    assert CLOCK_HZ / float(cost.cycles) == pytest.approx(free["fps"])

    asic = [*_made_up(), *_made_up(name)]
    # Twice as good on the pipeline: that would show in a mean that held networks found.
    asic[-1]["edp"] /= 2
    figures = _figures(asic, optima[:2] + found, tmp_path, dna)
    text = published_report.tables(figures)
    assert text.startswith(published_report.FOUND_NOTE)
    assert f"| {name} | not measured | " in text
    assert f"| zc706 | {name} | not measured | as found | " in text
    assert "| geometric mean of those published |  |  |  |  |  |  | 1.00 |" in text
    picture = published_picture.draw(figures)
    FigureCanvasAgg(picture).draw()
    asics, zc706, *_ = picture.axes
    for axes in (asics, zc706):
        assert [text.get_text() for text in axes.get_xticklabels()] == ["resnet18, 69.8", f"{name}, not measured"]
        assert axes.get_legend().get_texts()[-1].get_text() == published_picture.FOUND
        for line in axes.get_lines():
            if line.get_marker() != "None" and len(line.get_xdata()):
                assert (line.get_markerfacecolor() == "none") == (line.get_xdata()[0] > 0.5)
    (line,) = [line for line in zc706.get_lines() if line.get_label() == "as found"]
    np.testing.assert_allclose(line.get_ydata(), [free["fps"]])
    kinds = [text.get_text() for text in asics.get_legend().get_texts()]
    assert kinds == [*published_spaces.KINDS, published_picture.FOUND]


@pytest.mark.slow
def test_decisions_found_get_every_kind_of_asic_within_the_same_area(dna):
    (name,) = dna
    rows = published_networks.measure_asic(dna, ["edp"], EFFORT)
    assert [(row["network"], row["kind"]) for row in rows] == [(name, kind) for kind in published_spaces.KINDS]
    assert all(row["area_mm2"] <= AREA for row in rows)
    cost, _ = evaluate_chunks(dna[name], rows[-1]["design"], "block", "edp")
    assert float(cost.edp) == pytest.approx(rows[-1]["edp"])


def test_runs_of_one_name_are_refused(tmp_path):
    folders = []
    for parent in ("a", "b"):
        (tmp_path / parent).mkdir()
        folders.append(_run_folder(tmp_path / parent / "same", baseline=None))
    with pytest.raises(UserError, match="--runs has two folders named same"):
        read_pairs(folders)


def test_a_folder_without_a_finished_run_is_refused(tmp_path):
    (tmp_path / "summary.json").write_text('{"status": "complete"}')
    with pytest.raises(UserError, match=r"no summary\.json of a finished co-search run"):
        read_pair(tmp_path)


def test_a_budget_below_the_smallest_accelerator_is_refused():
    with pytest.raises(UserError, match=r"resnet18 fits 0\.1 mm2; raise --area_mm2"):
        published_asic.require_room("resnet18", BLOCKS, 0.1)


def test_what_cannot_be_is_said_in_a_sentence(refused):
    for arguments, reason in (
        (("--networks=vgg",), "--networks=vgg must name some of: mobilenet_v2"),
        (("--devices=zx81",), "--devices=zx81 must name some of: ultra96"),
        (("--widths=8,4,8",), "--widths names 8 more than once; name each once."),
        (("--seed=-1",), "--seed"),
    ):
        said = refused("published_networks", *arguments)
        assert reason in said


def test_runs_are_set_beside_figures_measured_before(run_binary, refused, tmp_path):
    before = "experiments/results/published_networks/published_networks.json"
    out = tmp_path / "again.json"
    process = run_binary("published_networks", f"--measured={before}", "--runs=experiments/results/dna_fpga", f"--out={out}")
    assert process.returncode == 0, process.stderr
    earlier, again = json.loads(pathlib.Path(before).read_text()), json.loads(out.read_text())
    for name in ("area_mm2", "evaluations_by_start", "starts", "networks", "fpga", "asic"):
        assert again[name] == earlier[name]
    origin = earlier.get("measured") or {name: earlier[name] for name in ("command", "machine", "versions")}
    assert again["measured"] == origin
    assert again["found"] == [read_pair(pathlib.Path("experiments/results/dna_fpga"))]
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "leave out --seed, or leave out --measured" in refused("published_networks", f"--measured={before}", "--seed=1")
    assert "is no result of this command" in refused("published_networks", "--measured=setup.cfg")
