/** What is told of `/v1` is what is enforced: the description, the text for language models, and docs/api.md. */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { BODIES, fieldsOf, LLMS_TXT, OPEN_API } from '../../../src/node/openai/described.ts';

const docs = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
const asking = /^## Asking over HTTP\n(.*?)^## /ms.exec(docs)![1]!;
/** Part of docs/api.md that is about a path. */
const partOf = (path: string): string =>
  asking.split(/^### /m).find((part) => part.includes(`\`POST ${path}\``))!;
const { paths, components } = OPEN_API as any;

describe.each([...BODIES])('%s', (path, body) => {
  it('has each of its fields in the documents, in llms.txt, and in the description', () => {
    const part = LLMS_TXT.split('## ').find((each) => each.startsWith(`POST ${path}\n`))!;
    const described = JSON.stringify(paths[path].post.requestBody);
    const names = [...fieldsOf(body).keys()];
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      expect(partOf(path), name).toMatch(new RegExp(`\`(stream_options\\.)?${name}[.\`]`));
      expect(part, name).toMatch(new RegExp(`^- ${name}(:|$)`, 'm'));
      expect(described, name).toContain(`"${name}":{`);
    }
  });

  it('refuses what its description has no field for', () => {
    const { schema } = paths[path].post.requestBody.content['application/json'];
    for (const form of schema.anyOf ?? [schema]) expect(form.additionalProperties).toBe(false);
    const { issues } = v.safeParse(body, { unknown: 1 });
    expect(issues).toBeDefined();
  });
});

it('every path and every status stands in the documents', () => {
  for (const [path, operations] of Object.entries<any>(paths)) {
    expect(asking).toContain(path.replace('{name}', 'NAME'));
    for (const { responses } of Object.values<any>(operations))
      for (const status of Object.keys(responses))
        if (Number(status) >= 400 && status !== '500')
          expect(asking).toMatch(new RegExp(`\\*\\*.*${status}.*\\*\\*`));
  }
  const { itemSchema } =
    paths['/v1/chat/completions'].post.responses[200].content['text/event-stream'];
  expect(itemSchema.if).toEqual({ properties: { data: { const: '[DONE]' } } });
  const [chunk, error] = itemSchema.else.properties.data.contentSchema.anyOf;
  expect([chunk.required, error.required]).toEqual([
    expect.arrayContaining(['id', 'choices']),
    ['error'],
  ]);
  expect(components.schemas.Error.properties.error.required).toEqual([
    'code',
    'message',
    'type',
    'param',
  ]);
});
