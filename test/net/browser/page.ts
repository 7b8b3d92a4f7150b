/**
 * The page of browser.browser.test.ts: a dedicated worker runs the transport, the page lends it
 * WebRTC, or runs the transport itself and lends that.
 */
import { connect, transfer, type RpcClient } from '../../../src/lib/rpc.ts';
import { servePageTransport } from '../../../src/net/page-transport.ts';
import { canBridgeRtc, serveRtc } from '../../../src/net/rtc-page.ts';
import type { PeerApi } from './peer.worker.ts';

declare global {
  interface Window {
    canBridgeRtc: typeof canBridgeRtc;
    serveRtc: typeof serveRtc;
    peer: RpcClient<PeerApi>;
    start(bootstrap: readonly string[], kind: 'rtc' | 'transport'): Promise<void>;
  }
}

const peer = connect<PeerApi>(new Worker('/worker.js', { type: 'module' }));
window.canBridgeRtc = canBridgeRtc;
window.serveRtc = serveRtc;
window.peer = peer;
window.start = async (bootstrap, kind) => {
  const { port1, port2 } = new MessageChannel();
  if (kind === 'rtc') serveRtc(port1);
  else servePageTransport(port1);
  await peer.start(bootstrap, transfer({ kind, port: port2 }, [port2]));
};
