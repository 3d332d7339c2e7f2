"""The measuring binaries: they run, and they add up what they measured."""

import dataclasses
import json
import shlex
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware import CandidateSet, gemmini_template, map_layer, nahas_edge
from dna_jax.networks import chosen_layers, macs, mobilenet_v2
from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.search import Budgets, ObjectiveConfig
from dna_jax.workload import Layer, workload_from_layers
from experiments import (
    benchmark_cost,
    benchmark_data,
    benchmark_mapper,
    benchmark_output,
    benchmark_step,
    compare,
    comparison_picture,
)
from experiments.baselines import nni_step
from experiments.configs import dna_fpga
from experiments.environments import run_tool

SIZE: dict[str, Any] = {"width": 0.25, "image_size": 8, "classes": 10, "stride_plan": "digits", "image_channels": 1}
"""Of a small MobileNetV2."""


@pytest.mark.slow
def test_step_benchmark_measures_every_program():
    setting = {"width": 0.25, "image_size": 8, "batch_size": 4, "stride_plan": "digits"}
    measured = benchmark_step.measure(setting, repeats=1, compilations=1)
    programs, ratios = measured["programs"], measured["ratios"]
    assert set(programs) == {"published", "largest", "supernet", "cosearch", "hardware"}
    for values in programs.values():
        assert all(value > 0 for value in values.values())
    assert set(ratios) == set(benchmark_step.TARGETS)
    assert ratios["hardware_share"] == pytest.approx(
        programs["hardware"]["step_ms_median"] / programs["cosearch"]["step_ms_median"]
    )
    # The search holds the weights of the largest network, no more than a few logits beside them.
    assert programs["supernet"]["memory_mb"] < 1.2 * programs["largest"]["memory_mb"]


def test_step_benchmark_refuses_an_output_without_a_folder(refused, tmp_path):
    said = refused("benchmark_step", "--setting=quick", f"--out={tmp_path / 'none' / 'out.json'}")
    assert "does not exist; make it first" in said


@pytest.mark.slow
def test_data_benchmark_writes_both_times(run_binary, tmp_path):
    out = tmp_path / "data.json"
    process = run_binary("benchmark_data", "--batch_size=8", "--image_size=16", "--repeats=3", f"--out={out}")
    assert process.returncode == 0, process.stderr
    result = json.loads(out.read_text())
    assert result["command"] == "python -m experiments.benchmark_data --batch_size=8 --image_size=16 --repeats=3"
    assert "cpu" in result["machine"]
    assert result["host_over_jitted"] == pytest.approx(result["median_ms"]["host"] / result["median_ms"]["jitted"])


@pytest.mark.slow
def test_either_way_of_setting_a_pipeline_anew_is_timed(run_binary, tmp_path):
    out = tmp_path / "set_anew.json"
    process = run_binary("benchmark_set_anew", "--repeats=1", "--stride_plan=digits", "--image_size=8", f"--out={out}")
    assert process.returncode == 0, process.stderr
    rows = json.loads(out.read_text())["rows"]
    assert [row["allocation"] for row in rows] == ["released", "searched"]
    for row in rows:
        median = row["median_s"]
        assert row["times_as_fast"] == pytest.approx(median["every design"] / median["family"])
        assert f"{row['times_as_fast']:.1f} times as fast" in process.stdout


@pytest.mark.slow
def test_cost_benchmark_counts_what_it_evaluates():
    specification = mobilenet_v2(**SIZE)
    layers = chosen_layers(specification, specification.default_design)[:6]
    distinct = len({layer.shape for layer in layers})
    template = gemmini_template()
    measured = benchmark_cost.evaluation_speed(template, layers, accelerators=4, repeats=1)
    assert measured["evaluations"] == 4 * distinct * template.candidates.size
    assert min(measured["forward_per_second"], measured["gradient_per_second"]) > 0
    given = benchmark_cost.explicit_mappings(template, layers, accelerators=4)
    architecture, factors = jax.tree.map(lambda x: x[0], (given.architectures, given.factors))
    layer = jax.tree.map(lambda x: x[0], given.workload)
    # The first candidate costs what the mapper says that it does.
    alone = map_layer(layer, architecture, CandidateSet(template.candidates.pairs[:1])).cost
    measured_alone = given.cost(layer, architecture, [x[0, :1] for x in factors])
    assert float(measured_alone) == pytest.approx(float(jnp.log(alone.cycles * alone.energy_pj)), rel=1e-6)


