/** What a button copies: the system's clipboard is read by other programs, kept, and sent to other devices. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const src = join(import.meta.dirname, '../../../src');
const holding = (pattern: RegExp): string[] =>
  globSync('**/*.{ts,svelte}', { cwd: src })
    .filter((file) => pattern.test(readFileSync(join(src, file), 'utf8')))
    .sort();

test('addresses, links, answers and reports can be copied by a button, and no secret', () => {
  expect(holding(/\bnavigator\.clipboard\b|\bexecCommand\b/)).toEqual(['ui/kit/outside.ts']);
  expect(holding(/\bcopyText\(/)).toEqual([
    'ui/ask/AnswerRows.svelte',
    'ui/ask/generate/Turn.svelte',
    'ui/ask/prepaid/Kept.svelte',
    'ui/kit/outside.ts',
    'ui/network/Report.svelte',
    'ui/wallet/Receive.svelte',
  ]);
});
