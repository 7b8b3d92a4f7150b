/** Makes what programs use of a started peer: the same in Node, in a page and in a worker of a page. */
import type { ClientApi, ClientConfig, ClientEvent } from '../client/api.ts';
import { createParams, NETWORK_NAMES } from '../core/params.ts';
import { formatAddress } from '../core/address.ts';
import { equal, toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { SerialQueue } from '../lib/queue.ts';
import { configOfSeed } from '../client/seed-config.ts';
import { readAddress } from '../wallet/address.ts';
import { buildTransfer } from '../wallet/build.ts';
import type { PlainKey } from '../wallet/plain-key.ts';
import { requireAmount, requireOptions, requireText } from './given.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { modelsHere } from './models-here.ts';
import { keysOf, paidAnswers, type PaidDeps, type Purse } from './paid.ts';
import type { Pila, PilaOptions } from './pila-api.ts';
import { startWork } from './work.ts';

/** A started peer. */
export interface Peer {
  readonly api: ClientApi;
  on(listener: (event: ClientEvent) => void): () => void;
  stop(): Promise<void>;
}

export interface PilaParts {
  readonly config: ClientConfig;
  readonly peer: Peer;
  readonly key?: PlainKey | undefined;
  readonly purse?: Purse | undefined;
}

/** Payments and openings of channels that wait to be sent. */
const SENDING_MAX = 256;
/** Events that wait to be read. */
const EVENTS_MAX = 256;

/** @throws AppError SEED_SILENT, CONFIG_MALFORMED */
export async function configOf({ network }: PilaOptions): Promise<ClientConfig> {
  const config = typeof network === 'string' ? await configOfSeed(network) : network;
  if (!isConfig(config)) throw new AppError('CONFIG_MALFORMED', 'no configuration of a peer');
  if (NETWORK_NAMES.some((name) => name === config.network)) return config;
  throw new AppError('CONFIG_MALFORMED', `no network is called ${config.network}`);
}

export function pilaOf({ config, peer, key, purse }: PilaParts): Pila {
  const { on } = peer;
  const over = new AbortController();
  const api = callsUntil(over.signal, peer.api);
  const { prefix } = createParams(config.network, []);
  const open = new Set<Inbox<ClientEvent>>();
  // Two at once would take the same nonce.
  const sending = new SerialQueue(SENDING_MAX, 'BUSY');
  const inTurn: PaidDeps['inTurn'] = (send) => sending.run(send);

  async function* heard(type?: ClientEvent['type']): AsyncGenerator<ClientEvent, void> {
    if (over.signal.aborted) return;
    const inbox = createInbox<ClientEvent>(EVENTS_MAX);
    open.add(inbox);
    const off = on((event) => {
      if (type === undefined || event.type === type) inbox.push(event);
    });
    try {
      for (let event = await inbox.next(); event; event = await inbox.next()) yield event;
    } finally {
      off();
      open.delete(inbox);
    }
  }

  /** Resolves when the chain has changed, or after `msMax`. @throws STORE_CLOSED once this peer was stopped */
  function nextHead(msMax: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        off();
        over.signal.removeEventListener('abort', done);
        if (over.signal.aborted) reject(stopped());
        else resolve();
      };
      const timer = setTimeout(done, msMax);
      const off = on((event) => event.type === 'chain' && done());
      over.signal.addEventListener('abort', done);
      if (over.signal.aborted) done();
    });
  }

  /** Whether a peer had the same head once: where the only one gave no answer, there is nothing left to catch up with. */
  let hasAgreed = false;
  async function synced(): Promise<void> {
    for (;;) {
      const { sync, peersAgreeing } = (await api.status()).chain;
      hasAgreed ||= peersAgreeing > 0;
      if (hasAgreed && sync === 'synced') return;
      await nextHead(LOOK_MS);
    }
  }

  function addressGiven(text: string | undefined): Uint8Array {
    if (text !== undefined) {
      requireText(text, 'an address');
      return readAddress(text, prefix);
    }
    if (key) return key.address;
    throw new AppError('NO_PAYOUT', 'neither an address nor a key was given');
  }

  async function confirmed(id: Uint8Array): Promise<number> {
    for (;;) {
      const sent = (await api.pending()).find((each) => equal(each.id, id));
      if (sent?.state === 'confirmed') return sent.height!;
      if (sent?.state !== 'pending') throw new AppError('TX_REFUSED', `it is ${sent?.state}`);
      await nextHead(LOOK_MS);
    }
  }

  return {
    network: config.network,
    address: key && formatAddress(key.address, prefix),
    client: api,
    ...modelsHere(api, (listener) =>
      on((event) => event.type === 'model' && listener(event.model)),
    ),
    ...paidAnswers({ api, on, key, purse, synced, nextHead, inTurn }),
    synced,
    async balance(address) {
      const wanted = addressGiven(address);
      await synced();
      await api.watch(wanted);
      return await api.account(wanted);
    },
    async pay(to, amount, memo = '') {
      const { key: payer } = keysOf({ key, purse });
      requireAmount(amount, 'an amount');
      requireText(memo, 'a memo');
      requireText(to, 'an address');
      const payee = readAddress(to, prefix);
      await synced();
      const { id } = await inTurn(async () => {
        await api.watch(payer.address);
        await api.account(payer.address);
        const { fees, spendable: _, ...base } = await api.prepare(payer.address);
        const fields = { ...base, from: payer.publicKey, fee: fees.normal };
        const unsigned = buildTransfer(fields, { to: payee, amount, memo });
        const { chain } = await api.status();
        return api.submit(payer.sign(chain.genesisId, unsigned));
      });
      return { id: toHex(id), confirmed: () => confirmed(id) };
    },
    mine(options = {}) {
      requireOptions(options);
      const payee = addressGiven(options.payTo);
      return startWork({ api, on, over: over.signal }, payee, options);
    },
    events: heard as Pila['events'],
    async stop() {
      over.abort();
      for (const inbox of open) inbox.end();
      await peer.stop();
    },
  };
}

const stopped = (): AppError => new AppError('STORE_CLOSED', 'this peer was stopped');

/** Calls of a peer, each refused once it was stopped. */
const callsUntil = (over: AbortSignal, api: ClientApi): ClientApi =>
  new Proxy(api, {
    get(calls, name) {
      const call: unknown = Reflect.get(calls, name);
      return over.aborted && typeof call === 'function' ? () => Promise.reject(stopped()) : call;
    },
  });

function isConfig(value: unknown): value is ClientConfig {
  const { bootstrap, genesis } = Object(value) as Record<string, unknown>;
  const isText = (each: unknown): boolean => typeof each === 'string';
  return (
    Array.isArray(bootstrap) &&
    bootstrap.every(isText) &&
    (genesis === undefined || isText(genesis))
  );
}

/** ms between two looks, where no event tells. */
const LOOK_MS = 5000;
