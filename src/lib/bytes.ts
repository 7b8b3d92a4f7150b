/** Byte arrays: comparing, joining, and conversion from and to hex. */
export const concat = (...parts: Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Byte order, shorter first on a tie: −1, 0 or 1. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return Math.sign(a.length - b.length);
}

const HEX = Array.from({ length: 256 }, (_, x) => x.toString(16).padStart(2, '0'));

export const toHex = (b: Uint8Array): string => {
  let out = '';
  for (let i = 0; i < b.length; i++) out += HEX[b[i]!];
  return out;
};

/** Bytes of a hex text, or undefined when the text is not hex of `size` bytes. */
export function fromHex(text: string, size?: number): Uint8Array | undefined {
  if (!/^([0-9a-f]{2})*$/i.test(text)) return undefined;
  if (size !== undefined && text.length !== 2 * size) return undefined;
  return Uint8Array.from(text.match(/../g) ?? [], (h) => parseInt(h, 16));
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A hash as the 256-bit big-endian number that targets are compared with. */
export const toBigint = (b: Uint8Array): bigint => (b.length ? BigInt('0x' + toHex(b)) : 0n);

export const u32 = (n: number): Uint8Array =>
  Uint8Array.of(n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24);
