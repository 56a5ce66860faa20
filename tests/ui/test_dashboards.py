"""Dashboards over HTTP: what is kept, what is refused, and that nothing is lost or overwritten."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ui.conftest import Start, Tenth
from ui.dashboard import (
    MAX_FILE_BYTES,
    MAX_PANELS,
    Dashboard,
    InvalidDashboardError,
    MetricPanel,
    SqlPanel,
    TextPanel,
    from_json,
    from_toml,
    to_toml,
)
from ui.dashboard_store import (
    MAX_DASHBOARDS,
    DashboardStore,
    FullError,
    Stored,
    built_in,
)

BOARD: dict[str, Any] = {
    "version": 1,
    "name": "Cart \u00fc",
    "panels": [
        {"kind": "metric", "title": "CPU", "metrics": ["new.name", "old.name"], "show": "mean"},
        {"kind": "sql", "columns": 4, "query": 'SELECT time,\n  1 AS "it\'s"\nFROM spans\n'},
        {"kind": "text", "text": "# not markdown\n</script>"},
    ],
}
ADDRESS = "/api/dashboards/cart"
DOCS = Path(__file__).parents[2] / "docs" / "dashboards.md"


@pytest.fixture
async def kept(start: Start, tmp_path: Path) -> Tenth:
    """A server that keeps dashboards."""
    return await start(dashboards_dir=tmp_path / "dashboards")


def files(folder: Path) -> list[Path]:
    """Everything below a folder."""
    return sorted(folder.rglob("*"))


def problem_of(response: httpx.Response, status: int) -> str:
    """The detail of a problem with this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    detail: str = response.json()["detail"]
    return detail


async def test_what_was_put_is_there_and_in_a_readable_file(kept: Tenth, tmp_path: Path) -> None:
    """A dashboard comes back as it was put, and its file is private TOML with queries in lines."""
    put = await kept.http.put(ADDRESS, json=BOARD)
    assert put.status_code == 200
    got = await kept.http.get(ADDRESS)
    assert got.json() == {"id": "cart", "built_in": False, "dashboard": BOARD}
    assert got.headers["etag"] == put.headers["etag"]
    file = tmp_path / "dashboards" / "cart.toml"
    assert "\nFROM spans\n" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    listed = (await kept.http.get("/api/dashboards")).json()
    (own,) = [entry for entry in listed["dashboards"] if not entry["built_in"]]
    assert (own["name"], own["panels"]) == (BOARD["name"], 3)
    assert own["metrics"] == ["new.name", "old.name"]
    assert listed["writable"]


async def test_an_export_is_the_file_and_an_import_keeps_its_comments(kept: Tenth) -> None:
    """The text that is put as TOML is the very text that is got, under any id."""
    text = b"# ours\nversion = 1\nname = 'x'\n"
    headers = {"Content-Type": "application/toml"}
    assert (await kept.http.put(ADDRESS, content=text, headers=headers)).status_code == 200
    got = await kept.http.get(ADDRESS, params={"format": "toml"})
    assert got.content == text
    assert got.headers["content-disposition"] == 'attachment; filename="cart.toml"'
    again = await kept.http.put("/api/dashboards/other", content=got.content, headers=headers)
    assert again.headers["etag"] == got.headers["etag"]


