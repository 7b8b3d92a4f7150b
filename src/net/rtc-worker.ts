/**
 * The worker's side of the WebRTC bridge: an RTCPeerConnection façade over the real one on the page. It has
 * only what @libp2p/webrtc uses. Install it before @libp2p/webrtc is imported.
 */
import { INIT_CHANNEL } from './rtc-init.ts';
import type { Call, ToPage, ToWorker } from './rtc-messages.ts';

const CHANNEL_EVENTS = ['open', 'close', 'closing', 'error', 'message', 'bufferedamountlow'];

/** Dispatches to the `on…` property and to listeners, as the real objects do. */
function emit(target: EventTarget, event: Event): void {
  const property = (target as unknown as Record<string, unknown>)['on' + event.type];
  if (typeof property === 'function') property.call(target, event);
  target.dispatchEvent(event);
}

function copyOf(e: Event): Event {
  if (e.type === 'message')
    return new MessageEvent('message', { data: (e as MessageEvent<unknown>).data });
  if (e.type === 'error')
    return Object.assign(new Event('error'), { error: (e as RTCErrorEvent).error });
  return new Event(e.type);
}

/** A data channel that exists at once, and is joined to the real channel when that arrives from the page. */
class Channel extends EventTarget {
  readonly label: string;
  readonly protocol: string;
  #real: RTCDataChannel | undefined;
  #binaryType: BinaryType = 'arraybuffer';
  #low = 0;
  #closed = false;

  constructor(label: string, protocol = '') {
    super();
    this.label = label;
    this.protocol = protocol;
  }

