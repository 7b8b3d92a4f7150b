/**
 * Writes test/vectors/generator/choice.json, from the naive code of test/oracle: fixed values for a second
 * implementation of docs/generation.md. Run it (`node test/vectors/make-generator.ts`) only when that changes on
 * purpose. test/miner/generator/choice.test.ts asserts them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainHash } from '../../src/core/hash.ts';
import { toHex } from '../../src/lib/bytes.ts';
import {
  encodeOptions,
  optionsOf,
  seedFromText,
  type Choosing,
} from '../../src/miner/generator/options.ts';
import { isRejected, naiveChoice, naiveDraw, weightOf } from '../oracle/naive-choice.ts';
import { randomBytes } from '../oracle/random.ts';

const PLAIN: Choosing = { temperature: 256, topK: 0, topP: 65_536, penalty: 256, maxTokens: 64 };
const CASES: readonly [name: string, said: Partial<Choosing>][] = [
  ['greedy', { temperature: 0 }],
  ['greedy with a penalty', { temperature: 0, penalty: 512 }],
  ['temperature 1', {}],
  ['temperature 0.7, top-p 0.9, penalty 1.1', { temperature: 179, topP: 58_982, penalty: 282 }],
  ['top-k 3', { topK: 3 }],
  ['top-p of the least', { topP: 1 }],
  ['the hottest', { temperature: 1024 }],
  ['all of it', { temperature: 512, topK: 10, topP: 50_000, penalty: 300 }],
];
const PER_NAT = 1000;
const VOCABULARY = 32;

/** ±4 nats, with equals. */
const logits = [...randomBytes('logits', 2 * VOCABULARY)]
  .map((byte, i, all) => (i % 2 ? 0 : 256 * byte + all[i + 1]!))
  .filter((_, i) => i % 2 === 0)
  .map((x) => (x % 8001) - 4000);
logits[7] = logits[3]!;
const seen = [1, 3, 4, 8, 13, 25];

const weights = Uint8Array.from({ length: 4 * 755 }, (_, i) =>
  Number((weightOf(Math.floor(i / 4)) >> BigInt(8 * (i % 4))) & 255n),
);
const seeds = ['', '42', 'pila'].map((text) => ({ text, seed: toHex(seedFromText(text)) }));
const draws = [1n, 2n, 3n, 1000n, 65_536n, (1n << 34n) - 1n].flatMap((total) =>
  [0, 1, 2047].map((place) => ({
    total: Number(total),
    place,
    drawn: Number(naiveDraw(total, seedFromText('42'), place)),
  })),
);
/** The first place at which a draw below `total` is rejected once. */
const REJECTED = 6_000_000_000_000_000n;
const rejectedAt = Array.from({ length: 65_536 }, (_, place) => place).find((place) =>
  isRejected(REJECTED, seedFromText('42'), place),
)!;
draws.push({
  total: Number(REJECTED),
  place: rejectedAt,
  drawn: Number(naiveDraw(REJECTED, seedFromText('42'), rejectedAt)),
});
const choices = CASES.flatMap(([name, said]) =>
  ['42', 'pila'].map((text) => {
    const options = optionsOf({ ...PLAIN, ...said }, { seed: seedFromText(text) });
    const tokens = Array.from({ length: 12 }, (_, place) =>
      naiveChoice(logits.map(BigInt), PER_NAT, options, { place, seen: new Set(seen) }),
    );
    return { name, options: toHex(encodeOptions(options)), tokens };
  }),
);

const folder = join(import.meta.dirname, 'generator');
mkdirSync(folder, { recursive: true });
const vectors = {
  weights: {
    first: [0, 1, 2, 63, 64, 640, 753, 754, 755].map((x) => [x, Number(weightOf(x))]),
    hash: toHex(plainHash(weights)),
  },
  seeds,
  draws,
  choice: { perNat: PER_NAT, logits, seen, choices },
};
writeFileSync(join(folder, 'choice.json'), `${JSON.stringify(vectors, null, 1)}\n`);
