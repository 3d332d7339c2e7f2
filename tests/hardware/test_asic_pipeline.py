"""ASIC pipelines: identity of soft and discrete costs, exact gradients, what theory says of resources, bounds."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware import CandidateSet, Schedule, SpatialChoice, evaluate, price_layers
from dna_jax.hardware.asic import (
    AsicPricing,
    evaluate_pipeline,
    group_names,
    layer_class,
    lower_bound,
    pipeline_work,
    price_designs,
)
from dna_jax.hardware.candidates import complete
from dna_jax.hardware.templates.asic_chunk import ChunkSizes, build_chunk, chunk_architecture, expected_fractions
from dna_jax.hardware.templates.asic_chunk_mappings import chunk_candidates, chunk_pool
from dna_jax.hardware.templates.data_centric import nvdla_like, shidiannao_like
from dna_jax.hardware.templates.eyeriss import eyeriss
from dna_jax.networks import published_layers
from dna_jax.spaces import Point, Space
from dna_jax.spaces.asic_pipeline import (
    ARCHITECTURE_KNOBS,
    BANDWIDTH_GBPS,
    BANDWIDTH_WEIGHT,
    STYLES,
    allocation_name,
    asic_pipeline_space,
    automatic_schedules,
    chunk_name,
)
from dna_jax.workload import Layer, elementwise, global_pooling, workload_from_layers

POINTS = 6
SCALARS = ("latency_ms", "interval_ms", "energy_mj", "area_mm2")
LAYERS = [
    Layer("stem", K=32, C=3, P=56, Q=56, R=3, S=3, stride=2),
    Layer("block_01.expand", K=96, C=16, P=56, Q=56),
    Layer("block_01.depthwise", K=96, C=96, P=28, Q=28, R=3, S=3, stride=2, groups=96),
    Layer("block_01.project", K=24, C=96, P=28, Q=28, weight_bits=4, input_bits=6),
    elementwise("block_01.add", 24, 28, 28, inputs=2),
    Layer("block_02.expand", K=96, C=16, P=56, Q=56),
    Layer("block_02.convolution", K=64, C=64, P=14, Q=14, R=3, S=3, weight_bits=4, input_bits=4, output_bits=4),
    global_pooling("pool", 1280, 7, 7),
    Layer("classifier", K=1000, C=1280, P=1, Q=1),
    # More distinct shapes than are priced side by side.
    *(Layer(f"block_02.k{channels}", K=channels, C=16, P=7, Q=7) for channels in range(1, 31)),
]

SPACE = asic_pipeline_space(group_names(LAYERS), 3)


def _random(number, seed, space=SPACE):
    generator = np.random.default_rng(seed)
    return np.stack([generator.integers(len(decision.options), size=number) for decision in space.decisions], axis=1)


def _column(name):
    return [decision.name for decision in SPACE.decisions].index(name)


@functools.cache
def _relaxed():
    """Costs [4] of LAYERS and their gradients, by rows of a point and by weights of layers, of many points in float64."""
    pricing = AsicPricing(SPACE, "latency")

    def costs(rows, weight):
        cost = pricing(LAYERS, weight, Point(rows, SPACE.sizes))
        return jnp.stack([getattr(cost, name) for name in SCALARS])

    def all_of_it(rows, weight):
        value, pull = jax.vjp(costs, rows, weight)
        by_rows, by_weight = jax.vmap(pull)(jnp.eye(len(SCALARS)))
        return value, by_rows, by_weight

    compiled = jax.jit(lambda rows, weight: jax.lax.map(lambda row: all_of_it(row, weight), rows))

    def run(rows, weight=None):
        with jax.enable_x64(True):
            weight = np.ones(len(LAYERS)) if weight is None else weight
            # One program for all.
            padded = np.concatenate([rows, np.broadcast_to(rows[:1], (POINTS - len(rows), *rows.shape[1:]))])
            return [np.asarray(x)[: len(rows)] for x in compiled(jnp.asarray(padded, jnp.float64), jnp.asarray(weight))]

    return run


def _soft(number, seed):
    points = jax.vmap(SPACE.sample_soft)(jax.random.split(jax.random.key(seed), number))
    rows = np.asarray(points.rows, np.float64)
    return rows / rows.sum(axis=-1, keepdims=True)


@pytest.mark.slow
def test_at_one_hot_points_the_relaxed_cost_is_the_discrete_cost():
    indices = _random(POINTS, seed=0)
    soft, *_ = _relaxed()(SPACE.one_hot(indices).rows)
    exact = price_designs(SPACE, LAYERS, indices)
    for i, name in enumerate(SCALARS):
        np.testing.assert_allclose(soft[:, i], getattr(exact, name), rtol=1e-6, err_msg=name)
    np.testing.assert_array_equal(exact.overflow_kib, 0)


@pytest.mark.slow
def test_gradients_at_discrete_designs_are_exact_differences_between_neighbours():
    indices = _random(POINTS, seed=1)
    value, gradient, _ = _relaxed()(SPACE.one_hot(indices).rows)
    generator = np.random.default_rng(2)
    # Every decision at least once.
    changed = [(i, d) for i in range(len(indices)) for d in generator.permutation(len(SPACE.decisions))[:3]]
    changed += [(int(generator.integers(len(indices))), d) for d in range(len(SPACE.decisions))]
    others, places = [], []
    for i, decision in changed:
        for option in range(len(SPACE.decisions[decision].options)):
            others.append(np.where(np.arange(len(SPACE.decisions)) == decision, option, indices[i]))
            places.append((i, decision, option))
    exact = price_designs(SPACE, LAYERS, np.array(others))
    moved = np.zeros(len(SCALARS), int)
    for row, (i, decision, option) in enumerate(places):
        slopes = gradient[i, :, decision, option] - gradient[i, :, decision, indices[i, decision]]
        for s, name in enumerate(SCALARS):
            difference = getattr(exact, name)[row] - value[i, s]
            assert slopes[s] == pytest.approx(difference, rel=1e-6, abs=1e-8 * value[i, s]), (
                SPACE.decisions[decision],
                name,
            )
            moved[s] += abs(difference) > 1e-6 * value[i, s]
    assert moved.min() > 40


@pytest.mark.slow
def test_gradients_at_soft_points_are_finite_and_reach_every_decision():
    rows = _soft(POINTS, seed=3)
    value, gradient, by_weight = _relaxed()(rows)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    spread = np.where(SPACE.is_option, gradient, np.nan)
    moves = np.nanmax(spread, axis=-1) - np.nanmin(spread, axis=-1) > 0
    silent = [SPACE.decisions[d].name for d in np.flatnonzero(~moves.any(axis=(0, 1)))]
    assert not silent
    # More layers never take less.
    assert (by_weight[:, :3] >= 0).all()


@pytest.mark.slow
def test_styles_and_schedules_mix_linearly():
    rows = _soft(1, seed=4)
    value, gradient, _ = _relaxed()(rows)
    for name in (chunk_name(2, "style"), chunk_name(1, "schedule.pointwise")):
        moved = rows.copy()
        moved[0, _column(name)] = np.eye(rows.shape[-1])[1]
        predicted = value[0] + np.sum(gradient[0] * (moved[0] - rows[0]), axis=(1, 2))
        # Latency and energy are linear in each of these decisions.
        np.testing.assert_allclose(_relaxed()(moved)[0][0, [0, 2]], predicted[[0, 2]], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", [allocation_name("block_01"), chunk_name(3, "bandwidth_weight"), chunk_name(1, "rows")])
def test_gradients_at_a_soft_point_are_differences_between_options(name):
    rows = _soft(1, seed=4)
    _, gradient, _ = _relaxed()(rows)
    moved = np.repeat(rows, 3, axis=0)
    moved[:, _column(name)] = np.eye(rows.shape[-1])[:3]
    cost, *_ = _relaxed()(moved)
    slopes = gradient[0, :, _column(name), :3]
    for s in (0, 2, 3):
        np.testing.assert_allclose(slopes[s] - slopes[s, 0], cost[:, s] - cost[0, s], rtol=1e-6, atol=1e-9 * cost[0, s])
    assert np.ptp(cost[:, 0]) > 1e-3 * cost[0, 0]


@pytest.mark.slow
def test_the_gradient_by_a_layer_is_its_price_on_its_chunk():
    indices = _random(3, seed=5)
    rows = SPACE.one_hot(indices).rows
    generator = np.random.default_rng(6)
    # As a draw has them: a layer is there or not; half of the shapes are not.
    weight = np.where(np.arange(len(LAYERS)) < 9, 1.0, generator.integers(2, size=len(LAYERS)))
    value, _, by_weight = _relaxed()(rows, weight)
    for i, row in enumerate(indices):
        design = SPACE.design(row)
        _, placed = evaluate_pipeline(LAYERS, design)
        time, energy = (np.array([getattr(entry, name) for entry in placed]) for name in ("milliseconds", "millijoules"))
        chunk = np.array([entry.chunk for entry in placed])
        slowest = 1 + np.argmax([(weight * time)[chunk == c].sum() for c in (1, 2, 3)])
        np.testing.assert_allclose(value[i, [0, 2]], [weight @ time, weight @ energy], rtol=1e-6)
        np.testing.assert_allclose(by_weight[i, 0], time, rtol=1e-6)
        np.testing.assert_allclose(by_weight[i, 1], np.where(chunk == slowest, time, 0), rtol=1e-6)
        np.testing.assert_allclose(by_weight[i, 2], energy, rtol=1e-6)
        np.testing.assert_array_equal(by_weight[i, 3], 0)
    # Finite differences agree, at a soft point too, where a layer runs on all chunks in part.
    rows = np.concatenate([rows[:1], _soft(1, seed=7)])
    value, _, by_weight = _relaxed()(rows, weight)
    more = 1e-5 * generator.random(len(LAYERS))
    after, *_ = _relaxed()(rows, weight + more)
    np.testing.assert_allclose(after - value, by_weight @ more, rtol=1e-4, atol=1e-9)


def test_throughput_is_set_by_the_slowest_chunk_and_costs_add_up():
    cost = price_designs(SPACE, LAYERS, _random(20, seed=6))
    np.testing.assert_array_equal(cost.interval_ms, cost.chunk_ms.max(axis=1))
    np.testing.assert_allclose(cost.images_per_second, 1e3 / cost.interval_ms)
    np.testing.assert_allclose(cost.latency_ms, cost.chunk_ms.sum(axis=1))
    np.testing.assert_allclose(cost.energy_mj, cost.chunk_mj.sum(axis=1))
    np.testing.assert_allclose(cost.edp, cost.latency_ms * cost.energy_mj)
    gbps = np.array(BANDWIDTH_GBPS.options)[_random(20, seed=6)[:, _column(BANDWIDTH_GBPS.name)]]
    np.testing.assert_allclose(cost.area_mm2, cost.chunk_mm2.sum(axis=1) + 0.1 * gbps)


def test_layers_of_a_placed_network_add_up_to_its_cost():
    for row in _random(5, seed=7):
        design = SPACE.design(row)
        cost, placed = evaluate_pipeline(LAYERS, design)
        assert [entry.layer for entry in placed] == LAYERS
        assert sum(entry.milliseconds for entry in placed) == pytest.approx(float(cost.latency_ms))
        assert sum(entry.millijoules for entry in placed) == pytest.approx(float(cost.energy_mj))
        for chunk in (1, 2, 3):
            own = sum(entry.milliseconds for entry in placed if entry.chunk == chunk)
            assert own == pytest.approx(float(cost.chunk_ms[chunk - 1]))
        assert all(0 < entry.utilisation <= 1 + 1e-9 for entry in placed)
        # Both block_01.expand and block_02.expand are of one shape, on their own chunks.
        assert placed[1].chunk == design[allocation_name("block_01")]
        assert placed[5].chunk == design[allocation_name("block_02")]


def test_a_chunk_without_layers_takes_no_time_and_is_not_built():
    indices = _random(10, seed=8)
    allocation = [_column(allocation_name(group)) for group in group_names(LAYERS)]
    indices[:, allocation] = 0
    cost = price_designs(SPACE, LAYERS, indices)
    np.testing.assert_array_equal(cost.chunk_ms[:, 1:], 0)
    np.testing.assert_array_equal(cost.chunk_mm2[:, 1:], 0)
    # Nothing of it matters, not even its weight: the pipeline is that of the first chunk alone, with the whole link.
    alone = asic_pipeline_space(group_names(LAYERS), 1)
    kept = [_column(decision.name) for decision in alone.decisions]
    single = price_designs(alone, LAYERS, indices[:, kept])
    for name in SCALARS:
        np.testing.assert_allclose(getattr(cost, name), getattr(single, name), rtol=1e-12)
    # So too where groups are allocated to a chunk of which this network has no layers.
    indices[:, _column(allocation_name("block_02"))] = 1
    without = [layer for layer in LAYERS if not layer.name.startswith("block_02")]
    absent = price_designs(SPACE, without, indices)
    np.testing.assert_array_equal(absent.latency_ms, price_designs(alone, without, indices[:, kept]).latency_ms)


def test_chunks_that_are_built_share_the_link_by_their_weights():
    design = {decision.name: decision.options[-1] for decision in SPACE.decisions} | automatic_schedules(3)
    design |= {chunk_name(chunk, "style"): "nvdla" for chunk in (1, 2, 3)} | {BANDWIDTH_GBPS.name: 2}
    design |= {allocation_name(group): 1 for group in group_names(LAYERS)}

    def classifier_ms(allocation):
        _, placed = evaluate_pipeline(LAYERS, design | allocation)
        return next(entry.milliseconds for entry in placed if entry.layer.name == "classifier")

    # Its weights cross the link once, which limits it.
    whole = classifier_ms({})
    weights = {chunk_name(chunk, BANDWIDTH_WEIGHT.name): weight for chunk, weight in ((1, 8), (2, 2), (3, 4))}
    design |= weights
    assert classifier_ms({allocation_name("pool"): 2}) == pytest.approx(whole * 10 / 8)
    assert classifier_ms({allocation_name("pool"): 3}) == pytest.approx(whole * 12 / 8)
    assert classifier_ms({allocation_name("pool"): 2, allocation_name("stem"): 3}) == pytest.approx(whole * 14 / 8)
    assert classifier_ms({allocation_name("classifier"): 2}) == pytest.approx(whole * 10 / 2)


def test_more_bandwidth_never_slows_a_pipeline_and_helps_where_the_link_limits():
    indices = _random(10, seed=9)
    latency = []
    for option in range(len(BANDWIDTH_GBPS.options)):
        indices[:, _column(BANDWIDTH_GBPS.name)] = option
        latency.append(price_designs(SPACE, LAYERS, indices).latency_ms)
    assert np.all(np.diff(latency, axis=0) <= 1e-9 * latency[0])
    # The classifier's weights cross the link once: at 2 GB/s it limits, and twice the bandwidth is twice as fast.
    largest = {decision.name: decision.options[-1] for decision in SPACE.decisions}
    design = largest | {chunk_name(3, "style"): "nvdla", **automatic_schedules(3)}
    times = []
    for gbps in (2, 4):
        _, placed = evaluate_pipeline(LAYERS, design | {BANDWIDTH_GBPS.name: gbps})
        times.append(next(entry.milliseconds for entry in placed if entry.layer.name == "classifier"))
    assert times[0] == pytest.approx(2 * times[1], rel=1e-9)


def _chunk(rows, columns, dtype=jnp.float32):
    """A chunk whose memories and interconnect never limit."""
    large = (1e7,) * 3
    return build_chunk(ChunkSizes(rows, columns, 1e6, large, large, 1e6), dtype)


@functools.partial(jax.jit, static_argnames="candidates")
def _compute_cycles(workload, architecture, candidates):
    return evaluate(workload, architecture, candidates).layers.cost.compute_cycles


def _one(style):
    return CandidateSet(chunk_candidates(style).pairs[:1])


def test_more_units_never_slow_layers_that_they_limit():
    workload = workload_from_layers(LAYERS)
    for style in ("nvdla", "shidiannao", "eyeriss"):
        for sizes in ([(4, 8), (8, 8), (16, 8), (32, 8)], [(8, 4), (8, 8), (8, 24), (8, 32)]):
            cycles = np.array([_compute_cycles(workload, _chunk(float(r), float(c)), _one(style)) for r, c in sizes])
            assert np.all(np.diff(cycles, axis=0) <= 0), (style, cycles)
            assert cycles[-1].sum() < cycles[0].sum()


def test_styles_take_the_steps_of_the_accelerators_they_are_named_for():
    dense = np.array([i for i, layer in enumerate(LAYERS) if layer.groups == 1])
    workload = workload_from_layers(LAYERS)
    pes, kernels = nvdla_like(256.0), SpatialChoice(("RKG", "PKG"))
    schedule = Schedule(("",) * 5, (complete("SRC"),) * 5)
    chip = eyeriss(12.0, 14.0)
    pairs = (
        (pes.architecture, pes.candidates, _chunk(64.0, 4.0), "nvdla"),
        (shidiannao_like(256.0).architecture, shidiannao_like(256.0).candidates, _chunk(32.0, 8.0), "shidiannao"),
        (chip.architecture, CandidateSet(((kernels, schedule),)), _chunk(12.0, 14.0), "eyeriss"),
    )
    for architecture, candidates, chunk, style in pairs:
        theirs = _compute_cycles(workload, architecture, candidates)
        ours = _compute_cycles(workload, chunk, _one(style))
        np.testing.assert_allclose(ours[dense], theirs[dense], rtol=1e-6, err_msg=style)


def test_a_single_chunk_is_its_accelerator_under_the_mapper():
    space = asic_pipeline_space(group_names(LAYERS), 1).fix(automatic_schedules(1))
    indices = _random(3, seed=10, space=space)
    names = [decision.name for decision in space.decisions]
    for name, value in space.fixed.items():
        indices[:, names.index(name)] = space[name].index(value)
    indices[:, names.index(chunk_name(1, "style"))] = 0
    cost = price_designs(space, LAYERS, indices)
    knobs = Space("chunk", ARCHITECTURE_KNOBS)
    columns = [names.index(chunk_name(1, knob.name)) for knob in ARCHITECTURE_KNOBS]
    with jax.enable_x64(True):
        workload = workload_from_layers(LAYERS, dtype=jnp.float64)

        @jax.jit
        def accelerator(point, gbps):
            architecture = chunk_architecture(point, gbps, jnp.float64)
            prices = price_layers(workload, architecture, chunk_candidates("nvdla"))
            return jnp.sum(prices.cycles) * 1e-6, jnp.sum(prices.energy_pj) * 1e-9, architecture.total_area_mm2

        for i, row in enumerate(indices):
            gbps = float(BANDWIDTH_GBPS.options[row[0]])
            exact = accelerator(knobs.one_hot(row[columns], jnp.float64), jnp.asarray(gbps))
            priced = cost.latency_ms[i], cost.energy_mj[i], cost.chunk_mm2[i, 0]
            np.testing.assert_allclose(priced, [float(x) for x in exact], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_the_mappings_of_a_style_are_nearly_as_good_as_the_pool_they_come_from(style):
    layers = [layer for layer in published_layers("efficientnet_b0") if layer.weight_bits]
    knobs = Space("chunk", ARCHITECTURE_KNOBS)
    generator = np.random.default_rng(0)
    rows = np.stack([generator.integers(len(knob.options), size=24) for knob in knobs.decisions], axis=1)
    with jax.enable_x64(True):
        workload = workload_from_layers(layers, dtype=jnp.float64)

        @functools.partial(jax.jit, static_argnames="candidates")
        def cycles(point, candidates):
            return jnp.sum(price_layers(workload, chunk_architecture(point, 16.0, jnp.float64), candidates).cycles)

        points = [knobs.one_hot(row, jnp.float64) for row in rows]
        chosen, pool = (
            np.array([float(cycles(point, candidates)) for point in points])
            for candidates in (chunk_candidates(style), chunk_pool(style))
        )
    assert np.all(chosen >= (1 - 1e-9) * pool)
    # They were chosen for other layers, on other chunks.
    assert np.mean(chosen / pool) < 1.04


@pytest.mark.parametrize("chunks", [1, 3])
def test_no_design_undercuts_the_bound(chunks):
    space = asic_pipeline_space(group_names(LAYERS), chunks)
    indices = _random(500 if chunks == 3 else 300, seed=11, space=space)
    cost = price_designs(space, LAYERS, indices)
    gbps = np.array(BANDWIDTH_GBPS.options)[indices[:, 0]]
    whole = lower_bound(LAYERS, chunks)
    names = ("latency_ms", "interval_ms", "energy_mj", "edp")
    for name in names:
        assert np.all(getattr(cost, name) >= getattr(whole, name))
    for i in range(0, len(indices), 10):
        bound = lower_bound(LAYERS, chunks, float(cost.area_mm2[i]), bandwidths_gbps=[float(gbps[i])])
        for name in names:
            assert getattr(cost, name)[i] >= getattr(bound, name), (space.design(indices[i]), name)
    # Energy is within a few percent of what must move, so the bound is not empty.
    assert cost.energy_mj.min() < 1.2 * whole.energy_mj


def test_a_tighter_budget_never_lowers_the_bound():
    bounds = [lower_bound(LAYERS, area_mm2=area) for area in (0.1, 0.5, 1.0, 2.0, 4.0, np.inf)]
    for name in ("latency_ms", "interval_ms", "energy_mj", "edp"):
        values = [getattr(bound, name) for bound in bounds]
        assert all(a >= b for a, b in itertools.pairwise(values)), name
    # Not even the smallest array fits a tenth of a square millimetre with a link.
    assert np.isinf(bounds[0].latency_ms)


def test_expected_fractions_sum_to_one():
    split = next(knob for knob in ARCHITECTURE_KNOBS if knob.name == "buffer_split")
    for key in jax.random.split(jax.random.key(12), 5):
        point = Space("split", (split,)).sample_soft(key)
        assert float(sum(expected_fractions(point, split, jnp.float32))) == pytest.approx(1, abs=1e-6)


def test_classes_of_layers():
    classes = {layer.name: layer_class(layer) for layer in LAYERS}
    assert classes["stem"] == classes["block_02.convolution"] == "standard"
    assert classes["block_01.expand"] == classes["classifier"] == "pointwise"
    assert classes["block_01.depthwise"] == classes["block_01.add"] == classes["pool"] == "depthwise"
    assert group_names(LAYERS, "class") == ("standard", "pointwise", "depthwise")
    assert len(group_names(LAYERS, "layer")) == len(LAYERS)


def test_what_makes_no_sense_is_refused():
    design = SPACE.design(_random(1, seed=13)[0])
    with pytest.raises(ValueError, match="has no option 17"):
        evaluate_pipeline(LAYERS, design | {chunk_name(1, "rows"): 17})
    with pytest.raises(KeyError, match="buffer_kib"):
        evaluate_pipeline(LAYERS, {k: v for k, v in design.items() if k != chunk_name(2, "buffer_kib")})
    with pytest.raises(ValueError, match="allocated to no chunk"):
        price_designs(SPACE, LAYERS, _random(1, seed=13), by="class")
    with pytest.raises(ValueError, match="at least one layer"):
        pipeline_work([])
    with pytest.raises(ValueError, match="No style"):
        chunk_candidates("tpu")
