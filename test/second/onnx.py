"""Protocol §5.7: reads an ONNX graph and runs it.

A tensor is (dims, values): values is a flat list of Python numbers. What a graph holds are whole numbers or multiples
of a power of two that fit a double too, so that any order of evaluation gives the same ones; a quotient or root is
followed by its floor, which the nearest double of a quotient of such numbers does not miss."""

from array import array
from math import floor, prod, sqrt
from operator import add, ge, gt, le, lt, mul, sub, truediv


def fields(data):
    """(number, value) of a protobuf message's fields: int of a varint or fixed field, bytes of the others."""
    at, end = 0, len(data)

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < end:
        tag = varint()
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            yield number, varint()
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            yield number, data[at : at + size]
            at += size
        elif wire == 2:
            size = varint()
            yield number, data[at : at + size]
            at += size
        else:
            raise ValueError("protobuf wire type")


def _signed(value):
    return value - (1 << 64) if value >> 63 else value


def _packed(value):
    """A repeated varint field: packed bytes, or one number."""
    if isinstance(value, int):
        return [_signed(value)]
    return [_signed(item) for item in _varints(value)]


def _varints(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


CODES = {1: "f", 2: "B", 3: "b", 5: "h", 6: "i", 7: "q", 9: "B", 11: "d"}


def _tensor(data):
    """(name, (dims, values)) of a TensorProto."""
    dims, code, name, raw, values = [], 1, "", None, []
    for number, value in fields(data):
        if number == 1:
            dims += _packed(value)
        elif number == 2:
            code = value
        elif number == 4:
            values += array("f", value if isinstance(value, bytes) else bytes(value))
        elif number in (5, 7):
            values += _packed(value)
        elif number == 8:
            name = value.decode()
        elif number == 9:
            raw = value
    if raw is not None:
        items = array(CODES[code])
        items.frombytes(raw)
        values = items.tolist()
    if len(values) != prod(dims):
        raise ValueError("size of an initializer")
    return name, (tuple(dims), values)


def _attribute(data):
    name, value = "", None
    ints = []
    for number, part in fields(data):
        if number == 1:
            name = part.decode()
        elif number == 3:
            value = _signed(part)
        elif number == 8:
            ints += _packed(part)
    return name, ints or value


class Graph:
    """A segment: `run` takes tensors by name and gives the graph's outputs by name."""

    def __init__(self, data):
        self.constants, self.nodes, self.inputs, self.outputs = {}, [], [], []
        opset, ir = None, None
        for number, value in fields(data):
            if number == 1:
                ir = value
            elif number == 8:
                import_ = dict(fields(value))
                if import_.get(1, b""):
                    raise ValueError("another operator domain")
                opset = import_[2]
            elif number == 7:
                self._read(value)
        if (ir, opset) != (9, 18):
            raise ValueError("ONNX version")

    def _read(self, data):
        for number, value in fields(data):
            if number == 1:
                self.nodes.append(self._node(value))
            elif number == 5:
                name, tensor = _tensor(value)
                self.constants[name] = tensor
            elif number == 11:
                self.inputs.append(dict(fields(value))[1].decode())
            elif number == 12:
                self.outputs.append(dict(fields(value))[1].decode())

    @staticmethod
    def _node(data):
        inputs, outputs, attributes, kind = [], [], {}, ""
        for number, value in fields(data):
            if number == 1:
                inputs.append(value.decode())
            elif number == 2:
                outputs.append(value.decode())
            elif number == 4:
                kind = value.decode()
            elif number == 5:
                name, attribute = _attribute(value)
                attributes[name] = attribute
        if kind not in OPERATORS or len(outputs) != 1:
            raise ValueError(f"operator {kind}")
        return kind, inputs, outputs[0], attributes

    def run(self, given):
        values = {**self.constants, **given}
        for kind, inputs, output, attributes in self.nodes:
            values[output] = OPERATORS[kind](*(values[name] for name in inputs), **attributes)
        return {name: values[name] for name in self.outputs}


def _steps(dims):
    """Row-major strides."""
    steps, step = [], 1
    for size in reversed(dims):
        steps.append(step)
        step *= size
    return steps[::-1]


def _walk(dims, steps):
    """Positions that a walk over dims in row-major order meets with those steps."""
    positions = [0]
    for size, step in zip(dims, steps):
        offsets = [i * step for i in range(size)]
        positions = [at + offset for at in positions for offset in offsets]
    return positions


def _spread(tensor, dims):
    """Values of a tensor, broadcast to dims."""
    own, values = tensor
    if own == dims:
        return values
    if len(values) == 1:
        return values * prod(dims)
    own = (1,) * (len(dims) - len(own)) + own
    steps = [0 if size == 1 else step for size, step in zip(own, _steps(own))]
    return [values[at] for at in _walk(dims, steps)]


def _together(a, b):
    """The dims that two tensors are broadcast to."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    short = (1,) * (len(long) - len(short)) + short
    return tuple(y if x == 1 else x for x, y in zip(long, short))


def _pairwise(function):
    def run(a, b):
        dims = _together(a[0], b[0])
        return dims, list(map(function, _spread(a, dims), _spread(b, dims)))

    return run


def _each(function):
    return lambda x: (x[0], list(map(function, x[1])))


def _clip(x, least, most):
    (low,), (high,) = least[1], most[1]
    return x[0], [low if v < low else high if v > high else v for v in x[1]]


def _cast(x, to):
    if to not in (1, 6):
        raise ValueError("Cast")
    return x[0], [int(v) for v in x[1]]


def _axis(axis, rank):
    return axis + rank if axis < 0 else axis


def _gather(data, index, axis=0):
    dims, values = data
    axis = _axis(axis, len(dims))
    inner, size = prod(dims[axis + 1 :]), dims[axis]
    out = []
    for outer in range(0, len(values), inner * size or 1):
        for i in index[1]:
            at = outer + _axis(i, size) * inner
            out += values[at : at + inner]
    return dims[:axis] + index[0] + dims[axis + 1 :], out


def _gather_elements(data, index, axis=0):
    if axis or len(data[0]) != 1:
        raise ValueError("GatherElements")
    return index[0], [data[1][i] for i in index[1]]


def _matmul(a, b):
    (*outer_a, m, k), (*outer_b, _, n) = a[0], b[0]
    outer = _together(tuple(outer_a), tuple(outer_b))
    left = _spread_blocks(tuple(outer_a), outer, m * k)
    right = _spread_blocks(tuple(outer_b), outer, k * n)
    out = []
    for x, y in zip(left, right):
        columns = [b[1][y + j : y + k * n : n] for j in range(n)]
        for i in range(m):
            row = a[1][x + i * k : x + i * k + k]
            out += [sum(map(mul, row, column)) for column in columns]
    return (*outer, m, n), out


def _spread_blocks(own, outer, size):
    """Where the blocks of that size begin, of a tensor whose outer dims are broadcast."""
    own = (1,) * (len(outer) - len(own)) + own
    steps = [0 if length == 1 else step for length, step in zip(own, _steps(own))]
    return [at * size for at in _walk(outer, steps)]


def _reshape(x, shape):
    dims = [x[0][i] if size == 0 else size for i, size in enumerate(map(int, shape[1]))]
    if -1 in dims:
        dims[dims.index(-1)] = len(x[1]) // -prod(dims)
    return tuple(dims), x[1]


def _transpose(x, perm):
    steps = _steps(x[0])
    dims = tuple(x[0][i] for i in perm)
    return dims, [x[1][at] for at in _walk(dims, [steps[i] for i in perm])]


def _slice(x, starts, ends, axes):
    dims = list(x[0])
    first, steps = [0] * len(dims), _steps(x[0])
    for start, end, axis in zip(starts[1], ends[1], axes[1]):
        axis = _axis(axis, len(dims))
        size = x[0][axis]
        low, high, _ = slice(int(start), int(end)).indices(size)
        first[axis], dims[axis] = low, max(0, high - low)
    base = sum(a * b for a, b in zip(first, steps))
    return tuple(dims), [x[1][base + at] for at in _walk(dims, steps)]


def _concat(*tensors, axis):
    dims = list(tensors[0][0])
    axis = _axis(axis, len(dims))
    dims[axis] = sum(tensor[0][axis] for tensor in tensors)
    parts = [prod(tensor[0][axis:]) for tensor in tensors]
    out = []
    for i in range(prod(dims[:axis])):
        for tensor, part in zip(tensors, parts):
            out += tensor[1][i * part : i * part + part]
    return tuple(dims), out


def _reduce(function):
    def run(x, axes, keepdims=1):
        rank = len(x[0])
        reduced = {_axis(axis, rank) for axis in axes[1]}
        steps = _steps(x[0])
        kept = [i for i in range(rank) if i not in reduced]
        inside = _walk([x[0][i] for i in sorted(reduced)], [steps[i] for i in sorted(reduced)])
        starts = _walk([x[0][i] for i in kept], [steps[i] for i in kept])
        values = [function([x[1][at + offset] for offset in inside]) for at in starts]
        dims = [
            1 if i in reduced else size
            for i, size in enumerate(x[0])
            if keepdims or i not in reduced
        ]
        return tuple(dims), values

    return run


OPERATORS = {
    "Add": _pairwise(add),
    "Sub": _pairwise(sub),
    "Mul": _pairwise(mul),
    "Div": _pairwise(truediv),
    "Max": _pairwise(max),
    "Min": _pairwise(min),
    "Greater": _pairwise(gt),
    "GreaterOrEqual": _pairwise(ge),
    "Less": _pairwise(lt),
    "LessOrEqual": _pairwise(le),
    "Sqrt": _each(sqrt),
    "Floor": _each(floor),
    "Clip": _clip,
    "Cast": _cast,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "MatMul": _matmul,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Slice": _slice,
    "Concat": _concat,
    "ReduceSum": _reduce(sum),
    "ReduceMax": _reduce(max),
}
