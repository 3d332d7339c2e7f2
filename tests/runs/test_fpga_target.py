"""Runs on FPGA pipelines: budgets of a device, reachability, the verdict on a pair, the best pipeline on the way."""

import dataclasses
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.errors import UserError
from dna_jax.hardware.fpga import evaluate_pipeline
from dna_jax.networks import chosen_layers, expected_layers
from dna_jax.runs import fpga_target
from dna_jax.runs.config import AcceleratorConfig, CosearchConfig, NetworkConfig, from_mapping
from dna_jax.runs.cosearch import reoptimized
from dna_jax.runs.fpga_target import FpgaTarget
from dna_jax.runs.problem import build_problem
from dna_jax.search import Budgets, Limits, certified_optimum, mean_point, read_certificate, recheck
from dna_jax.spaces import SKIP, Point, baseline_pipeline, boundary_name
from dna_jax.workload import merge_counts
from experiments.configs import dna_fpga

FREE = AcceleratorConfig(template="fpga", allocation="searched")


@pytest.fixture(scope="module")
def problem():
    return build_problem(from_mapping(CosearchConfig, dna_fpga.get_config("smoke").to_dict()), None)


def test_a_device_brings_its_budgets():
    config = CosearchConfig(accelerator=AcceleratorConfig(template="fpga"), budgets=Budgets(fps=200.0))
    assert dict(config.limits.items()) == {"frame_ms": 5.0, "dsp": 900, "bram": 700}
    other = dataclasses.replace(config, accelerator=AcceleratorConfig(template="fpga", device="ultra96"))
    assert dict(other.limits.items())["dsp"] == 360
    given = dataclasses.replace(config, budgets=Budgets(dsp=64, bram=140))
    assert dict(given.limits.items()) == {"dsp": 64, "bram": 140}
    assert dict(CosearchConfig().limits.items()) == {}


@pytest.mark.slow
def test_the_pair_found_is_judged_with_its_proven_pipeline(problem, tmp_path):
    space = problem.strategy.space
    point = space.sample(jax.random.key(4))
    verdict = problem.target.judge(problem, point, tmp_path)
    layers = chosen_layers(problem.specification, verdict.design)
    _, cost = evaluate_pipeline(layers, verdict.design)
    assert verdict.cost["fps"] == pytest.approx(float(cost.fps))
    assert verdict.cost["frame_ms"] == pytest.approx(1e3 / verdict.cost["fps"])
    assert verdict.cost["dsp"] <= 900
    assert verdict.cost["bram"] <= 700
    assert "proven optimal" in verdict.optimality["standing"]
    # Whoever has the folder can follow the proof.
    stated, certificate = read_certificate(tmp_path / "certificate.json")
    assert list(stated.layers) == layers
    assert certificate.fps == pytest.approx(verdict.cost["fps"])
    assert recheck(certificate, stated.layers, stated.space) == []
    assert recheck(dataclasses.replace(certificate, cycles=2 * certificate.cycles), stated.layers, stated.space)
    # The default network on its own proven pipeline, beside the baseline.
    default = chosen_layers(problem.specification, problem.published)
    best = certified_optimum(default, problem.accelerator_space, Limits(900, 700))
    assert verdict.published_best is not None
    assert verdict.published_best["fps"] == pytest.approx(best.fps)
    assert verdict.published_best["fps"] > verdict.baseline["fps"]
    # The network stays; its pipeline is at least as fast as the one that came with it.
    carried = space.decode(point)
    assert problem.network_space.restrict(verdict.design) == problem.network_space.restrict(carried)
    _, before = evaluate_pipeline(layers, carried)
    assert verdict.optimality["carried"]["fps"] == pytest.approx(float(before.fps))
    assert verdict.cost["fps"] >= float(before.fps) or float(before.dsp) > 900 or float(before.bram) > 700
    # Shares of a chunk's cycles add up.
    shares = {}
    for _, chunk, _, share in verdict.layers:
        shares[chunk] = shares.get(chunk, 0) + float(share)
    assert all(total == pytest.approx(100, abs=1.5) for total in shares.values())
    verdict.pictures[0].draw(tmp_path / "pipeline.png")
    assert (tmp_path / "pipeline.png").read_bytes().startswith(b"\x89PNG")


