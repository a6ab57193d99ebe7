import type { RolloutProgress } from './cli-kind.ts';

const CELLS = 24;

/** One line that is drawn over itself: `deployment "web" ██████████░░░░░░░░ 3/5  1 old replicas are pending…` */
export function drawBar(title: string, { current, total, message }: RolloutProgress): string {
  const share = total === 0 ? 1 : Math.min(current / total, 1);
  const full = Math.round(share * CELLS);
  return `\r\x1b[K${title} ${'█'.repeat(full)}${'░'.repeat(CELLS - full)} ${current}/${total}  ${message}`;
}