async def test_two_writers_do_not_overwrite_each_other(kept: Tenth) -> None:
    """Of writers that began with the same state one wins; the others are told, and may insist."""
    first = await kept.http.put(ADDRESS, json=BOARD, headers={"If-None-Match": "*"})
    match = {"If-Match": first.headers["etag"]}
    answers = await asyncio.gather(
        *(
            kept.http.put(ADDRESS, json={**BOARD, "name": f"writer {i}"}, headers=match)
            for i in range(6)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + 5 * [412]
    winner = next(answer for answer in answers if answer.status_code == 200)
    loser = next(answer for answer in answers if answer.status_code == 412)
    assert "If-Match" in problem_of(loser, 412)
    assert loser.headers["etag"] == winner.headers["etag"]
    problem_of(await kept.http.put(ADDRESS, json=BOARD), 412)
    problem_of(await kept.http.put(ADDRESS, json=BOARD, headers={"If-None-Match": "*"}), 412)
    problem_of(await kept.http.delete(ADDRESS, headers=match), 412)
    insisting = await kept.http.put(ADDRESS, json=BOARD, headers={"If-Match": "*"})
    assert insisting.status_code == 200


async def test_a_deleted_dashboard_is_gone(kept: Tenth) -> None:
    """After a deletion reading, replacing and deleting again are 404."""
    etag = (await kept.http.put(ADDRESS, json=BOARD)).headers["etag"]
    assert (await kept.http.delete(ADDRESS)).status_code == 204
    problem_of(await kept.http.get(ADDRESS), 404)
    problem_of(await kept.http.delete(ADDRESS), 404)
    problem_of(await kept.http.put(ADDRESS, json=BOARD, headers={"If-Match": etag}), 404)


HOSTILE_IDS = (
    *("..", ".", "%2e%2e", "..%2f..%2fetc", "a%2fb", "a%00", "a%0a"),
    *("A", "a.b", "-a", "%C3%BC", "a" * 64),
)


async def test_hostile_ids_reach_no_file(kept: Tenth, tmp_path: Path) -> None:
    """An id that is not plain is refused, and nothing is written anywhere."""
    before = files(tmp_path)
    for name in HOSTILE_IDS:
        response = await kept.http.put(f"/api/dashboards/{name}", json=BOARD)
        assert response.status_code in (400, 404, 405), name
        assert (await kept.http.get(f"/api/dashboards/{name}")).status_code in (404, 200), name
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "`version` is 2"),
        ({"name": ""}, "`name`"),
        ({"name": "a\nb"}, "`name`"),
        ({"name": "  "}, "`name`"),
        ({"colour": "red"}, "`colour`"),
        ({"panels": [{"kind": "pie"}]}, "`panels[0].kind`"),
        ({"panels": [{"kind": "metric", "metrics": []}]}, "`panels[0].metrics`"),
        ({"panels": [{"kind": "metric", "metrics": ["a"], "show": "p42"}]}, "`show` is one of"),
        ({"panels": [{"kind": "metric", "metrics": ["a"], "group_by": ["b"]}]}, "`group_by`"),
        ({"panels": [{"kind": "sql", "query": "q", "columns": 5}]}, "`panels[0].columns`"),
        ({"panels": [{"kind": "sql"}]}, "`query`"),
        ({"panels": [{"kind": "text"}] * (MAX_PANELS + 1)}, "`panels`"),
        ({"panels": [{"kind": "text", "text": 5}]}, "`panels[0].text`"),
    ],
)
def test_a_refusal_names_the_field(change: dict[str, Any], said: str) -> None:
    """What is not valid is refused with which field it is and what is wrong with it."""
    with pytest.raises(InvalidDashboardError, match=re.escape(said)):
        from_json(json.dumps({**BOARD, **change}).encode())


async def test_what_is_not_valid_is_not_kept(kept: Tenth) -> None:
    """A dashboard that is refused is a 400 that says what to do, and nothing is there after it."""
    answer = await kept.http.put(ADDRESS, json={**BOARD, "colour": "red"})
    assert "`colour`" in problem_of(answer, 400)
    problem_of(await kept.http.get(ADDRESS), 404)


@pytest.mark.parametrize(
    "text",
    [
        b"a=" + b"[" * 60_000,
        b"a." * 60_000 + b"=1",
        b"a=" + b"9" * 100_000,
        b"\xff\xfe",
        b"version = 1979-05-27",
        b'version = 1\nname = "\\ud800"',
        b"",
        b"#" * (MAX_FILE_BYTES + 1),
    ],
)
def test_hostile_toml_is_refused_at_once(text: bytes) -> None:
    """Text that would break or hold up the parser is an error like any other."""
    with pytest.raises(InvalidDashboardError):
        from_toml(text)


@pytest.mark.parametrize("text", [b"[]", b"{", b'{"name": "\\ud800"}', b"[" * 100_000, b"\xff"])
def test_hostile_json_is_refused(text: bytes) -> None:
    """JSON that is no dashboard is an error that says so."""
    with pytest.raises(InvalidDashboardError):
        from_json(text)


async def test_other_forms_and_sizes_are_refused(kept: Tenth) -> None:
    """A body of another type or beyond the bounds is refused without reading it as a dashboard."""
    problem_of(
        await kept.http.put(ADDRESS, content=b"x", headers={"Content-Type": "image/png"}), 415
    )
    long = {**BOARD, "panels": [{"kind": "sql", "query": "x" * 16_000}] * 10}
    assert "KiB" in problem_of(await kept.http.put(ADDRESS, json=long), 400)
    problem_of(await kept.http.put(ADDRESS, content=b"x" * 2_000_000), 413)