def test_a_fixed_pipeline_is_judged_as_it_is(problem, tmp_path):
    search = dataclasses.replace(problem.config.search, reoptimize_every=0)
    config = dataclasses.replace(problem.config, fix="accelerator", budgets=Budgets(fps=1e6), search=search)
    fixed = build_problem(config, None)
    verdict = fixed.target.judge(fixed, fixed.strategy.space.sample(jax.random.key(1)), tmp_path)
    assert {name: verdict.design[name] for name in fixed.target.baseline} == fixed.target.baseline
    # By all pipelines that could be, not by itself.
    layers = chosen_layers(fixed.specification, verdict.design)
    best = certified_optimum(layers, problem.accelerator_space, Limits(900, 700))
    assert verdict.optimality["accelerator_gap"] == pytest.approx(best.fps / verdict.cost["fps"] - 1)
    assert verdict.optimality["accelerator_gap"] > 1
    assert verdict.optimality["accelerator_rank"] is None
    assert "times as long as the proven optimum for this network in the allocation" in verdict.optimality["standing"]
    assert verdict.violations == [f"frame_ms {verdict.cost['frame_ms']:.6g} exceeds its budget 0.001"]


@pytest.mark.slow
def test_budgets_out_of_reach_are_refused_at_once(problem):
    for budgets, reason in (
        (Budgets(fps=1e9), "No design reaches 1e"),
        (Budgets(dsp=1, bram=2), "No pipeline for the layers that all networks share fits 1 DSP slices and 2 block"),
    ):
        config = dataclasses.replace(problem.config, budgets=budgets)
        with pytest.raises(UserError, match=reason):
            problem.target.require_reachable(dataclasses.replace(problem, config=config))
    problem.target.require_reachable(problem)
    # A pipeline that is held is named, with what frees it.
    search = dataclasses.replace(problem.config.search, reoptimize_every=0)
    for budgets, reason in (
        (
            Budgets(fps=1e5),
            r"reaches 100000 images a second on the baseline pipeline, .* search pipelines with --config.fix=none",
        ),
        (
            Budgets(dsp=1, bram=2),
            "The baseline pipeline for the layers that all networks share exceeds 1 DSP slices and 2 block",
        ),
    ):
        held = build_problem(dataclasses.replace(problem.config, budgets=budgets, fix="accelerator", search=search), None)
        with pytest.raises(UserError, match=reason):
            held.target.require_reachable(held)


@pytest.mark.slow
def test_the_lightest_network_is_tried_at_every_width(problem):
    """Chunks are for one width each: on a small device 8 bits everywhere, as stem and classifier have, take the fewest."""
    config = dataclasses.replace(problem.config, budgets=Budgets(fps=11_000, dsp=16, bram=40))
    small = build_problem(config, None)
    narrowest = certified_optimum(small.lightest_layers, small.accelerator_space, Limits(16, 40))
    assert narrowest.fps < 11_000
    small.target.require_reachable(small)


@pytest.mark.slow
def test_a_network_that_is_faster_than_the_lightest_is_found(problem, capsys):
    """Chunks work side by side: work moved to an idle one makes a network heavier and faster."""
    config = dataclasses.replace(
        problem.config,
        network=dataclasses.replace(problem.config.network, bits=8),
        search=dataclasses.replace(problem.config.search, soft_widths=False),
    )
    eight = build_problem(config, None)
    lightest = certified_optimum(eight.lightest_layers, eight.accelerator_space, Limits(900, 700)).fps
    too_fast = build_problem(dataclasses.replace(config, budgets=Budgets(fps=1.1 * lightest)), None)
    with pytest.raises(UserError, match="No design was found that reaches") as refused:
        too_fast.target.require_reachable(too_fast)
    said = re.search(r"device, (\S+) with the fastest network found", str(refused.value))
    assert said is not None
    fastest = float(said[1])
    assert 1.005 * lightest < fastest < 1.1 * lightest
    # What was found is not refused, and what lies beyond it is.
    within = build_problem(dataclasses.replace(config, budgets=Budgets(fps=0.999 * fastest)), None)
    capsys.readouterr()
    assert within.target.require_reachable(within) is None
    assert "another one is looked for" in capsys.readouterr().err


