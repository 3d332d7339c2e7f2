"""The default search of pipelines against the certified optimum, over limits, compute modes and cost models."""

import itertools

import pytest

from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.search import PipelineSearchConfig
from experiments.pipeline_search_cases import LIMITS, case, judge, random_networks, stated_networks

# One of the release, one drawn for CIFAR and one for ImageNet.
NETWORKS = [*stated_networks(THIRD_PARTY / "auto_nba" / "dna_networks.json")[:1], *random_networks(2)]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "mode"), list(itertools.product(("released", "corrected"), ("fixed", "free"))))
def test_the_default_search_is_near_the_optimum_and_keeps_the_limits(model, mode):
    for limits in LIMITS:
        cases = [case(network, limits, mode, model) for network in NETWORKS]
        assert None not in cases
        figures = judge(cases, PipelineSearchConfig(), 5)
        assert figures["feasible_share"] == 1
        assert figures["mean_percent"] >= 95
        # A search that returned more than the proven optimum would be wrong, too.
        assert figures["mean_percent"] <= 100 + 1e-7
