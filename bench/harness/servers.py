"""What is measured: nginx as the upstream and as the peer, and the gate, each a process tree of its own on the loopback."""

import contextlib
import getpass
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time

START_LIMIT = 20.0
STOP_LIMIT = 15.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A started process, by name, with where it listens."""

    def __init__(self, name, command, port, log, environment=None, limit=START_LIMIT):
        self.name, self.port, self.log = name, port, log
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=open(log, "wb"),
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        self._wait_until_it_listens(limit)

    def _wait_until_it_listens(self, limit):
        until = time.monotonic() + limit
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        self.stop()
        raise SystemExit(f"{self.name} does not listen on port {self.port}:\n{pathlib.Path(self.log).read_text()[-4000:]}")

    def pids(self):
        """The whole tree: nginx answers from its worker, not from the process that was started."""
        found, ahead = [], [self.process.pid]
        while ahead:
            pid = ahead.pop()
            found.append(pid)
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                ahead += [int(child) for child in task.read_text().split()]
        return found

    def cpu_seconds(self):
        """User and system time of the tree, finished threads included."""
        ticks = 0
        for pid in self.pids():
            # The name in parentheses may hold spaces: fields are counted from behind it.
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_anonymous_mib(self):
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1])
        return total / 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


NGINX = """
daemon off; master_process on; worker_processes {workers}; pid {folder}/{name}.pid; error_log {folder}/{name}.error warn;
worker_rlimit_nofile 65536;
{user}
events {{ worker_connections 8192; }}
http {{
    access_log off; tcp_nodelay on; sendfile on; server_tokens off;
    keepalive_timeout 300s; keepalive_requests 100000000;
    client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy;
    fastcgi_temp_path {folder}/{name}.f; uwsgi_temp_path {folder}/{name}.u; scgi_temp_path {folder}/{name}.s;
    {body}
}}
"""

UPSTREAM = """
    default_type application/json;
    server {{ listen 127.0.0.1:{port} reuseport backlog=4096; location / {{ return 200 '{answer}'; }} }}
"""

PROXY = """
    upstream shared {{ server 127.0.0.1:{upstream}; keepalive {connections}; keepalive_requests 100000000; keepalive_timeout 300s; }}
    server {{
        listen 127.0.0.1:{port} {ssl} reuseport backlog=4096;
        {tls}
        location / {{
            proxy_pass http://shared;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            client_body_buffer_size 64k;
        }}
    }}
"""

PROXY_TLS = """
        ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:4m;
"""


def json_of(size):
    """A JSON object of exactly `size` bytes, with no quote that nginx's configuration would trip over."""
    frame = '{"id":42,"name":"%s"}'
    return frame % ("a" * (size - len(frame) + 2))


def nginx(name, folder, workers, port, body):
    configuration = folder / f"{name}.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(NGINX.format(name=name, folder=folder, workers=workers, body=body, user=user))
    return Server(name, ["nginx", "-c", str(configuration), "-p", str(folder)], port, folder / f"{name}.log")


def upstream(folder, size=1024):
    port = free_port()
    return nginx("upstream", folder, 1, port, UPSTREAM.format(port=port, answer=json_of(size)))


def nginx_proxy(folder, upstream_port, tls, workers, connections, name="nginx"):
    port = free_port()
    name = f"{name}-{'tls' if tls else 'plain'}"
    body = PROXY.format(
        port=port,
        upstream=upstream_port,
        connections=connections,
        ssl="ssl http2" if tls else "",
        tls=PROXY_TLS.format(folder=folder) if tls else "",
    )
    return nginx(name, folder, workers, port, body)


HAPROXY = """
global
    nbthread {workers}
    maxconn 60000
    no strict-limits
defaults
    mode http
    timeout connect 5s
    timeout client {patience}s
    timeout server 60s
    timeout http-keep-alive {patience}s
    timeout http-request 15s
    option forwardfor
    http-reuse always
frontend front
    bind 127.0.0.1:{port}{tls}
    default_backend back
backend back
    server shared 127.0.0.1:{upstream} pool-max-conn -1
"""


def haproxy(folder, upstream_port, tls, workers, patience=300):
    """The same proxy by haproxy: one thread for each worker, connections to the upstream reused, no log."""
    port = free_port()
    name = f"haproxy-{'tls' if tls else 'plain'}-{patience}"
    if tls:
        both = (folder / "certificate.pem").read_bytes() + (folder / "key.pem").read_bytes()
        (folder / "both.pem").write_bytes(both)
    bind = f" ssl crt {folder}/both.pem alpn h2,http/1.1 ssl-min-ver TLSv1.2" if tls else ""
    configuration = folder / f"{name}.cfg"
    configuration.write_text(HAPROXY.format(workers=workers, port=port, tls=bind, upstream=upstream_port, patience=patience))
    return Server(name, ["haproxy", "-q", "-f", str(configuration)], port, folder / f"{name}.log")


