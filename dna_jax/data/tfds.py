"""Prepared sets of tensorflow-datasets, read through `data_source`: no TensorFlow, no network.

tensorflow-datasets would try to download an unprepared set, for minutes; so what is there is looked at first.
"""

import dataclasses
import pathlib
import re
from typing import Any

import numpy as np

from dna_jax.data.sources import ArraySource, Dataset, Example, Source, resize, take
from dna_jax.errors import UserError

MEMORY_LIMIT_BYTES = 4 * 2**30
"""Splits whose decoded images fit are decoded once; larger ones are read entry by entry as they are needed."""

TEST_SPLITS = ("test", "validation")
"""Splits that serve as the test set, the first that a set has labelled; without one, a fifth of the training set does."""


@dataclasses.dataclass(frozen=True)
class PreparedSource:
    """One split of a prepared set.

    Attributes:
      entries: random access to dictionaries with an image and a label.
      size: side to which images are resized, 0 to keep them.
      name: of the set, for messages.
    """

    entries: Any
    size: int
    name: str

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Example:
        try:
            entry = self.entries[index]
        except Exception as error:
            # The reader raises many kinds of errors for a damaged file; all mean the same to the user.
            raise UserError(
                f"Entry {index} of data set {self.name!r} cannot be read ({_first_line(error)}); prepare the set again."
            ) from error
        image = np.asarray(entry["image"], np.uint8)
        return {"image": resize(image, self.size), "label": int(entry["label"])}


def decoded(source: Source) -> Source:
    """The source decoded into memory where it fits, else as it is."""
    if len(source) * source[0]["image"].nbytes > MEMORY_LIMIT_BYTES:
        return source
    entries = [source[i] for i in range(len(source))]
    labels = np.array([entry["label"] for entry in entries], np.int64)
    return ArraySource(np.stack([entry["image"] for entry in entries]), labels)


def tfds_dataset(name: str, data_dir: str | None, image_size: int = 0) -> Dataset:
    """A prepared image-classification set.

    Args:
      name: as tensorflow-datasets knows it.
      data_dir: where it was prepared; its default folder if None.
      image_size: side to which images are resized; needed where they differ in size.

    Raises:
      UserError: the name is unknown, the set is not prepared in `data_dir`, or it is no image-classification set.
    """
    import tensorflow_datasets as tfds

    # A name may carry a configuration and a version, as emnist/letters or cifar10:3.0.2 do.
    if re.split("[/:]", name)[0] not in tfds.list_builders(with_community_datasets=False):
        raise UserError(
            f"Unknown data set {name!r}; use digits, or a tensorflow-datasets image-classification set such as cifar10."
        )
    where = str(pathlib.Path(data_dir).expanduser()) if data_dir else None
    prepare = f".venv/bin/pip install -e '.[prepare]' && .venv/bin/tfds build {name} --file_format=array_record" + (
        f" --data_dir={where}" if where else ""
    )
    try:
        # Typed Any: its methods carry decorators that hide their signatures.
        builder: Any = tfds.builder(name, data_dir=where, file_format="array_record")
    except Exception as error:
        # Building some sets reaches for files or packages that only preparing them needs, or finds another file format.
        raise UserError(
            f"The data set {name!r} cannot be opened ({_first_line(error)}); check --data_dir, or prepare it with: {prepare}"
        ) from error
    if not builder.is_prepared():
        folder = str(pathlib.Path(builder.data_dir).parents[1])
        raise UserError(
            f"The data set {name!r} is not prepared in {folder!r}; pass the right --data_dir, or prepare it with: {prepare}"
        )
    features, splits = builder.info.features, builder.info.splits
    classes = getattr(features["label"], "num_classes", None) if features and "label" in features else None
    if not classes or "image" not in features or "train" not in splits:
        raise UserError(f"The data set {name!r} has no training split of images with class labels; choose another.")
    if np.dtype(features["image"].np_dtype) != np.uint8:
        raise UserError(f"Images of data set {name!r} are not of 8 bits a channel; choose another.")
    if None in features["image"].shape[:2] and not image_size:
        raise UserError(f"Images of data set {name!r} differ in size; set --config.data.image_size.")

    def part(split: str) -> Source:
        return decoded(PreparedSource(builder.as_data_source(split), image_size, name))

    train = part("train")
    test = next((part(split) for split in TEST_SPLITS if split in splits and _labelled(builder, split)), None)
    if test is None:
        order = np.random.default_rng(0).permutation(len(train))
        held_out = len(train) // 5
        test, train = take(train, np.sort(order[:held_out])), take(train, np.sort(order[held_out:]))
    height, width, channels = train[0]["image"].shape
    return Dataset(name, train, test, int(classes), (height, width, channels))


def _labelled(builder: Any, split: str) -> bool:
    """Whether a split has labels: some sets publish their test images without, as -1."""
    entries = builder.as_data_source(split)
    return len(entries) > 0 and int(entries[0]["label"]) >= 0


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
