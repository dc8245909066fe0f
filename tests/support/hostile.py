"""Files that are small and cost much, or are built to break a decoder: name -> how to make it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from io import BytesIO

import numpy as np
from drawing import dicom, picture, ramp, table
from PIL import Image
from pydicom import Dataset, dcmread, uid
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

Make = Callable[[], bytes]

FULL = 24 * 2**20  # bytes: nearly all that is read at all


def files() -> dict[str, Make]:
    """All of them; each is drawn when it is asked for."""
    found: dict[str, Make] = {}
    for family in (_jpeg, _png, _tiff, _webp_and_bmp, _large, _dicom, _values, _streams, _lies):
        for name, make in family():
            assert name not in found, name
            found[name] = make
    return found


# --- pictures ------------------------------------------------------------------------------------


@cache
def base(kind: str, size: int = 64, mode: str = "L", **options: object) -> bytes:
    gray = Image.fromarray(ramp(size, size).astype(np.uint8)).convert(mode)
    return picture(gray, kind, **options)


def _before_scan(jpeg: bytes, junk: bytes) -> bytes:
    return jpeg[:2] + junk + jpeg[2:]


def _scans(count: int, size: int) -> bytes:
    """A progressive JPEG whose last scan stands there again and again."""
    jpeg = base("JPEG", size, progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[last:-2] * count + jpeg[-2:]


def _empty_scans(count: int, size: int) -> bytes:
    """The same with scans of no data: libjpeg fills in zeros."""
    jpeg = base("JPEG", size, progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    (length,) = struct.unpack_from(">H", jpeg, last + 2)
    return jpeg[:-2] + jpeg[last : last + 2 + length] * count + jpeg[-2:]


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def _jpeg() -> Iterator[tuple[str, Make]]:
    plain = partial(base, "JPEG")
    for name, junk in {
        "fill bytes": b"\xff",
        "junk": b"\x01",
        "escaped": b"\xff\x00",
        "fill and escaped": b"\xff\xff\xff\x00",
        "restarts": b"\xff\xd0",
        "starts": b"\xff\xd8",
        "ends": b"\xff\xd9",
        "empty comments": b"\xff\xfe\x00\x02",
        "comments": _segment(0xFE, b"x" * 7),
        "empty applications": b"\xff\xe4\x00\x02",
        "tables": _segment(0xDB, b"\x00" + bytes(64)),
        "huffman": _segment(0xC4, b"\x00" + bytes(16)),
        "adobe": _segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01"),
        "photoshop": _segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\0" * 100),
        "profiles": _segment(0xE2, b"ICC_PROFILE\0\x01\xff" + bytes(9)),
        "exif": _segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + b"\xff\xff" + bytes(40)),
        "short lengths": b"\xff\xe4\x00\x00",
    }.items():
        for size in (2**16, 2**21, FULL):
            yield (
                f"jpeg {name} {size}",
                lambda junk=junk, size=size: _before_scan(plain(), junk * (size // len(junk))),
            )
    for count, size in ((30, 1000), (99, 2400), (101, 64), (300, 1200), (300, 3000), (5000, 2000)):
        yield f"jpeg {count} scans of {size}", partial(_scans, count, size)
        yield f"jpeg {count} empty scans of {size}", partial(_empty_scans, count, size)
    for end in (b"\xff\xd0", b"\xff\x00", b"\xff\xfe\x00\x02", b"\xff", b"\x00"):
        yield (
            f"jpeg after its scan {end.hex()}",
            lambda end=end: plain()[:-2] + end * (FULL // len(end)) + b"\xff\xd9",
        )
    yield "jpeg overlapping exif", lambda: _before_scan(plain(), _overlapping_exif())


def _overlapping_exif() -> bytes:
    """EXIF in many segments whose tags all point to the same megabytes."""
    blob = _directory([(0x9000 + n, 7, 8_000_000, 8) for n in range(2000)], size=8_100_000)
    return b"".join(
        _segment(0xE1, b"Exif\0\0" + blob[at : at + 60_000]) for at in range(0, len(blob), 60_000)
    )


def _directory(
    entries: list[tuple[int, int, int, int]], size: int = 0, after: int = 0, at: int = 8
) -> bytes:
    """A TIFF with a directory of (tag, type, count, value or offset)."""
    packed = b"".join(struct.pack("<HHII", *one) for one in sorted(entries))
    head = b"II*\0" + struct.pack("<I", at) + bytes(at - 8)
    found = head + struct.pack("<H", len(entries)) + packed + struct.pack("<I", after)
    return found + bytes(max(0, size - len(found)))


def _tiff_of(
    width: int, height: int, *more: tuple[int, int, int, int], compression: int = 1, bits: int = 8
) -> list[tuple[int, int, int, int]]:
    tags = {
        256: (256, 4, 1, width),
        257: (257, 4, 1, height),
        258: (258, 3, 1, bits),
        259: (259, 3, 1, compression),
        262: (262, 3, 1, 1),
        273: (273, 4, 1, 400),
        277: (277, 3, 1, 1),
        278: (278, 4, 1, height),
        279: (279, 4, 1, width * height),
    }
    return list((tags | {one[0]: one for one in more}).values())


def _strips(count: int, compression: int) -> bytes:
    """One row to a strip, all at the same place or with none of their own bytes."""
    entries = _tiff_of(
        8,
        count,
        (273, 4, count, 1000),
        (278, 4, 1, 1),
        (279, 4, count, 1000 + 4 * count),
        compression=compression,
    )
    start = _directory(entries, size=1000)
    return start + struct.pack("<I", 400) * count + struct.pack("<I", 8) * count


def _page_chain(pages: int, tags: int) -> bytes:
    """Pages whose directories all read the same large value."""
    page = 2 + 12 * tags + 4
    found = b"II*\0\x08\0\0\0"
    for n in range(pages):
        entries = _tiff_of(8, 8) + [(60_000 + k, 7, 4_000_000, 8) for k in range(tags - 9)]
        packed = b"".join(struct.pack("<HHII", *one) for one in sorted(entries))
        found += struct.pack("<H", tags) + packed + struct.pack("<I", 8 + (n + 1) * page)
    return found + bytes(4_100_000)


def _tiff() -> Iterator[tuple[str, Make]]:
    for count in (1000, 130_000, 140_000, 1_000_000, 2_900_000):
        for compression in (1, 5, 8, 32773):
            yield f"tiff {count} strips {compression}", partial(_strips, count, compression)
    for count, size in (
        (100, 8_000_000),
        (2000, 20_000_000),
        (60_000, 20_000_000),
        (3, 24_000_000),
    ):
        yield (
            f"tiff {count} tags of {size}",
            lambda count=count, size=size: _directory(
                _tiff_of(8, 8) + [(1000 + n, 7, size, 8) for n in range(count)], size + 10**6
            ),
        )
    for pages, tags in ((900, 10), (2000, 10), (100, 60), (2000, 100)):
        yield f"tiff {pages} pages of {tags} tags", partial(_page_chain, pages, tags)
    for name, more in {
        "directory at itself": {"after": 8},
        "directory far away": {"after": 0xFFFFFFF0},
        "directory of everything": {"after": 4},
    }.items():
        yield (
            f"tiff {name}",
            lambda more=more: _directory(_tiff_of(16, 16), size=2000, **more),
        )
    for kind in range(20):
        yield (
            f"tiff type {kind} of 4 billion",
            lambda kind=kind: _directory([*_tiff_of(16, 16), (700, kind, 2**32 - 1, 8)], 2000),
        )
    for width, height in (
        (0, 5),
        (2**31, 1),
        (2**32 - 1, 2**32 - 1),
        (60_000_000, 1),
        (1, 60_000_000),
    ):
        for compression in (1, 5, 8):
            yield (
                f"tiff {width} x {height} {compression}",
                lambda w=width, h=height, c=compression: _directory(
                    _tiff_of(w, h, (279, 4, 1, 500), compression=c), 2000
                ),
            )


def _chunk(kind: bytes, content: bytes = b"") -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png_of(width: int, height: int, bits: int, color: int, rows: bytes | None = None) -> bytes:
    """A black PNG of any size, in few bytes."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    packer = zlib.compressobj(1)
    row = bytes(1 + (width * bits * samples + 7) // 8) if rows is None else rows
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    palette = _chunk(b"PLTE", bytes(768)) if color == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + palette
        + _chunk(b"IDAT", data)
        + _chunk(b"IEND")
    )


