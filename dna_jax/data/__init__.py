"""Where images come from."""

from dna_jax.data.pipeline import DataConfig, batches, load, split
from dna_jax.data.sources import ArraySource, Dataset, Source, Subset, digits, read, take
from dna_jax.data.tfds import tfds_dataset

__all__ = [
    "ArraySource",
    "DataConfig",
    "Dataset",
    "Source",
    "Subset",
    "batches",
    "digits",
    "load",
    "read",
    "split",
    "take",
    "tfds_dataset",
]
