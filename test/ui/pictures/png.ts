/** PNG files of screenshots: read, compared, and written with a palette, which is a third of the size. */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** Pixels as 0xRRGGBB, row by row; what is transparent does not occur. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Bytes of a pixel by colour type: RGB, palette, RGBA. */
const BYTES: Record<number, number> = { 2: 3, 3: 1, 6: 4 };
/** Colours nearer than this in every channel are written as one. */
const NEAR = 10;
const COLOURS_MAX = 256;

const paeth = (a: number, b: number, c: number): number => {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
};

/** Undoes each row's filter, in place; `rows` has a filter byte before each row. */
function unfilter(rows: Uint8Array, stride: number, step: number): void {
  for (let start = 0; start < rows.length; start += stride + 1) {
    const filter = rows[start]!;
    for (let i = start + 1; i <= start + stride; i++) {
      const a = i - step > start ? rows[i - step]! : 0;
      const b = start > 0 ? rows[i - stride - 1]! : 0;
      const c = start > 0 && i - step > start ? rows[i - step - stride - 1]! : 0;
      const guess = [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter]!;
      rows[i] = rows[i]! + guess;
    }
  }
}

/** @throws Error for anything but 8 bits, RGB, RGBA or palette, not interlaced */
export function decodePng(file: Buffer): Picture {
  const parts: Buffer[] = [];
  let palette = Buffer.alloc(0);
  let [width, height, depth, type, interlaced] = [0, 0, 0, 0, 0];
  for (let at = SIGNATURE.length; at < file.length;) {
    const size = file.readUInt32BE(at);
    const name = file.toString('latin1', at + 4, at + 8);
    const data = file.subarray(at + 8, at + 8 + size);
    if (name === 'IHDR') {
      [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
      [depth, type, interlaced] = [data[8]!, data[9]!, data[12]!];
    } else if (name === 'PLTE') palette = Buffer.from(data);
    else if (name === 'IDAT') parts.push(data);
    at += size + 12;
  }
  const step = BYTES[type];
  if (depth !== 8 || !step || interlaced) throw new Error('a kind of PNG that is not read here');
  const rows = inflateSync(Buffer.concat(parts));
  unfilter(rows, width * step, step);
  const pixels = new Uint32Array(width * height);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0, at = y * (width * step + 1) + 1; x < width; x++, at += step)
      pixels[to++] = type === 3 ? palette.readUIntBE(rows[at]! * 3, 3) : rows.readUIntBE(at, 3);
  return { width, height, pixels };
}

/** The greatest difference of a channel. */
const distance = (a: number, b: number): number =>
  Math.max(
    Math.abs((a >> 16) - (b >> 16)),
    Math.abs(((a >> 8) & 255) - ((b >> 8) & 255)),
    Math.abs((a & 255) - (b & 255)),
  );

/** Few colours, the most frequent first, and which of them stands for each colour. */
function paletteOf(pixels: Uint32Array): { colours: number[]; placeOf: Map<number, number> } {
  const counts = new Map<number, number>();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const colours: number[] = [];
  const placeOf = new Map<number, number>();
  for (const [colour] of [...counts].sort(([a, n], [b, m]) => m - n || a - b)) {
    let near = colours.findIndex((known) => distance(known, colour) < NEAR);
    if (near < 0 && colours.length < COLOURS_MAX) near = colours.push(colour) - 1;
    const all = colours.map((known) => distance(known, colour));
    placeOf.set(colour, near < 0 ? all.indexOf(Math.min(...all)) : near);
  }
  return { colours, placeOf };
}

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** With at most 256 colours: what is nearer than 10 of 255 becomes the more frequent one. */
export function encodePng({ width, height, pixels }: Picture): Buffer {
  const { colours, placeOf } = paletteOf(pixels);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const palette = Buffer.alloc(colours.length * 3);
  colours.forEach((colour, i) => palette.writeUIntBE(colour, i * 3, 3));
  const rows = Buffer.alloc((width + 1) * height);
  for (let i = 0; i < pixels.length; i++)
    rows[i + Math.floor(i / width) + 1] = placeOf.get(pixels[i]!)!;
  const data = deflateSync(rows, { level: 9, memLevel: 9 });
  const chunks = [chunk('IHDR', head), chunk('PLTE', palette), chunk('IDAT', data)];
  return Buffer.concat([SIGNATURE, ...chunks, chunk('IEND', Buffer.alloc(0))]);
}

/** Share of the pixels that differ by more than `tolerance` of 255; 1 for another size. */
export function differenceOf(a: Picture, b: Picture, tolerance: number): number {
  if (a.width !== b.width || a.height !== b.height) return 1;
  let different = 0;
  for (let i = 0; i < a.pixels.length; i++)
    if (distance(a.pixels[i]!, b.pixels[i]!) > tolerance) different++;
  return different / a.pixels.length;
}
