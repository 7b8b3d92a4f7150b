/** The leading tab as another tab sees it: calls go there, and the engine's events come from there. */
import type { Emitter } from '../../lib/events.ts';
import { connect } from '../../lib/rpc.ts';
import type { ClientApi, ClientEvent } from '../api.ts';
import type { TabEvents } from './leader.ts';
import type { EngineLink } from './tab-engine.ts';
import { createTabPort } from './tab-messages.ts';
import type { TabSession } from './tab-session.ts';

type Calls = Record<string, (...args: unknown[]) => Promise<unknown>>;

export interface LeadingTab {
  readonly id: string;
  readonly link: EngineLink;
  /** Aborts when another tab leads, or none. */
  readonly ended: AbortSignal;
  /** Hands over what the leading tab sent. */
  deliver(data: unknown): void;
}

export function connectLeadingTab(
  session: TabSession,
  id: string,
  events: Emitter<TabEvents>,
): LeadingTab {
  const ended = new AbortController();
  const { port, deliver } = createTabPort((data) => session.send({ type: 'rpc', to: id, data }));
  let failCalls: (reason: string) => void = () => undefined;
  const remote = connect<ClientApi, { event: ClientEvent }>(port, {
    failed: (fail) => (failCalls = fail),
  });
  remote.on('event', (event) => events.emit('engine', event));

  return {
    id,
    ended: ended.signal,
    deliver,
    link: {
      call: (method, args) => (remote as unknown as Calls)[method]!(...args),
      end() {
        ended.abort();
        failCalls('another tab leads');
      },
    },
  };
}
