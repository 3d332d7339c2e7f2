"""One-shot search as pure functions, on a family small enough to compile in seconds."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware import RelaxedCost, TemplatePricing, nahas_edge
from dna_jax.networks import chosen_layers, mobilenet_v2
from dna_jax.search import Budgets, OneShot, OneShotConfig, OptimizerConfig, SearchConfig, discrete_cost, mean_point
from dna_jax.spaces import s1

TEMPLATE = nahas_edge()
LATENCY_MS, AREA_MM2 = 4e-4, 4.0
BUDGETS = Budgets(latency_ms=LATENCY_MS, area_mm2=AREA_MM2)


def _strategy(fix="none", **one_shot):
    """The first four blocks of MobileNetV2, narrow."""
    whole = mobilenet_v2(width=0.25, image_size=8, classes=10, stride_plan="digits", image_channels=1)
    family = dataclasses.replace(whole, blocks=whole.blocks[:4], head_channels=16)
    networks = dataclasses.replace(s1(), name="four_blocks", decisions=s1().decisions[:8])
    accelerators = TEMPLATE.space
    if fix == "network":
        networks = networks.fix({d.name: d.options[0] for d in networks.decisions})
    if fix == "accelerator":
        accelerators = accelerators.fix(TEMPLATE.baseline)
    config = SearchConfig(
        method="one_shot",
        steps=60,
        warmup_steps=3,
        weights=OptimizerConfig(learning_rate=0.05, warmup_steps=0),
        one_shot=OneShotConfig(**{"samples": 2} | one_shot),
    )
    pricing = TemplatePricing(TEMPLATE, accelerators.fix(TEMPLATE.baseline))
    return OneShot(config, family, pricing, networks, accelerators, BUDGETS)


def _batch(seed=0, size=32):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, size)
    images = generator.standard_normal((size, 8, 8, 1)).astype(np.float32) + labels[:, None, None, None] / 3
    return images, labels.astype(np.int32)


def _same(before, after):
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))


@pytest.fixture(scope="module")
def steps():
    """A strategy and its steps, each of which is traced once, whatever design is drawn."""
    strategy = _strategy()
    functions = (strategy.weights_step, strategy.decisions_step, strategy.held_step)
    return strategy, *(jax.jit(chex.assert_max_traces(function, n=1)) for function in functions)


@pytest.mark.slow
def test_weights_come_first_and_the_policy_later_and_each_moves_alone(steps):
    strategy, weights_step, decisions_step, held_step = steps
    state = strategy.init(0)
    keys = []
    for i in range(6):
        trained, metrics = weights_step(state, _batch(i))
        assert not _same(state.parameters, trained.parameters)
        assert _same(state.policy, trained.policy)
        if i < strategy.config.warmup_steps:
            after, further = held_step(trained, metrics)
            # The start: every option as likely, and nothing learned.
            assert _same(after.policy, strategy.init(0).policy)
        else:
            after, further = decisions_step(trained, _batch(100 + i, 64))
            assert not _same(trained.logits, after.logits)
            assert int(after.policy.updates) == i - 2
        assert _same(trained.parameters, after.parameters)
        assert _same(trained.weights_optimizer, after.weights_optimizer)
        assert int(after.step) == i + 1
        assert all(np.isfinite(float(value)) for value in further.values())
        keys.append(set(further))
        state = after
    # Metrics of a window that spans the end of the warm-up are averaged.
    assert all(names == keys[0] for names in keys)


def test_rewards_are_those_of_the_formula_for_the_discrete_cost():
    """The latency pulls from both sides, the area from above alone; costs are those of the discrete model."""
    strategy = _strategy()
    designs = strategy.learner.sample(strategy.init(0).logits, jax.random.key(4), 24)
    costs = jax.jit(jax.vmap(strategy.cost))(designs)
    accuracy = jnp.linspace(0.2, 0.9, 24)
    rewards, sides = strategy.rewards(accuracy, costs), set()
    for design, q, reward in zip(np.asarray(designs), np.asarray(accuracy), np.asarray(rewards), strict=True):
        chosen = strategy.space.design(design)
        cost = discrete_cost(TEMPLATE, chosen_layers(strategy.specification, chosen), chosen)
        latency, area = float(cost.latency_s) * 1e3 / LATENCY_MS, float(cost.area_mm2) / AREA_MM2
        assert reward == pytest.approx(q - 0.1 * (abs(latency - 1) + max(area - 1, 0)), rel=1e-4)
        sides.add((latency > 1, area > 1))
    assert len(sides) >= 3


@pytest.mark.slow
def test_a_recorded_step_is_explained_by_its_designs(steps):
    strategy, _, decisions_step, _ = steps
    state, batch = strategy.init(0), _batch(7, 64)
    after, metrics = decisions_step(state, batch)
    designs = strategy.learner.sample(state.logits, strategy._key(state, 1), 2)
    evaluate, accuracy = jax.jit(strategy._task.evaluate), []
    for i, design in enumerate(designs):
        part = tuple(leaf[32 * i : 32 * (i + 1)] for leaf in batch)
        accuracy.append(float(evaluate(state.parameters, part, strategy.network_space.one_hot(design[:8]))[1]))
    rewards = strategy.rewards(jnp.array(accuracy), jax.vmap(strategy.cost)(designs))
    assert float(metrics["accuracy"]) == pytest.approx(np.mean(accuracy))
    assert float(metrics["reward"]) == pytest.approx(float(jnp.mean(rewards)), rel=1e-5)
    # Of two designs, the one rewarded more has become likelier.
    better = int(jnp.argmax(rewards))
    before, now = (strategy.learner.log_probability(logits, designs) for logits in (state.logits, after.logits))
    assert now[better] > before[better]
    assert now[1 - better] < before[1 - better]
    np.testing.assert_allclose(after.policy.baseline, jnp.mean(rewards), rtol=1e-5)


@pytest.mark.slow
def test_what_does_not_fit_its_memories_is_punished_by_the_kib():
    strategy = _strategy()
    cost = jax.vmap(strategy.cost)(strategy.learner.sample(strategy.init(0).logits, jax.random.key(0), 2))
    assert isinstance(cost, RelaxedCost)
    larger = dataclasses.replace(cost, overflow_kib=cost.overflow_kib + jnp.array([0.0, 3.0]))
    accuracy = jnp.array([0.5, 0.5])
    punished = strategy.rewards(accuracy, cost) - strategy.rewards(accuracy, larger)
    np.testing.assert_allclose(punished, [0, 0.3], atol=1e-6)


@pytest.mark.parametrize("fix", ["network", "accelerator"])
def test_what_is_fixed_is_never_drawn_otherwise(fix):
    strategy = _strategy(fix)
    designs = np.asarray(strategy.learner.sample(strategy.init(0).logits, jax.random.key(0), 50))
    for column, decision in zip(designs.T, strategy.space.decisions, strict=True):
        if decision.name in strategy.space.fixed:
            assert set(column) == {decision.index(strategy.space.fixed[decision.name])}
        assert (len(set(column)) > 1) == (decision in strategy.space.free)


def test_with_accuracies_apart_the_policy_comes_to_the_budgets():
    """The hardware half of the search by itself: rewards of a constant accuracy, of a fixed network."""
    strategy = _strategy("network", samples=8, learning_rate=0.02)
    space, learner = strategy.space, strategy.learner

    def step(policy, key):
        designs = learner.sample(policy.logits, key, 8)
        costs = jax.vmap(strategy.cost)(designs)
        return learner.learn(policy, designs, strategy.rewards(jnp.full(8, 0.9), costs)), costs.metrics

    policy, costs = jax.jit(lambda policy, keys: jax.lax.scan(step, policy, keys))(
        learner.init(), jax.random.split(jax.random.key(0), 400)
    )

    def off(part):
        latency, area = costs["latency_ms"][part] / LATENCY_MS, costs["area_mm2"][part] / AREA_MM2
        return float(jnp.mean(jnp.abs(latency - 1) + jax.nn.relu(area - 1)))

    assert off(slice(-40, None)) < 0.2 * off(slice(40))
    found = space.decode(mean_point(space, policy.logits))
    cost = discrete_cost(TEMPLATE, chosen_layers(strategy.specification, found), found)
    assert float(cost.latency_s) * 1e3 == pytest.approx(LATENCY_MS, rel=0.3)
    assert float(cost.area_mm2) < 1.2 * AREA_MM2


@pytest.mark.parametrize(
    "wrong", [{"beta": 0.1}, {"samples": 0}, {"learning_rate": 0.0}, {"growth": -1.0}, {"baseline_decay": 1.0}]
)
def test_bad_settings_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OneShotConfig(**wrong)