async def test_a_file_that_was_broken_by_hand_is_listed_with_its_error(
    kept: Tenth, tmp_path: Path
) -> None:
    """Broken files are listed and say what is wrong; the others go on, and both can be replaced."""
    folder = tmp_path / "dashboards"
    folder.mkdir()
    (folder / "broken.toml").write_text("version = 1\nname = \n")
    (folder / "Bad Name.toml").write_text("")
    (folder / os.fsdecode(b"\xfc.toml")).write_text("")
    (folder / "host.toml").write_bytes(built_in()["host"].content)
    (folder / "notes.txt").write_text("no dashboard")
    (folder / "loop.toml").symlink_to("loop.toml")
    os.mkfifo(folder / "pipe.toml")
    (folder / "good.toml").write_bytes(to_toml(from_json(json.dumps(BOARD).encode())))
    listed = (await kept.http.get("/api/dashboards")).json()["dashboards"]
    own = {entry["id"]: entry.get("error") for entry in listed if not entry["built_in"]}
    assert own.keys() == {"broken", "Bad Name", "?", "host", "good"}
    assert "not TOML" in own["broken"]
    assert "rename" in own["Bad Name"]
    assert "rename" in own["?"]
    assert "rename" in own["host"]
    assert own["good"] is None
    assert "line 2" in problem_of(await kept.http.get("/api/dashboards/broken"), 422)
    as_file = await kept.http.get("/api/dashboards/broken", params={"format": "toml"})
    match = {"If-Match": as_file.headers["etag"]}
    put = await kept.http.put("/api/dashboards/broken", json=BOARD, headers=match)
    assert put.status_code == 200


async def test_what_comes_with_tenth_is_valid_and_never_written(kept: Tenth) -> None:
    """Each built-in dashboard can be read, says what it needs, and is refused as a target."""
    for name, stored in built_in().items():
        assert isinstance(stored.dashboard, Dashboard), stored.error
        assert stored.dashboard.needs
        assert stored.dashboard.description
        address = f"/api/dashboards/{name}"
        assert (await kept.http.get(address)).json()["built_in"]
        match = {"If-Match": stored.etag}
        assert "another id" in problem_of(
            await kept.http.put(address, json=BOARD, headers=match), 403
        )
        problem_of(await kept.http.delete(address), 403)


def test_the_documented_file_is_one() -> None:
    """The example in docs/dashboards.md is valid, and has each key that the table names."""
    text = DOCS.read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(from_toml(example.encode()).panels) == 3
    documented = set(re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE))
    names = {name for cell in documented for name in re.findall(r"`(\w+)`", cell)}
    kinds = (Dashboard, MetricPanel, SqlPanel, TextPanel)
    assert {field for kind in kinds for field in kind.__struct_fields__} <= names


async def test_a_read_only_tenth_refuses_changes(start: Start, tmp_path: Path) -> None:
    """Where a snapshot is shown, dashboards can be read and not written."""
    tenth = await start(dashboards_dir=tmp_path / "dashboards", read_only=True)
    assert "read-only" in (await tenth.http.put(ADDRESS, json=BOARD)).json()["title"]
    problem_of(await tenth.http.delete(ADDRESS), 403)
    assert not (await tenth.http.get("/api/dashboards")).json()["writable"]


async def test_a_folder_that_cannot_be_written_is_a_problem(start: Start, tmp_path: Path) -> None:
    """When the disk refuses, the answer says so and the old dashboards stay."""
    (tmp_path / "file").write_text("")
    tenth = await start(dashboards_dir=tmp_path / "file" / "dashboards")
    assert "disk" in problem_of(await tenth.http.put(ADDRESS, json=BOARD), 503)
    listing = (await tenth.http.get("/api/dashboards")).json()
    assert "Not a directory" in listing["error"]
    assert {entry["id"] for entry in listing["dashboards"]} == built_in().keys()


async def test_the_old_dashboard_outlives_a_write_that_breaks_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash before the new content is whole on disk leaves the old one, and no odd file."""
    store = DashboardStore(tmp_path)
    anyway = lambda _: True  # noqa: E731
    old = await store.put("a", b"version = 1\nname = 'old'\n", anyway)

    def crash(_: int) -> None:
        raise OSError("the machine stops here")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="stops here"):
        await store.put("a", b"version = 1\nname = 'new'\n", anyway)
    monkeypatch.undo()
    again = DashboardStore(tmp_path)
    stored = await again.get("a")
    assert stored == old
    assert [entry.id for entry in (await again.all()).dashboards if not entry.built_in] == ["a"]


async def test_there_are_at_most_so_many(tmp_path: Path) -> None:
    """Beyond the bound none is created, and files that were put there by hand are told."""
    for number in range(MAX_DASHBOARDS + 1):
        (tmp_path / f"d{number}.toml").write_text("")
    store = DashboardStore(tmp_path)
    listing = await store.all()
    assert listing.truncated
    assert sum(1 for entry in listing.dashboards if not entry.built_in) == MAX_DASHBOARDS

    def new(stored: Stored | None) -> bool:
        return stored is None

    with pytest.raises(FullError):
        await store.put("one-more", b"", new)
