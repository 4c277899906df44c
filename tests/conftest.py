"""What several tests use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings, quiet_environment
from core.workspace import Workspace
from tests.support.fakes import FakeCrossEncoder, FakeEncoder

quiet_environment()


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def workspace(tmp_path: Path, encoder: FakeEncoder) -> Iterator[Workspace]:
    """An empty data folder whose every model is the fake encoder."""
    settings = Settings(tmp_path / "data", model="fake", reranker="fake-cross")
    opened = Workspace.open(settings, loader=lambda model: encoder, reranker_loader=lambda model: FakeCrossEncoder())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the sample library, indexed once by the real model."""
    from core.indexing.indexer import index
    from core.samples import library as samples

    folder = tmp_path_factory.mktemp("samples")
    opened = Workspace.open(Settings(folder))
    index(opened, opened.open_or_create(samples.SAMPLE_COLLECTION), samples.sources())
    opened.close()
    return folder


@pytest.fixture
def samples_workspace(sample_data: Path) -> Iterator[Workspace]:
    """The sample library with the real model. For reading only."""
    opened = Workspace.open(Settings(sample_data))
    yield opened
    opened.close()
