/**
 * A decoder's file to its package: admitted, with a tokenizer and what answers follow from; the same bytes whether the
 * import was cut or not, from a GGUF file or from a checkpoint; nothing that is wrong becomes a package.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokeniser } from '../../../src/client/models/tokeniser.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { checkModel } from '../../../src/miner/checker/checker.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { selfTest } from '../../../src/miner/engine/self-test.ts';
import { parseGeneration } from '../../../src/miner/generator/generation.ts';
import {
  GENERATION_FILE,
  loadPackage,
  TOKENIZER_FILE,
} from '../../../src/miner/package/package.ts';
import { requireShapes } from '../../../models/agree.ts';
import { finishedManifest } from '../../../models/finish.ts';
import { importDecoder } from '../../../models/import/llama/convert.ts';
import { requireForm } from '../../../models/import/llama/form.ts';
import { importFiles, isDecoder } from '../../../models/import/llama/import-files.ts';
import type { Keeper } from '../../../models/import/llama/keeper.ts';
import { filesKeeper } from '../../../models/import/llama/kept-files.ts';
import type { LlamaConfig } from '../../../models/import/llama/read/llama.ts';
import { parseRows } from '../../../models/import/llama/rows.ts';
import { IMPORTED, importedRows, LABELLING, LENGTHS } from './imported.ts';
import { BEGIN, END, folderOf, generated, ggufOf, STOP, TEMPLATE } from './read/generated.ts';
import { readGguf } from './read/reading.ts';
import { SMALL } from './tiny-llama.ts';

let folder: string;
let out: string;
/** The file, its rows, and the package that an import makes of them at once. */
let how: Parameters<typeof importFiles>[0];
let id: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pila-import-'));
  out = join(folder, 'made');
  writeFileSync(join(folder, 'small.gguf'), ggufOf(generated(IMPORTED)));
  const rows = importedRows().map((row) => row.join(' '));
  writeFileSync(join(folder, 'rows.txt'), rows.join('\n'));
  how = {
    path: join(folder, 'small.gguf'),
    rows: join(folder, 'rows.txt'),
    lengths: LENGTHS,
    labelling: LABELLING,
    out,
  };
  id = toHex((await importFiles(how)).model.id);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const packageIn = (path: string) =>
  loadPackage((file) => Promise.resolve(Uint8Array.from(readFileSync(join(path, file)))));

describe('the package of a GGUF file', () => {
  test('is read, admitted, and right on the processor, with plain known answers', async () => {
    const model = await packageIn(out);
    expect(toHex(model.id)).toBe(id);
    expect(model.manifest).toMatchObject({ ...LABELLING, kind: 2 });
    expect(model.manifest.shapes.map(({ tokens }) => tokens)).toEqual(LENGTHS);
    expect(checkModel(model)).toBeUndefined();
    // Made by plain loops alone, without the importer's products.
    expect(finishedManifest(model)).toEqual(model.manifest);
    const backend = await createCpuBackend(model);
    await selfTest(backend, model);
    expect(await requireShapes(model, backend)).toContain('one answer each');
    await backend.close();
  });

  test('says how it is talked with: tokens, stops, the template of the file', async () => {
    const generation = parseGeneration(readFileSync(join(out, GENERATION_FILE)));
    expect(generation).toMatchObject({
      prefix: [BEGIN],
      // Padding ends a text, since it is a control word.
      stops: [END, STOP],
      template: TEMPLATE,
      context: LENGTHS.at(-1),
      defaults: { temperature: 179, topK: 0, topP: 58_982, penalty: 282 },
    });
    expect(generation.perNat).toBeGreaterThan(1000);
    const { encode, decode } = await createTokeniser(readFileSync(join(out, TOKENIZER_FILE)));
    expect(decode(encode('ab wholeword é!!'))).toBe('ab wholeword é!!');
  });

  test('is that of the same weights in a checkpoint', async () => {
    const checkpoint = join(folder, 'checkpoint');
    mkdirSync(checkpoint);
    for (const [name, bytes] of folderOf(generated(IMPORTED)))
      writeFileSync(join(checkpoint, name), bytes);
    expect(isDecoder(checkpoint)).toBe(true);
    const made = join(folder, 'from-checkpoint');
    const { model } = await importFiles({ ...how, path: checkpoint, out: made });
    const other = await packageIn(out);
    // Its tokenizer.json is another text of the same words.
    expect({ ...model.manifest, tokenizer: 0 }).toEqual({ ...other.manifest, tokenizer: 0 });
  });

  test('without rows of others is calibrated on what the model writes itself', async () => {
    const llama = await readGguf(ggufOf(generated(IMPORTED)));
    const kept = new Map<string, unknown>();
    const keeper: Keeper = {
      read: (name) => kept.get(name),
      write: (name, value) => {
        kept.set(name, value);
        if (name === 'layer-0') throw new Error('enough');
      },
    };
    const made = importDecoder({ llama, labelling: LABELLING, lengths: LENGTHS, keeper });
    await expect(made).rejects.toThrow('enough');
    const rows = kept.get('rows') as Uint32Array[];
    expect(rows).toHaveLength(24);
    for (const row of rows) {
      expect(row).toHaveLength(240);
      expect(row.every((token) => token > 0 && token < llama.config.vocabulary)).toBe(true);
    }
    expect(new Set(rows.map(String)).size).toBe(24);
  }, 60_000);
});

