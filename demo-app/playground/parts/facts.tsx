/** Names with their values, as a list. */

export function Facts({
  facts,
  panel = false,
}: {
  readonly facts: readonly (readonly [name: string, value: string | number])[];
  /** Whether it is a panel of its own. */
  readonly panel?: boolean;
}) {
  return (
    <dl class={panel ? 'facts panel' : 'facts'}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
