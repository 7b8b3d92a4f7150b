/**
 * The messages between rtc-worker.ts and rtc-page.ts. Peer connections exist only in windows; their data
 * channels are moved to the worker, so that no payload passes through the page's thread.
 */
export const CALLS = [
  'createOffer',
  'createAnswer',
  'setLocalDescription',
  'setRemoteDescription',
  'addIceCandidate',
] as const;
export type Call = (typeof CALLS)[number];

export interface States {
  readonly connectionState: RTCPeerConnectionState;
  readonly iceConnectionState: RTCIceConnectionState;
  readonly signalingState: RTCSignalingState;
  readonly iceGatheringState: RTCIceGatheringState;
}

/** Worker to page; `pc` names the peer connection. */
export type ToPage =
  | { op: 'new'; pc: number; iceServers: RTCIceServer[] }
  | { op: 'channel'; pc: number; key: number; label: string; init: RTCDataChannelInit | undefined }
  | { op: 'call'; pc: number; id: number; call: Call; argument: unknown }
  | { op: 'close'; pc: number };

/** Page to worker. */
export type ToWorker =
  | { type: 'result'; pc: number; id: number; value: unknown }
  | { type: 'error'; pc: number; id: number; message: string }
  | { type: 'channel'; pc: number; key: number; channel: RTCDataChannel }
  | { type: 'datachannel'; pc: number; label: string; protocol: string; channel: RTCDataChannel }
  | { type: 'candidate'; pc: number; candidate: RTCIceCandidateInit | null }
  | { type: 'state'; pc: number; event: string; states: States };
