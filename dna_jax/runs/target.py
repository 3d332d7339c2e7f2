"""What a run needs of a family of accelerators: prices for the search, a verdict on the pair found, and how to show it."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import jax

from dna_jax.runs.progress import say
from dna_jax.search import BestAccelerator, Pricing
from dna_jax.spaces import Design, Space

if TYPE_CHECKING:
    from dna_jax.runs.problem import Problem


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture for the report: its caption, the name of its file, and what draws it into that file."""

    caption: str
    file: str
    draw: Callable[[pathlib.Path], None]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A discrete network and accelerator, judged by the discrete model.

    Attributes:
      design: all decisions.
      cost: figures of summary.json, by names that `runs.units` knows.
      baseline: the same of the published network on the baseline accelerator.
      published_best: the same of the published network on the best accelerator found for it within the device or area,
        other budgets aside; None where accelerators are not searched, or none was sought.
      violations: what the design violates, a sentence each.
      optimality: where its accelerator stands among all for its network; "standing" is that in a sentence.
      layer_headings, layers: a table of the layers, as text.
      pictures: of the accelerators.
    """

    design: Design
    cost: dict[str, float]
    baseline: dict[str, float]
    published_best: dict[str, float] | None
    violations: list[str]
    optimality: dict[str, Any]
    layer_headings: Sequence[str]
    layers: Sequence[Sequence[str]]
    pictures: Sequence[Picture]


class Target(Protocol):
    """A family of accelerators in a run."""

    @property
    def name(self) -> str:
        """As configurations give it."""
        ...

    @property
    def space(self) -> Space:
        """Its decisions."""
        ...

    @property
    def baseline(self) -> Design:
        """The accelerator others are compared with."""
        ...

    def pricing(self, space: Space) -> Pricing:
        """Prices of a search in its space with what is fixed."""
        ...

    @property
    def sharing_chunks(self) -> int:
        """How many chunks share the slopes of accelerators that are set anew; 0 where slopes are those of the design."""
        ...

    def require_reachable(self, problem: "Problem") -> None:
        """Raise OutOfReachError unless some design is found that meets every budget, from the lightest network on."""
        ...

    def set_anew(self, problem: "Problem", point: Mapping[str, jax.Array]) -> BestAccelerator | None:
        """The best accelerator for the network of a point, with the shares of its chunks; None where none meets the limits.

        For FPGAs it is proven best for the expected network, within the device; templates are enumerated and ASICs searched
        for the most likely one, these within the area alone where nothing meets the other budgets.
        """
        ...

    def platform(self, problem: "Problem") -> Design | None:
        """The accelerator that networks are searched on where one part comes after the other; None where none meets the
        limits: of pipelines those of the device or the area, of templates all budgets, with the published network."""
        ...

    def judge(self, problem: "Problem", point: Mapping[str, jax.Array], folder: pathlib.Path) -> Verdict:
        """The most likely design of a point; where it misses a budget, with another accelerator that meets all, and where
        none is found, with a network whose decisions gave way until one does.

        Templates keep all accelerators priced in the folder of the run, where a resumed run finds them.
        """
        ...


def searched_along(problem: "Problem") -> str:
    """The flag with which a pipeline that is held is searched along with the network."""
    return "--config.fix=none" if problem.platform is None else "--config.order=joint"


def say_seeks_another() -> None:
    """Tell that the lightest network is not enough, before what may take a minute."""
    say("The lightest network misses the budgets; another one is looked for that meets them.")


def with_own_slopes(design: Design | None) -> BestAccelerator | None:
    """What sets an accelerator anew where slopes are those of the design as it stands."""
    return None if design is None else BestAccelerator(design)


def gave_way(networks: Space, design: Design, carried: Design) -> tuple[list[str], str]:
    """Network decisions in which a design differs from the one carried, and what to say of them: nothing where there is
    none."""
    changed = [name for name in networks.restrict(design) if design[name] != carried[name]]
    count = "1 decision" if len(changed) == 1 else f"{len(changed)} decisions"
    said = f"; {count} of the most likely network, which missed a budget, gave way" if changed else ""
    return changed, said


def exceeded(cost: Mapping[str, float], budgets: Sequence[tuple[str, float]]) -> list[str]:
    """Budgets that a design exceeds, a sentence each."""
    return [f"{name} {cost[name]:.6g} exceeds its budget {limit:.6g}" for name, limit in budgets if cost[name] > limit]
