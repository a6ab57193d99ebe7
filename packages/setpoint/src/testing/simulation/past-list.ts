import type { RangeRequest, RangeResponse, Revision, Store } from '../../store/index.ts';

/** Answers the next list of each prefix in `listAt` as it was at that revision, as a member does that is behind. */
export async function pastList(
  store: Store,
  listAt: Map<string, Revision>,
  request: RangeRequest,
): Promise<RangeResponse> {
  const prefix = 'prefix' in request ? Buffer.from(request.prefix as Uint8Array).toString() : '';
  const revision = listAt.get(prefix);
  if (revision === undefined) return store.range(request);
  listAt.delete(prefix);
  const answer = await store.range({ ...request, revision });
  return { ...answer, revision };
}
