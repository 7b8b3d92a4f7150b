"""Protocol §2: BIP-340 Schnorr signatures over secp256k1. Points are Jacobian triples; None is infinity."""

from hashlib import sha256

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GX = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
GY = 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8
G = (GX, GY, 1)


def _double(point):
    if point is None:
        return None
    x, y, z = point
    yy = y * y % P
    s = 4 * x * yy % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _add(a, b):
    if a is None:
        return b
    if b is None:
        return a
    x1, y1, z1 = a
    x2, y2, z2 = b
    zz1, zz2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * zz2 % P, x2 * zz1 % P
    s1, s2 = y1 * zz2 * z2 % P, y2 * zz1 * z1 % P
    h, r = u2 - u1, s2 - s1
    if h % P == 0:
        return _double(a) if r % P == 0 else None
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P


def _row(point):
    """0 to 15 times the point."""
    row = [None, point]
    for _ in range(14):
        row.append(_add(row[-1], point))
    return row


_G_ROW = _row(G)


def _sum(a, b, point):
    """a·G + b·point, four bits of both at a time."""
    row, total = _row(point), None
    for shift in range(252, -4, -4):
        for _ in range(4):
            total = _double(total)
        total = _add(total, _G_ROW[a >> shift & 15])
        total = _add(total, row[b >> shift & 15])
    return total


def _affine(point):
    x, y, z = point
    inverse = pow(z, -1, P)
    return x * inverse * inverse % P, y * inverse**3 % P


def _tagged(tag, data):
    name = sha256(tag.encode()).digest()
    return sha256(name + name + data).digest()


def _number(data):
    return int.from_bytes(data, "big")


def _lift(x):
    """The point with that x and an even y; None where there is none."""
    if x >= P:
        return None
    square = (x * x * x + 7) % P
    y = pow(square, (P + 1) // 4, P)
    return (x, y if y % 2 == 0 else P - y, 1) if y * y % P == square else None


def verify(key, message, signature):
    """Whether the 64 bytes are the signature of the message by the 32-byte x-only key."""
    point = _lift(_number(key))
    r, s = _number(signature[:32]), _number(signature[32:])
    if point is None or r >= P or s >= N:
        return False
    e = _number(_tagged("BIP0340/challenge", signature[:32] + key + message)) % N
    total = _sum(s, N - e, point)
    if total is None:
        return False
    x, y = _affine(total)
    return y % 2 == 0 and x == r


def _scalar(secret):
    """The secret whose point has an even y, and that point's x as bytes."""
    d = _number(secret)
    assert 0 < d < N
    x, y = _affine(_sum(d, 0, G))
    return (d if y % 2 == 0 else N - d), x.to_bytes(32, "big")


def public_key(secret):
    """The x-only key of a secret."""
    return _scalar(secret)[1]


def sign(secret, message, random=bytes(32)):
    """The signature of BIP-340 with that auxiliary randomness."""
    d, key = _scalar(secret)
    masked = d ^ _number(_tagged("BIP0340/aux", random))
    nonce = _tagged("BIP0340/nonce", masked.to_bytes(32, "big") + key + message)
    k, r = _scalar((_number(nonce) % N).to_bytes(32, "big"))
    e = _number(_tagged("BIP0340/challenge", r + key + message)) % N
    return r + ((k + e * d) % N).to_bytes(32, "big")
