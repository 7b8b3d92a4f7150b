/** The first unit of a model after Start, before and now: processes of their own, in turn. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { checkout } from '../against/checkout.ts';
import { median } from '../measure.ts';
import { BEFORE } from './shape.ts';

interface Start {
  readonly wallMs: number;
  /** Of all threads. */
  readonly cpuMs: number;
}

export interface StartFigures {
  readonly ms: number;
  readonly beforeMs: number;
  /** Processor time now ÷ before, median of the rounds' ratios. */
  readonly ratio: number;
}

function startOf(root: string, model: string): Start {
  const worker = join(import.meta.dirname, 'first-unit.ts');
  const out = execFileSync(process.execPath, [worker, root, model], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(out.trim().split('\n').at(-1)!) as Start;
}

export function measureStart(model: string, rounds: number): StartFigures {
  const [old, here] = [checkout(BEFORE), join(import.meta.dirname, '../..')];
  const found: { before: Start; now: Start }[] = [];
  for (let i = 0; i < rounds; i++)
    found.push({ before: startOf(old, model), now: startOf(here, model) });
  return {
    ms: median(found.map(({ now }) => now.cpuMs)),
    beforeMs: median(found.map(({ before }) => before.cpuMs)),
    ratio: median(found.map(({ now, before }) => now.cpuMs / before.cpuMs)),
  };
}
