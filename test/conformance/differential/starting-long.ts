import fc from 'fast-check';

/** Lists that are drawn with at least `length` items and may still shrink below that. */
export function startingLong<T>(lists: fc.Arbitrary<T[]>, length: number): fc.Arbitrary<T[]> {
  return new StartingLong(lists, length);
}

class StartingLong<T> extends fc.Arbitrary<T[]> {
  readonly #lists: fc.Arbitrary<T[]>;
  readonly #length: number;

  constructor(lists: fc.Arbitrary<T[]>, length: number) {
    super();
    this.#lists = lists;
    this.#length = length;
  }

  override generate(random: fc.Random): fc.Value<T[]> {
    for (;;) {
      const drawn = this.#lists.generate(random, undefined);
      if (drawn.value.length >= this.#length) return drawn;
    }
  }

  override canShrinkWithoutContext(value: unknown): value is T[] {
    return this.#lists.canShrinkWithoutContext(value);
  }

  override shrink(value: T[], context: unknown): fc.Stream<fc.Value<T[]>> {
    return this.#lists.shrink(value, context);
  }
}
