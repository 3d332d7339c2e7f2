"""Where images come from: anything with a length whose entries are {"image": uint8[H, W, C], "label": int}."""

import dataclasses
from typing import Protocol, TypedDict, runtime_checkable

import numpy as np
from PIL import Image


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


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """An image uint8[H, W, C] as uint8[size, size, C], bilinear with antialiasing, each side on its own; 0 keeps it."""
    if not size or image.shape[:2] == (size, size):
        return image
    channels = [
        np.asarray(Image.fromarray(image[:, :, c]).resize((size, size), Image.Resampling.BILINEAR))
        for c in range(image.shape[2])
    ]
    return np.stack(channels, axis=-1)


def digits(image_size: int = 0, test_fraction: float = 0.2, seed: int = 0) -> Dataset:
    """The 1,797 handwritten digits of scikit-learn (8 x 8, grey), embedded in that package; split at random.

    Args:
      image_size: side to which they are resized; 0 keeps 8.
      test_fraction: share of the test set.
      seed: of the split.
    """
    from sklearn.datasets import load_digits

    pixels, targets = load_digits(return_X_y=True)
    images = np.round(pixels.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    if image_size:
        images = np.stack([resize(image, image_size) for image in images])
    labels = targets.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(labels))
    test = round(test_fraction * len(labels))
    parts = [ArraySource(images[part], labels[part]) for part in (order[test:], order[:test])]
    return Dataset("digits", parts[0], parts[1], classes=10, image_shape=images.shape[1:])


def take(source: Source, indices: np.ndarray) -> Source:
    """The entries of a source at given indices, copied where it is in memory."""
    if isinstance(source, ArraySource):
        return ArraySource(source.images[indices], source.labels[indices])
    return Subset(source, indices)


def read(source: Source, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8[n, H, W, C] and labels int64[n] of consecutive entries, `stop` excluded."""
    if isinstance(source, ArraySource):
        return source.images[start:stop], source.labels[start:stop]
    entries = [source[i] for i in range(start, min(stop, len(source)))]
    return np.stack([entry["image"] for entry in entries]), np.array([entry["label"] for entry in entries], np.int64)
