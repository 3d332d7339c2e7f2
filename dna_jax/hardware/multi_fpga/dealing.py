"""Layers dealt out to boards in order, at least cost: a shortest path, for many costs at once."""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Dealt:
    """The best way to deal out layers, for each of N costs.

    Attributes:
      cost: of all boards together, float[N]; infinite where nothing is possible.
      boards: how many have layers, int[N]; means nothing where the cost is infinite.
      firsts: at [b, n, l] the first layer of the last board, where layers up to l are on b + 1 boards, int[boards, N, L].
    """

    cost: np.ndarray
    boards: np.ndarray
    firsts: np.ndarray

    def runs(self, index: int) -> list[tuple[int, int]]:
        """First and last layer of each board, in order, for one of the costs; empty where nothing is possible."""
        if not np.isfinite(self.cost[index]):
            return []
        runs, last = [], self.firsts.shape[-1] - 1
        for board in reversed(range(self.boards[index])):
            first = int(self.firsts[board, index, last])
            runs.append((first, last))
            last = first - 1
        return runs[::-1]


def deal_out(cost: np.ndarray, boards: int, join: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Dealt:
    """Layers dealt out at least cost; of equals, to fewer boards.

    Args:
      cost: of a board with the layers from i to j, float[N, L, L]; infinite where there is none.
      boards: at most so many; fewer where they are as good.
      join: cost of two parts together, not decreasing in either: `np.maximum` or `np.add`.
    """
    count = cost.shape[-1]
    # Of the layers up to each, on so many boards.
    parts = cost[:, 0, :]
    firsts = [np.zeros_like(parts, int)]
    totals = [parts[:, -1]]
    for _ in range(1, min(boards, count)):
        # [N, first, last]: what comes before the first layer of the last board, which is never the first of all.
        joined = join(parts[:, :-1, None], cost[:, 1:, :])
        firsts.append(np.argmin(joined, axis=1) + 1)
        parts = np.min(joined, axis=1)
        totals.append(parts[:, -1])
    best = np.argmin(totals, axis=0)
    return Dealt(np.take_along_axis(np.stack(totals), best[None], 0)[0], best + 1, np.stack(firsts))
