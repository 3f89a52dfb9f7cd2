"""Images and containers without a Docker engine: podman with a storage of its own, and stand-ins.

Where no container registry is reached, everything still runs for real: a base image is made by
debootstrap and carries the name that the Dockerfile's FROM says; servers are Debian's, or PyPI's,
under the names that the Compose file says (the Dockerfiles beside this file).
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
BASE = "docker.io/library/debian:bookworm-slim"
STAND_INS = {
    "docker.io/library/redis:7": "redis.Dockerfile",
    "docker.io/library/mongo:7": "mongo.Dockerfile",
    "docker.io/prom/prometheus:v2.53.3": "prometheus.Dockerfile",
}
RUST = "docker.io/library/rust:1.95-slim-bookworm"
PACKAGES = ("podman buildah runc netavark aardvark-dns fuse-overlayfs iptables debootstrap "
            "docker-compose curl ca-certificates").split()
IMAGES = {"controller": "loadtest-controller", "worker": "loadtest-worker", "target": "loadtest-target"}
NETWORK = "loadcore-trial"
PROJECT = "loadcore-trial"
CA = "/etc/ssl/certs/ca-certificates.crt"

CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile={nofile}:{nofile}", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{folder}/tmp"
[network]
network_config_dir = "{folder}/networks"
"""
STORAGE_CONF = """
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


class Engine:
    """podman with files of its own, and its API on a socket, which docker-compose speaks with."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.service = None
        self.settings()

    def settings(self):
        nofile = min(20_000, int(subprocess.check_output(["sh", "-c", "ulimit -Hn"])))
        (self.folder / "containers.conf").write_text(CONTAINERS_CONF.format(folder=self.folder, nofile=nofile))
        (self.folder / "storage.conf").write_text(STORAGE_CONF.format(folder=self.folder))
        self.socket = self.folder / "podman.sock"
        os.environ.update(
            CONTAINERS_CONF=str(self.folder / "containers.conf"),
            CONTAINERS_STORAGE_CONF=str(self.folder / "storage.conf"),
            DOCKER_HOST=f"unix://{self.socket}",
            COMPOSE_PROJECT_NAME=PROJECT,
            COMPOSE_FILE=f"{ROOT}/docker-compose.yml:{HERE}/compose.yml",
            TRIAL_NETWORK=NETWORK)

    # ---------------------------------------------------------------- images

    def install(self):
        missing = [it for it in ("podman", "runc", "debootstrap", "docker-compose") if not shutil.which(it)]
        if missing:
            print(f"installing what is missing: {', '.join(missing)}", flush=True)
            run("apt-get", "update", "-qq")
            run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=subprocess.DEVNULL)

    def has(self, image):
        return subprocess.run(["podman", "image", "exists", image]).returncode == 0

    def make_base(self):
        if self.has(BASE):
            return
        rootfs = self.folder / "rootfs"
        shutil.rmtree(rootfs, ignore_errors=True)
        run("debootstrap", "--variant=minbase", "bookworm", rootfs, stdout=subprocess.DEVNULL)
        archive = subprocess.Popen(["tar", "-C", rootfs, "-c", "."], stdout=subprocess.PIPE)
        run("podman", "import", "-q", "-", BASE, stdin=archive.stdout, stdout=subprocess.DEVNULL)
        shutil.rmtree(rootfs)

    def make_stand_ins(self, rust):
        wanted = {**STAND_INS, **({RUST: "rust.Dockerfile"} if rust else {})}
        for image, file in wanted.items():
            if not self.has(image):
                self.build(HERE / file, image, HERE)

    def build(self, dockerfile, image, context, *more):
        begun = time.monotonic()
        run("podman", "build", "-q", "--format", "docker", "--network", "host", "-v", f"{CA}:/run/ca.crt:ro",
            *more, "-f", dockerfile, "-t", image, context, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            if not os.environ.get("TRIAL_VERBOSE") else None)
        print(f"  {image}: {self.size_mb(image):.1f} MB, {time.monotonic() - begun:.0f} s", flush=True)

    def make_images(self, programs):
        """From programs in a folder, or with None by compiling as the Dockerfile does."""
        for target, image in IMAGES.items():
            name = f"docker.io/library/{image}:latest"
            if programs:
                context = self.context(programs)
                self.build(DOCKERFILE, name, context, "--target", f"{target}-built")
            else:
                sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()
                self.build(DOCKERFILE, name, ROOT, "--target", target, "-v", f"{sysroot}:/usr/local/toolchain:ro")

    def context(self, programs):
        """A build context as the repository is, with these programs in it."""
        context = self.folder / "context"
        shutil.rmtree(context, ignore_errors=True)
        (context / "target/release").mkdir(parents=True)
        shutil.copy(ROOT / ".dockerignore", context)
        for name in ("loadcore", "loadcore-controller", "loadcore-worker"):
            shutil.copy(Path(programs) / name, context / "target/release" / name)
        return context

    def size_mb(self, image):
        size = subprocess.check_output(["podman", "image", "inspect", "-f", "{{.Size}}", image], text=True)
        return int(size) / 1e6

    # ---------------------------------------------------------------- containers

    def start(self):
        self.socket.unlink(missing_ok=True)
        log = open(self.folder / "service.log", "ab")
        self.service = subprocess.Popen(
            ["podman", "system", "service", "--time=0", f"unix://{self.socket}"], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not self.socket.exists():
            if time.monotonic() > deadline:
                raise SystemExit(f"podman's service does not start: see {self.folder}/service.log")
            time.sleep(0.1)
        if subprocess.run(["podman", "network", "exists", NETWORK]).returncode:
            run("podman", "network", "create", NETWORK, stdout=subprocess.DEVNULL)

    def end(self):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["docker-compose", "down", "-v", "--remove-orphans", "-t", "2"], **quiet)
        subprocess.run(["podman", "rm", "-f", "-t", "1", "counted"], **quiet)
        subprocess.run(["podman", "network", "rm", "-f", NETWORK], **quiet)
        if self.service:
            self.service.terminate()
            self.service.wait(20)

    def of(self, service):
        """The containers of a service, by id."""
        return subprocess.check_output(
            ["podman", "ps", "-q", "--filter", f"label=com.docker.compose.project={PROJECT}",
             "--filter", f"label=com.docker.compose.service={service}"], text=True).split()

    def address(self, container):
        form = f'{{{{(index .NetworkSettings.Networks "{NETWORK}").IPAddress}}}}'
        return subprocess.check_output(["podman", "inspect", "-f", form, container], text=True).strip()

    def logs(self, container):
        done = subprocess.run(["podman", "logs", container], capture_output=True, text=True)
        return done.stdout + done.stderr

    def is_well(self, container):
        """Runs the image's own check, as Docker does by itself every few seconds."""
        done = subprocess.run(["podman", "healthcheck", "run", container], capture_output=True)
        return done.returncode == 0


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), **more)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {done.returncode}")


def compose(*arguments, check=True, env=None):
    """docker-compose on the project: its output, and its exit code."""
    done = subprocess.run(["docker-compose", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, **(env or {})}, cwd=ROOT)
    said = done.stdout + done.stderr
    if check and done.returncode:
        raise SystemExit(f"docker-compose {' '.join(map(str, arguments))}: exit code {done.returncode}\n{said}")
    return said if check else (done.returncode, said)
