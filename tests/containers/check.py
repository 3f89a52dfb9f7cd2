"""Holds the files of the deployment against the programs and against each other, without containers.

    check.py FOLDER       FOLDER has the programs, whose --help says which variables they know

What a schema can say of a Compose file is checked by check-jsonschema; this is what none can.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from engine import IMAGES, RUST, STAND_INS  # noqa: E402

faults = []


def holds(what, is_so):
    if not is_so:
        faults.append(what)


def main():
    compose = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    variables(services, dockerfile, Path(sys.argv[1]))
    doors(services, dockerfile)
    shape(services, dockerfile)
    monitoring(services, dockerfile)
    members(dockerfile)
    for fault in faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    print(f"{len(services)} services, {len(faults)} faults")
    sys.exit(bool(faults))


def variables(services, dockerfile, programs):
    """Each variable is one that the program knows: a wrong name would do nothing, in silence."""
    known = {}
    for service in ("controller", "worker"):
        told = subprocess.check_output([programs / f"loadcore-{service}", "--help"], text=True)
        # The log and the key are told at the end of the help.
        known[service] = set(re.findall(r"LOADCORE_[A-Z_]+", told))
        for name in services[service]["environment"]:
            holds(f"docker-compose.yml: {service} does not know {name}", name in known[service])
    for name in re.findall(r"(LOADCORE_[A-Z_]+)=", dockerfile):
        holds(f"Dockerfile: neither program knows {name}", any(name in it for it in known.values()))


def doors(services, dockerfile):
    """Published on loopback alone; the word that allows that stands in the Compose file alone."""
    for name, service in services.items():
        for port in service.get("ports", []):
            holds(f"{name} publishes {port} beyond loopback", str(port).startswith("127.0.0.1:"))
    holds("the image itself is open", "UNAUTHENTICATED" not in dockerfile)
    open_ones = [it for it, service in services.items()
                 if "LOADCORE_ALLOW_UNAUTHENTICATED" in service.get("environment", {})]
    holds(f"open to all are {open_ones}", open_ones == ["controller"])
    published = [str(it) for it in services["controller"]["ports"]]
    holds("8080 and the page on 3000", [re.sub(r"\$\{\w+:-(\d+)\}", r"\1", it) for it in published]
          == ["127.0.0.1:8080:8080", "127.0.0.1:3000:8080"])


def shape(services, dockerfile):
    for name, image in IMAGES.items():
        holds(f"{name}: its image is {image}", services[name]["image"].startswith(f"{image}:"))
        holds(f"{name}: the Dockerfile has its target", re.search(rf"^FROM .* AS {name}$", dockerfile, re.M))
        holds(f"{name}: the Dockerfile has its check", "HEALTHCHECK" in stage(dockerfile, f"{name}-base"))
    holds("no image runs as root", re.search(r"^USER \d+:\d+$", dockerfile, re.M))
    for name, service in services.items():
        own = name in IMAGES
        holds(f"{name} has no health check", own or "healthcheck" in service)
        holds(f"{name} does not come back", service.get("restart") == "unless-stopped")
        image = f"docker.io/{service['image']}" if "/" in service["image"] else f"docker.io/library/{service['image']}"
        holds(f"{image} has no stand-in", own or name == "grafana" or image in STAND_INS)
    base = re.search(r"^ARG RUST=(.+)$", dockerfile, re.M)[1]
    holds(f"the Rust image {base} has no stand-in", RUST.endswith(f"/{base}"))
    profiles = {name: service.get("profiles", []) for name, service in services.items() if "profiles" in service}
    holds(f"the profiles are {profiles}",
          profiles == {"target": ["target"], "prometheus": ["monitoring"], "grafana": ["monitoring"]})


def monitoring(services, dockerfile):
    """Prometheus reads where the images listen, under the services' names."""
    settings = YAML(typ="safe").load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    controller, worker = settings["scrape_configs"]
    ports = {name: re.search(r"LOADCORE_ACTUATOR_LISTEN=0\.0\.0\.0:(\d+)", stage(dockerfile, f"{name}-base"))[1]
             for name in ("controller", "worker")}
    holds("Prometheus reads the controller", controller["static_configs"][0]["targets"] == [f"controller:{ports['controller']}"])
    names = worker["dns_sd_configs"][0]
    holds("Prometheus reads the workers", (names["names"], str(names["port"])) == (["worker"], ports["worker"]))
    source = YAML(typ="safe").load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    holds("Grafana asks Prometheus", source["datasources"][0]["url"] == "http://prometheus:9090" and "prometheus" in services)


def members(dockerfile):
    """Each member's manifest is in the image that compiles, or Cargo.lock does not fit."""
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    for member in workspace["members"]:
        holds(f"Dockerfile: {member}/Cargo.toml is not copied", f"COPY {member}/Cargo.toml {member}/" in dockerfile)
    for member in workspace["default-members"]:
        folder = member.split("/")[0]
        holds(f"Dockerfile: {folder} is not copied", f"COPY {folder} {folder}\n" in dockerfile)
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        holds(f".dockerignore leaves {folder} out", f"!{folder}" in ignored)
    version = workspace["package"]["rust-version"]
    holds(f"the Rust image is not {version}", f"ARG RUST=rust:{version}-" in dockerfile)


def stage(dockerfile, name):
    return re.search(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", dockerfile, re.M | re.S)[1]


if __name__ == "__main__":
    main()
