"""Options that nothing would read: where each is read, and the refusal of one that is set where it is not.

An option at its default asks for nothing and is let through. So are the optimiser of a part that `fix` or `order` takes out
of the search, and the recipe of a training of no steps: what a card would have trained with does not keep its user from
leaving a part out. What else of a card `fix` and `order` leave unread `runs.put_back` puts back.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dna_jax.search import MultiTrialConfig, ObjectiveConfig, OneShotConfig, OptimizerConfig, TemperatureConfig
from dna_jax.search.learned_cost import LearnedCostConfig

if TYPE_CHECKING:
    from dna_jax.runs.config import CosearchOptions

_TEMPERATURES = ("search.temperature", "search.warmup_temperature")


@dataclasses.dataclass(frozen=True)
class Rule:
    """Where options are read.

    Attributes:
      options: paths of fields of a `CosearchOptions`.
      where: the same as `is_read` in words, after "read only".
      is_read: whether a configuration reads them.
    """

    options: Sequence[str]
    where: str
    is_read: Callable[["CosearchOptions"], bool]


def value_at(config: Any, path: str) -> Any:
    """A field of a configuration, or of its class for the default, by its path: "search.objective.form"."""
    return functools.reduce(getattr, path.split("."), config)


def _fields(path: str, kind: type) -> tuple[str, ...]:
    """Paths of the fields of a dataclass at a path; of those that are dataclasses themselves, of theirs."""
    paths: list[str] = []
    for field in dataclasses.fields(kind):
        default = getattr(kind, field.name)
        inner = f"{path}.{field.name}"
        paths += _fields(inner, type(default)) if dataclasses.is_dataclass(default) else [inner]
    return tuple(paths)


def _is_multi_trial(config: "CosearchOptions") -> bool:
    return config.search.method == "multi_trial"


def _has_budget(config: "CosearchOptions") -> bool:
    return bool(config.limits.items())


def _moves_at(path: str) -> Callable[["CosearchOptions"], bool]:
    return lambda config: value_at(config, path).schedule != "constant"


def _is_one_shot(config: "CosearchOptions") -> bool:
    return config.search.method == "one_shot"


RULES = (
    Rule(
        ("network.bits", "network.form"),
        "with network.space=dna and fix other than network",
        lambda config: config.network.space == "dna" and config.fix != "network",
    ),
    Rule(
        ("accelerator.device",),
        "with accelerator.template=fpga where budgets.dsp or budgets.bram is not given",
        lambda config: config.accelerator.template == "fpga" and None in (config.budgets.dsp, config.budgets.bram),
    ),
    Rule(
        ("accelerator.allocation",),
        # A pipeline that is fixed is judged among those of the allocation.
        "with accelerator.template=fpga",
        lambda config: config.accelerator.template == "fpga",
    ),
    Rule(
        ("accelerator.held",),
        # With a network that is fixed, the pipeline best for the average network is the best for it.
        "with accelerator.template=fpga, fix=none and order=joint",
        lambda config: config.accelerator.template == "fpga" and config.fix == "none" and config.order == "joint",
    ),
    Rule(
        ("accelerator.schedules",),
        "with accelerator.template=asic and fix other than accelerator",
        lambda config: config.accelerator.template == "asic" and config.fix != "accelerator",
    ),
    Rule(("accelerator.chunks",), "with accelerator.template=asic", lambda config: config.accelerator.template == "asic"),
    Rule(
        ("cost.model",),
        "with accelerator.template=nahas_edge or gemmini",
        lambda config: config.accelerator.template in ("nahas_edge", "gemmini"),
    ),
    Rule(
        tuple(f"cost.learned.{field.name}" for field in dataclasses.fields(LearnedCostConfig)),
        "with cost.model=learned",
        lambda config: config.cost.model == "learned",
    ),
    Rule(
        ("cost.correction",),
        "with accelerator.template=gemmini, to which it is fitted",
        lambda config: config.accelerator.template == "gemmini",
    ),
    Rule(("search.objective.goal",), "with accelerator.template=asic", lambda config: config.accelerator.template == "asic"),
    Rule(
        # The other two forms differ without budgets.
        ("search.objective.form",),
        "with a budget",
        lambda config: config.search.objective.form != "hinge" or _has_budget(config),
    ),
    Rule(
        ("search.objective.hinge_weight",),
        "with search.objective.form=hinge and a budget",
        lambda config: config.search.objective.form == "hinge" and _has_budget(config),
    ),
    Rule(
        ("search.objective.multiplier_rate", "search.objective.multiplier_limit", "search.objective.damping"),
        "with search.objective.form=lagrangian and a budget",
        lambda config: config.search.objective.form == "lagrangian" and _has_budget(config),
    ),
    Rule(
        ("search.soft_warmup",),
        "with search.warmup_steps of at least 1 and fix other than network",
        lambda config: config.search.warmup_steps > 0 and config.fix != "network",
    ),
    Rule(
        tuple(f"search.warmup_temperature.{name}" for name in ("schedule", "start", "end")),
        "with search.soft_warmup=True",
        lambda config: config.search.soft_warmup,
    ),
    Rule(
        ("search.soft_widths",),
        "with network.space=dna, network.bits=0, search.hard=True and fix other than network",
        lambda config: (
            config.network.space == "dna" and not config.network.bits and config.search.hard and config.fix != "network"
        ),
    ),
    Rule(
        ("search.expected_network", "search.initial_noise"),
        "with fix other than network",
        lambda config: config.fix != "network",
    ),
    Rule(
        ("search.reoptimize_every",),
        "with fix other than accelerator and order=joint",
        lambda config: config.fix != "accelerator" and config.order == "joint",
    ),
    Rule(
        _fields("search.accelerator", OptimizerConfig),
        "with search.reoptimize_every=0",
        lambda config: not config.search.reoptimize_every,
    ),
    Rule(
        (
            *("search.level", "search.hard", "search.soft_warmup", "search.initial_noise", "search.active_paths"),
            *("search.expected_network", "search.soft_widths", "search.reoptimize_every"),
            *(option for path in _TEMPERATURES for option in _fields(path, TemperatureConfig)),
            *_fields("search.objective", ObjectiveConfig),
            *_fields("search.network", OptimizerConfig),
            *_fields("search.accelerator", OptimizerConfig),
        ),
        "with search.method=differentiable",
        lambda config: config.search.method == "differentiable",
    ),
    Rule(_fields("search.one_shot", OneShotConfig), "with search.method=one_shot", _is_one_shot),
    Rule(
        ("search.one_shot.beta",),
        "with search.method=one_shot and a budget",
        lambda config: _is_one_shot(config) and _has_budget(config),
    ),
    Rule(
        (
            *("search.steps", "search.warmup_steps", "search.label_smoothing", "retrain.start"),
            *_fields("search.weights", OptimizerConfig),
        ),
        # There is no supernet, whose weights these train and keep.
        "with search.method other than multi_trial",
        lambda config: not _is_multi_trial(config),
    ),
    Rule(_fields("search.multi_trial", MultiTrialConfig), "with search.method=multi_trial", _is_multi_trial),
    *(Rule((f"{path}.end",), f"with {path}.schedule other than constant", _moves_at(path)) for path in _TEMPERATURES),
)


def unread(config: "CosearchOptions") -> dict[str, Rule]:
    """Options that differ from their defaults where they are not read, by path, each with the rule that says so."""
    return {
        path: rule
        for rule in RULES
        for path in rule.options
        if value_at(config, path) != value_at(type(config), path) and not rule.is_read(config)
    }


def require_read(config: "CosearchOptions") -> None:
    """ValueError, in one sentence, for options that differ from their defaults where they are not read."""
    refused = unread(config)
    if refused:
        clauses = (
            f"{path}={value_at(config, path)} has no effect here, for it is read only {rule.where}"
            for path, rule in refused.items()
        )
        defaults = (f"{path}={value_at(type(config), path)}" for path in refused)
        raise ValueError(f"{', and '.join(clauses)}; change that, or set {', '.join(defaults)}.")
