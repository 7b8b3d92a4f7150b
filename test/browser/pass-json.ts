/** Passes as JSON, to cross from Node into a page and back. */
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import type { StepInput } from '../../src/core/pow/known.ts';
import type { PassInput, PassResult } from '../../src/miner/engine/backend.ts';

export interface PassInputJson {
  readonly tokens: number[];
  readonly sigma0: string | null;
  readonly limits: string[];
  readonly stopAfter: number | null;
  readonly capture: number | null;
}

export interface StepInputJson {
  readonly number: number;
  readonly tokens: number[] | null;
  readonly a: number[];
  readonly carries: [string, number[]][];
}

export const stepToJson = (x: StepInput): StepInputJson =>
  'a' in x
    ? {
        number: x.number,
        tokens: null,
        a: [...x.a],
        carries: [...x.carries].map(([name, values]) => [name, [...values]]),
      }
    : { number: 1, tokens: [...x.tokens], a: [], carries: [] };

export const stepFromJson = (x: StepInputJson): StepInput =>
  x.tokens
    ? { number: 1, tokens: Uint32Array.from(x.tokens) }
    : {
        number: x.number,
        a: Int8Array.from(x.a),
        carries: new Map(x.carries.map(([name, values]) => [name, Int32Array.from(values)])),
      };

export interface PassResultJson {
  readonly x: string[];
  readonly a: string[];
  readonly y: string[];
  readonly t: string[];
  readonly winner: { linear: number; tile: number } | null;
  readonly answer: string;
  readonly captured: string | null;
}

export const inputToJson = (x: PassInput): PassInputJson => ({
  tokens: [...x.tokens],
  sigma0: x.sigma0 ? toHex(x.sigma0) : null,
  limits: x.limits.map(String),
  stopAfter: x.stopAfter ?? null,
  capture: x.capture ?? null,
});

export const inputFromJson = (x: PassInputJson): PassInput => ({
  tokens: Uint32Array.from(x.tokens),
  sigma0: x.sigma0 === null ? undefined : fromHex(x.sigma0),
  limits: x.limits.map(BigInt),
  ...(x.stopAfter === null ? {} : { stopAfter: x.stopAfter }),
  ...(x.capture === null ? {} : { capture: x.capture }),
});

const hexOf = (x: Int8Array): string => toHex(new Uint8Array(x.buffer, x.byteOffset, x.length));
const int8Of = (hex: string): Int8Array => Int8Array.from(fromHex(hex)!, (b) => (b << 24) >> 24);

export const resultToJson = (x: PassResult): PassResultJson => ({
  x: x.x.map(toHex),
  a: x.a.map(toHex),
  y: x.y.map(toHex),
  t: x.t.map(toHex),
  winner: x.winner ? { ...x.winner } : null,
  answer: hexOf(x.answer),
  captured: x.captured ? hexOf(x.captured) : null,
});

export const resultFromJson = (x: PassResultJson): PassResult => ({
  x: x.x.map((h) => fromHex(h)!),
  a: x.a.map((h) => fromHex(h)!),
  y: x.y.map((h) => fromHex(h)!),
  t: x.t.map((h) => fromHex(h)!),
  winner: x.winner ?? undefined,
  answer: int8Of(x.answer),
  captured: x.captured === null ? undefined : int8Of(x.captured),
});
