/**
 * Bad data from outside is a returned fault, never an exception. What a fault means stands in one table:
 * a code without a penalty, without whom it blames, or without whether it is final does not compile.
 */

/**
 * Points of what only a peer with the state or the model can see: a block's execution and its replay.
 * Whoever passed it on may be honest and without them, and to make one costs the work of a block; ten
 * within 20 minutes (net/penalties.ts forgives) are a ban all the same.
 */
const PASSED_ON = 10;

/** Who is to blame for a fault that was found in a block, or in what was sent with it. */
export type Blamed =
  /** The block: its id is bound to what is wrong, so nobody can send it right. */
  | 'block'
  /** Its body: that is the block, if the body is the one that the header commits to, else its sender. */
  | 'body'
  /** These bytes: another peer may send the right ones. */
  | 'sender'
  /** Timing, or what this node lacks. */
  | 'nobody';

/** What becomes of a transaction of ours that waits, once a pool refuses it for this. */
export type Finality =
  /** It may be valid later, or its sender's next balance or its expiry decides. */
  | 'passes'
  /** No block takes it any more: it gives its nonce back, for what comes after it would wait with it. */
  | 'final'
  /** Nor those of its sender that need it in a block before their own. */
  | 'final-for-followers';

interface Meaning {
  /** Points that the sender is charged; at 100 a peer is banned. */
  readonly penalty: number;
  readonly blames: Blamed;
  readonly finality: Finality;
}

// The annotations let a bundle that only names codes leave the table out: its rows are made by calls.

/* @__NO_SIDE_EFFECTS__ */
function row(penalty: number, blames: Blamed, finality: Finality = 'passes'): Meaning {
  return { penalty, blames, finality };
}

/* @__NO_SIDE_EFFECTS__ */
function wire(penalty: number): Meaning {
  return row(penalty, 'sender');
}

/** A rule of headers: the id is the hash of the header. */
/* @__NO_SIDE_EFFECTS__ */
function header(penalty: number): Meaning {
  return row(penalty, 'block');
}

/** A rule of transactions; in a block it is the block that holds what it must not. */
/* @__NO_SIDE_EFFECTS__ */
function tx(penalty: number, finality: Finality = 'passes'): Meaning {
  return row(penalty, 'block', finality);
}

/** A pool's own rule: no block breaks it. */
/* @__NO_SIDE_EFFECTS__ */
function pool(): Meaning {
  return row(0, 'nobody');
}

export const FAULTS = {
  // wire
  'wire.malformed': wire(100),
  'wire.too-large': wire(100),
  'wire.unasked': wire(20),
  'wire.rate': wire(10),
  /** Headers with the most work whose proofs it would not give. */
  'wire.unproven': wire(50),
  /** Bytes of a model that are not its. Not a ban at once: a disk may have spoiled them. */
  'wire.model': wire(50),
  // header
  'header.version': header(100),
  'header.height': header(100),
  'header.parent-unknown': row(0, 'nobody'),
  'header.mmr-root': header(100),
  'header.shares-root': header(100),
  'header.time-order': header(100),
  /** By whose clock? Two honest ones that are each two minutes off disagree by four. */
  'header.time-future': row(0, 'nobody'),
  'header.bits': header(100),
  'header.total-work': header(100),
  'header.model': header(100),
  'header.state-root': header(PASSED_ON),
  'header.job': header(PASSED_ON),
  'header.known-invalid': header(PASSED_ON),
  // body
  'body.root': row(50, 'body'),
  'body.size': row(100, 'body'),
  'body.counts': row(100, 'body'),
  'body.duplicate': row(100, 'body'),
  // proof: a bad witness never marks a block id invalid
  'proof.shape': row(100, 'sender'),
  'proof.digest': row(100, 'sender'),
  'proof.range': row(100, 'sender'),
  'proof.rows': row(100, 'sender'),
  'proof.columns': row(100, 'sender'),
  'proof.target': row(100, 'sender'),
  // what the header's proof digest commits to, and a replay shows to be another unit's
  'proof.activations': row(PASSED_ON, 'block'),
  'proof.transcript': row(PASSED_ON, 'block'),
  'proof.earlier-winner': row(PASSED_ON, 'block'),
  // transactions
  'tx.chain': tx(50, 'final'),
  'tx.signature': tx(100, 'final'),
  'tx.expired': tx(0),
  'tx.expiry-far': tx(20),
  'tx.nonce': tx(0),
  'tx.balance': tx(0),
  'tx.amount': tx(50, 'final'),
  'tx.overflow': tx(50),
  'tx.request-model': tx(20, 'final'),
  'tx.request-input': tx(50, 'final'),
  'tx.request-lifetime': tx(50, 'final'),
  'tx.request-full': tx(0),
  'tx.claim-closed': tx(0, 'final-for-followers'),
  /** The first one stands, and with it what answers it. */
  'tx.claim-twice': tx(0, 'final'),
  'tx.result-closed': tx(0, 'final'),
  'tx.result-claim': tx(0, 'final'),
  'tx.result-order': tx(0),
  // Passed on by peers without the model, who can't know: a lie costs its author a claim's fee, and ten
  // of them must not get honest peers banned.
  'tx.result-commitment': tx(0, 'final'),
  'tx.result-answer': tx(0, 'final'),
  'tx.result-budget': tx(0),
  'tx.known': pool(),
  'tx.fee-low': pool(),
  'tx.pool-full': pool(),
  // state: what was opened of it, which is not the block's doing
  'state.witness': row(20, 'sender'),
  'state.proof': row(50, 'sender'),
  /** Against a root that a header told: one that lies costs its work, and may be the head for a while. */
  'state.root': row(PASSED_ON, 'sender'),
} as const satisfies Record<string, Meaning>;

export type FaultCode = keyof typeof FAULTS;

export interface Fault {
  readonly fault: FaultCode;
  /** For the log: nothing is decided by it. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Of a transaction in a block: its place there. */
  readonly index?: number;
}

export const fault = (code: FaultCode, context: Record<string, unknown> = {}): Fault => ({
  fault: code,
  context,
});

/** The fault of a transaction as that of the block which contains it; `index` is its place there. */
export const inBlock = (f: Fault, index: number): Fault => ({ ...f, index });

/** Points that the sender is charged. In a block no chance of timing excuses a transaction's fault. */
export const penaltyOf = (f: Fault): number =>
  f.index === undefined ? FAULTS[f.fault].penalty : PASSED_ON;

/** Whom a fault blames that was found in a block, or in what was sent with it. */
export const blames = (f: Fault): Blamed => FAULTS[f.fault].blames;

/** Whether a transaction that waits can never be in a block any more. */
export const isFinal = (f: Fault): boolean => FAULTS[f.fault].finality !== 'passes';

/** Whether neither can those of its sender that need it in a block before their own. */
export const endsFollowers = (f: Fault): boolean =>
  FAULTS[f.fault].finality === 'final-for-followers';

export const isFault = (x: unknown): x is Fault =>
  typeof x === 'object' && x !== null && typeof (x as Fault).fault === 'string';

/** One line for the log. */
export function describeFault({ fault: code, context, index }: Fault): string {
  const facts = Object.entries(index === undefined ? context : { ...context, index });
  return [code, ...facts.map(([name, value]) => `${name}=${String(value)}`)].join(' ');
}
