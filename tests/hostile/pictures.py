"""Small files whose headers claim large pictures."""

import struct
import zlib

START_OF_FRAME = b"\xff\xc0"


def claiming(jpeg, width, height):
    """A baseline JPEG whose header says that it has another size (ITU-T T.81, section B.2.2)."""
    position = jpeg.index(START_OF_FRAME) + 5
    return jpeg[:position] + struct.pack(">HH", height, width) + jpeg[position + 4 :]


def png_header(width, height):
    """A PNG of grey pixels, cut after its header (W3C, Portable Network Graphics, section 11.2.1)."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
