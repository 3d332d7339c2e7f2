"""Proxy training: one program for all networks of a family, each as if it were trained by itself."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.accuracy import AugmentationConfig, ProxyTraining, Trainer
from dna_jax.data import ArraySource, DataConfig, batches, load, split, take
from dna_jax.networks import efficientnet_b0, inherit, mobilenet_v2, single_network
from dna_jax.networks.modules import initial_deviation
from dna_jax.search import OptimizerConfig, ProxyTrainingConfig, learning_rate_schedule, make_optimizer
from dna_jax.spaces import Decision, Space


def _family(make):
    whole = make(width=0.25, image_size=8, classes=10, stride_plan="digits", image_channels=1)
    return dataclasses.replace(whole, blocks=whole.blocks[:3], head_channels=32)


def _space(family):
    return Space("part", tuple(Decision(name, options) for name, options in family.options.items()))


def _proxy(family, **values):
    weights, held_out = split(load(DataConfig(), None).train, 0.2, 0)
    settings = {"learning_rate": 0.04, "calibration_batches": 2} | values
    config = ProxyTrainingConfig(**settings)
    train = take(weights, np.arange(128))
    return ProxyTraining(family, config, AugmentationConfig(1, False), train, take(held_out, np.arange(50)), 32, 40)


@pytest.fixture(scope="module")
def proxy():
    return _proxy(_family(mobilenet_v2))


def test_the_learning_rate_has_its_corners_where_the_paper_has_them():
    images, batch = 1281, 128  # 10.008 steps to an epoch
    config = ProxyTrainingConfig()
    steps = config.steps(images, batch)
    rate = learning_rate_schedule(config.optimizer(images, batch), steps)
    assert steps == 50
    assert rate(0) == 0
    np.testing.assert_allclose(rate(10), 0.33, rtol=1e-6)
    np.testing.assert_allclose(rate(20), 0.66, rtol=1e-6)
    np.testing.assert_allclose(rate(35), 0.33, rtol=1e-6)
    np.testing.assert_allclose(rate(50), 0, atol=1e-7)


def test_rmsprop_is_that_of_the_recipe():
    """Against the rule of TensorFlow 1 written out: mean of squares from 1 on, epsilon under the root, scaled momentum."""
    config = OptimizerConfig(
        name="rmsprop", learning_rate=0.1, schedule="constant", warmup_steps=0, weight_decay=0.0, clip_norm=0.0,
        squares_decay=0.9, epsilon=0.5,
    )  # fmt: skip
    rule = make_optimizer(config, 5)
    weight = jnp.array([1.0, -2.0])
    state, mean, momentum, expected = rule.init(weight), np.ones(2), np.zeros(2), np.array([1.0, -2.0])
    for step in range(4):
        gradient = np.array([0.3, -1.5]) * (step + 1)
        mean = 0.9 * mean + 0.1 * gradient**2
        momentum = 0.9 * momentum + 0.1 * gradient / np.sqrt(mean + 0.5)
        expected = expected - momentum
        updates, state = rule.update(jnp.asarray(gradient, jnp.float32), state, weight)
        weight = weight + updates
        np.testing.assert_allclose(weight, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": "sgd", "epsilon": 1.0}, "epsilon is RMSProp's; leave it alone for sgd"),
        ({"name": "rmsprop", "epsilon": 0.0}, "epsilon must be positive"),
        ({"name": "sgd", "squares_decay": 0.9}, "Adam's and RMSProp's"),
    ],
)
def test_options_of_other_optimisers_are_refused(values, says):
    with pytest.raises(ValueError, match=says):
        OptimizerConfig(**values)


@pytest.mark.parametrize("make", [mobilenet_v2, pytest.param(efficientnet_b0, marks=pytest.mark.slow)])
def test_a_masked_network_trains_as_the_derived_one(make):
    proxy, seed = _proxy(_family(make)), 5
    space = _space(proxy.specification)
    point = space.sample(jax.random.key(2))
    design = space.decode(point)
    assert len({design[d.name] for d in space.decisions if d.name.endswith("kernel")}) > 1
    single = single_network(proxy.specification, design)
    shapes = single.init(0)[0]
    masked = proxy.start(point, seed)
    # First weights are those of the super-kernel network at the deviation that the network by itself would have.
    drawn = inherit(single, shapes, proxy.trainer.model.init(seed)[0])
    # Copied, for a step takes what it is given.
    start = jax.tree.map(np.array, inherit(single, shapes, masked.parameters))

    def is_at_own_deviation(path, raw, own, whole):
        names = tuple(str(getattr(key, "key", getattr(key, "name", key))) for key in path[:-1])
        scale = initial_deviation(names, own.shape) / initial_deviation(names, whole.shape) if "kernel" in names else 1
        np.testing.assert_allclose(own, raw * scale, rtol=1e-5, err_msg=str(names))

    jax.tree_util.tree_map_with_path(is_at_own_deviation, drawn, start, masked.parameters)
    trainer = Trainer(proxy.trainer.config, proxy.augmentation, single)
    derived, step = trainer.init(seed, jax.tree.map(jnp.asarray, start)), jax.jit(trainer.step)
    stream = batches(proxy.train, proxy.batch_size, seed, "proxy")
    for _ in range(12):
        entry = next(stream)
        images, labels = entry["image"], np.asarray(entry["label"], np.int32)
        masked, one = proxy.step(masked, images, labels, point)
        derived, other = step(derived, images, labels)
        np.testing.assert_allclose(one["loss"], other["loss"], rtol=1e-4)
    moved = jax.tree.map(lambda new, old: float(np.abs(new - old).max()), derived.parameters, start)
    assert max(jax.tree.leaves(moved)) > 0.01
    for one, other in zip(
        jax.tree.leaves(inherit(single, shapes, masked.parameters)), jax.tree.leaves(derived.parameters), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_accuracies_are_functions_of_choices_and_seed(proxy):
    space = _space(proxy.specification)
    points = jax.vmap(space.sample)(jax.random.split(jax.random.key(0), 3))
    points = dataclasses.replace(points, rows=points.rows.at[2].set(points.rows[0]))
    accuracy, loss = proxy.accuracies(points, [1, 2, 3])
    again, _ = proxy.accuracies(dataclasses.replace(points, rows=points.rows[::-1]), [3, 2, 1])
    np.testing.assert_array_equal(accuracy, again[::-1])
    assert np.all((accuracy >= 0) & (accuracy <= 1))
    # The same network with another seed is another training.
    assert loss[0] != loss[2]


def test_no_network_is_compiled_anew(proxy, caplog):
    space = _space(proxy.specification)
    first, second = (jax.vmap(space.sample)(jax.random.split(jax.random.key(i), 2)) for i in (0, 1))
    proxy.accuracies(first, [1, 2])
    with jax.log_compiles(), caplog.at_level("WARNING"):
        proxy.accuracies(second, [3, 4])
        assert "Compiling" not in caplog.text
        # What the assertion looks for is said where something is compiled.
        jax.jit(lambda x: x * 3.25 + len(caplog.text))(jnp.ones(7))
        assert "Compiling" in caplog.text


def test_it_learns(proxy):
    """A class that a square gives away is learned in the epochs of the recipe."""
    labels = np.arange(128) % 2
    images = np.zeros((128, 8, 8, 1), np.uint8)
    images[:, 2:6, 2:6, 0] = 250 * labels[:, None, None]
    source = ArraySource(images, labels)
    easy = dataclasses.replace(proxy, train=source, held_out=take(source, np.arange(50)))
    space = _space(proxy.specification)
    accuracy, _ = easy.accuracies(jax.vmap(space.sample)(jax.random.split(jax.random.key(1), 1)), [0])
    assert accuracy[0] > 0.9
