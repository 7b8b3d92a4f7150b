/** JSON-RPC 2.0: the envelope and its errors. Methods are in rpc-methods.ts. */
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';

export type RpcMethods = Record<string, (params: unknown[]) => Promise<unknown>>;

/** Most calls of one batch. */
const BATCH_MAX = 50;

const ERRORS: Partial<Record<ErrorCode, number>> = {
  RPC_PARSE: -32700,
  RPC_REQUEST: -32600,
  RPC_METHOD: -32601,
  RPC_PARAMS: -32602,
  INTERNAL: -32603,
};

/** The JSON-RPC number of an error code; any code not listed is a server error, with the code as data. */
const numberOf = (code: ErrorCode): number => ERRORS[code] ?? -32000;

const failure = (id: unknown, error: AppError) => ({
  jsonrpc: '2.0',
  id,
  error: { code: numberOf(error.code), message: error.message, data: { code: error.code } },
});

interface Call {
  readonly method: string;
  readonly params: unknown;
  /** undefined for a notification, which gets no answer. */
  readonly id: string | number | null | undefined;
}

type Id = string | number | null | undefined;

const isId = (id: unknown): id is Id =>
  id == null || typeof id === 'string' || typeof id === 'number';

/** The id that a failure is answered with: the caller waits for its own, and null is for one that has none. */
function idOf(value: unknown): string | number | null {
  const { id } = Object(value) as { id?: unknown };
  return isId(id) ? (id ?? null) : null;
}

/** @throws RPC_REQUEST */
function callOf(value: unknown): Call {
  const { jsonrpc, method, params, id } = Object(value) as Record<string, unknown>;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !isId(id))
    throw new AppError('RPC_REQUEST', 'a call is {"jsonrpc":"2.0","id","method","params":[…]}');
  return { method, params, id };
}

/** By position; an empty object is none as well. @throws RPC_PARAMS */
function listOf(params: unknown): unknown[] {
  if (Array.isArray(params)) return params as unknown[];
  const isNone = params === undefined || (typeof params === 'object' && params !== null);
  if (isNone && !Object.keys(Object(params) as object).length) return [];
  throw new AppError('RPC_PARAMS', 'params is a list: they go by position');
}

async function answerOne(methods: RpcMethods, value: unknown): Promise<object | undefined> {
  let call: Call;
  try {
    call = callOf(value);
  } catch (e) {
    return failure(idOf(value), AppError.from(e));
  }
  const { method, params, id } = call;
  try {
    if (!Object.hasOwn(methods, method))
      throw new AppError('RPC_METHOD', `no method '${method.slice(0, 64)}'`);
    const result = await methods[method]!(listOf(params));
    return id === undefined ? undefined : { jsonrpc: '2.0', id, result };
  } catch (e) {
    return id === undefined ? undefined : failure(id, AppError.from(e));
  }
}

/** The answer's JSON text; undefined when only notifications were sent. */
export async function answerRpc(methods: RpcMethods, body: string): Promise<string | undefined> {
  let calls: unknown;
  try {
    calls = JSON.parse(body);
  } catch {
    return toJson(failure(null, new AppError('RPC_PARSE', 'the body is not JSON')));
  }
  if (!Array.isArray(calls)) {
    const answer = await answerOne(methods, calls);
    return answer && toJson(answer);
  }
  if (!calls.length || calls.length > BATCH_MAX)
    return toJson(
      failure(null, new AppError('RPC_REQUEST', `a batch has 1 to ${BATCH_MAX} calls`)),
    );
  const answers = [];
  for (const call of calls as unknown[]) answers.push(await answerOne(methods, call));
  const given = answers.filter((a) => a !== undefined);
  return given.length ? toJson(given) : undefined;
}

/** Amounts and work become decimal text: JSON numbers would lose digits. */
const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? v.toString() : v));
