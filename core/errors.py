"""Every error that Rankscope raises on purpose.

::

    RankscopeError
    ├── SettingsError            an option or environment variable holds something unusable
    ├── LoadingError             a file cannot become a Document
    │   ├── UnsupportedFile        we do not read this kind of file
    │   ├── EmptyFile              no bytes, or only white space
    │   ├── EncryptedFile          needs a password
    │   ├── NoText                 opens well, but holds no text (a scan, say)
    │   ├── WrongFileType          is not what its name says
    │   ├── DamagedFile            is of the right kind, but broken
    │   └── UnknownColumn          lacks a column that was named
    ├── ModelError               a model cannot be loaded or used
    │   ├── ModelUnavailable       not on this machine, and not to be fetched
    │   └── ModelMismatch          not the model that the collection was built with
    ├── StoreError               a collection cannot be read or written
    │   ├── CollectionNotFound
    │   ├── CollectionExists
    │   ├── DocumentNotFound
    │   ├── BadName                a name that cannot be used
    │   ├── SettingsMismatch       other settings than the collection has
    │   ├── ForeignCollection      made by another program, does not say what we need
    │   └── StoreBusy              another process is writing
    ├── DataError                judged queries that cannot be read
    ├── ExchangeError            a collection that cannot be taken out, or brought in from elsewhere
    ├── MapError                 a map that cannot be drawn or kept
    ├── QueryError               a search that cannot be run as it was asked
    └── Cancelled                a person cancelled the work

Each message says what happened, to which input, and what to do about it.
"""

from __future__ import annotations


class RankscopeError(Exception):
    """The root: catch this to catch everything that Rankscope raises on purpose."""


class SettingsError(RankscopeError):
    """An option or environment variable holds something unusable."""


class LoadingError(RankscopeError):
    """A file cannot become a Document."""


class UnsupportedFile(LoadingError):
    """A kind of file that we do not read."""


class EmptyFile(LoadingError):
    """No bytes, or nothing but white space."""


class EncryptedFile(LoadingError):
    """The file needs a password."""


class NoText(LoadingError):
    """The file opens well but holds no text, as a scan does."""


class WrongFileType(LoadingError):
    """The content is not what the file's name says."""


class DamagedFile(LoadingError):
    """The right kind of file, but broken."""


class UnknownColumn(LoadingError):
    """The table has no column of a name that was asked for."""


class ModelError(RankscopeError):
    """A model cannot be loaded or used."""


class ModelUnavailable(ModelError):
    """The model is not on this machine and cannot be fetched."""


class ModelMismatch(ModelError):
    """Not the model that the collection was built with."""


class StoreError(RankscopeError):
    """A collection cannot be read or written."""


class CollectionNotFound(StoreError):
    """No collection has that name."""


class CollectionExists(StoreError):
    """A collection of that name is there already."""


class DocumentNotFound(StoreError):
    """No document of that name or id is in the collection."""


class BadName(StoreError):
    """A name that cannot be used for a collection."""


class SettingsMismatch(StoreError):
    """Other settings were asked for than those the collection was made with."""


class ForeignCollection(StoreError):
    """The collection was made by another program and does not say what we need to know."""


class StoreBusy(StoreError):
    """Another process is writing into the data folder."""


class QueryError(RankscopeError):
    """A search that cannot be run as it was asked."""


class DataError(RankscopeError):
    """Judged queries that cannot be read."""


class ExchangeError(RankscopeError):
    """A collection that cannot be taken out, or brought in from elsewhere."""


class MapError(RankscopeError):
    """A map that cannot be drawn or kept."""


class Cancelled(RankscopeError):
    """A person cancelled the work."""
