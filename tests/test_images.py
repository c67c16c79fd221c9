"""An image file is read as a viewer shows it on a white page, or refused in a line that names it."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from unpoison.datasets import _images as images_module
from unpoison.datasets._images import FORMATS, SUFFIXES, decode
from unpoison.errors import UserError
from unpoison.resizing import Resizing

SIZE = 4
RED = (200, 10, 20)
RAMP = np.arange(16, dtype=np.uint8).reshape(SIZE, SIZE) * 17  # 0 to 255
INK = np.eye(SIZE, dtype=np.uint8) * 255  # alpha of the drawing


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def grey(levels: Any) -> np.ndarray:
    return np.repeat(np.asarray(levels, np.uint8)[:, :, None], 3, axis=2)


def read(data: bytes) -> np.ndarray:
    return np.asarray(Resizing().square(decode(data, "train/cat/7.png"), SIZE))


def refusal(data: bytes) -> str:
    with pytest.raises(UserError, match=r"^image train/cat/7\.png ") as error:
        read(data)
    assert "\n" not in str(error.value)
    assert " at 0x" not in str(error.value)
    return str(error.value)


def png(samples: np.ndarray, depth: int, kind: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of packed lines; kind 0 is grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA."""
    lines = [b"\0" + line.tobytes() for line in samples]
    header = struct.pack(">IIBBBBB", SIZE, len(lines), depth, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def tiff(
    planes: list[bytes], bits: int, *, photometric: int = 1, samples: int = 1, order: str = "<", **tags: Any
) -> bytes:
    """Return a TIFF with one strip for each of `planes`; further named tags are lists of 16-bit values."""
    numbers = {
        "compression": 259,
        "orientation": 274,
        "planar": 284,
        "colours": 320,
        "extra": 338,
        "kind": 339,
    }
    values: dict[int, tuple[str, list[int]]] = {256: ("I", [SIZE]), 257: ("I", [SIZE]), 278: ("I", [SIZE])}
    values |= {258: ("H", [bits] * samples), 262: ("H", [photometric]), 277: ("H", [samples])}
    values |= {numbers[name]: ("H", given) for name, given in tags.items()}
    values |= {273: ("I", [0] * len(planes)), 279: ("I", [len(plane) for plane in planes])}
    packed = {tag: struct.pack(f"{order}{len(v)}{kind}", *v) for tag, (kind, v) in values.items()}
    start = 14 + 12 * len(values)
    pixels = start + sum(len(data) for data in packed.values() if len(data) > 4)
    offsets = pixels + np.cumsum([0, *(len(plane) for plane in planes[:-1])])
    packed[273] = struct.pack(f"{order}{len(planes)}I", *offsets.tolist())
    entries, far = b"", b""
    for tag in sorted(values):
        kind, given = values[tag]
        data = packed[tag]
        field = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(f"{order}I", start + len(far))
        far += data if len(data) > 4 else b""
        entries += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(given)) + field
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, 8)
    return head + struct.pack(f"{order}H", len(values)) + entries + bytes(4) + far + b"".join(planes)


def bmp(pixels: np.ndarray) -> bytes:
    """Return a BMP that declares alpha: pixels are blue, green, red, alpha, from the bottom line up."""
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHI5I", 108, SIZE, SIZE, 1, 32, 3, 64, 0, 0, 0, 0) + masks + bytes(52)
    return b"BM" + struct.pack("<IHHI", 14 + 108 + 64, 0, 0, 14 + 108) + header + pixels[::-1].tobytes()


# -- transparency -----------------------------------------------------------------------------------


