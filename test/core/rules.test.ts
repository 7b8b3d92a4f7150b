import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CONSENSUS } from '../../src/core/consensus.ts';
import { blames, fault, FAULTS, type FaultCode } from '../../src/core/faults.ts';
import { rule, Rules } from '../../src/core/rules.ts';
import { rulesOf } from '../attack/without.ts';
import { KINDS } from '../../src/core/tx/kinds.ts';

const CODES = Object.keys(FAULTS) as FaultCode[];
const listed = new Set(CONSENSUS.flatMap(({ codes }) => codes));

test('every fault that refuses a block or what is in it is of a rule in the list, and no other', () => {
  const isRule = (code: FaultCode) =>
    /^(header|body|proof|tx)\./.test(code) &&
    // What an importer remembers of an id is no rule; a pool has rules of its own.
    code !== 'header.known-invalid' &&
    !(code.startsWith('tx.') && blames(fault(code)) === 'nobody');
  expect([...listed].sort()).toEqual(CODES.filter(isRule).sort());
});

test('each rule names a section of the protocol', () => {
  const headings = readFileSync('docs/protocol.md', 'utf8').matchAll(/^##+ ([\d.]+?)\.? /gm);
  const sections = new Set([...headings].map(([, number]) => number));
  expect(CONSENSUS.filter(({ section }) => !sections.has(section))).toEqual([]);
});

test('a kind yields the faults that its row names, and no others', () => {
  for (const [kind, { codes }] of Object.entries(KINDS)) {
    const own = `src/core/tx/kinds/${kind}.ts`;
    const source = readFileSync(existsSync(own) ? own : 'src/core/tx/kinds.ts', 'utf8');
    const yielded = [...source.matchAll(/fault\('([a-z.-]+)'/g)].map(([, code]) => code);
    expect([...new Set(yielded)].sort()).toEqual([...codes].sort());
  }
});

test('production has all rules: no file of src leaves one out', () => {
  const uses = globSync('src/**/*.{ts,svelte}').filter((file) =>
    /\.without\(|new Rules\(/.test(readFileSync(file, 'utf8')),
  );
  expect(uses).toEqual(['src/core/rules.ts']);
});

test('a list is judged in its order; a rule that is left out is passed over', () => {
  const ran: string[] = [];
  const tooLong = rule('body.size', '4.1', (text: string) => {
    ran.push('size');
    return text.length > 2 ? { size: text.length } : undefined;
  });
  const notDigits = rule('body.root', '4.1', (text: string) => {
    ran.push('root');
    return /^\d*$/.test(text) ? undefined : {};
  });
  const rules = [tooLong, notDigits];
  expect(Rules.all.judge(rules, 'abc')).toEqual(fault('body.size', { size: 3 }));
  expect(ran).toEqual(['size']);
  expect(Rules.all.without('body.size').judge(rules, 'abc')).toEqual(fault('body.root'));
  expect(Rules.all.without('body.size', 'body.root').judge(rules, 'abc')).toBeUndefined();
  expect(Rules.all.judge(rules, '12')).toBeUndefined();
});

test('what a rule promised holds, or is a bug; without the rule the nearest value stands', () => {
  expect(Rules.all.promised('tx.balance', 3n, 0n, 5n)).toBe(3n);
  expect(() => Rules.all.promised('tx.balance', -1n, 0n, 5n)).toThrow('tx.balance');
  expect(() => Rules.all.without('tx.nonce').promised('tx.balance', 6n, 0n, 5n)).toThrow();
  const free = Rules.all.without('tx.balance');
  expect(free.promised('tx.balance', -1n, 0n, 5n)).toBe(0n);
  expect(free.promised('tx.balance', 6n, 0n, 5n)).toBe(5n);
});

test('attack runs leave out rules of consensus, and nothing else', () => {
  expect(rulesOf(['tx.nonce', 'header.state-root'])).toHaveLength(2);
  expect(rulesOf([])).toEqual([]);
  for (const code of ['toString', 'tx.pool-full', 'wire.rate'])
    expect(() => rulesOf([code])).toThrow(`no rule '${code}'`);
});
