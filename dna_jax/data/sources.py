"""Where images come from: anything with a length whose entries are {"image": uint8[H, W, C], "label": int}."""

import dataclasses
import pathlib
from typing import Any, Protocol, TypedDict, runtime_checkable

import numpy as np

from dna_jax.errors import UserError


class Example(TypedDict):
    """One labelled image."""

    image: np.ndarray
    label: int


@runtime_checkable
class Source(Protocol):
    """Random access to labelled images."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Example: ...


@dataclasses.dataclass(frozen=True)
class ArraySource:
    """Images held in memory.

    Attributes:
      images: uint8[N, H, W, C].
      labels: int64[N].
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Example:
        return {"image": self.images[index], "label": int(self.labels[index])}


@dataclasses.dataclass(frozen=True)
class Subset:
    """The entries of a source at given indices, int64[n]."""

    source: Source
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Example:
        return self.source[int(self.indices[index])]


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A training set and a test set.

    Attributes:
      name: of the data set.
      train, test: sources.
      classes: number of classes.
      image_shape: height, width, channels.
    """

    name: str
    train: Source
    test: Source
    classes: int
    image_shape: tuple[int, int, int]


def digits(test_fraction: float = 0.2, seed: int = 0) -> Dataset:
    """The 1,797 handwritten digits of scikit-learn (8 x 8, grey), embedded in that package; split at random."""
    from sklearn.datasets import load_digits

    pixels, targets = load_digits(return_X_y=True)
    images = np.round(pixels.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    labels = targets.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(labels))
    test = round(test_fraction * len(labels))
    parts = [ArraySource(images[part], labels[part]) for part in (order[test:], order[:test])]
    return Dataset("digits", parts[0], parts[1], classes=10, image_shape=(8, 8, 1))


def in_memory(source: Source) -> ArraySource:
    """Every entry of a source decoded once; images must be of one size."""
    entries = [source[i] for i in range(len(source))]
    shapes = {entry["image"].shape for entry in entries}
    if len(shapes) != 1:
        raise UserError(
            f"Images of {len(shapes)} different sizes cannot be batched; choose a data set whose images have one size."
        )
    labels = np.array([entry["label"] for entry in entries], np.int64)
    return ArraySource(np.stack([entry["image"] for entry in entries]), labels)


def tfds_dataset(name: str, data_dir: str | None) -> Dataset:
    """A prepared image-classification set of tensorflow-datasets, read without TensorFlow and without a network.

    UserError where the name is unknown, the set is not prepared in `data_dir`, or it has no images, labels or splits
    "train" and "test".
    """
    import tensorflow_datasets as tfds

    if name not in tfds.list_builders(with_community_datasets=False):
        raise UserError(
            f"Unknown data set {name!r}; use digits, or a tensorflow-datasets image-classification set such as cifar10."
        )
    where = str(pathlib.Path(data_dir).expanduser()) if data_dir else None
    try:
        # Typed Any: its methods carry decorators that hide their signatures.
        builder: Any = tfds.builder(name, data_dir=where, file_format="array_record")
    except Exception as error:
        # Building some sets reaches for files or packages that only preparing them needs.
        raise UserError(f"The data set {name!r} cannot be opened ({_first_line(error)}); check --data_dir.") from error
    if not builder.is_prepared():
        folder = str(pathlib.Path(builder.data_dir).parents[1])
        raise UserError(
            f"The data set {name!r} is not prepared in {folder!r}; pass the right --data_dir, or prepare "
            f"it with: .venv/bin/pip install -e '.[prepare]' && .venv/bin/tfds build {name} --file_format=array_record"
            + (f" --data_dir={where}" if where else "")
        )
    features, splits = builder.info.features, builder.info.splits
    if not features or "image" not in features or "label" not in features or not {"train", "test"} <= set(splits):
        raise UserError(
            f"The data set {name!r} is not an image-classification set with splits train and test; choose another."
        )
    parts = {split: in_memory(builder.as_data_source(split)) for split in ("train", "test")}
    height, width, channels = parts["train"].images.shape[1:]
    return Dataset(name, parts["train"], parts["test"], int(features["label"].num_classes), (height, width, channels))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
