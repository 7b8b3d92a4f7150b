"""Protocol §5.2 to §5.6: a unit, its noise and transcript, the light check and the full check of a proof.

Rows of B, and of products, are integers with a lane of 32 bits for each column: a row of B times an entry of A
adds to all columns at once, and lanes with a sign borrow from their neighbours until a bias is added."""

from array import array
from functools import lru_cache

from blake3 import blake3, h, keyed_many, root_of_range, xof, xof_many
from formats import u32
from manifest import alive, carry_width, rows_of

ABOVE = bytes(byte ^ 128 for byte in range(256))
LOW6 = bytes(byte & 63 for byte in range(256))


@lru_cache(None)
def lanes(n):
    """n lanes of 32 bits that hold 1 each."""
    return int.from_bytes(b"\1\0\0\0" * n, "little")


def _pack(values):
    """Small whole numbers, none negative, as lanes."""
    row = array("I")
    row.extend(values)
    return int.from_bytes(row.tobytes(), "little")


@lru_cache(64)
def rows_of_b(bt, k):
    """Rows of B from Bᵀ (int8, n×k): k packed rows of n lanes."""
    n = len(bt) // k
    shift, above = 128 * lanes(n), bt.translate(ABOVE)
    return [_pack(above[p::k]) - shift for p in range(k)]


def product(a, rows, k, n):
    """A·B of int8 bytes (row-major) and packed rows: a flat list."""
    bias, out = lanes(n) << 31, []
    for at in range(0, len(a), k):
        total = sum(entry * row for entry, row in zip(a[at : at + k], rows))
        words = array("I")
        words.frombytes((total + bias).to_bytes(4 * n, "little"))
        out += [word - 2**31 for word in words]
    return out


def permutation(stream, r):
    """§5.4: from the 4·(r−1) bytes of a stream."""
    pi, words = list(range(r)), array("I")
    words.frombytes(stream)
    for i, word in zip(range(r - 1, 0, -1), words):
        j = word * (i + 1) >> 32
        pi[i], pi[j] = pi[j], pi[i]
    return pi


def _noise(sigma, kind, indices, length):
    start = sigma + bytes([kind])
    return xof_many("noise", [start + u32.encode(i) for i in indices], length)


