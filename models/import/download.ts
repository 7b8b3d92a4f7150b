/**
 * Fetches a model's files: resumed after a cut or a restart, and kept only with the hash that they must
 * have: from a list (`sha256sum` format), or from the headers with which huggingface.co serves a file
 * (x-linked-etag: SHA-256 of large files; etag: git's SHA-1 of small ones).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../src/lib/errors.ts';
import { modulesOf } from './checkpoint/modules.ts';
import { filesBeside, filesOf, MODULES, readModules, WEIGHTS, type Wanted } from './folder.ts';

/** What one buffer of Node.js holds. */
const FILE_BYTES_MAX = 2 ** 31 - 1;
/** Attempts in a row that bring nothing. */
const FRUITLESS_MAX = 4;
const STALL_MS = 30_000;

/** File name → SHA-256 in hex, from lines of `sha256sum`. @throws AppError MODEL_CORRUPT */
export function parseHashes(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line.trim());
  return new Map(
    lines.map((line) => {
      const [, hash, name] = /^([0-9a-f]{64}) [ *](\S+)$/i.exec(line.trimEnd()) ?? [];
      if (!hash || !name) throw new AppError('MODEL_CORRUPT', `'${line}' is no line of sha256sum`);
      return [name.replace(/^\.\//, ''), hash.toLowerCase()];
    }),
  );
}

const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])$/;

function demandSafe(url: URL): void {
  const local = url.protocol === 'http:' && LOOPBACK.test(url.hostname);
  if (url.protocol !== 'https:' && !local)
    throw new AppError('MODEL_REFUSED', `${url.href}: only https, or http on this machine`);
}

const sizeOf = async (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

async function digest(path: string, git: boolean): Promise<string> {
  const hash = createHash(git ? 'sha1' : 'sha256');
  if (git) hash.update(`blob ${await sizeOf(path)}\0`);
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** The hash that the server tells of a file; undefined when it tells none; 404 gives null. */
async function toldHash(url: URL): Promise<string | undefined | null> {
  const options = {
    method: 'HEAD',
    redirect: 'manual',
    signal: AbortSignal.timeout(STALL_MS),
  } as const;
  const response = await fetch(url, options);
  if (response.status === 404) return null;
  const tags = ['x-linked-etag', 'etag'].map((key) => response.headers.get(key) ?? '');
  const found = tags.map((tag) => tag.replace(/^W\//, '').replaceAll('"', ''));
  return found.find((tag) => /^([0-9a-f]{64}|[0-9a-f]{40})$/.test(tag));
}

/** One attempt: appends to `part` what is missing. False when the server has nothing more to give. */
// eslint-disable-next-line complexity -- one answer of a server, whatever it says: each check is a line
async function append(url: URL, part: string, most: number): Promise<void> {
  const have = await sizeOf(part);
  const stalled = new AbortController();
  let timer = setTimeout(() => stalled.abort(), STALL_MS);
  try {
    const headers = have ? { range: `bytes=${have}-` } : undefined;
    const response = await fetch(url, { headers: headers ?? {}, signal: stalled.signal });
    demandSafe(new URL(response.url));
    if (have && response.status === 416) return;
    if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    // A server that ignores the range sends all; one that sends another range is not believed.
    const resumes = response.status === 206 && Number(range?.[1]) === have;
    if (response.status === 206 && !resumes) throw new Error(`range ${range?.[0] ?? 'missing'}`);
    const file = await open(part, resumes ? 'a' : 'w');
    try {
      let size = resumes ? have : 0;
      // Each chunk is on the disk before the next is asked for: a cut loses nothing.
      for await (const chunk of response.body) {
        clearTimeout(timer);
        timer = setTimeout(() => stalled.abort(), STALL_MS);
        if ((size += chunk.length) > most)
          throw new AppError('MODEL_CORRUPT', `${url.href} has more than ${most} bytes`);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
  } finally {
    clearTimeout(timer);
  }
}

async function complete(url: URL, part: string, wanted: string, most: number): Promise<boolean> {
  const isGit = wanted.length === 40;
  for (let fruitless = 0; fruitless < FRUITLESS_MAX;) {
    const before = await sizeOf(part);
    try {
      await append(url, part, most);
      return (await digest(part, isGit)) === wanted;
    } catch (e) {
      if (e instanceof AppError) throw e;
      fruitless = (await sizeOf(part)) > before ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS_MAX)
        throw new AppError('MODEL_MISSING', `${url.href} can't be fetched`, { cause: e });
    }
  }
  return false;
}

/**
 * One file to `path`, by way of `path`.part.
 * @param wanted SHA-256, or git's SHA-1, in hex
 * @param most bytes that are taken of it
 * @throws AppError MODEL_MISSING, MODEL_CORRUPT
 */
export async function downloadFile(
  url: URL,
  path: string,
  wanted: string,
  most: number = FILE_BYTES_MAX,
): Promise<void> {
  if ((await sizeOf(path)) && (await digest(path, wanted.length === 40)) === wanted) return;
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  const resumed = (await sizeOf(part)) > 0;
  let right = await complete(url, part, wanted, most);
  // What lay here may be of another version: once more from the beginning.
  if (!right && resumed) {
    await rm(part, { force: true });
    right = await complete(url, part, wanted, most);
  }
  if (!right) {
    await rm(part, { force: true });
    throw new AppError('MODEL_CORRUPT', `${url.href} does not have the hash ${wanted}`);
  }
  await rename(part, path);
}

/**
 * The files of a Hugging Face folder below `address` into `folder`.
 * @param hashes SHA-256 by file name; a file that it lacks must have its hash told by the server
 * @throws AppError MODEL_REFUSED, MODEL_MISSING, MODEL_CORRUPT
 */
export async function download(
  address: string,
  folder: string,
  hashes: ReadonlyMap<string, string> = new Map(),
): Promise<string> {
  const root = new URL(address.endsWith('/') ? address : `${address}/`);
  demandSafe(root);
  /** False when the server has no such file. */
  const get = async (name: string): Promise<boolean> => {
    const url = new URL(name, root);
    const told = await toldHash(url).catch((cause: unknown) => {
      throw new AppError('MODEL_MISSING', `${url.href} can't be reached`, { cause });
    });
    if (told === null && !hashes.has(name)) {
      // What an earlier version had must not be read beside this one's files.
      await rm(join(folder, name), { force: true });
      return false;
    }
    if (told === null) throw new AppError('MODEL_MISSING', `${url.href} is not there`);
    const wanted = hashes.get(name) ?? told;
    if (!wanted) throw new AppError('MODEL_REFUSED', `no hash of ${name}: give --hashes`);
    await downloadFile(url, join(folder, name), wanted);
    return true;
  };
  const missing = (name: string): AppError =>
    new AppError('MODEL_MISSING', `${new URL(name, root).href} is not there`);
  const getAll = async (files: readonly Wanted[]): Promise<void> => {
    for (const { name, optional } of files)
      if (!(await get(name)) && !optional) throw missing(name);
  };
  await getAll([{ name: MODULES, optional: true }]);
  const modules = readModules(folder);
  await getAll(filesOf(modules));
  const { base } = modulesOf(modules);
  for (const name of WEIGHTS)
    if (await get(base + name)) {
      await getAll(
        filesBeside(folder, base + name).map((file) => ({ name: file, optional: false })),
      );
      return folder;
    }
  throw new AppError('MODEL_MISSING', `${root.href} has none of ${WEIGHTS.join(', ')}`);
}
