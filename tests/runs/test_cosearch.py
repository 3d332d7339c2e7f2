"""Between the search and the summary: the design derived, and what is said where it breaks a limit."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.hardware import evaluate
from dna_jax.networks import chosen_layers
from dna_jax.runs.config import CosearchConfig, from_mapping
from dna_jax.runs.cosearch import reoptimized
from dna_jax.runs.problem import build_problem
from dna_jax.runs.template_target import violations
from dna_jax.search import enumerate_accelerators, mean_point, standing
from dna_jax.workload import workload_from_layers
from experiments.configs import digits


@pytest.fixture(scope="module")
def problem():
    return build_problem(from_mapping(CosearchConfig, digits.get_config("smoke").to_dict()), None)


@pytest.mark.slow
def test_the_accelerator_of_a_template_is_set_anew_to_the_best_of_all(problem):
    search = dataclasses.replace(problem.config.search, reoptimize_every=2)
    problem = build_problem(dataclasses.replace(problem.config, search=search), None)
    state = problem.strategy.init(0)
    turn = search.warmup_steps + 2
    assert reoptimized(problem, state, turn + 1) is state
    moved = reoptimized(problem, state, turn)
    assert moved.shares is None
    space = problem.strategy.space
    design = space.decode(mean_point(space, moved.logits))
    enumeration = enumerate_accelerators(
        problem.target.template, chosen_layers(problem.specification, design), problem.accelerator_space
    )
    place = standing(enumeration, problem.target.space, problem.budgets, design)
    assert place.rank == 1


def test_violations_name_budget_level_layer_and_amount(problem):
    layers = chosen_layers(problem.specification, problem.published)
    baseline = problem.target.template.architecture(
        problem.target.template.space.encode(problem.target.template.baseline), jnp.float32
    )
    tiny = baseline.replace(capacity_bytes=(baseline.capacity_bytes[0], jnp.asarray(16.0), *baseline.capacity_bytes[2:]))
    cost = evaluate(workload_from_layers(layers), tiny, problem.target.template.candidates).layers.cost
    said = violations(problem, problem.target.template, problem.published, {"latency_ms": 1.0, "area_mm2": 1.0}, cost)
    assert said[0] == f"latency_ms 1 exceeds its budget {problem.config.budgets.latency_ms:g}"
    overflow = np.asarray(cost.overflow_bytes[1])
    assert len(said) == 1 + int((overflow > 0).sum()) > 1
    worst = int(overflow.argmax())
    named = [line for line in said if line.startswith(f"{layers[worst].name}:")]
    assert any(f"register_file can hold by {overflow[worst]:.6g} bytes" in line for line in named)
    assert (
        violations(
            problem,
            problem.target.template,
            problem.published,
            {"latency_ms": 0.001, "area_mm2": 1.0},
            evaluate(workload_from_layers(layers), baseline, problem.target.template.candidates).layers.cost,
        )
        == []
    )
