"""What a configuration describes, built and checked before anything is written."""

import dataclasses
import functools

from dna_jax.data import Dataset, Source, load, split
from dna_jax.errors import OutOfReachError, UserError
from dna_jax.hardware.asic import group_names
from dna_jax.hardware.correction import rtl_correction
from dna_jax.networks import Family, chosen_layers, possible_layers
from dna_jax.runs.asic_target import AsicTarget
from dna_jax.runs.config import NETWORKS, TEMPLATES, CosearchConfig
from dna_jax.runs.fpga_target import FpgaTarget
from dna_jax.runs.target import Target
from dna_jax.runs.template_target import TemplateTarget
from dna_jax.search import Budgets, CoSearch, FamilyFronts, OneShot
from dna_jax.search.learned_cost import LearnedPricing
from dna_jax.spaces import Design, Space, as_released, is_bits, plan_for
from dna_jax.workload import Layer


@dataclasses.dataclass(frozen=True)
class Problem:
    """What a configuration describes, built.

    Attributes:
      config: the configuration.
      dataset: images.
      specification: the network family.
      target: the accelerator family.
      network_space, accelerator_space: with what is fixed.
      platform: the accelerator for which networks are searched, where one part is searched after the other.
      learned: prices of the search by a learned model; None where they are those of the target.
    """

    config: CosearchConfig
    dataset: Dataset
    specification: Family
    target: Target
    network_space: Space
    accelerator_space: Space
    platform: Design | None = None
    learned: LearnedPricing | None = None

    @functools.cached_property
    def parts(self) -> tuple[Source, Source]:
        """Training images for weights and for decisions."""
        return split(self.dataset.train, self.config.data.decision_fraction, self.config.seed)

    @property
    def _searched_accelerators(self) -> Space:
        return self.accelerator_space if self.platform is None else self.accelerator_space.fix(self.platform)

    @functools.cached_property
    def strategy(self) -> CoSearch:
        """The differentiable search; whatever the method, its space and its slopes of costs are those of the run."""
        searched = self._searched_accelerators
        return CoSearch(
            config=self.config.search,
            specification=self.specification,
            pricing=self.learned or self.target.pricing(searched),
            network_space=self.network_space,
            accelerator_space=searched,
            budgets=self.budgets,
            sharing_chunks=self.target.sharing_chunks if self.config.search.reoptimize_every and searched.free else 0,
        )

    @functools.cached_property
    def one_shot(self) -> OneShot:
        """The one-shot search."""
        searched = self._searched_accelerators
        return OneShot(
            config=self.config.search,
            specification=self.specification,
            # Without a free knob there are no neighbours to price.
            pricing=self.learned or self.target.pricing(searched.fix(self.target.baseline)),
            network_space=self.network_space,
            accelerator_space=searched,
            budgets=self.budgets,
        )

    @property
    def budgets(self) -> Budgets:
        """Of the configuration, with those of its device."""
        return self.config.limits

    @property
    def published(self) -> Design:
        """The published network on the baseline accelerator."""
        return self.specification.default_design | self.target.baseline

    @functools.cached_property
    def lightest_layers(self) -> list[Layer]:
        """Those of `lightest_at` the narrowest operands."""
        return chosen_layers(self.specification, self.lightest_at(None))

    def lightest_at(self, bits: int | None) -> Design:
        """The network of fewest multiply-accumulates, with operands of so many bits; None for the narrowest.

        A decision has its first option, for they ascend (kernels, expansions, widths), unless another one saves operations
        with all others at their first: so each of the operations of a block, where a skip may be a convolution of its own.
        """
        space = self.network_space
        first: Design = {d.name: d.options[0] for d in space.decisions}
        if bits is not None:
            first |= {d.name: bits for d in space.decisions if is_bits(d.name)}
        first |= dict(space.fixed)

        def operations(design: Design) -> int:
            return sum(layer.macs for layer in chosen_layers(self.specification, design))

        return first | {
            d.name: min(d.options, key=lambda option, name=d.name: operations(first | {name: option}))
            for d in space.free
            if not is_bits(d.name)
        }

    @functools.cached_property
    def shared_layers(self) -> list[Layer]:
        """Layers that every network of the space has, those that no decision changes: by themselves they take no longer."""
        base = self.lightest_at(None)
        shared = chosen_layers(self.specification, base)
        for decision in self.network_space.free:
            for option in self.network_space.allowed(decision.name):
                other = set(chosen_layers(self.specification, base | {decision.name: option}))
                shared = [layer for layer in shared if layer in other]
        return shared


