"""Small files whose headers claim large pictures."""

import io
import struct
import zlib

from PIL import Image

START_OF_FRAME = b"\xff\xc0"


def claiming(jpeg, width, height):
    """A baseline JPEG whose header says that it has another size (ITU-T T.81, section B.2.2)."""
    position = jpeg.index(START_OF_FRAME) + 5
    return jpeg[:position] + struct.pack(">HH", height, width) + jpeg[position + 4 :]


def png_header(width, height):
    """A PNG of grey pixels, cut after its header (W3C, Portable Network Graphics, section 11.2.1)."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))


def _png(width, height, rows, bits=8, colour=0, interlaced=0, chunks=()):
    """A PNG whose rows, with the byte for their filter, are compressed as they are."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    packed = zlib.compressobj(9)
    data = b"".join([*(packed.compress(part) for part in rows), packed.flush()])
    parts = [chunk(b"IHDR", header), *(chunk(*one) for one in chunks), chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _zeros(count):
    return (bytes(min(1 << 20, count - start)) for start in range(0, count, 1 << 20))


def _grey_png():
    return _png(13_000, 13_000, _zeros(13_001 * 13_000), colour=0)


def _one_bit_png():
    side = 13_000
    return _png(side, side, _zeros((side // 8 + 1) * side), bits=1)


def _interlaced_png():
    side = 5_792  # 2^25 pixels
    return _png(side, side, _zeros((side + 8) * side * 2), interlaced=1)


def _wide_png():
    return _png(100_000_000, 1, _zeros(100_000_001))


def _long_text_png():
    text = b"Comment\0\0" + zlib.compress(bytes(300 << 20), 9)
    return _png(16, 16, _zeros(17 * 16), chunks=[(b"zTXt", text)])


def _long_profile_png():
    profile = b"icc\0\0" + zlib.compress(bytes(300 << 20), 9)
    return _png(16, 16, _zeros(17 * 16), chunks=[(b"iCCP", profile)])


def _many_chunks_png():
    return _png(16, 16, _zeros(17 * 16), chunks=[(b"tEXt", b"a\0b")] * 60_000)


def _gif(width, height, frames, frame_width=1, frame_height=1, comments=0):
    """A GIF of one colour. The codes of each frame name ever longer strings of one pixel, until the table is full."""
    start = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, frame_width, frame_height, 0) + _lzw(frame_width * frame_height)
    return start + b"!\xfe\1c\0" * comments + frame * frames + b";"


def _lzw(count):
    """The compressed indices of `count` pixels of one colour (GIF89a specification, appendix F)."""
    bits, filled, out = 0, 0, bytearray()
    width, known = 3, 6  # two bits of colours, two codes for clearing and for the end

    def put(code):
        nonlocal bits, filled
        bits |= code << filled
        filled += width
        while filled >= 8:
            out.append(bits & 255)
            bits, filled = bits >> 8, filled - 8

    put(4)
    put(0)
    count -= 1
    length = 1
    while count > 0:
        if known < 4096:
            length += 1
            put(known)
            known += 1
            if known == 1 << width and width < 12:
                width += 1
        else:
            put(4095)
        count -= length
    put(5)
    out.append(bits & 255)
    blocks = [bytes([len(part)]) + part for part in (out[i : i + 255] for i in range(0, len(out), 255))]
    return b"\2" + b"".join(blocks) + b"\0"


def _scans_jpeg(side=8_000, scans=6_500):
    """A progressive JPEG of one grey; each scan after the first says for every block that it has nothing (ITU-T T.81,
    section G.1.2.2)."""

    def segment(marker, content):
        return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content

    blocks = (-(-side // 8)) ** 2
    table = bytes([1] + [0] * 15)
    start = b"\xff\xd8" + segment(0xDB, b"\0" + bytes([1] * 64))
    start += segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
    start += segment(0xC4, b"\0" + table + b"\0") + segment(0xC4, b"\x10" + table + b"\xe0")
    first = segment(0xDA, b"\1\1\0\0\0\0") + bytes(blocks // 8 + 1)
    runs = -(-blocks // 16_384)
    number = int("".join("0" + "0" * 14 for _ in range(runs)), 2)
    rest = segment(0xDA, b"\1\1\0\1\x3f\0") + number.to_bytes(-(-runs * 15 // 8), "big")
    return start + first + rest * scans + b"\xff\xd9"


def _by_pillow(kind, width, height, mode="L", **options):
    content = io.BytesIO()
    Image.new(mode, (width, height)).save(content, kind, **options)
    return content.getvalue()


def _claiming_bmp():
    return _by_pillow("BMP", 16, 16, "RGB").replace(struct.pack("<ii", 16, 16), struct.pack("<ii", 9_000, 9_000))


def _small_jpeg():
    return _by_pillow("JPEG", 16, 16)


CASES = {
    "1 GB of claims.jpg": lambda: claiming(_small_jpeg(), 65_500, 65_500),
    "178 million pixels in 600 bytes.jpg": lambda: claiming(_small_jpeg(), 13_377, 13_377),
    "33 million pixels in 600 bytes.jpg": lambda: claiming(_small_jpeg(), 5_792, 5_792),
    "6,500 scans.jpg": _scans_jpeg,
    "33 million pixels, progressive.jpg": lambda: _by_pillow("JPEG", 5_792, 5_792, "RGB", progressive=True),
    "100,000,000 x 1.png": _wide_png,
    "169 million pixels.png": _grey_png,
    "169 million pixels of a bit.png": _one_bit_png,
    "33 million pixels, interlaced.png": _interlaced_png,
    "header alone.png": lambda: png_header(13_000, 13_000),
    "300 MB of text.png": _long_text_png,
    "300 MB of profile.png": _long_profile_png,
    "60,000 chunks.png": _many_chunks_png,
    "large canvas.gif": lambda: _gif(13_000, 13_000, 1),
    "30,000 frames.gif": lambda: _gif(5_000, 5_000, 30_000),
    "frames of 25 million pixels.gif": lambda: _gif(5_000, 5_000, 60, 5_000, 5_000),
    "frames after 100 comments.gif": lambda: _gif(5_000, 5_000, 60, 5_000, 5_000, 100),
    "claims.bmp": _claiming_bmp,
    "157 million pixels, lossless.webp": lambda: _by_pillow("WEBP", 16_383, 9_600, "RGB", lossless=True),
    "33 million pixels, lossless.webp": lambda: _by_pillow("WEBP", 5_792, 5_792, "RGB", lossless=True),
    "33 million pixels.webp": lambda: _by_pillow("WEBP", 5_792, 5_792, "RGB", quality=1),
    "100 million pixels.tif": lambda: _by_pillow("TIFF", 10_000, 10_000, "RGB", compression="tiff_deflate"),
    "33 million pixels.tif": lambda: _by_pillow("TIFF", 5_792, 5_792, "RGBA", compression="tiff_deflate"),
    "33 million pixels.jp2": lambda: _by_pillow("JPEG2000", 5_792, 5_792, "RGB"),
    "33 million pixels.avif": lambda: _by_pillow("AVIF", 5_792, 5_792, "RGB", speed=10),
}
"""By the name of the file, a function that returns its content."""
QUICK = (
    *("1 GB of claims.jpg", "178 million pixels in 600 bytes.jpg", "6,500 scans.jpg", "100,000,000 x 1.png"),
    *("169 million pixels of a bit.png", "60,000 chunks.png", "large canvas.gif", "30,000 frames.gif"),
    *("frames of 25 million pixels.gif", "frames after 100 comments.gif", "claims.bmp", "header alone.png"),
    "33 million pixels, lossless.webp",
)
"""The cases that are made and read in a second."""


def good():
    """A picture that is what it claims."""
    return _by_pillow("PNG", 16, 16, "RGB")
