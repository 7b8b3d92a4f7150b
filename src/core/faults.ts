/**
 * Bad data from outside is a returned fault, never an exception. One table says what each fault means: what its
 * verdict depends on, its penalty, whom it blames and whether it is final. A code that lacks one of these does
 * not compile, nor does one with a penalty for what an honest peer elsewhere in the chain sees otherwise.
 */

/**
 * Penalty points for faults that only a peer with the state or the model can find: in a block's execution or
 * its replay. A peer that relays such a block may be honest and have neither, and making one costs the work
 * of a block; still, ten within 20 minutes are a ban (net/penalties.ts forgives points over time).
 */
const PASSED_ON = 10;

/** Who is to blame for a fault that was found in a block, or in what was sent with it. */
export type Blamed =
  /** The block: its id commits to what is wrong, so no peer can send a correct version. */
  | 'block'
  /** Its body: the block is to blame if the header commits to this body, else the peer that sent it. */
  | 'body'
  /** The sender of these bytes: another peer may send the right ones. */
  | 'sender'
  /** Nobody: the cause is timing, or something that this node lacks. */
  | 'nobody';

/** What becomes of a waiting transaction of our own once a pool refuses it for this fault. */
export type Finality =
  /** It goes on waiting: it may be valid later, or its sender's next balance or its expiry decides. */
  | 'passes'
  /** No block can hold it any more: its nonce is freed, so that later transactions need not wait for it. */
  | 'final';

/** What the verdict follows from, and so what it may cost. */
type Basis =
  /** The bytes, what they commit to and what this node asked for: every node comes to the same verdict. */
  | {
      readonly dependsOn: 'bytes';
      /** Points that the sending peer is charged; at 100 it is banned. */
      readonly penalty: number;
    }
  /**
   * This node's head, state, pool, branches or clock. Outside a block it costs nothing: a peer that is ahead,
   * behind or on another branch sends it in good faith, and a node must not ban those that it learns from.
   */
  | { readonly dependsOn: 'view'; readonly penalty: 0 };

type Meaning = Basis & {
  readonly blames: Blamed;
  readonly finality: Finality;
};

// The rows are made by calls. These annotations let the bundler drop the table where only codes are named.

/* @__NO_SIDE_EFFECTS__ */
function row(penalty: number, blames: Blamed, finality: Finality = 'passes'): Meaning {
  return { dependsOn: 'bytes', penalty, blames, finality };
}

/* @__NO_SIDE_EFFECTS__ */
function view(blames: Blamed, finality: Finality = 'passes'): Meaning {
  return { dependsOn: 'view', penalty: 0, blames, finality };
}

/* @__NO_SIDE_EFFECTS__ */
function wire(penalty: number): Meaning {
  return row(penalty, 'sender');
}

/** Broken rule of headers. It blames the block, because the block id is the hash of the header. */
/* @__NO_SIDE_EFFECTS__ */
function header(penalty: number): Meaning {
  return row(penalty, 'block');
}

/** Broken rule of transactions alone. It blames the block that contains such a transaction. */
/* @__NO_SIDE_EFFECTS__ */
function tx(penalty: number, finality: Finality): Meaning {
  return row(penalty, 'block', finality);
}

/** Broken rule of a transaction at its place in the chain: a block commits to the place, a pool only guesses it. */
/* @__NO_SIDE_EFFECTS__ */
function placed(finality: Finality): Meaning {
  return view('block', finality);
}

/** Broken rule of the pool alone; blocks are not bound by it. */
/* @__NO_SIDE_EFFECTS__ */
function pool(): Meaning {
  return view('nobody');
}

