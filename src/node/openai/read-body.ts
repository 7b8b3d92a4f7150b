/** A request's JSON, as a schema has it. */
import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { AppError } from '../../lib/errors.ts';
import { FieldError, readBody, requireJson } from '../http/http.ts';

/** Characters of a body that a refusal repeats at most. */
const TOLD_CHARS_MAX = 200;

/** @throws AppError TYPE_REFUSED, BODY_TOO_LARGE, BODY_MALFORMED */
export async function readJson(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  requireJson(request);
  const text = await readBody(request, bytesMax);
  return jsonFrom(text);
}

/** @throws AppError BODY_MALFORMED */
export function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('BODY_MALFORMED', 'the body is no JSON', { cause });
  }
}

/**
 * @param name of what is checked, such as a header; of a body its fields have the names
 * @throws FieldError BODY_MALFORMED with the first field that is wrong
 */
export function checked<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  name?: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = firstOf(result.issues[0]);
  const path = (v.getDotPath(issue) ?? name)?.slice(0, TOLD_CHARS_MAX);
  const told = `${path ? `${path}: ` : ''}${issue.message}`.slice(0, TOLD_CHARS_MAX);
  throw new FieldError('BODY_MALFORMED', path, told);
}

/** Of alternatives the issue that lies deepest: that of the one that was meant. */
function firstOf(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  const nested = issue.issues ?? [];
  const depth = ({ path }: v.BaseIssue<unknown>): number => path?.length ?? 0;
  const [deepest] = nested.toSorted((a, b) => depth(b) - depth(a));
  if (!deepest || depth(deepest) === 0) return issue;
  return firstOf({ ...deepest, path: [...(issue.path ?? []), ...deepest.path!] as never });
}
