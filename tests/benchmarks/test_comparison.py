"""Comparisons of two ways to search: figures, intervals, verdicts."""

import dataclasses

import numpy as np
import pytest

from dna_jax.benchmarks.claim_figures import Runs, Setting
from dna_jax.benchmarks.comparison import compare
from dna_jax.benchmarks.judge import Judged
from dna_jax.benchmarks.optimum import Task
from dna_jax.hardware import nahas_edge
from dna_jax.networks import MacroSpecification, chosen_layers
from dna_jax.search import discrete_cost

TASK = Task(90.0, 1.0, 1.0, accuracy=90.0, network=0, accelerator=0)


def _runs(regret, beyond=0.0, seconds=1.0, answers=None, excess=0.0):
    """One budget; regret [seeds, steps], ten trainings and thirty prices a step."""
    regret = np.asarray(regret, float)[None]
    shape = regret.shape
    judged = Judged(
        accuracy=90 - regret,
        feasible=regret < 40,
        regret=regret,
        final_excess=np.broadcast_to(excess, shape[:2]),
        queries=np.broadcast_to(10 * (1 + np.arange(shape[2])), shape),
        evaluations=np.broadcast_to(30 * (1 + np.arange(shape[2])), shape),
        tried_beyond=np.full(shape, beyond),
        hypervolume=np.ones(shape[:2]),
    )
    return Runs(judged, np.zeros((1, shape[1], 15), int) if answers is None else answers, seconds)


@pytest.fixture
def setting():
    return Setting(table=None, template=nahas_edge(), tasks=[TASK])


def test_differences_have_intervals_and_verdicts(setting):
    generator = np.random.default_rng(0)
    good, bad = (_runs(generator.normal(mean, 0.5, (20, 4))) for mean in (1.0, 3.0))
    better = compare("accuracy", good, bad, 0, setting)
    assert better["value"] == pytest.approx(2.0, abs=0.5)
    assert better["low"] < better["value"] < better["high"]
    assert better["verdict"] == "better"
    assert compare("accuracy", bad, good, 0, setting)["verdict"] == "worse"
    assert compare("accuracy", good, good, 0, setting)["verdict"] == "undecided"


def test_fewer_designs_and_searches_beyond_budgets_are_better(setting):
    careful, careless = _runs(np.ones((8, 2)), beyond=0.2), _runs([[1.0, 50.0]] * 8, beyond=0.7)
    tried = compare("tried_beyond", careful, careless, 0, setting)
    assert (tried["new"], tried["old"], tried["value"], tried["verdict"]) == (20.0, pytest.approx(70.0), -50.0, "better")
    ended = compare("searches_beyond", careful, careless, 0, setting)
    assert (ended["new"], ended["old"], ended["verdict"]) == (0.0, 100.0, "better")


def test_what_it_takes_is_counted_to_the_accuracy_that_both_reach(setting):
    fast = _runs([[5, 2, 0, 0]] * 6, seconds=4.0)
    slow = _runs([[5, 5, 5, 2]] * 6, seconds=40.0)
    trainings = compare("queries", fast, slow, 0, setting)
    # Both reach a regret of 2: with two batches, and with four.
    assert (trainings["new"], trainings["old"], trainings["value"]) == (20.0, 40.0, 2.0)
    assert trainings["verdict"] == "better"
    assert compare("seconds", fast, slow, 0, setting)["value"] == pytest.approx(20.0)
    assert compare("queries", slow, fast, 0, setting)["verdict"] == "worse"


def test_samples_are_counted_to_what_the_other_ends_with(setting):
    joint, phased = _runs([[5, 2, 1, 0]] * 6), _runs([[50, 50, 5, 2]] * 6)
    told = compare("samples", joint, phased, 0, setting)
    # The new one has a regret of 2 after two batches; the old one is counted to its end.
    assert (told["new"], told["old"], told["value"], told["verdict"]) == (60.0, 120.0, 2.0, "better")
    # One that never has a regret of 0 has not needed fewer, however many the old one took.
    never = compare("samples", phased, joint, 0, setting)
    assert (never["new"], never["old"], never["value"], never["verdict"]) == (None, 120.0, 0.0, "worse")


def test_trainings_of_both_are_counted_to_what_the_old_one_ends_with(setting):
    joint, phased = _runs([[5, 2, 1, 0]] * 6), _runs([[50, 50, 2, 2]] * 6)
    told = compare("trainings_as_accurate", joint, phased, 0, setting)
    # Ten a step: after two, and after three.
    assert (told["new"], told["old"], told["value"], told["verdict"]) == (20.0, 30.0, 1.5, "better")
    assert compare("trainings_as_accurate", phased, joint, 0, setting)["new"] is None
    # Of the old ones those that end farther away count with all their trainings, so that intervals have ends.
    some = _runs([[50, 50, 2, 2]] * 3 + [[50, 50, 50, 3]] * 3)
    told = compare("trainings_as_accurate", joint, some, 0, setting)
    assert (told["old"], told["old_seeds"]) == (30.0, [30.0] * 3 + [40.0] * 3)
    assert (told["low"], told["high"]) == (1.5, 2.0)


