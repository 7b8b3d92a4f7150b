"""Judges a recorded chain (README.md), or with --self runs its own tests. Exit 1: something differs."""

import gzip
import json
import sys
from pathlib import Path

from manifest import load
from network import Network

from chain import Node

ROOT = Path(__file__).resolve().parents[2]


def hear(node, told):
    """What a node says of a told block, in the words of the recording."""
    parts = (bytes.fromhex(told[name]) for name in ("header", "body", "proof"))
    verdict, at = node.hear(*parts, told["clock"], told.get("replay", False))
    return verdict, at.hex() if at else None, node.head.hex()


def differs(node, told, where):
    """Whether the verdict is another than the expected one, which is told on standard output."""
    verdict, at, head = hear(node, told)
    expected = told["verdict"], told.get("at", at), told["head"]
    if (verdict, at, head) == expected:
        return False
    print(f"{where}: expected {' '.join(map(str, expected))}, judged {verdict} {at} {head}")
    return True


def judge(recorded, packages=None):
    """(blocks, units replayed, copies, copies judged alike, verdicts of the main list that differ)."""
    network = Network(recorded["network"], recorded["genesis"]["time"])
    if packages is None:
        rows = [row for row in network.models if "package" in row]
        packages = {row["id"]: load(ROOT / row["package"]) for row in rows}
        for row in rows:
            if packages[row["id"]].id.hex() != row["id"]:
                raise SystemExit(f"{row['package']}: its manifest has another id")
    node = Node(network, packages)
    if network.genesis_id.hex() != recorded["genesis"]["id"]:
        raise SystemExit(f"genesis: {network.genesis_id.hex()} follows from the constants")

    copies, alike, wrong = recorded["copies"], 0, 0
    for index, told in enumerate([*recorded["blocks"], None]):
        for copy in (copy for copy in copies if copy["from"] == index):
            other = node.clone()
            faults = [differs(other, part, f"copy {copy['name']}") for part in copy["blocks"]]
            alike += not any(faults)
        if told:
            wrong += differs(node, told, f"block {index}")
    return len(recorded["blocks"]), node.replayed, len(copies), alike, wrong


def read(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def main(arguments):
    if arguments == ["--self"]:
        import selftest

        return selftest.run()
    if len(arguments) != 1:
        print(__doc__)
        return 2
    blocks, replayed, copies, alike, wrong = judge(read(arguments[0]))
    words = f"{blocks} blocks, {replayed} units replayed"
    print(f"second: {words}, {alike} of {copies} changed copies judged alike")
    return 1 if wrong or alike < copies else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