@pytest.mark.slow
def test_no_network_is_lighter_than_the_lightest(problem):
    space, family = problem.network_space, problem.specification

    def operations(layers):
        return sum(layer.macs for layer in layers)

    least = operations(problem.lightest_layers)
    for seed in range(20):
        layers = chosen_layers(family, space.decode(space.sample(jax.random.key(seed))))
        assert operations(layers) > least
        assert set(problem.shared_layers) < set(layers)
    assert {layer.name for layer in problem.shared_layers} >= {"stem", "head", "classifier"}
    # A skip that changes channels or maps is a convolution without groups, which k3_e1_g2 may undercut.
    skips = {d.name: SKIP if SKIP in d.options else d.options[0] for d in space.decisions}
    assert operations(chosen_layers(family, skips)) > least


@pytest.mark.slow
def test_that_nothing_fits_is_proven_too(problem, tmp_path, monkeypatch):
    search = dataclasses.replace(problem.config.search, reoptimize_every=0)
    fixed = build_problem(dataclasses.replace(problem.config, fix="accelerator", search=search), None)
    point = fixed.strategy.space.sample(jax.random.key(1))
    verdict = problem.target.judge(problem, problem.strategy.space.sample(jax.random.key(1)), tmp_path)
    assert "is proven optimal for this network in the allocation of the release;" in verdict.optimality["standing"]
    config = dataclasses.replace(fixed.config, budgets=Budgets(fps=1.0, dsp=1, bram=2))
    narrow = dataclasses.replace(fixed, config=config)
    verdict = fixed.target.judge(narrow, point, tmp_path)
    assert verdict.optimality["standing"].startswith("no pipeline fits the device with this network")

    def nothing(*arguments, **options):
        return dataclasses.replace(certified_optimum(*arguments, **options), cycles=None, design=None, dsp=0.0, bram=0.0)

    monkeypatch.setattr(fpga_target, "certified_optimum", nothing)
    for claim in (lambda: fixed.target.judge(fixed, point, tmp_path), lambda: fixed.target.require_reachable(fixed)):
        with pytest.raises(AssertionError, match="A faster pipeline fits"):
            claim()


@pytest.mark.slow
def test_a_pipeline_that_is_fixed_is_judged_in_the_allocation_of_the_card(problem, tmp_path):
    search = dataclasses.replace(problem.config.search, reoptimize_every=0)
    config = dataclasses.replace(problem.config, fix="accelerator", budgets=Budgets(fps=1.0), search=search)
    best = {}
    for allocation in ("released", "searched"):
        accelerator = AcceleratorConfig(template="fpga", allocation=allocation)
        fixed = build_problem(dataclasses.replace(config, accelerator=accelerator), None)
        assert not fixed.accelerator_space.free
        verdict = fixed.target.judge(fixed, fixed.strategy.space.sample(jax.random.key(1)), tmp_path)
        best[allocation] = verdict.optimality["best_cost"]["fps"], verdict.optimality["standing"]
        stated, certificate = read_certificate(tmp_path / "certificate.json")
        assert stated.allocation == allocation
        assert certificate.fps == best[allocation][0]
    assert best["searched"][0] >= best["released"][0]
    assert "in the allocation of the release" in best["released"][1]
    assert "in the allocation of the release" not in best["searched"][1]


def test_networks_without_widths_run_on_pipelines_of_eight_bits():
    config = CosearchConfig(
        network=NetworkConfig(space="s1", width=0.25, stride_plan="digits"),
        accelerator=AcceleratorConfig(template="fpga", allocation="searched"),
        budgets=Budgets(fps=100.0),
    )
    problem = build_problem(config, None)
    assert isinstance(problem.target, FpgaTarget)
    assert problem.target.widths == (8,)
    assert boundary_name(True) in {decision.name for decision in problem.accelerator_space.free}
    problem.target.require_reachable(problem)
    with pytest.raises(UserError, match="stride plan 'cifar_early' is none of this family"):
        build_problem(dataclasses.replace(config, network=NetworkConfig(space="dna", stride_plan="cifar_early")), None)


