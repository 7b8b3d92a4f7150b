"""
Trains `polyglot`, the small BERT that the importer is tested on: translations of one message lie
close together (InfoNCE over batches). Writes a Hugging Face folder: config.json, tokenizer.json,
tokenizer_config.json, 1_Pooling/config.json, model.safetensors (float16), expected.json.

  python3 models/import/train.py [--steps N] [--out DIR]      PyTorch >= 1.13, seeded, about 10 minutes

Text: TypeScript's diagnostics in five languages (Apache-2.0), installed with the compiler. Every
tenth message is held out in all languages at once.
"""
import argparse, collections, json, math, os, random, re, struct, time, unicodedata
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
TYPESCRIPT = os.path.join(HERE, "../../node_modules/typescript/lib")
LANGUAGES = ["en", "it", "de", "fr", "es"]
VOCABULARY, WIDTH, FFN, HEADS, LAYERS, POSITIONS = 4096, 128, 512, 4, 3, 128
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNK, CLS, SEP = 0, 1, 2, 3
TEMPERATURE = 0.05

def clean(text):
    text = re.sub(r"['\"“”„«»‘’]?\{\d\}['\"“”„«»‘’]?|'[^']{1,40}'|--\w+|[<>{}\[\]_/\\|`]", " ", text)
    return re.sub(r"\s+", " ", text).strip()

def messages():
    """id -> language -> text"""
    found = collections.defaultdict(dict)
    for language in LANGUAGES[1:]:
        path = os.path.join(TYPESCRIPT, language, "diagnosticMessages.generated.json")
        for key, text in json.load(open(path, encoding="utf-8")).items():
            number = re.search(r"_(\d+)$", key)
            if number and clean(text): found[int(number.group(1))][language] = clean(text)
    source = open(os.path.join(TYPESCRIPT, "typescript.js"), encoding="utf-8").read()
    for number, text in re.findall(r'diag\((\d+), \d+ /\* \w+ \*/, "[^"]*", ("(?:[^"\\]|\\.)*")', source):
        if clean(json.loads(text)): found[int(number)]["en"] = clean(json.loads(text))
    return {k: v for k, v in sorted(found.items()) if len(v) == len(LANGUAGES)}

def words(text):
    """What BERT's normaliser and pre-tokeniser make of a text: lower case, no accents, punctuation alone."""
    text = unicodedata.normalize("NFD", text.lower())
    text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    return re.findall(r"\w+|[^\w\s]", text)

def word_pieces(counts, size):
    """Vocabulary by merging the most frequent pairs, twenty at a time."""
    split = {w: [w[0]] + ["##" + c for c in w[1:]] for w in counts}
    vocabulary = dict.fromkeys(SPECIAL + sorted({p for parts in split.values() for p in parts}))
    while len(vocabulary) < size:
        pairs = collections.Counter()
        for w, parts in split.items():
            for pair in zip(parts, parts[1:]): pairs[pair] += counts[w]
        best = sorted(pairs.items(), key=lambda x: (-x[1], x[0]))[:20]
        if not best: break
        joined = {pair: pair[0] + pair[1][2:] for pair, _ in best}
        for piece in joined.values():
            if len(vocabulary) < size: vocabulary[piece] = None
        for w, parts in split.items():
            i, out = 0, []
            while i < len(parts):
                piece = joined.get(tuple(parts[i : i + 2]))
                out.append(piece if piece in vocabulary else parts[i])
                i += 2 if piece in vocabulary else 1
            split[w] = out
    return {piece: i for i, piece in enumerate(vocabulary)}

def tokenise(text, vocabulary):
    ids = [CLS]
    for word in words(text):
        start, pieces = 0, []
        while start < len(word):
            end = len(word)
            while end > start and ("##" if start else "") + word[start:end] not in vocabulary: end -= 1
            if end == start: pieces = [UNK]; break
            pieces.append(vocabulary[("##" if start else "") + word[start:end]])
            start = end
        ids += pieces
    return ids[: POSITIONS - 1] + [SEP]

