"""A real headless Chromium, driven over its DevTools pipe: null-terminated JSON on file descriptors 3 and 4."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

TIMEOUT_S = 60
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def chromium() -> str | None:
    """The browser's program, where it is installed."""
    given = os.environ.get("W2V_CHROMIUM")
    names = [given] if given else ["chromium", "chromium-browser", "google-chrome", "chrome"]
    return next((found for name in names if (found := shutil.which(name))), None)


# Runs before each page's own code: what it has put off, timers and frames, and `atRest`, which waits for that.
WATCH = """
(() => {
  const pending = new Set(), { setTimeout, clearTimeout, requestAnimationFrame } = window;
  const watched = (kind, begin, call) => {
    const one = {};
    pending.add(one);
    one.id = begin((...given) => { pending.delete(one); call(...given); });
    one.kind = kind;
    return one.id;
  };
  window.setTimeout = (call, ...rest) => watched("timer", (own) => setTimeout(own, ...rest), call);
  window.requestAnimationFrame = (call) => watched("frame", (own) => requestAnimationFrame(own), call);
  window.clearTimeout = (id) => {
    for (const one of pending) if (one.kind === "timer" && one.id === id) pending.delete(one);
    clearTimeout(id);
  };
  window.atRest = (longest) => new Promise((done) => {
    const end = performance.now() + longest;
    const look = () => pending.size && performance.now() < end ? setTimeout(look, 5) : done(pending.size === 0);
    requestAnimationFrame(() => requestAnimationFrame(look));
  });
})()
"""


class Browser:
    """One browser with one page. `errors` gathers exceptions, console errors, refused loads; `requests` addresses."""

    def __init__(self, program: str, width: int = 1280, height: int = 800, flags: tuple[str, ...] = ()):
        self.home = tempfile.mkdtemp(prefix="w2v-chromium-")
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()
        # Through a shell, which puts the pipes at the numbers that the browser expects.
        command = [program, *FLAGS, *flags, f"--user-data-dir={self.home}", f"--window-size={width},{height}"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", *command, "about:blank"],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.home},
        )
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session = b"", 0, None
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.loaded = False
        pages = [t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        self.session = self.call("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{part}.enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        self.resize(width, height)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.into)
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data) :]
        limit = time.monotonic() + TIMEOUT_S
        while True:
            answer = self.receive(limit)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def receive(self, limit: float) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            if not select.select([self.into], [], [], max(0, limit - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            block = os.read(self.into, 1 << 20)
            if not block:
                raise RuntimeError("the browser has gone")
            self.buffer += block
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def note(self, event: dict[str, Any]) -> None:
        kind, params = event.get("method"), event.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"])[:500])
        elif kind == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(params["args"])[:500])
        elif kind == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif kind == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif kind == "Page.loadEventFired":
            self.loaded = True

    def open(self, address: str) -> None:
        """Go there and wait until the page is loaded and has drawn."""
        self.loaded = False
        self.call("Page.navigate", url="about:blank")
        self.wait_for_load()
        self.errors.clear()
        self.requests.clear()
        self.loaded = False
        self.call("Page.navigate", url=address)
        self.wait_for_load()
        self.settle()

    def wait_for_load(self) -> None:
        limit = time.monotonic() + TIMEOUT_S
        while not self.loaded:
            self.note(self.receive(limit))

    def settle(self, longest_ms: int = 250) -> bool:
        """Two frames later, and when all that the page has put off is done: whether it is; some plays without end."""
        return self.run(f"atRest({longest_ms})")

    def run(self, code: str) -> Any:
        """The value of a JavaScript expression; promises are waited for."""
        result = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:1000])
        return result["result"].get("value")

    def resize(self, width: int, height: int, ratio: float = 1) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=ratio, mobile=False
        )

    def prefer(self, scheme: str) -> None:
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        codes = {
            "Enter": (13, "\r"),
            "ArrowDown": (40, ""),
            "ArrowUp": (38, ""),
            "Escape": (27, ""),
            "Tab": (9, ""),
            "/": (191, "/"),
            "+": (187, "+"),
            "0": (48, "0"),
            "ArrowLeft": (37, ""),
            "Home": (36, ""),
        }
        code, text = codes[key]
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float) -> None:
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", buttons=0, clickCount=1)

    def click_on(self, selector: str) -> None:
        box = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'nearest'});"
            " const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.click(*box)

    def picture(self, path: str | Path) -> None:
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
