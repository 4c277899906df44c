"""What a person asks of a collection: each setting may be left open."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from core.errors import SettingsError, SettingsMismatch
from core.records.search import ChunkSettings, Collection, Method, Metric

if TYPE_CHECKING:  # it brings torch with it, and the shell's help must come at once
    from core.models.bi_encoder import BiEncoder


@dataclass(frozen=True)
class Wanted:
    """The settings asked for; None leaves one to the collection that is there, or to the usual value."""

    model: str | None = None
    metric: Metric | None = None
    size: int | None = None  # tokens
    overlap: int | None = None  # tokens
    method: Method | None = None
    rows: int | None = None
    percentile: int | None = None

    def chunking(self, encoder: BiEncoder) -> ChunkSettings:
        """Return how a new collection's documents are cut: 200 tokens (fewer if the model reads fewer), a fifth of them shared.

        Raises SettingsError for chunks longer than the model reads.
        """
        usual = ChunkSettings()
        size = min(usual.size, encoder.budget) if self.size is None else self.size
        if size > encoder.budget:
            raise SettingsError(f"A chunk size of {size} tokens is more than {encoder.model} reads: use at most {encoder.budget}")
        asked = {"method": self.method, "rows": self.rows, "percentile": self.percentile}
        given = {name: value for name, value in asked.items() if value is not None}
        return replace(ChunkSettings(size, size // 5 if self.overlap is None else self.overlap), **given)  # type: ignore[arg-type]

    def check(self, there: Collection) -> None:
        """Raise SettingsMismatch if the collection that is ``there`` has other settings than those asked for."""
        for field in fields(self):
            value, holder = getattr(self, field.name), there if field.name in ("model", "metric") else there.chunking
            has = getattr(holder, field.name)
            if value is not None and value != has:
                raise SettingsMismatch(
                    f"The collection {there.name!r} has {_NAMES.get(field.name, field.name)} {has}, not {value}, and that is fixed when it is made: "
                    "leave the setting out, or choose a new name"
                )


_NAMES = {"size": "chunk size", "overlap": "chunk overlap", "method": "chunk method", "rows": "rows a chunk"}
