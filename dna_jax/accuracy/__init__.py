"""Where accuracy comes from."""

from dna_jax.accuracy.augmentation import AugmentationConfig, augment, standardize
from dna_jax.accuracy.macro_table import MacroTable, macro_table, multilinear, multilinear_at
from dna_jax.accuracy.proxy import ProxyTraining
from dna_jax.accuracy.training import (
    Trainer,
    TrainingConfig,
    TrainingState,
    evaluate_accuracy,
    recalibrate,
)

__all__ = [
    "AugmentationConfig",
    "MacroTable",
    "ProxyTraining",
    "Trainer",
    "TrainingConfig",
    "TrainingState",
    "augment",
    "evaluate_accuracy",
    "macro_table",
    "multilinear",
    "multilinear_at",
    "recalibrate",
    "standardize",
]
