"""The programs under measurement: a peer, and a reeld with a real configuration and real sockets."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")

CONFIG = """
[paths]
state   = "{folder}/state"
outputs = "{folder}/outputs"
socket  = "{folder}/reeld.sock"
[webhook]
listen     = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
[providers.fal]
queue_url    = "http://{peer}"
rest_url     = "http://{peer}"
platform_url = "http://{peer}/v1"
concurrency  = {concurrency}
requests_per_minute = 60000
poll_interval = "1h"
[downloads]
concurrency   = 64
allowed_hosts = ["{peer}"]
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("reeld", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of all threads."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_mib(pid, name="VmRSS"):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {name} of process {pid}")


class Peer:
    def __init__(self, programs, large_mib):
        self.process = subprocess.Popen(
            [f"{programs}/peer_bench", str(large_mib)], stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def get(self, path):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Daemon:
    """A reeld over one folder; may be stopped and started again."""

    def __init__(self, programs, folder, peer, concurrency=1):
        self.programs, self.folder, self.peer = programs, folder, peer
        self.port = free_port()
        self.socket = f"{folder}/reeld.sock"
        os.makedirs(folder, exist_ok=True)
        self.configure(concurrency)
        self.process = None

    def configure(self, concurrency):
        with open(f"{self.folder}/reeld.toml", "w") as file:
            file.write(CONFIG.format(folder=self.folder, port=self.port, peer=self.peer.address,
                                     concurrency=concurrency))

    def start(self):
        """Returns the seconds until the socket answered."""
        begun = time.monotonic()
        log = open(f"{self.folder}/reeld.log", "a")
        self.process = subprocess.Popen(
            [f"{self.programs}/reeld", "--config", f"{self.folder}/reeld.toml"],
            stderr=log, env={**os.environ, "FAL_KEY": "bench:key"})
        log.close()
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"reeld ended at once; see {self.folder}/reeld.log")
            try:
                self.connection = UnixConnection(self.socket)
                self.get("/v1/status")
                return time.monotonic() - begun
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.002)

    def stop(self):
        if self.process is None:
            return
        self.connection.close()
        self.process.terminate()
        self.process.wait()
        self.process = None

    def reload(self, concurrency):
        self.configure(concurrency)
        self.process.send_signal(signal.SIGHUP)

    def call(self, method, path, body=None):
        self.connection.request(method, path, body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {answer}")
        return answer

    def get(self, path):
        return self.call("GET", path)

    def count(self, state):
        return self.get("/v1/status")["counts"][state]

    def wait_for(self, state, count, timeout=300, pause=0.02):
        ends = time.monotonic() + timeout
        while self.count(state) < count:
            if time.monotonic() > ends:
                raise RuntimeError(f"not {count} jobs {state} in {timeout} s: "
                                   f"{self.get('/v1/status')['counts']}")
            time.sleep(pause)

    def submit(self, kind, count, prefix):
        """Arrays of 1,000 over the socket; returns jobs per second."""
        begun = time.monotonic()
        for first in range(0, count, 1000):
            jobs = [{"id": f"{prefix}-{i}", "model": f"fal-ai/bench/{kind}", "batch": prefix,
                     "unchecked": True,
                     "input": {"prompt": f"{prefix}-{i}: waves roll in at dusk, seen from a pier",
                               "duration": 6, "prompt_optimizer": True}}
                    for i in range(first, min(first + 1000, count))]
            self.call("POST", "/v1/jobs", json.dumps(jobs))
        return count / (time.monotonic() - begun)

    def close_gate(self):
        """With a concurrency of 1, one job that never ends keeps all others waiting."""
        self.submit("never", 1, "gate")
        self.wait_for("submitted", 1)

    def cpu(self):
        return cpu_seconds(self.process.pid)

    def rss(self):
        return memory_mib(self.process.pid)

    def ask(self, sql):
        database = sqlite3.connect(f"file:{self.folder}/state/reel.db?mode=ro", uri=True)
        try:
            return database.execute(sql).fetchone()
        finally:
            database.close()

    def database_bytes(self):
        """Of a stopped daemon, with all of the WAL moved into the database."""
        path = f"{self.folder}/state/reel.db"
        database = sqlite3.connect(path)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return os.path.getsize(path)
