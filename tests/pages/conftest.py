"""Data folders for the tests of the pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from core.indexing.indexer import index
from core.loading.sources import Upload
from core.records.search import CollectionOptions
from core.settings import Settings
from core.workspace import Workspace
from tests.support.fakes import FakeEncoder
from tests.support.pages import EVIL, EVIL_NAME, FILES, ODD, wait


@pytest.fixture
def fresh_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start a test with empty caches, as on a fresh server; background jobs end with it."""
    for name in ("RANKSCOPE_PRECISION", "RANKSCOPE_DEVICE", "RANKSCOPE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    st.cache_resource.clear()
    yield
    wait()
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small library: a collection of two plain documents, and one whose names and texts are full of markup."""
    folder = tmp_path_factory.mktemp("library")
    opened = Workspace.open(Settings(folder))
    index(
        opened,
        opened.open_or_create("colours"),
        [Upload("red.txt", b"Red is a colour."), Upload("blue.txt", b"Blue is the sky.")],
    )
    index(opened, opened.open_or_create(ODD), [Upload(EVIL_NAME, EVIL.encode())])
    opened.close()
    return folder


@pytest.fixture
def own(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small library, to be changed."""
    folder = tmp_path / "data"
    shutil.copytree(library, folder)
    monkeypatch.setenv("RANKSCOPE_DATA", str(folder))
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with metadata: a collection of three HTML pages, and one made with the fake encoder."""
    folder = tmp_path_factory.mktemp("library-page")
    opened = Workspace.open(Settings(folder))
    index(opened, opened.open_or_create("home"), [Upload(name, data) for name, data in FILES.items()])
    opened.close()
    fake = Workspace.open(Settings(folder), loader=lambda model: FakeEncoder())
    text = b"# Red\n\nred red red\n\n# Green\n\ngreen green green\n\n# Blue\n\nblue blue blue"
    index(
        fake,
        fake.open_or_create(
            "colours", CollectionOptions(model="fake", metric="dot", method="sections", size=8, overlap=0)
        ),
        [Upload("colours.md", text)],
    )
    fake.close()
    return folder


@pytest.fixture
def home_data(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the library with metadata, to be changed; caches are empty."""
    folder = tmp_path / "data"
    shutil.copytree(home, folder)
    monkeypatch.setenv("RANKSCOPE_DATA", str(folder))
    for name in ("RANKSCOPE_PRECISION", "RANKSCOPE_DEVICE", "RANKSCOPE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield folder
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def loaded_samples(sample_data: Path) -> Iterator[None]:
    """The sample library, for reading only; models stay loaded over a module's tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RANKSCOPE_PRECISION", "RANKSCOPE_DEVICE", "RANKSCOPE_MODEL", "RANKSCOPE_RERANKER"):
            patch.delenv(name, raising=False)
        patch.setenv("RANKSCOPE_DATA", str(sample_data))
        st.cache_resource.clear()
        st.cache_data.clear()
        yield
        st.cache_resource.clear()
        st.cache_data.clear()


@pytest.fixture
def no_reranker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Name a cross-encoder that does not exist."""
    monkeypatch.setenv("RANKSCOPE_RERANKER", "/nowhere")
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
