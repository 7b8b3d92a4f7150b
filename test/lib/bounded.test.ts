import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedMap } from '../../src/lib/bounded.ts';

test('the map equals a naive list that moves used entries to its end', () => {
  const step = fc.tuple(fc.constantFrom('get', 'set', 'delete', 'has'), fc.nat(8), fc.nat(99));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (max, steps) => {
      const evicted: [number, number][] = [];
      const map = new BoundedMap<number, number>(max, (k, v) => evicted.push([k, v]));
      let naive: [number, number][] = [];
      const out: [number, number][] = [];
      for (const [op, key, value] of steps) {
        const old = naive.find(([k]) => k === key);
        if (op === 'has') expect(map.has(key)).toBe(!!old);
        if (op === 'get') expect(map.get(key)).toBe(old?.[1]);
        if (op === 'set') map.set(key, value);
        if (op === 'delete') expect(map.delete(key)).toBe(!!old);
        if (op === 'has' || (op === 'get' && !old)) continue;
        naive = naive.filter((e) => e !== old);
        if (op === 'get') naive.push(old!);
        if (op === 'set') naive.push([key, value]);
        if (naive.length > max) out.push(naive.shift()!);
        expect([...map]).toEqual(naive);
      }
      expect(evicted).toEqual(out);
      expect(map.size).toBeLessThanOrEqual(max);
    }),
  );
});

test('undefined is a value', () => {
  const map = new BoundedMap<string, undefined>(1).set('a', undefined);
  expect(map.get('a')).toBe(undefined);
  expect(map.has('a')).toBe(true);
  expect(() => new BoundedMap(0)).toThrow('at least one');
});
