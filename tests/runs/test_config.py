"""Configurations: to flags and back, and every run card."""

import dataclasses
import fnmatch
import importlib.util
import pathlib

import pytest

from dna_jax.errors import UserError
from dna_jax.runs.coexplore_config import CoexploreConfig
from dna_jax.runs.config import CosearchConfig, from_mapping, to_config_dict
from dna_jax.runs.unread import RULES, value_at
from dna_jax.search import Budgets
from experiments.claim_config import ClaimConfig
from experiments.search_benchmark_config import SearchBenchmarkConfig

CARDS = sorted(
    path for path in (pathlib.Path(__file__).parents[2] / "experiments" / "configs").glob("*.py") if path.stem != "__init__"
)


KINDS = {"claim_": ClaimConfig, "coexploration": CoexploreConfig, "macro_edge": SearchBenchmarkConfig}
"""How cards of other jobs than a co-search begin, and what they configure."""


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
        ({"cost": {"correction": "magic"}}, "choose one of none, rtl"),
        ({"cost": {"model": "guessed"}}, "choose one of analytical, learned"),
        ({"cost": {"model": "learned", "learned": {"samples": 100}}}, "batch_size 128 must not exceed samples 100"),
        (
            {"cost": {"model": "learned"}, "budgets": {"energy_mj": 1.0}},
            "budgets.energy_mj needs cost.model=analytical, for a learned cost model knows latency and area alone",
        ),
        ({"seed": -1}, "must lie between 0 and"),
        ({"network": {"width": -1.0}}, "must be positive"),
        ({"budgets": {"area_mm2": float("nan")}}, "positive and finite"),
        ({"search": {"temperature": {"end": 0.0}}}, "Temperatures must be positive"),
        ({"search": {"steps": 0, "warmup_steps": 0}}, "must lie between"),
        ({"search": {"label_smoothing": 1.5}}, "must lie in"),
        ({"search": {"weights": {"learning_rate": -0.1}}}, "must not be negative"),
        ({"search": {"network": {"momentum": 1.0}}}, "momentum 1.0 must lie in \\[0, 1\\)"),
        ({"search": {"objective": {"hinge_weight": -1.0}}}, "must not be negative"),
        ({"search": {"method": "magic"}}, "choose one of differentiable, one_shot"),
        ({"search": {"one_shot": {"beta": 0.1}}}, "beta must be negative or 0"),
        ({"search": {"method": "one_shot"}}, "rewards accelerators by their costs over budgets, of which there are none"),
        (
            {"search": {"method": "one_shot"}, "accelerator": {"template": "fpga"}},
            "prices no pipelines, as accelerator.template=fpga has; choose one of nahas_edge, gemmini",
        ),
        ({"retrain": {"training": {"calibration_batches": 0}}}, "at least 1"),
        ({"retrain": {"training": {"ema_decay": 1.0}}}, "must lie in"),
        ({"augmentation": {"crop_padding": -1}}, "must not be negative"),
        ({"data": {"batch_size": 0}}, "at least 1"),
        ({"data": {"limit": -5}}, "at least 0"),
        ({"data": {"decision_fraction": 1.0}}, "within 0 and 1"),
        ({"search": {"weights": {"epsilon": 1.0}}}, "epsilon is RMSProp's"),
        ({"search": {"multi_trial": {"trials": 15}}}, "trials 15 must be a multiple of ppo.batch 10"),
        ({"search": {"multi_trial": {"reward": "kind"}}}, "choose one of hard, soft"),
        ({"search": {"multi_trial": {"ppo": {"batch": 0}}}}, "batch must be at least 1"),
        ({"search": {"multi_trial": {"ppo": {"clip_norm": 0.0}}}}, "clip_norm must be positive"),
        ({"search": {"multi_trial": {"proxy": {"warmup_epochs": 5}}}}, "warmup_epochs 5 must lie between 0 and epochs 5"),
        ({"search": {"multi_trial": {"proxy": {"epsilon": 0.0}}}}, "epsilon must be positive"),
        ({"search": {"method": "multi_trial"}, "network": {"space": "dna"}}, "trains networks of network.space=s1 and s2"),
        ({"colour": 1}, "no field 'colour'"),
    ],
)
def test_wrong_values_are_named(change, says):
    with pytest.raises(UserError, match=says):
        from_mapping(CosearchConfig, change)


DEFAULTS = to_config_dict(CosearchConfig()).to_dict()
_DNA = {"network": {"space": "dna"}}
_FPGA = {"accelerator": {"template": "fpga"}}
_ASIC = {"accelerator": {"template": "asic"}}
_BILEVEL_WIDTHS = {"search": {"level": "bilevel", "soft_widths": True}}


