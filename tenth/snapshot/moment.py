"""Moments as people write them: how long ago, or a time."""

import time
from datetime import datetime
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from tenth.values import Duration


class Moment(int):
    """Unix milliseconds, written as `10m` (so long ago) or in ISO 8601; without a zone local."""

    @classmethod
    def parse(cls, value: object) -> Self:
        """Reads the text. Raises ValueError."""
        text = str(value)
        try:
            return cls(datetime.fromisoformat(text).astimezone().timestamp() * 1_000)
        except ValueError:
            pass
        try:
            return cls(time.time() * 1_000 - Duration.parse(text))
        except ValueError as error:
            raise ValueError(
                f"{text!r} is no time; write how long ago, like 10m, or 2026-11-20T15:00:00Z"
            ) from error

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse)
