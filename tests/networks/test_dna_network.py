"""The DNA family: single networks against the network that holds them all, operations against their definition, training."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from dna_jax.accuracy import AugmentationConfig, Trainer, TrainingConfig, evaluate_accuracy, recalibrate
from dna_jax.data.sources import ArraySource
from dna_jax.hardware import TemplatePricing, nahas_edge
from dna_jax.networks import (
    chosen_layers,
    count_parameters,
    dna_layers,
    dna_network,
    edd_network,
    inherit,
    macs,
    relaxed_workload,
    single_network,
    supernet,
)
from dna_jax.networks.channel_groups import cut_groups, reading_group, shuffle, shuffled_order
from dna_jax.networks.dna_blocks import DnaBlock
from dna_jax.networks.dna_choices import BlockChoice
from dna_jax.networks.dna_modules import MixedBlock, candidates_of
from dna_jax.networks.quantization import Precision
from dna_jax.search import Budgets, CoSearch, OptimizerConfig, SearchConfig
from dna_jax.spaces import OPERATIONS, Point, bits_name, dna_network_space, operation_name
from dna_jax.workload import merge_equal_layers

# Shapes kept and changed, with and without a stride.
BLOCKS = (
    DnaBlock(1, 8, 8, 1, 8),
    DnaBlock(2, 8, 12, 2, 8),
    DnaBlock(3, 12, 12, 1, 4),
    DnaBlock(4, 12, 20, 1, 4),
    DnaBlock(5, 20, 20, 1, 4),
)
SPACE = dna_network_space(len(BLOCKS))


def _small(form="super_kernel", blocks=BLOCKS):
    whole = dna_network(width=0.25, image_size=8, classes=5, form=form)
    return dataclasses.replace(whole, stem_channels=8, blocks=blocks, head_channels=32)


def _design(operations, bits):
    design = {operation_name(i): name for i, name in enumerate(operations, 1)}
    return design | {bits_name(i): width for i, width in enumerate(bits, 1)}


DESIGNS = [
    _design(("k3_e1", "k5_e1_g2", "skip", "k3_e6", "k5_e3"), (4, 8, 6, 8, 6)),
    _design(("skip", "skip", "k3_e1_g2", "k5_e6", "k3_e3"), (8, 6, 4, 4, 8)),
    _design(("k5_e1", "k3_e1_g2", "k5_e1_g2", "skip", "k5_e6"), (6, 4, 8, 6, 4)),
]


def _double(tree):
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


def _double_point(design, space=SPACE):
    point = space.encode(design)
    return Point(point.rows.astype(jnp.float64), point.sizes)


def _random_parameters(model):
    """In double precision, for a rounding falls on either side of a half where sums differ in their last digits.

    Biases and scales are not what they start as. Channels that belong to the larger expansions alone are large, so that
    nothing in which they count goes unnoticed.
    """
    generator = np.random.default_rng(0)

    def change(path, leaf):
        names = [getattr(key, "key", None) for key in path]
        leaf = np.asarray(leaf, np.float64)
        if "classifier" in names:
            leaf = 100 * leaf
        if "kernel" not in names:
            leaf = leaf + 0.3 * generator.standard_normal(leaf.shape)
        if "expand" in names and "super_kernel" in names:
            leaf[:, leaf.shape[0] :] *= 3
        if "depthwise" in names and "super_kernel" in names:
            leaf[:, :, leaf.shape[2] // 6 :] *= 3
        return leaf

    return jax.tree_util.tree_map_with_path(change, model.init(0)[0])


def _agree(found, expected):
    """Equal to 1e-5, and different from image to image, so that the comparison is not of constants."""
    expected = np.asarray(expected)
    assert np.std(expected, axis=0).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def _compare_with_single_networks(specification, designs):
    """Logits and statistics of designs, in training and in evaluation; the number of designs compared."""
    whole = supernet(specification)
    parameters, first = _random_parameters(whole), whole.init(0)[1]
    images = np.random.default_rng(1).standard_normal((16, 8, 8, 3))
    train = jax.jit(functools.partial(whole.apply, training=True))
    evaluate = jax.jit(functools.partial(whole.apply, training=False))
    space = dna_network_space(len(specification.blocks))
    compared = 0
    for design in designs:
        point = _double_point(design, space)
        model = single_network(specification, design)
        own = _double(model.init(9))
        cut = inherit(model, own[0], parameters)
        logits, measured = train(parameters, _double(first), images, point=point)
        expected, own_measured = jax.jit(functools.partial(model.apply, training=True))(cut, own[1], images)
        _agree(logits, expected)
        # The statistics of the channels that the single network has are its own: ranges too.
        cut_statistics = inherit(model, own[1], measured)
        for mine, theirs in zip(jax.tree.leaves(cut_statistics), jax.tree.leaves(own_measured), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-9)
        # Other images than those measured, so that some activations exceed the range.
        logits, _ = evaluate(parameters, measured, 1.5 * images, point=point)
        expected, _ = jax.jit(functools.partial(model.apply, training=False))(cut, cut_statistics, 1.5 * images)
        _agree(logits, expected)
        compared += 1
    return compared


@pytest.mark.parametrize("design", [pytest.param(i, marks=[pytest.mark.slow] * (i > 0)) for i in range(len(DESIGNS))])
def test_super_kernel_at_a_one_hot_point_is_the_single_network(design):
    with jax.enable_x64(True):
        assert _compare_with_single_networks(_small(), DESIGNS[design : design + 1]) == 1


@pytest.mark.slow
def test_separate_candidates_at_a_one_hot_point_are_the_single_network():
    blocks = (DnaBlock(1, 8, 12, 2, 8), DnaBlock(2, 12, 12, 1, 4))
    designs = [_design(("k3_e3", "skip"), (4, 6)), _design(("skip", "k5_e1_g2"), (8, 4))]
    with jax.enable_x64(True):
        assert _compare_with_single_networks(_small("separate", blocks), designs) == 2


def _grouped_and_shuffled(x, block, channels):
    """The grouped operation as ShuffleNet draws it, without bits: convolutions of XLA, an explicit shuffle."""

    def convolve(x, kernel, groups, stride=1):
        kernel = kernel[None, None] if kernel.ndim == 2 else kernel[:, :, None]
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), "SAME", dimension_numbers=numbers, feature_group_count=groups
        )

    def normalise(x):
        axes = (0, 1, 2)
        return (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-3)

    y = np.maximum(normalise(convolve(x, block.expand.kernel[...], 2)), 0)
    y = y.reshape(*y.shape[:3], 2, channels // 2).swapaxes(3, 4).reshape(y.shape)
    y = np.maximum(normalise(convolve(y, block.depthwise.kernel[...], channels, block.depthwise.stride)), 0)
    return normalise(convolve(y, block.project.kernel[...], 2))


@pytest.mark.parametrize("stride", [1, 2])
def test_grouped_operation_is_two_grouped_convolutions_with_a_shuffle_between(stride):
    block = DnaBlock(2, 8, 12, stride, 6)
    with jax.enable_x64(True):
        module = MixedBlock(block, candidates_of(_small(), block, "k5_e1_g2"))
        generator = np.random.default_rng(0)
        nnx.update(module, jax.tree.map(lambda x: generator.standard_normal(x.shape), nnx.state(module, nnx.Param)))
        candidate = module.candidates["k5_e1_g2"]
        for norm in (candidate.expand_activation.norm, candidate.depthwise_activation.norm, candidate.project_norm):
            norm.scale.set_value(jnp.ones_like(norm.scale[...]))
            norm.bias.set_value(jnp.zeros_like(norm.bias[...]))
        x = generator.standard_normal((4, 6, 6, 8))
        # So many bits that nothing is rounded.
        found = module(x, BlockChoice(Precision((32,), jnp.ones(1))), training=True)
        expected = np.asarray(_grouped_and_shuffled(x, candidate, channels=8))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_shuffle_is_a_relabelling():
    x = np.arange(24.0).reshape(2, 12)
    np.testing.assert_array_equal(shuffle(x, 2), x[:, shuffled_order(12, 2)])
    np.testing.assert_array_equal(shuffled_order(12, 2), [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11])
    # Half of each group goes to each group behind the shuffle.
    np.testing.assert_array_equal(reading_group(12, 2), [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1])
    dense = np.arange(24.0).reshape(4, 6)
    np.testing.assert_array_equal(cut_groups(dense, 2), np.concatenate([dense[:2, :3], dense[2:, 3:]], axis=1))


@pytest.mark.parametrize(
    ("form", "changes"),
    [("super_kernel", True), ("super_kernel", False), pytest.param("separate", True, marks=pytest.mark.slow)],
)
def test_gradients_at_soft_hard_and_skipping_points(form, changes):
    block = DnaBlock(1, 8, 12, 2, 8) if changes else DnaBlock(1, 8, 8, 1, 8)
    space, whole = dna_network_space(1), supernet(_small(form, (block,)))
    parameters, statistics = _random_parameters(whole), whole.init(0)[1]
    images = jax.random.normal(jax.random.key(0), (8, 8, 8, 3))

    @jax.jit
    def gradients(parameters, point):
        def loss(parameters, point):
            return jnp.sum(whole.apply(parameters, statistics, images, training=True, point=point)[0][:, 0] ** 2)

        return jax.grad(loss, argnums=(0, 1))(parameters, point)

    soft = space.sample_soft(jax.random.key(0))
    hard, skipping = (space.encode(_design((name,), (4,))) for name in ("k3_e1", "skip"))
    for point in (soft, hard, skipping):
        by_parameters, by_point = gradients(parameters, point)
        assert all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves((by_parameters, by_point)))
        for name, value in by_point.items():
            # Where a block is skipped without a convolution, its bits are those of nothing.
            if point is not skipping or changes or name == operation_name(1):
                assert np.ptp(np.asarray(value)) > 0, f"{name} has no influence"
    if form == "separate":
        leaves = jax.tree_util.tree_flatten_with_path(gradients(parameters, hard)[0])[0]
        candidates = [(path[3].key, leaf) for path, leaf in leaves if path[0].key == "blocks"]
        assert {name for name, leaf in candidates if np.any(np.asarray(leaf) != 0)} == {"k3_e1"}


def test_parameters_and_multiplications_of_single_networks():
    specification = dna_network()
    space = dna_network_space()
    assert {d.name: d.options for d in space.decisions} == specification.options
    for key in jax.random.split(jax.random.key(0), 2):
        design = space.decode(space.sample(key))
        layers = chosen_layers(specification, design)
        blocks = range(1, 23)
        listed = [design[operation_name(i)] for i in blocks], [design[bits_name(i)] for i in blocks]
        assert layers == dna_layers(specification, *listed)
        convolutions = [layer for layer in layers if layer.weight_bits]
        weights = sum(y.K * (y.C // y.groups) * y.R * y.S for y in convolutions)
        # Two of each normalised channel, and the classifier's bias.
        others = sum(2 * y.K for y in convolutions if y.name != "classifier") + specification.classes
        assert count_parameters(single_network(specification, design)) == weights + others


def test_layers_follow_one_another_where_a_stride_meets_an_odd_map():
    specification = dna_network("cifar", image_size=28)
    for layers in (dna_layers(specification, [name] * 22, [8] * 22) for name in ("k3_e6", "skip")):
        rows, channels = 28, 3
        for layer in (layer for layer in layers if layer.weight_bits and layer.name != "classifier"):
            assert (layer.input_rows or layer.P, layer.C) == (rows, channels)
            rows, channels = layer.P, layer.K
        # 28, 14, 7 and 4 rows.
        assert rows == 4


def test_relaxed_workload_is_that_of_the_layers():
    specification, space = dna_network(), dna_network_space()
    for key in jax.random.split(jax.random.key(1), 5):
        design = space.decode(space.sample(key))
        workload = relaxed_workload(specification, space.encode(design))
        layers, matrix = merge_equal_layers(chosen_layers(specification, design))
        columns = (workload.bounds, workload.bits, workload.stride, workload.input_rows)
        rows = np.concatenate([np.asarray(column).reshape(len(workload.weight), -1) for column in columns], axis=1)
        present = {tuple(row): float(count) for row, count in zip(rows, np.asarray(workload.weight), strict=True) if count}
        assert len(present) == len(layers)
        assert sorted(present.values()) == sorted(matrix.sum(axis=1))
        operations = sum(np.prod(row[:8]) * count for row, count in present.items() if row[8] > 0)
        assert operations == pytest.approx(macs(specification, design), rel=1e-6)


def test_expected_multiplications_under_a_soft_choice():
    specification, space = _small(), SPACE
    point = space.sample_soft(jax.random.key(2))
    workload = relaxed_workload(specification, point)
    found = np.asarray(workload.weight) * np.prod(np.asarray(workload.bounds, np.float64), axis=1)
    found = found[np.asarray(workload.bits)[:, 0] > 0].sum()
    skipped = macs(specification, _design(["skip"] * 5, [8] * 5))
    expected = skipped
    for i in range(1, 6):
        for name, probability in zip(OPERATIONS, np.asarray(point[operation_name(i)]), strict=True):
            alone = _design(["skip"] * 5, [8] * 5) | {operation_name(i): name}
            expected += probability * (macs(specification, alone) - skipped)
    assert found == pytest.approx(expected, rel=1e-5)


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(ValueError, match="can be priced but not trained"):
        count_parameters(supernet(edd_network()))
    model = supernet(_small())
    variables = model.init(0)
    with pytest.raises(ValueError, match="needs a point"):
        model.apply(*variables, np.zeros((1, 8, 8, 3), np.float32), training=True)
    with pytest.raises(ValueError, match="Only a single network inherits"):
        inherit(model, variables[0], variables[0])


@pytest.mark.slow
def test_cosearch_moves_operations_and_bits():
    search = CoSearch(
        config=SearchConfig(steps=10, warmup_steps=0, weights=OptimizerConfig(warmup_steps=0)),
        specification=_small(),
        pricing=TemplatePricing(nahas_edge(), nahas_edge().space),
        network_space=SPACE,
        accelerator_space=nahas_edge().space,
        budgets=Budgets(latency_ms=0.01),
    )
    generator = np.random.default_rng(0)
    batch = generator.standard_normal((8, 8, 8, 3)).astype(np.float32), np.arange(8) % 5
    before = search.init(0)
    after, metrics = jax.jit(search.joint_step)(before, batch)
    assert all(np.isfinite(float(value)) for value in metrics.values())
    moved = np.asarray(after.network_logits - before.network_logits)[SPACE.is_option]
    assert np.mean(moved != 0) > 0.9
    changed = jax.tree.map(lambda a, b: np.any(np.asarray(a) != np.asarray(b)), before.parameters, after.parameters)
    assert np.mean(jax.tree.leaves(changed)) > 0.5


@pytest.mark.slow
def test_blocks_that_keep_their_shape_start_as_the_identity():
    """So at the start the operations of such blocks do not matter."""
    block, other = DnaBlock(1, 8, 8, 1, 8), DnaBlock(1, 8, 12, 2, 8)
    images = np.random.default_rng(0).standard_normal((4, 8, 8, 3)).astype(np.float32)
    for blocks, same in (((block,), True), ((other,), False)):
        whole, space = supernet(_small("super_kernel", blocks)), dna_network_space(1)
        outputs = [
            whole.apply(*whole.init(0), images, training=True, point=space.encode(_design((name,), (8,))))[0]
            for name in ("k5_e6", "skip")
        ]
        assert (np.max(np.abs(outputs[0] - outputs[1])) < 1e-5) == same


@pytest.mark.slow
def test_derived_networks_train_with_their_bits_and_are_evaluated():
    specification, design = _small(), DESIGNS[0]
    parent = supernet(specification).init(0)[0]
    model = single_network(specification, design)
    config = TrainingConfig(steps=80, optimizer=OptimizerConfig(learning_rate=0.05, warmup_steps=0), label_smoothing=0.0)
    trainer = Trainer(config, AugmentationConfig(crop_padding=0, flip=False), model)
    state = trainer.init(0, inherit(model, model.init(0)[0], parent))
    generator = np.random.default_rng(0)
    images, labels = generator.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8), np.arange(20, dtype=np.int32) % 5
    step = jax.jit(trainer.step)
    losses = []
    for _ in range(config.steps):
        state, metrics = step(state, images, labels)
        losses.append(float(metrics["loss"]))
    assert losses[-1] < 0.5 * losses[0]
    statistics = recalibrate(model, state.parameters, [{"image": images}])
    ranges = [leaf for path, leaf in jax.tree_util.tree_flatten_with_path(statistics)[0] if "range" in str(path)]
    assert ranges
    assert all(float(leaf) > 0 for leaf in ranges)

    source = ArraySource(images, labels)
    accuracy = evaluate_accuracy(model, state.parameters, statistics, source, 20)
    # The result of an image does not depend on those beside it, nor on what fills up a batch.
    assert accuracy == evaluate_accuracy(model, state.parameters, statistics, source, 8)
    assert accuracy > 0.6
