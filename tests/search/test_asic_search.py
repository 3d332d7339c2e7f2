"""The search of ASIC pipelines: better than random at equal pricing, within its limits, never below the bound."""

import dataclasses

import numpy as np
import pytest

from dna_jax.hardware.asic import evaluate_pipeline, group_names, price_designs
from dna_jax.networks import published_layers
from dna_jax.search import asic_steps
from dna_jax.search.asic_search import AsicSearchConfig, search_asic_pipeline
from dna_jax.spaces import asic_pipeline_space
from dna_jax.spaces.asic_pipeline import allocation_name, chunk_name
from dna_jax.workload import Layer

# Arrays limit these, not the link, so that two chunks do more than one.
SHAPES = [
    Layer("convolution", K=96, C=96, P=28, Q=28, R=3, S=3),
    Layer("depthwise", K=96, C=96, P=28, Q=28, R=3, S=3, groups=96),
    Layer("project", K=64, C=96, P=28, Q=28),
]


def _network(shapes, blocks):
    return [dataclasses.replace(shape, name=f"{block}.{shape.name}") for block in blocks for shape in shapes]


LAYERS = _network(SHAPES, ["block_01", "block_02", "block_03", "block_04"])
STYLE = chunk_name(1, "style")
SPACE = asic_pipeline_space(group_names(LAYERS), 2).fix({STYLE: "nvdla"})
CONFIG = AsicSearchConfig(starts=3, steps=80, descent_steps=25)
AREA = 5.0


def _search(*arguments, **named):
    """A search that finds something."""
    result = search_asic_pipeline(*arguments, **named)
    assert result.design is not None
    assert result.cost is not None
    return result.design, result.cost, result


def _best_at_random(space, layers, area_mm2, number):
    """The least energy-delay product of designs drawn uniformly, with what is fixed, among those within the area."""
    generator = np.random.default_rng(0)
    drawn = [generator.choice([d.index(option) for option in space.allowed(d.name)], size=number) for d in space.decisions]
    costs = price_designs(space, layers, np.stack(drawn, axis=1), objective="edp")
    return costs.edp[costs.area_mm2 <= area_mm2].min()


@pytest.fixture(scope="module")
def found():
    return _search(SPACE, LAYERS, AREA, CONFIG)


@pytest.mark.slow
def test_the_search_beats_random_designs_and_keeps_the_budget(found):
    design, cost, result = found
    assert design[STYLE] == "nvdla"
    assert cost.area_mm2 <= AREA
    assert cost.edp >= result.bound.edp
    assert result.gap == pytest.approx(cost.edp / result.bound.edp - 1)
    assert cost.edp == pytest.approx(result.best_of_starts.min(), rel=1e-3)
    exact, _ = evaluate_pipeline(LAYERS, design, objective="edp")
    assert float(exact.edp) == pytest.approx(cost.edp)

    # As many as the search prices, neighbours included.
    assert cost.edp < _best_at_random(SPACE, LAYERS, AREA, result.evaluations)


def test_the_learning_rate_follows_from_the_steps_unless_given():
    rates = [AsicSearchConfig(steps=steps).rate for steps in (1, 8, 64)]
    np.testing.assert_allclose(rates, [asic_steps.TRAVEL, asic_steps.TRAVEL / 8, asic_steps.TRAVEL / 64])
    assert AsicSearchConfig(steps=8, learning_rate=0.3).rate == 0.3


@pytest.mark.slow
def test_learning_alone_finds_more_than_draws_and_their_neighbours():
    """Without descent, which finds good designs by itself; at a rate of 0 draws stay uniform."""
    mean = {}
    for rate in (0.0, None):
        config = AsicSearchConfig(starts=4, steps=40, learning_rate=rate)
        mean[rate] = np.exp(np.mean(np.log(search_asic_pipeline(SPACE, LAYERS, AREA, config).best_of_starts)))
    assert mean[None] < 0.6 * mean[0.0]


