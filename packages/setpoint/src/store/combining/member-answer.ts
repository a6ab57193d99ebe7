import type { DeleteResponse, OperationResponse, PutResponse, Revision, TxnResponse } from '../port.ts';

/** What a put, a delete or a transaction answers when it is called by itself. */
export type WriteAnswer = PutResponse | DeleteResponse | TxnResponse;

/**
 * The answer of one member of a shared transaction as its own call would have given it: as if the members that write
 * had gone one by one, all at `revision`, and those that write nothing after them.
 *
 * Only revisions have to be mended. Within a transaction an answer names the revision before until something has been
 * written, by whichever member, so what a read or an idle delete names depends on its neighbours. By itself, a member
 * that writes names the revision before up to its own first change and `revision` from there on; one that changes
 * nothing names `revision` throughout, where all that it read still stands, since no other member wrote there.
 */
export function memberAnswer(response: OperationResponse, revision: Revision): WriteAnswer {
  if ('put' in response) return response.put;
  if ('delete' in response)
    return response.delete.revision === revision ? response.delete : { ...response.delete, revision };
  if ('range' in response) throw new TypeError('a read is no member of a shared transaction');
  const { txn } = response;
  if (txn.responses.every((each) => 'put' in each)) return txn;
  return new RevisionMending(revision, txn).answer;
}

class RevisionMending {
  readonly answer: TxnResponse;
  readonly #revision: Revision;
  /** What is named until the first change. */
  #standing: Revision;

  constructor(revision: Revision, txn: TxnResponse) {
    this.#revision = revision;
    this.#standing = changes({ txn }) ? revision - 1n : revision;
    this.answer = this.#txn(txn);
  }

  #txn(txn: TxnResponse): TxnResponse {
    return { ...txn, revision: this.#revision, responses: txn.responses.map((each) => this.#operation(each)) };
  }

  #operation(response: OperationResponse): OperationResponse {
    if ('txn' in response) return { txn: this.#txn(response.txn) };
    if (changes(response)) this.#standing = this.#revision;
    const revision = this.#standing;
    if ('range' in response) return { range: { ...response.range, revision } };
    if ('delete' in response) return { delete: { ...response.delete, revision } };
    return response;
  }
}

/** Whether something was written: a put always writes, a delete may have found nothing. */
function changes(response: OperationResponse): boolean {
  if ('txn' in response) return response.txn.responses.some(changes);
  return 'put' in response || ('delete' in response && response.delete.deleted > 0n);
}
