"""The benchmark of ASIC searches: equal effort, its table, one setting measured."""

import dataclasses

import pytest

from experiments import benchmark_asic_search as benchmark
from experiments.pipeline_search_cases import random_networks
from experiments.published_asic import Effort

EFFORT = Effort(area_mm2=4.0, evaluations=700, starts=2, seed=0)


def test_every_setting_takes_as_many_steps():
    configs = {name: benchmark._config(setting, "edp", EFFORT, 10) for name, setting in benchmark.SETTINGS.items()}
    assert {config.steps + config.descent_steps for config in configs.values()} == {10}
    assert (configs["no descent"].steps, configs["nothing but descent"].steps) == (10, 1)
    assert configs["learning rate 0"].learning_rate == 0
    assert configs["temperature 3"].temperature.start == 3
    # Each changes one thing, and no two are the same search, whatever rate the first comes to in its steps.
    searches = {repr(dataclasses.replace(config, learning_rate=config.rate)) for config in configs.values()}
    assert len(searches) == len(benchmark.SETTINGS) > 10


def test_the_table_says_where_nothing_was_found():
    rows = [benchmark._row("edp", "a", [2.0, 8.0], 10, 1.0), benchmark._row("edp", "b", [2.0, float("inf")], 10, 1.0)]
    shown = benchmark.table(rows, ["edp"])
    assert "| a | 4.00 (2.00 to 8.00) |" in shown
    assert "| b | found for 1 of 2 |" in shown


@pytest.mark.slow
def test_settings_are_measured_against_the_bound(monkeypatch):
    first = next(iter(benchmark.SETTINGS))
    monkeypatch.setattr(benchmark, "SETTINGS", {first: benchmark.SETTINGS[first]})
    rows = benchmark.measure(random_networks(1), "edp", EFFORT, "chunked")
    reached = {row["setting"]: row["times_the_bound"] for row in rows}
    assert set(reached) == {first, benchmark.SINGLE_CHUNK, benchmark.RANDOM}
    assert all(value >= 1 for value in reached.values())
    # The best single chunk is one of the pipelines, and far from what so few steps reach from nothing.
    assert reached[benchmark.SINGLE_CHUNK] < reached[first]

    alone = {
        row["setting"]: row["times_the_bound"] for row in benchmark.measure(random_networks(1), "edp", EFFORT, "nvdla_like")
    }
    assert set(alone) == {first, benchmark.RANDOM}
    assert all(value >= 1 for value in alone.values())
