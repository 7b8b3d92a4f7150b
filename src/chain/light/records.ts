/**
 * Keys and values of a light client's store. Headers lie in numbered segments: a branch gets a segment
 * of its own and shares its parents' segments below its fork, so that a reorganisation of any depth
 * moves nothing but the record of paths.
 *
 * | key | value |
 * |---|---|
 * | `paths` | the branches and the head |
 * | `l/<segment>/<height>` | id and header |
 * | `c/<segment>/<height>` | chain point, every 256th height |
 * | `j/<id>` | height of a header, on some branch |
 * | `p/<id>` | proof of work that passed the light check |
 * | `k/<id>` | height, winning linear and tile of a block whose proof passed |
 * | `b/<id>` `i/<height>/<id>` | body of a block, and that it is here |
 * | `a/<id>` | back-links of a block that was executed here |
 * | `t/<tx id>/<id>` | position of a transaction in a kept block |
 * | `r/<channel id>/<id>` | position of its close in a kept block |
 * | `base` `s/<key>` | the block whose following state is stored, and its leaves |
 * | `q` | the random sample of older blocks |
 * | `secret` | what the draws of audits follow from, 32 bytes; it outlives a wiped chain |
 */
import { hash32, list, struct, u32, u8, type Value } from '../../core/codec.ts';
import { DRAWS_MAX } from '../../core/header/draws.ts';
import { toHex } from '../../lib/bytes.ts';
import { digits } from '../store/records.ts';

export const LIGHT_SCHEMA = 5;
/** Segments of one path: grows by one for each branch that won. */
const SEGMENTS_MAX = 4096;
/** Branches kept, the head's included. Their headers cost nothing to make, so they must be few. */
export const PATHS_MAX = 8;
/** Older blocks whose proofs are kept: those drawn of the branch that was adopted last. */
export const SAMPLE_MAX = DRAWS_MAX;

/** From height `from` on, headers are in the segment of that number. */
export const Segment = struct({ number: u32, from: u32 });
export type Segment = Value<typeof Segment>;

/** Heights `from`..`to`−1 of a segment. */
export interface HeaderRange {
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

export const PathsRecord = struct({
  nextSegment: u32,
  /** Index in `paths` and height of the head. */
  headPath: u32,
  headHeight: u32,
  paths: list(struct({ segments: list(Segment, SEGMENTS_MAX), tip: u32 }), PATHS_MAX),
});
export type PathsRecord = Value<typeof PathsRecord>;

export const Sample = list(struct({ height: u32, id: hash32 }), SAMPLE_MAX);
export type Sample = Value<typeof Sample>;

export const Checked = struct({ height: u32, model: u8, linear: u8, tile: u32 });
export type Checked = Value<typeof Checked>;

export const Base = struct({ id: hash32, height: u32 });
export type Base = Value<typeof Base>;

export const lightKey = {
  paths: 'paths',
  sample: 'q',
  secret: 'secret',
  header: (segment: number, height: number) => `l/${digits(segment)}/${digits(height)}`,
  point: (segment: number, height: number) => `c/${digits(segment)}/${digits(height)}`,
  proof: (id: Uint8Array) => `p/${toHex(id)}`,
  checked: (id: Uint8Array) => `k/${toHex(id)}`,
  height: (id: Uint8Array) => `j/${toHex(id)}`,
  body: (id: Uint8Array) => `b/${toHex(id)}`,
  bodyAt: (height: number, id: Uint8Array) => `i/${digits(height)}/${toHex(id)}`,
  links: (id: Uint8Array) => `a/${toHex(id)}`,
  tx: (txId: Uint8Array, block?: Uint8Array) => `t/${toHex(txId)}/${block ? toHex(block) : ''}`,
  closeOf: (channel: Uint8Array, block?: Uint8Array) =>
    `r/${toHex(channel)}/${block ? toHex(block) : ''}`,
  base: 'base',
};