def noisy_a(sigma, a, first, k, r):
    """A' of some rows of A (int8, from row `first` on): a list of lists."""
    count = len(a) // k
    left = _noise(sigma, 0, range(first, first + count), r)
    orders = [permutation(s, r) for s in _noise(sigma, 2, range(k // r), 4 * (r - 1))]
    out = []
    for i in range(count):
        e = [(byte & 63) - 32 for byte in left[i]]
        noise = [e[pi[j]] - (e[pi[j - 1]] if j else 0) for pi in orders for j in range(r)]
        out.append([x + y for x, y in zip(a[i * k : i * k + k], noise)])
    return out


def noisy_b(sigma, rows, first, n, k, r):
    """B' of n columns of B (from column `first` on), packed rows both."""
    streams = b"".join(_noise(sigma, 1, range(first, first + n), r)).translate(LOW6)
    f = [_pack(streams[p::r]) - 32 * lanes(n) for p in range(r)]
    orders = [permutation(s, r) for s in _noise(sigma, 3, range(k // r), 4 * (r - 1))]
    noise = [f[pi[j]] - (f[pi[j - 1]] if j else 0) for pi in orders for j in range(r)]
    return [x + y for x, y in zip(rows, noise)]


def messages(a, b, n, r):
    """§5.5: the messages (64 bytes each) of the tiles of A'·B', in their order."""
    bias, width, out = lanes(n) << 31, n // 16, []
    for top in range(0, len(a), 16):
        totals = [0] * 16
        words = [[0] * width for _ in range(16)]
        for s in range(len(b) // r):
            part, mixed = b[s * r : s * r + r], 0
            for i in range(16):
                row = a[top + i][s * r : s * r + r]
                totals[i] += sum(entry * lane for entry, lane in zip(row, part))
                # 16 biases cancel each other
                mixed ^= totals[i] + bias
            for shift in (256, 128, 64, 32):
                mixed ^= mixed >> shift
            folded = array("I")
            folded.frombytes(mixed.to_bytes(4 * n, "little"))
            last = words[s % 16]
            words[s % 16] = [
                ((w << 13 | w >> 19) & 0xFFFFFFFF) ^ x for w, x in zip(last, folded[::16])
            ]
        out += [array("I", column).tobytes() for column in zip(*words)]
    return out


def seed(core_hash):
    """σ_0"""
    return h("seed", core_hash)


def layer_seed(before, t, x, b, at):
    """σ_ℓ"""
    return h("layer", before + t + x + b + u32.encode(at))


def tickets(sigma, msgs, at, tiles):
    """τ of messages and the numbers of their tiles."""
    parts = [msg + u32.encode(at) + u32.encode(tile) for msg, tile in zip(msgs, tiles)]
    return [int.from_bytes(ticket, "big") for ticket in keyed_many(sigma, parts)]


def limit(target, package, at):
    """The highest ticket of linear `at` that wins; −1: none does."""
    credit = package.credits[at - 1]
    effective = min(target, 2**256 // (16 * package.work))
    return min(effective * credit, 2**256 - 1) if credit else -1


def tokens(package, sigma):
    """The m tokens of a unit."""
    shape = package.shape
    streams = [
        xof("idle", sigma + u32.encode(s), 4 * shape["tokens"]) for s in range(shape["sequences"])
    ]
    return scale(b"".join(streams), package.manifest["vocabulary"])


def scale(stream, vocabulary):
    words = array("I")
    words.frombytes(stream)
    return [(word * (vocabulary - 1) >> 32) + 1 for word in words]


class Pass:
    """The model's run on some tokens: A_ℓ, its hash, x_ℓ and the answer, step by step and kept."""

    def __init__(self, package, ids):
        self.package, self.values, self.hashes = package, {}, {}
        shape = package.shape
        self.a, self.ahash, self.y, self.x = {}, {}, {}, {}
        given = {"tokens": ((shape["sequences"], shape["tokens"]), ids)}
        for i, (table, data) in enumerate(zip(package.manifest["tables"], package.tables)):
            given[f"e{i}"] = self._rows(table, data, ids)
        self._segment(0, given)

    @staticmethod
    def _rows(table, data, ids):
        entries, width, out = array("bh"[table["wide"] - 1]), table["width"], []
        entries.frombytes(data)
        for token in ids:
            out += entries[token * width : token * width + width]
        return (len(ids), width), out

    def set_state(self, at, a, carries):
        """Puts A_ℓ (int8 bytes) and carries in place of what the last segment gave."""
        self.values, self.a[at] = carries, a

    def _segment(self, number, given):
        graph = self.package.graphs[number]
        out = graph.run(
            {name: given[name] if name in given else self.values[name] for name in graph.inputs}
        )
        for name, (dims, values) in out.items():
            out[name] = dims, [int(value) for value in values]
        self.values.update(out)
        at = number + 1
        if at > len(self.package.linears):
            self.answer = array("b", out["answer"][1]).tobytes()
            return
        self.a[at] = array("b", out[f"a{at}"][1]).tobytes()
        self.hash_state(at)

    def hash_state(self, at):
        carries = alive(self.package.shape, at)
        parts = [self._carry(carry) for carry in carries]
        self.ahash[at], self.y[at] = blake3(self.a[at]), h("carry", b"".join(parts))
        self.x[at] = h("state", self.ahash[at] + self.y[at])

    def _carry(self, carry):
        name = carry["name"]
        values = self.values[name][1]
        # a carry is made once, so that its list is the same object as long as it is alive
        if self.hashes.get(name, (None,))[0] is not values:
            code = "h" if carry_width(carry) == 2 else "i"
            self.hashes[name] = values, blake3(array(code, values).tobytes())
        return self.hashes[name][1]

    def step(self, at):
        """Linear `at` and the segment after it."""
        linear, m = self.package.linears[at - 1], rows_of(self.package.shape)
        rows = rows_of_b(self.package.weights[at - 1], linear["k"])
        c = product(array("b", self.a[at]), rows, linear["k"], linear["n"])
        self._segment(at, {f"c{at}": ((m, linear["n"]), c)})


def first_winner(package, core_hash, target, until=None):
    """Replays a unit as far as linear `until` (None: until a tile wins, or to the end).

    (pass, t by linear, (linear, tile) of the first winning tile or None)"""
    sigma, t, won = seed(core_hash), {0: bytes(32)}, None
    run = Pass(package, tokens(package, sigma))
    for at, linear in enumerate(package.linears, 1):
        k, n, r = linear["k"], linear["n"], linear["r"]
        sigma = layer_seed(sigma, t[at - 1], run.x[at], linear["weights"], at)
        a = noisy_a(sigma, array("b", run.a[at]), 0, k, r)
        b = noisy_b(sigma, rows_of_b(package.weights[at - 1], k), 0, n, k, r)
        msgs = messages(a, b, n, r)
        t[at] = blake3(b"".join(msgs))
        most = limit(target, package, at)
        if won is None and most >= 0:
            found = tickets(sigma, msgs, at, range(len(msgs)))
            won = next(((at, tile) for tile, ticket in enumerate(found) if ticket <= most), None)
        if at == until or (until is None and won):
            break
        run.step(at)
    return run, t, won


def digest(proof):
    """proofDigest"""
    x = proof["x"] + [h("state", proof["a"] + proof["y"])]
    return h(
        "digest", bytes([proof["linear"]]) + u32.encode(proof["tile"]) + b"".join(x + proof["t"])
    )


def light_check(package, core_hash, proof_digest, target, proof):
    """The light check of §5.6: the fault's code, or None."""
    at, tile = proof["linear"], proof["tile"]
    if not 2 <= at <= len(package.linears):
        return "proof.shape"
    linear, m = package.linears[at - 1], rows_of(package.shape)
    k, n, r = linear["k"], linear["n"], linear["r"]
    held = not proof["columns"] and not proof["columnPath"]
    sizes = len(proof["rows"]) == 16 * k and (held or len(proof["columns"]) == 16 * k)
    if (
        not sizes
        or tile >= (m // 16) * (n // 16)
        or len(proof["x"]) != at - 1
        or len(proof["t"]) != at - 1
    ):
        return "proof.shape"
    if digest(proof) != proof_digest:
        return "proof.digest"

    top, left = tile // (n // 16), tile % (n // 16)
    own = package.weights[at - 1][left * 16 * k : (left + 1) * 16 * k]
    a, bt = array("b", proof["rows"]), array("b", own if held else proof["columns"])
    if min(a) < linear["low"] or max(a) > linear["high"] or min(bt) < -63 or max(bt) > 63:
        return "proof.range"
    chunks = 16 * k // 1024
    if root_of_range(m * k // 1024, top * chunks, proof["rows"], proof["rowPath"]) != proof["a"]:
        return "proof.rows"
    if not held:
        path = proof["columnPath"]
        if root_of_range(n * k // 1024, left * chunks, proof["columns"], path) != linear["weights"]:
            return "proof.columns"

    sigma, t = seed(core_hash), [bytes(32)] + proof["t"]
    x = proof["x"] + [h("state", proof["a"] + proof["y"])]
    for i in range(at):
        sigma = layer_seed(sigma, t[i], x[i], package.linears[i]["weights"], i + 1)
    noisy = noisy_a(sigma, a, top * 16, k, r)
    rows = noisy_b(sigma, rows_of_b(bt.tobytes(), k), left * 16, 16, k, r)
    ticket = tickets(sigma, messages(noisy, rows, 16, r), at, [tile])[0]
    return None if ticket <= limit(target, package, at) else "proof.target"


def full_check(package, core_hash, target, proof):
    """The full check of §5.6 of a proof that passed the light one: the fault's code, or None."""
    at = proof["linear"]
    run, t, won = first_winner(package, core_hash, target, until=at)
    x = proof["x"] + [h("state", proof["a"] + proof["y"])]
    if any(run.x[i + 1] != x[i] for i in range(at)):
        return "proof.activations"
    if any(t[i + 1] != proof["t"][i] for i in range(at - 1)):
        return "proof.transcript"
    return None if won == (at, proof["tile"]) else "proof.earlier-winner"


def known_answers(package):
    """§5.8: known answers of every step, computed."""
    manifest, shape = package.manifest, package.shape
    m, v, name = rows_of(shape), manifest["vocabulary"], manifest["name"].encode()
    run = Pass(package, scale(xof("known", name + u32.encode(1), 4 * m), v))
    out = [run.x[1]]
    for step in range(2, len(package.linears) + 2):
        linear = package.linears[step - 2]
        carries = alive(shape, step - 1)
        counts = [m * linear["k"]] + [shape["sequences"] * carry["size"] for carry in carries]
        words = array("I")
        words.frombytes(xof("known", name + u32.encode(step), 4 * sum(counts)))
        drawn, at = [], 0
        for bounds, count in zip([linear, *carries], counts):
            low, span = bounds["low"], bounds["high"] - bounds["low"] + 1
            drawn.append([low + (word * span >> 32) for word in words[at : at + count]])
            at += count
        dims = {carry["name"]: run.values[carry["name"]][0] for carry in carries}
        state = {c["name"]: (dims[c["name"]], values) for c, values in zip(carries, drawn[1:])}
        run.set_state(step - 1, array("b", drawn[0]).tobytes(), state)
        run.step(step - 1)
        out.append(run.x.get(step))
    out[-1] = blake3(run.answer)
    return out
