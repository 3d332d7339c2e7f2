"""A learned cost model in a run: kept in its folder, the same when learned again, and said in what the run leaves behind."""

import dataclasses
import json
import shutil

import jax
import numpy as np
import pytest

from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.learned_pricing import FILE, load, with_learned_cost
from dna_jax.runs.problem import build_problem
from dna_jax.runs.table import learned_cost_sentences
from dna_jax.search.learned_cost import LearnedCostConfig
from experiments.configs import digits

FEW = LearnedCostConfig(samples=256, epochs=2)
CARD = "--config=experiments/configs/nahas_learned_cost.py:smoke"


@pytest.fixture(scope="module")
def problem():
    config = from_mapping(CosearchConfig, digits.get_config("smoke").to_dict())
    cost = dataclasses.replace(config.cost, model="learned", learned=FEW)
    return build_problem(dataclasses.replace(config, cost=cost), None)


@pytest.fixture(scope="module")
def kept(problem, tmp_path_factory):
    """The folder of a run that has learned, the problem with what was learned, and what is reported."""
    folder = tmp_path_factory.mktemp("run")
    return folder, *with_learned_cost(problem, folder)


def _equal(first, second):
    leaves = zip(*(jax.tree.leaves(problem.learned.learned) for problem in (first, second)), strict=True)
    return all(np.array_equal(a, b) for a, b in leaves)


@pytest.mark.slow
def test_a_resumed_run_finds_what_it_learned(problem, kept, capsys):
    folder, found, report = kept
    again, report_again = with_learned_cost(problem, folder)
    assert _equal(found, again)
    assert report == report_again
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize("damage", [None, b"PK damaged"], ids=["missing", "damaged"])
def test_what_cannot_be_read_is_learned_anew_and_ends_the_same(problem, kept, tmp_path, damage):
    _, found, report = kept
    if damage:
        (tmp_path / FILE).write_bytes(damage)
    again, report_again = with_learned_cost(problem, tmp_path)
    assert _equal(found, again)
    assert report["errors"] == report_again["errors"]
    assert load(tmp_path / FILE, problem.strategy.space) is not None


@pytest.mark.slow
def test_the_model_of_another_space_is_not_taken(problem, kept):
    folder, _, _ = kept
    space = problem.strategy.space
    assert load(folder / FILE, space) is not None
    assert load(folder / FILE, space.fix({"accelerator.pes_x": 4})) is None


@pytest.mark.slow
def test_the_search_has_its_costs_from_what_was_learned(problem, kept):
    _, found, report = kept
    point = problem.strategy.space.sample(jax.random.key(0))
    learned, analytical = found.strategy.cost(point), problem.strategy.cost(point)
    assert set(learned.metrics) == {"latency_ms", "area_mm2"}
    assert set(analytical.metrics) == {"latency_ms", "energy_mj", "area_mm2"}
    # Two rounds of 256 designs are enough for the order of magnitude.
    for name, value in learned.metrics.items():
        assert 0.1 < float(value / analytical.metrics[name]) < 10
    assert report["samples"] == 256
    assert report["held_out"] == 13
    assert all(value > 0 for value in report["milliseconds_per_design_with_gradient"].values())
    assert report["share_that_overflows"] == 0


def test_the_report_says_how_far_and_how_fast():
    block = {
        "samples": 500_000,
        "held_out": 25_000,
        "errors": {
            "latency_ms": {"median_abs_pct": 0.671, "p95_abs_pct": 2.31, "spearman": 0.999},
            "area_mm2": {"median_abs_pct": 8.04, "p95_abs_pct": 21.3, "spearman": 0.99},
        },
        "milliseconds_per_design_with_gradient": {"learned": 0.123, "analytical": 4.56},
    }
    (sentence,) = learned_cost_sentences({"learned_cost": block})
    assert "from 500,000 designs; on 25,000 others its latency is 0.671 % off (median; 95th percentile 2.31 %)" in sentence
    assert "its area 8.04 % (21.3 %), in 0.123 ms a design with gradient against 4.56 ms of" in sentence
    assert learned_cost_sentences({"learned_cost": None}) == learned_cost_sentences({}) == []


def test_budgets_on_energy_are_refused(refused, tmp_path):
    said = refused("cosearch", CARD, "--config.budgets.energy_mj=1.0", f"--workdir={tmp_path / 'run'}")
    assert "budgets.energy_mj needs cost.model=analytical" in said


@pytest.fixture(scope="module")
def finished(run_binary, tmp_path_factory):
    """A whole run: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("learned") / "run"
    process = run_binary("cosearch", CARD, f"--workdir={folder}")
    assert process.returncode == 0, process.stderr
    return folder, process.stdout


@pytest.mark.slow
def test_a_run_with_a_learned_cost_model_says_so(finished):
    folder, printed = finished
    summary = json.loads((folder / "summary.json").read_text())
    (sentence,) = learned_cost_sentences(summary)
    assert sentence in printed
    assert "The search took costs from a model learned from 1,000 designs" in (folder / "report.html").read_text()
    assert summary["learned_cost"]["samples"] == 1000
    # Of costs that the search had, the last line of metrics has those of the model; the verdict has all.
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    search = [line for line in lines if line["phase"] == "search"]
    assert {"latency_ms", "area_mm2"} <= set(search[-1])
    assert "energy_mj" not in search[-1]
    assert set(summary["cost"]) == {"latency_ms", "energy_mj", "area_mm2", "area_normalized", "peak_tops"}


@pytest.mark.slow
def test_a_run_that_is_resumed_searches_with_the_model_it_has_and_ends_the_same(finished, run_binary, tmp_path):
    folder, _ = finished
    # As if killed after the model was learned, before the first checkpoint of the search.
    cut_short = tmp_path / "run"
    cut_short.mkdir()
    for name in ("config.json", FILE):
        shutil.copy(folder / name, cut_short / name)
    process = run_binary("cosearch", CARD, f"--workdir={cut_short}")
    assert process.returncode == 0, process.stderr
    assert "A cost model is learned" not in process.stderr
    first, again = (json.loads((path / "summary.json").read_text()) for path in (folder, cut_short))
    times = {"wall_seconds": 0, "search_seconds": 0}
    assert first | times == again | times
