/** A package as files; apart from what makes one, which also runs in pages. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { heldPlaces } from '../src/core/manifest.ts';
import { concat } from '../src/lib/bytes.ts';
import {
  MANIFEST_FILE,
  WEIGHTS_FILE,
  graphFiles,
  manifestToJson,
} from '../src/miner/package/package.ts';
import type { Draft } from './finish.ts';

const bytesOf = (x: Int8Array): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.length);

/** Writes a package's files. @returns the bytes of its graphs, tables and weights */
export function writePackage(folder: string, model: Draft): number {
  mkdirSync(folder, { recursive: true });
  const put = (name: string, data: Uint8Array | string): number => {
    writeFileSync(join(folder, name), data);
    return data.length;
  };
  put(MANIFEST_FILE, `${JSON.stringify(manifestToJson(model.manifest), undefined, 2)}\n`);
  const graphs = [model.segments, ...(model.otherShapes ?? [])].flat();
  const weights = heldPlaces(model.manifest).map((i) => bytesOf(model.weights[i]!));
  const files = [...graphs, ...model.tables, concat(...weights)];
  const names = [...graphFiles(model.manifest), WEIGHTS_FILE];
  return files.reduce((sum, data, i) => sum + put(names[i]!, data), 0);
}
