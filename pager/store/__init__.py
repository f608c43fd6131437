"""The store: the only place with SQL. Here are the errors that it answers with."""


class StoreError(Exception):
    """The store cannot do what it was asked for; the message says what to do about it."""


class StoreUnavailable(StoreError):
    """Not now: locked, a broken disk, a lost connection. Nothing was promised; the caller answers 503."""


class StoreFull(StoreUnavailable):
    """No room on the disk. Writes work again, without a restart, once there is some."""


class CorruptDatabase(StoreUnavailable):
    """The file is damaged; it is left as it is, for a person to decide."""


class NewerSchema(StoreError):
    """The database was written by a newer pager than this one."""


class Moved(StoreUnavailable):
    """What was to be locked was merged into something else meanwhile: the whole transaction is repeated."""


class DatabaseInUse(StoreError):
    """Another process has the file."""
