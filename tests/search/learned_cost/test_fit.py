"""Learning a cost model: how far it gets with few designs, and that it ends the same."""

import dataclasses

import jax
import numpy as np
import pytest

from dna_jax.hardware import nahas_edge
from dna_jax.networks import mobilenet_v2
from dna_jax.search.learned_cost import LearnedCostConfig, design_inputs, fit, held_out_errors, label_designs
from dna_jax.spaces import s1

_WHOLE = mobilenet_v2(width=0.25, image_size=8, classes=10, stride_plan="digits", image_channels=1)
NETWORKS = dataclasses.replace(_WHOLE, blocks=_WHOLE.blocks[:4], head_channels=16)
_FOUR_BLOCKS = dataclasses.replace(s1(), name="four_blocks", decisions=s1().decisions[:8])
EDGE = nahas_edge()
SPACE = _FOUR_BLOCKS | EDGE.space
CONFIG = LearnedCostConfig(samples=4000, epochs=20, learning_rate=3e-3, dropout=0.0)


@pytest.fixture(scope="module")
def designs():
    """Five thousand, of which the last thousand are held out."""
    return label_designs(EDGE, NETWORKS, SPACE, 5000, seed=0)


@pytest.fixture(scope="module")
def learned(designs):
    return fit(CONFIG, SPACE, designs[:4000], seed=0)


def _linear_errors(designs, name):
    """Median relative error, percent, on designs held out, of the least-squares fit of logarithms that is linear in all
    options."""
    inputs = np.asarray(design_inputs(SPACE, SPACE.one_hot(designs.indices)))
    inputs = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
    costs = getattr(designs, name)
    weights, *_ = np.linalg.lstsq(inputs[:4000], np.log(costs[:4000]), rcond=None)
    return 100 * np.median(np.abs(np.exp(inputs[4000:] @ weights) / costs[4000:] - 1))


def test_few_designs_are_enough_to_beat_a_linear_model(designs, learned):
    errors = held_out_errors(learned, SPACE, designs[4000:])
    assert errors["latency_ms"]["median_abs_pct"] < min(8, _linear_errors(designs, "latency_ms") / 2)
    assert errors["area_mm2"]["median_abs_pct"] < 15
    for values in errors.values():
        assert values["median_abs_pct"] < values["p95_abs_pct"]
        assert values["spearman"] > 0.98


def test_errors_are_those_of_the_held_out_designs(designs, learned):
    held_out = designs[4000:]
    latency, area = np.asarray(learned(design_inputs(SPACE, SPACE.one_hot(held_out.indices)))).T
    errors = held_out_errors(learned, SPACE, held_out)
    for name, predicted, reference in (
        ("latency_ms", latency, held_out.latency_ms),
        ("area_mm2", area, held_out.area_mm2),
    ):
        relative = np.sort(100 * np.abs(predicted / reference - 1))
        assert errors[name]["median_abs_pct"] == pytest.approx(np.mean(relative[499:501]), rel=1e-3)
        assert relative[948] < errors[name]["p95_abs_pct"] < relative[952]


def test_what_is_learned_depends_on_the_seed_and_on_nothing_else(designs):
    brief = dataclasses.replace(CONFIG, epochs=1, dropout=0.1)
    told = []
    first, again, other = (fit(brief, SPACE, designs[:4000], seed, lambda *epoch: told.append(epoch)) for seed in (0, 0, 1))
    same = [np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (first, again)), strict=True)]
    assert all(same)
    assert not np.array_equal(*(model.parameters["layers"][0]["kernel"][...] for model in (first, other)))
    assert [epoch for epoch, _ in told] == [1, 1, 1]
    assert told[0] == told[1] != told[2]


def test_an_accelerator_that_is_fixed_keeps_its_area(designs):
    space = _FOUR_BLOCKS | EDGE.space.fix(EDGE.baseline)
    fixed = label_designs(EDGE, NETWORKS, space, 600, seed=0)
    model = fit(LearnedCostConfig(samples=500, epochs=1), space, fixed[:500], seed=0)
    area = np.asarray(model(design_inputs(space, space.one_hot(fixed.indices))))[:, 1]
    np.testing.assert_allclose(area, fixed.area_mm2, rtol=1e-6)
    assert held_out_errors(model, space, fixed[500:])["area_mm2"]["spearman"] is None


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"samples": 0}, "samples must be at least 1, not 0"),
        ({"samples": 100}, "batch_size 128 must not exceed samples 100"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"latency_weight": float("inf")}, "latency_weight must be positive and finite"),
        ({"dropout": 1.0}, "must lie in"),
    ],
)
def test_settings_that_cannot_be_are_named(values, says):
    with pytest.raises(ValueError, match=says):
        LearnedCostConfig(**values)
