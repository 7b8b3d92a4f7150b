/**
 * Where the elements of a tensor lie in a buffer: a movement of data (Reshape, Transpose, Slice, a broadcast) is
 * another view of the same elements, as long as every dimension stays a few steps of constant length.
 */

/** `n` places, `stride` elements apart; `index` apart in the list of row numbers, where the view reads through one. */
export interface Atom {
  readonly n: number;
  readonly stride: number;
  readonly index: number;
}
/** Each dimension is a list of atoms, outermost first: [g, s] is one dimension of g·s. */
export interface View {
  readonly offset: number;
  readonly indexOffset: number;
  readonly dims: readonly (readonly Atom[])[];
}

/** Elements of a tensor, or turns of nested loops. */
export const sizeOf = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);

/** Strides of a row-major tensor. */
export function rowMajor(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1);
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * dims[i + 1]!;
  return strides;
}

/** A tensor that fills its buffer in row-major order. */
export function dense(dims: readonly number[]): View {
  const strides = rowMajor(dims);
  return {
    offset: 0,
    indexOffset: 0,
    dims: dims.map((n, i) => (n > 1 ? [{ n, stride: strides[i]!, index: 0 }] : [])),
  };
}

/** The same atoms, neighbours joined where they are one longer step. */
export function merge(atoms: readonly Atom[]): Atom[] {
  const out: Atom[] = [];
  for (const inner of atoms) {
    if (inner.n === 1) continue;
    const outer = out.at(-1);
    if (outer && outer.stride === inner.stride * inner.n && outer.index === inner.index * inner.n) {
      out[out.length - 1] = { ...inner, n: outer.n * inner.n };
    } else out.push(inner);
  }
  return out;
}

/** Cuts a list of atoms into dimensions of these sizes; undefined: one would end inside an atom. */
export function regroup(atoms: readonly Atom[], sizes: readonly number[]): Atom[][] | undefined {
  const rest = merge(atoms);
  const out: Atom[][] = [];
  for (const size of [...sizes].reverse()) {
    const dim: Atom[] = [];
    for (let need = size; need > 1;) {
      const atom = rest.pop();
      if (!atom) return undefined;
      const { n, stride, index } = atom;
      if (need % n === 0) {
        dim.unshift(atom);
        need /= n;
      } else if (n % need === 0) {
        rest.push({ n: n / need, stride: stride * need, index: index * need });
        dim.unshift({ ...atom, n: need });
        need = 1;
      } else return undefined;
    }
    out.unshift(dim);
  }
  return rest.length ? undefined : out;
}

/** The same elements under other dimensions; undefined: one would end inside an atom. */
export function reshapeView(view: View, dims: readonly number[]): View | undefined {
  const regrouped = regroup(view.dims.flat(), dims);
  return regrouped && { ...view, dims: regrouped };
}

/** Dimension i of the result is dimension perm[i]. */
export const transposeView = (view: View, perm: readonly number[]): View => ({
  ...view,
  dims: perm.map((p) => view.dims[p]!),
});

/** Elements from..to of a dimension; undefined: they are no steps of constant length. */
export function sliceView(view: View, axis: number, from: number, to: number): View | undefined {
  let { offset, indexOffset } = view;
  const atoms = merge(view.dims[axis]!);
  const kept: Atom[] = [];
  let [low, high] = [from, to];
  for (const [i, atom] of atoms.entries()) {
    const inner = sizeOf(atoms.slice(i + 1).map(({ n }) => n));
    const first = Math.floor(low / inner);
    offset += first * atom.stride;
    indexOffset += first * atom.index;
    low -= first * inner;
    high -= first * inner;
    if (high <= inner) continue; // one place of this atom
    if (low || high % inner) return undefined;
    kept.push({ ...atom, n: high / inner }, ...atoms.slice(i + 1));
    break;
  }
  const dims = view.dims.map((d, i) => (i === axis ? kept : d));
  return { offset, indexOffset, dims };
}

/** The view as it is read by an operator whose result has `dims`. */
export function broadcastView(view: View, from: readonly number[], dims: readonly number[]): View {
  const lead = dims.length - from.length;
  return {
    ...view,
    dims: dims.map((n, i) =>
      n > 1 && (from[i - lead] ?? 1) === 1
        ? [{ n, stride: 0, index: 0 }]
        : (view.dims[i - lead] ?? []),
    ),
  };
}

/** Whether the elements are all `size` of a row-major buffer, in its order. */
export function isPlain(view: View, size: number): boolean {
  const atoms = merge(view.dims.flat());
  const [one = { n: 1, stride: 1, index: 0 }, ...more] = atoms;
  const isWhole = !more.length && one.n === size && one.stride === 1 && !one.index;
  return isWhole && !view.offset && !view.indexOffset;
}

/**
 * A view of a row-major tensor of `dims`, where its axes lie `strides` apart instead; undefined: steps of one length
 * would not stay so.
 */
export function relocate(
  view: View,
  dims: readonly number[],
  strides: readonly number[],
): View | undefined {
  const plain = rowMajor(dims);
  if (plain.every((s, i) => s === strides[i] || dims[i] === 1)) return view;
  let fits = true;
  /** The last place along each axis, which may not run over into the next. */
  const last = dims.map(() => 0);
  /** Splits `n` steps of `stride` by the axes that they cross. */
  const moved = ({ n, stride, index }: Atom): Atom[] => {
    if (!stride || n === 1) return [{ n, stride, index }];
    const out: Atom[] = [];
    let [left, step, list] = [n, stride, index];
    while (left > 1) {
      // The innermost axis that a step does not leave.
      const axis = plain.findIndex((s, i) => s <= step && dims[i]! > 1);
      const coefficient = step / plain[axis]!;
      const room = Math.floor((dims[axis]! - 1) / coefficient) + 1;
      const take = left <= room ? left : dims[axis]! / coefficient;
      if (!Number.isInteger(take) || !Number.isInteger(coefficient) || left % take) {
        fits = false;
        return out;
      }
      last[axis]! += coefficient * (take - 1);
      out.unshift({ n: take, stride: coefficient * strides[axis]!, index: list });
      left /= take;
      step *= take;
      list *= take;
    }
    return out;
  };
  let offset = 0;
  let rest = view.offset;
  for (const [i, s] of plain.entries()) {
    const first = Math.floor(rest / s);
    offset += first * strides[i]!;
    last[i]! += first;
    rest %= s;
  }
  const moves = view.dims.map((d) => d.flatMap(moved));
  fits &&= last.every((place, i) => place < dims[i]!);
  return fits ? { ...view, offset, dims: moves } : undefined;
}
