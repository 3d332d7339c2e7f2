"""Where augmentation is faster: on the host, or in the jitted step. Both crop and mirror every image on its own.

python -m experiments.benchmark_data --out=FILE.json
"""

import statistics
import time
from typing import Any

import jax
import numpy as np
from absl import flags

from dna_jax.accuracy import AugmentationConfig, augment, standardize
from dna_jax.runs import binary
from experiments import benchmark_output

CONFIG = AugmentationConfig(crop_padding=4, flip=True)


def augment_on_host(generator: np.random.Generator, images: np.ndarray) -> np.ndarray:
    """The same augmentation as `dna_jax.accuracy.augment` in NumPy, on bytes [batch, height, width, channels]."""
    margin = CONFIG.crop_padding
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    size = images.shape[1]
    result = np.empty_like(images)
    offsets = generator.integers(0, 2 * margin + 1, (len(images), 2))
    mirrored = generator.random(len(images)) < 0.5
    for i, (top, left) in enumerate(offsets):
        crop = padded[i, top : top + size, left : left + size]
        result[i] = crop[:, ::-1] if mirrored[i] else crop
    return result


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    flags.DEFINE_integer("batch_size", 64, "Images per batch.", lower_bound=1)
    flags.DEFINE_integer("image_size", 32, "Side of an image.", lower_bound=8)
    flags.DEFINE_integer("repeats", 30, "Timed batches of each.", lower_bound=1)
    benchmark_output.define_out_flag()


def main() -> None:
    """Time both and report."""
    benchmark_output.require_folder()
    generator = np.random.default_rng(0)
    images = generator.integers(
        0, 256, (flags.FLAGS.batch_size, flags.FLAGS.image_size, flags.FLAGS.image_size, 3), np.uint8
    )
    plain = jax.jit(standardize)
    jitted = jax.jit(lambda key, x: augment(key, standardize(x), CONFIG))
    key = jax.random.key(0)
    candidates = {
        "host": lambda: plain(augment_on_host(generator, images)),
        "jitted": lambda: jitted(key, images),
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for candidate in candidates.values():
        jax.block_until_ready(candidate())
    for _ in range(flags.FLAGS.repeats):
        for name, candidate in candidates.items():
            began = time.perf_counter()
            jax.block_until_ready(candidate())
            times[name].append(1e3 * (time.perf_counter() - began))
    medians = {name: statistics.median(values) for name, values in times.items()}
    result: dict[str, Any] = {
        "batch_size": flags.FLAGS.batch_size,
        "image_size": flags.FLAGS.image_size,
        "median_ms": medians,
        "host_over_jitted": medians["host"] / medians["jitted"],
    }
    for name, value in medians.items():
        print(f"{name:<7} {value:7.3f} ms per batch of {flags.FLAGS.batch_size}")
    print(f"host / jitted {result['host_over_jitted']:.2f}")
    benchmark_output.write_result("experiments.benchmark_data", result)


if __name__ == "__main__":
    binary.run(main, define_flags)
