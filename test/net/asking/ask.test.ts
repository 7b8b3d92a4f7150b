/** `/pila/ask/2` over two real hosts: frames, bounds, and both ends of a channel that pay each other. */
import type { Connection } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import {
  ASKER_FRAME_BYTES_MAX,
  AskerFrame,
  type ProviderFrame,
} from '../../../src/core/ask-messages.ts';
import {
  askHash,
  receiptHash,
  signHash,
  voucherHash,
  type AskPeers,
  type Receipt,
} from '../../../src/core/channel.ts';
import { encode } from '../../../src/core/codec.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { ChannelRunner } from '../../../src/client/channels/channel-runner.ts';
import {
  askerOf,
  nextAsker,
  type AskerEffect,
  type AskerEvent,
  type AskerState,
  type Told,
} from '../../../src/client/channels/asker.ts';
import { newAskerRecord } from '../../../src/client/channels/asker-record.ts';
import {
  nextProvider,
  providerOf,
  type ProviderEffect,
  type ProviderEvent,
  type ProviderState,
} from '../../../src/client/channels/provider.ts';
import { newProviderRecord } from '../../../src/client/channels/provider-record.ts';
import { askerFrame, providerFrame } from '../../../src/client/channels/saying.ts';
import {
  ASK_STREAMS_MAX,
  ASK_STREAMS_PER_CONNECTION,
  askProtocol,
  FRAME_RATE,
} from '../../../src/net/asking/ask.ts';
import type { AskReceiver, AskStream, OnAsk } from '../../../src/net/asking/ask-stream.ts';
import {
  answerTo,
  asked,
  ASKER_END,
  CHANNEL,
  GENESIS,
  OPENING,
  PROVIDER_END,
  SERVING,
  SIGNER,
  VIEW,
} from '../../client/channels/pair.ts';
import { CHAIN } from '../chain-id.ts';
import { connected, startHost, startPeer, startSeed, until } from '../peers.ts';

const open = {
  type: 'open' as const,
  opening: OPENING,
  signature: new Uint8Array(64),
};
/** As `open`, with coins of some account. */
const openOf = (account: number): AskerFrame => {
  const tx = { ...OPENING.tx, from: new Uint8Array(32).fill(account) };
  return { ...open, opening: { ...OPENING, tx } };
};
const voucher = (amount: number): AskerFrame => ({
  type: 'voucher',
  amount: BigInt(amount),
  signature: new Uint8Array(64),
});
const part = (units: number): ProviderFrame => ({
  type: 'part',
  n: 1,
  units,
  bytes: new Uint8Array(1024).fill(units),
});
/** Both ends' keys, as a vault answers. */
const SIGNERS = {
  signAsk: async (channel: Uint8Array, peers: AskPeers) =>
    signHash(askHash(GENESIS, channel, peers), SIGNER),
  signVoucher: async (channel: Uint8Array, amount: bigint) =>
    signHash(voucherHash(GENESIS, channel, amount), SIGNER),
  signReceipt: async (receipt: Receipt) => signHash(receiptHash(GENESIS, receipt), SERVING),
};
const silent = { onFrame: async () => {}, onGone: () => {} };

/** Which ends stand in another thread than their libp2p. */
interface Remote {
  readonly asker?: boolean;
  readonly provider?: boolean;
}

/** A provider that keeps what comes, and an asker that is connected to it. */
async function pair(
  remote: Remote = {},
  receiver: Partial<AskReceiver<AskerFrame>> = {},
  accept?: OnAsk,
) {
  const streams: AskStream<ProviderFrame>[] = [];
  const frames: AskerFrame[] = [];
  let gone = 0;
  const onAsk: OnAsk = async (stream, first) => {
    streams.push(stream);
    frames.push(first);
    const onFrame = async (frame: AskerFrame) => void frames.push(frame);
    return { onFrame, onGone: () => void gone++, ...receiver };
  };
  const { asker = false, provider = false } = remote;
  const seed = await startSeed({ handlers: { onAsk: accept ?? onAsk }, remote: provider });
  const [address] = await until('it listens', () => {
    const addresses = seed.transport.addresses();
    return addresses.length > 0 && addresses;
  });
  const client = await startPeer({ bootstrap: [address!], remote: asker });
  const id = address!.split('/p2p/').at(-1)!;
  await until('connected', () => [client, seed].every((p) => p.transport.peers().length === 1));
  return { seed, client, id, streams, frames, gone: () => gone };
}

