"""How long a search step of NNI 3.0's one-shot strategies takes. Runs where `REQUIREMENTS` are installed: JSON out.

python nni_step.py --repeats=3 --strategies GumbelDARTS Proxyless RandomOneShot

Measured on the CPU with one thread: NNI's own ProxylessNAS space for 10 classes, turned into a supernet and trained on
random 32 x 32 images by NNI's own machinery: strategy, Classification evaluator with Adam and Lightning trainer, with the
defaults of each. A step is all that the trainer does with a batch once it is loaded: the `training_step` of the strategy
and, where that leaves it to Lightning, the optimiser. One step warms up. With `batch` images in each batch, a step is

  GumbelDARTS    Two batches, each through every candidate of every block at full depth, weighted. First forward, backward
                 and Adam's step for the architecture logits, on the batch for validation; that backward pass finds the
                 gradients of the weights as well, which are dropped. Then the same for the weights, on the batch for
                 training.
  Proxyless      The same two updates on two batches, each along one path newly sampled by the logits. The backward pass of
                 both also runs the other candidates of the blocks on the path, forward only, for the logits' gradient.
  RandomOneShot  One batch: a uniformly sampled path, forward, backward and Adam's step for its weights, none for the
                 architecture. Times vary with the sampled depth, and NNI draws paths from a generator that takes no seed:
                 more repeats than of the others are in place.

Strides are the published ones (32 pixels end as 1), or with --strides=cifar those usual for such images (32 end as 4): the
stem and the second stage do not halve. The environment takes 1.5 GB where pip finds a build of torch for CPUs only.
"""

import argparse
import importlib.metadata
import json
import platform
import statistics
import time
from typing import Any

REQUIREMENTS = ("torch==2.13.0", "nni==3.0", "pytorch-lightning==2.6.6", "torchmetrics==1.9.0", "numpy==2.4.6")
"""Packages known to work together, with Python 3.11."""

STRATEGIES = ("GumbelDARTS", "Proxyless", "RandomOneShot")
STRIDES = ("published", "cifar")
IMAGE_SIZE, CLASSES = 32, 10


def build_space(strides: str) -> Any:
    """NNI's ProxylessNAS space under a key of `STRIDES`."""
    from nni.nas.hub.pytorch import ProxylessNAS  # pyright: ignore[reportMissingImports]
    from torch import nn  # pyright: ignore[reportMissingImports]

    space = ProxylessNAS(num_labels=CLASSES)
    if strides == "cifar":
        for part in (space.stem, space.blocks[1]):
            for module in part.modules():
                if isinstance(module, nn.Conv2d):
                    module.stride = (1, 1)
                    # Most strategies replace a convolution by another, built from the arguments that NNI keeps of it.
                    module.trace_kwargs["stride"] = 1
    return space


def describe(space: Any) -> dict[str, dict[str, Any]]:
    """Stride, output channels, choices of depth and number of candidates per block of every stage, before conversion."""
    from nni.nas.nn.pytorch import LayerChoice, Repeat  # pyright: ignore[reportMissingImports]

    stages = {}
    for (name, stage), stride in zip(_stages(space).items(), stage_strides(space), strict=True):
        blocks = [module for module in stage.modules() if isinstance(module, LayerChoice)]
        stages[name] = {
            "stride": stride,
            "channels": _convolutions(stage)[-1].out_channels,
            "depths": stage.depth_choice.values if isinstance(stage, Repeat) else [1],
            "candidates_per_block": [len(block) for block in blocks],
        }
    return stages


def stage_strides(space: Any) -> list[int]:
    """Stride of each stage, of which one block at most has one; before or after conversion."""
    return [max(convolution.stride[0] for convolution in _convolutions(stage)) for stage in _stages(space).values()]


def _stages(space: Any) -> dict[str, Any]:
    numbered = {f"stage_{number}": stage for number, stage in enumerate(space.blocks, 1)}
    return {"stem": space.stem, **numbered, "head": space.feature_mix_layer}


def _convolutions(stage: Any) -> list[Any]:
    from torch import nn  # pyright: ignore[reportMissingImports]

    return [module for module in stage.modules() if isinstance(module, nn.Conv2d)]


Convolution = tuple[int, int, int, int]
"""Output channels, input channels per group, kernel and stride, of a square one that pads so that only its stride halves."""


