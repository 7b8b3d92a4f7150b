"""Protocol §1.1: BLAKE3, and the openings of ranges of its chunks (§5.6).

Independent compressions run side by side in one big integer, a lane of 64 bits for each word of 32:
sums stay inside their lane, and a mask takes off what a shift moved into the next one."""

from array import array
from functools import lru_cache

IV = (
    0x6A09E667,
    0xBB67AE85,
    0x3C6EF372,
    0xA54FF53A,
    0x510E527F,
    0x9B05688C,
    0x1F83D9AB,
    0x5BE0CD19,
)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
START, END, PARENT, ROOT, KEYED, CONTEXT, MATERIAL = 1, 2, 4, 8, 16, 32, 64
VERSION = 2


@lru_cache(None)
def ones(n):
    """n lanes that hold 1 each."""
    return int.from_bytes(b"\1\0\0\0\0\0\0\0" * n, "little")


def pack(words):
    """Words (any iterable of u32) as lanes."""
    return int.from_bytes(array("Q", words).tobytes(), "little")


def unpack(lanes, n):
    """n lanes as an array of words."""
    words = array("Q")
    words.frombytes(lanes.to_bytes(8 * n, "little"))
    return words


def _rounds():
    """The seven rounds, written out: with names in place of indices they run about twice as fast."""
    lines = ["def mix(v, m, M):", " " + ",".join(f"v{i}" for i in range(16)) + "=v"]
    lines += [" " + ",".join(f"m{i}" for i in range(16)) + "=m"]
    order = list(range(16))
    columns = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    diagonals = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for _ in range(7):
        for g, (a, b, c, d) in enumerate(columns + diagonals):
            for word, (right_d, right_b) in zip(order[2 * g : 2 * g + 2], ((16, 12), (8, 7))):
                lines += [
                    f" v{a}=v{a}+v{b}+m{word}&M",
                    f" v{d}^=v{a}",
                    f" v{d}=(v{d}>>{right_d}|v{d}<<{32 - right_d})&M",
                    f" v{c}=v{c}+v{d}&M",
                    f" v{b}^=v{c}",
                    f" v{b}=(v{b}>>{right_b}|v{b}<<{32 - right_b})&M",
                ]
        order = [order[i] for i in ORDER]
    lines += [" return " + ",".join(f"v{i}" for i in range(16))]
    scope = {}
    exec("\n".join(lines), scope)
    return scope["mix"]


_mix = _rounds()


def compress(cv, m, counter, length, flags, n):
    """n compressions: cv 8 and m 16 integers of n lanes, counter the same or lanes too. 16 integers of n lanes."""
    one = ones(n)
    mask = one * 0xFFFFFFFF
    low = counter & mask if n > 1 else counter & 0xFFFFFFFF
    v = _mix((*cv, *(word * one for word in IV[:4]), low, 0, length * one, flags * one), m, mask)
    return [v[i] ^ v[i + 8] for i in range(8)] + [v[i + 8] ^ cv[i] for i in range(8)]


def _words(data):
    words = array("I")
    words.frombytes(data)
    return words


def _blocks(words, n, at, stride):
    """Block `at` of each of n messages of `stride` words, as lanes."""
    return [pack(words[at * 16 + j :: stride]) for j in range(16)]


