"""
What PyTorch makes of encoders, for the importer's tests: writes test/vectors/bert.

  python3 models/import/vectors.py       PyTorch >= 1.13, some seconds; the same files every time
  python3 models/import/vectors.py --dynamo       only exported-dynamo: PyTorch >= 2.9 with onnxscript

pooling.json             directions of polyglot's mean and first row, of padded batches
exported.onnx.gz         torch.onnx.export of an encoder whose weights are `formula` of their names
exported-dynamo.onnx.gz  the same of one layer by the exporter that is the default since 2.9
"""
import gzip, io, json, os, struct, sys
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "../../test/vectors/bert")

class Module(nn.Module):
    """Children by name, so that parameters are called as in transformers' BertModel."""
    def __init__(self, /, **children):
        super().__init__()
        for name, child in children.items(): setattr(self, name, child)

class Bert(nn.Module):
    def __init__(self, c):
        super().__init__()
        h, f = c["hidden_size"], c["intermediate_size"]
        norm = lambda: nn.LayerNorm(h, c["layer_norm_eps"])
        self.heads = c["num_attention_heads"]
        self.embeddings = Module(word_embeddings=nn.Embedding(c["vocab_size"], h),
            position_embeddings=nn.Embedding(c["max_position_embeddings"], h),
            token_type_embeddings=nn.Embedding(2, h), LayerNorm=norm())
        layer = lambda: Module(
            attention=Module(self=Module(query=nn.Linear(h, h), key=nn.Linear(h, h), value=nn.Linear(h, h)),
                             output=Module(dense=nn.Linear(h, h), LayerNorm=norm())),
            intermediate=Module(dense=nn.Linear(h, f)), output=Module(dense=nn.Linear(f, h), LayerNorm=norm()))
        self.encoder = Module(layer=nn.ModuleList(layer() for _ in range(c["num_hidden_layers"])))

    def forward(self, input_ids, attention_mask, token_type_ids):
        e = self.embeddings
        places = torch.arange(input_ids.shape[1])
        x = e.LayerNorm(e.word_embeddings(input_ids) + e.token_type_embeddings(token_type_ids) + e.position_embeddings(places))
        mask = (1.0 - attention_mask[:, None, None, :].float()) * -10000.0
        for l in self.encoder.layer:
            s, width = l.attention.self, x.shape[2] // self.heads
            split = lambda y: y.view(y.shape[0], y.shape[1], self.heads, width).permute(0, 2, 1, 3)
            q, k, v = split(s.query(x)), split(s.key(x)), split(s.value(x))
            a = (q @ k.transpose(-1, -2) / width ** 0.5 + mask).softmax(-1) @ v
            a = a.permute(0, 2, 1, 3).reshape(x.shape)
            x = l.attention.output.LayerNorm(l.attention.output.dense(a) + x)
            x = l.output.LayerNorm(l.output.dense(F.gelu(l.intermediate.dense(x))) + x)
        return x

def safetensors(path):
    raw = open(path, "rb").read()
    size, = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    kinds = {"F16": "<f2", "F32": "<f4"}
    return {name: torch.tensor(np.frombuffer(data[slice(*t["data_offsets"])], kinds[t["dtype"]]).astype("f4").reshape(t["shape"]))
            for name, t in header.items() if name != "__metadata__"}

def numbers(salt, count):
    """256 levels of -1/8 to 1/8; 32-bit arithmetic that any language has."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(salt)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(2246822519)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(3266489917)
    return ((x >> np.uint32(24)).astype(np.float32) - 128) / 1024

def formula(name, shape):
    salt = 0
    for c in name: salt = (salt * 31 + ord(c)) % 2 ** 32
    values = numbers(salt, int(np.prod(shape))).reshape(shape)
    return torch.tensor(values + 1 if name.endswith("LayerNorm.weight") else values)

def pooling():
    source = os.path.join(HERE, "polyglot")
    net = Bert(json.load(open(os.path.join(source, "config.json")))).eval()
    net.load_state_dict(safetensors(os.path.join(source, "model.safetensors")))
    texts = [x["ids"] for x in json.load(open(os.path.join(source, "expected.json")))]
    made = [[2] + [5 + int(x) for x in (numbers(n, n) + 0.125) * 16000] + [3] for n in (1, 7, 31, 62)]
    rows = texts + made
    width = max(map(len, rows))
    ids = torch.tensor([r + [0] * (width - len(r)) for r in rows])
    used = (ids != 0).long()
    with torch.no_grad(): x = net(ids, used, torch.zeros_like(ids))
    share = used[..., None].float()
    mean = F.normalize((x * share).sum(1) / share.sum(1), dim=-1)
    first = F.normalize(x[:, 0], dim=-1)
    short = lambda v: [round(y, 7) for y in v.tolist()]
    found = [{"ids": r, "mean": short(mean[i]), "cls": short(first[i])} for i, r in enumerate(rows)]
    with open(os.path.join(OUT, "pooling.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(x) for x in found) + "\n]\n")

CONFIG = {"model_type": "bert", "hidden_act": "gelu", "hidden_size": 128, "intermediate_size": 256,
    "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 128, "max_position_embeddings": 64, "layer_norm_eps": 1e-12}
NAMES = ["input_ids", "attention_mask", "token_type_ids"]

def encoder(config):
    net = Bert(config).eval()
    net.load_state_dict({name: formula(name, p.shape) for name, p in net.state_dict().items()})
    ids = torch.arange(1, 9)[None].repeat(2, 1)
    return net, (ids, torch.ones_like(ids), torch.zeros_like(ids))

def compressed(name, data):
    with open(os.path.join(OUT, name), "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0, filename="") as g: g.write(data)

def exported():
    net, inputs = encoder(CONFIG)
    out = io.BytesIO()
    open_dims = {0: "batch_size", 1: "sequence_length"}
    torch.onnx.export(net, tuple(x[:1] for x in inputs), out, opset_version=14, input_names=NAMES,
        output_names=["last_hidden_state"], dynamic_axes={name: open_dims for name in NAMES + ["last_hidden_state"]})
    compressed("exported.onnx.gz", out.getvalue())
    with open(os.path.join(OUT, "config.json"), "w") as f: f.write(json.dumps(CONFIG) + "\n")

def dynamo():
    net, inputs = encoder({**CONFIG, "num_hidden_layers": 1})
    dims = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(net, inputs, dynamo=True, input_names=NAMES, output_names=["last_hidden_state"],
        dynamic_shapes=(dims, dims, dims), verbose=False)
    model = program.model_proto
    # Where on the machine each node was written is no part of the form.
    for node in model.graph.node: del node.metadata_props[:]
    compressed("exported-dynamo.onnx.gz", model.SerializeToString())

torch.set_num_threads(1)
os.makedirs(OUT, exist_ok=True)
if "--dynamo" in sys.argv:
    dynamo()
else:
    pooling()
    exported()