@pytest.mark.slow
def test_gradient_descent_on_a_mapping_finds_better_ones_within_the_roofline():
    template = nahas_edge()
    architecture = template.architecture(template.space.encode(template.baseline), jnp.float32)
    layer = Layer("layer", K=96, C=96, P=28, Q=28, R=3, S=3)
    workload = jax.tree.map(lambda leaf: leaf[0], workload_from_layers([layer]))
    few = CandidateSet(template.candidates.pairs[:2])
    descend = jax.jit(lambda steps: benchmark_mapper.descend(workload, architecture, few, steps))
    none, some = float(descend(0)), float(descend(60))
    assert layer.macs / float(architecture.macs) <= some < none < np.inf


def test_cost_benchmark_refuses_what_it_does_not_know(refused, tmp_path):
    for arguments, message in (
        (["--baselines=abacus"], "Unknown tool 'abacus'"),
        ([f"--out={tmp_path / 'none' / 'x.json'}"], "does not exist; make it first"),
    ):
        said = refused("benchmark_cost", *arguments)
        assert message in said


def test_results_name_the_command_but_no_places(monkeypatch):
    values = flags.FlagValues()
    for name in ("out", "plot", "environments", "searches", "unset"):
        flags.DEFINE_string(name, "default", "", flag_values=values)
    flags.DEFINE_multi_enum("tables", ["a"], ["a", "b"], "", flag_values=values)
    flags.DEFINE_bool("yes", False, "", flag_values=values)
    flags.DEFINE_integer("seeds", 10, "", flag_values=values)
    given = [
        "--out",
        "/some/where.json",
        "--plot=/x.png",
        "-environments=/y",
        "--tables=b",
        "--tables=a",
        "--seeds",
        "3",
        "--yes",
    ]
    values(["program", *given, "--searches=one after another"])
    monkeypatch.setattr(benchmark_output.flags, "FLAGS", values)
    words = shlex.split(benchmark_output.command("experiments.it"))
    # Tools as they are installed, in no folder of their own, are no place.
    values["environments"].value = ""
    assert "--environments=" in shlex.split(benchmark_output.command("experiments.it"))
    assert words[:3] == ["python", "-m", "experiments.it"]
    assert sorted(words[3:]) == ["--searches=one after another", "--seeds=3", "--tables=a", "--tables=b", "--yes"]


def test_host_augmentation_is_the_same_kind():
    images = np.random.default_rng(0).integers(1, 255, (32, 12, 12, 3), np.uint8)
    moved = benchmark_data.augment_on_host(np.random.default_rng(1), images)
    assert moved.shape == images.shape
    for before, after in zip(images, moved, strict=True):
        assert set(np.unique(after)) <= {0, *np.unique(before)}
    assert not np.array_equal(moved, images)


def _write_run(folder, latency, accuracy, feasible, gave_way=None):
    """The files of a run that found MobileNetV2 at 8 x 8, from which its figures come; returns its summary."""
    specification = mobilenet_v2(**SIZE)
    summary = {
        "space": {"network_family": "mobilenet_v2", "network_size": SIZE},
        "network": dict(specification.default_design),
        "accuracy": {"final": accuracy},
        "cost": {"latency_ms": latency, "energy_mj": 0.02, "area_mm2": 8.0},
        "feasible": feasible,
        "optimality": {"accelerator_rank": 3} | ({} if gave_way is None else {"decisions_that_gave_way": gave_way}),
        "wall_seconds": 10.0,
    }
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps(summary))
    lines = [
        {
            **{"phase": "search", "step": step, "network_entropy": 1 - step / 4},
            **{"latency_ms": 0.03 / step, "area_mm2": 16.0 * step, "multiplier.latency_ms": 0.3 - 0.1 * step},
        }
        for step in (1, 2, 3)
    ]
    lines.append({"phase": "retrain", "step": 4, "loss": 1.0})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return summary


