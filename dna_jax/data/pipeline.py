"""From a source to batches by step number, so that a resumed run sees what an uninterrupted one would have seen."""

import dataclasses
import zlib
from collections.abc import Iterator
from typing import Any

import grain
import numpy as np

from dna_jax.checks import require_at_least
from dna_jax.data.sources import Dataset, Source, digits, take
from dna_jax.data.tfds import tfds_dataset
from dna_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which images and how many at a time.

    Attributes:
      name: "digits" or a prepared tensorflow-datasets set.
      batch_size: images per step.
      decision_fraction: share of the training set held out from the weights, on which a bilevel search learns decisions
        and on which every search measures accuracy.
      image_size: side to which images are resized; 0 keeps their own.
      limit: use only this many training images, 0 for all; for quick looks.
    """

    name: str = "digits"
    batch_size: int = 64
    decision_fraction: float = 0.2
    image_size: int = 0
    limit: int = 0

    def __post_init__(self) -> None:
        require_at_least(self, batch_size=1, image_size=0, limit=0)
        if not 0 < self.decision_fraction < 1:
            raise ValueError(f"decision_fraction {self.decision_fraction} leaves one part empty; choose one within 0 and 1.")


def load(config: DataConfig, data_dir: str | None, seed: int = 0) -> Dataset:
    """The data set of a config; UserError says what to do where it is unknown or not prepared.

    Args:
      config: which images.
      data_dir: of prepared tensorflow-datasets sets.
      seed: of the choice that `config.limit` makes.
    """
    dataset = (
        digits(config.image_size) if config.name == "digits" else tfds_dataset(config.name, data_dir, config.image_size)
    )
    if config.limit:
        chosen = np.random.default_rng(seed).permutation(len(dataset.train))[: config.limit]
        dataset = dataclasses.replace(dataset, train=take(dataset.train, chosen))
    return dataset


def split(source: Source, decision_fraction: float, seed: int) -> tuple[Source, Source]:
    """The training set cut at random into a part for weights and a part for decisions."""
    held_out = min(max(round(decision_fraction * len(source)), 1), len(source) - 1)
    order = np.random.default_rng(seed + 1).permutation(len(source))
    return take(source, np.sort(order[held_out:])), take(source, np.sort(order[:held_out]))


def batches(source: Source, batch_size: int, seed: int, purpose: str, start: int = 0) -> Iterator[dict[str, Any]]:
    """Endless shuffled batches {"image": uint8[B, H, W, C], "label": int64[B]}, from batch number `start` on.

    Batch n is a function of the seed, the purpose and n alone.
    """
    if batch_size > len(source):
        raise UserError(f"data.batch_size {batch_size} exceeds the {len(source)} images at hand; choose a smaller one.")
    # Grain counts its seed up with the epoch, so neighbouring seeds would see each other's epochs: hashed, they do not.
    order = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]).generate_state(1)[0] >> 1
    dataset = grain.MapDataset.source(source).shuffle(int(order)).repeat().batch(batch_size)
    threads = grain.ReadOptions(num_threads=2, prefetch_buffer_size=8)
    return iter(dataset[start:].to_iter_dataset(threads))