def _png() -> Iterator[tuple[str, Make]]:
    plain = partial(base, "PNG")
    bomb = zlib.compress(bytes(100 * 2**20), 9)
    for name, chunk in {
        "empty data": _chunk(b"IDAT"),
        "empty unknown": _chunk(b"abCd"),
        "texts": _chunk(b"tEXt", b"a\0b"),
        "packed texts": _chunk(b"zTXt", b"a\0\0" + zlib.compress(b"b" * 1000)),
        "text bombs": _chunk(b"zTXt", b"a\0\0" + bomb),
        "international bombs": _chunk(b"iTXt", b"a\0\x01\0\0\0" + bomb),
        "profile bombs": _chunk(b"iCCP", b"a\0\0" + bomb),
        "times": _chunk(b"tIME", bytes(7)),
        "frames": _chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 64, 64, 0, 0, 1, 1, 0, 0)),
        "palettes": _chunk(b"PLTE", bytes(768)),
        "transparencies": _chunk(b"tRNS", b"\0\0"),
        "exif": _chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + bytes(40)),
    }.items():
        for where in (33, -12):
            for size in (2**18, FULL):
                yield (
                    f"png {name} {where} {size}",
                    lambda c=chunk, w=where, s=size: (
                        plain()[:w] + c * max(1, s // len(c)) + plain()[w:]
                    )[: FULL + 10**6],
                )
    yield (
        "png overlapping exif",
        lambda: (
            plain()[:-12]
            + _chunk(
                b"eXIf",
                _directory(
                    [(0x112, 3, 1, 6)] + [(0x9000 + n, 7, 10**7, 8) for n in range(3000)],
                    10**7 + 9**5,
                ),
            )
            + plain()[-12:]
        ),
    )


def _webp_and_bmp() -> Iterator[tuple[str, Make]]:
    def bmp(width: int, height: int, compression: int, bits: int, content: bytes) -> bytes:
        head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
        colors = bytes(4 * 2**bits) if bits <= 8 else b""
        start = 14 + len(head) + len(colors)
        return (
            b"BM"
            + struct.pack("<IHHI", start + len(content), 0, 0, start)
            + head
            + colors
            + content
        )

    for size in (500, 1999, 7000):
        for name, content in {
            "runs": b"\x01\x07",
            "ends of lines": b"\x00\x00",
            "moves": b"\x00\x02\xff\xff",
            "absolute": b"\x00\x03\x01\x02\x03\x00",
        }.items():
            for compression, bits in ((1, 8), (2, 4)):
                yield (
                    f"bmp {name} {size} {bits}",
                    lambda s=size, c=content, k=compression, b=bits: bmp(
                        s, s, k, b, c * (3 * 2**20 // len(c))
                    ),
                )
    yield "bmp runs of one row", lambda: bmp(3_900_000, 1, 1, 8, b"\x00\x02\xff\xff" * 10**6)
    for width, height in ((2**31 - 1, 1), (-5, 5), (5, -(2**31)), (7000, -7000)):
        yield f"bmp {width} x {height}", lambda w=width, h=height: bmp(w, h, 0, 8, bytes(4000))
    for size in (2000, 5900, 7000):
        yield (
            f"webp {size}",
            lambda s=size: picture(Image.new("RGB", (s, s)), "WEBP", lossless=True, method=0),
        )
        yield (
            f"webp alpha {size}",
            lambda s=size: picture(Image.new("RGBA", (s, s)), "WEBP", lossless=True, method=0),
        )
    yield (
        "webp 500 frames",
        lambda: picture(
            Image.new("RGB", (64, 64)),
            "WEBP",
            save_all=True,
            append_images=[Image.new("RGB", (64, 64), (n % 256, n // 256, 9)) for n in range(499)],
        ),
    )


def _large() -> Iterator[tuple[str, Make]]:
    """Just within the limit of pixels, in every kind that a decoder can blow up."""
    wide, high = 10_000, 6_000
    for bits, color in (
        (8, 0),
        (16, 0),
        (1, 0),
        (8, 2),
        (16, 2),
        (8, 3),
        (8, 4),
        (16, 4),
        (8, 6),
        (16, 6),
    ):
        yield f"large png {bits} bits color {color}", partial(png_of, wide, high, bits, color)
    for mode in ("L", "RGB", "CMYK"):
        for progressive in (False, True):
            yield (
                f"large jpeg {mode} progressive={progressive}",
                lambda m=mode, p=progressive: picture(
                    Image.new(m, (wide, high)), "JPEG", progressive=p
                ),
            )
    for mode in ("L", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "1", "P", "LAB"):
        yield (
            f"large tiff {mode}",
            lambda m=mode: picture(Image.new(m, (wide, high)), "TIFF", compression="tiff_lzw"),
        )
    yield "large bmp", lambda: picture(Image.new("1", (wide, high)), "BMP")


# --- DICOM ---------------------------------------------------------------------------------------

ITEM = b"\xfe\xff\x00\xe0\x00\x00\x00\x00"
OPEN_ITEM = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
ITEM_END = b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"
SEQUENCE_END = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"


def _start(data: bytes) -> int:
    """Where the data set begins behind the file meta information."""
    return 144 + struct.unpack_from("<I", data, 140)[0]


def _element(tag: int, kind: bytes, value: bytes, length: int | None = None) -> bytes:
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, kind)
    if kind in (b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC", b"UR"):
        return head + struct.pack("<HI", 0, size) + value
    return head + struct.pack("<H", size & 0xFFFF) + value


def _with(elements: bytes, deflate: bool = False, after: bool = False) -> bytes:
    """A real film with more elements before (or behind) its own."""
    syntax = uid.DeflatedExplicitVRLittleEndian if deflate else uid.ExplicitVRLittleEndian
    data = dicom(syntax=uid.ExplicitVRLittleEndian)
    head = dicom(syntax=syntax)
    rest = data[_start(data) :]
    body = rest + elements if after else elements + rest
    if deflate:
        packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
        body = packer.compress(body) + packer.flush()
    return head[: _start(head)] + body


def _nested(depth: int) -> bytes:
    opening = _element(0x00081140, b"SQ", b"", 0xFFFFFFFF) + OPEN_ITEM
    return opening * depth + (ITEM_END + SEQUENCE_END) * depth


def _dicom() -> Iterator[tuple[str, Make]]:
    floods = {
        "items": lambda n: _element(0x00081140, b"SQ", ITEM * n + SEQUENCE_END, 0xFFFFFFFF),
        "items of wanted": lambda n: _element(
            0x00283010, b"SQ", ITEM * n + SEQUENCE_END, 0xFFFFFFFF
        ),
        "items of known length": lambda n: _element(0x00283010, b"SQ", ITEM * n),
        "items of modality": lambda n: _element(0x00283000, b"SQ", ITEM * n),
        "items with ends": lambda n: _element(
            0x00081140, b"SQ", (OPEN_ITEM + ITEM_END) * n + SEQUENCE_END, 0xFFFFFFFF
        ),
        "elements": lambda n: b"".join(
            _element(0x00090000 + k % 60000, b"LO", b"") for k in range(n)
        ),
        "same elements": lambda n: _element(0x00080060, b"CS", b"CR") * n,
        "groups": lambda n: _element(0x00091001, b"UN", b"") * n,
        "unknown sequences": lambda n: _element(
            0x00091001, b"UN", ITEM * n + SEQUENCE_END, 0xFFFFFFFF
        ),
        "character sets": lambda n: _element(0x00080005, b"CS", b"ISO_IR 100") * n,
        "one character set": lambda n: _element(0x00080005, b"UT", b"A\\" * (4 * n)),
        "nested character set": lambda n: _element(
            0x00081140,
            b"SQ",
            OPEN_ITEM + _element(0x00080005, b"UT", b"A\\" * (4 * n)) + ITEM_END + SEQUENCE_END,
            0xFFFFFFFF,
        ),
    }
    for name, flood in floods.items():
        for count in (20_000, 700_000, 2_000_000):
            for deflate in (False, True):
                yield (
                    f"dicom {count} {name} deflate={deflate}",
                    lambda f=flood, n=count, d=deflate: _cut(_with(f(n), d)),
                )
    for depth in (50, 900, 5_000, 200_000):
        for deflate in (False, True):
            yield f"dicom {depth} deep deflate={deflate}", partial(_with, _nested(depth), deflate)

    def metas(count: int) -> bytes:
        data = dicom()
        start = _start(data)
        more = _element(0x00020100, b"UI", b"") * count
        return _cut(data[:start] + more + data[start:])

    for count in (1000, 100_000, 2_500_000):
        yield f"dicom {count} meta elements", partial(metas, count)


def _cut(data: bytes) -> bytes:
    return data[: FULL + 2**19]


def _values() -> Iterator[tuple[str, Make]]:
    names = {
        "WindowCenter": 0x00281050,
        "WindowWidth": 0x00281051,
        "RescaleSlope": 0x00281053,
        "RescaleIntercept": 0x00281052,
        "PixelSpacing": 0x00280030,
        "ImagerPixelSpacing": 0x00181164,
        "NumberOfFrames": 0x00280008,
        "Modality": 0x00080060,
        "BodyPartExamined": 0x00180015,
        "SOPClassUID": 0x00080016,
        "VOILUTFunction": 0x00281056,
        "PhotometricInterpretation": 0x00280004,
        "Rows": 0x00280010,
        "BitsStored": 0x00280101,
        "PixelPaddingValue": 0x00280120,
    }
    for name, tag in names.items():
        for value in (b"1\\" * 8_000_000, b"1" * 16_000_000):
            yield (
                f"dicom {name} of {value[:2]!r}",
                lambda t=tag, v=value: _with(_element(t, b"UT", v), after=True),
            )
    for name, value in {
        "discrete": struct.pack("<HH", 0, 60_000) + bytes(120_000),
        "linear": struct.pack("<HH2H", 0, 1, 5, 1)
        + b"".join(struct.pack("<HHH", 1, 65535, k % 2) for k in range(10_000)),
        "indirect": struct.pack("<HHH", 0, 1, 5)
        + struct.pack("<HHH", 1, 65535, 9) * 9
        + struct.pack("<HHHH", 2, 10, 0, 0) * 7000,
        "endless": struct.pack("<HHH", 0, 1, 5) + struct.pack("<HHHH", 2, 65535, 0, 0) * 10,
    }.items():
        yield f"dicom segmented {name}", partial(_segmented, value)
    for entries in (70_000, 2_000_000, 10_000_000):
        for sequence in ("VOILUTSequence", "ModalityLUTSequence"):
            for kind in ("US", "OW"):
                yield (
                    f"dicom {sequence} of {entries} {kind}",
                    partial(_lut, sequence, entries, kind),
                )
    yield "dicom palette of 8 million", partial(_palette, 8_000_000)


def _segmented(value: bytes) -> bytes:
    more: dict[str, object] = {}
    for color in ("Red", "Green", "Blue"):
        more[f"{color}PaletteColorLookupTableDescriptor"] = [0, 0, 16]
        more[f"Segmented{color}PaletteColorLookupTableData"] = value
    return dicom(ramp().astype(np.uint16), PhotometricInterpretation="PALETTE COLOR", **more)


def _palette(entries: int) -> bytes:
    more: dict[str, object] = {}
    for color in ("Red", "Green", "Blue"):
        more[f"{color}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        more[f"{color}PaletteColorLookupTableData"] = bytes(entries)
    return dicom(PhotometricInterpretation="PALETTE COLOR", **more)


def _lut(sequence: str, entries: int, kind: str) -> bytes:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [256, 0, 16])
    item.add_new("LUTData", kind, bytes(2 * entries) if kind == "OW" else b"")
    if kind == "US":
        item = table([0] * 256, 0, 16)
        item.add_new("LUTData", "OW", bytes(2 * entries))
    item.is_undefined_length_sequence_item = kind == "US"
    found = Sequence([item])
    found.is_undefined_length = kind == "US"
    return _cut(dicom(ramp().astype(np.uint16), **{sequence: found}))


@cache
def _frame(kind: str, shape: tuple[int, int]) -> bytes:
    """A film with a compressed frame."""
    values = ramp(*shape, white=255).astype(np.uint8)
    if kind == "JPEG":
        return dicom(
            values, stream=picture(Image.fromarray(values), "JPEG"), syntax=uid.JPEGBaseline8Bit
        )
    header = dcmread(BytesIO(dicom(values.astype(np.uint16))))
    header.compress(uid.JPEG2000Lossless if kind == "JPEG 2000" else uid.RLELossless)
    file = BytesIO()
    header.save_as(file)
    return file.getvalue()


def _stream_of(data: bytes) -> bytes:
    header = dcmread(BytesIO(data))
    return next(iter(_fragments(header.PixelData)))


def _fragments(pixels: bytes) -> list[bytes]:
    from pydicom.encaps import generate_fragments

    return list(generate_fragments(pixels))[1:] or [b""]


def _streams() -> Iterator[tuple[str, Make]]:
    gray = ramp(64, 64).astype(np.uint8)
    jpeg = partial(base, "JPEG")

    def film(stream: bytes, syntax: str = uid.JPEGBaseline8Bit, **more: object) -> bytes:
        return _cut(dicom(gray, stream=stream, syntax=syntax, **more))

    for name, junk in {
        "fill bytes": b"\xff",
        "comments": b"\xff\xfe\x00\x02",
        "junk": b"\x01",
        "starts": b"\xff\xd8",
    }.items():
        for syntax in (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSLossless):
            yield (
                f"dicom jpeg {name} {syntax.name}",
                lambda j=junk, s=syntax: film(_before_scan(jpeg(), j * (FULL // len(j))), s),
            )
    for count, size in ((90, 64), (300, 3000)):
        for syntax in (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit):
            yield (
                f"dicom jpeg {count} scans of {size} {syntax.name}",
                lambda c=count, s=size, x=syntax: _cut(
                    dicom(np.zeros((s, s), np.uint8), stream=_scans(c, s), syntax=x)
                ),
            )
    for fragments in (50_000, 1_000_000, 3_000_000):
        yield (
            f"dicom {fragments} fragments",
            lambda n=fragments: _cut(
                dicom(gray, syntax=uid.JPEGBaseline8Bit, stream=b"??").replace(
                    encapsulate([b"??"]), ITEM * n + SEQUENCE_END
                )
            ),
        )
    for runs, rows in (
        (b"\x00\x07", 4000),
        (b"\xff\x07", 4000),
        (b"\x80", 3000),
        (b"\x81\x00", 7700),
    ):
        for bits in (8, 16, 32):
            yield f"dicom rle {runs.hex()} {bits}", partial(_rle, runs, rows, bits)
    for size in (64, 512):
        for at in range(2, 60, 3):
            yield (
                f"dicom jpeg 2000 of {size} with byte {at} changed",
                lambda s=size, a=at: _changed(s, a),
            )


def _rle(runs: bytes, size: int, bits: int) -> bytes:
    """As many runs as fit, or as fill the picture."""
    segments = bits // 8
    room = (FULL - 64) // segments
    one = runs * min(room // len(runs), size * size + 9)
    offsets = [64 + k * len(one) for k in range(segments)]
    head = struct.pack("<16I", segments, *offsets, *[0] * (15 - segments))
    kind = {8: np.uint8, 16: np.uint16, 32: np.uint32}[bits]
    return dicom(np.zeros((size, size), kind), stream=head + one * segments, syntax=uid.RLELossless)


def _changed(size: int, at: int) -> bytes:
    whole = _frame("JPEG 2000", (size, size))
    start = whole.index(b"\xff\x4f\xff\x51")
    return whole[: start + at] + bytes((whole[start + at] ^ 0xFF,)) + whole[start + at + 1 :]


def _lies() -> Iterator[tuple[str, Make]]:
    """Headers that announce what is not there."""
    for name, elements in {
        "rows": {"Rows": 60_000, "Columns": 1000},
        "columns": {"Rows": 1, "Columns": 65_535},
        "samples": {"SamplesPerPixel": 65_535},
        "color": {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"},
        "frames": {"NumberOfFrames": 2_000_000_000},
        "bits": {"BitsAllocated": 64, "BitsStored": 64},
        "no bits": {"BitsAllocated": 0, "BitsStored": 0},
        "stored bits": {"BitsStored": 60_000, "HighBit": 60_001},
        "one bit": {"BitsAllocated": 1, "Rows": 7000, "Columns": 7000},
        "palette": {"PhotometricInterpretation": "PALETTE COLOR"},
        "window": {"WindowCenter": "1e308", "WindowWidth": "1e-308"},
        "windows": {"WindowCenter": ["1"] * 1000, "WindowWidth": ["1"] * 1000},
        "slope": {"RescaleSlope": "1e308", "RescaleIntercept": "-1e308"},
        "spacing": {"PixelSpacing": ["1e-300", "1e300"]},
        "padding": {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 255},
    }.items():
        for syntax in (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian):
            yield (
                f"dicom lies about {name} {syntax.name}",
                lambda e=elements, s=syntax: dicom(syntax=s, **e),
            )
    big = np.zeros((7700, 7700), np.uint16)
    for name, elements in {
        "plain": {},
        "window": {"WindowCenter": "40", "WindowWidth": "400"},
        "sigmoid": {"WindowCenter": "40", "WindowWidth": "400", "VOILUTFunction": "SIGMOID"},
        "rescaled": {"RescaleSlope": "0.5", "RescaleIntercept": "3"},
        "inverted": {"PhotometricInterpretation": "MONOCHROME1"},
        "table": {"VOILUTSequence": [table(list(range(4096)), 0, 12)]},
        "tables": {
            "VOILUTSequence": [table(list(range(4096)), 0, 12)],
            "ModalityLUTSequence": [table(list(range(4096)), 0, 12)],
        },
        "padding": {"PixelPaddingValue": 7},
    }.items():
        yield (
            f"dicom 60 megapixels {name}",
            lambda e=elements: dicom(big, syntax=uid.DeflatedExplicitVRLittleEndian, **e),
        )
    yield (
        "dicom 60 megapixels of color",
        lambda: dicom(
            np.zeros((7700, 7700, 3), np.uint8), syntax=uid.DeflatedExplicitVRLittleEndian
        ),
    )
    yield (
        "dicom 60 megapixels of 32 bits",
        lambda: dicom(np.zeros((7700, 7700), np.uint32), syntax=uid.DeflatedExplicitVRLittleEndian),
    )
