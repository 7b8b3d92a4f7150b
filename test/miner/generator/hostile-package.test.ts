/** A language model's package that somebody made to do harm: a hostile one for each of its parts, refused by name. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createChat } from '../../../src/client/models/chat.ts';
import { plainHash } from '../../../src/core/hash.ts';
import type { FileRef, Manifest } from '../../../src/core/manifest.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import { checkModel } from '../../../src/miner/checker/checker.ts';
import { openLanguage } from '../../../src/miner/generator/course.ts';
import {
  GENERATION_BYTES_MAX,
  loadPackage,
  manifestToJson,
  TOKENIZER_BYTES_MAX,
  WEIGHTS_FILE,
} from '../../../src/miner/package/package.ts';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chatty, writeChatty, type Chatty } from '../../models/chatty.ts';

type Files = Map<string, Uint8Array>;
type Json = Record<string, unknown>;
let made: Chatty;
let honest: Files;
beforeAll(async () => {
  made = chatty();
  const folder = await mkdtemp(join(tmpdir(), 'pila-hostile-'));
  writeChatty(folder, made);
  const names = await readdir(folder);
  const read = async (name: string) => new Uint8Array(await readFile(join(folder, name)));
  honest = new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
  await rm(folder, { recursive: true });
});

const jsonOf = (bytes: Uint8Array): Json => JSON.parse(new TextDecoder().decode(bytes)) as Json;
const refOf = (bytes: Uint8Array): FileRef => ({ hash: plainHash(bytes), size: bytes.length });

/** All that a device does with a package before it answers with it. @returns names of the files that were read */
async function open(files: Files): Promise<string[]> {
  const read: string[] = [];
  const model = await loadPackage((name) => {
    read.push(name);
    const bytes = files.get(name);
    return bytes ? Promise.resolve(bytes.slice()) : Promise.reject(new Error('no such file'));
  });
  const refusal = checkModel(model);
  if (refusal) throw Object.assign(new Error(refusal.sentence), { code: 'MODEL_REFUSED' });
  const [tokenizer, generation] = ['tokenizer.json', 'generation.json'].map((x) => files.get(x)!);
  await openLanguage(model.manifest, model.tables, generation!);
  await createChat(model.manifest, tokenizer!, generation!);
  return read;
}
/** The package with another manifest; its files are as they were. */
const withManifest = (change: (m: Manifest) => Manifest): Files =>
  new Map(honest).set(
    'manifest.json',
    utf8(JSON.stringify(manifestToJson(change(made.model.manifest)))),
  );
/** The package with another file, of which its manifest has hash and size: only what it holds is wrong. */
function withFile(name: string, bytes: Uint8Array, put: (m: Manifest, ref: FileRef) => Manifest) {
  return withManifest((m) => put(m, refOf(bytes))).set(name, bytes);
}
const segment = (m: Manifest, index: number, ref: FileRef, shape = 0): Manifest => ({
  ...m,
  shapes: m.shapes.map((s, i) =>
    i === shape ? { ...s, segments: s.segments.with(index, ref) } : s,
  ),
});
const table = (m: Manifest, index: number, change: object): Manifest => ({
  ...m,
  tables: m.tables.with(index, { ...m.tables[index]!, ...change }),
});

it('an honest package is opened', async () => {
  expect(await open(honest)).toContain(WEIGHTS_FILE);
});

describe('a size that lies is refused before any byte of its file', () => {
  const GiB = 2 ** 30;
  const cases: readonly [part: string, change: (m: Manifest) => Manifest, say: RegExp][] = [
    ['graph', (m) => segment(m, 3, { ...m.shapes[0]!.segments[3]!, size: GiB }), /seg-3\.onnx has/],
    [
      'graph of another shape',
      (m) => segment(m, 3, { ...m.shapes[2]!.segments[3]!, size: GiB }, 2),
      /seg-2-3\.onnx has/,
    ],
    ['table', (m) => table(m, 0, { size: GiB }), /table 0: 1073741824 bytes/],
    ['table of another width', (m) => table(m, 1, { width: 2 }), /table 1: 1288 bytes/],
    [
      'tokenizer',
      (m) => ({ ...m, tokenizer: { ...m.tokenizer!, size: TOKENIZER_BYTES_MAX + 1 } }),
      /tokenizer\.json has/,
    ],
    [
      'generation.json',
      (m) => ({ ...m, template: { ...m.template!, size: GENERATION_BYTES_MAX + 1 } }),
      /generation\.json has/,
    ],
    [
      'weights',
      (m) => ({ ...m, linears: m.linears.with(0, { ...m.linears[0]!, n: 2 ** 20 }) }),
      /linear 1: .* bytes of weights/,
    ],
    ['vocabulary', (m) => ({ ...m, vocabulary: 2 ** 18 + 1, packing: 'u24' }), /vocabulary 262145/],
    [
      'context',
      (m) => ({ ...m, shapes: m.shapes.map((s) => ({ ...s, tokens: 65_520 })) }),
      /an answer of 8386560 bytes/,
    ],
  ];
  it.each(cases)('of a %s', async (_, change, say) => {
    const files = withManifest(change);
    let read: string[] = [];
    const counted = loadPackage((name) => {
      read = [...read, name];
      return Promise.resolve(files.get(name)!);
    });
    await expect(counted).rejects.toMatchObject({
      code: expect.stringMatching(/^MODEL_(REFUSED|CORRUPT)$/) as string,
      message: expect.stringMatching(say) as string,
    });
    expect(read).toEqual(['manifest.json']);
  });
});

