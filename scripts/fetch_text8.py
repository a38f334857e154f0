#!/usr/bin/env python3
"""Download text8, the first 100,000,000 bytes of cleaned English Wikipedia, check it and unpack it.

An interrupted download is taken up where it stopped, as long as the server still has the same file.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path

from w2v.cli.progress import progress_for
from w2v.numbers import size as size_text

# Size and digests as published for the file: the archive is 31,344,016 bytes, the text in it 100,000,000.
URL = "http://mattmahoney.net/dc/text8.zip"
ZIP_SIZE = 31_344_016
ZIP_SHA256 = "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
TEXT_SIZE = 100_000_000
TEXT_MD5 = "3bea1919949baf155f99411df5fada7e"
BLOCK = 1 << 16
WAITS_S = (1, 2, 4, 8, 16)  # between tries


class FetchError(Exception):
    """The text cannot be had; the message is one line."""


class Interrupted(Exception):
    """The connection broke; what came so far is kept and the next try goes on from there."""


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Download text8 (31 MB), check it, and unpack it (100 MB). Run again to resume.",
        epilog="exit codes: 0 done, 1 download or check failed, 2 wrong usage, 130 interrupted",
    )
    default = Path(__file__).resolve().parent.parent / "data" / "text8"
    parser.add_argument(
        "-o", "--output", type=Path, default=default, metavar="FILE", help="where the text goes (default: data/text8)"
    )
    parser.add_argument("--url", default=URL, help="where the archive is (default: %(default)s)")
    parser.add_argument("--zip-size", type=int, default=ZIP_SIZE, metavar="BYTES", help="size of the archive, 0: any")
    parser.add_argument("--zip-sha256", default=ZIP_SHA256, metavar="HEX", help="SHA-256 of the archive, '': any")
    parser.add_argument("--text-size", type=int, default=TEXT_SIZE, metavar="BYTES", help="size of the text, 0: any")
    parser.add_argument("--text-md5", default=TEXT_MD5, metavar="HEX", help="MD5 of the text, '': any")
    parser.add_argument(
        "--tries", type=int, default=5, metavar="N", help="tries without progress (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=30, metavar="SECONDS", help="of one read (default: %(default)s)"
    )
    parser.add_argument("--keep-zip", action="store_true", help="keep the archive beside the text")
    parser.add_argument("--force", action="store_true", help="fetch again even if the text is there and right")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no messages but errors")
    options = parser.parse_args(arguments)
    for name in ("zip_size", "text_size"):
        if getattr(options, name) < 0:
            parser.error(f"--{name.replace('_', '-')}: {getattr(options, name)} is less than 0")
    if options.tries < 1 or not options.timeout > 0:
        parser.error("--tries must be at least 1 and --timeout more than 0")
    if not options.url.startswith(("http://", "https://")):
        parser.error(f"--url: {options.url!r} is not an http or https address")
    return options


def digest(path: Path, kind: str) -> str:
    """The digest of a file, in hexadecimal."""
    total = hashlib.new(kind, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def note(options: argparse.Namespace, message: str) -> None:
    if not options.quiet:
        print(message, file=sys.stderr)


class Download:
    """A file that grows from one try to the next: FILE.zip.part, and beside it what the server said of it."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.zip = options.output.with_name(options.output.name + ".zip")
        self.part = self.zip.with_name(self.zip.name + ".part")
        self.mark = self.zip.with_name(self.zip.name + ".part.json")

    def read_mark(self) -> dict:
        """URL, validator and total size of the part on disk; {} if it is not known to belong to this URL."""
        try:
            mark = json.loads(self.mark.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return mark if isinstance(mark, dict) and mark.get("url") == self.options.url else {}

    def discard(self) -> None:
        for path in (self.part, self.mark):
            path.unlink(missing_ok=True)

    def resume_from(self, mark: dict) -> int:
        """How much of the part can be trusted: nothing without a validator to hand back to the server."""
        if not (mark.get("validator") and self.part.exists()):
            return 0
        size = self.part.stat().st_size
        return size if size <= (mark.get("total") or size) else 0

    def run(self) -> Path:
        """Fetch until the archive is whole; FetchError when `tries` in a row brought nothing new."""
        failures = 0
        while True:
            before = self.part.stat().st_size if self.part.exists() else 0
            try:
                self.attempt()
                break
            except Interrupted as error:
                grown = self.part.exists() and self.part.stat().st_size > before
                failures = 1 if grown else failures + 1
                if failures >= self.options.tries:
                    have = self.part.stat().st_size if self.part.exists() else 0
                    raise FetchError(
                        f"{self.options.url}: {error}; {have:,} bytes are kept, run again to resume"
                    ) from None
                note(self.options, f"fetch_text8: {error}; trying again")
                time.sleep(WAITS_S[min(failures, len(WAITS_S)) - 1])
        os.replace(self.part, self.zip)
        self.mark.unlink(missing_ok=True)
        return self.zip

    def attempt(self) -> None:
        mark = self.read_mark()
        start = self.resume_from(mark)
        if start and start == mark.get("total"):
            return
        headers = {"User-Agent": "w2v-fetch-text8", "Accept-Encoding": "identity"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": mark["validator"]}
        try:
            request = urllib.request.Request(self.options.url, headers=headers)
            with urllib.request.urlopen(request, timeout=self.options.timeout) as response:
                self.receive(response, start)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # the part is longer than the file: not the same file
                self.discard()
            elif error.code < 500 and error.code not in (408, 425, 429):
                raise FetchError(f"{self.options.url}: the server answered {error.code} {error.reason}") from None
            raise Interrupted(f"the server answered {error.code} {error.reason}") from None
        except urllib.error.URLError as error:
            raise Interrupted(f"no connection ({error.reason})") from None
        except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise Interrupted(f"the connection broke ({type(error).__name__})") from None

    def receive(self, response: http.client.HTTPResponse, start: int) -> None:
        """Append what comes, or begin anew where the server sends the whole file."""
        if response.status == 206:
            unit, _, span = response.headers.get("Content-Range", "").partition(" ")
            first, _, total_text = span.replace("/", "-", 1).partition("-")
            if unit != "bytes" or first != str(start):
                self.discard()
                raise Interrupted("the server sent another part than the one asked for")
            total = int(total_text.rpartition("-")[2]) if total_text.rpartition("-")[2].isdigit() else 0
        else:
            start = 0
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else 0
        expected = self.options.zip_size
        if expected and total and total != expected:
            self.discard()
            raise FetchError(
                f"{self.options.url}: {total:,} bytes on the server, {expected:,} expected; not the file wanted"
            )
        if start == 0:
            self.part.unlink(missing_ok=True)
        etag = response.headers.get("ETag", "")  # a weak one (W/) must not be used in If-Range: RFC 9110, 13.1.5
        validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        self.mark.write_text(json.dumps({"url": self.options.url, "validator": validator, "total": total or expected}))
        self.copy(response, start, total or expected)

    def copy(self, response: http.client.HTTPResponse, start: int, total: int) -> None:
        have = start
        with progress_for(self.options.quiet) as progress, open(self.part, "ab") as out:
            while block := response.read(BLOCK):
                out.write(block)
                have += len(block)
                progress.work("text8.zip", have, total, size_text(have))
                if total and have > total:
                    break
        if total and have > total:
            self.discard()
            raise FetchError(f"{self.options.url}: more than the {total:,} bytes announced")
        if total and have < total:
            raise Interrupted(f"the connection ended after {have:,} of {total:,} bytes")


def check_zip(path: Path, options: argparse.Namespace) -> None:
    size = path.stat().st_size
    if options.zip_size and size != options.zip_size:
        raise FetchError(f"{path}: {size:,} bytes, {options.zip_size:,} expected; removed, run again")
    if options.zip_sha256:
        found = digest(path, "sha256")
        if found != options.zip_sha256.lower():
            raise FetchError(f"{path}: SHA-256 is {found}, {options.zip_sha256} expected; removed, run again")


def unpack(path: Path, options: argparse.Namespace) -> None:
    """The one member of the archive to the output file, checked before it gets its name."""
    part = options.output.with_name(options.output.name + ".part")
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise FetchError(f"{path}: {len(members)} files in the archive, 1 expected")
            copy_member(archive, members[0], part, options)
        os.replace(part, options.output)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FetchError(f"{path}: not a sound archive ({error}); removed, run again") from None
    finally:
        part.unlink(missing_ok=True)


def copy_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, part: Path, options: argparse.Namespace) -> None:
    size, total = 0, hashlib.md5(usedforsecurity=False)
    limit = options.text_size or member.file_size
    progress = progress_for(options.quiet)
    with progress, archive.open(member) as text, open(part, "wb") as out:
        while block := text.read(1 << 20):
            size += len(block)
            if size > limit:
                raise FetchError(f"{archive.filename}: the text has more than {limit:,} bytes; removed, run again")
            total.update(block)
            out.write(block)
            progress.work(options.output.name, size, member.file_size, size_text(size))
    if options.text_size and size != options.text_size:
        raise FetchError(
            f"{archive.filename}: the text has {size:,} bytes, {options.text_size:,} expected; removed, run again"
        )
    if options.text_md5 and total.hexdigest() != options.text_md5.lower():
        raise FetchError(
            f"{archive.filename}: MD5 of the text is {total.hexdigest()}, {options.text_md5} expected; "
            "removed, run again"
        )


def is_there(options: argparse.Namespace) -> bool:
    """Whether the text was fetched before; without a size or digest to go by, it is fetched again."""
    path = options.output
    if options.force or not path.is_file() or not (options.text_size or options.text_md5):
        return False
    if options.text_size and path.stat().st_size != options.text_size:
        return False
    return not options.text_md5 or digest(path, "md5") == options.text_md5.lower()


def fetch(options: argparse.Namespace) -> None:
    if is_there(options):
        note(options, f"{options.output}: already there, nothing to do")
        return
    options.output.parent.mkdir(parents=True, exist_ok=True)
    download = Download(options)
    path = download.zip if download.zip.is_file() and not options.force else download.run()
    try:
        check_zip(path, options)
        unpack(path, options)
    except FetchError:
        path.unlink(missing_ok=True)
        raise
    if not options.keep_zip:
        path.unlink()
    note(options, f"{options.output}: {options.output.stat().st_size:,} bytes, checked")


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        fetch(options)
    except FetchError as error:
        print(f"fetch_text8: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"fetch_text8: {error.filename or options.output}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            print("\nfetch_text8: interrupted; run again to resume", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