def glyphs() -> dict[str, bytes]:
    """Return black strokes on a transparent ground, in every format with transparency."""
    black = np.zeros_like(INK)
    rgba = Image.fromarray(np.dstack([black, black, black, INK]))
    palette = Image.fromarray(INK // 255, "P")
    palette.putpalette([0] * 768)
    ink16 = np.dstack([np.zeros_like(INK, ">u2"), INK.astype(">u2") * 257])
    return {
        "RGBA": saved(rgba, "PNG"),
        "LA": saved(rgba.convert("LA"), "PNG"),
        "palette, alpha of each entry": saved(palette, "PNG", transparency=b"\0\xff\xff"),
        "palette, one clear entry": saved(palette, "PNG", transparency=0),
        "palette of 2 entries": png(
            np.packbits(INK > 0, axis=1), 1, 3, (b"PLTE", bytes(6)), (b"tRNS", b"\0")
        ),
        "grey with a clear level": png(np.where(INK, 0, 9).astype(np.uint8), 8, 0, (b"tRNS", b"\0\x09")),
        "1 bit with a clear level": png(np.packbits(INK == 0, axis=1), 1, 0, (b"tRNS", b"\0\1")),
        "4 bits with a clear level": png(
            np.array([[0x09, 0x99], [0x90, 0x99], [0x99, 0x09], [0x99, 0x90]], np.uint8),
            4,
            0,
            (b"tRNS", b"\0\x09"),
        ),
        "16 bits with a clear level": png(np.where(INK, 0, 258).astype(">u2"), 16, 0, (b"tRNS", b"\1\2")),
        "RGB with a clear colour": png(
            np.dstack([np.where(INK, 0, 9)] * 3).astype(np.uint8), 8, 2, (b"tRNS", b"\0\x09" * 3)
        ),
        "16-bit RGB with a clear colour": png(
            np.dstack([np.where(INK, 0, 300)] * 3).astype(">u2"),
            16,
            2,
            (b"tRNS", struct.pack(">3H", *[300] * 3)),
        ),
        "16-bit LA": png(ink16, 16, 4),
        "16-bit RGBA": png(np.dstack([ink16[:, :, [0, 0]], ink16]), 16, 6),
        "GIF": saved(palette, "GIF", transparency=0),
        "WebP": saved(rgba, "WEBP", lossless=True, exact=True),
        "animated WebP": saved(
            rgba,
            "WEBP",
            lossless=True,
            exact=True,
            save_all=True,
            append_images=[Image.new("RGBA", rgba.size)],
        ),
        "APNG": saved(rgba, "PNG", save_all=True, append_images=[Image.new("RGBA", rgba.size, "red")]),
        "BMP": bmp(np.dstack([black, black, black, INK])),
        "TIFF": saved(rgba, "TIFF"),
        "TIFF, premultiplied": tiff(
            [np.dstack([black] * 3 + [INK]).tobytes()], 8, photometric=2, samples=4, extra=[1]
        ),
        "grey TIFF": tiff([np.dstack([black, INK]).tobytes()], 8, samples=2, extra=[2]),
        "grey TIFF, premultiplied": tiff([np.dstack([black, INK]).tobytes()], 8, samples=2, extra=[1]),
        "palette TIFF": tiff(
            [np.dstack([black, INK]).tobytes()], 8, photometric=3, samples=2, extra=[2], colours=[0] * 768
        ),
    }


@pytest.mark.parametrize("container", glyphs())
def test_alpha_is_composited_on_white(container: str) -> None:
    np.testing.assert_array_equal(read(glyphs()[container]), grey(255 - INK))


def test_half_transparent_ink_is_half_as_dark() -> None:
    assert read(saved(Image.new("RGBA", (SIZE, SIZE), (0, 100, 255, 128)), "PNG"))[0, 0].tolist() == [
        127,
        177,
        255,
    ]


def test_a_text_that_is_titled_transparency_is_none() -> None:
    for depth, samples in ((8, RAMP), (16, RAMP.astype(">u2") * 257)):
        found = read(png(samples, depth, 0, (b"tEXt", b"transparency\0none")))
        np.testing.assert_array_equal(found, grey(RAMP))


def test_a_bmp_without_any_alpha_is_opaque() -> None:
    np.testing.assert_array_equal(read(bmp(np.dstack([RAMP, RAMP, RAMP, 0 * RAMP]))), grey(RAMP))


def test_a_near_colour_is_not_the_clear_colour_of_sixteen_bits() -> None:
    near = np.dstack([np.where(INK, 301, 300)] * 3).astype(">u2")
    found = read(png(near, 16, 2, (b"tRNS", struct.pack(">3H", 300, 300, 300))))
    np.testing.assert_array_equal(found, grey(np.where(INK, 1, 255)))


def test_outside_of_a_gif_s_first_frame_is_white() -> None:
    screen = struct.pack("<HHBBB", SIZE, SIZE, 0x80, 0, 0) + bytes([200, 10, 20, 0, 255, 0])
    frame = b"," + struct.pack("<HHHHB", 1, 1, 1, 1, 0) + b"\2\2\x44\1\0"
    found = read(b"GIF89a" + screen + frame + b";")
    assert (found[1, 1].tolist(), found[0, 0].tolist()) == (list(RED), [255, 255, 255])


# -- depth ------------------------------------------------------------------------------------------

DEEP = np.array(
    [0, 128, 129, 255, 256, 385, 386, 4095, 32767, 32768, 65406, 65407, 65534, 65535, 1, 2]
).reshape(4, 4)
NEAREST = np.rint(DEEP / 257)


@pytest.mark.parametrize(
    "data",
    [
        png(DEEP.astype(">u2"), 16, 0),
        png(np.dstack([DEEP] * 3).astype(">u2"), 16, 2),
        png(np.dstack([DEEP, np.full_like(DEEP, 65535)]).astype(">u2"), 16, 4),
        png(np.dstack([DEEP] * 3 + [np.full_like(DEEP, 65535)]).astype(">u2"), 16, 6),
        tiff([DEEP.astype("<u2").tobytes()], 16),
        tiff([DEEP.astype(">u2").tobytes()], 16, order=">"),
        tiff([zlib.compress(DEEP.astype("<u2").tobytes())], 16, compression=[8]),
        tiff([(65535 - DEEP).astype("<u2").tobytes()], 16, photometric=0),
        tiff([np.dstack([DEEP] * 3).astype("<u2").tobytes()], 16, photometric=2, samples=3),
        tiff([np.dstack([DEEP] * 3).astype(">u2").tobytes()], 16, photometric=2, samples=3, order=">"),
        tiff(
            [zlib.compress(np.dstack([DEEP] * 3).astype("<u2").tobytes())],
            16,
            photometric=2,
            samples=3,
            compression=[8],
        ),
        tiff([DEEP.astype("<i4").tobytes()], 32, kind=[2]),
        tiff([DEEP.astype("<u4").tobytes()], 32),
        saved(Image.fromarray(DEEP.astype(np.uint16)), "PPM"),
        b"P2 4 4 65535\n" + b" ".join(b"%d" % sample for sample in DEEP.flat),
    ],
    ids=[
        *(
            "grey PNG",
            "RGB PNG",
            "LA PNG",
            "RGBA PNG",
            "TIFF",
            "big-endian TIFF",
            "packed TIFF",
            "white is zero",
        ),
        *("RGB TIFF", "big-endian RGB TIFF", "packed RGB TIFF", "int32", "uint32", "PGM", "plain PGM"),
    ],
)
def test_sixteen_bits_become_the_nearest_of_eight(data: bytes) -> None:
    np.testing.assert_array_equal(read(data), grey(NEAREST))


TWELVE = np.arange(16) * 273  # 0 to 4095
TWELVE_PACKED = b"".join(
    struct.pack(">I", first << 12 | second)[1:] for first, second in TWELVE.reshape(8, 2).tolist()
)


@pytest.mark.parametrize(
    "data",
    [
        tiff([TWELVE_PACKED], 12),
        tiff([zlib.compress(TWELVE_PACKED)], 12, compression=[8]),
        b"P5 4 4 4095\n" + TWELVE.astype(">u2").tobytes(),
        b"P5 4 4 15\n" + bytes(range(16)),
        tiff([(RAMP.astype("<i2") * 128 + RAMP // 2).tobytes()], 16, kind=[2]),
        tiff([(RAMP / 255).astype("<f4").tobytes()], 32, kind=[3]),
        tiff([(RAMP / 255).astype(">f4").tobytes()], 32, kind=[3], order=">"),
        tiff([(1 - RAMP / 255).astype("<f4").tobytes()], 32, kind=[3], photometric=0),
        tiff([RAMP.astype("<f4").tobytes()], 32, kind=[3]),
        saved(Image.fromarray((RAMP / 255).astype(np.float32)), "PPM"),
        tiff([bytes(range(0x01, 0x100, 0x22))], 4),
        tiff([bytes(0xFF - both for both in range(0x01, 0x100, 0x22))], 4, photometric=0),
    ],
    ids=[
        *("12-bit TIFF", "packed 12-bit TIFF", "12-bit PGM", "4-bit PGM", "int16", "float of 1"),
        *(
            "big-endian float",
            "float, white is zero",
            "float of 255",
            "PFM",
            "4-bit TIFF",
            "4 bits, white is zero",
        ),
    ],
)
def test_any_depth_is_scaled_to_eight_bits(data: bytes) -> None:
    np.testing.assert_array_equal(read(data), grey(RAMP))


def floats(samples: Any) -> bytes:
    return tiff([np.resize(np.array(samples, "<f4"), 16).tobytes()], 32, kind=[3])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (floats([0, 0.5, np.nan]), "not finite numbers"),
        (floats([0, np.inf]), "not finite numbers"),
        (floats([-0.1, 1]), "its samples go from -0.1 to 1; floats are read from 0 to 1"),
        (floats([0, 5.5]), "from 0 to 5.5; floats are read"),
        (floats([0, 254.5]), "from 0 to 254.5; floats are read"),
        (floats([0, 65535]), "from 0 to 65535; floats are read"),
        (
            tiff([np.arange(-8, 8, dtype="<i2").tobytes()], 16, kind=[2]),
            "from -8 to 7; deep samples are read from 0",
        ),
        (tiff([(DEEP.astype("<i4") * 2).tobytes()], 32, kind=[2]), "from 0 to 131070; deep samples"),
        (tiff([(DEEP.astype("<u4") * 65537).tobytes()], 32), "deep samples are read from 0 to 65535"),
        (png(RAMP.astype(">u2"), 16, 0), "from 0 to 255, which is black where white is 65535"),
        (tiff([RAMP.astype("<i4").tobytes()], 32, kind=[2]), "save samples from 0 to 255 with 8 bits"),
        (png((RAMP * 16.0).astype(">u2"), 16, 0), "from 0 to 4080, which is black"),  # of 12 bits
        (png(np.dstack([RAMP] * 3).astype(">u2"), 16, 2), "from 0 to 255, which is black"),
        (png(np.dstack([RAMP * 16.0] * 3).astype(">u2"), 16, 2), "from 0 to 4080, which is black"),
        (png(np.dstack([RAMP] * 3 + [INK]).astype(">u2"), 16, 6), "from 0 to 255, which is black"),
        (png(np.dstack([RAMP, RAMP * 0 + 255]).astype(">u2"), 16, 4), "from 0 to 255, which is black"),
        (tiff([RAMP.tobytes()], 8, kind=[2]), "its samples are signed bytes"),
        (tiff([bytes(20)], 10), "starts as a TIFF image, and is damaged or holds samples of a kind"),
        (tiff([bytes(128)], 64, kind=[3]), "starts as a TIFF image"),
        (tiff([bytes(32)] * 3, 16, photometric=2, samples=3, planar=[2]), "separate planes"),
        (tiff([bytes(48)], 8, photometric=6, samples=3), "subsampled YCbCr"),
    ],
)
def test_samples_whose_range_is_not_known_are_refused(data: bytes, sentence: str) -> None:
    assert sentence in refusal(data)


def test_floats_that_overshoot_by_less_than_half_a_level_are_read() -> None:
    assert set(read(floats([-0.001, 1.001])).flat) == {0, 255}


def test_dark_ink_on_a_clear_ground_is_read() -> None:
    ink = np.dstack([np.full((SIZE, SIZE), 300)] * 3 + [INK * 257.0]).astype(">u2")
    np.testing.assert_array_equal(read(png(ink, 16, 6)), grey(np.where(INK, 1, 255)))


def test_an_image_that_needs_a_palette_and_has_none_is_refused() -> None:
    assert "it has no palette" in refusal(png(RAMP, 8, 3))


def test_an_all_black_deep_image_is_read() -> None:
    np.testing.assert_array_equal(read(png(np.zeros((4, 4), ">u2"), 16, 0)), grey(np.zeros((4, 4))))


def test_a_tiff_palette_of_bytes_is_not_black() -> None:
    colours = [*RED[:1], *[0] * 255, *RED[1:2], *[0] * 255, *RED[2:], *[0] * 255]
    for deeper in (1, 256):
        data = tiff([bytes(16)], 8, photometric=3, colours=[level * deeper for level in colours])
        assert read(data)[0, 0].tolist() == list(RED)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "TIFF"), ("LAB", "TIFF"), ("YCbCr", "JPEG")],
)
def test_other_colour_spaces_are_converted(mode: str, kind: str) -> None:
    image = Image.new("RGB", (SIZE, SIZE), RED)
    found = read(saved(image.convert(mode), kind)).astype(int)
    assert np.abs(found - RED).max() <= 4  # JPEG and Lab are lossy