export const FAULTS = {
  // wire
  'wire.malformed': wire(100),
  'wire.too-large': wire(100),
  'wire.unasked': wire(20),
  'wire.rate': wire(10),
  /** Of a version of the rules that this program does not know: its sender does, and is right to send it. */
  'wire.newer': view('nobody'),
  /** A peer's headers had the most work, but it did not send their proofs. */
  'wire.unproven': wire(50),
  /** Bytes of a model that do not match its hash. No ban at once: a disk may have corrupted them. */
  'wire.model': wire(50),
  // header
  'header.version': header(100),
  'header.knows': header(100),
  'header.height': header(100),
  'header.parent-unknown': view('nobody'),
  'header.mmr-root': header(100),
  'header.time-order': header(100),
  /** Two honest clocks that are each off by the limit disagree by twice as much. */
  'header.time-future': view('nobody'),
  'header.slip': header(100),
  /** So many blocks before its date that its target can't be met: no chain gets there, and no clock is needed. */
  'header.too-soon': row(0, 'nobody'),
  'header.total-work': header(100),
  'header.model': header(100),
  'header.state-root': header(PASSED_ON),
  'header.known-invalid': header(PASSED_ON),
  // body
  'body.root': row(50, 'body'),
  'body.size': row(100, 'body'),
  'body.duplicate': row(100, 'body'),
  'body.shares': row(100, 'body'),
  'body.votes': row(100, 'body'),
  // proof: a bad proof never marks a block id as invalid
  'proof.shape': row(100, 'sender'),
  'proof.digest': row(100, 'sender'),
  'proof.range': row(100, 'sender'),
  'proof.rows': row(100, 'sender'),
  'proof.columns': row(100, 'sender'),
  'proof.target': row(100, 'sender'),
  // what the header's proof digest commits to, and a replay shows not to come from this unit
  'proof.activations': row(PASSED_ON, 'block'),
  'proof.transcript': row(PASSED_ON, 'block'),
  'proof.earlier-winner': row(PASSED_ON, 'block'),
  // what was asked for, and has no place here by the time it comes
  /** A part of a block on a branch that was given up meanwhile. */
  'sync.unplaced': view('nobody'),
  // transactions
  'tx.chain': tx(50, 'final'),
  'tx.signature': tx(100, 'final'),
  'tx.expired': placed('passes'),
  'tx.expiry-far': placed('passes'),
  'tx.nonce': placed('passes'),
  'tx.balance': placed('passes'),
  'tx.amount': tx(50, 'final'),
  /** The payee may have an account by then. */
  'tx.dust': placed('passes'),
  'tx.overflow': placed('passes'),
  'tx.channel-limit': tx(50, 'final'),
  'tx.channel-lifetime': tx(50, 'final'),
  /** The next height may have room. */
  'tx.channel-full': placed('passes'),
  'tx.close-nonce': tx(50, 'final'),
  'tx.close-fee': tx(50, 'final'),
  /** Its channel may be opened, or opened again on another branch. */
  'tx.close-unknown': placed('passes'),
  // What a channel is, is fixed by its id; but a peer that lacks its leaf can't know, and may pass these on.
  'tx.close-provider': placed('final'),
  'tx.close-amount': placed('final'),
  'tx.close-voucher': placed('final'),
  'tx.known': pool(),
  'tx.fee-low': pool(),
  'tx.pool-full': pool(),
  /** The state that it is judged on is not here yet. */
  'tx.unjudged': pool(),
  /** An offer that its provider did not sign for this network; who passes one on has to look. */
  'offer.signature': row(100, 'sender'),
  // state: the opened parts that a peer sent; the block is not to blame for them
  'state.witness': row(50, 'sender'),
  'state.proof': row(50, 'sender'),
  /** Opened against a state root from a header. A false header costs its work, yet may be the head for a while. */
  'state.root': row(PASSED_ON, 'sender'),
} as const satisfies Record<string, Meaning>;

export type FaultCode = keyof typeof FAULTS;

export interface Fault {
  readonly fault: FaultCode;
  /** For the log only: no decision depends on it. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Index of the transaction in its block, for a fault of a transaction in a block. */
  readonly index?: number;
}

export const fault = (code: FaultCode, context: Record<string, unknown> = {}): Fault => ({
  fault: code,
  context,
});

/** A transaction's fault as the fault of the block that contains the transaction at `index`. */
export const inBlock = (f: Fault, index: number): Fault => ({ ...f, index });

/** Points that the sending peer is charged. A block commits to its place: there, no view excuses a fault. */
export const penaltyOf = (f: Fault): number =>
  f.index === undefined ? FAULTS[f.fault].penalty : PASSED_ON;

/**
 * Whether a peer is charged for this where it was asked. Who lacks the model follows a false block in good faith, and
 * names its head as often as it is asked.
 */
export const isChargedWhenAsked = (f: Fault): boolean => f.fault !== 'header.known-invalid';

/** Who is to blame for a fault that was found in a block, or in what was sent with it. */
export const blames = (f: Fault): Blamed => FAULTS[f.fault].blames;

/** Whether a waiting transaction with this fault can never be in a block any more. */
export const isFinal = (f: Fault): boolean => FAULTS[f.fault].finality !== 'passes';

export const isFault = (x: unknown): x is Fault =>
  typeof x === 'object' && x !== null && typeof (x as Fault).fault === 'string';

/** One line for the log. */
export function describeFault({ fault: code, context, index }: Fault): string {
  const facts = Object.entries(index === undefined ? context : { ...context, index });
  return [code, ...facts.map(([name, value]) => `${name}=${String(value)}`)].join(' ');
}
