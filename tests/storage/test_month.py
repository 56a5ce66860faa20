"""Weeks of an archive, scaled down, on a clock of the test."""

from pathlib import Path

from storage.archive import Archive
from tests.bench.month import config_in, live
from tests.storage.conftest import MEMORY_LIMIT_BYTES


def test_size_follows_the_budget(tmp_path: Path) -> None:
    """However much comes, the archive stays within its budget, and coarse rollups stay."""
    config = config_in(tmp_path, max_disk_mib=16)
    archive = Archive.open(config.archive_path, MEMORY_LIMIT_BYTES, threads=2)
    try:
        month = live(archive, config, hours=24, per_hour=6_000)
        assert month.account.deleted_rows["span_rows"] > 0
        assert month.used_mib[-1] <= 16
        ((spans,),) = (
            archive.cursor()
            .execute("SELECT sum(count)::BIGINT FROM rollups WHERE resolution_ms = 60000")
            .fetchall()
        )
        assert 0.98 * month.written < spans <= month.written
    finally:
        archive.close()
