"""The binary that proves an optimum, and the benchmark of searches against it."""

import json

import pytest

from dna_jax.errors import UserError
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import read_networks
from dna_jax.search import PipelineSearchConfig
from experiments import benchmark_pipeline_search as benchmark
from experiments import optimum

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


def test_what_cannot_be_is_said_in_a_sentence(run_binary):
    for arguments, reason in (
        (("--network=nobody",), "--network=nobody is none of demo"),
        (("--network=cifar_small4", "--dsp=1", "--bram=4"), "No pipeline fits 1 DSP slices"),
        (("--dsp=-3",), "Limits must be positive"),
        (("--networks=nowhere.json",), "cannot be read"),
        (("--certificate=nowhere.json", "--dsp=3"), "states all that is checked; leave out --dsp"),
    ):
        process = run_binary("optimum", *arguments)
        assert process.returncode == 2
        assert reason in process.stderr
        assert process.stderr.count("\n") == 1


def test_searches_are_judged_by_the_proven_optimum(tmp_path):
    (network,) = [n for n in read_networks(STATED) if n.name == "cifar_large8"]
    cases = [benchmark.case(network, limits, "fixed", "released") for limits in benchmark.LIMITS[:2]]
    row = benchmark.judge([*cases, None], PipelineSearchConfig(steps=30, samples=4), seeds=2)
    assert row["cases"] == 2
    assert row["feasible_share"] == 1
    assert 30 < row["least_percent"] <= row["mean_percent"] <= 100 + 1e-9
    assert row["evaluations"] == 120
    assert len(row["curve"]) == 30
    entry = {"equal": "evaluations", "estimator": "reinforce", "by_chunk": True}
    benchmark.plot([entry | row | {"recombined": flag} for flag in (True, False)], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    drawn = benchmark.random_networks(3)
    assert [network.plan for network in drawn] == ["cifar", "imagenet", "cifar"]
    assert drawn[0].operations != drawn[2].operations
