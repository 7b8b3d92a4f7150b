/** `/openapi.json` and `/llms.txt`: both made of the schemas by which bodies are read. */
import { toJsonSchema } from '@valibot/to-json-schema';
import { union, type GenericSchema } from 'valibot';
import {
  ChatAnswer,
  ChatChunk,
  EmbeddingsAnswer,
  ErrorAnswer,
  InferAnswer,
  Model,
  ModelList,
  WaitingAnswer,
} from './answers.ts';
import { PLACES } from '../http/paid-inference.ts';
import { DONE } from './events.ts';
import { PLACE_HEADER, PRICE_HEADER } from './place.ts';
import { Amount, ChatBody, EmbeddingsBody, InferBody } from './schemas.ts';

/** What a refusal's status means, of calls that look and of calls that ask. */
const LOOK_REFUSALS = {
  400: 'the name is refused',
  403: 'not allowed',
  404: 'no such model',
  429: 'too many calls',
  500: 'this node’s own fault',
  502: 'others gave something wrong',
  503: 'not now, or nobody offers it now',
};
const ASK_REFUSALS = {
  ...LOOK_REFUSALS,
  400: 'the body is refused; `param` names the field',
  401: 'no such key',
  402: 'the node’s coins, or what may be paid, do not suffice',
  409: 'the Idempotency-Key came with another body',
  410: 'it was paid for, and is kept no more',
  413: 'the body is too large',
  415: 'the body is not application/json, or is packed',
};

interface Call {
  readonly summary: string;
  readonly body: GenericSchema;
  readonly answers: Readonly<Record<number, Readonly<Record<string, GenericSchema>>>>;
  /** Of each event of a stream but the last, which is [DONE], by status. */
  readonly events?: Readonly<Record<number, GenericSchema>>;
}
const json = (schema: GenericSchema) => ({ 'application/json': schema });

/** Calls that ask, by path. */
const CALLS: Readonly<Record<string, Call>> = {
  '/v1/chat/completions': {
    summary: 'An answer of a language model, whole or as it comes',
    body: ChatBody,
    answers: { 200: json(ChatAnswer) },
    events: { 200: union([ChatChunk, ErrorAnswer]) },
  },
  '/v1/embeddings': {
    summary: 'A vector of length 1 for each text',
    body: EmbeddingsBody,
    answers: { 200: json(EmbeddingsAnswer) },
  },
  '/v1/infer': {
    summary: 'Rows of a model that is no language model, with labels or embeddings',
    body: InferBody,
    answers: { 200: json(InferAnswer), 202: json(WaitingAnswer) },
  },
};

const schemaOf = (schema: GenericSchema, typeMode: 'input' | 'output' = 'output'): object => {
  const { $schema: _, ...own } = toJsonSchema(schema, {
    target: 'draft-2020-12',
    typeMode,
    // What is checked by code is said in a description.
    errorMode: 'ignore',
  });
  return own;
};
const contentOf = (types: Readonly<Record<string, GenericSchema>>): object =>
  Object.fromEntries(
    Object.entries(types).map(([type, schema]) => [type, { schema: schemaOf(schema) }]),
  );

/** Server-sent events, as OpenAPI 3.2 describes them. */
const streamOf = (event: GenericSchema): object => ({
  'text/event-stream': {
    itemSchema: {
      type: 'object',
      required: ['data'],
      properties: { data: { type: 'string' } },
      if: { properties: { data: { const: DONE } } },
      else: {
        properties: {
          data: { contentMediaType: 'application/json', contentSchema: schemaOf(event) },
        },
      },
    },
  },
});

