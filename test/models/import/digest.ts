import { createHash } from 'node:crypto';
import type { Bert } from '../../../models/import/bert.ts';

/** Hash of all of an encoder's numbers, in hex. */
export function digestOf({ words, places, linears, norms }: Bert): string {
  const hash = createHash('sha256');
  const parts = [
    ...linears.flatMap((l) => [l.weight, l.bias]),
    ...norms.flatMap((n) => [n.gain, n.bias]),
  ];
  for (const x of [words, places, ...parts]) hash.update(new Uint8Array(x.buffer));
  return hash.digest('hex');
}