def convolutions_by_block(space: Any) -> list[list[list[Convolution]]]:
    """Of every block in order, searched or not, each candidate's convolutions; before conversion."""
    from nni.nas.nn.pytorch import LayerChoice  # pyright: ignore[reportMissingImports]

    candidates = []
    for stage in _stages(space).values():
        searched = [module for module in stage.modules() if isinstance(module, LayerChoice)]
        candidates += [list(block) for block in searched] or [[stage]]
    return [
        [
            [(c.out_channels, c.in_channels // c.groups, c.kernel_size[0], c.stride[0]) for c in _convolutions(candidate)]
            for candidate in block
        ]
        for block in candidates
    ]


def million_macs(blocks: list[list[list[Convolution]]], image_size: int, classes: int) -> dict[str, float]:
    """Multiply-accumulates of one image, of all blocks and of the classifier behind them, in millions.

    Args:
      blocks: of each, its candidates' convolutions; the last is not searched.
      image_size: height and width of the image.
      classes: of the classifier, which reads one number for each channel of the last convolution.

    Returns:
      largest_network, of the largest candidate of each block; all_candidates, of all of them side by side.
    """
    rows = after = image_size
    (last,) = blocks[-1]
    largest = together = last[-1][0] * classes
    for block in blocks:
        counts = []
        for candidate in block:
            count, after = 0, rows
            for out_channels, in_channels, kernel, stride in candidate:
                after = -(-after // stride)
                count += out_channels * in_channels * kernel**2 * after**2
            counts.append(count)
        rows = after
        largest += max(counts)
        together += sum(counts)
    return {"largest_network": largest / 1e6, "all_candidates": together / 1e6}


def step_seconds(strategy_name: str, strides: str, batch: int, repeats: int) -> list[float]:
    """Seconds of each of `repeats` steps after one that warms up.

    Raises:
      RuntimeError: if the strategy's supernet has other strides than the space.
    """
    import torch  # pyright: ignore[reportMissingImports]
    from nni.nas import strategy as strategies  # pyright: ignore[reportMissingImports]
    from nni.nas.evaluator.pytorch import Classification, DataLoader  # pyright: ignore[reportMissingImports]
    from nni.nas.execution import SequentialExecutionEngine  # pyright: ignore[reportMissingImports]
    from nni.nas.space import RawFormatModelSpace  # pyright: ignore[reportMissingImports]
    from pytorch_lightning.callbacks import LambdaCallback  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    count = (1 + repeats) * batch

    def random_images() -> Any:
        images = torch.randn(count, 3, IMAGE_SIZE, IMAGE_SIZE)
        return DataLoader(torch.utils.data.TensorDataset(images, torch.randint(CLASSES, (count,))), batch_size=batch)

    began: list[float] = []
    ended: list[float] = []
    timer = LambdaCallback(
        on_train_batch_start=lambda *_: began.append(time.perf_counter()),
        on_train_batch_end=lambda *_: ended.append(time.perf_counter()),
    )
    evaluator = Classification(
        num_classes=CLASSES,
        train_dataloaders=random_images(),
        val_dataloaders=random_images(),
        accelerator="cpu",
        max_epochs=1,
        # Validation after the epoch is no part of a step.
        limit_val_batches=0,
        callbacks=[timer],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    space = build_space(strides)
    asked = stage_strides(space)
    strategy = getattr(strategies, strategy_name)()
    strategy.initialize(RawFormatModelSpace(space, evaluator), SequentialExecutionEngine())
    if stage_strides(strategy.supernet) != asked:
        raise RuntimeError(f"The supernet of {strategy_name} has strides {stage_strides(strategy.supernet)}, not {asked}.")
    strategy.run()
    return [end - begin for begin, end in zip(began, ended, strict=True)][1:]


def main() -> None:
    """Time the strategies that the arguments name, one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="Timed steps of each strategy; the median counts.")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=STRATEGIES, help="Strategies to time.")
    parser.add_argument("--batch", type=int, default=64, help="Images of each batch.")
    parser.add_argument("--strides", choices=STRIDES, default="published", help="Where images are halved.")
    arguments = parser.parse_args()
    if arguments.repeats < 1 or arguments.batch < 2:
        parser.error("--repeats must be 1 or more and --batch 2 or more, for batches are normalised.")

    import nni  # pyright: ignore[reportMissingImports]
    import torch  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(1)
    # NNI logs to standard output, where the result belongs.
    nni.silence_stdout()
    space = build_space(arguments.strides)
    stages, blocks = describe(space), convolutions_by_block(space)
    measured = {}
    for name in arguments.strategies:
        seconds = step_seconds(name, arguments.strides, arguments.batch, arguments.repeats)
        measured[name] = {"step_s_median": statistics.median(seconds), "step_s_all": seconds}
    packages = [requirement.split("==")[0] for requirement in REQUIREMENTS]
    result = {
        "versions": {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in packages},
        "space": {
            "name": "nni.nas.hub.pytorch.ProxylessNAS",
            "classes": CLASSES,
            "strides": arguments.strides,
            "searched_blocks": sum(len(stage["candidates_per_block"]) for stage in stages.values()),
            "stages": stages,
            "million_macs": million_macs(blocks, IMAGE_SIZE, CLASSES),
        },
        "threads": torch.get_num_threads(),
        "batch": arguments.batch,
        "image_size": IMAGE_SIZE,
        "strategies": measured,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
