"""Where accuracy comes from."""

from dna_jax.accuracy.augmentation import AugmentationConfig, augment, standardize
from dna_jax.accuracy.training import (
    Trainer,
    TrainingConfig,
    TrainingState,
    evaluate_accuracy,
    recalibrate,
)

__all__ = [
    "AugmentationConfig",
    "Trainer",
    "TrainingConfig",
    "TrainingState",
    "augment",
    "evaluate_accuracy",
    "recalibrate",
    "standardize",
]