GATE = """
[server]
listen = "127.0.0.1:{port}"
public_url = "{scheme}://{host}:{port}"
hosts = ["127.0.0.1"]
tls = {tls}
workers = {workers}
{server}
[store]
path = "{folder}/{name}-state"

[limits]
address = "{flood}"
identity = "{flood}"
{limits}

[console]
listen = "127.0.0.1:{console}"

{more}
"""

# A limit that is counted for every request, and that one machine cannot reach.
FLOOD = "1000000000/minute"

PUBLIC = """
[[routes]]
name = "bare"
path = "/{{*rest}}"
methods = ["GET", "POST"]
upstream = "http://127.0.0.1:{upstream}"
access = "public"
"""

GUARDED = """
[[issuers]]
issuer = "https://issuer.example"
audience = "https://api.example"
jwks = "{folder}/jwks.json"

[[routes]]
name = "orders"
path = "/orders/{{id}}"
methods = ["GET", "POST"]
upstream = "http://127.0.0.1:{upstream}"
access = {{ roles = ["buyer"] }}
limit = "{flood}"
"""


# The same by a document: both ways judged, members that it does not declare kept back.
DECLARED = """
[[issuers]]
issuer = "https://issuer.example"
audience = "https://api.example"
jwks = "{folder}/jwks.json"

[[apis]]
name = "orders"
openapi = "orders.json"
upstream = "http://127.0.0.1:{upstream}"
limit = "{flood}"
"""

ORDER = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {"id": {"type": "integer", "minimum": 1, "maximum": 1000000}, "name": {"type": "string", "maxLength": 2000}},
}
AS_JSON = {"application/json": {"schema": ORDER}}
OPERATION = {"x-bartizan-access": {"roles": ["buyer"]}, "responses": {"200": {"description": "an order", "content": AS_JSON}}}
ORDERS = {
    "openapi": "3.1.0",
    "info": {"title": "orders", "version": "1"},
    "paths": {
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1, "maximum": 1000000}}],
            "get": OPERATION,
            "post": {**OPERATION, "requestBody": {"required": True, "content": AS_JSON}},
        }
    },
}

MANY = """
[[routes]]
name = "route-{number}"
path = "/r{number}/{{id}}"
methods = ["GET"]
upstream = "http://127.0.0.1:{upstream}"
access = "public"
"""


def gate(binary, folder, upstream_port, tls, guarded, workers, wrapper=(), limit=START_LIMIT, **more):
    """`more`: `label` for a second one of the same kind, `server` and `limits` as lines of those sections, `routes` as their number, `declared`, `sections` as text."""
    port = free_port()
    name = f"gate-{'tls' if tls else 'plain'}-{'guarded' if guarded else 'bare'}{more.get('label', '')}"
    configuration = folder / f"{name}.toml"
    if more.get("declared"):
        (folder / "orders.json").write_text(json.dumps(ORDERS))
    kind = DECLARED if more.get("declared") else GUARDED if guarded else PUBLIC
    routes = kind.format(folder=folder, upstream=upstream_port, flood=FLOOD)
    routes += more.get("sections", "")
    routes += "".join(MANY.format(number=number, upstream=upstream_port) for number in range(more.get("routes", 0)))
    console = free_port()
    configuration.write_text(
        GATE.format(
            port=port,
            scheme="https" if tls else "http",
            tls=f'{{ cert = "{folder}/certificate.pem", key = "{folder}/key.pem" }}' if tls else '"off"',
            workers=workers,
            folder=folder,
            name=name,
            flood=FLOOD,
            host=more.get("host", "127.0.0.1"),
            console=console,
            server=more.get("server", ""),
            limits=more.get("limits", ""),
            more=routes,
        )
    )
    command = [*wrapper, str(binary), "serve", str(configuration), "--user", getpass.getuser()]
    server = Server(name, command, port, folder / f"{name}.log", limit=limit)
    server.console = console
    return server


def answer(server, tls, path="/orders/42", headers=None):
    """One request through the server, so that a row never measures how fast something is refused."""
    import http.client

    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path, headers=headers or {})
    response = connection.getresponse()
    return response.status, response.read()