def _with(*parts):
    """Mappings of mappings as one."""
    merged: dict = {}
    for part in parts:
        for key, value in part.items():
            merged[key] = _with(merged[key], value) if isinstance(value, dict) and key in merged else value
    return merged


def _search(**values):
    return {"search": values}


# What is given, by itself, where it is not read; and what to add so that it is.
UNREAD = [
    ({"network": {"bits": 4}}, {}, _DNA),
    ({"network": {"form": "separate"}}, {}, _DNA),
    (_with(_DNA, {"network": {"bits": 4}}), {"fix": "network"}, {"fix": "accelerator"}),
    ({"accelerator": {"device": "zcu102"}}, {}, _FPGA),
    ({"accelerator": {"device": "zcu102"}}, {"accelerator": {"template": "asic"}}, _FPGA),
    (
        _with(_FPGA, {"accelerator": {"device": "zcu102"}}),
        {"budgets": {"dsp": 100.0, "bram": 100.0}},
        {"budgets": {"dsp": 100.0}},
    ),
    ({"accelerator": {"allocation": "searched"}}, {"accelerator": {"template": "gemmini"}}, _FPGA),
    ({"accelerator": {"held": "mapping"}}, {}, _FPGA),
    (_with(_FPGA, {"accelerator": {"held": "mapping"}}), {"fix": "network"}, {}),
    (_with(_FPGA, {"accelerator": {"held": "mapping"}}), {"order": "network_first"}, {}),
    ({"accelerator": {"schedules": "searched"}}, {}, _ASIC),
    (_with(_ASIC, {"accelerator": {"schedules": "searched"}}), {"fix": "accelerator"}, {"fix": "network"}),
    ({"accelerator": {"chunks": 2}}, {}, {"accelerator": {"template": "asic"}}),
    ({"accelerator": {"chunks": 2}}, _FPGA, {"accelerator": {"template": "asic"}}),
    ({"cost": {"model": "learned"}}, _FPGA, {"accelerator": {"template": "gemmini"}}),
    ({"cost": {"model": "learned"}}, _ASIC, {"accelerator": {"template": "nahas_edge"}}),
    ({"cost": {"learned": {"dropout": 0.0}}}, {}, {"cost": {"model": "learned"}}),
    ({"cost": {"correction": "rtl"}}, {}, {"accelerator": {"template": "gemmini"}}),
    (_search(objective={"goal": "edp"}), {}, {"accelerator": {"template": "asic"}}),
    (_search(objective={"form": "hinge"}), {}, {"budgets": {"area_mm2": 9.0}}),
    (
        _search(objective={"hinge_weight": 1.0}),
        {"budgets": {"area_mm2": 9.0}},
        _with({"budgets": {"area_mm2": 9.0}}, _search(objective={"form": "hinge"})),
    ),
    (_search(objective={"multiplier_rate": 0.1}), {}, {"budgets": {"area_mm2": 9.0}}),
    (_search(objective={"multiplier_limit": 9.0}), _search(objective={"form": "soft"}), _FPGA),
    (_search(objective={"damping": 1.0}), {}, _FPGA),
    (_search(soft_warmup=True), _search(warmup_steps=0), {}),
    (_search(soft_warmup=True), {"fix": "network"}, {"fix": "accelerator"}),
    (_search(warmup_temperature={"start": 3.0}), {}, _search(soft_warmup=True)),
    (_BILEVEL_WIDTHS, {}, _DNA),
    (_with(_DNA, _BILEVEL_WIDTHS), {"network": {"bits": 8}}, {}),
    (_with(_DNA, _BILEVEL_WIDTHS), _search(hard=False), {}),
    (_search(expected_network=True), {"fix": "network"}, {"fix": "accelerator"}),
    (_search(initial_noise=0.5), {"fix": "network"}, {"fix": "accelerator"}),
    (_search(reoptimize_every=5), {"fix": "accelerator"}, {"fix": "network"}),
    (_search(reoptimize_every=5), {"order": "network_first"}, {}),
    (_search(accelerator={"learning_rate": 0.1}), _search(reoptimize_every=5), {}),
    (_search(level="bilevel"), _search(method="multi_trial"), {}),
    (_search(temperature={"start": 3.0}), _search(method="multi_trial"), {}),
    (_search(objective={"pressure": 0.1}), _search(method="multi_trial"), {}),
    (_search(network={"learning_rate": 0.1}), _search(method="multi_trial"), {}),
    (_search(weights={"learning_rate": 0.2}), _search(method="multi_trial"), {}),
    (_search(steps=300), _search(method="multi_trial"), {}),
    ({"retrain": {"start": "inherit"}}, _search(method="multi_trial"), {}),
    (_search(multi_trial={"reward": "soft"}), {}, _search(method="multi_trial")),
    (_search(multi_trial={"ppo": {"epochs": 2}}), {}, _search(method="multi_trial")),
    (_search(multi_trial={"proxy": {"epochs": 9}}), {}, _search(method="multi_trial")),
    (_search(temperature={"end": 0.1}), _search(temperature={"schedule": "constant"}), {}),
    (
        _with(_search(soft_warmup=True), _search(warmup_temperature={"end": 0.1})),
        _search(warmup_temperature={"schedule": "constant"}),
        {},
    ),
]


