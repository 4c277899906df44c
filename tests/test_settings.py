"""Settings from environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import errors
from core.settings import Settings


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"RANKSCOPE_DATA": "/data"}, Settings(Path("/data"))),
        (
            {
                "RANKSCOPE_DATA": "/d",
                "RANKSCOPE_PRECISION": "float32",
                "RANKSCOPE_DEVICE": "cuda:1",
                "RANKSCOPE_MODEL": "x/y",
            },
            Settings(Path("/d"), "float32", "cuda:1", "x/y"),
        ),
    ],
)
def test_settings_come_from_the_environment(environment: dict[str, str], wanted: Settings) -> None:
    assert Settings.from_environment(environment) == wanted


@pytest.mark.parametrize(("name", "value"), [("RANKSCOPE_PRECISION", "int8"), ("RANKSCOPE_DEVICE", "tpu")])
def test_unusable_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(errors.SettingsError, match=f"{name} is '{value}'"):
        Settings.from_environment({name: value})


def test_the_default_data_folder_is_the_users() -> None:
    assert Settings.from_environment({}).data.name == "rankscope"