@pytest.mark.slow
def test_the_best_pipeline_for_an_expected_network_is_taken_over(problem, tmp_path):
    strategy = problem.strategy
    state = strategy.init(0)
    undecided = mean_point(strategy.space, state.logits)
    best = problem.target.best_accelerator(problem, undecided)
    assert best is not None
    moved = strategy.with_accelerator(state, problem.target.set_anew(problem, undecided))
    assert moved.shares.shape == state.shares.shape == (strategy.sharing_chunks,)
    assert float(jnp.sum(moved.shares)) == pytest.approx(1, abs=1e-6)
    decided = mean_point(strategy.space, moved.logits)
    assert problem.accelerator_space.restrict(strategy.space.decode(decided)) == problem.accelerator_space.restrict(best)
    np.testing.assert_array_equal(moved.network_logits, state.network_logits)
    cost = jax.jit(strategy.cost)
    before, after = cost(undecided), cost(decided)
    assert after.frame_ms < before.frame_ms
    assert after.dsp <= 900 + 1e-3
    assert after.bram <= 700 + 1e-3
    # A network that is all but decided gets the pipeline that is proven best for it.
    design = problem.published
    sure = dataclasses.replace(
        state, network_logits=jnp.asarray(20 * problem.network_space.encode(problem.network_space.restrict(design)).rows)
    )
    expected = problem.target.best_accelerator(problem, mean_point(strategy.space, sure.logits))
    layers = chosen_layers(problem.specification, design)
    _, chosen = evaluate_pipeline(layers, expected)
    easy = dataclasses.replace(problem, config=dataclasses.replace(problem.config, budgets=Budgets(fps=1.0)))
    verdict = easy.target.judge(easy, mean_point(strategy.space, sure.logits), tmp_path)
    assert float(chosen.fps) == pytest.approx(verdict.cost["fps"], rel=1e-6)


@pytest.mark.slow
def test_slopes_by_the_network_are_those_of_the_best_pipeline(problem):
    """How much slower the own best pipelines of networks are with one decision changed, against what the slopes promise."""
    space, networks, generator = problem.strategy.space, problem.network_space, np.random.default_rng(0)
    limits = Limits(900, 700)
    changes, promised = [], {"best": [], "held": []}
    for _ in range(2):
        rows = mean_point(space, jnp.asarray(generator.standard_normal(space.is_option.shape), jnp.float32)).rows

        def optimum(rows):
            layers, times = merge_counts(*expected_layers(problem.specification, Point(rows, space.sizes)))
            return certified_optimum(layers, problem.accelerator_space, limits, times=[float(t) for t in times])

        best = problem.target.set_anew(problem, Point(rows, space.sizes))
        assert problem.strategy.sharing_chunks == len(best.shares)
        pipeline = problem.accelerator_space.encode(problem.accelerator_space.restrict(best.design))
        rows = rows.at[len(networks.decisions) :].set(pipeline.rows)
        cycles = optimum(rows).cycles

        def logarithm(rows, shares):
            cost = problem.strategy.cost(Point(rows, space.sizes))
            return jnp.log((cost if shares is None else cost.of_best(shares)).frame_ms)

        shares = {"best": jnp.asarray(best.shares), "held": None}
        slopes = {name: np.asarray(jax.grad(logarithm)(rows, shared)) for name, shared in shares.items()}
        for decision in generator.permutation(len(networks.decisions))[:14]:
            chosen = np.eye(rows.shape[1])[generator.integers(len(networks.decisions[decision].options))]
            other = rows.at[decision].set(0.3 * rows[decision] + 0.7 * chosen)
            changes.append(math.log(optimum(other).cycles / cycles))
            for name, slope in slopes.items():
                promised[name].append(np.sum(slope[decision] * np.asarray(other - rows)[decision]))
    agreement = {name: np.corrcoef(values, changes)[0, 1] for name, values in promised.items()}
    assert agreement["best"] > 0.9
    # As it stands, a pipeline has slopes by chunks that are nearly slowest, whether or not they could be made faster.
    assert agreement["held"] < agreement["best"] - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("order", ["network_first", "accelerator_first"])
