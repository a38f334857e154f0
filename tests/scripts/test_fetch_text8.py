"""Fetching text8 from a server on this machine that breaks off, lies and changes its mind."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fetch_text8.py"


def load_script():
    spec = importlib.util.spec_from_file_location("fetch_text8", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.WAITS_S = (0,)
    return module


fetch_text8 = load_script()


def make_zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


LETTERS = random.Random(8).choices(b"abcdefghijklmnopqrstuvwxyz ", k=400_000)
TEXT = bytes(LETTERS)
ZIP = make_zip({"text8": TEXT})


class Server(http.server.ThreadingHTTPServer):
    """Serves one archive; the attributes are the faults of the day."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = ZIP
        self.etag = '"one"'
        self.breaks: list[int] = []  # bytes after which the next answers break off
        self.codes: list[int] = []  # error codes of the next answers
        self.ranges = True  # whether Range is obeyed
        self.shift = 0  # lies about where the part begins
        self.length = True  # whether Content-Length is sent
        self.slow_s = 0.0  # wait after each block
        self.asked: list[dict[str, str]] = []
        self.sent: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/dc/text8.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(dict(self.headers))
        if server.codes:
            self.send_error(server.codes.pop(0))
            return
        start, span = 0, re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if span and server.ranges and self.headers.get("If-Range") in (None, server.etag):
            start = int(span.group(1))
            if start >= len(server.content):
                self.send_error(416)
                return
            self.send_response(206)
            total = len(server.content)
            self.send_header("Content-Range", f"bytes {start + server.shift}-{total - 1}/{total}")
        else:
            self.send_response(200)
        body = server.content[start:]
        if server.length:
            self.send_header("Content-Length", str(len(body)))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        self.send_body(body[: server.breaks.pop(0)] if server.breaks else body)

    def send_body(self, body: bytes) -> None:
        self.server.sent.append(len(body))
        try:
            for i in range(0, len(body), 16_384):
                self.wfile.write(body[i : i + 16_384])
                self.wfile.flush()
                time.sleep(self.server.slow_s)
        except OSError:  # the client went away
            pass
        self.close_connection = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.shutdown()


def arguments(server: Server, output: Path, **changes: object) -> list[str]:
    """The options that make the script expect what the server has, unless told otherwise."""
    options = {
        "url": server.url, "zip-size": len(ZIP), "zip-sha256": hashlib.sha256(ZIP).hexdigest(),
        "text-size": len(TEXT), "text-md5": hashlib.md5(TEXT).hexdigest(), "tries": 3, "timeout": 10,
    } | {name.replace("_", "-"): value for name, value in changes.items()}  # fmt: skip
    return ["-o", str(output), *(f"--{name}={value}" for name, value in options.items())]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def one_error(capsys: pytest.CaptureFixture[str]) -> str:
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.endswith("trying again")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("fetch_text8: ")
    return lines[0]


def test_published_figures_are_the_defaults() -> None:
    options = fetch_text8.parse([])
    assert options.url == "http://mattmahoney.net/dc/text8.zip"
    assert (options.zip_size, options.text_size) == (31_344_016, 100_000_000)
    assert options.text_md5 == "3bea1919949baf155f99411df5fada7e"
    assert options.zip_sha256 == "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
    assert options.output == SCRIPT.parent.parent / "data" / "text8"


def test_text_is_fetched_checked_and_unpacked(server: Server, tmp_path: Path) -> None:
    output = tmp_path / "new" / "text8"
    assert fetch_text8.main(arguments(server, output)) == 0
    assert output.read_bytes() == TEXT
    assert files(output.parent) == ["text8"]


def test_archive_is_kept_when_asked(server: Server, tmp_path: Path) -> None:
    assert fetch_text8.main([*arguments(server, tmp_path / "text8"), "--keep-zip"]) == 0
    assert files(tmp_path) == ["text8", "text8.zip"]
    assert (tmp_path / "text8.zip").read_bytes() == ZIP


def test_second_run_finds_the_text_and_asks_nobody(server: Server, tmp_path: Path) -> None:
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert len(server.asked) == 1
    assert fetch_text8.main([*arguments(server, tmp_path / "text8"), "--force"]) == 0
    assert len(server.asked) == 2


def test_damaged_text_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "text8").write_bytes(b"x" * len(TEXT))
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert (tmp_path / "text8").read_bytes() == TEXT


