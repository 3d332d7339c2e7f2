"""The search of a co-exploration, and the designs that it is for."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.runs.coexplore_problem import CoexploreProblem
from dna_jax.runs.coexplore_record import Indices, Record
from dna_jax.runs.directory import RunDirectory
from dna_jax.runs.progress import Progress
from dna_jax.search.strategies import Feedback


@dataclasses.dataclass
class Exploration:
    """What a search came upon. A record may hold more where a run starts over.

    Attributes:
      fast, slow: designs proposed in fast and in slow steps; those that come again count again.
      left_out: of those in slow steps, the ones that were not trained.
      priced, trained, rejected: networks, once each; those rejected were left out of a slow step.
    """

    fast: int = 0
    slow: int = 0
    left_out: int = 0
    priced: set[Indices] = dataclasses.field(default_factory=set)
    trained: dict[Indices, float] = dataclasses.field(default_factory=dict)
    rejected: set[Indices] = dataclasses.field(default_factory=set)


def explore(problem: CoexploreProblem, record: Record, directory: RunDirectory) -> Exploration:
    """The search."""
    config, strategy, found = problem.config, problem.strategy, Exploration()
    propose, select, update = jax.jit(strategy.propose), jax.jit(strategy.select), jax.jit(strategy.update)
    key = jax.random.key(config.seed)
    state = jax.jit(strategy.init)(jax.random.fold_in(key, 0))
    progress, step = Progress("rounds", config.rounds), 0
    for finished in range(1, config.rounds + 1):
        met: list[bool] = []
        for _ in range(config.search.fast_steps + 1):
            step += 1
            slow = bool(strategy.is_slow(state))
            designs = propose(state, jax.random.fold_in(key, step))
            networks: list[Indices] = [tuple(int(index) for index in row) for row in np.asarray(designs)]
            prices = [record.price(network) for network in networks]
            ratios = jnp.asarray([problem.log_ratios(p.images_per_second, p.efficiency) for p in prices], jnp.float32)
            trained = select(state, designs, ratios)
            chosen = {network for network, kept in zip(networks, np.asarray(trained), strict=True) if kept}
            found.trained |= {network: record.accuracy(network) for network in networks if network in chosen}
            accuracies = [found.trained[network] if network in chosen else 0.0 for network in networks]
            state = update(state, designs, Feedback(trained, jnp.asarray(accuracies, jnp.float32), ratios))
            met += [problem.meets(price.images_per_second, price.efficiency) for price in prices]
            found.priced.update(networks)
            if slow:
                left_out = [network for network in networks if network not in chosen]
                found.rejected.update(left_out)
                found.left_out += len(left_out)
                found.slow += len(networks)
            else:
                found.fast += len(networks)
        best = most_accurate(problem, record, found)
        reached = None if best is None else found.trained[best]
        values = {
            "share_meeting_requirements": float(np.mean(met)),
            "networks_priced": len(found.priced),
            "networks_trained": len(found.trained),
            "best_accuracy": reached,
        }
        directory.append_metrics("search", finished, values)
        progress.update(
            finished,
            {
                "best": "none yet" if reached is None else f"{reached:.2f}%",
                "meet requirements": f"{100 * values['share_meeting_requirements']:.0f}%",
                "trained": str(len(found.trained)),
                "priced": str(len(found.priced)),
            },
        )
    progress.close()
    return found


def most_accurate(problem: CoexploreProblem, record: Record, found: Exploration) -> Indices | None:
    """OptSW: the most accurate network that meets the requirements, of equals the most efficient; None if none does."""
    meeting = _meeting(problem, record, found)
    return max(meeting, key=lambda network: (found.trained[network], record.prices[network].efficiency), default=None)


def most_efficient(problem: CoexploreProblem, record: Record, found: Exploration) -> Indices | None:
    """OptHW: the most efficient network that meets the requirements and is `within` so many points of OptSW."""
    best = most_accurate(problem, record, found)
    if best is None:
        return None
    least = found.trained[best] - problem.config.within
    close = [network for network in _meeting(problem, record, found) if found.trained[network] >= least]
    return max(close, key=lambda network: (record.prices[network].efficiency, found.trained[network]))


def _meeting(problem: CoexploreProblem, record: Record, found: Exploration) -> list[Indices]:
    prices = {network: record.prices[network] for network in found.trained}
    return [network for network, p in prices.items() if problem.meets(p.images_per_second, p.efficiency)]
