#!/usr/bin/env python3
"""A server that costs as little as one can: artifacts by the v4 protocol, and the same bytes for curl.

Usage: artifact_server.py FILE. It prints its address, serves FILE as the artifact `big` (kept by the kernel, sent by
sendfile) and throws uploads away after counting them. It ends when its standard input does.
"""
import json
import os
import socket
import sys
import threading

SIZE = 1024 * 1024


class Connection:
    """One kept-alive connection; requests one after the other."""

    def __init__(self, sock, server):
        self.sock, self.server = sock, server
        self.buffer = bytearray(SIZE)
        self.pending = b""

    def serve(self):
        while (head := self.head()) is not None:
            line, *fields = head.decode("latin-1").split("\r\n")
            method, target, _ = line.split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
            self.answer(method, target, headers)
        self.sock.close()

    def head(self):
        while b"\r\n\r\n" not in self.pending:
            more = self.sock.recv(65536)
            if not more:
                return None
            self.pending += more
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        return head

    def body(self, headers):
        """Reads the body away and gives its length; small ones are given whole."""
        if headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(headers.get("content-length", "0"))
        kept, self.pending = self.pending[:length], self.pending[length:]
        count = len(kept)
        while count < length:
            read = self.sock.recv_into(self.buffer, min(SIZE, length - count))
            if not read:
                return count, kept
            if length < 65536:
                kept += self.buffer[:read]
            count += read
        return count, kept

    def answer(self, method, target, headers):
        count, kept = self.body(headers)
        path = target.partition("?")[0]
        if path == "/file" and method == "GET":
            return self.send_file()
        if method == "PUT":
            self.server.note(target, count)
            return self.reply(201, b"")
        if path.startswith("/api/actions_pipeline/") and path.endswith("/artifacts"):
            listed = {"name": "big", "fileContainerResourceUrl": self.server.url + "/none"}
            return self.reply(200, json.dumps({"count": 1, "value": [listed]}).encode())
        service = "/twirp/github.actions.results.api.v1.ArtifactService/"
        if not path.startswith(service):
            return self.reply(404, b"Not Found")
        asked = json.loads(kept or b"{}")
        return self.reply(200, json.dumps(self.server.call(path[len(service):], asked)).encode())

    def reply(self, status, body):
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n"
        self.sock.sendall(head.encode() + body)

    def send_file(self):
        size = os.path.getsize(self.server.path)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nContent-Type: application/octet-stream\r\n\r\n"
        self.sock.sendall(head.encode())
        with open(self.server.path, "rb") as file:
            self.sock.sendfile(file)


class Server:
    """The artifact `big`, and what of an upload has come so far."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.received = 0

    def note(self, target, count):
        with self.lock:
            if "comp=blocklist" not in target:
                self.received += count

    def call(self, method, asked):
        if method == "ListArtifacts":
            return {"artifacts": [{"name": "big", "size": str(os.path.getsize(self.path)), "databaseId": "1"}]}
        if method == "GetSignedArtifactURL":
            return {"signedUrl": self.url + "/file"}
        with self.lock:
            if method == "CreateArtifact":
                self.received = 0
                return {"ok": True, "signedUploadUrl": self.url + "/upload?sig=x"}
            return {"ok": self.received == int(asked["size"]), "artifactId": "2"}

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(sock, self).serve, daemon=True).start()


if __name__ == "__main__":
    server = Server(sys.argv[1])
    threading.Thread(target=server.accept, daemon=True).start()
    print(server.url, flush=True)
    sys.stdin.read()
