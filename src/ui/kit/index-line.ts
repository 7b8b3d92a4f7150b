/** One term and its value in an Index. */
export interface IndexLine {
  readonly label: string;
  /** Several have a dot between them. */
  readonly value: string | readonly string[];
  readonly note?: string | undefined;
  readonly link?: string | undefined;
  /** An id or address: in the mono face, over a whole line, never translated. */
  readonly long?: boolean;
}