def test_one_part_after_the_other(order, problem, tmp_path):
    search = dataclasses.replace(problem.config.search, reoptimize_every=0)
    ordered = build_problem(dataclasses.replace(problem.config, order=order, search=search), None)
    # The platform is made for all networks of the space, and they are searched for it alone: it serves random ones better
    # than what is best for the published network, whose operands have 8 bits.
    narrow = problem.target.best_accelerator(problem, problem.strategy.space.encode(problem.published))
    points = [problem.strategy.space.decode(problem.strategy.space.sample(jax.random.key(i))) for i in range(12)]

    def mean_log_cycles(pipeline):
        costs = [evaluate_pipeline(chosen_layers(problem.specification, d), d | pipeline)[1] for d in points]
        return np.mean([np.log(float(cost.cycles)) for cost in costs])

    assert mean_log_cycles(ordered.platform) < mean_log_cycles(problem.accelerator_space.restrict(narrow)) - 0.5
    by_rule = baseline_pipeline("digits", (4, 6, 8))
    assert all(any(ordered.platform[n] != by_rule[n] for n in by_rule if f"q{bits}." in n) for bits in (4, 6, 8))
    assert not ordered.strategy.accelerator_space.free
    assert ordered.strategy.network_space == problem.strategy.network_space
    verdict = ordered.target.judge(ordered, ordered.strategy.space.sample(jax.random.key(1)), tmp_path)
    found = ordered.accelerator_space.restrict(verdict.design)
    if order == "accelerator_first":
        assert found == ordered.platform
        faster = dataclasses.replace(ordered, config=dataclasses.replace(ordered.config, budgets=Budgets(fps=1e6)))
        with pytest.raises(UserError, match=r"on the pipeline made before the network, .* with --config\.order=joint"):
            faster.target.require_reachable(faster)
    else:
        assert found != ordered.platform
        assert "proven optimal" in verdict.optimality["standing"]
    small = dataclasses.replace(ordered.config, budgets=Budgets(dsp=1, bram=2))
    with pytest.raises(UserError, match=f"No accelerator that order={order} could search networks on meets the budgets"):
        build_problem(small, None)
    with pytest.raises(ValueError, match="searches one part after the other; it needs fix=none"):
        dataclasses.replace(ordered.config, fix="network")
    with pytest.raises(ValueError, match=r"search\.reoptimize_every=0"):
        dataclasses.replace(problem.config, order=order)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["allocation", "mapping", "micro_architecture"])
def test_a_part_of_the_pipeline_may_be_held(part, problem, tmp_path):
    accelerator = AcceleratorConfig(template="fpga", allocation="searched", held=part)
    config = dataclasses.replace(problem.config, accelerator=accelerator, budgets=Budgets(fps=100.0))
    held, free = build_problem(config, None), build_problem(dataclasses.replace(config, accelerator=FREE), None)
    platform = free.target.platform(free)

    def of_part(design):
        """What is held of a design: boundaries, or of chunks tiles and modes, or unrolled parts."""
        held_values = {}
        for name, value in free.accelerator_space.restrict(design).items():
            tile, _, unrolled = str(value).partition("/")
            if "large_rows" in name:
                kinds = {"allocation": value}
            else:
                kinds = {"mapping": tile} if name.endswith("parallel") else {"mapping": tile, "micro_architecture": unrolled}
            held_values |= {name: kinds[part]} if part in kinds else {}
        return held_values

    space, point = held.strategy.space, held.strategy.space.sample(jax.random.key(3))
    assert 0 < len(held.accelerator_space.free) <= len(free.accelerator_space.free)
    assert held.accelerator_space.cardinality < free.accelerator_space.cardinality
    # The soft cost of what is left is the discrete one.
    carried = space.decode(point)
    _, exact = evaluate_pipeline(chosen_layers(held.specification, carried), carried)
    assert float(held.strategy.cost(point).metrics["frame_ms"]) == pytest.approx(1e3 / float(exact.fps), rel=1e-5)
    anew = held.target.set_anew(held, point)
    verdict = held.target.judge(held, point, tmp_path)
    assert of_part(platform)
    for design in (carried, anew.design, verdict.design):
        assert of_part(design) == of_part(platform)
    assert verdict.violations == []
    # It is the best with that part held, and judged by all that could be.
    layers = chosen_layers(held.specification, verdict.design)
    best = certified_optimum(layers, free.accelerator_space, Limits(900, 700))
    assert verdict.cost["fps"] == pytest.approx(certified_optimum(layers, held.accelerator_space, Limits(900, 700)).fps)
    assert verdict.optimality["accelerator_gap"] == pytest.approx(best.fps / verdict.cost["fps"] - 1)
    if part != "allocation":
        assert verdict.optimality["accelerator_gap"] > 0.01
    # The default network beside it has the best of all pipelines.
    default = chosen_layers(held.specification, held.published)
    best_for_default = certified_optimum(default, free.accelerator_space, Limits(900, 700)).fps
    assert verdict.published_best["fps"] == pytest.approx(best_for_default)
    stated, certificate = read_certificate(tmp_path / "certificate.json")
    assert certificate.fps == pytest.approx(best.fps)
    assert recheck(certificate, stated.layers, stated.space) == []
    beyond = dataclasses.replace(held, config=dataclasses.replace(config, budgets=Budgets(fps=1e6)))
    with pytest.raises(UserError, match=r"or search all of the pipeline with --config\.accelerator\.held=nothing"):
        beyond.target.require_reachable(beyond)


