#!/usr/bin/env python3
"""Try pages of `scst report` in Chromium, without a network and without a driver.

    python3 scripts/report_browser.py [--pictures FOLDER] PAGE.html...

A copy of every page gets a script that sorts, filters, searches and hovers as a reader does, at 1400 and at 390 pixels, in
light and dark, and tells what it found. A page fails with an error on the console, a table that is not in order, something
wider than the window, or a picture of the page that is blank. The pictures go to FOLDER if one is named.
"""

import argparse
import html
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

SIZES = [(1400, 1600), (390, 1600)]
# Fewer colours than any page with text and curves has.
LEAST_COLOURS = 30

# What a reader does; `say` puts what was found where it can be read from outside.
TRY = r"""
<script>
(() => {
  const found = {};
  const rows = () => [...document.querySelectorAll('#table tbody tr')];
  const change = (id, value) => { const e = document.getElementById(id); e.value = value; e.dispatchEvent(new Event(e.tagName === 'INPUT' ? 'input' : 'change', { bubbles: true })); };
  const data = JSON.parse(document.getElementById('data').textContent);
  // Of error rates, what falls improves.
  const sign = data.metrics[data.main].smaller ? -1 : 1;
  const changes = () => rows().map((row) => sign * Number(row.lastElementChild.textContent));
  const nameOf = (row) => [...row.firstElementChild.childNodes].find((node) => node.nodeType === Node.TEXT_NODE).textContent;
  const offers = (id, value) => [...document.getElementById(id).options].some((option) => option.value === value);
  try {
    found.rows = rows().length;
    found.found = document.getElementById('found').textContent;
    if (offers('order', 'improved')) {
      change('order', 'improved'); found.improved = changes();
      change('order', 'harmed'); found.harmed = changes();
      change('filter', 'better'); found.better = changes();
      change('filter', 'all');
      const header = [...document.querySelectorAll('#table thead button')].pop();
      header.click(); found.clicked = changes();
    }
    change('order', 'file');
    const name = nameOf(rows()[0]);
    change('search', name); found.searched = rows().map(nameOf); found.name = name;
    change('search', 'no caption has these words'); found.nothing = rows().length;
    change('search', '');
    document.getElementById('more').click();
    found.more = rows().length;
    const over = document.querySelector('#charts .u-over');
    const box = over.getBoundingClientRect();
    over.dispatchEvent(new MouseEvent('mousemove', { clientX: box.left + box.width / 2, clientY: box.top + 5, bubbles: true }));
    found.curves = document.querySelectorAll('#charts .uplot').length;
    found.hover = document.querySelector('#charts .u-legend .u-value').textContent;
    found.width = innerWidth;
    found.wide = document.documentElement.scrollWidth;
    found.scheme = getComputedStyle(document.body).backgroundColor;
  } catch (error) { found.error = String(error && error.stack || error); }
  const say = () => parent.postMessage(JSON.stringify(found), '*');
  requestAnimationFrame(() => setTimeout(() => { found.hover = document.querySelector('#charts .u-legend .u-value').textContent; say(); }, 50));
})();
</script>
</body>"""

# The page in a frame of any width: windows of the browser are no narrower than 500 pixels.
FRAME = """<!DOCTYPE html><html><body style="margin:0"><iframe src="{page}" style="border:0;display:block;width:{width}px;height:{height}px"></iframe>
<pre id="said"></pre><script>onmessage = (event) => {{ document.getElementById('said').textContent = event.data; }};</script></body></html>"""


