"""The command in forks of one process that has imported it: starting Python, NumPy and w2v is most of what a short call
takes. From there on a fork is what the program is, to the end of the interpreter."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

USED = ("numpy.ma", "w2v.cli.job", "w2v.training.train", "w2v.vectors.files.check", "w2v.seeing.lists")


def serve(requests: socket.socket) -> list[str]:
    """Fork for each request until there are no more; what the fork is called with is returned in it."""
    from w2v.cli.main import cli

    for name in cli.list_commands(None):
        cli.get_command(None, name)
    for name in USED:  # by many of them, and imported then
        import_module(name)
    del os.environ["OPENBLAS_NUM_THREADS"]
    gc.freeze()  # or each fork would copy the pages of all objects to look at them
    while True:
        data, streams, *_ = socket.recv_fds(requests, 1 << 20, 3)
        if not data:
            os._exit(0)
        child = os.fork()
        if child == 0:
            break
        for stream in streams:
            os.close(stream)
        requests.send(b"%d" % child)
        requests.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    requests.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    folder, *args = json.loads(data)
    os.chdir(folder)
    return args


class Forks:
    """The process that forks. It runs one call at a time."""

    def __init__(self, program: str, environment: dict[str, str]):
        self.requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Without threads of OpenBLAS, which a fork would not have; with pipes as standard streams, as each call has.
        self.process = subprocess.Popen(
            [sys.executable, __file__, program, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**environment, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        theirs.close()

    def close(self) -> None:
        self.requests.close()
        self.process.communicate()

    def call(self, args: list[str | bytes], data: bytes, folder: str, timeout: int) -> subprocess.CompletedProcess:
        """As `subprocess.run` calls the program."""
        (stdin, feed), (out, stdout), (err, stderr) = os.pipe(), os.pipe(), os.pipe()
        message = json.dumps([folder, *map(os.fsdecode, args)]).encode()
        socket.send_fds(self.requests, [message], [stdin, stdout, stderr])
        for end in (stdin, stdout, stderr):
            os.close(end)
        with open(feed, "wb") as source, open(out, "rb") as output, open(err, "rb") as errors:

            def write() -> None:
                try:
                    with source:
                        source.write(data)
                except BrokenPipeError:  # it does not read its input
                    pass

            with ThreadPoolExecutor(3) as streams:
                _, *read = [streams.submit(task) for task in (write, output.read, errors.read)]
                self.requests.settimeout(timeout)
                child = int(self.requests.recv(32))
                try:
                    code = int(self.requests.recv(32))
                except TimeoutError:
                    os.kill(child, signal.SIGKILL)
                    self.requests.recv(32)
                    raise subprocess.TimeoutExpired(args, timeout) from None
                return subprocess.CompletedProcess(args, code, *(task.result() for task in read))


if __name__ == "__main__":
    program = sys.argv[1]
    sys.path[0] = os.path.dirname(program)  # as in the program
    sys.argv = [program, *serve(socket.socket(fileno=int(sys.argv[2])))]
    from w2v.__main__ import main

    main()
