"""The binary that proves an optimum, and the benchmark of searches against it."""

import json

import numpy as np
import pytest

from dna_jax.errors import UserError
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import published_layers, read_networks
from dna_jax.search import ESTIMATORS, FoundPipeline, Limits, PipelineSearchConfig, evaluations_per_step
from dna_jax.spaces import as_released, fpga_pipeline_space
from experiments import benchmark_pipeline_search, optimum, pipeline_search_cases, pipeline_search_report
from experiments.published_fpga import prove_optima

STATED = THIRD_PARTY / "auto_nba" / "dna_networks.json"


def test_an_optimum_with_its_certificate(run_binary, tmp_path, capsys):
    path = tmp_path / "certificate.json"
    process = run_binary("optimum", "--network=cifar_small4", "--dsp=64", "--bram=140", "--mode=fixed", f"--out={path}")
    assert process.returncode == 0, process.stderr
    assert "certificate rechecked" in process.stdout
    written = json.loads(path.read_text())
    assert f"{written['fps']:.2f} images/s" in process.stdout
    assert written["dsp"] <= 64
    assert written["bram"] <= 140
    # The fronts hold the design of every chunk that is built.
    chosen = {name: value for name, value in written["design"].items() if "large_rows" not in name}
    listed = [design for front in written["fronts"] for design in front["designs"]]
    assert all(any(name in design and design[name] == value for design in listed) for name, value in chosen.items())
    # The file alone is enough to follow it.
    capsys.readouterr()
    optimum.follow(path)
    assert capsys.readouterr().out == "".join(process.stdout.splitlines(keepends=True)[1:])
    for name, value in (("bound_cycles", 10 * written["bound_cycles"]), ("mode", "free"), ("model", "released")):
        path.write_text(json.dumps(written | {name: value}))
        with pytest.raises(UserError, match=r"certificate\.json does not hold \(.*\); have it written anew with --out\.$"):
            optimum.follow(path)


@pytest.mark.slow
def test_the_optimum_of_a_published_network(run_binary, tmp_path, capsys):
    """Layers make a network, too; the certificate states them."""
    path = tmp_path / "certificate.json"
    process = run_binary("optimum", "--network=mobilenet_v2", "--bits=4", "--device=zcu102", f"--out={path}")
    assert process.returncode == 0, process.stderr
    written = json.loads(path.read_text())
    expected, _ = prove_optima("mobilenet_v2", published_layers("mobilenet_v2"), "zcu102", 4)
    assert written["fps"] == pytest.approx(expected["fps"])
    assert written["design"] == expected["design"]
    capsys.readouterr()
    optimum.follow(path)
    assert capsys.readouterr().out == "".join(process.stdout.splitlines(keepends=True)[1:])
    # Other layers make another optimum.
    layers = [layer | {"P": 2 * layer.get("P", 1), "Q": 2 * layer.get("Q", 1)} for layer in written["network"]["layers"]]
    path.write_text(json.dumps(written | {"network": written["network"] | {"layers": layers}}))
    with pytest.raises(UserError, match="does not hold"):
        optimum.follow(path)
    for network, reason in (
        ({"family": "imagenet", "layers": []}, "the network lacks 'name'"),
        (written["network"] | {"family": "moon"}, "has the family 'moon'; choose one of cifar"),
        (written["network"] | {"layers": [layers[0] | {"K": 2.5}]}, "a layer of the network 'mobilenet_v2' has the K 2.5"),
        (written["network"] | {"layers": [{"K": 2}]}, "states no network by its layers"),
        (written["network"] | {"layers": [layers[0] | {"groups": 7}]}, "groups 7 must divide"),
        (written["network"] | {"layers": []}, "has no layer that a pipeline runs"),
        (written["network"] | {"layers": [layers[0] | {"Q": 3}]}, "cannot run on a pipeline .*square maps"),
        (written["network"] | {"layers": [layers[0] | {"input_bits": 8}]}, "cannot run on a pipeline .*have one width"),
    ):
        path.write_text(json.dumps(written | {"network": network}))
        with pytest.raises(UserError, match=reason):
            optimum.follow(path)
    path.write_text(json.dumps(written | {"model": "released"}))
    with pytest.raises(UserError, match="the released model does not know; take the corrected model"):
        optimum.follow(path)


@pytest.mark.slow
def test_the_network_of_a_run_has_tiles_of_its_size(run_binary, refused):
    """As the run itself has proven, in the allocation of the release."""
    run = "experiments/results/dna_fpga/summary.json"
    process = run_binary("optimum", f"--network={run}")
    assert process.returncode == 0, process.stderr
    expected = json.loads((STATED.parents[2] / run).read_text())["optimality"]["best_cost"]["fps"]
    assert f"{expected:.2f} images/s" in process.stdout
    # The allocation tried, too, takes fewer block RAMs for as many.
    process = run_binary("optimum", f"--network={run}", "--allocation=searched")
    assert f"{expected:.2f} images/s" in process.stdout
    assert "92 of 900 DSP slices" in process.stdout
    assert "445 of 700 block RAMs" in process.stdout
    assert "is of the family digits; leave out --family" in refused("optimum", f"--network={run}", "--family=imagenet")