class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, FFN), nn.Linear(FFN, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, 1e-12), nn.LayerNorm(WIDTH, 1e-12)

    def forward(self, x, mask):
        b, t, _ = x.shape
        heads = lambda y: y.view(b, t, HEADS, WIDTH // HEADS).transpose(1, 2)
        q, k, v = heads(self.query(x)), heads(self.key(x)), heads(self.value(x))
        a = (q @ k.transpose(-1, -2) / math.sqrt(WIDTH // HEADS) + mask).softmax(-1)
        x = self.norm1(x + self.o((a @ v).transpose(1, 2).reshape(b, t, WIDTH)))
        return self.norm2(x + self.down(F.gelu(self.up(x))))

class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.positions, self.types = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(POSITIONS, WIDTH), nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, 1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        for p in self.parameters():
            if p.dim() == 2: nn.init.normal_(p, std=0.05)

    def forward(self, ids):
        x = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.types.weight[0]
        x = self.norm(x)
        mask = (ids == PAD)[:, None, None, :].float() * -1e4
        for layer in self.layers: x = layer(x, mask)
        used = (ids != PAD).float()[..., None]
        return x, F.normalize((x * used).sum(1) / used.sum(1), dim=-1)

def batch(rows):
    width = max(map(len, rows))
    return torch.tensor([r + [PAD] * (width - len(r)) for r in rows])

def tensors(net):
    """Names of Hugging Face's BertModel."""
    out = {"embeddings.word_embeddings": net.words, "embeddings.position_embeddings": net.positions,
           "embeddings.token_type_embeddings": net.types, "embeddings.LayerNorm": net.norm}
    for i, l in enumerate(net.layers):
        at = f"encoder.layer.{i}."
        out.update({at + "attention.self.query": l.query, at + "attention.self.key": l.key,
                    at + "attention.self.value": l.value, at + "attention.output.dense": l.o,
                    at + "attention.output.LayerNorm": l.norm1, at + "intermediate.dense": l.up,
                    at + "output.dense": l.down, at + "output.LayerNorm": l.norm2})
    return {f"{name}.{part}": p.detach() for name, m in out.items() for part, p in m.named_parameters()}

def save(folder, net, vocabulary, report):
    write = lambda name, value: json.dump(value, open(os.path.join(folder, name), "w"), ensure_ascii=False)
    os.makedirs(os.path.join(folder, "1_Pooling"), exist_ok=True)
    write("config.json", {"architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
        "hidden_size": WIDTH, "intermediate_size": FFN, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS,
        "max_position_embeddings": POSITIONS, "position_embedding_type": "absolute", "type_vocab_size": 2,
        "vocab_size": VOCABULARY, "layer_norm_eps": 1e-12, "pad_token_id": PAD, "training": report})
    write("1_Pooling/config.json", {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True,
        "pooling_mode_cls_token": False, "pooling_mode_max_tokens": False})
    write("tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": POSITIONS})
    special = lambda token: {"SpecialToken": {"id": token, "type_id": 0}}
    write("tokenizer.json", {"version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i, t in enumerate(SPECIAL)],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [special("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]")],
            "pair": [special("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]"), {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]} for t, i in (("[CLS]", CLS), ("[SEP]", SEP))}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary}})
    header, data, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, t in tensors(net).items():
        raw = t.numpy().astype("<f2").tobytes()
        header[name] = {"dtype": "F16", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        data.append(raw); at += len(raw)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + b"".join(data))
    # What PyTorch makes of the rounded weights, for the importer's own float reference.
    for p in net.parameters(): p.data = p.data.half().float()
    texts = ["A class may only extend another class.", "Il file non esiste.", "Hello, world!"]
    with torch.no_grad(): x, pooled = net(batch([tokenise(t, vocabulary) for t in texts]))
    write("expected.json", [{"text": t, "ids": tokenise(t, vocabulary), "first": x[i, 0].tolist(), "pooled": pooled[i].tolist()} for i, t in enumerate(texts)])

def retrieval(net, rows, languages):
    """Share of held-out messages whose translation is the nearest of all, over pairs of languages."""
    with torch.no_grad(): v = {l: torch.cat([net(batch(part))[1] for part in (rows[l][i : i + 64] for i in range(0, len(rows[l]), 64))]) for l in languages}
    hits = [((v[a] @ v[b].T).argmax(1) == torch.arange(len(rows[a]))).float().mean().item() for a in languages for b in languages if a != b]
    return sum(hits) / len(hits)

def main():
    args = argparse.ArgumentParser()
    args.add_argument("--steps", type=int, default=1200)
    args.add_argument("--out", default=os.path.join(HERE, "polyglot"))
    a = args.parse_args()
    torch.set_num_threads(1); torch.manual_seed(1); rng = random.Random(1)
    found = messages()
    train = {k: v for k, v in found.items() if k % 10}
    counts = collections.Counter(w for m in train.values() for t in m.values() for w in words(t))
    vocabulary = word_pieces(counts, VOCABULARY)
    ids = {k: {l: tokenise(t, vocabulary) for l, t in m.items()} for k, m in found.items()}
    keys, held = [k for k in found if k % 10], [k for k in found if k % 10 == 0][:200]
    print(f"{len(keys)} messages, {len(vocabulary)} pieces", flush=True)
    rows = {l: [ids[k][l] for k in held] for l in LANGUAGES}
    net = Bert(); opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    began, mean = time.time(), 0.0
    for step in range(a.steps):
        for g in opt.param_groups: g["lr"] = 1e-3 * min(1, (step + 1) / 100) * max(0.02, 1 - step / a.steps)
        chosen = rng.sample(keys, 64)
        pairs = [rng.sample(LANGUAGES, 2) for _ in chosen]
        x = net(batch([ids[k][p[0]] for k, p in zip(chosen, pairs)]))[1]
        y = net(batch([ids[k][p[1]] for k, p in zip(chosen, pairs)]))[1]
        scores, want = x @ y.T / TEMPERATURE, torch.arange(len(chosen))
        loss = (F.cross_entropy(scores, want) + F.cross_entropy(scores.T, want)) / 2
        opt.zero_grad(); loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0); opt.step()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if step % 100 == 99: print(f"{step + 1} {time.time() - began:.0f}s loss {mean:.3f} held {retrieval(net, rows, LANGUAGES):.3f}", flush=True)
    save(a.out, net, vocabulary, {"steps": a.steps, "held_out_retrieval": round(retrieval(net, rows, LANGUAGES), 4)})

main()