/** A hostile asker, and the provider that it is connected to. */
async function attack() {
  const frames: AskerFrame[] = [];
  const onAsk: OnAsk = async (_, first) => {
    frames.push(first);
    return { ...silent, onFrame: async (frame) => void frames.push(frame) };
  };
  const seed = await startSeed({ handlers: { onAsk } });
  const raw = await startHost();
  const connection = await raw.dial(multiaddr(seed.transport.addresses()[0]));
  const openStream = async () => lpStream(await connection.newStream(askProtocol(CHAIN)));
  const isCharged = (code: string) =>
    until(`charged for ${code}`, () => seed.log.some((line) => line.includes(code)));
  return { seed, raw, frames, connection, openStream, isCharged };
}

describe.each<[string, Remote]>([
  ['of transports here', {}],
  ['of an asker in another thread', { asker: true }],
  ['of a provider in another thread', { provider: true }],
])('a stream %s', (_, remote) => {
  it('carries frames of both ends in their order, and says who they are', async () => {
    const { client, id, streams, frames, gone } = await pair(remote);
    const got: ProviderFrame[] = [];
    let ended = 0;
    const stream = await client.transport.ask(id, () => ({
      onFrame: async (frame) => void got.push(frame),
      onGone: () => void ended++,
    }));
    const sent = [open, ...Array.from({ length: 20 }, (_, i) => voucher(i))];
    for (const frame of sent) await stream.send(frame);
    await until('all came', () => frames.length === sent.length);
    expect(frames).toEqual(sent);
    expect(streams[0]!.peers).toEqual(stream.peers);
    expect(stream.peers.provider).toBe(id);
    const parts = Array.from({ length: 20 }, (_, i) => part(i));
    await Promise.all(parts.map((frame) => streams[0]!.send(frame)));
    await until('all came back', () => got.length === parts.length);
    expect(got).toEqual(parts);
    await streams[0]!.close();
    await until('both ends know', () => ended === 1 && gone() === 1);
    await expect(stream.send(voucher(1))).rejects.toMatchObject({ code: 'NET_CLOSED' });
  });

  it('hands on one frame after the other: the next waits for the last', async () => {
    let go = (): void => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    const begun: AskerFrame[] = [];
    const { client, id } = await pair(remote, {
      onFrame: (frame) => {
        begun.push(frame);
        return held;
      },
    });
    const stream = await client.transport.ask(id, () => silent);
    for (const frame of [open, voucher(1), voucher(2), voucher(3)]) await stream.send(frame);
    await until('the first is there', () => begun.length > 0);
    // Another request takes its whole way meanwhile.
    await client.transport.request(id, { type: 'status' });
    expect(begun).toHaveLength(1);
    go();
    await until('the others follow', () => begun.length === 3);
  });

  it('ends where a handler fails, or a peer goes', async () => {
    const { client, id, gone } = await pair(remote, {
      onFrame: () => Promise.reject(new Error('disk full')),
    });
    let ended = 0;
    const receiver = () => ({ ...silent, onGone: () => void ended++ });
    const stream = await client.transport.ask(id, receiver);
    await stream.send(open);
    await stream.send(voucher(1));
    await until('both ends know', () => ended === 1 && gone() === 1);

    const other = await pair(remote);
    const kept = await other.client.transport.ask(other.id, receiver);
    await kept.send(open);
    await until('it is open', () => other.frames.length === 1);
    await other.client.stop();
    await until('the provider knows', () => other.gone() === 1);
  });

  it('is ended after what the handler has said, where nobody takes its frames', async () => {
    const onAsk: OnAsk = async (stream) => {
      void stream.send({ type: 'refused', code: 'CHANNEL_UNKNOWN', least: 0n });
      return undefined;
    };
    const { client, id } = await pair(remote, {}, onAsk);
    const got: ProviderFrame[] = [];
    let ended = 0;
    const stream = await client.transport.ask(id, () => ({
      onFrame: async (frame) => void got.push(frame),
      onGone: () => void ended++,
    }));
    await stream.send(open);
    await until('it is ended', () => ended === 1);
    expect(got).toMatchObject([{ type: 'refused' }]);
  });

  it('of an asker hands on what comes one after the other, too, and ends where that fails', async () => {
    const { client, id, streams, gone } = await pair(remote);
    const begun: ProviderFrame[] = [];
    let fail = (_: Error): void => {};
    const held = new Promise<void>((_, reject) => (fail = reject));
    let ended = 0;
    const stream = await client.transport.ask(id, () => ({
      onFrame: (frame) => {
        begun.push(frame);
        return held;
      },
      onGone: () => void ended++,
    }));
    await stream.send(open);
    await until('it is open', () => streams.length === 1);
    for (const units of [1, 2, 3]) await streams[0]!.send(part(units));
    await until('the first is there', () => begun.length > 0);
    await client.transport.request(id, { type: 'status' });
    expect(begun).toEqual([part(1)]);
    fail(new Error('a false answer'));
    await until('both ends know', () => ended === 1 && gone() === 1);
    expect(begun).toHaveLength(1);
  });

  it('is not there without a provider, nor without a connection', async () => {
    const seed = await startSeed();
    const { asker = false } = remote;
    const client = await startPeer({ bootstrap: seed.transport.addresses(), remote: asker });
    const id = await connected(client, seed);
    const refused = { code: 'NET_CLOSED' };
    await expect(client.transport.ask(id, () => silent)).rejects.toMatchObject(refused);
    await client.stop();
    await expect(client.transport.ask(id, () => silent)).rejects.toMatchObject(refused);
  });
});