const refusals = (of: Readonly<Record<number, string>>): object =>
  Object.fromEntries(
    Object.entries(of).map(([status, description]) => [
      status,
      {
        description,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    ]),
  );

const header = (name: string, description: string, schema: object): object => ({
  name,
  in: 'header',
  required: false,
  description,
  schema,
});
const HEADERS = [
  header('idempotency-key', 'Calls under one key are one question, and paid once.', {
    type: 'string',
    pattern: '^[!-~]{1,255}$',
  }),
  header(PLACE_HEADER, 'Where it is answered; without it on this node where the model is.', {
    enum: PLACES,
  }),
];
const PRICE = header(PRICE_HEADER, 'What a sequence or a thousand tokens may cost.', {
  ...schemaOf(Amount),
});

const postOf = (path: string, { summary, body, answers, events = {} }: Call): object => ({
  operationId: path.slice('/v1/'.length).replaceAll('/', '.'),
  summary,
  parameters: path === '/v1/infer' ? HEADERS : [...HEADERS, PRICE],
  requestBody: {
    required: true,
    content: { 'application/json': { schema: schemaOf(body, 'input') } },
  },
  responses: {
    ...Object.fromEntries(
      Object.entries(answers).map(([status, types]) => [
        status,
        {
          description: status === '202' ? 'It goes on' : 'Answered',
          content: {
            ...contentOf(types),
            ...(events[Number(status)] && streamOf(events[Number(status)]!)),
          },
        },
      ]),
    ),
    ...refusals(ASK_REFUSALS),
  },
});

const getOf = (operationId: string, summary: string, schema: GenericSchema, more = {}) => ({
  operationId,
  summary,
  security: [],
  ...more,
  responses: {
    200: { description: summary, content: contentOf(json(schema)) },
    ...refusals(LOOK_REFUSALS),
  },
});
const NAME = { name: 'name', in: 'path', required: true, schema: { type: 'string' } };

export const OPEN_API: object = {
  openapi: '3.2.0',
  info: {
    title: 'Pila: asking over HTTP',
    version: '1',
    description: 'Exact inference, by the node itself or by providers for pay, in OpenAI’s shape.',
  },
  security: [{ key: [] }],
  paths: {
    '/v1/models': { get: getOf('models', 'Models and their prices', ModelList) },
    '/v1/models/{name}': { get: getOf('model', 'One model', Model, { parameters: [NAME] }) },
    ...Object.fromEntries(
      Object.entries(CALLS).map(([path, call]) => [path, { post: postOf(path, call) }]),
    ),
  },
  components: {
    schemas: { Error: schemaOf(ErrorAnswer) },
    securitySchemes: {
      key: {
        type: 'http',
        scheme: 'bearer',
        description: 'A key of --api-key-file; on the RPC listener none is needed.',
      },
    },
  },
};

interface FieldSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly anyOf?: readonly FieldSchema[];
}

/** Fields of a body with what is said of them, each once. */
export function fieldsOf(body: GenericSchema): ReadonlyMap<string, string> {
  const { properties, anyOf = [] } = schemaOf(body, 'input') as FieldSchema;
  const all = [properties ?? {}, ...anyOf.map((each) => each.properties ?? {})];
  return new Map(
    all.flatMap((fields) =>
      Object.entries(fields).map(([name, { description = '' }]) => [name, description] as const),
    ),
  );
}

/** Bodies by path. */
export const BODIES: ReadonlyMap<string, GenericSchema> = new Map(
  Object.entries(CALLS).map(([path, { body }]) => [path, body]),
);

const linesOf = ([path, { summary, body }]: [string, Call]): string[] => [
  `## POST ${path}`,
  `${summary}. JSON fields:`,
  ...Array.from(fieldsOf(body), ([name, said]) => `- ${name}${said && `: ${said}`}`),
  '',
];

export const LLMS_TXT: string = [
  '# Pila',
  '',
  '> A node that answers for AI models exactly, the same bits on every device:',
  '> here for nothing, or by providers for pay.',
  '',
  'Use any OpenAI client with this node as its base URL and a key of the node’s operator.',
  'GET /v1/models lists models; the whole description is [/openapi.json](/openapi.json).',
  `A model’s name with @${PLACES.join(' or @')} behind it says who answers,`,
  `and so does the header ${PLACE_HEADER}.`,
  'Errors are {"error":{"code","message","type","param"}}.',
  '',
  ...Object.entries(CALLS).flatMap(linesOf),
].join('\n');
