"""Files fetched from a server: checked, resumed, and thrown away where they are others."""

import hashlib
from itertools import pairwise

import pytest
from file_server import serving_files

from xray_models.importers.checkpoints import CHECKPOINTS, RemoteFile
from xray_models.importers.fetching import Cancelled, FetchError, fetch

CONTENT = bytes(range(256)) * 5000
BLOB = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()


@pytest.fixture
def server():
    with serving_files({"/model": CONTENT}) as served:
        yield served


def meant(server, **changes) -> RemoteFile:
    return RemoteFile(
        **{"name": "model", "url": f"{server.address}/model", "most_bytes": 10**7, "blob": BLOB}
        | changes
    )


def test_a_file_is_fetched_once_with_its_progress(server, tmp_path):
    told = []
    path = fetch(meant(server), tmp_path / "new", lambda here, total: told.append((here, total)))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT)) and len(told) > 2
    assert fetch(meant(server), tmp_path / "new") == path and len(server.asked) == 1


def test_a_broken_connection_is_taken_up_where_it_broke(server, tmp_path):
    server.break_after = 500_000
    assert fetch(meant(server), tmp_path).read_bytes() == CONTENT
    begins = [int((asked or "=0-").split("=")[1].rstrip("-")) for _, asked in server.asked]
    assert begins[0] == 0 and len(begins) in (3, 4)
    assert all(300_000 < second - first <= 500_000 for first, second in pairwise(begins))
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_what_came_is_kept_for_the_next_call(server, tmp_path):
    stops = iter([False, True])
    with pytest.raises(Cancelled, match="kept"):
        fetch(meant(server), tmp_path, stop=lambda: next(stops))
    kept = (tmp_path / "model.part").stat().st_size
    assert 0 < kept < len(CONTENT)
    assert fetch(meant(server), tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == ("/model", f"bytes={kept}-")


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    (tmp_path / "model.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    assert fetch(meant(server), tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_longer_or_complete_is_dealt_with(server, tmp_path):
    (tmp_path / "model.part").write_bytes(CONTENT)
    assert fetch(meant(server), tmp_path).read_bytes() == CONTENT
    (tmp_path / "model").unlink()
    (tmp_path / "model.part").write_bytes(CONTENT + b"more")
    assert fetch(meant(server), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"blob": "0" * 40}, "not the file that is meant, so it was thrown away"),
        ({"most_bytes": 1000}, "larger than 1,000 bytes"),
    ],
)
def test_another_file_is_not_kept(changes, why, server, tmp_path):
    with pytest.raises(FetchError, match=why):
        fetch(meant(server, **changes), tmp_path)
    assert not (tmp_path / "model").exists()
    if "blob" in changes:
        assert not list(tmp_path.iterdir())


def test_a_server_that_is_gone_or_lacks_the_file_is_told(server, tmp_path):
    lost = meant(server, url=f"{server.address}/lost")
    with pytest.raises(FetchError, match=r"127\.0\.0\.1:\d+ no longer has it"):
        fetch(lost, tmp_path)
    (tmp_path / "model.part").write_bytes(bytes(2_500_000))
    nobody = meant(server, url="http://127.0.0.1:9/model")
    with pytest.raises(FetchError, match=r"may be offline.*first 2\.5 MB are kept"):
        fetch(nobody, tmp_path)


def test_a_changed_file_in_the_folder_is_fetched_anew(server, tmp_path):
    (tmp_path / "model").write_bytes(b"damaged")
    assert fetch(meant(server), tmp_path).read_bytes() == CONTENT


def test_every_address_is_encrypted_and_pinned():
    for checkpoint in CHECKPOINTS.values():
        for file in checkpoint.files:
            assert file.url.startswith("https://") and file.name.startswith(checkpoint.id)
            pinned = any(len(piece) == 40 for piece in file.url.split("/"))
            assert pinned or "/releases/download/v1/" in file.url
