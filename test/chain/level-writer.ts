/** Child process of store.test.ts: writes numbered batches of 20 keys until it is killed. */
import { createLevelStore } from '../../src/chain/store/level-store.ts';

const [path, from] = process.argv.slice(2);
const store = await createLevelStore(path!);
for (let n = Number(from); ; n++) {
  const prefix = `batch/${String(n).padStart(8, '0')}`;
  const puts = Array.from({ length: 20 }, (_, i) => ({
    key: `${prefix}/${String(i).padStart(2, '0')}`,
    value: new Uint8Array(500).fill(i),
  }));
  // Half of them durable: a kill must find both kinds of write.
  await store.batch(puts, n % 2 === 0);
  process.send!(n + 1);
}
