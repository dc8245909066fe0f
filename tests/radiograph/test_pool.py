"""Decoding in processes of their own: the same films, and no film that harms anybody else."""

import io
import os
import subprocess
import sys
import threading
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from drawing import dicom, picture, ramp
from PIL import Image
from pydicom.data import get_testdata_file

from xray_models import radiograph
from xray_models.radiograph import UnreadableRadiograph
from xray_models.radiograph.pool import DecoderFailed, Pool

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(scope="module")
def pool():
    with Pool(1) as started:
        yield started


@pytest.fixture
def misbehaving(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    with Pool(1, "measured:misbehave") as started:
        yield started


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended and waits to be asked for its status does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(true) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it never came true")


CHEST = get_testdata_file("RG1_UNCI.dcm", download=False)
FILMS = {
    "jpeg": lambda: picture(Image.fromarray(ramp(300, 200).astype(np.uint8)), "JPEG"),
    "16-bit png": lambda: picture(Image.fromarray(ramp(30, 20, 4000).astype(np.uint16)), "PNG"),
    "two pages": lambda: picture(
        Image.new("L", (9, 9)), "TIFF", save_all=True, append_images=[Image.new("L", (9, 9))]
    ),
    "color": lambda: dicom(np.dstack([ramp(), ramp()[::-1], ramp()]).astype(np.uint8)),
    "larger than the shared memory": lambda: picture(Image.new("L", (4200, 4100), 9), "PNG"),
    "real chest": lambda: Path(str(CHEST)).read_bytes(),
}


@pytest.mark.parametrize("name", FILMS)
def test_a_film_is_the_same_bit_for_bit(pool, name):
    content = FILMS[name]()
    there, here = pool.read(content), radiograph.read(content)
    np.testing.assert_array_equal(there.pixels, here.pixels)
    assert there.pixels.dtype == np.float32 and there.pixels.flags.writeable
    for one in fields(here):
        if one.name != "pixels":
            assert getattr(there, one.name) == getattr(here, one.name), one.name


def test_no_film_stays_in_the_shared_memory(pool):
    pool.read(FILMS["real chest"]())
    (one,) = pool._all
    if one._shared is None:
        pytest.skip("this system has no files in memory")
    wait_until(lambda: not one._shared.any())


def test_a_path_is_read_too(pool, tmp_path):
    (tmp_path / "film").write_bytes(FILMS["jpeg"]())
    assert pool.read(tmp_path / "film").source_format == "JPEG"
    with pytest.raises(UnreadableRadiograph, match="no such file"):
        pool.read(tmp_path / "other")


def test_a_refusal_is_the_same(pool):
    for content in (b"", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", dicom()[:300]):
        with pytest.raises(UnreadableRadiograph) as here:
            radiograph.read(content)
        with pytest.raises(UnreadableRadiograph) as there:
            pool.read(content)
        assert str(there.value) == str(here.value)
        assert not isinstance(there.value, DecoderFailed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"loop", "time"), (b"memory", "memory"), (b"crash", "crash"), (b"error", "error")],
)
def test_what_breaks_a_process_ends_as_a_sentence_and_the_next_film_is_read(
    misbehaving, content, cause, caplog, capfd
):
    with pytest.raises(DecoderFailed) as caught:
        misbehaving.read(content)
    assert caught.value.cause == cause
    assert str(caught.value).count(".") >= 1 and "DOE" not in str(caught.value)
    assert misbehaving.read(b"fine").pixels.tolist() == [[0.5] * 3] * 2
    assert caplog.text == "" and capfd.readouterr() == ("", "")


def test_nothing_is_printed_or_written(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    monkeypatch.chdir(tmp_path)
    with Pool(1, "measured:misbehave") as here:
        here.read(b"print")
        with pytest.raises(UnreadableRadiograph):
            here.read(b"write")
    assert capfd.readouterr() == ("", "")
    assert [file for file in tmp_path.iterdir() if file.stat().st_size] == []


def test_whoever_does_not_want_a_film_any_more_stops_the_work(misbehaving):
    misbehaving.read(b"fine")
    (before,) = misbehaving.processes
    asked = []

    def leave() -> None:
        asked.append(True)
        if len(asked) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        misbehaving.read(b"sleep", leave)
    wait_until(lambda: not alive(before))
    assert misbehaving.read(b"fine").spacing_mm == (0.1, 0.2)


def test_several_films_at_once_are_not_mixed_up():
    films = [
        picture(Image.fromarray(np.full((40 + n, 30), 9 * n, np.uint8)), "PNG") for n in range(20)
    ]
    found: dict[int, np.ndarray] = {}
    with Pool(2) as two:

        def read(n: int) -> None:
            found[n] = two.read(films[n]).pixels

        threads = [threading.Thread(target=read, args=(n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {n: pixels.shape for n, pixels in found.items()} == {n: (40 + n, 30) for n in range(20)}
    assert all(np.allclose(found[n], 9 * n / 255) for n in range(20))


def test_processes_end_with_their_pool_and_with_whoever_started_them(misbehaving):
    misbehaving.read(b"fine")
    (process,) = misbehaving.processes
    misbehaving.close()
    wait_until(lambda: not alive(process))

    script = (
        "import threading, time\n"
        "from xray_models.radiograph.pool import Pool\n"
        "pool = Pool(1, 'measured:misbehave')\n"
        "pool.read(b'fine')\n"
        "threading.Thread(target=pool.read, args=(b'sleep',), daemon=True).start()\n"
        "time.sleep(0.3)\n"
        "print(*pool.processes, flush=True)\n"
        "time.sleep(600)\n"
    )
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=root,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{SUPPORT}"},
    )
    assert parent.stdout is not None
    orphan = int(io.TextIOWrapper(parent.stdout).readline())
    assert alive(orphan)
    parent.kill()
    parent.wait()
    wait_until(lambda: not alive(orphan))


def test_a_process_knows_no_more_than_decoders():
    script = (
        "import sys, xray_models.radiograph.worker, xray_models.radiograph.dicom\n"
        "import xray_models.radiograph.image\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'streamlit', 'scipy', 'matplotlib'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0
