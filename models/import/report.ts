/** An import's report in Markdown: what it costs in accuracy, bytes and time. */
import { encode } from '../../src/core/codec.ts';
import { Proof } from '../../src/core/formats.ts';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { modelId, unitLinears, unitMacs, unitShape } from '../../src/core/manifest.ts';
import { toHex } from '../../src/lib/bytes.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { createProof } from '../../src/miner/engine/prove.ts';
import { admissionText } from '../admission.ts';
import { CALIBRATION_TOKENS_WANTED, type Imported } from './convert.ts';
import type { Cosines } from './quality.ts';

/** Times of a device, ms (CPU: processor time). */
export interface Device {
  readonly name: string;
  readonly plainMs: number;
  readonly noisyMs: number;
}

/** Size of a proof of the last linear, which has the longest preimage and the widest rows. */
function proofBytes({ manifest, weights }: Pick<ModelPackage, 'manifest' | 'weights'>): number {
  const linear = manifest.linears.length;
  const { m, k, n } = unitLinears(manifest).at(-1)!;
  const hashes = manifest.linears.map(() => ZERO_HASH);
  const proof = createProof(
    { manifest, weights },
    {
      x: hashes,
      a: hashes,
      y: hashes,
      t: hashes,
      winner: { linear, tile: Math.floor(((m / 16) * (n / 16)) / 2) },
      captured: new Int8Array(m * k),
    },
  );
  return encode(Proof, proof).length;
}

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const cosines = (what: string, { count, median, mean, p1, min }: Cosines): string =>
  `| ${[what, count, ...[median, mean, p1, min].map((x) => x.toFixed(5))].join(' | ')} |`;

/** Below these a package answers noticeably otherwise than the float model. */
const [MEDIAN_MIN, P1_MIN] = [0.99, 0.98];
/** Of fewer texts one in a hundred is the least of all, which an odd input decides. */
const P1_TEXTS_MIN = 100;

/** What speaks against a package, though it is exact; empty when nothing does. */
export function warningsOf({ quality, calibrated }: Pick<Imported, 'quality' | 'calibrated'>) {
  const { count, median, p1 } = quality.sentences;
  const below = (what: string, found: number, least: number): string[] =>
    found < least ? [`${what} of the pooled cosines is ${found.toFixed(4)}, below ${least}`] : [];
  const few =
    calibrated.tokens < CALIBRATION_TOKENS_WANTED
      ? [`calibrated on ${calibrated.tokens} tokens, fewer than ${CALIBRATION_TOKENS_WANTED}`]
      : [];
  return [
    ...below('the median', median, MEDIAN_MIN),
    ...(count < P1_TEXTS_MIN ? [] : below('one in a hundred', p1, P1_MIN)),
    ...few,
  ].map((sentence) => `**Warning: ${sentence}.**\n`);
}

export function reportOf(imported: Imported, source: string, devices: readonly Device[]): string {
  const { model, tokenizer, quality, calibrated, admission } = imported;
  const { manifest: m, segments, weights } = model;
  const graphs = [segments, ...(model.otherShapes ?? [])]
    .flat()
    .reduce((sum, s) => sum + s.length, 0);
  const bytes = weights.reduce((sum, w) => sum + w.length, 0);
  const macs = Number(unitMacs(m));
  const ranks = new Map(m.linears.map(({ k, n, r }) => [`${k}→${n}`, r]));
  const rate = (ms: number): string => (macs / ms / 1e6).toFixed(2);
  const embedded = model.tables.reduce((sum, t) => sum + t.length, 0);
  const { sequences, tokens } = unitShape(m);
  const overlap =
    quality.overlap === undefined
      ? ''
      : `Of a text's ten nearest among them ${(100 * quality.overlap).toFixed(1)} % are the float model's (overlap@10).\n`;
  const others = m.shapes.slice(1).map((s) => `${s.sequences} × ${s.tokens}`);
  return `# ${m.name}: imported from ${source}

${warningsOf(imported)
  .map((line) => `${line}\n`)
  .join('')}| | |
|---|---|
| id | \`${toHex(modelId(m))}\` |
| unit | ${sequences} sequences × ${tokens} tokens, vocabulary ${whole.format(m.vocabulary)} |
${others.length ? `| answers also in | ${others.join(', ')} |\n` : ''}| answer | ${m.answerSize} int8 a sequence, the direction of the embedding |
| linears (k→n: rank) | ${m.linears.length}: ${[...ranks].map(([shape, r]) => `${shape}: ${r}`).join(', ')} |
| multiply-accumulates of a unit | ${whole.format(macs / 1e6)} M |
| package | graphs ${(graphs / 1e6).toFixed(1)} MB, tables ${(embedded / 1e6).toFixed(1)} MB, weights ${(bytes / 1e6).toFixed(1)} MB, tokenizer ${(tokenizer.length / 1e6).toFixed(1)} MB |
| checker | admits it; known unit reproduced plain and noisy |
| proof, win in the last linear (k = ${m.linears.at(-1)!.k}) | ${whole.format(proofBytes(model))} bytes |
| mining | ${admissionText(admission)} |
| calibrated on | ${calibrated.texts} texts, ${calibrated.tokens} tokens |

Cosine to the float model, on texts that calibration did not see:

| | count | median | mean | p1 | min |
|---|---|---|---|---|---|
${cosines('hidden state of a token', quality.tokens)}
${cosines('pooled sentence', quality.sentences)}
${cosines('pooled, the mean of all sentences taken off', quality.centred)}

The cosine of two sentences moves by at most ${quality.similarity.toFixed(4)} against the float model.
${overlap}
| device | plain unit, ms | noisy unit, ms | noisy GMAC/s |
|---|---|---|---|
${devices
  .map(
    (d) =>
      `| ${d.name} | ${whole.format(d.plainMs)} | ${whole.format(d.noisyMs)} | ${rate(d.noisyMs)} |`,
  )
  .join('\n')}

Times of the CPU are processor time of one thread, the fastest of several runs.
`;
}
