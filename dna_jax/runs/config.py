"""The typed configuration of a co-search run. Defaults live here and in the dataclasses it is made of, nowhere else."""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ml_collections import config_dict

from dna_jax.accuracy import AugmentationConfig, TrainingConfig
from dna_jax.checks import require_at_least
from dna_jax.data import DataConfig
from dna_jax.errors import UserError
from dna_jax.hardware import Template, gemmini_template, nahas_edge
from dna_jax.networks import Family, dna_network, efficientnet_b0, mobilenet_v2
from dna_jax.runs.unread import require_read
from dna_jax.search import ASIC_PIPELINE_COSTS, COSTS, DEVICES, PIPELINE_COSTS, Budgets, SearchConfig
from dna_jax.search.learned_cost import LearnedCostConfig
from dna_jax.spaces import Space, dna_network_space, s1, s2

NETWORKS: dict[str, tuple[Callable[[], Space], Callable[..., Family]]] = {
    "s1": (s1, mobilenet_v2),
    "s2": (s2, efficientnet_b0),
    "dna": (dna_network_space, dna_network),
}
"""Network spaces by name: the space, and the family whose blocks it searches."""

TEMPLATES: dict[str, Callable[[], Template]] = {"nahas_edge": nahas_edge, "gemmini": gemmini_template}
"""Accelerator templates by name."""

