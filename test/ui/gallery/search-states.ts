/** One's own texts: a model that compares them by their words, so that what is found makes sense to whoever looks. */
import type { ModelInfo, StoredModel } from '../../../src/client/api.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import { WRITER, type MemoryEngine } from '../memory-engine.ts';

const SIZE = 64;
const COMPARER: ModelInfo = {
  name: 'minilm',
  kind: 'encoder',
  id: new Uint8Array(32).fill(0x33),
  labels: [],
  packing: 'u16',
  tokenizerBytes: 466_247,
  shapes: [{ sequences: 8, tokens: 64 }],
  inputBytesMax: 8 * 128,
  sequenceBytes: 128,
  answerSize: SIZE,
  macs: 151_000_000n,
};

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]{4,}/gu) ?? [];

/** How often each word's place comes. */
function rowOf(text: string): number[] {
  const row = new Array<number>(SIZE).fill(1);
  for (const word of wordsOf(text)) {
    const hash = [...word.slice(0, 5)].reduce((sum, c) => sum * 31 + c.codePointAt(0)!, 7);
    row[hash % SIZE]! += 20;
  }
  return row;
}

export function searchStates({
  engine,
}: {
  readonly engine: MemoryEngine;
}): Record<string, () => void> {
  const compares = (): void => {
    // What another picture has put in.
    indexedDB.deleteDatabase('pila-texts');
    engine.client.models = async () => [COMPARER];
    let asked: readonly string[] = [];
    engine.client.tokenise = async (_id, texts) => {
      asked = texts;
      return { tokens: texts.map((text) => text.split(' ').length + 2), input: utf8('texts') };
    };
    engine.client.execute = async () => Uint8Array.from(asked.flatMap(rowOf));
    const [model] = engine.kept.models as [StoredModel];
    const whole = { bytes: 25_900_000, stored: 25_900_000, state: 'stored' } as const;
    engine.kept = { ...engine.kept, models: [{ ...model, ...COMPARER, ...whole }] };
  };
  return {
    compares,
    'compares and writes': () => {
      compares();
      engine.client.models = async () => [WRITER, COMPARER];
      engine.pieces = [
        { text: 'Volta put cloth wet with brine between the discs.', tokens: 12, finish: 'stop' },
      ];
    },
    'compares slowly': () => {
      compares();
      const { execute } = engine.client;
      let passes = 0;
      engine.client.execute = async (...asked) =>
        ++passes > 16 ? new Promise<never>(() => undefined) : execute(...asked);
    },
  };
}
