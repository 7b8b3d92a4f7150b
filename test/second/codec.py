"""Protocol §1: the encoding. A type has `encode(value)` and `read(reader)`; a struct's value is a dict."""


class Malformed(Exception):
    """Bytes that are no encoding of the type."""


class Reader:
    """Bytes and how far they are read."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        part = self.data[self.at : self.at + n]
        if len(part) < n:
            raise Malformed("too short")
        self.at += n
        return part


class Type:
    """A type by its two functions."""

    def __init__(self, encode, read):
        self.encode, self.read = encode, read

    def decode(self, data):
        """The value that the bytes hold, all of them."""
        reader = Reader(data)
        value = self.read(reader)
        if reader.at != len(data):
            raise Malformed("trailing bytes")
        return value


def integer(size, signed=False):
    return Type(
        lambda value: value.to_bytes(size, "little", signed=signed),
        lambda reader: int.from_bytes(reader.take(size), "little", signed=signed),
    )


u8, u16, u32, u48, u64, u256 = (integer(size) for size in (1, 2, 4, 6, 8, 32))
i8, i32 = integer(1, True), integer(4, True)


def _read_varint(reader):
    value, shift = 0, 0
    while True:
        byte = reader.take(1)[0]
        value |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
        if shift == 28:
            raise Malformed("varint over 28 bits")
    if byte == 0 and shift:
        raise Malformed("varint not minimal")
    return value


def _varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def fixed(n):
    """bytes(n)"""
    return Type(bytes, lambda reader: reader.take(n))


hash32 = fixed(32)


def _count(reader, most):
    count = _read_varint(reader)
    if count > most:
        raise Malformed("count over the limit")
    return count


def blob(most):
    return Type(
        lambda value: _varint(len(value)) + value, lambda reader: reader.take(_count(reader, most))
    )


def listing(item, most):
    """list(item, most)"""
    return Type(
        lambda values: _varint(len(values)) + b"".join(map(item.encode, values)),
        lambda reader: [item.read(reader) for _ in range(_count(reader, most))],
    )


def text(most):
    inner = blob(most)

    def read(reader):
        try:
            return inner.read(reader).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("not UTF-8") from error

    return Type(lambda value: inner.encode(value.encode("utf-8")), read)


def optional(item):
    def read(reader):
        flag = reader.take(1)[0]
        if flag > 1:
            raise Malformed("tag of an optional")
        return item.read(reader) if flag else None

    return Type(lambda value: b"\0" if value is None else b"\1" + item.encode(value), read)


def struct(**fields):
    return Type(
        lambda value: b"".join(kind.encode(value[name]) for name, kind in fields.items()),
        lambda reader: {name: kind.read(reader) for name, kind in fields.items()},
    )


def union(*cases):
    """Cases are (name, struct) in the order of their tags; the value's `type` is the name."""
    tags = {name: (tag, kind) for tag, (name, kind) in enumerate(cases)}

    def encode(value):
        tag, kind = tags[value["type"]]
        return bytes([tag]) + kind.encode(value)

    def read(reader):
        tag = reader.take(1)[0]
        if tag >= len(cases):
            raise Malformed("unknown tag")
        name, kind = cases[tag]
        return {"type": name, **kind.read(reader)}

    return Type(encode, read)
