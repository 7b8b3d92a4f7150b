/** Conversations through a store and the thread of texts, of a package that is kept, and of hostile ones. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../../src/client/api.ts';
import { openPackageStore } from '../../../src/client/models/package-store.ts';
import type { PartSource } from '../../../src/client/models/part-sources.ts';
import { createTexts } from '../../../src/client/models/texts.ts';
import { TokenThread } from '../../../src/client/models/token-thread.ts';
import { inputTokens, modelId } from '../../../src/core/manifest.ts';
import { toHex, utf8 } from '../../../src/lib/bytes.ts';
import { createMemoryParts } from '../../../src/miner/package/part-store.ts';
import { partsOfFile, passFiles, planParts } from '../../../src/miner/package/parts.ts';
import { startTokens } from '../../../src/node/start-tokens.ts';
import { plainHash } from '../../../src/core/hash.ts';
import {
  chatty,
  CHATTY_SIZE,
  CHATTY_TEMPLATE,
  ENDLESS_TEMPLATE,
  type Chatty,
} from '../../models/chatty.ts';
import { generatedGeneration } from '../../models/decoder.ts';

const threads: TokenThread[] = [];
/** A real one, which is ended when it takes too long. */
function threadWithin(deadlineMs: number): TokenThread {
  const thread = new TokenThread(startTokens, deadlineMs);
  threads.push(thread);
  return thread;
}
afterEach(() => threads.splice(0).forEach((thread) => thread.stop()));
let made: Chatty;
beforeAll(() => {
  made = chatty();
});

/** The texts of a package whose two files are others, as its manifest says; all that is fetched. */
async function setUp(
  change: { tokenizer?: Uint8Array; template?: string } = {},
  thread = new TokenThread(),
) {
  const tokenizer = change.tokenizer ?? made.tokenizer;
  const template = change.template ?? CHATTY_TEMPLATE;
  const generation = generatedGeneration(CHATTY_SIZE, { prefix: [1], stops: [0, 2], template });
  const ref = (file: Uint8Array) => ({ hash: plainHash(file), size: file.length });
  const named = { tokenizer: ref(tokenizer), template: ref(generation) };
  const manifest = { ...made.model.manifest, ...named };
  const id = modelId(manifest);
  const models = new Map([[toHex(id), manifest]]);
  const plan = planParts(manifest);
  const first = passFiles(manifest).length;
  const asked: number[] = [];
  const source: PartSource = {
    name: 'source',
    async fetch({ part }, _signal, onBytes) {
      const file = [tokenizer, generation].find((_, i) => partsOfFile(plan, first + i)[0] === part);
      asked.push(part);
      onBytes(file!.length);
      return file!;
    },
    blame: () => undefined,
  };
  const packages = await openPackageStore({
    models,
    store: createMemoryParts(),
    sources: () => [source],
    roundWaitMs: 1,
    onChange: () => undefined,
  });
  const texts = createTexts(models, packages, thread);
  return { texts, manifest, id, asked, say: (said: string) => texts.converse(id, [user(said)]) };
}
const user = (content: string): ChatMessage => ({ role: 'user', content });

describe('a conversation with a language model', () => {
  it('is an input of its package, of which two files alone are fetched, once', async () => {
    const { texts, manifest, id, asked } = await setUp({}, threadWithin(60_000));
    const conversation = [
      user('hello'),
      { role: 'assistant', content: 'yes' } as const,
      user('so?'),
    ];
    const { tokens, limit, input } = await texts.converse(id, conversation);
    expect(asked).toHaveLength(2);
    const ids = inputTokens(input!, manifest)!;
    expect(ids.findLastIndex((token) => token !== 0) + 1).toBe(tokens);
    expect(limit).toBe(255);
    const text = new TextDecoder().decode(await texts.textBytes(id, ids.subarray(0, tokens)));
    expect(text).toBe(
      'system\nYou are Chatty.\nuser\nhello\nassistant\nyes\nuser\nso?\nassistant\n',
    );
    expect((await texts.readInput(id, input!)).ids![0]).toHaveLength(tokens);
    expect(asked).toHaveLength(2);
  });

  it('that is too long is told with both numbers, and nothing of it is cut', async () => {
    const { say } = await setUp();
    const { tokens: around } = await say('7');
    for (const more of [0, 1]) {
      const tokens = 255 + more;
      const length = tokens - around + 1;
      const told = await say('7'.repeat(length));
      expect(told).toMatchObject({ tokens, limit: 255 });
      expect(told.input === undefined).toBe(more === 1);
    }
  });

  it('does not ask for more bytes of text than an answer has', async () => {
    const { texts, id } = await setUp();
    await expect(texts.textBytes(id, new Uint32Array(65_537))).rejects.toMatchObject({
      code: 'INPUT_LONG',
    });
    expect(await texts.textBytes(id, new Uint32Array(65_536).fill(300))).not.toHaveLength(0);
  });
});