def _chain(key, flags, data, n, counter):
    """The last compression's inputs of n chunks of equal length, at most 1024 bytes each, one after the other."""
    size = len(data) // n
    count = max(1, -(-size // 64))
    if size % 64 or size == 0:
        pad = bytes(count * 64 - size)
        data = b"".join(data[i * size : i * size + size] + pad for i in range(n))
    words = _words(data)
    one = ones(n)
    cv = [word * one for word in key]
    for at in range(count - 1):
        begin = START if at == 0 else 0
        cv = compress(cv, _blocks(words, n, at, count * 16), counter, 64, flags | begin, n)[:8]
    last = size - 64 * (count - 1)
    begin = START if count == 1 else 0
    return cv, _blocks(words, n, count - 1, count * 16), counter, last, flags | begin | END, n


def _columns(lanes, n):
    """Chaining values (8 integers of n lanes) as n tuples of 8 words."""
    return list(zip(*(unpack(lane, n) for lane in lanes)))


def _chunk_values(key, flags, data, first):
    """Chaining values of all chunks of data, the first of which has the number `first`."""
    full = len(data) // 1024
    values = []
    if full:
        counter = pack(range(first, first + full))
        values = _columns(
            compress(*_chain(key, flags, data[: full * 1024], full, counter))[:8], full
        )
    if len(data) % 1024:
        rest = compress(*_chain(key, flags, data[full * 1024 :], 1, first + full))[:8]
        values.append(tuple(rest))
    return values


def _parents(key, flags, pairs):
    """Chaining values of the parents of pairs of values."""
    n = len(pairs)
    message = [pack(column) for column in zip(*(left + right for left, right in pairs))]
    return _columns(compress([w * ones(n) for w in key], message, 0, 64, flags | PARENT, n)[:8], n)


def _bytes(words):
    return array("I", words).tobytes()


def _output(inputs, length):
    """Extendable output of one root compression."""
    cv, m, _, size, flags, _ = inputs
    blocks = [_bytes(compress(cv, m, t, size, flags | ROOT, 1)) for t in range(-(-length // 64))]
    return b"".join(blocks)[:length]


def _hash(key, flags, data, length=32):
    if len(data) <= 1024:
        return _output(_chain(key, flags, data, 1, 0), length)
    values = _chunk_values(key, flags, data, 0)
    while len(values) > 2:
        half = len(values) // 2
        pairs = [(values[2 * i], values[2 * i + 1]) for i in range(half)]
        values = _parents(key, flags, pairs) + values[2 * half :]
    return _output((key, values[0] + values[1], 0, 64, flags | PARENT, 1), length)


def _many(key, flags, messages, length=32):
    """Hashes of messages of one length, at most 1024 bytes each; output of at most 256 bytes."""
    if not messages:
        return []
    n = len(messages)
    cv, m, _, size, last, _ = _chain(key, flags, b"".join(messages), n, 0)
    parts = []
    for t in range(-(-length // 64)):
        out = compress(cv, m, t * ones(n), size, last | ROOT, n)
        words = list(zip(*(unpack(lane, n) for lane in out)))
        parts.append([_bytes(row) for row in words])
    return [b"".join(row)[:length] for row in zip(*parts)]


@lru_cache(None)
def _context_key(name):
    version = 1 if name == "address" else VERSION
    context = f"pila {version} {name}".encode()
    return tuple(_words(_hash(IV, CONTEXT, context)))


def blake3(data):
    """Plain BLAKE3, 32 bytes."""
    return _hash(IV, 0, bytes(data))


def h(name, data):
    """H_name(data) of §1.1."""
    return _hash(_context_key(name), MATERIAL, bytes(data))


def xof(name, data, length):
    """The first `length` bytes of XOF_name(data)."""
    return _hash(_context_key(name), MATERIAL, bytes(data), length)


def xof_many(name, messages, length):
    """The same of many short messages of one length."""
    return _many(_context_key(name), MATERIAL, messages, length)


def keyed(key, data, length=32):
    """BLAKE3_key(key, data)."""
    return _hash(tuple(_words(key)), KEYED, bytes(data), length)


def keyed_many(key, messages):
    """The same of many messages of one length, at most 1024 bytes each."""
    return _many(tuple(_words(key)), KEYED, messages)


def derive(context, data, length=32):
    """Derive-key mode with any context."""
    return _hash(tuple(_words(_hash(IV, CONTEXT, context.encode()))), MATERIAL, data, length)


def _walk(first, count, low, high, outside, leaf, parent):
    """Folds the tree of chunks [low, high): `outside` for what lies outside the range, in pre-order."""
    if high <= first or low >= first + count:
        return outside(low, high)
    if high - low == 1:
        return leaf(low)
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    left = _walk(first, count, low, middle, outside, leaf, parent)
    right = _walk(first, count, middle, high, outside, leaf, parent)
    return parent(left, right, low, high)


def root_of_range(total, first, data, path):
    """Plain BLAKE3 of a file of `total` chunks (2 and more) of which `data` is the range from chunk `first` on.

    `path` is as in §5.6. None: the path has another length."""
    count = len(data) // 1024
    values = _chunk_values(IV, 0, data, first)
    rest = list(path)

    def outside(_low, _high):
        return tuple(_words(rest.pop(0))) if rest else None

    def parent(left, right, low, high):
        if left is None or right is None:
            return None
        if (low, high) == (0, total):
            return _output((IV, left + right, 0, 64, PARENT, 1), 32)
        return _parents(IV, 0, [(left, right)])[0]

    root = _walk(first, count, 0, total, outside, lambda i: values[i - first], parent)
    return root if not rest else None


def path_of_range(data, first, count):
    """The path that opens chunks [first, first + count) of data, whose length is a multiple of 1024."""
    values = _chunk_values(IV, 0, data, 0)
    path = []

    def fold(low, high):
        if high - low == 1:
            return values[low]
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        return _parents(IV, 0, [(fold(low, middle), fold(middle, high))])[0]

    def outside(low, high):
        path.append(_bytes(fold(low, high)))

    _walk(first, count, 0, len(data) // 1024, outside, lambda _: None, lambda *_: None)
    return path
