/** QR code as one SVG path. */
import { encode } from 'uqr';

/** Modules of white around it: readers may count on four (ISO 18004). */
const QUIET_ZONE = 4;

/** @returns side in modules, quiet zone included, and a path of unit squares. */
export function qrPath(text: string): { side: number; path: string } {
  const { size, data } = encode(compact(text), { ecc: 'M', border: QUIET_ZONE });
  let path = '';
  data.forEach((row, y) =>
    row.forEach((dark, x) => {
      if (dark) path += `M${x} ${y}h1v1h-1z`;
    }),
  );
  return { side: size, path };
}

/** bech32m and the scheme in upper case fit the compact alphanumeric mode; a link's texts stay. */
const compact = (text: string): string => (text.includes('?') ? text : text.toUpperCase());