def test_what_cannot_be_is_said_in_a_sentence(refused):
    for arguments, reason in (
        (("--network=nobody",), "--network=nobody is none of demo"),
        (("--bits=4",), "The network 'demo' states its family and its bits; leave out --bits"),
        (("--network=resnet18", "--model=released"), "the released model does not know; take the corrected model"),
        (("--network=nowhere.json",), "nowhere.json cannot be read"),
        (("--network=cifar_small4", "--dsp=1", "--bram=4"), "No pipeline fits 1 DSP slices"),
        (("--dsp=-3",), "Limits must be positive"),
        (("--networks=nowhere.json",), "cannot be read"),
        (("--certificate=nowhere.json", "--dsp=3"), "states all that is checked; leave out --dsp"),
    ):
        said = refused("optimum", *arguments)
        assert reason in said


def test_evaluations_to_come_near_the_optimum(monkeypatch):
    """Four runs of four steps on one problem; the median is of all, and infinite ones are not reached."""
    histories = [[0, 96, 96, 99], [10, 20, 95, 95], [0, 0, 0, 94.9], [95, 95, 95, 95]]
    space = fpga_pipeline_space("cifar").fix(as_released("cifar"))
    problem = pipeline_search_cases.Case("it", (), space, Limits(1, 1), "corrected", 100.0)
    for kept, median in ((histories, 40), (histories[:1], 32), (histories[:3], 48), (histories[2:3], None)):
        found = [FoundPipeline(history[-1], 1.0, 1.0, {}, np.array(history)) for history in kept]
        monkeypatch.setattr(pipeline_search_cases, "search_pipelines", lambda *_, found=found: found)
        row = pipeline_search_cases.judge([problem], PipelineSearchConfig(steps=4, samples=16), seeds=len(kept))
        assert row["evaluations_to_95_percent"] == median
        assert row["share_within_5_percent"] == pytest.approx(np.mean([max(history) >= 95 for history in kept]))
    with pytest.raises(UserError, match="No pipeline for any of the networks fits"):
        pipeline_search_cases.judge([None], PipelineSearchConfig(), 1)