describe('a hostile asker', () => {
  it('is charged for anything before `open`, and nothing of it is handed on', async () => {
    const { frames, openStream, isCharged } = await attack();
    await (await openStream()).write(encode(AskerFrame, voucher(1)));
    await isCharged('wire.unasked');
    expect(frames).toEqual([]);
  });

  it('is cut for bytes that are no frame, and for a length over the cap before they come', async () => {
    for (const [bytes, code] of [
      [Uint8Array.of(3, 255, 1, 2), 'wire.malformed'],
      [lengthOf(ASKER_FRAME_BYTES_MAX + 1), 'wire.too-large'],
    ] as const) {
      const { seed, raw, connection, isCharged } = await attack();
      const stream = await connection.newStream(askProtocol(CHAIN));
      stream.send(bytes);
      await isCharged(code);
      await until('it is cut', () => raw.getConnections().length === 0);
      expect(seed.transport.peers()).toEqual([]);
    }
  });

  it('has four streams a connection', async () => {
    const { frames, openStream, connection } = await attack();
    for (let i = 0; i < ASK_STREAMS_PER_CONNECTION; i++)
      await (await openStream()).write(encode(AskerFrame, open));
    await until('they are served', () => frames.length === ASK_STREAMS_PER_CONNECTION);
    const tried = (async () => {
      const lp = lpStream(await connection.newStream(askProtocol(CHAIN)));
      await lp.write(encode(AskerFrame, open));
      await lp.read();
    })();
    await expect(tried).rejects.toThrow();
    expect(frames).toHaveLength(ASK_STREAMS_PER_CONNECTION);
  });

  it('that says nothing on many streams keeps nobody out', async () => {
    const { seed, frames, openStream } = await attack();
    for (let opened = 0; opened < ASK_STREAMS_MAX; opened += ASK_STREAMS_PER_CONNECTION) {
      const connection = await (await startHost()).dial(multiaddr(seed.transport.addresses()[0]));
      for (let i = 0; i < ASK_STREAMS_PER_CONNECTION; i++)
        (await connection.newStream(askProtocol(CHAIN))).send(Uint8Array.of());
    }
    const asking = openStream().then((lp) => lp.write(encode(AskerFrame, open)));
    await expect(asking).resolves.toBeUndefined();
    await until('the next is served', () => frames.length === 1);
  });

  it('makes room for who comes where it has paid nothing and was silent for longest', async () => {
    const gone: number[] = [];
    const heard: number[] = [];
    let served = 0;
    let allPay = false;
    const onAsk: OnAsk = async () => {
      const n = served++;
      return {
        onFrame: async () => void heard.push(n),
        isHeld: async () => allPay || n === 0,
        onGone: () => void gone.push(n),
      };
    };
    const seed = await startSeed({ handlers: { onAsk } });
    const streams: ReturnType<typeof lpStream>[] = [];
    let connection: Connection | undefined;
    const come = async () => {
      if (streams.length % ASK_STREAMS_PER_CONNECTION === 0)
        connection = await (await startHost()).dial(multiaddr(seed.transport.addresses()[0]));
      const lp = lpStream(await connection!.newStream(askProtocol(CHAIN)));
      // No account has more than a connection has.
      await lp.write(
        encode(AskerFrame, openOf(Math.ceil(streams.push(lp) / ASK_STREAMS_PER_CONNECTION))),
      );
      return lp;
    };
    while (streams.length < ASK_STREAMS_MAX) {
      await come();
      await until('it is served', () => served === streams.length);
    }
    await streams[1]!.write(encode(AskerFrame, voucher(1)));
    await until('one is silent no more', () => heard.includes(1));
    await come();
    await expect.poll(() => served).toBe(ASK_STREAMS_MAX + 1);
    await until('another has gone', () => gone.length > 0);
    expect(gone).toEqual([2]);

    allPay = true;
    await expect(come().then((lp) => lp.read())).rejects.toThrow();
    expect([served, gone]).toEqual([ASK_STREAMS_MAX + 1, [2]]);
  });

  it('of one account, whoever it is, loses a place to who comes, though all have paid', async () => {
    const gone: number[] = [];
    let served = 0;
    const onAsk: OnAsk = async () => {
      const n = served++;
      return {
        onFrame: async () => undefined,
        isHeld: async () => true,
        onGone: () => void gone.push(n),
      };
    };
    const seed = await startSeed({ handlers: { onAsk } });
    let connection: Connection | undefined;
    const come = async (from: number, n: number): Promise<void> => {
      if (n % ASK_STREAMS_PER_CONNECTION === 0)
        connection = await (await startHost()).dial(multiaddr(seed.transport.addresses()[0]));
      const lp = lpStream(await connection!.newStream(askProtocol(CHAIN)));
      await lp.write(encode(AskerFrame, openOf(from)));
    };
    // One account has five channels, the others four each, on one connection or several.
    for (let n = 0; n < ASK_STREAMS_MAX; n++) {
      await come(n < 5 ? 1 : 2 + Math.floor((n - 5) / 4), n);
      await until('it is served', () => served === n + 1);
    }
    await come(100, ASK_STREAMS_MAX);
    await expect.poll(() => [gone, served]).toEqual([[0], ASK_STREAMS_MAX + 1]);
  });

  it('is read no quicker than the rate', async () => {
    const { seed, raw, frames, openStream } = await attack();
    const lp = await openStream();
    await lp.write(encode(AskerFrame, open));
    const flood = async () => {
      for (let i = 0; i < 3 * FRAME_RATE.burst; i++) await lp.write(encode(AskerFrame, voucher(i)));
    };
    const beginMs = Date.now();
    await flood();
    await until('more came than are let through at once', () => frames.length > FRAME_RATE.burst);
    const rate = FRAME_RATE.perSecond / 1000;
    expect(frames.length).toBeLessThanOrEqual(1 + FRAME_RATE.burst + rate * (Date.now() - beginMs));
    expect(raw.getConnections()).toHaveLength(1);
    expect(seed.log.join()).not.toContain('wire.');
  });
});

