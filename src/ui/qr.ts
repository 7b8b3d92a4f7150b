/** QR code as one SVG path. bech32m in upper case fits the compact alphanumeric mode. */
import { encode } from 'uqr';

/** @returns side in modules, quiet zone included, and a path of unit squares. */
export function qrPath(text: string): { side: number; path: string } {
  const { size, data } = encode(text.toUpperCase(), { ecc: 'M', border: 3 });
  let path = '';
  data.forEach((row, y) =>
    row.forEach((dark, x) => {
      if (dark) path += `M${x} ${y}h1v1h-1z`;
    }),
  );
  return { side: size, path };
}
