/**
 * The executor's table alone, printed and kept in bench/results/<date>-executor.md.
 * `npm run -s bench:executor -- [--rounds 15] [--dry] [PART]…`
 * Parts: 384, 768, 1024, minilm, bert, decoder, short, decode, start; all of them where none is named.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { executorReport, measureExecutor, PARTS } from './table.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '15' },
    /** Print only. */
    dry: { type: 'boolean', default: false },
  },
});
const parts = PARTS.filter((part) => !positionals.length || positionals.includes(part));
const log = (line: string): void => console.error(line);
const figures = await measureExecutor(parts, Number(values.rounds), log);
const cpu = cpus()[0]?.model ?? 'unknown CPU';
const machine = `${cpu}, ${cpus().length} threads, load ${loadavg()[1]!.toFixed(0)}, Node ${process.versions.node}`;
const command = ['npm run -s bench:executor --', ...process.argv.slice(2)].join(' ');
const report = [`\`${command}\`: ${machine}`, '', ...executorReport(figures)].join('\n');
console.log(report);
if (!values.dry) {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(join(import.meta.dirname, `../results/${date}-executor.md`), `${report}\n`);
}
process.exit(0);
