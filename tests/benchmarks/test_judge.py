"""Judging searches: by exact figures, whatever they were told."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from dna_jax.benchmarks.figures import curve, figures, regret_at, spent_until_near
from dna_jax.benchmarks.judge import judge
from dna_jax.benchmarks.run import TrialSearch, _run, ready
from dna_jax.benchmarks.statistics import bootstrap, difference, newcombe, summary, wilson
from dna_jax.search.strategies import EvolutionSearch, Trials, UniformSearch


def _trials(small, answers, designs):
    """One budget, one seed."""
    answers, designs = np.asarray(answers)[None, None], np.asarray(designs)[None, None]
    steps, batch = designs.shape[2:4]
    return Trials(
        designs=designs,
        trained=np.ones((1, 1, steps, batch), bool),
        queries=np.full((1, 1, steps), batch),
        evaluations=np.full((1, 1, steps), 3 * batch),
        answer=answers,
    )


def test_regret_and_feasibility_are_exact(small, small_tasks, small_front):
    task = small_tasks[0]
    optimum = np.concatenate([small.network_space.grid()[task.network], small.accelerator_space.grid()[task.accelerator]])
    slow = np.array([2, 2, 2, 0, 0])
    assert small.latency_of(slow) > task.latency_ms
    trials = _trials(small, [slow, optimum], [[slow, optimum], [optimum, optimum]])
    judged = judge(trials, small, [task], small_front)
    assert judged.final_regret[0, 0] == 0
    assert judged.feasible[0, 0].tolist() == [False, True]
    # An answer beyond the budgets is worth no more than the worst network.
    assert judged.regret[0, 0, 0] == pytest.approx(task.accuracy - small.mean_accuracy.min())
    assert judged.tried_beyond[0, 0].tolist() == [0.5, 0.0]
    assert judged.final_excess[0, 0] == 0
    ended = judge(_trials(small, [optimum, slow], [[optimum]] * 2), small, [task], small_front)
    _, accelerator = small.rows(slow)
    ratios = small.latency_of(slow) / task.latency_ms, small.area_mm2[accelerator] / task.area_mm2
    assert ended.final_excess[0, 0] == pytest.approx(max(ratios) - 1)
    assert judged.queries[0, 0].tolist() == [2, 4]
    assert judged.evaluations[0, 0].tolist() == [6, 12]


def test_the_whole_front_has_a_hypervolume_ratio_of_one(small, small_tasks, small_front):
    everything = np.concatenate(
        [small.network_space.grid()[small_front.network], small.accelerator_space.grid()[small_front.accelerator]], axis=1
    )
    for task in small_tasks:
        whole = judge(_trials(small, [everything[0]], [everything]), small, [task], small_front)
        assert whole.hypervolume[0, 0] == pytest.approx(1.0)
        part = judge(_trials(small, [everything[0]], [everything[:: len(everything) // 4]]), small, [task], small_front)
        assert 0 <= part.hypervolume[0, 0] < 1


def test_runs_are_reproducible_differ_by_seed_and_compile_once(small, small_tasks):
    search = TrialSearch(UniformSearch(small.space, batch=4))
    run = ready(search, small, small_tasks, 3)
    one = run([5, 6])
    assert one.designs.shape == (2, 2, 3, 4, 5)
    compiled = _run._cache_size()
    again = run([6, 7])
    assert _run._cache_size() == compiled
    assert np.array_equal(one.designs[:, 1], again.designs[:, 0])
    assert not np.array_equal(one.designs[:, 0], one.designs[:, 1])


@pytest.mark.slow
def test_seeds_are_the_same_however_many_devices_share_them(small, small_tasks, tmp_path):
    """Two devices in a process of their own, for a process has as many as when it first computed something."""
    (tmp_path / "table.pickle").write_bytes(pickle.dumps((small, small_tasks)))
    script = """
