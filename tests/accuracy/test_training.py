"""Training one network: it learns, averages, recalibrates, and evaluates every image once."""

import dataclasses

import jax
import numpy as np
import pytest

from dna_jax.accuracy import AugmentationConfig, Trainer, TrainingConfig, evaluate_accuracy, recalibrate
from dna_jax.data import DataConfig, batches, load
from dna_jax.networks import mobilenet_v2, single_network
from dna_jax.search import OptimizerConfig


def _model():
    whole = mobilenet_v2(width=0.25, image_size=8, classes=10, stride_plan="digits", image_channels=1)
    family = dataclasses.replace(whole, blocks=whole.blocks[:6], head_channels=128)
    return single_network(family, whole.default_design)


@pytest.fixture(scope="module")
def trained():
    dataset = load(DataConfig("digits"), None)
    config = TrainingConfig(
        steps=200,
        optimizer=OptimizerConfig(learning_rate=0.2, warmup_steps=10),
        ema_decay=0.95,
        calibration_batches=5,
    )
    trainer = Trainer(config, AugmentationConfig(1, False), _model())
    step = jax.jit(trainer.step)
    state, losses = trainer.init(0), []
    stream = batches(dataset.train, 64, 0, "test")
    for _ in range(200):
        entry = next(stream)
        state, metrics = step(state, entry["image"], entry["label"])
        losses.append(float(metrics["loss"]))
    return dataset, trainer, state, losses


def test_it_learns_digits(trained):
    dataset, trainer, state, losses = trained
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])
    statistics = recalibrate(trainer.model, state.average, (next(batches(dataset.train, 64, i, "test")) for i in range(5)))
    test = dataset.test
    accuracy = evaluate_accuracy(trainer.model, state.average, statistics, test, 128)
    assert accuracy > 0.85
    # The batch size of an evaluation, and so its padding, must not matter.
    assert evaluate_accuracy(trainer.model, state.average, statistics, test, 359) == accuracy
    # Statistics of another network are worthless: without recalibration the averaged weights are misjudged.
    assert evaluate_accuracy(trainer.model, state.average, trainer.model.init(0)[1], test, 128) < accuracy


def test_recalibration_averages_over_batches(trained):
    dataset, trainer, state, _ = trained
    entries = [next(batches(dataset.train, 64, i, "test")) for i in range(2)]
    both = recalibrate(trainer.model, state.average, entries)
    single = [recalibrate(trainer.model, state.average, [entry]) for entry in entries]
    for mean, a, b in zip(*(jax.tree.leaves(x) for x in (both, *single)), strict=True):
        np.testing.assert_allclose(mean, (np.asarray(a) + np.asarray(b)) / 2, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="at least one batch"):
        recalibrate(trainer.model, state.average, [])


def test_average_follows_the_weights(trained):
    _, _, state, _ = trained
    for average, weight in zip(jax.tree.leaves(state.average), jax.tree.leaves(state.parameters), strict=True):
        difference = np.abs(np.asarray(average) - np.asarray(weight)).max()
        assert difference <= 0.5 * np.abs(np.asarray(weight)).max() + 0.1
    assert any(
        not np.array_equal(a, w)
        for a, w in zip(jax.tree.leaves(state.average), jax.tree.leaves(state.parameters), strict=True)
    )


def test_given_weights_are_the_start():
    trainer = Trainer(TrainingConfig(), AugmentationConfig(), _model())
    other = trainer.model.init(5)[0]
    for a, b in zip(jax.tree.leaves(trainer.init(0, other).parameters), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_trainings_side_by_side_are_those_one_by_one():
    trainer = Trainer(TrainingConfig(optimizer=OptimizerConfig(warmup_steps=0)), AugmentationConfig(1, False), _model())
    generator = np.random.default_rng(0)
    images, labels = generator.integers(0, 256, (3, 2, 16, 8, 8, 1), np.uint8), generator.integers(0, 10, (3, 2, 16))
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *(trainer.init(seed) for seed in (0, 5)))
    alone = [trainer.init(seed) for seed in (0, 5)]
    together, single = jax.jit(jax.vmap(trainer.step)), jax.jit(trainer.step)
    for step in range(3):
        stacked, metrics = together(stacked, images[step], labels[step])
        for repeat in range(2):
            alone[repeat], of_one = single(alone[repeat], images[step, repeat], labels[step, repeat])
            assert metrics["loss"][repeat] == pytest.approx(float(of_one["loss"]), rel=1e-3)
    assert abs(float(metrics["loss"][0] - metrics["loss"][1])) > 1e-2
    for repeat in range(2):
        for found, expected in zip(jax.tree.leaves(stacked.average), jax.tree.leaves(alone[repeat].average), strict=True):
            np.testing.assert_allclose(found[repeat], expected, rtol=2e-2, atol=2e-3)