def test_one_bit_is_black_and_white() -> None:
    for data in (saved(Image.fromarray(INK > 0), kind) for kind in ("PNG", "TIFF", "BMP", "PPM", "GIF")):
        np.testing.assert_array_equal(read(data), grey(INK))


# -- orientation ------------------------------------------------------------------------------------

CORNERS = np.array([[0, 80], [160, 240]], np.uint8).repeat(8, axis=0).repeat(8, axis=1)  # 16 x 16
TURNED = {  # EXIF orientation -> image, after EXIF's definition of the first line and column
    1: CORNERS,
    2: CORNERS[:, ::-1],
    3: CORNERS[::-1, ::-1],
    4: CORNERS[::-1],
    5: CORNERS.T,
    6: CORNERS[::-1].T,
    7: CORNERS[::-1, ::-1].T,
    8: CORNERS.T[::-1],
}


def exif(*tags: tuple[int, int, int, bytes], order: str = "<") -> bytes:
    entries = b"".join(struct.pack(f"{order}HHI4s", *tag) for tag in tags)
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, len(tags))
    return b"Exif\0\0" + head + entries + bytes(4) + struct.pack("<ii", -1, 0)


def turned(value: int) -> tuple[int, int, int, bytes]:
    return 0x0112, 3, 1, struct.pack("<HH", value, 0)