def chromium(folder, page, size, is_dark, *more):
    width, height = size
    frame = Path(folder) / "frame.html"
    frame.write_text(FRAME.format(page=page.name, width=width, height=height))
    command = [
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files"),
        *("--enable-logging=stderr", "--virtual-time-budget=5000", f"--user-data-dir={folder}/profile"),
        *(["--blink-settings=preferredColorScheme=0"] if is_dark else []),
        *(f"--window-size={max(width, 500)},{height}", *more, frame.as_uri()),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def colours(png):
    """How many colours are in every 16th row of a PNG as Chromium writes it."""
    data, place, packed = png.read_bytes(), 8, b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        packed += body if kind == b"IDAT" else b""
        place += length + 12
    size = {2: 3, 6: 4}[colour]
    raw, stride = zlib.decompress(packed), width * size + 1
    above, seen = bytearray(width * size), set()
    for row in range(height):
        kind, line = raw[row * stride], bytearray(raw[row * stride + 1 : (row + 1) * stride])
        for k in range(len(line)):
            left = line[k - size] if k >= size else 0
            up, corner = above[k], above[k - size] if k >= size else 0
            if kind == 1:
                line[k] = line[k] + left & 255
            elif kind == 2:
                line[k] = line[k] + up & 255
            elif kind == 3:
                line[k] = line[k] + (left + up) // 2 & 255
            elif kind == 4:
                guess = left + up - corner
                near = min((left, up, corner), key=lambda value: abs(guess - value))
                line[k] = line[k] + near & 255
        above = line
        if row % 16 == 0:
            seen.update(bytes(line[k : k + 3]) for k in range(0, len(line), size))
    return len(seen)


def problems(found, log):
    """What is wrong with what a page told."""
    for line in log.splitlines():
        # Chromium's own messages begin otherwise.
        if ":CONSOLE" in line:
            yield f"the console says {line.split(':CONSOLE', 1)[1]}"
    if "error" in found:
        yield found["error"]
        return
    descending = lambda values: values == sorted(values, reverse=True)
    if "improved" in found:
        if not descending(found["improved"]) or found["improved"][0] <= 0:
            yield f"most improved: found the changes {found['improved'][:5]}"
        if not descending(found["harmed"][::-1]) or found["harmed"][0] >= 0:
            yield f"most harmed: found the changes {found['harmed'][:5]}"
        if not found["better"] or min(found["better"]) <= 0:
            yield "the filter shows what did not improve"
        if not descending(found["clicked"]):
            yield f"a click on the header: found the changes {found['clicked'][:5]}"
    if found["rows"] < 1 or found["more"] < found["rows"]:
        yield f"found {found['rows']} rows, then {found['more']}"
    if found["name"] not in found["searched"]:
        yield f"the search for {found['name']} finds {found['searched'][:3]}"
    if found["nothing"] != 0:
        yield "a search for nothing finds something"
    if found["curves"] < 3 or not re.match(r"\d", found["hover"]):
        yield f"found {found['curves']} curves, and `{found['hover']}` below the mouse"
    if found["wide"] > found["width"]:
        yield f"found {found['wide']} pixels in a window of {found['width']}"


def try_page(page, pictures):
    text = page.read_text()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        plain, tried = Path(folder) / "plain.html", Path(folder) / "tried.html"
        plain.write_text(text)
        tried.write_text(TRY.join(text.rsplit("</body>", 1)))
        backgrounds = set()
        for size in SIZES:
            for is_dark in (False, True):
                where = f"{page.name}, {size[0]} pixels, {'dark' if is_dark else 'light'}"
                run = chromium(folder, tried, size, is_dark, "--dump-dom")
                said = re.search(r'<pre id="said">(.*?)</pre>', run.stdout, re.DOTALL)
                if not said or not said[1]:
                    wrong.append(f"{where}: the page says nothing: {run.stderr[-500:]}")
                    continue
                found = json.loads(html.unescape(said[1]))
                wrong += [f"{where}: {problem}" for problem in problems(found, run.stderr)]
                backgrounds.add(found.get("scheme"))
                png = Path(folder) / f"{page.stem}-{size[0]}{'-dark' if is_dark else ''}.png"
                run = chromium(folder, plain, size, is_dark, f"--screenshot={png}")
                if not png.is_file() or colours(png) < LEAST_COLOURS:
                    wrong.append(f"{where}: the picture is blank: {run.stderr[-300:]}")
                elif pictures:
                    shutil.copy(png, pictures)
        if len(backgrounds) != 2:
            wrong.append(f"{page.name}: light and dark have the backgrounds {backgrounds}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--pictures", type=Path, help="where the pictures of the pages go")
    arguments = parser.parse_args()
    if not shutil.which("chromium"):
        print("SKIPPED: there is no chromium here: pages of scst report are not tried in a browser")
        return 1 if os.environ.get("SCST_REQUIRE_ORACLES") == "1" else 0
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    wrong = [problem for page in arguments.pages for problem in try_page(page, arguments.pictures)]
    print("\n".join(wrong) or f"{len(arguments.pages)} pages work in a browser")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