describe('an import that is cut', () => {
  /** Imports with what a keeper has. @returns the package's id, and the layers that are made meanwhile */
  const going = (keeper: Keeper, isEnough: (name: string) => boolean = () => false) => {
    const layers: string[] = [];
    const write = (name: string, value: unknown): void => {
      keeper.write(name, value);
      if (name.startsWith('layer')) layers.push(name);
      if (isEnough(name)) throw new Error('cut');
    };
    const made = (async () => {
      const llama = await readGguf(ggufOf(generated(IMPORTED)));
      const rows = importedRows();
      const watched = { read: (name: string) => keeper.read(name), write };
      const how = { llama, labelling: LABELLING, lengths: LENGTHS, rows, keeper: watched };
      return toHex((await importDecoder(how)).model.id);
    })();
    return { layers, made };
  };
  /** Ends as by a kill, as soon as something of that name was kept. @returns the layers that were made */
  const cutAfter = async (name: string, keeper: Keeper): Promise<string[]> => {
    const { layers, made } = going(keeper, (kept) => kept === name);
    await expect(made).rejects.toThrow('cut');
    return layers;
  };
  const gone = async (keeper: Keeper): Promise<string[]> => {
    const { layers, made } = going(keeper);
    expect(await made).toBe(id);
    return layers;
  };

  /** What an import keeps that was cut near its end. */
  let nearEnd: string;
  beforeAll(async () => {
    nearEnd = join(folder, 'kept', 'near-end');
    await cutAfter('known-32-2', filesKeeper(nearEnd));
  }, 120_000);
  /** A copy of it. @returns the folder, and the path of what was kept by name */
  const copied = (name: string) => {
    const kept = join(folder, 'kept', name);
    cpSync(nearEnd, kept, { recursive: true });
    const own = join(kept, readdirSync(kept)[0]!);
    return { kept, path: (of: string) => join(own, of) };
  };

  test('at one place after the other goes on, and makes the same package', async () => {
    const keeper = filesKeeper(join(folder, 'kept', 'cut'));
    for (const [name, made] of [
      ['float', []],
      ['layer-0', ['layer-0']],
      // Of the layer it was not known yet what the next one begins with.
      ['progress', ['layer-0']],
      ['known-16-3', ['layer-1']],
      ['known-32-11', []],
    ] as const)
      expect(await cutAfter(name, keeper), name).toEqual(made);
    expect(await gone(keeper)).toEqual([]);
  });

  test('what was kept and has rotted is made again', async () => {
    const { kept, path } = copied('rotten');
    for (const name of ['known-16-2', 'known-32-1']) {
      const file = readFileSync(path(name));
      file[file.length - 1]! ^= 1;
      writeFileSync(path(name), file);
    }
    expect(await gone(filesKeeper(kept))).toEqual([]);
  });

  test('where a layer was cut short, or one is gone, all layers are made again', async () => {
    const { kept, path } = copied('short');
    const layer = path('layer-1');
    writeFileSync(layer, readFileSync(layer).subarray(0, 1000));
    expect(await cutAfter('layer-0', filesKeeper(kept))).toEqual(['layer-0']);
    rmSync(layer);
    expect(await gone(filesKeeper(kept))).toEqual(['layer-0', 'layer-1']);
  });

  test('of another input nothing is gone on with', () => {
    const kept = join(folder, 'kept', 'others');
    filesKeeper(kept, Uint8Array.of(1)).write('rows', [1]);
    expect(filesKeeper(kept, Uint8Array.of(1)).read('rows')).toEqual([1]);
    expect(filesKeeper(kept, Uint8Array.of(2)).read('rows')).toBeUndefined();
  });
});

