"""Configurations: to flags and back, and every run card."""

import dataclasses
import importlib.util
import pathlib

import pytest

from dna_jax.errors import UserError
from dna_jax.runs.config import CosearchConfig, from_mapping, to_config_dict
from dna_jax.search import Budgets

CARDS = sorted(
    path for path in (pathlib.Path(__file__).parents[2] / "experiments" / "configs").glob("*.py") if path.stem != "__init__"
)


def _card(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_configuration_survives_the_flags():
    config = CosearchConfig(seed=3, budgets=Budgets(latency_ms=0.1))
    assert from_mapping(CosearchConfig, to_config_dict(config).to_dict()) == config


def test_optional_numbers_take_a_value_later():
    values = to_config_dict(CosearchConfig())
    values.budgets.energy_mj = 0.5
    assert from_mapping(CosearchConfig, values.to_dict()).budgets.energy_mj == 0.5
    with pytest.raises(TypeError):
        values.budgets.energy_mj = "little"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"search": {"level": "triple"}}, "config.search.level is 'triple'; choose one of single, bilevel"),
        ({"search": {"objective": {"form": "cubic"}}}, "choose one of soft, hinge, lagrangian"),
        ({"network": {"space": "s3"}}, "choose one of s1, s2, dna"),
        ({"network": {"bits": 4}}, "bits and form are choices of the space dna"),
        ({"network": {"space": "dna", "bits": 5}}, "choose one of 0, 4, 6, 8"),
        ({"budgets": {"fps": 100.0}}, "budgets.fps is no cost of accelerators of the template nahas_edge"),
        ({"accelerator": {"template": "fpga"}, "budgets": {"area_mm2": 1.0}}, "budgets.area_mm2 is no cost"),
        ({"search": {"active_paths": 1}}, "active_paths must be 0 or at least 2"),
        ({"search": {"soft_widths": True}}, "with level=bilevel only"),
        ({"search": {"soft_warmup": True, "hard": False}}, "soft_warmup softens hard samples"),
        ({"search": {"reoptimize_every": -1}}, "must not be negative"),
        ({"budgets": {"latency_ms": -1.0}}, "must be positive"),
        ({"search": {"steps": 1}}, "must lie between"),
        ({"log_every": 0}, "at least 1"),
        ({"cost": {"correction": "rtl"}}, "is fitted to Gemmini; set accelerator.template=gemmini"),
        ({"cost": {"correction": "magic"}}, "choose one of none, rtl"),
        ({"seed": -1}, "must lie between 0 and"),
        ({"network": {"width": -1.0}}, "must be positive"),
        ({"budgets": {"area_mm2": float("nan")}}, "positive and finite"),
        ({"search": {"temperature": {"end": 0.0}}}, "Temperatures must be positive"),
        ({"search": {"steps": 0, "warmup_steps": 0}}, "must lie between"),
        ({"search": {"label_smoothing": 1.5}}, "must lie in"),
        ({"search": {"weights": {"learning_rate": -0.1}}}, "must not be negative"),
        ({"search": {"objective": {"hinge_weight": -1.0}}}, "must not be negative"),
        ({"retrain": {"training": {"calibration_batches": 0}}}, "at least 1"),
        ({"retrain": {"training": {"ema_decay": 1.0}}}, "must lie in"),
        ({"augmentation": {"crop_padding": -1}}, "must not be negative"),
        ({"data": {"batch_size": 0}}, "at least 1"),
        ({"data": {"limit": -5}}, "at least 0"),
        ({"data": {"decision_fraction": 1.0}}, "within 0 and 1"),
        ({"colour": 1}, "no field 'colour'"),
    ],
)
def test_wrong_values_are_named(change, says):
    with pytest.raises(UserError, match=says):
        from_mapping(CosearchConfig, change)


@pytest.mark.parametrize("path", CARDS, ids=lambda p: p.stem)
def test_every_run_card_states_what_it_should_and_has_a_smoke_variant(path):
    module = _card(path)
    for heading in ("Paper:", "Data:", "Hardware:", "Time:", "Expected:", "Command:"):
        assert heading in module.__doc__
    full, smoke = (from_mapping(CosearchConfig, module.get_config(v).to_dict()) for v in ("", "smoke"))
    assert smoke.search.steps < full.search.steps
    assert dataclasses.replace(smoke, search=full.search) != full
    with pytest.raises(UserError, match="no variant 'turbo'"):
        module.get_config("turbo")
