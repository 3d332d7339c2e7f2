"""Settings chosen on the benchmark: what is tried, and how it is judged."""

import dataclasses
import json
import pathlib

import pytest

from dna_jax.benchmarks.settings import StrategySettings
from dna_jax.benchmarks.strategies import COMPARABLE
from dna_jax.benchmarks.tuning import BEFORE, STRATEGY, VALUES, Tried, best_of, changed, draw, settings_of

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", VALUES)
def test_tries_are_settings_of_one_strategy_that_are_allowed_and_differ(name):
    assert STRATEGY[name] in COMPARABLE
    tries = draw(name, 12, seed=0)
    assert tries[0] == {}
    assert tries == draw(name, 12, seed=0) != draw(name, 12, seed=1)
    assert all(path.startswith(f"{name}.") for changes in tries for path in changes)
    assert getattr(settings_of(name, {}), name) == BEFORE[name]
    assert len({settings_of(name, changes) for changes in tries}) >= 11


def test_a_setting_is_changed_at_its_path_alone():
    settings = StrategySettings()
    other = changed(settings, "differentiable.network.learning_rate", 0.7)
    assert other.differentiable.network.learning_rate == 0.7
    assert changed(other, "differentiable.network.learning_rate", settings.differentiable.network.learning_rate) == settings


def _tried(queries, evaluations, medians=(0.0, 0.0), means=(0.0, 0.0)):
    return Tried(tuple(medians), tuple(means), tuple(queries), tuple(evaluations))


def test_the_best_needs_the_fewest_accuracies_at_its_slowest_budget():
    # Its regret in the end does not count.
    slow, quick = _tried([10, 300], [10, 300]), _tried([200, 200], [900, 900], [0.1, 0.1], [5, 5])
    assert best_of([slow, quick]) == 1
    assert best_of([quick] * 2) == 0
    # One that never gets there at a budget comes after those that do, however soon it is elsewhere.
    assert best_of([_tried([1, None], [1, None]), slow]) == 1


def test_of_those_that_know_every_accuracy_the_best_ends_nearest():
    tries = [_tried([9, 9], [5, 5], [0.0, 0.1], [0, 1]), _tried([9, 9], [50, 50], [0.0, 0.0], [0, 1])]
    assert best_of(tries) == 1
    assert best_of([*tries, _tried([9, 9], [90, 90], [0.0, 0.0], [0.5, 0.5])]) == 2


def test_where_none_comes_near_the_least_regret_counts_where_it_is_worst():
    def tried(medians, means):
        return _tried([None] * len(medians), [None] * len(medians), medians, means)

    assert best_of([tried([0.0, 0.3], [0, 0]), tried([0.2, 0.2], [1, 1])]) == 1
    # Medians tie at the worst budget: means decide, at their worst.
    assert best_of([tried([0.2, 0.2], [1, 0]), tried([0.2, 0.0], [3, 0]), tried([0.0, 0.2], [0.9, 0.9])]) == 2
    assert best_of([tried([0.2], [1])] * 2) == 0


def test_settings_are_those_that_were_chosen():
    """Of the runs whose results are kept; rewards of REINFORCE and where a surrogate ends were not chosen."""
    results = ROOT / "experiments" / "results" / "tuning"
    kept, again = (json.loads((results / f"{name}.json").read_text())["strategies"] for name in ("tuning", "differentiable"))
    assert set(again) < set(kept) == set(VALUES)
    kept |= again
    own = json.loads(json.dumps(dataclasses.asdict(StrategySettings())))
    assert {name: own[name] for name in VALUES} == {name: kept[name]["settings"] for name in VALUES}
    for name, found in kept.items():
        keys = ("median_regrets", "mean_regrets", "queries_until_near", "priced_until_near")
        tries = [Tried(*(tuple(tried[key]) for key in keys)) for tried in found["tries"]]
        assert best_of(tries) == found["chosen"]
        assert [tried["changes"] for tried in found["tries"]] == draw(name, len(tries), seed=0)


@pytest.mark.slow
def test_a_small_choice_is_written(within, tmp_path, capsys):
    out = tmp_path / "chosen.json"
    flags = ("--strategies=evolution_tuned", "--tries=2", "--seeds=2", "--samples=100", f"--out={out}")
    assert within("tune_strategies", *flags) in (None, 0)
    own = json.loads(out.read_text())["strategies"]["evolution_tuned"]
    assert len(own["tries"]) == 2
    assert all(len(tried["mean_regrets"]) == 5 for tried in own["tries"])
    assert all(len(tried["median_regrets"]) == 5 for tried in own["tries"])
    changes = {path.split(".")[1]: value for path, value in own["tries"][own["chosen"]]["changes"].items()}
    assert own["settings"] == {"population": 100, "sample": 25, "batch": 10} | changes
    said = capsys.readouterr().out
    assert said.count("**") == 2
    assert (tmp_path / "chosen.md").read_text().strip() == said.strip()


def test_unknown_settings_are_refused(refused):
    assert "some of" in refused("tune_strategies", "--strategies=luck")
