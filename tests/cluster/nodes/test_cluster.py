"""Two nodes on this machine: from the user's command, or from the library, to vectors."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest

import w2v as library
from w2v.cluster.run import ClusterOptions, ClusterTrainer
from w2v.corpus.config import CorpusConfig
from w2v.errors import CorpusError, TrainingError
from w2v.training.config import TrainConfig

SMALL = 16_000  # bytes of a chunk


def train(path, address, config, sync_every_s=0.2, **options):
    options = ClusterOptions(address, sync_every_s, chunk_bytes=SMALL, **options)
    with ClusterTrainer([path], CorpusConfig(), config, options) as run:
        run.read()
        return run, run.train()


def test_two_nodes_train_every_token_once_an_epoch_and_agree(two_nodes, text):
    config = TrainConfig(dim=16, epochs=8, threads=1)
    run, result = train(text, two_nodes.address, config)
    summary = result.summary
    assert (summary.nodes, summary.threads) == (2, 2)
    assert summary.tokens_total == 8 * run.token_counts.kept == summary.trained + summary.subsampled + summary.alone
    assert run.token_counts.read == len(text.read_bytes().split())
    assert run.token_counts.sentences == 8000
    assert summary.exchanges >= 1
    # All rows of both matrices, at least once, from each of the two nodes to the other and back.
    assert summary.bytes_exchanged >= 2 * 2 * len(result.vectors) * 16 * 2
    best = [word for word, _ in result.vectors.most_similar("w7_0", topn=4)]
    assert all(word.startswith("w7_") for word in best)
    assert len(summary.epoch_losses) == 8
    assert summary.epoch_losses[-1] < summary.epoch_losses[0]


def test_the_command_tells_of_nodes_and_bytes(program, two_nodes, text, tmp_path):
    done = subprocess.run(
        [program, "train", text, "-o", "v.bin", "--cluster", two_nodes.address, "-t", "1", "-d", "16", "-e", "4"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={name: value for name, value in os.environ.items() if name != "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert all(line.startswith("w2v: ") for line in lines), done.stderr
    assert any(line.startswith("w2v: 2 nodes, ") and "exchanged" in line for line in lines), done.stderr
    assert lines[-1] == f"w2v: v.bin: {len(library.load(tmp_path / 'v.bin'))} words x 16"
    assert not (tmp_path / "v.bin.checkpoint").exists()


def test_a_missing_file_and_a_corpus_without_words_are_said_as_on_one_machine(two_nodes, tmp_path):
    with pytest.raises(FileNotFoundError):
        train(tmp_path / "absent.txt", two_nodes.address, TrainConfig())
    (tmp_path / "few.txt").write_text("a b c\n")
    with pytest.raises(CorpusError, match="no word occurs 5 times"):
        train(tmp_path / "few.txt", two_nodes.address, TrainConfig())


def test_without_the_extra_one_line_says_what_to_install(tmp_path, text):
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "from w2v.cli.main import run\n"
        f"sys.exit(run(['train', {str(text)!r}, '-o', 'v.bin', '--cluster', 'auto']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "w2v: error: --cluster: Ray is not installed: pip install 'w2v[cluster]'\n"
    assert list(tmp_path.iterdir()) == []


def test_training_without_a_cluster_imports_nothing_of_ray(tmp_path, text):
    code = (
        "import sys\nfrom w2v.cli.main import run\n"
        f"code = run(['train', {str(text)!r}, '-o', 'v.bin', '-q', '-e', '1', '-d', '8'])\n"
        "loaded = [m for m in sys.modules if m.startswith(('ray.', 'fsspec', 'w2v.cluster'))]\n"
        "assert not loaded, loaded\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--cluster", "here"], "neither auto nor HOST:PORT"),
        (["--cluster", "here:65536"], "neither auto nor HOST:PORT"),
        (["--cluster", "auto", "--sync-every", "0"], "--sync-every: more than 0 is needed"),
        (["--cluster", "auto", "--held-out", "1%"], "--held-out: not with --cluster"),
    ],
)
def test_what_does_not_go_with_a_cluster_is_refused_at_the_start(program, tmp_path, text, args, said):
    done = subprocess.run([program, "train", text, "-o", "v.bin", *args], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (None, "no cluster answers there (Connection refused)"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there is not a Ray cluster"),
        (b"", "what answers there is not a Ray cluster"),
    ],
)
def test_a_wrong_address_is_one_line(program, tmp_path, text, reply, said):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'w2v[cluster]'")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        if reply is None:
            server.close()
        else:
            threading.Thread(target=answer_once, args=(server, reply), daemon=True).start()
        done = subprocess.run(
            [program, "train", text, "-o", "v.bin", "--cluster", address],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"w2v: error: --cluster {address}: {said}")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def answer_once(server, reply):
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(reply)


# One call of each service behind which there is data or work: no other is needed to read or to run anything.
CALLS = (
    "NodeInfoGcsService/CheckAlive",
    "InternalKVGcsService/InternalKVGet",
    "NodeManagerService/RequestWorkerLease",
    "ObjectManagerService/Push",
    "ObjectManagerService/Pull",
    "CoreWorkerService/PushTask",
    "CoreWorkerService/GetObjectStatus",
)
REFUSED, UNKNOWN = 16, 12  # gRPC's status codes


def test_every_port_listens_on_loopback_and_refuses_calls_without_the_token(two_nodes):
    psutil = pytest.importorskip("psutil")
    from w2v.cluster.authentication import grpc_status

    ports = {}
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        for connection in process.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip.removeprefix("::ffff:") == "127.0.0.1"
                ports[connection.laddr.port] = process.name()
    refused = set()
    for port, name in ports.items():
        for token in (None, "0" * 64):
            try:
                answers = {call: grpc_status(f"127.0.0.1:{port}", token, f"/ray.rpc.{call}") for call in CALLS}
            except TrainingError:  # it does not speak gRPC
                request = urllib.request.Request(f"http://127.0.0.1:{port}/get_or_create_runtime_env", data=b"")
                with pytest.raises(urllib.error.HTTPError, match="401"):
                    urllib.request.urlopen(request)
                continue
            assert set(answers.values()) <= {REFUSED, UNKNOWN}, (name, answers)
            refused |= {call for call, answer in answers.items() if answer == REFUSED}
    assert refused == set(CALLS)


def test_ray_itself_gets_in_only_with_the_token(two_nodes):
    code = "import ray, sys; ray.init(address=sys.argv[1], logging_level='ERROR'); print(ray.get(ray.put('in')))"
    with_token = {**os.environ, "RAY_NUM_REDIS_GET_RETRIES": "1"}
    without = {name: value for name, value in with_token.items() if name != "RAY_AUTH_TOKEN"}
    tried = [
        subprocess.Popen(
            [sys.executable, "-c", code, two_nodes.address], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for env in (with_token, {**without, "RAY_AUTH_MODE": "disabled"}, {**without, "RAY_AUTH_TOKEN": "0" * 64})
    ]
    said = [process.communicate(timeout=120)[0] for process in tried]
    assert [process.returncode for process in tried] == [0, 1, 1]
    assert said == [b"in\n", b"", b""]


def test_a_wrong_token_is_one_line(program, two_nodes, text, tmp_path):
    done = subprocess.run(
        [program, "train", text, "-o", "v.bin", "--cluster", two_nodes.address],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "RAY_AUTH_TOKEN": "0" * 64},
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"w2v: error: --cluster {two_nodes.address}: it refuses the token in RAY_AUTH_TOKEN; give the one that its head"
        " node has\n"
    )
    assert list(tmp_path.iterdir()) == []
