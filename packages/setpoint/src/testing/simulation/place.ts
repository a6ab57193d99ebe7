/** Where user code is in a stack: the innermost line that is neither setpoint's own nor Node's. */
export function placeOf(stack: string | undefined): { readonly place?: string } {
  const lines = stack?.split('\n').slice(1) ?? [];
  const foreign = lines.find((line) => !/node:|\/setpoint\/(src|dist)\/(?!.*\.test\.)|node_modules/.test(line));
  const at = (foreign ?? '').trim().replace(/^at /, '');
  return at === '' ? {} : { place: at };
}
