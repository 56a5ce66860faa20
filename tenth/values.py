"""Values that people write in settings: sizes, durations and addresses."""

import ipaddress
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

# A name, an IPv4 address, or an IPv6 one in brackets; no scheme and no path.
_HOST: Final = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.%\w]+\]")
_QUANTITY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


class _Quantity(int):
    """A whole number of a smallest unit, written as a number and a larger unit."""

    units: ClassVar[dict[str, int]]
    # Those used for writing, the largest first.
    shown: ClassVar[tuple[str, ...]]
    smallest: ClassVar[str]
    # Whether a number may come without a unit, and counts in the smallest.
    bare: ClassVar[bool]
    example: ClassVar[str]

    @classmethod
    def parse(cls, value: object) -> Self:
        """Reads text such as `4GiB`. Raises ValueError for anything else."""
        match = _QUANTITY.fullmatch(str(value))
        names = {name.lower(): factor for name, factor in cls.units.items()}
        unit = match[2].lower() if match else None
        if match and not unit and (cls.bare or not Decimal(match[1])):
            unit = cls.smallest.lower()
        if match is None or unit not in names:
            raise ValueError(f"{value!r} is not understood; write it like {cls.example}")
        return cls(Decimal(match[1]) * names[unit])

    def __str__(self) -> str:
        for name in self.shown:
            if self and self % self.units[name] == 0:
                return f"{self // self.units[name]}{name}"
        return f"{int(self)}{self.smallest}"

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema()
        )


class Size(_Quantity):
    """A number of bytes; without a unit, bytes are meant."""

    units: ClassVar = {
        "B": 1,
        "kB": 10**3,
        "KiB": 2**10,
        "MB": 10**6,
        "MiB": 2**20,
        "GB": 10**9,
        "GiB": 2**30,
        "TB": 10**12,
        "TiB": 2**40,
    }
    shown = ("TiB", "GiB", "MiB", "KiB")
    smallest = "B"
    bare = True
    example = "4GiB or 500MB"


class Duration(_Quantity):
    """A number of milliseconds. A unit must be told: some would mean seconds."""

    units: ClassVar = {
        "ms": 1,
        "s": 1_000,
        "m": 60_000,
        "h": 3_600_000,
        "d": 86_400_000,
    }
    shown = ("d", "h", "m", "s")
    smallest = "ms"
    bare = False
    example = "7d, 12h, 30s or 500ms"

    @property
    def seconds(self) -> float:
        return self / 1_000


class Address(str):
    """Where to listen or connect: `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks the form. Raises ValueError when it is not an address."""
        text = str(value)
        if text.startswith("unix:") and len(text) > len("unix:"):
            return cls(text)
        host, _, port = text.rpartition(":")
        if not _HOST.fullmatch(host) or not port.isdigit() or not 1 <= int(port) <= 65_535:
            raise ValueError(f"{text!r} is not an address; write HOST:PORT or unix:PATH")
        return cls(text)

    @property
    def socket_path(self) -> Path | None:
        """The socket's file for `unix:` addresses, else None."""
        return Path(self.removeprefix("unix:")) if self.startswith("unix:") else None

    @property
    def host(self) -> str:
        """The host of a network address, IPv6 without brackets."""
        return self.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.rpartition(":")[2])

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it: a unix socket or a loopback address."""
        if self.socket_path or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def reachable(self) -> Self:
        """The address to connect to for one that is listened on: wildcards become loopback."""
        loopback = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - read, not bound
        if self.socket_path or self.host not in loopback:
            return self
        return type(self)(f"{loopback[self.host]}:{self.port}")

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema()
        )


class NetworkAddress(Address):
    """Where to listen or connect for people and programs outside: `HOST:PORT`."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks the form. Raises ValueError when it is not a network address."""
        if str(value).startswith("unix:"):
            raise ValueError(f"{value!r} is a unix socket; write HOST:PORT")
        return super().parse(value)
