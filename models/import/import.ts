/**
 * Imports a BERT-class encoder as an exact package, and reports what it costs; or a decoder of Llama's class.
 * Usage: npm run model:import -- FOLDER|URL [--name N] [--out DIR] [--text FILE] [--hashes FILE]
 *   [--shapes BxS,BxS,…] [--measure N] [--rounds N] [--report FILE] [--webgpu]
 *   [--licence TEXT] [--attribution TEXT]
 *        npm run model:import -- FILE.gguf|FOLDER [--name N] [--out DIR] [--shapes 1xS,1xS,…] [--rows FILE]
 *   [--licence TEXT] [--attribution TEXT]
 * The same files give the same package on every machine. Of the shapes the first is mined; every one of them gives
 * the same answers.
 * FOLDER is a Hugging Face folder; URL is the address of its files (https, or http on this machine).
 * A decoder is served, not mined. It is calibrated on token rows (llama/rows.ts), or on what it writes itself; an
 * import that was cut goes on where it was.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { TOKENIZER_FILE } from '../../src/miner/package/package.ts';
import { measureWebgpu } from '../../bench/pass-split.ts';
import { BrowserBackend } from '../../test/browser/harness.ts';
import { writePackage } from '../write-package.ts';
import { importModel, type Imported } from './convert.ts';
import { textFromBytes } from '../../src/lib/text-file.ts';
import { download, parseHashes } from './download.ts';
import type { UnitShape } from './exact-bert.ts';
import { readFolder } from './folder.ts';
import { importFiles, isDecoder } from './llama/import-files.ts';
import { reportOf, type Device } from './report.ts';

const HERE = import.meta.dirname;
const MODELS = join(HERE, '..');
const TEXTS_MAX = 10_000;
/** A software device is slow. */
const WEBGPU_ROUNDS = 2;
const ENCODER_SHAPES = '8x64';
const DECODER_SHAPES = '1x256,1x512,1x1024,1x2048';

const OPTIONS = {
  name: { type: 'string' },
  out: { type: 'string' },
  text: { type: 'string', default: join(HERE, 'sample.txt') },
  hashes: { type: 'string' },
  shapes: { type: 'string' },
  rows: { type: 'string' },
  measure: { type: 'string', default: '100' },
  rounds: { type: 'string', default: '15' },
  licence: { type: 'string', default: '' },
  attribution: { type: 'string', default: '' },
  report: { type: 'string' },
  webgpu: { type: 'boolean', default: false },
} as const;

const { values: flags, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });

function count(name: 'measure' | 'rounds'): number {
  const value = Number(flags[name]);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} ${flags[name]}`);
  return value;
}

/** `8x64,4x128`: sequences × tokens. */
function shapesOf(text: string): [UnitShape, ...UnitShape[]] {
  const [first, ...others] = text.split(',').map((part) => {
    const [, sequences, tokens] = /^([1-9]\d{0,3})x([1-9]\d{0,3})$/.exec(part) ?? [];
    if (!tokens) throw new Error(`--shapes ${part}`);
    return { sequences: Number(sequences), tokens: Number(tokens) };
  });
  return [first!, ...others];
}

function write(folder: string, { model, tokenizer }: Imported): void {
  writePackage(folder, model);
  writeFileSync(join(folder, TOKENIZER_FILE), tokenizer);
}

/** The same package on WebGPU in Chromium, served from models/: its self-test, then its times. */
async function onWebgpu(folder: string, rounds: number): Promise<Device> {
  const browser = await BrowserBackend.open();
  try {
    const name = relative(MODELS, folder) as 'tiny';
    await browser.call('open', name);
    await browser.call('selfTest');
    const { device, whole } = await measureWebgpu(browser, name, rounds);
    return {
      name: `WebGPU: ${device}`,
      plainMs: Math.min(...whole.plain),
      noisyMs: Math.min(...whole.noisy),
    };
  } finally {
    await browser.close();
  }
}

const isUrl = (source: string): boolean => /^https?:/.test(source);

async function sourceFolder(source: string, name: string): Promise<string> {
  if (!isUrl(source)) return source;
  const hashes = flags.hashes ? parseHashes(textFromBytes(readFileSync(flags.hashes))) : undefined;
  return download(source, join(HERE, '.cache', name), hashes);
}

const packageAt = (name: string): string =>
  resolve(flags.out ?? join(HERE, '.cache/packages', name));

async function decoder(path: string, name: string): Promise<void> {
  const shapes = shapesOf(flags.shapes ?? DECODER_SHAPES);
  if (shapes.some(({ sequences }) => sequences > 1))
    throw new Error(`--shapes ${flags.shapes}: a decoder's have one sequence`);
  const { licence, attribution, rows } = flags;
  const started = performance.now();
  const { model } = await importFiles({
    path,
    rows,
    lengths: shapes.map(({ tokens }) => tokens),
    labelling: { name, licence, attribution },
    out: packageAt(name),
    log: (line) => console.error(line),
  });
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  console.log(`${name}: id ${toHex(model.id)}, after ${minutes} minutes, in ${packageAt(name)}`);
}

async function main(): Promise<void> {
  const [source] = positionals;
  if (!source || positionals.length > 1) throw new Error('one folder or URL, please');
  const name = flags.name ?? basename(source.replace(/\/+$/, ''), '.gguf');
  if (!isUrl(source) && isDecoder(source)) return decoder(source, name);
  const read = await readFolder(await sourceFolder(source, name));
  for (const note of read.notes) console.error(`note: ${note}`);
  const lines = textFromBytes(readFileSync(flags.text)).split('\n');
  const texts = lines.map((line) => line.trim()).filter(Boolean);
  if (texts.length < 3 || texts.length > TEXTS_MAX) throw new Error(`${texts.length} texts`);
  const rounds = count('rounds');
  const imported = await importModel(read, {
    name,
    shapes: shapesOf(flags.shapes ?? ENCODER_SHAPES),
    texts,
    measureMax: count('measure'),
    rounds,
    licence: flags.licence,
    attribution: flags.attribution,
    log: (line) => console.error(line),
  });
  const folder = packageAt(name);
  write(folder, imported);
  const devices: Device[] = [{ name: 'CPU: WebAssembly SIMD, one thread', ...imported.timing }];
  if (flags.webgpu) devices.push(await onWebgpu(folder, WEBGPU_ROUNDS));
  const report = reportOf(imported, isUrl(source) ? source : basename(source), devices);
  if (flags.report) writeFileSync(flags.report, report);
  console.log(report);
}

await main().catch((e: unknown) => {
  console.error(e instanceof AppError ? `${e.code}: ${e.message}` : e);
  process.exitCode = 1;
});
// ONNX Runtime's threads would keep the process alive.
process.exit();
