/** WGSL that reads and writes a region's numbers, whatever its space and storage; bindings and words of a step. */
import type { Storage } from '../../executor/types.ts';
import { SPACES, type Address, type Place, type Space } from './layout.ts';

const WRITTEN: ReadonlySet<Space> = new Set<Space>(['arena', 'operand']);

/** Four int8 or int16 from the words where they begin. */
function unpacked(space: Space, storage: 'i8' | 'i16'): string {
  const signed = (words: string, left: string, right: number): string =>
    `vec4<f32>((bitcast<vec4<i32>>(vec4<u32>(${words})) << vec4<u32>(${left}))` +
    ` >> vec4<u32>(${right}u))`;
  if (storage === 'i8') return signed(`${space}[at / 4u]`, '24u, 16u, 8u, 0u', 24);
  const [low, high] = [`${space}[at / 2u]`, `${space}[at / 2u + 1u]`];
  return signed(`${low}, ${low}, ${high}, ${high}`, '16u, 0u, 16u, 0u', 16);
}

/** A step as one compute shader. */
export interface StepCode {
  readonly code: string;
  /** Of the uniform, after the first two, which each dispatch has its own. */
  readonly words: readonly number[];
  /** Spaces that the code binds after the uniform, in the order of their bindings. */
  readonly spaces: readonly Space[];
}

/** The code around a kernel's main function, as far as the function needs it. */
export class Wgsl {
  readonly #functions = new Map<string, string>();
  readonly #spaces = new Set<Space>();

  /** A scalar as float32, or, of i32, as the integer that it is (`raw`). Gives the name of a function of an element. */
  load(space: Space, storage: Storage, raw = false): string {
    this.#spaces.add(space);
    const name = `${space}_${storage}${raw ? '_raw' : ''}`;
    const word = (per: number): string => `bitcast<i32>(${space}[at / ${per}u])`;
    const whole: Record<Storage, string> = {
      i8: `extractBits(${word(4)}, 8u * (at % 4u), 8u)`,
      i16: `extractBits(${word(2)}, 16u * (at % 2u), 16u)`,
      i32: `bitcast<i32>(${space}[at])`,
      f32: `bitcast<f32>(${space}[at])`,
    };
    const value = storage === 'f32' || raw ? whole[storage] : `f32(${whole[storage]})`;
    const type = raw ? 'i32' : 'f32';
    this.#functions.set(name, `fn ${name}(at: u32) -> ${type} { return ${value}; }`);
    return name;
  }

  /** Four side by side; `isAligned`: `at` is where a word begins. */
  load4(space: Space, storage: Storage, isAligned: boolean, raw = false): string {
    const one = this.load(space, storage, raw);
    const isPacked = isAligned && (storage === 'i8' || storage === 'i16');
    const name = `${one}x4${isPacked ? '_words' : ''}`;
    const type = raw ? 'i32' : 'f32';
    const parts = [0, 1, 2, 3].map((i) => `${one}(at + ${i}u)`).join(', ');
    const value = isPacked ? unpacked(space, storage) : `vec4<${type}>(${parts})`;
    this.#functions.set(name, `fn ${name}(at: u32) -> vec4<${type}> { return ${value}; }`);
    return name;
  }

  /** Whole number or float32 `x` to the word of element `at`. */
  store(space: Space, storage: 'i32' | 'f32', at: string, x: string): string {
    this.#spaces.add(space);
    return `${space}[${at}] = bitcast<u32>(${storage === 'f32' ? x : `i32(${x})`});`;
  }