def test_broken_connection_is_resumed_in_the_same_run(server: Server, tmp_path: Path) -> None:
    server.breaks = [100_000, 50_000]
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert (tmp_path / "text8").read_bytes() == TEXT
    assert [ask.get("Range") for ask in server.asked] == [None, "bytes=100000-", "bytes=150000-"]
    assert {ask.get("If-Range") for ask in server.asked[1:]} == {'"one"'}
    assert sum(server.sent) == len(ZIP)


def test_next_run_resumes_what_the_last_one_left(server: Server, tmp_path: Path, capsys) -> None:
    server.breaks = [70_000, 0, 0, 0]
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 1
    assert "70,000 bytes are kept, run again to resume" in one_error(capsys)
    assert files(tmp_path) == ["text8.zip.part", "text8.zip.part.json"]
    server.breaks = []
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert server.asked[-1]["Range"] == "bytes=70000-"
    assert files(tmp_path) == ["text8"]


def test_changed_file_is_begun_anew(server: Server, tmp_path: Path) -> None:
    server.breaks = [70_000, 0, 0, 0]
    assert fetch_text8.main(arguments(server, tmp_path / "text8", zip_size=0)) == 1
    other = bytes(reversed(TEXT))
    server.content, server.etag, server.breaks = make_zip({"text8": other}), '"two"', []
    checks = {"zip_size": 0, "zip_sha256": "", "text_md5": hashlib.md5(other).hexdigest()}
    assert fetch_text8.main(arguments(server, tmp_path / "text8", **checks)) == 0
    assert server.sent[-1] == len(server.content)
    assert (tmp_path / "text8").read_bytes() == other


def test_part_from_another_address_is_not_used(server: Server, tmp_path: Path) -> None:
    (tmp_path / "text8.zip.part").write_bytes(b"something else")
    mark = {"url": "http://example.org/text8.zip", "validator": '"one"', "total": len(ZIP)}
    (tmp_path / "text8.zip.part.json").write_text(json.dumps(mark))
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert "Range" not in server.asked[0]


@pytest.mark.parametrize("mark", ["", "[]", '{"url": 3}', "\x00{"])
def test_damaged_mark_means_a_new_start(server: Server, tmp_path: Path, mark: str) -> None:
    (tmp_path / "text8.zip.part").write_bytes(ZIP[:1000])
    (tmp_path / "text8.zip.part.json").write_text(mark)
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert "Range" not in server.asked[0]


def test_complete_part_needs_no_request(server: Server, tmp_path: Path) -> None:
    (tmp_path / "text8.zip.part").write_bytes(ZIP)
    mark = {"url": server.url, "validator": '"one"', "total": len(ZIP)}
    (tmp_path / "text8.zip.part.json").write_text(json.dumps(mark))
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert server.asked == []


def test_server_without_ranges_sends_everything_again(server: Server, tmp_path: Path) -> None:
    server.breaks, server.ranges = [90_000], False
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert server.sent == [90_000, len(ZIP)]
    assert (tmp_path / "text8").read_bytes() == TEXT


def test_server_without_validators_is_not_resumed(server: Server, tmp_path: Path) -> None:
    server.breaks, server.etag = [90_000], ""
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert [ask.get("Range") for ask in server.asked] == [None, None]


def test_weak_validator_is_not_used_for_resuming(server: Server, tmp_path: Path) -> None:
    server.breaks, server.etag = [90_000], 'W/"one"'
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert [ask.get("Range") for ask in server.asked] == [None, None]


def test_part_that_begins_elsewhere_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.breaks, server.shift = [90_000], 7
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert [ask.get("Range") for ask in server.asked] == [None, "bytes=90000-", None]


def test_server_error_is_tried_again(server: Server, tmp_path: Path) -> None:
    server.codes = [503, 500]
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert len(server.asked) == 3


def test_missing_file_fails_at_once(server: Server, tmp_path: Path, capsys) -> None:
    server.codes = [404] * 9
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 1
    assert "the server answered 404" in one_error(capsys)
    assert len(server.asked) == 1


def test_no_server_is_one_line(tmp_path: Path, server: Server, capsys) -> None:
    options = arguments(server, tmp_path / "text8", tries=2)
    server.shutdown()
    server.server_close()
    assert fetch_text8.main(options) == 1
    assert "no connection" in one_error(capsys)


def test_length_other_than_expected_is_refused_before_the_body(server: Server, tmp_path: Path, capsys) -> None:
    assert fetch_text8.main(arguments(server, tmp_path / "text8", zip_size=len(ZIP) + 1)) == 1
    assert "not the file wanted" in one_error(capsys)
    assert files(tmp_path) == []


