const GAP = '   ';

/**
 * Columns as kubectl aligns them: each as wide as its widest cell, three blanks in between, nothing after the last.
 * Rows that are added later keep to the widths of the first ones, as far as they fit.
 */
export class Table {
  readonly #widths: number[] = [];

  /** The rows as lines. */
  lines(rows: readonly (readonly string[])[]): string[] {
    for (const row of rows) {
      row.forEach((cell, column) => (this.#widths[column] = Math.max(this.#widths[column] ?? 0, cell.length)));
    }
    return rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(this.#widths[column]!))
        .join(GAP)
        .trimEnd(),
    );
  }
}
