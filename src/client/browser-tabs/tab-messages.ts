/**
 * The messages between the tabs of one network over a BroadcastChannel. All tabs have one origin, but a tab may
 * run another version of the app: data that is no message of this version is ignored.
 */
import type { Port } from '../../lib/rpc.ts';
import type { MiningApi } from '../api.ts';

/** The part of BroadcastChannel that we use. */
export interface TabChannel {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  close(): void;
}

/** What the leading tab was asked to mine. The next leading tab goes on with it. */
export interface MiningIntent {
  readonly options: Parameters<MiningApi['startMining']>[0];
  readonly payTo: Uint8Array | undefined;
}

export type TabMessage = { readonly from: string } & (
  | /** A tab has joined, and asks who leads. */ { readonly type: 'hello' }
  | { readonly type: 'bye' }
  | { readonly type: 'leader'; readonly mining: MiningIntent | undefined }
  /** A message of lib/rpc to one tab; `to` is '' for an event to all tabs. */
  | { readonly type: 'rpc'; readonly to: string; readonly data: unknown }
);

const ID_CHARS_MAX = 64;
const isId = (x: unknown): x is string => typeof x === 'string' && x.length <= ID_CHARS_MAX;

export function readMessage(data: unknown): TabMessage | undefined {
  const { type, from, to, mining } = Object(data) as Record<string, unknown>;
  if (!isId(from) || from === '') return undefined;
  const isWhole =
    type === 'hello' ||
    type === 'bye' ||
    (type === 'leader' && (mining === undefined || isIntent(mining))) ||
    (type === 'rpc' && isId(to));
  return isWhole ? (data as TabMessage) : undefined;
}

function isIntent(x: unknown): x is MiningIntent {
  const { options, payTo } = Object(x) as Record<string, unknown>;
  if (typeof options !== 'object') return false;
  const { model, backend, others, fromMs } = Object(options) as Record<string, unknown>;
  if (fromMs !== undefined && typeof fromMs !== 'number') return false;
  const isText = (value: unknown) => value === undefined || isId(value);
  const isAddress = payTo instanceof Uint8Array && payTo.length === 32;
  return (payTo === undefined || isAddress) && [model, backend, others].every(isText);
}

/** One end of an rpc connection (lib/rpc.ts) between two tabs. */
export interface TabPort {
  readonly port: Port;
  /** Hands over what the other tab sent. */
  deliver(data: unknown): void;
}

export function createTabPort(send: (data: unknown) => void): TabPort {
  const listeners = new Set<(event: unknown) => void>();
  return {
    port: {
      postMessage: send,
      addEventListener(type, listener) {
        if (type === 'message') listeners.add(listener);
      },
    },
    deliver: (data) => listeners.forEach((listener) => listener({ data: Object(data) as object })),
  };
}