def corners(data: bytes) -> np.ndarray:
    found = np.asarray(Resizing().square(decode(data, "photo"), 16))[:, :, 0].astype(int)
    return (found[4::8, 4::8] + 5) // 80 * 80  # JPEG is lossy


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("value", [0, *range(1, 10)])
def test_an_image_is_turned_by_its_orientation(kind: str, value: int) -> None:
    if kind == "TIFF":
        data = saved(Image.fromarray(CORNERS), kind, tiffinfo={274: value})
    else:
        data = saved(Image.fromarray(CORNERS).convert("RGB"), kind, exif=exif(turned(value)))
    np.testing.assert_array_equal(corners(data), TURNED.get(value, CORNERS)[4::8, 4::8])


@pytest.mark.parametrize(
    "odd",
    [
        (0x010F, 2, 9, struct.pack("<I", 60_000)),
        (0x011A, 2, 3, b"72\0\0"),
        (0x011A, 10, 1, struct.pack("<I", 38)),
        (0x8298, 11, 1, struct.pack("<f", 1)),
        (0x8827, 2, 4, b"100\0"),
        (0x8769, 4, 1, struct.pack("<I", 60_000)),
        (0x8825, 4, 1, struct.pack("<I", 60_000)),
        (0xC4A5, 14, 4, b"abcd"),
    ],
    ids=[
        *("maker beyond the end", "resolution as text", "resolution -1/0", "copyright as a float"),
        *("ISO as text", "Exif pointer", "GPS pointer", "unknown type"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_odd_tag_beside_the_orientation_does_not_matter(
    kind: str, odd: tuple[int, int, int, bytes]
) -> None:
    for value in (1, 6):
        tags = sorted([turned(value), odd])
        data = saved(Image.fromarray(CORNERS).convert("RGB"), kind, exif=exif(*tags))
        np.testing.assert_array_equal(corners(data), TURNED[value][4::8, 4::8])


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\x09",
        b"Exif\0\0no TIFF at all",
        exif((0x0112, 2, 2, b"6\0\0\0")),
        exif((0x0112, 3, 2, struct.pack("<HH", 6, 6))),
        exif((0x0112, 11, 1, struct.pack("<f", 6))),
    ],
    ids=["nothing", "empty", "cut short", "text", "as text", "twice", "as a float"],
)
def test_an_orientation_that_cannot_be_read_is_upright(block: bytes) -> None:
    plain = saved(Image.fromarray(CORNERS), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    np.testing.assert_array_equal(corners(plain[:2] + segment + plain[2:]), CORNERS[4::8, 4::8])


def test_an_orientation_is_read_in_either_byte_order() -> None:
    block = exif((0x0112, 3, 1, struct.pack(">HH", 6, 0)), order=">")
    data = saved(Image.fromarray(CORNERS), "JPEG", exif=block)
    np.testing.assert_array_equal(corners(data), TURNED[6][4::8, 4::8])


# -- refusals ---------------------------------------------------------------------------------------


def whole_files() -> dict[str, bytes]:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8))
    packings = {
        name: {"compression": name} for name in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")
    }
    files = {kind: saved(noise, kind) for kind in FORMATS if kind != "GIF"}
    files |= {f"TIFF, {name}": saved(noise, "TIFF", **options) for name, options in packings.items()}
    files["JPEG, progressive"] = saved(noise, "JPEG", progressive=True)
    # Pillow stops reading at the name of a PNG's last chunk, and at the last line of a GIF.
    files["PNG"] = files["PNG"][:-4]
    files["GIF"] = saved(noise.quantize(16), "GIF").removesuffix(b";").removesuffix(b"\0")
    return files


