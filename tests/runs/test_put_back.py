"""Cards with one part fixed, or one after the other: what nothing reads is put back, what was given along is refused."""

import dataclasses

import pytest

from dna_jax.errors import UserError
from dna_jax.runs.config import CosearchConfig, from_mapping, to_config_dict
from dna_jax.runs.put_back import configured
from dna_jax.search import SearchConfig, TemperatureConfig
from experiments.configs import dna_asic, dna_fpga

OF_NETWORKS = {"search.soft_widths": True, "search.soft_warmup": True}
SET_ANEW = {"search.reoptimize_every": 4}


@pytest.mark.parametrize(
    ("card", "choice", "put_back"),
    [
        (dna_fpga, {"fix": "none", "order": "joint"}, {}),
        (dna_fpga, {"fix": "network"}, OF_NETWORKS | {"search.expected_network": True}),
        (dna_fpga, {"fix": "accelerator"}, SET_ANEW),
        (dna_fpga, {"order": "network_first"}, SET_ANEW),
        (dna_fpga, {"order": "accelerator_first"}, SET_ANEW),
        (dna_asic, {"fix": "network"}, OF_NETWORKS),
        (dna_asic, {"fix": "accelerator"}, {}),
        (dna_asic, {"order": "network_first"}, {}),
        (dna_asic, {"order": "accelerator_first"}, {}),
    ],
)
def test_every_choice_makes_a_configuration_of_a_card(card, choice, put_back):
    values = card.get_config("smoke")
    config, found = configured(values.to_dict() | choice, ())
    assert found == put_back
    # Nothing else differs from the card.
    assert all(getattr(config, name) == value for name, value in choice.items())
    back = to_config_dict(dataclasses.replace(config, fix="none", order="joint"))
    back.update_from_flattened_dict(found)
    assert from_mapping(CosearchConfig, back.to_dict()) == from_mapping(CosearchConfig, values.to_dict())


def test_what_only_an_option_put_back_read_is_put_back_too():
    search = SearchConfig(soft_warmup=True, warmup_temperature=TemperatureConfig(start=3.0, end=0.2))
    values = to_config_dict(CosearchConfig(search=search)).to_dict() | {"fix": "network"}
    config, put_back = configured(values, ())
    assert put_back == {"search.soft_warmup": True, "search.warmup_temperature.start": 3.0}
    assert config == CosearchConfig(fix="network")


def test_what_was_given_and_what_no_choice_would_read_is_refused():
    values = dna_fpga.get_config("smoke").to_dict() | {"fix": "network"}
    with pytest.raises(
        UserError, match=r"^config: search\.soft_warmup=True has no effect here.* set search\.soft_warmup=False\.$"
    ):
        configured(values, {"search.soft_warmup"})
    values["cost"] = {"correction": "rtl"}
    with pytest.raises(UserError, match=r"^config: cost\.correction=rtl has no effect here.* set cost\.correction=none\.$"):
        configured(values, ())
    with pytest.raises(UserError, match="searches one part after the other; it needs fix=none"):
        configured(dna_fpga.get_config("smoke").to_dict() | {"fix": "network", "order": "network_first"}, ())