describe('an asker that goes before its first frame', () => {
  it('is not charged: its keys may be away', async () => {
    const { client, id, frames, seed } = await pair();
    const ended = Promise.withResolvers<void>();
    const stream = await client.transport.ask(id, () => ({ ...silent, onGone: ended.resolve }));
    await stream.close();
    await ended.promise;
    const other = await client.transport.ask(id, () => silent);
    await other.send(open);
    await until('the next is served', () => frames.length === 1);
    expect(seed.log.join()).not.toContain('wire.');
  });
});

describe('an honest asker of a fast model', () => {
  it('is answered as quickly as both ends can', async () => {
    const { client, id, streams } = await pair(
      {},
      {
        onFrame: async (frame) => {
          if (frame.type === 'voucher') await streams[0]!.send(part(Number(frame.amount)));
        },
      },
    );
    const rows = FRAME_RATE.burst + 50;
    let came = 0;
    let gone = 0;
    const stream: AskStream<AskerFrame> = await client.transport.ask(id, () => ({
      onFrame: async () => {
        came++;
        if (came < rows) await stream.send(voucher(came));
      },
      onGone: () => void gone++,
    }));
    await stream.send(open);
    await stream.send(voucher(0));
    await until('all came, or it was cut', () => came === rows || gone > 0);
    expect(came).toBe(rows);
  });
});

describe('a hostile provider', () => {
  it('is charged for what is no frame; the asker is told that it is gone', async () => {
    const raw = await startHost('node', ['/ip4/127.0.0.1/tcp/0/ws']);
    await raw.handle('/pila/sync/2/77', (stream) => stream.abort(new Error('never')));
    await raw.handle(askProtocol(CHAIN), (stream) => {
      void lpStream(stream)
        .write(Uint8Array.of(77, 1))
        .catch(() => undefined);
    });
    const client = await startPeer({ bootstrap: raw.getMultiaddrs().map(String) });
    const id = raw.peerId.toString();
    await until('connected', () => client.transport.peers().length === 1);
    let ended = 0;
    await client.transport.ask(id, () => ({ ...silent, onGone: () => void ended++ }));
    await until('it is gone', () => ended === 1);
    expect(client.log.join()).toContain('wire.malformed');
  });
});

