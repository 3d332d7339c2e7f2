"""DNA's step beside others: it is measured, and the network in PyTorch is ours."""

import importlib.util
import os
import pathlib
import time

import numpy as np
import pytest

from dna_jax.errors import UserError
from dna_jax.networks import dna_layers, dna_network, published_layers
from dna_jax.spaces import OPERATIONS, SKIP
from experiments import benchmark_dna_step, dna_reference, dna_step
from experiments.baselines import nni_step, torch_step
from experiments.environments import UnfinishedError, run_tool

ENVIRONMENTS = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "baselines"
READY = ENVIRONMENTS / "torch" / "ready"
TORCH = ENVIRONMENTS if READY.exists() and READY.read_text() == "\n".join(torch_step.REQUIREMENTS) else None

needs_torch = pytest.mark.skipif(
    TORCH is None and importlib.util.find_spec("torch") is None,
    reason="experiments.benchmark_dna_step has not made PyTorch's environment here",
)


def run_torch(*arguments: str) -> dict:
    return run_tool("torch", TORCH, torch_step.REQUIREMENTS, "torch_step.py", arguments)


def test_a_gpu_that_is_not_there_is_refused_first(refused, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    said = refused("benchmark_dna_step", "--platform=gpu")
    assert "JAX sees no GPU" in said


def test_baselines_are_those_of_the_platform():
    chosen = benchmark_dna_step.chosen_baselines
    assert chosen(None, "cpu") == ["torch_eager", *nni_step.STRATEGIES]
    assert chosen(["torch_compile"], "cpu") == ["torch_compile"]
    assert chosen(None, "gpu") == ["torch_eager", "torch_compile_blocks", "torch_compile"]
    assert chosen([], "cpu") == []
    with pytest.raises(UserError, match="Unknown baseline 'torch_magic'; choose among torch_eager, "):
        chosen(["torch_magic"], "gpu")
    with pytest.raises(UserError, match="NNI's Proxyless is timed on CPUs only"):
        chosen(["torch_eager", "Proxyless"], "gpu")


def test_options_of_baselines_are_checked_before_anything_is_measured(refused):
    for arguments, reason in (
        (("--strides=cifarr",), "--strides=cifarr must name some of: published, cifar"),
        (("--strides=cifar,cifar",), "--strides names cifar more than once"),
        (("--strides=cifar", "--baselines=torch_eager"), "--strides is of NNI, of which nothing is timed"),
        (("--nni_repeats=1", "--baselines="), "--nni_repeats is of NNI, of which nothing is timed"),
        (("--torch_limit_s=9", "--baselines=Proxyless"), "--torch_limit_s is of PyTorch, of which nothing is timed"),
    ):
        said = refused("benchmark_dna_step", *arguments)
        assert reason in said


def test_without_a_folder_tools_run_as_installed(monkeypatch, tmp_path):
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\necho "{\\"script\\": \\"$1\\", \\"argument\\": \\"$2\\"}"\n')
    fake.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(fake))
    ran = run_tool("torch", None, ("nothing-of-this-name",), "torch_step.py", ["--repeats=1"])
    assert ran["script"].endswith("baselines/torch_step.py")
    assert ran["argument"] == "--repeats=1"


