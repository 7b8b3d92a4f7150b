/** The page of browser.browser.test.ts: a dedicated worker runs the transport, the page lends WebRTC. */
import { canBridgeRtc, serveRtc } from '../../../src/net/rtc-page.ts';

export interface DialResult {
  readonly link: string;
  /** From start to a listed peer. */
  readonly connectMs: number;
  readonly statusMs: number;
  readonly agent: string;
}

declare global {
  interface Window {
    canBridgeRtc(): boolean;
    dial(bootstrap: string[]): Promise<DialResult>;
  }
}

window.canBridgeRtc = canBridgeRtc;
window.dial = (bootstrap) =>
  new Promise((resolve, reject) => {
    const worker = new Worker('/worker.js', { type: 'module' });
    const { port1, port2 } = new MessageChannel();
    const close = serveRtc(port1);
    worker.onmessage = ({ data }) => {
      worker.terminate();
      close();
      if (data.error) reject(new Error(data.error));
      else resolve(data);
    };
    worker.onerror = (e) => reject(new Error(e.message));
    worker.postMessage({ port: port2, bootstrap }, [port2]);
  });