  /** Four numbers, or the first `count` of them, which fill whole words, to the elements from `at` on. */
  store4({ space, storage }: Place, at: string, x: string, count?: string): string {
    this.#spaces.add(space);
    const when = (first: number, code: string): string =>
      count === undefined || first === 0 ? code : `if (${count} > ${first}u) { ${code} }`;
    if (storage === 'i8')
      return `{ let b = bitcast<vec4<u32>>(vec4<i32>(${x})) & vec4<u32>(255u);
        ${space}[(${at}) / 4u] = b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u); }`;
    if (storage === 'i16')
      return `{ let b = bitcast<vec4<u32>>(vec4<i32>(${x})) & vec4<u32>(65535u);
        ${space}[(${at}) / 2u] = b.x | (b.y << 16u);
        ${when(2, `${space}[(${at}) / 2u + 1u] = b.z | (b.w << 16u);`)} }`;
    const lane = (i: number): string =>
      when(i, this.store(space, storage, `${at} + ${i}u`, `(${x})[${i}]`));
    return [0, 1, 2, 3].map(lane).join(' ');
  }

  /** The step whose main function is `main`, with the bindings and functions that it needs. */
  step(words: Words, main: string): StepCode {
    const spaces = SPACES.filter((space) => this.#spaces.has(space));
    const binding = (space: Space, i: number): string => {
      const access = WRITTEN.has(space) ? 'read_write' : 'read';
      return `@group(0) @binding(${i + 1}) var<storage, ${access}> ${space}: array<u32>;`;
    };
    const code = `@group(0) @binding(0) var<uniform> params: array<vec4<u32>, ${words.vectors}>;
${spaces.map(binding).join('\n')}
${[...this.#functions.values()].join('\n')}${main}`;
    return { code, words: words.values, spaces };
  }

  /** The element where a row begins, from the indices of its loops, by their names. */
  address(words: AddressWords, { index: by }: Address, names: readonly string[]): string {
    const sum = ({ offset, strides }: AddressWords): string =>
      [offset, ...strides.map((stride, i) => `${names[i]!} * ${stride}`)].join(' + ');
    if (!by || !words.index) return sum(words);
    const row = `u32(${this.load(by.space, by.storage, true)}(${sum(words.index)}))`;
    return `${sum(words)} + ${words.index.scale} * ${row}`;
  }
}

/** Words of a step's uniform, and the code that reads each. The first two are set for each of its dispatches. */
export class Words {
  readonly #values: number[] = [];
  readonly first = word(0);
  readonly end = word(1);

  /** @returns the word as u32 in WGSL */
  add(value: number): string {
    return word(this.#values.push(value >>> 0) + 1);
  }

  /** @returns the bits of a float32 as u32 in WGSL */
  addNumber(value: number): string {
    return this.add(new Uint32Array(Float32Array.of(value).buffer)[0]!);
  }

  /** All but the first two. */
  get values(): readonly number[] {
    return this.#values;
  }

  get vectors(): number {
    return Math.ceil((this.#values.length + 2) / 4);
  }
}

const word = (at: number): string => `params[${at >> 2}].${'xyzw'[at & 3]!}`;

/** Where the words of an address stand. */
export interface AddressWords {
  readonly offset: string;
  readonly strides: readonly string[];
  readonly index?: AddressWords & { readonly scale: string };
}

/** Gives an address its words. */
export function addressWords(words: Words, { offset, strides, index }: Address): AddressWords {
  const own = {
    offset: words.add(offset),
    strides: strides.map((stride) => words.add(stride)),
  };
  if (!index) return own;
  const scale = words.add(index.scale);
  return { ...own, index: { ...addressWords(words, index), scale } };
}

/** Names of so many loops' indices. */
export const indexNames = (loops: readonly unknown[]): string[] => loops.map((_, i) => `i${i}`);

/** Lines that take the number of a row apart into the indices of its loops, of which the last is innermost. */
export function loopIndices(loops: readonly string[], row: string): string[] {
  const names = indexNames(loops);
  return loops.toReversed().flatMap((count, i) => {
    const name = names[loops.length - 1 - i]!;
    const isFirst = i === loops.length - 1;
    return isFirst
      ? [`let ${name} = ${row};`]
      : [`let ${name} = ${row} % ${count};`, `${row} /= ${count};`];
  });
}
