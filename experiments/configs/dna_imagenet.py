"""DNA on an FPGA at full width: operations, operand widths and a pipeline of chunks searched together, on ImageNet.

Paper:     DNA (Zhang et al., arXiv:2010.14778) and Auto-NBA (Fu et al., ICML 2021): 3.1e31 networks, 1e49 pipelines.
           As in the release of Auto-NBA (commit 8ddaf3e, `config_search.py`, `config_train.py`): bilevel, four fifths of the
           images for weights, batches of 192, 45 epochs of warm-up and 75 of search, each as long as those of its subset of
           128,000 images; SGD at 0.1 with a cosine, weight decay 5e-4, Adam at 3e-4 on decisions; two paths backward;
           temperature 5, times 0.956 an epoch; 180 epochs from scratch at 0.2 a batch of 512, weight decay 4e-5, no label
           smoothing.
           Chosen here: the search draws from all 1,000 classes, the release from 100; widths of 4, 6 and 8 bits, which the
           release leaves out on ImageNet (32 bits); training batches of 192, the learning rate in proportion; momentum of
           Nesterov; Adam with its usual decays; crops of 28 pixels and flips of images resized to 224 x 224; a budget of 80
           images/s, where the release asks for up to 200. The pipeline is carried by gradient and proven at the end, in the
           corrected cost model, or set anew on the way as dna_cifar10.py says.
Data:      ImageNet of tensorflow-datasets (imagenet2012), 224 x 224; read entry by entry.
Hardware:  one GPU; the pipeline is for a ZC706 board.
Time:      not measured yet.
Expected:  all budgets met, the pipeline proven optimal for the network found in the allocation of the release (where 49
           images/s are the most that the default network of kernel 3, expansion 6 and 8 bits reaches); accuracy not
           measured yet.
Command:   python -m experiments.cosearch --config=experiments/configs/dna_imagenet.py --data_dir=DIR
"""

from ml_collections import config_dict

from dna_jax.runs.config import is_smoke
from experiments.configs import dna_cifar10

_BATCH = 192
_SEARCH_EPOCH, _EPOCH = int(128_000 // _BATCH * 0.8), 1_281_167 // _BATCH
"""Steps through the images for weights of the release's subset, and through the whole training set."""


def get_config(variant: str = "") -> config_dict.ConfigDict:
    """The full run, or `smoke`: the same path in few small steps, though the validation set is evaluated as a whole."""
    smoke = is_smoke(variant)
    config = dna_cifar10.get_config(variant)
    config.update_from_flattened_dict(
        {
            "data.name": "imagenet2012",
            "data.decision_fraction": 0.2,
            "data.image_size": 224,
            "network.stride_plan": "imagenet",
            "budgets.fps": 80.0,
            "search.temperature.end": 5 * 0.956**75,
            "search.weights.learning_rate": 0.1,
            "augmentation.crop_padding": 28,
            "retrain.training.optimizer.learning_rate": 0.2 * _BATCH / 512,
            "retrain.training.optimizer.weight_decay": 4e-5,
        }
    )
    if smoke:
        config.update_from_flattened_dict({"data.batch_size": 2, "data.limit": 10, "evaluation_batch_size": 2})
    else:
        config.update_from_flattened_dict(
            {
                "data.batch_size": _BATCH,
                "search.steps": 120 * _SEARCH_EPOCH,
                "search.warmup_steps": 45 * _SEARCH_EPOCH,
                "retrain.training.steps": 180 * _EPOCH,
                "checkpoint_every": _SEARCH_EPOCH,
                "evaluation_batch_size": 500,
            }
        )
    return config
