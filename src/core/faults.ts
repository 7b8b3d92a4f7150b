/**
 * Points of what only a peer with the state or the model can see: a block's execution and its replay.
 * Whoever passed it on may be honest and without them, and to make one costs the work of a block; ten
 * within 20 minutes (net/penalties.ts forgives) are a ban all the same.
 */
const PASSED_ON = 10;

/**
 * Bad data from outside is a returned fault, never an exception. A fault has a code, a context
 * for the log, and a penalty for the peer that sent it; a code without a penalty does not compile.
 * A peer is banned when its penalties reach 100.
 */
export const PENALTY = {
  // wire
  'wire.malformed': 100,
  'wire.too-large': 100,
  'wire.unasked': 20,
  'wire.rate': 10,
  /** Headers with the most work whose proofs it would not give. */
  'wire.unproven': 50,
  /** Bytes of a model that are not its. Not a ban at once: a disk may have spoiled them. */
  'wire.model': 50,
  // header
  'header.version': 100,
  'header.height': 100,
  'header.parent-unknown': 0,
  'header.mmr-root': 100,
  'header.shares-root': 100,
  'header.time-order': 100,
  /** By whose clock? Two honest ones that are each two minutes off disagree by four. */
  'header.time-future': 0,
  'header.bits': 100,
  'header.total-work': 100,
  'header.model': 100,
  'header.state-root': PASSED_ON,
  'header.job': PASSED_ON,
  'header.known-invalid': PASSED_ON,
  // body
  'body.root': 50,
  'body.size': 100,
  'body.counts': 100,
  'body.duplicate': 100,
  // proof: a bad witness never marks a block id invalid
  'proof.shape': 100,
  'proof.digest': 100,
  'proof.range': 100,
  'proof.rows': 100,
  'proof.columns': 100,
  'proof.target': 100,
  'proof.activations': PASSED_ON,
  'proof.transcript': PASSED_ON,
  'proof.earlier-winner': PASSED_ON,
  // transactions
  'tx.chain': 50,
  'tx.signature': 100,
  'tx.expired': 0,
  'tx.expiry-far': 20,
  'tx.nonce': 0,
  'tx.balance': 0,
  'tx.amount': 50,
  'tx.overflow': 50,
  'tx.request-model': 20,
  'tx.request-input': 50,
  'tx.request-lifetime': 50,
  'tx.request-full': 0,
  'tx.claim-closed': 0,
  'tx.claim-twice': 0,
  'tx.result-closed': 0,
  'tx.result-claim': 0,
  'tx.result-order': 0,
  // Told on by peers without the model, who can't know: a lie costs its author a claim's fee, and ten
  // of them must not get honest peers banned.
  'tx.result-commitment': 0,
  'tx.result-answer': 0,
  'tx.result-budget': 0,
  'tx.known': 0,
  'tx.fee-low': 0,
  'tx.pool-full': 0,
  // state
  'state.witness': 20,
  'state.proof': 50,
  /** Against a root that a header told: one that lies costs its work, and may be the head for a while. */
  'state.root': PASSED_ON,
} as const satisfies Record<string, number>;

export type FaultCode = keyof typeof PENALTY;

export interface Fault {
  readonly fault: FaultCode;
  readonly context: Readonly<Record<string, unknown>>;
}

export const fault = (code: FaultCode, context: Record<string, unknown> = {}): Fault => ({
  fault: code,
  context,
});

/** The fault of a transaction as that of the block which contains it; `index` is its place there. */
export const inBlock = (f: Fault, index: number): Fault => ({
  fault: f.fault,
  context: { ...f.context, index, inBlock: true },
});

/** Points that the sender is charged. In a block no chance of timing excuses a transaction's fault. */
export const penaltyOf = (f: Fault): number =>
  f.context.inBlock === true ? PASSED_ON : PENALTY[f.fault];

export const isFault = (x: unknown): x is Fault =>
  typeof x === 'object' && x !== null && typeof (x as Fault).fault === 'string';

export const describeFault = (f: Fault): string =>
  [f.fault, ...Object.entries(f.context).map(([k, v]) => `${k}=${String(v)}`)].join(' ');

/**
 * Rules are generators that yield every fault they see; the first one that is not switched off is
 * the verdict. `off` is empty but in attack runs, where a rule is switched off to show that its
 * attack would win without it.
 */
export function firstFault(
  off: ReadonlySet<FaultCode>,
  faults: Iterable<Fault>,
): Fault | undefined {
  for (const f of faults) if (!off.has(f.fault)) return f;
  return undefined;
}
