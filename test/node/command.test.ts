/** How a command of the terminal runs and ends: real processes around a small program. */
import { spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { expect, it, vi } from 'vitest';
import { shownText } from '../../src/node/command.ts';

// A process loads everything anew.
vi.setConfig({ testTimeout: 60_000 });

const program = (body: string): string[] => [
  '--input-type=module',
  '--eval',
  `import { AppError } from './src/lib/errors.ts';
   import { runCommand, terminalLog } from './src/node/command.ts';
   const log = terminalLog();
   await runCommand('pila', log, async (fail) => { ${body} });`,
];
const run = (body: string, stdio: StdioOptions = 'pipe') =>
  spawnSync(process.execPath, program(body), { encoding: 'utf8', stdio });

it('tells as an event what ends it while it runs, and in one sentence', () => {
  const ended = run(`
    setImmediate(() => fail(new AppError('PART_DIED', 'the miner thread died: why')));
    return { stop: async () => undefined };`);
  expect(ended).toMatchObject({ status: 1, stdout: '' });
  expect(ended.stderr).toMatch(
    /^\S+Z error failed code=PART_DIED exit=1\npila: the miner thread died: why\n$/,
  );
});

it('writes no character that a terminal acts on, whoever wrote it', () => {
  const evil = '\x1b[2J\x1b]0;x\x07\r\nroot# \x9b31m \u202e\u2066\u2028\u200e\u{e0041}é…';
  const shown =
    String.raw`\u001b[2J\u001b]0;x\u0007\u000d\u000aroot# \u009b31m ` +
    String.raw`\u202e\u2066\u2028\u200e\u{e0041}é…`;
  expect(shownText(evil)).toBe(shown);
  expect(shownText('x'.repeat(10_000))).toBe(`${'x'.repeat(5000)}…`);
  const told = run(`throw new AppError('WRONG_FLAG', ${JSON.stringify(evil)});`);
  expect(told).toMatchObject({
    status: 2,
    stderr: `pila: ${shown}\npila: --help lists the flags\n`,
  });
  // A bug, with the lines of its stack.
  const bug = run(`throw new Error(${JSON.stringify(evil)});`);
  expect(bug.status).toBe(1);
  expect(bug.stderr).toContain('    at ');
  expect(bug.stderr.replaceAll('\n', '')).toMatch(/^\P{Cc}*$/u);
});

it('goes on where no line can be written, and stops cleanly', async () => {
  // A log that is sent to a full disk, and one whose reader has gone.
  const full = openSync(existsSync('/dev/full') ? '/dev/full' : '/dev/null', 'w');
  const body = `
    const lines = setInterval(() => log.info('line'), 1);
    process.on('message', (asked) => process.send(asked));
    return { stop: async () => clearInterval(lines) };`;
  for (const out of [full, 'pipe'] as const) {
    const child = spawn(process.execPath, program(body), { stdio: ['ignore', out, out, 'ipc'] });
    const exited = once(child, 'exit');
    child.stdout?.destroy();
    child.stderr?.destroy();
    // Some lines later it still answers.
    for (let n = 0; n < 50; n++) {
      const answered = Promise.race([once(child, 'message'), exited]);
      child.send(n);
      expect(await answered).toEqual([n, undefined]);
    }
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  }
  closeSync(full);
});

it.each([
  ['a signal', 'return { stop: async () => console.log("stopped") };', 0, ['stopped']],
  ['a signal, in its start', 'await new Promise(() => {});', 0, []],
  [
    'a stop that fails',
    'return { stop: async () => { throw new AppError("STORE_FAILED", "no disk"); } };',
    4,
    ['pila: no disk'],
  ],
])('ends after %s', async (_, body, code, told) => {
  const begun = `setInterval(() => {}, 1000); setImmediate(() => console.log('begun'));`;
  const child = spawn(process.execPath, program(begun + body));
  const exited = once(child, 'close');
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      // npm passes on what the terminal has sent to both: twice at once is one signal.
      if (line === 'begun') for (const signal of ['SIGINT', 'SIGTERM'] as const) child.kill(signal);
    });
  expect(await exited).toEqual([code, null]);
  expect(lines.filter((line) => !line.includes(' error failed '))).toEqual(['begun', ...told]);
});
