"""Archives that unpack to far more than they weigh: refused before anything is unpacked."""

import tracemalloc
import zipfile

import pytest

from xray_models.batch.sources import Archive
from xray_models.radiograph import UnreadableRadiograph

_HUGE = 200 * 2**20  # bytes of zeros: a few kB once packed


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_a_small_member_that_unpacks_to_a_lot_is_refused_without_unpacking_it(tmp_path, method):
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w", method) as archive, archive.open("a.png", "w") as member:
        for _ in range(_HUGE // 2**20):
            member.write(bytes(2**20))
    assert path.stat().st_size < 10**6
    tracemalloc.start()
    (source,) = Archive(path, path.name)
    with pytest.raises(UnreadableRadiograph) as caught:
        source.load()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(caught.value).endswith(".")
    assert most < 50 * 2**20, "nothing near its size was held"
