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
    trainer = Trainer(config, AugmentationConfig(1, False), _model(), 0)
    step = jax.jit(trainer.step)
    state, losses = trainer.init(), []
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
    trainer = Trainer(TrainingConfig(), AugmentationConfig(), _model(), 0)
    other = trainer.model.init(5)[0]
    for a, b in zip(jax.tree.leaves(trainer.init(other).parameters), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)