def test_comparison_adds_up(tmp_path):
    config = CosearchConfig(budgets=Budgets(latency_ms=0.01, area_mm2=32.0))
    folders = [tmp_path / str(seed) for seed in range(2)]
    runs = [
        compare.figures(_write_run(folder, *x), folder, dataclasses.replace(config, seed=seed), matched=True)
        for seed, (folder, x) in enumerate(
            zip(folders, ((0.008, 0.5, True), (0.012, 0.6, False, ["block_01.bits", "block_02.bits"])), strict=True)
        )
    ]
    assert runs[0]["cost_over_budget"] == pytest.approx(np.sqrt(0.8 * 0.25))
    specification = mobilenet_v2(**SIZE)
    assert runs[0]["million_macs"] == macs(specification, specification.default_design) / 1e6
    # Of the last step of the search.
    assert [run["network_entropy"] for run in runs] == [0.25, 0.25]
    # Of its area, 48 of 32; its latency just meets the budget. Multipliers were largest at the first step.
    assert [run["searched_over_budget"] for run in runs] == [1.5, 1.5]
    assert [run["largest_multiplier"] for run in runs] == pytest.approx([0.2, 0.2])
    assert [run["decisions_that_gave_way"] for run in runs] == [0, 2]
    shown = compare.table({"searches": {"joint": runs}})
    assert "| joint | 55.00 (50.00 to 60.00) | 10.00 (8.00 to 12.00) |" in shown
    assert " | million multiply-accumulates | entropy of the network (1 = undecided) | decisions that gave way | " in shown
    assert " | 0.25 (0.25 to 0.25) | 1.00 (0.00 to 2.00) | 1 of 2 |" in shown
    assert shown.endswith("| 1 of 2 |")
    other = [run | {"accuracy": run["accuracy"] + gain} for run, gain in zip(runs, (0.01, 0.03), strict=True)]
    # Two differences, 1 and 3 points: mean 2, deviation sqrt 2, Student's t of one degree of freedom 12.706.
    said = compare.differences({"searches": {"joint": runs, "other": other}})
    assert said == "other - joint: +2.00 points of accuracy, 95 % interval -10.71 to +14.71 (2 seeds)"
    comparison_picture.draw({"searches": {"joint": runs, "other": other}}, tmp_path / "comparison.png")
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")
    # A seed that only one of them has is no pair, and a search without runs has no row.
    said = compare.differences({"searches": {"joint": runs[:1], "other": other}})
    assert said == "other - joint: +1.00 points of accuracy (1 seed)"
    comparison_picture.draw({"searches": {"joint": runs[:1], "other": other, "none": []}}, tmp_path / "partly.png")
    assert "none" not in compare.table({"searches": {"joint": runs, "none": []}})
    # A seed whose costs were not matched is no evidence.
    other[1]["matched"] = False
    said = compare.differences({"searches": {"joint": runs, "other": other}})
    assert said == "other - joint: +1.00 points of accuracy (1 seed)"
    other[0]["matched"] = False
    said = compare.differences({"searches": {"joint": runs, "other": other}})
    assert said == "other - joint: no seed at matched costs"


