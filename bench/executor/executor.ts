/**
 * The executor's table alone. Usage: node bench/executor/executor.ts [--rounds 15] [part…]
 * Parts: 384, 768, 1024, minilm, bert, decoder, short, decode, start; all of them where none is named.
 */
import { parseArgs } from 'node:util';
import { executorReport, measureExecutor, PARTS } from './table.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '15' } },
});
const parts = PARTS.filter((part) => !positionals.length || positionals.includes(part));
const log = (line: string): void => console.error(line);
const figures = await measureExecutor(parts, Number(values.rounds), log);
console.log(executorReport(figures).join('\n'));
process.exit(0);
