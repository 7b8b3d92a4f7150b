/** Runs a browser transport, waits for its first peer, asks it for its status. */
import { installRtc } from '../../../src/net/rtc-worker.ts';
import { CHAIN } from '../chain-id.ts';

async function dial(bootstrap: string[]) {
  const { createTransport } = await import('../../../src/net/create-transport.ts');
  const log: string[] = [];
  const transport = createTransport({
    chainId: CHAIN,
    role: 'browser',
    bootstrap,
    log: (line) => log.push(line),
  });
  const startMs = performance.now();
  const first = Promise.withResolvers<void>();
  await transport.start({
    onRequest: async () => ({ type: 'unavailable', reason: 'test' }),
    onBlock: async () => 'ignore',
    onTx: async () => 'ignore',
    onPeers: (peers) => peers.length && first.resolve(),
  });
  const late = setTimeout(() => first.reject(new Error(`no peer: ${log.join('; ')}`)), 20_000);
  await first.promise;
  clearTimeout(late);
  const connectMs = performance.now() - startMs;
  const { id, link } = transport.peers()[0]!;
  const status = await transport.request(id, { type: 'status' });
  const statusMs = performance.now() - startMs - connectMs;
  await transport.stop();
  return { link, connectMs, statusMs, agent: status.type === 'status' ? status.agent : '' };
}

self.onmessage = async ({ data }) => {
  installRtc(data.port);
  try {
    self.postMessage(await dial(data.bootstrap));
  } catch (e) {
    self.postMessage({ error: String(e) });
  }
};
