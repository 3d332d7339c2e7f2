"""Where images come from."""

from dna_jax.data.pipeline import DataConfig, arrays, batches, load, split
from dna_jax.data.sources import ArraySource, Dataset, Source, Subset, digits, tfds_dataset

__all__ = [
    "ArraySource",
    "DataConfig",
    "Dataset",
    "Source",
    "Subset",
    "arrays",
    "batches",
    "digits",
    "load",
    "split",
    "tfds_dataset",
]
