/** A decoder on this machine: a GGUF file, or a folder as transformers writes it, or one that has a GGUF file. */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { AppError } from '../../../../src/lib/errors.ts';
import { openFile, type OpenFile } from '../../checkpoint/files.ts';
import { llamaOfFolder } from './from-folder.ts';
import { llamaOfGguf } from './from-gguf.ts';
import type { Llama } from './llama.ts';

export interface OpenLlama extends Llama {
  /** No tensor can be read after it. */
  close(): void;
}

/** The GGUF file that a path means; undefined: a folder without one. @throws AppError MODEL_MISSING, MODEL_REFUSED */
function ggufAt(path: string): { folder: string; name: string } | undefined {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) throw new AppError('MODEL_MISSING', `there is no ${path}`);
  if (!status.isDirectory()) return { folder: dirname(path), name: basename(path) };
  const names = readdirSync(path);
  const found = names.filter((name) => name.endsWith('.gguf'));
  const isCheckpoint = names.includes('config.json');
  if (found.length > (isCheckpoint ? 0 : 1))
    throw new AppError('MODEL_REFUSED', `${path} has ${found.length} GGUF files: name one of them`);
  return found[0] === undefined ? undefined : { folder: path, name: found[0] };
}

/** @throws AppError MODEL_MISSING, MODEL_CORRUPT, MODEL_REFUSED, each with the file and the field */
export async function openLlama(path: string): Promise<OpenLlama> {
  const gguf = ggufAt(path);
  const opened: OpenFile[] = [];
  const close = () => {
    for (const file of opened.splice(0)) file.close();
  };
  const openIn = (folder: string) => (name: string) => {
    const file = openFile(folder, name);
    if (file) opened.push(file);
    return file;
  };
  try {
    const llama = gguf
      ? await llamaOfGguf(openIn(gguf.folder)(gguf.name)!, gguf.name)
      : await llamaOfFolder(openIn(path));
    return { ...llama, close };
  } catch (e) {
    close();
    throw e;
  }
}
