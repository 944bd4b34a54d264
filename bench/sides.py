"""The systems that are measured: how each is installed, started, looked at and stopped."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

BENCH = Path(__file__).resolve().parent
TOP = BENCH.parent
NESTJS = BENCH / "nestjs"
NODE = TOP / "tools/node"
BINARY = Path(os.environ.get("CUIB_BINARY", TOP / "build/cuib")).resolve()

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10
POLL_S = 0.0002
PASSWORD = "correct horse battery"
ORDER = {
    "items": [{"productId": "book-1", "name": "Ion", "price": 49.9, "quantity": 2}],
    "shippingAddress": {"street": "Strada Lungă 1", "city": "Iași", "postalCode": "700001", "country": "RO"},
    "paymentMethod": "card",
}
JWT_SECRET = "a secret that is only for measuring, 48 bytes or so"


@contextmanager
def pinned(cpus):
    """What is started inside runs on these CPUs, as under taskset -c."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def request(port, method, path, body=None, token=None):
    """The answer as (status, text)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_TIMEOUT_S)
    headers = {"Content-Type": "application/json"} if body else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def expect(status, *args, **more):
    got, text = request(*args, **more)
    if got != status:
        raise SystemExit(f"bench: {args[1]} {args[2]} answered {got}, not {status}: {text}")
    return json.loads(text)


class Side:
    """One system. `commands` start its processes, `environment` is what they have besides the ports.

    The data directory is kept from one start to the next, with the users in it.
    """

    def __init__(self, name, directory, commands, environment):
        self.name = name
        self.commands = commands
        self.environment = environment
        self.directory = directory
        self.users = []
        self.processes = []

    def spawn(self, cpus):
        self.port, user_port, order_port = free_ports(3)
        environment = {
            "PATH": os.environ["PATH"], "GATEWAY_PORT": str(self.port),
            "USER_SERVICE_PORT": str(user_port), "USER_SERVICE_HOST": "127.0.0.1",
            "ORDER_SERVICE_PORT": str(order_port), "ORDER_SERVICE_HOST": "127.0.0.1",
            "CUIB_DATA_DIR": str(self.directory), "BCRYPT_COST": "12", "JWT_SECRET": JWT_SECRET,
            **self.environment,
        }
        with pinned(cpus):
            for command in self.commands:
                self.processes.append(subprocess.Popen(
                    command, env=environment, cwd=self.directory,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))

    def wait_for(self, path):
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            for process in self.processes:
                if process.poll() is not None:
                    raise SystemExit(f"bench: {self.name} ended at start with {process.returncode}")
            try:
                if request(self.port, "GET", path)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(POLL_S)
        raise SystemExit(f"bench: {self.name} did not answer {path} within {START_TIMEOUT_S} s")

    def start(self, cpus):
        self.spawn(cpus)
        self.wait_for("/health")

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def log_in(self, count):
        """Sees to it that there are so many users. Gives the first one's id and a token of theirs."""
        while len(self.users) < count:
            user = {"email": f"user{len(self.users)}@example.com", "password": PASSWORD}
            made = expect(201, self.port, "POST", "/users", {**user, "name": "Ana Pop"})
            self.users.append((made["id"], user))
        user_id, credentials = self.users[0]
        token = expect(200, self.port, "POST", "/auth/login", credentials)["access_token"]
        return user_id, token

    def order(self, token):
        return expect(201, self.port, "POST", "/orders", ORDER, token)

    def pids(self):
        found = [process.pid for process in self.processes]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        return found

    def cpu_seconds(self):
        """User and system time of all processes with all of their threads."""
        ticks = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def pss_mib(self):
        """Proportional set size: what is shared by two processes counts half in each."""
        kib = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kib += int(line.split()[1])
        return kib / 1024


def node_path():
    return subprocess.check_output([NODE, "-p", "process.execPath"], text=True).strip()


def cuib(directory, split):
    binary = str(BINARY)
    # Without the notification service, which the other side does not have.
    services = ("user", "order", "gateway")
    commands = [[binary, "up", name] for name in services] if split else [[binary, "up", *services]]
    name = "Cuib, three processes" if split else "Cuib"
    return Side(name, directory, commands, {"LOG_LEVEL": "error"})


def nestjs(name, directory, **settings):
    node = node_path()
    services = ("user-service", "order-service", "gateway")
    commands = [[node, str(NESTJS / "dist" / service / "main.js")] for service in services]
    return Side(f"NestJS, {name}", directory, commands, {"NODE_ENV": "production", **settings})


NGINX = """
daemon off;
master_process off;
error_log stderr error;
pid %(directory)s/nginx.pid;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    default_type application/json;
    client_body_temp_path %(directory)s;
    proxy_temp_path %(directory)s;
    fastcgi_temp_path %(directory)s;
    uwsgi_temp_path %(directory)s;
    scgi_temp_path %(directory)s;
    server {
        listen 127.0.0.1:%(port)d;
        location / { return 200 '%(body)s'; }
    }
}
"""


class Nginx(Side):
    """The floor: a fixed answer from a server that is known to be fast."""

    def __init__(self, directory, body):
        super().__init__("nginx, return 200", directory, [], {})
        self.body = body

    def spawn(self, cpus):
        self.port, = free_ports(1)
        values = {"directory": self.directory, "port": self.port, "body": self.body}
        configuration = self.directory / "nginx.conf"
        configuration.write_text(NGINX % values)
        self.commands = [[shutil.which("nginx"), "-e", "stderr", "-c", str(configuration)]]
        with pinned(cpus):
            self.processes = [subprocess.Popen(self.commands[0], stdin=subprocess.DEVNULL)]


def install_nestjs():
    """npm packages and better-sqlite3's native part, anew when the lock file changed; the sources."""
    lock = NESTJS / "package-lock.json"
    mark = NESTJS / "node_modules/.installed-for"
    if not mark.exists() or mark.read_text() != lock.read_text():
        print("bench: installing NestJS; this takes some minutes once", flush=True)
        subprocess.run(["npm", "ci", "--include=dev", "--no-progress", "--loglevel=error"],
                       cwd=NESTJS, check=True)
        build_sqlite()
        mark.write_text(lock.read_text())
    subprocess.run([NODE, NESTJS / "node_modules/typescript/bin/tsc"], cwd=NESTJS, check=True)


def build_sqlite():
    """From source, with the headers that lie beside node: no install script runs, nothing is downloaded."""
    prefix = Path(node_path()).parents[1]
    headers = [f"--nodedir={prefix}"] if (prefix / "include/node/node.h").exists() else []
    run = subprocess.run(
        [NODE, NESTJS / "node_modules/node-gyp/bin/node-gyp.js", "rebuild", "--release", *headers],
        cwd=NESTJS / "node_modules/better-sqlite3", text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode:
        raise SystemExit(run.stdout + "bench: better-sqlite3 takes g++, make and python3 to build")