import pickle, sys
import numpy as np
from dna_jax.benchmarks.run import TrialSearch, ready, use_every_core
from dna_jax.search.strategies import EvolutionSearch
import jax
use_every_core()
table, tasks = pickle.load(open(sys.argv[1], "rb"))
trials = ready(TrialSearch(EvolutionSearch(table.space)), table, tasks, 15)(range(4))
np.savez(sys.argv[2], devices=jax.device_count(), designs=trials.designs, answer=trials.answer)
"""
    paths = [str(tmp_path / name) for name in ("table.pickle", "trials.npz")]
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": "2", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", script, *paths], check=True, env=environment)
    found = np.load(paths[1])
    alone = ready(TrialSearch(EvolutionSearch(small.space)), small, small_tasks, 15)(range(4))
    assert found["devices"] == 2
    np.testing.assert_array_equal(found["designs"], alone.designs)
    np.testing.assert_array_equal(found["answer"], alone.answer)


def test_what_it_takes_counts_from_where_the_median_stays_near(small, small_tasks, small_front):
    task = small_tasks[0]
    optimum = np.concatenate([small.network_space.grid()[task.network], small.accelerator_space.grid()[task.accelerator]])
    slow = [2, 2, 2, 0, 0]
    answers = [slow, optimum, slow, optimum, optimum]
    judged = judge(_trials(small, answers, [[optimum]] * 5), small, [task], small_front)
    spent = spent_until_near(judged, 0, seconds=10.0)
    assert spent == {"accuracy_queries": 4.0, "cost_evaluations": 12.0, "wall_seconds": 8.0}
    assert spent_until_near(judge(_trials(small, [slow], [[optimum]]), small, [task], small_front), 0, 1.0) is None
    told = figures(judged, 0, 10.0)
    assert told["regret"]["median"] == 0
    assert told["accuracy_queries"] == 5
    drawn = curve(judged, 0, task.accuracy, 10.0)
    assert drawn.mean[-1] == pytest.approx(task.accuracy)
    assert drawn.seconds[-1] == 10.0


def test_curves_are_means_with_intervals_and_regrets_are_of_what_was_asked_for(small, small_tasks, small_front):
    search = TrialSearch(UniformSearch(small.space, batch=4))
    judged = judge(ready(search, small, small_tasks, 20)(range(8)), small, small_tasks, small_front)
    drawn = curve(judged, 1, small_tasks[1].accuracy, 1.0)
    accuracy = small_tasks[1].accuracy - judged.regret[1]
    np.testing.assert_allclose(drawn.mean, accuracy.mean(axis=0))
    np.testing.assert_allclose([drawn.low[3], drawn.high[3]], bootstrap(accuracy[:, 3]))
    # Four accuracies a step: with nine of them two steps, with three not one.
    assert regret_at(judged, 1, 9) == summary(judged.regret[1][:, 1]) | {"ended": False}
    assert regret_at(judged, 1, 3) is None
    assert regret_at(judged, 1, 80) == summary(judged.final_regret[1]) | {"ended": False}
    assert regret_at(judged, 1, 1000) == summary(judged.final_regret[1]) | {"ended": True}


def test_bootstrap_intervals_cover_the_mean_as_often_as_they_say():
    generator = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        low, high = bootstrap(generator.normal(3.0, 2.0, 30), seed=trial)
        covered += low <= 3.0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_intervals_of_proportions_are_those_published():
    """Newcombe (1998), Table II, method 10: 56/70 and 48/80; 9/10 and 3/10; 10/10 and 0/20."""

    def of(count, total):
        return np.arange(total) < count

    for ours, theirs, low, high in (
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ):
        assert newcombe(of(*ours), of(*theirs)) == (pytest.approx(low, abs=2e-4), pytest.approx(high, abs=2e-4))
    assert wilson(of(81, 263)) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))


def test_designs_count_for_the_hypervolume_once_their_network_is_trained(small, small_tasks, small_front):
    task = small_tasks[0]
    rows = small.network_space.grid()[task.network], small.accelerator_space.grid()[task.accelerator]
    other = np.concatenate([rows[0], small.accelerator_space.grid()[0]])
    optimum = np.concatenate(rows)
    trials = _trials(small, [optimum], [[other, optimum]])
    untrained = trials.replace(trained=np.array([[[[True, False]]]]))
    nothing = trials.replace(trained=np.zeros((1, 1, 1, 2), bool))
    volumes = [judge(each, small, [task], small_front).hypervolume[0, 0] for each in (trials, untrained, nothing)]
    assert volumes[0] == volumes[1] > volumes[2] == 0


def test_summaries_and_differences():
    values = np.array([1.0, 2.0, 3.0, 10.0])
    told = summary(values)
    assert (told["median"], told["mean"]) == (2.5, 4.0)
    assert told["low"] <= 2.5 <= told["high"]
    apart = difference(np.full(5, 3.0), np.full(5, 1.0))
    assert apart == {"mean": 2.0, "low": 2.0, "high": 2.0}