@pytest.mark.slow
def test_what_cannot_be_held_is_refused(problem):
    with pytest.raises(ValueError, match="holds what allocation=released holds already; set allocation=searched"):
        AcceleratorConfig(template="fpga", held="allocation")
    accelerator = dataclasses.replace(FREE, held="mapping")
    small = dataclasses.replace(problem.config, accelerator=accelerator, budgets=Budgets(dsp=1, bram=2))
    with pytest.raises(
        UserError, match="No pipeline for the average network fits the device, of which a part could be held"
    ):
        build_problem(small, None)
    search = dataclasses.replace(problem.config.search, reoptimize_every=0)
    with pytest.raises(ValueError, match=r"accelerator\.held=mapping has no effect here"):
        dataclasses.replace(problem.config, accelerator=accelerator, order="network_first", search=search)


def test_decisions_give_way_until_the_budgets_are_met(problem, tmp_path):
    point = problem.strategy.space.sample(jax.random.key(4))
    before = problem.target.judge(problem, point, tmp_path)
    assert before.optimality["most_likely_network_kept"]
    faster = dataclasses.replace(problem.config, budgets=Budgets(fps=1.1 * before.cost["fps"]))
    asked = dataclasses.replace(problem, config=faster)
    soft = dataclasses.replace(point, rows=0.9 * point.rows + 0.1 * asked.strategy.space.sample_soft(jax.random.key(5)).rows)
    verdict = asked.target.judge(asked, soft, tmp_path)
    assert verdict.violations == []
    assert verdict.cost["fps"] >= 1.1 * before.cost["fps"]
    changed = verdict.optimality["decisions_that_gave_way"]
    carried = asked.strategy.space.decode(soft)
    assert changed == [name for name in asked.network_space.restrict(carried) if verdict.design[name] != carried[name]]
    assert 0 < len(changed) < 8
    assert re.search(rf"{len(changed)} decisions? of the most likely network", verdict.optimality["standing"])


@pytest.mark.slow
def test_the_accelerator_is_set_anew_when_its_turn_comes_and_kept_where_none_fits(problem, capsys):
    search = dataclasses.replace(problem.config.search, steps=20, warmup_steps=4, reoptimize_every=3)
    problem = build_problem(dataclasses.replace(problem.config, search=search), None)
    space, state = problem.strategy.space, problem.strategy.init(0)
    for step in (0, 3, 5, 6):
        assert reoptimized(problem, state, step) is state
    for step in (4, 7):
        design = space.decode(mean_point(space, reoptimized(problem, state, step).logits))
        best = problem.target.best_accelerator(problem, mean_point(space, state.logits))
        assert best is not None
        assert problem.accelerator_space.restrict(design) == problem.accelerator_space.restrict(best)
    assert not capsys.readouterr().err
    narrow = dataclasses.replace(problem, config=dataclasses.replace(problem.config, budgets=Budgets(dsp=1, bram=2)))
    assert reoptimized(narrow, state, 7) is state
    assert "step 7: no accelerator meets the limits with the network as it stands; it stays as it was" in "".join(
        capsys.readouterr()
    )
