"""Runs on ASIC pipelines: budgets, reachability, the verdict on a pair, the way from the command to the summary."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from dna_jax.errors import UserError
from dna_jax.hardware.asic import evaluate_pipeline, lower_bound
from dna_jax.networks import chosen_layers
from dna_jax.runs.asic_tables import cost_block
from dna_jax.runs.asic_target import AsicTarget
from dna_jax.runs.config import AcceleratorConfig, CosearchConfig, NetworkConfig, from_mapping
from dna_jax.runs.cosearch import reoptimized
from dna_jax.runs.problem import build_problem
from dna_jax.search import Budgets, ObjectiveConfig, SearchConfig, mean_point
from dna_jax.search.asic_steps import AsicSearchConfig
from dna_jax.spaces.asic_pipeline import allocation_name

CONFIG = CosearchConfig(
    network=NetworkConfig(space="dna", width=0.25, stride_plan="digits"),
    accelerator=AcceleratorConfig(template="asic", chunks=2),
    budgets=Budgets(area_mm2=1.5, fps=10_000),
    search=SearchConfig(objective=ObjectiveConfig(goal="edp")),
)


@pytest.fixture(scope="module")
def problem():
    built = build_problem(CONFIG, None)
    assert isinstance(built.target, AsicTarget)
    return dataclasses.replace(built, target=dataclasses.replace(built.target, search=AsicSearchConfig(starts=1, steps=12)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"accelerator": {"template": "asic"}, "budgets": {"dsp": 64.0}}, "budgets.dsp is no cost .* the template asic"),
        ({"accelerator": {"template": "asic"}, "budgets": {"bram": 64.0}}, "budgets.bram is no cost .* the template asic"),
        ({"accelerator": {"template": "asic", "chunks": 0}}, "chunks must be at least 1"),
        ({"search": {"objective": {"goal": "edp"}}}, "goal=edp .* read only with accelerator.template=asic"),
        ({"search": {"objective": {"goal": "speed"}}}, "choose one of budgets, edp"),
    ],
)
def test_wrong_values_are_named(change, says):
    with pytest.raises(UserError, match=says):
        from_mapping(CosearchConfig, change)


def test_every_block_has_a_chunk_and_the_baseline_shares_them_out(problem):
    groups = problem.target.groups
    assert len(groups) == 26
    assert {allocation_name(group) for group in groups} < {decision.name for decision in problem.accelerator_space.free}
    baseline = problem.target.baseline
    chunks = [baseline[allocation_name(group)] for group in groups]
    assert chunks == sorted(chunks)
    assert np.bincount(chunks).tolist() == [0, 13, 13]
    assert problem.accelerator_space.restrict(baseline) == baseline


@pytest.mark.slow
def test_the_pair_found_is_judged_with_a_pipeline_that_keeps_the_budgets(problem, tmp_path):
    space = problem.strategy.space
    carried = space.decode(space.sample(jax.random.key(2)))
    verdict = problem.target.judge(problem, space.encode(carried), tmp_path)
    assert verdict.violations == []
    assert verdict.cost["area_mm2"] <= 1.5
    assert verdict.cost["frame_ms"] == pytest.approx(1e3 / verdict.cost["fps"])
    assert verdict.cost["fps"] >= 10_000
    assert problem.network_space.restrict(verdict.design) == problem.network_space.restrict(carried)
    layers = chosen_layers(problem.specification, carried)
    cost, placed = evaluate_pipeline(layers, verdict.design, objective="edp")
    assert verdict.cost["edp"] == pytest.approx(float(cost.edp))
    bound = lower_bound(layers, 2, 1.5)
    gap = verdict.optimality["accelerator_gap"]
    assert gap == pytest.approx(float(cost.edp) / bound.edp - 1)
    assert f"{100 * gap:.0f} % above what no pipeline within 1.5 mm² can undercut" in verdict.optimality["standing"]
    assert verdict.optimality["carried"]["edp"] == pytest.approx(
        float(evaluate_pipeline(layers, carried, objective="edp")[0].edp)
    )
    assert [row[0] for row in verdict.layers] == [entry.layer.name for entry in placed]
    assert sum(float(row[2]) for row in verdict.layers) == pytest.approx(1e3 * verdict.cost["latency_ms"], abs=0.1)
    verdict.pictures[0].draw(tmp_path / "pipeline.png")
    assert (tmp_path / "pipeline.png").read_bytes().startswith(b"\x89PNG")
    # The default network may have a pipeline of its own, too.
    assert verdict.published_best is not None
    assert verdict.published_best["area_mm2"] <= 1.5 < verdict.baseline["area_mm2"]
    assert verdict.cost["edp"] < verdict.published_best["edp"]
    assert verdict.optimality["most_likely_network_kept"]
    # The search on the way ends with the same one.
    assert problem.target.best_accelerator(problem, space.encode(carried)) == problem.accelerator_space.restrict(
        verdict.design
    )


@pytest.mark.slow
def test_decisions_give_way_where_no_pipeline_is_fast_enough(problem, tmp_path):
    point = problem.strategy.space.sample_soft(jax.random.key(5))
    fast = dataclasses.replace(problem, config=dataclasses.replace(CONFIG, budgets=Budgets(fps=50_000, area_mm2=1.5)))
    verdict = fast.target.judge(fast, point, tmp_path)
    assert verdict.violations == []
    assert verdict.cost["fps"] >= 50_000
    changed = verdict.optimality["decisions_that_gave_way"]
    carried = problem.strategy.space.decode(point)
    assert changed == [name for name in problem.network_space.restrict(carried) if verdict.design[name] != carried[name]]
    assert changed
    assert f"{len(changed)} decision" in verdict.optimality["standing"]


@pytest.mark.slow
def test_schedules_may_be_searched_and_none_beats_the_mapper(problem, tmp_path):
    config = dataclasses.replace(CONFIG, accelerator=dataclasses.replace(CONFIG.accelerator, schedules="searched"))
    searched = build_problem(config, None)
    schedules = {decision.name for decision in searched.accelerator_space.free if ".schedule." in decision.name}
    assert len(schedules) == 2 * 3
    assert not any(".schedule." in decision.name for decision in problem.accelerator_space.free)
    searched = dataclasses.replace(
        searched, target=dataclasses.replace(searched.target, search=AsicSearchConfig(starts=1, steps=12))
    )
    verdict = searched.target.judge(searched, searched.strategy.space.sample(jax.random.key(1)), tmp_path)
    assert verdict.violations == []
    layers = chosen_layers(searched.specification, verdict.design)
    mapped, _ = evaluate_pipeline(layers, verdict.design | dict.fromkeys(schedules, "auto"), objective="edp")
    assert mapped.edp <= verdict.cost["edp"] * (1 + 1e-9)


@pytest.mark.slow
def test_a_fixed_pipeline_is_judged_as_it_is(problem, tmp_path):
    fixed = build_problem(dataclasses.replace(CONFIG, fix="accelerator", budgets=Budgets(area_mm2=1.0)), None)
    # The same network as above.
    point = problem.network_space.encode(problem.network_space.decode(problem.strategy.space.sample(jax.random.key(2))))
    verdict = fixed.target.judge(fixed, dict(point) | dict(fixed.accelerator_space.encode(fixed.target.baseline)), tmp_path)
    assert {name: verdict.design[name] for name in fixed.target.baseline} == fixed.target.baseline
    assert verdict.violations == [f"area_mm2 {verdict.cost['area_mm2']:.6g} exceeds its budget 1"]
    held = "the baseline pipeline exceeds one with every network tried, from the lightest on"
    with pytest.raises(UserError, match=f"{held}; .* pipelines with --config.fix=none"):
        fixed.target.require_reachable(fixed)


@pytest.mark.slow
def test_budgets_out_of_reach_are_refused_at_once(problem):
    for budgets, reason in (
        (Budgets(area_mm2=0.1), "not even the smallest array fits 0.1 mm"),
        (Budgets(energy_mj=1e-6), r"undercuts energy_mj 0\.00"),
        (Budgets(fps=1e9, area_mm2=1.5), "undercuts frame_ms"),
    ):
        config = dataclasses.replace(CONFIG, budgets=budgets)
        with pytest.raises(UserError, match=reason):
            problem.target.require_reachable(build_problem(config, None))
    problem.target.require_reachable(problem)
    problem.target.require_reachable(build_problem(dataclasses.replace(CONFIG, budgets=Budgets()), None))


@pytest.mark.slow
def test_pipelines_are_set_anew_within_the_budgets_and_platforms_within_the_area(problem, capsys):
    """Networks are searched on a platform to meet budgets that the published one misses on it."""
    budgets, search = (
        Budgets(area_mm2=1.5, fps=10_000),
        dataclasses.replace(CONFIG.search, steps=4, warmup_steps=0, reoptimize_every=2),
    )
    problem = dataclasses.replace(problem, config=dataclasses.replace(CONFIG, budgets=budgets, search=search))
    space, state = problem.strategy.space, problem.strategy.init(0)

    def carried(state):
        return space.decode(mean_point(space, state.logits))

    def cost(network, pipeline):
        return cost_block(evaluate_pipeline(chosen_layers(problem.specification, network), network | pipeline)[0])

    assert reoptimized(problem, state, 3) is state
    moved = reoptimized(problem, state, 2)
    assert moved.shares is None
    assert problem.network_space.restrict(carried(moved)) == problem.network_space.restrict(carried(state))
    after = cost(carried(moved), {})
    assert after["area_mm2"] <= 1.5
    assert after["fps"] >= 10_000
    assert after["edp"] < cost(carried(state), problem.target.baseline)["edp"]
    # The default network needs more energy than this, whatever runs it: to get there is up to the network.
    frugal = dataclasses.replace(problem.config, budgets=Budgets(area_mm2=1.5, energy_mj=0.02))
    problem = dataclasses.replace(problem, config=frugal)
    decided = problem.network_space.encode(problem.network_space.restrict(problem.published))
    default = dataclasses.replace(state, network_logits=20 * decided.rows)
    within_area = cost(carried(reoptimized(problem, default, 2)), {})
    assert within_area["area_mm2"] <= 1.5
    assert within_area["energy_mj"] > 0.02
    assert within_area["edp"] < cost(carried(default), problem.target.baseline)["edp"]
    tiny = dataclasses.replace(problem, config=dataclasses.replace(frugal, budgets=Budgets(area_mm2=0.1)))
    assert reoptimized(tiny, default, 2) is default
    assert "step 2: no accelerator meets the limits with the network as it stands" in capsys.readouterr().err
    platform = problem.target.platform(problem)
    assert cost(problem.published, platform)["area_mm2"] <= 1.5
    assert cost(problem.published, platform)["energy_mj"] > 0.02


@pytest.mark.slow
def test_a_run_for_a_given_network_ends_with_a_summary(run_binary, tmp_path):
    process = run_binary(
        "cosearch",
        "--config=experiments/configs/dna_asic.py:smoke",
        f"--workdir={tmp_path / 'run'}",
        "--config.network.space=s1",
        "--config.search.soft_widths=false",
        "--config.search.soft_warmup=false",
        "--config.search.level=single",
        "--fix=network",
        "--config.budgets.fps=2000",
        "--config.retrain.training.steps=2",
    )
    assert process.returncode == 0, process.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "complete"
    assert summary["space"]["accelerator_template"] == "asic"
    assert set(summary["cost"]) == {"fps", "frame_ms", "latency_ms", "energy_mj", "area_mm2", "edp"}
    assert set(summary["budgets"]) == {"area_mm2", "frame_ms"}
    report = (tmp_path / "run" / "report.html").read_text()
    assert "energy-delay product (mJ ms)" in report
    assert "can undercut for this network" in report
