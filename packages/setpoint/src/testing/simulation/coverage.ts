/** Which action followed which in a run, as numbers: what a search counts as new. */
export class Coverage {
  readonly edges = new Set<number>();
  #last = 0;

  note(action: string): void {
    let hash = 17;
    for (let index = 0; index < action.length; index++) hash = (Math.imul(hash, 31) + action.charCodeAt(index)) | 0;
    this.edges.add(Math.imul(this.#last, 7) ^ hash);
    this.#last = hash;
  }
}
