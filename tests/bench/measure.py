"""Runs the measurements and prints the table. Called by run.sh."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from statistics import median

from daemon import Daemon, Peer, cpu_seconds

SIZES = {
    "quick": dict(jobs=2000, runs=3, in_flight=(64, 256, 1000), drops=100, large_mib=256,
                  waiting=20_000, finished=40_000, idle=15),
    "full": dict(jobs=4000, runs=5, in_flight=(64, 256, 1000), drops=200, large_mib=512,
                 waiting=100_000, finished=200_000, idle=60),
}


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


class Bench:
    def __init__(self, programs, size):
        self.programs, self.size = programs, size
        self.root = tempfile.mkdtemp(prefix="reeld-bench-")
        self.peer = Peer(programs, size["large_mib"])
        self.rows = []
        self.folders = 0
        self.finished_folder = None

    def close(self):
        self.peer.stop()
        shutil.rmtree(self.root)

    def daemon(self, concurrency=1):
        self.folders += 1
        return Daemon(self.programs, f"{self.root}/{self.folders}", self.peer, concurrency)

    def row(self, what, value, remark=""):
        self.rows.append((what, value, remark))
        print(f"  {what}: {value}  {remark}", file=sys.stderr, flush=True)

    # Whole jobs: submit, signed webhook, download, every step durable.

    def one_night(self, in_flight):
        jobs = self.size["jobs"]
        daemon = self.daemon()
        daemon.start()
        daemon.close_gate()
        inserted = daemon.submit("film", jobs, "night")
        cpu, peer_cpu = daemon.cpu(), cpu_seconds(self.peer.process.pid)
        begun = time.time()
        daemon.reload(min(in_flight + 1, 1000))
        daemon.wait_for("completed", jobs, pause=0.1)
        cpu = daemon.cpu() - cpu
        peer_cpu = cpu_seconds(self.peer.process.pid) - peer_cpu
        rss = daemon.rss()
        ended = daemon.ask("SELECT max(finished_at) FROM jobs")[0] / 1000
        daemon.stop()
        size = daemon.database_bytes() / jobs
        # Kept until the end: ext4 looks at every inode freed in the last minutes before it makes a
        # new file, which would be counted as the next night's.
        self.finished_folder = daemon.folder
        return dict(rate=jobs / (ended - begun), cpu=cpu / jobs * 1e6, rss=rss, bytes=size,
                    inserted=inserted, peer_cpu=peer_cpu / jobs * 1e6)

    def jobs(self):
        for in_flight in self.size["in_flight"]:
            nights = [self.one_night(in_flight) for _ in range(self.size["runs"])]
            mid = {key: median(night[key] for night in nights) for key in nights[0]}
            rates = sorted(night["rate"] for night in nights)
            self.row(f"whole jobs, {in_flight} in flight", f"{mid['rate']:.0f} jobs/s",
                     f"{rates[0]:.0f} to {rates[-1]:.0f}; CPU {mid['cpu']:.0f} µs a job "
                     f"(peer {mid['peer_cpu']:.0f}), RSS {mid['rss']:.0f} MiB")
        self.row("database per finished job", f"{mid['bytes']:.0f} bytes")
        self.row("jobs inserted over the socket", f"{mid['inserted']:.0f} jobs/s",
                 "arrays of 1,000")

    # How long until the peer has the POST.

    def latency(self):
        daemon = self.daemon(concurrency=64)
        daemon.start()
        self.peer.get("/_bench/arrivals")
        inbox = sqlite3.connect(f"{daemon.folder}/state/inbox.db", isolation_level=None)
        sent = {}
        for i in range(self.size["drops"]):
            prompt = f"row-{i}"
            inbox.execute("INSERT INTO jobs (model, input, unchecked) VALUES "
                          "('fal-ai/bench/timed', json_object('prompt', ?), 1)", (prompt,))
            sent[prompt] = time.monotonic_ns()
            time.sleep(0.03)
        for i in range(self.size["drops"]):
            prompt = f"call-{i}"
            sent[prompt] = time.monotonic_ns()
            daemon.call("POST", "/v1/jobs", '{"model": "fal-ai/bench/timed", "unchecked": true, '
                        f'"input": {{"prompt": "{prompt}"}}}}')
            time.sleep(0.03)
        daemon.wait_for("completed", len(sent))
        inbox.close()
        daemon.stop()
        arrived = self.peer.get("/_bench/arrivals")
        for kind, what in (("row", "inbox row committed, until its POST"),
                           ("call", "socket call begun, until its POST")):
            waits = [(arrived[prompt] - at) / 1e6 for prompt, at in sent.items()
                     if prompt.startswith(kind)]
            self.row(what, f"{percentile(waits, 0.5):.1f} ms",
                     f"p99 {percentile(waits, 0.99):.1f} ms of {len(waits)}")

    # One large file, beside curl.

    def curl(self):
        target = f"{self.root}/curl.mp4"
        begun = time.monotonic()
        before = os.times()
        subprocess.run(["curl", "-sS", "-o", target, f"http://{self.peer.address}/large.mp4"],
                       check=True)
        after = os.times()
        seconds = time.monotonic() - begun
        cpu = (after.children_user + after.children_system
               - before.children_user - before.children_system)
        os.remove(target)
        return seconds, cpu

    def fetch(self, daemon, run):
        cpu = daemon.cpu()
        daemon.submit("large", 1, f"large-{run}")
        daemon.wait_for("completed", run + 1, pause=0.05)
        cpu = daemon.cpu() - cpu
        begun, ended = daemon.ask(
            "SELECT min(e.happened_at), max(e.happened_at) FROM events AS e JOIN jobs AS j "
            f"ON j.seq = e.job_seq WHERE j.batch = 'large-{run}' "
            "AND (e.to_state = 'fetching' OR e.to_state = 'completed')")
        path = daemon.ask("SELECT path FROM outputs ORDER BY job_seq DESC LIMIT 1")[0]
        os.remove(path)
        return (ended - begun) / 1000, cpu

    def download(self):
        mib = self.size["large_mib"]
        daemon = self.daemon(concurrency=8)
        daemon.start()
        ours, theirs = [], []
        for run in range(self.size["runs"]):
            theirs.append(self.curl())
            ours.append(self.fetch(daemon, run))
        daemon.stop()
        seconds = [median(run[0] for run in runs) for runs in (ours, theirs)]
        cpu = [median(run[1] for run in runs) / mib * 1024 for runs in (ours, theirs)]
        self.row(f"download of {mib} MiB", f"{mib / seconds[0]:.0f} MiB/s",
                 f"with SHA-256, check and fsync; CPU {cpu[0]:.2f} s a GiB")
        self.row("the same with curl", f"{mib / seconds[1]:.0f} MiB/s",
                 f"without; CPU {cpu[1]:.2f} s a GiB; ratio {seconds[1] / seconds[0]:.2f}")

    # What waiting costs.

    def idle_cost(self, daemon):
        time.sleep(2)
        cpu = daemon.cpu()
        time.sleep(self.size["idle"])
        return (daemon.cpu() - cpu) * 60 / self.size["idle"]

    def pile(self):
        waiting = self.size["waiting"]
        daemon = self.daemon(concurrency=1000)
        daemon.start()
        self.row("RSS, nothing to do", f"{daemon.rss():.0f} MiB")
        self.row("CPU, nothing to do", f"{self.idle_cost(daemon):.2f} s a minute")
        daemon.submit("never", waiting + 1000, "pile")
        daemon.wait_for("submitted", 1000)
        self.row(f"RSS, {waiting} waiting and 1,000 in flight", f"{daemon.rss():.0f} MiB")
        self.row("CPU, the same pile behind a closed gate",
                 f"{self.idle_cost(daemon):.2f} s a minute")
        daemon.stop()

    # Starting over a large history.

    def multiply(self, daemon, times):
        """Copies every finished job with all of its rows, `times` times."""
        database = sqlite3.connect(f"{daemon.folder}/state/reel.db", isolation_level=None)
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        keys = {"jobs": "seq", "evidence": "id", "events": "id", "attempts": None, "outputs": None}
        most = {table: database.execute(f"SELECT max({key}) FROM {table}").fetchone()[0]
                for table, key in keys.items() if key}
        for table, key in keys.items():
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            for copy in range(1, times + 1):
                shifted = {"job_seq": f"job_seq + {copy * most['jobs']}",
                           "evidence": f"evidence + {copy * most['evidence']}",
                           "token": f"token || {copy}", "path": f"path || {copy}"}
                if table == "jobs":
                    shifted["id"] = f"id || '-' || {copy}"
                if key:
                    shifted[key] = f"{key} + {copy * most[table]}"
                mine = "seq" if table == "jobs" else "job_seq"
                database.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) "
                    f"SELECT {', '.join(shifted.get(c, c) for c in columns)} FROM {table} "
                    f"WHERE {mine} IN (SELECT seq FROM jobs WHERE state = 'completed' "
                    f"AND seq <= {most['jobs']})"
                    + (f" AND {key} <= {most[table]}" if key else ""))
        database.execute("COMMIT")
        database.close()

    def start(self):
        if self.finished_folder is None:
            self.one_night(256)
        finished, waiting = self.size["finished"], self.size["waiting"]
        daemon = Daemon(self.programs, self.finished_folder, self.peer)
        self.multiply(daemon, finished // self.size["jobs"] - 1)
        daemon.start()
        daemon.submit("film", waiting, "start")
        daemon.stop()
        size = daemon.database_bytes() / 2**20
        times = []
        for _ in range(self.size["runs"]):
            times.append(daemon.start())
            rss = daemon.rss()
            daemon.stop()
        self.row(f"start with {waiting} waiting, {finished} finished",
                 f"{median(times):.2f} s",
                 f"until the socket answers; {size:.0f} MiB database in the page cache, "
                 f"RSS {rss:.0f} MiB")


def main():
    programs, *words = sys.argv[1:]
    sections = ("jobs", "latency", "download", "pile", "start")
    kind = words.pop(0) if words and words[0] in SIZES else "quick"
    wrong = [word for word in words if word not in sections]
    if wrong:
        sys.exit(f"usage: run.sh [quick|full] [{'|'.join(sections)}]…")
    bench = Bench(programs, SIZES[kind])
    try:
        for section in words or sections:
            getattr(bench, section)()
    finally:
        bench.close()
    width = max(len(row[0]) for row in bench.rows)
    print(f"\n{kind}, medians; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    for what, value, remark in bench.rows:
        print(f"{what:<{width}}  {value:>14}  {remark}")


main()