_ONE_SHOT = {"search": {"method": "one_shot"}, "budgets": {"area_mm2": 9.0}}
UNREAD += [
    (_search(level="bilevel"), _ONE_SHOT, {}),
    (_search(reoptimize_every=5), _ONE_SHOT, {}),
    (_search(network={"learning_rate": 0.1}), _ONE_SHOT, {}),
    (_search(objective={"pressure": 0.1}), _ONE_SHOT, {}),
    (_search(temperature={"start": 2.0}), _ONE_SHOT, {}),
    (_search(one_shot={"samples": 2}), {}, _ONE_SHOT),
    (_search(one_shot={"beta": -0.2}), {"budgets": {"area_mm2": 9.0}}, _ONE_SHOT),
    (_search(one_shot={"beta": -0.2}), _search(method="one_shot") | {"fix": "accelerator"}, _ONE_SHOT),
]


def _leaves(values, prefix=""):
    """Path -> value of a mapping of mappings."""
    found = {}
    for key, value in values.items():
        found |= _leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


@pytest.mark.parametrize(("given", "unread_with", "read_with"), UNREAD, ids=lambda part: str(_leaves(part)))
def test_options_that_nothing_reads_are_refused(given, unread_with, read_with):
    with pytest.raises(
        UserError, match=r"has no effect here, for it is read only .*; change that, or set .*=.*\.$"
    ) as refusal:
        from_mapping(CosearchConfig, _with(DEFAULTS, given, unread_with))
    path, value = list(_leaves(given).items())[-1]
    assert f"config: {path}={value} has no effect" in str(refusal.value)
    # What the message says to set is accepted, and the option itself where it is read.
    (remedy,) = str(refusal.value).rsplit(" or set ", 1)[1][:-1].split(", ")
    assert remedy == f"{path}={value_at(CosearchConfig, path)}"
    from_mapping(CosearchConfig, _with(DEFAULTS, given, read_with))


def test_every_rule_is_shown_to_refuse():
    shown = {list(_leaves(given))[-1] for given, _, _ in UNREAD}
    assert [rule.where for rule in RULES if not shown & set(rule.options)] == []


def test_all_options_that_nothing_reads_are_named_at_once():
    with pytest.raises(UserError) as refusal:
        from_mapping(CosearchConfig, {"network": {"bits": 4}, "accelerator": {"chunks": 2}})
    assert str(refusal.value).endswith("change that, or set network.bits=0, accelerator.chunks=3.")


READ_EVERYWHERE = (
    *("seed", "fix", "order", "log_every", "checkpoint_every", "evaluation_batch_size", "data.*", "augmentation.*"),
    *("network.space", "network.width", "network.stride_plan", "accelerator.template", "budgets.*", "retrain.*"),
    "search.method",
)
"""Options that every run reads, but for what `BUDGETED` refuses, and optimisers of parts that are left out."""


def test_every_option_is_read_everywhere_or_has_a_rule():
    ruled = {path for rule in RULES for path in rule.options}
    paths = set(_leaves(to_config_dict(CosearchConfig()).to_dict()))
    assert ruled <= paths
    unknown = {path for path in paths - ruled if not any(fnmatch.fnmatch(path, known) for known in READ_EVERYWHERE)}
    assert unknown == set()


@pytest.mark.parametrize("path", CARDS, ids=lambda p: p.stem)
def test_every_run_card_states_what_it_should_and_has_a_smoke_variant(path):
    module = _card(path)
    for heading in ("Paper:", "Data:", "Hardware:", "Time:", "Expected:", "Command:"):
        assert heading in module.__doc__
    kind = next((kind for start, kind in KINDS.items() if path.stem.startswith(start)), CosearchConfig)
    full, smoke = (from_mapping(kind, module.get_config(v).to_dict()) for v in ("", "smoke"))
    assert smoke != full
    if kind is CosearchConfig:
        by_trials = full.search.method == "multi_trial"
        less, more = (card.search.multi_trial.trials if by_trials else card.search.steps for card in (smoke, full))
        assert less < more
        assert dataclasses.replace(smoke, search=full.search) != full
    with pytest.raises(UserError, match="no variant 'turbo'"):
        module.get_config("turbo")
