"""Data: digits, splits, batches that depend on the step alone, and clear objections."""

import pathlib

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits

from dna_jax.accuracy import AugmentationConfig, augment, standardize
from dna_jax.data import ArraySource, DataConfig, Source, Subset, batches, load, read, split
from dna_jax.data.sources import resize
from dna_jax.data.tfds import PreparedSource
from dna_jax.errors import UserError

SHARED = pathlib.Path(__file__).parents[3] / "shared" / "data" / "tfds"


def _all(source):
    return read(source, 0, len(source))


def test_digits_are_whole_and_split_without_overlap():
    dataset = load(DataConfig("digits"), None)
    assert (len(dataset.train), len(dataset.test), dataset.classes, dataset.image_shape) == (1438, 359, 10, (8, 8, 1))
    assert isinstance(dataset.train, Source)
    images, labels = _all(dataset.train)
    pixels = load_digits()["data"]
    ours = np.concatenate([part.images.reshape(-1, 64) for part in (dataset.train, dataset.test)])
    whole = np.round(pixels * 255 / 16).astype(np.uint8)
    np.testing.assert_array_equal(np.sort(ours.view("S64"), axis=0), np.sort(whole.view("S64"), axis=0))
    assert images.dtype == np.uint8
    assert images.max() == 255
    assert set(np.unique(labels)) == set(range(10))


def test_split_is_a_partition_by_seed():
    source = ArraySource(np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1), np.arange(100))
    first, second = split(source, 0.3, seed=1)
    assert (len(first), len(second)) == (70, 30)
    assert sorted([*_all(first)[1], *_all(second)[1]]) == list(range(100))
    other, _ = split(source, 0.3, seed=2)
    assert not np.array_equal(_all(first)[1], _all(other)[1])
    assert [len(part) for part in split(source, 0.001, seed=0)] == [99, 1]


def test_limit_takes_a_part():
    assert len(load(DataConfig("digits", limit=50), None).train) == 50


def test_batches_depend_on_seed_and_number_alone():
    source = load(DataConfig("digits"), None).train
    stream = batches(source, 64, seed=3, purpose="test")
    seen = [next(stream) for _ in range(30)]
    resumed = batches(source, 64, seed=3, purpose="test", start=25)
    for expected in seen[25:]:
        entry = next(resumed)
        np.testing.assert_array_equal(entry["image"], expected["image"])
        np.testing.assert_array_equal(entry["label"], expected["label"])
    for other in (batches(source, 64, seed=4, purpose="test"), batches(source, 64, seed=3, purpose="another")):
        assert not np.array_equal(next(other)["label"], seen[0]["label"])


def test_neighbouring_seeds_share_no_epoch():
    source = ArraySource(np.zeros((64, 1, 1, 1), np.uint8), np.arange(64))
    orders = []
    for seed in range(3):
        stream = batches(source, 64, seed=seed, purpose="test")
        orders += [tuple(next(stream)["label"]) for _ in range(4)]
    assert len(set(orders)) == 12


def test_an_epoch_shows_every_image_once_and_the_next_in_another_order():
    source = ArraySource(np.zeros((96, 1, 1, 1), np.uint8), np.arange(96))
    stream = batches(source, 32, seed=0, purpose="test")
    epochs = [np.concatenate([next(stream)["label"] for _ in range(3)]) for _ in range(2)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(96))
    assert not np.array_equal(epochs[0], epochs[1])


def test_too_large_a_batch_is_refused():
    with pytest.raises(UserError, match="choose a smaller one"):
        batches(ArraySource(np.zeros((4, 1, 1, 1), np.uint8), np.arange(4)), 8, seed=0, purpose="test")


def test_subset_reads_through():
    source = ArraySource(np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1), np.arange(5) * 10)
    part = Subset(source, np.array([4, 1]))
    assert [part[i]["label"] for i in range(len(part))] == [40, 10]
    np.testing.assert_array_equal(_all(part)[0].ravel(), [4, 1])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_such_set", "Unknown data set 'no_such_set'"),
        ("mnist", "tfds build mnist"),
        ("emnist/letters", "tfds build emnist/letters"),
        ("cifar10", "--data_dir"),
    ],
)
def test_missing_sets_are_named_with_a_way_out(name, says, tmp_path):
    with pytest.raises(UserError, match=says):
        load(DataConfig(name), str(tmp_path))


