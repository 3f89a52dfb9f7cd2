"""What holds while containers are killed and restarted under a run."""

import json
import subprocess
import time
import urllib.parse
import urllib.request

from engine import ROOT, compose
from platform_ import books, holds, until


def test_platform(platform):
    """From outside, in its own words; it starts Compose's own target."""
    done = subprocess.run([ROOT / "test-platform.sh", platform.url], capture_output=True, text=True)
    print("  | " + done.stdout.strip().replace("\n", "\n  | "), flush=True)
    holds("test-platform.sh passes", done.returncode == 0, done.stderr[-500:])


def health(platform):
    """Each container's own check, and that docker-compose shows it."""
    for service in ("controller", "worker", "redis", "mongo"):
        for container in platform.engine.of(service):
            until(30, lambda it=container: platform.engine.is_well(it), f"{service} is healthy")
    shown = compose("ps")
    healthy = sum("(healthy)" in line for line in shown.splitlines())
    holds("docker-compose ps shows all of them healthy", healthy == 8, f"{healthy} lines")


def monitoring(platform, port):
    """Prometheus finds the controller and every worker, and reads them without a token."""
    compose("--profile", "monitoring", "up", "-d", "--no-build", "--no-deps", "prometheus")

    def ask(query):
        try:
            url = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
            return json.loads(urllib.request.urlopen(url, timeout=5).read())["data"]["result"]
        except OSError:
            return []

    up = until(60, lambda: len(it := ask("up == 1")) == 6 and it, "Prometheus reads six listeners")
    jobs = sorted(it["metric"]["job"] for it in up)
    holds("Prometheus reads the controller and five workers", jobs.count("loadtest-worker") == 5, jobs)
    ready = ask("sum(loadtest_worker_ready)")
    holds("and says that five workers are ready", ready and ready[0]["value"][1] == "5", ready)
    requests = until(30, lambda: ask("loadtest_requests_total"), "requests are counted")
    holds("and how many requests there were", float(requests[0]["value"][1]) > 0, requests[0]["value"][1])


def faults(platform, counted):
    """A worker killed, the controller's restarted, Redis restarted, in the middle of one run."""
    counted.reset()
    run = platform.post("faults", 30, 500, 5)
    platform.running(run)
    begun = time.monotonic()
    plan = [
        (4, "a worker is killed", lambda: subprocess.run(
            ["podman", "kill", "-s", "KILL", platform.engine.of("worker")[0]], check=True, capture_output=True)),
        (9, "the controller is killed and started", lambda: restart("controller")),
        (17, "Redis is killed and started", lambda: restart("redis")),
    ]
    for at, what, act in plan:
        time.sleep(max(0, begun + at - time.monotonic()))
        act()
        print(f"  at {time.monotonic() - begun:.1f} s: {what}", flush=True)
    platform.ready()
    books("faults", platform.end_of(run, 120), 15_000, counted.count(), worker_lost=True)


def faults_without_loss(platform, counted):
    """The same without a worker's death: not one request is in doubt."""
    platform.up(5)
    counted.reset()
    run = platform.post("faults without a loss", 20, 500, 5)
    platform.running(run)
    time.sleep(4)
    restart("controller")
    time.sleep(3)
    restart("redis")
    platform.ready()
    books("faults without a loss", platform.end_of(run, 120), 10_000, counted.count())


def restart(service):
    """As after a crash: SIGKILL, then a start."""
    container = compose("ps", "-q", service).split()[0]
    subprocess.run(["podman", "kill", "-s", "KILL", container], check=True, capture_output=True)
    subprocess.run(["podman", "start", container], check=True, capture_output=True)


def down(platform, counted):
    """`down` in the middle of a run is short, and after `up` the run has lost nothing."""
    counted.reset()
    run = platform.post("down", 12, 400, 5)
    platform.running(run)
    time.sleep(4)
    begun = time.monotonic()
    compose("--profile", "monitoring", "--profile", "target", "down")
    took = time.monotonic() - begun
    holds("docker-compose down ends in 15 s", took < 15, f"{took:.1f} s")
    platform.up(5)
    books("down", platform.end_of(run, 120), 4_800, counted.count())