def test_searches_are_tabled_and_drawn(tmp_path):
    rows = [
        {"equal": equal, "estimator": estimator, "by_chunk": whole, "recombined": recombined, "mean_percent": 97.25}
        | {"least_percent": 88.4, "seconds_per_run": 0.125, "evaluations": 3200, "curve": [0.0, 50.0, 100.0]}
        | {"learning_rate": None if estimator == "random" else 0.05}
        | {"evaluations_to_95_percent": 1234.0 if recombined else None, "feasible_share": 1.0 if recombined else 0.5}
        for equal in ("evaluations", "time")
        for recombined in (True, False)
        for estimator, whole in (*((name, True) for name in (*ESTIMATORS, "random")), ("reinforce", False))
    ]
    lines = pipeline_search_report.table(rows).splitlines()
    assert len(lines) == 2 + len(ESTIMATORS) + 2
    half = "97.2 (88), 50 % feasible"
    assert lines[2] == f"| published | 0.05 | {half} | {half} | not reached | 97.2 (88) | 97.2 (88) | 1,234 | 0.12 |"
    assert lines[-2].startswith("| random | - |")
    assert lines[-1].startswith("| reinforce, every chunk from the whole |")
    pipeline_search_report.plot(rows, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_default_search_stands_beside_what_each_half_of_it_reaches(monkeypatch):
    figures = {"mean_percent": 99.0, "least_percent": 98.0, "feasible_share": 1.0, "evaluations": 1, "seconds_per_run": 0.1}
    monkeypatch.setattr(benchmark_pipeline_search, "judge", lambda _, config, seeds: figures | {"config": config})
    monkeypatch.setattr(benchmark_pipeline_search, "case", lambda *_: None)
    rows = benchmark_pipeline_search.measure_default(read_networks(STATED)[:1], 1)
    by_method = {row["method"]: row["config"] for row in rows}
    assert [by_method["default"], by_method["as drawn"].recombined] == [PipelineSearchConfig(), False]
    assert (by_method["random"].estimator, by_method["random"].recombined) == ("random", True)
    # Two models, two modes and three limits in the allocation of the release; one model where it is searched.
    assert len(rows) == 3 * 12 + 6
    assert {row["method"] for row in rows if row["allocation"] == "searched"} == {"default"}


def test_estimators_are_compared_at_equal_evaluations(monkeypatch):
    measured, modes = [], set()

    def judge(_, config, seeds):
        assert seeds == 3
        measured.append(config)
        # A rate of 0.125 is the best of every estimator.
        figures = {"least_percent": 80.0, "feasible_share": 1.0, "evaluations": 1}
        figures |= {"mean_percent": 95.0 if config.learning_rate == 0.125 else 90.0}
        return figures | {"seconds_per_run": 0.1 * config.steps / len(measured), "config": config}

    monkeypatch.setattr(benchmark_pipeline_search, "judge", judge)
    monkeypatch.setattr(benchmark_pipeline_search, "case", lambda network, limits, mode, model: modes.add((mode, model)))
    rows = benchmark_pipeline_search.measure_estimators(read_networks(STATED)[:1], 3, [0.5, 0.125], "fixed")
    assert modes == {("fixed", "corrected")}
    # Random search alone learns at no rate, and is tried once.
    tried = [row for row in rows if row["equal"] == "evaluations, rate tried"]
    assert [row["learning_rate"] for row in tried] == [0.5] * (len(ESTIMATORS) + 1)
    assert len(measured) == len(rows)
    # Every estimator and random search, and one more way to learn; without and with recombination; by either measure.
    rows = [row for row in rows if row not in tried]
    assert len(rows) == (len(ESTIMATORS) + 2) * 2 * 2
    assert {row["learning_rate"] for row in rows if row["estimator"] != "random"} == {0.125}
    space, default = fpga_pipeline_space("cifar").fix(as_released("cifar", mode=True)), PipelineSearchConfig()
    budget = default.steps * evaluations_per_step(default, space)
    for row in rows:
        config, each = row["config"], evaluations_per_step(row["config"], space)
        assert (row["estimator"], row["by_chunk"]) == (config.estimator, config.by_chunk)
        assert (row["recombined"], row["mode"]) == (config.recombined, "fixed")
        assert row["learning_rate"] in (config.learning_rate, None)
        if row["equal"] == "evaluations":
            assert budget - each < config.steps * each <= budget
    # By time, as long as the default estimator took: slower ones get fewer steps.
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    given = {first["recombined"]: first["seconds_per_run"] for first, _ in pairs[:2]}
    for first, second in pairs:
        wanted = first["config"].steps * given[first["recombined"]] / first["seconds_per_run"]
        assert (first["equal"], second["equal"]) == ("evaluations", "time")
        assert second["config"].steps == max(1, round(wanted))


def test_options_of_a_table_that_is_not_measured_are_refused(refused):
    for table, option, reason in (
        ("default", "--learning_rates=0.1", "is of the table estimators; add --tables=estimators, or leave it out."),
        ("default", "--mode=fixed", "is of the table estimators; add --tables=estimators, or leave it out."),
        ("settings", "--random_networks=2", "is of the tables certificates and default; add --tables=default"),
        ("default", "--plot=x.png", "draws the table estimators; add --tables=estimators, or leave it out."),
        ("estimators", "--learning_rates=nan", "must be finite numbers above 0, separated by commas."),
        ("estimators", "--learning_rates=fast", "must be finite numbers above 0, separated by commas."),
    ):
        said = refused("benchmark_pipeline_search", f"--tables={table}", option)
        assert reason in said


def test_networks_that_cannot_be_measured_are_named(tmp_path):
    five = json.loads(STATED.read_text())[0] | {"bits": [5] * 22}
    path = tmp_path / "networks.json"
    for stated, reason in (([], "states no network"), ([five], "operand widths other than 4, 6, 8 bits")):
        path.write_text(json.dumps(stated))
        with pytest.raises(UserError, match=reason):
            pipeline_search_cases.stated_networks(path)


def test_searches_are_judged_by_the_proven_optimum():
    (network,) = [n for n in read_networks(STATED) if n.name == "cifar_large8"]
    cases = [pipeline_search_cases.case(network, limits, "fixed", "released") for limits in pipeline_search_cases.LIMITS[:2]]
    row = pipeline_search_cases.judge([*cases, None], PipelineSearchConfig(steps=30, samples=4), seeds=2)
    assert row["cases"] == 2
    assert row["feasible_share"] == 1
    assert 30 < row["least_percent"] <= row["mean_percent"] <= 100 + 1e-9
    assert row["evaluations"] == 120
    assert len(row["curve"]) == 30
    needed = row["evaluations_to_95_percent"]
    assert needed is None or (needed % 2 == 0 and needed <= 120)
    assert (needed is not None) == (row["share_within_5_percent"] > 0.5) or row["share_within_5_percent"] == 0.5
    drawn = pipeline_search_cases.random_networks(3)
    assert [network.plan for network in drawn] == ["cifar", "imagenet", "cifar"]
    assert drawn[0].operations != drawn[2].operations
