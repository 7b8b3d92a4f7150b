/** What becomes of streams and calls where the other thread is gone, or never had a network. */
import { expect, it } from 'vitest';
import type { AskerFrame, ProviderFrame } from '../../../src/core/ask-messages.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { SignedOpening, SignedTx } from '../../../src/core/formats.ts';
import type { AskStream } from '../../../src/net/asking/ask-stream.ts';
import { lendStream, useStream } from '../../../src/net/asking/port-stream.ts';
import { createTransport } from '../../../src/net/create-transport.ts';
import { servePageTransport } from '../../../src/net/page-transport.ts';
import { createRemoteTransport, refuseTransport } from '../../../src/net/remote-transport.ts';
import type { Handlers, Transport } from '../../../src/net/transport.ts';
import { person, prepay } from '../../chain/make-blocks.ts';
import { CHAIN } from '../chain-id.ts';
import { atEnd, startPeer, startSeed, until, WEBSOCKET } from '../peers.ts';
import { blockAnnounce, offerAt, signedTx } from '../samples.ts';

const voucher: AskerFrame = { type: 'voucher', amount: 1n, signature: new Uint8Array(64) };
const opening = decode(SignedOpening, encode(SignedTx, prepay(person(1), 0, person(2))));
const peers = { asker: 'a', provider: 'p' };
const options = { chainId: CHAIN, bootstrap: [] };
const handlers: Handlers = {
  onRequest: async () => ({ type: 'unavailable', reason: '' }),
  onBlock: async () => 'ignore',
  onTx: async () => 'ignore',
  onOffer: async () => 'ignore',
  onPeers: () => undefined,
};

function openPort(): [MessagePort, MessagePort] {
  const { port1, port2 } = new MessageChannel();
  atEnd(async () => port1.close());
  return [port1, port2];
}

/** What each call of a transport fails with. */
async function codesOf(transport: Transport): Promise<unknown[]> {
  const calls = [
    transport.request('peer', { type: 'status' }),
    transport.ask('peer', () => ({ onFrame: async () => {}, onGone: () => {} })),
    transport.announceBlock(blockAnnounce(1)),
    transport.announceTx({ tx: signedTx, sequence: 1 }),
    transport.announceOffer(offerAt(1)),
  ];
  return await Promise.all(
    calls.map((call) =>
      call.then(
        () => 'done',
        ({ code }) => code,
      ),
    ),
  );
}
const closed = Array.from({ length: 5 }, () => 'NET_CLOSED');

it('what waits for a user that is gone fails, and what waits for a lender that is gone', async () => {
  const [lender, user] = openPort();
  const stream: AskStream<ProviderFrame> = {
    peers,
    send: () => new Promise(() => {}),
    close: async () => {},
  };
  const lent = lendStream<ProviderFrame, AskerFrame>(stream, lender);
  let used: AskStream<ProviderFrame> | undefined;
  let gone = 0;
  useStream<ProviderFrame, AskerFrame>(user, (opened) => {
    used = opened;
    return {
      onFrame: () => new Promise(() => {}),
      isHeld: async () => true,
      onGone: () => void gone++,
    };
  });
  expect(await lent.isTaken).toBe(true);
  expect(await lent.receiver.isHeld()).toBe(true);
  const held = lent.receiver.onFrame(voucher);
  const sent = used!.send({ type: 'opened' });
  lent.fail();
  await expect(held).rejects.toMatchObject({ code: 'WORKER_DIED' });
  lender.close();
  await expect(sent).rejects.toMatchObject({ code: 'NET_CLOSED' });
});

it('a page that lets its worker go ends the streams that it used', async () => {
  const [page, worker] = openPort();
  const seed = await startSeed();
  let ended = 0;
  const takeBack = servePageTransport(page, (given) =>
    createTransport({ ...given, role: 'seed', listen: [WEBSOCKET] }),
  );
  const transport = createRemoteTransport(worker, {
    ...options,
    bootstrap: seed.transport.addresses(),
  });
  const onAsk = async () => ({ onFrame: () => new Promise<void>(() => {}), onGone: () => {} });
  await transport.start({ ...handlers, onAsk });
  await until('it listens', () => transport.addresses().length > 0);
  const asker = await startPeer({ bootstrap: transport.addresses() });
  const [provider] = await until('connected', () => {
    const list = asker.transport.peers();
    return list.length > 0 && list;
  });
  const receiver = { onFrame: async () => {}, onGone: () => void ended++ };
  const stream = await asker.transport.ask(provider!.id, () => receiver);
  await stream.send({ type: 'open', opening, signature: new Uint8Array(64) });
  await stream.send(voucher);
  takeBack();
  await until('the asker knows', () => ended === 1);
});

it('a transport that is not running fails each call with a code, in this thread and in another', async () => {
  const direct = createTransport({ ...options, role: 'node' });
  expect(await codesOf(direct)).toEqual(closed);

  const [page, worker] = openPort();
  const remote = createRemoteTransport(worker, options);
  servePageTransport(page, (given) => createTransport({ ...given, role: 'node' }));
  expect(await codesOf(remote)).toEqual(closed);
  await remote.start(handlers);
  // Also what is asked while libp2p starts.
  expect(await codesOf(remote)).toEqual(closed);
  await remote.stop();
  expect(await codesOf(remote)).toEqual(closed);
});

it('a page that could not load libp2p refuses, and nothing waits for it', async () => {
  const [page, worker] = openPort();
  const remote = createRemoteTransport(worker, options);
  await remote.start(handlers);
  refuseTransport(page);
  expect(await codesOf(remote)).toEqual(closed);
  await remote.stop();
  expect(await codesOf(remote)).toEqual(closed);
});