def test_every_search_of_a_comparison_has_a_configuration():
    base = from_mapping(CosearchConfig, dna_fpga.get_config("smoke").to_dict())
    configurations = {name: compare.configuration(base, name, 3, base.budgets) for name in compare.SEARCHES}
    assert {(config.fix, config.order) for config in configurations.values()} == {
        ("none", "joint"),
        ("accelerator", "joint"),
        ("network", "joint"),
        ("none", "network_first"),
        ("none", "accelerator_first"),
    }
    assert all(config.seed == 3 for config in configurations.values())
    assert configurations["joint"].search == base.search
    assert base.search.reoptimize_every
    assert base.search.expected_network
    pricing = {name: (bool(c.search.reoptimize_every), c.search.expected_network) for name, c in configurations.items()}
    assert pricing["joint by gradient"] == (False, True)
    assert pricing["joint by samples"] == (True, False)
    assert pricing["joint by gradient and samples"] == (False, False)
    assert configurations["joint on one level"].search.level == "single"
    assert {name for name, config in configurations.items() if config.network.bits == 8} == {"joint at 8 bits"}
    pressures = {name: c.search.objective.pressure for name, c in configurations.items()}
    assert base.search.objective.pressure == 0.0
    assert {name for name, pressure in pressures.items() if pressure is None} == {
        "joint by gradient",
        "joint by gradient and samples",
    }
    objectives = {name: c.search.objective for name, c in configurations.items()}
    assert base.search.objective.damping > 0 < base.search.objective.multiplier_rate
    assert objectives["joint by damping alone"] == dataclasses.replace(base.search.objective, multiplier_rate=0.0)
    assert objectives["joint by multipliers alone"] == dataclasses.replace(base.search.objective, damping=0.0)
    assert objectives["joint by hinge"] == ObjectiveConfig(form="hinge", pressure=0.0)
    held = {c.accelerator.held: c.accelerator.allocation for c in configurations.values()}
    released = base.accelerator.allocation
    assert held == {"allocation": "searched"} | dict.fromkeys(("nothing", "mapping", "micro_architecture"), released)
    drawn = configurations.pop("random network").search
    assert (drawn.steps, drawn.initial_noise, drawn.network.learning_rate) == (1, 1.0, 0.0)
    assert drawn.reoptimize_every == 0
    # Nothing else differs.
    same: dict[str, Any] = {"reoptimize_every": 20, "expected_network": True, "level": "bilevel", "soft_widths": True}
    same |= {"soft_warmup": True, "objective": base.search.objective}
    assert {dataclasses.replace(c.search, **same) for c in configurations.values()} == {
        dataclasses.replace(base.search, reoptimize_every=20)
    }


def test_a_comparison_may_match_what_one_search_reached():
    summary = {"cost": {"fps": 500.0, "frame_ms": 2.0, "area_mm2": 3.0}}
    matched = compare.reached(summary, Budgets(fps=100.0, area_mm2=9.0))
    assert dict(matched.items()) == pytest.approx({"frame_ms": 2.0, "area_mm2": 3.0}, rel=1e-8)
    assert dict(matched.items())["frame_ms"] > 2.0


@pytest.mark.slow
def test_comparison_runs_the_searches_asked_for(run_binary, tmp_path):
    # The joint search is that of the main binary, and one for a given accelerator is that of the strategy's tests.
    # On the way: the weighted-product objective, soft samples, a cosine temperature.
    arguments = (
        "--config.budgets.area_mm2=33",
        "--config.search.objective.form=soft",
        "--config.search.hard=false",
        "--config.search.temperature.schedule=cosine",
    )
    card = "--config=experiments/configs/digits.py:smoke"
    searches = ("accelerator only",)
    process = run_binary(
        "compare",
        card,
        "--seeds=1",
        f"--searches={','.join(searches)}",
        f"--match={searches[0]}",
        f"--workdir={tmp_path}",
        *arguments,
    )
    assert process.returncode == 0, process.stderr
    comparison = json.loads((tmp_path / "comparison.json").read_text())
    assert {name: len(runs) for name, runs in comparison["searches"].items()} == dict.fromkeys(searches, 1)
    assert all(f"| {name} |" in process.stdout for name in searches)
    summaries = {
        name: json.loads((tmp_path / f"{name.replace(' ', '_')}_0" / "summary.json").read_text()) for name in searches
    }
    (figures,) = comparison["searches"]["accelerator only"]
    assert figures["million_macs"] > 0
    # Its network is held: there is nothing to decide, or to give way.
    assert (figures["network_entropy"], figures["decisions_that_gave_way"]) == (0.0, 0)
    accelerator = summaries["accelerator only"]
    assert accelerator["space"]["cardinality"] == 50_000
    assert {value for key, value in accelerator["network"].items() if key.endswith("kernel")} == {3}
    # The network held is the published one: it is not trained twice.
    assert accelerator["accuracy"]["final"] == accelerator["accuracy"]["baseline"]