BUDGETED = {"fpga": PIPELINE_COSTS, "asic": ASIC_PIPELINE_COSTS} | dict.fromkeys(TEMPLATES, COSTS)
"""Costs of accelerators that may have a budget, by template."""


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Which networks.

    Attributes:
      space: "s1" (MobileNetV2), "s2" (EfficientNet-B0) or "dna" (operation and operand width of 22 blocks).
      width: multiplies all channels.
      stride_plan: where maps halve, a key of `networks.STRIDE_PLANS`; "dna" knows all but "cifar_early".
      bits: for "dna": the width of operands in every block; 0 to search it block by block.
      form: for "dna": "super_kernel" (the operations of a block share parameters) or "separate" (each has its own, at
        several times the cost of a step).
    """

    space: Literal["s1", "s2", "dna"] = "s1"
    width: float = 1.0
    stride_plan: Literal["imagenet", "cifar", "cifar_early", "digits"] = "cifar"
    bits: Literal[0, 4, 6, 8] = 0
    form: Literal["super_kernel", "separate"] = "super_kernel"

    def __post_init__(self) -> None:
        if not self.width > 0:
            raise ValueError(f"width must be positive, not {self.width}.")


@dataclasses.dataclass(frozen=True)
class AcceleratorConfig:
    """Which accelerators.

    Attributes:
      template: "nahas_edge" (50,000 designs), "gemmini" (245), "fpga" (pipelines of chunks: 1.0e49, or 8.1e46 with the
        stride plan "digits"; nine and four times as many with the allocation searched) or "asic" (pipelines of chunks with
        arrays, memories and dataflows of their own: 1.4e31 with three chunks, for the network space "dna").
      device: for "fpga": the board whose DSP slices and block RAMs are budgets, where `budgets` sets no others.
      allocation: for "fpga": "released" holds the height of maps from which a layer counts as large, "searched" chooses it.
      held: for "fpga": a part of the pipeline that is not searched along with the network, but stays that of the pipeline
        best for the average network, as one that is made before the network would be: "allocation", "mapping" (tiles and
        compute modes) or "micro_architecture" (how much of each tile is unrolled). Judged is by all that could be.
      chunks: for "asic": how many a pipeline has at most.
      schedules: for "asic": "mapper" leaves tiles and loop order to the mapper, which takes the best for every layer;
        "searched" decides for each class of layers on each chunk which operand loops keep in place, or to leave it to the
        mapper. Tiles are then as large as fit, grown in the better of two ways.
    """

    template: Literal["nahas_edge", "gemmini", "fpga", "asic"] = "nahas_edge"
    device: Literal["zc706", "zcu102", "ultra96"] = "zc706"
    allocation: Literal["released", "searched"] = "released"
    held: Literal["nothing", "allocation", "mapping", "micro_architecture"] = "nothing"
    chunks: int = 3
    schedules: Literal["mapper", "searched"] = "mapper"

    def __post_init__(self) -> None:
        if self.held == "allocation" and self.allocation == "released":
            raise ValueError("held=allocation holds what allocation=released holds already; set allocation=searched.")
        require_at_least(self, chunks=1)


@dataclasses.dataclass(frozen=True)
class CostConfig:
    """How designs are priced.

    Attributes:
      model: what the search takes costs from: "analytical", or for the accelerators of a template "learned", a network that
        learns latency and area from designs priced by the analytical model, corrected where that is. It is learned at the
        start of the run, and knows nothing of energy. What is found is judged by the analytical model in either case.
      learned: how that network learns.
      correction: "none", or "rtl" for cycles of the template "gemmini" as a network fitted to its RTL corrects them.
    """

    model: Literal["analytical", "learned"] = "analytical"
    learned: LearnedCostConfig = LearnedCostConfig()
    correction: Literal["none", "rtl"] = "none"


@dataclasses.dataclass(frozen=True)
class RetrainConfig:
    """What becomes of the network found.

    Attributes:
      start: "scratch" (fresh weights) or "inherit" (the supernet's).
      training: the recipe, the same for the published network beside it.
      repeats: trainings of each network, side by side in one program, each with augmentation, an order of images and, unless
        they are inherited, first weights of its own; the accuracy is their mean. Of a short training another seed may say
        one or two points more or less, as much as two searches differ by.
      published: whether to report the published network beside it, trained from scratch.
    """

    start: Literal["scratch", "inherit"] = "scratch"
    training: TrainingConfig = TrainingConfig()
    repeats: int = 1
    published: bool = True

    def __post_init__(self) -> None:
        require_at_least(self, repeats=1)


@dataclasses.dataclass(frozen=True)
class CosearchOptions:
    """What a co-search run can be told, whether or not it goes together.

    Attributes:
      seed: of weights, samples, splits and shuffling.
      fix: "none", "network" (published network, accelerator searched) or "accelerator" (baseline, network searched); the
        optimiser of the part that is fixed is left aside.
      order: "joint"; "accelerator_first" (the best accelerator for the published network, on FPGAs for the average one of
        the space, then the network for it); or "network_first" (the same search of the network, then the best accelerator
        for the network found).
      data, network, accelerator, cost, budgets, search, augmentation, retrain: the parts.
      log_every, checkpoint_every: steps between lines of metrics and between checkpoints.
      evaluation_batch_size: images evaluated at a time.
    """

    seed: int = 0
    fix: Literal["none", "network", "accelerator"] = "none"
    order: Literal["joint", "accelerator_first", "network_first"] = "joint"
    data: DataConfig = DataConfig()
    network: NetworkConfig = NetworkConfig()
    accelerator: AcceleratorConfig = AcceleratorConfig()
    cost: CostConfig = CostConfig()
    budgets: Budgets = Budgets()
    search: SearchConfig = SearchConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    retrain: RetrainConfig = RetrainConfig()
    log_every: int = 20
    checkpoint_every: int = 200
    evaluation_batch_size: int = 256

    @property
    def limits(self) -> Budgets:
        """The budgets, with those of the device."""
        if self.accelerator.template != "fpga":
            return self.budgets
        device, given = DEVICES[self.accelerator.device], self.budgets
        dsp = device.dsp if given.dsp is None else given.dsp
        bram = device.bram if given.bram is None else given.bram
        return dataclasses.replace(given, dsp=dsp, bram=bram)


@dataclasses.dataclass(frozen=True)
class CosearchConfig(CosearchOptions):
    """A co-search run, its options checked. One that nothing would read is refused, as `runs.unread` has it."""

    def __post_init__(self) -> None:
        require_at_least(self, log_every=1, checkpoint_every=1, evaluation_batch_size=1)
        if self.order != "joint" and self.fix != "none":
            raise ValueError(f"order={self.order} searches one part after the other; it needs fix=none.")
        for name in dict(self.budgets.items()):
            if name not in BUDGETED[self.accelerator.template]:
                given = "fps" if name == "frame_ms" else name
                raise ValueError(f"budgets.{given} is no cost of accelerators of the template {self.accelerator.template}.")
        if self.cost.model == "learned" and self.budgets.energy_mj is not None:
            raise ValueError(
                "budgets.energy_mj needs cost.model=analytical, for a learned cost model knows latency and area alone."
            )
        if self.search.method == "one_shot":
            if self.accelerator.template not in TEMPLATES:
                raise ValueError(
                    f"search.method=one_shot prices no pipelines, as accelerator.template={self.accelerator.template} has; "
                    f"choose one of {', '.join(TEMPLATES)}, or search.method=differentiable."
                )
            if not self.budgets.items() and self.fix != "accelerator":
                raise ValueError(
                    "search.method=one_shot rewards accelerators by their costs over budgets, of which there are none; give "
                    "one, or set fix=accelerator."
                )
        if self.search.method == "multi_trial" and self.network.space == "dna":
            raise ValueError(
                "search.method=multi_trial trains networks of network.space=s1 and s2, which masks alone derive."
            )
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed must lie between 0 and 2^31 - 1, and is {self.seed}.")
        require_read(self)


def to_config_dict(config: Any) -> config_dict.ConfigDict:
    """A dataclass as a ConfigDict of the same shape, for flags; optional numbers that are None become placeholders."""
    hints = typing.get_type_hints(type(config))
    result = config_dict.ConfigDict()
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            result[field.name] = to_config_dict(value)
        elif isinstance(hints[field.name], types.UnionType):
            kind = next(t for t in typing.get_args(hints[field.name]) if t is not type(None))
            result[field.name] = config_dict.placeholder(kind)
            if value is not None:
                result[field.name] = value
        else:
            result[field.name] = value
    return result


def from_mapping(kind: type, values: Mapping[str, Any], path: str = "config") -> Any:
    """A dataclass of type `kind` from a mapping of the same shape.

    UserError names the field whose value is none of its options, or says what the dataclass itself objects to.
    """
    hints = typing.get_type_hints(kind)
    unknown = set(values) - set(hints)
    if unknown:
        raise UserError(f"{path} has no field {sorted(unknown)[0]!r}; its fields are {', '.join(sorted(hints))}.")
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        hint = hints[name]
        if dataclasses.is_dataclass(hint):
            arguments[name] = from_mapping(typing.cast(type, hint), value, f"{path}.{name}")
        else:
            options = typing.get_args(hint) if typing.get_origin(hint) is Literal else None
            if options and value not in options:
                raise UserError(f"{path}.{name} is {value!r}; choose one of {', '.join(map(str, options))}.")
            arguments[name] = value
    try:
        return kind(**arguments)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def is_smoke(variant: str) -> bool:
    """Whether a run card's variant is `smoke`, the same path in seconds; UserError for one that the card has not."""
    if variant not in ("", "smoke"):
        raise UserError(f"This run card has no variant {variant!r}; use FILE or FILE:smoke.")
    return variant == "smoke"
