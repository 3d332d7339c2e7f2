"""The joint search as pure functions, on a family small enough to compile in seconds."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware import TemplatePricing, nahas_edge
from dna_jax.hardware.fpga import PipelinePricing, priced_chunks
from dna_jax.networks import dna_network, mobilenet_v2
from dna_jax.search import Budgets, CoSearch, OptimizerConfig, SearchConfig, TemperatureConfig, entropy, mean_point
from dna_jax.spaces import as_released, dna_network_space, fpga_pipeline_space, is_bits, s1

TEMPLATE = nahas_edge()


def _family():
    """The first four blocks of MobileNetV2, narrow."""
    whole = mobilenet_v2(width=0.25, image_size=8, classes=10, stride_plan="digits", image_channels=1)
    return dataclasses.replace(whole, blocks=whole.blocks[:4], head_channels=16)


def _space():
    space = s1()
    return dataclasses.replace(space, name="four_blocks", decisions=space.decisions[:8])


def _strategy(fix="none", **settings):
    family, network_space, accelerator_space = _family(), _space(), TEMPLATE.space
    if fix == "network":
        network_space = network_space.fix({d.name: d.options[0] for d in network_space.decisions})
    if fix == "accelerator":
        accelerator_space = accelerator_space.fix(TEMPLATE.baseline)
    config = SearchConfig(
        **{
            "steps": 60,
            "warmup_steps": 3,
            "weights": OptimizerConfig(learning_rate=0.05, warmup_steps=0),
            "accelerator": OptimizerConfig("adam", 0.2, "cosine", 0, weight_decay=0.0),
        }
        | settings
    )
    pricing = TemplatePricing(TEMPLATE, accelerator_space)
    return CoSearch(config, family, pricing, network_space, accelerator_space, Budgets(latency_ms=4e-4, area_mm2=4.0))


def _batch(seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, 32)
    images = generator.standard_normal((32, 8, 8, 1)).astype(np.float32) + labels[:, None, None, None] / 3
    return images, labels.astype(np.int32)


def _differs(before, after):
    return any(not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))


def test_joint_search_warms_up_then_moves_and_meets_its_budgets():
    strategy = _strategy(steps=200)
    # One trace for all steps: a second would double the time to the first result.
    step = jax.jit(chex.assert_max_traces(strategy.joint_step, n=1))
    state, history = strategy.init(0), []
    for i in range(200):
        before = state
        state, metrics = step(state, _batch(i))
        history.append({name: float(value) for name, value in metrics.items()})
        assert _differs(before.parameters, state.parameters)
        # Decisions stay put for exactly the three steps of the warm-up.
        assert _differs(before.logits, state.logits) == (i >= 3)
        assert _differs(before.multipliers, state.multipliers) <= (i >= 3)
    assert int(state.step) == 200
    assert np.mean([h["task_loss"] for h in history[-10:]]) < np.mean([h["task_loss"] for h in history[:5]])
    first, last = history[:5], history[-20:]
    assert np.mean([h["area_mm2"] for h in first]) > 4.0
    for name, limit in (("latency_ms", 4e-4), ("area_mm2", 4.0)):
        assert np.mean([h[name] for h in last]) < limit
    values = entropy(strategy.space, state.logits)
    assert all(0 <= float(v) <= 1 for v in values.values())
    assert np.mean([float(v) for name, v in values.items() if name.startswith("accelerator")]) < 0.8


def test_first_logits_with_noise_draw_networks_uniformly():
    strategy = _strategy(initial_noise=1.0)
    plain = _strategy().init(0)
    states = [strategy.init(seed) for seed in range(60)]
    assert not jnp.any(plain.logits)
    assert not any(jnp.any(state.accelerator_logits) for state in states)
    first, *_ = strategy.network_space.decisions
    options = len(first.options)
    chosen = np.argmax([state.network_logits[:, :options] for state in states], axis=-1)
    of_full_width = np.array([len(d.options) == options for d in strategy.network_space.decisions])
    counts = np.bincount(chosen[:, of_full_width].ravel(), minlength=options)
    # Five standard deviations of a uniform draw.
    total = counts.sum()
    assert np.all(np.abs(counts - total / options) < 5 * np.sqrt(total * (options - 1)) / options)
    assert len(np.unique(chosen, axis=0)) == len(states)


@pytest.mark.slow
def test_bilevel_moves_weights_and_decisions_in_turn():
    strategy = _strategy(level="bilevel", warmup_steps=0)
    state = strategy.init(0)
    trained, metrics = jax.jit(strategy.weights_step)(state, _batch(0))
    assert _differs(state.parameters, trained.parameters)
    assert not _differs(state.logits, trained.logits)
    assert int(trained.step) == 0
    assert set(metrics) == {"train_loss", "train_accuracy"}
    decided, metrics = jax.jit(strategy.decisions_step)(trained, _batch(1))
    assert not _differs(trained.parameters, decided.parameters)
    assert _differs(trained.logits, decided.logits)
    assert int(decided.step) == 1
    assert np.isfinite(float(metrics["loss"]))


@pytest.mark.slow
@pytest.mark.parametrize("fix", ["network", "accelerator"])
def test_fixed_parts_stay_and_the_other_moves(fix):
    strategy = _strategy(fix, warmup_steps=0)
    state = strategy.init(0)
    after, _ = jax.jit(strategy.joint_step)(state, _batch())
    moved, still = after.accelerator_logits, after.network_logits
    space = strategy.accelerator_space
    if fix == "accelerator":
        moved, still, space = still, moved, strategy.network_space
    np.testing.assert_array_equal(still, 0)
    for row, decision in zip(moved, space.decisions, strict=True):
        # What stands for no option stays, and so does a decision with one option.
        np.testing.assert_array_equal(row[len(decision.options) :], 0)
        assert np.any(np.asarray(row) != 0) == (decision in space.free)


def test_a_fixed_network_trains_that_network_alone():
    kernel = _strategy("network").init(0).parameters["blocks"][1]["depthwise"]["kernel"][...]
    assert kernel.shape[:2] == (3, 3)
    assert _strategy().init(0).parameters["blocks"][1]["depthwise"]["kernel"][...].shape[:2] == (7, 7)


@pytest.mark.slow
def test_soft_samples_train_too():
    strategy = _strategy(hard=False, warmup_steps=0)
    start = strategy.init(0)
    state, metrics = jax.jit(strategy.joint_step)(start, _batch())
    assert np.isfinite(float(metrics["loss"]))
    for leaf in jax.tree.leaves(state.logits):
        assert np.isfinite(np.asarray(leaf)).all()
    for part in ("parameters", "network_logits", "accelerator_logits"):
        assert _differs(getattr(start, part), getattr(state, part)), part


def test_steps_are_a_function_of_state_and_batch():
    strategy = _strategy()
    step = jax.jit(strategy.joint_step)
    one, two = strategy.init(0), strategy.init(0)
    for i in range(3):
        one, _ = step(one, _batch(i))
        two, _ = step(two, _batch(i))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_seeds_run_side_by_side():
    strategy = _strategy("network", warmup_steps=0)
    alone = [strategy.init(seed) for seed in (0, 1)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *alone)
    batches = [_batch(seed) for seed in (0, 1)]
    together, metrics = jax.jit(jax.vmap(strategy.joint_step))(stacked, jax.tree.map(lambda *x: np.stack(x), *batches))
    assert metrics["loss"].shape == (2,)
    assert together.step.tolist() == [1, 1]
    step = jax.jit(strategy.joint_step)
    for i, (state, batch) in enumerate(zip(alone, batches, strict=True)):
        _, single = step(state, batch)
        for name, value in single.items():
            assert float(metrics[name][i]) == pytest.approx(float(value), rel=1e-4), name
    # Independent samples: the two price different accelerators.
    assert float(metrics["area_mm2"][0]) != float(metrics["area_mm2"][1])


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="choose single or bilevel"):
        SearchConfig(level="double")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must lie between"):
        SearchConfig(steps=10, warmup_steps=11)


def test_weights_may_learn_under_mixed_widths_and_chosen_operations():
    family = dna_network("digits", width=0.25, image_channels=1)
    space, pipelines = dna_network_space(), fpga_pipeline_space("digits").fix(as_released("digits"))
    config = SearchConfig(level="bilevel", steps=10, warmup_steps=0, soft_widths=True, active_paths=2)
    strategy = CoSearch(config, family, PipelinePricing(pipelines), space, pipelines, Budgets(fps=100.0, dsp=900, bram=700))
    state = strategy.init(0)
    key = jax.random.key(0)
    point = strategy.weights_point(state, key)
    for name, probabilities in point.items():
        np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-6)
        if is_bits(name):
            # Two of three widths are active.
            assert 0.5 < probabilities.max() < 1
            assert np.sum(np.asarray(probabilities) > 0) == 2
        else:
            assert probabilities.max() == 1
    plain = dataclasses.replace(strategy, config=dataclasses.replace(config, soft_widths=False))
    hard = plain.weights_point(state, key)
    assert all(float(probabilities.max()) == 1 for probabilities in hard.values())
    # The gradient of a choice reaches its active options alone.

    def squares(logits):
        return jnp.sum(plain.weights_point(dataclasses.replace(state, network_logits=logits), key).rows ** 2)

    slopes = jax.grad(squares)(state.network_logits)
    for row, (_, count) in zip(np.asarray(slopes), space.sizes, strict=True):
        assert np.sum(row[:count] != 0) == 2


def _dna_strategy(sharing_chunks=0, **settings):
    """Four blocks of the DNA family on pipelines, bilevel; and a batch."""
    whole = dna_network("digits", width=0.25, image_channels=1)
    family = dataclasses.replace(whole, blocks=whole.blocks[:4], head_channels=16)
    space = dataclasses.replace(dna_network_space(), decisions=dna_network_space().decisions[:8])
    pipelines = fpga_pipeline_space("digits").fix(as_released("digits"))
    config = SearchConfig(level="bilevel", steps=40, warmup_steps=0, soft_widths=True, **settings)
    pricing, budgets = PipelinePricing(pipelines), Budgets(fps=50_000.0)
    images = jax.random.normal(jax.random.key(1), (16, 8, 8, 1))
    return CoSearch(config, family, pricing, space, pipelines, budgets, sharing_chunks), (images, jnp.arange(16) % 10)


@pytest.mark.slow
def test_chunks_that_the_best_pipeline_waits_for_lose_layers():
    chunks = priced_chunks(fpga_pipeline_space("digits"))
    strategy, batch = _dna_strategy(len(chunks), expected_network=True, reoptimize_every=1)
    state = strategy.init(0)
    # So that the loss of the task does not count.
    state = dataclasses.replace(state, multipliers={"frame_ms": jnp.float32(1e4)})
    step = jax.jit(strategy.decisions_step)
    widths = [i for i, (name, _) in enumerate(strategy.network_space.sizes) if is_bits(name)]
    assert len(widths) == 4
    for position, bits in enumerate((4, 6, 8)):
        own = np.array([chunk.bits == bits for chunk in chunks], np.float32)
        moved, _ = step(dataclasses.replace(state, shares=jnp.asarray(own / own.sum())), batch)
        logits = np.asarray(moved.network_logits)[widths]
        assert np.all(logits[:, position] < 0)
        assert np.all(np.delete(logits, position, axis=1)[:, :2] > 0)


@pytest.mark.slow
def test_dna_networks_and_pipelines_learn_together():
    """Weights, operations, widths and knobs move, and the budget on throughput pulls."""
    strategy, batch = _dna_strategy()
    state = start = strategy.init(0)
    weights_step, decisions_step = jax.jit(strategy.weights_step), jax.jit(strategy.decisions_step)
    frames = []
    for _ in range(30):
        state, _ = weights_step(state, batch)
        state, metrics = decisions_step(state, batch)
        frames.append(float(metrics["frame_ms"]))
    assert np.mean(frames[-8:]) < 0.75 * np.mean(frames[:8])
    for before, after in zip(jax.tree.leaves(start.parameters), jax.tree.leaves(state.parameters), strict=True):
        assert np.all(np.isfinite(after))
        assert before.shape == after.shape
    moved = jax.tree.map(_differs, start.parameters, state.parameters)
    assert np.mean(jax.tree.leaves(moved)) > 0.9
    assert float(jnp.abs(state.network_logits).max()) > 0.1
    assert float(jnp.abs(state.accelerator_logits).max()) > 0.1
    assert float(state.multipliers["frame_ms"]) > 0


def test_a_soft_warmup_mixes_options_less_and_less_and_then_chooses():
    strategy = _strategy(level="bilevel", warmup_steps=10, soft_warmup=True)
    state, key = strategy.init(0), jax.random.key(0)
    rows = {
        step: strategy.weights_point(dataclasses.replace(state, step=jnp.int32(step)), key).rows[: len(_space().decisions)]
        for step in (0, 5, 9, 10)
    }
    largest = {step: float(jnp.mean(jnp.max(values, axis=-1))) for step, values in rows.items()}
    assert largest[0] < largest[5] < largest[9] < largest[10] == 1
    for values in rows.values():
        np.testing.assert_allclose(jnp.sum(values, axis=-1), 1, rtol=1e-6)
        # The same noise: the likeliest options do not change, they only become surer.
        np.testing.assert_array_equal(jnp.argmax(values, axis=-1), jnp.argmax(rows[10], axis=-1))


@pytest.mark.slow
def test_while_decisions_stay_put_the_second_half_of_a_step_needs_no_network():
    strategy = _strategy(level="bilevel", warmup_steps=2)
    trained, metrics = jax.jit(strategy.weights_step)(strategy.init(0), _batch(0))
    decided, full = jax.jit(strategy.decisions_step)(trained, _batch(1))
    held, priced = jax.jit(strategy.held_step)(trained, metrics)
    chex.assert_trees_all_equal(decided, held)
    assert set(priced) == set(full)
    for name in ("latency_ms", "energy_mj", "area_mm2"):
        np.testing.assert_allclose(priced[name], full[name], rtol=1e-6)
    assert float(priced["task_loss"]) == float(metrics["train_loss"])


@pytest.mark.slow
def test_the_expected_network_has_one_price_for_all_samples():
    strategy = _strategy("accelerator", level="bilevel", expected_network=True)
    state = strategy.init(0)
    state = dataclasses.replace(state, network_logits=jax.random.normal(jax.random.key(5), state.network_logits.shape))
    trained = {"train_loss": jnp.ones(()), "train_accuracy": jnp.ones(())}

    def prices(strategy):
        step = jax.jit(strategy.held_step)
        keys = [jax.random.key_data(jax.random.key(seed)) for seed in range(2)]
        return [step(dataclasses.replace(state, key=key), trained)[1]["latency_ms"] for key in keys]

    expected = strategy.cost(mean_point(strategy.space, state.logits)).latency_ms
    np.testing.assert_allclose(prices(strategy), expected, rtol=1e-6)
    sampled = dataclasses.replace(strategy, config=dataclasses.replace(strategy.config, expected_network=False))
    assert np.min(np.abs(np.array(prices(sampled)) / float(expected) - 1)) > 1e-3


def test_the_network_priced_becomes_the_likeliest_as_the_temperature_falls():
    strategy = _strategy(level="bilevel", expected_network=True, temperature=TemperatureConfig(end=0.01))
    space, logits = strategy.space, jnp.broadcast_to(jnp.arange(5.0)[::-1], strategy.init(0).logits.shape)
    np.testing.assert_allclose(strategy.expected_point(logits, 0).rows, mean_point(space, logits).rows, rtol=1e-6)
    likeliest = space.encode(space.decode(mean_point(space, logits)))
    assert np.max(np.abs(mean_point(space, logits).rows - likeliest.rows)) > 0.3
    np.testing.assert_allclose(strategy.expected_point(logits, strategy.config.steps).rows, likeliest.rows, atol=1e-6)
