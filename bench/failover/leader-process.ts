import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { LeaderElector, type LeaderElectionOptions } from 'setpoint/coordination';

/** What a process of leaders is started with. */
export interface LeadersSetup {
  readonly endpoint: string;
  readonly times: Omit<LeaderElectionOptions, 'name'>;
  /** The elections that it leads, all of them. */
  readonly names: readonly string[];
}

/** Leads until it is told to stop, or killed. Says `leading` when it leads everywhere. */
const { endpoint, times, names } = JSON.parse(process.argv[2]!) as LeadersSetup;
const store = etcdStore({ endpoints: endpoint });
const stop = new AbortController();
const electors = names.map((name) => new LeaderElector({ ...times, name, store }));
// Not all at one moment, or all would renew at one moment. One that is deposed on a busy machine tells nothing.
const runs = electors.map(async (elector) => {
  await wait(Math.random() * times.retryPeriodMs!);
  await elector.run(stop.signal).catch(() => {});
});
process.on('message', () => stop.abort());
process.on('disconnect', () => process.exit(0));
await Promise.all(electors.map((elector) => elector.whenLeading()));
process.send!('leading');
await Promise.all(runs);
await store.close();
process.exit(0);
