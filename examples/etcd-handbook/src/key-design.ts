/**
 * Key design for lookups. etcd finds by key and by range of keys, nothing else, so that what you look up by has to be in
 * a key. Rules that hold: most general part first; one separator, and every prefix ends with it; numbers padded, so
 * that their text sorts as they do; a second way to look up is a second key, written in the same transaction.
 *
 *     $ etcdctl get --prefix /handbook/orders/by-customer/ada/ --keys-only
 */
import { page, text } from './page.ts';

export const keyDesign = page(import.meta, async ({ store, say }) => {
  const place = async (number: number, customer: string): Promise<void> => {
    const id = String(number).padStart(6, '0');
    await store.txn({
      compares: [{ key: `/handbook/orders/by-id/${id}`, target: 'version', operator: '=', operand: 0n }],
      then: [
        { put: { key: `/handbook/orders/by-id/${id}`, value: customer } },
        { put: { key: `/handbook/orders/by-customer/${customer}/${id}`, value: '' } },
      ],
    });
  };
  for (const [number, customer] of [
    [9, 'ada'],
    [10, 'ada'],
    [11, 'adam'],
  ] as const)
    await place(number, customer);

  const names = async (prefix: string): Promise<string> => {
    const { kvs } = await store.range({ prefix, keysOnly: true });
    return kvs.map(({ key }) => text(key).slice(prefix.length)).join(' ');
  };
  say(`in the order of their numbers: ${await names('/handbook/orders/by-id/')}`);
  say(`of ada, and not of adam: ${await names('/handbook/orders/by-customer/ada/')}`);
});