describe('a hostile template', () => {
  const grown = (start: string, grow: string) =>
    `{% set ns = namespace(x=${start}) %}{% for i in range(99) %}{% set ns.x = ${grow} %}{% endfor %}{{ ns.x }}`;
  const cases: readonly [name: string, template: string, say: RegExp][] = [
    ['counts to a billion', '{% for i in range(10**9) %}x{% endfor %}', /a range of 1000000000/],
    ['counts for ever', '{% for i in range(9, 1, 0) %}{% endfor %}', /of no whole numbers/],
    [
      'counts in itself',
      `${'{% for i in range(8000) %}'.repeat(3)}${'{% endfor %}'.repeat(3)}`,
      /steps/,
    ],
    ['calls itself', '{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}', /fails/],
    ['doubles a text', grown('"x"', 'ns.x ~ ns.x'), /262144 characters/],
    ['doubles a list', grown('[1]', 'ns.x + ns.x'), /8192 entries/],
    ['nests a list in itself', grown('[1]', '[ns.x, ns.x]'), /entries/],
    ['nests deeply', grown('[1]', '[ns.x]'), /64 levels/],
    ['holds itself', '{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}', /64 levels/],
    [
      'writes without end',
      '{% for i in range(8000) %}{{ messages | tojson }}{% endfor %}',
      /262144 characters/,
    ],
    [
      'writes too much',
      `{% for i in range(8000) %}${'x'.repeat(40)}{% endfor %}`,
      /262144 characters/,
    ],
    [
      'grows by replacing',
      "{{ messages[0].content.replace('', messages[0].content) }}",
      /gives replace/,
    ],
    ['grows by a filter', "{{ 'x' | replace('', messages[0].content) }}", /gives replace/],
    ['grows by a name', "{{ messages[0].content['re' ~ 'place']('', 'x') }}", /computes the name/],
    [
      'takes what grows',
      "{% set f = ''.replace %}{{ f('', messages[0].content) }}",
      /without a call/,
    ],
    ['indents', '{{ "a\\nb" | indent(1000000000) }}', /gives indent/],
    [
      'indents by a false truth',
      '{% set true = 999999999 %}{{ "a\\nb" | indent(true) }}',
      /gives indent/,
    ],
    ['joins', '{{ range(8000) | join(messages[0].content) }}', /gives join/],
    ['indents JSON', '{{ messages | tojson(indent=999999999) }}', /gives tojson/],
    [
      'separates JSON',
      '{{ messages | tojson(separators=(messages[0].content, ":")) }}',
      /gives tojson/,
    ],
    ['is deep', `{{ ${'('.repeat(30_000)}1${')'.repeat(30_000)} }}`, /fails/],
    ['knows the time', "{{ strftime_now('%Y') }}", /fails/],
  ];
  it.each(cases)('that %s is refused with what it does', async (_, template, say) => {
    const { say: ask } = await setUp({ template });
    await expect(ask('x'.repeat(1000))).rejects.toMatchObject({
      code: 'MODEL_REFUSED',
      message: expect.stringMatching(say) as string,
    });
  });

  it('reaches nothing but what it is given', async () => {
    const names = [
      'constructor',
      '__proto__',
      'prototype',
      'toString',
      'valueOf',
      '__defineGetter__',
    ];
    const values = [
      'messages',
      'messages[0]',
      '"x"',
      '1',
      'range',
      '{}',
      '[]',
      'namespace()',
      'none',
    ];
    const reached = values.flatMap((value) =>
      names.flatMap((name) => [`${value}.${name}`, `${value}['${name}']`].map((x) => `{{ ${x} }}`)),
    );
    const others = [
      'globalThis',
      'process',
      'self',
      'fetch',
      'require',
      'import',
      'this',
      'arguments',
    ];
    const template = `{{ bos_token }}|${reached.join('')}${others.map((x) => `{{ ${x} }}`).join('')}|`;
    const { texts, id, manifest } = await setUp({ template });
    const { input, tokens } = await texts.converse(id, [user('x')]);
    const ids = inputTokens(input!, manifest)!.subarray(0, tokens);
    expect(new TextDecoder().decode(await texts.textBytes(id, ids))).toBe('||');
    const run = texts.converse(id, [user('x')]);
    await expect(run).resolves.toBeDefined();
    const call = await setUp({ template: "{{ range.constructor('return this')() }}" });
    await expect(call.say('x')).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
  });

  it('that keeps the thread busy is ended with it, and the next text is read', async () => {
    const thread = threadWithin(5000);
    const { say } = await setUp({}, thread);
    await expect(say('x')).resolves.toBeDefined();
    const slow = await setUp({ template: ENDLESS_TEMPLATE }, thread);
    const given = slow.say('x');
    const next = say('x');
    await expect(given).rejects.toMatchObject({ code: 'TOKENISER_SLOW' });
    await expect(next).resolves.toBeDefined();
  });
});

describe('a hostile tokenizer.json of a language model', () => {
  it('whose pattern never ends is ended with its thread, and another model is read after it', async () => {
    const json = JSON.parse(new TextDecoder().decode(made.tokenizer)) as Record<string, object>;
    const pre_tokenizer = {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false },
        json.pre_tokenizer,
      ],
    };
    const { say } = await setUp(
      { tokenizer: utf8(JSON.stringify({ ...json, pre_tokenizer })) },
      threadWithin(5000),
    );
    await expect(say('ab')).resolves.toBeDefined();
    await expect(say(`${'a'.repeat(60)}!`)).rejects.toMatchObject({ code: 'TOKENISER_SLOW' });
    await expect(say('ab')).resolves.toBeDefined();
  });
});
