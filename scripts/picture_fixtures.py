"""Tiny images of many kinds with the pixels that Pillow has of them, right way up: fixtures of the image readers.

Writes crates/encoder/tests/fixtures/pictures.json: for every image, its file in hexadecimal and the width, height and
pixels of `ImageOps.exif_transpose(image).convert("RGB")`.

    pip install pillow==13.0.0 numpy && python3 scripts/picture_fixtures.py
"""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

WIDTH, HEIGHT = 7, 5
OUT = Path(__file__).parents[1] / "crates/encoder/tests/fixtures/pictures.json"

random = np.random.default_rng(0)
files = {}


def noise(channels, bits=8):
    return random.integers(0, 1 << bits, (HEIGHT, WIDTH, channels))


def smooth(channels):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * (30 - 9 * k) + y * (11 + 8 * k) for k in range(channels)]
    return np.stack(planes, -1).astype(np.uint8)


def image(pixels, mode=None):
    pixels = pixels.astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels, mode)


def save(name, picture, **options):
    file = io.BytesIO()
    picture.save(file, **options)
    files[name] = file.getvalue()
    return files[name]


def rows(pixels, bits):
    """Samples row after row; the first is in the uppermost bits."""
    for row in pixels.reshape(len(pixels), -1):
        text = "".join(format(int(sample), f"0{bits}b") for sample in row)
        text += "0" * (-len(text) % 8)
        yield bytes(int(text[k : k + 8], 2) for k in range(0, len(text), 8))


def chunk(kind, content):
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png(pixels, colours, bits, before=b"", after=b""):
    height, width, _ = pixels.shape
    data = b"".join(b"\0" + row for row in rows(pixels, bits))
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    parts = [chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(data)), after]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def palette(colours):
    return random.integers(0, 256, 3 * colours, dtype=np.uint8).tobytes()


def pngs():
    for bits in (1, 2, 4, 8):
        files[f"grey{bits}.png"] = png(noise(1, bits), 0, bits)
        colours = chunk(b"PLTE", palette(1 << bits))
        transparent = colours + chunk(b"tRNS", bytes(range(0, 1 << bits)))
        files[f"palette{bits}.png"] = png(noise(1, bits), 3, bits, colours)
        files[f"palette{bits}-transparent.png"] = png(noise(1, bits), 3, bits, transparent)
    for bits in (8, 16):
        files[f"rgb{bits}.png"] = png(noise(3, bits), 2, bits)
        files[f"rgb{bits}-transparent.png"] = png(noise(3, bits), 2, bits, chunk(b"tRNS", bytes(6)))
        files[f"rgba{bits}.png"] = png(noise(4, bits), 6, bits)
        files[f"grey-alpha{bits}.png"] = png(noise(2, bits), 4, bits)


def jpegs():
    rgb, grey, inks = (image(smooth(3)), image(smooth(1)), image(smooth(4), "CMYK"))
    save("444.jpg", rgb, format="JPEG", subsampling=0)
    save("422-progressive.jpg", rgb, format="JPEG", subsampling=1, progressive=True)
    save("420.jpg", rgb, format="JPEG", subsampling=2)
    save("rgb.jpg", rgb, format="JPEG", keep_rgb=True)
    save("grey.jpg", grey, format="JPEG")
    cmyk = bytearray(save("cmyk.jpg", inks, format="JPEG", subsampling=0))
    save("cmyk-progressive.jpg", inks, format="JPEG", subsampling=0, progressive=True)
    # Adobe's marker says how the inks are stored: as they are, or in luminance and chrominance.
    cmyk[cmyk.index(b"Adobe") + 11] = 2
    files["ycck.jpg"] = bytes(cmyk)


def webps():
    rgb, rgba = image(smooth(3)), image(noise(4))
    save("lossy.webp", rgb, format="WEBP")
    save("lossless.webp", rgb, format="WEBP", lossless=True)
    save("alpha.webp", rgba, format="WEBP", lossless=True, exact=True)
    save("lossy-alpha.webp", rgba, format="WEBP")
    more = [image(noise(3))]
    save("animated.webp", rgb, format="WEBP", save_all=True, append_images=more, lossless=True)