def test_endless_answer_is_cut_off(server: Server, tmp_path: Path, capsys) -> None:
    server.content, server.length = ZIP + bytes(1_000_000), False
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 1
    assert "more than" in one_error(capsys)
    assert files(tmp_path) == []


def test_answer_without_length_is_checked_all_the_same(server: Server, tmp_path: Path) -> None:
    server.length, server.breaks = False, [60_000]
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert (tmp_path / "text8").read_bytes() == TEXT


def test_wrong_digest_of_the_archive_is_told_and_removed(server: Server, tmp_path: Path, capsys) -> None:
    assert fetch_text8.main(arguments(server, tmp_path / "text8", zip_sha256="0" * 64)) == 1
    assert "SHA-256 is" in one_error(capsys)
    assert files(tmp_path) == []


def test_wrong_digest_of_the_text_is_told_and_removed(server: Server, tmp_path: Path, capsys) -> None:
    assert fetch_text8.main(arguments(server, tmp_path / "text8", text_md5="0" * 32)) == 1
    assert "MD5 of the text is" in one_error(capsys)
    assert files(tmp_path) == []


@pytest.mark.parametrize(("size", "found"), [(399_999, "more than 399,999"), (400_001, "has 400,000 bytes")])
def test_wrong_size_of_the_text_is_told(server: Server, tmp_path: Path, capsys, size: int, found: str) -> None:
    assert fetch_text8.main(arguments(server, tmp_path / "text8", text_size=size)) == 1
    assert found in one_error(capsys)
    assert files(tmp_path) == []


def test_text_from_before_survives_a_failed_fetch(server: Server, tmp_path: Path) -> None:
    (tmp_path / "text8").write_bytes(b"from before")
    assert fetch_text8.main(arguments(server, tmp_path / "text8", text_md5="0" * 32)) == 1
    assert (tmp_path / "text8").read_bytes() == b"from before"


DAMAGED = {
    "flipped": ZIP[:2000] + bytes([ZIP[2000] ^ 0xFF]) + ZIP[2001:],
    "cut": ZIP[:-30],
    "not a zip": b"<html>moved</html>",
    "empty": b"",
    "two members": make_zip({"a": b"a", "b": b"b"}),
    "none": make_zip({}),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_archive_is_one_line_and_removed(server: Server, tmp_path: Path, capsys, kind: str) -> None:
    server.content = DAMAGED[kind]
    options = arguments(server, tmp_path / "text8", zip_size=0, zip_sha256="")
    assert fetch_text8.main(options) == 1
    assert "text8.zip" in one_error(capsys)
    assert files(tmp_path) == []


def test_damaged_archive_left_by_an_earlier_run_is_replaced_by_the_next(server: Server, tmp_path: Path, capsys) -> None:
    (tmp_path / "text8.zip").write_bytes(ZIP[:-1])
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 1
    assert "removed, run again" in one_error(capsys)
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0


def test_silent_server_times_out(server: Server, tmp_path: Path, capsys) -> None:
    server.slow_s = 2
    assert fetch_text8.main(arguments(server, tmp_path / "text8", timeout=0.2, tries=1)) == 1
    assert "kept, run again to resume" in one_error(capsys)


def test_interrupted_script_says_so_and_resumes(server: Server, tmp_path: Path) -> None:
    server.slow_s = 0.1
    command = [sys.executable, str(SCRIPT), *arguments(server, tmp_path / "text8")]
    part = tmp_path / "text8.zip.part"
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ | {"no_proxy": "*"}) as running:
        while running.poll() is None and not (part.exists() and part.stat().st_size):
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=20)
    assert running.returncode == 130
    assert told.decode().strip().splitlines()[-1] == "fetch_text8: interrupted; run again to resume"
    kept, server.slow_s = part.stat().st_size, 0.0
    assert 0 < kept < len(ZIP)
    assert fetch_text8.main(arguments(server, tmp_path / "text8")) == 0
    assert server.asked[-1]["Range"] == f"bytes={kept}-"
    assert (tmp_path / "text8").read_bytes() == TEXT


def test_unwritable_folder_is_one_line(server: Server, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert fetch_text8.main(arguments(server, tmp_path / "file" / "text8")) == 1
    assert "file" in one_error(capsys)


@pytest.mark.parametrize("wrong", [["--tries", "0"], ["--timeout", "0"], ["--zip-size", "-1"], ["--url", "ftp://x/y"]])
def test_wrong_usage_ends_with_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        fetch_text8.parse(wrong)
    assert ending.value.code == 2


def test_help_names_the_exit_codes() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, timeout=60)
    assert done.returncode == 0
    assert b"exit codes: 0 done, 1 download or check failed" in done.stdout