describe('a channel over two hosts', () => {
  it('answers, is paid, and goes on after its stream was cut', async () => {
    const told: Told[] = [];
    const closes: bigint[] = [];
    /** Streams of the provider by their number here; the asker has one at a time. */
    const streams = new Map<number, AskStream<ProviderFrame>>();
    let cutAfter = 2;

    const provider = new ChannelRunner<ProviderState, ProviderEvent, ProviderEffect>({
      state: providerOf(newProviderRecord(GENESIS, OPENING)),
      next: (state, event) => nextProvider(PROVIDER_END, state, event, VIEW),
      async perform(effect) {
        if (effect.type === 'close') closes.push(effect.amount);
        if (effect.type === 'drop') await streams.get(effect.stream)?.close();
        if (effect.type === 'send') {
          // A stream that is gone takes nothing; its end comes as an event.
          const frame = await providerFrame(effect.says, SIGNERS);
          await streams
            .get(effect.stream)
            ?.send(frame)
            .catch(() => undefined);
          if (frame.type === 'part' && --cutAfter === 0) await streams.get(effect.stream)?.close();
        }
        if (effect.type !== 'serve') return;
        const { run, question, from, upTo } = effect;
        const bytes = answerTo(question, from, upTo);
        const event = { type: 'produced' as const, run, bytes, units: upTo - from, last: false };
        void provider.enter(event);
      },
    });
    const onAsk: OnAsk = async (stream, { opening, signature }) => {
      if (String(txId(GENESIS, opening.tx)) !== String(CHANNEL)) return undefined;
      const number = streams.size + 1;
      streams.set(number, stream);
      const { peers } = stream;
      await provider.enter({ type: 'opened', stream: number, peers, signature });
      return {
        onFrame: (frame) => provider.enter({ type: 'frame', stream: number, frame }),
        onGone: () => void provider.enter({ type: 'gone', stream: number }),
      };
    };
    const seed = await startSeed({ handlers: { onAsk } });
    const client = await startPeer({ bootstrap: seed.transport.addresses() });
    const id = await connected(client, seed);

    let opened = 0;
    let gone = 0;
    let current: AskStream<AskerFrame> | undefined;
    const asker = new ChannelRunner<AskerState, AskerEvent, AskerEffect>({
      state: askerOf(newAskerRecord(GENESIS, OPENING)),
      next: (state, event) => nextAsker(ASKER_END, state, event, VIEW),
      async perform(effect) {
        if (effect.type === 'tell') told.push(effect);
        if (effect.type === 'send') {
          const frame = await askerFrame(
            effect.says,
            { channel: CHANNEL, opening: OPENING },
            SIGNERS,
          );
          await current?.send(frame).catch(() => undefined);
        }
        if (effect.type === 'drop') await current?.close();
      },
    });
    const connect = async (): Promise<AskPeers> => {
      const number = ++opened;
      current = await client.transport.ask(id, () => ({
        onFrame: (frame) => asker.enter({ type: 'frame', stream: number, frame }),
        onGone() {
          gone++;
          void asker.enter({ type: 'gone', stream: number });
        },
      }));
      await asker.enter({ type: 'connected', stream: number, peers: current.peers });
      return current.peers;
    };

    await connect();
    const question = asked(1000);
    await asker.enter({ type: 'ask', asked: question });
    await until('the stream was cut', () => gone === 1);
    expect(told.some(({ what }) => what === 'answered')).toBe(false);
    await connect();
    const answered = await until('it is answered', () =>
      told.find((each) => each.what === 'answered'),
    );
    expect(Buffer.compare(answered.answer, answerTo({ n: 1, ...question }, 0, 1000))).toBe(0);
    expect(told.filter(({ what }) => what === 'distrusted')).toEqual([]);
    await asker.enter({ type: 'close' });
    await until('it is closed', () => closes.length === 1);
    expect(closes).toEqual([1000n]);
    expect(asker.state.record.vouched).toBe(1000n);
  });
});

/** A length prefix of three bytes. */
const lengthOf = (n: number): Uint8Array =>
  Uint8Array.of((n & 127) | 128, ((n >> 7) & 127) | 128, n >> 14);
