/** The ends of branches, as the fork choice compares them (core's header/fork-choice.ts). */
import {
  headTip,
  KEPT_BEHIND,
  MEAN_DEEP,
  type BranchTip,
  type HeadTip,
} from '../../core/header/fork-choice.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import { headerWork } from '../../core/header/target.ts';
import type { Params } from '../../core/params.ts';
import type { Header } from '../../core/formats.ts';

export const tipOf = (params: Params, header: Header): BranchTip => ({
  totalWork: header.totalWork,
  work: headerWork(params, header),
});

/** A head as others are measured by it. */
export interface HeadMeasure {
  readonly tip: HeadTip;
  /** Total work below which a branch is far behind. */
  readonly floor: bigint;
}

/** Heights of the head's chain whose total works measure the head. */
export const measuredAt = ({ height }: Header): { deep: number; floor: number } => ({
  deep: Math.max(0, height - MEAN_DEEP),
  floor: Math.max(0, height - KEPT_BEHIND),
});

/** @param totals of the head's chain at the heights of `measuredAt` */
export const measureHead = (
  params: Params,
  { header }: ChainPoint,
  totals: { readonly deep: bigint; readonly floor: bigint },
): HeadMeasure => ({
  tip: headTip(tipOf(params, header), header.height, totals.deep),
  floor: totals.floor,
});
