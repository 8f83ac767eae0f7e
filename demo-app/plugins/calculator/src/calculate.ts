/** Arithmetic: `+ - * / ^`, parentheses and signs. */

/** Longest expression, in characters. It also bounds how deep parentheses go. */
const LONGEST = 200;

/**
 * The result of an expression; undefined when the text is no valid one. Division by zero has no
 * result either.
 */
export function calculate(text: string): number | undefined {
  if (text.length > LONGEST) return undefined;
  const tokens = text.match(/\d+(\.\d+)?|[-+*/^()]|\S/g) ?? [];
  let at = 0;
  const take = (operators: string) => {
    const token = tokens[at];
    if (token === undefined || !operators.includes(token)) return undefined;
    at += 1;
    return token;
  };

  const sum = (): number => {
    let value = product();
    for (let operator = take('+-'); operator !== undefined; operator = take('+-'))
      value += operator === '+' ? product() : -product();
    return value;
  };
  const product = (): number => {
    let value = signed();
    for (let operator = take('*/'); operator !== undefined; operator = take('*/')) {
      const other = signed();
      value = operator === '*' ? value * other : value / other;
    }
    return value;
  };
  const signed = (): number => (take('-') ? -signed() : take('+') ? signed() : power());
  const power = (): number => {
    const base = single();
    return take('^') ? base ** signed() : base;
  };
  const single = (): number => {
    if (take('(')) {
      const value = sum();
      return take(')') ? value : Number.NaN;
    }
    const token = tokens[at] ?? '';
    at += 1;
    return /^\d/.test(token) ? Number(token) : Number.NaN;
  };

  const value = sum();
  return at === tokens.length && Number.isFinite(value) ? value : undefined;
}
