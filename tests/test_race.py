"""How the benchmark of trainers reads who races."""

from __future__ import annotations

import pytest

from tests.benchmarks.race_trainers import Ours


@pytest.mark.parametrize(
    ("text", "common", "flags"),
    [
        ("reticle-s", "", ["--weights=reticle-s-scenes"]),
        ("reticle-s optimiser=adamw small_until=0", "weights=none",
         ["--weights=none", "--optimiser=adamw", "--small-until=0"]),
        ("reticle-n ema=false", "mosaic=0.5,flip_vertical=true",
         ["--weights=none", "--no-ema", "--mosaic=0.5", "--flip-vertical"]),
        # a comma inside of a value is one where no setting follows
        ("fcos rate_groups=backbone.=0.1, heads.=2 seed=3", "",
         ["--weights=none", "--rate-groups=backbone.=0.1, heads.=2", "--seed=3"]),
        ("reticle-s", "weights=/a folder/w.safetensors", ["--weights=/a folder/w.safetensors"]),
    ],
)  # fmt: skip
def test_settings_behind_a_detector_become_flags_of_train(text: str, common: str, flags: list[str]) -> None:
    assert Ours.read(text, common).flags() == flags


def test_a_variant_is_named_by_its_settings() -> None:
    assert (
        str(Ours.read("reticle-s", "optimiser=adamw,small_until=0"))
        == "reticle-s optimiser=adamw small_until=0"
    )


def test_what_is_no_setting_is_told() -> None:
    with pytest.raises(ValueError, match="'reticle-s fast' is no detector"):
        Ours.read("reticle-s fast")