def lzw(numbers, bits):
    """The numbers without compression: the table is cleared before codes get longer."""
    codes = [1 << bits]
    for k, number in enumerate(numbers):
        if k and k % ((1 << bits) - 2) == 0:
            codes.append(1 << bits)
        codes.append(int(number))
    codes.append((1 << bits) + 1)
    text = "".join(reversed([format(code, f"0{bits + 1}b") for code in codes]))
    data = int(text, 2).to_bytes(-(-len(text) // 8), "little")
    blocks = [bytes([len(data[k : k + 255])]) + data[k : k + 255] for k in range(0, len(data), 255)]
    return bytes([bits]) + b"".join(blocks) + b"\0"


def gif(screen, place, frame, transparent=None, local=None, is_interlaced=False):
    height, width = frame.shape
    order = list(range(height))
    if is_interlaced:
        order = [*order[::8], *order[4::8], *order[2::4], *order[1::2]]
    flags = (0x81 if local else 0) | (0x40 if is_interlaced else 0)
    control = struct.pack("<BHB", transparent is not None, 0, transparent or 0)
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", *screen, 0x81, 2, 0)
        + palette(4)
        + b"\x21\xf9\x04"
        + control
        + b"\0,"
        + struct.pack("<HHHHB", *place, width, height, flags)
        + (local or b"")
        + lzw(frame[order].reshape(-1), 2)
        + b";"
    )


def gifs():
    whole = noise(1, 2)[..., 0]
    size = (WIDTH, HEIGHT)
    files["plain.gif"] = gif(size, (0, 0), whole)
    files["transparent.gif"] = gif(size, (0, 0), whole, transparent=1)
    files["interlaced.gif"] = gif(size, (0, 0), whole, is_interlaced=True)
    files["local.gif"] = gif(size, (0, 0), whole, local=palette(4))
    files["part.gif"] = gif(size, (2, 1), whole[2:, 3:])
    files["part-transparent.gif"] = gif(size, (2, 1), whole[2:, 3:], transparent=3)
    files["larger.gif"] = gif((WIDTH - 1, HEIGHT - 2), (1, 0), whole)
    save("grey.gif", image(smooth(1)), format="GIF")
    frames = [image(noise(3))]
    save("animated.gif", image(smooth(3)), format="GIF", save_all=True, append_images=frames)


def bmp(data, bits, compression=0, before=b"", length=40, is_top_down=False):
    if not isinstance(data, bytes):
        padded = [row + b"\0" * (-len(row) % 4) for row in data]
        data = b"".join(padded if is_top_down else padded[::-1])
    height = -HEIGHT if is_top_down else HEIGHT
    sizes = (length, WIDTH, height, 1, bits, compression, len(data), 0, 0, 0, 0)
    header = struct.pack("<IiiHHIIiiII", *sizes)
    start = 14 + len(header) + len(before)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + before + data


def bmps():
    for bits in (1, 4, 8):
        colours = np.zeros((1 << bits, 4), np.uint8)
        colours[:, :3] = random.integers(0, 256, (1 << bits, 3))
        samples = rows(noise(1, bits), bits)
        files[f"palette{bits}.bmp"] = bmp(samples, bits, before=colours.tobytes())
    shorts = [row.astype("<u2").tobytes() for row in noise(1, 16)]
    masks = [struct.pack("<III", *masks) for masks in [(0x7C00, 0x3E0, 31), (0xF800, 0x7E0, 31)]]
    files["555.bmp"] = bmp(shorts, 16)
    files["555-masks.bmp"] = bmp(shorts, 16, 3, masks[0])
    files["565-masks.bmp"] = bmp(shorts, 16, 3, masks[1])
    files["24.bmp"] = bmp(rows(noise(3), 8), 24)
    files["24-top-down.bmp"] = bmp(rows(noise(3), 8), 24, is_top_down=True)
    files["32.bmp"] = bmp(rows(noise(4), 8), 32)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    files["32-alpha.bmp"] = bmp(rows(noise(4), 8), 32, 3, masks + bytes(52), 108)
    runs = b"".join(bytes([WIDTH, int(number), 0, 0]) for number in noise(1)[:, 0, 0]) + b"\0\1"
    files["runs.bmp"] = bmp(runs, 8, 1, palette(4 * 256 // 3) + bytes(1))


def tiffs():
    grey, rgb, inks = image(smooth(1)), image(smooth(3)), image(smooth(4), "CMYK")
    numbers = image(noise(1)).convert("P")
    numbers.putpalette(palette(256))
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        save(f"rgb-{compression}.tif", rgb, format="TIFF", compression=compression)
    save("grey.tif", grey, format="TIFF")
    save("palette.tif", numbers, format="TIFF")
    save("rgba.tif", image(noise(4)), format="TIFF")
    save("grey-alpha.tif", image(noise(2), "LA"), format="TIFF")
    save("cmyk.tif", inks, format="TIFF")
    save("one-bit.tif", grey.convert("1"), format="TIFF")
    save("fax.tif", grey.convert("1"), format="TIFF", compression="group4")
    save("pages.tif", rgb, format="TIFF", save_all=True, append_images=[grey])
    save("large.tif", rgb, format="TIFF", big_tiff=True)


def exif(orientation, header=b"MM\0*"):
    end = ">" if header.startswith(b"MM") else "<"
    entry = struct.pack(end + "HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    return header + struct.pack(end + "I", 8) + entry


def orientations():
    """The same picture in every orientation, and where else than in EXIF data PIL finds one."""
    rgb = image(smooth(3))
    for number in range(10):
        header = [b"MM\0*", b"II*\0"][number % 2]
        data = exif(number, header)
        save(f"turned{number}.jpg", rgb, format="JPEG", exif=b"Exif\0\0" + data)
        save(f"turned{number}.png", rgb, format="PNG", exif=data)
        save(f"turned{number}.webp", rgb, format="WEBP", exif=data)
        save(f"turned{number}.tif", rgb, format="TIFF", tiffinfo={274: number})
    text = "\nexif\n      32\n" + exif(6).hex() + "\n"
    compressed = b"Raw profile type exif\0\0" + zlib.compress(text.encode())
    files["turned-magick.png"] = png(smooth(3), 2, 8, chunk(b"zTXt", compressed))
    files["turned-after.png"] = png(smooth(3), 2, 8, after=chunk(b"eXIf", exif(8)))
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'
    keyword = b"XML:com.adobe.xmp\0\0\0\0\0"
    files["turned-xmp.png"] = png(smooth(3), 2, 8, chunk(b"iTXt", keyword + packet % 5))
    save("turned-xmp.jpg", rgb, format="JPEG", xmp=packet % 3)
    save("turned-xmp.webp", rgb, format="WEBP", xmp=packet % 7)
    both = {"exif": b"Exif\0\0" + exif(1), "xmp": packet % 3}
    save("upright-in-exif.jpg", rgb, format="JPEG", **both)
    # Damaged: cut, and with an offset outside.
    save("exif-cut.jpg", rgb, format="JPEG", exif=b"Exif\0\0" + exif(6)[:15])
    save("exif-offset.jpg", rgb, format="JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xf0")


def main():
    for make in (pngs, jpegs, webps, gifs, bmps, tiffs, orientations):
        make()
    lines = []
    for name, file in files.items():
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB")
        width, height = picture.size
        fixture = {
            "name": name,
            "file": file.hex(),
            "width": width,
            "height": height,
            "pixels": picture.tobytes().hex(),
        }
        lines.append(json.dumps(fixture))
    OUT.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(lines)} images, {OUT.stat().st_size} bytes")


main()
