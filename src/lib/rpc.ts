/**
 * Calls across a MessagePort, typed by one interface. One side exposes an object, the other gets a client
 * with the same methods. Errors cross as `{ code, message }`; events go from the exposing side to the client.
 */
import { AppError, readError } from './errors.ts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- arguments of any interface: its own types hold at both ends
type Api = Record<string, (...args: any[]) => unknown>;
type Events = Record<string, unknown>;
type Request = { id: number; method: string; args: unknown[] };
type Reply = { id: number; value?: unknown; error?: { code: string; message: string } };
type Emitted = { event: string; value: unknown };
type Die = (reason: string) => void;

export type RpcClient<A extends Api, E extends Events = Events> = {
  [M in keyof A]: (...args: Parameters<A[M]>) => Promise<Awaited<ReturnType<A[M]>>>;
} & {
  /** Adds a listener of an event; the returned function removes it. */
  on<N extends keyof E & string>(name: N, listener: (value: E[N]) => void): () => void;
};

/** The part of Worker, MessagePort, BroadcastChannel and `self` that we use. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the events of these have no type in common
  addEventListener(type: string, listener: (event: any) => void): void;
  start?(): void;
}

/** Calls on one port that may wait for an answer. */
const PENDING_MAX = 1000;

const transfers = new WeakMap<object, Transferable[]>();
/** Marks an argument, result or event value: the objects in `list` are moved to the other side, not copied. */
export const transfer = <T extends object>(value: T, list: Transferable[]): T => (
  transfers.set(value, list),
  value
);
const moved = (...values: unknown[]): Transferable[] =>
  values.flatMap((v) => (typeof v === 'object' && v !== null && transfers.get(v)) || []);

/** Answers calls of `api`'s own methods; any other fails with NO_METHOD. */
export function expose<A extends Api, E extends Events = Events>(api: A, port: Port) {
  const answer = async ({ data }: { data?: Partial<Request> }): Promise<void> => {
    if (typeof data?.method !== 'string') return;
    const { id, method, args = [] } = data;
    try {
      if (!Object.hasOwn(api, method)) throw new AppError('NO_METHOD', `no method ${method}`);
      const value = await api[method]!(...args);
      port.postMessage({ id, value }, moved(value));
    } catch (error) {
      port.postMessage({ id, error: AppError.from(error).toJSON() }, []);
    }
  };
  port.addEventListener('message', (event: { data?: Partial<Request> }) => void answer(event));
  port.start?.();
  const emit = <N extends keyof E & string>(event: N, value: E[N]): void =>
    port.postMessage({ event, value }, moved(value));
  return { emit };
}

/** Argument `failed` of `connect` for a worker: it reports that the worker ended by an error. */
export const workerFailure = (worker: Pick<Port, 'addEventListener'>) => (die: Die) =>
  worker.addEventListener('error', (e?: { message?: string }) =>
    die(e?.message ?? 'the worker failed'),
  );

/**
 * Calls fail with the other side's code; with BUSY beyond `pendingMax` waiting calls; with WORKER_DIED once
 * `failed` reports it or the port closes; with NOT_CLONABLE when arguments cannot be cloned.
 */
export function connect<A extends Api, E extends Events = Events>(
  port: Port,
  { failed, pendingMax = PENDING_MAX }: { failed?: (die: Die) => void; pendingMax?: number } = {},
): RpcClient<A, E> {
  const pending = new Map<number, PromiseWithResolvers<unknown>>();
  const listeners = new Map<string, Set<(value: unknown) => void>>();
  let lastId = 0;
  let death: AppError | undefined;
  const die: Die = (reason) => {
    death ??= new AppError('WORKER_DIED', reason);
    for (const waiting of pending.values()) waiting.reject(death);
    pending.clear();
  };
  port.addEventListener('message', ({ data }: { data?: Partial<Reply & Emitted> }) => {
    if (data?.event !== undefined)
      listeners.get(data.event)?.forEach((listener) => listener(data.value));
    const waiting = pending.get(data?.id ?? 0);
    // Where both sides expose an object, this may be a call of the other side: it has neither field.
    if (!data || !waiting || !('value' in data || 'error' in data)) return;
    pending.delete(data.id!);
    if (data.error) waiting.reject(readError(data.error));
    else waiting.resolve(data.value);
  });
  port.addEventListener('messageerror', () => die('an answer could not be read'));
  port.addEventListener('close', () => die('the port was closed'));
  failed?.(die);
  port.start?.();

  const call = (method: string, args: unknown[], waiting = Promise.withResolvers<unknown>()) => {
    if (death) waiting.reject(death);
    else if (pending.size >= pendingMax) waiting.reject(new AppError('BUSY', 'too many calls'));
    else
      try {
        pending.set(++lastId, waiting);
        port.postMessage({ id: lastId, method, args } satisfies Request, moved(...args));
      } catch (cause) {
        pending.delete(lastId);
        waiting.reject(new AppError('NOT_CLONABLE', `arguments of ${method}`, { cause }));
      }
    return waiting.promise;
  };
  const on = (name: string, listener: (value: unknown) => void) => {
    listeners.set(name, (listeners.get(name) ?? new Set()).add(listener));
    return () => void listeners.get(name)?.delete(listener);
  };
  // No `then`: a client that is awaited, or returned by an async function, must not look like a promise.
  const get = (_: unknown, name: string | symbol) => {
    if (typeof name === 'symbol' || name === 'then') return undefined;
    return name === 'on' ? on : (...args: unknown[]) => call(name, args);
  };
  return new Proxy({}, { get }) as RpcClient<A, E>;
}