  attach(real: RTCDataChannel): void {
    this.#real = real;
    real.binaryType = this.#binaryType;
    real.bufferedAmountLowThreshold = this.#low;
    for (const type of CHANNEL_EVENTS)
      real.addEventListener(type, (e: Event) => emit(this, copyOf(e)));
    if (this.#closed) real.close();
    else if (real.readyState === 'open') queueMicrotask(() => emit(this, new Event('open')));
  }

  get readyState(): RTCDataChannelState {
    return this.#real?.readyState ?? (this.#closed ? 'closed' : 'connecting');
  }
  get id(): number | null {
    return this.#real?.id ?? null;
  }
  get bufferedAmount(): number {
    return this.#real?.bufferedAmount ?? 0;
  }
  get binaryType(): BinaryType {
    return this.#binaryType;
  }
  set binaryType(type: BinaryType) {
    this.#binaryType = type;
    if (this.#real) this.#real.binaryType = type;
  }
  get bufferedAmountLowThreshold(): number {
    return this.#low;
  }
  set bufferedAmountLowThreshold(bytes: number) {
    this.#low = bytes;
    if (this.#real) this.#real.bufferedAmountLowThreshold = bytes;
  }

  send(data: ArrayBuffer): void {
    if (!this.#real) throw new DOMException('the channel is not open', 'InvalidStateError');
    this.#real.send(data);
  }
  close(): void {
    this.#closed = true;
    this.#real?.close();
  }
}

/** Calls, connections and channels share one counter. */
let lastId = 0;
const connections = new Map<number, Connection>();
let post: (message: ToPage) => void = () => {
  throw new Error('installRtc was not called');
};

class Connection extends EventTarget {
  /** The page's connection makes its own certificate (ECDSA P-256); this one is a placeholder. */
  static async generateCertificate(): Promise<object> {
    return {};
  }
  readonly #pc = ++lastId;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #channels = new Map<number, Channel>();
  connectionState: RTCPeerConnectionState = 'new';
  iceConnectionState: RTCIceConnectionState = 'new';
  signalingState: RTCSignalingState = 'stable';
  iceGatheringState: RTCIceGatheringState = 'new';
  localDescription: RTCSessionDescriptionInit | null = null;
  remoteDescription: RTCSessionDescriptionInit | null = null;

  constructor(configuration?: RTCConfiguration) {
    super();
    connections.set(this.#pc, this);
    const iceServers = structuredClone(configuration?.iceServers ?? []);
    post({ op: 'new', pc: this.#pc, iceServers });
  }

  createDataChannel(label: string, init?: RTCDataChannelInit): Channel {
    const channel = new Channel(label, init?.protocol);
    const key = ++lastId;
    this.#channels.set(key, channel);
    post({ op: 'channel', pc: this.#pc, key, label, init });
    return channel;
  }

  #call<T>(call: Call, argument?: unknown): Promise<T> {
    const id = ++lastId;
    const waiting = Promise.withResolvers<unknown>();
    if (!connections.has(this.#pc)) waiting.reject(new Error('the connection is closed'));
    else {
      this.#calls.set(id, waiting);
      post({ op: 'call', pc: this.#pc, id, call, argument });
    }
    return waiting.promise as Promise<T>;
  }

  createOffer(options?: RTCOfferOptions): Promise<RTCSessionDescriptionInit> {
    return this.#call('createOffer', options);
  }
  createAnswer(): Promise<RTCSessionDescriptionInit> {
    return this.#call('createAnswer');
  }
  async setLocalDescription(d?: RTCSessionDescriptionInit): Promise<void> {
    const plain = d && { type: d.type, sdp: d.sdp };
    this.localDescription = await this.#call('setLocalDescription', plain);
  }
  async setRemoteDescription(d: RTCSessionDescriptionInit): Promise<void> {
    await this.#call('setRemoteDescription', { type: d.type, sdp: d.sdp });
    this.remoteDescription = d;
  }
  addIceCandidate(c?: { toJSON?(): RTCIceCandidateInit } & RTCIceCandidateInit): Promise<void> {
    return this.#call('addIceCandidate', c?.toJSON?.() ?? c);
  }

  close(): void {
    if (!connections.delete(this.#pc)) return;
    post({ op: 'close', pc: this.#pc });
    this.connectionState = 'closed';
    this.signalingState = 'closed';
    for (const waiting of this.#calls.values()) waiting.reject(new Error('closed'));
    this.#calls.clear();
    this.#channels.clear();
  }

  onMessage(message: ToWorker): void {
    if (message.type === 'result' || message.type === 'error') {
      const waiting = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if (message.type === 'result') waiting?.resolve(message.value);
      else waiting?.reject(new Error(message.message));
    } else if (message.type === 'channel') {
      this.#channels.get(message.key)?.attach(message.channel);
      this.#channels.delete(message.key);
    } else if (message.type === 'datachannel') {
      const channel = new Channel(message.label, message.protocol);
      channel.attach(message.channel);
      // See rtc-init.ts.
      if (message.label === INIT_CHANNEL) channel.close = () => {};
      emit(this, Object.assign(new Event('datachannel'), { channel }));
    } else if (message.type === 'candidate') {
      const candidate = message.candidate && new Candidate(message.candidate);
      emit(this, Object.assign(new Event('icecandidate'), { candidate }));
    } else {
      Object.assign(this, message.states);
      emit(this, new Event(message.event));
    }
  }
}

class Candidate {
  readonly #init: RTCIceCandidateInit;
  constructor(init: RTCIceCandidateInit) {
    this.#init = init;
    Object.assign(this, init);
  }
  toJSON(): RTCIceCandidateInit {
    return this.#init;
  }
}

class Description {
  readonly type: RTCSdpType;
  readonly sdp: string | undefined;
  constructor({ type, sdp }: RTCSessionDescriptionInit) {
    this.type = type;
    this.sdp = sdp;
  }
}

/** Defines the façade in this worker, over a port whose other end has `serveRtc`. */
export function installRtc(port: MessagePort): void {
  post = (message) => port.postMessage(message);
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => connections.get(data.pc)?.onMessage(data);
  Object.assign(globalThis, {
    RTCPeerConnection: Connection,
    RTCIceCandidate: Candidate,
    RTCSessionDescription: Description,
  });
}
