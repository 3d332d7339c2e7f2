"""Relaxation against the theory of the Gumbel-softmax."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.search import (
    TemperatureConfig,
    entropy,
    gumbel_softmax,
    initial_logits,
    mean_point,
    sample_point,
    straight_through,
    temperature_schedule,
)
from dna_jax.spaces import Decision, Point, Space, nahas_edge_space, s1

LOGITS = jnp.asarray([0.5, -1.0, 1.5, 0.0])


def _samples(temperature, hard, count=20_000):
    keys = jax.random.split(jax.random.key(0), count)
    return np.asarray(
        jax.vmap(lambda key: gumbel_softmax(jax.random.gumbel(key, LOGITS.shape), LOGITS, temperature, hard))(keys)
    )


@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
def test_choices_are_distributed_as_softmax_at_any_temperature(temperature):
    samples = _samples(temperature, hard=True)
    expected = np.asarray(jax.nn.softmax(LOGITS))
    deviation = np.sqrt(expected * (1 - expected) / len(samples))
    assert np.all(np.abs(samples.mean(axis=0) - expected) < 5 * deviation)
    assert set(np.unique(samples)) == {0.0, 1.0}
    # Soft and hard samples of one key choose alike.
    np.testing.assert_array_equal(samples.argmax(axis=1), _samples(temperature, hard=False).argmax(axis=1))


def test_limits_of_the_temperature():
    cold, hot = _samples(1e-3, hard=False), _samples(1e3, hard=False)
    assert np.mean(cold.max(axis=1) > 0.999) > 0.99
    np.testing.assert_allclose(hot, 0.25, atol=0.01)
    np.testing.assert_allclose(_samples(1.0, hard=False).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_soft_gradient_against_finite_differences(temperature):
    noise, weight = jax.random.gumbel(jax.random.key(3), LOGITS.shape), jnp.asarray([1.0, -2.0, 0.5, 3.0])

    def value(logits, hard):
        return jnp.dot(weight, gumbel_softmax(noise, logits, temperature, hard))

    gradient = jax.grad(value)(LOGITS, False)
    step = 1e-2
    numeric = [(value(LOGITS.at[i].add(step), False) - value(LOGITS.at[i].add(-step), False)) / (2 * step) for i in range(4)]
    np.testing.assert_allclose(gradient, numeric, rtol=2e-2, atol=2e-3)
    # A hard sample carries the soft sample's gradient; logits shift-invariant means gradients sum to zero.
    np.testing.assert_allclose(jax.grad(value)(LOGITS, True), gradient, rtol=1e-5, atol=1e-6)
    assert float(jnp.sum(gradient)) == pytest.approx(0, abs=1e-5)


def test_straight_through_is_exactly_one_hot():
    soft = jnp.asarray([[0.2, 0.7, 0.1], [0.34, 0.33, 0.33]])
    np.testing.assert_array_equal(straight_through(soft), [[0, 1, 0], [1, 0, 0]])


@pytest.mark.parametrize("hard", [True, False])
def test_points_cover_the_space_and_keep_what_is_fixed(hard):
    space = (s1() | nahas_edge_space()).fix({"accelerator.pes_x": 6})
    point = sample_point(jax.random.key(0), space, initial_logits(space), 1.0, hard)
    assert space.decode(point)["accelerator.pes_x"] == 6
    # Neither what is fixed nor what has one option is reported as a decision.
    assert set(entropy(space, initial_logits(space))) == {d.name for d in space.decisions} - {
        "accelerator.pes_x",
        "block_01.expansion",
    }
    for probabilities in point.values():
        assert float(probabilities.sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_decisions_are_sampled_independently():
    space = s1()
    points = sample_point(jax.random.key(0), space, initial_logits(space), 1.0, True, shape=(3000,))
    choices = np.stack([np.asarray(points[d.name]).argmax(axis=1) for d in space.free])
    correlation = np.corrcoef(choices) - np.eye(len(choices))
    assert np.abs(correlation).max() < 0.1


def test_every_decision_is_sampled_from_its_own_logits():
    space = s1() | nahas_edge_space()
    logits = jax.random.normal(jax.random.key(7), initial_logits(space).shape)
    points = jax.jit(jax.vmap(lambda key: sample_point(key, space, logits, 0.7, True)))(
        jax.random.split(jax.random.key(8), 20_000)
    )
    own = Point(logits, space.sizes)
    for name in (decision.name for decision in space.free):
        expected = np.asarray(jax.nn.softmax(own[name]))
        deviation = np.sqrt(expected * (1 - expected) / 20_000)
        assert np.all(np.abs(np.asarray(points[name]).mean(axis=0) - expected) < 5 * deviation), name
        np.testing.assert_allclose(mean_point(space, logits)[name], expected, rtol=1e-5)


def _mixed_space():
    """A free decision of five options, one that is fixed, one of a single option, a free one of two."""
    decisions = (Decision("a", (1, 2, 3, 4, 5)), Decision("b", (1, 2, 3)), Decision("c", (1,)), Decision("d", (1, 2)))
    return Space("mixed", decisions, {"b": 2})


def test_gradient_of_a_soft_point_against_finite_differences():
    space = _mixed_space()
    logits = jax.random.normal(jax.random.key(7), initial_logits(space).shape)
    # Every entry has a weight, those that stand for no option too.
    weights = jax.random.normal(jax.random.key(9), logits.shape)

    @jax.jit
    def value(logits):
        return jnp.vdot(weights, sample_point(jax.random.key(3), space, logits, 1.5, False).rows)

    gradient, step = jax.grad(value)(logits), 1e-2
    numeric = np.zeros(logits.shape)
    for i in np.ndindex(*logits.shape):
        numeric[i] = (value(logits.at[i].add(step)) - value(logits.at[i].add(-step))) / (2 * step)
    np.testing.assert_allclose(gradient, numeric, rtol=2e-2, atol=2e-3)
    # What stands for no option, is fixed or is no choice has neither influence nor gradient, soft or hard.
    hard = jax.grad(lambda x: jnp.vdot(weights, sample_point(jax.random.key(3), space, x, 1.5, True).rows))(logits)
    for found in (numeric, gradient, hard):
        found = np.asarray(found)
        np.testing.assert_array_equal(found[~space.is_option], 0)
        np.testing.assert_array_equal(found[1:3], 0)
        assert np.all(found[0] != 0)
        assert np.all(found[3, :2] != 0)


def _active(key, hard, active, logits=LOGITS, is_option=None):
    noise = jax.random.gumbel(key, logits.shape)
    return gumbel_softmax(noise, logits, 0.7, hard, is_option, active), noise


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("active", [2, 3])
def test_gradients_flow_to_the_active_options_alone(hard, active):
    weight = jnp.asarray([1.0, -2.0, 0.5, 3.0])
    for key in jax.random.split(jax.random.key(4), 5):
        gradient = np.asarray(jax.grad(lambda x, key=key: jnp.dot(weight, _active(key, hard, active, x)[0]))(LOGITS))
        likely = np.argsort(LOGITS + jax.random.gumbel(key, LOGITS.shape))[-active:]
        assert set(np.flatnonzero(gradient)) == set(likely.tolist())
        # It is that of a softmax over the active options.
        chosen = np.isin(np.arange(4), likely)
        soft = jax.grad(lambda x, key=key, chosen=chosen: jnp.dot(weight, _active(key, False, None, x, chosen)[0]))
        np.testing.assert_allclose(gradient, soft(LOGITS), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("hard", [True, False])
def test_all_options_active_is_the_plain_sample(hard):
    weight = jnp.asarray([1.0, -2.0, 0.5, 3.0])
    is_option = np.array([True, True, True, False])
    for active, options in ((4, None), (9, None), (3, is_option), (4, is_option)):

        def value(logits, active, options=options):
            return jnp.dot(weight, _active(jax.random.key(5), hard, active, logits, options)[0])

        for mine, plain in zip(*(jax.value_and_grad(value)(LOGITS, a) for a in (active, None)), strict=True):
            np.testing.assert_array_equal(mine, plain)


def test_active_options_do_not_change_what_is_chosen():
    keys = jax.random.split(jax.random.key(6), 20_000)
    hard, noise = jax.vmap(lambda key: _active(key, True, 2))(keys)
    plain = jax.vmap(lambda n: gumbel_softmax(n, LOGITS, 0.7, True))(noise)
    np.testing.assert_array_equal(hard, plain)
    expected = np.asarray(jax.nn.softmax(LOGITS))
    deviation = np.sqrt(expected * (1 - expected) / len(keys))
    assert np.all(np.abs(np.asarray(hard).mean(axis=0) - expected) < 5 * deviation)
    # A soft sample mixes the active options alone.
    soft, _ = jax.vmap(lambda key: _active(key, False, 2))(keys)
    np.testing.assert_array_equal(np.sum(np.asarray(soft) > 0, axis=1), 2)
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(np.argmax(soft, axis=1), np.argmax(hard, axis=1))


def test_points_are_sampled_with_active_options():
    space = (s1() | nahas_edge_space()).fix({"accelerator.pes_x": 6})
    logits = jax.random.normal(jax.random.key(7), initial_logits(space).shape)
    point = sample_point(jax.random.key(8), space, logits, 1.0, False, active=2)
    for decision in space.free:
        assert np.sum(np.asarray(point[decision.name]) > 0) == 2, decision.name
    # Decisions of one option have no second one to be active.
    assert float(point["block_01.expansion"][0]) == 1
    assert space.decode(point)["accelerator.pes_x"] == 6


def test_one_active_option_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        gumbel_softmax(jnp.zeros(4), LOGITS, 1.0, True, active=1)


def test_entropy_is_one_when_open_and_zero_when_decided():
    space = Space("three", (Decision("open", (1, 2, 3, 4, 5)), Decision("decided", (1, 2)), Decision("between", (1, 2))))
    nothing = [99.0] * 3
    logits = [[0, 0, 0, 0, 0], [50, 0, *nothing], [math.log(0.9), math.log(0.1), *nothing]]
    values = entropy(space, jnp.asarray(logits))
    assert float(values["open"]) == pytest.approx(1, abs=1e-6)
    assert float(values["decided"]) == pytest.approx(0, abs=1e-6)
    expected = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1)) / math.log(2)
    assert float(values["between"]) == pytest.approx(expected, rel=1e-5)


def test_mean_point_is_softmax():
    space = nahas_edge_space()
    logits = initial_logits(space).at[1].set(jnp.arange(5.0))
    assert space.decisions[1].name == "accelerator.pes_y"
    np.testing.assert_allclose(mean_point(space, logits)["accelerator.pes_y"], jax.nn.softmax(jnp.arange(5.0)), rtol=1e-6)


@pytest.mark.parametrize("schedule", ["constant", "exponential", "cosine"])
def test_schedules_run_from_start_to_end(schedule):
    function = temperature_schedule(TemperatureConfig(schedule, 4.0, 0.5), 100)
    steps = jnp.arange(-10, 120)
    values = np.asarray(jax.vmap(function)(steps))
    assert values[0] == values[10] == pytest.approx(4.0)
    assert values[-1] == pytest.approx(4.0 if schedule == "constant" else 0.5)
    assert np.all(np.diff(values) <= 1e-6)
    middle = {"constant": 4.0, "exponential": math.sqrt(4.0 * 0.5), "cosine": (4.0 + 0.5) / 2}[schedule]
    assert float(function(jnp.asarray(50))) == pytest.approx(middle, rel=1e-5)


def test_bad_temperatures_are_named():
    with pytest.raises(ValueError, match="choose one of constant"):
        temperature_schedule(TemperatureConfig("linear", 1.0, 0.5), 10)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be positive"):
        TemperatureConfig("cosine", 1.0, 0.0)
