/**
 * BLAKE3's compression function for WGSL. State and message are 16 scalars each, with no dynamic
 * indexing, so that they stay in registers. The seven rounds are a loop: unrolled, and inlined at
 * each use, they took software devices 10 s to compile.
 */
import { IV } from '../../../core/pow/blake3.ts';

const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
/** Columns, then diagonals: the state indices of the eight G calls of a round. */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

const mix = ([a, b, c, d]: readonly number[], g: number): string =>
  `v${a}+=v${b}+m${2 * g};v${d}=rotr(v${d}^v${a},16u);v${c}+=v${d};v${b}=rotr(v${b}^v${c},12u);` +
  `v${a}+=v${b}+m${2 * g + 1};v${d}=rotr(v${d}^v${a},8u);v${c}+=v${d};v${b}=rotr(v${b}^v${c},7u);`;

const upTo = (n: number): number[] => [...Array(n).keys()];
const lines = (n: number, line: (i: number) => string): string => upTo(n).map(line).join(' ');

export const wgslWords = (words: Iterable<number>): string =>
  `array<u32,8>(${[...words].map((w) => `${w >>> 0}u`).join(',')})`;

/**
 * WGSL of `compress(cv, m, counter, len, flags)`: the next chaining value, 8 words; and with
 * `wide` of `compress16`, which gives all 16 output words of an extendable output's block.
 */
export function blake3Wgsl(wide = false): string {
  const size = wide ? 16 : 8;
  const low = upTo(8).map((i) => `v${i}^v${i + 8}`);
  const high = upTo(8).map((i) => `v${i + 8}^cv[${i}]`);
  return `
const BLAKE3_IV = ${wgslWords(IV)};
fn rotr(x: u32, n: u32) -> u32 { return (x >> n) | (x << (32u - n)); }
fn compress${wide ? '16' : ''}(cv: array<u32,8>, m: array<u32,16>, counter: u32, len: u32,
    flags: u32) -> array<u32,${size}> {
  ${lines(8, (i) => `var v${i} = cv[${i}];`)}
  ${lines(4, (i) => `var v${i + 8} = ${IV[i]! >>> 0}u;`)}
  var v12 = counter; var v13 = 0u; var v14 = len; var v15 = flags;
  ${lines(16, (i) => `var m${i} = m[${i}];`)}
  for (var round = 0u; round < 7u; round++) {
    ${QUARTERS.map(mix).join('\n    ')}
    ${lines(16, (i) => `let n${i} = m${PERMUTATION[i]};`)}
    ${lines(16, (i) => `m${i} = n${i};`)}
  }
  return array<u32,${size}>(${[...low, ...(wide ? high : [])].join(',')});
}`;
}
