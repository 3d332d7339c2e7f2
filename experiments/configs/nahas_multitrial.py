"""Multi-trial joint search on the embedded digits: a controller that learns by PPO, every network trained by itself.

Paper:     NAHAS multi-trial (Zhou et al., 2021), S1 joined with the edge accelerator space of Table 1: PPO with a recurrent
           controller, Adam at 5e-4, gradients clipped at norm 1.0, rewards of 10 trials to an update; hard constraint
           (p = 0, q = -1); proxy training of 5 epochs by RMSProp, 2 of linear warm-up and 3 of cosine decay. The paper tries
           5,000 designs on TPUs, this card 100. Its learning rate of 0.66 is taken as that of batches of 1,024 and scaled
           linearly to those of 64 here, 0.04; the epsilon of RMSProp, which it leaves open, is 1.0 (Inception-v3), for with
           1e-3 (MnasNet) networks stay at 10 % in the 90 steps that 5 epochs of the digits are.
Data:      1,797 handwritten digits of scikit-learn, 8 x 8, no enlargement; a fifth of those to train on measures accuracy.
Hardware:  2 CPU cores.
Time:      14.5 minutes, 13 of them the search.
Expected:  all budgets met; test accuracy 94.4 to 97.5 % found in four runs, 93.6 to 96.9 % published
           (experiments/results/shots). Proxy accuracies are 43 to 54 % in the mean of ten trials, of which 10 to 15 % meet
           both budgets; of random designs 10 % do. The controller's 10 updates at 5e-4 are too few to learn much.
Command:   python -m experiments.cosearch --config=experiments/configs/nahas_multitrial.py
"""

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.data import DataConfig
from dna_jax.runs.config import CosearchConfig, NetworkConfig, RetrainConfig, is_smoke, to_config_dict
from dna_jax.search import Budgets, MultiTrialConfig, OptimizerConfig, ProxyTrainingConfig, SearchConfig
from dna_jax.search.strategies import PpoConfig


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in seconds."""
    smoke = is_smoke(variant)
    batch_size = 16 if smoke else 64
    return to_config_dict(
        CosearchConfig(
            data=DataConfig(name="digits", batch_size=batch_size, limit=40 if smoke else 0),
            network=NetworkConfig(space="s1", width=0.25, stride_plan="digits"),
            budgets=Budgets(latency_ms=0.012, area_mm2=16.0),
            search=SearchConfig(
                method="multi_trial",
                multi_trial=MultiTrialConfig(
                    trials=4 if smoke else 100,
                    ppo=PpoConfig(batch=2 if smoke else 10),
                    proxy=ProxyTrainingConfig(
                        learning_rate=0.66 * batch_size / 1024,
                        epsilon=1.0,
                        calibration_batches=2 if smoke else 10,
                    ),
                ),
            ),
            augmentation=AugmentationConfig(crop_padding=1, flip=False),
            retrain=RetrainConfig(
                training=TrainingConfig(
                    steps=4 if smoke else 400,
                    optimizer=OptimizerConfig(learning_rate=0.05, warmup_steps=20, weight_decay=5e-4),
                    ema_decay=0.98,
                    calibration_batches=2 if smoke else 10,
                )
            ),
            log_every=4 if smoke else 20,
            checkpoint_every=4 if smoke else 100,
        )
    )
