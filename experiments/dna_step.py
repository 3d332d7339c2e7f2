"""The step of DNA's joint search with its hardware, timed."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from dna_jax.hardware.fpga import PipelinePricing
from dna_jax.networks import DnaSpecification, count_parameters, dna_network, macs
from dna_jax.search import Budgets, CoSearch, SearchConfig
from dna_jax.spaces import (
    OPERATIONS,
    WIDTHS,
    Design,
    as_released,
    dna_network_space,
    fpga_pipeline_space,
    operation_name,
)

LEVELS = ("bilevel", "single")


def strategy(level: str, width: float, image_size: int) -> CoSearch:
    """The joint search of a super-kernel network and an FPGA pipeline, on one of `LEVELS`, without a warm-up."""
    pipelines = fpga_pipeline_space("cifar").fix(as_released("cifar"))
    return CoSearch(
        config=SearchConfig(
            level="bilevel" if level == "bilevel" else "single", warmup_steps=0, soft_widths=level == "bilevel"
        ),
        specification=dna_network("cifar", width=width, image_size=image_size),
        pricing=PipelinePricing(pipelines),
        network_space=dna_network_space(),
        accelerator_space=pipelines,
        budgets=Budgets(fps=200.0, dsp=900, bram=700),
    )


def million_macs(width: float, image_size: int) -> dict[str, float]:
    """Multiply-accumulates of one image in millions: largest_network, of the network with the largest operation in each
    block, and all_candidates, of the operations of each block side by side.

    The super-kernel network that is timed does those of the largest network and of the skips that change the shape.
    """
    # Operands of one width: the others bring no further multiply-accumulates.
    specification = dna_network("cifar", width=width, image_size=image_size, widths=WIDTHS[:1])
    # An operation that is the largest in one block is so in every other.
    largest = max(macs(specification, _everywhere(specification, name)) for name in OPERATIONS)
    together = sum(row.layer.macs for row in specification.conditional_layers() if row.layer.weight_bits)
    return {"largest_network": largest / 1e6, "all_candidates": together / 1e6}


def _everywhere(specification: DnaSpecification, name: str) -> Design:
    """The design with one operation in all blocks."""
    return specification.default_design | {operation_name(block.index): name for block in specification.blocks}


def count_weights(width: float, image_size: int) -> int:
    """Number of weights of the super-kernel network."""
    return count_parameters(strategy("bilevel", width, image_size).model)


def measure(level: str, width: float, image_size: int, batch_size: int, repeats: int) -> dict[str, Any]:
    """Compilation (s) and seconds of every step at one level of the search.

    A bilevel step has two batches. Batches lie on the device beforehand; a step has ended when all of the state is there.
    """
    search = strategy(level, width, image_size)
    functions = [search.weights_step, search.decisions_step] if level == "bilevel" else [search.joint_step]
    generator = np.random.default_rng(0)

    def random_batch() -> tuple[np.ndarray, np.ndarray]:
        images = generator.standard_normal((batch_size, image_size, image_size, 3), np.float32)
        return images, generator.integers(0, 10, batch_size).astype(np.int32)

    batches = [jax.device_put(random_batch()) for _ in functions]
    state = search.init(0)
    began = time.perf_counter()
    compiled: list[Callable[..., Any]] = [
        jax.jit(function, donate_argnums=0).lower(state, batch).compile()
        for function, batch in zip(functions, batches, strict=True)
    ]
    compile_s = time.perf_counter() - began
    jax.block_until_ready(batches)
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        for function, batch in zip(compiled, batches, strict=True):
            state, _ = function(state, batch)
        jax.block_until_ready(state)
        seconds.append(time.perf_counter() - began)
    # The first step is the first use of its memory.
    return {"compile_s": compile_s, "step_s_median": statistics.median(seconds[1:]), "step_s_all": seconds[1:]}
