import { describe, expect, it } from 'vitest';
import { CONFIDENCE_MIN, probabilities, readRow } from '../../src/core/reading.ts';

const LABELS = ['it', 'es', 'none'];

describe('a row of logits', () => {
  it('is a probability in eighths of a nat', () => {
    const [a, b] = probabilities([8, 0]);
    expect(a! / b!).toBeCloseTo(Math.E, 12);
    expect(a! + b!).toBeCloseTo(1, 12);
    expect(probabilities([-127, 127])[1]).toBeCloseTo(1, 12);
  });

  it('names its largest entry with its probability', () => {
    const { best, label, confidence } = readRow(Int8Array.of(40, 0, 0), LABELS);
    expect([best, label]).toEqual(['it', 'it']);
    expect(confidence).toBeCloseTo(1 / (1 + 2 * Math.exp(-5)), 12);
  });

  it('cannot tell where none is largest, however sure', () => {
    const reading = readRow(Int8Array.of(-90, 0, 100), LABELS);
    expect(reading).toMatchObject({ best: 'none', label: undefined });
    expect(reading.confidence).toBeGreaterThan(0.99);
  });

  it('cannot tell below the bound, and tells at it', () => {
    expect(readRow([1, 0, 0], LABELS)).toMatchObject({ best: 'it', label: undefined });
    const even = readRow([0, -1000, 0], LABELS);
    expect(even.confidence).toBe(CONFIDENCE_MIN);
    expect(even.label).toBe('it');
  });

  it('promises no probability without the label none', () => {
    const reading = readRow([1, 1], ['class 0']);
    expect(reading).toEqual({ best: 'class 0', confidence: undefined, label: 'class 0' });
    expect(readRow([0, 1], ['class 0']).label).toBe('1');
  });
});
