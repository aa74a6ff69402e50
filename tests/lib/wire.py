"""The messages of common/wire/lockstep.proto in plain Python, for tests.

The schema is read from the .proto file itself, so it cannot differ from what the
programs speak. Messages are dicts: {"job": 1, "ranks": [{...}]}; fields that are not
there have their proto3 default ("" / 0 / False / b"" / [] / None for a message). A
frame is (request, body name, body), e.g. (7, "submit", {"spec": {...}}).
"""

import os
import pathlib
import re
import socket
import struct
import threading

PROTO = pathlib.Path(__file__).resolve().parents[2] / "common/wire/lockstep.proto"
PROTOCOL = 1
FRAME_MAX = 16 * 1024 * 1024

_VARINTS = {"uint32", "uint64", "int32", "int64", "bool"}


# ---- the schema ----------------------------------------------------------------

class Field:
    def __init__(self, name, kind, number, repeated):
        self.name, self.kind, self.number, self.repeated = name, kind, number, repeated


def _read_schema(text):
    text = re.sub(r"//[^\n]*", "", text)
    messages, enums = {}, {}
    for kind, name, body in re.findall(
            r"\b(message|enum)\s+(\w+)\s*\{((?:[^{}]|\{[^{}]*\})*)\}", text):
        if kind == "enum":
            enums[name] = {word: int(number) for word, number
                           in re.findall(r"(\w+)\s*=\s*(-?\d+)\s*;", body)}
            continue
        messages[name] = [
            Field(field, type_, int(number), bool(repeated))
            for repeated, type_, field, number
            in re.findall(r"(repeated\s+)?(\w+)\s+(\w+)\s*=\s*(\d+)\s*;", body)]
    return messages, enums


MESSAGES, ENUMS = _read_schema(PROTO.read_text())
# Enum values as names of this module: wire.STEP_READY, wire.ROLE_AGENT …
for _values in ENUMS.values():
    globals().update(_values)


# ---- encoding ------------------------------------------------------------------

def _varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _is_scalar(kind):
    return kind in _VARINTS or kind in ENUMS


def _encode_one(field, value):
    if _is_scalar(field.kind):
        return _varint(field.number << 3) + _varint(int(value))
    if field.kind == "string":
        value = value.encode() if isinstance(value, str) else value
    elif field.kind != "bytes":
        value = encode(field.kind, value)
    return _varint(field.number << 3 | 2) + _varint(len(value)) + value


def encode(kind, message):
    """A message (dict) to bytes. Unknown keys are an error."""
    fields = {field.name: field for field in MESSAGES[kind]}
    out = b""
    for name, value in message.items():
        field = fields[name]
        if field.repeated and _is_scalar(field.kind):
            packed = b"".join(_varint(int(v)) for v in value)
            out += _varint(field.number << 3 | 2) + _varint(len(packed)) + packed
        elif field.repeated:
            out += b"".join(_encode_one(field, v) for v in value)
        elif value is not None:
            out += _encode_one(field, value)
    return out


# ---- decoding ------------------------------------------------------------------

def _read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _default(field):
    if field.repeated:
        return []
    if field.kind == "bool":
        return False
    return {"string": "", "bytes": b""}.get(
        field.kind, 0 if _is_scalar(field.kind) else None)


def _scalar(field, number):
    if field.kind in ("int32", "int64") and number >= 1 << 63:
        return number - (1 << 64)
    return bool(number) if field.kind == "bool" else number


def _decode_bytes(field, value):
    if field.kind == "string":
        return [value.decode(errors="replace")]
    if field.kind == "bytes":
        return [value]
    if _is_scalar(field.kind):  # packed
        out, at = [], 0
        while at < len(value):
            number, at = _read_varint(value, at)
            out.append(_scalar(field, number))
        return out
    return [decode(field.kind, value)]


def decode(kind, data):
    """Bytes to a message (dict) with every field of its kind."""
    fields = {field.number: field for field in MESSAGES[kind]}
    message = {field.name: _default(field) for field in MESSAGES[kind]}
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        field = fields.get(key >> 3)
        if key & 7 == 0:
            number, at = _read_varint(data, at)
            values = [_scalar(field, number)] if field else []
        elif key & 7 == 2:
            size, at = _read_varint(data, at)
            values = _decode_bytes(field, data[at:at + size]) if field else []
            at += size
        else:
            raise ValueError(f"{kind}: wire type {key & 7}")
        if field and field.repeated:
            message[field.name].extend(values)
        elif field and values:
            message[field.name] = values[-1]
    return message


# ---- frames --------------------------------------------------------------------

_BODIES = {field.name: field for field in MESSAGES["Frame"] if field.name != "request"}


def pack(request, body, message):
    data = encode("Frame", {"request": request, body: message})
    return struct.pack(">I", len(data)) + data


def unpack(data):
    frame = decode("Frame", data)
    for name in _BODIES:
        if frame[name] is not None:
            return frame["request"], name, frame[name]
    return frame["request"], None, None


class Closed(Exception):
    """The other side closed the connection."""


class Refused(Exception):
    """An Error answer: .code is an errno, str() its text."""

    def __init__(self, error):
        super().__init__(error["text"])
        self.code = error["code"]


class Connection:
    """A blocking connection of frames. `address` is a socket path or (host, port)."""

    def __init__(self, address, timeout=20):
        unix = isinstance(address, (str, os.PathLike))
        self.socket = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self.socket.settimeout(timeout)
        self.socket.connect(str(address) if unix else address)
        self.received = b""
        self.sending = threading.Lock()
        self.last_request = 0

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send_bytes(self, data):
        with self.sending:
            self.socket.sendall(data)

    def send(self, body, message=None, request=0):
        self.send_bytes(pack(request, body, message or {}))

    def _take(self, size):
        while len(self.received) < size:
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                raise Closed(f"closed with {len(self.received)} bytes of a frame")
            self.received += data
        taken, self.received = self.received[:size], self.received[size:]
        return taken

    def receive(self):
        """The next frame: (request, body name, body)."""
        size, = struct.unpack(">I", self._take(4))
        assert 0 < size <= FRAME_MAX, size
        return unpack(self._take(size))

    def receive_body(self, *bodies):
        """The next frame with one of these bodies; others are skipped."""
        while True:
            frame = self.receive()
            if frame[1] in bodies:
                return frame

    def start(self, body, message=None):
        """Send a request; returns its number."""
        self.last_request += 1
        self.send(body, message, self.last_request)
        return self.last_request

    def ask(self, body, message=None):
        """Send a request and return its answer's body; raises Refused."""
        return self.answer(self.start(body, message))

    def answer(self, number):
        while True:
            request, name, answer = self.receive()
            if request != number:
                continue
            if name == "error":
                raise Refused(answer)
            return answer

    def hello(self, role, name="", key="", protocol=PROTOCOL):
        return self.ask("hello", {"protocol": protocol, "role": role, "name": name,
                                  "key": key, "version": "test"})
