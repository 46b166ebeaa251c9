"""A client of RFC 6455 in the standard library: text messages, pings, the close handshake, TLS. It knows nothing of agents."""

import base64
import hashlib
import os
import select
import socket
import ssl
import struct
import urllib.parse

MAX_MESSAGE_BYTES = 1_048_576
MAX_HEAD_BYTES = 16_384
# A peer that takes nothing for so long is cut.
SEND_TIMEOUT_S = 10
ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Refused(Exception):
    """The server answered the upgrade with something else. Header names are in lower case."""

    def __init__(self, status: int, headers: dict[str, str]):
        super().__init__(f"the upgrade was answered with HTTP {status}")
        self.status, self.headers = status, headers


class Closed(Exception):
    """The connection has ended: with the code of the peer's close, or with 1006 when there was none."""

    def __init__(self, code: int, reason: str = ""):
        super().__init__(f"{code} {reason}".strip())
        self.code, self.reason = code, reason


class WebSocket:
    """One connection, for one thread."""

    def __init__(self, url: str, subprotocol: str, headers: dict[str, str], timeout_s: float):
        """Dials and upgrades. Raises Refused, or OSError where there is nobody or no WebSocket."""
        address = urllib.parse.urlsplit(url)
        is_tls = address.scheme == "wss"
        if address.scheme not in ("ws", "wss") or address.hostname is None:
            raise ValueError(f"{url} is no ws:// or wss:// address")
        self._socket = socket.create_connection((address.hostname, address.port or (443 if is_tls else 80)), timeout_s)
        try:
            if is_tls:
                self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=address.hostname)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._read = bytearray()
            self._message = bytearray()
            self._is_fragmented = self._said_close = self._is_cut = False
            self._upgrade(address, subprotocol, headers)
        except BaseException:
            self._socket.close()
            raise

    def send(self, text: str) -> None:
        """What cannot be sent any more is dropped: the end of the connection is told by receive."""
        self._send(TEXT, text.encode())

    def receive(self, timeout_s: float) -> str | None:
        """The next message; None when none came in time. Raises Closed."""
        while True:
            message = self._next_message()
            if message is not None:
                return message
            if not self._fill(timeout_s):
                return None

    def close(self, code: int, reason: str = "") -> None:
        """Begins the close handshake; receive goes on until the peer's close."""
        self._send(CLOSE, struct.pack("!H", code) + reason.encode()[:120])

    def cut(self) -> None:
        """Ends the connection without a word."""
        self._is_cut = True
        self._socket.close()

    def _upgrade(self, address: urllib.parse.SplitResult, subprotocol: str, headers: dict[str, str]) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        wanted = {
            "Host": address.netloc.rpartition("@")[2],
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": subprotocol,
            **headers,
        }
        lines = [f"GET {address.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in wanted.items())]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self._read:
            some = self._socket.recv(4096)
            if not some or len(self._read) > MAX_HEAD_BYTES:
                raise ConnectionError("the upgrade was not answered")
            self._read += some
        head, _, rest = bytes(self._read).partition(b"\r\n\r\n")
        self._read = bytearray(rest)
        first, *others = head.decode("latin-1").split("\r\n")
        answer = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in others)}
        words = first.split(" ")
        if len(words) < 2 or not words[1].isdigit():
            raise ConnectionError("the upgrade was not answered by HTTP")
        if words[1] != "101":
            raise Refused(int(words[1]), answer)
        accept = base64.b64encode(hashlib.sha1((key + ACCEPT_GUID).encode()).digest()).decode()
        if answer.get("sec-websocket-accept") != accept or answer.get("sec-websocket-protocol") != subprotocol:
            raise ConnectionError("the upgrade was answered wrongly")

    def _send(self, opcode: int, data: bytes) -> None:
        size = len(data)
        short = size if size < 126 else 126 if size < 65_536 else 127
        extra = {126: 2, 127: 8}.get(short, 0)
        head = bytes([0x80 | opcode, 0x80 | short]) + (size.to_bytes(extra, "big") if extra else b"")
        mask = os.urandom(4)
        mask_bits = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        masked = (int.from_bytes(data, "big") ^ mask_bits).to_bytes(size, "big")
        if self._said_close or self._is_cut:
            return
        self._said_close = opcode == CLOSE
        try:
            self._socket.settimeout(SEND_TIMEOUT_S)
            self._socket.sendall(head + mask + masked)
        except OSError:
            self.cut()

    def _fill(self, timeout_s: float) -> bool:
        """Reads what is there; False when nothing came in time."""
        if self._is_cut:
            raise Closed(1006, "cut")
        try:
            pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0
            if not pending and not select.select([self._socket], [], [], timeout_s)[0]:
                return False
            self._socket.settimeout(0)
            some = self._socket.recv(65_536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError as error:
            raise self._ended(1006, str(error)) from None
        if not some:
            raise self._ended(1006, "ended without a close")
        self._read += some
        return True

    def _next_message(self) -> str | None:
        while (frame := self._next_frame()) is not None:
            is_last, opcode, data = frame
            if opcode == CLOSE:
                code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
                self._send(CLOSE, data[:2])
                raise self._ended(code, data[2:].decode(errors="replace"))
            if opcode == PING:
                self._send(PONG, data)
            if opcode in (PING, PONG):
                continue
            if opcode == BINARY:
                raise self._broken(1003, "a binary message")
            if opcode not in (TEXT, CONTINUATION) or (opcode == CONTINUATION) != self._is_fragmented:
                raise self._broken(1002, "a frame out of place")
            self._message += data
            self._is_fragmented = not is_last
            if not is_last:
                continue
            text, self._message = bytes(self._message), bytearray()
            try:
                return text.decode()
            except UnicodeDecodeError:
                raise self._broken(1007, "text that is no UTF-8") from None
        return None

    def _next_frame(self) -> tuple[bool, int, bytes] | None:
        if len(self._read) < 2:
            return None
        is_last, opcode, size = bool(self._read[0] & 0x80), self._read[0] & 0x0F, self._read[1]
        start = {126: 4, 127: 10}.get(size, 2)
        if self._read[0] & 0x70 or size & 0x80 or (opcode >= CLOSE and (size > 125 or not is_last)):
            raise self._broken(1002, "a frame that breaks the rules")
        if len(self._read) < start:
            return None
        if start > 2:
            size = int.from_bytes(self._read[2:start], "big")
        if len(self._message) + size > MAX_MESSAGE_BYTES:
            raise self._broken(1009, "a message that is too large")
        if len(self._read) < start + size:
            return None
        data = bytes(self._read[start : start + size])
        del self._read[: start + size]
        return is_last, opcode, data

    def _broken(self, code: int, reason: str) -> Closed:
        self.close(code, reason)
        return self._ended(code, reason)

    def _ended(self, code: int, reason: str) -> Closed:
        self.cut()
        return Closed(code, reason)