@pytest.mark.slow
def test_a_single_chunk_is_found_by_most_starts():
    """A chunk of a style leaves so few options that as many designs priced are 103 steps, not 28: with the rate of so few,
    logits decide before the rest is known, and most starts end at 1.4 times the best."""
    layers = published_layers("mnasnet_b1")
    space = asic_pipeline_space(group_names(layers), 1).fix({STYLE: "eyeriss"})
    _, cost, result = _search(space, layers, 4.0, AsicSearchConfig(starts=6, steps=52, descent_steps=51))
    assert np.median(result.best_of_starts) == pytest.approx(cost.edp, rel=1e-3)
    # As many random designs as a start prices.
    assert np.median(result.best_of_starts) < _best_at_random(space, layers, 4.0, result.evaluations // 6)


@pytest.mark.slow
def test_descent_ends_where_no_neighbour_is_better(found):
    design, cost, _ = found
    here = [decision.index(design[decision.name]) for decision in SPACE.decisions]
    neighbours = []
    for row, decision in enumerate(SPACE.decisions):
        if decision.name != STYLE:
            neighbours += [[*here[:row], option, *here[row + 1 :]] for option in range(len(decision.options))]
    costs = price_designs(SPACE, LAYERS, np.array(neighbours), objective="edp")
    kept = (costs.area_mm2 <= AREA) & (costs.overflow_kib <= 0)
    assert costs.edp[kept].min() >= cost.edp * (1 - 1e-5)


@pytest.fixture
def no_new_program(found, monkeypatch):
    """Whoever traces the search again fails."""

    def traced(*_):
        raise AssertionError("The search was traced again.")

    monkeypatch.setattr(asic_steps, "alternatives", traced)


@pytest.mark.slow
@pytest.mark.usefixtures("no_new_program")
def test_another_network_of_equal_shape_compiles_nothing_and_a_start_is_never_lost(found):
    other = [dataclasses.replace(SHAPES[0], K=64), SHAPES[1], dataclasses.replace(SHAPES[2], K=32), SHAPES[2]]
    layers = _network(other, ["stem", "body", "neck"])
    # A group that no layer is of, and another style, are data too.
    space = asic_pipeline_space([*group_names(layers), "absent"], 2).fix({STYLE: "eyeriss"})
    assert _search(space, layers, AREA, CONFIG, seed=1)[0][STYLE] == "eyeriss"

    design, cost, _ = found
    _, again, result = _search(SPACE, LAYERS, AREA, CONFIG, seed=2, start=design)
    assert again.edp <= cost.edp
    # Every other start prices what it is given first.
    assert result.best_of_starts[::2].max() <= cost.edp * (1 + 1e-5)
    # A start beyond the budget is no result.
    half = float(cost.area_mm2) / 2
    assert _search(SPACE, LAYERS, half, CONFIG, start=design)[1].area_mm2 <= half


@pytest.mark.slow
@pytest.mark.usefixtures("no_new_program")
def test_time_goals_differ_and_limits_hold():
    config = dataclasses.replace(CONFIG, goal="latency_ms")
    _, latency, by_latency = _search(SPACE, LAYERS, AREA, config)
    design, interval, by_interval = _search(SPACE, LAYERS, AREA, dataclasses.replace(config, goal="interval_ms"))
    assert latency.latency_ms < interval.latency_ms
    assert interval.interval_ms < latency.interval_ms
    # Images follow one another faster only where chunks share the work.
    assert {design[allocation_name(group)] for group in group_names(LAYERS)} == {1, 2}
    assert by_latency.gap == pytest.approx(latency.latency_ms / by_latency.bound.latency_ms - 1)
    assert by_interval.gap == pytest.approx(interval.interval_ms / by_interval.bound.interval_ms - 1)
    assert min(by_latency.gap, by_interval.gap) >= -1e-9
    between = float(latency.interval_ms + interval.interval_ms) / 2
    _, limited, _ = _search(SPACE, LAYERS, AREA, config, limits={"interval_ms": between})
    assert limited.interval_ms <= between
    assert limited.latency_ms >= latency.latency_ms


@pytest.mark.parametrize("limit", [{"area_mm2": 0.1}, {"area_mm2": AREA, "limits": {"energy_mj": 1e-9}}])
def test_limits_that_nothing_meets_are_reported_as_such(limit):
    result = search_asic_pipeline(SPACE, LAYERS, config=CONFIG, **limit)
    assert result.design is None
    assert result.evaluations == 0


@pytest.mark.parametrize("wrong", [{"goal": "speed"}, {"starts": 0}, {"steps": 0}, {"descent_steps": -1}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"goal|at least 1 start|descent_steps"):
        AsicSearchConfig(**wrong)
