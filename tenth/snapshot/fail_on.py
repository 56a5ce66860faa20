"""`--fail-on p95=20%,errors=1%`: from which change on a comparison has failed."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    from storage.snapshot.compare import Measured

# As `storage.snapshot.compare` has them: that loads more than the command line needs.
MEASURES: Final = ("rate", "errors", "p50", "p95", "p99")
_EXAMPLE: Final = "p95=20%,errors=1%"
_LIMIT: Final = re.compile(r"\s*(\w+)\s*=\s*(\d+(?:\.\d+)?)\s*%\s*")


class FailOn:
    """`limits` has the least change for the worse of each measure that fails: of errors a
    difference of shares, of others a part of the value before."""

    def __init__(self, limits: Mapping[str, float]) -> None:
        self.limits = dict(limits)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads text such as `p95=20%,errors=1%`. Raises ValueError for anything else."""
        limits: dict[str, float] = {}
        for part in text.split(","):
            match = _LIMIT.fullmatch(part)
            if match is None or match[1] not in MEASURES or match[1] in limits:
                raise ValueError(
                    f"{text!r} is not understood; write it like {_EXAMPLE}, with each of"
                    f" {', '.join(MEASURES)} at most once"
                )
            limits[match[1]] = float(match[2]) / 100
        return cls(limits)

    def fails(self, measured: "Measured") -> bool:
        """Whether a measure became worse by its limit."""
        return measured.measure in self.limits and measured.worse(self.limits)

    def __str__(self) -> str:
        return ",".join(f"{measure}={limit * 100:g}%" for measure, limit in self.limits.items())

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema()
        )
