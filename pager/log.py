"""The logger of every module. structlog is loaded with the first line: that takes longer than many a command works."""

from typing import Any


class Log:
    """`log.info("what happened", field=value)`, as `pager.logs.configure` says where and how."""

    def __getattr__(self, name: str) -> Any:
        import structlog

        return getattr(structlog.get_logger(), name)


log = Log()
