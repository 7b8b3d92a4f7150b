"""Protocol §7: the Merkle mountain range, as its peaks (leaves, hash, work), highest first."""

from blake3 import h
from formats import ZERO, u32, u256


def _node(left, right):
    data = left[1] + u256.encode(left[2]) + right[1] + u256.encode(right[2])
    return left[0] + right[0], h("mmr-node", data), left[2] + right[2]


def append(peaks, block, work):
    """The peaks after one more block (an id and its work)."""
    peak = (1, h("mmr-leaf", block), work)
    rest = list(peaks)
    while rest and rest[-1][0] == peak[0]:
        peak = _node(rest.pop(), peak)
    return (*rest, peak)


def root(peaks):
    """mmrRoot over the blocks that were appended."""
    if not peaks:
        return ZERO
    total = peaks[-1]
    for peak in reversed(peaks[:-1]):
        total = _node(peak, total)
    return h("mmr-root", u32.encode(total[0]) + total[1] + u256.encode(total[2]))