@pytest.mark.parametrize("name", whole_files())
def test_a_truncated_image_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # even if other code allows it
    data = whole_files()[name]
    read(data)
    for length in range(1, len(data), max(1, len(data) // 97)):
        refusal(data[:length])
    refusal(data[:-1])
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_download_that_stopped_is_refused() -> None:
    for kind in ("JPEG", "PNG"):
        data = whole_files()[kind]
        refusal(data[: len(data) * 9 // 10] + bytes(len(data) // 10))


@pytest.mark.parametrize("name", whole_files())
def test_bytes_behind_an_image_do_not_matter(name: str) -> None:
    data = whole_files()[name]
    np.testing.assert_array_equal(read(data + b"\xff\xda behind" * 9), read(data))


@pytest.mark.parametrize("kind", ["EPS", "ICO", "TGA", "PDF", "PCX", "SGI", "IM"])
def test_only_the_formats_that_are_meant_are_read(kind: str) -> None:
    data = saved(Image.new("RGB", (SIZE, SIZE)), kind)
    assert "is no JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM image" in refusal(data)


def test_every_suffix_is_that_of_a_format_that_pillow_knows() -> None:
    known = Image.registered_extensions()
    assert {known[suffix] for suffix in SUFFIXES} == set(FORMATS)


@pytest.mark.parametrize("size", [(1, 60_000_000), (60_000_000, 1), (8_001, 8_000), (1, 2**31 - 1)])
def test_an_unreasonable_size_is_refused_by_the_header_alone(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it was decoded"))
    data = bytearray(png(RAMP, 8, 0))
    data[16:24] = struct.pack(">II", *size)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    assert str(size[0] * size[1]) in refusal(bytes(data)) or f"{size[0]} x {size[1]} pixels" in refusal(
        bytes(data)
    )


def test_a_long_side_within_the_limit_is_read() -> None:
    image = Image.new("L", (images_module.LONGEST_SIDE, 1), 90)
    np.testing.assert_array_equal(read(saved(image, "PNG")), grey(np.full((SIZE, SIZE), 90)))
