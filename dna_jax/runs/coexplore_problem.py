"""What the configuration of a co-exploration describes, built and checked before anything is written."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.accuracy import Trainer, TrainingConfig, evaluate_accuracy, recalibrate
from dna_jax.data import Dataset, Source, batches, load, split
from dna_jax.errors import OutOfReachError, UserError
from dna_jax.hardware.multi_fpga import Board, BoardDesigns, Pipeline, best_pipeline, board_designs, zcu102
from dna_jax.networks import PlainCnn, single_network
from dna_jax.runs.coexplore_config import CoexploreConfig
from dna_jax.search.strategies import AccuracyAndEfficiency, FastSlowSearch, Shortfall
from dna_jax.spaces import Design, Space, plain_cnn_space

_BOARDS = {"zcu102": zcu102}
_EFFICIENCY = 1
"""Column of the efficiency in `log_ratios`."""
_ROUNDING = 2e-6
"""Relative error of what a pipeline reaches: its cycles are sums in single precision."""


@dataclasses.dataclass(frozen=True)
class CoexploreProblem:
    """What a configuration describes, built.

    Attributes:
      config: the configuration.
      dataset: images.
      family: of the networks.
    """

    config: CoexploreConfig
    dataset: Dataset
    family: PlainCnn

    @functools.cached_property
    def space(self) -> Space:
        """Networks; the best pipeline for each is computed."""
        return plain_cnn_space(self.config.network.depth)

    @functools.cached_property
    def parts(self) -> tuple[Source, Source]:
        """Training images for weights and for judging designs."""
        return split(self.dataset.train, self.config.data.decision_fraction, self.config.seed)

    @functools.cached_property
    def board(self) -> Board:
        """Every board."""
        return _BOARDS[self.config.boards.device](self.config.boards.bits)

    @functools.cached_property
    def _designs(self) -> BoardDesigns:
        return board_designs(self.board, self.family.output_channels, self.family.input_channels, self.family.sizes)

    @functools.cached_property
    def strategy(self) -> FastSlowSearch:
        """The search. Both levels charge for what misses a requirement, of which slow steps see none where they prune; slow
        steps pay for efficiency, too."""
        slow = AccuracyAndEfficiency(self.config.beta, _EFFICIENCY, self.config.requirements.efficiency)
        fast = Shortfall() if self.config.fast_reward == "shortfall" else dataclasses.replace(slow, beta=0.0)
        return FastSlowSearch(self.space, slow, fast, self.config.search)

    def pipeline(self, design: Design) -> Pipeline:
        """The best pipeline for a network: the most efficient one that has the throughput, else the fastest. It meets both
        requirements if any pipeline does."""
        layers = self.family.layers(design, self.board.bits)
        return best_pipeline(
            layers, self._designs, self.board, self.config.boards.boards, self.config.requirements.images_per_second
        )

    def log_ratios(self, images_per_second: float, efficiency: float) -> tuple[float, float]:
        """Logarithms of what is required over what a pipeline reaches, as `Feedback` has them: costs are seconds an image
        and the inverse of efficiency. What misses a requirement by no more than rounding meets it."""
        required = self.config.requirements
        throughput = math.log(required.images_per_second / images_per_second)
        share = math.log(required.efficiency / efficiency)
        return 0.0 if abs(throughput) <= _ROUNDING else throughput, 0.0 if abs(share) <= _ROUNDING else share

    def meets(self, images_per_second: float, efficiency: float) -> bool:
        """Whether what a pipeline reaches is what is required. In single precision, as strategies have it."""
        return bool(np.all(np.asarray(self.log_ratios(images_per_second, efficiency), np.float32) <= 0))

    def train(self, design: Design, config: TrainingConfig, source: Source, judged_on: Source) -> float:
        """Accuracy in percent on one part of the images of a network trained on another, a function of the design and the
        seed of the run.

        Raises:
          UserError: if the loss is not finite at the end.
        """
        model, seed, batch = single_network(self.family, design), self.config.seed, self.config.data.batch_size
        trainer = Trainer(config, self.config.augmentation, model)
        step = jax.jit(trainer.step, donate_argnums=0)
        state, loss = trainer.init(seed), jnp.zeros(())
        stream = batches(source, batch, seed, "training")
        for _ in range(config.steps):
            entry = next(stream)
            state, metrics = step(state, entry["image"], entry["label"])
            loss = metrics["loss"]
        if not math.isfinite(float(loss)):
            raise UserError(
                f"The loss of a network ended at {float(loss)} ({_chosen(design)}); lower the learning rate of its training "
                "and start in another --workdir."
            )
        calibration = batches(source, batch, seed, "calibration")
        statistics = recalibrate(model, state.average, (next(calibration) for _ in range(config.calibration_batches)))
        return 100 * evaluate_accuracy(model, state.average, statistics, judged_on, self.config.evaluation_batch_size)


def _chosen(design: Design) -> str:
    return ", ".join(f"{name} {value}" for name, value in design.items())


def build_coexplore_problem(config: CoexploreConfig, data_dir: str | None) -> CoexploreProblem:
    """Load the data and check what can be checked.

    Raises:
      UserError: data are missing or do not fit, or no network reaches the throughput that is required.
    """
    dataset = load(config.data, data_dir, config.seed)
    height, width, channels = dataset.image_shape
    if height != width:
        raise UserError(f"Images of {height} x {width} are not square; set --config.data.image_size.")
    family = PlainCnn(config.network.depth, height, channels, dataset.classes)
    problem = CoexploreProblem(config, dataset, family)
    if config.data.batch_size > len(problem.parts[0]):
        raise UserError(
            f"data.batch_size {config.data.batch_size} exceeds the {len(problem.parts[0])} images that networks are trained "
            "on; choose a smaller one."
        )
    # Cycles grow with kernels, filters and maps, so that no network is faster than that of the fewest of all.
    lightest = {name: max(options) if name.endswith(".stride") else min(options) for name, options in family.options.items()}
    most = problem.pipeline(lightest).images_per_second
    if most < config.requirements.images_per_second:
        raise OutOfReachError(
            f"requirements.images_per_second {config.requirements.images_per_second:g} is out of reach: the fastest network "
            f"of the space takes {most:.0f} images a second on {config.boards.boards} boards; require less, or raise "
            "boards.boards."
        )
    return problem
