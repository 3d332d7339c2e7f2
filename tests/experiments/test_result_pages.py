"""Tables of strategies and of claims say what the files beside them hold; tables made by hand are not looked at."""

import importlib
import json
import pathlib
import re

import pytest

from dna_jax.runs.config import from_mapping
from experiments import benchmark_search, compare_strategies, search_report
from experiments.claim_config import ClaimConfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / "experiments" / "results"
CLAIMS = sorted(path.stem for path in (RESULTS / "claims").glob("*.json"))

ROWS = {
    "random": "random",
    "NSGA-II": "nsga2",
    "regularised evolution (tuned)": ("evolution", "evolution_tuned"),
    "the same (tuned), told exact accuracies": "evolution_exact",
    "PPO, hard reward (NAHAS)": "ppo",
    "phase search (NAHAS)": "phases",
    "fast/slow co-exploration": "fast_slow",
    "differentiable, exact accuracies, best of its samples": "differentiable",
    "differentiable, likeliest design, settings of a run (`SearchConfig`)": "differentiable_library",
    "differentiable, sampled accuracies": "differentiable_score",
    "differentiable, fitted surrogate": "differentiable_surrogate",
}
"""Rows of the README's table of strategies, and whose medians they have."""


@pytest.fixture(scope="module")
def results():
    """Of the benchmark of strategies, as committed."""
    return json.loads((RESULTS / "macro_edge" / "results.json").read_text())


def test_tables_of_strategies_are_those_of_the_results(results):
    written = (RESULTS / "macro_edge" / "results.md").read_text()
    assert search_report.report(results, benchmark_search.DEFAULTS, benchmark_search.BASELINE) == written
    page = (RESULTS / "macro_edge" / "README.md").read_text().splitlines()
    assert [line for line in written.splitlines() if line not in page] == []
    # Nor is any row left from an earlier run.
    of_strategies = [line for line in page if line.startswith(tuple(f"| {name} |" for name in results["strategies"]))]
    assert [line for line in of_strategies if line not in written.splitlines()] == []


def test_the_readme_has_the_medians_of_the_results(results):
    table = dict(re.findall(r"^\| ([^|]+) \| [^|]+ \|(.*)\|$", (ROOT / "README.md").read_text(), re.MULTILINE))
    for label, names in ROWS.items():
        cells = [re.findall(r"(\d+\.\d\d)", cell) for cell in table[label].split("|")]
        names = (names,) if isinstance(names, str) else names
        told = [
            [f"{results['strategies'][name][budget]['regret']['median']:.2f}" for name in names]
            for budget in results["budgets"]
        ]
        assert cells == told, label


@pytest.mark.parametrize("claim", CLAIMS)
def test_tables_of_claims_are_those_of_their_results(claim):
    card = importlib.import_module(f"experiments.configs.claim_{claim}")
    config = from_mapping(ClaimConfig, card.get_config().to_dict())
    compared = json.loads((RESULTS / "claims" / f"{claim}.json").read_text())["compared"]
    assert compare_strategies.report(config, compared) == (RESULTS / "claims" / f"{claim}.md").read_text()
