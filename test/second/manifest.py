"""Protocol §5.1 and §5.8: a package's manifest, whether it can be mined, credit; the package's files."""

import json
from pathlib import Path

from blake3 import blake3, h
from formats import Manifest
from onnx import Graph

HASHES = ("hash", "weights", "known")


def _from_json(value, name=""):
    """JSON with the hashes as bytes; optional fields that were left out are None."""
    if isinstance(value, dict):
        return {key: _from_json(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_json(item, name) for item in value]
    return bytes.fromhex(value) if name in HASHES else value


def parse(text):
    """A manifest from the text of `manifest.json`."""
    return {"tokenizer": None, "template": None, **_from_json(json.loads(text))}


def model_id(manifest):
    return h("model", Manifest.encode(manifest))


def alive(shape, linear):
    """The carries of a shape that are alive at a linear (from 1)."""
    return [carry for carry in shape["carries"] if carry["made"] < linear <= carry["last"]]


def carry_width(carry):
    """Bytes of one entry as it is hashed (§5.3)."""
    return 2 if carry["low"] >= -32768 and carry["high"] <= 32767 else 4


def rows_of(shape):
    """m"""
    return shape["sequences"] * shape["tokens"]


WIDTH = {"bytes": 1, "u16": 2, "u24": 3}


def longest(shapes):
    """S⁺"""
    return max(shape["tokens"] for shape in shapes)


def needed(manifest, given):
    """Places of the shapes that the sequences of an input need (§5.2)."""
    shapes, width = manifest["shapes"], WIDTH[manifest["packing"]]
    size = longest(shapes) * width
    places = []
    for at in range(0, len(given), size) or [0]:
        part = given[at : at + size]
        used = part if manifest["packing"] == "bytes" else part.rstrip(b"\0")
        count = -(-len(used) // width) or longest(shapes)
        holding = [i for i, shape in enumerate(shapes) if shape["tokens"] >= count]
        order = lambda i: (shapes[i]["tokens"], -shapes[i]["sequences"], i)
        places.append(min(holding, key=order))
    return places


def question_price(manifest, offered, given):
    """nV that a question names for each sequence of its input (§9.1)."""
    shapes = manifest["shapes"]
    most = max(shapes[place]["tokens"] for place in needed(manifest, given))
    return min(-(-offered * most // shapes[0]["tokens"]), 2**64 - 1)


def credits(manifest):
    """(c_1 … c_L, W), of the first shape."""
    m = rows_of(manifest["shapes"][0])
    work = [m * linear["k"] * linear["n"] for linear in manifest["linears"]]
    before = [sum(work[:i]) for i in range(len(work))]
    total, d = sum(work), sum(w * s for w, s in zip(work, before))
    rows = zip(manifest["linears"], before)
    return [256 * linear["k"] * s * total // d for linear, s in rows], total


def _shape_fits(shape, count):
    names = [carry["name"].encode() for carry in shape["carries"]]
    return (
        shape["sequences"] >= 1
        and rows_of(shape) >= 16
        and rows_of(shape) % 16 == 0
        and len(shape["segments"]) == count + 1 == len(shape["known"])
        and names == sorted(set(names))
        and all(c["made"] < c["last"] <= count and c["size"] >= 1 for c in shape["carries"])
        and all(c["low"] <= c["high"] for c in shape["carries"])
    )


def _linear_fits(linear):
    k, n, r = linear["k"], linear["n"], linear["r"]
    return (
        n > 0
        and n % 16 == 0
        and k % 64 == 0
        and 0 < r <= 240
        and r % 16 == 0
        and k % r == 0
        and 8 * r <= k <= 8192
        and k * n <= 2**23
        and linear["low"] <= linear["high"]
    )


def _table_fits(table, vocabulary):
    limit = 1 << (8 * table["wide"] - 1)
    return (
        table["wide"] in (1, 2)
        and table["size"] == vocabulary * table["width"] * table["wide"]
        and -limit <= table["low"] <= table["high"] < limit
    )


def answer_rows(manifest, tokens):
    """§5.1: rows of the answer that a sequence of so many tokens has."""
    return tokens if manifest["kind"] == 2 else 1


def answers_fit(manifest):
    """§5.1: the answer to the longest input, and that of a pass in each shape, are of 1 to 4,194,304 bytes."""
    shapes = manifest["shapes"]
    asked = {"sequences": shapes[0]["sequences"], "tokens": longest(shapes)}
    sizes = [
        shape["sequences"] * answer_rows(manifest, shape["tokens"]) * manifest["answerSize"]
        for shape in [asked, *shapes]
    ]
    return min(sizes) >= 1 and max(sizes) <= 2**22


def well_formed(manifest):
    """The first list of conditions of §5.1."""
    v, linears, shapes = manifest["vocabulary"], manifest["linears"], manifest["shapes"]
    packing = {"bytes": v == 257, "u16": v <= 65536, "u24": True}
    return (
        manifest["version"] == 2
        and manifest["kind"] <= 2
        and 2 <= len(linears) <= 255
        and 3 <= v <= 2**18
        and packing.get(manifest["packing"], False)
        and 1 <= len(shapes) <= 8
        and all(_shape_fits(shape, len(linears)) for shape in shapes)
        and all(map(_linear_fits, linears))
        and len({linear["weights"] for linear in linears})
        == len({(linear["weights"], linear["k"], linear["n"]) for linear in linears})
        and all(_table_fits(table, v) for table in manifest["tables"])
        and shapes[0]["sequences"] * longest(shapes) * WIDTH[manifest["packing"]] <= 2**20
        and answers_fit(manifest)
    )


def mineable(manifest):
    """The second list of §5.1, of a manifest that is well formed."""
    shape, linears = manifest["shapes"][0], manifest["linears"]
    m, v = rows_of(shape), manifest["vocabulary"]
    step = lambda at: (
        m * linears[at - 1]["k"]
        + sum(shape["sequences"] * carry["size"] * carry_width(carry) for carry in alive(shape, at))
    )
    return (
        all(linear["low"] >= -63 and linear["high"] <= 63 for linear in linears)
        and (v - 1) ** shape["tokens"] >= 2**128
        and (manifest["kind"] != 2 or (v >= 4096 and shape["tokens"] >= 64))
        and all(c <= 640 * linear["k"] for c, linear in zip(credits(manifest)[0], linears))
        and all(step(at) <= 2**23 for at in range(1, len(linears) + 1))
    )


class Package:
    """A package's first shape: manifest, graphs, tables (bytes), weights (each Bᵀ as bytes), all checked."""

    def __init__(self, manifest, files):
        """`files` gives the bytes of a file by its name."""
        self.manifest, self.id = manifest, model_id(manifest)
        if not (well_formed(manifest) and mineable(manifest)):
            raise ValueError("the manifest can't be mined")
        self.shape, self.linears = manifest["shapes"][0], manifest["linears"]
        self.credits, self.work = credits(manifest)
        segments = [
            self._checked(ref, files(f"seg-{i}.onnx"))
            for i, ref in enumerate(self.shape["segments"])
        ]
        self.graphs = list(map(Graph, segments))
        tables = enumerate(manifest["tables"])
        self.tables = [self._checked(table, files(f"table-{i}.bin")) for i, table in tables]
        held, at, weights = {}, 0, files("weights.bin")
        for linear in self.linears:
            if linear["weights"] in held:
                continue
            size = linear["k"] * linear["n"]
            part = weights[at : at + size]
            if len(part) < size or blake3(part) != linear["weights"]:
                raise ValueError("weights")
            held[linear["weights"]] = part
            at += size
        self.weights = [held[linear["weights"]] for linear in self.linears]
        if at != len(weights):
            raise ValueError("weights")

    @staticmethod
    def _checked(ref, data):
        if len(data) != ref["size"] or blake3(data) != ref["hash"]:
            raise ValueError("a file of the package is another")
        return data


def load(folder):
    """The package in a folder."""
    folder = Path(folder)
    manifest = parse((folder / "manifest.json").read_text("utf-8"))
    return Package(manifest, lambda name: (folder / name).read_bytes())
