"""Protocol §8.1: the state tree. Trees are values: a change gives a new one that shares what is unchanged.

A node is None (empty), (hash, key, value) or (hash, left, right, None)."""

from blake3 import h
from formats import ZERO


def _leaf(key, value):
    mark = bytearray(h("tree-leaf", key + value))
    mark[31] &= 0xFE
    return bytes(mark), key, value


def _branch(left, right):
    mark = bytearray(h("tree-branch", root(left) + root(right)))
    mark[31] |= 1
    return bytes(mark), left, right, None


def _is_leaf(node):
    return node is not None and len(node) == 3


def _bit(key, depth):
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def root(node):
    return ZERO if node is None else node[0]


def get(node, key):
    """The key's value, or None."""
    depth = 0
    while node is not None and not _is_leaf(node):
        node = node[1 + _bit(key, depth)]
        depth += 1
    return node[2] if node is not None and node[1] == key else None


def put(node, key, value, depth=0):
    """The tree with that value at the key."""
    if node is None:
        return _leaf(key, value)
    if _is_leaf(node):
        if node[1] == key:
            return _leaf(key, value)
        children = [None, None]
        children[_bit(node[1], depth)] = node
    else:
        children = [node[1], node[2]]
    side = _bit(key, depth)
    children[side] = put(children[side], key, value, depth + 1)
    return _branch(*children)


def remove(node, key, depth=0):
    """The tree without that key; a subtree that is left with one leaf is that leaf."""
    if node is None:
        return None
    if _is_leaf(node):
        return None if node[1] == key else node
    children = [node[1], node[2]]
    side = _bit(key, depth)
    children[side] = remove(children[side], key, depth + 1)
    for child, other in (children, children[::-1]):
        if child is None and (other is None or _is_leaf(other)):
            return other
    return _branch(*children)