def test_a_tool_that_takes_too_long_is_stopped_with_what_it_started(monkeypatch, tmp_path):
    fake, mark = tmp_path / "python", tmp_path / "alive"
    fake.write_text(f"#!/bin/sh\n(sleep 2; touch {mark}) &\nsleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(fake))
    with pytest.raises(UnfinishedError, match=r"torch had not finished after 0\.5 s"):
        run_tool("torch", None, (), "torch_step.py", [], limit_s=0.5)
    time.sleep(2.5)
    assert not mark.exists()


def test_a_tool_that_ends_before_it_is_stopped_is_unfinished_all_the_same(monkeypatch, tmp_path):
    fake, stop = tmp_path / "python", os.killpg
    fake.write_text("#!/bin/sh\nsleep 60\n")
    fake.chmod(0o755)

    def stop_what_has_ended(group, number):
        stop(group, number)
        raise ProcessLookupError

    monkeypatch.setattr("sys.executable", str(fake))
    monkeypatch.setattr("experiments.environments.os.killpg", stop_what_has_ended)
    with pytest.raises(UnfinishedError):
        run_tool("torch", None, (), "torch_step.py", [], limit_s=0.5)


def test_the_point_of_the_reference_shows_every_branch():
    rows = np.asarray(dna_reference.reference_point(0).rows)
    assert rows.sum(axis=-1) == pytest.approx(1)
    operations, widths = rows[::2], rows[1::2]
    assert np.all(widths[:, 3:] == 0)
    skipped = operations[:, OPERATIONS.index(SKIP)] == 1
    certain = operations.max(axis=-1) == 1
    assert np.any(skipped)
    assert np.any(certain & ~skipped)
    assert np.all(operations[~certain] > 0)


def _as_blocks(layers):
    """Each layer as a block of one candidate, which is one convolution, for `nni_step.million_macs`."""
    return [[[(layer.K, layer.C // layer.groups, layer.R, layer.stride)]] for layer in layers]


def test_multiply_accumulates_of_a_space_are_those_of_its_candidates():
    # A network that is known otherwise: 224 pixels, 1000 classes, which one convolution after the other reaches.
    layers = [layer for layer in published_layers("proxylessnas_mobile") if layer.weight_bits]
    counted = nni_step.million_macs(_as_blocks(layers[:-1]), 224, 1000)
    total = sum(layer.macs for layer in layers) / 1e6
    assert counted == pytest.approx({"largest_network": total, "all_candidates": total})
    # Two candidates on 8 pixels, the second larger, halve them: 4 x 4 for the block behind them and its classifier.
    blocks = [[[(4, 3, 1, 2)], [(6, 3, 3, 1), (4, 6, 1, 2)]], [[(10, 4, 1, 1)]]]
    small, large, rest = 4 * 3 * 16, 6 * 3 * 9 * 64 + 4 * 6 * 16, 10 * 4 * 16 + 10 * 5
    counted = nni_step.million_macs(blocks, 8, 5)
    assert counted["largest_network"] == pytest.approx((large + rest) / 1e6)
    assert counted["all_candidates"] == pytest.approx((small + large + rest) / 1e6)


def test_multiply_accumulates_of_our_space_are_those_of_its_layers():
    counted = dna_step.million_macs(1.0, 32)
    specification = dna_network("cifar")
    networks = {name: dna_layers(specification, [name] * 22, [8] * 22) for name in OPERATIONS}
    every = {name: sum(layer.macs for layer in layers if layer.weight_bits) for name, layers in networks.items()}
    assert counted["largest_network"] == pytest.approx(every["k5_e6"] / 1e6)
    # Stem, head and classifier stand in each of the nine networks, and once in all of them together.
    fixed = sum(layer.macs for layer in networks[SKIP] if layer.name in ("stem", "head", "classifier"))
    assert counted["all_candidates"] == pytest.approx((sum(every.values()) - 8 * fixed) / 1e6)
    said = benchmark_dna_step.macs_title({"largest_network": 1234.0, "all_candidates": 5678.4})
    assert said.startswith("1,234 million multiply-accumulates in its largest network, 5,678 in all candidates")


@pytest.mark.slow
def test_a_bilevel_step_is_measured():
    measured = dna_step.measure("bilevel", width=0.25, image_size=8, batch_size=2, repeats=2)
    assert len(measured["step_s_all"]) == 2
    assert min(measured["step_s_all"]) > 0


@pytest.mark.slow
@needs_torch
def test_the_network_in_pytorch_is_ours(tmp_path):
    file = tmp_path / "reference.npz"
    dna_reference.write_reference(file, width=0.25, image_size=16, batch_size=32)
    agreed = run_torch(f"--check={file}")["relative_differences"]
    assert agreed["logits"] < 1e-12

    with np.load(file) as arrays:
        reference = dict(arrays)
    # A taller or a wider kernel, or hidden channels in another order, are another network.
    for layer, axis in (("depthwise", 0), ("depthwise", 1), ("expand", 1), ("project", 0)):
        name = f"parameters/blocks/4/candidates/super_kernel/{layer}/kernel"
        np.savez(file, allow_pickle=False, **reference | {name: np.roll(reference[name], 1, axis)})
        with pytest.raises(UserError, match="logits of the network in PyTorch differ"):
            run_torch(f"--check={file}")
    # So are other gradients, of a single kernel even, by little.
    for what, said in (("gradients/blocks/4/candidates/super_kernel/depthwise/kernel", "a_kernel"), ("by_point", "point")):
        np.savez(file, allow_pickle=False, **reference | {what: (1 + 1e-8) * reference[what]})
        with pytest.raises(UserError, match=f"gradient_by_{said} of the network in PyTorch differ"):
            run_torch(f"--check={file}")


@pytest.mark.slow
@needs_torch
def test_pytorch_times_steps_of_as_many_weights():
    timed = run_torch("--modes", "eager", "--width=0.5", "--image_size=16", "--batch=4", "--repeats=2")
    assert timed["weights"] == dna_step.count_weights(0.5, 16)
    assert len(timed["modes"]["eager"]["step_s_all"]) == 2
