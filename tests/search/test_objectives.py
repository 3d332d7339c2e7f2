"""Objectives and optimisers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dna_jax.hardware import RelaxedCost
from dna_jax.hardware.fpga import RelaxedPipelineCost
from dna_jax.search import (
    Budgets,
    ObjectiveConfig,
    OptimizerConfig,
    learning_rate_schedule,
    make_optimizer,
    merit,
    objective,
)
from dna_jax.search.objectives import initial_multipliers, update_multipliers

BUDGETS = Budgets(latency_ms=2.0, area_mm2=10.0)


def _cost(latency=2.0, energy=1.0, area=10.0, overflow=0.0):
    return RelaxedCost(*(jnp.asarray(x) for x in (latency, energy, area, overflow)))


def _value(form, cost, multipliers=None, **settings):
    config = ObjectiveConfig(form=form, **settings)
    return float(objective(config, jnp.asarray(1.5), cost, BUDGETS, multipliers or initial_multipliers(config, BUDGETS)))


@pytest.mark.parametrize("form", ["soft", "hinge", "lagrangian"])
def test_at_the_budgets_every_form_is_the_task_loss(form):
    assert _value(form, _cost()) == pytest.approx(1.5)


def test_soft_form_is_the_weighted_product():
    # NAHAS section 3.4: accuracy x (latency / target)^w; on a loss the exponent changes sign.
    assert _value("soft", _cost(latency=4.0, area=5.0), pressure=0.07) == pytest.approx(1.5 * 2**0.07 * 0.5**0.07)


def test_pressure_suits_the_form_unless_given():
    exponents = [ObjectiveConfig(form=form).exponent for form in ("soft", "hinge", "lagrangian")]
    assert exponents == [0.07, 0.01, 0.01]
    assert ObjectiveConfig(form="soft", pressure=0.5).exponent == 0.5


@pytest.mark.parametrize("form", ["soft", "hinge", "lagrangian"])
def test_without_budgets_every_cost_still_counts(form):
    gradient = jax.grad(lambda cost: objective(ObjectiveConfig(form=form), jnp.asarray(1.5), cost, Budgets(), {}))(_cost())
    assert min(float(gradient.latency_ms), float(gradient.energy_mj), float(gradient.area_mm2)) > 0


@pytest.mark.parametrize("budgets", [Budgets(dsp=900, bram=700), Budgets(fps=1e4, dsp=900, bram=700)])
def test_on_fpgas_speed_is_pressed_and_resources_within_the_device_are_not(budgets):
    cost = RelaxedPipelineCost(*(jnp.asarray(x) for x in (0.05, 0.2, 450.0, 350.0)), jnp.ones(4))
    config = ObjectiveConfig(form="hinge", pressure=0.1)
    slopes = jax.grad(lambda cost: objective(config, jnp.asarray(1.5), cost, budgets, {}))(cost)
    assert float(slopes.frame_ms) == pytest.approx(0.1 / 0.05)
    assert float(slopes.dsp) == float(slopes.bram) == 0
    beyond = dataclasses.replace(cost, dsp=jnp.asarray(1800.0))
    assert float(jax.grad(lambda cost: objective(config, jnp.asarray(1.5), cost, budgets, {}))(beyond).dsp) > 0


def test_hinge_punishes_excess_alone():
    met = _value("hinge", _cost(latency=1.0), pressure=0.0)
    exceeded = _value("hinge", _cost(latency=4.0), pressure=0.0, hinge_weight=3.0)
    assert met == pytest.approx(1.5)
    assert exceeded == pytest.approx(1.5 + 3 * np.log(2))


def test_lagrangian_weighs_by_its_multipliers():
    multipliers = {"latency_ms": jnp.asarray(2.0), "area_mm2": jnp.asarray(0.0)}
    value = _value("lagrangian", _cost(latency=4.0, area=99.0), multipliers, pressure=0.0)
    assert value == pytest.approx(1.5 + 2 * np.log(2))


def test_damping_is_the_slope_of_the_augmented_lagrangian():
    # Its value is (relu(multiplier + c excess)^2 - multiplier^2) / 2c.
    config, budgets = ObjectiveConfig(pressure=0.0, damping=3.0), Budgets(latency_ms=2.0)

    def augmented(log_latency, multiplier):
        excess = log_latency - np.log(2.0)
        return (jax.nn.relu(multiplier + 3.0 * excess) ** 2 - multiplier**2) / 6.0

    def ours(log_latency, multiplier):
        cost = _cost(latency=jnp.exp(log_latency))
        return objective(config, jnp.asarray(1.5), cost, budgets, {"latency_ms": jnp.asarray(multiplier)})

    slopes = []
    for latency in (1.0, 1.9, 2.0, 4.0):
        slope, expected = (jax.grad(f)(jnp.log(latency), 0.5) for f in (ours, augmented))
        assert slope == pytest.approx(float(expected), abs=1e-6)
        slopes.append(float(slope))
    # Far below the budget the cost has no weight, whatever the multiplier; above it, more than the multiplier.
    assert slopes[0] == 0
    assert slopes[3] > slopes[2] == pytest.approx(0.5)


def test_damping_needs_multipliers():
    with pytest.raises(ValueError, match="damping"):
        ObjectiveConfig(form="hinge", damping=1.0)


@pytest.mark.parametrize("form", ["soft", "hinge", "lagrangian"])
def test_what_does_not_fit_is_punished_in_every_form(form):
    assert _value(form, _cost(overflow=3.0)) == pytest.approx(_value(form, _cost()) + 3)


def test_multipliers_rise_while_exceeded_and_fall_while_met():
    config = ObjectiveConfig(multiplier_rate=0.5, multiplier_limit=1.0)
    multipliers = initial_multipliers(config, BUDGETS)
    for _ in range(2):
        multipliers = update_multipliers(config, multipliers, _cost(latency=4.0, area=5.0), BUDGETS)
    assert float(multipliers["latency_ms"]) == pytest.approx(2 * 0.5 * np.log(2))
    assert float(multipliers["area_mm2"]) == 0
    for _ in range(20):
        multipliers = update_multipliers(config, multipliers, _cost(latency=40.0), BUDGETS)
    assert float(multipliers["latency_ms"]) == 1


def test_lagrangian_meets_a_budget_that_the_soft_form_trades_away():
    # Minimise (x - 3)^2 with cost exp(x) and a budget of e: the constrained optimum is x = 1.
    budgets = Budgets(latency_ms=float(np.e))

    def solve(form):
        config = ObjectiveConfig(form=form, pressure=0.07, multiplier_rate=0.05)

        def step(carry, _):
            x, multipliers = carry

            def loss(x):
                cost = _cost(latency=jnp.exp(x))
                return objective(config, (x - 3.0) ** 2 + 1e-3, cost, budgets, multipliers)

            x = x - 0.02 * jax.grad(loss)(x)
            return (x, update_multipliers(config, multipliers, _cost(latency=jnp.exp(x)), budgets)), None

        (x, _), _ = jax.lax.scan(step, (jnp.asarray(3.0), initial_multipliers(config, budgets)), None, length=4000)
        return float(x)

    assert solve("lagrangian") == pytest.approx(1, abs=0.02)
    assert solve("soft") > 2.5


def test_merit_is_scale_free_and_monotone():
    costs = {"latency_ms": 1.0, "energy_mj": 7.0, "area_mm2": 40.0}
    assert merit(costs, BUDGETS) == pytest.approx(np.sqrt(0.5 * 4))
    assert merit(costs | {"area_mm2": 41.0}, BUDGETS) > merit(costs, BUDGETS)
    assert merit(costs | {"energy_mj": 70.0}, BUDGETS) == merit(costs, BUDGETS)
    assert merit(costs, Budgets()) == pytest.approx((1.0 * 7 * 40) ** (1 / 3))


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Budgets)])
@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_budgets_must_be_positive_and_finite(name, value):
    with pytest.raises(ValueError, match=f"The budget on {name} must be positive and finite, not {value}"):
        Budgets(**{name: value})


@pytest.mark.parametrize("name", ["pressure", "hinge_weight", "multiplier_rate", "multiplier_limit", "damping"])
@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_weights_must_be_numbers_that_are_not_negative(name, value):
    with pytest.raises(ValueError, match=f"{name} must not be negative and must be finite, but is {value}"):
        ObjectiveConfig(**{name: value})


def test_unknown_forms_are_named():
    with pytest.raises(ValueError, match="choose one of soft"):
        _value("square", _cost())
    with pytest.raises(ValueError, match="choose sgd, adam or rmsprop"):
        make_optimizer(OptimizerConfig(name="lion"), 10)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="choose constant or cosine"):
        learning_rate_schedule(OptimizerConfig(schedule="linear"), 10)  # type: ignore[arg-type]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_learning_rates_warm_up_to_their_peak(schedule):
    rate = learning_rate_schedule(OptimizerConfig(learning_rate=0.4, schedule=schedule, warmup_steps=10), 100)
    assert float(rate(0)) == 0
    assert float(rate(10)) == pytest.approx(0.4)
    assert float(rate(99)) == pytest.approx(0.4 if schedule == "constant" else 0.0, abs=2e-3)


@pytest.mark.parametrize(("decay", "forgotten"), [(0.9, True), (0.999, False)])
def test_adam_forgets_a_strong_gradient_as_fast_as_it_is_told(decay, forgotten):
    config = OptimizerConfig("adam", 0.1, "constant", 0, weight_decay=0.0, clip_norm=0.0, squares_decay=decay)
    optimizer = make_optimizer(config, 200)
    state, updates = optimizer.init(jnp.zeros(1)), jnp.zeros(1)
    for step in range(200):
        updates, state = optimizer.update(jnp.full(1, 100.0 if step == 0 else 0.1), state, jnp.zeros(1))
    # After a constant gradient for long enough Adam moves by its rate, whatever the gradient's size.
    assert (abs(float(updates[0]) + 0.1) < 0.01) == forgotten


def test_decay_of_squares_needs_adam():
    with pytest.raises(ValueError, match="squares_decay"):
        OptimizerConfig("sgd", squares_decay=0.9)


def test_weight_decay_spares_vectors_and_clipping_bounds_the_step():
    parameters = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    config = OptimizerConfig("sgd", 1.0, "constant", 0, momentum=0.0, weight_decay=0.1, clip_norm=0.0)
    optimizer = make_optimizer(config, 10)
    updates, _ = optimizer.update(jax.tree.map(jnp.zeros_like, parameters), optimizer.init(parameters), parameters)
    np.testing.assert_allclose(updates["kernel"], -0.1, rtol=1e-6)
    np.testing.assert_allclose(updates["bias"], 0)
    clipped = make_optimizer(OptimizerConfig("sgd", 1.0, "constant", 0, 0.0, 0.0, clip_norm=1.0), 10)
    large = jax.tree.map(lambda x: 100 * x, parameters)
    updates, _ = clipped.update(large, clipped.init(parameters), parameters)
    assert float(optax.tree.norm(updates)) == pytest.approx(1, rel=1e-4)
