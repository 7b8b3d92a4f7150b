/** The leading tab: it runs the engine for itself and for the other tabs. */
import { BoundedMap } from '../../lib/bounded.ts';
import { AppError } from '../../lib/errors.ts';
import type { Emitter } from '../../lib/events.ts';
import { expose } from '../../lib/rpc.ts';
import { CLIENT_METHODS, type ClientEvent } from '../api.ts';
import { CALLS_MAX, isStop, type Call, type Method, type TabEngine } from './tab-engine.ts';
import type { TabMemory } from './tab-memory.ts';
import { createTabPort, type MiningIntent, type TabMessage, type TabPort } from './tab-messages.ts';
import type { TabSession } from './tab-session.ts';

/** Other tabs that are known. The least recently used makes room; it is added again at its next message. */
const OTHERS_MAX = 64;

type Calls = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** Events of this tab, wherever its engine runs. */
export interface TabEvents {
  engine: ClientEvent;
}

interface OtherTab extends TabPort {
  readonly gone: AbortController;
  /** Calls that wait for an answer. */
  calls: number;
}

export class Leader {
  readonly #session: TabSession;
  readonly #engine: TabEngine;
  readonly #memory: TabMemory;
  readonly #events: Emitter<TabEvents>;
  readonly #others: BoundedMap<string, OtherTab>;
  #payTo: Uint8Array | undefined;

  constructor(
    session: TabSession,
    engine: TabEngine,
    memory: TabMemory,
    events: Emitter<TabEvents>,
  ) {
    this.#session = session;
    this.#engine = engine;
    this.#memory = memory;
    this.#events = events;
    this.#others = new BoundedMap(OTHERS_MAX, (_tab, { gone }) => gone.abort());
    engine.on((event) => {
      if (event.type === 'miner' && event.status.state === 'failed') this.#setMining(undefined);
      this.#publish(event);
    });
  }

  /** Runs a call of this tab. */
  readonly call: Call = (method, args) => this.#perform(method, args);

  onMessage(message: TabMessage): void {
    const { from, type } = message;
    if (type === 'hello') this.announce();
    else if (type === 'bye') this.#forget(from);
    else if (type === 'rpc' && message.to === this.#session.tab)
      this.#otherTab(from).deliver(message.data);
  }

  /** Announces to the other tabs that this one leads, and what is mined. */
  announce(): void {
    this.#session.send({ type: 'leader', mining: this.#memory.mining });
  }

  /** Publishes the new engine's status, as the status that the last engine reported is no longer right. */
  async publishStatus(): Promise<void> {
    const { chain, miner, holding } = await this.#engine.client.status();
    this.#publish({ type: 'chain', status: chain });
    this.#publish({ type: 'miner', status: miner });
    this.#publish({ type: 'holding', holding });
  }

  /** Continues the mining that the last leader was asked for. */
  async resumeMining(): Promise<void> {
    const intent = this.#memory.mining;
    if (!intent) return;
    try {
      if (!this.#payTo && intent.payTo) await this.call('payTo', [intent.payTo]);
      if (this.#memory.mining === intent) await this.call('startMining', [intent.options]);
    } catch (e) {
      const { code, message } = AppError.from(e);
      if (!this.#session.hasEnded) this.#events.emit('engine', { type: 'problem', code, message });
    }
  }

  end(): void {
    for (const [, { gone }] of this.#others) gone.abort();
    this.#engine.stop();
  }

  /** Sends an event to this tab and all others. */
  #publish(event: ClientEvent): void {
    this.#events.emit('engine', event);
    this.#session.send({ type: 'rpc', to: '', data: { event: 'event', value: event } });
  }

  #setMining(intent: MiningIntent | undefined): void {
    this.#memory.mining = intent;
    this.announce();
  }

  /** Runs a call of this tab or of another. */
  async #perform(method: Method, args: unknown[]): Promise<unknown> {
    const engine = this.#engine.client as unknown as Calls;
    if (isStop(method)) this.#setMining(undefined);
    if (method !== 'startMining') {
      const value = await engine[method]!(...args);
      if (method === 'payTo') this.#payTo = args[0] as Uint8Array;
      return value;
    }

    // The intent is noted before the call: if this tab dies while the model loads, the next leader loads it.
    const intent = { options: args[0] as MiningIntent['options'], payTo: this.#payTo };
    this.#setMining(intent);
    return await engine[method]!(...args).catch((e: unknown) => {
      if (this.#memory.mining === intent && !this.#session.hasEnded) this.#setMining(undefined);
      throw e;
    });
  }

  #otherTab(id: string): OtherTab {
    const known = this.#others.get(id);
    if (known) return known;

    const port = createTabPort((data) => this.#session.send({ type: 'rpc', to: id, data }));
    const other: OtherTab = { ...port, gone: new AbortController(), calls: 0 };
    const run = async (method: Method, args: unknown[]) => {
      if (other.calls >= CALLS_MAX) throw new AppError('BUSY', `${CALLS_MAX} calls of one tab`);
      other.calls++;
      return this.#perform(method, args).finally(() => other.calls--);
    };
    const api = Object.fromEntries(
      CLIENT_METHODS.map((method) => [method, (...args: unknown[]) => run(method, args)]),
    );
    expose(api, other.port);
    this.#others.set(id, other);
    this.#session.whenGone(id, other.gone.signal, () => this.#forget(id));
    return other;
  }

  #forget(id: string): void {
    this.#others.get(id)?.gone.abort();
    this.#others.delete(id);
  }
}
