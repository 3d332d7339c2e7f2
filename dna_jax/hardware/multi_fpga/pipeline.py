"""A pipeline of boards for a network, and what it does."""

import dataclasses

from dna_jax.hardware.multi_fpga.board import Board


@dataclasses.dataclass(frozen=True)
class Stage:
    """One board of a pipeline.

    Attributes:
      layers: their names, in order.
      macs: of these layers for an image.
      cycles: for an image.
      dsp, bram: slices and blocks in use.
      tile: Tm, Tn, Tr and Tc.
      words: read or written in a cycle, of inputs, weights and outputs.
    """

    layers: tuple[str, ...]
    macs: int
    cycles: float
    dsp: int
    bram: int
    tile: tuple[int, int, int, int]
    words: tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """A pipeline of boards and what it does.

    Attributes:
      board: what each stage runs on.
      stages: in order.
    """

    board: Board
    stages: tuple[Stage, ...]

    @property
    def cycles(self) -> float:
        """Between two images: those of the slowest board."""
        return max(stage.cycles for stage in self.stages)

    @property
    def images_per_second(self) -> float:
        """Throughput."""
        return self.board.clock_hz / self.cycles

    @property
    def dsp(self) -> int:
        """Slices in use on all boards."""
        return sum(stage.dsp for stage in self.stages)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of an image."""
        return sum(stage.macs for stage in self.stages)

    @property
    def efficiency(self) -> float:
        """Share of the multipliers' cycles that are multiply-accumulates of the network, of all multipliers in use on all
        boards: MACs / (cycles of the slowest board * multipliers). What waits for the slowest board or for memory lowers it,
        and so does a tile that sticks out of its layer; boards count by their multipliers."""
        return self.macs / (self.cycles * self.dsp / self.board.dsp_per_multiplier)

    @property
    def gops_per_board(self) -> float:
        """10^9 operations a second (a multiply-accumulate is two) for each board that is powered. In place of operations a
        joule, of which this is the part that depends on a design where every board draws the same power."""
        return 2e-9 * self.macs * self.images_per_second / len(self.stages)

    @property
    def balance(self) -> float:
        """Mean over boards of the share of time in which they are busy, whether they compute or wait for memory."""
        return sum(stage.cycles for stage in self.stages) / (self.cycles * len(self.stages))