@pytest.mark.skipif(not SHARED.exists(), reason="CIFAR-10 prepared by tensorflow-datasets is not beside the project")
def test_cifar10_reads_without_tensorflow():
    import sys

    dataset = load(DataConfig("cifar10"), str(SHARED))
    assert (len(dataset.train), len(dataset.test), dataset.classes, dataset.image_shape) == (50_000, 10_000, 10, (32, 32, 3))
    assert np.all(np.bincount(_all(dataset.test)[1]) == 1000)
    assert "tensorflow" not in sys.modules


@pytest.mark.skipif(not SHARED.exists(), reason="CIFAR-10 prepared by tensorflow-datasets is not beside the project")
def test_large_sets_are_read_entry_by_entry_and_resized(monkeypatch):
    from dna_jax.data import tfds

    monkeypatch.setattr(tfds, "MEMORY_LIMIT_BYTES", 0)
    dataset = load(DataConfig("cifar10", image_size=16, limit=100), str(SHARED))
    assert isinstance(dataset.train, Subset)
    assert (len(dataset.train), len(dataset.test), dataset.image_shape) == (100, 10_000, (16, 16, 3))
    stream = batches(split(dataset.train, 0.2, 0)[0], 20, seed=0, purpose="test")
    assert next(stream)["image"].shape == (20, 16, 16, 3)
    images, labels = read(dataset.test, 9_990, 10_010)
    assert (images.shape, labels.shape) == ((10, 16, 16, 3), (10,))


def test_host_resize_keeps_flat_images_and_averages_the_rest():
    flat = np.full((7, 5, 3), 93, np.uint8)
    assert np.all(resize(flat, 4) == 93)
    assert resize(flat, 4).shape == (4, 4, 3)
    half = np.zeros((8, 8, 1), np.uint8)
    half[:, 4:] = 200
    small = resize(half, 2)
    assert np.all(small[:, 0] < 60)
    assert np.all(small[:, 1] > 140)
    assert resize(half, 8) is half


def test_a_damaged_entry_is_named():
    with pytest.raises(UserError, match=r"Entry 5 of data set 'broken' cannot be read .*prepare the set again"):
        PreparedSource([], 0, "broken")[5]


def test_augmentation_moves_and_mirrors_but_never_invents():
    images = np.random.default_rng(0).uniform(1, 2, (64, 6, 6, 1)).astype(np.float32)
    moved = np.asarray(augment(jax.random.key(0), images, AugmentationConfig(crop_padding=2, flip=True)))
    assert moved.shape == images.shape
    for before, after in zip(images, moved, strict=True):
        assert set(np.unique(after)) <= {0.0, *np.unique(before)}
    assert not np.array_equal(moved, images)
    unchanged = augment(jax.random.key(0), images, AugmentationConfig(crop_padding=0, flip=False))
    np.testing.assert_array_equal(unchanged, images)
    flipped = np.asarray(augment(jax.random.key(1), images, AugmentationConfig(crop_padding=0, flip=True)))
    mirrored = np.array([np.array_equal(a, b[:, ::-1]) for a, b in zip(flipped, images, strict=True)])
    same = np.array([np.array_equal(a, b) for a, b in zip(flipped, images, strict=True)])
    assert np.all(mirrored | same)
    assert 16 < mirrored.sum() < 48


def test_standardize_scales():
    np.testing.assert_allclose(standardize(np.array([[0, 255]], np.uint8)), [[-2, 2]])


def test_digits_can_be_enlarged():
    dataset = load(DataConfig("digits", image_size=16), None)
    assert dataset.image_shape == (16, 16, 1)
    assert read(dataset.train, 0, 2)[0].shape == (2, 16, 16, 1)
