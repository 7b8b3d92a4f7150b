/** Decoders that are refused, each with the field that is wrong: other graphs, and files that lie about themselves. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Gguf } from '../../../../models/import/llama/read/gguf.ts';
import {
  changed,
  fieldsOf,
  folderOf,
  generated,
  ggufOf,
  MERGES,
  WORDS,
  writtenOf,
  type Fields,
  type Files,
  type Shape,
} from './generated.ts';
import { readFiles, readGguf, refusal } from './reading.ts';
import {
  writeGguf,
  Writer,
  type Value,
  type WrittenGguf,
  type WrittenTensor,
} from './write-gguf.ts';

const MODEL = generated();

describe('a GGUF file of another graph', () => {
  const withFields = (change: (fields: Fields) => void, shape: Partial<Shape> = {}) => {
    const model = generated(shape);
    const fields = fieldsOf(model);
    change(fields);
    return refusal(readGguf(ggufOf(model, fields)));
  };
  const u32 = (value: number): Value => ['u32', value];
  const text = (value: string): Value => ['text', value];

  test.each<[name: string, value: Value | undefined, message: string]>([
    ['general.architecture', text('gemma2'), 'is gemma2; llama, qwen2, qwen3 fit'],
    ['general.architecture', u32(3), 'is 3; llama'],
    ['general.architecture', undefined, 'is undefined; llama'],
    ['general.type', text('adapter'), 'is "adapter"; only "model" fits'],
    ['general.quantization_version', u32(1), 'is 1; only 2 fits'],
    ['split.count', u32(2), 'is 2; only 1 fits'],
    ['llama.expert_count', u32(8), 'is 8; only 0 fits'],
    ['llama.attention.sliding_window', u32(4096), 'is 4096; only 0 fits'],
    ['llama.attention.causal', ['bool', 0], 'is false; only true fits'],
    ['llama.logit_scale', ['f32', 0.25], 'is not known: it may ask for another graph'],
    ['llama.attention.scale', ['f32', 0.25], 'is not known'],
    ['llama.block_count', undefined, 'is nothing, not 1 to 256'],
    ['llama.block_count', u32(0), 'is 0, not 1 to 256'],
    ['llama.block_count', u32(2 ** 32 - 1), 'is 4294967295, not 1 to 256'],
    ['llama.block_count', ['u64', 2 ** 60], 'is 1152921504606847000, not 1 to 256'],
    ['llama.block_count', text('2'), 'is "2", not 1 to 256'],
    ['llama.feed_forward_length', ['i32s', [96, 96]], 'is ["a list"], not 1 to 131072'],
    [
      'llama.attention.head_count_kv',
      u32(3),
      'is 3; llama.attention.head_count, 4, is no multiple',
    ],
    ['llama.attention.head_count_kv', u32(8), 'is 8, not 1 to 4'],
    ['llama.attention.key_length', u32(15), 'is 15, an odd number'],
    ['llama.attention.value_length', u32(8), 'is 8, not 16'],
    ['llama.attention.layer_norm_rms_epsilon', ['f32', 0], 'is 0, not over 0 and at most 0.01'],
    ['llama.attention.layer_norm_rms_epsilon', ['f32', NaN], 'is null, not over 0'],
    ['llama.rope.freq_base', ['f32', -1], 'is -1, not over 0'],
    ['llama.rope.dimension_count', u32(8), 'is 8; only all 16 columns fit'],
    ['llama.rope.scaling.type', text('yarn'), 'is "yarn"; only "none" fits'],
    ['llama.vocab_size', u32(100), `is 100, of ${WORDS.length} words`],
    ['llama.vocab_size', u32(2 ** 30), 'is 1073741824, not 3 to 262144'],
    ['tokenizer.ggml.model', text('llama'), 'is "llama"; only "gpt2" fits'],
    [
      'tokenizer.ggml.pre',
      text('deepseek-llm'),
      'is "deepseek-llm"; gpt-2, smollm, llama-bpe, qwen2 are known',
    ],
    ['tokenizer.ggml.pre', undefined, 'is nothing; gpt-2'],
    ['tokenizer.ggml.tokens', undefined, 'is no list of texts'],
    ['tokenizer.ggml.tokens', ['i32s', [1, 2]], 'is no list of texts'],
    ['tokenizer.ggml.tokens', ['texts', WORDS.with(9, 'ab')], 'has "ab" twice'],
    ['tokenizer.ggml.token_type', ['i32s', [1]], `has 1 entries for ${WORDS.length} words`],
    [
      'tokenizer.ggml.token_type',
      ['i32s', WORDS.map(() => 6)],
      'of "<|end|>" is 6, not 1, 3, 4 or 5',
    ],
    [
      'tokenizer.ggml.merges',
      ['texts', [...MERGES, 'q z']],
      'has "q z", no two words that make a third',
    ],
    ['tokenizer.ggml.merges', ['texts', ['abc']], 'has "abc", no two words'],
    ['tokenizer.ggml.add_eos_token', ['bool', 1], 'is true; only false fits'],
    ['tokenizer.ggml.add_bos_token', u32(1), 'is 1, not true or false'],
    ['tokenizer.ggml.eos_token_id', u32(WORDS.length), `is ${WORDS.length}, not 0 to`],
    ['tokenizer.chat_template', u32(1), 'is 1, no text'],
    ['tokenizer.chat_template', ['texts', ['x']], 'is ["a list"], no text'],
    ['general.architecture', ['texts', ['llama']], 'is a list; llama'],
    [
      'tokenizer.chat_template',
      text('x'.repeat(65_537)),
      'has 65537 characters; 65536 are the most',
    ],
  ])('the field %s: %j', async (name, value, message) => {
    const found = await withFields((fields) =>
      value ? fields.set(name, value) : fields.delete(name),
    );
    expect(found.slice(0, `MODEL_REFUSED x.gguf: ${name} ${message}`.length)).toBe(
      `MODEL_REFUSED x.gguf: ${name} ${message}`,
    );
  });

  test('a first token that is asked for and not named', async () => {
    const found = await withFields((fields) => {
      fields.delete('tokenizer.ggml.bos_token_id');
      fields.set('tokenizer.ggml.add_bos_token', ['bool', 1]);
    });
    expect(found).toContain('tokenizer.ggml.bos_token_id is missing, and add_bos_token is set');
  });

  const withTensors = (change: (tensors: WrittenTensor[]) => WrittenTensor[]) => {
    const written = writtenOf(MODEL);
    return refusal(readGguf(writeGguf({ ...written, tensors: change([...written.tensors]) })));
  };
  const tensor = (name: string, dims: number[], type = 0, bytes?: number): WrittenTensor => ({
    name,
    dims,
    type,
    bytes: new Uint8Array(bytes ?? 4 * dims.reduce((a, b) => a * b, 1)),
  });
  test.each<[string, WrittenTensor, string]>([
    ['a bias of o', tensor('blk.0.attn_output.bias', [32]), 'belongs to another graph'],
    ['experts', tensor('blk.0.ffn_gate_inp.weight', [4, 32]), 'belongs to another graph'],
    ['a type that is not read', tensor('output.weight', [256], 10, 84), "is of ggml's type 10"],
    ['a type that there is not', tensor('output.weight', [32], 4e9, 4), "is of ggml's type 4"],
  ])('%s, by its name', async (_, odd, message) => {
    const found = await withTensors((tensors) => [...tensors, odd]);
    expect(found).toContain(`MODEL_REFUSED x.gguf: tensor '${odd.name}' ${message}`);
  });

  test('a tensor that is missing, or of another shape', async () => {
    const without = await withTensors((t) =>
      t.filter(({ name }) => name !== 'blk.1.ffn_up.weight'),
    );
    expect(without).toBe("MODEL_REFUSED x.gguf: 'blk.1.ffn_up.weight' is not there");
    const turned = await withTensors((tensors) =>
      tensors.map((t) => (t.name === 'blk.1.ffn_up.weight' ? { ...t, dims: [32, 96] } : t)),
    );
    expect(turned).toBe("MODEL_REFUSED x.gguf: 'blk.1.ffn_up.weight' is [32,96], not [96,32]");
    const biased = await withTensors((t) => [...t, tensor('blk.0.attn_q.bias', [64])]);
    expect(biased).toBe("MODEL_REFUSED x.gguf: 'blk.0.attn_k.bias' is not there");
  });

  test('angles that are divided twice, or by nothing', async () => {
    const fields = fieldsOf(MODEL).set('llama.rope.scaling.type', text('linear'));
    const written = writtenOf(MODEL, fields.set('llama.rope.scaling.factor', ['f32', 2]));
    const divisors = tensor('rope_freqs.weight', [8]);
    const tensors = [...written.tensors, divisors];
    expect(await refusal(readGguf(writeGguf({ ...written, tensors })))).toContain(
      'llama.rope.scaling.type is "linear", and rope_freqs.weight is there',
    );
    expect(await withTensors((all) => [...all, divisors])).toContain(
      'rope_freqs.weight has 0, which divides no angle',
    );
  });
});

describe('a GGUF file that lies about itself', () => {
  const read = (file: WrittenGguf) => refusal(readGguf(writeGguf(file)));
  const plain = writtenOf(MODEL);
  const [first, ...others] = plain.tensors as [WrittenTensor, ...WrittenTensor[]];
  const header = (counts: { tensors?: bigint; fields?: bigint }) =>
    new Writer()
      .bytes(new TextEncoder().encode('GGUF'))
      .u32(3)
      .u64(counts.tensors ?? 0n)
      .u64(counts.fields ?? 1n);
  const raw = (writer: Writer) => refusal(readGguf(writer.joined()));
  const HUGE = 2n ** 60n;

  test('counts, lengths and sizes that overflow', async () => {
    const list = (of: number, count: bigint) => header({}).text('k').u32(9).u32(of).u64(count);
    const tensorOf = (...dims: bigint[]) => {
      const writer = header({ tensors: 1n, fields: 0n }).text('t').u32(dims.length);
      for (const d of dims) writer.u64(d);
      return writer.u32(0).u64(0n);
    };
    const found = {
      tensors: await read({ ...plain, counts: { tensors: HUGE } }),
      fields: await read({ ...plain, counts: { fields: HUGE } }),
      fewFields: await read({ ...plain, counts: { fields: BigInt(plain.fields.length + 1) } }),
      name: await raw(header({}).u64(HUGE)),
      longName: await raw(header({}).text('n'.repeat(257))),
      text: await raw(header({}).text('k').u32(8).u64(HUGE)),
      longText: await raw(
        header({})
          .text('k')
          .u32(8)
          .text('x'.repeat(2 ** 20 + 1)),
      ),
      list: await raw(list(4, HUGE)),
      cutList: await raw(list(4, 1000n)),
      cutTexts: await raw(list(8, 1000n)),
      listOfLists: await raw(list(9, 1n)),
      typeOfList: await raw(list(99, 1n)),
      type: await raw(header({}).text('k').u32(13)),
      truth: await raw(header({}).text('k').u32(7).bytes(Uint8Array.of(2))),
      utf8: await raw(header({}).u64(1n).bytes(Uint8Array.of(0xff))),
      rank: await raw(header({ tensors: 1n, fields: 0n }).text('t').u32(5)),
      noRank: await raw(tensorOf()),
      dimension: await raw(tensorOf(HUGE)),
      product: await raw(tensorOf(2n ** 30n, 2n ** 30n)),
      nothing: await raw(tensorOf(4n, 0n)),
    };
    const corrupt = (message: string) => `MODEL_CORRUPT x.gguf: ${message}`;
    expect(found).toEqual({
      tensors: corrupt('tensor_count has 1152921504606847000; 8192 are the most'),
      fields: corrupt('metadata_kv_count has 1152921504606847000; 4096 are the most'),
      fewFields: expect.stringMatching(/^MODEL_CORRUPT x\.gguf: /) as string,
      name: expect.stringMatching(/name 0 of the metadata needs 1152921504606847000 bytes; 0 are/),
      longName: corrupt('name 0 of the metadata is a text of 257 bytes; 256 are the most'),
      text: expect.stringContaining('"k" needs 1152921504606847000 bytes; 0 are left') as string,
      longText: corrupt('"k" is a text of 1048577 bytes; 1048576 are the most'),
      list: corrupt('"k" has 1152921504606847000; 1048576 are the most'),
      cutList: expect.stringContaining('"k" needs 4000 bytes; 0 are left') as string,
      cutTexts: expect.stringContaining('"k" needs 8 bytes; 0 are left') as string,
      listOfLists: corrupt('"k" is a list of type 9'),
      typeOfList: corrupt('"k" is a list of type 99'),
      type: corrupt('"k" is of type 13, which the format has not'),
      truth: corrupt('"k" is 2, neither true nor false'),
      utf8: corrupt('name 0 of the metadata is not UTF-8'),
      rank: corrupt("tensor 't' has 5 dimensions"),
      noRank: corrupt("tensor 't' has 0 dimensions"),
      dimension: corrupt("tensor 't' has 1152921504606847000; 4294967296 are the most"),
      product: corrupt("tensor 't' is [1073741824,1073741824] of F32, whose blocks have 1"),
      nothing: corrupt("tensor 't' is [4,0] of F32, whose blocks have 1"),
    });
  });

  test('tensors that overlap, leave holes, end outside or stand there twice', async () => {
    const moved = (from: bigint) => read({ ...plain, tensors: [...others, { ...first, from }] });
    const place = BigInt(
      others.reduce((at, { bytes }) => at + Math.ceil(bytes.length / 32) * 32, 0),
    );
    expect(await moved(place)).toBe('read');
    expect(await moved(0n)).toMatch(/^MODEL_CORRUPT .*overlap or hole/);
    expect(await moved(place - 32n)).toContain(`tensor '${first.name}' begins at ${place - 32n}`);
    expect(await moved(place + 1n)).toContain(`begins at ${place + 1n}, not at ${place}`);
    expect(await moved(place + 32n)).toContain('overlap or hole');
    expect(await moved(2n ** 63n)).toContain('begins at 9223372036854776000');
    const twice = await read({ ...plain, tensors: [...plain.tensors, first] });
    expect(twice).toBe(`MODEL_CORRUPT x.gguf: tensor '${first.name}' is there twice`);
    const larger = { ...others.at(-1)!, bytes: new Uint8Array(0) };
    expect(await read({ ...plain, tensors: [first, ...others.slice(0, -1), larger] })).toMatch(
      /^MODEL_CORRUPT x\.gguf: tensor 'output_norm\.weight' ends at \d+ of \d+ bytes$/,
    );
    const fields = [...plain.fields, ['general.type', ['text', 'model']] as const];
    expect(await read({ ...plain, fields })).toBe(
      'MODEL_CORRUPT x.gguf: "general.type" is there twice',
    );
  });

  test.each([0, 3, 31, 65, 2 ** 17])('an alignment of %i', async (alignment) => {
    const fields = [...plain.fields, ['general.alignment', ['u32', alignment]] as const];
    expect(await read({ ...plain, fields })).toContain('general.alignment is no power of two');
  });

  test('another format, another version, the other order of bytes', async () => {
    expect(await refusal(readGguf(new TextEncoder().encode('GGML and more')))).toBe(
      "MODEL_CORRUPT x.gguf: the header does not begin with 'GGUF'",
    );
    expect(await read({ ...plain, version: 1 })).toBe(
      'MODEL_REFUSED x.gguf: version is 1, not 2 or 3',
    );
    expect(await read({ ...plain, version: 0x03000000 })).toBe(
      'MODEL_REFUSED x.gguf: version is 50331648 (big-endian?), not 2 or 3',
    );
    expect(await refusal(readGguf(new Uint8Array(0)))).toContain('needs 4 bytes; 0 are left');
  });

  test('cut anywhere, or longer than its tensors', async () => {
    const file = ggufOf(MODEL);
    // In the header after each byte.
    for (let length = 0; length < file.length; length += length < 12_000 ? 1 : 509)
      expect(await refusal(readGguf(file.subarray(0, length)))).toMatch(/^MODEL_CORRUPT x\.gguf: /);
    const longer = Uint8Array.from([...file, ...new Uint8Array(33)]);
    expect(await refusal(readGguf(longer))).toContain('bytes that belong to no tensor');
  });

  test('a header of gigabytes is left at its bound, in windows', () => {
    // An endless list of names that nobody holds in memory.
    const field = new Writer()
      .text('k')
      .u32(9)
      .u32(8)
      .u64(2n ** 20n)
      .joined();
    const start = header({ fields: 4096n }).bytes(field).joined();
    let most = 0;
    let read = 0;
    const bytes = {
      size: 2 ** 33,
      read: (from: number, to: number) => {
        most = Math.max(most, to - from);
        read += to - from;
        // Each text has 255 bytes, whatever they are.
        const out = new Uint8Array(to - from).fill(0);
        for (let i = 0; i < out.length; i++)
          if ((from + i - start.length) % 263 === 0) out[i] = 255;
        out.set(start.subarray(Math.min(from, start.length), Math.min(to, start.length)));
        return out;
      },
    };
    expect(() => new Gguf(bytes, 'x.gguf')).toThrow(
      /^x\.gguf: "k" needs \d+ bytes; \d+ are left of the 33554432 of a header$/,
    );
    expect(most).toBeLessThanOrEqual(2 ** 18);
    expect(read).toBeLessThan(2 ** 26);
  });

  test('numbers that are none, when they are read', async () => {
    const norm = { ...others.at(-1)!, bytes: new Uint8Array(128).fill(0xff) };
    const tensors = [first, ...others.slice(0, -1), norm];
    const { weights } = await readGguf(writeGguf({ ...plain, tensors }));
    expect(() => weights.norm.read()).toThrow("'output_norm.weight' holds a number that is none");
  });

  test('no damage ends otherwise than in a code or in a decoder', async () => {
    const file = ggufOf(MODEL);
    const headerBytes = file.length - plain.tensors.reduce((sum, t) => sum + t.bytes.length, 0);
    const damage = fc.array(
      fc.tuple(fc.nat(headerBytes), fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7f, 0xff))),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const bytes = file.slice();
        for (const [at, value] of changes) bytes[at] = value;
        await refusal(readGguf(bytes));
      }),
      { numRuns: 150 },
    );
  });
});

describe('a folder of another graph', () => {
  const FILES = folderOf(MODEL);
  const withJson = (name: string, fields: object, files: Files = FILES) =>
    refusal(readFiles(changed(files, name, (value) => ({ ...value, ...fields }))));
  const rope = (fields: object) => ({
    rope_scaling: {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 256,
      ...fields,
    },
  });

  test.each<[fields: object, message: string]>([
    [{ model_type: 'gemma2' }, 'model_type is "gemma2"; llama, qwen2, qwen3 fit'],
    [{ model_type: undefined }, 'model_type is nothing; llama'],
    [{ architectures: ['LlamaForSequenceClassification'] }, 'architectures has "LlamaForSeq'],
    [{ hidden_act: 'gelu' }, 'hidden_act is "gelu"; only "silu" fits'],
    [{ attention_bias: true }, 'attention_bias is true; only false fits'],
    [{ mlp_bias: true }, 'mlp_bias is true; only false fits'],
    [{ sliding_window: 4096 }, 'sliding_window is 4096; only nothing fits'],
    [{ use_sliding_window: true }, 'use_sliding_window is true; only false fits'],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, 'layer_types has "sliding_att'],
    [{ num_local_experts: 8 }, 'num_local_experts is 8; only 0 fits'],
    [{ num_experts: 8 }, 'num_experts is 8; only 0 fits'],
    [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor is 0.5; only 1 fits'],
    [{ auto_map: { AutoModel: 'x.Y' } }, 'auto_map is {"AutoModel":"x.Y"}; only nothing fits'],
    [{ quantization_config: { bits: 4 } }, 'quantization_config is {"bits":4}; only nothing'],
    [{ num_hidden_layers: 1e9 }, 'num_hidden_layers is 1000000000, not 1 to 256'],
    [{ num_key_value_heads: 3 }, 'num_key_value_heads is 3; num_attention_heads, 4, is no mul'],
    [{ head_dim: 15 }, 'head_dim is 15, an odd number'],
    [{ head_dim: null, hidden_size: 33 }, 'num_attention_heads is 4; hidden_size, 33, is no'],
    [{ vocab_size: 2 ** 40 }, 'vocab_size is 1099511627776, not 3 to 262144'],
    [{ rms_norm_eps: 0 }, 'rms_norm_eps is 0, not over 0'],
    [{ rms_norm_eps: undefined }, 'rms_norm_eps is nothing, not over 0'],
    [{ tie_word_embeddings: 'yes' }, 'tie_word_embeddings is "yes", not true or false'],
    [{ bos_token_id: -1 }, 'bos_token_id is -1, not 0 to'],
    [{ eos_token_id: [1, 1e9] }, 'eos_token_id has 1000000000, no token'],
    [{ rope_theta: 'x' }, 'rope_theta is "x", not over 0'],
    [{ rope_scaling: { type: 'yarn', factor: 4 } }, 'rope_scaling: type is "yarn"; default'],
    [{ rope_scaling: {} }, 'rope_scaling: type is nothing; default'],
    [{ rope_scaling: { type: 'linear' } }, 'rope_scaling: factor is nothing, not over 0'],
    [rope({ high_freq_factor: 1 }), 'rope_scaling: high_freq_factor is 1, not over 1'],
    [rope({ original_max_position_embeddings: 0 }), 'rope_scaling: original_max_position_emb'],
    [{ rope_parameters: { rope_type: 'default' }, rope_theta: null }, 'rope_theta is nothing'],
    [{ ...rope({}), rope_parameters: {} }, 'rope_scaling stands beside rope_parameters'],
  ])('config.json: %j', async (fields, message) => {
    const found = await withJson('config.json', fields);
    expect(found.slice(0, `MODEL_REFUSED config.json: ${message}`.length)).toBe(
      `MODEL_REFUSED config.json: ${message}`,
    );
  });

  test.each<[name: string, fields: object, message: string]>([
    ['generation_config.json', { eos_token_id: 'x' }, 'eos_token_id has "x", no token'],
    ['tokenizer_config.json', { chat_template: 7 }, 'chat_template is 7, no text'],
    [
      'tokenizer_config.json',
      { chat_template: 'x'.repeat(65_537) },
      'chat_template has 65537 characters; 65536 are the most',
    ],
  ])('the setting of %s: %j', async (name, fields, message) => {
    expect(await withJson(name, fields)).toBe(`MODEL_REFUSED ${name}: ${message}`);
  });

  test('files that are missing, too large or no JSON', async () => {
    const without = (name: string) =>
      refusal(readFiles(new Map([...FILES].filter(([file]) => file !== name))));
    const instead = (name: string, bytes: Uint8Array) =>
      refusal(readFiles(new Map(FILES).set(name, bytes)));
    for (const name of ['config.json', 'tokenizer.json'])
      expect(await without(name)).toBe(`MODEL_MISSING ${name} is missing`);
    expect(await without('model.safetensors')).toBe(
      'MODEL_MISSING model.safetensors or model.safetensors.index.json is missing',
    );
    expect(await without('generation_config.json')).toBe('read');
    expect(await without('tokenizer_config.json')).toBe('read');
    expect(await instead('config.json', new Uint8Array(2 ** 20 + 1))).toBe(
      'MODEL_REFUSED config.json has 1048577 bytes; 1048576 are the most',
    );
    expect(await instead('tokenizer.json', new Uint8Array(2 ** 24 + 1))).toBe(
      'MODEL_REFUSED tokenizer.json has 16777217 bytes; 16777216 are the most',
    );
    expect(await instead('chat_template.jinja', new Uint8Array(2 ** 18 + 1))).toContain(
      'MODEL_REFUSED chat_template.jinja has 262145 bytes',
    );
    expect(await instead('chat_template.jinja', Uint8Array.of(0xff, 1))).toBe(
      'MODEL_CORRUPT chat_template.jinja is not text',
    );
    const twice = new TextEncoder().encode('{"model_type":"llama","model_type":"llama"}');
    expect(await instead('config.json', twice)).toContain(
      "MODEL_CORRUPT config.json: 'model_type'",
    );
    const cut = FILES.get('model.safetensors')!.slice(0, -1);
    expect(await instead('model.safetensors', cut)).toContain('MODEL_CORRUPT model.safetensors: ');
  });

  test('one of several files is missing', async () => {
    const files = folderOf(MODEL, 3);
    files.delete('model-2.safetensors');
    expect(await refusal(readFiles(files))).toBe('MODEL_MISSING model-2.safetensors is missing');
  });

  test('tensors of another graph, of other shapes, or missing', async () => {
    const tensors = (change: (all: Map<string, unknown>) => void, shape: Partial<Shape> = {}) => {
      const model = generated(shape);
      const all = new Map(model.tensors);
      change(all);
      return refusal(readFiles(folderOf({ ...model, tensors: all })));
    };
    const { tensors: plain } = MODEL;
    const norm = plain.get('model.norm.weight')!;
    expect(await tensors((all) => all.set('model.layers.0.mlp.router.weight', norm))).toBe(
      "MODEL_REFUSED model.safetensors: 'model.layers.0.mlp.router.weight' belongs to another graph",
    );
    expect(await tensors((all) => all.set('model.layers.0.self_attn.o_proj.bias', norm))).toContain(
      "'model.layers.0.self_attn.o_proj.bias' belongs to another graph",
    );
    expect(
      await tensors((all) => all.set('model.norm.weight', plain.get('model.embed_tokens.weight'))),
    ).toContain(`'model.norm.weight' is [${WORDS.length},32], not [32]`);
    expect(await tensors((all) => all.delete('lm_head.weight'), { tied: false })).toContain(
      "'lm_head.weight' is not there",
    );
    // What follows from the configuration, and a head that is the embedding, may be there.
    const spare = 'model.layers.0.self_attn.rotary_emb.inv_freq';
    expect(await tensors((all) => all.set(spare, norm).set('lm_head.weight', norm))).toBe('read');
  });

  test('a word beyond the vocabulary, and a pattern that could run for ever', async () => {
    const added = [{ id: 9999, content: '<far>', special: true }];
    expect(await withJson('tokenizer.json', { added_tokens: added })).toContain(
      'MODEL_REFUSED tokenizer.json: "<far>" has the id 9999',
    );
    const slow = { type: 'Split', pattern: { Regex: '(a+)+b' }, behavior: 'Isolated' };
    expect(await withJson('tokenizer.json', { pre_tokenizer: slow })).toContain(
      'MODEL_REFUSED a pattern of tokenizer.json could run for ever',
    );
  });
});

/** As their makers publish them: nothing in them is in the way, and only the weights are missed. */
const PUBLISHED: Readonly<Record<string, object>> = {
  'SmolLM2-135M': {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    attention_bias: false,
    bos_token_id: 1,
    eos_token_id: 2,
    hidden_act: 'silu',
    hidden_size: 576,
    intermediate_size: 1536,
    is_llama_config: true,
    max_position_embeddings: 8192,
    mlp_bias: false,
    num_attention_heads: 9,
    num_hidden_layers: 30,
    num_key_value_heads: 3,
    pretraining_tp: 1,
    rms_norm_eps: 1e-5,
    rope_interleaved: false,
    rope_scaling: null,
    rope_theta: 100_000,
    tie_word_embeddings: true,
    vocab_size: 49_152,
  },
  'Llama-3.1-70B-Instruct': {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    attention_bias: false,
    bos_token_id: 128_000,
    eos_token_id: [128_001, 128_008, 128_009],
    head_dim: 128,
    hidden_act: 'silu',
    hidden_size: 8192,
    intermediate_size: 28_672,
    max_position_embeddings: 131_072,
    mlp_bias: false,
    num_attention_heads: 64,
    num_hidden_layers: 80,
    num_key_value_heads: 8,
    pretraining_tp: 1,
    rms_norm_eps: 1e-5,
    rope_scaling: {
      factor: 8,
      high_freq_factor: 4,
      low_freq_factor: 1,
      original_max_position_embeddings: 8192,
      rope_type: 'llama3',
    },
    rope_theta: 500_000,
    tie_word_embeddings: false,
    vocab_size: 128_256,
  },
  'Qwen3-0.6B': {
    model_type: 'qwen3',
    architectures: ['Qwen3ForCausalLM'],
    attention_bias: false,
    bos_token_id: 151_643,
    eos_token_id: 151_645,
    head_dim: 128,
    hidden_act: 'silu',
    hidden_size: 1024,
    intermediate_size: 3072,
    max_position_embeddings: 40_960,
    max_window_layers: 28,
    num_attention_heads: 16,
    num_hidden_layers: 28,
    num_key_value_heads: 8,
    rms_norm_eps: 1e-6,
    rope_scaling: null,
    rope_theta: 1_000_000,
    sliding_window: null,
    tie_word_embeddings: true,
    use_sliding_window: false,
    vocab_size: 151_936,
  },
};
test.each(Object.keys(PUBLISHED))('the configuration of %s is in order', async (name) => {
  const files = changed(new Map(), 'config.json', () => ({ ...PUBLISHED[name] }));
  expect(await refusal(readFiles(files))).toBe(
    'MODEL_MISSING model.safetensors or model.safetensors.index.json is missing',
  );
});

describe('the chat template', () => {
  const templateOf = async (files: Files) => (await readFiles(files)).template;
  const setting = (chat_template: unknown) =>
    changed(folderOf(MODEL), 'tokenizer_config.json', () => ({ chat_template }));

  test('its own file before the setting; of several the default; none', async () => {
    const file = new TextEncoder().encode('own\r\nfile');
    const files = setting('setting');
    expect(await templateOf(files)).toBe('setting');
    expect(await templateOf(new Map(files).set('chat_template.jinja', file))).toBe('own\nfile');
    const several = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain' },
    ];
    expect(await templateOf(setting(several))).toBe('plain');
    expect(await templateOf(setting([several[0]]))).toBeUndefined();
    expect(await templateOf(setting(undefined))).toBeUndefined();
  });
});
