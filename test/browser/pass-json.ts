/** Passes as JSON, to cross from Node into a page and back. */
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import type { PassInput, PassResult } from '../../src/miner/engine/backend.ts';

export interface PassInputJson {
  readonly tokens: number[];
  readonly sigma0: string | null;
  readonly limits: string[];
  readonly stopAfter: number | null;
  readonly capture: number | null;
}

export interface PassResultJson {
  readonly a: string[];
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
  tokens: Uint16Array.from(x.tokens),
  sigma0: x.sigma0 === null ? undefined : fromHex(x.sigma0),
  limits: x.limits.map(BigInt),
  ...(x.stopAfter === null ? {} : { stopAfter: x.stopAfter }),
  ...(x.capture === null ? {} : { capture: x.capture }),
});

const hexOf = (x: Int8Array): string => toHex(new Uint8Array(x.buffer, x.byteOffset, x.length));
const int8Of = (hex: string): Int8Array => Int8Array.from(fromHex(hex)!, (b) => (b << 24) >> 24);

export const resultToJson = (x: PassResult): PassResultJson => ({
  a: x.a.map(toHex),
  t: x.t.map(toHex),
  winner: x.winner ? { ...x.winner } : null,
  answer: hexOf(x.answer),
  captured: x.captured ? hexOf(x.captured) : null,
});

export const resultFromJson = (x: PassResultJson): PassResult => ({
  a: x.a.map((h) => fromHex(h)!),
  t: x.t.map((h) => fromHex(h)!),
  winner: x.winner ?? undefined,
  answer: int8Of(x.answer),
  captured: x.captured === null ? undefined : int8Of(x.captured),
});
