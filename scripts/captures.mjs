/**
 * `npm run captures`: plays the deployment example and the command line in a real terminal (tmux, which has to be
 * there) and draws what stands on the screen: `docs/captures/*.svg`, each with its text beside it as `.txt`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ensureInstalled } from './install.mjs';
import { root, run } from './steps.mjs';
import { drawScreen, plainText } from './terminal-svg.mjs';

const SOCKET = `setpoint-captures-${process.pid}`;
const PORT = 7483;
const FOLDER = join(root, 'docs', 'captures');
const PATIENCE_MS = 60_000;

/** With nobody's own settings. @param {string[]} args */
const tmux = (...args) =>
  execFileSync('tmux', ['-L', SOCKET, '-f', '/dev/null', ...args], { cwd: root, encoding: 'utf8' });
/** The screen of a window, with its colours. @param {string} window */
const screenOf = (window) => tmux('capture-pane', '-e', '-p', '-t', window);

/** @param {string} window @param {(text: string) => boolean} holds @returns {Promise<string>} the screen that holds it */
async function until(window, holds) {
  for (let waited = 0; ; waited += 100) {
    const screen = screenOf(window);
    if (holds(plainText(screen))) return screen;
    if (waited > PATIENCE_MS) throw new Error(`it never came to that:\n${plainText(screen)}`);
    await wait(100);
  }
}

/** Types a command into the second window and waits until `holds`, or until the prompt is back. */
/** @param {string} command @param {(text: string) => boolean} [holds] */
async function type(command, holds = (text) => text.trimEnd().endsWith('\n$')) {
  tmux('send-keys', '-t', 'ctl', 'clear', 'Enter');
  await until('ctl', (text) => text.trim() === '$');
  tmux('send-keys', '-t', 'ctl', '-l', command);
  tmux('send-keys', '-t', 'ctl', 'Enter');
  return await until('ctl', (text) => text.includes(command) && holds(text));
}

/** @param {string} name @param {string} screen */
function keep(name, screen) {
  const lines = screen.trimEnd().split('\n');
  const shown = plainText(lines.at(-1) ?? '').trim() === '$' ? lines.slice(0, -1) : lines;
  writeFileSync(join(FOLDER, `${name}.svg`), drawScreen(shown));
  writeFileSync(join(FOLDER, `${name}.txt`), `${plainText(shown.join('\n'))}\n`);
  console.log(`docs/captures/${name}.svg`);
}

await ensureInstalled();
const { code, output } = await run(['tsc', '-b', 'examples/deployment']);
if (code !== 0) throw new Error(output);
mkdirSync(FOLDER, { recursive: true });
const programs = join(root, 'examples', 'deployment', 'dist');
try {
  tmux(
    'new-session',
    '-d',
    '-s',
    'demo',
    '-n',
    'demo',
    '-x',
    '132',
    '-y',
    '42',
    `node ${programs}/main.js --keep --port ${PORT}`,
  );
  // What a program said when it failed is to be read.
  tmux('set-option', '-g', 'remain-on-exit', 'on');
  keep('demo', await until('demo', (text) => text.includes('In another terminal')));
  tmux('new-window', '-d', '-n', 'ctl', `PS1='$ ' ENV= SETPOINT_SERVER=http://127.0.0.1:${PORT} sh`);
  tmux('send-keys', '-t', 'ctl', `ctl() { node ${programs}/ctl.js "$@"; }`, 'Enter');
  await type('ctl rollout status deploy/helloworld');
  keep('get', await type('ctl get deploy,rs,proc,no -o wide'));
  keep('describe', await type('ctl describe deploy/helloworld'));
  await type('ctl scale deploy/helloworld --replicas=8 && ctl rollout status deploy/helloworld');
  const restart = 'ctl rollout restart deploy/helloworld && ctl rollout status deploy/helloworld';
  keep('rollout-bar', await type(restart, (text) => /█.* [2-7]\/8/.test(text)));
  await until('ctl', (text) => text.includes('successfully rolled out'));
  keep('rollout-status', await type('ctl rollout status deploy/helloworld; ctl rollout history deploy/helloworld'));
  keep('events', await type('ctl events --for deploy/helloworld'));
} finally {
  tmux('send-keys', '-t', 'demo', 'C-c');
  await wait(3_000);
  tmux('kill-server');
}
