import { settle } from 'setpoint/testing';

/** The messages of the warnings that Node gives for what `act` does. */
export async function warningsOf(act: () => unknown): Promise<string[]> {
  const warned: string[] = [];
  const onWarning = ({ message }: Error): void => void warned.push(message);
  process.on('warning', onWarning);
  try {
    await act();
    await settle();
  } finally {
    process.off('warning', onWarning);
  }
  return warned;
}
