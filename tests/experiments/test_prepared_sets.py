"""Run cards for prepared sets of tensorflow-datasets, on sets of the right features that hold a few images of noise."""

import json
import pathlib
from typing import Any

import jax
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core import file_adapters

from dna_jax.data import read
from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.problem import build_problem
from experiments.configs import dna_cifar10, dna_cifar100, dna_imagenet


def _prepare(name, folder, splits):
    """Write a set as `tfds build --file_format=array_record` does, without TensorFlow; labels count up."""
    # Typed Any: its methods carry decorators that hide their signatures.
    builder: Any = tfds.builder(name, data_dir=str(folder), file_format="array_record")
    features, path = builder.info.features, pathlib.Path(builder.data_dir)
    generator = np.random.default_rng(0)
    path.mkdir(parents=True)
    written = []
    for split, count in splits.items():
        template = tfds.core.ShardedFileTemplate(
            data_dir=builder.data_path, dataset_name=name, split=split, filetype_suffix="array_record"
        )
        entries = []
        for index in range(count):
            # Sides differ where the set lets them.
            height, width = (side or int(generator.integers(40, 90)) for side in features["image"].shape[:2])
            image = Image.fromarray(generator.integers(0, 256, (height, width, 3), np.uint8))
            values = {key: "a name" if isinstance(part, tfds.features.Text) else 0 for key, part in features.items()}
            values |= {"image": image, "label": index % features["label"].num_classes}
            entries.append((index, features.serialize_example(features.encode_example(values))))
        file = template.sharded_filepath(shard_index=0, num_shards=1)
        file_adapters.ArrayRecordFileAdapter.write_examples(str(file), entries)
        size = sum(len(entry) for _, entry in entries)
        written.append(tfds.core.SplitInfo(name=split, shard_lengths=[count], num_bytes=size, filename_template=template))
    builder.info.set_splits(tfds.core.SplitDict(written))
    builder.info.write_to_directory(path)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    _prepare("cifar10", folder, {"train": 120, "test": 8})
    _prepare("cifar100", folder, {"train": 48, "test": 8})
    _prepare("imagenet2012", folder, {"train": 12, "validation": 3})
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("card", "name", "train_images", "test_images", "fps"),
    [
        ("dna_cifar10", "cifar10", 40, 8, 300),
        ("dna_cifar100", "cifar100", 40, 8, 300),
        ("dna_imagenet", "imagenet2012", 10, 3, 80),
    ],
)
def test_a_card_as_shipped_from_images_to_summary(
    run_binary, monkeypatch, data_dir, tmp_path, card, name, train_images, test_images, fps
):
    # Programs that run twice are not worth optimising.
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    process = run_binary(
        "cosearch",
        f"--config=experiments/configs/{card}.py:smoke",
        f"--data_dir={data_dir}",
        f"--workdir={tmp_path / 'run'}",
    )
    assert process.returncode == 0, process.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "complete"
    assert summary["data"] == {"name": name, "train_images": train_images, "test_images": test_images}
    assert summary["feasible"]
    assert summary["cost"]["fps"] >= fps
    assert summary["optimality"]["accelerator_rank"] == 1
    correct = summary["accuracy"]["final"] * test_images
    assert correct == pytest.approx(round(correct))
    assert summary["accuracy"]["baseline"] is None
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_card_of_comparisons_as_shipped(run_binary, monkeypatch, data_dir, tmp_path):
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    searches = ["network then accelerator", "joint"]
    process = run_binary(
        "compare",
        "--config=experiments/configs/dna_compare.py:smoke",
        f"--data_dir={data_dir}",
        f"--workdir={tmp_path}",
        "--seeds=1",
        f"--searches={','.join(searches)}",
        f"--match={searches[0]}",
    )
    assert process.returncode == 0, process.stderr
    comparison = json.loads((tmp_path / "comparison.json").read_text())
    assert list(comparison["searches"]) == searches
    assert comparison["budgets"] == {"frame_ms": 0.05, "dsp": 900, "bram": 700}
    ((first,), (joint,)) = comparison["searches"].values()
    assert first["feasible"]
    assert first["fps"] >= 20_000
    # The joint search had the time of the first as its budget.
    own, matched = (
        json.loads((tmp_path / f"{name.replace(' ', '_')}_0" / "summary.json").read_text()) for name in reversed(searches)
    )
    assert own["budgets"] == pytest.approx({"frame_ms": matched["cost"]["frame_ms"], "dsp": 900, "bram": 700})
    assert joint["feasible"] == all(own["cost"][name] <= limit for name, limit in own["budgets"].items())
    assert "joint - network then accelerator:" in process.stdout


@pytest.mark.slow
def test_imagenet_is_resized_and_reaches_every_program_of_the_search(data_dir):
    config = from_mapping(CosearchConfig, dna_imagenet.get_config("smoke").to_dict())
    problem = build_problem(config, str(data_dir))
    dataset, specification = problem.dataset, problem.specification
    assert (len(dataset.train), len(dataset.test), dataset.classes) == (10, 3, 1000)
    assert specification.image_size == 224
    images, labels = read(dataset.test, 0, 2)
    assert images.shape == (2, 224, 224, 3)
    assert list(labels) == [0, 1]
    problem.target.require_reachable(problem)
    batch = images.astype(np.float32), labels
    state = problem.strategy.init(0)
    for step in (problem.strategy.weights_step, problem.strategy.decisions_step):
        new, metrics = jax.eval_shape(step, state, batch)
        assert jax.tree.map(np.shape, new) == jax.tree.map(np.shape, state)
        assert {metric.shape for metric in metrics.values()} == {()}


def test_cifar_cards_are_one_recipe():
    for variant in ("", "cpu", "smoke"):
        one, other = (card.get_config(variant).to_dict() for card in (dna_cifar10, dna_cifar100))
        assert (one["data"].pop("name"), other["data"].pop("name")) == ("cifar10", "cifar100")
        assert one == other
        assert from_mapping(CosearchConfig, dna_cifar10.get_config(variant).to_dict()).network.space == "dna"
    full, cpu = (from_mapping(CosearchConfig, dna_cifar10.get_config(variant).to_dict()) for variant in ("", "cpu"))
    assert cpu.search.steps < full.search.steps
    assert cpu.network.width < full.network.width == 1
