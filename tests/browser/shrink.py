"""Makes a screenshot small enough for a repository: its 256 commonest colours, without an image library."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

_PIXELS = """async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const { data } = canvas.getImageData(0, 0, image.width, image.height);
  let text = "";
  for (let i = 0; i < data.length; i += 30000) text += String.fromCharCode(...data.subarray(i, i + 30000));
  return [image.width, image.height, btoa(text)];
}"""


def shrink(page: Page, picture: bytes, path: Path) -> None:
    """Write the PNG `picture` to `path` with at most 256 colours; `page` is any page, which decodes it."""
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    width, height, text = page.evaluate(_PIXELS, url)
    pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[:, :, :3]
    temporary = path.with_name(f".{path.name}")
    temporary.write_bytes(_png(*_palette(pixels)))
    temporary.replace(path)


def _palette(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return (colours (n, 3), index of a colour for each pixel (height, width))."""
    colours, where, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    kept = colours[np.argsort(-counts)[:256]]
    far = colours.astype(np.int32)
    nearest = np.empty(len(far), np.uint8)
    for start in range(0, len(far), 4096):
        apart = ((far[start : start + 4096, None] - kept.astype(np.int32)) ** 2).sum(2)
        nearest[start : start + 4096] = apart.argmin(1)
    return kept, nearest[where.reshape(pixels.shape[:2])]


def _png(colours: NDArray[np.uint8], indices: NDArray[np.uint8]) -> bytes:
    """Return a PNG (ISO/IEC 15948) of colour type 3, 8 bits, every line unfiltered."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = indices.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), indices], 1)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", head),
        (b"PLTE", colours.tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
