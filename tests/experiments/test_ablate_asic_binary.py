"""The binary that holds parts of ASIC pipelines fixed."""

import json

import numpy as np
import pytest

from dna_jax.hardware.asic import evaluate_pipeline, group_names
from dna_jax.spaces.asic_pipeline import ARCHITECTURE_KNOBS, BANDWIDTH_GBPS, baseline_asic_pipeline, chunk_name
from experiments import ablate_asic
from experiments.pipeline_search_cases import random_networks
from experiments.published_spaces import CHUNKS, chunked_space

(NETWORK,) = random_networks(1)


def test_what_is_held_are_the_parts_named():
    layers = NETWORK.layers
    design = baseline_asic_pipeline(group_names(layers), CHUNKS)
    cases = {row: held for row, held, _ in ablate_asic.held_cases(layers, {"baseline": design})}
    assert list(cases) == [(what, "baseline") for what in ablate_asic.HELD]
    free = {decision.name for decision in chunked_space(layers).free}
    of_each = {what: {*held} & free for (what, _), held in cases.items()}
    assert len(of_each["allocation"]) == len(group_names(layers))
    assert of_each["dataflow style"] == {chunk_name(chunk, "style") for chunk in (1, 2, 3)}
    assert len(of_each["link to DRAM (bandwidth, shares)"]) == 1 + CHUNKS
    assert BANDWIDTH_GBPS.name in of_each["link to DRAM (bandwidth, shares)"]
    sizes = of_each["micro-architecture (arrays, memories, interconnect)"]
    assert len(sizes) == CHUNKS * len(ARCHITECTURE_KNOBS)
    assert sizes - of_each["memories and interconnect"] == {
        chunk_name(chunk, knob) for chunk in (1, 2, 3) for knob in ("rows", "columns")
    }
    # Together they are all that is searched, and what is held without the allocation is all the rest.
    parts = ("allocation", "dataflow style", "link to DRAM (bandwidth, shares)")
    assert set.union(sizes, *(of_each[part] for part in parts)) == free
    assert of_each["all but allocation"] == free - of_each["allocation"]
    assert all(held[name] == design[name] for held in cases.values() for name in held)
    assert len(ablate_asic.one_schedule("weight_stationary")) == 3 * CHUNKS
    chunked_space(layers).fix(ablate_asic.one_schedule("weight_stationary"))


@pytest.mark.slow
def test_parts_of_one_network(run_binary, tmp_path):
    out = tmp_path / "ablation.json"
    process = run_binary("ablate_asic", "--random_networks=1", "--goals=edp", "--evaluations=150", f"--out={out}")
    assert process.returncode == 0, process.stderr
    written = json.loads(out.read_text())
    assert written["networks"] == [NETWORK.name]
    rows = {(row["held"], row["at"]): row for row in written["rows"]}
    (best,), (bound,) = rows["nothing", ""]["reached"], rows["nothing", ""]["bound"]
    assert best > bound > 0
    percent = {row: figures["percent"][0] for row, figures in rows.items() if row[0] not in ("operand width", "nothing")}
    assert {what for what, _ in percent} == {*ablate_asic.HELD, "everything", "mapping", "random pipeline"}
    assert all(0 <= value <= 100 + 1e-9 for value in percent.values())
    # A held part cannot help, and a search with parts held begins at the pipeline with everything held.
    for what in ablate_asic.HELD:
        for source in ("baseline", "default network"):
            assert percent["everything", source] <= percent[what, source] * (1 + 1e-6)
    baseline = baseline_asic_pipeline(group_names(NETWORK.layers), CHUNKS)
    cost, _ = evaluate_pipeline(NETWORK.layers, chunked_space(NETWORK.layers).restrict(baseline), objective="edp")
    assert percent["everything", "baseline"] == pytest.approx(100 * best / float(cost.edp))
    widths = [rows["operand width", f"{bits} bits in all blocks"]["percent"][0] for bits in (4, 6, 8)]
    assert np.all(np.isfinite(widths))
    table = out.with_suffix(".md").read_text()
    assert table in process.stdout
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_is_said_in_a_sentence(refused):
    for arguments, reason in (
        (("--random_networks=0",), "There is no network to measure; name --networks, or raise --random_networks."),
        (("--goals=beauty",), "--goals"),
        (("--area_mm2=0.1", "--random_networks=1"), "No accelerator for random_cifar_0 fits 0.1 mm2"),
    ):
        assert reason in refused("ablate_asic", *arguments)
