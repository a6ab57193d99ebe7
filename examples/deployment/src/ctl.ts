/**
 * The command line of the example: `npm run ctl -- get deploy`. Without more it talks to a running `npm start -- --keep`;
 * with ETCD_ENDPOINTS or `--endpoints` to the etcd that the parts of a cluster share.
 */
import { runCli } from '@setpoint/cli';
import { cliKinds } from './cli-kinds.ts';
import { stopSignal } from './stop-signal.ts';

process.exitCode = await runCli({ name: 'ctl', kinds: cliKinds, signal: stopSignal() }, process.argv.slice(2));
