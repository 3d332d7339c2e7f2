"""How long a bilevel step of DNA's joint search takes in PyTorch. Runs where `REQUIREMENTS` are installed: JSON out.

python torch_step.py --device=cuda --repeats=20 --modes compile eager
python torch_step.py --device=cuda --check=REFERENCE.npz

The super-kernel network of `dna_jax` (`torch_dna.py`): 22 blocks of 9 operations and 3 widths, quantised, for 10 classes.
A step is two passes forward and backward, each on a batch that lies on the device already:

  weights    Operations drawn one-hot, widths as mixtures. Gradients of the weights, clipped, and a step of SGD with Nesterov
             momentum and decay.
  decisions  Both drawn one-hot, gradients straight-through. Gradients of the logits of the decisions alone, clipped, and a
             step of Adam.

The loss is that of the task: no hardware is priced here, which `dna_jax` does in the second half. Learning rates are
constant. "compile" hands sampling, network and loss, forward and backward, to `torch.compile` as one graph with its default
settings; "compile_blocks" hands it the blocks one by one, which are compiled once for all of equal shapes, and runs the rest
as it stands, as "eager" runs everything. Either way optimisers are PyTorch's fused ones, images are held with channels last,
cuDNN tries its algorithms out, and float32 products may run in TF32, as they do in JAX by default. On a CPU all take one
thread.

The check compares logits, loss and gradients with those that `experiments.dna_reference` wrote, in float64: there no number
falls on the other side of a rounding because sums were taken in another order.
"""

import argparse
import importlib.metadata
import json
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

REQUIREMENTS = ("torch==2.13.0", "numpy==2.4.6")
"""Packages known to work together, with Python 3.11."""

MODES = ("eager", "compile_blocks", "compile")
TOLERANCE = 1e-9
"""Largest relative difference of each quantity of the check, of kernels in the worst one."""

WARM_UP = 3
"""Steps before the timed ones: all programs are compiled and all algorithms chosen."""


def differences(reference: str, device: str) -> dict[str, float]:
    """Relative differences, by norm, from a reference that `experiments.dna_reference` wrote, by quantity.

    Raises:
      ValueError: if the reference has other parameters than the network.
    """
    import numpy as np
    import torch  # pyright: ignore[reportMissingImports]
    from torch.nn import functional  # pyright: ignore[reportMissingImports]
    from torch_dna import SuperKernelNetwork  # pyright: ignore[reportMissingImports]

    with np.load(reference) as arrays:
        given = {name: torch.from_numpy(np.asarray(array)).to(device) for name, array in arrays.items()}
    network = SuperKernelNetwork(float(given["width"])).to(device, torch.float64)
    shapes = network.shapes()
    names = {name.removeprefix("parameters/") for name in given if name.startswith("parameters/")}
    if names != set(shapes):
        raise ValueError(f"The networks differ in their parameters, for instance {min(names ^ set(shapes))}.")

    def laid_out(kind: str, name: str) -> Any:
        """As PyTorch lays kernels out: outputs first."""
        tensor = given[f"{kind}/{name}"]
        order = {4: (3, 2, 0, 1), 3: (2, 0, 1), 2: (1, 0)}.get(tensor.ndim, (0,))
        return tensor.permute(order).reshape(shapes[name])

    parameters = {name: laid_out("parameters", name).clone().requires_grad_() for name in shapes}
    point = given["point"].requires_grad_()
    logits = network(parameters, point, given["images"].permute(0, 3, 1, 2))
    loss = functional.cross_entropy(logits, given["labels"])
    loss.backward()

    def relative(found: Any, expected: Any, least: Any = 0.0) -> float:
        return (torch.dist(found, expected) / torch.linalg.vector_norm(expected).clamp(min=least)).item()

    gradients = {name: (parameters[name].grad, laid_out("gradients", name)) for name in shapes}
    whole = torch.linalg.vector_norm(torch.cat([expected.ravel() for _, expected in gradients.values()])).item()
    vectors = [pair for name, pair in gradients.items() if not name.endswith("/kernel")]
    return {
        "logits": relative(logits.detach(), given["logits"]),
        "loss": relative(loss.detach(), given["loss"]),
        # Of kernels that are surely skipped there is none.
        "gradient_by_a_kernel": max(
            relative(*pair, least=1e-9 * whole) for name, pair in gradients.items() if name.endswith("/kernel")
        ),
        "gradient_by_all_vectors": relative(*(torch.cat(part) for part in zip(*vectors, strict=True))),
        "gradient_by_point": relative(point.grad, given["by_point"]),
    }


