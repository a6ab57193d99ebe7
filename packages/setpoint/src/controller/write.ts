/** A write that an attempt made. */
export interface Write {
  /** The kind that was written. */
  readonly kind: string;
  /** The object's key. */
  readonly key: string;
  readonly revision: bigint;
}
