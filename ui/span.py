"""Which windows answer a question about a range of time, and where they come from."""

from dataclasses import dataclass, replace
from typing import Final, Self

from ui.ring import WINDOW_MS

MAX_POINTS: Final = 4_000
_RESOLUTIONS_MS: Final = (WINDOW_MS, 1_000, 10_000, 60_000)
# What is younger than this may not be in the archive yet.
SEAM_AGE_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows `first` to before `end`, each `resolution_ms` long; before `seam` the archive's,
    from it on the mirror's."""

    resolution_ms: int
    first: int
    seam: int
    end: int

    @classmethod
    def over(cls, from_ms: int, to_ms: int, resolution_ms: int) -> Self:
        """The windows that touch the range, all of them the archive's."""
        first, end = from_ms // resolution_ms, -(-to_ms // resolution_ms)
        return cls(resolution_ms, first, max(first, end), max(first, end))

    def ended_by(self, now_ms: int) -> Self:
        """Without the last ones that have not ended: their rates would seem to fall."""
        end = max(self.first, min(self.end, now_ms // self.resolution_ms))
        return replace(self, seam=end, end=end)

    def joined(self, ring_start_ms: int, now_ms: int) -> Self:
        """The same windows with a seam where the mirror can take over: it has all since
        `ring_start_ms`, and the archive what is old enough at `now_ms`."""
        if self.first * self.resolution_ms >= ring_start_ms:
            return replace(self, seam=self.first)
        seam = (now_ms - SEAM_AGE_MS) // self.resolution_ms
        if seam >= self.end or seam * self.resolution_ms < ring_start_ms:
            return self
        return replace(self, seam=max(seam, self.first))

    @property
    def count(self) -> int:
        """How many they are."""
        return self.end - self.first


def finest_resolution_ms(from_ms: int, to_ms: int, points: int) -> int:
    """The finest resolution that covers the range with at most so many windows: a tier of the
    archive, or a multiple of the coarsest."""
    for resolution_ms in _RESOLUTIONS_MS:
        if Windows.over(from_ms, to_ms, resolution_ms).count <= points:
            return resolution_ms
    coarsest = _RESOLUTIONS_MS[-1]
    factor = max(1, (to_ms - from_ms) // (coarsest * points))
    while Windows.over(from_ms, to_ms, factor * coarsest).count > max(points, 2):
        factor += 1
    return factor * coarsest