def build_problem(config: CosearchConfig, data_dir: str | None) -> Problem:
    """Load the data and build spaces; UserError where data are missing or budgets cannot be met by any design."""
    dataset = load(config.data, data_dir, config.seed)
    make_space, make_specification = NETWORKS[config.network.space]
    height, width, channels = dataset.image_shape
    _require_batches(config, dataset)
    if height != width:
        raise UserError(f"Images of {height} x {width} are not square; set --config.data.image_size.")
    try:
        specification = make_specification(
            width=config.network.width,
            image_size=height,
            classes=dataset.classes,
            stride_plan=config.network.stride_plan,
            image_channels=channels,
            **({"form": config.network.form} if config.network.space == "dna" else {}),
        )
    except ValueError as error:
        raise UserError(f"config.network: {error}") from error
    network_space = make_space()
    if config.network.bits:
        widths = [decision.name for decision in network_space.decisions if is_bits(decision.name)]
        network_space = network_space.fix(dict.fromkeys(widths, config.network.bits))
    target = _target(config, specification, network_space)
    accelerator_space = target.space
    if config.accelerator.template == "fpga" and config.accelerator.allocation == "released":
        accelerator_space = accelerator_space.fix(as_released(plan_for(config.network.stride_plan)))
    if config.fix == "network":
        network_space = network_space.fix(specification.default_design)
    elif config.fix == "accelerator":
        accelerator_space = accelerator_space.fix(target.baseline)
    problem = Problem(config, dataset, specification, target, network_space, accelerator_space)
    if config.accelerator.held != "nothing" and isinstance(target, FpgaTarget):
        return target.with_part_held(problem)
    if config.order == "joint":
        return problem
    platform = target.platform(problem)
    if platform is None:
        raise OutOfReachError(
            f"No accelerator that order={config.order} could search networks on meets the budgets; raise a budget, or set "
            "--config.order=joint."
        )
    platform = accelerator_space.restrict(platform)
    if config.order == "accelerator_first":
        problem = dataclasses.replace(problem, accelerator_space=accelerator_space.fix(platform))
    return dataclasses.replace(problem, platform=platform)


def decisions_batch_size(config: CosearchConfig) -> int:
    """Images of a step of the decisions, where it has images of its own; every sample of a one-shot search has a batch."""
    return config.data.batch_size * (config.search.one_shot.samples if config.search.method == "one_shot" else 1)


def _require_batches(config: CosearchConfig, dataset: Dataset) -> None:
    """UserError unless a step finds its images in each part of the training set that it reads."""
    weights_part, decisions_part = split(dataset.train, config.data.decision_fraction, config.seed)
    one_shot = config.search.method == "one_shot"
    alternate = one_shot or config.search.level == "bilevel"
    least = min(len(weights_part), len(decisions_part)) if alternate else len(weights_part)
    of_all = f"({len(dataset.train)} in all); choose a smaller one, or another --config.data.decision_fraction."
    if config.data.batch_size > least:
        raise UserError(
            f"data.batch_size {config.data.batch_size} exceeds the {least} images of a part of the training set {of_all}"
        )
    if one_shot and decisions_batch_size(config) > len(decisions_part):
        raise UserError(
            f"search.one_shot.samples {config.search.one_shot.samples} with data.batch_size {config.data.batch_size} images "
            f"each exceed the {len(decisions_part)} images held out for decisions {of_all}"
        )


def _target(config: CosearchConfig, specification: Family, network_space: Space) -> Target:
    if config.accelerator.template == "asic":
        groups = group_names(possible_layers(specification))
        return AsicTarget(groups, config.accelerator.chunks, config.search.objective.goal, config.accelerator.schedules)
    if config.accelerator.template == "fpga":
        # Stem, head and classifier have 8 bits whatever the blocks have.
        of_blocks = [d for d in network_space.decisions if is_bits(d.name)]
        widths = {int(bits) for d in of_blocks for bits in network_space.allowed(d.name)} | {8}
        plan, family = plan_for(config.network.stride_plan), FamilyFronts(possible_layers(specification))
        return FpgaTarget(plan, tuple(sorted(widths)), family)
    template = TEMPLATES[config.accelerator.template]()
    if config.cost.correction == "rtl":
        template = dataclasses.replace(template, correction=rtl_correction())
    return TemplateTarget(template)
