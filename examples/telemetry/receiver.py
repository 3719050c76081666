"""A backend and a receiver of OTLP in one process, for the example's test.

What arrives at /v1/* is decoded by the protocol's own published messages; /received tells it as JSON.
"""

import gzip
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MESSAGES = {
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}
received = {path: [] for path in MESSAGES} | {"authorization": []}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/received":
            self.answer(json.dumps(received))
        else:
            self.answer(json.dumps({"traceparent": self.headers.get("traceparent")}))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        message = MESSAGES[self.path].FromString(body)
        said = MessageToDict(message)
        # What the protocol does not know would be missing from what is read back.
        assert ParseDict(said, MESSAGES[self.path]()).ByteSize() == len(body)
        received[self.path].append(said)
        received["authorization"].append(self.headers.get("authorization"))
        self.answer("")

    def answer(self, text):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler)
print("listening on", server.server_port, flush=True)
server.serve_forever()
