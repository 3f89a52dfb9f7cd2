"""An nginx of our own: one process on one core, ports chosen free, ended by its process id."""

import os
import signal
import socket
import subprocess
import time
import urllib.request

CONFIG = """
daemon off;
master_process off;
pid {prefix}/nginx.pid;
error_log stderr crit;
worker_rlimit_nofile 65536;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    default_type text/plain;
    # A client that runs for seconds must not be cut off after the default 1,000 requests.
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    client_body_temp_path {prefix}/body;
    proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi;
    scgi_temp_path {prefix}/scgi;
    # One cipher for all, whatever the client likes best.
    ssl_certificate {prefix}/cert.pem;
    ssl_certificate_key {prefix}/key.pem;
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    server {{ listen 127.0.0.1:{http} backlog=4096; location / {{ return 200 "hello, world\\n"; }} }}
    server {{ listen 127.0.0.1:{https} ssl backlog=4096; location / {{ return 200 "hello, world\\n"; }} }}
    server {{ listen 127.0.0.1:{http2} ssl http2 backlog=4096; location / {{ return 200 "hello, world\\n"; }} }}
    server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}
}}
"""


class Server:
    """Started by `with`, ended at its end. `requests` is what it has been asked so far."""

    def __init__(self, nginx, prefix, core):
        self.nginx, self.prefix, self.core = nginx, prefix, core
        names = ["http", "https", "http2", "status"]
        self.ports = dict(zip(names, free_ports(len(names))))

    def __enter__(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "30", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", f"{self.prefix}/key.pem", "-out", f"{self.prefix}/cert.pem"],
            check=True, capture_output=True)
        config = f"{self.prefix}/nginx.conf"
        with open(config, "w") as file:
            file.write(CONFIG.format(prefix=self.prefix, **self.ports))
        self.process = subprocess.Popen(
            [self.nginx, "-p", self.prefix, "-c", config],
            preexec_fn=lambda: os.sched_setaffinity(0, {self.core}))
        deadline = time.monotonic() + 10
        while True:
            try:
                return self if self.requests() else self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise SystemExit("nginx did not start")
                time.sleep(0.05)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def url(self, scheme):
        return f"{'http' if scheme == 'http' else 'https'}://127.0.0.1:{self.ports[scheme]}/"

    def requests(self):
        """Requests so far. Each call is one itself."""
        with urllib.request.urlopen(self.url("http").replace(str(self.ports["http"]), str(self.ports["status"]))) as reply:
            return int(reply.read().split(b"\n")[2].split()[2])

    def cpu_seconds(self):
        return process_cpu_seconds(self.process.pid)


def process_cpu_seconds(pid):
    """User and system time of a process, in steps of a clock tick (usually 10 ms)."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_ports(count):
    """Ports that are free now; held together while they are chosen, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