def test_comparison_asks_for_a_directory(refused):
    said = refused("compare", "--config=experiments/configs/digits.py:smoke")
    assert "Pass --workdir=DIR" in said
    said = refused("compare", "--config=experiments/configs/digits.py:smoke", "--workdir=x", "--searches=neither")
    assert "must name some of: joint, network only, accelerator only" in said
    said = refused("compare", "--config=experiments/configs/digits.py:smoke", "--workdir=x", "--searches=joint,joint")
    assert "--searches names joint more than once" in said
    # The pipeline of this card is carried by gradient as it is.
    alike = ("--config=experiments/configs/dna_asic.py:smoke", "--workdir=x", "--searches=joint,joint by gradient")
    said = refused("compare", *alike)
    assert "the searches 'joint' and 'joint by gradient' are the same; leave one out" in said
    said = refused("compare", "--config=experiments/configs/digits.py:smoke", "--workdir=x", "--match=network only then")
    assert "must be one of --searches" in said


@pytest.mark.slow
def test_a_search_that_cannot_meet_the_budgets_is_left_out(run_binary, tmp_path):
    # The default network reaches a quarter of these images a second on its proven best pipeline.
    card, alone = "--config=experiments/configs/dna_fpga.py:smoke", "--searches=accelerator only"
    process = run_binary("compare", card, alone, "--seeds=2", f"--workdir={tmp_path}")
    assert process.returncode == 2
    for seed in range(2):
        assert f"accelerator only, seed {seed}, is left out: No design reaches 20000 images a second" in process.stderr
    assert "error: None of the searches can meet the budgets; raise them." in process.stderr
    assert "Traceback" not in process.stderr


def test_a_tool_that_fails_is_named_with_its_last_words(tmp_path):
    home = tmp_path / "nni" / "bin"
    home.mkdir(parents=True)
    (home / "python").symlink_to(sys.executable)
    (tmp_path / "nni" / "ready").write_text("\n".join(nni_step.REQUIREMENTS))
    with pytest.raises(UserError, match=r"nni fails \(.*--repeats must be 1 or more.*\); run with --baselines="):
        run_tool("nni", tmp_path, nni_step.REQUIREMENTS, "nni_step.py", ["--repeats=0"])


def test_an_environment_of_other_packages_is_made_anew(tmp_path, monkeypatch):
    made = []

    def create(home, **_):
        made.append(home)
        (home / "bin").mkdir(parents=True, exist_ok=True)
        (home / "bin" / "python").write_text('#!/bin/sh\necho "{\\"arguments\\": \\"$*\\"}"\n')
        (home / "bin" / "python").chmod(0o755)

    monkeypatch.setattr("experiments.environments.venv.create", create)
    for packages, times in ((("a==1",), 1), (("a==1",), 1), (("a==2", "b"), 2), (("a==2", "b"), 2), (("b",), 3)):
        ran = run_tool("tool", tmp_path, packages, "nni_step.py", ["--x"])
        assert ran["arguments"].endswith("nni_step.py --x")
        assert made == [tmp_path / "tool"] * times
    (tmp_path / "tool" / "ready").unlink()

    def fail(*_, **__):
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr("experiments.environments.venv.create", fail)
    with pytest.raises(UserError, match="tool cannot be installed; check the network"):
        run_tool("tool", tmp_path, ("b",), "nni_step.py", [])
