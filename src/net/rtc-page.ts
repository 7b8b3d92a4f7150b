/** The page's side of the WebRTC bridge: holds the real peer connections, a bounded number. */
import { CALLS, type States, type ToPage, type ToWorker } from './rtc-messages.ts';

/** Live peer connections: maxConnections of a browser and a few dials. Chromium allows 500. */
export const PEER_CONNECTIONS_MAX = 80;

const STATE_EVENTS = [
  'connectionstatechange',
  'iceconnectionstatechange',
  'signalingstatechange',
  'icegatheringstatechange',
];

const statesOf = (pc: RTCPeerConnection): States => ({
  connectionState: pc.connectionState,
  iceConnectionState: pc.iceConnectionState,
  signalingState: pc.signalingState,
  iceGatheringState: pc.iceGatheringState,
});

const FAILED: States = {
  connectionState: 'failed',
  iceConnectionState: 'failed',
  signalingState: 'closed',
  iceGatheringState: 'complete',
};

/** Whether data channels can be moved to a worker here (Chromium, Safari; not Firefox). */
export function canBridgeRtc(): boolean {
  if (typeof RTCPeerConnection === 'undefined') return false;
  const pc = new RTCPeerConnection();
  const { port1, port2 } = new MessageChannel();
  try {
    const channel = pc.createDataChannel('probe');
    port1.postMessage(channel, [channel]);
    return true;
  } catch {
    return false;
  } finally {
    port1.close();
    port2.close();
    pc.close();
  }
}

/** Serves a worker that called installRtc with the other end of the port; the returned function closes everything. */
export function serveRtc(port: MessagePort): () => void {
  const connections = new Map<number, RTCPeerConnection>();
  const send = (message: ToWorker, moved: unknown[] = []) =>
    port.postMessage(message, moved as Transferable[]);

  port.onmessage = ({ data }: MessageEvent<ToPage>) => {
    if (data.op === 'new') return open(data.pc, data.iceServers, connections, send);
    const pc = connections.get(data.pc);
    if (data.op === 'close') {
      pc?.close();
      connections.delete(data.pc);
    } else if (data.op === 'channel') {
      if (!pc) return;
      // The channel is moved in the task that created it: later the browser refuses to move it.
      const channel = pc.createDataChannel(data.label, data.init);
      send({ type: 'channel', pc: data.pc, key: data.key, channel }, [channel]);
    } else void call(data, pc, send);
  };
  return () => {
    port.close();
    for (const pc of connections.values()) pc.close();
    connections.clear();
  };
}

type Send = (message: ToWorker, moved?: unknown[]) => void;

function open(
  id: number,
  iceServers: RTCIceServer[],
  connections: Map<number, RTCPeerConnection>,
  send: Send,
): void {
  if (connections.size >= PEER_CONNECTIONS_MAX)
    return send({ type: 'state', pc: id, event: 'connectionstatechange', states: FAILED });
  const pc = new RTCPeerConnection({ iceServers });
  connections.set(id, pc);
  for (const event of STATE_EVENTS)
    pc.addEventListener(event, () => send({ type: 'state', pc: id, event, states: statesOf(pc) }));
  pc.onicecandidate = ({ candidate }) =>
    send({ type: 'candidate', pc: id, candidate: candidate?.toJSON() ?? null });
  pc.ondatachannel = ({ channel }) => {
    const { label, protocol } = channel;
    send({ type: 'datachannel', pc: id, label, protocol, channel }, [channel]);
  };
}

async function call(
  { pc: id, id: callId, call: name, argument }: Extract<ToPage, { op: 'call' }>,
  pc: RTCPeerConnection | undefined,
  send: Send,
): Promise<void> {
  try {
    if (!pc || !CALLS.includes(name)) throw new Error(`${name} on a closed connection`);
    const got = await (pc[name] as (argument: unknown) => Promise<unknown>)(argument);
    const description = name === 'setLocalDescription' ? pc.localDescription : got;
    const { type, sdp } = (description ?? {}) as RTCSessionDescriptionInit;
    send({ type: 'result', pc: id, id: callId, value: type && { type, sdp } });
  } catch (e) {
    send({ type: 'error', pc: id, id: callId, message: String(e) });
  }
}