describe('a part that is not what it should be is refused with its name', () => {
  const flipped = (name: string): Uint8Array => {
    const bytes = honest.get(name)!;
    return bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1);
  };
  const parts = ['seg-0.onnx', 'seg-1-4.onnx', 'table-0.bin', 'table-1.bin'];
  it.each([...parts, 'generation.json'])('of a changed %s', async (name) => {
    const run = open(new Map(honest).set(name, flipped(name)));
    await expect(run).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringContaining(name) as string,
    });
  });
  it.each([...parts, 'weights.bin', 'generation.json'])('of a cut %s', async (name) => {
    const run = open(new Map(honest).set(name, honest.get(name)!.slice(0, -1)));
    await expect(run).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringContaining(name) as string,
    });
  });
  it('of changed weights', async () => {
    const run = open(new Map(honest).set('weights.bin', flipped('weights.bin')));
    await expect(run).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringMatching(/weights of linear \d+/) as string,
    });
  });

  const generation = (change: Json) =>
    utf8(JSON.stringify({ ...jsonOf(made.generation), ...change }));
  const tokenizer = (change: Json) =>
    utf8(JSON.stringify({ ...jsonOf(made.tokenizer), ...change }));
  const asGeneration = (bytes: Uint8Array) =>
    withFile('generation.json', bytes, (m, template) => ({ ...m, template }));
  const asTokenizer = (bytes: Uint8Array) =>
    withFile('tokenizer.json', bytes, (m, ref) => ({ ...m, tokenizer: ref }));
  const cases: readonly [what: string, files: () => Files, say: RegExp][] = [
    [
      'a graph of another place',
      () => {
        const other = honest.get('seg-5.onnx')!;
        return withFile('seg-3.onnx', other, (m, ref) => segment(m, 3, ref));
      },
      /./,
    ],
    [
      'a graph that is no ONNX',
      () => withFile('seg-3.onnx', utf8('onnx'), (m, ref) => segment(m, 3, ref)),
      /./,
    ],
    [
      'a table over its bounds',
      () => {
        const bytes = honest.get('table-0.bin')!.with(9, 127);
        return withFile('table-0.bin', bytes, (m, { hash }) => table(m, 0, { hash }));
      },
      /table|head|63/,
    ],
    [
      'generation.json of a longer context',
      () => asGeneration(generation({ context: 257 })),
      /generation\.json: a context of 257/,
    ],
    [
      'generation.json with a stop over the last',
      () => asGeneration(generation({ stops: [644] })),
      /generation\.json: token 644/,
    ],
    [
      'generation.json that is no JSON',
      () => asGeneration(utf8('{')),
      /generation\.json is not JSON/,
    ],
    [
      'a template that is no Jinja',
      () => asGeneration(generation({ template: '{% if %}' })),
      /template fails/,
    ],
    [
      'a template that multiplies',
      () => asGeneration(generation({ template: "{{ 'x' | indent(999999) }}" })),
      /template gives indent/,
    ],
    [
      'tokenizer.json that is no JSON',
      () => asTokenizer(utf8('{')),
      /tokenizer\.json can not be used/,
    ],
    [
      'tokenizer.json of another kind',
      () => asTokenizer(tokenizer({ decoder: null })),
      /tokenizer\.json is no/,
    ],
    [
      'tokenizer.json over the vocabulary',
      () => {
        const added_tokens = [{ id: 644, content: '<x>', special: true }];
        return asTokenizer(tokenizer({ added_tokens }));
      },
      /tokenizer\.json has "<x>" as token 644/,
    ],
  ];
  it.each(cases)('of %s', async (_, files, say) => {
    await expect(open(files())).rejects.toMatchObject({
      code: expect.stringMatching(/^MODEL_(REFUSED|CORRUPT)$/) as string,
      message: expect.stringMatching(say) as string,
    });
  });
});