describe('what is wrong', () => {
  test('is refused with its field, and leaves no package', async () => {
    const refused = async (bytes: Uint8Array, rows: string, message: string) => {
      const path = join(folder, 'wrong.gguf');
      writeFileSync(path, bytes);
      writeFileSync(join(folder, 'wrong.txt'), rows);
      const made = join(folder, 'wrong');
      const wrong = { ...how, path, rows: join(folder, 'wrong.txt'), out: made };
      await expect(importFiles(wrong)).rejects.toThrow(message);
      expect(existsSync(made)).toBe(false);
    };
    const right = ggufOf(generated(IMPORTED));
    const rows = readFileSync(how.rows!, 'utf8');
    await refused(right.subarray(0, right.length - 100), rows, 'wrong.gguf');
    await refused(ggufOf(generated({ ...IMPORTED, kind: 'qwen3' })), rows, 'q_norm, k_norm have');
    await refused(right, `${rows}\n1 2 3`, 'has 3 tokens');
    await refused(right, rows.replace(/^\d+/, '0'), 'row 1 has 0');
    const most = (await readGguf(right)).config.vocabulary;
    await refused(right, rows.replace(/^\d+/, `${most}`), `row 1 has ${most}, not a token`);
  });

  test('a file that is written while it is read: no package, and nothing kept as of it', async () => {
    const path = join(folder, 'changing.gguf');
    const right = ggufOf(generated(IMPORTED));
    writeFileSync(path, right);
    const changing = { ...how, path, out: join(folder, 'changing') };
    const work = `${changing.out}.import`;
    let keptBefore: string[] = [];
    const kept = () => readdirSync(work).flatMap((own) => readdirSync(join(work, own)).sort());
    const change = (line: string): void => {
      if (!line.startsWith('layer 1')) return;
      keptBefore = kept();
      writeFileSync(path, right);
    };
    await expect(importFiles({ ...changing, log: change })).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
    });
    expect([existsSync(changing.out), kept()]).toEqual([false, keptBefore]);
    expect(toHex((await importFiles(changing)).model.id)).toBe(id);
  });

  test.each<[change: Partial<LlamaConfig>, message: string]>([
    [{ qkNorm: true }, 'q_norm, k_norm have no exact form yet'],
    [{ tied: false }, 'lm_head, output.weight of its own has no exact form yet'],
    [{ bos: undefined }, 'bos_token_id is missing'],
    [{ stops: [] }, 'eos_token_id is missing'],
    [{ layers: 51 }, 'layers 51, over 50'],
    [{ hidden: 1088 }, 'hidden 1088, not 128 to 1024 by 64'],
    [{ hidden: 160 }, 'hidden 160, not'],
    [{ hidden: 704 }, 'hidden 704 is no power of two times'],
    [{ headWidth: 128 }, 'head width 128, over 64'],
    [{ heads: 3 }, 'heads 3 of 32 columns'],
    [{ ffn: 200 }, 'ffn 200, not from 128 by 64'],
    [{ ffn: 2 ** 16 }, 'ffn a linear of 16777216 weights, over 8388608'],
  ])('a decoder without an exact form: %j', (change, message) => {
    expect(() => requireForm(SMALL)).not.toThrow();
    expect(() => requireForm({ ...SMALL, ...change })).toThrow(
      expect.objectContaining({ code: 'MODEL_REFUSED', message: expect.stringContaining(message) }),
    );
  });

  test('rows are of one length, and not without end', () => {
    const row = new Array(16).fill('5').join(' ');
    expect(parseRows(`${row}\n${row}\n`, 10, 'x')).toHaveLength(2);
    for (const [text, message] of [
      ['', 'x: 0 rows'],
      [Array(257).fill(row).join('\n'), 'x: 257 rows'],
      [`${row} 1`, 'row 1 has 17 tokens'],
      [`${row}\n${row} ${row}`, 'row 2 has 32 tokens'],
      [row.replace('5', '5.5'), 'row 1 has 5.5'],
      [Array(129).fill(row).join(' '), 'row 1 has 2064 tokens'],
    ])
      expect(() => parseRows(text!, 10, 'x'), text).toThrow(message);
  });

  test('only decoders are taken for some', () => {
    expect(isDecoder(how.path)).toBe(true);
    expect(isDecoder(folder)).toBe(true);
    expect(isDecoder(out)).toBe(false);
    expect(isDecoder(join(folder, 'nowhere'))).toBe(false);
  });
});