def prepare_step(width: float, image_size: int, batch: int, device: str, mode: str) -> tuple[Callable[[], None], int]:
    """A function that takes one step, and the number of weights."""
    import torch  # pyright: ignore[reportMissingImports]
    from torch.nn import functional  # pyright: ignore[reportMissingImports]
    from torch_dna import OPERATIONS, WIDTHS, SuperKernelNetwork  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    network = SuperKernelNetwork(width).to(device)
    parameters = {}
    for name, shape in network.shapes().items():
        deviation = (2 / max(1, torch.Size(shape[1:]).numel())) ** 0.5
        value = torch.randn(shape) * deviation if name.endswith("kernel") else torch.full(shape, float("scale" in name))
        parameters[name] = value.to(device).requires_grad_()
    # The same memory: what the optimiser writes is seen.
    held = {name: value.detach() for name, value in parameters.items()}
    is_width = (torch.arange(2 * len(network.blocks), device=device) % 2 == 1)[:, None]
    options = torch.where(is_width, len(WIDTHS), len(OPERATIONS) + 1)
    is_option = torch.arange(len(OPERATIONS) + 1, device=device) < options
    logits = torch.zeros(is_option.shape, device=device, requires_grad=True)

    def loss(parameters: Any, logits: Any, images: Any, labels: Any, soft_widths: bool) -> Any:
        noise = -torch.log(-torch.log(torch.rand_like(logits).clamp_min(1e-20)))
        soft = torch.softmax((logits + noise).masked_fill(~is_option, -torch.inf), dim=-1)
        one_hot = functional.one_hot(soft.argmax(dim=-1), soft.shape[-1]).to(soft.dtype)
        point = one_hot + (soft - soft.detach())
        if soft_widths:
            point = torch.where(is_width, soft, point)
        return functional.cross_entropy(network(parameters, point, images), labels)

    def random_batch() -> Any:
        images = torch.randn(batch, 3, image_size, image_size).to(device, memory_format=torch.channels_last)
        return images, torch.randint(10, (batch,)).to(device)

    matrices = [value for value in parameters.values() if value.ndim > 1]
    vectors = [value for value in parameters.values() if value.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 1e-4}, {"params": vectors, "weight_decay": 0.0}]
    weights_optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True, fused=True)
    logits_optimizer = torch.optim.Adam([logits], lr=0.01, fused=True)
    if mode == "compile_blocks":
        # Every shape is a program of its own, with gradients by weights and without.
        torch._dynamo.config.recompile_limit = 4 * len(network.blocks)
        network.block_output = torch.compile(network.block_output, fullgraph=True, dynamic=False)
    run = torch.compile(loss, fullgraph=True) if mode == "compile" else loss
    training, validation = random_batch(), random_batch()

    def step() -> None:
        weights_optimizer.zero_grad()
        run(parameters, logits.detach(), *training, soft_widths=True).backward()
        torch.nn.utils.clip_grad_norm_([*matrices, *vectors], 5.0)
        weights_optimizer.step()
        logits_optimizer.zero_grad()
        run(held, logits, *validation, soft_widths=False).backward()
        torch.nn.utils.clip_grad_norm_([logits], 5.0)
        logits_optimizer.step()

    return step, sum(value.numel() for value in parameters.values())


def measure(step: Callable[[], None], device: str, repeats: int) -> dict[str, Any]:
    """Seconds of the first step, in which everything is compiled, and of every timed one.

    Raises:
      RuntimeError: if something was still compiled while steps were timed.
    """
    import torch  # pyright: ignore[reportMissingImports]
    from torch._dynamo.utils import counters  # pyright: ignore[reportMissingImports]

    seconds = []
    compiled = 0
    for number in range(WARM_UP + repeats):
        if number == WARM_UP:
            compiled = counters["stats"]["unique_graphs"]
        began = time.perf_counter()
        step()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    if counters["stats"]["unique_graphs"] != compiled:
        raise RuntimeError("torch.compile compiled anew while steps were timed.")
    timed = seconds[WARM_UP:]
    return {"first_step_s": seconds[0], "step_s_median": statistics.median(timed), "step_s_all": timed}


def main() -> None:
    """Check or time, as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="Where to run.")
    parser.add_argument("--check", metavar="FILE", help="Compare with a reference instead of timing.")
    parser.add_argument("--repeats", type=int, default=3, help="Timed steps of each mode; the median counts.")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, help="How to run PyTorch.")
    parser.add_argument("--batch", type=int, default=64, help="Images of each batch.")
    parser.add_argument("--width", type=float, default=1.0, help="Multiplies all channels.")
    parser.add_argument("--image_size", type=int, default=32, help="Height and width of the images.")
    arguments = parser.parse_args()
    if arguments.repeats < 1 or arguments.batch < 2:
        parser.error("--repeats must be 1 or more and --batch 2 or more, for batches are normalised.")

    import torch  # pyright: ignore[reportMissingImports]

    device = arguments.device
    if device == "cuda" and not torch.cuda.is_available():
        parser.error("PyTorch sees no CUDA device; install a build for CUDA, or pass --device=cpu.")
    if device == "cpu":
        torch.set_num_threads(1)
    versions = {"python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in (r.split("==")[0] for r in REQUIREMENTS)}
    result: dict[str, Any] = {"versions": versions, "device": torch.cuda.get_device_name() if device == "cuda" else "cpu"}
    if arguments.check:
        found = differences(arguments.check, device)
        for name, difference in found.items():
            # Not a number fails as well.
            if not difference <= TOLERANCE:
                parser.error(f"{name} of the network in PyTorch differ by {difference:.2g} from ours, over {TOLERANCE:.2g}.")
        print(json.dumps(result | {"relative_differences": found, "tolerance": TOLERANCE}))
        return
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    measured = {}
    for mode in arguments.modes:
        step, weights = prepare_step(arguments.width, arguments.image_size, arguments.batch, device, mode)
        measured[mode] = measure(step, device, arguments.repeats)
        result["weights"] = weights
    setting = {name: getattr(arguments, name) for name in ("batch", "width", "image_size")}
    print(json.dumps(result | setting | {"threads": torch.get_num_threads(), "modes": measured}))


if __name__ == "__main__":
    main()
