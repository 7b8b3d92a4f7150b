/** OpenAI's client for JavaScript against a node: base URL, key, language model, encoder. */
import OpenAI from 'openai';

const [baseURL, apiKey, model, encoder] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: 'user', content: 'What is a pile?' }];
const ask = { model, messages, max_tokens: 16, seed: 7 };
const require = (holds, what) => {
  if (!holds) throw new Error(what);
};

const checks = {
  async models() {
    const names = [];
    for await (const { id } of client.models.list()) names.push(id);
    require(names.includes(model), names.join());
  },
  async chat() {
    const whole = await client.chat.completions.create(ask);
    const parts = [];
    for await (const part of await client.chat.completions.create({ ...ask, stream: true }))
      parts.push(part);
    const text = parts.map(({ choices }) => choices[0].delta.content ?? '').join('');
    require(text === whole.choices[0].message.content, text);
    require(parts.at(-1).choices[0].finish_reason === whole.choices[0].finish_reason, 'finish');
  },
  async 'going on with what it was told'() {
    const { choices } = await client.chat.completions.create(ask);
    const next = [...messages, choices[0].message, { role: 'user', content: 'And then?' }];
    const { usage } = await client.chat.completions.create({ ...ask, messages: next });
    require(usage.prompt_tokens > 0, 'no usage');
  },
  async 'leaving a stream'() {
    const stream = await client.chat.completions.create({ ...ask, max_tokens: 200, stream: true });
    for await (const _ of stream) break;
    require((await client.chat.completions.create(ask)).choices.length === 1, 'the next one');
  },
  async embeddings() {
    const input = ['The file does not exist.', 'No such file'];
    const packed = await client.embeddings.create({ model: encoder, input });
    const plain = await client.embeddings.create({
      model: encoder,
      input,
      encoding_format: 'float',
    });
    const values = ({ data }) => data.map(({ embedding }) => [...Float32Array.from(embedding)]);
    require(JSON.stringify(values(packed)) === JSON.stringify(values(plain)), 'they differ');
  },
  async refusals() {
    const refused = await client.chat.completions
      .create({ ...ask, n: 2 })
      .then(() => undefined)
      .catch((e) => e);
    require(refused?.code === 'BODY_MALFORMED' && refused.param === 'n', String(refused));
  },
};

for (const [name, run] of Object.entries(checks))
  await run().then(
    () => console.log(`passed javascript: ${name}`),
    (e) => console.log(`failed javascript: ${name} ${e}`),
  );