def test_what_half_of_the_searches_take_is_no_less_for_those_that_never_arrive(setting):
    """Half of the new ones stay beyond what both reach: with few trainings in all, they do not make the others look fast."""
    short = _runs([[5, 1]] * 3 + [[5, 3]] * 3)
    long = _runs([[5, 5, 5, 0, 0, 0]] * 6)
    told = compare("queries", short, long, 0, setting)
    assert (told["new"], told["old"]) == (20.0, 40.0)
    # Exactly half are there: what they take, and not a mean of it and of what the others have spent.
    tailed = compare("queries", _runs([[5, 1] + [1] * 98] * 3 + [[5, 3] + [3] * 98] * 3), _runs([[0, 0]] * 6), 0, setting)
    assert (tailed["new"], tailed["old"]) == (20.0, 10.0)
    stuck = compare("samples", _runs([[5, 1]] * 2 + [[5, 3]] * 4), _runs([[5, 2]] * 6), 0, setting)
    assert stuck["new"] is None


def test_accuracy_at_equal_queries_is_of_the_trainings_that_both_make(setting):
    few, many = _runs([[5, 4]] * 6), _runs([[9, 6, 1, 0]] * 6)
    told = compare("accuracy_at_equal_queries", few, many, 0, setting)
    assert (told["new"], told["old"], told["verdict"]) == (86.0, 84.0, "better")
    assert compare("accuracy", few, many, 0, setting)["verdict"] == "worse"
    eager = dataclasses.replace(few, judged=dataclasses.replace(few.judged, queries=np.full(few.judged.queries.shape, 50)))
    # Nothing is known of one that asks for more at its first step.
    assert compare("accuracy_at_equal_queries", many, eager, 0, setting)["old"] is None


def test_values_of_every_seed_are_kept(setting):
    told = compare("queries", _runs([[2, 0]] * 3 + [[50, 50]]), _runs([[2, 1]] * 4), 0, setting)
    assert told["new_seeds"] == [20, 20, 20, 20]
    assert compare("samples", _runs([[2, 0]] * 3 + [[50, 50]]), _runs([[2, 1]] * 4), 0, setting)["new_seeds"][3] is None
    # Of a search that ends beyond the budgets there is no accuracy within them.
    within = compare("accuracy_within", _runs([[1.0], [50.0], [3.0]]), _runs([[2.0]] * 3), 0, setting)
    assert (within["new_seeds"], within["new"]) == ([89.0, None, 87.0], 88.0)


def test_excess_over_budgets_has_a_size(setting):
    new, old = _runs(np.zeros((4, 2)), excess=[0.0, 0.004, 0.0, 0.008]), _runs(np.zeros((4, 2)), excess=0.3)
    told = compare("excess", new, old, 0, setting)
    assert (told["new"], told["old"], told["verdict"]) == (pytest.approx(0.3), pytest.approx(30.0), "better")
    far = compare("searches_far_beyond", new, old, 0, setting)
    assert (far["new"], far["old"]) == (0.0, 100.0)


def test_designs_tried_late_are_of_the_last_quarter(setting):
    early = _runs(np.ones((6, 4)))
    early.judged.tried_beyond[..., :3] = 1.0
    late = _runs(np.ones((6, 4)), beyond=0.5)
    told = compare("tried_beyond_late", early, late, 0, setting)
    assert (told["new"], told["old"], told["verdict"]) == (0.0, 50.0, "better")


def test_where_one_side_ends_beyond_its_budgets_meeting_them_is_what_both_reach(setting):
    able = _runs([[50, 50, 3, 3]] * 6)
    unable = _runs([[50, 50, 50, 50]] * 5 + [[50, 50, 50, 4]])
    told = compare("queries", able, unable, 0, setting)
    # From the third batch on; the others count with all that they have spent.
    assert (told["new"], told["old"], told["verdict"]) == (30.0, 40.0, "better")
    assert compare("queries", unable, able, 0, setting)["verdict"] == "worse"
    within = compare("accuracy_within", able, unable, 0, setting)
    assert (within["new"], within["old"]) == (87.0, 86.0)
    none = compare("accuracy_within", able, _runs([[50.0]] * 6), 0, setting)
    assert (none["old"], none["value"], none["verdict"]) == (None, None, "undecided")


def test_few_searches_beyond_their_budgets_decide_nothing(setting):
    clean, rarely = _runs([[1.0]] * 20), _runs([[1.0]] * 17 + [[50.0]] * 3)
    assert compare("searches_beyond", clean, rarely, 0, setting)["verdict"] == "undecided"
    often = _runs([[1.0]] * 8 + [[50.0]] * 12)
    assert compare("searches_beyond", clean, often, 0, setting)["verdict"] == "better"


def test_shares_are_of_the_new_figure_as_they_were_published(benchmark):
    """(10.5 - 6.8) / 10.5 = 35.24 %: the convention of the abstract of Jiang et al."""
    table = benchmark.table
    setting = Setting(table, nahas_edge(), benchmark.tasks)
    task = benchmark.tasks[0]
    best = np.concatenate([table.network_space.grid()[task.network], table.accelerator_space.grid()[task.accelerator]])
    other = np.concatenate([np.full(8, 2), table.accelerator_space.grid()[task.accelerator]])
    new, old = (_runs(np.zeros((3, 2)), answers=np.tile(design, (1, 3, 1))) for design in (best, other))
    told = compare("throughput", new, old, 0, setting)
    assert told["new"] == pytest.approx(1e3 / table.latency_of(best))
    assert told["value"] == pytest.approx(100 * (told["new"] - told["old"]) / told["new"])
    energy = compare("energy_efficiency", new, old, 0, setting)
    design = table.space.design(best)
    cost = discrete_cost(nahas_edge(), chosen_layers(MacroSpecification(), design), design)
    macs = sum(layer.macs for layer in chosen_layers(MacroSpecification(), design) if layer.weight_bits)
    assert energy["new"] == pytest.approx(2e-9 * macs / float(cost.energy_j))
